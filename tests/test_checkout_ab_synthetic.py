"""The shop with sessions: text files, mapped by columns alone."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import pytest
from conftest import DATA, NO_DATA, Build
from real_data import cents, csv

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=NO_DATA)


@pytest.fixture(scope="module")
def checkout(build_example: Callable[..., Build]) -> Build:
    return build_example("checkout_ab_synthetic")


def test_every_row_of_the_checkout_files_is_built_or_quarantined(checkout: Build) -> None:
    assert checkout.value("select count(*) from customers") == len(csv("users")) == 2200
    quarantined = dict(
        checkout.rows("select source, count(*) from quarantined_rows group by source")
    )
    orders = checkout.value("select count(*) from int_orders")
    assert orders + quarantined.get("orders", 0) == len(csv("orders")) == 707
    sessions = checkout.value("select count(*) from int_sessions")
    assert sessions + quarantined.get("sessions", 0) == len(csv("sessions")) == 9036


def test_the_36_repeated_checkout_sessions_are_duplicates(checkout: Build) -> None:
    rows = [tuple(row.values()) for row in csv("sessions")]
    repeated_ids = [n for n in Counter(row[0] for row in rows).values() if n > 1]
    # Each is there twice, and the two rows are alike in every column: none is superseded.
    assert repeated_ids == [2] * 36
    assert len(rows) - len(set(rows)) == 36
    assert checkout.rows("select source, reason, count(*) from quarantined_rows group by all") == [
        ("sessions", "duplicate", 36)
    ]


def test_the_checkout_amounts_reconcile_to_the_cent(checkout: Build) -> None:
    orders = {
        row["order_id"]: cents(Decimal(row["gross_amount"]))
        - cents(Decimal(row["discount_amount"]))
        for row in csv("orders")
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


def test_checkout_guests_keep_their_revenue_without_a_customer(checkout: Build) -> None:
    guests = [row for row in csv("orders") if row["user_id"] is None]
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
    channels = {row["channel"] for row in csv("sessions")}
    lowered = {channel.lower() for channel in channels}
    assert len(lowered) < len(channels)
    built = checkout.rows("select distinct traffic_source from int_sessions")
    assert {channel for (channel,) in built} == lowered


def test_checkout_sessions_of_guests_stay_unattributed(checkout: Build) -> None:
    guests = {row["session_id"] for row in csv("sessions") if row["user_id"] is None}
    assert guests
    unattributed = checkout.rows("select session_id from int_sessions where customer_id is null")
    assert {session for (session,) in unattributed} == guests


def test_no_checkout_user_abandons_a_cart_that_was_not_mapped(checkout: Build) -> None:
    segments = dict(
        checkout.rows(
            "select segment, customer_count from segment_kpis where scheme = 'window_shopper'"
        )
    )
    buyers = {row["user_id"] for row in csv("orders") if row["user_id"]}
    assert segments["buyer"] == len(buyers)
    assert segments["cart_abandoner"] == 0
    assert sum(segments.values()) == 2200
