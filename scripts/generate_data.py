"""Write customers, orders and sessions of an invented shop, as a sample or at benchmark scale.

One row per customer, per order and per session, with the columns and types of
models/staging/_sources.yml. Times are UTC within 2024 and 2025, amounts are euros. With
`--format csv` everything is text and holds each kind of dirt that staging must survive; with
`--format parquet` columns are typed and hold the dirt that their types can express.

Purchases follow the assumptions of the BG/NBD model (Fader, Hardie and Lee 2005, section 3):
each customer buys at a rate drawn from a Gamma distribution, and stops after any purchase with
a probability drawn from a Beta distribution. The same arguments write the same bytes.
"""

import argparse
import csv
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
CHUNK_CUSTOMERS = 50_000
ROW_GROUP_ROWS = 250_000
# 1 gives about 10 orders and 30 sessions per customer; the sample must stay small.
ACTIVITY = {"csv": 0.235, "parquet": 1.0}

FIRST_DAY = np.datetime64("2024-01-01", "s").astype(np.int64)  # a Monday
DAYS = 731
DAY = 86_400
LAST_SECOND = FIRST_DAY + DAYS * DAY - 1

BUYER, WINDOW_SHOPPER, VISITOR, SILENT = range(4)
KIND_SHARES = (0.81, 0.065, 0.065, 0.06)
BROWSING = np.array([1.0, 1.6, 0.35, 0.0])  # sessions of each kind, against a buyer's
CART_SHARE = np.array([0.06, 0.20, 0.0, 0.0])  # carts per product viewed without buying
NEVER_LOGGED_IN = 3  # the device of a person that nobody logs in with

# country, language, region, town, postal code, start of a phone range kept for fiction, weight
PLACES = (
    ("DE", "de", "Bayern", "Neuwalden", "80997", "+4930231250", 17),
    ("DE", "de", "Hessen", "Lindenried", "60996", "+4930231250", 12),
    ("DE", "de", "Sachsen", "Elbtal", "01995", "+4930231250", 8),
    ("DE", "tr", "Berlin", "Mühlenau", "10994", "+4930231250", 3),
    ("AT", "de", "Tirol", "Sankt Arlen", "6099", "", 9),
    ("AT", "de", "Wien", "Donaugrund", "1099", "", 7),
    ("CH", "de", "Zürich", "Seewil", "8099", "", 6),
    ("CH", "fr", "Vaud", "Clairlac", "1098", "", 3),
    ("FR", "fr", "Bretagne", "Port-Élan", "35999", "+331990000", 8),
    ("FR", "fr", "Occitanie", "Valbrune", "31999", "+331990000", 5),
    ("GB", "en", "Wales", "Llanbryn", "CF99 9ZZ", "+4477009000", 7),
    ("GB", "en", "England", "Ashcombe", "LE99 9ZZ", "+4477009000", 5),
    ("US", "en", "Oregon", "Cedar Bend", "97999", "+120255501", 6),
    ("US", "es", "Texas", "Mesa Clara", "79998", "+120255501", 4),
)
COUNTRIES = ("DE", "AT", "CH", "FR", "GB", "US")
# Ten names of women, then ten of men.
FIRST_NAMES = (
    "Anna", "Zoë", "Marie", "Léa", "Emma", "Ayşe", "Grace", "Lucía",
    "Sophie", "Nora", "Paul", "Jürgen", "Hugo", "Émile", "James", "Mehmet",
    "Owen", "Diego", "Felix", "Noah",
)  # fmt: skip
LAST_NAMES = (
    "Müller", "Berger", "Keller", "Moreau", "Lefèvre", "Evans", "Walker", "Yılmaz",
    "García", "Huber", "O'Neill", "Schmidt", "Lindt", "Baker", "Roche", "Novak",
)  # fmt: skip
GENDERS = ("female", "male", "diverse")
INCOMES = ("under 25k", "25k-50k", "50k-75k", "75k-100k", "over 100k")
EDUCATION = ("school", "apprenticeship", "bachelor", "master", "doctorate")
MARITAL = ("single", "married", "divorced", "widowed")
# One for each entry of TRAFFIC.
ACQUISITION = (
    "organic_search", "direct", "paid_search", "newsletter", "social", "referral", "organic_search",
)  # fmt: skip
JOBS = ("Buyer", "Office Manager", "Managing Director", "Head of Purchasing", "Assistant")
CATEGORIES = ("fashion", "home", "electronics", "beauty", "sports", "books", "toys")
CATEGORY_WEIGHTS = (24, 18, 12, 16, 12, 10, 8)
CATEGORY_PRICES = np.array([1.0, 1.2, 2.1, 0.6, 1.1, 0.4, 0.7])
CHANNELS = ("web", "app", "shop", "phone")
CHANNEL_WEIGHTS = (42, 27, 25, 6)
PAYMENTS = ("card", "paypal", "invoice", "cash", "gift_card")
PAYMENT_WEIGHTS = (40, 30, 18, 9, 3)
COUPONS = ("WELCOME10", "SPRING15", "SUMMER20", "FALL15", "XMAS10")
DISCOUNT_PERCENTS = (5, 10, 15, 20, 30)
STATUSES = ("completed", "shipped", "processing", "cancelled", "credit_note")
COMPLETED, SHIPPED, PROCESSING, CANCELLED, CREDIT_NOTE = range(5)
DEVICES = (
    ("mobile", "iOS", "Safari", 28),
    ("mobile", "Android", "Chrome", 27),
    ("desktop", "Windows", "Chrome", 17),
    ("desktop", "Windows", "Edge", 9),
    ("desktop", "macOS", "Safari", 8),
    ("tablet", "iPadOS", "Safari", 7),
    ("desktop", "Linux", "Firefox", 4),
)
TRAFFIC = (
    ("google", "organic", 27),
    ("direct", None, 25),
    ("google", "cpc", 15),
    ("newsletter", "email", 12),
    ("instagram", "social", 11),
    ("partner", "referral", 6),
    ("bing", "organic", 4),
)
PAID_OR_MAILED = (2, 3)  # positions in TRAFFIC that carry a campaign
CAMPAIGNS = tuple(f"{kind}_{y}q{q}" for kind in ("cpc", "mail") for y in (24, 25) for q in "1234")

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Tables = dict[str, pa.Table]
Cell = str | None | Callable[[str], str]


