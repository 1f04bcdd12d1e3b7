"""Whoever asks to be erased is as if they had never been there, to the byte, and does not come back."""

from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import duckdb
import pytest
import run
import yaml
from conftest import ROOT, WITHOUT_TESTS, Build
from test_metamorphic import TABLES, having, raw_sample

# Unlike any other text, so that a byte of it is found wherever it is.
PERSON, ACCOUNT, NEW_ACCOUNT = "vergissmeinnicht", "vergissmeinalt", "vergissmeinneu"
FORGOTTEN = b"vergissmein"
EARLIER, TODAY = "2025-09-30", "2025-12-31"
LIVE = "customer_segmentation.duckdb"
# What depends on nothing but the present; clusters keep the labels of the date before.
PRESENT = {
    **dict.fromkeys(("int_customers", "int_orders", "int_sessions", "int_visitors"), "*"),
    **dict.fromkeys(("customer_features", "customer_rfm_scores", "rfm_cutpoints"), "*"),
    **dict.fromkeys(("customer_predictions", "company_features"), "*"),
    "customers": "* exclude (cluster)",
}
Rows = dict[str, list[tuple]]


class Shop:
    """The raw sample with two people who can be recognised by every id, name and address; one has two accounts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.raw = raw_sample()
        self.run("delete from erasure_requests")
        # Those of whom there is most, and who are in no merge.
        people = self.rows(
            "select customer_id from customers inner join orders using (customer_id)"
            " inner join product_usage using (customer_id) inner join sessions using (customer_id)"
            " where customer_id not in (select trim(customer_id) from customer_merges where customer_id is not null)"
            " and customer_id not in (select trim(merged_into_customer_id) from customer_merges"
            " where merged_into_customer_id is not null)"
            " group by customer_id order by count(*) desc, customer_id limit 3"
        )
        for name, (old,) in zip((PERSON, ACCOUNT, NEW_ACCOUNT), people, strict=True):
            for table in having("customer_id"):
                self.run(f"update {table} set customer_id = '{name}' where customer_id = '{old}'")
            theirs = f"customer_id = '{name}'"
            names = "email = 'X@example.org', phone = 'X', first_name = 'X', last_name = 'X', postal_code = 'X'"
            self.run(f"update customers set {names.replace('X', name)} where {theirs}")
            self.run(
                f"update order_items set order_id = '{name}' || order_id"
                f" where order_id in (select order_id from orders where {theirs})"
            )
            self.run(f"update orders set order_id = '{name}' || order_id where {theirs}")
            self.run(
                f"update sessions set visitor_id = '{name}' || visitor_id"
                f" where visitor_id in (select visitor_id from sessions where {theirs})"
            )
        self.run(f"insert into customer_merges values ('{ACCOUNT}', '{NEW_ACCOUNT}')")

    def run(self, sql: str) -> None:
        self.raw.execute(sql)

    def rows(self, sql: str) -> list[tuple]:
        return self.raw.execute(sql).fetchall()

    def theirs(self, table: str) -> str:
        """The condition of what is to be refused, apart from how the models find it."""
        columns = {"order_items": "order_id", "customer_merges": "customer_id"}
        condition = f"{columns.get(table, 'customer_id')} like 'vergissmein%'"
        if table == "sessions":
            condition += " or (customer_id is null and visitor_id like 'vergissmein%')"
        return condition

    def ask(self) -> None:
        """One asks in the name of a person, one in that of the account that was given up."""
        for name in (PERSON, ACCOUNT):
            self.run(
                f"insert into erasure_requests values ('{md5(name.encode()).hexdigest()}', '2025-12-30')"
            )
        # They come again: in another load, and as somebody whom no customer's row names.
        self.run(
            "insert into orders by name select * replace (order_id || '-again' as order_id,"
            " '2026-02-01' as loaded_at) from orders where order_id like 'vergissmein%'"
        )
        self.run(f"delete from customers where customer_id = '{PERSON}'")

    def forget(self) -> None:
        for table in TABLES:
            if table in ("companies", "exchange_rates", "erasure_requests"):
                continue
            self.run(f"delete from {table} where {self.theirs(table)}")
        self.run("delete from erasure_requests")

    def variables(self, name: str, as_of: str) -> dict:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        for table in TABLES:
            self.run(f"copy {table} to '{folder / table}.parquet' (compression uncompressed)")
        tables = {table: {} for table in TABLES}
        raw = {"files": f"{folder}/{{table}}.parquet", "tables": tables}
        return {"raw": raw, "as_of_date": as_of}

    def publish(self, variables: dict) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DBT_TARGET_PATH", str(self.folder / "target"))
            patch.setenv("DBT_LOG_PATH", str(self.folder / "logs"))
            patch.setenv("SEGMENTATION_DUCKDB_MEMORY", "2GB")
            code = run.main(
                [
                    *("--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles")),
                    *("--published", str(self.folder / "published")),
                    *("--vars", yaml.safe_dump(variables)),
                ]
            )
        assert code == 0

    def found(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.folder / "published" / LIVE), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def files_that_remember(self) -> set[str]:
        """All that a run writes: generations, logs, artifacts, compiled SQL."""
        folders = [self.folder / name for name in ("published", "target", "logs")]
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        assert len(files) > 100
        return {path.name for path in files if FORGOTTEN in path.read_bytes()}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Published with them, then after they have asked."""
    shop = Shop(tmp_path_factory.mktemp("erasure"))
    shop.publish(shop.variables("raw", EARLIER))
    remembered = shop.found(
        "select count(*) from customer_segments where customer_id like 'vergissmein%'"
    )
    assert remembered == [(2,)]
    assert LIVE in shop.files_that_remember()
    shop.ask()
    shop.publish(shop.variables("raw", TODAY))
    return shop


