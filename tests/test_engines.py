"""The same rows on every engine: no tolerance for ids, scores, segments, counts, dates and decimals."""

import os
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from unittest import mock

import generate_data
import pytest
import report
from conftest import (
    EXPECTING_WARNINGS,
    FROZEN,
    GOLDEN,
    GOLDEN_TABLES,
    ROOT,
    WITHOUT_TESTS,
    Build,
    golden_variables,
)
from contract import read_contract
from engines import Duckdb, Postgres, Spark, SparkServer, spark_server
from marts import MARTS, Table, assert_same, canonical, read_table

OTHERS = ("postgres", "spark")
TABLES = ("customers", "orders", "sessions")
INPUTS = tuple(read_contract())
BEHIND = sorted(path.stem for path in ROOT.glob("models/*/*.sql") if path.stem not in MARTS)
PARTITIONED = (
    *("customer_segments", "company_segments", "customer_scores"),
    *("segment_slices", "segment_scorecard"),
)
Engine = Duckdb | Postgres | Spark


@pytest.fixture(scope="module", params=OTHERS)
def engine(request: pytest.FixtureRequest) -> Engine:
    """PostgreSQL and Spark; DuckDB is what they are compared with."""
    return request.getfixturevalue(f"{request.param}_engine")


def mart(engine: Engine, schema: str, name: str, columns: Iterable[str] = "*") -> Table:
    """The table, or these columns: on Spark the one that partitions comes last in the table."""
    return canonical(*engine.query(schema, f"select {', '.join(columns)} from {name}"))


def types(engine: Engine, schema: str, name: str) -> list[tuple[str, str]]:
    """In the order of the table, but for those that Spark partitions."""
    found = engine.types(schema, name)
    return sorted(found) if name in PARTITIONED else found


@pytest.fixture(scope="module")
def golden_elsewhere(engine: Engine) -> Engine:
    """The golden world on another engine, with every data test and unit test."""
    place = engine.load("golden", GOLDEN_TABLES)
    engine.dbt("golden", "build", *EXPECTING_WARNINGS, variables=golden_variables(place))
    engine.place = place
    return engine


@pytest.mark.parametrize("name", MARTS)
def test_every_engine_gives_every_cell_of_the_golden_world(
    golden_elsewhere: Engine, golden: Build, duckdb_engine: Duckdb, name: str
) -> None:
    expected = read_table(GOLDEN / "expected" / f"{name}.csv")
    assert_same(name, expected, mart(golden_elsewhere, "golden", name, expected.columns))
    duckdb_engine.builds["golden"] = golden
    assert types(golden_elsewhere, "golden", name) == types(duckdb_engine, "golden", name)


@pytest.mark.parametrize(
    "name", ["customers", "customer_segments", "prediction_evaluation", "segment_transitions"]
)
def test_every_engine_shows_what_a_column_is(
    golden_elsewhere: Engine, golden: Build, name: str
) -> None:
    """As DuckDB does, where the comments are those of the YAML: tests/test_bi.py."""
    commented = {
        "postgres": "select column_name, col_description(cast(table_name as regclass), ordinal_position)"
        f" from information_schema.columns where table_schema = 'golden' and table_name = '{name}'",
        "spark": f"describe {name}",
    }
    expected = golden.rows(
        f"select column_name, comment from duckdb_columns() where table_name = '{name}'"
    )
    assert all(comment for _, comment in expected)
    _, rows = golden_elsewhere.query("golden", commented[golden_elsewhere.name])
    shown = {column: comment for column, *_, comment in rows if not column.startswith("#")}
    for column, comment in expected:
        if golden_elsewhere.name == "spark" and len(comment) > 255:
            # What a Hive metastore has room for.
            assert len(shown[column]) <= 255
            assert comment.startswith(shown[column].removesuffix(" …"))
        else:
            assert shown[column] == comment


