"""What must not matter, does not: the order of rows, files, ids, threads, units, and what comes later."""

from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import duckdb
import pytest
from conftest import ROOT, WITHOUT_TESTS, Build
from contract import read_contract

CONTRACT = read_contract()
TABLES = tuple(CONTRACT)
MARTS = (
    "customer_features",
    "rfm_cutpoints",
    "customer_rfm_scores",
    "customer_segments",
    "segment_kpis",
    "segment_scorecard",
    "customers",
    "quarantined_rows",
)
# When an event of a table happened.
TIMES = {
    "orders": "ordered_at",
    "sessions": "started_at",
    "campaign_events": "occurred_at",
    "feedback": "submitted_at",
    "consents": "recorded_at",
    "survey_answers": "answered_at",
    "product_usage": "used_at",
    "subscriptions": "started_at",
}
# Turns an id into another one, and back: C0001 <-> D1000.
RENAME = "case when trim({0}) <> '' then translate(reverse(trim({0})), 'CD', 'DC') end"
SEED = "read_csv('{}', header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')"


def raw_sample() -> duckdb.DuckDBPyConnection:
    """The raw sample as tables of text, to be changed and written by a test."""
    connection = duckdb.connect()
    for table in TABLES:
        path = ROOT / "seeds" / "sample" / f"sample_{table}.csv"
        connection.execute(f"create table {table} as from {SEED.format(path)}")
    return connection


def build_from(
    build: Build,
    connection: duckdb.DuckDBPyConnection,
    variables: dict | None = None,
    threads: int = 2,
    parts: int = 1,
) -> Build:
    """Write the raw tables as Parquet, each in so many files, and build from those."""
    folder = build.target.parent / "raw"
    for table in TABLES:
        (folder / table).mkdir(parents=True)
        for part in range(parts):
            connection.execute(
                f"copy (select * exclude part from (select *, row_number() over () as part"
                f" from {table}) where part % {parts} = {part})"
                f" to '{folder / table / f'{part}.parquet'}'"
            )
    raw = {"files": f"{folder}/{{table}}/*.parquet", "tables": {table: {} for table in TABLES}}
    variables = {"raw": raw, **(variables or {})}
    assert build.dbt("build", *WITHOUT_TESTS, variables=variables, threads=threads), build.errors
    return build


def having(column: str) -> list[str]:
    """The tables that have the column."""
    return [name for name, table in CONTRACT.items() if column in {c.name for c in table.columns}]


def marts(build: Build) -> dict[str, list[tuple]]:
    return {mart: build.rows(f"from {mart} order by all") for mart in MARTS}


def segments(build: Build, *without: str) -> list[tuple]:
    left_out = ", ".join(("as_of_date", *without))
    return build.rows(f"select * exclude ({left_out}) from customer_segments order by customer_id")


@pytest.fixture(scope="module")
def expected(sample: Build) -> dict[str, list[tuple]]:
    rows = marts(sample)
    assert all(rows.values()), "an empty mart proves nothing"
    return rows


def test_the_order_of_the_rows_the_files_and_the_threads_change_nothing(
    make_build: Callable[..., Build], expected: dict[str, list[tuple]]
) -> None:
    connection = raw_sample()
    for table in TABLES:
        connection.execute(
            f"create or replace table {table} as from {table}"
            " order by md5(concat_ws('|', *columns(*))) desc"
        )
    one = build_from(make_build("shuffled"), connection, threads=1, parts=3)
    assert marts(one) == expected
    four = build_from(make_build("four_threads"), connection, threads=4)
    assert marts(four) == expected


def test_renaming_the_ids_renames_the_rows_and_changes_nothing_else(
    make_build: Callable[..., Build], sample: Build
) -> None:
    connection = raw_sample()
    connection.execute(
        f"update erasure_requests set customer_id_hash = md5({RENAME.format('customer_id')})"
        " from customers where lower(trim(customer_id_hash)) = md5(trim(customer_id))"
    )
    for column in ("customer_id", "merged_into_customer_id"):
        for table in having(column):
            connection.execute(f"update {table} set {column} = {RENAME.format(column)}")
    for key in ("order_id", "session_id", "company_id", "parent_company_id"):
        for table in having(key):
            connection.execute(f"update {table} set {key} = reverse({key})")
    renamed = build_from(make_build("renamed"), connection)
    for mart in ("customer_features", "customer_rfm_scores", "customer_segments", "customers"):
        names = [f"{RENAME.format('customer_id')} as customer_id"]
        names += (
            ["reverse(company_id) as company_id"]
            if mart in ("customer_features", "customers")
            else []
        )
        back = f"select * replace ({', '.join(names)}) from {mart}"
        assert renamed.rows(f"from ({back}) order by customer_id") == sample.rows(
            f"from {mart} order by customer_id"
        ), mart
    assert renamed.rows("from segment_kpis order by all") == sample.rows(
        "from segment_kpis order by all"
    )


