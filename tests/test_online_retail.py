"""The wholesaler: published figures come out, and cancellations netted instead of dropped."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

import pytest
from conftest import DATA, NO_DATA, ROOT, Build
from real_data import assert_readme_predictions, cents, parquet

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=NO_DATA)


@pytest.fixture(scope="module")
def online_retail(build_example: Callable[..., Build]) -> Build:
    return build_example("online_retail")


@pytest.fixture(scope="module")
def online_retail_netted(build_example: Callable[..., Build]) -> Build:
    return build_example("online_retail", {"cancellations": "netted"})


@pytest.fixture(scope="module")
def online_retail_judged(build_example: Callable[..., Build]) -> Build:
    """The segments of the end of August, judged by the autumn as known on the last day."""
    build = build_example("online_retail", {"as_of_date": "2011-08-31"})
    later = {"as_of_date": "2011-12-10"}
    assert build.dbt("run", "--select", "int_as_of_date+", variables=later), build.errors
    return build


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
    refused = make_build("refused", project=ROOT / "examples" / "online_retail")
    assert not refused.dbt("compile", variables={"cancellations": "ignored"})
    assert "it must be dropped or netted" in "".join(refused.errors)


def test_the_readme_says_how_good_predictions_are_for_online_retail(online_retail: Build) -> None:
    assert_readme_predictions(online_retail, "Online Retail")


def test_what_followed_tells_which_schemes_of_online_retail_to_keep(
    online_retail_judged: Build,
) -> None:
    cards = dict(
        online_retail_judged.rows(
            """
            select scheme, (verdict, revenue_explained_share, activity_explained_share)
            from segment_scorecard where as_of_date = date '2011-12-10' and verdict <> 'no data'
            """
        )
    )
    verdicts = {scheme: verdict for scheme, (verdict, *_) in cards.items()}
    # Nobody but customers, who are British or not and order at some hour, whatever they do next.
    assert {scheme for scheme, verdict in verdicts.items() if verdict == "drop"} == {
        "geography",
        "journey_stage",
        "shopping_time",
    }
    assert {verdicts[scheme] for scheme in ("rfm", "value_tier", "predicted_value")} == {"keep"}
    # Spend so far tells most of spend to come; how recent and frequent, of who comes back.
    assert max(cards, key=lambda scheme: cards[scheme][1] or 0) == "value_tier"
    most_active = sorted(cards, key=lambda scheme: cards[scheme][2] or 0)[-4:]
    assert set(most_active) == {"lifecycle", "loyalty", "rfm", "churn_risk"}
