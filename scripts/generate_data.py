"""Write customers, orders and sessions of an invented shop, as a sample or at benchmark scale.

One row per customer, per order and per session, with the columns and types of
models/staging/_sources.yml. Times are UTC within 2024 and 2025, amounts are euros. With
`--format csv` everything is text and holds each fault of sample_dirt.py; with
`--format parquet` columns are typed and hold the faults that their types can express.

Purchases follow the assumptions of the BG/NBD model (Fader, Hardie and Lee 2005, section 3):
each customer buys at a rate drawn from a Gamma distribution, and stops after any purchase with
a probability drawn from a Beta distribution. The same arguments write the same bytes.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sample_vocabulary as vocabulary
from contract import ROOT, read_contract
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray
from sample_dirt import soiled
from tqdm import tqdm

TABLES = ("customers", "orders", "sessions")
CHUNK_CUSTOMERS = 10_000
# 1 gives about 10 orders and 30 sessions per customer; the sample must stay small.
ACTIVITY = {"csv": 0.235, "parquet": 1.0}

FIRST_DAY = np.datetime64("2024-01-01", "s").astype(np.int64)  # a Monday
DAYS = 731
DAY = 86_400
LAST_SECOND = FIRST_DAY + DAYS * DAY - 1

Ints, Floats, Mask = NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]
# Values, or values and where they are known. Times are seconds, amounts are cents.
Columns = dict[str, NDArray | pa.Array | tuple[NDArray | pa.Array, Mask]]


@cache
def schemas() -> dict[str, pa.Schema]:
    """The columns of each table and their types, from the contract."""
    types = {
        "varchar": pa.string(),
        "timestamp": pa.timestamp("us"),
        "date": pa.date32(),
        "decimal(18, 2)": pa.decimal128(18, 2),
        "integer": pa.int32(),
        "boolean": pa.bool_(),
    }
    contract = read_contract()
    return {
        n: pa.schema([(c.name, types[c.data_type]) for c in contract[n].columns]) for n in TABLES
    }


def typed(columns: Columns, schema: pa.Schema) -> pa.Table:
    # In between, what the numbers count: seconds since 1970, days, cents.
    units = {pa.timestamp("us"): pa.timestamp("s"), pa.date32(): pa.int32()}
    arrays = []
    for field in schema:
        values = columns[field.name]
        values, known = values if isinstance(values, tuple) else (values, None)
        array = values if isinstance(values, pa.Array) else pa.array(values)
        if pa.types.is_decimal(field.type):
            array = array.view(pa.decimal64(18, 2))
        array = array.cast(units.get(field.type, field.type)).cast(field.type)
        arrays.append(array if known is None else pc.if_else(known, array, None))
    return pa.table(arrays, schema=schema)


def as_text(table: pa.Table) -> pa.Table:
    """Every column as the text of a CSV file; times to the second."""
    columns = [c.cast("timestamp[s]") if c.type == "timestamp[us]" else c for c in table.columns]
    return pa.table([column.cast(pa.string()) for column in columns], names=table.column_names)


def words(values: Sequence[str | None], codes: Ints) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(codes))


def joined(*parts: str | pa.Array | Ints) -> pa.Array:
    texts = [pa.array(p).cast(pa.string()) if isinstance(p, np.ndarray) else p for p in parts]
    return pc.binary_join_element_wise(*texts, "")


def keys(prefix: str, numbers: Ints) -> pa.Array:
    return joined(prefix, pc.utf8_lpad(joined(numbers), 7, "0"))


def customer_keys(numbers: Ints) -> pa.Array:
    """A few accounts have the leading zeros of an older system, so that keys must stay text."""
    return pc.if_else(numbers % 97 == 0, keys("0", numbers), keys("C", numbers))


def weighted(rng: Generator, weights: Sequence[float], size: int) -> Ints:
    return np.searchsorted(np.cumsum(weights) / np.sum(weights), rng.random(size), side="right")


def preferred(rng: Generator, favourite: Ints, focus: Floats | float, weights: Sequence) -> Ints:
    """The favourite with the probability `focus`, else any."""
    kept = rng.random(len(favourite)) < focus
    return np.where(kept, favourite, weighted(rng, weights, len(favourite)))


def calendar() -> Floats:
    """Cumulated demand by day: weekdays, a dip in summer, a rush before Christmas."""
    day, day_of_year = np.arange(DAYS), np.arange(DAYS) % 366
    weekday = np.array([1.0, 0.95, 0.95, 1.0, 1.05, 1.15, 1.1])[day % 7]
    rush = np.exp(-(((day_of_year - 344) / 14) ** 2)) * (day_of_year < 359)
    dip = 0.3 * np.exp(-(((day_of_year - 205) / 30) ** 2))
    demand = np.cumsum(weekday * (1 + rush - dip))
    return np.concatenate([[0.0], demand * DAYS / demand[-1]])


CALENDAR = calendar()


def to_demand(day: Floats) -> Floats:
    return np.interp(day, np.arange(DAYS + 1), CALENDAR)


def to_day(demand: Floats) -> Ints:
    return np.minimum(np.searchsorted(CALENDAR, demand, side="right") - 1, DAYS - 1)


def at_hour(rng: Generator, day: Ints, evening: Mask) -> Ints:
    hour = rng.normal(np.where(evening, 19.5, 12.5), np.where(evening, 1.6, 3.2))
    return FIRST_DAY + day * DAY + np.clip(hour * 3600, 0, DAY - 1).astype(np.int64)


def draw_people(rng: Generator, first_number: int, size: int, activity: float) -> SimpleNamespace:
    """What stays with a person; arrays of one length."""
    start = rng.beta(1.0, 0.9, size) * (DAYS - 3)
    evening = rng.random(size) < 0.4
    company = rng.random(size) < 0.05
    return SimpleNamespace(
        size=size,
        number=np.arange(first_number, first_number + size),
        kind=weighted(rng, vocabulary.KIND_SHARE, size),
        start=start,
        created=at_hour(rng, start.astype(np.int64), evening),
        rate=rng.gamma(1.1, 0.064 * activity, size),
        dropout=np.maximum(rng.beta(0.7, 6.0, size), 0.002),
        spend=rng.normal(3.8, 0.55, size) + 0.7 * company,
        bulk=rng.gamma(0.6, 1.2, size) + 4.0 * company,
        price_sensitivity=rng.beta(0.6, 2.2, size),
        focus=np.where(rng.random(size) < 0.25, 0.3, 0.94),
        channel=weighted(rng, vocabulary.CHANNEL_WEIGHT, size),
        payment=weighted(rng, vocabulary.PAYMENT_WEIGHT, size),
        category=weighted(rng, vocabulary.CATEGORY_WEIGHT, size),
        traffic=weighted(rng, vocabulary.TRAFFIC_WEIGHT, size),
        weekend=rng.random(size) < 0.2,
        evening=evening,
        place=weighted(rng, vocabulary.PLACE_WEIGHT, size),
        company=company,
        interest=rng.gamma(1.2, 1.0, size),
    )


def draw_customers(rng: Generator, people: SimpleNamespace) -> Columns:
    def known(share: float) -> Mask:
        return rng.random(people.size) < share

    def any_of(values: Sequence[str]) -> pa.Array:
        return words(values, rng.integers(len(values), size=people.size))

    tester = known(0.006)
    domain = words(["@example.com", "@example.org"], tester.astype(np.int64))
    name = rng.integers(len(vocabulary.WOMEN + MEN), size=people.size)
    gender = np.where(known(0.02), 2, name // len(vocabulary.WOMEN))
    age = np.clip(rng.normal(42, 14, people.size), 18, 90)
    changed = people.created + rng.random(people.size) * (LAST_SECOND - people.created)
    return {
        "customer_id": customer_keys(people.number),
        "created_at": people.created,
        "email": joined("customer", people.number, domain),
        "phone": (
            joined(words(vocabulary.PHONE, people.place), people.number % 90 + 10),
            known(0.4),
        ),
        "first_name": words(vocabulary.WOMEN + MEN, name),
        "last_name": any_of(vocabulary.LAST_NAMES),
        "birth_date": ((FIRST_DAY // DAY - age * 365.25).astype(np.int64), known(0.5)),
        "gender": (words(["female", "male", "diverse"], gender), known(0.6)),
        "household_size": (1 + rng.poisson(1.2, people.size), known(0.3)),
        "income_band": (any_of(vocabulary.INCOMES), known(0.25)),
        "education": (any_of(vocabulary.EDUCATION), known(0.2)),
        "marital_status": (any_of(vocabulary.MARITAL), known(0.2)),
        "language": (words(vocabulary.LANGUAGE, people.place), known(0.95)),
        "country_code": (words(vocabulary.COUNTRY, people.place), known(0.98)),
        "region": (words(vocabulary.REGION, people.place), known(0.9)),
        "city": (words(vocabulary.CITY, people.place), known(0.9)),
        "postal_code": (words(vocabulary.POSTAL_CODE, people.place), known(0.85)),
        "acquisition_source": (words(vocabulary.ACQUISITION, people.traffic), known(0.9)),
        "company_id": (keys("F", people.number // 3), people.company),
        "job_title": (any_of(vocabulary.JOBS), people.company & known(0.8)),
        "is_test_account": tester,
        "updated_at": changed.astype(np.int64),
    }


def draw_purchases(rng: Generator, people: SimpleNamespace) -> tuple[Ints, Ints]:
    """Who buys and when, by time: a first order soon after the account, then the BG/NBD process."""
    first = people.start + rng.exponential(5.0, people.size)
    buys = (people.kind == vocabulary.BUYER) & (first < DAYS)
    begin = to_demand(first)
    candidates = np.where(buys, 1 + rng.poisson(people.rate * np.maximum(DAYS - begin, 0)), 0)
    owner = np.repeat(np.arange(people.size), candidates)
    offset = np.cumsum(candidates) - candidates
    demand = begin[owner] + rng.random(len(owner)) * (DAYS - begin[owner])
    demand[offset[buys]] = begin[buys]
    demand = demand[np.lexsort((demand, owner))]
    kept = np.arange(len(owner)) - offset[owner] < rng.geometric(people.dropout)[owner]
    owner, day = owner[kept], to_day(demand[kept])
    # Who prefers weekends mostly waits for the next one.
    waits = people.weekend[owner] & (rng.random(len(owner)) < 0.7) & (day % 7 < 5)
    day = np.minimum(np.where(waits, day - day % 7 + 5, day), DAYS - 1)
    bought = at_hour(rng, day, people.evening[owner])
    bought = np.clip(bought, people.created[owner] + 300, LAST_SECOND)
    order = np.argsort(bought, kind="stable")
    return owner[order], bought[order]


def draw_orders(
    rng: Generator, people: SimpleNamespace, emails: pa.Array, owner: Ints, bought: Ints, first: int
) -> tuple[Columns, Mask]:
    """The order columns, and which orders were placed online with an account."""
    size = len(owner)

    def chance(share: float | Floats) -> Mask:
        return rng.random(size) < share

    number = np.arange(first, first + size)
    category = preferred(rng, people.category[owner], 0.6, vocabulary.CATEGORY_WEIGHT)
    channel = preferred(rng, people.channel[owner], people.focus[owner], vocabulary.CHANNEL_WEIGHT)
    payment = preferred(rng, people.payment[owner], 0.85, vocabulary.PAYMENT_WEIGHT)
    payment = np.where(
        (payment == vocabulary.CASH) & (channel != vocabulary.SHOP), vocabulary.CARD, payment
    )

    price = np.exp(people.spend[owner] + rng.normal(0, 0.4, size))
    gross = np.maximum(
        (price * np.array(vocabulary.CATEGORY_PRICE)[category] * 100).astype(np.int64), 199
    )
    discounted = chance(people.price_sensitivity[owner])
    percent = np.array(vocabulary.DISCOUNT_PERCENTS)[
        weighted(rng, vocabulary.DISCOUNT_WEIGHT, size)
    ]
    status = np.where(chance(0.08), vocabulary.SHIPPED, vocabulary.COMPLETED)
    status = np.where(bought > LAST_SECOND - 3 * DAY, vocabulary.PROCESSING, status)
    status = np.where(chance(0.035), vocabulary.CANCELLED, status)
    status = np.where(chance(0.005), vocabulary.CREDIT_NOTE, status)
    credit = status == vocabulary.CREDIT_NOTE
    gross = np.where(credit, -gross // 2, gross)
    discount = np.where(discounted & ~credit, gross * percent // 100, 0)

    # Some shops write the date of a cancellation without the status, or the other way round.
    cancelled = np.where(
        status == vocabulary.CANCELLED, chance(0.9), (status == vocabulary.SHIPPED) & chance(0.02)
    )
    cancelled_at = bought + 3600 + rng.exponential(DAY, size).astype(np.int64)
    cancelled &= cancelled_at <= LAST_SECOND
    refunded_at = bought + rng.integers(2 * DAY, 25 * DAY, size)
    refunded = (
        (status <= vocabulary.SHIPPED) & ~cancelled & (refunded_at <= LAST_SECOND) & chance(0.06)
    )
    refund_percent = np.where(chance(0.45), 100, rng.integers(10, 91, size))
    changed = bought + 1800 + rng.exponential(DAY, size).astype(np.int64)
    changed = np.maximum(changed, np.where(refunded, refunded_at, 0))
    changed = np.minimum(np.maximum(changed, np.where(cancelled, cancelled_at, 0)), LAST_SECOND)

    day_of_year = (bought - FIRST_DAY) // DAY % 366
    before_christmas = (day_of_year >= 328) & (day_of_year < 359)
    coupon = np.array([1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4])[day_of_year // 31]
    coupon = np.where(bought < people.created[owner] + 30 * DAY, 0, coupon)
    # Half of the guests have an account, and give its e-mail address.
    guest = chance(0.02)
    guest_email = joined("guest", number, "@example.org")
    email = pc.if_else(guest & chance(0.5), guest_email, emails.take(pa.array(owner)))
    return {
        "order_id": keys("O", number),
        "customer_id": (customer_keys(people.number[owner]), ~guest),
        "email": (email, guest | chance(0.1)),
        "ordered_at": bought,
        "status": words(vocabulary.STATUSES, status),
        "currency": words(["EUR"], np.zeros(size, np.int64)),
        "gross_amount": gross,
        "discount_amount": (discount, discounted | credit),
        "refunded_amount": ((gross - discount) * refund_percent // 100, refunded),
        "refunded_at": (refunded_at, refunded & chance(0.95)),
        "cancelled_at": (cancelled_at, cancelled),
        "item_count": 1 + rng.poisson(people.bulk[owner]),
        "category": words(vocabulary.CATEGORIES, category),
        "sales_channel": words(vocabulary.CHANNELS, channel),
        "payment_method": words(vocabulary.PAYMENTS, payment),
        "coupon_code": (words(vocabulary.COUPONS, coupon), discounted & ~credit & chance(0.6)),
        "is_gift": chance(np.where(before_christmas, 0.25, 0.03)),
        "country_code": words(
            vocabulary.COUNTRY, preferred(rng, people.place[owner], 0.96, vocabulary.PLACE_WEIGHT)
        ),
        "updated_at": changed,
        "loaded_at": (changed // DAY + 1) * DAY + 3 * 3600,
    }, (channel < vocabulary.SHOP) & ~guest


def draw_sessions(
    rng: Generator,
    people: SimpleNamespace,
    activity: float,
    owner: Ints,
    bought: Ints,
    online: Mask,
    first: int,
) -> Columns:
    """Visits that browse, visits that lead to an online order, and those of strangers."""
    begin = to_demand(np.maximum(people.start - rng.exponential(12.0, people.size), 0))
    rate = (0.35 * people.rate + 0.034 * activity * people.interest) * vocabulary.KIND_SESSIONS[
        people.kind
    ]
    browser = np.repeat(np.arange(people.size), rng.poisson(rate * (DAYS - begin)))
    demand = begin[browser] + rng.random(len(browser)) * (DAYS - begin[browser])
    browsed = at_hour(rng, to_day(demand), people.evening[browser])
    # After the last order most visits stop, but not all.
    last_order = np.full(people.size, LAST_SECOND)
    last_order[owner] = bought  # orders are sorted by time, so the last one stays
    stays = (browsed <= last_order[browser] + 45 * DAY) | (rng.random(len(browser)) < 0.4)
    browser, browsed = browser[stays], browsed[stays]
    buying = np.flatnonzero(online & (rng.random(len(owner)) < 0.9))
    strangers = np.flatnonzero(rng.random(people.size) < 0.5 * activity**0.5)
    strangers = np.repeat(strangers, 1 + rng.poisson(0.7, len(strangers)))
    seen = at_hour(rng, to_day(rng.random(len(strangers)) * DAYS), people.evening[strangers])

    moment = np.concatenate([browsed, bought[buying], seen])
    order = np.argsort(moment, kind="stable")
    moment = moment[order]
    who = np.concatenate([browser, owner[buying], strangers])[order]
    part = np.repeat([0, 1, 2], [len(browser), len(buying), len(strangers)])[order]
    buys, stranger, size = part == 1, part == 2, len(part)
    # Nobody ever logs in with the last of a person's four devices. Some households share the first.
    slot = rng.integers(0, (1 + rng.binomial(2, 0.35, people.size))[who])
    slot = np.where(stranger, 3, slot)
    shared = (people.number[who] % 40 == 0) & (slot == 0)
    device = weighted(rng, vocabulary.DEVICE_WEIGHT, people.size * 4)[who * 4 + slot]

    kind = np.where(stranger, vocabulary.VISITOR, people.kind[who])
    products = rng.poisson(
        0.6 + 1.6 * people.interest[who] + 2.0 * buys + vocabulary.KIND_PRODUCTS[kind]
    )
    products = np.maximum(products, buys)
    searches = rng.poisson(0.5, size)
    pages = products + searches + 1 + rng.poisson(1.5, size)
    carts = np.where(
        buys, 1 + rng.poisson(0.6, size), rng.binomial(products, vocabulary.KIND_CARTS[kind])
    )
    duration = 10 + (pages * rng.exponential(40.0, size)).astype(np.int64)
    started = np.maximum(np.where(buys, moment - duration, moment), FIRST_DAY)
    ended = np.minimum(np.where(buys, moment + 60, moment + duration), LAST_SECOND + 1)
    logged_in = ~stranger & (buys | (started >= people.created[who]) & (rng.random(size) < 0.72))
    traffic = preferred(rng, people.traffic[who], 0.55, vocabulary.TRAFFIC_WEIGHT)
    quarter = np.minimum((started - FIRST_DAY) // DAY * 8 // DAYS, 7)
    campaign = words(vocabulary.CAMPAIGNS, quarter + 8 * np.minimum(traffic, 1))
    downloads, shares = rng.poisson(0.03, size), rng.poisson(0.03, size)
    return {
        "session_id": keys("S", np.arange(first, first + size)),
        "customer_id": (customer_keys(people.number[who]), logged_in),
        "visitor_id": keys("V", people.number[who] * 4 + slot - 4 * shared),
        "started_at": started,
        "ended_at": (ended, rng.random(size) < 0.98),
        "device_type": words(vocabulary.DEVICE, device),
        "operating_system": words(vocabulary.SYSTEM, device),
        "browser": words(vocabulary.BROWSER, device),
        "traffic_source": words(vocabulary.SOURCE, traffic),
        "traffic_medium": words(vocabulary.MEDIUM, traffic),
        "campaign": (campaign, (traffic < 2) & (rng.random(size) < 0.7)),
        "page_views": pages,
        "product_views": products,
        "searches": searches,
        "cart_additions": carts,
        "checkouts": np.where(buys, 1, (carts > 0) & (rng.random(size) < 0.2)),
        "downloads": (downloads, downloads > 0),
        "shares": (shares, shares > 0),
        "country_code": (words(vocabulary.COUNTRY, people.place[who]), rng.random(size) < 0.97),
    }


def draw_chunks(
    customers: int, seed: int, activity: float, as_csv: bool
) -> Iterator[dict[str, pa.Table]]:
    starts = range(1, customers + 1, CHUNK_CUSTOMERS)
    first_order = first_session = 1
    for start, chunk_seed in zip(tqdm(starts, unit="chunk"), SeedSequence(seed).spawn(len(starts))):
        rng = np.random.default_rng(chunk_seed)
        size = min(CHUNK_CUSTOMERS, customers + 1 - start)
        people = draw_people(rng, start, size, activity)
        customers_drawn = draw_customers(rng, people)
        owner, bought = draw_purchases(rng, people)
        orders, online = draw_orders(
            rng, people, customers_drawn["email"], owner, bought, first_order
        )
        sessions = draw_sessions(rng, people, activity, owner, bought, online, first_session)
        tables = {}
        for name, columns in zip(TABLES, (customers_drawn, orders, sessions)):
            table = typed(columns, schemas()[name])
            table = soiled(rng, name, as_text(table) if as_csv else table)
            # Nobody should come to rely on an order of the rows; at scale shuffling is too dear.
            tables[name] = table.take(rng.permutation(len(table))) if as_csv else table
        first_order += len(bought)
        first_session += len(sessions["started_at"])
        yield tables


def write_csv(chunks: Iterator[dict[str, pa.Table]], output: Path) -> None:
    with ExitStack() as stack:
        writers = {}
        for name, schema in schemas().items():
            path = output / f"sample_{name}.csv"
            file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            writers[name] = csv.writer(file, lineterminator="\n")
            writers[name].writerow(schema.names)
        for tables in chunks:
            for name, table in tables.items():
                writers[name].writerows(zip(*table.to_pydict().values()))


def write_parquet(chunks: Iterator[dict[str, pa.Table]], output: Path) -> None:
    with ExitStack() as stack:
        writers = {}
        for name, schema in schemas().items():
            writer = pq.ParquetWriter(output / f"{name}.parquet", schema, compression="zstd")
            writers[name] = stack.enter_context(writer)
        for tables in chunks:
            for name, table in tables.items():
                writers[name].write_table(table)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--output", type=Path, help="by default seeds/sample, for csv")
    parser.add_argument("--activity", type=float, help="orders and sessions against a benchmark's")
    options = parser.parse_args(arguments)
    if options.output is None and options.format == "parquet":
        parser.error("--format parquet needs --output")
    output = options.output or ROOT / "seeds/sample"
    output.mkdir(parents=True, exist_ok=True)
    activity = ACTIVITY[options.format] if options.activity is None else options.activity
    as_csv = options.format == "csv"
    chunks = draw_chunks(options.customers, options.seed, activity, as_csv)
    (write_csv if as_csv else write_parquet)(chunks, output)


if __name__ == "__main__":
    main()
