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
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sample_vocabulary as vocabulary
from contract import ROOT
from numpy.random import Generator, SeedSequence
from sample_dirt import soiled
from sample_draws import (
    DAY,
    DAYS,
    FIRST_DAY,
    LAST_SECOND,
    Floats,
    Ints,
    Mask,
    at_hour,
    customer_keys,
    keys,
    preferred,
    weighted,
)
from sample_optional import CURRENCIES, draw_currencies, draw_optional
from sample_tables import TABLES, Columns, as_text, joined, typed, words, write_csv, write_parquet
from sample_vocabulary import CATEGORY, CHANNEL, DEVICE, DISCOUNT, KIND, PAYMENT, PLACE, TRAFFIC
from tqdm import tqdm

CHUNK_CUSTOMERS = 10_000
# 1 gives about 10 orders and 30 sessions per customer; the sample must stay small.
ACTIVITY = {"csv": 0.235, "parquet": 1.0}

# Places in the tables of sample_vocabulary.py.
BUYER, VISITOR = 0, 1
SHOP, CARD, CASH = 2, 0, 4
COMPLETED, SHIPPED, PROCESSING, CANCELLED, CREDIT_NOTE = range(5)


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


def draw_people(rng: Generator, first_number: int, size: int, activity: float) -> SimpleNamespace:
    """What stays with a person; arrays of one length."""
    start = rng.beta(1.0, 0.8, size) * (DAYS - 3)
    evening = rng.random(size) < 0.4
    company = rng.random(size) < 0.05
    interest = rng.gamma(1.2, 1.0, size)
    return SimpleNamespace(
        size=size,
        number=np.arange(first_number, first_number + size),
        kind=weighted(rng, KIND.share, size),
        start=start,
        created=at_hour(rng, start.astype(np.int64), evening),
        purchase_rate=rng.gamma(1.1, 0.076 * activity, size),
        dropout=np.maximum(rng.beta(0.7, 6.0, size), 0.002),
        interest=interest,
        visit_rate=0.038 * activity * interest,
        is_stranger=rng.random(size) < 0.5 * activity**0.5,
        spend=rng.normal(3.8, 0.55, size) + 0.7 * company,
        bulk=rng.gamma(0.6, 1.2, size) + 4.0 * company,
        price_sensitivity=rng.beta(0.6, 2.2, size),
        focus=np.where(rng.random(size) < 0.25, 0.3, 0.94),
        channel=weighted(rng, CHANNEL.share, size),
        payment=weighted(rng, PAYMENT.share, size),
        category=weighted(rng, CATEGORY.share, size),
        traffic=weighted(rng, TRAFFIC.share, size),
        weekend=rng.random(size) < 0.2,
        evening=evening,
        place=weighted(rng, PLACE.share, size),
        company=company,
    )


