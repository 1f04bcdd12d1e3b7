"""Look at your tables once, and propose the mapping for the `raw` var.

    uv run scripts/inspect_raw.py data/*.csv
    uv run scripts/inspect_raw.py --schema shop --profiles-dir profiles > raw.yml

Files are tables named by their stem; a schema is asked through dbt, so no driver is needed. The
YAML goes to standard output, or to --output, so that it can be redirected; the words go to
standard error. Names, kinds of type and counts are read out, values of the data never are.
The exit code is 1 where something required is missing or a file cannot be read.
"""

import argparse
import csv
import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from pathlib import Path

import duckdb
import yaml

CONTRACT = Path(__file__).resolve().parents[1] / "models/staging/_sources.yml"
TABLE_NAMES = {
    "customers": ("customer", "user", "client", "account", "member", "contact", "buyer"),
    "orders": ("order", "sale", "invoice", "transaction", "purchase"),
    "sessions": ("session", "visit"),
}
NOISE = {"raw", "tbl", "table", "dim", "fact", "fct", "stg", "src", "dataset", "data", "export"}
CLOSE, SHORTEST_GUESS = 0.9, 8  # so that county is no country, and religion no region
KIND_WORDS = {"date": {"date", "time", "day"}, "number": {"amount", "price", "total"}}
OWN_MODEL = "make a dbt model of one row for each {one}, and name it under `model:`."
NUMBERS = {"text", "whole number", "number"}
FITS = {
    "text": NUMBERS | {"boolean"},
    "date": {"text", "date"},
    "number": NUMBERS,
    "whole number": NUMBERS,
    "boolean": {"text", "boolean", "whole number"},
}
KINDS = {
    r".*(\[|\bstruct\b|\bmap\b)": "other",
    r"u?(tiny|small|big|huge)?int(eger)?\d*$|(decimal|numeric)\(\d+, ?0\)": "whole number",
    r"decimal|numeric|double|real|float": "number",
    r"timestamp|datetime|date": "date",
    r"bool(ean)?$": "boolean",
    r"varchar|char|text|string|uuid|enum": "text",
}
RESERVED = (
    "all|and|any|array|as|asc|both|case|cast|check|collate|column|create|current_date|default|desc|"
    "describe|distinct|do|else|end|except|false|fetch|for|foreign|from|grant|group|having|in|into|"
    "lateral|leading|limit|not|null|offset|on|only|or|order|primary|qualify|references|right|row|"
    "select|show|some|summarize|table|then|to|trailing|true|union|unique|user|using|values|when|"
    "where|window|with"
)


@dataclass(frozen=True)
class Column:
    """A column of the contract."""

    name: str
    kind: str
    required: bool
    aliases: tuple[str, ...]
    families: tuple[str, ...]


@dataclass(frozen=True)
class Entity:
    """A table of the contract."""

    name: str
    required: bool
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class RawTable:
    """A table of the user: the kind of each column by its name, and how SQL reads it."""

    name: str
    columns: dict[str, str]
    relation: str = ""
    path: Path | None = None
    engine: str = "duckdb"


@dataclass(frozen=True)
class Match:
    """A raw column for one of ours; `doubt` says why somebody should look at it."""

    raw: str
    doubt: str = ""


@dataclass
class TableMatch:
    """A raw table for one of ours, with its columns by our names."""

    entity: Entity
    table: RawTable
    columns: dict[str, Match]
    doubt: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    def missing(self, required: bool) -> list[Column]:
        columns = self.entity.columns
        return [c for c in columns if c.required is required and c.name not in self.columns]

    def unused(self) -> list[str]:
        used = {match.raw for match in self.columns.values()}
        return [name for name in self.table.columns if name not in used]

    def sql(self, ours: str) -> str | None:
        """The SQL for our column: quoted where needed, and a key never written as 12.0."""
        if ours not in self.columns:
            return None
        raw = self.columns[ours].raw
        is_fraction = self.table.columns[raw] == "number"
        letters = "A-Za-z" if self.table.engine == "duckdb" else "a-z"
        if not re.fullmatch(f"[{letters}_][{letters}0-9_]*", raw) or re.fullmatch(
            RESERVED, raw, re.IGNORECASE
        ):
            raw = quote(raw)
        if is_fraction and ours.endswith("_id"):
            return f"cast(cast({raw} as bigint) as varchar)"
        return raw