def test_every_engine_gives_the_same_report(
    golden_elsewhere: Engine,
    golden: Build,
    duckdb_engine: Duckdb,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    duckdb_engine.builds["golden"] = golden
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    pages = []
    for engine in (duckdb_engine, golden_elsewhere):
        page = tmp_path / f"{engine.name}.html"
        place = ("--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles"))
        file = ("--database", str(golden.database)) if engine is duckdb_engine else ()
        with mock.patch.dict(os.environ, engine.environment("golden")):
            assert not report.main([*place, *file, "--target", engine.name, "--output", str(page)])
        pages.append(page.read_text())
    assert "champions" in pages[0]
    assert pages[1] == pages[0]


def test_every_engine_replaces_the_segments_of_one_as_of_date_and_forgets_who_is_erased_on_the_others(
    golden_elsewhere: Engine,
) -> None:
    place = golden_elsewhere.place
    earlier = {**golden_variables(place), "as_of_date": "2025-03-31"}
    golden_elsewhere.dbt("golden", "run", "--select", "int_as_of_date+", variables=earlier)

    def segments(where: str, relation: str = "customer_segments") -> Table:
        names = ", ".join(read_table(GOLDEN / "expected/customer_segments.csv").columns)
        query = f"select {names} from {relation} where {where}"
        return canonical(*golden_elsewhere.query("golden", query))

    kept = read_table(GOLDEN / "expected" / "customer_segments.csv")
    assert segments("as_of_date = cast('2025-06-30' as date)") == kept
    replaced = segments("as_of_date = cast('2025-03-31' as date)")
    assert replaced.rows
    assert replaced == segments("1 = 1", "int_customer_segments")
    scores = read_table(GOLDEN / "expected" / "customer_scores.csv")
    for table, columns in (
        ("customer_segments", kept.columns),
        ("customer_scores", scores.columns),
    ):
        as_forgotten = ["'forgotten'" if name == "customer_id" else name for name in columns]
        golden_elsewhere.query(
            "golden",
            f"insert into {table} ({', '.join(columns)}) select {', '.join(as_forgotten)} from {table}"
            " where customer_id = 'window-edges' and as_of_date = cast('2025-06-30' as date)",
        )
        remembered = f"select count(*) from {table} where customer_id = 'forgotten'"
        assert golden_elsewhere.query("golden", remembered)[1] == [(1,)]
    # Once more: nothing doubled, nothing lost.
    both = ("--select", "customer_segments", "customer_scores")
    golden_elsewhere.dbt("golden", "run", *both, variables=earlier)
    assert segments("as_of_date = cast('2025-03-31' as date)") == replaced
    assert segments("as_of_date = cast('2025-06-30' as date)") == kept
    names, rows = golden_elsewhere.query(
        "golden",
        f"select {', '.join(scores.columns)} from customer_scores where as_of_date = cast('2025-06-30' as date)",
    )
    assert canonical(names, rows) == scores


def test_every_engine_prunes_old_days_but_for_the_last_of_each_month(
    golden_elsewhere: Engine,
) -> None:
    def dates(*command: str, as_of: str, **variables: int) -> list[str]:
        variables |= golden_variables(golden_elsewhere.place) | {"as_of_date": as_of}
        golden_elsewhere.dbt("golden", "run", "--select", *command, variables=variables)
        found = golden_elsewhere.query("golden", "select as_of_date from segment_slices")[1]
        return sorted(str(day) for (day,) in found)

    both = ("int_as_of_date", "segment_slices")
    days = ["2025-03-30", "2025-03-31", "2025-06-30"]
    assert dates(*both, as_of=days[1]) == days[1:]
    assert dates(*both, as_of=days[0]) == days
    assert dates("segment_slices", as_of=days[0], daily_slices=93) == days
    assert dates("segment_slices", as_of=days[0], daily_slices=92) == days[1:]


