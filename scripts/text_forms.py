"""How text says dates and numbers, where it is not as staging reads them: ISO 8601, and digits with a point."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

# In a column of one form some values may be faulty.
NEARLY_ALL = 0.9
NOTHING = "'', 'null', 'n/a', 'nan', 'none', '\\n'"
READ = {
    "date": "regexp_matches({0}, '^\\d{{4}}-\\d\\d-\\d\\d') and try_cast({0} as timestamp) is not null",
    "number": "regexp_full_match({0}, '[+-]?(\\d+[.]?\\d*|[.]\\d+)')",
}
DAYS = (
    *("%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y"),
    *("%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y%m%d", "%d %b %Y", "%b %d, %Y"),
)
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
WITHOUT_SIGNS = "regexp_replace({0}, '[€$£ ]', '', 'g')"
# The pattern of a number by its form, and the SQL that makes it one with a point.
NUMBERS = {
    "1234.56": ("[+-]?\\d+([.]\\d+)?", "{0}"),
    "1.234,56": (
        "[+-]?(\\d{{1,3}}([.]\\d{{3}})+|\\d+)(,\\d+)?",
        "replace(replace({0}, '.', ''), ',', '.')",
    ),
    "1,234.56": (
        "[+-]?(\\d{{1,3}}(,\\d{{3}})+|\\d+)([.]\\d+)?",
        "replace({0}, ',', '')",
    ),
}


@dataclass(frozen=True)
class Form:
    """A way to write values: in words, the SQL that staging reads, and whether it reads a value."""

    words: str
    sql: str
    reads: str


def date_forms(column: str) -> list[Form]:
    forms = []
    for day, time in product(DAYS, TIMES):
        sql = f"try_strptime({column}, '{day}{time}')"
        # A year of four digits takes 24 for the year 24.
        forms.append(Form(day + time, sql, f"{sql} >= timestamp '1900-01-01'"))
    return forms


def number_forms(column: str) -> list[Form]:
    forms = []
    for signs, (words, (pattern, sql)) in product(("{0}", WITHOUT_SIGNS), NUMBERS.items()):
        text = signs.format(column)
        reads = f"regexp_full_match({text}, '{pattern.format()}')"
        sign = "" if signs == "{0}" else "€ "
        forms.append(Form(sign + words, sql.format(text), reads))
    return forms


def find_forms(
    relation: str, column: str, kind: str, ask: Callable[[str], list[tuple]]
) -> tuple[int, list[Form]]:
    """How many values of a text column staging cannot read, and the forms that read the most, nearly all, of them."""
    text = f"trim(cast({column} as varchar))"
    given = f"{text} is not null and lower({text}) not in ({NOTHING})"
    unread = f"not coalesce({READ[kind].format(text)}, false)"
    [(count,)] = ask(f"select count(*) from {relation} where {given} and {unread}")
    if not count:
        return 0, []
    forms = date_forms(column) if kind == "date" else number_forms(column)
    reads = ", ".join(f"count(*) filter (where {form.reads})" for form in forms)
    [(total, strange, *counts)] = ask(
        f"select count(*), count(*) filter (where {unread}), {reads}"
        f" from (select distinct {column} from {relation} where {given})"
    )
    most = max(max(counts), NEARLY_ALL * total)
    if total - strange >= NEARLY_ALL * total:
        return count, []
    but = "" if most >= total else f", all but {total - max(counts)}"
    found = [
        replace(form, words=form.words + but)
        for form, read in zip(forms, counts, strict=True)
        if read >= most
    ]
    # No commas are no sign of either meaning.
    found = [form for form in found if "1234.56" in form.words] or found
    return count, [form for form in found if "€" not in form.words] or found
