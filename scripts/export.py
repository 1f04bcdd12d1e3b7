"""Write tables as CSV files that are safe to open in a spreadsheet: the same tables, the same bytes.

    uv run scripts/export.py customers segment_kpis

Reads what scripts/run.py published, or another DuckDB file (--database), read-only. Rows are ordered by all columns from
left to right; text is quoted, null is not. A text that a spreadsheet would run as a formula gets an apostrophe before it, and
so does one that begins with an apostrophe: taking one away gives the table back. What holds a direct identifier
of a person, by the input contract, is refused. The exit code is 1 where nothing can be written.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
from contract import read_contract
from raw_tables import UnreadableError, quoted
from rich.progress import track

# What starts a formula, by the list of OWASP ("CSV Injection"), and what is put before it.
ESCAPED = r"^[=+\-@\t\r\n＝＋－＠'']"


def export_sql(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[str, list[str]]:
    """The select of a table with its text escaped, and the columns of text."""
    identifiers = {c.name for table in read_contract().values() for c in table.columns if c.is_pii}
    described = connection.execute(f"describe {quoted(name)}").fetchall()
    if held := [column for column, *_ in described if column in identifiers]:
        raise UnreadableError(f"{name} holds direct identifiers ({', '.join(held)}).")
    texts = [column for column, kind, *_ in described if kind == "VARCHAR"]
    replaced = [
        f"if(regexp_matches({quoted(c)}, '{ESCAPED}'), '''' || {quoted(c)}, {quoted(c)}) as {quoted(c)}"
        for c in texts
    ]
    replacing = f" replace ({', '.join(replaced)})" if replaced else ""
    return f"select *{replacing} from (from {quoted(name)} order by all)", texts


def export(connection: duckdb.DuckDBPyConnection, name: str, folder: Path) -> Path:
    """Write one table, whole or not at all."""
    select, texts = export_sql(connection, name)
    path, unfinished = folder / f"{name}.csv", folder / f"{name}.csv.unfinished"
    forced = f", force_quote ({', '.join(map(quoted, texts))})" if texts else ""
    target = str(unfinished).replace("'", "''")
    connection.execute(f"copy ({select}) to '{target}' (format csv, header{forced})")
    os.replace(unfinished, path)
    return path


def published_file(project: Path) -> Path:
    files = sorted((project / "published").glob("*.duckdb"))
    if len(files) != 1:
        raise UnreadableError(
            f"Nothing is published in {project / 'published'}. Run scripts/run.py, or name a file by --database."
        )
    return files[0]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="+", help="marts, such as customers")
    parser.add_argument("--database", type=Path, help="by default what is published")
    parser.add_argument("--output", type=Path, default=Path("exports"), help="folder")
    options = parser.parse_args(arguments)
    try:
        database = options.database or published_file(Path.cwd())
        options.output.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(database), read_only=True) as connection:
            known = {
                name
                for (name,) in connection.execute(
                    "select table_name from information_schema.tables"
                ).fetchall()
            }
            if unknown := [name for name in options.tables if name not in known]:
                raise UnreadableError(f"{database} has no table {', '.join(unknown)}.")
            for name in track(options.tables, "Export", disable=not sys.stderr.isatty()):
                print(export(connection, name, options.output))
    except (UnreadableError, OSError, duckdb.Error) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
