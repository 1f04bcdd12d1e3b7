"""Whatever fails, and however: no personal value is in an error, a log, an artifact or on the terminal."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import duckdb
import export
import inspect_raw
import load_csv
import pytest
import run
import yaml
from conftest import ROOT, Build
from test_faults import AS_OF, files_that_tell

CANARY = "kanarienvogel"
HEADER = "order_id,customer_id,email,ordered_at,gross_amount"
LINE = f"{{}},c1,{CANARY}@example.com,2025-06-01 12:00:00,10"
# Past what DuckDB looks at before it decides what a file is.
ROWS = "".join(LINE.format(f"o{number}") + "\n" for number in range(25_000))
GOOD = f"{HEADER}\n{ROWS}".encode()
PERSONAL = ("email", "phone", "first_name", "last_name", "postal_code", "birth_date")
ORDERS = {name: name for name in HEADER.split(",")}

# By kind: what the file of orders holds instead.
FILES: dict[str, bytes] = {
    "too_few_fields": GOOD + f"{CANARY},1\n".encode(),
    "too_many_fields": GOOD + f"{LINE.format('x')},{CANARY}\n".encode(),
    "too_few_fields_on_windows": GOOD.replace(b"\n", b"\r\n") + f"{CANARY},1\r\n".encode(),
    "too_few_fields_at_the_beginning": GOOD.replace(b"\n", f"\n{CANARY},1\n".encode(), 1),
    "a_quote_that_stays_open": GOOD + f'"{CANARY},1,2\n'.encode(),
    "a_quote_within_a_text": GOOD + f'x,"{CANARY}"y",2,2025-06-01,1\n'.encode(),
    "another_delimiter": GOOD.replace(b",", b";"),
    "tabs": GOOD.replace(b",", b"\t"),
    "latin_1": GOOD + f"{CANARY}\xe9{LINE}\n".encode("latin-1"),
    "utf_16": GOOD.decode().encode("utf-16"),
    "no_header": ROWS.encode(),
    "a_header_of_values": f"{CANARY},c1,{CANARY}@example.com,2025-06-01,10\n{ROWS}".encode(),
    "a_renamed_column": GOOD.replace(b"customer_id", b"client", 1),
    "the_same_column_twice": GOOD.replace(b"email", b"order_id", 1),
    "no_bytes": b"",
    "a_null_character_for_a_line": GOOD + f"{CANARY}\0,1\n".encode(),
    "a_text_file_for_a_database": f"{CANARY}\n".encode() * 3,
    "a_line_of_three_megabytes": GOOD + f"{CANARY * 250_000},1,,2025-06-01,1\n".encode(),
    "line_ends_of_old_macs": GOOD.replace(b"\n", b"\r") + f"{CANARY},1\r".encode(),
}
# By kind: what is mapped instead. An own expression is the user's own SQL, up to its casts.
MAPPINGS: dict[str, dict] = {
    "a_column_that_is_not_there": {"columns": ORDERS | {"status": "state"}},
    "an_expression_of_no_column": {"columns": ORDERS | {"status": "upper(state)"}},
    "an_expression_that_is_no_sql": {"columns": ORDERS | {"status": "upper(email"}},
    "a_function_that_is_not_there": {"columns": ORDERS | {"status": "shout(email)"}},
    "types_that_do_not_fit": {"columns": ORDERS | {"item_count": "email + 1"}},
    "a_column_that_the_contract_has_not": {"columns": ORDERS | {"nickname": "email"}},
    "a_required_column_left_out": {"columns": ORDERS | {"gross_amount": None}},
    "an_aggregate": {"columns": ORDERS | {"status": "max(email)"}},
    "a_file_that_is_not_there": {"file": "nowhere.csv"},
    "a_file_of_another_kind": {"file": "{folder}/orders_as_text.parquet"},
    "half_a_file": {"file": "{folder}/half.parquet"},
}
# By kind: vars that are refused, or that the data refuse.
VARS: dict[str, dict] = {
    "a_time_zone_that_is_not_there": {"business_timezone": "Mars/Olympus"},
    "a_day_that_is_not_there": {"as_of_date": "2025-02-30"},
    "an_unknown_map": {"rfm_map": "nobodys"},
    "frozen_in_a_table_that_is_not_there": {"purchase_model": "nobodys"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("canary_raw")
    values = ",".join([CANARY] * len(PERSONAL))
    customers = f"customer_id,{','.join(PERSONAL)}\nc1,{values}\nc2,{values}\n"
    (folder / "customers.csv").write_text(customers)
    (folder / "orders_as_text.parquet").write_bytes(GOOD)
    orders = folder / "whole.parquet"
    (folder / "orders.csv").write_bytes(GOOD)
    duckdb.sql(f"copy (from '{folder}/orders.csv') to '{orders}'")
    (folder / "half.parquet").write_bytes(orders.read_bytes()[: orders.stat().st_size // 2])
    return folder


@pytest.fixture(scope="module")
def build(make_build: Callable[..., Build]) -> Build:
    """One for all kinds, which reads the project once; what it writes is searched after each."""
    return make_build("canary")


def attempt(build: Build, folder: Path, orders: dict | None = None, **variables: str) -> bool:
    """Build from the files as they lie there. Nothing that dbt says or writes tells a person."""
    customers = {"columns": {name: name for name in ("customer_id", *PERSONAL)}}
    tables = {"customers": customers, "orders": {"columns": ORDERS} | (orders or {})}
    raw = {"files": f"{folder}/{{table}}.csv", "tables": tables}
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        whole = build.dbt(
            *("run", "--select", "+int_as_of_date"),
            variables={"raw": raw, "as_of_date": AS_OF} | variables,
        )
    assert CANARY not in str(build.errors) + str(build.warnings) + said.getvalue()
    assert files_that_tell(build.target.parent, CANARY) == []
    return whole


def test_the_files_as_they_should_be_are_built(build: Build, folder: Path) -> None:
    """So that what fails below fails for its own reason."""
    (folder / "orders.csv").write_bytes(GOOD)
    assert attempt(build, folder), build.errors
    assert build.value("select count(*) from int_orders") == 25_000


@pytest.mark.fault(68)
@pytest.mark.parametrize("kind", FILES)
def test_a_broken_file_is_not_told(build: Build, folder: Path, kind: str) -> None:
    (folder / "orders.csv").write_bytes(FILES[kind])
    assert not attempt(build, folder)


@pytest.mark.fault(68)
@pytest.mark.parametrize("kind", MAPPINGS)
def test_a_broken_mapping_tells_no_value(build: Build, folder: Path, kind: str) -> None:
    (folder / "orders.csv").write_bytes(GOOD)
    mapping = yaml.safe_load(yaml.safe_dump(MAPPINGS[kind]).replace("{folder}", str(folder)))
    assert not attempt(build, folder, mapping)


@pytest.mark.fault(68)
@pytest.mark.parametrize("kind", VARS)
def test_a_broken_var_tells_no_value(build: Build, folder: Path, kind: str) -> None:
    (folder / "orders.csv").write_bytes(GOOD)
    assert not attempt(build, folder, **VARS[kind])


@pytest.mark.fault(68)
@pytest.mark.parametrize("kind", FILES)
def test_no_script_tells_what_is_in_a_broken_file(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(FILES[kind])
    database = tmp_path / "orders.duckdb"
    database.write_bytes(FILES[kind])
    monkeypatch.chdir(tmp_path)
    load_csv.main([str(path)])
    inspect_raw.main([str(path)])
    assert export.main(["customers", "--database", str(database)]) == 1
    said = capsys.readouterr()
    assert said.err
    assert CANARY not in said.out + said.err
    listed = tmp_path / "raw" / "rejected_lines.csv"
    assert not listed.exists() or CANARY not in listed.read_text()


@pytest.mark.fault(68)
def test_a_run_that_publishes_nothing_tells_no_value(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "orders.csv").write_bytes(FILES["too_few_fields"])
    raw = {
        "files": f"{folder}/{{table}}.csv",
        "tables": {
            "customers": {"columns": {"customer_id": "customer_id"}},
            "orders": {"columns": ORDERS},
        },
    }
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path / "logs"))
    arguments = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles")]
    arguments += [
        "--published",
        str(tmp_path / "published"),
        "--log-json",
        str(tmp_path / "log.json"),
    ]
    assert run.main([*arguments, "--vars", yaml.safe_dump({"raw": raw})]) == 2
    said = capsys.readouterr()
    assert "SEG-SOURCE" in said.err
    assert CANARY not in said.out + said.err
    assert files_that_tell(tmp_path, CANARY) == []
