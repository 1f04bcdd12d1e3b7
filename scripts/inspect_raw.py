"""Look at your tables once, and propose the mapping for the `raw` var.

    uv run scripts/inspect_raw.py data/*.csv
    uv run scripts/inspect_raw.py --schema shop --profiles-dir profiles > raw.yml
    uv run scripts/inspect_raw.py raw/*.parquet --table orders=deals --column orders.gross_amount=worth

A table or column that it does not recognise by name is named by --table and --column. Files are tables named by their stem; a schema is asked through dbt, so no driver is needed. The
YAML goes to standard output, or to --output, so that it can be redirected; the words go to
standard error. Names, kinds of type and counts are read out, values of the data never are.
The exit code is 1 where something required is missing or a file cannot be read.
"""

import argparse
import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

import duckdb
import yaml
from contract import Column, Table, read_contract
from raw_tables import (
    RawTable,
    UnreadableError,
    add_dbt_options,
    ask_dbt,
    dbt_arguments,
    kind_of,
    quoted,
    read_files,
    read_schema,
)
from text_forms import find_forms

NOISE = {"raw", "tbl", "table", "dim", "fact", "fct", "stg", "src", "dataset", "data", "export"}
CLOSE, SHORTEST_GUESS = 0.9, 8  # so that county is no country, and religion no region
NO_ORDER = ("cancelled", "canceled", "void", "voided", "failed", "credit_note")
NUMBERS = {"text", "whole number", "number"}
FITS = {
    "text": NUMBERS | {"boolean"},
    "date": {"text", "date"},
    "number": NUMBERS,
    "whole number": NUMBERS,
    "boolean": {"text", "boolean", "whole number"},
}


@dataclass
class Match:
    """A raw table for one of ours; by our column names the raw ones, and why to look at them."""

    ours: Table
    raw: RawTable
    columns: dict[str, str]
    doubts: dict[str, str]
    doubt: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    # By our column names the SQL that reads text in another form, and what to say of text that is not read.
    forms: dict[str, str] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def missing(self) -> list[Column]:
        return [column for column in self.ours.columns if column.name not in self.columns]

    def is_mapped(self) -> bool:
        """An optional table that lacks a required column is left out, and the rest can be built."""
        return self.ours.required or not any(column.required for column in self.missing())

    def unused(self) -> list[str]:
        return [name for name in self.raw.columns if name not in self.columns.values()]

    def sql(self, ours: str) -> str:
        """The SQL for our column: quoted where needed, and a key never written as 12.0."""
        if ours not in self.columns:
            return "null"
        if ours in self.forms:
            return self.forms[ours]
        name = self.columns[ours]
        is_plain = re.fullmatch("[a-z_][a-z0-9_]*", name) and name not in keywords()
        sql = name if is_plain else quoted(name)
        if ours.endswith("_id") and self.raw.columns[name] == "number":
            return f"cast(cast({sql} as bigint) as varchar)"
        return sql


@cache
def keywords() -> set[str]:
    return {name for (name,) in duckdb.sql("select keyword_name from duckdb_keywords()").fetchall()}


def fits(column: Column, kind: str) -> bool:
    return kind in FITS[kind_of(column.data_type)]


def squash(name: str) -> str:
    """CustomerID, customer_id and "Customer ID" are one name."""
    return re.sub(r"[\W_]+", "", name.casefold())


def words_of(*names: str) -> set[str]:
    """The words of names in the singular: olist_orders_dataset has olist and order."""
    parts = re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+", " ".join(names))
    return {part.lower().removesuffix("s") for part in parts} - NOISE


def likeness(column: Column, name: str) -> float:
    known = map(squash, (column.name, *column.aliases))
    return max(SequenceMatcher(None, squash(name), k, autojunk=False).ratio() for k in known)


def score(ours: Table, column: Column, name: str, kind: str) -> tuple[int, float]:
    """How surely a raw column is ours: by name 3, by alias 2, by a guess 1; then, how well."""
    known, squashed = [squash(n) for n in (column.name, *column.aliases)], squash(name)
    if kind == "other":
        return 0, 0
    if squashed in known:
        place = known.index(squashed)
        return 2 if place else 3, fits(column, kind) - place / 100
    if not fits(column, kind):
        return 0, 0
    table_words = "|".join(words_of(ours.name, *ours.aliases))
    if re.fullmatch(f"({table_words})s?({'|'.join(known)})", squashed):
        return 1, 1
    best = likeness(column, name) if len(squashed) >= SHORTEST_GUESS else 0
    return (1, best) if best >= CLOSE else (0, 0)


