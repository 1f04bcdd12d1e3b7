"""Bring CSV files into Parquet files of text, so that no line is lost and nothing is guessed.

    uv run scripts/load_csv.py exports/*.csv
    uv run scripts/load_csv.py --delimiter ';' --encoding windows-1252 exports/*.csv

Each file becomes one of the same name in the folder `raw`; all columns are text, in the order of the header. A line that
is no row of the file (too few or too many fields, an open quote, bytes that are not UTF-8) is listed in
`raw/rejected_lines.csv` with its number. The lines of the file are counted apart, and must be those that were loaded or
rejected. The exit code is 1 where a file cannot be loaded, or more of its lines are rejected than --most-rejected
allows; what was loaded of it before then stays. Messages tell names, numbers and reasons, never what a line says.
"""

import argparse
import codecs
import csv
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from raw_tables import UnreadableError, file_sql, quoted, read_header
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

REASONS = {
    "MISSING COLUMNS": "too_few_fields",
    "TOO MANY COLUMNS": "too_many_fields",
    "UNQUOTED VALUE": "open_quote",
    "INVALID ENCODING": "not_utf8",
    "LINE SIZE OVER MAXIMUM": "too_long",
}
# How often a row goes on in another line, and how many of these lines are empty.
INNER_LINES = "len(string_split({0}, chr(10))) - 1"
EMPTY_LINES = (
    "len(list_filter(string_split({0}, chr(10))[2:-2], lambda line: line in ('', chr(13))))"
)


@dataclass
class Lines:
    """What became of the lines of a file after its header."""

    loaded_rows: int
    loaded: int
    rejected_rows: Counter[str]
    rejected: int


def count_lines(path: Path, starts: Sequence[int]) -> tuple[int, int, list[int]]:
    """All lines of a file, those of them that are empty, and the number of the line at each byte."""
    count = empty = position = 0
    numbers, waiting = [], list(starts)
    with path.open("rb") as file:
        for line in file:
            count += 1
            position += len(line)
            if line in (b"\n", b"\r\n"):
                # DuckDB lets a row begin with the empty lines before it.
                empty += 1
                continue
            while waiting and waiting[0] < position:
                numbers.append(count)
                del waiting[0]
    return count, empty, numbers


@contextmanager
def in_utf8(path: Path, encoding: str, folder: Path) -> Iterator[Path]:
    """The file itself, or for a while a copy of the same name in UTF-8."""
    if codecs.lookup(encoding).name == "utf-8":
        yield path
        return
    with TemporaryDirectory(dir=folder) as temporary:
        copy = Path(temporary) / path.name
        try:
            with path.open("rb") as old, copy.open("wb") as new:
                text = codecs.getreader(encoding)(old)
                shutil.copyfileobj(text, codecs.getwriter("utf-8")(new))
        except UnicodeError as error:
            raise UnreadableError(f"{path.name} is not in {encoding}.") from error
        yield copy


def load(
    connection: duckdb.DuckDBPyConnection, path: Path, loaded: Path, delimiter: str
) -> tuple[Lines, list]:
    """Write the rows of a CSV file to a Parquet file; the line numbers and reasons of those that are none."""
    header = read_header(path, errors="replace", delimiter=delimiter)
    if "" in header or any("\N{REPLACEMENT CHARACTER}" in name for name in header):
        raise UnreadableError(
            f"{path.name} has a column without a name, or with one that is not UTF-8. Name it."
        )
    columns = ", ".join(f"{quoted(name, chr(39))}: 'varchar'" for name in header)
    options = f"columns = {{{columns}}}, auto_detect = false, store_rejects = true"
    target = quoted(str(loaded), chr(39))
    connection.execute(
        f"copy (from {file_sql(path, options, delimiter)}) to {target} (format parquet, compression zstd)"
    )
    rejected = connection.execute(
        "select distinct on (line_byte_position) line_byte_position, cast(error_type as varchar)"
        " from reject_errors order by line_byte_position, column_idx"
    ).fetchall()
    connection.execute("drop table reject_errors")
    connection.execute("drop table reject_scans")

    def inside(expression: str) -> str:
        return " + ".join(f"coalesce({expression.format(quoted(name))}, 0)" for name in header)

    rows, inner, empty_inside = connection.execute(
        f"select count(*), coalesce(sum({inside(INNER_LINES)}), 0),"
        f" coalesce(sum({inside(EMPTY_LINES)}), 0) from read_parquet({target})"
    ).fetchone()
    count, empty, numbers = count_lines(path, [position for position, _ in rejected])
    empty -= empty_inside
    reasons = [REASONS.get(error, "unreadable") for _, error in rejected]
    lines = Lines(rows, rows + inner, Counter(reasons), count - 1 - rows - inner - empty)
    if lines.rejected < len(rejected) or (lines.rejected and not rejected):
        raise UnreadableError(
            f"{path.name} has {count - 1:,} lines after its header; {lines.loaded:,} were loaded,"
            f" {len(rejected):,} rejected. Save it with line ends of Windows or Unix, and without"
            " line ends in its header."
        )
    return lines, list(zip(numbers, reasons, strict=True))


