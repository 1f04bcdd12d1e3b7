"""Installed as a package: the user's models run first, and the user's schemes join ours."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from conftest import EXPECTING_WARNINGS, ROOT, Build
from contract import read_contract

TABLES = tuple(read_contract())
SCHEME = {
    "description": "Whether the customer ever spent more than 1,000.",
    "segments": [
        {"name": "big", "when": {"net_amount": "> 1000"}, "description": "Over 1,000."},
        {"name": "small", "description": "Up to 1,000."},
    ],
}
CHANNEL = {
    "segments": [
        {"name": "buyer", "when": {"order_count": "> 0"}, "description": "Has ordered."},
        {"name": "other", "description": "Has not."},
    ]
}
OWN = {"spending": SCHEME, "channel": CHANNEL, "thresholds": {"tier_a_revenue_share": 0.4}}
PROJECT = {
    "name": "my_shop",
    "version": "1.0.0",
    "profile": "customer_segmentation",
    "flags": {"send_anonymous_usage_stats": False},
    "vars": {"raw": {"tables": {table: {"model": f"my_{table}"} for table in TABLES}}},
    "models": {
        "customer_segmentation": {
            "+meta": {"owner": "analytics"},
            "marts": {"customer_segments": {"+meta": OWN}},
        }
    },
    "seeds": {"customer_segmentation": {"occasions": {"+enabled": False}}},
}


@pytest.fixture(scope="module")
def my_shop(make_build: Callable[..., Build], tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A user's project whose models are the shipped sample under other names."""
    project: Path = tmp_path_factory.mktemp("my_shop")
    (project / "dbt_project.yml").write_text(yaml.safe_dump(PROJECT))
    (project / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(ROOT)}]}))
    (project / "models").mkdir()
    for table in TABLES:
        path = ROOT / "seeds" / "sample" / f"sample_{table}.csv"
        (project / "models" / f"my_{table}.sql").write_text(
            f"select * from read_csv('{path}', header = true, all_varchar = true)"
        )
    occasions = (ROOT / "seeds" / "occasions.csv").read_text()
    (project / "seeds").mkdir()
    (project / "seeds" / "occasions.csv").write_text(occasions + "weekend_sale,2025,06-06,06-08\n")
    build = make_build("my_shop_build", project)
    assert build.dbt("deps"), build.errors
    # The package's unit tests run here too; the relationships and totals as well.
    assert build.dbt("build", *EXPECTING_WARNINGS), build.errors
    # What dbt says of a package that takes the project's seed in the place of its own.
    expected = "require_ref_prefers_node_package_to_root"
    assert [warning for warning in build.warnings if expected not in warning] == []
    # The sample is full of faults.
    unusual = "select distinct check_name, status from pipeline_health where status <> 'ok'"
    assert build.rows(unusual) == [("refused_rows", "warn")]
    return build


def test_the_users_models_are_read_in_place_of_the_sample(my_shop: Build, sample: Build) -> None:
    occasion = "(preferred_occasion, occasion_order_share)"
    rows = f"select * exclude {occasion} from customer_features order by customer_id"
    assert my_shop.rows(rows) == sample.rows(rows)
    assert (
        my_shop.value(
            "select count(*) from information_schema.tables where table_name like 'sample%'"
        )
        == 0
    )


def test_a_scheme_is_added_and_replaced_by_meta(my_shop: Build, sample: Build) -> None:
    kpis = "select scheme, segment, customer_count from segment_kpis where {} order by all"
    assert my_shop.rows(kpis.format("scheme = 'spending'")) == [
        (
            "spending",
            "big",
            sample.value("select count(*) from customer_features where net_amount > 1000"),
        ),
        (
            "spending",
            "small",
            sample.value("select count(*) from customer_features where net_amount <= 1000"),
        ),
    ]
    assert [row[1] for row in my_shop.rows(kpis.format("scheme = 'channel'"))] == ["buyer", "other"]
    # The threshold and the occasions of this shop are others too.
    own = ("spending", "channel", "value_tier", "predicted_value", "occasion")
    others = kpis.format(f"scheme not in {own}")
    assert my_shop.rows(others) == sample.rows(others)


def test_a_threshold_is_replaced_by_meta(my_shop: Build, sample: Build) -> None:
    first = "select {} from {} where scheme = 'value_tier' and segment = 'A'"
    size = first.format("customer_count", "segment_kpis")
    assert 0 < my_shop.value(size) < sample.value(size)
    rule = first.format("rule", "segment_definitions")
    assert my_shop.value(rule) == "revenue_share_above < 0.4"


def test_an_occasion_is_added_by_a_seed_of_the_same_name(my_shop: Build) -> None:
    bought = "select distinct preferred_occasion from customer_features"
    assert ("weekend_sale",) in my_shop.rows(bought)
