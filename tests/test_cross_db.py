"""Each macro of macros/cross_db, run on known values on every engine; what is expected is written by hand."""

import json
import re
from datetime import datetime

import pytest
from conftest import ROOT
from engines import Duckdb
from marts import as_text

CROSS_DB = ROOT / "macros" / "cross_db"
Given = str | tuple[str, str | None]
Cases = dict[str, dict[Given, str]]
# Rows of `given` have the text columns x and y; nothing stands for null.
NUMBERS = "'cast(x as decimal(18, 2))', 'cast(y as decimal(18, 2))'"
COUNTS = "'cast(x as bigint)', 'cast(y as bigint)'"
UTC = {"business_timezone": "UTC", "source_timezone": "UTC"}
AWAY = {"business_timezone": "Europe/Berlin", "source_timezone": "America/New_York"}

IN_UTC: Cases = {
    "{{ cast_or_null('x', 'integer') }}": {
        "5": "5",
        " 7 ": "7",
        "+5": "5",
        "-5": "-5",
        "007": "7",
        "5.": "5",
        "5.0": "5",
        "2147483647": "2147483647",
        "-2147483648": "-2147483648",
        # Beyond an integer, and far beyond.
        "2147483648": "",
        "-2147483649": "",
        "9" * 50: "",
        # What a lax cast takes for a number.
        "5.5": "",
        "1e5": "",
        "0x1F": "",
        "1_000": "",
        "1,000": "",
        "٥": "",
        "": "",
        "-": "",
        "NaN": "",
        "five": "",
        "5\n": "",
        "5\t": "",
        "5\u00a0": "",
    },
    # One more than a float of four bytes can tell.
    "cast(cast(x as {{ double_type() }}) as bigint)": {"16777217": "16777217"},
    "{{ cast_or_null('x', 'decimal(18, 2)') }}": {
        "5": "5.00",
        " 7 ": "7.00",
        ".5": "0.50",
        "5.": "5.00",
        "+5": "5.00",
        "-0.00": "0.00",
        # Half up, away from zero.
        "1.005": "1.01",
        "-1.005": "-1.01",
        "1.0049999": "1.00",
        "1." + "0" * 40: "1.00",
        "0" * 40 + "1": "1.00",
        "9999999999999999.99": "9999999999999999.99",
        "9999999999999999.995": "",
        "99999999999999999": "",
        "1e5": "",
        "0x1F": "",
        "1_000": "",
        "1,5": "",
        "$5": "",
        ".": "",
        "": "",
        "NaN": "",
        "Infinity": "",
        "1.5\n": "",
    },
    "{{ cast_or_null('x', 'boolean') }}": {
        **dict.fromkeys(["true", "T", "yes", "Y", "1", " TRUE "], "true"),
        **dict.fromkeys(["false", "f", "No", "N", "0", " FALSE "], "false"),
        **dict.fromkeys(["", "on", "off", "2", "1.0", "null", "true\n"], ""),
    },
    "{{ cast_or_null('x', 'date') }}": {
        "2025-02-28": "2025-02-28",
        "2024-02-29": "2024-02-29",
        " 2025-06-01 ": "2025-06-01",
        # Export of a date as a time.
        "2025-06-01 00:00:00": "2025-06-01",
        "2025-06-01T23:59:59": "2025-06-01",
        "2025-06-01T23:59:59.9999999": "2025-06-01",
        "2025-06-01T23:59:59-12:00": "2025-06-01",
        "2025-06-01T00:00Z": "2025-06-01",
        "0001-01-01": "0001-01-01",
        "2025-02-29": "",
        "2025-02-30": "",
        "2025-13-01": "",
        "03/04/2025": "",
        "20250601": "",
        "2025-6-1": "",
        "2025-06-01 at noon": "",
        "2025-06-01T": "",
        "2025-06-011": "",
        "0000-00-00": "",
        "0000-01-01": "",
        "2025-06-01\n": "",
    },
    "{{ cast_or_null('x', 'timestamp') }}": {
        "2025-01-01": "2025-01-01 00:00:00",
        " 2025-01-01 ": "2025-01-01 00:00:00",
        "2025-01-01T10:00": "2025-01-01 10:00:00",
        "2025-01-01 10:00:00": "2025-01-01 10:00:00",
        "2025-01-01 10:00:00.5": "2025-01-01 10:00:00.5",
        "2025-01-01T10:00:00Z": "2025-01-01 10:00:00",
        "2025-01-01T10:00:00+02:00": "2025-01-01 08:00:00",
        "2025-01-01T10:00:00+0200": "2025-01-01 08:00:00",
        "2025-01-01T10:00:00+02": "2025-01-01 08:00:00",
        "2025-01-01T10:00-07:30": "2025-01-01 17:30:00",
        "2025-01-01 00:00:00+14:00": "2024-12-31 10:00:00",
        "2025-01-01 00:00-03": "2025-01-01 03:00:00",
        "0001-01-01": "0001-01-01 00:00:00",
        "9999-12-31T00:00:00": "9999-12-31 00:00:00",
        "2024-02-29T23:59:59.999999Z": "2024-02-29 23:59:59.999999",
        # Cut to microseconds, so that no moment comes to lie on the next day.
        "2025-01-01T23:59:59.9999999": "2025-01-01 23:59:59.999999",
        "2025-01-01T23:59:59.9999999Z": "2025-01-01 23:59:59.999999",
        "2025-02-30": "",
        "2025-02-29T10:00:00": "",
        "2025-01-01T25:00:00": "",
        "2025-01-01T24:00:00": "",
        "2025-01-01T10:60:00": "",
        "2025-01-01T23:59:60": "",
        "2025-01-01T10:00:00+02:60": "",
        "2025-01-01T10:00:00+19:00": "",
        "2025-01-01T10:00:00 +02:00": "",
        "2025-01-01T10:00:00 Europe/Berlin": "",
        "2025-01-01t10:00:00": "",
        "2025-01-01T10": "",
        "2025-01-01T": "",
        "2025-01-01 10:00:00\n": "",
        "2025-01-01\n": "",
        "03/04/2025": "",
        "1748736000": "",
        "0000-00-00 00:00:00": "",
        "0000-01-01": "",
        "infinity": "",
        "now": "",
        "today": "",
        "": "",
    },
    # A column that is typed already.
    "{{ cast_or_null('cast(x as date)', 'timestamp') }}": {"2025-06-01": "2025-06-01 00:00:00"},
    "{{ cast_or_null('cast(x as timestamp)', 'timestamp') }}": {
        "2025-06-01 10:00:00": "2025-06-01 10:00:00",
        "2025-06-01 10:00:00.25": "2025-06-01 10:00:00.25",
    },
    "{{ cast_or_null('cast(x as decimal(18, 2))', 'integer') }}": {"5.00": "5"},
    "{{ cast_or_null('cast(x as bigint)', 'decimal(18, 2)') }}": {"5": "5.00"},
    "{{ cast_or_null('cast(x as boolean)', 'boolean') }}": {"true": "true", "false": "false"},
    "{{ clean_text('x') }}": {
        "x": "x",
        " x ": "x",
        "\t\u00a0x\r\n": "x",
        "a\u00a0b  c": "a\u00a0b  c",
        "enough to need no cleaning": "enough to need no cleaning",
        # As long, but not clean at one end.
        **{
            text: "apples"
            for text in ["apples ", " apples", "apples\t", "\napples", "apples\u00a0"]
        },
        **{text: text for text in ["äpfel", "caffè", "~apples", "apples~", "5\u00a0apples"]},
        # The ways to write nothing …
        **dict.fromkeys(["", " ", "\u00a0", "\t\n", "null", "NULL", " Null\u00a0"], ""),
        **dict.fromkeys(["n/a", "N/A", "nan", "NaN", "none", "None", "\\N", "\\n"], ""),
        # … and what only looks like one.
        **{text: text for text in ["NULLs", "nil", "N", "\\\\N", "na", "-", "0", "n/a?", "no ne"]},
        "it's": "it's",
        'say "x"': 'say "x"',
        "back\\slash": "back\\slash",
        "Ärger 本 🎁": "Ärger 本 🎁",
        # Neither is seen, but both are content.
        "\u200b": "\u200b",
        "x\u3000": "x\u3000",
    },
    # By the bytes: capitals, small letters, umlauts, planes.
    "row_number() over (order by {{ text_order('x') }})": {
        "": "1",
        "-z": "2",
        "10": "3",
        "9": "4",
        "B": "5",
        "a": "6",
        "a b": "7",
        "a-c": "8",
        "aa": "9",
        "z": "10",
        "Ä": "11",
        "ä": "12",
        "～": "13",
        "🎁": "14",
    },
    "cast(x as {{ text_type() }})": {"any text, " + "long " * 60: "any text, " + "long " * 60},
    "{{ dbt.cast('x', 'varchar') }}": {"any text, " + "long " * 60: "any text, " + "long " * 60},
    "{{ row_text('given') }}": {
        ("a", None): '{"n":0,"x":"a","y":null}',
        ('quote " and \\', "tab\tline\n"): '{"n":1,"x":"quote \\" and \\\\","y":"tab\\tline\\n"}',
        ("a/b <&>'", "Ä本🎁\u00a0\x7f"): '{"n":2,"x":"a/b <&>\'","y":"Ä本🎁\u00a0\x7f"}',
    },
    "{{ iso_weekday('cast(x as date)') }}": {
        "2025-06-29": "7",
        "2025-06-30": "1",
        "2025-07-05": "6",
        "2024-02-29": "4",
        "1990-01-01": "1",
    },
    "{{ business_time('cast(x as timestamp)') }}": {"2025-06-01 23:59:59": "2025-06-01 23:59:59"},
    f"{{{{ ratio({NUMBERS}, digits=2) }}}}": {
        ("2.01", "2"): "1.01",
        ("-2.01", "2"): "-1.01",
        ("2.00", "2"): "1.00",
        ("1.25", "10"): "0.13",
        ("0.01", "2"): "0.01",
        ("-0.01", "2"): "-0.01",
        ("0.01", "3"): "0.00",
        ("0", "7"): "0.00",
        ("0.07", "0.14"): "0.50",
        ("5", "0"): "",
        ("0", "0"): "",
        ("5", None): "",
        # 1234567890123.455 exactly, which a double holds as ….45496.
        ("2469135780246.91", "2"): "1234567890123.46",
    },
    f"{{{{ ratio({NUMBERS}) }}}}": {
        ("1", "3"): "0.333333",
        ("2", "3"): "0.666667",
        ("-2", "3"): "-0.666667",
        ("1", "2000000"): "0.000001",
        ("1", "2000001"): "0.000000",
        ("10", "15.5"): "0.645161",
        ("9999999999.99", "0.01"): "999999999999.000000",
    },
    f"{{{{ share({COUNTS}) }}}}": {
        ("0", "3"): "0.000000",
        ("1", "3"): "0.333333",
        ("2", "3"): "0.666667",
        ("3", "3"): "1.000000",
        ("1", "2000000"): "0.000001",
        ("1", "2000001"): "0.000000",
        ("1", "0"): "",
        ("1", None): "",
    },
}
IN_AWAY: Cases = {
    # Times without an offset are of New York.
    "{{ cast_or_null('x', 'timestamp') }}": {
        "2025-01-01": "2025-01-01 05:00:00",
        "2025-07-01 00:00": "2025-07-01 04:00:00",
        "2025-07-01T00:00:00Z": "2025-07-01 00:00:00",
        "2025-07-01T00:00:00+02:00": "2025-06-30 22:00:00",
        "2025-03-09 01:59:59": "2025-03-09 06:59:59",
        "2025-03-09 03:00:00": "2025-03-09 07:00:00",
        "2024-11-03 00:59:59": "2024-11-03 04:59:59",
        "2024-11-03 02:00:00": "2024-11-03 07:00:00",
        # The hour that the clock leaves out, and the one that it shows twice.
        "2025-03-09 02:30:00": "2025-03-09 07:30:00",
        "2024-11-03 01:30:00": "2024-11-03 06:30:00",
        "2024-11-03 01:00:00": "2024-11-03 06:00:00",
        "2024-11-03 01:59:59.999999": "2024-11-03 06:59:59.999999",
        "2025-03-09 02:00:00": "2025-03-09 07:00:00",
        # The day before and the day after.
        "2024-11-02 02:00:00": "2024-11-02 06:00:00",
        "2024-11-04 01:30:00": "2024-11-04 06:30:00",
        "2025-03-08 02:30:00": "2025-03-08 07:30:00",
    },
    "{{ cast_or_null('x', 'date') }}": {"2025-06-01": "2025-06-01"},
    "{{ business_time('cast(x as timestamp)') }}": {
        "2025-01-01 22:59:59": "2025-01-01 23:59:59",
        "2025-01-01 23:00:00": "2025-01-02 00:00:00",
        "2025-06-30 21:59:59": "2025-06-30 23:59:59",
        "2025-06-30 22:00:00": "2025-07-01 00:00:00",
        "2025-03-30 00:59:59": "2025-03-30 01:59:59",
        "2025-03-30 01:00:00": "2025-03-30 03:00:00",
        "2025-10-26 00:30:00": "2025-10-26 02:30:00",
        "2025-10-26 01:30:00": "2025-10-26 02:30:00",
    },
}
ZONES = {"utc": (UTC, IN_UTC), "away": (AWAY, IN_AWAY)}


