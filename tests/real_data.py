"""What the tests on real data share: the data as they lie there, and cents."""

from decimal import ROUND_HALF_UP, Decimal

import duckdb
from conftest import DATA

CENT = Decimal("0.01")


def parquet(name: str, sql: str) -> list[tuple]:
    """Rows of a query on one raw file, as `raw`."""
    return duckdb.sql(f"with raw as (from '{DATA / name}.parquet') {sql}").fetchall()


def csv(name: str) -> list[dict[str, str | None]]:
    """The rows of a raw file without any dialect guessed or type cast; empty is null."""
    lines = (DATA / "checkout_ab_synthetic" / f"{name}.csv").read_text().splitlines()
    header = lines[0].split(",")
    assert not any('"' in line for line in lines)
    return [
        {column: value or None for column, value in zip(header, line.split(","), strict=True)}
        for line in lines[1:]
    ]


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
