"""The project as a whole: no deprecations, one style, every column described, layers respected."""

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Build, copy_of_project
from dbt.jsonschemas import jsonschemas

# What staging adds to the columns of the contract.
FOUND_OUT = {
    "orders": [("exchange_rate", "DECIMAL(18,8)")],
    "customer_merges": [("last_customer_id", "VARCHAR")],
}
CONTRACT = yaml.safe_load((ROOT / "models" / "staging" / "_sources.yml").read_text())["sources"][0]


@pytest.fixture(scope="module")
def models(sample: Build) -> dict[str, dict]:
    """The models of the manifest by name."""
    manifest = json.loads((sample.target / "manifest.json").read_text())
    nodes = manifest["nodes"].values()
    return {node["name"]: node for node in nodes if node["resource_type"] == "model"}


@pytest.fixture
def deprecations_checked() -> Iterator[None]:
    """Let dbt check the keys of YAML files, which it does for four other adapters only."""
    adapters = getattr(jsonschemas, "_JSONSCHEMA_SUPPORTED_ADAPTERS", None)
    assert adapters is not None, "dbt has renamed its list of adapters: look for the new name"
    adapters.add("duckdb")
    yield
    adapters.remove("duckdb")


@pytest.mark.usefixtures("deprecations_checked")
def test_parsing_warns_of_nothing(make_build: Callable[..., Build]) -> None:
    build = make_build("parse")
    assert build.dbt("parse", "--no-partial-parse", "--show-all-deprecations"), build.errors
    assert build.warnings == []


@pytest.mark.parametrize(
    "command",
    [
        ["sqlfluff", "lint", "--disable-progress-bar", "models", "tests"],
        ["ruff", "check"],
        ["ruff", "format", "--check"],
    ],
    ids=["sqlfluff", "ruff-check", "ruff-format"],
)
def test_the_style_holds(command: list[str]) -> None:
    # In memory: an open database file would lock the linter out.
    environment = {**os.environ, "SEGMENTATION_DUCKDB_PATH": ":memory:"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def secrets_in(folder: Path, *paths: str) -> dict:
    """By file, what looks like a secret; a long number of hex digits is an MD5 here."""
    scan = ["detect-secrets", "scan", "--disable-plugin", "HexHighEntropyString", *paths]
    done = subprocess.run(scan, cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["results"]


@pytest.mark.fault(67)
def test_no_file_holds_a_secret(tmp_path: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [
        path for path in tracked.stdout.splitlines() if not path.endswith((".csv", ".svg", ".lock"))
    ]
    assert len(paths) > 300
    assert secrets_in(ROOT, *paths) == {}
    leak = tmp_path / "profiles.yml"
    leak.write_text(f"shop:\n  password: '{'horse7' * 3}'\n")
    assert secrets_in(tmp_path, leak.name)


def test_every_mart_but_those_of_schemes_has_a_contract(models: dict[str, dict]) -> None:
    marts = {name: node for name, node in models.items() if node["path"].startswith("marts/")}
    assert len(marts) >= 8
    free = {name for name, node in marts.items() if not node["config"]["contract"]["enforced"]}
    assert free == {"customer_segments", "company_segments"}


def test_every_column_behind_staging_is_described(models: dict[str, dict], sample: Build) -> None:
    """Those of staging are described once, in the input contract; a scheme describes itself."""
    for name, node in models.items():
        if not name.startswith("stg_") and not name.endswith("_segments"):
            built = [row[0] for row in sample.rows(f"describe {name}")]
            described = {column["name"]: column for column in node["columns"].values()}
            assert built == list(described), name
            assert all(column["description"] for column in described.values()), name


def test_every_name_fits_into_a_name_of_postgresql(sample: Build) -> None:
    """Which makes a table of each unit test, and cuts what is longer than 63 bytes."""
    manifest = json.loads((sample.target / "manifest.json").read_text())
    models = [node["alias"] for node in manifest["nodes"].values() if "alias" in node]
    unit_tests = [test["name"] for test in manifest["unit_tests"].values()]
    assert models and unit_tests
    assert [name for name in models + unit_tests if len(name.encode()) > 63] == []


def test_every_model_says_its_grain(models: dict[str, dict]) -> None:
    for name, node in models.items():
        assert "One row per" in node["description"].strip().split(". ")[-1], name


def test_only_staging_reads_raw_tables(models: dict[str, dict]) -> None:
    for name, node in models.items():
        reads_raw = any(".sample_" in parent for parent in node["depends_on"]["nodes"])
        assert reads_raw == node["original_file_path"].startswith("models/staging/"), name


def test_staging_has_the_columns_and_types_of_the_contract(sample: Build) -> None:
    for table in CONTRACT["tables"]:
        promised = [
            (column["name"], column["data_type"].upper().replace(", ", ","))
            for column in table["columns"]
        ]
        promised += FOUND_OUT.get(table["name"], [])
        described = sample.rows(f"describe stg_{table['name']}")
        assert [row[:2] for row in described] == [*promised, ("quarantine_reason", "VARCHAR")]


def test_no_direct_identifier_leaves_staging(sample: Build) -> None:
    identifiers = {
        column["name"]
        for table in CONTRACT["tables"]
        for column in table["columns"]
        if "pii" in column.get("config", {}).get("tags", [])
    }
    assert {"email", "birth_date"} <= identifiers
    columns = sample.rows(
        "select table_name, column_name from information_schema.columns"
        " where table_name not like 'stg_%' and table_name not like 'sample_%'"
    )
    assert len(columns) > 100
    assert [row for row in columns if row[1] in identifiers] == []


def test_the_proof_of_an_erasure_looks_into_every_column_that_keeps_an_id(
    models: dict[str, dict], sample: Build
) -> None:
    looked_into = set(re.findall(r"\('(\w+)', '?(\w+)'?\)", models["erasures"]["raw_code"]))
    kept = {
        (table, "anonymous_visitor" if column == "visitor_id" else column)
        for table, column in sample.rows(
            "select table_name, column_name from duckdb_columns()"
            " inner join duckdb_tables() using (database_name, schema_name, table_name)"
        )
        if table in models and re.search(r"(customer|order|visitor)_id$", column)
    }
    # Who logs in with a device is a customer, and is looked for there. Marts read no staging.
    kept -= {("int_visitors", "anonymous_visitor")}
    kept -= {pair for pair in kept if pair[0] == "stg_customer_merges"}
    assert len(kept) > 20
    assert looked_into == kept


@pytest.mark.fault(70)
def test_another_version_of_dbt_is_refused_with_the_one_that_is_needed(
    make_build: Callable[..., Build], tmp_path: Path
) -> None:
    copy = copy_of_project(tmp_path)
    text = (copy / "dbt_project.yml").read_text()
    assert '">=1.11.0", "<1.12.0"' in text
    (copy / "dbt_project.yml").write_text(text.replace('">=1.11.0", "<1.12.0"', '"<1.11.0"'))
    build = make_build("version", copy)
    assert not build.dbt("parse")
    assert "Required version of dbt" in str(build.errors)
    assert "<1.11.0" in str(build.errors)


def test_there_are_few_vars() -> None:
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    assert len(project["vars"]) <= 16


def test_every_package_is_locked_with_its_hashes() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    packages = [package for package in lock["package"] if "virtual" not in package["source"]]
    assert len(packages) > 50
    for package in packages:
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files, package["name"]
        assert all(file["hash"].startswith("sha256:") for file in files), package["name"]
