"""The marts as canonical text, to be committed, and compared cell by cell across engines."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

# Each mart with its key.
MARTS: dict[str, tuple[str, ...]] = {
    "customer_features": ("customer_id",),
    "rfm_cutpoints": ("metric", "score"),
    "customer_rfm_scores": ("customer_id",),
    "cluster_centroids": ("cluster", "feature"),
    "customer_clusters": ("customer_id",),
    "cluster_profiles": ("cluster",),
    "customer_predictions": ("customer_id",),
    "customer_segments": ("as_of_date", "customer_id"),
    "segment_memberships": ("as_of_date", "customer_id", "scheme"),
    "segment_definitions": ("scheme", "segment"),
    "segment_kpis": ("as_of_date", "scheme", "segment"),
    "segment_scorecard": ("as_of_date", "scheme"),
    "customer_scores": ("as_of_date", "customer_id"),
    "segment_slices": ("as_of_date",),
    "segment_history": ("customer_id", "scheme", "entered_date"),
    "pipeline_health": ("check_name", "subject"),
    "customers": ("customer_id",),
    "company_features": ("company_id",),
    "company_segments": ("company_id",),
    "segment_reasons": ("customer_id", "scheme"),
    # A row may be refused twice for one reason.
    "quarantined_rows": ("source", "row_key_hash", "reason"),
    "erasures": ("customer_id_hash",),
}


class Table(NamedTuple):
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def records(self) -> list[dict[str, str]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def as_text(value: object) -> str:
    """ISO dates, decimals with their full scale; null is the empty text, which nothing else is."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:f}"
    # A double would hide in which digit two engines differ; a timestamp, in which time zone.
    if type(value) not in (int, str, date) or value == "":
        raise TypeError(f"no canonical text for {value!r}")
    return str(value)


def canonical(columns: Iterable[str], rows: Iterable[Sequence[object]]) -> Table:
    return Table(tuple(columns), sorted(tuple(map(as_text, row)) for row in rows))


def read_table(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as file:
        columns, *rows = csv.reader(file)
    return Table(tuple(columns), [tuple(row) for row in rows])


def write_table(path: Path, table: Table) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([table.columns, *table.rows])


def by_key(mart: str, table: Table) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The rows by key; a number tells apart those of the same key."""
    places = [table.columns.index(column) for column in MARTS[mart]]
    seen: Counter[tuple[str, ...]] = Counter()
    rows = {}
    for row in table.rows:
        key = tuple(row[place] for place in places)
        seen[key] += 1
        rows[key if seen[key] == 1 else (*key, str(seen[key]))] = row
    return rows


def assert_same(mart: str, expected: Table, found: Table, shown: int = 8) -> None:
    """Fails with how many cells differ, and the first of them."""
    assert expected.columns == found.columns, mart
    left, right = by_key(mart, expected), by_key(mart, found)
    lines = [
        f"{mart} {key}: {'missing' if key in left else 'not expected'}"
        for key in sorted(left.keys() ^ right.keys())
    ]
    lines += [
        f"{mart} {key} {column}: expected {before!r}, found {after!r}"
        for key in left
        if key in right
        for column, before, after in zip(expected.columns, left[key], right[key], strict=True)
        if before != after
    ]
    assert not lines, f"{len(lines)} cells or rows of {mart} differ:\n" + "\n".join(lines[:shown])