class Dirt(NamedTuple):
    """A fault, and the cells that make it. A function rewrites the value that is there."""

    fault: str
    cells: dict[str, Cell]


def padded(value: str) -> str:
    return f"  {value} "


def with_z(value: str) -> str:
    return value.replace(" ", "T") + "Z"


def with_offset(value: str) -> str:
    return f"{value}+02:00"


def with_third_decimal(value: str) -> str:
    return f"{value}5"


FAR_FUTURE, LONG_AGO = "2999-12-31 00:00:00", "1899-12-31 00:00:00"
DIRT: dict[str, list[Dirt]] = {
    "customers": [
        Dirt("date that does not exist", {"created_at": "2025-02-30"}),
        Dirt("key with spaces", {"customer_id": padded}),
        Dirt("e-mail in upper case", {"email": str.upper}),
        Dirt("literal null", {"region": "NULL", "education": "none"}),
        Dirt("literal null", {"job_title": "N/A", "phone": r"\N"}),
        Dirt("literal null in a number", {"household_size": "nan"}),
        Dirt("ISO time with Z", {"created_at": with_z}),
    ],
    "orders": [
        Dirt("no key", {"order_id": None}),
        Dirt("blank key", {"order_id": "  "}),
        Dirt("decimal comma", {"gross_amount": "1.234,56"}),
        Dirt("currency sign", {"gross_amount": "$5"}),
        Dirt("not a number", {"gross_amount": "NaN"}),
        Dirt("beyond any number", {"gross_amount": "1e400"}),
        Dirt("no amount", {"gross_amount": None}),
        Dirt("negative, completed", {"gross_amount": "-25.00", "status": "completed"}),
        Dirt("above 10^9", {"gross_amount": "12345678901.00"}),
        Dirt("refund above the order", {"refunded_amount": "99999.00", "status": "completed"}),
        Dirt("unparsable discount", {"discount_amount": "ten"}),
        Dirt("unknown currency", {"currency": "XXX"}),
        Dirt("no date", {"ordered_at": None}),
        Dirt("date that does not exist", {"ordered_at": "2025-02-30"}),
        Dirt("date that may be day or month first", {"ordered_at": "03/04/2025"}),
        Dirt("too old", {"ordered_at": LONG_AGO}),
        Dirt("far future", {"ordered_at": FAR_FUTURE}),
        Dirt("orphan", {"customer_id": "C-UNKNOWN"}),
        Dirt("unparsable count", {"item_count": "many"}),
        Dirt(
            "free of charge",
            {"gross_amount": "0.00", "discount_amount": None, "refunded_amount": None},
        ),
        Dirt("literal null", {"coupon_code": "NULL", "category": r"\N"}),
        Dirt("literal null", {"payment_method": "N/A", "sales_channel": "none"}),
        Dirt("literal null in a number", {"discount_amount": "nan"}),
        Dirt("literal null in a time", {"cancelled_at": "NULL"}),
        Dirt("keys with spaces", {"order_id": padded, "customer_id": padded}),
        Dirt("mixed case", {"status": str.upper, "sales_channel": str.title}),
        Dirt("lower case", {"currency": str.lower}),
        Dirt("ISO time with Z", {"ordered_at": with_z}),
        Dirt("ISO time with offset", {"ordered_at": with_offset}),
        Dirt("three decimals", {"gross_amount": with_third_decimal}),
    ],
    "sessions": [
        Dirt("no key", {"session_id": None}),
        Dirt("no date", {"started_at": None}),
        Dirt("date that does not exist", {"started_at": "2025-02-30"}),
        Dirt("too old", {"started_at": LONG_AGO}),
        Dirt("far future", {"started_at": FAR_FUTURE}),
        Dirt("orphan", {"customer_id": "C-UNKNOWN"}),
        Dirt("unparsable count", {"page_views": "many"}),
        Dirt("literal null", {"browser": "NULL", "operating_system": "N/A"}),
        Dirt("literal null in a number", {"searches": "nan"}),
        Dirt("keys with spaces", {"session_id": padded, "customer_id": padded}),
        Dirt("mixed case", {"device_type": str.title}),
        Dirt("ISO time with Z", {"started_at": with_z}),
    ],
}