def match_columns(
    ours: Table, raw: dict[str, str], chosen: dict[str, str] | None = None
) -> tuple[dict[str, str], dict[str, str]]:
    """The raw column for each of ours, the surest first and each once; and what is doubtful."""
    scores = {
        (column.name, name): score(ours, column, name, kind)
        for column in ours.columns
        for name, kind in raw.items()
    }
    chosen = {column: name for column, name in (chosen or {}).items() if name in raw}
    found = dict(chosen)
    for column, name in sorted(scores, key=lambda pair: scores[pair], reverse=True):
        if scores[column, name][0] and column not in found and name not in found.values():
            found[column] = name
    doubts = {}
    for column in ours.columns:
        if (name := found.get(column.name)) and column.name not in chosen:
            level = scores[column.name, name][0]
            rivals = [n for n in raw if scores[column.name, n][0] == level]
            rivals = [n for n in rivals if n not in found.values()]
            if not fits(column, raw[name]):
                kind = kind_of(column.data_type)
                doubts[column.name] = f"a {raw[name]}, but a {kind} is expected"
            elif rivals or level == 1:
                doubts[column.name] = f"or {', '.join(rivals)}?" if rivals else "guessed"
    return found, doubts


def candidates_for(column: Column, match: Match) -> list[str]:
    """Raw columns that might be a missing one: those of a fitting type, the likest names first."""
    fitting = [name for name in match.unused() if fits(column, match.raw.columns[name])]
    return sorted(fitting, key=lambda name: -likeness(column, name))[:5]


def is_named(ours: Table, raw: str) -> float:
    """How much of a raw name says that it is ours; for an optional table it must say all of it."""
    words, names = words_of(raw), (ours.name, *ours.aliases)
    if not ours.required and not any(words_of(name) <= words for name in names):
        return 0
    named = len(words & words_of(*names)) / max(len(words), 1)
    return named + 0.1 * (words_of(ours.name) <= words)


def match_tables(
    contract: dict[str, Table],
    tables: Sequence[RawTable],
    chosen: dict[str, str],
    chosen_columns: dict[str, dict[str, str]] | None = None,
) -> dict[str, Match]:
    """The best table for each of ours by name and by how many columns fit; each table once."""
    scored: list[tuple[float, Match]] = []
    for ours in contract.values():
        for raw in tables:
            columns = (chosen_columns or {}).get(ours.name)
            match = Match(ours, raw, *match_columns(ours, raw.columns, columns))
            required = [column.name in match.columns for column in ours.columns if column.required]
            named = is_named(ours, raw.name)
            share, count = sum(required) / len(required), len(match.columns)
            has_columns = ours.columns[0].name in match.columns and share >= 0.5 and count >= 3
            if ours.name in chosen:
                if chosen[ours.name] == raw.name:
                    scored.append((math.inf, match))
            elif (named and share) or has_columns:
                match.doubt = "" if named else "guessed by its columns"
                scored.append((named + share + min(count, 10) / 20, match))
    result: dict[str, Match] = {}
    for points, match in sorted(scored, key=lambda item: -item[0]):
        taken = {other.raw.name for other in result.values()}
        if match.ours.name not in result and (match.raw.name not in taken or points == math.inf):
            near = [m.raw.name for p, m in scored if m.ours is match.ours and p > points - 0.3]
            rivals = [name for name in near if name not in taken | {match.raw.name}]
            match.doubt = f"or {', '.join(rivals)}?" if rivals else match.doubt
            result[match.ours.name] = match
    return result


