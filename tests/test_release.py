"""Releases: version, changelog and what is needed agree, and the changelog names what there is."""

import json
import re
import tomllib

import pytest
import yaml
from conftest import ROOT, Build

PROJECT = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
# Sections by their heading, the newest first.
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", CHANGELOG, re.MULTILINE | re.DOTALL))
RELEASES = [name for name in SECTIONS if name != "Unreleased"]


def rows(section: str) -> list[list[str]]:
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_version_is_that_of_the_newest_release() -> None:
    assert next(iter(SECTIONS)) == "Unreleased"
    assert RELEASES[0] == PROJECT["version"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == PROJECT["version"]
    lock = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    assert [p["version"] for p in lock if p["name"] == project["name"]] == [PROJECT["version"]]
    numbers = [[int(part) for part in name.split(".")] for name in RELEASES]
    assert all(len(number) == 3 for number in numbers)
    assert numbers == sorted(numbers, reverse=True)


def test_every_release_says_which_dbt_it_needs() -> None:
    for name in RELEASES:
        assert re.match(r"\nNeeds dbt `>=[\d.]+,<[\d.]+`\.\n", SECTIONS[name]), name
    needed = ",".join(PROJECT["require-dbt-version"])
    assert SECTIONS[RELEASES[0]].startswith(f"\nNeeds dbt `{needed}`.\n")
    # What is installed is within it, up to the same end.
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (core,) = (d for d in dependencies if d.startswith("dbt-core"))
    lowest, end = re.findall(r"[\d.]+", core)
    first, last = re.findall(r"[\d.]+", needed)

    def number(text: str) -> list[int]:
        return [int(part) for part in (*text.split("."), "0")[:3]]

    assert number(first) <= number(lowest) < number(end) == number(last)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_says_model_change_old_and_new(section: str) -> None:
    table = rows(section)
    if section == "Unreleased" and not table:
        return
    assert table[0] == ["model", "change", "old", "new"]
    assert len(table) > 2
    assert all(len(row) == 4 and row[0] and row[1] for row in table)


def test_the_newest_changes_are_of_models_that_there_are(sample: Build) -> None:
    manifest = json.loads((sample.target / "manifest.json").read_text())
    nodes = {node["name"] for node in manifest["nodes"].values()}
    told = [row for name in ("Unreleased", RELEASES[0]) for row in rows(name)[2:]]
    assert told
    for models, change, *_ in told:
        if change not in ("removed", "renamed") and not models.startswith("all"):
            assert {name.strip() for name in models.split(",")} <= nodes, models