class UnreadableError(Exception):
    """What is wrong with the input, and what to do, in words for the user."""


def kind_of(data_type: str) -> str:
    """The kind of a type of DuckDB or Postgres. An enum's type holds values: never print it."""
    kinds = (kind for pattern, kind in KINDS.items() if re.match(pattern, data_type.lower()))
    return next(kinds, "other")


def squash(name: str) -> str:
    """CustomerID, customer_id and "Customer ID" are one name."""
    return re.sub(r"[\W_]+", "", name.casefold())


def words_of(name: str) -> set[str]:
    """The words of a name in the singular: olist_orders_dataset has olist and order."""
    parts = re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+", name)
    return {part.lower().removesuffix("s") for part in parts} - NOISE


def likeness(column: Column, raw: str, own_words: Iterable[str] = ()) -> float:
    """How alike a raw name is to a column's name and aliases, 0 to 1; short names must be equal."""
    name, best = squash(raw), 0.0
    for known in map(squash, (column.name, *column.aliases)):
        if any(name in (word + known, word + "s" + known) for word in own_words):
            return 1.0
        if min(len(name), len(known)) >= SHORTEST_GUESS:
            best = max(best, SequenceMatcher(None, name, known, autojunk=False).ratio())
    return best


def match_columns(entity: Entity, raw: dict[str, str]) -> dict[str, Match]:
    """By name, then by alias in the contract's order, then by close spelling; each raw name once."""
    by_name: dict[str, list[str]] = {}
    for name, kind in raw.items():
        if kind != "other":
            by_name.setdefault(squash(name), []).append(name)
    found: dict[str, Match] = {}

    def settle(column: Column, candidates: Sequence[str]) -> None:
        if candidates and column.name not in found:
            ranked = sorted(candidates, key=lambda name: raw[name] not in FITS[column.kind])
            doubt = f"or {', '.join(ranked[1:])}?" if ranked[1:] else ""
            if raw[ranked[0]] not in FITS[column.kind]:
                doubt = f"a {raw[ranked[0]]}, but a {column.kind} is expected"
            found[column.name] = Match(ranked[0], doubt)

    for column in entity.columns:
        settle(column, by_name.get(squash(column.name), []))
    exact = {match.raw for match in found.values()}
    for column in entity.columns:
        names = [name for alias in column.aliases for name in by_name.get(squash(alias), [])]
        settle(column, [name for name in names if name not in exact])

    used = {match.raw for match in found.values()}
    own_words = TABLE_NAMES.get(entity.name, ())
    pairs = [
        (likeness(column, name, own_words), column.name, name)
        for column in entity.columns
        if column.name not in found
        for name, kind in raw.items()
        if name not in used and kind in FITS[column.kind]
    ]
    for score, ours, name in sorted(pairs, key=lambda pair: -pair[0]):
        rivals = [p for p in pairs if p[2] == name and p[1] != ours and p[0] > score - 0.05]
        free = ours not in found and name not in {match.raw for match in found.values()}
        if score >= CLOSE and free and not rivals:
            found[ours] = Match(name, "guessed")
    return found


def candidates_for(column: Column, match: TableMatch) -> list[str]:
    """Raw columns that might be a missing one: those of a fitting type, the likest names first."""
    words = KIND_WORDS.get(column.kind, set()).union(*map(words_of, (column.name, *column.aliases)))
    fitting = [n for n in match.unused() if match.table.columns[n] in FITS[column.kind]]
    key = {n: (-len(words_of(n) & words), -likeness(column, n)) for n in fitting}
    return sorted(fitting, key=key.__getitem__)[:5]