def mapping_yaml(contract: dict[str, Table], matches: dict[str, Match], schema: str | None) -> str:
    """The `raw` var, indented to be pasted under `vars:`; it is a whole YAML document as well."""
    lines = ["  raw:"]

    def add(indent: int, key: str, value: str | None, doubt: str = "") -> None:
        text = yaml.safe_dump(value, width=10**6, allow_unicode=True).removesuffix("...\n").strip()
        doubt = " ".join(doubt.split()) + ("" if doubt.endswith("?") else ", please check")
        comment = f"  # {doubt}" if doubt != ", please check" else ""
        lines.append(f"{' ' * indent}{key}:{f' {text}' if value != '' else ''}{comment}")

    if schema:
        add(4, "schema", schema)
    add(4, "tables", "")
    for ours in contract.values():
        match = matches.get(ours.name)
        match = match if match and match.is_mapped() else None
        if match:
            path = match.raw.path
            add(6, ours.name, "", match.doubt)
            add(8, "file" if path else "identifier", path.as_posix() if path else match.raw.name)
            add(8, "columns", "")
        elif ours.required:
            add(6, ours.name, None, "required, no table found")
        for column in ours.columns if match else ():
            if column.name in match.columns:
                add(10, column.name, match.sql(column.name), match.doubts.get(column.name, ""))
            elif column.required:
                names = ", ".join(candidates_for(column, match))
                add(10, column.name, None, f"required, perhaps {names}?" if names else "required")
    return "\n".join(lines) + "\n"


def listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def rows_of(count: int) -> str:
    return f"{count:,} row" + ("s" if count != 1 else "")


def one_of(ours: Table) -> str:
    """What a row of the table is, by its key: a company, not a companie."""
    return ours.columns[0].name.removesuffix("_id").replace("_", " ")


def model_of(ours: Table) -> str:
    return (
        f"make a dbt model of one row for each {one_of(ours)}, and name it under `model:`"
        " (docs/how-to/bring-your-tables.md)."
    )


def family_effects(missing: Sequence[Column], alive: set[str]) -> list[str]:
    """A sentence for each family that missing columns feed; `alive` have other columns left."""
    by_family: dict[str, list[str]] = {}
    for column in missing:
        for family in column.families:
            by_family.setdefault(family, []).append(column.name)
    return [
        f"Missing {listed(names)}: {family} will {'say less' if family in alive else 'be unknown'}."
        for family, names in by_family.items()
    ]


def key_of(ours: Table) -> str:
    """The column that repeats in no row; an exchange rate is known by two."""
    return ours.columns[0].name if ours.columns[0].name.endswith("_id") else ""


def notes_of(match: Match, alive: set[str]) -> list[str]:
    """What somebody should know about a table: what is missing or doubtful, and what was counted."""
    notes = [f"Please check the table: {match.doubt}"] if match.doubt else []
    one, model = one_of(match.ours), model_of(match.ours)
    for column in match.missing():
        if column.required:
            names = ", ".join(candidates_for(column, match))
            place = f"{match.ours.name}.{column.name}"
            hint = (
                f"Say which, with --column {place}=NAME (of {names})."
                if names
                else f"If another table has it, {model}"
            )
            word = "ERROR" if match.ours.required else "Not mapped"
            notes.append(f"{word}: {column.name} is required and was not found. {hint}")
    if not match.is_mapped():
        return notes + family_effects(match.ours.columns, alive)
    for ours, raw in match.columns.items():
        if ours in match.doubts:
            notes.append(f"Please check: {ours} is taken from {raw}, {match.doubts[ours]}")
        if ours.endswith("_amount") and match.raw.columns[raw] == "whole number":
            notes.append(f"If {raw} counts cents, write {raw} / 100.0.")
    key, buyer = match.columns.get(key_of(match.ours), ""), match.columns.get("customer_id", "")
    counts = match.counts if key else {}
    if count := counts.get("without_key"):
        notes.append(f"{rows_of(count)} without {key} will be set aside.")
    if count := counts.get("repeats"):
        many = count > counts["rows"] / 10
        hint = ""
        if many and "order_id" in match.columns and one == "order item":
            line_key = f"{match.sql('order_id')} || '-' || {match.sql('order_item_id')}"
            hint = f" If it numbers the lines of an order, write {line_key}."
        elif many and one in ("customer", "order", "session"):
            hint = f" If several rows make one {one}, sum them up: {model}"
        notes.append(f"{key} repeats in {rows_of(count)}; one row for each is kept.{hint}")
    if one == "order" and counts.get("buyers") == counts.get("rows", 0) > 100:
        notes.append(
            f"No {buyer} has a second row. If it is made anew for each order, nobody can ever look"
            " loyal: map the column that names the person."
        )
    if count := counts.get("orphans"):
        notes.append(
            f"{rows_of(count)} with a {buyer} that is not among the customers will be set aside."
            " Do both tables write it in the same way?"
        )
    notes += match.unread
    missing = [column for column in match.missing() if not column.required]
    others = [column.name for column in missing if not column.families]
    notes += family_effects(missing, alive)
    notes += [f"Also missing: {listed(others)}."] if others else []
    unused = ", ".join(match.unused())
    return notes + ([f"Columns of yours not used: {unused}."] if unused else [])


