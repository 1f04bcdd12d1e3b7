"""How figures read, and what is not told of few customers."""

from collections.abc import Sequence

Row = dict[str, object]
NOT_TOLD = "not told"


def words(name: object) -> str:
    return str(name).replace("_", " ")


def told(value: object, kind: str) -> str:
    if value is None:
        return "–"
    if value == NOT_TOLD:
        return NOT_TOLD
    match kind:
        case "count":
            return f"{value:,}"
        case "change":
            return f"{value:+,}".replace("-", "−")
        case "money":
            return f"{value:,.2f}"
        case "share":
            return f"{100 * value:.1f} %"
        case "number":
            return f"{value:,.2f}"
    return str(value) if kind == "date" else words(value)


def plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def hide_small(rows: list[Row], amounts: Sequence[str], smallest: int) -> list[Row]:
    """Rows of fewer customers than `smallest` without their figures, and with them as many of the next larger ones
    as it takes that a difference to the sum of all rows tells of no fewer either."""
    by_size = sorted(
        (row for row in rows if row["customer_count"]), key=lambda r: r["customer_count"]
    )
    hidden: list[Row] = []
    for row in by_size:
        few = 0 < sum(h["customer_count"] for h in hidden) < smallest
        if row["customer_count"] >= smallest and not few:
            break
        hidden.append(row)
    return [
        {**row, **dict.fromkeys(("customer_count", *amounts), NOT_TOLD)} if row in hidden else row
        for row in rows
    ]
