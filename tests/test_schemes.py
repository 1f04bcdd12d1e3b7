"""The shipped schemes: every family has one, each says what to do, and none guesses without its input."""

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml
from conftest import ROOT, Build
from rules import read_meta

CONTRACT = yaml.safe_load((ROOT / "models" / "staging" / "_sources.yml").read_text())["sources"][0]
FAMILIES = {
    "value tier",
    "lifecycle",
    "journey stage",
    "purchase pattern",
    "price sensitivity",
    "occasion",
    "loyalty and at-risk",
    "engagement",
    "window shopper",
    "channel preference",
    "payment preference",
    "category affinity",
    "acquisition source",
    "traffic source",
    "technographic",
    "demographic",
    "geographic",
    "language and culture",
    "firmographic",
    "decision-maker role",
    "account relationship",
    "usage",
    "satisfaction",
    "psychographic",
    "cooperation preference",
    "campaign responsiveness",
    "clusters",
    "predicted value and churn risk",
}
# An advertising platform refuses a name that tells of health, money troubles, faith or love, and nobody likes to be
# called one of the others.
UNKIND = {
    "sick",
    "ill",
    "disabled",
    "pregnant",
    "poor",
    "rich",
    "debt",
    "broke",
    "divorced",
    "single_parent",
}
UNKIND |= {
    "gay",
    "lesbian",
    "religious",
    "immigrant",
    "criminal",
    "addict",
    "old",
    "fat",
    "stupid",
    "lazy",
}
UNKIND |= {
    "cheap",
    "stingy",
    "loser",
    "worthless",
    "waste",
    "dead",
    "junk",
    "whale",
    "bad",
    "problem",
}
# Whoever never ordered, or was never seen, is known to be so without any other input.
KNOWN_ANYHOW = {"prospect", "customer", "buyer", "nobody"}


@pytest.fixture(scope="module")
def schemes() -> dict[str, dict]:
    return read_meta()


def test_every_family_has_a_scheme(schemes: dict[str, dict]) -> None:
    assert {scheme["family"] for scheme in schemes.values()} == FAMILIES


def test_the_contract_says_of_families_that_there_are(schemes: dict[str, dict]) -> None:
    named = {
        family
        for table in CONTRACT["tables"]
        for column in table["columns"]
        for family in column.get("config", {}).get("meta", {}).get("families", [])
    }
    assert len(named) > 20
    assert named <= FAMILIES


def test_what_a_scheme_needs_is_in_the_contract(schemes: dict[str, dict]) -> None:
    inputs = {table["name"] for table in CONTRACT["tables"]}
    inputs |= {
        f"{t['name']}.{column['name']}" for t in CONTRACT["tables"] for column in t["columns"]
    }
    assert {need for scheme in schemes.values() for need in scheme.get("needs", [])} <= inputs


def test_every_segment_says_what_it_is_what_to_do_and_who_does_it(schemes: dict[str, dict]) -> None:
    silent = [
        (name, segment["name"], key)
        for name, scheme in schemes.items()
        for segment in scheme["segments"]
        for key in ("description", "action", "owner")
        if not segment.get(key)
    ]
    assert silent == []
    assert all(scheme["description"] for scheme in schemes.values())


def test_names_are_such_that_one_could_say_them_to_the_customer(schemes: dict[str, dict]) -> None:
    names = {s["name"] for scheme in schemes.values() for s in scheme["segments"]} | set(schemes)
    assert len(names) > 100
    for name in names:
        assert re.fullmatch("[A-Za-z][a-z0-9_]{0,39}", name), name
        assert not UNKIND & ({name} | set(name.split("_"))), name


def test_a_family_without_its_input_says_unknown_and_what_is_missing(
    make_build: Callable[..., Build], schemes: dict[str, dict], tmp_path: Path
) -> None:
    connection = duckdb.connect()
    for table, columns in {
        "customers": "customer_id",
        "orders": "order_id, customer_id, ordered_at, gross_amount",
    }.items():
        seed = ROOT / "seeds" / "sample" / f"sample_{table}.csv"
        connection.execute(
            f"copy (select {columns} from read_csv('{seed}', header = true, all_varchar = true))"
            f" to '{tmp_path / table}.parquet'"
        )
    mapped = {
        "customers": {"columns": {"customer_id": "customer_id"}},
        "orders": {
            "columns": {
                name: name for name in ("order_id", "customer_id", "ordered_at", "gross_amount")
            }
        },
    }
    build = make_build("bare")
    raw = {"files": f"{tmp_path}/{{table}}.parquet", "tables": mapped}
    command = ("build", "--exclude-resource-type", "unit_test")
    assert build.dbt(*command, variables={"raw": raw}), build.errors
    missing = dict(build.rows("select distinct scheme, missing_input from segment_definitions"))
    given = {"customers", "orders", *(f"{t}.{c}" for t in mapped for c in mapped[t]["columns"])}
    found = defaultdict(set)
    for scheme, segment in build.rows("select distinct scheme, segment from segment_memberships"):
        found[scheme].add(segment)
    assert sum(len(segments) for segments in found.values()) > 50
    for scheme, definition in schemes.items():
        absent = [need for need in definition.get("needs", []) if need not in given]
        assert (missing[scheme] or "") == ", ".join(absent), scheme
        if absent and scheme in found:
            assert found[scheme] - KNOWN_ANYHOW == {"unknown"}, scheme


def test_all_schemes_together_read_the_features_once(sample: Build) -> None:
    compiled = sample.target / "compiled" / "customer_segmentation" / "models" / "intermediate"
    question = (compiled / "int_customer_segments.sql").read_text()
    plan = sample.rows(f"explain {question}")[0][1]
    assert plan.count("customer_rfm_scores") == 1
    assert plan.count("customer_clusters") == 1
    assert plan.count("customer_features") == 1
