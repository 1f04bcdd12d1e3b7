"""The golden world: every special case by design, every cell of every mart as reviewed.

The raw tables are tests/golden/*.csv. Each row says in `why` what it is there for; the `why` of a row that
staging must refuse begins with the reason. After a deliberate change `uv run pytest tests/test_golden.py
--write-golden` writes tests/golden/expected/ anew, and the diff is what is to be reviewed.
"""

import re
from collections import Counter
from hashlib import md5

import pytest
import yaml
from conftest import GOLDEN, GOLDEN_TABLES, ROOT, Build
from marts import MARTS, assert_same, read_table, write_table

Record = dict[str, str]
OF_VERSIONS = {"missing_key", "duplicate", "superseded"}
OF_EVENTS = OF_VERSIONS | {
    "missing_date",
    "unparsable_date",
    "date_too_old",
    "date_in_future",
    "conflicting_duplicate",
    "orphan",
    "erased",
}
# Why a row of each table may be refused. A customer or a company is refused for its key alone; a rate may be of a day to
# come, since it waits for that day.
REASONS = {
    "customers": OF_VERSIONS | {"erased"},
    "orders": OF_EVENTS
    | {"missing_amount", "unparsable_amount", "unparsable_value"}
    | {"amount_out_of_range", "missing_rate"},
    "sessions": OF_EVENTS | {"unparsable_value"},
    "order_items": OF_VERSIONS
    | {"missing_value", "unparsable_amount", "unparsable_value", "value_out_of_range"}
    | {"orphan", "conflicting_duplicate", "erased"},
    "companies": OF_VERSIONS,
    "campaign_events": OF_EVENTS | {"missing_value", "unparsable_value"},
    "feedback": OF_EVENTS | {"missing_value", "unparsable_value", "value_out_of_range"},
    "consents": OF_EVENTS | {"missing_value", "unparsable_value"},
    "survey_answers": OF_EVENTS | {"missing_value"},
    "product_usage": OF_EVENTS | {"missing_value", "unparsable_value", "value_out_of_range"},
    "subscriptions": OF_EVENTS
    | {"missing_value", "unparsable_amount", "unparsable_value", "value_out_of_range"},
    "exchange_rates": OF_VERSIONS
    | {"missing_date", "missing_amount", "unparsable_date", "unparsable_amount"}
    | {"value_out_of_range", "conflicting_duplicate"},
    "customer_merges": OF_VERSIONS | {"missing_value", "orphan", "conflicting_duplicate", "erased"},
    "erasure_requests": OF_VERSIONS | {"unparsable_value"},
}
NO_KEY = {"", "n/a", "nan", "\\n"}


@pytest.fixture(scope="module")
def raw() -> dict[str, list[Record]]:
    return {name: read_table(path).records() for name, path in GOLDEN_TABLES.items()}


@pytest.fixture(scope="module")
def contract() -> dict[str, list[str]]:
    """The columns of the raw tables."""
    sources = yaml.safe_load((ROOT / "models/staging/_sources.yml").read_text())["sources"]
    return {
        table["name"]: [column["name"] for column in table["columns"]]
        for table in sources[0]["tables"]
    }


@pytest.fixture(scope="module")
def reasons() -> set[str]:
    """Every reason that quarantined_rows may give."""
    properties = yaml.safe_load((ROOT / "models/staging/quarantined_rows.yml").read_text())
    columns = {column["name"]: column for column in properties["models"][0]["columns"]}
    (accepted,) = (
        test["accepted_values"]["arguments"]["values"]
        for test in columns["reason"]["data_tests"]
        if "accepted_values" in test
    )
    return set(accepted)


@pytest.fixture(scope="module")
def customers(golden: Build) -> dict[str, Record]:
    """Features, scores and segments by customer."""
    found: dict[str, Record] = {}
    for mart in ("customer_features", "customer_rfm_scores", "customer_segments"):
        for row in golden.table(mart).records():
            found.setdefault(row["customer_id"], {}).update(row)
    return found


@pytest.fixture(scope="module")
def companies(golden: Build) -> dict[str, Record]:
    """Features and segments by company."""
    found: dict[str, Record] = {}
    for mart in ("company_features", "company_segments"):
        for row in golden.table(mart).records():
            found.setdefault(row["company_id"], {}).update(row)
    return found


@pytest.mark.parametrize("mart", MARTS)
def test_every_cell_is_as_reviewed(golden: Build, mart: str, pytestconfig: pytest.Config) -> None:
    path, found = GOLDEN / "expected" / f"{mart}.csv", golden.table(mart)
    if pytestconfig.getoption("--write-golden"):
        write_table(path, found)
    assert_same(mart, read_table(path), found)


def test_the_raw_rows_are_as_many_as_one_can_read(raw: dict[str, list[Record]]) -> None:
    raw = dict(raw)
    assert 150 < len(raw.pop("customers")) < 230
    assert 350 < len(raw.pop("orders")) < 450
    assert 200 < len(raw.pop("sessions")) < 300
    assert {name: len(rows) for name, rows in raw.items() if not 10 <= len(rows) <= 60} == {}


def test_every_raw_row_says_why_it_is_there(raw: dict[str, list[Record]]) -> None:
    silent = [row for rows in raw.values() for row in rows if not row["why"]]
    assert silent == []


def refused(rows: list[Record], reasons: set[str]) -> list[tuple[Record, str]]:
    beginnings = [(row, row["why"].split(":")[0]) for row in rows]
    return [(row, reason) for row, reason in beginnings if reason in reasons]


def key_of(table: str, row: Record, contract: dict[str, list[str]]) -> str | None:
    """As staging cleans it: the first column; of a rate currency and day."""
    key = row[contract[table][0]].strip(" \t\u00a0")
    if key.lower() in NO_KEY:
        return None
    if table != "exchange_rates":
        return key
    day = row["rate_date"]
    return f"{key.upper()} {day}" if re.fullmatch(r"\d{4}-\d\d-\d\d", day) else None


@pytest.mark.parametrize("table", REASONS)
def test_staging_refuses_the_rows_that_say_so_for_the_reason_they_say(
    golden: Build,
    raw: dict[str, list[Record]],
    reasons: set[str],
    contract: dict[str, list[str]],
    table: str,
) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for row, reason in refused(raw[table], reasons):
        key = key_of(table, row, contract)
        expected[reason, "" if key is None else md5(key.encode()).hexdigest()] += 1
    found = Counter(
        (row["reason"], row["row_key_hash"])
        for row in golden.table("quarantined_rows").records()
        if row["source"] == table
    )
    assert found == expected


def test_every_reason_of_the_quarantine_has_a_golden_row(
    raw: dict[str, list[Record]], reasons: set[str]
) -> None:
    reached = {
        table: {reason for _, reason in refused(rows, reasons)} for table, rows in raw.items()
    }
    assert reached == REASONS
    assert set().union(*REASONS.values()) == reasons


def test_the_quarantine_says_which_rates_are_missing(golden: Build) -> None:
    rows = golden.table("quarantined_rows").records()
    assert {row["reason"] for row in rows if row["detail"]} == {"missing_rate"}
    assert Counter(row["detail"] for row in rows if row["reason"] == "missing_rate") == {
        "USD 2025-06-09": 1,
        "USD 2024-01-12": 1,
        "CHF 2024-01-10": 1,
        "XYZ 2024-01-10": 1,
        "GBP 2024-01-10": 1,
        "SEK 2024-01-10": 1,
    }


