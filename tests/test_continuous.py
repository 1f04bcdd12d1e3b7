"""The clean events that are kept from day to day are those of a full refresh, whatever a day brings."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from conftest import ROOT, WITHOUT_TESTS, Build, copy_of_project
from engines import Postgres
from test_metamorphic import TABLES, raw_sample

SEEDS = (1, 2)
DAYS = 4
EVENTS = {"orders": "order_id", "sessions": "session_id"}
CLEAN = ("run", "--select", "+int_orders", "+int_sessions")


class Shop:
    """The raw tables of the sample as they grow by the day, with all that may happen to them."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.day = 0
        self.raw = raw_sample()
        # Empty days are built too: nothing else must be known of a row than when it was loaded.
        for table, key in EVENTS.items():
            self.run(f"create table all_{table} as from {table}")
            # In any order of the events: most are late, some by a year.
            self.run(f"delete from {table} where {self.some(key, 300, 'late')}")
            self.run(
                f"update {table} set loaded_at ="
                f" cast(date '2025-12-20' + cast(hash({key}) % 10 as integer) as varchar)"
            )
        for table, key in (("customers", "customer_id"), ("exchange_rates", "rate_date")):
            self.run(f"create table all_{table} as from {table}")
            self.run(f"delete from {table} where {self.some(key, 200, 'late')}")
        self.run("create table all_customer_merges as from customer_merges")
        self.run("delete from customer_merges")

    def run(self, sql: str) -> None:
        self.raw.execute(sql)

    def some(self, key: str, permille: int, what: str) -> str:
        """A condition that holds for some rows, and for the same ones whenever it is asked."""
        return f"hash({key}, {self.seed}, {self.day}, '{what}') % 1000 < {permille}"

    def now(self, day: int | None = None) -> str:
        return f"2026-01-{self.day + 1 if day is None else day + 1:02} 03:00:00"

    def pass_a_day(self) -> None:
        self.day += 1
        now = self.now()
        for table, key in EVENTS.items():
            self.run(f"delete from {table} where {self.some(key, 15, 'deleted')}")
            # With times of loading as sources have them: of this load, of the very moment of the last one, forgotten, or
            # unreadable.
            self.run(f"""
                insert into {table} by name
                select * replace (
                    case hash({key}, {self.seed}) % 12
                        when 0 then null
                        when 1 then '{self.now(self.day - 1)}'
                        when 2 then 'yesterday'
                        else '{now}'
                    end as loaded_at
                )
                from all_{table} as coming
                where {self.some(key, 80, "new")}
                    and not exists (from {table} as old where old.{key} = coming.{key})
            """)
            owner = f"(select min(customer_id) from customers where hash(customer_id) % 7 = {self.day % 7})"
            # In place, and as one more version that agrees with the one before or not.
            self.run(
                f"update {table} set customer_id = {owner}, loaded_at = '{now}'"
                f" where {self.some(key, 10, 'in place')}"
            )
            self.run(
                f"insert into {table} by name select * replace ('{now}' as loaded_at, null as customer_id)"
                f" from {table} where {self.some(key, 10, 'version')}"
            )
            self.run(
                f"insert into {table} by name select * from {table}"
                f" where loaded_at = '{now}' and {self.some(key, 100, 'copy')}"
            )
        self.run(
            f"update orders set gross_amount = '77.77', updated_at = '{now}', loaded_at = '{now}'"
            f" where {self.some('order_id', 10, 'amount')}"
        )
        for table, key in (("customers", "customer_id"), ("exchange_rates", "rate_date")):
            self.run(f"""
                insert into {table}
                from all_{table} as coming
                where {self.some(key, 250, "known")}
                    and not exists (from {table} as old where old.{key} = coming.{key})
            """)
        self.run(
            "update customers set is_test_account = cast(is_test_account <> 'true' as varchar)"
            f" where {self.some('customer_id', 10, 'tester')}"
        )
        self.run(f"delete from customers where {self.some('customer_id', 5, 'closed')}")
        self.run(
            f"update exchange_rates set rate = '1.5' where {self.some('rate_date', 20, 'corrected')}"
        )
        # Merges come and go.
        self.run("delete from customer_merges")
        self.run(
            "insert into customer_merges from all_customer_merges"
            f" where {self.some('customer_id', 600, 'merged')}"
        )

    def write(self, folder: Path) -> dict:
        """Write what there is now; returns the vars."""
        folder.mkdir(exist_ok=True)
        for table in TABLES:
            self.run(f"copy {table} to '{folder / table}.parquet'")
        tables = {table: {} for table in TABLES}
        return {"raw": {"files": f"{folder}/{{table}}.parquet", "tables": tables}}