def literal(text: str | None) -> str:
    """A text for Jinja, which writes it for the engine; this is where quotes are escaped."""
    if text is None:
        return "cast(null as {{ text_type() }})"
    return f"{{{{ dbt.string_literal(dbt.escape_single_quotes({text!a})) }}}}"


def plain_time(moment: datetime) -> str:
    """As Spark writes it, without the zeros at the end of a fraction."""
    return str(moment).rstrip("0") if moment.microsecond else str(moment)


def query(expression: str, givens: list[Given]) -> str:
    pairs = [given if isinstance(given, tuple) else (given, None) for given in givens]
    rows = " union all ".join(
        f"select {n} as n, {literal(x)} as x, {literal(y)} as y" for n, (x, y) in enumerate(pairs)
    )
    return f"select n, {expression} as found from ({rows}) as given order by n"


@pytest.fixture(params=["duckdb", "postgres", "spark"], scope="module")
def engine(request: pytest.FixtureRequest) -> Duckdb:
    return request.getfixturevalue(f"{request.param}_engine")


@pytest.mark.fault(48)
@pytest.mark.parametrize("zones", ZONES)
def test_every_macro_gives_what_is_written_here(engine: Duckdb, zones: str) -> None:
    variables, cases = ZONES[zones]
    inline = "\n;;\n".join(query(text, list(values)) for text, values in cases.items())
    build = engine.dbt("macros", "compile", "--inline", inline, variables=variables)
    (result,) = json.loads((build.target / "run_results.json").read_text())["results"]
    wrong = []
    for (text, values), compiled in zip(
        cases.items(), result["compiled_code"].split(";;"), strict=True
    ):
        _, rows = engine.query("macros", compiled)
        for (given, expected), (_, value) in zip(values.items(), rows, strict=True):
            found = plain_time(value) if isinstance(value, datetime) else as_text(value)
            if found != expected:
                wrong.append(f"{text} of {given!r}: expected {expected!r}, found {found!r}")
    assert not wrong, "\n".join(wrong)


