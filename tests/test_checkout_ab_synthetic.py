"""The shop with sessions, order lines and campaigns, all of it text files."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from conftest import DATA, NO_DATA, Build
from real_data import (
    assert_readme_segments,
    assert_unknown_where_input_is_missing,
    cents,
    csv,
    features,
    segments,
    staged,
)

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=NO_DATA)


def raw(name: str) -> list[dict[str, str | None]]:
    return csv(f"checkout_ab_synthetic/{name}")


@pytest.fixture(scope="module")
def checkout(build_example: Callable[..., Build]) -> Build:
    return build_example("checkout_ab_synthetic")


def test_every_row_of_the_checkout_files_is_built_or_quarantined(checkout: Build) -> None:
    assert checkout.value("select count(*) from customers") == len(raw("users")) == 2200
    assert staged(checkout, "customers") == {None: 2200}
    assert staged(checkout, "orders") == {None: len(raw("orders"))} == {None: 707}
    assert staged(checkout, "sessions") == {None: len(raw("sessions")) - 36, "duplicate": 36}
    assert len(raw("sessions")) == 9036
    assert staged(checkout, "order_items") == {None: len(raw("order_items"))} == {None: 1797}


def test_the_36_repeated_checkout_sessions_are_duplicates(checkout: Build) -> None:
    rows = [tuple(row.values()) for row in raw("sessions")]
    repeated_ids = [n for n in Counter(row[0] for row in rows).values() if n > 1]
    # Each is there twice, and the two rows are alike in every column: none is superseded.
    assert repeated_ids == [2] * 36
    assert len(rows) - len(set(rows)) == 36
    of_users = sum(count for row, count in Counter(rows).items() if row[1] and count > 1)
    assert checkout.rows(
        "select source, reason, count(*) from quarantined_rows group by all order by all"
    ) == [
        # Their clicks are there twice as well.
        ("campaign_events", "duplicate", of_users // 2),
        ("sessions", "duplicate", 36),
    ]


def test_the_checkout_amounts_reconcile_to_the_cent(checkout: Build) -> None:
    orders = {
        row["order_id"]: cents(Decimal(row["gross_amount"]))
        - cents(Decimal(row["discount_amount"]))
        for row in raw("orders")
    }
    built = dict(
        checkout.rows(
            """
            select order_id, net_amount from int_orders
            union all
            select order_id, gross_amount - discount_amount
            from stg_orders where quarantine_reason is not null
            """
        )
    )
    assert built == orders


def test_the_checkout_lines_add_up_to_the_gross_amounts(checkout: Build) -> None:
    gross = {row["order_id"]: cents(Decimal(row["gross_amount"])) for row in raw("orders")}
    built = dict(
        checkout.rows(
            "select order_id, sum(quantity * unit_price) from stg_order_items group by order_id"
        )
    )
    assert built == gross
    products = json.loads((DATA / "checkout_ab_synthetic" / "products.json").read_text())
    categories = {product["product_id"]: product["category"].lower() for product in products}
    built = dict(checkout.rows("select distinct product_id, category from stg_order_items"))
    assert built.items() <= categories.items()


def test_checkout_campaigns_know_clicks_and_orders_of_users_alone(checkout: Build) -> None:
    sessions = {row["session_id"]: row for row in raw("sessions")}
    clicks = {
        (session, row["user_id"], row["campaign_id"], row["channel"].lower(), "clicked")
        for session, row in sessions.items()
        if row["user_id"]
    }
    conversions = {
        (
            row["order_id"],
            row["user_id"],
            sessions[row["session_id"]]["campaign_id"],
            sessions[row["session_id"]]["channel"].lower(),
            "converted",
        )
        for row in raw("orders")
        if row["user_id"]
    }
    built = checkout.rows(
        """
        select campaign_event_id, customer_id, campaign, channel, event_type
        from stg_campaign_events where quarantine_reason is null
        """
    )
    assert len(built) == len(clicks) + len(conversions)
    assert set(built) == clicks | conversions
    # Every session has a campaign, so nobody ever visited without one.
    assert all(row["campaign_id"] for row in sessions.values())


def test_checkout_users_click_or_convert_by_their_sessions_and_orders(checkout: Build) -> None:
    visitors = {row["user_id"] for row in raw("sessions")}
    buyers = {row["user_id"] for row in raw("orders")}
    assert segments(checkout, "campaign_response") == {
        row["user_id"]: "converting"
        if row["user_id"] in buyers
        else "clicking"
        if row["user_id"] in visitors
        else "not_addressed"
        for row in raw("users")
    }


def test_what_checkout_users_buy_is_that_of_plain_python(checkout: Build) -> None:
    products = json.loads((DATA / "checkout_ab_synthetic" / "products.json").read_text())
    category_of = {product["product_id"]: product["category"].lower() for product in products}
    user_of = {row["order_id"]: row["user_id"] for row in raw("orders")}
    pieces: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in raw("order_items"):
        category = category_of[row["product_id"]]
        pieces[user_of[row["order_id"]]][category] += int(row["quantity"])
    expected, shares = {}, {}
    for row in raw("users"):
        counts = pieces[row["user_id"]]
        share = Fraction(max(counts.values(), default=0), max(counts.total(), 1))
        shares[row["user_id"]] = (
            len(counts),
            round(Decimal(share.numerator) / share.denominator, 6),
        )
        expected[row["user_id"]] = (
            ["unknown", "single_category"][len(counts)]
            if len(counts) < 2
            else "focused"
            if share >= Fraction(1, 2)
            else "broad"
        )
    columns = "item_category_count, preferred_item_category_share"
    assert features(checkout, columns) == shares
    assert segments(checkout, "category_affinity") == expected


def test_what_checkout_does_not_tell_is_unknown(checkout: Build) -> None:
    assert_unknown_where_input_is_missing(checkout)


def test_the_readme_of_the_checkout_shows_its_segments(checkout: Build) -> None:
    assert_readme_segments(checkout)


def test_checkout_guests_keep_their_revenue_without_a_customer(checkout: Build) -> None:
    guests = [row for row in raw("orders") if row["user_id"] is None]
    revenue = sum(
        cents(Decimal(row["gross_amount"])) - cents(Decimal(row["discount_amount"]))
        for row in guests
    )
    assert guests
    assert checkout.rows(
        "select count(*), sum(net_amount) from int_orders where customer_id is null"
    ) == [(len(guests), revenue)]
    everybody = checkout.value("select sum(net_amount) from int_orders")
    assert checkout.value("select sum(net_amount) from customers") == everybody - revenue


def test_checkout_channels_differ_in_more_than_case(checkout: Build) -> None:
    channels = {row["channel"] for row in raw("sessions")}
    lowered = {channel.lower() for channel in channels}
    assert len(lowered) < len(channels)
    built = checkout.rows("select distinct traffic_source from int_sessions")
    assert {channel for (channel,) in built} == lowered


def test_checkout_sessions_of_guests_stay_unattributed(checkout: Build) -> None:
    guests = {row["session_id"] for row in raw("sessions") if row["user_id"] is None}
    assert guests
    unattributed = checkout.rows("select session_id from int_sessions where customer_id is null")
    assert {session for (session,) in unattributed} == guests


def test_no_checkout_user_abandons_a_cart_that_was_not_mapped(checkout: Build) -> None:
    segments = dict(
        checkout.rows(
            "select segment, customer_count from segment_kpis where scheme = 'window_shopper'"
        )
    )
    buyers = {row["user_id"] for row in raw("orders") if row["user_id"]}
    assert segments["buyer"] == len(buyers)
    assert segments["cart_abandoner"] == 0
    assert sum(segments.values()) == 2200