def report(
    contract: dict[str, Table], matches: dict[str, Match], tables: Sequence[RawTable]
) -> list[str]:
    """What fits, what is missing and what that means, in words; ERROR where it cannot be built."""
    lines = []
    mapped = [match for match in matches.values() if match.is_mapped()]
    found = [c for m in mapped for c in m.ours.columns if c.name in m.columns]
    alive = {family for column in found for family in column.families}
    names = ", ".join(table.name for table in tables) or "none"
    for ours in contract.values():
        if match := matches.get(ours.name):
            where = match.raw.path.name if match.raw.path else match.raw.name
            rows = f", {rows_of(match.counts['rows'])}" if match.counts else ""
            share = f"{len(match.columns)} of {len(ours.columns)} columns found"
            lines.append(f"{ours.name}: {where}{rows}. {share}.")
            notes = notes_of(match, alive)
        else:
            lines.append(f"{ours.name}: no table found.")
            choose = f"say which, with --table {ours.name}=NAME (of {names}); if there is none"
            error = f"ERROR: {choose}, {model_of(ours)}"
            notes = [error] if ours.required else family_effects(ours.columns, alive)
        lines += [f"  {note}" for note in notes]
    unused = {table.name for table in tables} - {match.raw.name for match in matches.values()}
    return lines + ([f"Tables not used: {', '.join(sorted(unused))}."] if unused else [])


def counting_sql(matches: dict[str, Match]) -> str:
    """A row of counts for each table; no value of the data is selected."""
    selects = []
    # Who was merged is no orphan, though the customers may have the account no more.
    known = [matches[name] for name in ("customers", "customer_merges") if name in matches]
    ids = {match.ours.name: f"cast({match.sql('customer_id')} as varchar)" for match in known}
    accounts = " union all ".join(
        f"select {ids[match.ours.name]} from {match.raw.relation}"
        f" where {ids[match.ours.name]} is not null"
        for match in known
        if "customer_id" in match.columns
    )
    for name, match in matches.items():
        key, buyer = (
            f"cast({match.sql(column)} as varchar)"
            for column in (key_of(match.ours), "customer_id")
        )
        orphans = "0"
        if name not in ids and "customer_id" in match.columns and "customers" in ids:
            orphans = f"count(case when {buyer} not in ({accounts}) then {buyer} end)"
        selects.append(
            f"select '{name}' as name, count(*) as row_count, count(*) - count({key}) as keyless,"
            f" count({key}) - count(distinct {key}) as repeats, count(distinct {buyer}) as buyers,"
            f" {orphans} as orphans from {match.raw.relation}"
        )
    return " union all ".join(selects)


def add_counts(matches: dict[str, Match], ask: Callable[[str], list[tuple]]) -> list[str]:
    """Count rows and keys; what went wrong is said without the engine's words, which quote rows."""
    sql = counting_sql(matches)
    try:
        # Braces in a name would be Jinja to dbt.
        for name, *counts in ask(sql) if sql and "{" not in sql else ():
            names = ("rows", "without_key", "repeats", "buyers", "orphans")
            matches[name].counts = dict(zip(names, map(int, counts), strict=True))
    except UnreadableError:
        return ["The rows could not be counted."]
    except duckdb.Error as error:
        path = re.search(r'file(?: =)? "?(.+?\.csv)', str(error))
        line = re.search(r"CSV Error on Line: (\d+)", str(error))
        where = (Path(path[1]).name if path else "A file") + (f", line {line[1]}," if line else "")
        return [f"{where} is not UTF-8 or does not fit the header. Nothing was counted."]
    return []