def events(build: Build) -> dict[str, list[tuple]]:
    """The clean events, and which rows are kept beside them."""
    found = {table: build.rows(f"from int_{table} order by all") for table in EVENTS}
    for table, key in EVENTS.items():
        found[f"judged_{table}"] = build.rows(
            f"select {key}, quarantine_reason, loaded_at from int_judged_{table} order by all"
        )
    return found


def differing(found: dict[str, list[tuple]], expected: dict[str, list[tuple]]) -> dict[str, list]:
    """Some rows that one has and the other has not, or not as often."""
    both = {name: (found[name], expected[name]) for name in expected}
    return {
        name: sorted(set(left) ^ set(right), key=str)[:4] or [len(left), len(right)]
        for name, (left, right) in both.items()
        if left != right
    }


def run(build: Build, *command: str, variables: dict) -> Build:
    assert build.dbt(*command, variables=variables), build.errors
    return build


@pytest.mark.fault(54, 55)
@pytest.mark.parametrize("seed", SEEDS)
def test_each_day_gives_the_events_of_a_full_refresh(
    make_build: Callable[..., Build], tmp_path: Path, seed: int
) -> None:
    shop = Shop(seed)
    kept, whole = make_build("kept"), make_build("whole")
    reasons = set()
    for day in range(DAYS + 1):
        # The second day is empty, and the first is built twice.
        if day not in (0, 2):
            shop.pass_a_day()
        variables = shop.write(tmp_path / "raw")
        run(kept, *CLEAN, variables=variables)
        run(whole, *CLEAN, "--full-refresh", variables=variables)
        assert differing(events(kept), events(whole)) == {}, f"day {day}"
        reasons |= {reason for _, reason, _ in events(kept)["judged_orders"]}
    assert reasons >= {"orphan", "missing_rate", "superseded", "duplicate", "conflicting_duplicate"}
    assert whole.value("select count(*) from int_orders where invalid_reason = 'test_account'")
    if seed != SEEDS[-1]:
        return
    features = ("build", "--select", "+customer_features", *WITHOUT_TESTS)
    run(kept, *features, variables=variables)
    run(whole, *features, "--full-refresh", variables=variables)
    query = "from customer_features order by customer_id"
    assert kept.rows(query) == whole.rows(query)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(9)


@pytest.fixture(scope="module")
def built(
    make_build: Callable[..., Build], shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Build, dict]:
    """A build of a first day, and its vars; each test leaves it as a full refresh would."""
    variables = shop.write(tmp_path_factory.mktemp("continuous") / "raw")
    return run(make_build("continuous"), *CLEAN, variables=variables), variables


def change(build: Build, sql: str) -> None:
    with duckdb.connect(str(build.database)) as connection:
        connection.execute(sql)


MARKED = {"orders": "category", "sessions": "device_type"}


def mark(build: Build) -> dict[str, int]:
    """Mark the accepted rows of old loads; says how many there are."""
    for table, column in MARKED.items():
        change(
            build,
            f"update int_judged_{table} set {column} = 'marked'"
            " where loaded_at < '2025-12-29' and quarantine_reason is null",
        )
    return marked(build)


def marked(build: Build) -> dict[str, int]:
    count = "select count(*) from int_{} where {} = 'marked'"
    return {table: build.value(count.format(table, column)) for table, column in MARKED.items()}


def test_what_was_not_loaded_again_is_not_written_again(
    built: tuple[Build, dict],
) -> None:
    """A mark on old rows outlives a build, and neither a full refresh nor one that is built whole."""
    build, variables = built
    counts = mark(build)
    assert all(count > 500 for count in counts.values())
    run(build, *CLEAN, variables=variables)
    assert marked(build) == counts
    run(build, *CLEAN, "--full-refresh", variables=variables)
    assert marked(build) == {"orders": 0, "sessions": 0}

    mark(build)
    without = {"raw": {**variables["raw"], "tables": dict(variables["raw"]["tables"])}}
    for table in EVENTS:
        columns = [name for name, *_ in build.rows(f"describe stg_{table}")]
        mapped = {
            name: name for name in columns if name not in ("exchange_rate", "quarantine_reason")
        }
        without["raw"]["tables"][table] = {"columns": {**mapped, "loaded_at": None}}
    run(build, *CLEAN, variables=without)
    assert marked(build) == {"orders": 0, "sessions": 0}


