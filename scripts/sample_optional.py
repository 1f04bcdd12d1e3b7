"""The optional tables of the sample: what else is known of its customers, orders and companies.

They have a random generator of their own, so that they move no draw of the other tables.
"""

from collections import Counter
from hashlib import md5
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sample_vocabulary as vocabulary
from numpy.random import Generator
from sample_dirt import soiled
from sample_draws import DAY, DAYS, FIRST_DAY, LAST_SECOND, Ints, customer_keys, keys, weighted
from sample_tables import Columns, as_text, joined, typed, words
from sample_vocabulary import CATEGORY, FEEDBACK, PLACE, PLAN

# A chain of three, two accounts into one, and a plain one; places in a list of accounts.
MERGES = [(0, 1), (1, 2), (2, 3), (4, 5), (6, 5), (7, 8)]
# The customers have these no more.
DELETED = [0, 4]
# These asked to be forgotten.
ERASED = range(40, 52)
CURRENCIES, WORTH = ("EUR", "CHF", "USD"), (1.0, 1.05, 0.92)
CREDIT_NOTE = vocabulary.STATUSES.index("credit_note")


def draw_currencies(rng: Generator, people: SimpleNamespace, owner: Ints) -> Ints:
    """A few Swiss and American orders are in the money of the country."""
    country = PLACE.country[people.place[owner]]
    foreign = np.select([country == "CH", country == "US"], [1, 2], 0)
    return np.where(rng.random(len(owner)) < 0.12, foreign, 0)


