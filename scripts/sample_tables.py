"""From arrays to tables of the contract, and from tables to files."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from contract import read_contract

# What the benchmark measures; the sample has all tables of the contract.
TABLES = ("customers", "orders", "sessions")

Values = np.ndarray | pa.Array
# Values, or values and where they are known.
Columns = dict[str, Values | tuple[Values, np.ndarray]]


@cache
def schemas() -> dict[str, pa.Schema]:
    """The columns of each table and their types, from the contract."""
    types = {
        "varchar": pa.string(),
        "timestamp": pa.timestamp("us"),
        "date": pa.date32(),
        "decimal(18, 2)": pa.decimal128(18, 2),
        "decimal(18, 8)": pa.decimal128(18, 8),
        "integer": pa.int32(),
        "boolean": pa.bool_(),
    }
    return {
        name: pa.schema([(column.name, types[column.data_type]) for column in table.columns])
        for name, table in read_contract().items()
    }


def typed(name: str, columns: Columns) -> pa.Table:
    """A table of the contract; times are given in seconds, decimals in units of the last digit."""
    units = {pa.timestamp("us"): pa.timestamp("s"), pa.date32(): pa.int32()}
    arrays = []
    for field in schemas()[name]:
        values = columns[field.name]
        values, known = values if isinstance(values, tuple) else (values, None)
        array = values if isinstance(values, pa.Array) else pa.array(values)
        if pa.types.is_decimal(field.type):
            array = array.view(pa.decimal64(18, field.type.scale))
        array = array.cast(units.get(field.type, field.type)).cast(field.type)
        arrays.append(array if known is None else pc.if_else(known, array, None))
    return pa.table(arrays, schema=schemas()[name])


def as_text(table: pa.Table) -> pa.Table:
    """Every column as the text of a CSV file; times to the second."""
    columns = [c.cast("timestamp[s]") if c.type == "timestamp[us]" else c for c in table.columns]
    return pa.table([column.cast(pa.string()) for column in columns], names=table.column_names)


def words(values: Sequence[str | None], codes: np.ndarray) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(codes))


def joined(*parts: str | Values) -> pa.Array:
    texts = [pa.array(p).cast(pa.string()) if isinstance(p, np.ndarray) else p for p in parts]
    return pc.binary_join_element_wise(*texts, "")


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
                writers[name].writerows(zip(*table.to_pydict().values(), strict=True))


def write_parquet(chunks: Iterator[dict[str, pa.Table]], output: Path) -> None:
    with ExitStack() as stack:
        writers = {}
        for name in TABLES:
            writer = pq.ParquetWriter(
                output / f"{name}.parquet", schemas()[name], compression="zstd"
            )
            writers[name] = stack.enter_context(writer)
        for tables in chunks:
            for name, table in tables.items():
                writers[name].write_table(table)