# Where a table or every discount is absent: the tests of the sample and of examples/olist.
WITHOUT_INPUT = {
    ("engagement", "unknown"),
    ("window_shopper", "unknown"),
    ("journey_stage", "unknown"),
    ("price_sensitivity", "unknown"),
    ("campaign_response", "unknown"),
    ("reachability", "unknown"),
    ("usage", "unknown"),
    ("usage_breadth", "unknown"),
    ("subscription", "unknown"),
    ("account_usage", "unknown"),
}
# How many clusters there are, and where they lie, is learned, here from the sample: tests/test_clusters.py.
LEARNED = {"cluster", "predicted_value", "churn_risk"}


@pytest.mark.parametrize("entity", ["customer", "company"])
def test_every_segment_of_every_scheme_has_somebody(golden: Build, entity: str) -> None:
    segments = golden.table(f"{entity}_segments").records()
    empty = {
        (row["scheme"], row["segment"])
        for row in golden.table("segment_definitions").records()
        if row["grain"] in (entity, "both")
        and row["scheme"] not in LEARNED
        and all(found[row["scheme"]] != row["segment"] for found in segments)
    }
    assert empty - WITHOUT_INPUT == set()


def test_every_score_and_every_feature_has_a_golden_value(
    customers: dict[str, Record], companies: dict[str, Record]
) -> None:
    for metric in ("r_score", "f_score", "m_score"):
        assert {row[metric] for row in customers.values()} == {"", "1", "2", "3", "4", "5"}, metric
    for rows in (customers, companies):
        columns = next(iter(rows.values()))
        constant = {c for c in columns if len({row[c] for row in rows.values()}) == 1}
        assert constant == {"as_of_date"}


def test_every_column_of_the_raw_tables_is_in_use(
    raw: dict[str, list[Record]], contract: dict[str, list[str]]
) -> None:
    assert raw.keys() == contract.keys() == REASONS.keys()
    for table, rows in raw.items():
        assert [c for c in rows[0] if not any(row[c] for row in rows)] == [], table
        # What no model reads is left out of the three large tables.
        assert table in ("customers", "orders", "sessions") or [*rows[0]] == [
            *contract[table],
            "why",
        ]


def test_every_status_of_a_cancellation_has_a_golden_order(raw: dict[str, list[Record]]) -> None:
    sql = (ROOT / "models/intermediate/int_judged_orders.sql").read_text()
    (known,) = re.findall(r"or status in \((.+)\)", sql)
    statuses = {row["status"].strip().lower() for row in raw["orders"]}
    assert set(re.findall(r"'(\w+)'", known)) <= statuses


@pytest.mark.parametrize(
    "customer",
    [
        "created-after-midnight",
        "created-later",
        "created-later-orders-later",
        "tester",
        "tester-too",
        "merged-a",
        "merged-b",
        "merged-into-tester",
        "forgotten",
        "forgotten-old",
        "forgotten-too",
    ],
)
def test_who_is_not_there_by_then_or_given_up_or_only_a_test_is_in_no_mart(
    golden: Build, customer: str
) -> None:
    for mart in MARTS:
        rows = golden.table(mart).records()
        assert [row for row in rows if row.get("customer_id") == customer] == [], mart


def test_a_company_of_later_or_of_no_key_is_in_no_mart(companies: dict[str, Record]) -> None:
    assert companies.keys() == {
        *("acme", "acme-sub", "blank", "farm", "holding", "lapsed-365", "lapsed-366", "new-365"),
        *("new-366", "new-by-order", "nobody-yet", "partner-1095", "partner-1096"),
        *("prospects-ltd", "university"),
    }


def test_equal_customers_get_equal_rows(customers: dict[str, Record]) -> None:
    first, second = customers["twin-a"], customers["twin-b"]
    assert {**first, "customer_id": ""} == {**second, "customer_id": ""}


