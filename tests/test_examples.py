"""The examples on real data: what is published, or summed here from the raw files, comes out."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal

import duckdb
import pytest
from conftest import DATA, NO_DATA, ROOT, Build

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=NO_DATA)

EXAMPLES = ROOT / "examples"
CENT = Decimal("0.01")


@pytest.fixture(scope="module", autouse=True)
def data_path() -> Iterator[None]:
    """The examples find the data wherever the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGMENTATION_DATA_PATH", str(DATA.resolve()))
        yield


@pytest.fixture(scope="module")
def build_example(make_build: Callable[..., Build], data_path: None) -> Callable[..., Build]:
    """Installs the package into an example and builds it with all tests, without a warning."""

    def build(name: str, variables: dict | None = None) -> Build:
        example = make_build(name, project=EXAMPLES / name)
        assert example.dbt("deps"), example.errors
        assert example.dbt("build", variables=variables), example.errors
        assert example.warnings == []
        return example

    return build


@pytest.fixture(scope="module")
def online_retail(build_example: Callable[..., Build]) -> Build:
    return build_example("online_retail")


@pytest.fixture(scope="module")
def online_retail_netted(build_example: Callable[..., Build]) -> Build:
    return build_example("online_retail", {"cancellations": "netted"})


@pytest.fixture(scope="module")
def olist(build_example: Callable[..., Build]) -> Build:
    return build_example("olist")


@pytest.fixture(scope="module")
def checkout(build_example: Callable[..., Build]) -> Build:
    return build_example("checkout_ab_synthetic")


def parquet(name: str, sql: str) -> list[tuple]:
    """Rows of a query on one raw file, as `raw`."""
    return duckdb.sql(f"with raw as (from '{DATA / name}.parquet') {sql}").fetchall()


def csv(name: str) -> list[dict[str, str | None]]:
    """The rows of a raw file without any dialect guessed or type cast; empty is null."""
    lines = (DATA / "checkout_ab_synthetic" / f"{name}.csv").read_text().splitlines()
    header = lines[0].split(",")
    assert not any('"' in line for line in lines)
    return [
        {column: value or None for column, value in zip(header, line.split(","), strict=True)}
        for line in lines[1:]
    ]


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


# Online Retail: the figures are in many tutorials; netted, they are summed here.


@pytest.fixture(scope="module")
def invoices() -> dict[str, tuple[str, Decimal]]:
    """Customer and amount of each invoice of a known customer, cancellations included."""
    amounts: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for invoice, customer, quantity, price in parquet(
        "online_retail/online_retail",
        """
        select InvoiceNo, CustomerID, Quantity, cast(UnitPrice as varchar)
        from raw where CustomerID is not null and UnitPrice > 0
        """,
    ):
        amounts[invoice, str(int(customer))] += quantity * Decimal(price)
    by_invoice = {invoice: (who, cents(amount)) for (invoice, who), amount in amounts.items()}
    # No invoice belongs to two customers.
    assert len(by_invoice) == len(amounts)
    return by_invoice


def test_online_retail_has_the_published_customers_orders_and_revenue(
    online_retail: Build,
) -> None:
    assert online_retail.value("select count(*) from customers") == 4338
    assert online_retail.value("select count(*) from int_orders") == 18532
    assert online_retail.value("select sum(net_amount) from int_orders") == Decimal("8911407.90")
    assert online_retail.value("select sum(net_amount) from customers") == Decimal("8911407.90")
    assert online_retail.rows("select * from quarantined_rows") == []


def test_online_retail_has_the_published_recency_frequency_and_monetary_value(
    online_retail: Build,
) -> None:
    ((recency, recency_median, frequency, frequency_median, frequency_max, *monetary),) = (
        online_retail.rows(
            """
            select
                round(avg(days_since_last_order), 2), median(days_since_last_order),
                round(avg(frequency), 3), median(frequency), max(frequency),
                round(sum(monetary_amount) / count(*), 2),
                median(cast(monetary_amount as double))
            from customer_rfm_scores
            """
        )
    )
    assert (recency, recency_median) == (93.06, 51)
    assert (frequency, frequency_median, frequency_max) == (4.272, 2, 209)
    assert monetary[0] == 2054.27
    assert monetary[1] == pytest.approx(674.485, abs=0.005)


def test_the_best_customer_of_online_retail_is_the_published_one(online_retail: Build) -> None:
    best = online_retail.rows(
        "select customer_id, net_amount from customers order by net_amount desc limit 1"
    )
    assert best == [("14646", Decimal("280206.02"))]


def test_the_as_of_date_of_online_retail_is_the_day_after_the_last_invoice(
    online_retail: Build,
) -> None:
    assert online_retail.rows("select distinct as_of_date from customers") == parquet(
        "online_retail/online_retail", "select cast(max(InvoiceDate) as date) + 1 from raw"
    )


