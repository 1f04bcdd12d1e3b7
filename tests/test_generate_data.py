"""The data generator: the same arguments write the same bytes, and what they write fits."""

import csv
from pathlib import Path

import generate_data
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import ROOT, Build
from sample_dirt import DIRT
from sample_tables import TABLES, schemas

SEEDS = ROOT / "seeds/sample"
# What may be wrong with any event of a customer, and with a table that has versions.
EVENT = {
    *("missing_key", "missing_date", "missing_value", "unparsable_date", "date_too_old"),
    *("date_in_future", "orphan", "duplicate", "conflicting_duplicate", "erased"),
}
REASONS = {
    "customers": {"missing_key", "duplicate", "superseded", "erased"},
    # Sessions have no amounts and no versions.
    "sessions": EVENT - {"missing_value", "conflicting_duplicate"} | {"unparsable_value"},
    "order_items": {
        *("missing_key", "missing_value", "unparsable_amount", "unparsable_value"),
        *("value_out_of_range", "orphan", "duplicate", "conflicting_duplicate", "erased"),
    },
    "companies": {"missing_key", "duplicate", "superseded"},
    "campaign_events": EVENT | {"unparsable_value"},
    "feedback": EVENT | {"unparsable_value", "value_out_of_range", "superseded"},
    "consents": EVENT | {"unparsable_value"},
    "survey_answers": EVENT,
    "product_usage": EVENT | {"unparsable_value", "value_out_of_range"},
    "subscriptions": EVENT
    | {"unparsable_amount", "unparsable_value", "value_out_of_range", "superseded"},
    "exchange_rates": {
        *("missing_key", "missing_date", "missing_amount", "unparsable_date"),
        *("unparsable_amount", "value_out_of_range", "duplicate", "conflicting_duplicate"),
    },
    "customer_merges": {
        *("missing_key", "missing_value", "orphan", "duplicate", "conflicting_duplicate"),
    },
    "erasure_requests": {"missing_key", "unparsable_value", "duplicate", "superseded"},
}


def written(output: Path, *arguments: str) -> dict[str, bytes]:
    generate_data.main([*arguments, "--output", str(output)])
    return {path.name: path.read_bytes() for path in sorted(output.iterdir())}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return written(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("parquet")
    written(output, "--format", "parquet", "--customers", "2000")
    return output


def test_the_same_arguments_write_the_same_csv(files: dict[str, bytes], tmp_path: Path) -> None:
    assert written(tmp_path) == files


def test_the_committed_seeds_are_what_the_defaults_write(files: dict[str, bytes]) -> None:
    assert {path.name: path.read_bytes() for path in SEEDS.glob("*.csv")} == files


def test_another_seed_writes_other_rows(files: dict[str, bytes], tmp_path: Path) -> None:
    other = written(tmp_path, "--seed", "2")
    assert all(other[name] != content for name, content in files.items())


def test_the_sample_is_small(files: dict[str, bytes]) -> None:
    assert sum(map(len, files.values())) < 1_500_000


def test_the_csv_header_is_the_contract(files: dict[str, bytes]) -> None:
    for name, schema in schemas().items():
        header = files[f"sample_{name}.csv"].decode().split("\n", 1)[0]
        assert header.split(",") == schema.names


@pytest.mark.parametrize("name", schemas())
def test_the_sample_holds_every_fault(files: dict[str, bytes], name: str) -> None:
    rows = list(csv.DictReader(files[f"sample_{name}.csv"].decode().splitlines()))
    for fault, cells in DIRT[name].items():
        for column, cell in cells.items():
            if isinstance(cell, str):
                assert sum(row[column] == cell for row in rows) >= 2, fault


def test_the_sample_reaches_every_reason_of_quarantine(sample: Build) -> None:
    reached: dict[str, set[str]] = {}
    for source, reason in sample.rows("select distinct source, reason from quarantined_rows"):
        reached.setdefault(source, set()).add(reason)
    properties = yaml.safe_load((ROOT / "models/staging/quarantined_rows.yml").read_text())
    columns = {column["name"]: column for column in properties["models"][0]["columns"]}
    (accepted,) = (
        test["accepted_values"]["arguments"]["values"]
        for test in columns["reason"]["data_tests"]
        if "accepted_values" in test
    )
    # A value is missing or out of range where it is no amount.
    of_orders = set(accepted) - {"missing_value", "value_out_of_range"}
    assert reached == {"orders": of_orders, **REASONS}


def test_the_sample_has_foreign_orders_and_a_chain_of_merges(sample: Build) -> None:
    assert sample.value("select count(*) from int_orders where exchange_rate <> 1") > 20
    missing = sample.rows("select detail from quarantined_rows where reason = 'missing_rate'")
    assert {detail[:3] for (detail,) in missing} == {"CHF", "USD", "XXX"}
    chain = sample.rows(
        "select first.customer_id from stg_customer_merges as first"
        " inner join stg_customer_merges as second"
        " on first.merged_into_customer_id = second.customer_id"
        " inner join stg_customer_merges as third"
        " on second.merged_into_customer_id = third.customer_id"
    )
    assert len(chain) == 1
    # The customers have two of them no more, and their orders count.
    gone = "select count(distinct customer_id) from stg_orders where quarantine_reason is null"
    gone += " and customer_id not in (select customer_id from stg_customers where"
    assert sample.value(gone + " customer_id is not null)") == 2


def test_customers_arrive_until_the_end_so_that_every_segment_has_some(sample: Build) -> None:
    few = sample.rows(
        """
        select scheme, segment from segment_kpis
        where
            scheme in ('lifecycle', 'rfm', 'value_tier', 'window_shopper')
            and segment <> 'unknown'
            and customer_count < 5
        """
    )
    assert few == []


def test_parquet_is_the_same_in_two_runs(parquet: Path, tmp_path: Path) -> None:
    again = written(tmp_path, "--format", "parquet", "--customers", "2000")
    assert again == {path.name: path.read_bytes() for path in parquet.iterdir()}


def test_parquet_has_the_columns_and_types_of_the_contract(parquet: Path) -> None:
    for name in TABLES:
        assert pq.read_schema(parquet / f"{name}.parquet").equals(schemas()[name])


def test_parquet_has_about_ten_orders_and_thirty_sessions_a_customer(parquet: Path) -> None:
    rows = {name: pq.read_metadata(parquet / f"{name}.parquet").num_rows for name in TABLES}
    assert 8 < rows["orders"] / rows["customers"] < 12
    assert 25 < rows["sessions"] / rows["customers"] < 35


def test_the_keys_of_chunks_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate_data, "CHUNK_CUSTOMERS", 500)
    written(tmp_path, "--format", "parquet", "--customers", "1000")
    for name in TABLES:
        keys = pq.read_table(tmp_path / f"{name}.parquet")[f"{name[:-1]}_id"]
        # Each chunk repeats a few rows on purpose.
        assert len(keys) - pc.count_distinct(keys).as_py() < 30


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@pytest.mark.parametrize("customers", ["0", "1", "7"])
def test_a_handful_of_customers_is_enough(file_format: str, customers: str, tmp_path: Path) -> None:
    written_files = written(tmp_path, "--format", file_format, "--customers", customers)
    assert len(written_files) == len(schemas() if file_format == "csv" else TABLES)