def statuses_of(match: Match, ask: Callable[[str], list[tuple]]) -> str:
    """How many statuses mean something here: in another language, none of them does."""
    status = f"lower(trim(cast({match.sql('status')} as varchar)))"
    [(known, count)] = ask(
        f"select count(distinct {status}) filter (where {status} in {NO_ORDER}),"
        f" count(distinct {status}) from {match.raw.relation}"
    )
    return (
        f"{known} of the {count} values of {match.columns['status']} mean a cancellation or credit note;"
        " the others count as orders."
    )


def add_forms(match: Match, ask: Callable[[str], list[tuple]]) -> None:
    """Read text in the form that it has, where one form reads all of it; else say what cannot be read."""
    kinds = {column.name: kind_of(column.data_type) for column in match.ours.columns}
    for ours, raw in match.columns.items():
        if ours == "status" and match.ours.name == "orders":
            match.unread.append(statuses_of(match, ask))
        kind = kinds[ours].removeprefix("whole ")
        if kind not in ("date", "number") or match.raw.columns[raw] != "text":
            continue
        count, forms = find_forms(match.raw.relation, match.sql(ours), kind, ask)
        if len(forms) == 1:
            match.forms[ours] = forms[0].sql
            match.doubts[ours] = f"read as {forms[0].words}"
        elif forms:
            ways = " or as ".join(form.words for form in forms)
            match.unread.append(
                f"ERROR: {ours}: {raw} can be read as {ways}. Choose, and write such as: {forms[0].sql}"
            )
        elif count:
            match.unread.append(f"{rows_of(count)} of {raw} cannot be read as a {kind}.")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="*", type=Path, help=".csv or .parquet files, or folders")
    parser.add_argument("--schema", help="a schema of the database of the dbt profile instead")
    parser.add_argument("--table", action="append", default=[], metavar="OURS=YOURS")
    parser.add_argument("--column", action="append", default=[], metavar="TABLE.OURS=YOURS")
    parser.add_argument("--output", type=Path, help="write the YAML here")
    add_dbt_options(parser)
    options = parser.parse_args(arguments)
    if bool(options.paths) is bool(options.schema):
        parser.error("name files or folders, or else --schema")
    contract, project = read_contract(), options.project_dir.resolve()

    def ask(sql: str) -> list[tuple]:
        return (
            ask_dbt(sql, dbt_arguments(options)) if options.schema else duckdb.sql(sql).fetchall()
        )

    try:
        if options.schema:
            tables, problems = read_schema(options.schema, ask), []
        else:
            tables, problems = read_files(options.paths, project)
    except UnreadableError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    chosen = dict(choice.partition("=")[::2] for choice in options.table)
    names = [table.name for table in tables]
    if unknown := set(chosen) - set(contract) | set(chosen.values()) - set(names):
        parser.error(f"--table: there is no {listed(sorted(unknown))} (tables: {', '.join(names)})")
    columns: dict[str, dict[str, str]] = {}
    for choice in options.column:
        place, _, yours = choice.partition("=")
        table, _, ours = place.partition(".")
        if table not in contract or ours not in {c.name for c in contract[table].columns}:
            parser.error(f"--column: the input contract has no {place}")
        if not any(yours in raw.columns for raw in tables):
            parser.error(f"--column: no table has a column {yours}")
        columns.setdefault(table, {})[ours] = yours
    matches = match_tables(contract, tables, chosen, columns)
    if options.paths:
        for match in matches.values():
            # What cannot be read at all is said below.
            with suppress(duckdb.Error):
                add_forms(match, ask)
    problems += add_counts(matches, ask)
    words = [f"ERROR: {problem}" for problem in problems] + report(contract, matches, tables)
    print("\n".join(words), file=sys.stderr)
    text = mapping_yaml(contract, matches, options.schema)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text.rstrip())
    if any(line.lstrip().startswith("ERROR") for line in words):
        return 1
    print("Next: put this in the place of `raw: sample` in dbt_project.yml.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
