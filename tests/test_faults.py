"""The catalogue of bad input: each case has a test that is marked with its number, here or beside what it is about.

A row of the raw tables is either kept, with a defined result, or refused for one reason; a file or a mapping that cannot
be used stops the build with a code of docs/errors.md. No message tells a value.
"""

import csv
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from hashlib import md5
from pathlib import Path

import pytest
from conftest import ROOT, WITHOUT_TESTS, Build
from contract import read_contract

CONTRACT = read_contract()
CASES = {
    "files and schema": range(1, 17),
    "keys and identity": range(17, 30),
    "money": range(30, 42),
    "time": range(42, 56),
    "populations and models": range(56, 61),
    "operations, security, privacy": range(61, 71),
}
CANARY = "kanarienvogel"
AS_OF = "2025-06-30"

Row = dict[str, str]


def write_files(folder: Path, rows: dict[str, list[Row]]) -> dict:
    """CSV files whose columns stand in the reverse order, with one that nobody asked for; the vars that read them."""
    folder.mkdir(exist_ok=True)
    for table, contract in CONTRACT.items():
        names = ["nobody_asked_for", *reversed([column.name for column in contract.columns])]
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows(rows.get(table, []))
    raw = {"files": f"{folder}/{{table}}.csv", "tables": {table: {} for table in CONTRACT}}
    return {"raw": raw, "as_of_date": AS_OF, "business_timezone": "Europe/Berlin"}


def order(key: str, customer: str = "plain", **values: str) -> Row:
    return {
        "order_id": key,
        "customer_id": customer,
        "ordered_at": "2025-06-01 12:00:00",
        "gross_amount": "10",
        **values,
    }


# By case: rows of orders and the reasons why they are refused, "" for those that are kept.
ORDERS: list[tuple[int, str, list[tuple[Row, str]]]] = [
    (17, "without_a_key", [(order(" "), "missing_key")]),
    (18, "copied", [(order("copied"), ""), (order("copied"), "duplicate")]),
    (
        19,
        "of_two_versions",
        [
            (order("versions", updated_at="2025-06-02", gross_amount="12"), ""),
            (order("versions", updated_at="2025-06-01", loaded_at="2025-06-09"), "superseded"),
        ],
    ),
    (
        20,
        "of_two_customers",
        [
            (order("whose", "plain"), "conflicting_duplicate"),
            (order("whose", "other"), "conflicting_duplicate"),
        ],
    ),
    (22, "of_a_guest", [(order("guest", ""), "")]),
    (23, "of_nobody", [(order("orphan", "nobody"), "orphan")]),
    (30, "for_nothing", [(order("free", "free", gross_amount="0"), "")]),
    (31, "of_less_than_nothing", [(order("negative", gross_amount="-1"), "amount_out_of_range")]),
    (
        33,
        "refunded_beyond_its_amount",
        [(order("over", refunded_amount="10.01"), "amount_out_of_range")],
    ),
    (34, "of_a_refund_alone", [(order("r", gross_amount="", refunded_amount="5"), "missing_amount")]),
    (35, "cancelled", [(order("cancelled", "cancelled", status="cancelled"), "")]),
    (37, "in_an_unknown_currency", [(order("xau", currency="XAU"), "missing_rate")]),
    (
        38,
        "of_no_number",
        [
            *((order(f"n{number}", gross_amount=text), "unparsable_amount") for number, text in
              enumerate(["inf", "-inf", "1.234,56", "$5", "5 EUR", "1_000", "0x1F", "1e400"])),
            (order("no number", gross_amount="NaN"), "missing_amount"),
        ],
    ),
    (
        39,
        "out_of_all_proportion",
        [
            (order("billion", gross_amount="1000000000"), "amount_out_of_range"),
            (order("digits", gross_amount="9" * 30), "unparsable_amount"),
        ],
    ),
    (42, "without_a_day", [(order("no day", ordered_at=""), "missing_date"),
                           (order("words", ordered_at="yesterday"), "unparsable_date")]),
    (43, "of_a_day_to_come", [(order("future", ordered_at="2999-01-01"), "date_in_future")]),
    (
        44,
        "of_a_zero_day",
        [
            (order("zero", ordered_at="0000-00-00"), "unparsable_date"),
            (order("unix", ordered_at="1970-01-01"), "date_too_old"),
            (order("excel", ordered_at="1899-12-30"), "date_too_old"),
        ],
    ),
    (
        45,
        "of_a_number_of_seconds",
        [
            (order(f"epoch{len(text)}", ordered_at=text), "unparsable_date")
            for text in ("1748772000", "1748772000000", "1748772000000000")
        ],
    ),
    (
        46,
        "of_a_day_in_another_order",
        [
            (order(f"order of {text}", ordered_at=text), "unparsable_date")
            for text in ("03/04/2025", "13.04.2025", "Apr 3 2025")
        ],
    ),
    (49, "of_a_leap_day", [(order("leap", ordered_at="2024-02-29"), ""),
                           (order("no leap", ordered_at="2023-02-29"), "unparsable_date")]),
]  # fmt: skip
OTHER_ORDERS = [
    # 16: the usual ways to write nothing.
    *(order(f"nothing{n}", text, status=text) for n, text in enumerate(["NULL", "N/A", "\\N", "nan"])),
    order(" 00900719925474099300 "),
    order("before", "old"),
    order("after", "new"),
    order("tested", "tester"),
    order("refunded", "refunded", refunded_amount="10", refunded_at="2025-06-02"),
    order("half", "half", gross_amount="1.005"),
    *(order(f"large{n}", "large", gross_amount="999999999.99") for n in range(200)),
    order("offset", ordered_at="2025-03-10T09:30:00-08:00"),
    order("naive", ordered_at="2025-03-10T09:30:00"),
    # Europe/Berlin is an hour ahead in winter.
    order("midnight", "late", ordered_at="2025-01-01 22:59:59.999"),
    order("next day", "later", ordered_at="2025-01-01 23:00:00"),
]  # fmt: skip
CUSTOMERS = [
    *({"customer_id": key} for key in (
        "plain", "other", "free", "cancelled", "refunded", "half", "large", "late", "later",
        "old", "middle", "new", "prospect",
    )),
    {"customer_id": "tester", "is_test_account": "true"},
    {"customer_id": "twice", "updated_at": "2025-01-01", "country_code": "AT"},
    {"customer_id": "twice", "updated_at": "2025-01-02", "country_code": "DE"},
    # Whoever this is, no name is in any file that a build writes.
    dict.fromkeys(("email", "phone", "first_name", "last_name", "postal_code"), CANARY)
    | {"customer_id": "named", "birth_date": "1981-02-03"},
    {"customer_id": "upper", "email": "Ann@example.com"},
    {"customer_id": "lower", "email": "ann@example.com "},
]  # fmt: skip


