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


def with_third_decimal(value: str) -> str:
    return f"{value}5"


NO_SUCH_DAY, LONG_AGO, FAR_FUTURE = "2025-02-30", "1899-12-31 00:00:00", "2999-12-31 00:00:00"

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
    keyed = pc.and_(table[f"{name[:-1]}_id"].is_valid(), table["customer_id"].is_valid())
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
