"""What the tests on real data share: the data as they lie there, and cents."""

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


def segments(build: Build, scheme: str, grain: str = "customer") -> dict[str, str]:
    """The segment of each customer or company."""
    return dict(build.rows(f"select {grain}_id, {scheme} from {grain}_segments"))


def features(build: Build, columns: str, grain: str = "customer") -> dict[str, tuple]:
    """Some features of each customer or company."""
    rows = build.rows(f"select {grain}_id, {columns} from {grain}_features")
    return {key: tuple(rest) for key, *rest in rows}


def assert_readme_predictions(build: Build, name: str, days: int = 90) -> None:
    """The row of the project's README is what prediction_evaluation says, in bold what is published."""
    lines = (ROOT / "README.md").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"| {name}, {days} |"))
    written = [cell.strip() for cell in line.split("|")[2:-1]]
    found = []
    for score in ("orders", "amount", "churn"):
        ginis = dict(
            build.rows(
                "select predictor, metric_value from prediction_evaluation"
                f" where score = '{score}' and metric = 'gini'"
            )
        )
        if not ginis:
            found.append("everybody ordered")
            continue
        best = build.value(
            f"select min(best_predictor) from prediction_evaluation where score = '{score}'"
        )
        shown = {key: f"{gini:.3f}".replace("0.", ".", 1) for key, gini in ginis.items()}
        shown[best] = f"**{shown[best]}**"
        guess = max(ginis.keys() - {"purchase_model", "blend"}, key=lambda key: ginis[key])
        found.append(
            f"{shown['purchase_model']}, {guess.replace('_', ' ')} {shown[guess]}, {shown['blend']}"
        )
    assert written == found


def assert_unknown_where_input_is_missing(build: Build) -> None:
    """Nobody is put anywhere by an input that is not mapped, but by orders or an empty company."""
    told_by_orders = {"prospect", "customer"}
    for scheme, grain in build.rows(
        "select distinct scheme, grain from segment_definitions where missing_input is not null"
    ):
        for of in ("customer", "company") if grain == "both" else (grain,):
            found = set(segments(build, scheme, of).values())
            assert found <= {"unknown"} | told_by_orders, (scheme, of, found)


def assert_readme_segments(build: Build) -> None:
    """The table in the example's README is what segment_kpis and company_segments say."""
    lines = (build.project / "README.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    head, _, *rows = cells
    assert head == ["scheme", "segment", "customers", "net amount, 365 days"]
    written = {(scheme, segment): (count, amount) for scheme, segment, count, amount in rows}
    assert len(written) == len(rows)
    schemes = ", ".join(f"'{scheme}'" for scheme in {scheme for scheme, _ in written})
    assert written == {
        # Of a few customers no amount is told.
        (scheme, segment): (f"{count:,}", "-" if amount is None else f"{amount:,}")
        for scheme, segment, count, amount in build.rows(
            f"""
            select scheme, segment, customer_count, net_amount_365d from segment_kpis
            where customer_count > 0 and scheme in ({schemes})
            """
        )
    }