@cache
def contract() -> dict[str, pa.Schema]:
    """The columns of each raw table and their types, from the sources' YAML."""
    sources = yaml.safe_load((ROOT / "models/staging/_sources.yml").read_text("utf-8"))
    types = {
        "varchar": pa.string(),
        "timestamp": pa.timestamp("us"),
        "date": pa.date32(),
        "decimal(18, 2)": pa.decimal128(18, 2),
        "integer": pa.int32(),
        "boolean": pa.bool_(),
    }
    return {
        table["name"]: pa.schema([(c["name"], types[c["data_type"]]) for c in table["columns"]])
        for table in sources["sources"][0]["tables"]
        if table["name"] in DIRT
    }


def words(values: Sequence[str | None], codes: Ints, keep: Mask | None = None) -> pa.Array:
    return pa.array(values, pa.string()).take(numbers(codes, keep))


def numbers(values: Ints, keep: Mask | None = None) -> pa.Array:
    return pa.array(values.astype(np.int32), mask=None if keep is None else ~keep)


def times(seconds: Ints, keep: Mask | None = None) -> pa.Array:
    micros = pa.array(seconds * 1_000_000, mask=None if keep is None else ~keep)
    return micros.cast(pa.timestamp("us"))


def money(cents: Ints, keep: Mask | None = None) -> pa.Array:
    """Decimals from cents, without a detour through floats: two 64-bit halves each."""
    halves = np.stack([cents, cents >> 63], axis=1).astype("<i8")
    valid = None if keep is None else pa.py_buffer(np.packbits(keep, bitorder="little"))
    return pa.Array.from_buffers(
        pa.decimal128(18, 2), len(cents), [valid, pa.py_buffer(np.ascontiguousarray(halves))]
    )


def keys(prefix: str, values: Ints, keep: Mask | None = None) -> pa.Array:
    texts = pa.array(values, mask=None if keep is None else ~keep).cast(pa.string())
    return pc.binary_join_element_wise(prefix, pc.utf8_lpad(texts, 7, "0"), "")


def customer_keys(people: Ints, keep: Mask | None = None) -> pa.Array:
    """A few accounts have the leading zeros of an older system, so that keys must stay text."""
    return pc.if_else(people % 97 == 0, keys("0", people, keep), keys("C", people, keep))


def weighted(rng: Generator, weights: Sequence[float], size: int) -> Ints:
    return np.searchsorted(np.cumsum(weights) / np.sum(weights), rng.random(size), side="right")


def preferred(rng: Generator, favourite: Ints, focus: Floats | float, weights: Sequence) -> Ints:
    """The favourite with the probability `focus`, else any."""
    kept = rng.random(len(favourite)) < focus
    return np.where(kept, favourite, weighted(rng, weights, len(favourite)))