def match_tables(
    contract: Sequence[Entity], tables: Sequence[RawTable], chosen: dict[str, str]
) -> dict[str, TableMatch]:
    """The best table for each of ours by name and by how many columns fit; each table once."""
    scored: list[tuple[float, TableMatch]] = []
    for entity in contract:
        for table in tables:
            match = TableMatch(entity, table, match_columns(entity, table.columns))
            if entity.name in chosen:
                if chosen[entity.name] == table.name:
                    scored.append((math.inf, match))
                continue
            words, own_words = words_of(table.name), set(TABLE_NAMES.get(entity.name, ()))
            named = len(words & own_words) / max(len(words), 1)
            named += 0.1 * (entity.name.removesuffix("s") in words)
            required = [column for column in entity.columns if column.required]
            share = 1 - len(match.missing(required=True)) / len(required)
            has_key = entity.columns[0].name in match.columns
            if (named and share) or (has_key and share >= 0.5 and len(match.columns) >= 3):
                match.doubt = "" if named else "guessed by its columns"
                scored.append((named + share + min(len(match.columns), 10) / 20, match))
    result: dict[str, TableMatch] = {}
    for score, match in sorted(scored, key=lambda item: -item[0]):
        taken = {other.table.name for other in result.values()} if score < math.inf else set()
        if match.entity.name not in result and match.table.name not in taken:
            rivals = [
                m.table.name for s, m in scored if m.entity is match.entity and s > score - 0.3
            ]
            rivals = [name for name in rivals if name not in taken | {match.table.name}]
            match.doubt = f"or {', '.join(rivals)}?" if rivals else match.doubt
            result[match.entity.name] = match
    return result


def quote(name: str, mark: str = '"') -> str:
    return mark + name.replace(mark, mark * 2) + mark


def scalar(text: str) -> str:
    return yaml.safe_dump(text, width=10**6, allow_unicode=True).removesuffix("...\n").strip()


def mapping_yaml(
    contract: Sequence[Entity], matches: dict[str, TableMatch], schema: str | None
) -> str:
    """The `raw` var, indented to be pasted under `vars:`; it is a whole YAML document as well."""
    lines = ["  raw:", *([f"    schema: {scalar(schema)}"] if schema else []), "    tables:"]

    def add(line: str, doubt: str = "") -> None:
        doubt = " ".join(doubt.split()) + ("" if doubt.endswith("?") else ", please check")
        lines.append(line + (f"  # {doubt}" if doubt != ", please check" else ""))

    for entity in contract:
        match = matches.get(entity.name)
        if match:
            add(f"      {entity.name}:", match.doubt)
            path = match.table.path
            where = ("file", path.as_posix()) if path else ("identifier", match.table.name)
            add(f"        {where[0]}: {scalar(where[1])}")
            add("        columns:")
        elif entity.required:
            add(f"      {entity.name}: null", "required, no table found")
        for column in entity.columns if match else ():
            if column.name in match.columns:
                sql = scalar(match.sql(column.name))
                add(f"          {column.name}: {sql}", match.columns[column.name].doubt)
            elif column.required:
                names = ", ".join(candidates_for(column, match))
                perhaps = f"required, perhaps {names}?" if names else "required, not found"
                add(f"          {column.name}: null", perhaps)
    return "\n".join(lines) + "\n"


def listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def plural(rows: int) -> str:
    return f"{rows:,} row" + ("s" if rows != 1 else "")


def will_be_unknown(families: Sequence[str]) -> str:
    return f"{listed(families)} will be unknown.".capitalize() if families else "It is optional."


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


def count_notes(match: TableMatch) -> list[str]:
    """What the counts say about keys: order lines, guests, ids made per order, orphans."""
    one, counts = match.entity.name.removesuffix("s"), match.counts
    if not counts or f"{one}_id" not in match.columns:
        return []
    key, rows = match.columns[f"{one}_id"].raw, counts["rows"]
    repeats = counts["keys"] - counts["different_keys"]
    lines = f" If several rows make one {one}, sum them up: {OWN_MODEL.format(one=one)}"
    notes = {
        f"{plural(rows - counts['keys'])} without {key} will be set aside.": counts["keys"] < rows,
        f"{key} repeats in {plural(repeats)}; one row for each is kept."
        + (lines if repeats > rows / 10 else ""): repeats,
    }
    if one == "order" and "customer_id" in match.columns:
        buyer, guests = match.columns["customer_id"].raw, rows - counts["buyers"]
        notes |= {
            f"{plural(guests)} without {buyer}: guest orders.": guests,
            f"No {buyer} has a second row. If it is made anew for each order, nobody can ever look"
            " loyal: map the column that names the person.": counts["different_buyers"]
            == rows
            > 100,
            f"{plural(counts['orphans'])} with a {buyer} that is not among the customers will be set"
            " aside. Do both tables write it in the same way?": counts["orphans"],
        }
    return [note for note, is_said in notes.items() if is_said]