def test_every_macro_has_cases() -> None:
    text = "\n".join(expression for _, cases in ZONES.values() for expression in cases)
    # It is in every literal of these queries; the others make, load, read and delete whole tables, in test_engines.py.
    elsewhere = {"spark__escape_single_quotes", "spark__load_csv_rows", "learned"}
    elsewhere |= {"prune_slices", "forget_erased", "spark__alter_column_comment"}
    elsewhere |= {"spark__create_table_as", "spark__get_columns_in_query"}
    names = {path.stem for path in CROSS_DB.glob("*.sql")} - elsewhere
    assert len(names) >= 9
    assert [name for name in names if f"{name.removeprefix('spark__')}(" not in text] == []


def test_a_file_holds_one_dispatched_macro_of_its_name() -> None:
    for path in CROSS_DB.glob("*.sql"):
        text = path.read_text()
        dispatched = re.findall(r"adapter\.dispatch\('(\w+)', 'customer_segmentation'\)", text)
        if path.stem.startswith("spark__"):
            # dbt's own macros, mended.
            assert dispatched == [], path.name
            assert re.search(rf"macro {path.stem}\(", text), path.name
        else:
            assert dispatched == [path.stem], path.name
            assert f"macro default__{path.stem}(" in text, path.name


def test_no_model_and_no_test_asks_which_engine_it_runs_on() -> None:
    asks = re.compile(r"target\.(type|name)|adapter\.")
    paths = [*ROOT.glob("models/**/*.sql"), *ROOT.glob("tests/**/*.sql")]
    assert len(paths) > 15
    assert [path.name for path in paths if asks.search(path.read_text())] == []


def test_only_cross_db_dispatches() -> None:
    others = set(ROOT.glob("macros/**/*.sql")) - set(CROSS_DB.glob("*.sql"))
    asks = re.compile(r"adapter\.dispatch|target\.type|(postgres|spark|duckdb)__")
    assert [path.name for path in others if asks.search(path.read_text())] == []
