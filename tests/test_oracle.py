"""Features, scores and segments once more in plain Python, from the clean events: no SQL, no floats.

Of the sample, which has the mass, of the golden world, which has the special cases, and of worlds that Hypothesis draws,
which nobody thought of.
"""

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest
from conftest import ROOT, WITHOUT_TESTS, Build
from contract import read_contract
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from optional_features import (
    EVENTS,
    Row,
    business_date,
    event_features,
    item_features,
    ratio,
    rounded,
)
from rules import read_meta, segments_of

CONTRACT = read_contract()
WINDOWS = {"": 100_000, "_30d": 30, "_90d": 90, "_365d": 365}
OF_THE_COMPANY = (
    "company_id",
    "industry",
    "employee_count",
    "annual_revenue",
    "ownership_type",
)
MORE_OF_THE_COMPANY = ("technologies", "country_code", "parent_company_id")
SEASONS = {
    "spring": (3, 4, 5),
    "summer": (6, 7, 8),
    "autumn": (9, 10, 11),
    "winter": (12, 1, 2),
}


def records(build: Build, query: str) -> list[Row]:
    with build.connect() as connection:
        result = connection.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def total(rows: list[Row], column: str) -> object:
    """The sum of what is known; null where nothing is."""
    return (
        sum(known) if (known := [row[column] for row in rows if row[column] is not None]) else None
    )


def preferred(rows: list[Row], column: str, at: str) -> object:
    """The value of most rows; in a tie the latest, then the first by its bytes."""
    counts = Counter(row[column] for row in rows if row[column] is not None)
    latest = {value: max(row[at] for row in rows if row[column] == value) for value in counts}
    best = sorted(counts, key=lambda value: (counts[value], latest[value]), reverse=True)
    ties = [v for v in best if (counts[v], latest[v]) == (counts[best[0]], latest[best[0]])]
    return min(ties, key=str.encode) if ties else None


def known_by(as_of: date, rows: list[Row]) -> list[Row]:
    """The orders and credit notes of customers that count on the as-of date."""
    return [
        row
        for row in rows
        if row["business_date"] <= as_of
        and (row["invalid_since_date"] is None or row["invalid_since_date"] > as_of)
    ]


def is_discounted(row: Row) -> bool:
    return (row["discount_amount"] or 0) > 0 or row["has_coupon"]


def order_features(known: list[Row], as_of: date) -> Row:
    """What a customer's rows of int_orders say by the as-of date; one dictionary per customer."""
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
    found["refunded_amount"] = sum((row["refunded_amount"] for row in refunds), Decimal("0.00"))
    found["item_count"] = total(known, "item_count")
    found["discount_amount_share"] = (
        ratio(discount, total(known, "gross_amount"))
        if (discount := total(known, "discount_amount")) is not None
        else None
    )
    if not orders:
        return found
    days = [row["business_date"] for row in orders]
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    found["first_order_date"], found["last_order_date"] = days[0], days[-1]
    found["days_since_first_order"] = (as_of - days[0]).days
    found["days_since_last_order"] = (as_of - days[-1]).days
    found["average_order_amount"] = ratio(found["net_amount"], len(orders), 2)
    found["items_per_order"] = (
        ratio(found["item_count"], len(orders)) if found["item_count"] is not None else None
    )
    found["median_gap_days"] = rounded(Decimal(str(median(gaps))), 1) if gaps else None
    found["last_gap_days"] = gaps[-1] if gaps else None
    for name, holds in {
        "discount": is_discounted,
        "coupon": lambda row: row["has_coupon"],
        "refund": lambda row: any(row is refund for refund in refunds),
        "weekend": lambda row: row["business_date"].isoweekday() >= 6,
        "evening": lambda row: row["business_hour"] >= 18,
        "gift": lambda row: row["is_gift"] is True,
        **{
            season: lambda row, months=months: row["business_date"].month in months
            for season, months in SEASONS.items()
        },
    }.items():
        found[f"{name}_order_share"] = ratio(sum(map(bool, map(holds, orders))), len(orders))
    placed = [row["sales_channel"] for row in orders if row["sales_channel"] is not None]
    for name, channels in {"online": ("web", "app", "online"), "shop": ("shop", "store")}.items():
        count = sum(channel in channels for channel in placed)
        found[f"{name}_order_count"] = count
        found[f"{name}_order_share"] = ratio(count, len(placed))
    for column in ("sales_channel", "category", "payment_method"):
        found[f"preferred_{column}"] = preferred(orders, column, "ordered_at")
    for_occasions = [
        {**row, "occasion": occasion}
        for row in orders
        for occasion in occasions_of(row["business_date"])
    ]
    found["preferred_occasion"] = preferred(for_occasions, "occasion", "ordered_at")
    on_it = [row for row in for_occasions if row["occasion"] == found["preferred_occasion"]]
    found["occasion_order_share"] = ratio(len(on_it), len(orders))
    return found


