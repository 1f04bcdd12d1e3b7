"""The software company: accounts, subscriptions, usage and tickets, against the raw files."""

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest
from conftest import DATA, NO_DATA, Build
from real_data import cents, csv, staged

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=NO_DATA)

AS_OF = date(2024, 12, 31)


def raw(name: str) -> list[dict[str, str | None]]:
    return csv(f"saas_ravenstack/ravenstack_{name}")


def day(text: str) -> date:
    return datetime.strptime(text, "%d-%m-%Y").date()


@pytest.fixture(scope="module")
def ravenstack(build_example: Callable[..., Build]) -> Build:
    return build_example("saas_ravenstack")


def test_every_row_of_the_ravenstack_files_is_kept(ravenstack: Build) -> None:
    paid = [row for row in raw("subscriptions") if row["is_trial"] == "FALSE"]
    refunds = [row for row in raw("churn_events") if Decimal(row["refund_amount_usd"])]
    assert (len(paid), len(refunds)) == (4222, 142)
    assert staged(ravenstack, "customers") == {None: len(raw("accounts"))} == {None: 500}
    assert staged(ravenstack, "companies") == {None: 500}
    assert staged(ravenstack, "orders") == {None: len(paid) + len(refunds)}
    assert staged(ravenstack, "subscriptions") == {None: len(raw("subscriptions"))} == {None: 5000}
    assert staged(ravenstack, "feedback") == {None: len(raw("supports_ticket"))} == {None: 2000}
    assert staged(ravenstack, "product_usage") == {None: len(raw("feature_usage"))} == {None: 25000}


def test_ravenstack_uses_21_ids_twice_for_different_uses(ravenstack: Build) -> None:
    usages = raw("feature_usage")
    ids = Counter(row["usage_id"] for row in usages)
    assert Counter(ids.values()) == {1: 24958, 2: 21}
    assert len({(row["usage_id"], row["subscription_id"]) for row in usages}) == len(usages)
    # No row is there twice, so none may be left out.
    assert ravenstack.value("select sum(usage_count) from stg_product_usage") == sum(
        int(row["usage_count"]) for row in usages
    )


def test_the_paid_subscriptions_of_ravenstack_are_its_orders_to_the_cent(
    ravenstack: Build,
) -> None:
    amounts = {
        row["subscription_id"]: Decimal(row["mrr_amount"])
        for row in raw("subscriptions")
        if row["is_trial"] == "FALSE"
    }
    refunds = {
        row["churn_event_id"]: -Decimal(row["refund_amount_usd"])
        for row in raw("churn_events")
        if Decimal(row["refund_amount_usd"])
    }
    assert sum(amounts.values()) == Decimal(11338747)
    assert sum(refunds.values()) == Decimal("-8652.25")
    assert dict(ravenstack.rows("select order_id, net_amount from int_orders")) == amounts | refunds
    assert ravenstack.rows("select sum(order_count), sum(net_amount) from customers") == [
        (4222, Decimal("11330094.75"))
    ]
    assert not any(
        Decimal(row["mrr_amount"]) for row in raw("subscriptions") if row["is_trial"] == "TRUE"
    )


def test_the_dates_of_ravenstack_put_the_day_first(ravenstack: Build) -> None:
    assert dict(
        ravenstack.rows("select customer_id, cast(created_at as date) from stg_customers")
    ) == {row["account_id"]: day(row["signup_date"]) for row in raw("accounts")}
    assert {
        row[0]: row[1:]
        for row in ravenstack.rows(
            """
            select subscription_id, cast(started_at as date), cast(ended_at as date)
            from stg_subscriptions
            """
        )
    } == {
        row["subscription_id"]: (
            day(row["start_date"]),
            day(row["end_date"]) if row["end_date"] else None,
        )
        for row in raw("subscriptions")
    }


def test_a_ravenstack_ticket_waits_for_its_first_response(ravenstack: Build) -> None:
    built = ravenstack.rows(
        """
        select feedback_id, feedback_type, score, wait_hours, strftime(resolved_at, '%d-%m-%Y %H:%M')
        from stg_feedback
        """
    )
    assert {row[0]: row[1:] for row in built} == {
        row["ticket_id"]: (
            "support_ticket",
            int(row["satisfaction_score"]) if row["satisfaction_score"] else None,
            cents(Decimal(row["first_response_time_minutes"]) / 60),
            row["closed_at"],
        )
        for row in raw("supports_ticket")
    }
    # Nobody is ever angry, and nobody waits for four hours.
    assert {score for _, _, score, *_ in built} == {None, 3, 4, 5}


def test_the_churn_flag_and_the_churn_events_of_ravenstack_disagree() -> None:
    left = {row["account_id"] for row in raw("churn_events")}
    assert Counter((row["churn_flag"], row["account_id"] in left) for row in raw("accounts")) == {
        ("TRUE", True): 75,
        ("TRUE", False): 35,
        ("FALSE", True): 277,
        ("FALSE", False): 113,
    }
    # Neither agrees with the subscriptions: everybody has some that run.
    running = Counter(row["account_id"] for row in raw("subscriptions") if not row["end_date"])
    assert len(running) == 500
    assert min(running.values()) == 2


def test_most_uses_of_ravenstack_are_dated_outside_their_subscription() -> None:
    runs = {
        row["subscription_id"]: (
            day(row["start_date"]),
            day(row["end_date"]) if row["end_date"] else AS_OF,
        )
        for row in raw("subscriptions")
    }
    outside = Counter(
        "before"
        if day(row["usage_date"]) < runs[row["subscription_id"]][0]
        else "after"
        if day(row["usage_date"]) > runs[row["subscription_id"]][1]
        else "within"
        for row in raw("feature_usage")
    )
    assert (outside["before"], outside["after"]) == (19142, 290)
