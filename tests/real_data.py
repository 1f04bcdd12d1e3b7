"""What the tests on real data share: the data as they lie there, and cents."""

from collections import Counter
from csv import DictReader
from decimal import ROUND_HALF_UP, Decimal

import duckdb
from conftest import DATA, ROOT, Build

CENT = Decimal("0.01")


def parquet(name: str, sql: str) -> list[tuple]:
    """Rows of a query on one raw file, as `raw`."""
    return duckdb.sql(f"with raw as (from '{DATA / name}.parquet') {sql}").fetchall()


def csv(name: str) -> list[dict[str, str | None]]:
    """The rows of a raw file without any type guessed or cast; empty is null."""
    # Some begin with a byte order mark.
    with (DATA / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = DictReader(file, strict=True)
        return [{column: value or None for column, value in row.items()} for row in rows]


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def staged(build: Build, table: str) -> dict[str | None, int]:
    """How many rows of a raw table were refused, by reason; None are those kept."""
    counts = build.rows(f"select quarantine_reason, count(*) from stg_{table} group by all")
    quarantined = build.rows(
        f"select reason, count(*) from quarantined_rows where source = '{table}' group by all"
    )
    assert {reason: count for reason, count in counts if reason} == dict(quarantined)
    return dict(counts)


def segment_sizes(build: Build, scheme: str) -> Counter[str]:
    """The customers of a scheme by segment, without the segments that nobody is in."""
    return Counter(dict(build.rows(f"select {scheme}, count(*) from customers group by all")))


def readme_segments(example: str) -> list[tuple[str, ...]]:
    """The cells of the table of segments in an example's README, without its head."""
    lines = (ROOT / "examples" / example / "README.md").read_text().splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("|")]
    return [tuple(cell.strip() for cell in row) for row in rows[2:]]
