"""The software company: accounts, subscriptions, usage and tickets, against the raw files."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest
from conftest import DATA, NO_DATA, Build
from real_data import (
    assert_readme_predictions,
    assert_readme_segments,
    assert_unknown_where_input_is_missing,
    cents,
    csv,
    features,
    segments,
    staged,
)

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


@pytest.fixture(scope="module")
def uses() -> dict[str, list[tuple[int, str, int]]]:
    """Of each account the uses: how many days ago, which feature, how often."""
    account_of = {row["subscription_id"]: row["account_id"] for row in raw("subscriptions")}
    found = defaultdict(list)
    for row in raw("feature_usage"):
        age = (AS_OF - day(row["usage_date"])).days
        use = (age, row["feature_name"], int(row["usage_count"]))
        # Two rows say that nothing was used.
        if use[2]:
            found[account_of[row["subscription_id"]]].append(use)
    return found


def test_the_usage_features_of_ravenstack_are_those_of_plain_python(
    ravenstack: Build, uses: dict[str, list[tuple[int, str, int]]]
) -> None:
    expected = {}
    for account, found in uses.items():
        recent = [use for use in found if use[0] < 30]
        expected[account] = (
            sum(count for *_, count in recent),
            len({age for age, *_ in recent}),
            len({feature for _, feature, _ in recent}),
            len({feature for _, feature, _ in found}),
            max(age for age, *_ in found),
            min(age for age, *_ in found),
        )
    # Everybody has used it.
    assert len(expected) == 500
    columns = """
        usage_count_30d, usage_day_count_30d, used_feature_count_30d, used_feature_count,
        days_since_first_use, days_since_last_use
    """
    assert features(ravenstack, columns) == expected
    assert {
        account: (sum_, *counts)
        for account, (sum_, *counts) in features(
            ravenstack,
            """
            usage_count_30d, usage_day_count_30d, used_feature_count_30d, days_since_last_use
            """,
            grain="company",
        ).items()
    } == {account: (*rest[:3], rest[5]) for account, rest in expected.items()}


def test_the_usage_segments_of_ravenstack_follow_from_the_days_of_use(
    ravenstack: Build, uses: dict[str, list[tuple[int, str, int]]]
) -> None:
    def usage(found: list[tuple[int, str, int]]) -> str:
        days = len({age for age, *_ in found if age < 30})
        if max(age for age, *_ in found) <= 30:
            return "onboarding"
        if days == 0:
            return "dormant"
        return "power" if days >= 15 else "regular" if days >= 4 else "light"

    def breadth(found: list[tuple[int, str, int]]) -> str:
        count = len({feature for age, feature, _ in found if age < 30})
        return ["none", "narrow", "some", "some", "some"][count] if count < 5 else "broad"

    assert segments(ravenstack, "usage") == {who: usage(found) for who, found in uses.items()}
    assert segments(ravenstack, "usage_breadth") == {
        who: breadth(found) for who, found in uses.items()
    }


def test_the_subscription_features_of_ravenstack_are_those_of_plain_python(
    ravenstack: Build,
) -> None:
    held = defaultdict(list)
    for row in raw("subscriptions"):
        held[row["account_id"]].append(row)
    expected = {}
    for account, rows in held.items():
        active = [row for row in rows if not row["end_date"] or day(row["end_date"]) > AS_OF]
        expected[account] = (
            len(rows),
            len(active),
            sum(int(row["seats"]) for row in active),
            sum(Decimal(row["mrr_amount"]) for row in active),
            all(row["is_trial"] == "TRUE" for row in active),
            (AS_OF - min(day(row["start_date"]) for row in rows)).days,
            None,
        )
    columns = """
        subscription_count, active_subscription_count, seat_count, monthly_recurring_amount,
        is_on_trial, days_since_subscription_start, days_since_subscription_end
    """
    assert features(ravenstack, columns) == expected


def test_the_feedback_features_of_ravenstack_are_those_of_plain_python(
    ravenstack: Build,
) -> None:
    tickets = defaultdict(list)
    for row in raw("supports_ticket"):
        tickets[row["account_id"]].append(row)
    expected = {}
    for row in raw("accounts"):
        found = tickets[row["account_id"]]
        recent = [row for row in found if (AS_OF - day(row["submitted_at"])).days < 30]
        scores = [row["satisfaction_score"] for row in recent if row["satisfaction_score"]]
        waits = [int(row["first_response_time_minutes"]) for row in recent]
        expected[row["account_id"]] = (
            len(found),
            int(min(scores)) if scores else None,
            cents(Decimal(max(waits)) / 60) if waits else None,
            # All are closed.
            0,
        )
    columns = "feedback_count, lowest_rating_30d, longest_wait_hours_30d, open_ticket_count"
    assert features(ravenstack, columns) == expected


def test_the_accounts_of_ravenstack_have_their_industry_and_country(ravenstack: Build) -> None:
    expected = {
        row["account_id"]: (row["industry"].lower(), row["country"].replace("UK", "GB"))
        for row in raw("accounts")
    }
    assert features(ravenstack, "industry, country_code") == expected
    assert features(ravenstack, "industry, country_code", grain="company") == expected


def test_the_accounts_of_ravenstack_are_won_in_five_ways(ravenstack: Build) -> None:
    ways = {"ads": "paid", "partner": "referral", "event": "own_media"}
    assert segments(ravenstack, "acquisition") == {
        row["account_id"]: ways.get(row["referral_source"], row["referral_source"])
        for row in raw("accounts")
    }


def test_a_ravenstack_account_is_satisfied_by_its_scores_alone(ravenstack: Build) -> None:
    scores, asked = defaultdict(list), set()
    for row in raw("supports_ticket"):
        asked.add(row["account_id"])
        if row["satisfaction_score"] and (AS_OF - day(row["submitted_at"])).days < 365:
            scores[row["account_id"]].append(int(row["satisfaction_score"]))
    assert segments(ravenstack, "satisfaction") == {
        row["account_id"]: "unknown"
        if row["account_id"] not in asked
        else "promoter"
        if sum(scores[row["account_id"]]) > 4 * len(scores[row["account_id"]])
        else "satisfied"
        for row in raw("accounts")
    }


def test_what_ravenstack_does_not_tell_is_unknown(ravenstack: Build) -> None:
    assert_unknown_where_input_is_missing(ravenstack)


def test_the_readme_of_ravenstack_shows_its_segments(ravenstack: Build) -> None:
    assert_readme_segments(ravenstack)


def test_the_readme_says_how_good_predictions_are_for_saas_ravenstack(ravenstack: Build) -> None:
    assert_readme_predictions(ravenstack, "RavenStack")