def calendar() -> Floats:
    """Cumulated demand by day: weekdays, a dip in summer, a rush before Christmas."""
    day = np.arange(DAYS)
    weekday = np.array([1.0, 0.95, 0.95, 1.0, 1.05, 1.15, 1.1])[day % 7]
    day_of_year = np.where(day < 366, day, day - 366)
    rush = 1.0 * np.exp(-(((day_of_year - 344) / 14) ** 2)) * (day_of_year < 359)
    dip = 0.3 * np.exp(-(((day_of_year - 205) / 30) ** 2))
    demand = weekday * (1 + rush - dip)
    return np.concatenate([[0.0], np.cumsum(demand * DAYS / demand.sum())])


CALENDAR = calendar()


def to_demand(day: Floats) -> Floats:
    # The last sum may miss DAYS by a rounding error, which would make a span negative.
    return np.minimum(np.interp(day, np.arange(DAYS + 1), CALENDAR), DAYS)


def to_day(demand: Floats) -> Ints:
    return np.minimum(np.searchsorted(CALENDAR, demand, side="right") - 1, DAYS - 1)


def at_hour(rng: Generator, day: Ints, evening: Mask) -> Ints:
    hour = rng.normal(np.where(evening, 19.5, 12.5), np.where(evening, 1.6, 3.2))
    return FIRST_DAY + day * DAY + np.clip(hour * 3600, 0, DAY - 1).astype(np.int64)


class People(NamedTuple):
    """What is drawn once for each customer of a chunk; arrays of one length."""

    number: Ints
    kind: Ints
    created: Ints
    start: Floats
    rate: Floats
    dropout: Floats
    spend: Floats
    bulk: Floats
    price_sensitivity: Floats
    focus: Floats
    channel: Ints
    payment: Ints
    category: Ints
    source: Ints
    weekend: Mask
    evening: Mask
    place: Ints
    company: Mask
    interest: Floats


def draw_people(rng: Generator, first_number: int, size: int, activity: float) -> People:
    start = rng.beta(0.9, 1.5, size) * (DAYS - 6)
    evening = rng.random(size) < 0.4
    company = rng.random(size) < 0.05
    return People(
        number=np.arange(first_number, first_number + size),
        kind=weighted(rng, KIND_SHARES, size),
        created=at_hour(rng, start.astype(np.int64), evening),
        start=start,
        rate=rng.gamma(1.1, 0.064 * activity, size),
        dropout=np.maximum(rng.beta(0.7, 6.0, size), 0.002),
        spend=rng.normal(3.8, 0.55, size) + 0.7 * company,
        bulk=rng.gamma(0.6, 1.2, size) + 4.0 * company,
        price_sensitivity=rng.beta(0.6, 2.2, size),
        focus=np.where(rng.random(size) < 0.25, 0.3, 0.94),
        channel=weighted(rng, CHANNEL_WEIGHTS, size),
        payment=weighted(rng, PAYMENT_WEIGHTS, size),
        category=weighted(rng, CATEGORY_WEIGHTS, size),
        source=weighted(rng, [t[2] for t in TRAFFIC], size),
        weekend=rng.random(size) < 0.2,
        evening=evening,
        place=weighted(rng, [p[6] for p in PLACES], size),
        company=company,
        interest=rng.gamma(1.2, 1.0, size),
    )


def ascii_word(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace("ı", "i")).encode("ascii", "ignore")
    return plain.decode().replace("'", "").lower()


