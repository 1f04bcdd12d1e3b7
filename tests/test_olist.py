"""The marketplace where nearly everybody orders once."""

from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal

import duckdb
import pytest
from conftest import DATA, NO_DATA, Build
from real_data import (
    assert_readme_predictions,
    assert_readme_segments,
    assert_unknown_where_input_is_missing,
    cents,
    features,
    parquet,
    segments,
    staged,
)

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=NO_DATA)


@pytest.fixture(scope="module")
def olist(build_example: Callable[..., Build]) -> Build:
    # Its vars are all unlike the defaults: the unit tests must bring those that they depend on.
    return build_example("olist", unit_tests=True)


def test_the_people_of_olist_are_not_its_customer_numbers(olist: Build) -> None:
    assert olist.value("select count(*) from customers") == 96096
    repeaters = olist.value(
        """
        select count(*) from (
            select customer_id from int_orders group by customer_id having count(*) > 1
        )
        """
    )
    assert repeaters == 2997
    assert round(100 * repeaters / 96096, 2) == 3.12


def test_the_payments_of_olist_reconcile_with_the_orders(olist: Build) -> None:
    raw = parquet(
        "olist/olist_order_payments_dataset",
        "select sum(cast(payment_value as decimal(18, 2))) from raw",
    )
    assert raw == [(Decimal("16008872.12"),)]
    assert (
        olist.rows(
            """
        select
            (select sum(gross_amount) from int_orders)
            + (
                select coalesce(sum(gross_amount), 0)
                from stg_orders where quarantine_reason is not null
            )
        """
        )
        == raw
    )


def test_the_one_olist_order_without_a_payment_is_quarantined_for_its_amount(
    olist: Build,
) -> None:
    orders = parquet("olist/olist_orders_dataset", "select order_id from raw")
    payments = parquet("olist/olist_order_payments_dataset", "select distinct order_id from raw")
    unpaid = set(orders) - set(payments)
    assert len(unpaid) == 1
    assert staged(olist, "orders") == {None: len(orders) - 1, "missing_amount": 1}
    assert (
        set(olist.rows("select order_id from stg_orders where quarantine_reason is not null"))
        == unpaid
    )
    assert len(orders) == olist.value("select count(*) from int_orders") + 1


def test_the_775_olist_orders_without_items_count_with_unknown_contents(olist: Build) -> None:
    orders = dict(parquet("olist/olist_orders_dataset", "select order_id, order_status from raw"))
    items = dict(
        parquet("olist/olist_order_items_dataset", "select order_id, count(*) from raw group by 1")
    )
    empty = {order for order in orders if order not in items}
    assert len(empty) == 775
    # Most were never delivered; eight count as orders, because somebody paid for them.
    assert Counter(orders[order] for order in empty) == {
        "unavailable": 603,
        "canceled": 164,
        "created": 5,
        "invoiced": 2,
        "shipped": 1,
    }
    built = olist.rows("select order_id, item_count, category, invalid_reason from int_orders")
    assert {order for order, count, *_ in built if count is None} == empty
    assert {
        order: count for order, count, *_ in built if count is not None
    }.items() <= items.items()
    assert all(category is None for order, _, category, _ in built if order in empty)
    assert sum(reason is None for order, *_, reason in built if order in empty) == 8


def test_the_pieces_of_olist_reconcile_to_the_cent(olist: Build) -> None:
    raw = parquet(
        "olist/olist_order_items_dataset",
        "select count(*), sum(cast(price as decimal(18, 2))) from raw",
    )
    assert raw == [(112650, Decimal("13591643.70"))]
    assert olist.rows("select count(*), sum(unit_price) from stg_order_items") == raw
    # The three pieces of the order without a payment.
    assert staged(olist, "order_items") == {None: 112647, "orphan": 3}
    unnamed = olist.value("select count(*) from stg_order_items where category is null")
    assert unnamed == 1603


