"""Order features and RFM scores by customer, in pandas, counts and sums by NumPy.

The rows of the orders must be ordered by time. Amounts are integer cents up to the last step.
"""

import argparse
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

OCCASIONS = Path(__file__).parents[2] / "seeds/occasions.csv"
SEASONS = ("spring", "summer", "autumn", "winter")
WINDOWS = (30, 90, 365)
PREFERRED = ("sales_channel", "category", "payment_method")
SHARES = ("discount", "coupon", "refund", "weekend", "evening", "gift", *SEASONS)


def rounded_ratio(part: pd.Series, whole: pd.Series, places: int = 6) -> pd.Series:
    """part / whole, half up; integers until the last step. Missing where whole is 0."""
    known = whole > 0
    whole = whole.where(known, 1)
    ratio = (part.abs() * (2 * 10**places) + whole) // (2 * whole)
    return (np.sign(part) * ratio / 10**places).where(known)


def cents(amount: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same digits without their decimal point; a missing amount stays missing."""
    digits = pa.decimal128(amount.type.precision, 0)
    return pa.chunked_array([c.view(digits).cast(pa.int64()) for c in amount.chunks], pa.int64())


def read_orders(folder: Path, customer_ids: pa.ChunkedArray, as_of: date) -> pd.DataFrame:
    """The rows that count on the as-of date, with the position of their customer."""
    table = pq.read_table(
        folder / "orders.parquet",
        columns=["customer_id", "ordered_at", "status", "gross_amount", "discount_amount"]
        + ["refunded_amount", "refunded_at", "cancelled_at", "item_count", "coupon_code"]
        + ["is_gift", *PREFERRED],
        read_dictionary=["status", "coupon_code", *PREFERRED],
    )
    customer = pc.index_in(table["customer_id"], value_set=customer_ids)
    end, cancelled_at = pd.Timestamp(as_of) + pd.Timedelta(days=1), pc.field("cancelled_at")
    not_cancelled = cancelled_at.is_null() & (pc.field("status") != "cancelled")
    table = (
        table.drop_columns("customer_id")
        .append_column("customer", customer)
        .append_column("discount", pc.fill_null(cents(table["discount_amount"]), 0))
        .append_column("gross", cents(table["gross_amount"]))
        .append_column("refund", pc.fill_null(cents(table["refunded_amount"]), 0))
        .append_column("has_discount", pc.is_valid(table["discount_amount"]))
        .append_column("has_coupon", pc.is_valid(table["coupon_code"]))
        .drop_columns(["gross_amount", "discount_amount", "refunded_amount", "coupon_code"])
        .filter(
            pc.field("customer").is_valid()
            & (pc.field("ordered_at") < end)
            & (not_cancelled | pc.coalesce(cancelled_at >= end, False))
        )
        .drop_columns("cancelled_at")
    )
    return table.to_pandas(split_blocks=True, self_destruct=True)


def on_occasions(orders: pd.DataFrame) -> pd.DataFrame:
    """The orders of each occasion, by time; none of ours runs over New Year."""
    occasions = pd.read_csv(OCCASIONS, dtype={"year": "Int32"})
    day = orders["ordered_at"].to_numpy().astype("M8[D]").astype(np.int64)
    days = pd.DataFrame({"day": np.unique(day)})
    moment = pd.to_datetime(days["day"], unit="D")
    days = days.assign(month_day=moment.dt.strftime("%m-%d"), day_year=moment.dt.year)
    days = days.merge(occasions, how="cross")
    in_year = days["year"].isna() | (days["year"] == days["day_year"]).fillna(False)
    days = days[in_year & days["month_day"].between(days["first_day"], days["last_day"])]
    parts = [
        orders.loc[np.isin(day, group["day"]), ["customer", "ordered_at"]].assign(occasion=occasion)
        for occasion, group in days.groupby("occasion")
    ]
    return pd.concat(parts).astype({"occasion": "category"})


def preferred(
    orders: pd.DataFrame, column: str, customers: int
) -> tuple[pd.Categorical, np.ndarray]:
    """The value of most orders, and how many; of two equally frequent the later one, then the alphabet."""
    orders = orders[orders[column].notna()]
    values = orders[column].cat.set_categories(sorted(orders[column].cat.categories)).cat
    shape = customers, len(values.categories)
    cell = orders["customer"].to_numpy(np.int64) * shape[1] + values.codes.to_numpy()
    counts = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    latest = np.zeros(shape, np.int64)
    latest.flat[cell] = orders["ordered_at"].to_numpy().view(np.int64)  # The last one stays.
    most = counts.max(axis=1)
    latest[counts < most[:, None]] = -1
    codes = np.where(most > 0, latest.argmax(axis=1), -1)
    return pd.Categorical.from_codes(codes, values.categories), most


def score(metric: pd.Series, is_buyer: pd.Series) -> np.ndarray:
    """The fifth of the last year's buyers that a value falls into, equal values together."""
    buyers = np.sort(metric[is_buyer])
    last_below = buyers[(len(buyers) * np.arange(1, 5) + 4) // 5 - 1]
    cuts = np.searchsorted(buyers, last_below, side="right")
    return 1 + np.searchsorted(buyers[cuts[cuts < len(buyers)]], metric, side="right")


def order_sums(known: pd.DataFrame, as_of: date, customers: int) -> pd.DataFrame:
    """Counts, sums, extremes and gaps, a row per customer."""
    today = np.datetime64(as_of)
    customer, ordered_at = known["customer"].to_numpy(), known["ordered_at"].dt
    is_order = ((known["gross"] >= 0) & (known["status"] != "credit_note")).to_numpy()
    refunded_at = known["refunded_at"].fillna(known["ordered_at"])
    age = (today - known["ordered_at"].to_numpy().astype("M8[D]")).astype(np.int32)
    refund_age = (today - refunded_at.to_numpy().astype("M8[D]")).astype(np.int32)
    gross = known["gross"].clip(lower=0).to_numpy()
    amount = gross - known["discount"].to_numpy()
    refund = (known["refund"] - known["gross"].clip(upper=0)).where(refund_age >= 0, 0).to_numpy()
    is_refund = refund > 0

    def count(condition: np.ndarray | pd.Series) -> np.ndarray:
        return np.bincount(customer[condition], minlength=customers)

    def total(values: np.ndarray, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Sums in float64, where whole cents are exact up to 2 ** 53."""
        sums = np.bincount(customer[rows], weights=values[rows], minlength=customers)
        return sums.astype(np.int64)

    is_discounted = is_order & ((known["discount"] > 0) | known["has_coupon"])
    month = (ordered_at.year * 12 + ordered_at.month).to_numpy()
    months = pd.DataFrame(
        {"discounted": np.bincount(month, is_discounted), "orders": np.bincount(month, is_order)}
    ).astype("int64")
    offered = rounded_ratio(months["discounted"], months["orders"]).to_numpy()
    offered = np.round(np.nan_to_num(offered) * 1_000_000).astype(np.int64)

    sums = {
        "order_count": count(is_order),
        "offered": total(offered[month], is_order),
        "refunded_amount": total(refund, is_refund),
        "gross_amount": total(gross),
        "discount_amount": total(known["discount"].to_numpy(), known["has_discount"].to_numpy()),
        "has_discount": count(known["has_discount"]) > 0,
        "item_count": total(known["item_count"].to_numpy()),
        "gift": count(known["is_gift"]),
        "discount": count(is_discounted),
        "coupon": count(is_order & known["has_coupon"]),
        "refund": count(is_order & is_refund),
        "weekend": count(is_order & (ordered_at.day_of_week >= 5)),
        "evening": count(is_order & (ordered_at.hour >= 18)),
        "online": count(is_order & known["sales_channel"].isin(["web", "app"])),
        "shop": count(is_order & (known["sales_channel"] == "shop")),
        "with_channel": count(is_order & known["sales_channel"].notna()),
    }
    sums["net_amount"] = total(amount) - sums["refunded_amount"]
    for days in WINDOWS:
        sums[f"order_count_{days}d"] = count(is_order & (age < days))
        refunded = total(refund, is_refund & (refund_age < days))
        sums[f"net_amount_{days}d"] = total(amount, age < days) - refunded
    cell = customer.astype(np.int64) * 4 + ordered_at.month.to_numpy() % 12 // 3
    seasons = np.bincount(cell[is_order], minlength=customers * 4).reshape(customers, 4)
    sums |= zip(SEASONS, seasons[:, [1, 2, 3, 0]].T, strict=True)

    orders = known.loc[is_order, ["customer", "ordered_at", *PREFERRED]].assign(age=age[is_order])
    by_customer = orders.groupby("customer")["age"]
    by_gap = (-by_customer.diff()).groupby(orders["customer"])
    occasion, on_occasion = preferred(on_occasions(orders), "occasion", customers)
    return pd.DataFrame(sums).assign(
        days_since_first_order=by_customer.max(),
        days_since_last_order=by_customer.min(),
        median_gap_days=by_gap.median(),
        last_gap_days=by_gap.last(),
        **{f"preferred_{name}": preferred(orders, name, customers)[0] for name in PREFERRED},
        preferred_occasion=occasion,
        on_occasion=on_occasion,
    )


def features(folder: Path, as_of: date) -> pd.DataFrame:
    """One row per customer who has an order."""
    customer_ids = pq.read_table(
        folder / "customers.parquet",
        columns=["customer_id"],
        filters=~pc.field("is_test_account"),
    )["customer_id"]
    known = read_orders(folder, customer_ids, as_of)
    table = order_sums(known, as_of, len(customer_ids))
    table.insert(0, "customer_id", customer_ids.to_pandas())
    table = table[table["order_count"] > 0].astype(
        {"days_since_first_order": "int32", "days_since_last_order": "int32"}
    )
    today, date_type = np.datetime64(as_of, "s"), pd.ArrowDtype(pa.date32())
    for end in ("first", "last"):
        days = pd.to_timedelta(table[f"days_since_{end}_order"], unit="D")
        table[f"{end}_order_date"] = (today - days).astype(date_type)

    order_count, is_buyer = table["order_count"], table["order_count_365d"] > 0
    for part in SHARES:
        table[f"{part}_order_share"] = rounded_ratio(table[part], order_count)
    for part in ("online", "shop"):
        table[f"{part}_order_share"] = rounded_ratio(table[part], table["with_channel"])
    # Two gaps of the average length of all are added to the own ones; all is doubled, as a median may be a half.
    first, last = (table[f"days_since_{end}_order"].astype("int64") for end in ("first", "last"))
    gap_days, gap_count = (first - last).sum(), (order_count - 1).sum()
    own_days = (order_count - 1) * (table["median_gap_days"].fillna(0) * 2).astype("int64")
    whole = 2 * (order_count + 1) * gap_count
    expected_gap = rounded_ratio(4 * gap_days + own_days * gap_count, whole, 1)
    expected_tenths = (expected_gap.fillna(0) * 10).round().astype("int64").clip(lower=10)
    lateness = rounded_ratio(last * 10, expected_tenths)
    discount_share = rounded_ratio(table["discount_amount"], table["gross_amount"])
    windows = [f"{name}_{days}d" for name in ("order_count", "net_amount") for days in WINDOWS]
    table = table.assign(
        average_order_amount=rounded_ratio(table["net_amount"], order_count * 100, 2),
        items_per_order=rounded_ratio(table["item_count"], order_count),
        last_gap_days=table["last_gap_days"].astype("Int32"),
        expected_gap_days=expected_gap,
        order_lateness=lateness.where(expected_gap.notna()),
        offered_discount_share=rounded_ratio(table["offered"], 1_000_000 * order_count),
        discount_lift=rounded_ratio(1_000_000 * table["discount"], table["offered"]),
        occasion_order_share=rounded_ratio(table["on_occasion"], order_count),
        discount_amount_share=discount_share.where(table["has_discount"]),
        r_score=score(-table["days_since_last_order"], is_buyer),
        f_score=score(table["order_count_365d"], is_buyer),
        m_score=score(table["net_amount_365d"], is_buyer),
    )
    amounts = ["net_amount", *windows[3:], "refunded_amount"]
    table[amounts] /= 100
    return table[
        ["customer_id", "order_count", *windows[:3], "first_order_date", "last_order_date"]
        + ["days_since_first_order", "days_since_last_order", *amounts, "average_order_amount"]
        + ["item_count", "items_per_order", "median_gap_days", "last_gap_days"]
        + ["expected_gap_days", "order_lateness", "offered_discount_share", "discount_lift"]
        + [f"{part}_order_share" for part in (*SHARES, "online", "shop", "occasion")]
        + ["discount_amount_share", *(f"preferred_{name}" for name in (*PREFERRED, "occasion"))]
        + ["r_score", "f_score", "m_score"]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("as_of", type=date.fromisoformat)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    table = features(arguments.folder, arguments.as_of)
    table.to_parquet(arguments.output, index=False)


if __name__ == "__main__":
    main()