# By hand from the raw rows, never from what a build printed.
FACTS = [
    # Windows: amounts of 1, 2, 4, … so that each sum tells which orders are in it.
    ("window-edges", "order_count", "6", "all"),
    ("window-edges", "order_count_30d", "1", "29 days ago is inside, 30 is not"),
    ("window-edges", "order_count_90d", "3", "29, 30 and 89 days ago"),
    ("window-edges", "order_count_365d", "5", "all but that of 365 days ago"),
    ("window-edges", "net_amount_30d", "1.00", "1"),
    ("window-edges", "net_amount_90d", "7.00", "1 + 2 + 4"),
    ("window-edges", "net_amount_365d", "31.00", "1 + 2 + 4 + 8 + 16"),
    ("window-edges", "net_amount", "63.00", "and 32"),
    ("window-edges", "average_order_amount", "10.50", "63 / 6"),
    ("window-edges", "median_gap_days", "1.0", "the middle of 1, 1, 1, 59, 274"),
    ("window-edges", "session_count_30d", "1", "as the orders"),
    ("window-edges", "session_count_90d", "3", "as the orders"),
    ("window-edges", "session_count_365d", "5", "as the orders"),
    ("window-edges", "age_years", "45", "2025 - 1980, whatever the day"),
    ("window-edges", "lifecycle", "loyal", "five orders within a year, 29 days ago"),
    ("day-of-as-of", "days_since_last_order", "0", "today; tomorrow's order is not yet there"),
    ("day-of-as-of", "net_amount", "10.00", "without tomorrow's 500"),
    ("day-of-as-of", "session_count", "0", "tomorrow's session is not yet there"),
    # The life cycle at its limits.
    ("first-30-days-ago", "lifecycle", "onboarding", "30 days are within 30"),
    ("first-31-days-ago", "lifecycle", "new", "31 are not"),
    ("silent-365", "frequency", "0", "outside the window of 365 days"),
    ("once-180-days-ago", "lifecycle", "lapsing", "lost is more than 180 days"),
    ("once-181-days-ago", "lifecycle", "lost", "181 are"),
    ("gone-for-years", "median_gap_days", "365.0", "29 February 2020 to 28 February 2021"),
    ("gap-180", "lifecycle", "repeat", "won back is after more than 180 days"),
    ("gap-181", "lifecycle", "won_back", "181 are"),
    ("won-back-day-90", "lifecycle", "won_back", "within the last 90 days"),
    ("won-back-day-91", "lifecycle", "repeat", "a day too long ago, but in rhythm: 91 / 84"),
    ("late-threefold", "order_lateness", "3.000000", "36 / 12"),
    ("late-threefold", "lifecycle", "repeat", "lapsing is more than three times"),
    ("late-beyond-threefold", "order_lateness", "3.083333", "37 / 12"),
    ("late-beyond-threefold", "lifecycle", "lapsing", "more than three times"),
    ("late-within-30-days", "lifecycle", "repeat", "lapsing is more than 30 days"),
    ("window-edges", "loyalty", "loyal", "five orders within a year, in rhythm"),
    ("cannot-lose", "loyalty", "loyal_at_risk", "16 orders, 190 days ago"),
    ("once-181-days-ago", "loyalty", "at_risk", "one order, lost"),
    ("gap-180", "loyalty", "developing", "two orders, in rhythm"),
    ("first-31-days-ago", "loyalty", "single", "one order, not overdue"),
    # All gaps together: 226 in 4746 days, 21.0 on average. Twice that, 42, and the own gaps, by 2 and the own gaps.
    ("case", "expected_gap_days", "", "no order, no rhythm"),
    ("first-30-days-ago", "expected_gap_days", "21.0", "42 / 2"),
    ("first-30-days-ago", "order_lateness", "1.428571", "30 / 21"),
    ("once-180-days-ago", "order_lateness", "8.571429", "180 / 21"),
    ("gap-180", "expected_gap_days", "74.0", "(42 + 180) / 3"),
    ("won-back-day-91", "order_lateness", "1.083333", "91 / 84"),
    ("late-threefold", "expected_gap_days", "12.0", "(42 + 2 x 3) / 4"),
    ("late-within-30-days", "order_lateness", "3.333333", "30 / 9, of (42 + 3 x 1) / 5"),
    ("gone-for-years", "expected_gap_days", "135.7", "(42 + 365) / 3"),
    ("gone-for-years", "order_lateness", "11.665438", "1583 / 135.7"),
    ("midnight-berlin", "expected_gap_days", "55.8", "(42 + 2 x 90.5) / 4 = 55.75, up"),
    ("champion", "expected_gap_days", "10.0", "(42 + 23 x 9) / 25 = 9.96"),
    ("cannot-lose", "order_lateness", "16.814159", "190 / 11.3, of (42 + 15 x 10) / 17"),
    # Days begin in Berlin; times without an offset are of New York.
    ("midnight-berlin", "net_amount", "13.00", "1 + 4 + 8; 2 is of 1 July"),
    ("midnight-berlin", "created_date", "2024-05-31", "21:59:59 UTC is 23:59:59 in summer"),
    ("midnight-berlin", "last_gap_days", "180", "1 January to 30 June"),
    ("midnight-berlin", "median_gap_days", "90.5", "1 and 180"),
    ("midnight-new-york", "net_amount_30d", "5.00", "1 + 4: 18:00 is midnight in Berlin"),
    ("midnight-new-york", "net_amount", "13.00", "1 + 4 + 8"),
    ("summer-time", "weekend_order_share", "0.333333", "2 of 6 on Sunday, 30 March"),
    ("summer-time", "evening_order_share", "0.500000", "23:59, 18:00 and 18:00 of six"),
    ("winter-time", "weekend_order_share", "0.666667", "2 of 3 on Sunday, 27 October"),
    ("date-forms", "order_count", "12", "every form is read"),
    ("date-forms", "first_order_date", "2025-05-15", "and all are of one day"),
    ("date-forms", "days_since_first_order", "46", "and all are of one day"),
    ("date-forms", "days_since_last_order", "46", "and all are of one day"),
    ("offset-moves-the-day", "net_amount_30d", "6.00", "2 + 4"),
    ("created-at-midnight", "tenure_days", "0", "opened on the as-of date"),
    ("created-later-ordered", "created_date", "", "not known by then"),
    ("created-later-ordered", "tenure_days", "12", "since the order"),
    ("created-later-visited", "tenure_days", "12", "since the session"),
    ("created-later-credited", "tenure_days", "", "not opened yet, and no order"),
    ("created-unknown", "lifecycle", "prospect", "there, though nobody knows since when"),
    ("created-unreadable", "created_date", "", "last summer is no date"),
    ("created-unreadable", "age_years", "", "31.12.1980 is no ISO date"),
    # Rhythm and patterns.
    ("same-day-twice", "median_gap_days", "0.0", "a day has no gap"),
    ("same-day-twice", "expected_gap_days", "14.0", "(42 + 0) / 3"),
    ("same-instant", "last_gap_days", "0", "50 days ago, then twice at once"),
    ("same-instant", "preferred_category", "books", "a tie in all: the alphabet"),
    ("same-instant", "preferred_payment_method", "card", "card and Card are one"),
    ("median-of-three", "median_gap_days", "20.0", "the middle of 10, 20, 60"),
    ("median-of-two", "median_gap_days", "15.5", "between 10 and 21"),
    (
        "median-of-two",
        "order_lateness",
        "0.546448",
        "10 / 18.3, of (42 + 2 x 15.5) / 4 = 18.25, up",
    ),
    ("bulk-60", "purchase_pattern", "bulk_and_rare", "5 pieces, 60 days"),
    ("bulk-59", "purchase_pattern", "regular", "59 days are not rare"),
    ("small-30", "items_per_order", "2.666667", "8 / 3"),
    ("small-30", "purchase_pattern", "small_and_frequent", "below 3 pieces, 30 days"),
    ("small-3-pieces", "purchase_pattern", "regular", "3 pieces are not small"),
    ("impulsive", "orders_per_session", "0.500000", "2 of 3 orders not in a shop, 4 sessions"),
    ("impulsive", "purchase_pattern", "impulsive", "at 0.5"),
    ("considered", "orders_per_session", "0.200000", "2 orders, 10 sessions"),
    ("considered", "purchase_pattern", "considered", "at 0.2"),
    # Money.
    ("half-cent", "average_order_amount", "1.01", "2.01 / 2 = 1.005, up"),
    ("half-cent-below-zero", "net_amount", "-2.01", "1.00 + 1.01 - 4.02"),
    ("half-cent-below-zero", "average_order_amount", "-1.01", "-1.005, away from zero"),
    ("half-cent-below-zero", "value_tier", "none", "no revenue"),
    ("half-cent-below-zero", "m_score", "1", "the lowest"),
    ("cents-of-text", "net_amount", "7.51", "1.01 + 1.00 + 0.50 + 5.00"),
    ("third", "coupon_order_share", "0.666667", "2 of 3"),
    ("third", "gift_order_share", "0.333333", "1 of 3"),
    ("third", "discount_order_share", "0.666667", "a coupon is a discount, 0.00 is none"),
    ("third", "discount_amount_share", "0.111111", "10 / 90"),
    ("seventh", "discount_order_share", "0.142857", "1 of 7"),
    ("seventh", "price_sensitivity", "occasional", "fewer than half"),
    ("deal-half", "price_sensitivity", "deal_seeker", "half"),
    ("third", "price_sensitivity", "coupon_user", "a coupon in two of three"),
    # What was on offer: orders with a discount by all orders of the month.
    ("christmas-first-day", "offered_discount_share", "0.250000", "1 of 4 in December 2023"),
    ("christmas-eve", "offered_discount_share", "0.250000", "whether they used it or not"),
    ("sale-like-all", "offered_discount_share", "0.500000", "1 of 2 in October 2023"),
    ("between-sales", "offered_discount_share", "0.375000", "(1 of 4 + 1 of 2) / 2"),
    ("foreign-each-rounded", "offered_discount_share", "0.333333", "2 of 6: a credit note is none"),
    ("third", "offered_discount_share", "0.047230", "(1 of 79 + 4 of 62 + 4 of 62) / 3"),
    ("case", "offered_discount_share", "", "no order"),
    ("sale-like-all", "discount_lift", "2.000000", "1 / 0.5"),
    ("all-on-sale", "discount_lift", "1.000000", "1 / 1"),
    ("between-sales", "discount_lift", "0.000000", "0 / 0.375"),
    ("valentine-only", "discount_lift", "", "nothing was on offer in February 2024"),
    ("between-sales", "price_sensitivity", "full_price", "never at a discount"),
    ("christmas-first-day", "price_sensitivity", "deal_seeker", "four times as often as all"),
    ("all-on-sale", "price_sensitivity", "sale_season", "as everybody in August 2023"),
    ("zero-amount", "frequency", "1", "counts as an order"),
    ("zero-amount", "average_order_amount", "0.00", "0 / 1"),
    ("zero-amount", "discount_amount_share", "", "0 of 0 is unknown"),
    ("all-discounted", "discount_amount_share", "1.000000", "25 of 25"),
    ("no-channel", "channel", "unknown", "no order says"),
    ("by-phone", "channel", "other", "neither online nor in a shop"),
    ("everywhere", "channel", "omnichannel", "online and in a shop"),
    ("everywhere", "online_order_share", "0.333333", "of the three that say where"),
    ("everywhere", "preferred_sales_channel", "phone", "one each: the latest"),
    ("everywhere", "preferred_payment_method", "", "None is a word for nothing"),
    ("currencies", "order_count", "3", "not the one in dollars"),
    ("currencies", "net_amount", "30.00", "a rate of euros changes nothing"),
    ("foreign-half-cent", "net_amount", "0.99", "1.005, up, less 0.015, up"),
    ("foreign-half-cent", "refunded_amount", "0.02", "the credit note"),
    (
        "foreign-each-rounded",
        "net_amount",
        "3.33",
        "5.005, 0.005 and 1.665, all up: 5.01 - 0.01 - 1.67",
    ),
    ("foreign-each-rounded", "refunded_amount", "1.67", "at the rate of the order"),
    ("foreign-each-rounded", "discount_amount_share", "0.001996", "0.01 / 5.01"),
    ("foreign-below-zero", "net_amount", "-0.01", "0.01 - 0.005, up, - 0.005, up"),
    ("foreign-business-day", "net_amount", "20.00", "at 2, the rate of the 16th"),
    ("foreign-yen", "net_amount", "6.12", "6.12345"),
    ("refund-in-window", "net_amount_30d", "-30.00", "the refund alone"),
    ("refund-in-window", "net_amount_90d", "70.00", "order and refund"),
    ("refund-29-and-30", "net_amount_30d", "-1.00", "29 days ago is inside, 30 is not"),
    ("refund-on-as-of", "net_amount", "70.00", "refunded today"),
    ("refund-next-month", "net_amount", "100.00", "refunded tomorrow"),
    ("refund-next-month", "refund_order_share", "0.000000", "refunded tomorrow"),
    ("refund-undated", "net_amount", "70.00", "refunded at once"),
    ("refund-full", "net_amount", "0.00", "80 - 20 - 60"),
    ("refund-full", "frequency", "1", "an order all the same"),
    ("cancelled-before", "lifecycle", "prospect", "never a customer"),
    ("cancelled-before", "refunded_amount", "0.00", "nor a refund"),
    ("cancelled-on-as-of", "net_amount", "11.00", "cancelled today"),
    ("cancelled-next-month", "net_amount", "99.00", "cancelled tomorrow"),
    ("cancelled-undated", "order_count", "0", "five ways to say it"),
    ("cancelled-by-date", "net_amount", "12.00", "the date cancels"),
    ("credit-note", "net_amount", "75.00", "100 - 25; -75 is of July"),
    ("credit-note", "order_count", "1", "a credit note is none"),
    ("credit-note", "net_amount_30d", "-25.00", "on its own day"),
    ("credit-note", "average_order_amount", "75.00", "of one order"),
    ("credit-note-only", "net_amount", "-20.03", "a debt of ours"),
    ("credit-note-only", "rfm", "prospect", "without an order there is no score"),
    # Ties and text.
    ("tie-latest", "preferred_category", "toys", "two each: the latest"),
    ("tie-latest", "preferred_sales_channel", "app", "two each: the latest"),
    ("tie-latest", "preferred_payment_method", "invoice", "two each: the latest"),
    ("tie-latest", "preferred_device_type", "tablet", "two each: the latest"),
    ("tie-latest", "preferred_traffic_source", "google", "two each: the latest"),
    ("tie-alphabet", "preferred_category", "zubehör", "z is 7A, ä is C3 A4"),
    ("tie-alphabet", "preferred_sales_channel", "app", "before web"),
    ("tie-alphabet", "preferred_payment_method", "zahlschein", "z is 7A, ü is C3 BC"),
    ("tie-alphabet", "preferred_device_type", "phone", "p is 70, ö is C3 B6"),
    ("tie-alphabet", "preferred_traffic_source", "zeitung", "z is 7A, ü is C3 BC"),
    ("tie-case", "preferred_category", "apfel", "two of three"),
    ("tie-hyphen", "preferred_category", "e-x", "- is 2D, b is 62"),
    ("tie-beyond-the-plane", "preferred_category", "～", "EF BD 9E before F0 9F 8E 81"),
    ("顧客-☃", "region", "関東", "without no-break space and tab"),
    ("顧客-☃", "gender", "divers", "trimmed, in small letters"),
    ("quotes", "preferred_category", "a\\nb", "a backslash and an n"),
    ("trimmed", "order_count", "2", "the key in three writings"),
    ("Case", "order_count", "1", "not case"),
    ("case", "order_count", "0", "not Case"),
    ("007", "net_amount", "70.07", "not 7"),
    ("7", "net_amount", "0.00", "not 007"),
    ("12345678901234567890", "net_amount", "71.00", "no digit is lost"),
    # Sessions.
    ("anonymous-before-login", "session_count", "3", "two anonymous ones and the login"),
    ("anonymous-before-login", "page_view_count", "12", "3 + 4 + 5"),
    ("anonymous-before-login", "session_count_30d", "2", "the first is 50 days ago"),
    ("login-next-month", "engagement", "absent", "by then nobody knew"),
    ("shares-first", "session_count", "2", "the login and the anonymous one"),
    ("shares-second", "session_count", "1", "the login"),
    ("Zoe", "search_count", "2", "the anonymous session is hers: Z before a"),
    ("anna", "session_count", "1", "the login"),
    ("clock-ran-back", "session_seconds", "100", "of the one session whose time is known"),
    ("clock-ran-back", "average_session_seconds", "33.33", "100 / 3"),
    ("clock-only-back", "session_seconds", "", "unknown, not 0"),
    ("clock-changes", "session_seconds", "7200", "two hours"),
    ("split-seconds", "session_seconds", "1", "1 + 0"),
    ("eighth", "average_session_seconds", "0.13", "1 / 8 = 0.125, up"),
    ("cart-abandoner", "cart_session_count", "3", "of four"),
    ("cart-abandoner", "cart_abandonment_share", "0.666667", "2 of 3 without a checkout"),
    ("cart-abandoner", "window_shopper", "cart_abandoner", "a cart, no order"),
    ("window-shopper", "window_shopper", "window_shopper", "3 sessions, 5 products"),
    ("visitor-2-sessions", "window_shopper", "visitor", "2 sessions"),
    ("visitor-4-products", "window_shopper", "visitor", "4 products"),
    ("high-4-sessions", "engagement", "high", "four within 30 days"),
    ("medium-3-sessions", "engagement", "medium", "three within 30 days"),
    ("low-89", "engagement", "low", "within 90 days"),
    ("dormant-90", "engagement", "dormant", "not within 90 days"),
    # Versions.
    ("moved", "city", "Berlin", "updated last"),
    ("copied", "city", "Kiel", "the same twice"),
    ("same-time-quote", "city", "[Aachen]", 'in JSON [ is 5B, the escaped " begins with 5C'),
    ("same-time-slash", "city", "Aachen/1", "/ is 2F, 0 is 30"),
    ("same-time-umlaut", "city", "zAachen", "z is 7A, Ä is C3 84"),
    ("same-time-tab", "city", "Aachen 1", "a space is 20, the escaped tab begins with 5C"),
    ("versions", "net_amount", "62.00", "2 + 7 + 11 + 13 + 29"),
    ("versions", "page_view_count", "1", "of the session in two versions"),
    ("other-owner", "order_count", "0", "refused or gone to another owner"),
    # The scale.
    ("unix-era", "net_amount", "999999999.99", "the largest amount that is taken"),
    ("unix-era", "monetary_amount", "0.00", "outside the window"),
    ("whale", "value_tier", "A", "nobody is above"),
    ("whale", "revenue_share_above", "0.000000", "nobody is above"),
    ("champion", "rfm", "champions", "24 orders, the last today"),
    ("cannot-lose", "rfm", "cant_lose", "16 orders, the last 190 days ago"),
    # Merged accounts: the second and third of a chain of three are no more.
    ("merged-c", "order_count", "3", "one of each account"),
    ("merged-c", "net_amount", "7.00", "1 + 2 + 4"),
    ("merged-c", "median_gap_days", "70.0", "30 and 110"),
    ("merged-c", "expected_gap_days", "45.5", "(42 + 2 x 70) / 4"),
    ("merged-c", "first_order_date", "2023-03-10", "of the account whose row is gone"),
    ("merged-c", "created_date", "2023-01-10", "its own"),
    ("merged-c", "tenure_days", "911", "since the first session, of 1 January 2023"),
    ("merged-c", "gender", "goes on", "its own"),
    ("merged-c", "age_years", "", "its own, not that of 1970"),
    (
        "merged-c",
        "session_count",
        "3",
        "two logins, and an anonymous one with the visitor of a login",
    ),
    ("merged-c", "page_view_count", "7", "of the anonymous one"),
    ("merged-c", "share_count", "2", "of the anonymous one"),
    ("merged-c", "journey_stage", "advocate", "an order, and two pages shared"),
    ("merged-c", "preferred_item_category", "maps", "of the account whose row is gone"),
    ("merged-c", "campaign_count_365d", "1", "sent to one account, opened from another"),
    ("merged-c", "opened_campaign_share", "1.000000", "1 of 1"),
    ("merged-c", "feedback_count", "2", "of two accounts"),
    ("merged-c", "nps_score", "9", "the later of two accounts"),
    ("merged-c", "has_email_consent", "false", "taken back from another account"),
    ("merged-c", "withdrawn_channel_count", "1", "not one given and one taken back"),
    ("merged-c", "motivation", "quality", "the later of two accounts"),
    ("merged-c", "usage_count_30d", "5", "the 3 are of 2023"),
    ("merged-c", "used_feature_count", "2", "login and search"),
    ("merged-c", "first_used_date", "2023-01-05", "of the account whose row is gone"),
    ("merged-c", "days_since_subscription_end", "731", "since 30 June 2023"),
    ("merged-into-nobody", "order_count", "1", "stays what it is"),
    ("merged-twice", "order_count", "1", "stays what it is"),
    ("twin-a", "order_count", "4", "nothing came to it"),
    # Who they are.
    ("aged-17", "age_band", "under_18", "2025 - 2008"),
    ("aged-18", "age_years", "18", "2025 - 2007, whatever the day"),
    ("aged-18", "age_band", "from_18_to_24", "18"),
    ("aged-24", "age_band", "from_18_to_24", "24"),
    ("aged-25", "age_band", "from_25_to_39", "25"),
    ("aged-39", "age_band", "from_25_to_39", "39"),
    ("aged-40", "age_band", "from_40_to_59", "40"),
    ("aged-59", "age_band", "from_40_to_59", "59"),
    ("aged-60", "age_band", "from_60", "60"),
    ("aged-110", "age_band", "from_60", "110"),
    ("aged-111", "age_band", "unknown", "nobody believes it"),
    ("not-yet-born", "age_band", "unknown", "nobody believes it"),
    ("aged-17", "household_size", "1", "alone"),
    ("aged-17", "household", "one_person", "alone"),
    ("aged-17", "income_band", "Middle", "as it was written"),
    ("aged-18", "household_size", "2", "2.0"),
    ("aged-18", "household", "two_persons", "2"),
    ("aged-24", "household", "three_or_more", "3"),
    ("aged-39", "household", "unknown", "a household of nobody"),
    ("aged-40", "household", "unknown", "less than nobody"),
    ("aged-59", "household_size", "", "in words"),
    ("window-edges", "geography", "home", "de"),
    ("aged-18", "geography", "abroad", "at"),
    ("window-edges", "language_group", "home_language", "DE"),
    ("tie-latest", "language_group", "english", "en-GB"),
    ("aged-25", "language_group", "english", "EN"),
    ("aged-39", "language_group", "other_language", "fr"),
    ("aged-17", "acquisition", "paid", "Paid_Search"),
    ("aged-18", "acquisition", "referral", "Referral"),
    ("aged-24", "acquisition", "organic", "organic"),
    ("window-edges", "acquisition", "own_media", "Newsletter"),
    ("aged-25", "acquisition", "other", "radio"),
    ("champion", "decision_role", "decision_maker", "CEO"),
    ("silent-366", "decision_role", "decision_maker", "Founder & CEO"),
    ("loyal-large", "decision_role", "decision_maker", "head comes before purchasing"),
    ("loyal-middle", "decision_role", "influencer", "Purchasing Manager"),
    ("Case", "decision_role", "influencer", "a product owner owns nothing"),
    ("uses-15-days", "decision_role", "user", "Software Engineer"),
    ("aged-24", "decision_role", "user", "an assistant to the CEO is none"),
    ("created-at-midnight", "decision_role", "", "a headhunter is no head"),
    ("created-unknown", "decision_role", "", "no such trade"),
    ("champion", "company_id", "acme", "its own"),
    ("loyal-middle", "company_id", "acme", "with spaces around"),
    ("champion", "industry", "software", "of the company"),
    ("champion", "employee_count", "250", "of the newest version of the company"),
    ("champion", "annual_revenue", "50000000.01", "of the company"),
    ("champion", "ownership_type", "private", "of the company"),
    ("Case", "industry", "", "farm and FARM are two companies"),
    ("created-at-midnight", "industry", "", "the company came later"),
    ("champion", "company_size", "large", "250"),
    ("bulk-60", "company_size", "medium", "249"),
    ("champion", "turnover", "over_50_million", "a cent above"),
    ("bulk-60", "turnover", "up_to_50_million", "50 million"),
    ("case", "company_size", "unknown", "many is no number"),
    ("case", "turnover", "unknown", "below zero"),
    # Occasions and habits.
    ("christmas-first-day", "preferred_occasion", "christmas", "1 December"),
    ("christmas-first-day", "occasion_order_share", "1.000000", "1 of 1"),
    ("christmas-eve", "occasion", "christmas", "3 and 24 December"),
    ("christmas-day", "preferred_occasion", "", "25 December in Berlin"),
    ("christmas-day", "occasion", "too_few", "one order"),
    ("black-friday", "preferred_occasion", "black_friday", "before pay_day by its bytes"),
    ("black-friday", "occasion", "other_occasion", "black_friday has no segment of its own"),
    ("valentine-only", "occasion", "valentine", "7 and 14 February"),
    ("valentine-over", "preferred_occasion", "", "15 February"),
    ("valentine-eve", "preferred_occasion", "pay_day", "one each: the later, 29 February"),
    ("valentine-eve", "occasion_order_share", "0.500000", "1 of 2"),
    ("valentine-eve", "occasion", "pay_day", "half"),
    ("school-begins", "occasion", "back_to_school", "1 and 15 September"),
    ("school-over", "preferred_occasion", "", "16 September"),
    ("all-on-sale", "preferred_occasion", "", "14 August"),
    ("gift-half", "occasion", "gift_buyer", "half"),
    ("once-120-days-ago", "preferred_occasion", "ramadan", "2 March 2025"),
    ("window-edges", "occasion_order_share", "0.333333", "31 May and 30 June, of six"),
    ("window-edges", "occasion", "everyday", "a third"),
    ("gap-180", "season", "all_year", "December and May: neither has more than half"),
    ("winter-time", "season", "autumn", "October"),
    ("late-threefold", "season", "spring", "May"),
    ("tie-hyphen", "season", "summer", "June"),
    ("twice-150-days-ago", "season", "winter", "December and January"),
    ("christmas-day", "season", "too_few", "one order"),
    ("winter-time", "shopping_time", "weekend", "two of three on a Sunday"),
    ("midnight-berlin", "shopping_time", "weekday_evening", "two of three before midnight"),
    ("summer-time", "shopping_time", "weekday_day", "half in the evening is not more than half"),
    ("deal-half", "payment", "wallet", "PayPal"),
    ("same-instant", "payment", "card", "card and Card"),
    ("tie-latest", "payment", "invoice", "invoice"),
    ("tie-case", "payment", "cash", "Cash"),
    ("everywhere", "payment", "unknown", "None is a word for nothing"),
    # What is in the orders.
    ("loyal-large", "price_level", "2.000000", "15.00 / 7.50, of (15 + 3 x 5) / 4"),
    ("champion-small", "price_level", "0.666667", "15.00 / (3 x 7.50)"),
    ("small-30", "price_level", "0.800000", "4.00 / 5.00, of (4 + 6) / 2"),
    ("small-3-pieces", "price_level", "1.200000", "6.00 / 5.00"),
    ("foreign-business-day", "price_level", "1.250000", "10.00 / 8.00, of (2 x 5 + 6) / 2"),
    ("bulk-60", "price_level", "0.750000", "6.00 / 8.00"),
    ("median-of-two", "price_level", "0.900901", "6.00 / (2 x 3.33), of 10 / 3"),
    ("median-of-three", "price_level", "1.201201", "4.00 / 3.33"),
    ("half-cent", "price_level", "0.995050", "2.01 / (2 x 1.01), of 1.005, up"),
    ("third", "price_level", "", "no prices"),
    ("loyal-large", "price_class", "premium", "twice the usual"),
    ("foreign-business-day", "price_class", "premium", "at 1.25"),
    ("small-3-pieces", "price_class", "standard", "1.2"),
    ("small-30", "price_class", "economy", "at 0.8"),
    ("half-cent", "preferred_item_category_share", "1.000000", "no quantity is a piece"),
    ("third", "item_category_count", "3", "books, toys, garden"),
    ("third", "preferred_item_category", "garden", "one each: the latest"),
    ("third", "preferred_item_category_share", "0.333333", "1 of 3"),
    ("third", "category_affinity", "broad", "a third"),
    ("tie-latest", "preferred_item_category", "toys", "three pieces each: the latest"),
    ("tie-latest", "category_affinity", "focused", "half"),
    ("tie-alphabet", "preferred_item_category", "zubehör", "z is 7A, ä is C3 A4"),
    ("everywhere", "preferred_item_category", "maps", "4 pieces in a line, 3 in three"),
    ("everywhere", "preferred_item_category_share", "0.571429", "4 of 7"),
    ("loyal-large", "category_affinity", "single_category", "tea"),
    ("by-phone", "item_category_count", "0", "no category"),
    ("by-phone", "preferred_item_category", "", "no category"),
    ("by-phone", "category_affinity", "unknown", "no category"),
    ("case", "item_category_count", "0", "others have lines"),
    ("case", "preferred_item_category_share", "0.000000", "others have lines"),
    # Campaigns.
    (
        "window-edges",
        "campaign_count_365d",
        "2",
        "span and edge: old is too old, tomorrow is to come",
    ),
    ("window-edges", "opened_campaign_share", "0.500000", "1 of 2"),
    ("window-edges", "clicked_campaign_share", "0.000000", "too old, and to come"),
    ("window-edges", "converted_campaign_count_365d", "0", "too old"),
    ("window-edges", "campaign_response", "reading", "opened"),
    ("campaign-converted", "opened_campaign_share", "1.000000", "who bought has clicked"),
    ("campaign-converted", "clicked_campaign_share", "1.000000", "who bought has clicked"),
    ("campaign-converted", "converted_campaign_count_365d", "1", "summer"),
    ("campaign-converted", "campaign_response", "converting", "bought"),
    ("campaign-clicked", "opened_campaign_share", "0.333333", "who clicked has opened"),
    ("campaign-clicked", "clicked_campaign_share", "0.333333", "1 of 3"),
    ("campaign-clicked", "campaign_response", "clicking", "1 of 3"),
    ("campaign-silent", "campaign_count_365d", "2", "Summer and summer"),
    ("campaign-silent", "campaign_response", "silent", "no answer"),
    ("campaign-nameless", "campaign_count_365d", "1", "no campaign is one"),
    ("campaign-nameless", "opened_campaign_share", "1.000000", "1 of 1"),
    ("unsubscribed", "has_opted_out", "true", "for ever"),
    ("unsubscribed", "campaign_count_365d", "0", "long ago"),
    ("unsubscribed", "campaign_response", "opted_out", "for ever"),
    ("complained", "campaign_response", "opted_out", "a complaint says so"),
    ("unsubscribes-tomorrow", "has_opted_out", "false", "tomorrow"),
    ("unsubscribes-tomorrow", "campaign_response", "silent", "until tomorrow"),
    ("case", "campaign_response", "not_addressed", "nothing was sent"),
    # Feedback.
    ("window-edges", "feedback_count", "10", "all but tomorrow's"),
    ("window-edges", "nps_score", "7", "29 days ago; 10 is tomorrow's"),
    ("window-edges", "last_rating", "4", "29 days ago; a complaint is no rating"),
    ("window-edges", "average_rating_365d", "3.333333", "(4 + 1 + 5) / 3; 2 is of 365 days ago"),
    ("window-edges", "lowest_rating_30d", "4", "1 is of 30 days ago, and a complaint's"),
    ("window-edges", "lowest_nps_30d", "7", "0 is of 30 days ago"),
    ("window-edges", "complaint_count_30d", "1", "the other is of 30 days ago"),
    ("window-edges", "longest_wait_hours_30d", "10.00", "100.5 are of 30 days ago"),
    ("window-edges", "open_ticket_count", "2", "settled tomorrow, and open for 89 days"),
    ("window-edges", "satisfaction", "leave_alone", "a complaint"),
    ("champion", "nps_score", "9", "the latest"),
    ("champion", "lowest_nps_30d", "", "none within 30 days"),
    ("champion", "satisfaction", "promoter", "9"),
    ("champion", "journey_stage", "advocate", "9, and an order"),
    ("loyal-middle", "satisfaction", "satisfied", "8"),
    ("champion-small", "satisfaction", "promoter", "5 of an order that is not there"),
    ("rated-above-4", "average_rating_365d", "4.500000", "(4 + 5) / 2"),
    ("rated-above-4", "satisfaction", "promoter", "4.5"),
    ("rated-4", "last_rating", "4", "the later ticket has no rating"),
    ("rated-4", "satisfaction", "satisfied", "4 is not above 4"),
    ("rated-2-lately", "satisfaction", "leave_alone", "2, 29 days ago"),
    ("rated-2-earlier", "last_rating", "2", "of a ticket"),
    ("rated-2-earlier", "satisfaction", "dissatisfied", "2, 30 days ago"),
    ("nps-6-lately", "satisfaction", "leave_alone", "6, 29 days ago"),
    ("nps-6-earlier", "satisfaction", "dissatisfied", "6, 30 days ago"),
    ("same-instant", "nps_score", "0", "of two at once the lower one"),
    ("waited-72-hours", "satisfaction", "leave_alone", "72"),
    ("waited-71-hours", "longest_wait_hours_30d", "71.99", "71.994"),
    ("waited-71-hours", "satisfaction", "satisfied", "71.99"),
    ("complaint-settled", "complaint_count_30d", "0", "30 days ago"),
    ("complaint-settled", "open_ticket_count", "0", "settled in the last second"),
    ("complaint-settled", "satisfaction", "satisfied", "settled"),
    ("ticket-89-days", "satisfaction", "leave_alone", "open"),
    ("ticket-90-days", "open_ticket_count", "0", "forgotten"),
    ("case", "feedback_count", "0", "others said something"),
    ("case", "satisfaction", "unknown", "said nothing"),
    # Consent.
    ("consents-to-two", "consented_channel_count", "2", "email and sms"),
    ("consents-to-two", "has_email_consent", "true", "no purpose is marketing"),
    ("consents-to-two", "reachability", "several_channels", "two"),
    ("consents-to-one", "withdrawn_channel_count", "1", "phone"),
    ("consents-to-one", "has_email_consent", "", "nothing was said of e-mail"),
    ("consents-to-one", "reachability", "one_channel", "sms"),
    ("consent-withdrawn", "has_email_consent", "false", "taken back in the last second"),
    ("consent-withdrawn", "consented_channel_count", "0", "taken back in the last second"),
    ("consent-withdrawn", "reachability", "withdrawn", "taken back in the last second"),
    ("consent-withdrawn-tomorrow", "has_email_consent", "true", "until tomorrow"),
    ("consent-withdrawn-tomorrow", "reachability", "one_channel", "until tomorrow"),
    ("consent-renewed", "has_email_consent", "true", "the latest"),
    ("consent-for-service", "reachability", "never_asked", "not for marketing"),
    ("same-instant", "has_email_consent", "false", "said at once, no means no"),
    # What they told of themselves.
    ("says-price", "motivation", "price", "the latest"),
    ("says-price", "survey_answer_count", "3", "two motivations, one cooperation"),
    ("says-price", "motivation_group", "price", "price"),
    ("says-price", "cooperation", "self_service", "self_service"),
    ("says-quality", "motivation", "quality", "price is tomorrow's"),
    ("says-quality", "motivation_group", "quality", "quality"),
    ("says-quality", "cooperation", "personal", "personal"),
    ("says-status", "motivation_group", "quality", "status"),
    ("says-status", "cooperation", "partnership", "partnership"),
    ("says-convenience", "motivation_group", "convenience", "convenience"),
    ("says-convenience", "cooperation_preference", "by pigeon", "in its own words"),
    ("says-convenience", "cooperation", "other", "by pigeon"),
    ("says-sustainability", "motivation_group", "sustainability", "sustainability"),
    ("says-fun", "motivation_group", "other", "fun"),
    ("says-fun", "cooperation", "unknown", "never asked"),
    ("says-nothing", "motivation_group", "unknown", "no answer"),
    # Use.
    ("window-edges", "usage_count_30d", "2", "4 are of 30 days ago, 8 of tomorrow"),
    ("window-edges", "usage_day_count_30d", "1", "29 days ago"),
    ("window-edges", "used_feature_count_30d", "1", "search"),
    ("window-edges", "used_feature_count", "2", "search and export"),
    ("window-edges", "days_since_first_use", "30", "31 May"),
    ("window-edges", "last_used_date", "2025-06-01", "tomorrow's has not happened yet"),
    ("window-edges", "days_since_last_use", "29", "1 June"),
    ("window-edges", "usage", "onboarding", "30 days are within 30"),
    ("window-edges", "usage_breadth", "narrow", "one feature"),
    ("uses-15-days", "usage_day_count_30d", "15", "the odd days of June"),
    ("uses-15-days", "usage_count_30d", "15", "no count is one"),
    ("uses-15-days", "used_feature_count_30d", "5", "in turn"),
    ("uses-15-days", "usage", "power", "15 days"),
    ("uses-15-days", "usage_breadth", "broad", "5 features"),
    ("uses-4-days", "usage_count_30d", "8", "4 x 2"),
    ("uses-4-days", "used_feature_count_30d", "2", "login and search; nobody knows the third"),
    ("uses-4-days", "usage", "regular", "4 days"),
    ("uses-4-days", "usage_breadth", "some", "2 features"),
    ("uses-3-days", "usage_count_30d", "3", "1 + 1 + 1 + 0"),
    ("uses-3-days", "usage", "light", "3 days at most"),
    ("used-30-days-ago", "usage", "dormant", "30 days ago"),
    ("used-30-days-ago", "usage_breadth", "none", "30 days ago"),
    ("midnight-berlin", "usage_day_count_30d", "1", "two uses on 11 June in Berlin"),
    ("midnight-berlin", "first_used_date", "2025-06-11", "22:30 UTC is half past midnight"),
    ("case", "usage_count_30d", "0", "others use it"),
    ("case", "usage", "not_started", "never used"),
    # Subscriptions.
    ("subscribes-twice", "subscription_count", "3", "two and one that is over"),
    ("subscribes-twice", "active_subscription_count", "2", "basic and pro"),
    ("subscribes-twice", "subscription_plan", "pro", "30.00 a month; the dearest is over"),
    ("subscribes-twice", "seat_count", "6", "1 + 5"),
    ("subscribes-twice", "monthly_recurring_amount", "40.00", "10 + 30"),
    ("subscribes-twice", "is_on_trial", "false", "neither is a trial"),
    ("subscribes-twice", "days_since_subscription_start", "546", "since 1 January 2024"),
    ("subscribes-twice", "days_since_subscription_end", "", "still active"),
    ("subscribes-alike", "subscription_plan", "beta", "begun last; B is 42, a is 61"),
    ("on-trial", "is_on_trial", "true", "a trial only"),
    ("on-trial", "subscription", "trial", "a trial only"),
    ("trial-and-paid", "is_on_trial", "false", "and one that is paid for"),
    ("trial-and-paid", "monthly_recurring_amount", "10.00", "9.995, up"),
    ("trial-and-paid", "days_since_subscription_start", "161", "since 20 January"),
    ("trial-and-paid", "subscription", "active", "161 days"),
    ("subscribed-30-days-ago", "subscription", "new", "30 days are within 30"),
    ("subscribed-31-days-ago", "subscription", "active", "31 are not"),
    ("subscription-ends-today", "active_subscription_count", "0", "ended in the last second"),
    ("subscription-ends-today", "days_since_subscription_end", "0", "today"),
    ("subscription-ends-today", "days_since_subscription_start", "731", "since 30 June 2023"),
    ("subscription-ends-today", "subscription", "ended", "today"),
    ("subscription-ends-tomorrow", "subscription", "active", "until tomorrow"),
    ("subscription-begins-tomorrow", "subscription_count", "0", "not yet"),
    ("subscription-begins-tomorrow", "subscription", "none", "not yet"),
    ("champion", "subscription", "new", "since the last second of the as-of date"),
    ("versions", "days_since_subscription_end", "112", "10 March, of two ends the last"),
    # The way to the first order, and what they come with.
    ("considered", "share_count", "2", "two pages"),
    ("considered", "journey_stage", "advocate", "two pages shared, and an order"),
    ("impulsive", "journey_stage", "customer", "one page shared"),
    ("cart-abandoner", "journey_stage", "decision", "a cart"),
    ("window-shopper", "journey_stage", "consideration", "five products"),
    ("Zoe", "journey_stage", "consideration", "searched"),
    ("visitor-4-products", "journey_stage", "awareness", "four products"),
    ("case", "journey_stage", "unaware", "never seen"),
    ("visitor-2-sessions", "device", "other", "Console"),
    ("low-89", "device", "mobile", "Smartphone"),
    ("considered", "device", "desktop", "desktop"),
    ("tie-latest", "device", "several_devices", "tablet and mobile"),
    ("low-89", "traffic", "messages", "Newsletter"),
    ("dormant-90", "traffic", "other", "partner-shop"),
    ("window-shopper", "traffic", "social", "instagram"),
    ("considered", "traffic", "search", "google"),
    ("champion", "traffic", "direct", "direct"),
]
OF_COMPANIES = [
    ("acme", "customer_count", "3", "the test account is nobody's"),
    ("acme", "decision_maker_count", "1", "the CEO; the chairman is a test account"),
    ("acme", "decision_role", "decision_maker", "the highest"),
    ("acme", "relationship_days", "2007", "since 1 January 2020"),
    ("acme", "technologies", "snowflake; dbt", "in small letters"),
    ("acme", "parent_company_id", "holding", "its owner"),
    ("acme", "country_code", "DE", "in capitals"),
    ("acme", "order_count", "38", "24 + 14"),
    ("acme", "order_count_365d", "38", "24 + 14"),
    ("acme", "net_amount", "2109.60", "24 x 59.90 + 14 x 48"),
    ("acme", "net_amount_365d", "2109.60", "24 x 59.90 + 14 x 48"),
    ("acme", "first_order_date", "2024-09-03", "the manager's"),
    ("acme", "last_order_date", "2025-06-30", "the CEO's"),
    ("acme", "days_since_last_order", "0", "the CEO's"),
    ("acme", "ordering_customer_count_365d", "2", "the engineer never ordered"),
    ("acme", "session_count_90d", "19", "16 + 3"),
    ("acme", "usage_count_30d", "15", "the engineer's"),
    ("acme", "usage_day_count_30d", "15", "the most of one"),
    ("acme", "used_feature_count_30d", "5", "the most of one"),
    ("acme", "days_since_last_use", "1", "29 June"),
    ("acme", "active_subscription_count", "1", "the CEO's"),
    ("acme", "seat_count", "20", "the CEO's"),
    ("acme", "monthly_recurring_amount", "199.00", "the CEO's"),
    ("acme", "complaint_count_30d", "0", "none"),
    # 32000 + 5200 + 2109.60 + 800 + 228 + 29 + 29 + 25 = 40420.60
    ("holding", "revenue_share_above", "0.000000", "nobody is above"),
    ("acme", "revenue_share_above", "0.920323", "37200 / 40420.60"),
    ("new-365", "revenue_share_above", "0.997947", "40337.60 / 40420.60: equals are not above"),
    ("blank", "revenue_share_above", "", "no revenue"),
    ("acme", "company_size", "large", "250"),
    ("acme", "account_relationship", "partner", "2007 days, 38 orders"),
    ("acme", "account_reach", "several_contacts", "three, with a decision maker"),
    ("acme", "account_usage", "power", "15 days"),
    ("acme", "role", "decision_maker", "the highest"),
    ("acme-sub", "relationship_days", "532", "its customer was there before it"),
    ("acme-sub", "days_since_last_order", "70", "21 April"),
    ("acme-sub", "complaint_count_30d", "1", "the buyer's"),
    ("acme-sub", "open_ticket_count", "2", "a complaint and a ticket of two customers"),
    ("acme-sub", "company_size", "medium", "249"),
    ("acme-sub", "industry_group", "industry", "manufacturing"),
    ("acme-sub", "ownership", "group", "subsidiary"),
    ("acme-sub", "role", "influencer", "a buyer"),
    ("acme-sub", "account_reach", "without_decision_maker", "a buyer"),
    ("acme-sub", "account_relationship", "established", "532 days"),
    ("holding", "company_size", "medium", "50"),
    ("holding", "industry_group", "services", "finance"),
    ("holding", "account_relationship", "established", "8 orders, but 532 days"),
    ("lapsed-366", "account_relationship", "lapsed", "366 days"),
    ("lapsed-365", "account_relationship", "established", "365 days"),
    ("lapsed-366", "company_size", "small", "49"),
    ("lapsed-365", "company_size", "small", "10"),
    ("lapsed-366", "turnover", "up_to_10_million", "10 million"),
    ("lapsed-365", "turnover", "up_to_10_million", "2 million and a cent"),
    ("lapsed-365", "ownership", "listed", "public"),
    ("new-by-order", "relationship_days", "12", "since the order"),
    ("new-by-order", "account_relationship", "new", "12 days"),
    ("new-by-order", "company_size", "micro", "9"),
    ("new-by-order", "turnover", "up_to_2_million", "2 million"),
    ("new-by-order", "ownership", "other", "state"),
    ("new-by-order", "role", "unknown", "no title"),
    ("new-365", "account_relationship", "new", "365 days"),
    ("new-365", "account_reach", "unknown", "somebody, but no title"),
    ("new-365", "employee_count", "", "below zero"),
    ("new-365", "annual_revenue", "0.00", "nothing is something"),
    ("new-366", "account_relationship", "established", "366 days"),
    ("partner-1095", "relationship_days", "1095", "since 1 July 2022"),
    ("partner-1095", "account_relationship", "established", "1095 days"),
    ("partner-1096", "account_relationship", "partner", "1096 days, 6 orders"),
    ("nobody-yet", "customer_count", "0", "its customer comes later"),
    ("nobody-yet", "relationship_days", "0", "began today"),
    ("nobody-yet", "order_count", "0", "nobody"),
    ("nobody-yet", "account_reach", "nobody", "nobody"),
    ("nobody-yet", "account_usage", "not_started", "nobody"),
    ("blank", "relationship_days", "", "nobody knows"),
    ("blank", "account_relationship", "prospect", "no order"),
    ("farm", "customer_count", "2", "case and uses-3-days"),
    ("farm", "annual_revenue", "", "below zero"),
    ("farm", "industry_group", "other", "farming"),
    ("farm", "account_usage", "light", "3 days"),
    ("university", "customer_count", "3", "a student, an assistant, a librarian"),
    ("university", "relationship_days", "532", "its customers were there before it"),
    ("university", "annual_revenue", "2000000.01", "half a cent, up"),
    ("university", "role", "user", "the highest"),
    ("university", "account_usage", "dormant", "30 days ago"),
    ("university", "industry_group", "public_and_health", "education"),
    ("prospects-ltd", "account_reach", "one_contact", "a decision maker"),
    ("prospects-ltd", "account_relationship", "prospect", "no order"),
]
# Segment, why, the next better one, and what is missing for it.
OF_REASONS = [
    (
        *("window-edges", "loyalty", "loyal"),
        *("order_count 6 >= 2 and order_count_365d 5 >= 5", "", ""),
    ),
    ("gap-180", "lifecycle", "repeat", "none of the above", "loyal", "3 more orders within a year"),
    (
        *("late-within-30-days", "lifecycle", "repeat", "none of the above"),
        *("loyal", "1 more order within a year"),
    ),
    (
        *("medium-3-sessions", "engagement", "medium", "session_count_30d 3 >= 1"),
        *("high", "1 more visit within 30 days"),
    ),
    (
        *("window-shopper", "window_shopper", "window_shopper"),
        "session_count 3 >= 3 and product_view_count 5 >= 5",
        *("cart_abandoner", "1 more visit with a cart"),
    ),
    (
        *("rated-4", "satisfaction", "satisfied", "none of the above", "promoter"),
        "nps_score >= 9 or some more points of the average rating within a year",
    ),
    (
        *("consents-to-one", "reachability", "one_channel", "consented_channel_count = 1"),
        *("several_channels", "1 more channel consented to"),
    ),
    (
        *("uses-4-days", "usage", "regular", "usage_day_count_30d 4 >= 4"),
        *("power", "11 more days of use within 30 days"),
    ),
    ("uses-15-days", "usage", "power", "usage_day_count_30d 15 >= 15", "", ""),
    (
        *("considered", "journey_stage", "advocate"),
        *("order_count 2 >= 1 and share_count 2 >= 2", "", ""),
    ),
    (
        *("impulsive", "journey_stage", "customer", "order_count 3 >= 1"),
        *("advocate", "nps_score >= 9 or 1 more page shared"),
    ),
]


def test_the_reasons_found_by_hand_are_given(golden: Build) -> None:
    columns = ("customer_id", "scheme", "segment", "reason", "next_segment", "distance")
    rows = golden.table("segment_reasons").records()
    found = {tuple(row[column] for column in columns) for row in rows}
    assert set(OF_REASONS) - found == set()


def test_the_facts_computed_by_hand_hold(
    customers: dict[str, Record], companies: dict[str, Record]
) -> None:
    wrong = [
        f"{key} {column}: {found[key][column]!r} instead of {value!r} ({why})"
        for found, facts in ((customers, FACTS), (companies, OF_COMPANIES))
        for key, column, value, why in facts
        if found[key][column] != value
    ]
    assert wrong == []
