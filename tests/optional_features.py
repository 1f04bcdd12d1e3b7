"""What the optional inputs say of a customer by the as-of date, in plain Python: no SQL, no floats."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

Row = dict[str, object]
RATINGS = ("csat", "review", "support_ticket")


def rounded(number: Decimal, digits: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def ratio(part: object, whole: object, digits: int = 6) -> Decimal | None:
    return rounded(Decimal(part) / Decimal(whole), digits) if whole else None


def business_date(moment: datetime | None, zone: str) -> date | None:
    """The day of a moment in UTC."""
    return moment and moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()


def latest(rows: Iterable[Row], at: str, tie: Callable[[Row], object]) -> Row | None:
    """The last row; of several at one moment the first by the tie."""
    rows = list(rows)
    last = max((row[at] for row in rows), default=None)
    return min((row for row in rows if row[at] == last), key=tie, default=None)


def campaign_features(rows: list[Row], as_of: date) -> Row:
    recent = [row for row in rows if row["age"] < 365]

    def campaigns(*types: str) -> int:
        return len({row["campaign"] for row in recent if not types or row["event_type"] in types})

    types = {row["event_type"] for row in rows}
    return {
        "campaign_count_365d": campaigns(),
        "opened_campaign_share": ratio(campaigns("opened", "clicked", "converted"), campaigns())
        or 0,
        "clicked_campaign_share": ratio(campaigns("clicked", "converted"), campaigns()) or 0,
        "converted_campaign_count_365d": campaigns("converted"),
        "has_opted_out": bool(types & {"unsubscribed", "complained"}),
    }


def feedback_features(rows: list[Row], as_of: date) -> Row:
    scored = [row for row in rows if row["score"] is not None]
    ratings = [row for row in scored if row["feedback_type"] in RATINGS]
    answers = [row for row in scored if row["feedback_type"] == "nps"]
    last_rating = latest(ratings, "submitted_at", lambda row: row["score"])
    last_answer = latest(answers, "submitted_at", lambda row: row["score"])
    month = [row for row in rows if row["age"] < 30]
    year = [row["score"] for row in ratings if row["age"] < 365]
    waits = [row["wait_hours"] for row in month if row["wait_hours"] is not None]
    tickets = [row for row in rows if row["feedback_type"] in ("complaint", "support_ticket")]
    unsettled = [
        row for row in tickets if row["resolved_date"] is None or row["resolved_date"] > as_of
    ]
    return {
        "feedback_count": len(rows),
        "nps_score": last_answer and last_answer["score"],
        "last_rating": last_rating and last_rating["score"],
        "average_rating_365d": ratio(sum(year), len(year)),
        "lowest_rating_30d": min((r["score"] for r in ratings if r["age"] < 30), default=None),
        "lowest_nps_30d": min((r["score"] for r in answers if r["age"] < 30), default=None),
        "complaint_count_30d": sum(row["feedback_type"] == "complaint" for row in month),
        "longest_wait_hours_30d": max(waits, default=None),
        "open_ticket_count": sum(row["age"] < 90 for row in unsettled),
    }


def consent_features(rows: list[Row], as_of: date) -> Row:
    by_channel = defaultdict(list)
    for row in rows:
        by_channel[row["channel"]].append(row)
    status = {
        # Said both at once, no means no.
        channel: latest(said, "recorded_at", lambda row: row["status"] == "granted")["status"]
        for channel, said in by_channel.items()
    }
    counts = Counter(status.values())
    return {
        "consented_channel_count": counts["granted"],
        "withdrawn_channel_count": counts["withdrawn"],
        "has_email_consent": status["email"] == "granted" if "email" in status else None,
    }


def answer_features(rows: list[Row], as_of: date) -> Row:
    def answer(question: str) -> object:
        given = [row for row in rows if row["question"] == question]
        return (latest(given, "answered_at", lambda row: row["answer"].encode()) or {}).get(
            "answer"
        )

    return {
        "survey_answer_count": len(rows),
        "motivation": answer("motivation"),
        "cooperation_preference": answer("cooperation"),
    }


def usage_features(rows: list[Row], as_of: date) -> Row:
    rows = [row for row in rows if row["usage_count"] != 0]
    month = [row for row in rows if row["age"] < 30]
    ages = [row["age"] for row in rows]
    days = [row["business_date"] for row in rows]
    return {
        "usage_count_30d": sum(1 if r["usage_count"] is None else r["usage_count"] for r in month),
        "usage_day_count_30d": len({row["business_date"] for row in month}),
        "used_feature_count_30d": len({row["feature"] for row in month} - {None}),
        "used_feature_count": len({row["feature"] for row in rows} - {None}),
        "first_used_date": min(days, default=None),
        "last_used_date": max(days, default=None),
        "days_since_first_use": max(ages, default=None),
        "days_since_last_use": min(ages, default=None),
    }


def subscription_features(rows: list[Row], as_of: date) -> Row:
    active = [row for row in rows if row["ended_date"] is None or row["ended_date"] > as_of]

    def worth(row: Row) -> tuple:
        amount = row["monthly_amount"]
        return amount is not None, amount or 0, row["started_at"]

    best = max(map(worth, active), default=None)
    chosen = min(
        (row for row in active if worth(row) == best),
        key=lambda row: row["subscription_id"].encode(),
        default=None,
    )
    ended = [(as_of - row["ended_date"]).days for row in rows if row["ended_date"]]
    return {
        "subscription_count": len(rows),
        "active_subscription_count": len(active),
        "subscription_plan": chosen and chosen["plan"],
        "seat_count": sum(row["seats"] or 0 for row in active),
        "monthly_recurring_amount": sum(row["monthly_amount"] or 0 for row in active),
        "is_on_trial": bool(active) and all(row["is_trial"] for row in active),
        "days_since_subscription_start": max((row["age"] for row in rows), default=None),
        "days_since_subscription_end": min(ended) if ended and not active else None,
    }


# When the rows of a table happened, and what those of a customer say.
EVENTS: dict[str, tuple[str, Callable[[list[Row], date], Row]]] = {
    "campaign_events": ("occurred_at", campaign_features),
    "feedback": ("submitted_at", feedback_features),
    "consents": ("recorded_at", consent_features),
    "survey_answers": ("answered_at", answer_features),
    "product_usage": ("used_at", usage_features),
    "subscriptions": ("started_at", subscription_features),
}


def said(table: str, row: Row) -> bool:
    """Whether the row says anything that features are made of."""
    if table == "consents":
        return row["purpose"] in (None, "marketing")
    return table != "survey_answers" or row["answer"] is not None


def event_features(
    table: str, rows: list[Row], people: dict[str, str], as_of: date, zone: str
) -> dict[str, Row]:
    """By customer, for all of them if anybody has a row; `people` is who goes on for an account."""
    moment, function = EVENTS[table]
    owned = defaultdict(list)
    for row in rows:
        day = business_date(row[moment], zone)
        if row["customer_id"] in people and day <= as_of and said(table, row):
            more = {
                f"{name}_date": business_date(row.get(f"{name}_at"), zone)
                for name in ("resolved", "ended")
            }
            row = {**row, **more, "business_date": day, "age": (as_of - day).days}
            owned[people[row["customer_id"]]].append(row)
    if not owned:
        return {}
    return {customer: function(owned[customer], as_of) for customer in set(people.values())}


def item_features(items: list[Row], orders: dict[str, Row], people: set[str]) -> dict[str, Row]:
    """By customer, from the lines of valid orders by their ids."""
    owned = defaultdict(list)
    paid, pieces = defaultdict(Decimal), Counter()
    for item in items:
        if (order := orders.get(item["order_id"])) is None:
            continue
        count = 1 if item["quantity"] is None else item["quantity"]
        price = item["unit_price"]
        if price is not None:
            price = rounded(price * order["exchange_rate"], 2)
            paid[item["category"]] += count * price
            pieces[item["category"]] += count
        line = {"category": item["category"], "count": count, "price": price}
        owned[order["customer_id"]].append({**line, "ordered_at": order["ordered_at"]})
    if not owned:
        return {}
    average = {category: ratio(paid[category], pieces[category], 2) for category in paid}
    found = {}
    for customer in people:
        lines = [line for line in owned[customer] if line["category"] is not None]
        counts, last = Counter(), {}
        for line in lines:
            category = line["category"]
            counts[category] += line["count"]
            last[category] = max(line["ordered_at"], last.get(category, line["ordered_at"]))
        best = max(((counts[name], last[name]) for name in last), default=None)
        preferred = min((n for n in last if (counts[n], last[n]) == best), default=None)
        priced = [line for line in lines if line["price"] is not None]
        usual = sum(line["count"] * (average[line["category"]] or 0) for line in priced)
        found[customer] = {
            "item_category_count": len(last),
            "preferred_item_category": preferred,
            "preferred_item_category_share": ratio(counts[preferred], counts.total()) or 0,
            "price_level": ratio(sum(line["count"] * line["price"] for line in priced), usual),
        }
    return found
