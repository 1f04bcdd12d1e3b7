"""Order features and RFM scores by customer, in polars: one lazy query on the streaming engine.

The rows of the orders may come in any order. Amounts are integer cents up to the last step.
"""

import argparse
from datetime import date, timedelta
from pathlib import Path

import polars as pl

OCCASIONS = Path(__file__).parents[2] / "seeds/occasions.csv"

SEASONS = {"spring": 1, "summer": 2, "autumn": 3, "winter": 0}
WINDOWS = (30, 90, 365)
AMOUNTS = ("net_amount", *(f"net_amount_{days}d" for days in WINDOWS), "refunded_amount")
PREFERRED = ("sales_channel", "category", "payment_method")
SHARES = ("discount", "coupon", "refund", "weekend", "evening", "gift", *SEASONS)


def scaled(number: pl.Expr, places: int) -> pl.Expr:
    """The decimal with so many places whose digits the integer holds."""
    return number.cast(pl.Decimal(38, places)) / 10**places


def ratio_digits(part: pl.Expr, whole: pl.Expr, places: int = 6) -> pl.Expr:
    """The digits of part / whole, half up, in integers. Null where whole is 0."""
    return part.sign() * ((part.abs() * (2 * 10**places) + whole) // (2 * whole))


def rounded_ratio(part: pl.Expr, whole: pl.Expr, places: int = 6) -> pl.Expr:
    return scaled(ratio_digits(part, whole, places), places)


def known_orders(folder: Path, customers: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """The rows that count on the as-of date, with the number of their customer."""
    end = as_of + timedelta(days=1)
    cancelled_at = pl.coalesce(
        "cancelled_at", pl.when(pl.col("status") == "cancelled").then("ordered_at")
    )

    def cents(amount: str) -> pl.Expr:
        return pl.col(amount).to_physical().cast(pl.Int64)

    def age(moment: pl.Expr) -> pl.Expr:
        return (pl.lit(as_of) - moment.dt.date()).dt.total_days().cast(pl.Int32)

    gross, discount = cents("gross_amount"), cents("discount_amount")
    return (
        pl.scan_parquet(folder / "orders.parquet")
        .filter(pl.col("ordered_at") < end, (cancelled_at >= end).fill_null(True))
        .join(customers, on="customer_id")
        .select(
            "customer",
            "ordered_at",
            "item_count",
            "is_gift",
            *PREFERRED,
            day=pl.col("ordered_at").dt.date(),
            month=pl.col("ordered_at").dt.year() * 12 + pl.col("ordered_at").dt.month(),
            is_order=(gross >= 0) & (pl.col("status") != "credit_note"),
            age=age(pl.col("ordered_at")),
            refund_age=age(pl.coalesce("refunded_at", "ordered_at")),
            gross=gross.clip(0),
            discount=discount,
            amount=gross.clip(0) - discount.fill_null(0),
            refund=cents("refunded_amount").fill_null(0) - gross.clip(upper_bound=0),
            has_coupon=pl.col("coupon_code").is_not_null(),
            season=pl.col("ordered_at").dt.month() % 12 // 3,
        )
        .with_columns(refund=pl.when(pl.col("refund_age") >= 0).then("refund").otherwise(0))
    )


def offers(orders: pl.LazyFrame) -> pl.LazyFrame:
    """What share of a month's orders had a discount or coupon, in millionths."""
    discounted = (pl.col("discount") > 0).fill_null(False) | pl.col("has_coupon")
    share = ratio_digits(discounted.sum().cast(pl.Int64), pl.len().cast(pl.Int64))
    return orders.group_by("month").agg(offered=share)


def on_occasions(orders: pl.LazyFrame) -> pl.LazyFrame:
    """The orders of each occasion; none of ours runs over New Year."""
    occasions = pl.scan_csv(OCCASIONS, schema_overrides={"year": pl.Int32})
    day = pl.col("day").dt.to_string("%m-%d")
    in_year = (pl.col("year") == pl.col("day").dt.year()).fill_null(True)
    days = (
        orders.select("day")
        .unique()
        .join(occasions, how="cross")
        .filter(day >= pl.col("first_day"), day <= pl.col("last_day"), in_year)
        .select("day", "occasion")
        .unique()
    )
    return orders.select("customer", "ordered_at", "day").join(days, on="day")


def sums(known: pl.LazyFrame) -> pl.LazyFrame:
    """Everything that is a count, a sum or an extreme of a customer's rows."""
    is_order = pl.col("is_order")
    order_age = pl.when(is_order).then("age")

    def count(condition: pl.Expr) -> pl.Expr:
        return (is_order & condition).sum().cast(pl.Int64)

    def total(column: str, condition: pl.Expr) -> pl.Expr:
        return pl.when(condition).then(column).sum()

    age, refund_age, channel = pl.col("age"), pl.col("refund_age"), pl.col("sales_channel")
    return known.group_by("customer").agg(
        order_count=is_order.sum().cast(pl.Int64),
        days_since_first_order=order_age.max(),
        days_since_last_order=order_age.min(),
        net_amount=pl.col("amount").sum() - pl.col("refund").sum(),
        refunded_amount=pl.col("refund").sum(),
        gross_amount=pl.col("gross").sum(),
        discount_amount=pl.col("discount").sum(),
        has_discount=pl.col("discount").is_not_null().any(),
        item_count=pl.col("item_count").sum().cast(pl.Int64),
        gift=pl.col("is_gift").sum().cast(pl.Int64),
        discount=count((pl.col("discount") > 0).fill_null(False) | pl.col("has_coupon")),
        offered=total("offered", is_order),
        coupon=count(pl.col("has_coupon")),
        refund=count(pl.col("refund") > 0),
        weekend=count(pl.col("ordered_at").dt.weekday() >= 6),
        evening=count(pl.col("ordered_at").dt.hour() >= 18),
        online=count(channel.is_in(["web", "app"])),
        shop=count(channel == "shop"),
        with_channel=count(channel.is_not_null()),
        **{season: count(pl.col("season") == code) for season, code in SEASONS.items()},
        **{f"order_count_{days}d": count(age < days) for days in WINDOWS},
        **{
            f"net_amount_{days}d": total("amount", age < days) - total("refund", refund_age < days)
            for days in WINDOWS
        },
    )


def rhythm(orders: pl.LazyFrame) -> pl.LazyFrame:
    """The days between one order and the next."""
    return (
        orders.group_by("customer")
        .agg(gaps=pl.col("age"))
        .select("customer", gaps=pl.col("gaps").list.sort().list.diff(null_behavior="drop"))
        .select(
            "customer",
            median_gap_days=pl.col("gaps").list.median(),
            last_gap_days=pl.col("gaps").list.first(),
        )
    )


def preferred(orders: pl.LazyFrame, column: str) -> pl.LazyFrame:
    """The value of most orders; of two equally frequent the later one, then the alphabet."""
    place = pl.struct(-pl.col("orders"), -pl.col("latest").to_physical(), column)
    return (
        orders.filter(pl.col(column).is_not_null())
        .group_by("customer", column)
        .agg(orders=pl.len().cast(pl.Int64), latest=pl.col("ordered_at").max())
        .group_by("customer")
        .agg(
            pl.col(column).min_by(place).alias(f"preferred_{column}"),
            pl.col("orders").max().alias(f"{column}_orders"),
        )
    )


def score(metric: pl.Expr) -> pl.Expr:
    """The fifth of the last year's buyers that a value falls into, equal values together."""
    buyers = metric.filter(pl.col("order_count_365d") > 0).sort()
    reached = []
    for fifth in range(1, 5):
        last_below = buyers.get((buyers.len().cast(pl.Int64) * fifth + 4) // 5 - 1)
        reached.append((metric >= buyers.filter(buyers > last_below).min()).fill_null(False))
    return 1 + pl.sum_horizontal(reached)


def features(folder: Path, as_of: date) -> pl.LazyFrame:
    """One row per customer who has an order."""
    # A number is a cheaper key than a string, five times over.
    customers = (
        pl.scan_parquet(folder / "customers.parquet")
        .filter(~pl.col("is_test_account"))
        .select("customer_id")
        .with_row_index("customer")
    )
    # Without the cache the sums would read and join the orders once more.
    known = known_orders(folder, customers, as_of).cache()
    orders = known.filter("is_order")
    summed = sums(known.join(offers(orders), on="month", how="left"))
    joined = customers.join(summed.filter(pl.col("order_count") > 0), on="customer")
    favourites = [preferred(orders, column) for column in PREFERRED]
    for other in (rhythm(orders), *favourites, preferred(on_occasions(orders), "occasion")):
        joined = joined.join(other, on="customer", how="left")

    order_count, with_channel = pl.col("order_count"), pl.col("with_channel")
    first, last = pl.col("days_since_first_order"), pl.col("days_since_last_order")
    # Two gaps of the average length of all are added to the own ones; all is doubled, as a median may be a half.
    gap_days, gap_count = (first - last).cast(pl.Int64).sum(), (order_count - 1).sum()
    own_days = (order_count - 1) * (pl.col("median_gap_days") * 2).cast(pl.Int64).fill_null(0)
    whole = 2 * (order_count + 1) * gap_count
    expected_tenths = ratio_digits(4 * gap_days + own_days * gap_count, whole, 1)

    def share(part: str, whole: pl.Expr = order_count) -> pl.Expr:
        return rounded_ratio(pl.col(part), whole)

    return joined.select(
        "customer_id",
        "order_count",
        *(f"order_count_{days}d" for days in WINDOWS),
        (pl.lit(as_of) - pl.duration(days=first)).alias("first_order_date"),
        (pl.lit(as_of) - pl.duration(days=last)).alias("last_order_date"),
        "days_since_first_order",
        "days_since_last_order",
        *(scaled(pl.col(amount), 2) for amount in AMOUNTS),
        average_order_amount=rounded_ratio(pl.col("net_amount"), order_count * 100, 2),
        item_count="item_count",
        items_per_order=share("item_count"),
        median_gap_days="median_gap_days",
        last_gap_days="last_gap_days",
        expected_gap_days=scaled(expected_tenths, 1),
        order_lateness=rounded_ratio(last.cast(pl.Int64) * 10, expected_tenths.clip(10)),
        **{f"{part}_order_share": share(part) for part in SHARES},
        online_order_share=share("online", with_channel),
        shop_order_share=share("shop", with_channel),
        discount_amount_share=pl.when("has_discount").then(
            share("discount_amount", pl.col("gross_amount"))
        ),
        offered_discount_share=share("offered", 1_000_000 * order_count),
        discount_lift=rounded_ratio(1_000_000 * pl.col("discount"), pl.col("offered")),
        **{f"preferred_{column}": f"preferred_{column}" for column in (*PREFERRED, "occasion")},
        occasion_order_share=rounded_ratio(pl.col("occasion_orders").fill_null(0), order_count),
        r_score=score(-last),
        f_score=score(pl.col("order_count_365d")),
        m_score=score(pl.col("net_amount_365d")),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("as_of", type=date.fromisoformat)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    table = features(arguments.folder, arguments.as_of).collect(engine="streaming")
    table.write_parquet(arguments.output)


if __name__ == "__main__":
    main()