def missing_notes(match: TableMatch, tables: Sequence[RawTable]) -> list[str]:
    """An error for each required column that was not found, and where it could come from."""
    notes, one = [], match.entity.name.removesuffix("s")
    for column in match.missing(required=True):
        names = ", ".join(candidates_for(column, match))
        note = f"ERROR: {column.name} is required and was not found. "
        note += f"Could be: {names}." if names else "No column that is left has a fitting type."
        only = replace(match.entity, columns=(column,))
        found = {t.name: match_columns(only, t.columns) for t in tables if t is not match.table}
        elsewhere = [f"{name}.{m[column.name].raw}" for name, m in found.items() if m]
        if elsewhere:
            note += f" Other tables have {', '.join(elsewhere)}; to join one, {OWN_MODEL.format(one=one)}"
        notes.append(note)
    return notes


def report(
    contract: Sequence[Entity], matches: dict[str, TableMatch], tables: Sequence[RawTable]
) -> list[str]:
    """What fits, what is missing and what that means, in words; ERROR where it cannot be built."""
    lines = []
    mapped = [c for m in matches.values() for c in m.entity.columns if c.name in m.columns]
    alive = {family for column in mapped for family in column.families}
    for entity in contract:
        match = matches.get(entity.name)
        if not match:
            families = sorted({f for c in entity.columns for f in c.families})
            names = ", ".join(table.name for table in tables) or "none"
            error = f"ERROR: it is required. Say which with --table {entity.name}=NAME ({names}),"
            error += f" or if there is none, {OWN_MODEL.format(one=entity.name[:-1])}"
            lines.append(f"{entity.name}: no table found.")
            lines.append(f"  {error if entity.required else will_be_unknown(families)}")
            continue
        where = match.table.path.name if match.table.path else match.table.name
        rows = f", {plural(match.counts['rows'])}" if match.counts else ""
        share = f"{len(match.columns)} of {len(entity.columns)} columns found"
        notes = [f"Please check the table: {match.doubt}"] if match.doubt else []
        notes += missing_notes(match, tables)
        for ours, column in match.columns.items():
            if column.doubt:
                notes.append(f"Please check: {ours} is taken from {column.raw}, {column.doubt}")
            if ours.endswith("_amount") and match.table.columns[column.raw] == "whole number":
                notes.append(f"If {column.raw} counts cents, write {column.raw} / 100.0.")
        missing = match.missing(required=False)
        notes += count_notes(match) + family_effects(missing, alive)
        others = [column.name for column in missing if not column.families]
        notes += [f"Also missing: {listed(others)}."] if others else []
        unused = ", ".join(match.unused())
        notes += [f"Columns of yours not used: {unused}."] if unused else []
        lines += [f"{entity.name}: {where}{rows}. {share}.", *(f"  {note}" for note in notes)]
    unused = {table.name for table in tables} - {match.table.name for match in matches.values()}
    return lines + ([f"Tables not used: {', '.join(sorted(unused))}."] if unused else [])