def draw_rates(rng: Generator, currency: Ints, bought: Ints, gaps: int) -> Columns:
    """Daily rates, but for a few days on which there are foreign orders."""
    drift = np.cumsum(rng.normal(0, 0.004, (2, DAYS)), axis=1)
    rate = np.round(np.exp(drift) * np.array(WORTH[1:])[:, None] * 1e5).astype(np.int64) * 1000
    code, day = np.repeat([1, 2], DAYS), np.tile(np.arange(DAYS), 2)
    needed = np.unique(currency * DAYS + (bought - FIRST_DAY) // DAY)
    needed = needed[needed >= DAYS]
    missing = rng.choice(needed, min(gaps, len(needed)), replace=False)
    kept = ~np.isin(code * DAYS + day, missing)
    return {
        "currency": words(CURRENCIES, code[kept]),
        "rate_date": FIRST_DAY // DAY + day[kept],
        "rate": rate.ravel()[kept],
    }


def draw_merges(accounts: Ints, pairs: list[tuple[int, int]]) -> Columns:
    old, new = ([pair[side] for pair in pairs if max(pair) < len(accounts)] for side in (0, 1))
    return {
        "customer_id": customer_keys(accounts[np.array(old, int)]),
        "merged_into_customer_id": customer_keys(accounts[np.array(new, int)]),
    }


def draw_erasures(accounts: Ints) -> Columns:
    erased = accounts[ERASED.start : ERASED.stop]
    hashes = [md5(key.encode()).hexdigest() for key in customer_keys(erased).to_pylist()]
    return {
        "customer_id_hash": pa.array(hashes, pa.string()),
        "requested_at": LAST_SECOND - 20 * DAY + np.arange(len(erased)) * DAY,
    }


def draw_items(rng: Generator, orders: Columns, ordered: Ints, category: Ints) -> Columns:
    """The lines of orders: the main category first, prices that sum up to about the gross amount."""
    pieces, gross = orders["item_count"][ordered], orders["gross_amount"][ordered]
    lines = np.minimum(pieces, 1 + rng.poisson(0.4, len(ordered)))
    order = np.repeat(np.arange(len(ordered)), lines)
    line = np.arange(len(order)) - np.repeat(np.cumsum(lines) - lines, lines)
    quantity = np.where(line == 0, (pieces - lines + 1)[order], 1)
    other = (line > 0) & (rng.random(len(order)) < 0.5)
    category = np.where(other, weighted(rng, CATEGORY.share, len(order)), category[ordered][order])
    dearness = CATEGORY.price[category] * np.exp(rng.normal(0, 0.3, len(order)))
    whole = np.bincount(order, dearness * quantity, len(ordered))
    product = joined("P", category * 100 + rng.integers(10, 50, len(order)))
    known = rng.random((3, len(order))) > np.array([[0.02], [0.02], [0.5]])
    return {
        "order_item_id": joined(orders["order_id"].take(ordered).take(order), "-", line + 1),
        "order_id": orders["order_id"].take(ordered).take(order),
        "product_id": product,
        "category": (words(CATEGORY.name, category), known[0]),
        "quantity": (quantity, (quantity > 1) | known[2]),
        "unit_price": ((gross[order] * dearness / whole[order]).astype(np.int64), known[1]),
    }


def draw_companies(rng: Generator, people: SimpleNamespace) -> Columns:
    """Those of the customers, and as many again whose people have no account."""
    number = people.number // 3
    own = np.unique(number[people.company])
    others = np.setdiff1d(np.unique(number), own)
    others = rng.choice(others, min(people.size * 7 // 100, len(others)), replace=False)
    company = np.sort(np.concatenate([own, others]))
    size = len(company)
    first = np.full(size, LAST_SECOND)
    np.minimum.at(
        first, np.searchsorted(company, number[people.company]), people.created[people.company]
    )
    created = first - rng.exponential(200 * DAY, size).astype(np.int64)
    employees = np.exp(rng.normal(4.0, 1.6, size)).astype(np.int64) + 1
    parent = rng.choice(company, size) if size else company
    known = rng.random((5, size)) < np.array([[0.9], [0.95], [0.85], [0.8], [0.6]])
    return {
        "company_id": keys("F", company),
        "created_at": (created, known[0]),
        "industry": (words(vocabulary.INDUSTRIES, rng.integers(7, size=size)), known[1]),
        "employee_count": (employees, known[2]),
        "annual_revenue": (employees * rng.integers(60_000, 250_000, size) * 100, known[3]),
        "ownership_type": words(vocabulary.OWNERSHIP, weighted(rng, [5, 2, 2, 1], size)),
        "technologies": (words(vocabulary.TECHNOLOGIES, rng.integers(4, size=size)), known[4]),
        "parent_company_id": (keys("F", parent), (parent != company) & (rng.random(size) < 0.15)),
        "country_code": words(PLACE.country, weighted(rng, PLACE.share, size)),
        "updated_at": created + (rng.random(size) * (LAST_SECOND - created)).astype(np.int64),
    }


def draw_campaign_events(rng: Generator, people: SimpleNamespace, first: int) -> Columns:
    """What was sent, and what followed: opened, clicked, converted; or the wish to get no more."""
    reached = rng.random(people.size) < 0.55
    openness = rng.beta(1.2, 1.6, people.size)
    channel = weighted(rng, [8, 1, 1], people.size)
    share = (LAST_SECOND - people.created) / (DAYS * DAY)
    who = np.repeat(np.arange(people.size), rng.poisson(9.5 * reached * share))
    span = LAST_SECOND - DAY - people.created[who]
    sent = people.created[who] + (rng.random(len(who)) * np.maximum(span, 1)).astype(np.int64)
    chance = rng.random((4, len(who)))
    opened = chance[0] < openness[who]
    clicked = opened & (chance[1] < 0.4)
    converted = clicked & (chance[2] < 0.3)
    left = (chance[3] < 0.02) & ~clicked
    complained = (chance[3] > 0.994) & ~clicked
    masks = [np.ones(len(who), bool), opened, clicked, converted, left, complained]
    place = np.concatenate([np.flatnonzero(mask) for mask in masks])
    kind = np.repeat(np.arange(6), [mask.sum() for mask in masks])
    delay = np.minimum(kind, 4) * 1800 * (0.5 + rng.random(len(kind)))
    moment = np.minimum(sent[place] + delay.astype(np.int64), LAST_SECOND)
    order = np.argsort(moment, kind="stable")
    place, kind, who = place[order], kind[order], who[place][order]
    quarter = np.minimum((sent[place] - FIRST_DAY) // DAY * 8 // DAYS, 7)
    known = rng.random(len(kind)) < 0.98
    return {
        "campaign_event_id": keys("E", first + np.arange(len(kind))),
        "customer_id": customer_keys(people.number[who]),
        "campaign": (words(vocabulary.CAMPAIGNS, 8 + quarter), known),
        "channel": words(("email", "sms", "push"), channel[who]),
        "event_type": words(vocabulary.EVENTS, kind),
        "occurred_at": moment[order],
    }


def draw_feedback(
    rng: Generator, people: SimpleNamespace, orders: Columns, owner: Ints, ordered: Ints, first: int
) -> Columns:
    """After an order: answers, reviews, complaints and tickets, by how content a person is."""
    ordered = ordered[rng.random(len(ordered)) < 0.2]
    who, size = owner[ordered], len(ordered)
    content = rng.beta(3.0, 1.2, people.size)[who]
    kind = weighted(rng, FEEDBACK.share, size)
    submitted = orders["ordered_at"][ordered] + rng.integers(DAY, 20 * DAY, size)
    submitted = np.minimum(submitted, LAST_SECOND)
    mood = np.clip(content + rng.normal(0, 0.15, size), 0, 1)
    score = FEEDBACK.lowest[kind] + np.round(mood * (FEEDBACK.highest - FEEDBACK.lowest)[kind])
    waits = FEEDBACK.waits[kind] > rng.random(size)
    wait = rng.exponential(24, size) * (1.6 - content) * 100
    resolved = submitted + (wait / 100 * 3600).astype(np.int64) + 3600
    is_resolved = (FEEDBACK.resolved[kind] > rng.random(size)) & (resolved <= LAST_SECOND)
    return {
        "feedback_id": keys("B", first + np.arange(size)),
        "customer_id": customer_keys(people.number[who]),
        "order_id": (orders["order_id"].take(ordered), rng.random(size) < FEEDBACK.about[kind]),
        "feedback_type": words(FEEDBACK.type, kind),
        "submitted_at": submitted,
        "score": (score.astype(np.int64), rng.random(size) < FEEDBACK.scored[kind]),
        "wait_hours": (wait.astype(np.int64), waits),
        "resolved_at": (resolved, is_resolved),
        "updated_at": np.where(is_resolved, resolved, submitted),
    }


def draw_consents(rng: Generator, people: SimpleNamespace, first: int) -> Columns:
    """Given with the account, and taken back by some."""
    given = rng.random((people.size, 4)) < [0.62, 0.2, 0.12, 0.25]
    who, channel = np.nonzero(given)
    back = np.flatnonzero(rng.random(len(who)) < 0.15)
    who, channel = np.concatenate([who, who[back]]), np.concatenate([channel, channel[back]])
    later = np.arange(len(who)) >= len(who) - len(back)
    span = (LAST_SECOND - people.created[who]) * rng.random(len(who))
    moment = people.created[who] + np.where(later, span, 0).astype(np.int64)
    analytics = (rng.random(len(who)) < 0.06).astype(np.int64)
    return {
        "consent_id": keys("A", first + np.arange(len(who))),
        "customer_id": customer_keys(people.number[who]),
        "channel": words(("email", "sms", "phone", "ads"), channel),
        "purpose": (words(("marketing", "analytics"), analytics), rng.random(len(who)) < 0.9),
        "status": words(("granted", "withdrawn"), later.astype(np.int64)),
        "recorded_at": moment,
    }


def draw_answers(rng: Generator, people: SimpleNamespace, first: int) -> Columns:
    """Two questions to a third of the people, some of whom change their mind."""
    who = np.flatnonzero(rng.random(people.size) < 0.28)
    who = np.concatenate([np.repeat(who, 2), who[rng.random(len(who)) < 0.1]])
    question = np.arange(len(who)) % 2
    motive = weighted(rng, [30, 25, 12, 18, 15], len(who))
    manner = 5 + weighted(rng, [5, 3, 2], len(who))
    span = (LAST_SECOND - people.created[who]) * rng.random(len(who))
    return {
        "answer_id": keys("Q", first + np.arange(len(who))),
        "customer_id": customer_keys(people.number[who]),
        "question": words(("motivation", "cooperation"), question),
        "answer": (
            words(vocabulary.ANSWERS, np.where(question == 0, motive, manner)),
            rng.random(len(who)) < 0.96,
        ),
        "answered_at": people.created[who] + span.astype(np.int64),
    }


def draw_service(rng: Generator, people: SimpleNamespace, first: Counter) -> dict[str, Columns]:
    """Subscriptions to a service, mostly by companies, many after a trial; and its use."""
    user = np.flatnonzero(people.company | (rng.random(people.size) < 0.15))
    size = len(user)
    begin = people.created[user] + rng.exponential(15 * DAY, size).astype(np.int64)
    tries, stays = rng.random(size) < 0.55, rng.random(size) < 0.75
    paid = begin + np.where(tries, 30 * DAY, 0)
    ended = paid + rng.exponential(500 * DAY, size).astype(np.int64)
    stays |= ~tries
    trial, contract = (
        np.flatnonzero(mask & (moment <= LAST_SECOND))
        for mask, moment in ((tries, begin), (stays, paid))
    )
    place = np.concatenate([trial, contract])
    is_trial = np.arange(len(place)) < len(trial)
    started = np.where(is_trial, begin[place], paid[place])
    end = np.where(is_trial, begin[place] + 30 * DAY, ended[place])
    plan = weighted(rng, PLAN.share, size)[place]
    seats = 1 + rng.poisson(PLAN.seats[plan] * (1 + 3 * people.company[user[place]]))
    amount = np.where(is_trial, 0, PLAN.price[plan] * seats).astype(np.int64)
    over = end <= LAST_SECOND
    subscriptions = {
        "subscription_id": keys("D", first["subscriptions"] + np.arange(len(place))),
        "customer_id": customer_keys(people.number[user[place]]),
        "plan": words(PLAN.name, plan),
        "started_at": started,
        "ended_at": (end, over),
        "seats": seats,
        "monthly_amount": amount,
        "is_trial": is_trial,
        "updated_at": np.where(over, end, started),
    }
    last = np.minimum(np.where(stays, ended, begin + 30 * DAY), LAST_SECOND)
    active = np.maximum(last - begin, 0)
    uses = rng.poisson(rng.gamma(0.7, 48.0, size) * (active > 0) * (0.3 + active / (DAYS * DAY)))
    who = np.repeat(np.arange(size), uses)
    feature = rng.integers(0, rng.integers(1, 8, size)[who])
    used = begin[who] + (rng.random(len(who)) * active[who]).astype(np.int64)
    order = np.argsort(used, kind="stable")
    who, feature, times = who[order], feature[order], 1 + rng.poisson(2.5, len(who))
    known = rng.random((2, len(who))) < np.array([[0.95], [0.8]])
    usage = {
        "usage_id": keys("U", first["product_usage"] + np.arange(len(who))),
        "customer_id": customer_keys(people.number[user[who]]),
        "used_at": used[order],
        "feature": words(vocabulary.FEATURES, feature),
        "usage_count": (times, known[0]),
        "duration_seconds": ((times * rng.exponential(140, len(who))).astype(np.int64), known[1]),
    }
    return {"product_usage": usage, "subscriptions": subscriptions}


def draw_optional(
    rng: Generator,
    people: SimpleNamespace,
    orders: Columns,
    owner: Ints,
    currency: Ints,
    written: Counter,
    clean: bool,
) -> tuple[dict[str, pa.Table], pa.Array]:
    """The optional tables as text, and the accounts that the customers have no more."""
    first = Counter({name: count + 1 for name, count in written.items()})
    category = pc.index_in(orders["category"], pa.array(CATEGORY.name, pa.string())).to_numpy()
    credit = pc.equal(orders["status"], vocabulary.STATUSES[CREDIT_NOTE])
    ordered = np.flatnonzero(~credit.to_numpy(zero_copy_only=False))
    accounts = people.number[rng.permutation(np.unique(owner))]
    columns = {
        "order_items": draw_items(rng, orders, ordered, category),
        "companies": draw_companies(rng, people),
        "campaign_events": draw_campaign_events(rng, people, first["campaign_events"]),
        "feedback": draw_feedback(rng, people, orders, owner, ordered, first["feedback"]),
        "consents": draw_consents(rng, people, first["consents"]),
        "survey_answers": draw_answers(rng, people, first["survey_answers"]),
        **draw_service(rng, people, first),
        "customer_merges": draw_merges(accounts, MERGES),
    }
    if not written["exchange_rates"]:
        gaps = 0 if clean else 3
        columns["exchange_rates"] = draw_rates(rng, currency, orders["ordered_at"], gaps)
    tables = {name: as_text(typed(name, values)) for name, values in columns.items()}
    if not clean:
        # The chain stays whole: others have the faults.
        pairs = [(place, place + 1) for place in range(9, 33, 2)]
        pairs = as_text(typed("customer_merges", draw_merges(accounts, pairs)))
        dirty = {**tables, "customer_merges": pairs}
        dirty = {name: soiled(rng, name, table) for name, table in dirty.items()}
        merges = pa.concat_tables([tables["customer_merges"], dirty["customer_merges"]])
        tables = {**dirty, "customer_merges": merges}
    tables = {name: table.take(rng.permutation(len(table))) for name, table in tables.items()}
    # The last draw, and of nobody where no row is to be refused.
    erasures = draw_erasures(accounts[:0] if clean else accounts)
    erasures = as_text(typed("erasure_requests", erasures))
    erasures = erasures if clean else soiled(rng, "erasure_requests", erasures)
    tables["erasure_requests"] = erasures.take(rng.permutation(len(erasures)))
    deleted = accounts[[place for place in DELETED if place < len(accounts)]]
    return tables, customer_keys(deleted)
