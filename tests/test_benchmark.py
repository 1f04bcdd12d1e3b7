"""The contenders of the benchmark give the cells of the project, and a difference would be seen."""

from pathlib import Path

import benchmark
import duckdb
import pytest

pytest.importorskip("polars", reason="the benchmark needs uv run --group benchmark pytest")
pytest.importorskip("pandas")

NAMES = list(benchmark.CONTENDER_RUNS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("benchmark")


@pytest.fixture(scope="module")
def measured(folder: Path) -> tuple[dict[str, benchmark.Run], dict[str, int]]:
    return benchmark.benchmark(600, NAMES, 1, folder)


def test_every_contender_gives_the_cells_of_the_project(
    measured: tuple[dict[str, benchmark.Run], dict[str, int]],
) -> None:
    _, differing = measured
    assert differing == dict.fromkeys(
        ("project_new_day", "floor", "polars", "pandas", "lifetimes", "scikit_learn"), 0
    )


def test_the_report_has_a_row_for_each_contender_and_each_goal(
    measured: tuple[dict[str, benchmark.Run], dict[str, int]],
) -> None:
    runs, differing = measured
    text = benchmark.report({600: runs}, {600: differing}, runs["project"], 1)
    for name in NAMES:
        assert f"| {benchmark.DESCRIPTIONS[name]} |" in text
    # Eight goals at one size; growth needs two.
    assert len(benchmark.goals({600: runs})) == 8
    assert all(run.wall > 0 and run.cpu > 0 and run.peak_gb > 0 for run in runs.values())
    project = runs["project"]
    assert 0 < project.models < project.wall


@pytest.mark.usefixtures("measured")
def test_the_day_before_the_new_one_had_other_rows(folder: Path) -> None:
    """Fewer of them, and some that the last load changed."""
    before, after = folder / "before_data_600", folder / "data_600"
    for table, key in (("orders", "order_id"), ("sessions", "session_id")):
        ((fewer, new, changed),) = duckdb.sql(f"""
            select
                count(*) filter (where earlier.{key} is not null),
                count(*) filter (where earlier.{key} is null),
                count(*) filter (where earlier.loaded_at <> later.loaded_at)
            from '{after / table}.parquet' as later
            left join '{before / table}.parquet' as earlier using ({key})
        """).fetchall()
        assert fewer > 50 * new > 0
        assert (changed > 0) == (table == "orders")


@pytest.mark.usefixtures("measured")
def test_one_other_cell_and_an_empty_table_are_differences(folder: Path) -> None:
    results = folder / "results_600"
    with duckdb.connect(str(results / "floor.duckdb")) as connection:
        connection.execute("""
            update customer_features set net_amount = net_amount + 0.01
            where customer_id = (select min(customer_id) from customer_features)
        """)
    # The row as it should be, and the row as it is.
    assert benchmark.differing_rows(results, ["project", "floor"]) == {"floor": 2}
    for name in ("project", "floor"):
        with duckdb.connect(str(results / f"{name}.duckdb")) as connection:
            for table in benchmark.RESULTS:
                connection.execute(f"truncate {table}")
    assert benchmark.differing_rows(results, ["project", "floor"]) == {"floor": 2}