def multiply(
    connection: duckdb.DuckDBPyConnection,
    factor: int,
    table: str,
    *columns: str,
    where: str = "1=1",
) -> None:
    for column in columns:
        connection.execute(
            f"update {table} set {column} = cast({factor} * cast(round(try_cast({column} as"
            f" decimal(24, 6)), 2) as decimal(18, 2)) as varchar)"
            f" where try_cast({column} as decimal(24, 6)) < 100000000"
            f" and regexp_full_match({column}, '[0-9.-]+') and {where}"
        )


def raw_at_a_rate_of_two() -> duckdb.DuckDBPyConnection:
    """No amount is rounded when it is converted, so that sums stay exact."""
    connection = raw_sample()
    connection.execute("update exchange_rates set rate = '2' where rate > '0'")
    return connection


@pytest.fixture(scope="module")
def at_a_rate_of_two(make_build: Callable[..., Build]) -> Build:
    return build_from(make_build("at_a_rate_of_two"), raw_at_a_rate_of_two())


def test_the_unit_of_money_changes_no_score_and_no_segment(
    make_build: Callable[..., Build], at_a_rate_of_two: Build
) -> None:
    connection = raw_at_a_rate_of_two()
    multiply(connection, 10, "orders", "gross_amount", "discount_amount", "refunded_amount")
    multiply(connection, 10, "order_items", "unit_price")
    multiply(connection, 10, "subscriptions", "monthly_amount")
    scaled = build_from(make_build("scaled"), connection)
    # Whom a threshold of money makes loyal is another question in another unit.
    assert segments(scaled, "loyalty") == segments(at_a_rate_of_two, "loyalty")
    net_amount = "select sum(net_amount) from customer_features"
    assert scaled.value(net_amount) == 10 * at_a_rate_of_two.value(net_amount)


def test_money_is_worth_the_same_in_two_currencies(
    make_build: Callable[..., Build], at_a_rate_of_two: Build
) -> None:
    foreign = at_a_rate_of_two.rows(
        "select order_id from stg_orders where exchange_rate = 2 and quarantine_reason is null"
    )
    assert len(foreign) > 20
    connection = raw_at_a_rate_of_two()
    connection.execute("create table exchanged (id varchar)")
    connection.executemany("insert into exchanged values (?)", foreign)
    where = "trim(order_id) in (select id from exchanged)"
    amounts = ("gross_amount", "discount_amount", "refunded_amount")
    multiply(connection, 2, "orders", *amounts, where=where)
    multiply(connection, 2, "order_items", "unit_price", where=where)
    connection.execute(f"update orders set currency = 'EUR' where {where}")
    exchanged = build_from(make_build("exchanged"), connection)
    assert exchanged.value("select count(*) from int_orders where exchange_rate <> 1") == 0
    assert marts(exchanged) == marts(at_a_rate_of_two)


@pytest.mark.parametrize("pairs", ["none", "flat"])
def test_merging_and_building_is_building_on_what_is_merged(
    make_build: Callable[..., Build], expected: dict[str, list[tuple]], sample: Build, pairs: str
) -> None:
    """Ids that are replaced in the source, and every account merged into its last one at once."""
    last = sample.rows("from int_merged_customers")
    assert len(last) > 5
    connection = raw_sample()
    connection.execute("create table last (old varchar, new varchar)")
    connection.executemany("insert into last values (?, ?)", last)
    connection.execute("delete from customer_merges")
    if pairs == "flat":
        connection.execute("insert into customer_merges from last order by new desc")
    else:
        connection.execute(
            "delete from customers where trim(customer_id) in (select old from last)"
        )
        for table in having("customer_id"):
            connection.execute(
                f"update {table} set customer_id = new from last where trim(customer_id) = old"
            )
    merged = marts(build_from(make_build(f"merged_{pairs}"), connection))
    for mart in set(MARTS) - {"quarantined_rows"}:
        assert merged[mart] == expected[mart], mart


