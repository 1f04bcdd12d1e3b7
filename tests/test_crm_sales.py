"""The B2B seller: firmographics of companies, and the deals that were won."""

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

AS_OF = date(2017, 12, 31)


def day(text: str) -> date:
    return datetime.strptime(text, "%m/%d/%Y").date()


@pytest.fixture(scope="module")
def crm(build_example: Callable[..., Build]) -> Build:
    return build_example("crm_sales")


@pytest.fixture(scope="module")
def won() -> list[dict[str, str | None]]:
    return [row for row in csv("crm_sales/sales_pipeline") if row["deal_stage"] == "Won"]


def test_every_account_and_every_deal_won_is_kept(
    crm: Build, won: list[dict[str, str | None]]
) -> None:
    stages = Counter(row["deal_stage"] for row in csv("crm_sales/sales_pipeline"))
    assert stages == {"Won": 4238, "Lost": 2473, "Engaging": 1589, "Prospecting": 500}
    assert staged(crm, "customers") == staged(crm, "companies") == {None: 85}
    assert staged(crm, "orders") == staged(crm, "order_items") == {None: len(won)}


def test_the_orders_are_the_deals_won_to_the_cent(
    crm: Build, won: list[dict[str, str | None]]
) -> None:
    assert {
        order: (account, closed, amount)
        for order, account, closed, amount in crm.rows(
            "select order_id, customer_id, business_date, net_amount from int_orders"
        )
    } == {
        row["opportunity_id"]: (
            row["account"],
            day(row["close_date"]),
            Decimal(row["close_value"]),
        )
        for row in won
    }
    assert crm.rows("select sum(order_count), sum(net_amount) from customers") == [
        (4238, Decimal("10005534.00"))
    ]


def test_the_products_of_the_deals_are_those_of_the_list(
    crm: Build, won: list[dict[str, str | None]]
) -> None:
    series = {row["product"]: row["series"].lower() for row in csv("crm_sales/products")}
    sold = Counter("GTX Pro" if row["product"] == "GTXPro" else row["product"] for row in won)
    assert dict(crm.rows("select product_id, count(*) from stg_order_items group by all")) == sold
    assert dict(crm.rows("select distinct product_id, category from stg_order_items")) == series


def test_the_companies_have_their_firmographics(crm: Build) -> None:
    countries = {"Kenya": "KE", "Korea": "KR", "Philipines": "PH", "United States": "US"}
    built = {
        company: rest
        for company, *rest in crm.rows(
            """
            select
                company_id, industry, employee_count, annual_revenue, parent_company_id,
                country_code
            from stg_companies
            """
        )
    }
    for row in csv("crm_sales/accounts"):
        industry, employees, revenue, parent, country = built.pop(row["account"])
        assert industry == row["sector"].replace("technolgy", "technology")
        assert employees == int(row["employees"])
        assert revenue == Decimal(row["revenue"]) * 1_000_000
        assert parent == row["subsidiary_of"]
        assert country == countries.get(row["office_location"], country)
    assert built == {}


def test_the_relationship_begins_with_the_first_deal_engaged_in(crm: Build) -> None:
    first: dict[str, date] = {}
    for row in csv("crm_sales/sales_pipeline"):
        if row["account"] and row["engage_date"]:
            engaged = day(row["engage_date"])
            first[row["account"]] = min(engaged, first.get(row["account"], engaged))
    assert dict(crm.rows("select company_id, cast(created_at as date) from stg_companies")) == first


def test_the_firmographic_segments_are_those_of_plain_python(crm: Build) -> None:
    accounts = csv("crm_sales/accounts")

    def size(employees: int) -> str:
        bounds = [(10, "micro"), (50, "small"), (250, "medium")]
        return next((name for bound, name in bounds if employees < bound), "large")

    def turnover(millions: Decimal) -> str:
        bounds = [(bound, f"up_to_{bound}_million") for bound in (2, 10, 50)]
        return next((name for bound, name in bounds if millions <= bound), "over_50_million")

    groups = {
        **dict.fromkeys(["technolgy", "software", "telecommunications"], "technology"),
        **dict.fromkeys(
            ["services", "finance", "marketing", "employment", "entertainment"], "services"
        ),
        "retail": "trade",
        "medical": "public_and_health",
    }
    for grain in ("customer", "company"):
        assert segments(crm, "company_size", grain) == {
            row["account"]: size(int(row["employees"])) for row in accounts
        }
        assert segments(crm, "turnover", grain) == {
            row["account"]: turnover(Decimal(row["revenue"])) for row in accounts
        }
        assert segments(crm, "industry_group", grain) == {
            row["account"]: groups[row["sector"]] for row in accounts
        }


def test_the_company_features_are_sums_of_the_deals_won(
    crm: Build, won: list[dict[str, str | None]]
) -> None:
    deals = defaultdict(list)
    for row in won:
        deals[row["account"]].append((day(row["close_date"]), Decimal(row["close_value"])))
    columns = """
        customer_count, order_count, net_amount, first_order_date, last_order_date,
        days_since_last_order
    """
    assert features(crm, columns, grain="company") == {
        account: (
            1,
            len(found),
            sum(amount for _, amount in found),
            min(found)[0],
            max(found)[0],
            (AS_OF - max(found)[0]).days,
        )
        for account, found in deals.items()
    }


def test_what_a_company_buys_and_at_which_price_is_that_of_plain_python(
    crm: Build, won: list[dict[str, str | None]]
) -> None:
    series = {
        row["product"].replace(" ", ""): row["series"].lower() for row in csv("crm_sales/products")
    }
    lines = [
        (
            row["account"],
            series[row["product"].replace(" ", "")],
            day(row["close_date"]),
            Decimal(row["close_value"]),
        )
        for row in won
    ]
    usual = {}
    for category in set(series.values()):
        prices = [price for _, name, _, price in lines if name == category]
        usual[category] = cents(sum(prices) / len(prices))
    expected = {}
    for account in {account for account, *_ in lines}:
        own = [line[1:] for line in lines if line[0] == account]
        pieces = Counter(category for category, *_ in own)
        # The latest ordered, where two are bought as often.
        preferred = max(
            pieces, key=lambda name: (pieces[name], max(on for of, on, _ in own if of == name))
        )
        expected[account] = (
            len(pieces),
            preferred,
            round(Decimal(pieces[preferred]) / len(own), 6),
            round(sum(price for *_, price in own) / sum(usual[of] for of, *_ in own), 6),
        )
    columns = """
        item_category_count, preferred_item_category, preferred_item_category_share, price_level
    """
    assert features(crm, columns) == expected
    # What the README says of them.
    levels = [level for *_, level in expected.values()]
    assert (round(min(levels), 2), round(max(levels), 2)) == (Decimal("0.67"), Decimal("1.39"))
    assert crm.value("select max(median_gap_days) from customer_features") == Decimal("8.5")


def test_what_crm_sales_does_not_tell_is_unknown(crm: Build) -> None:
    assert_unknown_where_input_is_missing(crm)


def test_the_readme_of_crm_sales_shows_its_segments(crm: Build) -> None:
    assert_readme_segments(crm)


def test_the_readme_says_how_good_predictions_are_for_crm_sales(crm: Build) -> None:
    assert_readme_predictions(crm, "CRM sales")
