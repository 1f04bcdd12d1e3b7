"""What runs on GitHub: safe, pinned, and by scripts that run the same on a laptop."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from compare_revisions import main as compare_revisions
from conftest import ROOT

FOLDER = ROOT / ".github" / "workflows"
# PyYAML takes the key `on` for a boolean.
WORKFLOWS = {
    path.name: {
        "on" if key is True else key: value
        for key, value in yaml.safe_load(path.read_text()).items()
    }
    for path in sorted(FOLDER.glob("*.yml"))
}
# What else than reading the code a workflow or a job of it may do, and what starts it.
MORE_RIGHTS = {
    "comment.yml": (
        {"actions": "read", "pull-requests": "write"},
        {"workflow_run", "workflow_call"},
    ),
    "release.yml": ({"contents": "write"}, {"push"}),
}
HOW_TO = (ROOT / "docs" / "how-to" / "review-a-change.md").read_text(encoding="utf-8")


def steps(workflow: dict) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


@pytest.mark.parametrize(
    "command",
    [
        ["zizmor", "--offline", "--quiet", ".github"],
        [
            "check-jsonschema",
            "--builtin-schema",
            "vendor.github-workflows",
            *map(str, FOLDER.glob("*.yml")),
        ],
        ["check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"],
        ["shellcheck", ".ci/run"],
    ],
    ids=["zizmor", "workflows", "dependabot", "shellcheck"],
)
def test_the_linters_find_nothing(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_shell_of_each_step_is_sound(name: str, tmp_path: Path) -> None:
    scripts = [step["run"] for step in steps(WORKFLOWS[name]) if "run" in step]
    assert scripts
    for script in scripts:
        (tmp_path / "step.sh").write_text(script)
        command = ["shellcheck", "--shell", "bash", str(tmp_path / "step.sh")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_only_read_and_a_fork_sees_no_secret(name: str) -> None:
    workflow = WORKFLOWS[name]
    text = (FOLDER / name).read_text()
    assert "secrets" not in text
    assert "pull_request_target" not in workflow["on"]
    rights = [
        workflow["permissions"],
        *(job.get("permissions") for job in workflow["jobs"].values()),
    ]
    other = [r for r in rights if r not in (None, {"contents": "read"})]
    expected, starts = MORE_RIGHTS.get(name, (None, set()))
    assert other == ([expected] if expected else [])
    if expected:
        assert set(workflow["on"]) == starts
    if name == "comment.yml":
        assert "uses" not in text, "it may write: nothing of a fork comes near it"
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned_and_commands_are_made_of_nothing_from_outside(name: str) -> None:
    for step in steps(WORKFLOWS[name]):
        if "uses" in step:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]), step["uses"]
        assert "${{" not in step.get("run", ""), step
    for line in re.findall(r"uses: (.+)", (FOLDER / name).read_text()):
        assert re.search(r" # v[\d.]+$", line), line


def test_what_a_workflow_runs_is_here() -> None:
    """Parts of .ci/run, and scripts with the options that they have."""
    parts = set(WORKFLOWS["ci.yml"]["jobs"]["test"]["strategy"]["matrix"]["part"])
    run = (ROOT / ".ci" / "run").read_text()
    (known,) = re.findall(r"^  (all [a-z_| ]+)\) ;;$", run, re.MULTILINE)
    assert {*parts, "spark"} < set(known.split(" | "))
    listed = set(
        re.findall(
            r"(?:^|[ \"])\.?/?((?:scripts|tests|\.ci)/[\w.]+)",
            "\n".join(
                step["run"].replace("$PACKAGE/", "")
                for w in WORKFLOWS.values()
                for step in steps(w)
                if "run" in step
            ),
        )
    )
    assert {
        "scripts/compare_revisions.py",
        "scripts/mutate.py",
        "scripts/benchmark.py",
        ".ci/run",
    } <= listed
    assert [path for path in listed if not (ROOT / path).is_file()] == []
    tests = set(re.findall(r"tests/test_\{([\w,]+)\}", run))
    names = [name for group in tests for name in group.split(",")]
    assert [name for name in names if not (ROOT / "tests" / f"test_{name}.py").is_file()] == []


def test_an_unknown_part_is_told_which_there_are() -> None:
    command = ["bash", str(ROOT / ".ci" / "run"), "everything"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "bash .ci/run pull_request [BASE]" in done.stderr


@pytest.mark.parametrize(
    ("description", "code", "reason"),
    [
        ("Two more of them.\r\nMoves customers since: three orders are enough\r\n", 0, "three orders are enough"),
        ('Moves customers since: $(touch here) "; touch here\n', 1, '$(touch here) "; touch here'),
        ("", 1, None),
    ],
)  # fmt: skip
def test_a_reason_in_the_description_reaches_the_comment(
    tmp_path: Path, description: str, code: int, reason: str | None
) -> None:
    """The step as it stands, with a uv that writes down what it is called with."""
    (step,) = (s for s in steps(WORKFLOWS["compare.yml"]) if s.get("name") == "Compare")
    uv = tmp_path / "uv"
    called = 'import json, os, sys; json.dump(sys.argv[1:], open("called.json", "w")); sys.exit(int(os.environ["CODE"]))'
    uv.write_text(f"#!/usr/bin/env python3\n{called}\n")
    uv.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "PACKAGE": "dbt_packages/customer_segmentation",
        "ARGUMENTS": "--max-moved 2% --max-moved rfm=5%",
        "BASE": "main",
        "DESCRIPTION": description,
        "CODE": str(code),
    }
    command = ["bash", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == code, done.stderr
    arguments = json.loads((tmp_path / "called.json").read_text())
    assert "origin/main" in arguments
    assert arguments[-4 if reason is None else -6 :][:4] == [
        "--max-moved",
        "2%",
        "--max-moved",
        "rfm=5%",
    ]
    assert ("--reason" in arguments) == (reason is not None)
    assert reason is None or arguments[-1] == reason
    assert not (tmp_path / "here").exists()
    # It wrote nothing, which is told.
    assert "Nothing was compared" in (tmp_path / "summary.md").read_text()


def test_ten_lines_are_enough_for_another_repository() -> None:
    blocks = re.findall(r"^```yaml \S*\n(.*?)^```$", HOW_TO, re.MULTILINE | re.DOTALL)
    caller = yaml.safe_load(blocks[0])
    assert len(blocks[0].splitlines()) <= 10
    assert caller["permissions"] == {"contents": "read"}
    (job,) = caller["jobs"].values()
    assert re.search(r"/\.github/workflows/compare\.yml@", job["uses"])
    inputs = WORKFLOWS["compare.yml"]["on"]["workflow_call"]["inputs"]
    assert set(job.get("with", {})) <= set(inputs)
    commenting = yaml.safe_load(blocks[1])
    assert commenting[True]["workflow_run"]["workflows"] == [caller["name"]]
    assert commenting["permissions"] == WORKFLOWS["comment.yml"]["permissions"]


def test_the_options_that_are_named_are_there(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        compare_revisions(["--help"])
    known = set(re.findall(r"--[\w-]+", capsys.readouterr().out))
    text = (FOLDER / "compare.yml").read_text() + HOW_TO
    lines = [
        line for line in text.splitlines() if re.search(r"revisions\.py|arguments: ", line.lower())
    ]
    used = set(re.findall(r"--[\w-]+", "\n".join(lines)))
    assert {"--max-moved", "--twice", "--customers", "--state", "--target"} <= used
    # Of uv, before the script.
    assert used - known <= {"--locked", "--project"}


def test_the_devcontainer_runs_what_the_readme_says() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    first, second = re.findall(
        r"^```\n((?:pip|uv) .*)\n```$", (ROOT / "README.md").read_text(), re.MULTILINE
    )[:2]
    assert container["onCreateCommand"] == first
    assert container["postCreateCommand"] == second
