"""Features, scores and segments once more in plain Python, from the clean events of the sample: no SQL, no floats."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from statistics import median

import pytest
from conftest import Build

Row = dict[str, object]
WINDOWS = {"": 100_000, "_30d": 30, "_90d": 90, "_365d": 365}


def records(build: Build, query: str) -> list[Row]:
    with build.connect() as connection:
        result = connection.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def rounded(number: Decimal, digits: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def ratio(part: object, whole: object, digits: int = 6) -> Decimal | None:
    return rounded(Decimal(part) / Decimal(whole), digits) if whole else None


def preferred(rows: list[Row], column: str, at: str) -> object:
    """The value of most rows; in a tie the latest, then the first of the alphabet."""
    counts = Counter(row[column] for row in rows if row[column] is not None)
    latest = {value: max(row[at] for row in rows if row[column] == value) for value in counts}
    best = sorted(counts, key=lambda value: (counts[value], latest[value]), reverse=True)
    ties = [v for v in best if (counts[v], latest[v]) == (counts[best[0]], latest[best[0]])]
    return min(ties) if ties else None


def order_features(rows: list[Row], as_of: date) -> Row:
    """What a customer's rows of int_orders say by the as-of date; one dictionary per customer."""
    known = [
        row
        for row in rows
        if row["business_date"] <= as_of
        and (row["invalid_since_date"] is None or row["invalid_since_date"] > as_of)
    ]
    orders = sorted(
        (row for row in known if not row["is_credit_note"]),
        key=lambda row: (row["ordered_at"], row["order_id"]),
    )
    refunds = [row for row in known if row["refunded_date"] and row["refunded_date"] <= as_of]
    found: Row = {"order_count": len(orders)}
    for suffix, days in WINDOWS.items():
        since = as_of - timedelta(days)
        within = [row for row in orders if row["business_date"] > since]
        found[f"order_count{suffix}"] = len(within)
        found[f"net_amount{suffix}"] = sum(
            (row["order_amount"] for row in within), Decimal("0.00")
        ) - sum(row["refunded_amount"] for row in refunds if row["refunded_date"] > since)
    found["frequency"], found["monetary_amount"] = (
        found["order_count_365d"],
        found["net_amount_365d"],
    )
    if not orders:
        return found
    days = [row["business_date"] for row in orders]
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    found["days_since_last_order"] = (as_of - days[-1]).days
    found["average_order_amount"] = ratio(found["net_amount"], len(orders), 2)
    found["median_gap_days"] = rounded(Decimal(str(median(gaps))), 1) if gaps else None
    found["last_gap_days"] = gaps[-1] if gaps else None
    for name, holds in {
        "discount": lambda row: (row["discount_amount"] or 0) > 0 or row["has_coupon"],
        "coupon": lambda row: row["has_coupon"],
        "refund": lambda row: any(row is refund for refund in refunds),
        "weekend": lambda row: row["business_date"].isoweekday() >= 6,
        "evening": lambda row: row["business_hour"] >= 18,
        "gift": lambda row: row["is_gift"] is True,
        "winter": lambda row: row["business_date"].month in (12, 1, 2),
    }.items():
        found[f"{name}_order_share"] = ratio(sum(map(bool, map(holds, orders))), len(orders))
    for column in ("sales_channel", "category", "payment_method"):
        found[f"preferred_{column}"] = preferred(orders, column, "ordered_at")
    return found


def cutpoints(values: list[Decimal], scores: int = 5) -> list[Decimal | None]:
    """Where scores 2, 3, … begin: the smallest value that enough of the others lie below."""
    return [
        min(
            (v for v in values if sum(w < v for w in values) * scores >= len(values) * (score - 1)),
            default=None,
        )
        for score in range(2, scores + 1)
    ]


def score(value: Decimal, cuts: list[Decimal | None]) -> int:
    return 1 + sum(cut is not None and value >= cut for cut in cuts)


def rf10(r: int, f: int) -> str:
    """The ten segments by their usual patterns of cells."""
    patterns = {
        "hibernating": ("12", "12"),
        "at_risk": ("12", "34"),
        "cant_lose": ("12", "5"),
        "about_to_sleep": ("3", "12"),
        "need_attention": ("3", "3"),
        "loyal": ("34", "45"),
        "promising": ("4", "1"),
        "new": ("5", "1"),
        "potential_loyalist": ("45", "23"),
        "champions": ("5", "45"),
    }
    (found,) = (n for n, (rs, fs) in patterns.items() if str(r) in rs and str(f) in fs)
    return found


@pytest.fixture(scope="module")
def expected(sample: Build) -> dict[str, Row]:
    """The features by customer."""
    as_of = sample.value("select as_of_date from int_as_of_date")
    rows = defaultdict(list)
    for row in records(sample, "from int_orders where customer_id is not null"):
        rows[row["customer_id"]].append(row)
    customers = records(sample, "from int_customers where not is_test_account")
    features = {
        row["customer_id"]: order_features(rows[row["customer_id"]], as_of) for row in customers
    }
    there = {
        row["customer_id"]
        for row in customers
        if row["created_date"] is None
        or row["created_date"] <= as_of
        or features[row["customer_id"]]["order_count"]
        or features[row["customer_id"]]["net_amount"]
    }
    return {customer: features[customer] for customer in there}


def test_the_order_features_of_every_customer_are_those_of_plain_python(
    sample: Build, expected: dict[str, Row]
) -> None:
    found = {row["customer_id"]: row for row in records(sample, "from customer_features")}
    assert found.keys() == expected.keys()
    for customer, features in expected.items():
        assert {name: found[customer][name] for name in features} == features, customer


def test_the_scores_and_segments_of_every_customer_are_those_of_plain_python(
    sample: Build, expected: dict[str, Row]
) -> None:
    active = [row for row in expected.values() if row["frequency"]]
    cuts = {
        "r": cutpoints([Decimal(-row["days_since_last_order"]) for row in active]),
        "f": cutpoints([Decimal(row["frequency"]) for row in active]),
        "m": cutpoints([row["monetary_amount"] for row in active]),
    }
    found = {row["customer_id"]: row for row in records(sample, "from customer_rfm_scores")}
    assert len(found) == len(expected)
    revenue = sum(max(row["monetary_amount"], 0) for row in expected.values())
    for customer, row in expected.items():
        scores: tuple = (None, None, None)
        segment = "prospect"
        if row["order_count"]:
            scores = (
                score(Decimal(-row["days_since_last_order"]), cuts["r"]),
                score(Decimal(row["frequency"]), cuts["f"]),
                score(row["monetary_amount"], cuts["m"]),
            )
            segment = rf10(*scores[:2])
        above = sum(
            other["monetary_amount"]
            for other in expected.values()
            if other["monetary_amount"] > row["monetary_amount"]
        )
        share = ratio(above, revenue) if row["monetary_amount"] > 0 else None
        names = ("r_score", "f_score", "m_score", "rfm_segment", "revenue_share_above")
        assert tuple(found[customer][name] for name in names) == (*scores, segment, share), customer