def test_the_3917_olist_reviews_without_a_date_are_refused(olist: Build) -> None:
    reviews = parquet(
        "olist/olist_order_reviews_dataset",
        """
        select
            review_score, review_creation_date is null, review_comment_message is null,
            review_answer_timestamp < order_purchase_timestamp
        from raw inner join '{}' using (order_id)
        """.format(DATA / "olist/olist_orders_dataset.parquet"),
    )
    undated = [review for review in reviews if review[1]]
    early = [review for review in reviews if not review[1] and review[3]]
    assert (len(reviews), len(undated), len(early)) == (99224, 3917, 54)
    assert staged(olist, "feedback") == {
        None: 99224 - 3917 - 54,
        "missing_date": 3917,
        # Answered before the order was placed.
        "value_out_of_range": 54,
    }
    # Their comments have broken the file. They are worse than others, so their loss flatters.
    assert not any(review[2] for review in undated)
    averages = [
        round(sum(score for score, *_ in some) / len(some), 2) for some in (reviews, undated)
    ]
    assert averages == [4.09, 3.44]


def test_an_olist_customer_waited_for_the_delivery_or_until_they_complained(
    olist: Build,
) -> None:
    raw = duckdb.sql(
        f"""
        select
            review_id || '/' || order_id, review_score,
            date_diff('second', order_purchase_timestamp, review_answer_timestamp),
            date_diff('second', order_purchase_timestamp, order_delivered_customer_date)
        from '{DATA}/olist/olist_order_reviews_dataset.parquet'
        inner join '{DATA}/olist/olist_orders_dataset.parquet' using (order_id)
        where review_creation_date is not null
        """
    ).fetchall()
    waits = {
        review: (score, cents(Decimal(min(answered, delivered or answered)) / 3600))
        for review, score, answered, delivered in raw
        if answered >= 0
    }
    built = {
        review: rest
        for review, *rest in olist.rows(
            """
            select feedback_id, score, wait_hours from stg_feedback
            where quarantine_reason is null
            """
        )
    }
    assert built.keys() == waits.keys()
    assert all(tuple(built[review]) == waits[review] for review in waits)


def test_olist_customers_are_satisfied_by_their_reviews_alone(olist: Build) -> None:
    reviews: defaultdict[str, list[tuple]] = defaultdict(list)
    for person, *review in duckdb.sql(
        f"""
        select
            customer_unique_id, review_answer_timestamp, review_score,
            date_diff('day', cast(review_answer_timestamp as date), date '2018-10-18'),
            date_diff(
                'second', order_purchase_timestamp,
                least(review_answer_timestamp, order_delivered_customer_date)
            )
        from '{DATA}/olist/olist_order_reviews_dataset.parquet'
        inner join '{DATA}/olist/olist_orders_dataset.parquet' using (order_id)
        inner join '{DATA}/olist/olist_customers_dataset.parquet' using (customer_id)
        where
            review_creation_date is not null
            and review_answer_timestamp >= order_purchase_timestamp
            and review_answer_timestamp < date '2018-10-19'
        """
    ).fetchall():
        reviews[person].append(tuple(review))

    def satisfaction(found: list[tuple]) -> str:
        # Three weeks are the threshold that the example sets.
        if any(
            age < 30 and (score <= 2 or waited >= 504 * 3600) for _, score, age, waited in found
        ):
            return "leave_alone"
        scores = [score for _, score, age, _ in found if age < 365]
        if scores and sum(scores) > 4 * len(scores):
            return "promoter"
        return "dissatisfied" if max(found)[1] <= 2 else "satisfied"

    found = segments(olist, "satisfaction")
    assert {who: name for who, name in found.items() if name != "unknown"} == {
        person: satisfaction(found) for person, found in reviews.items()
    }


def test_what_olist_customers_buy_is_that_of_plain_python(olist: Build) -> None:
    pieces: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for person, category, count in duckdb.sql(
        f"""
        select customer_unique_id, product_category_name, count(*)
        from '{DATA}/olist/olist_order_items_dataset.parquet'
        inner join '{DATA}/olist/olist_orders_dataset.parquet' using (order_id)
        inner join '{DATA}/olist/olist_customers_dataset.parquet' using (customer_id)
        inner join '{DATA}/olist/olist_products_dataset.parquet' using (product_id)
        where
            order_status not in ('canceled', 'unavailable')
            and product_category_name is not null
            and order_id in (
                select order_id from '{DATA}/olist/olist_order_payments_dataset.parquet'
            )
        group by all
        """
    ).fetchall():
        pieces[person][category] = count
    expected = {
        person: (len(counts), max(counts.values()) / counts.total())
        for person, counts in pieces.items()
    }
    built = features(olist, "item_category_count, preferred_item_category_share")
    assert {
        person: (count, pytest.approx(float(share), abs=1e-6))
        for person, (count, share) in built.items()
        if count
    } == expected
    assert {row for row in built.values() if not row[0]} == {(0, 0)}
    assert Counter(segments(olist, "category_affinity").values()) == {
        "unknown": 96096 - len(expected),
        **Counter(
            "single_category" if count == 1 else "focused" if share >= 0.5 else "broad"
            for count, share in expected.values()
        ),
    }