@pytest.mark.fault(26)
@pytest.mark.parametrize("ids", [["C0000001"], ["C0000001", "C0000002", "C0000003"]])
def test_a_circle_of_merges_stops_the_build_and_tells_no_id(
    make_build: Callable[..., Build], ids: list[str]
) -> None:
    connection = raw_sample()
    pairs = zip(ids, [*ids[1:], ids[0]], strict=True)
    connection.executemany("insert into customer_merges values (?, ?)", list(pairs))
    build = make_build("circle")
    with pytest.raises(AssertionError):
        build_from(build, connection)
    (error,) = [text for text in build.errors if "customer_merges" in text]
    hashes = ", ".join(md5(key.encode()).hexdigest() for key in ids)
    assert (
        f"SEG-MERGE: customer_merges has no end for the accounts whose ids have the MD5 {hashes}: "
        in error
    )
    assert not any(key in error for key in ids)
    assert "Fix: " in error
    built = build.rows("select table_name from information_schema.tables")
    assert not {name for (name,) in built} & {"int_orders", *MARTS}


def test_prospects_test_accounts_and_refused_rows_change_nobody_elses_result(
    make_build: Callable[..., Build], sample: Build
) -> None:
    connection = raw_sample()
    connection.execute(
        "insert into customers by name select 'new prospect' as customer_id,"
        " '2025-05-05' as created_at, 'false' as is_test_account union all"
        " select 'robot', '2025-05-05', 'true'"
    )
    connection.execute(
        "insert into orders by name"
        " select 'o1' as order_id, 'robot' as customer_id, '2025-06-01' as ordered_at,"
        " '900000' as gross_amount"
        " union all select 'o2', 'nobody', '2025-06-01', '900000'"
        " union all select 'o3', min(customer_id), '2025-06-01', 'much' from customers"
    )
    more = build_from(make_build("more"), connection)
    known = [row for row in segments(more) if row[0] != "new prospect"]
    assert known == segments(sample)
    assert more.rows("from rfm_cutpoints order by all") == sample.rows(
        "from rfm_cutpoints order by all"
    )
    assert more.rows(
        "select lifecycle from customer_segments where customer_id = 'new prospect'"
    ) == [("prospect",)]


@pytest.mark.parametrize("as_of_date", ["2024-11-30", "2025-06-15"])
def test_the_past_looks_the_same_with_and_without_what_came_later(
    make_build: Callable[..., Build], as_of_date: str
) -> None:
    """A build on all data at an old date equals one on the data as they were on that date."""
    variables = {"as_of_date": as_of_date}
    whole = build_from(make_build("whole"), raw_sample(), variables)
    cut = raw_sample()
    later = f">= date '{as_of_date}' + 1"
    # That two accounts are one person was true before the younger was opened.
    cut.execute(
        f"delete from customers where try_cast(created_at as timestamp) {later}"
        " and customer_id not in (select trim(merged_into_customer_id) from customer_merges"
        " where merged_into_customer_id is not null)"
    )
    # Without a date of opening they came with what they did first.
    newcomers = whole.rows(
        "select customer_id from int_customers inner join"
        " (select customer_id, business_date from int_orders"
        " union all select customer_id, business_date from int_sessions) using (customer_id)"
        f" where created_date is null group by all having min(business_date) {later}"
    )
    cut.executemany("delete from customers where trim(customer_id) = ?", newcomers or [("",)])
    for table, column in TIMES.items():
        cut.execute(f"delete from {table} where try_cast({column} as timestamp) {later}")
    for table, column in (("feedback", "resolved_at"), ("subscriptions", "ended_at")):
        cut.execute(
            f"update {table} set {column} = null where try_cast({column} as timestamp) {later}"
        )
    cut.execute(
        "update orders set refunded_amount = null, refunded_at = null"
        f" where try_cast(refunded_at as timestamp) {later}"
    )
    cut.execute(
        "update orders set status = 'completed', cancelled_at = null"
        f" where try_cast(cancelled_at as timestamp) {later}"
    )
    now = build_from(make_build("cut"), cut, variables)
    for mart in MARTS:
        if mart != "quarantined_rows":
            query = f"from {mart} order by all"
            assert now.rows(query) == whole.rows(query), mart
    assert len(segments(now)) > 100


@pytest.mark.fault(13)
def test_typed_columns_give_what_text_gives(
    make_build: Callable[..., Build], sample: Build
) -> None:
    """Timestamps, decimals and integers of a warehouse take another path than text."""
    typed, text = duckdb.connect(), duckdb.connect()
    for connection, columns in ((typed, "*"), (text, "cast(columns(*) as varchar)")):
        connection.execute(f"attach '{sample.database}' as built (read_only)")
        for table in TABLES:
            names = ", ".join(column.name for column in CONTRACT[table].columns)
            connection.execute(
                f"create table {table} as select {columns} from (select {names}"
                f" from built.stg_{table} where quarantine_reason is null)"
            )
    from_types = build_from(make_build("from_types"), typed)
    assert from_types.value("select count(*) from quarantined_rows") == 0
    assert marts(from_types) == marts(build_from(make_build("from_text"), text))


