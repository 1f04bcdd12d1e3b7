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
from conftest import GOLDEN, ROOT, Build
from marts import MARTS, assert_same, read_table, write_table

Record = dict[str, str]
KEYS = {"customers": "customer_id", "orders": "order_id", "sessions": "session_id"}
NO_KEY = {"", "n/a", "nan", "\\n"}


@pytest.fixture(scope="module")
def raw() -> dict[str, list[Record]]:
    return {name: read_table(GOLDEN / f"{name}.csv").records() for name in KEYS}


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


@pytest.mark.parametrize("mart", MARTS)
def test_every_cell_is_as_reviewed(golden: Build, mart: str, pytestconfig: pytest.Config) -> None:
    path, found = GOLDEN / "expected" / f"{mart}.csv", golden.table(mart)
    if pytestconfig.getoption("--write-golden"):
        write_table(path, found)
    assert_same(mart, read_table(path), found)


def test_the_raw_rows_are_as_many_as_one_can_read(raw: dict[str, list[Record]]) -> None:
    assert 100 < len(raw["customers"]) < 200
    assert 350 < len(raw["orders"]) < 450
    assert 200 < len(raw["sessions"]) < 300


def test_every_raw_row_says_why_it_is_there(raw: dict[str, list[Record]]) -> None:
    silent = [row for rows in raw.values() for row in rows if not row["why"]]
    assert silent == []


def refused(rows: list[Record], reasons: set[str]) -> list[tuple[Record, str]]:
    beginnings = [(row, row["why"].split(":")[0]) for row in rows]
    return [(row, reason) for row, reason in beginnings if reason in reasons]


@pytest.mark.parametrize("table", KEYS)
def test_staging_refuses_the_rows_that_say_so_for_the_reason_they_say(
    golden: Build, raw: dict[str, list[Record]], reasons: set[str], table: str
) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for row, reason in refused(raw[table], reasons):
        key = row[KEYS[table]].strip(" \t\u00a0")
        key_hash = "" if key.lower() in NO_KEY else md5(key.encode()).hexdigest()
        expected[reason, key_hash] += 1
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
    of_versions = {"missing_key", "duplicate", "superseded"}
    of_amounts = {"missing_amount", "unparsable_amount", "amount_out_of_range", "unknown_currency"}
    # A customer is refused for its key alone; a session has no amount.
    assert reached["customers"] == of_versions
    assert reached["orders"] == reasons
    assert reached["sessions"] == reasons - of_amounts


def test_every_segment_of_every_scheme_has_a_golden_customer(golden: Build) -> None:
    empty = {
        (row["scheme"], row["segment"])
        for row in golden.table("segment_kpis").records()
        if row["customer_count"] == "0"
    }
    # Where a table or every discount is absent: the tests of the sample and of examples/olist.
    assert empty == {
        ("engagement", "unknown"),
        ("window_shopper", "unknown"),
        ("price_sensitivity", "unknown"),
    }


def test_every_score_and_every_feature_has_a_golden_value(customers: dict[str, Record]) -> None:
    for metric in ("r_score", "f_score", "m_score"):
        assert {row[metric] for row in customers.values()} == {"", "1", "2", "3", "4", "5"}, metric
    columns = next(iter(customers.values()))
    constant = {c for c in columns if len({row[c] for row in customers.values()}) == 1}
    assert constant == {"as_of_date"}


def test_every_column_of_the_raw_tables_is_in_use(raw: dict[str, list[Record]]) -> None:
    for table, rows in raw.items():
        assert [c for c in rows[0] if not any(row[c] for row in rows)] == [], table


def test_every_status_of_a_cancellation_has_a_golden_order(raw: dict[str, list[Record]]) -> None:
    sql = (ROOT / "models/intermediate/int_orders.sql").read_text()
    (known,) = re.findall(r"coalesce\(status, ''\) in \((.+)\)", sql)
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
    ],
)
def test_who_is_not_there_by_then_or_only_a_test_is_in_no_mart(
    golden: Build, customer: str
) -> None:
    for mart in MARTS:
        rows = golden.table(mart).records()
        assert [row for row in rows if row.get("customer_id") == customer] == [], mart


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
    ("new-day-90", "lifecycle", "new", "90 days are within 90"),
    ("new-day-91", "lifecycle", "lapsing_new", "91 are not"),
    ("silent-365", "lifecycle", "lapsing_new", "lost is more than 365 days"),
    ("silent-365", "frequency", "0", "outside the window of 365 days"),
    ("silent-366", "lifecycle", "lost", "366 are"),
    ("gone-for-years", "median_gap_days", "365.0", "29 February 2020 to 28 February 2021"),
    ("gap-180", "lifecycle", "repeat", "won back is after more than 180 days"),
    ("gap-181", "lifecycle", "won_back", "181 are"),
    ("won-back-day-90", "lifecycle", "won_back", "within the last 90 days"),
    ("won-back-day-91", "lifecycle", "repeat", "a day too long ago, but in rhythm: 91 / 210"),
    ("late-threefold", "order_lateness", "3.000000", "36 / 12"),
    ("late-threefold", "lifecycle", "repeat", "lapsing is more than three times"),
    ("late-beyond-threefold", "order_lateness", "3.083333", "37 / 12"),
    ("late-beyond-threefold", "lifecycle", "lapsing", "more than three times"),
    ("late-within-30-days", "lifecycle", "repeat", "lapsing is more than 30 days"),
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
    ("same-day-twice", "order_lateness", "20.000000", "a rhythm is at least a day"),
    ("same-instant", "last_gap_days", "0", "50 days ago, then twice at once"),
    ("same-instant", "preferred_category", "books", "a tie in all: the alphabet"),
    ("same-instant", "preferred_payment_method", "card", "card and Card are one"),
    ("median-of-three", "median_gap_days", "20.0", "the middle of 10, 20, 60"),
    ("median-of-two", "median_gap_days", "15.5", "between 10 and 21"),
    ("median-of-two", "order_lateness", "0.645161", "10 / 15.5"),
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
]


def test_the_facts_computed_by_hand_hold(customers: dict[str, Record]) -> None:
    wrong = [
        f"{customer} {column}: {customers[customer][column]!r} instead of {value!r} ({why})"
        for customer, column, value, why in FACTS
        if customers[customer][column] != value
    ]
    assert wrong == []