def test_the_champions_of_online_retail_are_the_best_fifth_in_recency_and_two_in_frequency(
    online_retail: Build,
) -> None:
    customers = parquet(
        "online_retail/online_retail",
        """
        select
            cast(cast(CustomerID as bigint) as varchar),
            date_diff('day', max(InvoiceDate), date '2011-12-10'),
            count(distinct InvoiceNo)
        from raw where CustomerID is not null and Quantity > 0 and UnitPrice > 0
        group by CustomerID
        """,
    )

    def is_in_top(place: int, value: int, fifths: int) -> bool:
        """Whether so many fifths of the customers are worse: equals are never parted."""
        worse = sum(place * other[abs(place)] < place * value for other in customers)
        return worse * 5 >= len(customers) * (5 - fifths)

    recent = {days: is_in_top(-1, days, 1) for days in {days for _, days, _ in customers}}
    frequent = {count: is_in_top(2, count, 2) for count in {count for *_, count in customers}}
    expected = {who for who, days, count in customers if recent[days] and frequent[count]}
    champions = online_retail.rows("select customer_id from customers where rfm = 'champions'")
    assert {who for (who,) in champions} == expected
    # What the README says of them.
    shares = online_retail.rows(
        """
        select round(customer_share, 2), round(net_amount_365d_share, 2)
        from segment_kpis where scheme = 'rfm' and segment = 'champions'
        """
    )
    assert shares == [(Decimal("0.13"), Decimal("0.47"))]


def test_every_customer_of_online_retail_has_the_country_of_the_last_invoice(
    online_retail: Build,
) -> None:
    # The three names on the invoices that are no country with an ISO code.
    unknown = parquet(
        "online_retail/online_retail",
        """
        select count(*) from (
            select arg_max(Country, (InvoiceDate, InvoiceNo)) as country
            from raw where CustomerID is not null and Quantity > 0 and UnitPrice > 0
            group by CustomerID
        ) where country in ('Channel Islands', 'European Community', 'Unspecified')
        """,
    )
    nameless = online_retail.rows("select count(*) from customers where country_code is null")
    assert nameless == unknown


def test_netted_cancellations_lower_the_revenue_to_the_sum_of_all_lines(
    online_retail_netted: Build, invoices: dict[str, tuple[str, Decimal]]
) -> None:
    amounts = dict(online_retail_netted.rows("select order_id, net_amount from int_orders"))
    assert amounts == {invoice: amount for invoice, (_, amount) in invoices.items()}

    # Rounded once, over all lines: no invoice's rounding has moved the total by a penny.
    exact = parquet(
        "online_retail/online_retail",
        """
        select cast(round(sum(Quantity * cast(UnitPrice as decimal(18, 6))), 2) as decimal(18, 2))
        from raw where CustomerID is not null and UnitPrice > 0
        """,
    )
    assert exact == [(sum(amounts.values()),)]
    assert online_retail_netted.rows("select sum(net_amount) from customers") == exact


def test_netted_cancellations_are_credit_notes_and_no_orders(
    online_retail_netted: Build, invoices: dict[str, tuple[str, Decimal]]
) -> None:
    kinds = online_retail_netted.rows(
        "select is_credit_note, count(*) from int_orders group by all order by all"
    )
    cancellations = sum(invoice.startswith("C") for invoice in invoices)
    assert kinds == [(False, 18532), (True, cancellations)]
    assert online_retail_netted.value("select sum(order_count) from customers") == 18532
    assert online_retail_netted.rows("select * from quarantined_rows") == []


def test_a_customer_of_online_retail_who_only_ever_cancelled_is_a_prospect(
    online_retail_netted: Build, invoices: dict[str, tuple[str, Decimal]]
) -> None:
    bought = {who for invoice, (who, _) in invoices.items() if not invoice.startswith("C")}
    only_cancelled = {who for who, _ in invoices.values()} - bought
    prospects = online_retail_netted.rows(
        """
        select customer_id, rfm, value_tier, purchase_pattern, r_score from customers
        where lifecycle = 'prospect'
        """
    )
    assert only_cancelled
    assert {who for who, *_ in prospects} == only_cancelled
    assert {tuple(rest) for _, *rest in prospects} == {("prospect", "none", "prospect", None)}


def test_an_unknown_way_with_cancellations_is_refused_by_name(
    make_build: Callable[..., Build], online_retail: Build
) -> None:
    refused = make_build("refused", project=EXAMPLES / "online_retail")
    assert not refused.dbt("compile", variables={"cancellations": "ignored"})
    assert "it must be dropped or netted" in "".join(refused.errors)


# Olist: nearly everybody orders once.


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
    assert olist.rows("select source, reason from quarantined_rows") == [
        ("orders", "missing_amount")
    ]
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


# Checkout test: text files, mapped by columns alone.


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