def list_rejected(file: Path, table: str, rejected: list) -> None:
    """Replace the lines of one table in the list of all."""
    kept = []
    if file.exists():
        with file.open(encoding="utf-8", newline="") as old:
            kept = [row for row in list(csv.reader(old))[1:] if row[0] != table]
    with file.open("w", encoding="utf-8", newline="") as new:
        writer = csv.writer(new, lineterminator="\n")
        writer.writerow(["table_name", "line_number", "reason"])
        writer.writerows([*kept, *((table, *row) for row in rejected)])


def load_all(options: argparse.Namespace, console: Console) -> int:
    """Load each file; returns how many could not be."""
    failed, folder = 0, options.output
    folder.mkdir(parents=True, exist_ok=True)
    bars = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with duckdb.connect() as connection, Progress(*bars, console=console) as progress:
        for path in options.files:
            task = progress.add_task(path.name, total=100)
            done = threading.Event()

            def watch(done: threading.Event = done, task: int = task) -> None:
                while not done.wait(0.2):
                    progress.update(task, completed=max(connection.query_progress(), 0))

            watcher = threading.Thread(target=watch, daemon=True)
            watcher.start()
            # Whoever reads meanwhile reads the old file, or the new one.
            partial = folder / f"{path.stem}.partial"
            try:
                with in_utf8(path, options.encoding, folder) as file:
                    lines, rejected = load(connection, file, partial, options.delimiter)
                told = f"{len(rejected):,} rows rejected" + "".join(
                    f", {count:,} {reason}" for reason, count in lines.rejected_rows.items()
                )
                if lines.rejected > options.most_rejected * (lines.loaded + lines.rejected):
                    raise UnreadableError(
                        f"{path.name}: {told}, in {lines.rejected:,} of {lines.loaded + lines.rejected:,}"
                        " lines; nothing was loaded. Is a quote left open, the file cut off, or is it not UTF-8"
                        " (--encoding windows-1252)?"
                    )
                list_rejected(folder / "rejected_lines.csv", path.stem, rejected)
                loaded = partial.replace(folder / f"{path.stem}.parquet")
            except (UnreadableError, OSError, duckdb.Error) as error:
                failed += 1
                partial.unlink(missing_ok=True)
                # DuckDB's own message may show a line.
                told = (
                    str(error)
                    if isinstance(error, UnreadableError)
                    else f"{path.name} cannot be opened, or is no CSV file ({type(error).__name__})."
                )
                console.print(f"ERROR: {told}", markup=False)
            else:
                console.print(f"{loaded}: {lines.loaded_rows:,} rows loaded, {told}", markup=False)
            finally:
                done.set()
                watcher.join()
                progress.update(task, completed=100)
    return failed


def delimiter(text: str) -> str:
    r"""One character; a tab is hard to type, so that \t and tab are one."""
    text = {"\\t": "\t", "tab": "\t"}.get(text, text)
    if len(text) != 1 or text in '"\r\n':
        raise argparse.ArgumentTypeError("a delimiter is one character, such as ';' or '\\t'")
    return text


def encoding(text: str) -> str:
    try:
        return codecs.lookup(text).name
    except LookupError as error:
        raise argparse.ArgumentTypeError(
            f"there is no encoding {text}; such are utf-8, windows-1252 and utf-16"
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="CSV files with a header")
    parser.add_argument(
        "--delimiter", type=delimiter, default=",", help="between fields (default: a comma)"
    )
    parser.add_argument(
        "--encoding", type=encoding, default="utf-8", help="of the files (default: utf-8)"
    )
    parser.add_argument("--output", type=Path, default=Path("raw"), help="folder (default: raw)")
    parser.add_argument(
        "--most-rejected",
        type=float,
        default=0.05,
        help="share of the lines of a file (default: 0.05)",
    )
    options = parser.parse_args(arguments)
    console = Console(stderr=True, soft_wrap=True)
    failed = load_all(options, console)
    if not failed:
        console.print(
            f"Next: uv run scripts/inspect_raw.py {options.output}/*.parquet", markup=False
        )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
