"""The past: built date by date, complete after a stop, moved only when it is built again, and never read ahead."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import combinations, pairwise
from pathlib import Path

import backfill
import conftest
import duckdb
import pytest
from conftest import DATA, FROZEN, NO_DATA, ROOT, WITHOUT_TESTS, Build
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from marts import MARTS, assert_same
from raw_tables import UnreadableError
from test_metamorphic import TABLES, raw_sample

MONTHS = [date(2025, 7, 31), date(2025, 8, 31), date(2025, 9, 30), date(2025, 10, 31)]
PRESENT = date(2025, 12, 30)
SLICED = (
    *("customer_segments", "customer_scores", "company_segments"),
    *("int_segment_size_slices", "segment_scorecard"),
)
SCHEMES = ("rfm", "lifecycle", "value_tier", "satisfaction")


class Past:
    """The raw sample in files that a test may change, and its history."""

    def __init__(self, build: Build, raw: duckdb.DuckDBPyConnection) -> None:
        self.build, self.raw = build, raw
        self.folder = build.target.parent / "raw"
        self.folder.mkdir(parents=True)
        tables = {table: {} for table in TABLES}
        self.variables = {"raw": {"files": f"{self.folder}/{{table}}.parquet", "tables": tables}}
        self.variables |= FROZEN
        self.write()

    def write(self) -> None:
        for table in TABLES:
            self.raw.execute(f"copy {table} to '{self.folder / table}.parquet'")

    def backfill(self, *arguments: str, stop_at: date | None = None) -> int:
        """Through the script, in this process; it may be stopped on its way."""

        class Stopped(backfill.Dbt):
            def run(self, *command: str, as_of: date | None = None) -> object:
                if as_of and as_of == stop_at:
                    raise UnreadableError("stopped")
                result = super().run(*command, as_of=as_of)
                DuckDBConnectionManager.close_all_connections()
                return result

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SEGMENTATION_DUCKDB_PATH", str(self.build.database))
            patch.setenv("DBT_TARGET_PATH", str(self.build.target))
            place = ("--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles"))
            dates = ("--from", str(MONTHS[0]), "--to", str(MONTHS[-1]))
            words = ("--vars", str(self.variables))
            return backfill.main([*dates, *words, *place, *arguments], make_dbt=Stopped)

    def slices(self) -> dict[date, list[list[tuple]]]:
        """What is kept of each date."""
        return {
            day: [
                self.build.rows(f"from {table} where as_of_date = '{day}' order by all")
                for table in SLICED
            ]
            for (day,) in self.build.rows("select as_of_date from segment_slices order by 1")
        }

    def health(self) -> dict[date, tuple[str, str]]:
        rows = self.build.rows(
            "select cast(subject as date), status, message from pipeline_health"
            " where check_name = 'slice'"
        )
        return {day: (status, message) for day, status, message in rows}


@pytest.fixture(scope="module")
def past(make_build: Callable[..., Build]) -> Past:
    past = Past(make_build("past"), raw_sample())
    assert past.backfill(stop_at=MONTHS[2]) == 1
    done = past.slices()
    assert sorted(done) == MONTHS[:2]
    # Goes on where it was, and leaves what is done as it is.
    assert past.backfill() == 0
    assert sorted(past.slices()) == [*MONTHS, PRESENT]
    assert {day: rows for day, rows in past.slices().items() if day in done} == done
    return past


def test_a_slice_is_what_a_build_of_its_date_alone_gives(
    past: Past, make_build: Callable[..., Build]
) -> None:
    alone = make_build("alone")
    variables = past.variables | {"as_of_date": str(MONTHS[1])}
    assert alone.dbt("build", *WITHOUT_TESTS, variables=variables), alone.errors
    slices = past.slices()
    for table, kept in zip(SLICED[:-1], slices[MONTHS[1]][:-1], strict=True):
        assert kept
        assert alone.rows(f"from {table} order by all") == kept, table
    changes = "previous_date, customer_count_change, net_amount_365d_change"
    kpis = f"select * exclude ({changes}) from segment_kpis where as_of_date = '{MONTHS[1]}' order by all"
    assert past.build.rows(kpis) == alone.rows(kpis)


@pytest.fixture(scope="module")
def segments(past: Past) -> dict[str, dict[date, dict[str, str]]]:
    """By scheme, date and customer."""
    found: dict[str, dict[date, dict[str, str]]] = {}
    for scheme in SCHEMES:
        of_scheme = found.setdefault(scheme, defaultdict(dict))
        for day, customer, segment in past.build.rows(
            f"select as_of_date, customer_id, {scheme} from customer_segments"
        ):
            of_scheme[day][customer] = segment
    return found


def test_history_is_the_stays_that_plain_python_finds(
    past: Past, segments: dict[str, dict[date, dict[str, str]]]
) -> None:
    expected = []
    for scheme, by_day in segments.items():
        days = sorted(by_day)
        for customer in set().union(*by_day.values()):
            path = [by_day[day].get(customer) for day in days]
            starts = [i for i, segment in enumerate(path) if i == 0 or path[i - 1] != segment]
            for start, end in pairwise([*starts, len(days)]):
                if path[start] is None:
                    continue
                left = days[end] if end < len(days) else None
                expected.append(
                    (
                        *(customer, scheme, path[start], days[start], left),
                        path[start - 1] if start else None,
                        path[end] if left else None,
                        ((left or days[-1]) - days[start]).days,
                        left is None,
                    )
                )
    chosen = ", ".join(f"'{scheme}'" for scheme in SCHEMES)
    found = past.build.rows(f"from segment_history where scheme in ({chosen})")
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert sum(row[4] is not None for row in found) > 300


def test_in_every_scheme_stays_have_no_overlap_and_no_gap_and_one_is_open(past: Past) -> None:
    stays = defaultdict(list)
    for customer, scheme, entered, left in past.build.rows(
        "select customer_id, scheme, entered_date, left_date from segment_history"
    ):
        stays[customer, scheme].append((entered, left))
    assert len({scheme for _, scheme in stays}) > 35
    for key, of_customer in stays.items():
        of_customer.sort()
        # Nobody vanishes from the sample.
        assert [left for _, left in of_customer[:-1]] == [came for came, _ in of_customer[1:]], key
        assert of_customer[-1][1] is None, key


def test_transitions_between_any_two_dates_are_what_plain_python_counts(
    past: Past, segments: dict[str, dict[date, dict[str, str]]]
) -> None:
    amounts = {
        (day, customer): amount
        for day, customer, amount in past.build.rows(
            "select as_of_date, customer_id, net_amount_365d from customer_scores"
        )
    }
    expected = {}
    for scheme, by_day in segments.items():
        days = sorted(by_day)
        for before, after in combinations(days, 2):
            moves = defaultdict(list)
            for customer in by_day[before].keys() | by_day[after].keys():
                move = by_day[before].get(customer), by_day[after].get(customer)
                moves[move].append(customer)
            for move, customers in moves.items():
                sums = [
                    sum(amounts[day, customer] for customer in customers)
                    if segment and len(customers) >= 5
                    else None
                    for day, segment in zip((before, after), move, strict=True)
                ]
                follows = days.index(after) == days.index(before) + 1
                expected[scheme, before, after, *move] = (follows, len(customers), *sums)
    rows = past.build.rows(
        "select scheme, from_date, to_date, from_segment, to_segment, is_consecutive,"
        " customer_count, net_amount_365d_before, net_amount_365d_after from segment_transitions"
        f" where scheme in {SCHEMES}"
    )
    assert {row[:5]: row[5:] for row in rows} == expected
    assert len(expected) > 300
    # A label tells its date, so that a chart of several steps has no circle.
    for before, after, *labels in past.build.rows(
        "select from_date, to_date, from_label, to_label from segment_transitions"
    ):
        assert [label[-10:] for label in labels] == [str(before), str(after)]


def test_movers_are_those_of_the_latest_step(
    past: Past, segments: dict[str, dict[date, dict[str, str]]]
) -> None:
    expected = Counter()
    for scheme, by_day in segments.items():
        before, after = by_day[MONTHS[-1]], by_day[PRESENT]
        for customer in before.keys() & after.keys():
            if before[customer] != after[customer]:
                expected[customer, scheme, before[customer], after[customer]] += 1
    found = past.build.rows(
        "select customer_id, scheme, from_segment, to_segment from segment_movers"
        f" where scheme in {SCHEMES}"
    )
    assert Counter(found) == expected
    assert len(found) > 100
    dates = "select distinct from_date, to_date from segment_movers"
    assert past.build.rows(dates) == [(MONTHS[-1], PRESENT)]


def test_kpis_of_every_date_add_up_and_change_by_what_they_differ(past: Past) -> None:
    rows = past.build.rows(
        "select scheme, segment, as_of_date, customer_count, previous_date, customer_count_change"
        " from segment_kpis order by all"
    )
    assert len({row[2] for row in rows}) == 5
    for (*key, day, count, _, _), (*next_key, _, next_count, previous, change) in pairwise(rows):
        if key == next_key:
            assert (previous, change) == (day, next_count - count)
    sizes = dict(past.build.rows("select as_of_date, customer_count from segment_slices"))
    summed: Counter = Counter()
    for scheme, _, day, count, *_ in rows:
        summed[scheme, day] += count
    assert all(count == sizes[day] for (_, day), count in summed.items())


def test_a_late_order_moves_the_past_only_when_it_is_built_again(past: Past) -> None:
    """What belongs to September comes in December."""
    build = past.build
    before = past.slices()
    customer = build.value(
        f"select min(customer_id) from customer_scores where as_of_date = '{MONTHS[1]}'"
        " and net_amount_365d between 1 and 500"
    )
    late = datetime(2025, 9, 10, 12)
    past.raw.execute(
        "insert into orders by name select 'late' as order_id, ? as customer_id,"
        " ? as ordered_at, '777.77' as gross_amount, 'EUR' as currency",
        [customer, str(late)],
    )
    past.write()
    assert build.dbt("build", *WITHOUT_TESTS, variables=past.variables), build.errors
    stale = [day for day in MONTHS if day >= late.date()]
    health = past.health()
    assert {day for day, (status, _) in health.items() if status == "stale"} == set(stale)
    assert "1 orders, 0 cancellations, 0 sessions and 777.77" in health[stale[0]][1]
    after = past.slices()
    assert {day: after[day] for day in MONTHS} == {day: before[day] for day in MONTHS}
    amount = (
        "select net_amount_365d from customer_scores"
        f" where customer_id = '{customer}' and as_of_date = '{{}}'"
    )
    old = build.value(amount.format(stale[0]))
    assert past.backfill() == 0
    rebuilt = past.slices()
    assert [day for day in MONTHS if rebuilt[day] != before[day]] == stale
    assert build.value(amount.format(stale[0])) == old + Decimal("777.77")
    assert {status for status, _ in past.health().values()} == {"ok"}


def test_old_days_are_pruned_to_the_last_of_each_month(
    make_build: Callable[..., Build], past: Past
) -> None:
    build = make_build("pruned")
    days = ["2025-10-30", "2025-10-31", "2025-11-28", "2025-11-29", "2025-12-01", "2025-12-30"]
    command = ("run", "--select", "int_as_of_date+,+segment_slices")
    clean = ("build", *WITHOUT_TESTS, "--exclude", "int_as_of_date+")
    assert build.dbt(*clean, variables=past.variables), build.errors
    for day in days:
        variables = past.variables | {"as_of_date": day, "daily_slices": 30}
        assert build.dbt(*command, variables=variables), build.errors
    for table in (*SLICED, "segment_slices"):
        kept = build.rows(f"select distinct cast(as_of_date as varchar) from {table} order by 1")
        # 30 days before the last are the 30th of November; the end of a month stays.
        assert [day for (day,) in kept] == ["2025-10-31", "2025-11-29", "2025-12-01", "2025-12-30"]


def test_the_readme_says_what_a_moving_scale_and_a_frozen_one_show(
    make_build: Callable[..., Build],
) -> None:
    """Champions in June, in December, and in December by the cut points of June."""
    build = make_build("scales")
    clean = ("build", *WITHOUT_TESTS, "--exclude", "int_as_of_date+")
    assert build.dbt(*clean, variables=FROZEN), build.errors
    scale: dict = {}
    champions = []
    for day in ("2025-06-30", "2025-12-30", "2025-12-30"):
        variables = FROZEN | {"as_of_date": day} | (scale if len(champions) == 2 else {})
        command = ("run", "--select", "int_as_of_date+,+customer_rfm_scores")
        assert build.dbt(*command, variables=variables), build.errors
        if not scale:
            cutpoints = defaultdict(list)
            query = "select metric, cutpoint from rfm_cutpoints order by metric, score"
            for metric, cutpoint in build.rows(query):
                cutpoints[metric].append(float(cutpoint))
            scale = {"rfm_cutpoints": dict(cutpoints)}
        count = "select count(*) from customer_rfm_scores where rfm_segment = 'champions'"
        champions.append(build.value(count))
    before, moving, frozen = champions
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert (
        f"champions grow from {before} to {moving}; by the scale of June they grow to {frozen}."
        in (readme)
    )


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("month", ["2024-01-31", "2024-02-29"]),
        ("week", ["2024-01-30", "2024-02-06", "2024-02-13", "2024-02-20", "2024-02-27"]),
    ],
)
def test_dates_are_month_ends_or_each_seventh_day(every: str, expected: list[str]) -> None:
    dates = backfill.dates_between(date(2024, 1, 30), date(2024, 3, 1), every)
    assert [str(day) for day in dates] == expected


def test_a_span_without_a_month_end_is_refused(capsys: pytest.CaptureFixture) -> None:
    assert backfill.main(["--from", "2025-01-01", "--to", "2025-01-30"]) == 1
    assert "There is no month-end from 2025-01-01 to 2025-01-30." in capsys.readouterr().err


# Real data: the name of the example, its file, how its rows are cut, and two dates.
REAL = {
    "online_retail": (
        "online_retail/online_retail.parquet",
        # Who a customer is has no history: the countries of the few who moved are those of the end.
        lambda path, day: (
            f"select raw.* replace (coalesce(latest.Country, raw.Country) as Country) from '{path}' as raw"
            " left join (select CustomerID, arg_max(Country, InvoiceDate) as Country"
            f" from '{path}' where Quantity > 0 and UnitPrice > 0 group by CustomerID) as latest using (CustomerID)"
            f" where cast(raw.InvoiceDate as date) <= '{day}'"
        ),
        ("2011-06-30", "2011-09-30"),
    ),
    "cdnow": (
        "cdnow/CDNOW_sample.txt",
        lambda path, day: (
            f"from read_csv('{path}', header = false, columns = {{'line': 'varchar'}}, delim = '|',"
            " quote = '', escape = '') where regexp_split_to_array(trim(line), ' +')[3]"
            f" <= '{day.replace('-', '')}'"
        ),
        ("1997-09-30", "1998-03-31"),
    ),
}


@pytest.fixture
def cut_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable]:
    """A folder with the example's data as they were on a day, in the place of all of them."""

    def cut(name: str, day: str) -> None:
        file, query, _ = REAL[name]
        target = tmp_path / day / file
        target.parent.mkdir(parents=True)
        text = query(DATA / file, day)
        if target.suffix == ".parquet":
            duckdb.execute(f"copy ({text}) to '{target}'")
        else:
            lines = duckdb.execute(f"select line {text}").fetchall()
            target.write_text("".join(f"{line}\n" for (line,) in lines))
        monkeypatch.setattr(conftest, "DATA", tmp_path / day)

    yield cut


