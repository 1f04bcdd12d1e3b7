"""What is wrong with the sample: each fault by name, with the cells that make it.

A cell is a text, null, or a function that rewrites the text that is there.
"""

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.random import Generator

Cells = dict[str, str | None | Callable[[str], str]]


def padded(value: str) -> str:
    return f"  {value} "


def with_z(value: str) -> str:
    return value.replace(" ", "T") + "Z"


def with_offset(value: str) -> str:
    return f"{value}+02:00"


def with_midnight(value: str) -> str:
    return f"{value} 00:00:00"


def with_third_decimal(value: str) -> str:
    return f"{value}5"


NO_SUCH_DAY, LONG_AGO, FAR_FUTURE = "2025-02-30", "1899-12-31 00:00:00", "2999-12-31 00:00:00"


def times_of(column: str) -> dict[str, Cells]:
    """The faults of the time of an event."""
    return {
        "no date": {column: None},
        "date that does not exist": {column: NO_SUCH_DAY},
        "too old": {column: LONG_AGO},
        "far future": {column: FAR_FUTURE},
        "ISO time with Z": {column: with_z},
    }


DIRT: dict[str, dict[str, Cells]] = {
    "customers": {
        "date that does not exist": {"created_at": NO_SUCH_DAY},
        "key with spaces": {"customer_id": padded},
        "e-mail in upper case": {"email": str.upper},
        "literal null": {"region": "NULL", "education": "none", "job_title": "N/A", "phone": r"\N"},
        "literal null in a number": {"household_size": "nan"},
        "ISO time with Z": {"created_at": with_z},
    },
    "orders": {
        "no key": {"order_id": None},
        "blank key": {"order_id": "  "},
        "decimal comma": {"gross_amount": "1.234,56"},
        "currency sign": {"gross_amount": "$5"},
        "not a number": {"gross_amount": "NaN"},
        "beyond any number": {"gross_amount": "1e400"},
        "no amount": {"gross_amount": None},
        "negative, completed": {"gross_amount": "-25.00", "status": "completed"},
        "above 10^9": {"gross_amount": "12345678901.00"},
        "refund above the order": {"refunded_amount": "99999.00", "status": "completed"},
        "unparsable discount": {"discount_amount": "ten"},
        "unknown currency": {"currency": "XXX"},
        "no date": {"ordered_at": None},
        "date that does not exist": {"ordered_at": NO_SUCH_DAY},
        "date that may be day or month first": {"ordered_at": "03/04/2025"},
        "too old": {"ordered_at": LONG_AGO},
        "far future": {"ordered_at": FAR_FUTURE},
        "orphan": {"customer_id": "C-UNKNOWN"},
        "unparsable count": {"item_count": "many"},
        "free": {"gross_amount": "0.00", "discount_amount": None, "refunded_amount": None},
        "literal null": {"coupon_code": "NULL", "category": r"\N", "sales_channel": "none"},
        "literal null in a number": {"discount_amount": "nan"},
        "literal null in a time": {"cancelled_at": "NULL"},
        "keys with spaces": {"order_id": padded, "customer_id": padded},
        "mixed case": {"status": str.upper, "sales_channel": str.title},
        "lower case": {"currency": str.lower},
        "ISO time with Z": {"ordered_at": with_z},
        "ISO time with offset": {"ordered_at": with_offset},
        "three decimals": {"gross_amount": with_third_decimal},
    },
    "sessions": {
        "no key": {"session_id": None},
        "no date": {"started_at": None},
        "date that does not exist": {"started_at": NO_SUCH_DAY},
        "too old": {"started_at": LONG_AGO},
        "far future": {"started_at": FAR_FUTURE},
        "orphan": {"customer_id": "C-UNKNOWN"},
        "unparsable count": {"page_views": "many"},
        "literal null": {"browser": "NULL", "operating_system": "N/A"},
        "literal null in a number": {"searches": "nan"},
        "keys with spaces": {"session_id": padded, "customer_id": padded},
        "mixed case": {"device_type": str.title},
        "ISO time with Z": {"started_at": with_z},
    },
    "order_items": {
        "no key": {"order_item_id": None},
        "no order": {"order_id": None},
        "orphan": {"order_id": "O-UNKNOWN"},
        "unparsable price": {"unit_price": "9,99"},
        "unparsable count": {"quantity": "many"},
        "negative price": {"unit_price": "-1.00"},
        "negative count": {"quantity": "-1"},
        "literal null": {"category": "NULL", "product_id": "n/a"},
        "keys with spaces": {"order_item_id": padded, "order_id": padded},
        "mixed case": {"category": str.title},
    },
    "companies": {
        "no such count": {"employee_count": "1,000"},
        "negative count": {"employee_count": "-5"},
        "negative turnover": {"annual_revenue": "-1.00"},
        "date that does not exist": {"created_at": NO_SUCH_DAY},
        "literal null": {"industry": "N/A", "parent_company_id": r"\N"},
        "key with spaces": {"company_id": padded},
        "mixed case": {"industry": str.title, "country_code": str.lower},
    },
    "campaign_events": {
        "no key": {"campaign_event_id": None},
        "nobody": {"customer_id": None},
        "orphan": {"customer_id": "C-UNKNOWN"},
        "no type": {"event_type": None},
        "unlisted type": {"event_type": "bounced"},
        **times_of("occurred_at"),
        "keys with spaces": {"campaign_event_id": padded, "customer_id": padded},
        "mixed case": {"event_type": str.title, "channel": str.upper},
    },
    "feedback": {
        "no key": {"feedback_id": None},
        "nobody": {"customer_id": None},
        "orphan": {"customer_id": "C-UNKNOWN"},
        "no score": {"feedback_type": "review", "score": None},
        "score off the scale": {"feedback_type": "nps", "score": "11"},
        "score off the other scale": {"feedback_type": "csat", "score": "0"},
        "unparsable score": {"score": "good"},
        "unlisted type": {"feedback_type": "praise"},
        "negative wait": {"wait_hours": "-2.00"},
        "unparsable wait": {"wait_hours": "2 days"},
        "end that cannot be read": {"resolved_at": "open"},
        **times_of("submitted_at"),
        "keys with spaces": {"feedback_id": padded, "customer_id": padded},
        "mixed case": {"feedback_type": str.upper},
    },
    "consents": {
        "no key": {"consent_id": None},
        "nobody": {"customer_id": None},
        "orphan": {"customer_id": "C-UNKNOWN"},
        "no channel": {"channel": None},
        "unlisted status": {"status": "maybe"},
        **times_of("recorded_at"),
        "keys with spaces": {"consent_id": padded, "customer_id": padded},
        "mixed case": {"status": str.title, "channel": str.upper},
    },
    "survey_answers": {
        "no key": {"answer_id": None},
        "nobody": {"customer_id": None},
        "orphan": {"customer_id": "C-UNKNOWN"},
        "no question": {"question": None},
        **times_of("answered_at"),
        "keys with spaces": {"answer_id": padded, "customer_id": padded},
        "mixed case": {"question": str.title, "answer": str.upper},
    },
    "product_usage": {
        "no key": {"usage_id": None},
        "nobody": {"customer_id": None},
        "orphan": {"customer_id": "C-UNKNOWN"},
        "unparsable count": {"usage_count": "many"},
        "negative count": {"usage_count": "-1"},
        "negative time": {"duration_seconds": "-30"},
        **times_of("used_at"),
        "keys with spaces": {"usage_id": padded, "customer_id": padded},
        "mixed case": {"feature": str.title},
    },
    "subscriptions": {
        "no key": {"subscription_id": None},
        "nobody": {"customer_id": None},
        "orphan": {"customer_id": "C-UNKNOWN"},
        "unparsable price": {"monthly_amount": "9,99"},
        "unparsable count": {"seats": "some"},
        "negative count": {"seats": "-1"},
        "negative price": {"monthly_amount": "-9.00"},
        "end that cannot be read": {"ended_at": "never"},
        **times_of("started_at"),
        "keys with spaces": {"subscription_id": padded, "customer_id": padded},
        "mixed case": {"plan": str.title, "is_trial": str.title},
    },
    "exchange_rates": {
        "no currency": {"currency": None},
        "no date": {"rate_date": None},
        "date that does not exist": {"rate_date": NO_SUCH_DAY},
        "no rate": {"rate": None},
        "decimal comma": {"rate": "1,05"},
        "nothing worth": {"rate": "0"},
        "lower case": {"currency": str.lower},
        "time with the day": {"rate_date": with_midnight},
    },
    "customer_merges": {
        "no key": {"customer_id": None},
        "into nobody": {"merged_into_customer_id": None},
        "orphan": {"merged_into_customer_id": "C-UNKNOWN"},
        "keys with spaces": {"customer_id": padded, "merged_into_customer_id": padded},
    },
    "erasure_requests": {
        "no key": {"customer_id_hash": None},
        "an id, not its hash": {"customer_id_hash": "C-UNKNOWN"},
        "upper case, with spaces": {"customer_id_hash": lambda value: padded(value.upper())},
        "date that cannot be read": {"requested_at": "last week"},
    },
}

