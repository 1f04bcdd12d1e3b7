"""The user's tables as they are: their names and kinds of type, from files or through dbt."""

import argparse
import copy
import csv
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import yaml
from rich.progress import track

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

KINDS = {
    r".*(\[|\bstruct\b|\bmap\b)": "other",
    r"u?(tiny|small|big|huge)?int(eger)?\d*$|(decimal|numeric)\(\d+, ?0\)": "whole number",
    r"decimal|numeric|double|real|float": "number",
    r"timestamp|datetime|date": "date",
    r"bool(ean)?$": "boolean",
    r"varchar|char|text|string|uuid|enum": "text",
}


@dataclass(frozen=True)
class RawTable:
    """A table of the user: the kind of each column by its name, and how SQL reads it."""

    name: str
    columns: dict[str, str]
    relation: str = ""
    path: Path | None = None


class UnreadableError(Exception):
    """What is wrong with the input, and what to do, in words for the user."""


def quoted(name: str, mark: str = '"') -> str:
    return mark + name.replace(mark, mark * 2) + mark


def kind_of(data_type: str) -> str:
    """The kind of a type of DuckDB or Postgres. An enum's type holds values: never print it."""
    kinds = (kind for pattern, kind in KINDS.items() if re.match(pattern, data_type.lower()))
    return next(kinds, "other")


def file_sql(path: Path, columns: str = "all_varchar = true", delimiter: str = ",") -> str:
    """Nothing is left to the sniffer, which takes a row that begins with # for a comment."""
    if path.suffix == ".parquet":
        return f"read_parquet({quoted(str(path), chr(39))})"
    options = f"{columns}, header = true, delim = {quoted(delimiter, chr(39))}"
    options += ", quote = '\"', escape = '\"'"
    return f"read_csv({quoted(str(path), chr(39))}, {options}, comment = '', skip = 0)"


def read_header(path: Path, errors: str = "strict", delimiter: str = ",") -> list[str]:
    """The names in the first line of a CSV file, once encoding and delimiter are as expected."""
    try:
        with path.open(encoding="utf-8-sig", errors=errors, newline="") as file:
            header = next(csv.reader(file, delimiter=delimiter), [])
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"{path.name} is not UTF-8. Save it as 'CSV UTF-8', or bring it in with its encoding:"
            f" uv run scripts/load_csv.py --encoding windows-1252 {path.name}"
        ) from error
    others = [s for s in ",;\t|" if s != delimiter and len(header) == 1 and s in header[0]]
    problem = ""
    if others:
        problem = (
            f"is separated by {others[0]!r}. Bring it in with that:"
            f" uv run scripts/load_csv.py --delimiter {others[0]!r} {path.name}"
        )
    # Without a header the first row would be taken for names, and be printed.
    elif not any(header) or any(re.search(r"@|^[\d\s.,:/+TZ-]+$", name) for name in header):
        problem = "begins with data or nothing. Add a line of names."
    elif repeated := sorted({name for name in header if name and header.count(name) > 1}):
        problem = f"names {', '.join(repeated)} twice. Rename one."
    if problem:
        raise UnreadableError(f"{path.name} {problem}")
    return header


def read_files(paths: Iterable[Path], project: Path) -> tuple[list[RawTable], list[str]]:
    """The tables of files and folders, and what is wrong with the files that are none."""
    tables: dict[str, RawTable] = {}
    problems: list[str] = []
    files = [
        file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])
    ]
    for path in files:
        if path.suffix not in (".csv", ".parquet"):
            continue
        full = path.resolve()
        shown = full.relative_to(project) if full.is_relative_to(project) else full
        try:
            if path.suffix == ".csv":
                columns = dict.fromkeys(filter(None, read_header(path)), "text")
            else:
                relation = duckdb.sql(f"from {file_sql(full)}")
                kinds = [kind_of(str(data_type)) for data_type in relation.types]
                columns = dict(zip(relation.columns, kinds, strict=True))
            if path.stem in tables:
                raise UnreadableError(f"There are two tables named {path.stem}. Name one of them.")
            tables[path.stem] = RawTable(path.stem, columns, file_sql(full), shown)
        except UnreadableError as error:
            problems.append(str(error))
        except (OSError, duckdb.Error):
            problems.append(f"{path.name} cannot be opened, or is no {path.suffix[1:]} file.")
    return list(tables.values()), problems


class TakenError(UnreadableError):
    """Another run is under way, or somebody reads and does not stop."""


def add_dbt_options(parser: argparse.ArgumentParser) -> None:
    """Which project, and how dbt connects."""
    parser.add_argument("--project-dir", type=Path, default=Path.cwd(), help="of dbt_project.yml")
    parser.add_argument("--profiles-dir")
    parser.add_argument("--target")