@pytest.mark.skipif(not DATA.is_dir(), reason=NO_DATA)
@pytest.mark.parametrize("name", REAL)
def test_the_past_of_real_data_is_what_was_known_then(
    make_build: Callable[..., Build], cut_data: Callable, name: str
) -> None:
    """Every mart, built on all data as of a date, equals that built on the data of that date."""
    days = REAL[name][2]
    project = ROOT / "examples" / name
    whole, then = make_build(f"{name}_whole", project), make_build(f"{name}_then", project)
    assert whole.dbt("deps"), whole.errors
    now = {}
    for day in days:
        assert whole.dbt("build", *WITHOUT_TESTS, variables={"as_of_date": day}), whole.errors
        now[day] = {mart: whole.table(mart) for mart in MARTS}
    for day in days:
        cut_data(name, day)
        assert then.dbt("build", *WITHOUT_TESTS, variables={"as_of_date": day}), then.errors
        for mart, table in now[day].items():
            relation = mart
            if mart == "pipeline_health":
                # The raw tables have more rows than were there by then.
                relation = "(from pipeline_health where check_name <> 'refused_rows')"
                table = table._replace(rows=[row for row in table.rows if row[0] != "refused_rows"])
                assert len(table.rows) > 4
            assert_same(mart, table, then.table(relation))
        assert then.value("select count(*) from customers") > 1000