ONE_OR_TWO_CUSTOMERS: dict[str, Cells] = {
    "exact copy": {},
    "one key for two customers": {"customer_id": "C0000001"},
}
# Faults of a second row beside a good one, and what is different in it.
COPIES: dict[str, dict[str, Cells]] = {
    "customers": {
        "exact copy": {},
        "older version": {"updated_at": "2024-01-01 00:00:00"},
        "no key": {"customer_id": None},
    },
    "orders": {
        "exact copy": {},
        "older version": {"updated_at": "2024-01-01 00:00:00"},
        "one key for two customers": {"customer_id": "C0000001"},
    },
    "sessions": {"exact copy": {}},
    "order_items": {"exact copy": {}, "one key for two orders": {"order_id": "O0000001"}},
    "companies": {
        "exact copy": {},
        "older version": {"updated_at": "2024-01-01 00:00:00"},
        "no key": {"company_id": None},
    },
    "campaign_events": ONE_OR_TWO_CUSTOMERS,
    "feedback": {
        **ONE_OR_TWO_CUSTOMERS,
        "older version": {"updated_at": "2024-01-01 00:00:00"},
    },
    "consents": ONE_OR_TWO_CUSTOMERS,
    "survey_answers": ONE_OR_TWO_CUSTOMERS,
    "product_usage": ONE_OR_TWO_CUSTOMERS,
    "subscriptions": {
        **ONE_OR_TWO_CUSTOMERS,
        "older version": {"updated_at": "2024-01-01 00:00:00"},
    },
    "exchange_rates": {"exact copy": {}, "two rates for a day": {"rate": "7.00000000"}},
    "customer_merges": {
        "exact copy": {},
        "one account into two": {"merged_into_customer_id": "C0000001"},
    },
    "erasure_requests": {
        "exact copy": {},
        "older version": {"requested_at": "2024-01-01 00:00:00"},
    },
}


