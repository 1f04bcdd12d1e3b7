"""Exports: nothing in them runs in a spreadsheet, nothing is lost, and the same input gives the same bytes."""

import csv
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import duckdb
import export
import pytest
import yaml
from conftest import ROOT, WITHOUT_TESTS, Build
from marts import MARTS

STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠"]
RISKY = tuple(set(STARTS) - {"'"})
TEXTS = [
    *(f"{start}cmd|' /C calc'!A0" for start in STARTS),
    *STARTS,
    *("''", "plain", "a=b", "", None, " =1", '"=1"', ";=1", "a,b", "a\nb", "NULL", "-5", "ß"),
]


def exported(folder: Path, database: Path, *tables: str) -> dict[str, bytes]:
    assert export.main([*tables, "--database", str(database), "--output", str(folder)]) == 0
    assert {path.name for path in folder.iterdir()} == {f"{name}.csv" for name in tables}
    return {name: (folder / f"{name}.csv").read_bytes() for name in tables}


@pytest.mark.fault(66)
def test_no_cell_is_a_formula_and_taking_the_apostrophe_away_gives_the_table_back(
    tmp_path: Path,
) -> None:
    database = tmp_path / "texts.duckdb"
    rows = [(number - 5, text, f"={number}") for number, text in enumerate(TEXTS)]
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table texts (number integer, text varchar, other varchar)")
        connection.executemany("insert into texts values (?, ?, ?)", rows)
    content = exported(tmp_path / "out", database, "texts")["texts"].decode()
    plain = list(csv.reader(content.splitlines(keepends=True)))[1:]
    assert len(plain) == len(TEXTS)
    for row in plain:
        assert not [text for text in row[1:] if text.startswith(RISKY)]
    undone = [
        (int(number), text.removeprefix("'"), other.removeprefix("'"))
        for number, text, other in plain
    ]
    assert undone == [(number, text or "", other) for number, text, other in rows]
    # A number below 0 is no formula.
    assert plain[0][0] == "-5"


def test_null_is_not_the_empty_text(tmp_path: Path) -> None:
    database = tmp_path / "nulls.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table nulls as select unnest([null, '']) as text, 1 as number")
    content = exported(tmp_path / "out", database, "nulls")["nulls"]
    assert sorted(content.splitlines()[1:]) == [b'"",1', b",1"]


def test_what_holds_an_identifier_of_a_person_or_is_not_there_is_refused(
    sample: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def refuse(*arguments: str) -> str:
        assert export.main([*arguments, "--output", str(tmp_path / "out")]) == 1
        return capsys.readouterr().err

    database = ("--database", str(sample.database))
    said = refuse("stg_customers", *database)
    assert said.startswith(
        "ERROR: stg_customers holds direct identifiers (email, phone, first_name"
    )
    assert "has no table nobody" in refuse("customers", "nobody", *database)
    assert "does not exist" in refuse("customers", "--database", str(tmp_path / "nothing.duckdb"))
    monkeypatch.chdir(tmp_path)
    assert "Nothing is published" in refuse("customers")
    assert not list((tmp_path / "out").iterdir())


def built_elsewhere(folder: Path, zone: str, threads: int, memory: str, seed: int) -> Path:
    """The sample in a process of its own, on a machine that is set up in another way; the database.

    In 128 MB the widest models do not fit, even one at a time.
    """
    profile = yaml.safe_load((ROOT / "profiles" / "profiles.yml").read_text())
    duckdb_target = profile["customer_segmentation"]["outputs"]["duckdb"]
    duckdb_target["settings"] |= {"threads": threads, "memory_limit": memory}
    duckdb_target["threads"] = threads
    folder.mkdir()
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    environment = {
        "TZ": zone,
        "PYTHONHASHSEED": str(seed),
        "SEGMENTATION_DUCKDB_PATH": str(folder / "build.duckdb"),
    }
    command = [sys.executable, "-m", "dbt.cli.main", "build", *WITHOUT_TESTS]
    command += ["--project-dir", str(ROOT), "--profiles-dir", str(folder)]
    command += ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return folder / "build.duckdb"


@pytest.mark.fault(51)
def test_threads_memory_and_the_time_zone_of_the_machine_change_no_byte(
    sample: Build, tmp_path: Path
) -> None:
    def sums(name: str, database: Path) -> dict[str, str]:
        files = exported(tmp_path / f"{name}_out", database, *MARTS)
        return {mart: sha256(content).hexdigest() for mart, content in files.items()}

    expected = sums("sample", sample.database)
    assert len(set(expected.values())) == len(MARTS)
    small = built_elsewhere(tmp_path / "small", "Pacific/Kiritimati", 1, "192MB", 1)
    assert sums("small", small) == expected
    large = built_elsewhere(tmp_path / "large", "America/St_Johns", 8, "4GB", 2)
    assert sums("large", large) == expected