@pytest.mark.fault(51)
def test_the_time_zone_of_the_connection_changes_nothing(
    make_build: Callable[..., Build], expected: dict[str, list[tuple]], tmp_path: Path
) -> None:
    profile = (ROOT / "profiles" / "profiles.yml").read_text()
    assert "TimeZone: UTC" in profile
    away = profile.replace("TimeZone: UTC", "TimeZone: Pacific/Auckland")
    (tmp_path / "profiles.yml").write_text(away)
    build = make_build("auckland")
    build.profiles = tmp_path
    assert marts(build_from(build, raw_sample())) == expected


def mapped(folder: Path, *tables: str) -> dict:
    """The vars of a world that has these tables of the sample and no others."""
    connection = raw_sample()
    for table in tables:
        connection.execute(f"copy {table} to '{folder / table}.parquet'")
    return {
        "raw": {"files": f"{folder}/{{table}}.parquet", "tables": {name: {} for name in tables}}
    }


def test_an_absent_table_is_an_empty_table(
    make_build: Callable[..., Build], sample: Build, tmp_path: Path
) -> None:
    build = make_build("no_sessions")
    tables = ("customers", "orders", "exchange_rates", "customer_merges", "erasure_requests")
    assert build.dbt("build", variables=mapped(tmp_path, *tables)), build.errors
    unknown = "select distinct engagement, window_shopper from customer_segments"
    assert build.rows(unknown) == [("unknown", "unknown")]
    assert build.value("select sum(net_amount) from customer_features") == sample.value(
        "select sum(net_amount) from customer_features"
    )


def test_without_rates_foreign_orders_wait_and_without_merges_accounts_are_apart(
    make_build: Callable[..., Build], sample: Build, tmp_path: Path
) -> None:
    build = make_build("two_tables")
    assert build.dbt("build", variables=mapped(tmp_path, "customers", "orders")), build.errors
    details = build.rows("select detail from quarantined_rows where reason = 'missing_rate'")
    assert len(details) > sample.value("select count(*) from int_orders where exchange_rate <> 1")
    assert all(detail[:4] in ("CHF ", "USD ", "XXX ") for (detail,) in details)
    assert build.value("select count(*) from int_merged_customers") == 0
    still_there = sample.rows(
        "select count(*) from stg_customers inner join int_merged_customers using (customer_id)"
        " where quarantine_reason is null"
    )
    # Where nobody can ask, nobody is erased.
    erased = (
        "select count(*) from quarantined_rows where source = 'customers' and reason = 'erased'"
    )
    customers = "select count(*) from int_customers"
    assert build.value(customers) == (
        sample.value(customers) + still_there[0][0] + sample.value(erased)
    )
    assert build.rows("from erasures") == []


def test_a_build_replaces_the_segments_of_its_own_date_and_no_others(
    make_build: Callable[..., Build],
) -> None:
    build = make_build("slices")

    def built(as_of: str, **variables: str) -> dict[str, list[tuple]]:
        # With the data tests: a mart that takes another date's rows as well has them twice.
        command = ("build", "--exclude-resource-type", "unit_test")
        assert build.dbt(*command, variables={"as_of_date": as_of, **variables}), build.errors
        dates = [str(date) for (date,) in build.rows("select distinct as_of_date from customers")]
        assert dates == [as_of]
        query = "select * exclude as_of_date from customer_segments where as_of_date = '{}'"
        slices = build.rows("select distinct as_of_date from customer_segments order by all")
        return {
            str(date): build.rows(query.format(date) + " order by customer_id")
            for (date,) in slices
        }

    june = built("2025-06-30")
    both = built("2025-12-30")
    assert both.keys() == {"2025-06-30", "2025-12-30"}
    assert both["2025-06-30"] == june["2025-06-30"]
    # Another map gives other segments: those of the date are replaced as a whole.
    replaced = built("2025-06-30", rfm_map="klaviyo")
    assert replaced["2025-12-30"] == both["2025-12-30"]
    assert len(replaced["2025-06-30"]) == len(june["2025-06-30"])
    assert replaced["2025-06-30"] != june["2025-06-30"]