def rewritten(table: pa.Table, rows: np.ndarray, cells: Cells) -> pa.Table:
    """The table with these cells in these rows, which are ascending."""
    mask = np.zeros(len(table), bool)
    mask[rows] = True
    for name, cell in cells.items():
        texts = table[name].take(rows).cast(pa.string()).to_pylist()
        new = pa.array([cell(text) if callable(cell) else cell for text in texts], pa.string())
        old = table[name].combine_chunks()
        column = pc.replace_with_mask(old, mask, new.cast(old.type))
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def soiled(rng: Generator, name: str, table: pa.Table) -> pa.Table:
    """The table with a little of each fault that its types can hold, no row with two of them."""
    count = max(2, len(table) // 50_000)
    key = table.column_names[0]
    owner = "customer_id" if "customer_id" in table.column_names else key
    keyed = pc.and_(table[key].is_valid(), table[owner].is_valid())
    free = rng.permutation(np.flatnonzero(keyed))
    faults = [(DIRT, cells) for cells in DIRT[name].values()]
    faults += [(COPIES, cells) for cells in COPIES[name].values()]
    copies = []
    for place, (kind, cells) in enumerate(faults):
        rows = np.sort(free[place * count : (place + 1) * count])
        with suppress(pa.ArrowInvalid):
            if kind is DIRT:
                table = rewritten(table, rows, cells)
            else:
                copies.append(rewritten(table.take(rows), np.arange(len(rows)), cells))
    return pa.concat_tables([table, *copies])