def seed(name: str) -> list[dict[str, str]]:
    with (ROOT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def occasions_of(day: date) -> set[str]:
    """None of ours runs over New Year."""
    return {
        row["occasion"]
        for row in seed("occasions")
        if row["first_day"] <= f"{day:%m-%d}" <= row["last_day"]
        and row["year"] in ("", str(day.year))
    }


@cache
def decision_role(job_title: str | None) -> str | None:
    """That of the first keyword whose words follow each other in the title."""
    words = " ".join(["", *re.split(r"[^a-zà-ÿ0-9&]", (job_title or "").lower()), ""])
    found = [row for row in seed("job_roles") if f" {row['keyword']} " in words]
    first = min(found, key=lambda row: (int(row["priority"]), row["keyword"]), default=None)
    return first and first["decision_role"]


def add_rhythm(features: list[Row]) -> None:
    """To the features of all customers: when the next order is to be expected, and how late it is."""
    buyers = [row for row in features if row["order_count"]]
    days = sum(row["days_since_first_order"] - row["days_since_last_order"] for row in buyers)
    gaps = sum(row["order_count"] - 1 for row in buyers)
    for row in buyers if gaps else []:
        own = row["order_count"] - 1
        expected = (2 * Fraction(days, gaps) + own * Fraction(row["median_gap_days"] or 0)) / (
            2 + own
        )
        row["expected_gap_days"] = ratio(expected.numerator, expected.denominator, 1)
        row["order_lateness"] = ratio(
            row["days_since_last_order"], max(row["expected_gap_days"], 1)
        )


def add_offers(features: dict[str, Row], orders: dict[str, list[Row]]) -> None:
    """To the features of all customers: how much of their months all bought at a discount."""
    by_month = defaultdict(list)
    for rows in orders.values():
        for row in rows:
            by_month[f"{row['business_date']:%Y-%m}"].append(is_discounted(row))
    share = {month: ratio(sum(rows), len(rows)) for month, rows in by_month.items()}
    for customer, row in features.items():
        offered = [share[f"{order['business_date']:%Y-%m}"] for order in orders[customer]]
        row["offered_discount_share"] = ratio(sum(offered), len(offered))
        row["discount_lift"] = ratio(sum(map(is_discounted, orders[customer])), sum(offered))


def session_features(rows: list[Row], as_of: date) -> Row:
    """What the sessions of a customer, who is known by the as-of date, say by then, if there are any."""
    rows = [row for row in rows if row["business_date"] <= as_of]
    ages = [(as_of - row["business_date"]).days for row in rows]
    carts = [row for row in rows if (row["cart_additions"] or 0) > 0]
    found: Row = {
        "session_count": len(rows),
        **{
            f"session_count{suffix}": sum(age < days for age in ages)
            for suffix, days in WINDOWS.items()
        },
        "device_type_count": len({r["device_type"] for r in rows} - {None}),
        "traffic_source_count": len({r["traffic_source"] for r in rows} - {None}),
        "preferred_device_type": preferred(rows, "device_type", "started_at"),
        "preferred_traffic_source": preferred(rows, "traffic_source", "started_at"),
    }
    if rows:
        seconds = total(rows, "duration_seconds")
        found |= {
            "first_session_date": as_of - timedelta(max(ages)),
            "last_session_date": as_of - timedelta(min(ages)),
            "days_since_last_session": min(ages),
            "page_view_count": total(rows, "page_views"),
            "product_view_count": total(rows, "product_views"),
            "search_count": total(rows, "searches"),
            "cart_addition_count": total(rows, "cart_additions"),
            "checkout_count": total(rows, "checkouts"),
            "share_count": total(rows, "shares"),
            "cart_session_count": len(carts),
            "cart_abandonment_share": ratio(sum(not r["checkouts"] for r in carts), len(carts)),
            "session_seconds": seconds,
            "average_session_seconds": None if seconds is None else ratio(seconds, len(rows), 2),
        }
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


@pytest.fixture(scope="module", params=["sample", "golden"])
def build(request: pytest.FixtureRequest) -> Build:
    return request.getfixturevalue(request.param)


def by_customer(sessions: list[Row], as_of: date) -> dict[str, list[Row]]:
    """The sessions of whoever was logged in, or else of who first logged in with the visitor id by then."""
    owners: dict[str, str] = {}
    for row in sorted(sessions, key=lambda row: (row["started_at"], row["customer_id"] or "")):
        if row["visitor_id"] and row["customer_id"] and row["business_date"] <= as_of:
            owners.setdefault(row["visitor_id"], row["customer_id"])
    found = defaultdict(list)
    for row in sessions:
        found[row["customer_id"] or owners.get(row["visitor_id"])].append(row)
    return found


@pytest.fixture(scope="module")
def zone(build: Build) -> str:
    """The business time zone that it was built with."""
    results = json.loads((build.target / "run_results.json").read_text())
    return results["args"]["vars"].get("business_timezone", "UTC")


@pytest.fixture(scope="module")
def companies(build: Build, zone: str) -> dict[str, Row]:
    return companies_of(build, zone)


@pytest.fixture(scope="module")
def optional(build: Build, zone: str) -> dict[str, Row]:
    return optional_of(build, zone)


@pytest.fixture(scope="module")
def expected(build: Build, optional: dict[str, Row], companies: dict[str, Row]) -> dict[str, Row]:
    return features_of(build, optional, companies)


def companies_of(build: Build, zone: str) -> dict[str, Row]:
    """Those that are known by the as-of date, or nobody knows since when."""
    as_of = build.value("select as_of_date from int_as_of_date")
    found = {}
    for row in records(build, "from stg_companies where quarantine_reason is null"):
        created = business_date(row["created_at"], zone)
        if created is None or created <= as_of:
            found[row["company_id"]] = row | {"created_date": created}
    return found


def optional_of(build: Build, zone: str) -> dict[str, Row]:
    """By customer, what the optional inputs say."""
    as_of = build.value("select as_of_date from int_as_of_date")
    customers = records(build, "from int_customers where not is_test_account")
    people = {row["customer_id"]: row["customer_id"] for row in customers}
    for row in records(build, "from int_merged_customers"):
        if row["merged_into_customer_id"] in people:
            people[row["customer_id"]] = row["merged_into_customer_id"]
    orders = known_by(as_of, records(build, "from int_orders where customer_id is not null"))
    orders = {row["order_id"]: row for row in orders if not row["is_credit_note"]}
    items = records(build, "from stg_order_items where quarantine_reason is null")
    found = defaultdict(dict)
    for customer, features in item_features(items, orders, set(people.values())).items():
        found[customer] |= features
    for table in EVENTS:
        rows = records(build, f"from stg_{table} where quarantine_reason is null")
        for customer, features in event_features(table, rows, people, as_of, zone).items():
            found[customer] |= features
    return found


def features_of(
    build: Build, optional: dict[str, Row], companies: dict[str, Row]
) -> dict[str, Row]:
    """The features by customer."""
    as_of = build.value("select as_of_date from int_as_of_date")
    orders = defaultdict(list)
    clean_orders = records(build, "from int_orders where customer_id is not null")
    for row in known_by(as_of, clean_orders):
        orders[row["customer_id"]].append(row)
    sessions = by_customer(records(build, "from int_sessions"), as_of)
    first_dates: dict[str, date] = {}
    for row in [*clean_orders, *records(build, "from int_sessions where customer_id is not null")]:
        earlier = first_dates.get(row["customer_id"], row["business_date"])
        first_dates[row["customer_id"]] = min(earlier, row["business_date"])
    features: dict[str, Row] = {}
    for row in records(build, "from int_customers where not is_test_account"):
        customer, created = row["customer_id"], row["created_date"]
        found = order_features(orders[customer], as_of)
        found |= session_features(sessions[customer], as_of)
        opened = created if created is None or created <= as_of else None
        since = [opened, found.get("first_order_date"), found.get("first_session_date")]
        since = [day for day in since if day is not None]
        elsewhere = found["order_count"] - found.pop("shop_order_count", 0)
        found.pop("online_order_count", 0)
        found |= {
            "as_of_date": as_of,
            "created_date": opened,
            "tenure_days": (as_of - min(since)).days if since else None,
            "age_years": as_of.year - row["birth_year"] if row["birth_year"] else None,
            "orders_per_session": ratio(elsewhere, found["session_count"]),
            "decision_role": decision_role(row["job_title"]),
            **dict.fromkeys(OF_THE_COMPANY),
            **optional[customer],
        }
        if company := companies.get(row["company_id"]):
            found |= {name: company[name] for name in OF_THE_COMPANY}
        first = first_dates.get(customer, as_of)
        there = (
            (created is None and first <= as_of)
            or opened
            or found["order_count"]
            or found["net_amount"]
        )
        if there or found["session_count"]:
            features[customer] = found
    add_rhythm(list(features.values()))
    add_offers(
        features,
        {name: [r for r in rows if not r["is_credit_note"]] for name, rows in orders.items()},
    )
    return features


def test_the_features_of_every_customer_are_those_of_plain_python(
    build: Build, expected: dict[str, Row]
) -> None:
    found = {row["customer_id"]: row for row in records(build, "from customer_features")}
    assert found.keys() == expected.keys()
    of_the_account = {"customer_id", "gender", "household_size", "income_band", "language"}
    of_the_account |= {"country_code", "region", "city", "acquisition_source"}
    columns = found[next(iter(found))].keys() - of_the_account
    for customer, row in found.items():
        features = dict.fromkeys(columns) | expected[customer]
        assert {name: row[name] for name in features} == features, customer


def test_the_features_of_every_company_are_those_of_plain_python(
    build: Build, expected: dict[str, Row], companies: dict[str, Row], optional: dict[str, Row]
) -> None:
    found = {row["company_id"]: row for row in records(build, "from company_features")}
    assert found.keys() == companies.keys()
    known = {name for features in optional.values() for name in features}
    if build.value("select has_sessions from int_as_of_date"):
        known.add("session_count_90d")
    as_of = build.value("select as_of_date from int_as_of_date")
    spent = defaultdict(Decimal)
    for row in expected.values():
        spent[row["company_id"]] += row["net_amount_365d"]
    spent = {company: spent[company] for company in companies}
    revenue = sum(max(amount, 0) for amount in spent.values())
    for company, features in companies.items():
        people = [row for row in expected.values() if row["company_id"] == company]

        def values(name: str, people: list[Row] = people) -> list:
            return [row[name] for row in people if row.get(name) is not None]

        since = [as_of - timedelta(days) for days in values("tenure_days")]
        since += [features["created_date"]] if features["created_date"] else []
        roles = [row["decision_role"] for row in people]
        highest = [role for role in ("decision_maker", "influencer", "user") if role in roles]
        above = sum(amount for amount in spent.values() if amount > spent[company])
        assert found[company] == {
            "as_of_date": as_of,
            **{name: features[name] for name in (*OF_THE_COMPANY, *MORE_OF_THE_COMPANY)},
            "customer_count": len(people),
            "decision_maker_count": roles.count("decision_maker"),
            "decision_role": highest[0] if highest else None,
            "relationship_days": (as_of - min(since)).days if since else None,
            **{
                name: sum(values(name))
                for name in ("order_count", "order_count_365d", "net_amount", "net_amount_365d")
            },
            "first_order_date": min(values("first_order_date"), default=None),
            "last_order_date": max(values("last_order_date"), default=None),
            "days_since_last_order": min(values("days_since_last_order"), default=None),
            "ordering_customer_count_365d": sum(n > 0 for n in values("order_count_365d")),
            **{
                name: sum(values(name)) if name in known else None
                for name in (
                    *("session_count_90d", "usage_count_30d", "active_subscription_count"),
                    *("seat_count", "monthly_recurring_amount", "complaint_count_30d"),
                    "open_ticket_count",
                )
            },
            **{
                name: max(values(name), default=0) if name in known else None
                for name in ("usage_day_count_30d", "used_feature_count_30d")
            },
            "days_since_last_use": min(values("days_since_last_use"), default=None),
            "revenue_share_above": ratio(above, revenue) if spent[company] > 0 else None,
        }, company


def test_the_scores_and_segments_of_every_customer_are_those_of_plain_python(
    build: Build, expected: dict[str, Row]
) -> None:
    active = [row for row in expected.values() if row["frequency"]]
    cuts = {
        "r": cutpoints([Decimal(-row["days_since_last_order"]) for row in active]),
        "f": cutpoints([Decimal(row["frequency"]) for row in active]),
        "m": cutpoints([row["monetary_amount"] for row in active]),
    }
    found = {row["customer_id"]: row for row in records(build, "from customer_rfm_scores")}
    segments = {row["customer_id"]: row for row in records(build, "from customer_segments")}
    schemes = {n: s for n, s in read_meta().items() if s.get("grain") != "company"}
    thresholds = read_meta("thresholds")
    features = {row["customer_id"]: row for row in records(build, "from customer_features")}
    # Judged in tests/test_clusters.py and tests/test_purchase_model.py.
    learned = {row["customer_id"]: row for row in records(build, "from int_learned_scores")}
    nothing = dict.fromkeys(name for name, *_ in build.rows("describe int_learned_scores"))
    assert found.keys() == segments.keys() == expected.keys()
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
        known = features[customer] | row | {"revenue_share_above": share, "rfm": segment}
        known |= {"as_of_month": row["as_of_date"].month}
        known |= {"as_of_weekday": row["as_of_date"].isoweekday()}
        known |= learned.get(customer, nothing)
        first = segments_of(schemes, known, thresholds)
        assert {name: segments[customer][name] for name in first} == first, customer


AS_OF = date(2025, 6, 30)
# Both sides of every window, and of midnight.
AGES = (-1, 0, 1, 6, 7, 29, 30, 31, 44, 45, 89, 90, 91, 180, 181, 364, 365, 366, 729, 730)
HOURS = ("00:00:00", "02:59:59", "03:00:00", "12:30:00", "23:59:59")
IDS = tuple(f"c{number}" for number in range(8))


def moments() -> st.SearchStrategy[str]:
    return st.builds(
        lambda age, hour: f"{AS_OF - timedelta(age)} {hour}",
        st.sampled_from(AGES),
        st.sampled_from(HOURS),
    )


def rows(key: str, most: int, **columns: st.SearchStrategy[str]) -> st.SearchStrategy[list[dict]]:
    """Rows of a raw table, each with a key of its own."""
    drawn = st.lists(st.fixed_dictionaries(columns), max_size=most)
    return drawn.map(lambda found: [{key: f"{key}{n}"} | row for n, row in enumerate(found)])


def maybe(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.just("") | values


def one_of(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


OWNERS = one_of("", "nobody", *IDS, *IDS)
COUNTS = one_of("", "0", "1", "2", "7")
# Without any session nothing is known of sessions: that is tested apart.
SOMEBODY = {"session_id": "somebody", "started_at": f"{AS_OF} 12:00:00"}
WORLDS = st.fixed_dictionaries(
    {
        "customers": st.tuples(
            *(
                st.fixed_dictionaries(
                    {
                        "customer_id": st.just(key),
                        "created_at": maybe(moments()),
                        "birth_date": one_of("", "1960-01-01", "2001-12-31", "2025-02-30"),
                        "is_test_account": one_of("", "no", "no", "yes"),
                    }
                )
                for key in IDS
            )
        ),
        "orders": rows(
            "order_id",
            60,
            customer_id=OWNERS,
            ordered_at=moments(),
            status=one_of("", "completed", "cancelled", "credit_note"),
            gross_amount=one_of("0", "0.01", "1.005", "10", "10", "99.99", "-5", "1000000"),
            discount_amount=one_of("", "", "0", "0.01", "5"),
            refunded_amount=one_of("", "", "0", "0.01", "5"),
            refunded_at=maybe(moments()),
            cancelled_at=one_of("", "", "") | moments(),
            item_count=COUNTS,
            category=one_of("", "tea", "Tea ", "cups"),
            sales_channel=one_of("", "web", "store", "app"),
            payment_method=one_of("", "card", "cash"),
            coupon_code=one_of("", "", "SALE"),
            is_gift=one_of("", "true", "no"),
        ),
        "sessions": rows(
            "session_id",
            40,
            customer_id=OWNERS,
            visitor_id=one_of("", "v1", "v2", "v3"),
            started_at=moments(),
            ended_at=maybe(moments()),
            device_type=one_of("", "mobile", "desktop"),
            traffic_source=one_of("", "search", "mail"),
            page_views=COUNTS,
            product_views=COUNTS,
            cart_additions=COUNTS,
            checkouts=COUNTS,
        ).map(lambda found: [SOMEBODY, *found]),
        "customer_merges": rows(
            "why", 2, customer_id=one_of("c0", "old"), merged_into_customer_id=one_of("c1", "c2")
        ),
    }
)


def test_plain_python_agrees_on_any_world(
    make_build: Callable[..., Build], tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    build, zone = make_build("any_world"), "America/Sao_Paulo"

    @settings(
        max_examples=pytestconfig.getoption("--worlds"),
        derandomize=True,
        deadline=None,
        database=None,
        # A build is too dear to be shrunk by many; the world is printed as it is.
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(world=WORLDS)
    def agree(world: dict[str, list[dict]]) -> None:
        tables = {}
        for table, records_of in world.items():
            columns = [column.name for column in CONTRACT[table].columns]
            tables[table] = {"columns": {name: name for name in columns}}
            with (tmp_path / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore")
                writer.writeheader()
                writer.writerows(records_of)
        variables = {
            "raw": {"files": f"{tmp_path}/{{table}}.csv", "tables": tables},
            "as_of_date": str(AS_OF),
            "business_timezone": zone,
            "learned_models": "off",
        }
        select = ("--select", "+customer_segments", "+company_features", "--full-refresh")
        assert build.dbt("build", *WITHOUT_TESTS, *select, variables=variables), build.errors
        optional, companies = optional_of(build, zone), companies_of(build, zone)
        expected = features_of(build, optional, companies)
        if expected:
            test_the_features_of_every_customer_are_those_of_plain_python(build, expected)
            test_the_scores_and_segments_of_every_customer_are_those_of_plain_python(
                build, expected
            )

    agree()