@pytest.fixture(scope="module")
def generated(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> dict[str, Path]:
    """A larger world, with dirt, by `--customers` and `--seed`."""
    folder = tmp_path_factory.mktemp("generated")
    size, seed = (str(pytestconfig.getoption(name)) for name in ("customers", "seed"))
    generate_data.main(["--customers", size, "--seed", seed, "--output", str(folder)])
    return {name: folder / f"sample_{name}.csv" for name in INPUTS}


def build_generated(engine: Engine, generated: dict[str, Path]) -> Engine:
    variables = {
        "raw": {**engine.load("generated", generated), "tables": {name: {} for name in INPUTS}},
        # Clocks go back by an hour in one and by half an hour in the other.
        "source_timezone": "America/New_York",
        "business_timezone": "Australia/Lord_Howe",
        **FROZEN,
    }
    # An earlier slice first, by which the schemes are judged.
    earlier = {**variables, "as_of_date": "2025-09-15"}
    engine.dbt("generated", "build", *WITHOUT_TESTS, variables=earlier)
    engine.dbt("generated", "run", "--select", "int_as_of_date+", variables=variables)
    return engine


@pytest.fixture(scope="module")
def generated_here(duckdb_engine: Duckdb, generated: dict[str, Path]) -> Engine:
    return build_generated(duckdb_engine, generated)


@pytest.fixture(scope="module")
def generated_elsewhere(engine: Engine, generated: dict[str, Path]) -> Engine:
    return build_generated(engine, generated)


@pytest.mark.parametrize("name", MARTS)
def test_every_engine_gives_every_cell_of_a_generated_world(
    generated_here: Engine, generated_elsewhere: Engine, name: str
) -> None:
    expected = mart(generated_here, "generated", name)
    assert expected.rows
    assert_same(name, expected, mart(generated_elsewhere, "generated", name, expected.columns))


@pytest.mark.parametrize("name", BEHIND)
def test_every_engine_gives_every_row_behind_the_marts(
    generated_here: Engine, generated_elsewhere: Engine, name: str
) -> None:
    def rows(engine: Engine, columns: Iterable[str]) -> set[tuple]:
        # Times are in UTC by now; Spark gives days and times as text.
        text = f"select {', '.join(columns)} from {name}"
        found = engine.query("generated", text)[1]
        return {tuple(str(v) if isinstance(v, date) else v for v in row) for row in found}

    columns = [column for column, _ in types(generated_here, "generated", name)]
    # It tells where the raw tables are.
    columns = [column for column in columns if column != "judged_with"]
    expected, found = rows(generated_here, columns), rows(generated_elsewhere, columns)
    assert expected
    assert sorted(map(str, expected - found))[:8] == sorted(map(str, found - expected))[:8] == []


@pytest.mark.parametrize("name", INPUTS)
def test_a_seed_is_loaded_alike_on_every_engine(engine: Engine, sample: Build, name: str) -> None:
    engine.dbt("seeds", "seed", "--select", f"sample_{name}")
    # What dbt itself takes for null while it reads a seed; DuckDB reads the file without it.
    expected = [
        tuple("" if cell.strip().lower() == "null" else cell.strip() and cell for cell in row)
        for row in sample.table(f"sample_{name}").rows
    ]
    assert mart(engine, "seeds", f"sample_{name}").rows == sorted(expected)
    assert {data_type for _, data_type in engine.types("seeds", f"sample_{name}")} == {"text"}


@pytest.fixture(scope="module")
def frozen_sample(duckdb_engine: Duckdb) -> Duckdb:
    duckdb_engine.dbt("frozen_sample", "build", *WITHOUT_TESTS, variables=FROZEN)
    return duckdb_engine


@pytest.mark.usefixtures("has_spark")
@pytest.mark.parametrize(
    ("method", "selected", "marts"),
    [
        ("thrift", (), MARTS),
        # The same server behind another door: a seed and a model show that it opens.
        ("http", ("--select", "sample_companies", "segment_definitions"), ["segment_definitions"]),
    ],
    ids=["thrift", "http"],
)
def test_a_spark_that_is_reached_over_the_network_gives_the_rows_of_the_sample(
    make_build: Callable[..., Build],
    frozen_sample: Duckdb,
    tmp_path: Path,
    method: str,
    selected: tuple[str, ...],
    marts: list[str],
) -> None:
    pytest.importorskip("pyhive")
    with spark_server(tmp_path, over_http=method == "http") as port:
        cluster = SparkServer(make_build, f"spark_{method}", port)
        cluster.dbt("sample", "build", *WITHOUT_TESTS, *selected, variables=FROZEN)
        for name in marts:
            expected = mart(frozen_sample, "frozen_sample", name)
            assert_same(name, expected, mart(cluster, "sample", name, expected.columns))