def counting_sql(matches: dict[str, TableMatch]) -> str:
    """One row of counts for each table; no value of the data is selected."""
    rows = []
    for name, match in matches.items():
        key, buyer = (
            f"cast({match.sql(f'{one}_id') or 'null'} as varchar)"
            for one in (name.removesuffix("s"), "customer")
        )
        orphans = "0"
        if name == "orders" and "customers" in matches:
            customers = matches["customers"]
            orphans = (
                f"(select count(*) from (select {buyer} as id from {match.table.relation}) as b"
                f" left join (select distinct cast({customers.sql('customer_id')} as varchar) as id"
                f" from {customers.table.relation}) as c on b.id = c.id"
                " where b.id is not null and c.id is null)"
            )
        rows.append(
            f"select '{name}' as name, count(*) as a, count({key}) as b, count(distinct {key}) as c,"
            f" count({buyer}) as d, count(distinct {buyer}) as e, {orphans} as f"
            f" from {match.table.relation}"
        )
    return " union all ".join(rows)


COUNTS = ("rows", "keys", "different_keys", "buyers", "different_buyers", "orphans")


def read_contract(path: Path = CONTRACT) -> list[Entity]:
    def meta(node: dict) -> dict:
        return node.get("config", {}).get("meta", {})

    def column_of(column: dict) -> Column:
        aliases, families = (tuple(meta(column).get(key, ())) for key in ("aliases", "families"))
        required = meta(column).get("required", False)
        return Column(column["name"], kind_of(column["data_type"]), required, aliases, families)

    tables = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"][0]["tables"]
    return [
        Entity(t["name"], meta(t).get("required", False), tuple(map(column_of, t["columns"])))
        for t in tables
    ]


def file_sql(path: Path) -> str:
    """Nothing is left to the sniffer, which takes a row that begins with # for a comment."""
    if path.suffix == ".parquet":
        return f"read_parquet({quote(str(path), chr(39))})"
    options = "header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"'"
    options += ", comment = '', skip = 0"
    return f"read_csv({quote(str(path), chr(39))}, {options})"