def read_var(project: Path, name: str) -> object:
    """As dbt finds it for the models of this project, which may be a package of the user's."""
    own, shipped = (
        yaml.safe_load((folder / "dbt_project.yml").read_text(encoding="utf-8")).get("vars") or {}
        for folder in (project, Path(__file__).parent.parent)
    )
    return own.get("customer_segmentation", {}).get(name, own.get(name, shipped[name]))


def dbt_arguments(options: argparse.Namespace) -> list[str]:
    dbt = ["--project-dir", str(options.project_dir.resolve())]
    # Where dbt would find no profile, those that are shipped serve.
    shipped = options.project_dir / "profiles"
    found = (
        options.project_dir / "profiles.yml",
        Path.cwd() / "profiles.yml",
        Path.home() / ".dbt" / "profiles.yml",
    )
    profiles = options.profiles_dir
    if not (profiles or "DBT_PROFILES_DIR" in os.environ or any(map(Path.exists, found))):
        profiles = str(shipped) if shipped.exists() else None
    dbt += ["--profiles-dir", profiles] if profiles else []
    return dbt + (["--target", options.target] if options.target else [])


def run_dbt(
    command: Sequence[str], arguments: Sequence[str], **options: object
) -> "dbtRunnerResult":
    """Run dbt without a word; the options are those of its runner."""
    from dbt.cli.main import dbtRunner  # takes seconds, and files do not need it

    silent = ["--log-level", "none", "--log-level-file", "none"]
    with redirect_stdout(sys.stderr):
        return dbtRunner(**options).invoke([*command, *silent, *arguments])


def copy_of(manifest: "Manifest") -> "Manifest":
    """One for dbt to write into. Its lookups are made anew: dbt's copy puts each of them in the place of the next."""
    copied = copy.deepcopy(manifest)
    copied.fixtures = copy.deepcopy(manifest.fixtures)
    for name in [name for name in vars(copied) if name.endswith("_lookup")]:
        setattr(copied, name, None)
    return copied


def ask_dbt(sql: str, arguments: Sequence[str]) -> list[tuple]:
    """The rows of a query on the profile's database, through dbt's own connection."""
    result = run_dbt(["show", "--inline", sql, "--limit", "-1"], arguments)
    if not result.success:
        raise UnreadableError("dbt could not ask the database. Does `dbt debug` connect?")
    return [tuple(row) for row in result.result.results[0].agate_table.rows]


def ask_duckdb(
    parts: dict[str, str], connection: duckdb.DuckDBPyConnection
) -> dict[str, list[dict]]:
    """The rows of several queries by name, with numbers as they were written."""
    rows = {}
    for name, sql in track(parts.items(), "Read", disable=not sys.stderr.isatty()):
        found = connection.execute(f"select cast(to_json(part) as varchar) from ({sql}) as part")
        rows[name] = [json.loads(content, parse_float=Decimal) for (content,) in found.fetchall()]
    return rows


def ask_parts(parts: dict[str, str], arguments: Sequence[str]) -> dict[str, list[dict]]:
    """The same through dbt, in one question: it needs seconds for each."""
    selects = [
        f"select '{name}' as part, {{{{ customer_segmentation.row_text('found') }}}} as content"
        f" from ({sql}) as found"
        for name, sql in parts.items()
    ]
    rows: dict[str, list[dict]] = {name: [] for name in parts}
    for name, content in ask_dbt(" union all ".join(selects), arguments) if selects else ():
        rows[name].append(json.loads(content, parse_float=Decimal))
    return rows


def render_with_dbt(jinja: str, arguments: Sequence[str]) -> str:
    """The text that dbt makes of Jinja once it has read the project, without a query."""
    inline = f"{{% if execute %}}{jinja}{{% endif %}}"
    result = run_dbt(
        ["compile", "--inline", inline, "--no-introspect", "--no-populate-cache"], arguments
    )
    if not result.success:
        raise UnreadableError(f"dbt could not read the project. {result.exception or ''}".strip())
    return result.result.results[0].node.compiled_code


def read_schema(schema: str, ask: Callable[[str], list[tuple]]) -> list[RawTable]:
    rows = ask(
        "select table_name, column_name, data_type from information_schema.columns"
        f" where table_schema = {quoted(schema, chr(39))}"
        " and table_catalog = '{{ target.database }}' order by table_name, ordinal_position"
    )
    tables: dict[str, dict[str, str]] = {}
    for table, column, data_type in rows:
        tables.setdefault(str(table), {})[str(column)] = kind_of(data_type)
    if not tables:
        raise UnreadableError(f"The schema {schema} has no tables, or this user may not see them.")
    return [RawTable(n, columns, f"{quoted(schema)}.{quoted(n)}") for n, columns in tables.items()]