def draw_customers(rng: Generator, people: SimpleNamespace) -> Columns:
    def known(share: float) -> Mask:
        return rng.random(people.size) < share

    def any_of(values: Sequence[str]) -> pa.Array:
        return words(values, rng.integers(len(values), size=people.size))

    tester = known(0.006)
    domain = words(["@example.com", "@example.org"], tester.astype(np.int64))
    first_names = vocabulary.WOMEN + vocabulary.MEN
    name = rng.integers(len(first_names), size=people.size)
    gender = np.where(known(0.02), 2, name // len(vocabulary.WOMEN))
    age = np.clip(rng.normal(42, 14, people.size), 18, 90)
    changed = people.created + rng.random(people.size) * (LAST_SECOND - people.created)
    return {
        "customer_id": customer_keys(people.number),
        "created_at": people.created,
        "email": joined("customer", people.number, domain),
        "phone": (joined(words(PLACE.phone, people.place), people.number % 90 + 10), known(0.4)),
        "first_name": words(first_names, name),
        "last_name": any_of(vocabulary.LAST_NAMES),
        "birth_date": ((FIRST_DAY // DAY - age * 365.25).astype(np.int64), known(0.5)),
        "gender": (words(vocabulary.GENDERS, gender), known(0.6)),
        "household_size": (1 + rng.poisson(1.2, people.size), known(0.3)),
        "income_band": (any_of(vocabulary.INCOMES), known(0.25)),
        "education": (any_of(vocabulary.EDUCATION), known(0.2)),
        "marital_status": (any_of(vocabulary.MARITAL), known(0.2)),
        "language": (words(PLACE.language, people.place), known(0.95)),
        "country_code": (words(PLACE.country, people.place), known(0.98)),
        "region": (words(PLACE.region, people.place), known(0.9)),
        "city": (words(PLACE.city, people.place), known(0.9)),
        "postal_code": (words(PLACE.postal_code, people.place), known(0.85)),
        "acquisition_source": (words(TRAFFIC.acquisition, people.traffic), known(0.9)),
        "company_id": (keys("F", people.number // 3), people.company),
        "job_title": (any_of(vocabulary.JOBS), people.company & known(0.8)),
        "is_test_account": tester,
        "updated_at": changed.astype(np.int64),
    }


def draw_purchases(rng: Generator, people: SimpleNamespace) -> tuple[Ints, Ints]:
    """Who buys and when, by time: a first order soon after the account, then the BG/NBD process."""
    first = people.start + rng.exponential(5.0, people.size)
    buys = (people.kind == BUYER) & (first < DAYS)
    begin = to_demand(first)
    # The last sum of the calendar may miss DAYS by a rounding error.
    repeats = rng.poisson(people.purchase_rate * np.maximum(DAYS - begin, 0))
    candidates = np.where(buys, 1 + repeats, 0)
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
    category = preferred(rng, people.category[owner], 0.6, CATEGORY.share)
    channel = preferred(rng, people.channel[owner], people.focus[owner], CHANNEL.share)
    payment = preferred(rng, people.payment[owner], 0.85, PAYMENT.share)
    payment = np.where((payment == CASH) & (channel != SHOP), CARD, payment)

    price = np.exp(people.spend[owner] + rng.normal(0, 0.4, size)) * CATEGORY.price[category]
    gross = np.maximum(price * 100, 199).astype(np.int64)
    discounted = chance(people.price_sensitivity[owner])
    percent = DISCOUNT.percent[weighted(rng, DISCOUNT.share, size)].astype(np.int64)
    status = np.where(chance(0.08), SHIPPED, COMPLETED)
    status = np.where(bought > LAST_SECOND - 3 * DAY, PROCESSING, status)
    status = np.where(chance(0.035), CANCELLED, status)
    status = np.where(chance(0.005), CREDIT_NOTE, status)
    credit = status == CREDIT_NOTE
    gross = np.where(credit, -gross // 2, gross)
    discount = np.where(discounted & ~credit, gross * percent // 100, 0)

    # Some shops write the date of a cancellation without the status, or the other way round.
    cancelled = np.where(status == CANCELLED, chance(0.9), (status == SHIPPED) & chance(0.02))
    cancelled_at = bought + 3600 + rng.exponential(DAY, size).astype(np.int64)
    cancelled &= cancelled_at <= LAST_SECOND
    refunded_at = bought + rng.integers(2 * DAY, 25 * DAY, size)
    refunded = (status <= SHIPPED) & ~cancelled & (refunded_at <= LAST_SECOND) & chance(0.06)
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
    country = preferred(rng, people.place[owner], 0.96, PLACE.share)
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
        "category": words(CATEGORY.name, category),
        "sales_channel": words(CHANNEL.name, channel),
        "payment_method": words(PAYMENT.name, payment),
        "coupon_code": (words(vocabulary.COUPONS, coupon), (discount > 0) & chance(0.6)),
        "is_gift": chance(np.where(before_christmas, 0.25, 0.03)),
        "country_code": words(PLACE.country, country),
        "updated_at": changed,
        "loaded_at": (changed // DAY + 1) * DAY + 3 * 3600,
    }, (channel < SHOP) & ~guest


def draw_sessions(
    rng: Generator, people: SimpleNamespace, owner: Ints, bought: Ints, online: Mask, first: int
) -> Columns:
    """Visits that browse, visits that lead to an online order, and those of strangers."""
    begin = to_demand(np.maximum(people.start - rng.exponential(12.0, people.size), 0))
    visits = (0.35 * people.purchase_rate + people.visit_rate) * KIND.sessions[people.kind]
    browser = np.repeat(np.arange(people.size), rng.poisson(visits * (DAYS - begin)))
    demand = begin[browser] + rng.random(len(browser)) * (DAYS - begin[browser])
    browsed = at_hour(rng, to_day(demand), people.evening[browser])
    # After the last order most visits stop, but not all.
    last_order = np.full(people.size, LAST_SECOND)
    last_order[owner] = bought  # orders are sorted by time, so the last one stays
    stays = (browsed <= last_order[browser] + 45 * DAY) | (rng.random(len(browser)) < 0.4)
    browser, browsed = browser[stays], browsed[stays]
    buying = np.flatnonzero(online & (rng.random(len(owner)) < 0.9))
    strangers = np.flatnonzero(people.is_stranger)
    strangers = np.repeat(strangers, 1 + rng.poisson(0.7, len(strangers)))
    seen = at_hour(rng, to_day(rng.random(len(strangers)) * DAYS), people.evening[strangers])

    moment = np.concatenate([browsed, bought[buying], seen])
    order = np.argsort(moment, kind="stable")
    moment = moment[order]
    who = np.concatenate([browser, owner[buying], strangers])[order]
    part = np.repeat([0, 1, 2], [len(browser), len(buying), len(strangers)])[order]
    buys, stranger, size = part == 1, part == 2, len(part)
    # Nobody ever logs in with the last of a person's four devices; some households share the first.
    slot = rng.integers(0, (1 + rng.binomial(2, 0.35, people.size))[who])
    slot = np.where(stranger, 3, slot)
    shared = (people.number[who] % 40 == 0) & (slot == 0)
    device = weighted(rng, DEVICE.share, people.size * 4)[who * 4 + slot]

    kind = np.where(stranger, VISITOR, people.kind[who])
    products = rng.poisson(0.6 + 1.6 * people.interest[who] + 2.0 * buys + KIND.products[kind])
    products = np.maximum(products, buys)
    searches = rng.poisson(0.5, size)
    pages = products + searches + 1 + rng.poisson(1.5, size)
    carts = np.where(buys, 1 + rng.poisson(0.6, size), rng.binomial(products, KIND.carts[kind]))
    duration = 10 + (pages * rng.exponential(40.0, size)).astype(np.int64)
    started = np.maximum(np.where(buys, moment - duration, moment), FIRST_DAY)
    ended = np.minimum(np.where(buys, moment + 60, moment + duration), LAST_SECOND + 1)
    logged_in = ~stranger & (buys | (started >= people.created[who]) & (rng.random(size) < 0.72))
    traffic = preferred(rng, people.traffic[who], 0.55, TRAFFIC.share)
    quarter = np.minimum((started - FIRST_DAY) // DAY * 8 // DAYS, 7)
    campaign = words(vocabulary.CAMPAIGNS, quarter + 8 * np.minimum(traffic, 1))
    downloads, shares = rng.poisson(0.03, size), rng.poisson(0.03, size)
    return {
        "session_id": keys("S", np.arange(first, first + size)),
        "customer_id": (customer_keys(people.number[who]), logged_in),
        "visitor_id": keys("V", people.number[who] * 4 + slot - 4 * shared),
        "started_at": started,
        "ended_at": (ended, rng.random(size) < 0.98),
        "device_type": words(DEVICE.type, device),
        "operating_system": words(DEVICE.system, device),
        "browser": words(DEVICE.browser, device),
        "traffic_source": words(TRAFFIC.source, traffic),
        "traffic_medium": words(TRAFFIC.medium, traffic),
        "campaign": (campaign, (traffic < 2) & (rng.random(size) < 0.7)),
        "page_views": pages,
        "product_views": products,
        "searches": searches,
        "cart_additions": carts,
        "checkouts": np.where(buys, 1, (carts > 0) & (rng.random(size) < 0.2)),
        "downloads": (downloads, downloads > 0),
        "shares": (shares, shares > 0),
        "country_code": (words(PLACE.country, people.place[who]), rng.random(size) < 0.97),
        "loaded_at": (np.minimum(ended, LAST_SECOND) // DAY + 1) * DAY + 3 * 3600,
    }


def draw_chunks(
    customer_count: int, seed: int, activity: float, as_csv: bool, clean: bool = False
) -> Iterator[dict[str, pa.Table]]:
    starts = range(1, customer_count + 1, CHUNK_CUSTOMERS)
    first_order = first_session = 1
    written: Counter[str] = Counter()
    for start, own_seed in zip(tqdm(starts, unit="chunk"), SeedSequence(seed).spawn(len(starts))):
        rng = np.random.default_rng(own_seed)
        size = min(CHUNK_CUSTOMERS, customer_count + 1 - start)
        people = draw_people(rng, start, size, activity)
        customers = draw_customers(rng, people)
        owner, bought = draw_purchases(rng, people)
        orders, online = draw_orders(rng, people, customers["email"], owner, bought, first_order)
        sessions = draw_sessions(rng, people, owner, bought, online, first_session)
        # Draws of their own: the benchmark and the sample of another version stay as they were.
        own_rng = np.random.default_rng([seed, start])
        currency = draw_currencies(own_rng, people, owner)
        if as_csv:
            orders["currency"] = words(CURRENCIES, currency)
        first_order += len(bought)
        first_session += len(sessions["started_at"])
        tables = {}
        for name, columns in zip(TABLES, (customers, orders, sessions), strict=True):
            table = typed(name, columns)
            table = as_text(table) if as_csv else table
            table = table if clean else soiled(rng, name, table)
            # Nobody should come to rely on an order of the rows; at scale shuffling is too dear.
            tables[name] = table.take(rng.permutation(len(table))) if as_csv else table
        if as_csv:
            optional, deleted = draw_optional(
                own_rng, people, orders, owner, currency, written, clean
            )
            gone = pc.is_in(tables["customers"]["customer_id"], deleted)
            tables["customers"] = tables["customers"].filter(pc.invert(gone))
            tables |= optional
            written.update({name: len(table) for name, table in tables.items()})
        yield tables


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--output", type=Path, help="by default seeds/sample, for csv")
    parser.add_argument("--activity", type=float, help="orders and sessions against a benchmark's")
    parser.add_argument("--clean", action="store_true", help="without faults")
    options = parser.parse_args(arguments)
    if options.output is None and options.format == "parquet":
        parser.error("--format parquet needs --output")
    output = options.output or ROOT / "seeds/sample"
    output.mkdir(parents=True, exist_ok=True)
    activity = ACTIVITY[options.format] if options.activity is None else options.activity
    as_csv = options.format == "csv"
    chunks = draw_chunks(options.customers, options.seed, activity, as_csv, options.clean)
    (write_csv if as_csv else write_parquet)(chunks, output)


if __name__ == "__main__":
    main()