def draw_customers(rng: Generator, people: People, tester: Mask) -> dict[str, pa.Array]:
    size = len(people.number)

    def known(share: float) -> Mask:
        return rng.random(size) < share

    def one_of(values: Sequence[str], share: float) -> pa.Array:
        return words(values, rng.integers(len(values), size=size), known(share))

    def of_place(position: int, share: float = 1.0) -> pa.Array:
        return words([place[position] for place in PLACES], people.place, known(share))

    first, last = (rng.integers(len(names), size=size) for names in (FIRST_NAMES, LAST_NAMES))
    first_mail, last_mail = (
        words([ascii_word(name) for name in names], codes)
        for names, codes in ((FIRST_NAMES, first), (LAST_NAMES, last))
    )
    domain = words(["@example.com", "@example.org"], tester.astype(np.int64))
    number = pa.array(people.number).cast(pa.string())
    email = pc.binary_join_element_wise(first_mail, last_mail, ".")
    email = pc.binary_join_element_wise(email, number, domain, "")
    age = np.clip(rng.normal(42, 14, size), 18, 90)
    born = (FIRST_DAY // DAY - age * 365.25).astype(np.int32)
    changed = people.created + (rng.random(size) * (LAST_SECOND - people.created)).astype(np.int64)
    has_range = np.array([bool(place[5]) for place in PLACES])[people.place]
    phone_start = words([place[5] for place in PLACES], people.place, has_range & known(0.4))
    phone_end = pc.utf8_lpad(pa.array(people.number % 100).cast(pa.string()), 2, "0")
    return {
        "customer_id": customer_keys(people.number),
        "created_at": times(people.created),
        "email": email,
        "phone": pc.binary_join_element_wise(phone_start, phone_end, ""),
        "first_name": words(FIRST_NAMES, first),
        "last_name": words(LAST_NAMES, last),
        "birth_date": pa.array(born, mask=~known(0.5)).cast(pa.date32()),
        "gender": words(GENDERS, np.where(known(0.02), 2, first // 10), known(0.6)),
        "household_size": numbers(1 + rng.poisson(1.2, size), known(0.3)),
        "income_band": one_of(INCOMES, 0.25),
        "education": one_of(EDUCATION, 0.2),
        "marital_status": one_of(MARITAL, 0.2),
        "language": of_place(1, 0.95),
        "country_code": of_place(0, 0.98),
        "region": of_place(2, 0.9),
        "city": of_place(3, 0.9),
        "postal_code": of_place(4, 0.85),
        "acquisition_source": words(ACQUISITION, people.source, known(0.9)),
        "company_id": keys("F", people.number // 3, people.company),
        "job_title": words(JOBS, people.number % len(JOBS), people.company & known(0.8)),
        "is_test_account": pa.array(tester),
        "updated_at": times(changed),
    }


def draw_purchases(rng: Generator, people: People) -> tuple[Ints, Ints]:
    """Who buys and when: a first order soon after the account, then the BG/NBD process."""
    first = people.start + rng.exponential(5.0, len(people.start))
    buys = (people.kind == BUYER) & (first < DAYS)
    begin = to_demand(first)
    repeats = rng.poisson(people.rate * (DAYS - begin))
    orders_until_dropout = rng.geometric(people.dropout)
    candidates = np.where(buys, 1 + repeats, 0)
    owner = np.repeat(np.arange(len(buys)), candidates)
    offset = np.cumsum(candidates) - candidates
    demand = begin[owner] + rng.random(len(owner)) * (DAYS - begin[owner])
    demand[offset[buys]] = begin[buys]
    demand = demand[np.lexsort((demand, owner))]
    kept = np.arange(len(owner)) - offset[owner] < orders_until_dropout[owner]
    owner, day = owner[kept], to_day(demand[kept])
    # Who prefers weekends mostly waits for the next one.
    waits = people.weekend[owner] & (rng.random(len(owner)) < 0.7)
    day = np.minimum(np.where(waits, np.maximum(day, day - day % 7 + 5), day), DAYS - 1)
    bought = at_hour(rng, day, people.evening[owner])
    bought = np.minimum(np.maximum(bought, people.created[owner] + 300), LAST_SECOND)
    order = np.argsort(bought, kind="stable")
    return owner[order], bought[order]


def draw_orders(
    rng: Generator, people: People, emails: pa.Array, owner: Ints, bought: Ints, first_number: int
) -> tuple[dict[str, pa.Array], Mask]:
    """The order columns, and which orders were placed online with an account."""
    size = len(owner)

    def chance(share: float | Floats) -> Mask:
        return rng.random(size) < share

    number = np.arange(first_number, first_number + size)
    category = preferred(rng, people.category[owner], 0.6, CATEGORY_WEIGHTS)
    channel = preferred(rng, people.channel[owner], people.focus[owner], CHANNEL_WEIGHTS)
    payment = preferred(rng, people.payment[owner], 0.85, PAYMENT_WEIGHTS)
    payment = np.where((payment == 3) & (channel != 2), 0, payment)  # cash only in the shop
    guest = chance(0.02)
    day = (bought - FIRST_DAY) // DAY
    before_christmas = (day % 366 >= 328) & (day % 366 < 359)
    gift = chance(np.where(before_christmas, 0.25, 0.03))

    price = np.exp(people.spend[owner] + rng.normal(0, 0.4, size)) * CATEGORY_PRICES[category]
    gross = np.maximum((price * 100).astype(np.int64), 199)
    discounted = chance(people.price_sensitivity[owner])
    percent = np.array(DISCOUNT_PERCENTS)[weighted(rng, (25, 35, 20, 15, 5), size)]
    discount = np.where(discounted, gross * percent // 100, 0)

    status = np.where(chance(0.08), SHIPPED, COMPLETED)
    status = np.where(bought > LAST_SECOND - 3 * DAY, PROCESSING, status)
    status = np.where(chance(0.035), CANCELLED, status)
    status = np.where(chance(0.005), CREDIT_NOTE, status)
    credit = status == CREDIT_NOTE
    gross, discount = np.where(credit, -gross // 2, gross), np.where(credit, 0, discount)
    # Some shops write the date of a cancellation without the status, or the other way round.
    cancelled = np.where(status == CANCELLED, chance(0.9), (status == SHIPPED) & chance(0.02))
    cancelled_at = bought + 3600 + rng.exponential(DAY, size).astype(np.int64)
    cancelled &= cancelled_at <= LAST_SECOND
    refunded_at = bought + rng.integers(2 * DAY, 25 * DAY, size)
    refunded = (status <= SHIPPED) & ~cancelled & (refunded_at <= LAST_SECOND) & chance(0.06)
    share = np.where(chance(0.45), 100, rng.integers(10, 91, size))
    refund = (gross - discount) * share // 100
    changed = bought + 1800 + rng.exponential(DAY, size).astype(np.int64)
    changed = np.maximum(changed, np.where(refunded, refunded_at, 0))
    changed = np.minimum(np.maximum(changed, np.where(cancelled, cancelled_at, 0)), LAST_SECOND)

    month = day % 366 // 31
    season = np.array([1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4])[month]
    season = np.where(bought < people.created[owner] + 30 * DAY, 0, season)
    home = np.array([COUNTRIES.index(place[0]) for place in PLACES])[people.place[owner]]
    abroad = rng.integers(len(COUNTRIES), size=size)
    guest_mail = pc.binary_join_element_wise(
        "guest", pa.array(number).cast(pa.string()), "@example.org", ""
    )
    # Half of the guests have an account, and give its e-mail address.
    email = pc.if_else(guest & chance(0.5), guest_mail, emails.take(pa.array(owner)))
    columns = {
        "order_id": keys("O", number),
        "customer_id": customer_keys(people.number[owner], ~guest),
        "email": pc.if_else(guest | chance(0.1), email, None),
        "ordered_at": times(bought),
        "status": words(STATUSES, status),
        "currency": words(["EUR"], np.zeros(size, np.int64)),
        "gross_amount": money(gross),
        "discount_amount": money(discount, discounted | credit),
        "refunded_amount": money(refund, refunded),
        "refunded_at": times(refunded_at, refunded & chance(0.95)),
        "cancelled_at": times(cancelled_at, cancelled),
        "item_count": numbers(1 + rng.poisson(people.bulk[owner])),
        "category": words(CATEGORIES, category),
        "sales_channel": words(CHANNELS, channel),
        "payment_method": words(PAYMENTS, payment),
        "coupon_code": words(COUPONS, season, discounted & ~credit & chance(0.6)),
        "is_gift": pa.array(gift),
        "country_code": words(COUNTRIES, np.where(chance(0.03), abroad, home)),
        "updated_at": times(changed),
        "loaded_at": times((changed // DAY + 1) * DAY + 3 * 3600),
    }
    return columns, (channel <= 1) & ~guest


def draw_sessions(
    rng: Generator,
    people: People,
    activity: float,
    owner: Ints,
    bought: Ints,
    online: Mask,
    first_number: int,
) -> dict[str, pa.Array]:
    """Visits that browse, visits that lead to an online order, and those of strangers."""
    people_count = len(people.number)
    last_order = np.full(people_count, LAST_SECOND)
    last_order[owner] = bought  # orders are sorted by time, so the last one stays

    begin = to_demand(np.maximum(people.start - rng.exponential(12.0, people_count), 0))
    rate = (0.35 * people.rate + 0.034 * activity * people.interest) * BROWSING[people.kind]
    browser = np.repeat(np.arange(people_count), rng.poisson(rate * (DAYS - begin)))
    demand = begin[browser] + rng.random(len(browser)) * (DAYS - begin[browser])
    browsed = at_hour(rng, to_day(demand), people.evening[browser])
    # After the last order most visits stop, but not all.
    left = (browsed > last_order[browser] + 45 * DAY) & (rng.random(len(browser)) < 0.6)
    browser, browsed = browser[~left], browsed[~left]
    buying = np.flatnonzero(online & (rng.random(len(owner)) < 0.9))
    strangers = np.flatnonzero(rng.random(people_count) < 0.5 * activity**0.5)
    strangers = np.repeat(strangers, 1 + rng.poisson(0.7, len(strangers)))
    seen = at_hour(rng, to_day(rng.random(len(strangers)) * DAYS), people.evening[strangers])

    who = np.concatenate([browser, owner[buying], strangers])
    size = len(who)
    stranger = np.arange(size) >= len(browser) + len(buying)
    buys = (np.arange(size) >= len(browser)) & ~stranger
    devices_owned = 1 + rng.binomial(2, 0.35, people_count)
    slot = np.where(stranger, NEVER_LOGGED_IN, rng.integers(0, devices_owned[who], size))
    # Some households share a device, so that two customers log in with one visitor_id.
    shared = (people.number[who] % 40 == 0) & (slot == 0)
    visitor = people.number[who] * 4 + slot - 4 * shared
    device = weighted(rng, [d[3] for d in DEVICES], people_count * 4)[who * 4 + slot]

    interest, kind = people.interest[who], np.where(stranger, VISITOR, people.kind[who])
    products = rng.poisson(0.6 + 1.6 * interest + 2.0 * buys + 3.0 * (kind == WINDOW_SHOPPER))
    products = np.maximum(products, buys)
    searches = rng.poisson(0.5, size)
    pages = products + searches + 1 + rng.poisson(1.5, size)
    carts = np.where(buys, 1 + rng.poisson(0.6, size), rng.binomial(products, CART_SHARE[kind]))
    checkouts = np.where(buys, 1, (carts > 0) & (rng.random(size) < 0.2))
    duration = 10 + (pages * rng.exponential(40.0, size)).astype(np.int64)
    moment = np.concatenate([browsed, bought[buying], seen])
    started = np.maximum(np.where(buys, moment - duration, moment), FIRST_DAY)
    ended = np.minimum(np.where(buys, moment + 60, moment + duration), LAST_SECOND + 1)
    logged_in = ~stranger & (buys | (started >= people.created[who]) & (rng.random(size) < 0.72))

    traffic = preferred(rng, people.source[who], 0.55, [t[2] for t in TRAFFIC])
    has_campaign = np.isin(traffic, PAID_OR_MAILED) & (rng.random(size) < 0.7)
    quarter = np.minimum((started - FIRST_DAY) // DAY * 8 // DAYS, 7)
    downloads, shares = rng.poisson(0.03, size), rng.poisson(0.03, size)
    country = words([place[0] for place in PLACES], people.place[who], rng.random(size) < 0.97)
    order = np.argsort(started, kind="stable")
    columns = {
        "customer_id": customer_keys(people.number[who], logged_in),
        "visitor_id": keys("V", visitor),
        "started_at": times(started),
        "ended_at": times(ended, rng.random(size) < 0.98),
        "device_type": words([d[0] for d in DEVICES], device),
        "operating_system": words([d[1] for d in DEVICES], device),
        "browser": words([d[2] for d in DEVICES], device),
        "traffic_source": words([t[0] for t in TRAFFIC], traffic),
        "traffic_medium": words([t[1] for t in TRAFFIC], traffic),
        "campaign": words(CAMPAIGNS, quarter + np.where(traffic == 2, 0, 8), has_campaign),
        "page_views": numbers(pages),
        "product_views": numbers(products),
        "searches": numbers(searches),
        "cart_additions": numbers(carts),
        "checkouts": numbers(checkouts),
        "downloads": numbers(downloads, downloads > 0),
        "shares": numbers(shares, shares > 0),
        "country_code": country,
    }
    columns = {name: column.take(pa.array(order)) for name, column in columns.items()}
    return {"session_id": keys("S", np.arange(first_number, first_number + size)), **columns}


def as_text(table: pa.Table) -> pa.Table:
    """Every column as the text of a CSV file; times to the second."""

    def text(column: pa.ChunkedArray) -> pa.ChunkedArray:
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("s"))
        return column.cast(pa.string())

    return pa.table({name: text(table[name]) for name in table.column_names})


def rewritten(table: pa.Table, rows: Ints, cells: dict[str, Cell]) -> pa.Table:
    """The table with these cells in these rows, which are ascending."""
    mask = np.zeros(len(table), bool)
    mask[rows] = True
    for name, cell in cells.items():
        column = table[name].combine_chunks()
        old = column.take(pa.array(rows)).to_pylist() if callable(cell) else [None] * len(rows)
        new = pa.array([cell(v) if callable(cell) else cell for v in old], pa.string())
        column = pc.replace_with_mask(column, pa.array(mask), new.cast(column.type))
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


def expressible(table: pa.Table, cells: dict[str, Cell]) -> bool:
    """Whether the types of these columns can hold the cells."""
    try:
        for name, cell in cells.items():
            if callable(cell) and table[name].type != pa.string():
                return False
            pa.array([None if callable(cell) else cell], pa.string()).cast(table[name].type)
    except pa.ArrowInvalid:
        return False
    return True


def soiled(rng: Generator, name: str, table: pa.Table) -> pa.Table:
    """The table with a little of each kind of dirt, no row with two of them."""
    count = max(2, len(table) // 50_000)
    needed = pc.and_kleene(*(table[c].is_valid() for c in (f"{name[:-1]}_id", "customer_id")))
    free = rng.permutation(np.flatnonzero(needed))

    def picked() -> Ints:
        nonlocal free
        rows, free = np.sort(free[:count]), free[count:]
        return rows

    copied = table.take(pa.array(picked()))
    copies = [copied]  # exact duplicates
    if name == "customers":
        copies.append(rewritten(copied, np.arange(len(copied)), {"customer_id": None}))
    if name != "sessions":
        event = "created_at" if name == "customers" else "ordered_at"
        earlier = table.take(pa.array(picked()))  # versions that the present rows supersede
        column = earlier.schema.get_field_index("updated_at")
        copies.append(earlier.set_column(column, "updated_at", earlier[event]))
    if name == "orders":
        # One key for two customers, with nothing that says which row is right.
        rows = picked()
        table = rewritten(table, rows, {"updated_at": None, "loaded_at": None})
        copies.append(
            rewritten(table.take(pa.array(rows)), np.arange(len(rows)), {"customer_id": "C0000001"})
        )
    for dirt in DIRT[name]:
        if not expressible(table, dirt.cells):
            continue
        table = rewritten(table, picked(), dirt.cells)
    return pa.concat_tables([table, *copies])


def draw_chunk(
    seed: SeedSequence, size: int, activity: float, first: dict[str, int], as_csv: bool
) -> Tables:
    rng = np.random.default_rng(seed)
    people = draw_people(rng, first["customers"], size, activity)
    tester = rng.random(size) < 0.006
    customers = draw_customers(rng, people, tester)
    owner, bought = draw_purchases(rng, people)
    orders, online = draw_orders(rng, people, customers["email"], owner, bought, first["orders"])
    sessions = draw_sessions(rng, people, activity, owner, bought, online, first["sessions"])
    tables = {}
    for name, columns in (("customers", customers), ("orders", orders), ("sessions", sessions)):
        schema = contract()[name]
        unknown = set(columns) - set(schema.names)
        if unknown:
            raise ValueError(f"columns of {name} that the contract does not name: {unknown}")
        typed = pa.table(
            [columns.get(f.name, pa.nulls(len(columns[schema.names[0]]), f.type)) for f in schema],
            schema=schema,
        )
        first[name] += len(typed)
        table = soiled(rng, name, as_text(typed) if as_csv else typed)
        # Nobody should come to rely on an order of the rows; at scale shuffling is too dear.
        tables[name] = table.take(pa.array(rng.permutation(len(table)))) if as_csv else table
    return tables


def draw_chunks(customers: int, seed: int, activity: float, as_csv: bool) -> Iterator[Tables]:
    sizes = [
        min(CHUNK_CUSTOMERS, customers - start) for start in range(0, customers, CHUNK_CUSTOMERS)
    ]
    first = {"customers": 1, "orders": 1, "sessions": 1}
    seeds = SeedSequence(seed).spawn(len(sizes))
    for chunk_seed, size in zip(tqdm(seeds, unit="chunk"), sizes, strict=True):
        yield draw_chunk(chunk_seed, size, activity, first, as_csv)


def write_csv(chunks: Iterator[Tables], output: Path) -> None:
    with ExitStack() as stack:
        writers = {}
        for name, schema in contract().items():
            path = output / f"sample_{name}.csv"
            file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            writers[name] = csv.writer(file, lineterminator="\n")
            writers[name].writerow(schema.names)
        for tables in chunks:
            for name, table in tables.items():
                writers[name].writerows(zip(*table.to_pydict().values(), strict=True))


def write_parquet(chunks: Iterator[Tables], output: Path) -> None:
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(
                pq.ParquetWriter(output / f"{name}.parquet", schema, compression="zstd")
            )
            for name, schema in contract().items()
        }
        for tables in chunks:
            for name, table in tables.items():
                writers[name].write_table(table, row_group_size=ROW_GROUP_ROWS)


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