def test_what_olist_does_not_tell_is_unknown(olist: Build) -> None:
    assert_unknown_where_input_is_missing(olist)


def test_the_readme_of_olist_shows_its_segments(olist: Build) -> None:
    assert_readme_segments(olist)


def test_canceled_and_unavailable_olist_orders_are_not_valid(olist: Build) -> None:
    statuses = Counter(
        status
        for (status,) in parquet("olist/olist_orders_dataset", "select order_status from raw")
    )
    assert olist.rows(
        "select invalid_reason, count(*) from int_orders group by all order by all nulls last"
    ) == [
        ("cancelled", statuses["canceled"] + statuses["unavailable"]),
        # One is quarantined.
        (None, statuses.total() - statuses["canceled"] - statuses["unavailable"] - 1),
    ]


def test_all_olist_customers_with_one_valid_order_have_the_same_frequency_score(
    olist: Build,
) -> None:
    (expected,) = duckdb.sql(
        f"""
        select count(*) from (
            select customer_unique_id
            from '{DATA}/olist/olist_orders_dataset.parquet'
            inner join '{DATA}/olist/olist_customers_dataset.parquet' using (customer_id)
            where
                order_status not in ('canceled', 'unavailable')
                and order_id in (
                    select order_id from '{DATA}/olist/olist_order_payments_dataset.parquet'
                )
            group by customer_unique_id
            having count(*) = 1
        )
        """
    ).fetchall()[0]
    scores = "select f_score, count(*) from customers where order_count {} group by f_score"
    assert olist.rows(scores.format("= 1")) == [(1, expected)]
    assert all(score > 1 for score, _ in olist.rows(scores.format("> 1")))


def test_olist_categories_are_english_and_payment_methods_those_of_the_larger_part(
    olist: Build,
) -> None:
    categories = {
        category
        for (category,) in olist.rows("select distinct category from int_orders")
        if category
    }
    translations = dict(
        parquet(
            "olist/product_category_name_translation",
            "select product_category_name, lower(product_category_name_english) from raw",
        )
    )
    # The two that the file does not translate.
    untranslated = {"pc_gamer", "portateis_cozinha_e_preparadores_de_alimentos"}
    assert not untranslated & set(translations)
    assert categories - set(translations.values()) <= untranslated
    assert len(categories) > 60

    paid: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for order, method, value in parquet(
        "olist/olist_order_payments_dataset",
        "select order_id, payment_type, cast(payment_value as decimal(18, 2)) from raw",
    ):
        paid[order][method] += value
    for order, method in olist.rows(
        "select order_id, payment_method from int_orders where payment_method is not null"
    ):
        assert paid[order][method] == max(paid[order].values())


def test_olist_says_unknown_of_what_needs_sessions(olist: Build) -> None:
    assert olist.rows("select distinct engagement, window_shopper from customers") == [
        ("unknown", "unknown")
    ]


def test_olist_hours_are_those_of_sao_paulo(olist: Build) -> None:
    raw = parquet(
        "olist/olist_orders_dataset",
        """
        select extract(hour from order_purchase_timestamp) as hour, count(*) from raw
        where order_id in (select order_id from '{}') group by 1 order by 1
        """.format(DATA / "olist/olist_order_payments_dataset.parquet"),
    )
    built = olist.rows("select business_hour, count(*) from int_orders group by 1 order by 1")
    assert built == raw


def test_the_readme_says_how_good_predictions_are_for_olist(olist: Build) -> None:
    assert_readme_predictions(olist, "Olist")
