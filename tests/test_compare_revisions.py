"""What a branch would move: both revisions are built from git, or what differs beside production."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import compare_revisions
import generate_data
import pytest
import yaml
from conftest import ROOT, Build
from contract import read_contract
from engines import Postgres
from raw_tables import read_var

CUSTOMERS = 80
TABLES = {name: {} for name in read_contract()}
Compare = Callable[..., tuple[int, str, str]]


def project_of(raw: dict, **thresholds: object) -> dict:
    return {
        "name": "my_shop",
        "version": "1.0.0",
        "profile": "customer_segmentation",
        "flags": {"send_anonymous_usage_stats": False},
        "vars": {"raw": {**raw, "tables": TABLES}, "smallest_cell": 1},
        "models": {
            "customer_segmentation": {
                "marts": {"customer_segments": {"+meta": {"thresholds": thresholds}}}
            }
        },
    }


class Repository:
    """A user's, with this project as a package."""

    def __init__(self, folder: Path, raw: dict) -> None:
        self.folder, self.raw = folder, raw
        self.git("init", "--quiet", "--initial-branch", "main")
        (folder / ".gitignore").write_text("dbt_packages/\ntarget/\nlogs/\n")
        (folder / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}))
        (folder / "models").mkdir()
        self.commit("first", loyal_order_count=5)

    def git(self, *arguments: str) -> None:
        author = ("-c", "user.name=Analyst", "-c", "user.email=analyst@example.com")
        subprocess.run(["git", "-C", self.folder, *author, *arguments], check=True)

    def commit(self, message: str, **thresholds: object) -> None:
        text = yaml.safe_dump(project_of(self.raw, **thresholds))
        (self.folder / "dbt_project.yml").write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    generate_data.main(["--customers", str(CUSTOMERS), "--seed", "3", "--output", str(folder)])
    return folder


@pytest.fixture
def compare(
    tmp_path: Path,
    make_build: Callable[..., Build],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
) -> Compare:
    """Exit code, comment and what is said beside it."""

    def run(repository: Repository, *arguments: str) -> tuple[int, str, str]:
        # What a test before this one has left in the environment is put back after it.
        for name in ("SEGMENTATION_DUCKDB_PATH", "SEGMENTATION_POSTGRES_SCHEMA"):
            monkeypatch.setenv(name, "elsewhere")
        if not (repository.folder / "dbt_packages").exists():
            assert make_build("deps", repository.folder).dbt("deps")
        monkeypatch.setenv("SEGMENTATION_POSTGRES_SCHEMA", "revisions")
        place = ("--project-dir", repository.folder, "--profiles-dir", ROOT / "profiles")
        code = compare_revisions.main([*arguments, *map(str, place)])
        return code, *capfd.readouterr()

    return run


@pytest.fixture
def repository(tmp_path: Path, raw: Path) -> Repository:
    folder = tmp_path / "my_shop"
    shutil.copytree(raw, folder / "raw")
    return Repository(folder, {"files": "raw/sample_{table}.csv"})


def test_a_branch_is_compared_with_where_it_began(
    repository: Repository, compare: Compare, tmp_path: Path
) -> None:
    repository.git("branch", "change")
    # What comes to main later is none of the branch's business.
    repository.commit("later", loyal_order_count=5, tier_a_revenue_share=0.3)
    repository.git("checkout", "--quiet", "change")
    lottery = "{{ config(materialized='table') }} select random() as number"
    (repository.folder / "models" / "lottery.sql").write_text(lottery)
    repository.commit("change", loyal_order_count=2)
    report = tmp_path / "report.json"
    code, comment, said = compare(
        repository, "main", "--twice", "--max-moved", "1%", "--json", str(report)
    )
    assert code == 1, said
    assert "## The project's own data" in comment
    assert "- `loyalty` moves" in comment
    assert "### `loyalty`:" in comment
    assert "order_count_365d >= 5" in comment
    assert "order_count_365d >= 2" in comment
    assert "value_tier" not in comment
    assert "- `lottery` has other rows when it is built again" in comment
    assert comment.count("built again") == 1
    (found,) = json.loads(report.read_text()).values()
    assert found["tables"]["lottery"]["is"] == "new"
    assert found["schemes"]["loyalty"]["moved"] > 1
    # Nothing of it is left.
    listed = ["git", "-C", repository.folder, "worktree", "list"]
    assert len(subprocess.run(listed, capture_output=True, check=True).stdout.splitlines()) == 1


def test_where_there_is_nothing_to_compare_with_it_fails(
    repository: Repository, compare: Compare, tmp_path: Path
) -> None:
    def complaint(*arguments: str) -> str:
        code, comment, said = compare(repository, *arguments)
        assert (code, comment) == (2, "")
        return said

    assert "release and HEAD have no common revision here" in complaint("release")
    repository.git("checkout", "--quiet", "--orphan", "other")
    repository.git("commit", "--quiet", "--message", "another beginning")
    assert "main and HEAD have no common revision here" in complaint("main")
    assert "--customers is for the project customer_segmentation alone" in complaint(
        "HEAD", "--customers", "100"
    )
    state = tmp_path / "production"
    missing = f"{state / 'manifest.json'} is missing"
    assert missing in complaint("--state", str(state), "--target", "postgres")
    state.mkdir()
    (state / "manifest.json").write_text('{"nodes": {}}')
    assert missing in complaint("--state", str(state), "--target", "postgres")
    fixed = tmp_path / "fixed"
    fixed.mkdir()
    profile = {"type": "duckdb", "path": "fixed.duckdb"}
    profiles = {"customer_segmentation": {"target": "dev", "outputs": {"dev": profile}}}
    (fixed / "profiles.yml").write_text(yaml.safe_dump(profiles))
    place = ("--project-dir", str(repository.folder), "--profiles-dir", str(fixed))
    assert compare_revisions.main(["HEAD", *place]) == 2