def test_another_var_judges_every_row_again(
    make_build: Callable[..., Build], built: tuple[Build, dict]
) -> None:
    build, variables = built
    run(build, *CLEAN, "--full-refresh", variables=variables)
    before = events(build)
    for name, value in (
        ("source_timezone", "Asia/Tokyo"),
        ("business_timezone", "Asia/Tokyo"),
        ("reporting_currency", "CHF"),
    ):
        mark(build)
        variables = variables | {name: value}
        run(build, *CLEAN, variables=variables)
        assert marked(build) == {"orders": 0, "sessions": 0}, name
    whole = run(make_build("other"), *CLEAN, variables=variables)
    assert events(build) != before
    assert differing(events(build), events(whole)) == {}


def test_other_sql_judges_every_row_again(built: tuple[Build, dict], tmp_path: Path) -> None:
    """As after an update of the project."""
    build, variables = built
    run(build, *CLEAN, "--full-refresh", variables=variables)
    mark(build)
    copy = copy_of_project(tmp_path)
    macro = copy / "macros/input/staged_sessions.sql"
    macro.write_text(macro.read_text().replace("lower({{ clean_text('browser') }})", "'none'"))
    build.project = copy
    try:
        run(build, *CLEAN, variables=variables)
    finally:
        build.project = ROOT
    found = marked(build)
    assert found["orders"] > 500
    assert found["sessions"] == 0


def test_an_order_of_tomorrow_counts_when_its_day_has_come(built: tuple[Build, dict]) -> None:
    build, variables = built
    run(build, *CLEAN, "--full-refresh", variables=variables)
    expected = events(build)
    # As if the last build had been made before that day.
    for table in EVENTS:
        change(
            build,
            f"update int_judged_{table} set quarantine_reason = 'date_in_future'"
            " where loaded_at = '2025-12-24' and quarantine_reason is null",
        )
    assert len(events(build)["orders"]) < len(expected["orders"])
    run(build, *CLEAN, variables=variables)
    assert differing(events(build), expected) == {}


def test_a_row_with_an_old_time_of_loading_is_found_by_the_number_of_its_day(
    built: tuple[Build, dict], shop: Shop
) -> None:
    """As are rows that vanish; a promise is broken only where as many come as go."""
    build, variables = built
    run(build, *CLEAN, "--full-refresh", variables=variables)
    for table, key in EVENTS.items():
        some = f"loaded_at = '2025-12-22' and hash({key}) % 2 = 0"
        shop.run(
            f"insert into {table} by name"
            f" select * replace ('more ' || {key} as {key}) from {table} where {some}"
        )
        shop.run(f"delete from {table} where loaded_at = '2025-12-23' and hash({key}) % 2 = 0")
    folder = Path(variables["raw"]["files"]).parent
    shop.write(folder)
    kept = events(run(build, *CLEAN, variables=variables))
    run(build, *CLEAN, "--full-refresh", variables=variables)
    assert differing(kept, events(build)) == {}
    assert build.value("select count(*) from int_orders where order_id like 'more %'") > 100


def test_postgres_keeps_the_rows_of_a_full_refresh(
    postgres_engine: Postgres, tmp_path: Path
) -> None:
    engine, shop = postgres_engine, Shop(4)
    cursor = engine.connection.cursor()

    def files() -> dict[str, Path]:
        shop.write(tmp_path)
        for table in TABLES:
            shop.run(f"copy {table} to '{tmp_path / table}.csv' (header)")
        return {table: tmp_path / f"{table}.csv" for table in TABLES}

    def found() -> dict[str, list[tuple]]:
        return {
            table: sorted(engine.query("continuous", f"select * from int_{table}")[1], key=str)
            for table in EVENTS
        }

    place = engine.load("continuous", files())
    variables = {"raw": {**place, "tables": {table: {} for table in TABLES}}}
    engine.dbt("continuous", *CLEAN, variables=variables)
    for _ in range(2):
        shop.pass_a_day()
        for table, path in files().items():
            cursor.execute(f"truncate continuous_raw.{table}")
            with path.open(encoding="utf-8", newline="") as file:
                cursor.copy_expert(f"copy continuous_raw.{table} from stdin csv header", file)
        engine.dbt("continuous", *CLEAN, variables=variables)
        kept = found()
    engine.dbt("continuous", *CLEAN, "--full-refresh", variables=variables)
    assert differing(kept, found()) == {}