@pytest.fixture(scope="module")
def world(make_build: Callable[..., Build], tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A build of all of these rows. The refused ones are more than stop a build: that is a test of its own."""
    rows = {
        "customers": CUSTOMERS,
        "orders": [row for _, _, group in ORDERS for row, _ in group] + OTHER_ORDERS,
        "customer_merges": [
            {"customer_id": "old", "merged_into_customer_id": "middle"},
            {"customer_id": "middle", "merged_into_customer_id": "new"},
        ],
        "order_items": [
            {"order_item_id": "less", "order_id": "guest", "product_id": "p", "quantity": "-1"}
        ],
    }
    build = make_build("faults")
    variables = write_files(tmp_path_factory.mktemp("faults") / "raw", rows)
    assert build.dbt("build", *WITHOUT_TESTS, variables=variables), build.errors
    return build


@pytest.mark.parametrize(
    "group",
    [
        pytest.param(group, id=f"{number}-{name}", marks=pytest.mark.fault(number))
        for number, name, group in ORDERS
    ],
)
def test_an_order_is_kept_or_refused_for_one_reason(
    world: Build, group: list[tuple[Row, str]]
) -> None:
    for key in {row["order_id"].strip() for row, _ in group}:
        of_key = [reason for row, reason in group if row["order_id"].strip() == key]
        hashed = f"= '{md5(key.encode()).hexdigest()}'" if key else "is null"
        refused = world.rows(
            f"select reason from quarantined_rows where source = 'orders' and row_key_hash {hashed}"
        )
        assert sorted(reason for (reason,) in refused) == sorted(filter(None, of_key)), key
        kept = world.value(f"select count(*) from int_orders where order_id = '{key}'")
        assert kept == of_key.count(""), key


def of_customer(
    build: Build, customer: str, columns: str, table: str = "customer_features"
) -> tuple:
    (row,) = build.rows(f"select {columns} from {table} where customer_id = '{customer}'")
    return row


@pytest.mark.fault(5, 6)
def test_columns_are_found_by_name_and_one_too_many_is_left_alone(world: Build) -> None:
    """All files of this world have their columns in the reverse order, and one more."""
    assert world.value("select gross_amount from int_orders where order_id = 'guest'") == 10
    columns = {name for name, *_ in world.rows("describe int_orders")}
    assert "nobody_asked_for" not in columns


@pytest.mark.fault(16)
def test_the_usual_ways_to_write_nothing_are_nothing(world: Build) -> None:
    rows = "select customer_id, status from stg_orders where order_id like 'nothing%'"
    assert world.rows(rows) == [(None, None)] * 4


@pytest.mark.fault(21)
def test_a_key_is_text_without_its_spaces(world: Build) -> None:
    key = "select count(*) from int_orders where order_id = '00900719925474099300'"
    assert world.value(key) == 1


@pytest.mark.fault(22)
def test_a_guest_has_revenue_and_no_score(world: Build) -> None:
    assert world.value("select customer_id from int_orders where order_id = 'guest'") is None
    assert world.value("select count(*) from customer_features where customer_id is null") == 0


@pytest.mark.fault(24)
def test_of_a_customer_who_is_there_twice_the_latest_is_kept(world: Build) -> None:
    (row,) = world.rows("select country_code from int_customers where customer_id = 'twice'")
    assert row == ("DE",)


@pytest.mark.fault(25)
def test_the_orders_of_a_chain_of_merges_belong_to_its_end(world: Build) -> None:
    assert of_customer(world, "new", "order_count") == (2,)
    assert (
        world.value("select count(*) from customer_features where customer_id in ('old', 'middle')")
        == 0
    )


@pytest.mark.fault(27)
def test_a_customer_without_an_order_is_a_prospect(world: Build) -> None:
    assert of_customer(world, "prospect", "rfm, lifecycle", "customer_segments") == (
        "prospect",
        "prospect",
    )
    assert of_customer(world, "prospect", "r_score", "customer_rfm_scores") == (None,)


@pytest.mark.fault(28)
def test_a_test_account_is_in_no_mart_and_its_orders_are_not_valid(world: Build) -> None:
    assert world.value("select count(*) from customer_features where customer_id = 'tester'") == 0
    reason = "select invalid_reason from int_orders where order_id = 'tested'"
    assert world.value(reason) == "test_account"


@pytest.mark.fault(29)
def test_an_address_merges_nobody(world: Build) -> None:
    keys = "select count(*) from customer_features where customer_id in ('upper', 'lower')"
    assert world.value(keys) == 2


@pytest.mark.fault(30)
def test_an_order_for_nothing_counts_and_pays_nothing(world: Build) -> None:
    assert of_customer(world, "free", "order_count, net_amount") == (1, 0)


@pytest.mark.fault(32)
def test_a_quantity_below_0_is_refused(world: Build) -> None:
    reasons = "select reason from quarantined_rows where source = 'order_items'"
    assert world.rows(reasons) == [("value_out_of_range",)]


@pytest.mark.fault(35)
def test_a_cancelled_order_is_none(world: Build) -> None:
    assert of_customer(world, "cancelled", "order_count, net_amount") == (0, 0)


@pytest.mark.fault(36)
def test_who_paid_nothing_in_the_end_has_the_lowest_score_and_is_worth_nothing(
    world: Build,
) -> None:
    assert of_customer(world, "refunded", "order_count, net_amount") == (1, 0)
    assert of_customer(world, "refunded", "m_score", "customer_rfm_scores") == (1,)
    (worth,) = of_customer(world, "refunded", "predicted_amount_365d", "customer_predictions")
    assert worth is None or worth >= 0


@pytest.mark.fault(37)
def test_a_missing_rate_is_named_by_currency_and_day(world: Build) -> None:
    assert world.rows("select detail from quarantined_rows where reason = 'missing_rate'") == [
        ("XAU 2025-06-01",)
    ]


@pytest.mark.fault(40)
def test_half_a_cent_is_rounded_up_once(world: Build) -> None:
    assert of_customer(world, "half", "net_amount") == (Decimal("1.01"),)


@pytest.mark.fault(41)
def test_sums_of_the_largest_amounts_are_exact(world: Build) -> None:
    assert of_customer(world, "large", "net_amount") == (200 * Decimal("999999999.99"),)


@pytest.mark.fault(47)
def test_an_offset_is_heeded_and_none_is_utc(world: Build) -> None:
    times = "select ordered_at from int_orders where order_id in ('offset', 'naive') order by 1"
    assert world.rows(times) == [
        (datetime(2025, 3, 10, 9, 30),),
        (datetime(2025, 3, 10, 17, 30),),
    ]


@pytest.mark.fault(50)
def test_a_day_ends_at_midnight_in_the_business_time_zone(world: Build) -> None:
    assert of_customer(world, "late", "last_order_date") == (date(2025, 1, 1),)
    assert of_customer(world, "later", "last_order_date") == (date(2025, 1, 2),)


@pytest.mark.fault(53)
def test_the_clock_is_read_once_when_dbt_starts(world: Build) -> None:
    """Neither a model nor a macro asks the engine what time it is."""
    clock = re.compile(
        r"\b(now|getdate|today)\s*\(|current_(date|time|timestamp)|localtime", re.IGNORECASE
    )
    compiled = list((world.target / "run").rglob("*.sql"))
    assert len(compiled) > 60
    assert not [path.name for path in compiled if clock.search(path.read_text())]


@pytest.mark.fault(58)
def test_a_segment_of_nobody_has_a_row_with_0(world: Build) -> None:
    counted = "select min(customer_count), count(*) from segment_kpis where scheme = 'rfm'"
    least, count = world.rows(counted)[0]
    assert least == 0
    assert count == world.value("select count(*) from segment_definitions where scheme = 'rfm'")


def files_that_tell(folder: Path, text: str) -> list[str]:
    """Logs, artifacts, compiled SQL, databases: whatever lies there and holds the text, to the byte."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path.name for path in files if text.encode() in path.read_bytes()]


@pytest.mark.fault(68)
def test_no_name_and_no_address_is_in_the_database_or_in_what_dbt_writes(world: Build) -> None:
    assert of_customer(world, "named", "order_count") == (0,)
    assert (world.target / "run_results.json").is_file()
    for text in (CANARY, "example.com", "1981-02-03"):
        assert files_that_tell(world.target.parent, text) == []


@pytest.mark.fault(8, 68)
def test_a_line_that_is_no_row_stops_the_build_and_is_not_told(
    make_build: Callable[..., Build], tmp_path: Path
) -> None:
    """DuckDB's own message shows the line, once a file is longer than what it looks at to begin with."""
    rows = [order(f"o{number}") for number in range(30_000)]
    variables = write_files(
        tmp_path / "raw", {"customers": [{"customer_id": "plain"}], "orders": rows}
    )
    path = tmp_path / "raw" / "orders.csv"
    whole = path.read_bytes()
    build = make_build("ragged")
    # Another line end stops DuckDB in words of its own.
    for end in ("\n", "\r\n"):
        path.write_bytes(whole + f"{CANARY},1{end}".encode())
        assert not build.dbt("run", "--select", "+int_orders", variables=variables)
        assert CANARY not in str(build.errors)
    said = "has 1 lines that are no rows of it, the first about line 30002. Fix: load it by scripts/load_csv.py"
    assert said in str(build.errors)
    assert files_that_tell(build.target, CANARY) == []


@pytest.mark.fault(14, 15)
def test_a_source_of_faults_stops_the_build_and_one_delivered_twice_does_not(
    make_build: Callable[..., Build], tmp_path: Path
) -> None:
    rows = [order(f"o{number}") for number in range(1200)]
    faulty = [order(f"x{number}", gross_amount=CANARY) for number in range(70)]
    select = ("--select", "+pipeline_health", "--exclude-resource-type", "unit_test")
    select = (*select, "--indirect-selection", "cautious")
    plain = [{"customer_id": "plain"}]
    build = make_build("stopped")
    variables = write_files(tmp_path / "raw", {"customers": plain, "orders": rows + faulty})
    assert not build.dbt("build", *select, variables=variables)
    assert "few_rows_of_each_source_are_refused" in str(build.errors)
    assert CANARY not in str(build.errors) + str(build.warnings)
    message = "select message from pipeline_health where status = 'stop'"
    assert build.rows(message) == [("70 of 1270 rows are faulty; quarantined_rows says why",)]
    variables = write_files(tmp_path / "raw", {"customers": plain, "orders": rows * 2})
    assert build.dbt("build", *select, variables=variables), build.errors
    assert (
        build.value("select count(*) from int_judged_orders where quarantine_reason = 'duplicate'")
        == 1200
    )


@pytest.mark.fault(3, 56)
@pytest.mark.parametrize("customers", [0, 1, 2, 4])
def test_a_handful_of_equal_customers_have_scores_segments_and_predictions(
    make_build: Callable[..., Build], tmp_path: Path, customers: int
) -> None:
    """Headers alone are enough: every mart is there, with its types."""
    rows = {
        "customers": [{"customer_id": f"c{number}"} for number in range(customers)],
        "orders": [order(f"o{number}", f"c{number}") for number in range(customers)],
    }
    build = make_build(f"handful_{customers}")
    variables = write_files(tmp_path / "raw", rows)
    assert build.dbt("build", "--exclude-resource-type", "unit_test", variables=variables), (
        build.errors
    )
    assert build.warnings == []
    scored = build.rows(
        "select distinct r_score, f_score, m_score, rfm_segment from customer_rfm_scores"
    )
    assert len(scored) == min(customers, 1)
    segments = "select count(*), count(distinct rfm) from customer_segments"
    assert build.rows(segments) == [(customers, min(customers, 1))]
    churn = "select churn_probability from customer_predictions"
    assert build.rows(churn) == [(None,)] * customers
    assert build.value("select count(*) from segment_kpis where scheme = 'rfm'") > 5


@pytest.fixture
def refused(make_build: Callable[..., Build], tmp_path: Path) -> Callable[[dict], str]:
    """What the build of a mapping that cannot be used says, before it reads anything."""

    def refuse(raw: dict) -> str:
        build = make_build("refused")
        assert not build.dbt("run", "--select", "stg_companies", variables={"raw": raw})
        said = str(build.errors)
        assert CANARY not in said
        assert "docs/errors.md" in said
        return said

    return refuse


@pytest.mark.fault(1, 2, 4)
def test_a_file_or_column_that_is_not_there_is_named_with_what_looks_alike(
    refused: Callable[[dict], str], tmp_path: Path
) -> None:
    (tmp_path / "customers.csv").touch()
    (tmp_path / "orders.csv").write_text(
        f"order_id,cust_id,ordered_at,gross_amount\n1,{CANARY},,\n"
    )
    columns = {name: name for name in ("order_id", "customer_id", "ordered_at", "gross_amount")}
    tables = {
        "customers": {"columns": {"customer_id": "customer_id"}},
        "orders": {"columns": {**columns, "status": "upper(state)"}},
        "sessions": {},
    }
    said = refused({"files": f"{tmp_path}/{{table}}.csv", "tables": tables})
    assert f"SEG-SOURCE: raw.tables.customers: {tmp_path}/customers.csv is empty" in said
    assert f"SEG-SOURCE: raw.tables.sessions: {tmp_path}/sessions.csv does not exist" in said
    assert "orders.csv has no column 'customer_id'. Did you mean cust_id" in said
    assert "status" not in said


@pytest.mark.fault(1)
def test_a_table_that_is_not_there_is_named(refused: Callable[[dict], str]) -> None:
    said = refused({"schema": "shop", "tables": {"customers": {}, "orders": {}}})
    for table in ("customers", "orders"):
        assert f"SEG-SOURCE: raw.tables.{table}: " in said
    assert "does not exist, or this user may not see it" in said


def test_a_day_on_the_command_line_needs_no_quotes(make_build: Callable[..., Build]) -> None:
    """YAML makes a date of it."""
    build = make_build("unquoted")
    variables = {"as_of_date": date(2025, 6, 30)}
    assert build.dbt("run", "--select", "segment_definitions", variables=variables), build.errors


def marked_faults() -> set[int]:
    """The numbers in the marks of all tests."""
    found: set[int] = set()
    for path in (ROOT / "tests").glob("test_*.py"):
        for numbers in re.findall(r"mark\.fault\(([\d, ]+)\)", path.read_text()):
            found |= {int(number) for number in numbers.split(",")}
    return found | {number for number, *_ in ORDERS}


def test_every_case_of_the_catalogue_has_a_test() -> None:
    cases = {number for numbers in CASES.values() for number in numbers}
    assert cases == marked_faults()


def test_every_code_and_every_reason_is_explained_on_one_page(world: Build) -> None:
    page = (ROOT / "docs/errors.md").read_text()
    explained = set(re.findall(r"\bSEG-[A-Z]+", page))
    sources = [path.read_text() for folder in ("macros", "scripts") for path in
               (ROOT / folder).rglob("*.*") if path.suffix in (".sql", ".py")]  # fmt: skip
    assert explained == {code for text in sources for code in re.findall(r"\bSEG-[A-Z]+", text)}
    table = page.split("## Rows that are refused")[1]
    listed = {name.strip() for line in table.splitlines()[4:] if line.startswith("| ")
              for name in line.split("|")[1].split(",")} - {"reason"}  # fmt: skip
    accepted = re.search(
        r"values:\n((?: +- \w+\n)+)", (ROOT / "models/staging/quarantined_rows.yml").read_text()
    )
    assert listed == set(re.findall(r"\w+", accepted[1]))
    assert world.value("select count(distinct reason) from quarantined_rows") > 9