def test_a_branch_that_does_not_build_says_why_in_its_comment(
    repository: Repository, compare: Compare
) -> None:
    repository.git("checkout", "--quiet", "-b", "change")
    repository.commit("change", loyal_order_count="many")
    code, comment, said = compare(repository, "main")
    assert code == 2
    assert "ERROR: dbt build of head failed" in said
    assert "this branch does not build** (`dbt build`)" in comment
    refused = "SEG-RULE: Scheme 'loyalty', segment 'loyal': 'order_count_365d >= many'"
    assert f"\n    {'  - '}{refused}" in comment
    # Not what went well before.
    assert "Registered adapter" in said
    assert "Registered adapter" not in comment


@pytest.fixture
def in_postgres(
    tmp_path: Path, raw: Path, postgres_engine: Postgres, request: pytest.FixtureRequest
) -> Repository:
    """Its raw tables are on a server, in a schema of the test's own."""
    paths = {name: raw / f"sample_{name}.csv" for name in TABLES}
    folder = tmp_path / "my_shop"
    folder.mkdir()
    return Repository(folder, postgres_engine.load(request.param, paths))


@pytest.mark.parametrize("in_postgres", ["both"], indirect=True)
def test_both_revisions_are_built_in_schemas_of_a_warehouse(
    in_postgres: Repository,
    compare: Compare,
    postgres_engine: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in postgres_engine.environment("live").items():
        monkeypatch.setenv(name, value)
    in_postgres.git("checkout", "--quiet", "-b", "change")
    in_postgres.commit("change", loyal_order_count=2)
    code, comment, said = compare(in_postgres, "main", "--target", "postgres", "--max-moved", "1%")
    assert code == 1, said
    assert "### `loyalty`:" in comment
    assert "order_count_365d >= 2" in comment
    cursor = postgres_engine.connection.cursor()
    cursor.execute("select schema_name from information_schema.schemata")
    schemas = {name for (name,) in cursor.fetchall()}
    assert {"revisions_base", "revisions_head"} <= schemas
    # Whatever is live is not touched.
    assert not {"revisions", "live"} & schemas


@pytest.mark.parametrize("in_postgres", ["revisions"], indirect=True)
def test_beside_production_only_what_differs_is_built(
    tmp_path: Path,
    in_postgres: Repository,
    compare: Compare,
    postgres_engine: Postgres,
    make_build: Callable[..., Build],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repository = in_postgres
    production = make_build("production", repository.folder)
    for name, value in postgres_engine.environment("revisions").items():
        monkeypatch.setenv(name, value)
    built = ("--target", "postgres", "--exclude-resource-type", "test", "unit_test")
    assert production.dbt("deps")
    for day in ("2025-11-30", "2025-12-15"):
        variables = {"as_of_date": day}
        assert production.dbt("build", *built, variables=variables), production.errors
    assert production.dbt("compile", "--target", "postgres"), production.errors
    state = ("--state", str(production.target), "--target", "postgres", "--max-moved", "1%")

    code, comment, said = compare(repository, *state)
    assert code == 0, said
    assert "## Production, as of 2025-12-15" in comment
    assert "**Nobody moves** in any scheme." in comment
    assert "No row of any table differs." in comment

    repository.commit("change", loyal_order_count=2)
    code, comment, said = compare(repository, *state)
    assert code == 1, said
    assert "### `loyalty`:" in comment
    assert "is gone" not in comment
    # Nothing before what has changed was built.
    cursor = postgres_engine.connection.cursor()
    cursor.execute(
        "select table_name from information_schema.tables where table_schema = 'revisions_head'"
    )
    tables = {name for (name,) in cursor.fetchall()}
    assert "int_customer_segments" in tables
    assert not {"int_judged_orders", "customer_features", "customer_rfm_scores"} & tables
    # Slices of history are there.
    cursor.execute("select distinct cast(as_of_date as text) from revisions_head.segment_slices")
    assert {day for (day,) in cursor.fetchall()} >= {"2025-11-30", "2025-12-15"}

    monkeypatch.setenv("SEGMENTATION_POSTGRES_SCHEMA", "revisions")
    other = tmp_path / "other"
    other.mkdir()
    manifest = (production.target / "manifest.json").read_text()
    (other / "manifest.json").write_text(manifest.replace('"revisions"', '"building"'))
    code, _, said = compare(repository, "--state", str(other), "--target", "postgres")
    assert code == 2
    assert "is of the schema building, and production of revisions" in said


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, 5),
        ({"smallest_cell": 7}, 7),
        ({"smallest_cell": 7, "customer_segmentation": {"smallest_cell": 9}}, 9),
    ],
)
def test_a_var_is_that_of_the_user_or_the_shipped_one(
    tmp_path: Path, own: dict, expected: int
) -> None:
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump({"name": "my_shop", "vars": own}))
    assert read_var(tmp_path, "smallest_cell") == expected