@pytest.mark.fault(69)
def test_nothing_that_a_run_writes_holds_a_byte_of_them(shop: Shop) -> None:
    assert shop.files_that_remember() == set()
    generations = [path.name for path in (shop.folder / "published" / "generations").iterdir()]
    assert generations == ["2"]


@pytest.mark.fault(69)
def test_no_table_and_no_view_shows_them(shop: Shop) -> None:
    relations = shop.found("select table_name from information_schema.tables order by 1")
    assert len(relations) > 80
    showing = set()
    for (name,) in relations:
        rows = f"select count(*) from {name} as shown where cast(shown as varchar) like '%vergissmein%'"
        if shop.found(rows) != [(0,)]:
            showing.add(name)
    # A view of the raw merges, by which the accounts of one person are found.
    assert showing == {"stg_merge_ends"}
    days = "select distinct as_of_date::varchar from customer_segments order by 1"
    assert shop.found(days) == [(EARLIER,), (TODAY,)]


@pytest.mark.fault(69)
def test_each_row_of_theirs_is_refused_as_erased_and_a_row_proves_it(shop: Shop) -> None:
    tables = [*having("customer_id"), "order_items"]
    expected = {
        table: count
        for table in tables
        for ((count,),) in [shop.rows(f"select count(*) from {table} where {shop.theirs(table)}")]
        if count
    }
    assert len(expected) > 8
    erased = "select source, count(*) from quarantined_rows where reason = 'erased' group by source"
    assert dict(shop.found(erased)) == expected
    hashes = {md5(name.encode()).hexdigest() for name in (PERSON, ACCOUNT, NEW_ACCOUNT)}
    proof = "select customer_id_hash, requested_date::varchar, remaining_row_count from erasures"
    assert set(shop.found(proof)) == {(key, "2025-12-30", 0) for key in hashes}


def rows_of(find: Callable[[str], list[tuple]]) -> Rows:
    return {
        name: find(f"select {columns} from {name} order by all")
        for name, columns in PRESENT.items()
    }


@pytest.mark.fault(69)
def test_all_others_are_as_if_they_had_never_been_there(
    shop: Shop, make_build: Callable[..., Build]
) -> None:
    found = rows_of(shop.found)
    shop.forget()
    build = make_build("never_there")
    variables = shop.variables("without", TODAY)
    assert build.dbt("build", *WITHOUT_TESTS, variables=variables), build.errors
    expected = rows_of(build.rows)
    assert all(expected.values())
    for name, rows in expected.items():
        assert found[name] == rows, name


def test_who_asks_for_nobody_is_warned_of(make_build: Callable[..., Build], tmp_path: Path) -> None:
    """A request by the id itself would stay undone for ever."""
    tables = {
        "customers": "customer_id\nc1\n",
        "orders": "order_id,customer_id,ordered_at,gross_amount\n",
    }
    tables["erasure_requests"] = "customer_id_hash,requested_at\nc1,2025-01-01\n"
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text)
    mapped = {
        name: {"columns": {c: c for c in text.split("\n")[0].split(",")}}
        for name, text in tables.items()
    }
    build = make_build("asks_for_nobody")
    raw = {"files": f"{tmp_path}/{{table}}.csv", "tables": mapped}
    variables = {"raw": raw, "as_of_date": TODAY}
    select = ("--select", "+pipeline_health", "--indirect-selection", "cautious")
    assert build.dbt("build", *select, "--exclude-resource-type", "unit_test", variables=variables)
    warned = "select subject, message from pipeline_health where status = 'warn'"
    assert build.rows(warned) == [
        ("erasure_requests", "1 of 1 rows are faulty; quarantined_rows says why")
    ]
    assert build.rows("select customer_id from int_customers") == [("c1",)]