def read_header(path: Path) -> list[str]:
    """The names in the first line of a CSV file, once encoding and separator are as expected."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"{path.name} is not UTF-8. Save it as 'CSV UTF-8', or convert it:"
            f" iconv -f WINDOWS-1252 -t UTF-8 {path.name} > new.csv"
        ) from error
    separators = [s for s in ";\t|" if len(header) == 1 and s in header[0]]
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    problem = ""
    if separators:
        problem = f"is separated by {separators[0]!r}, not by commas. Save it with commas and"
        problem += " with decimal points, or as Parquet."
    # Without a header the first row would be taken for names, and be printed.
    elif not any(header) or any(re.search(r"@|^[\d\s.,:/+TZ-]+$", name) for name in header):
        problem = "begins with data or nothing. Add a line of names."
    elif repeated:
        problem = f"names {listed(repeated)} twice. Rename one."
    if problem:
        raise UnreadableError(f"{path.name} {problem}")
    return [name for name in header if name]


def read_files(paths: Iterable[Path], project: Path) -> tuple[list[RawTable], list[str]]:
    """The tables of files and folders, and what is wrong with the files that are none."""
    tables: list[RawTable] = []
    problems: list[str] = []
    for path in [f for p in paths for f in (sorted(p.iterdir()) if p.is_dir() else [p])]:
        full = path.resolve()
        shown = full.relative_to(project) if full.is_relative_to(project) else full
        try:
            if path.suffix == ".csv":
                columns = dict.fromkeys(read_header(path), "text")
            elif path.suffix == ".parquet":
                relation = duckdb.sql(f"from {file_sql(full)}")
                kinds = [kind_of(str(data_type)) for data_type in relation.types]
                columns = dict(zip(relation.columns, kinds, strict=True))
            else:
                continue
            if path.stem in {table.name for table in tables}:
                raise UnreadableError(f"There are two tables named {path.stem}. Name one of them.")
            tables.append(RawTable(path.stem, columns, file_sql(full), shown))
        except UnreadableError as error:
            problems.append(str(error))
        except (OSError, duckdb.Error):
            problems.append(f"{path.name} cannot be opened, or is no {path.suffix[1:]} file.")
    return tables, problems


def ask_dbt(sql: str, arguments: Sequence[str]) -> list[tuple]:
    """The rows of a query on the profile's database, through dbt's own connection."""
    from dbt.cli.main import dbtRunner  # takes seconds, and files do not need it

    command = ["show", "--inline", sql, "--limit", "-1", "--log-level", "none"]
    command += ["--log-level-file", "none", *arguments]
    with redirect_stdout(sys.stderr):
        result = dbtRunner().invoke(command)
    if not result.success:
        raise UnreadableError("dbt could not ask the database. Does `dbt debug` connect?")
    return [tuple(row) for row in result.result.results[0].agate_table.rows]


def read_schema(schema: str, arguments: Sequence[str]) -> list[RawTable]:
    rows = ask_dbt(
        "select table_name, column_name, data_type, '{{ target.type }}' as engine"
        f" from information_schema.columns where table_schema = {quote(schema, chr(39))}"
        " and table_catalog = '{{ target.database }}' order by table_name, ordinal_position",
        arguments,
    )
    tables: dict[str, dict[str, str]] = {}
    for table, column, data_type, _ in rows:
        tables.setdefault(str(table), {})[str(column)] = kind_of(data_type)
    if not tables:
        raise UnreadableError(f"The schema {schema} has no tables, or this user may not see them.")
    return [
        RawTable(name, columns, f"{quote(schema)}.{quote(name)}", engine=rows[0][3])
        for name, columns in tables.items()
    ]


def add_counts(matches: dict[str, TableMatch], ask: Callable[[str], list[tuple]]) -> list[str]:
    """Count rows and keys; what went wrong is said without the engine's words, which quote rows."""
    sql = counting_sql(matches)
    try:
        # Braces in a name would be Jinja to dbt.
        for name, *counts in ask(sql) if sql and "{" not in sql else ():
            matches[name].counts = dict(zip(COUNTS, map(int, counts), strict=True))
    except UnreadableError:
        return ["The rows could not be counted."]
    except duckdb.Error as error:
        path = re.search(r'file(?: =)? "?(.+?\.csv)', str(error))
        line = re.search(r"CSV Error on Line: (\d+)", str(error))
        where = (Path(path[1]).name if path else "A file") + (f", line {line[1]}," if line else "")
        return [f"{where} is not UTF-8 or does not fit the header. Nothing was counted."]
    return []


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="*", type=Path, help=".csv or .parquet files, or folders")
    parser.add_argument("--schema", help="a schema of the database of the dbt profile instead")
    parser.add_argument("--table", action="append", default=[], metavar="OURS=YOURS")
    parser.add_argument("--output", type=Path, help="write the YAML here")
    parser.add_argument("--project-dir", type=Path, default=Path.cwd(), help="of dbt_project.yml")
    parser.add_argument("--profiles-dir")
    parser.add_argument("--target")
    options = parser.parse_args(arguments)
    if bool(options.paths) is bool(options.schema):
        parser.error("name files or folders, or else --schema")
    contract = read_contract()
    project = options.project_dir.resolve()
    dbt = ["--project-dir", str(project)]
    dbt += ["--profiles-dir", options.profiles_dir] if options.profiles_dir else []
    dbt += ["--target", options.target] if options.target else []

    problems: list[str] = []
    try:
        if options.schema:
            tables = read_schema(options.schema, dbt)
        else:
            tables, problems = read_files(options.paths, project)
    except UnreadableError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    chosen = dict(choice.partition("=")[::2] for choice in options.table)
    names = [table.name for table in tables]
    if unknown := set(chosen) - {e.name for e in contract} | set(chosen.values()) - set(names):
        parser.error(f"--table: there is no {listed(sorted(unknown))} (tables: {', '.join(names)})")
    matches = match_tables(contract, tables, chosen)

    def ask(sql: str) -> list[tuple]:
        return ask_dbt(sql, dbt) if options.schema else duckdb.sql(sql).fetchall()

    problems += add_counts(matches, ask)
    words = [f"ERROR: {problem}" for problem in problems] + report(contract, matches, tables)
    print("\n".join(words), file=sys.stderr)
    text = mapping_yaml(contract, matches, options.schema)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return int(any(line.lstrip().startswith("ERROR") for line in words))


if __name__ == "__main__":
    sys.exit(main())
