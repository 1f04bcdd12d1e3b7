"""CSV files that come in by load_csv: each line is loaded or rejected, with its number, and none is told."""

import csv
import io
import random
from pathlib import Path

import duckdb
import load_csv
import pytest

CANARY = "kanarienvogel"


class Loaded:
    """A folder of CSV files, and one that they are loaded into."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture) -> None:
        self.folder, self.capsys = folder, capsys
        self.output = folder / "raw"
        self.told = ""

    def load(self, *contents: bytes, most_rejected: float = 0.05, how: str = "") -> int:
        """Write orders.csv, orders_2.csv, … and load them; the exit code."""
        paths = []
        for number, content in enumerate(contents, start=1):
            paths.append(self.folder / ("orders.csv" if number == 1 else f"orders_{number}.csv"))
            paths[-1].write_bytes(content)
        options = ["--output", str(self.output), "--most-rejected", str(most_rejected)]
        options += how.split()
        code = load_csv.main([*map(str, paths), *options])
        self.told = self.capsys.readouterr().err
        assert CANARY not in self.told
        return code

    def rows(self, table: str = "orders") -> list[tuple]:
        return duckdb.sql(f"from '{self.output / table}.parquet'").fetchall()

    def rejected(self, table: str = "orders") -> list[tuple[int, str]]:
        with (self.output / "rejected_lines.csv").open() as file:
            rows = list(csv.DictReader(file))
        return [
            (int(row["line_number"]), row["reason"]) for row in rows if row["table_name"] == table
        ]


@pytest.fixture
def loaded(tmp_path: Path, capsys: pytest.CaptureFixture) -> Loaded:
    return Loaded(tmp_path, capsys)


@pytest.mark.fault(8, 9, 11)
def test_what_is_no_row_is_rejected_with_the_number_of_its_line(loaded: Loaded) -> None:
    code = loaded.load(
        b"order_id,note,amount\n"  # line 1
        b"1,plain,2\n"
        b"2,too few\n"
        b'3,"in two\nlines",4,too many\n'
        b'4,"in\n\nthree",6\n'
        b"5,caf\xe9,7\n"
        b'6,"a ""quoted"" word",8\n'
        b"\n"
        b"7,a\x00b,9\n"
        b'8,"closed"too early,1\n'
        b"9,without a line end,2",
        most_rejected=0.9,
    )
    assert code == 0
    assert loaded.rejected() == [
        (3, "too_few_fields"),
        (4, "too_many_fields"),
        (9, "not_utf8"),
        (13, "open_quote"),
    ]
    assert sorted(loaded.rows()) == [
        ("1", "plain", "2"),
        ("4", "in\n\nthree", "6"),
        ("6", 'a "quoted" word', "8"),
        ("7", "a\x00b", "9"),
        ("9", "without a line end", "2"),
    ]
    assert "raw/orders.parquet: 5 rows loaded, 4 rows rejected, 1 too_few_fields" in loaded.told


@pytest.mark.fault(12, 16, 21)
def test_everything_is_text_and_a_mark_and_line_ends_are_no_part_of_it(loaded: Loaded) -> None:
    """Nothing is guessed: no number, no date, no comment, and NULL is a word."""
    assert (
        loaded.load(b"\xef\xbb\xbforder_id,ordered_at,note\r\n007,2025-02-29,NULL\r\n#8,1e400,\r\n")
        == 0
    )
    assert loaded.rows() == [
        ("007", "2025-02-29", "NULL"),
        ("#8", "1e400", None),
    ]


@pytest.mark.fault(9, 14)
def test_a_quote_that_is_left_open_or_a_file_of_faults_loads_nothing(loaded: Loaded) -> None:
    good = b"order_id,note\n" + b"".join(b"%d,x\n" % number for number in range(100))
    assert loaded.load(good) == 0
    before = loaded.rows()
    assert loaded.load(good.replace(b"3,x", b'3,"' + CANARY.encode(), 1)) == 1
    assert "1 open_quote, in 97 of 100 lines" in loaded.told
    assert loaded.load(good + CANARY.encode() + b"\n" + b"y\n" * 6) == 1
    assert loaded.rows() == before
    assert loaded.rejected() == []
    # One in a hundred is rejected, and the rest of the file loaded.
    assert loaded.load(good + CANARY.encode() + b"\n") == 0
    assert loaded.rejected() == [(102, "too_few_fields")]
    assert loaded.rows() == before
    # Loaded again without it, it is no longer listed.
    assert loaded.load(good) == 0
    assert loaded.rejected() == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "begins with data or nothing", marks=pytest.mark.fault(2)),
        pytest.param(b"a;b\n1;2\n", "is separated by ';'", marks=pytest.mark.fault(10)),
        pytest.param(b"a,b,a\n1,2,3\n", "names a twice", marks=pytest.mark.fault(7)),
        (b"a,,c\n1,2,3\n", "has a column without a name"),
        (b"a,caf\xe9\n1,2\n", "not UTF-8"),
        (b"2025-01-01,12\n2025-01-02,13\n", "begins with data"),
        pytest.param("a,b\n1,2\n".encode("utf-16"), "", marks=pytest.mark.fault(11)),
        (b"a,b\r1,2\r3,4\r", "line ends"),
    ],
)
def test_a_file_that_is_no_csv_of_ours_is_refused_in_words(
    loaded: Loaded, content: bytes, message: str
) -> None:
    assert loaded.load(content) == 1
    assert message in loaded.told
    assert "ERROR: orders.csv" in loaded.told
    assert list(loaded.output.iterdir()) == []


def test_a_file_that_fails_keeps_no_other_from_being_loaded(loaded: Loaded) -> None:
    assert loaded.load(b"a;b\n", b"a,b\n1,2\n3\n", most_rejected=0.9) == 1
    assert loaded.rows("orders_2") == [("1", "2")]
    # The list of one table outlives the loading of another.
    assert loaded.load(b"a,b\n1,2\n") == 0
    assert loaded.rejected("orders_2") == [(3, "too_few_fields")]


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
def test_another_delimiter_and_encoding_are_said_and_nothing_is_lost(
    loaded: Loaded, delimiter: str
) -> None:
    text = "Nr;Größe;Betrag\n1;süß, klein;2,50\n2;zu wenig\n".replace(";", delimiter)
    how = {"\t": "--delimiter tab"}.get(delimiter, f"--delimiter {delimiter}")
    how += " --encoding windows-1252"
    assert loaded.load(text.encode("cp1252"), how=how, most_rejected=0.9) == 0
    assert loaded.rows() == [("1", "süß, klein", "2,50")]
    assert loaded.rejected() == [(3, "too_few_fields")]
    assert sorted(path.name for path in loaded.output.iterdir()) == [
        "orders.parquet",
        "rejected_lines.csv",
    ]


def test_what_is_not_in_the_encoding_or_the_delimiter_is_refused(loaded: Loaded) -> None:
    assert loaded.load(b"a,b\n1,caf\x81\n", how="--encoding windows-1252") == 1
    assert "orders.csv is not in cp1252" in loaded.told
    assert loaded.load(b"a,b\n1,2\n", how="--delimiter ;") == 1
    assert "is separated by ','" in loaded.told
    assert list(loaded.output.iterdir()) == []
    for wrong in ("--delimiter ;;", "--encoding klingon"):
        with pytest.raises(SystemExit):
            loaded.load(b"a,b\n1,2\n", how=wrong)


def test_a_header_alone_is_a_table_without_rows(loaded: Loaded) -> None:
    assert loaded.load(b"order_id,note\n") == 0
    assert loaded.rows() == []


@pytest.mark.parametrize("seed", range(40))
def test_the_rows_are_those_of_pythons_reader_and_every_line_is_counted(
    loaded: Loaded, seed: int
) -> None:
    """Files at random, with fields of commas, quotes and line ends, and lines that lack a field or have one more."""
    rng = random.Random(seed)
    pieces = ["a", "é", ",", '"', "\n", "\n\n", "\r\n", " ", "'", "#", "\\", ";", "NULL", ""]
    ends = rng.choice(["\n", "\r\n"])
    rows, faults, lines, text = [], [], 1, "x,y,z" + ends
    for _ in range(rng.randrange(1, 60)):
        row = ["".join(rng.choices(pieces, k=rng.randrange(4))) for _ in range(3)]
        fault = rng.choice([""] * 8 + ["too_few_fields", "too_many_fields", "empty"])
        line = io.StringIO()
        kept = {"too_few_fields": row[:2], "too_many_fields": [*row, "more"]}.get(fault, row)
        csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator=ends).writerow(kept)
        if fault == "empty":
            line = io.StringIO(ends)
        elif fault:
            faults.append((lines + 1, fault))
        else:
            rows.append(tuple(value or None for value in row))
        text += line.getvalue()
        lines += line.getvalue().count("\n")
    assert loaded.load(text.encode(), most_rejected=1) == 0
    found = loaded.rows()
    assert sorted(found, key=str) == sorted(rows, key=str)
    assert loaded.rejected() == faults
