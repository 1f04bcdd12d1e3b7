"""One warm dbt for all tests: builds are made once and shared, since each call costs seconds."""

import csv
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import duckdb
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt_common.events.base_types import EventLevel, EventMsg
from dbt_common.tests import enable_test_caching
from engines import Duckdb, Postgres, Spark, postgres_server
from marts import Table, canonical

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden"
GOLDEN_TABLES = {path.stem: path for path in sorted(GOLDEN.glob("*.csv"))}
DATA = Path(os.environ.get("SEGMENTATION_DATA_PATH", ROOT.parent / "shared" / "data"))


# dbt parses its own macros and ours once, and not in each call.
enable_test_caching()

# What builds seeds and models alone.
WITHOUT_TESTS = ("--exclude-resource-type", "test", "unit_test")
NO_DATA = f"the real data are not at {DATA}; set SEGMENTATION_DATA_PATH"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips", action="store_true", help="fail if a test is skipped for any reason but data"
    )
    parser.addoption(
        "--write-golden", action="store_true", help="write tests/golden/expected/ as DuckDB has it"
    )
    parser.addoption(
        "--customers", type=int, default=2000, help="of the world that the engines are compared on"
    )
    parser.addoption("--seed", type=int, default=7, help="of that world")
    parser.addoption(
        "--worlds", type=int, default=5, help="that are drawn for the oracle in plain Python"
    )
    parser.addoption(
        "--kills", type=int, default=12, help="how often a run that publishes is killed"
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    # One of several processes reports to another, which has them all.
    stats = reporter.stats if reporter else {}
    skipped = [str(report.longrepr) for report in stats.get("skipped", [])]
    if session.config.getoption("--no-skips") and any(NO_DATA not in text for text in skipped):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


# What real data are warned of: reviews whose dates are lost, and a shop whose last weeks are missing.
UNUSUAL = {"olist": {("refused_rows", "feedback"), ("volume", "orders")}}
EXPECTING_WARNINGS = ("--exclude", "nothing_is_unusual")


def copy_of_project(folder: Path) -> Path:
    """One that a test may change."""
    ignored = shutil.ignore_patterns(".*", "target", "examples", "tests")
    return shutil.copytree(ROOT, folder / "copy", ignore=ignored)


class Build:
    """A dbt project with a DuckDB file and a target folder of its own."""

    def __init__(self, folder: Path, project: Path = ROOT) -> None:
        self.project = project
        self.target = folder / "target"
        self.database = folder / "build.duckdb"
        self.profiles = ROOT / "profiles"
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.node_count = 0

    def dbt(self, *arguments: str, variables: dict | None = None, threads: int = 2) -> bool:
        """Run dbt; keep what it says at warning level and above. True if all went well."""
        self.warnings, self.errors = [], []
        os.environ["SEGMENTATION_DUCKDB_PATH"] = str(self.database)
        os.environ["SEGMENTATION_DATA_PATH"] = str(DATA.resolve())
        command = [
            *arguments,
            *("--project-dir", str(self.project), "--profiles-dir", str(self.profiles)),
            *("--log-path", str(self.target / "logs"), "--log-level", "none"),
            *("--vars", yaml.safe_dump(variables or {})),
        ]
        if arguments[0] != "deps":
            command += ["--target-path", str(self.target)]
        if arguments[0] not in ("deps", "parse"):
            command += ["--threads", str(threads)]
        try:
            result = dbtRunner(callbacks=[self._listen]).invoke(command)
        finally:
            # dbt leaves the file open in this process; nobody else could read it.
            DuckDBConnectionManager.close_all_connections()
        if result.exception:
            self.errors.append(str(result.exception))
        self.node_count = len(getattr(result.result, "results", ()))
        return result.success

    def _listen(self, event: EventMsg) -> None:
        if event.info.level == EventLevel.WARN.value:
            self.warnings.append(event.info.msg)
        elif event.info.level == EventLevel.ERROR.value:
            self.errors.append(event.info.msg)

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = duckdb.connect(str(self.database), read_only=True)
        try:
            yield connection
        finally:
            connection.close()

    def rows(self, sql: str) -> list[tuple]:
        with self.connect() as connection:
            return connection.execute(sql).fetchall()

    def table(self, relation: str) -> Table:
        with self.connect() as connection:
            result = connection.execute(f"from {relation}")
            return canonical((name for name, *_ in result.description), result.fetchall())

    def value(self, sql: str) -> object:
        return self.rows(sql)[0][0]


@pytest.fixture(scope="session")
def make_build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Build]:
    """A factory of builds in folders of their own."""
    return lambda name, project=ROOT: Build(tmp_path_factory.mktemp(name), project)


@pytest.fixture(scope="session")
def sample(make_build: Callable[..., Build]) -> Build:
    """The shipped sample, built with all its tests."""
    build = make_build("sample")
    assert build.dbt("build"), build.errors
    SHARED[build] = written(build)
    return build


@pytest.fixture
def sample_in_profile(
    sample: Build, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts find the sample there. They parse into a folder of their own: tests read the sample's manifest."""
    target = tmp_path_factory.mktemp("target")
    shutil.copy(sample.target / "partial_parse.msgpack", target)
    monkeypatch.setenv("SEGMENTATION_DUCKDB_PATH", str(sample.database))
    monkeypatch.setenv("DBT_TARGET_PATH", str(target))


# Builds that the files of tests have in common, and when their files were written.
SHARED: dict[Build, dict[str, int]] = {}


def written(build: Build) -> dict[str, int]:
    """When, in nanoseconds, by file."""
    folder = build.target
    files = (build.database, folder / "manifest.json", folder / "run_results.json")
    return {str(file): file.stat().st_mtime_ns for file in files}


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """For the next file of tests, whichever that is: neither in the environment nor in a shared build."""
    with mock.patch.dict(os.environ):
        yield
    before = dict(SHARED)
    # So that the next file is not blamed for it too.
    SHARED.update({build: written(build) for build in SHARED})
    assert before == SHARED, "A test of this file has written into a shared build."


# Clusters and predictions from what was once learned of the sample: the same on every engine.
FROZEN = {
    "cluster_centroids": "sample_cluster_centroids",
    "purchase_model": "sample_purchase_model",
}


def golden_variables(place: dict[str, str]) -> dict:
    """The vars of the golden world, whose raw tables are at that place; `why` is for the reader."""
    tables = {}
    for table, path in GOLDEN_TABLES.items():
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        tables[table] = {"columns": {name: name for name in header if name != "why"}}
    return {
        "raw": {**place, "tables": tables},
        "as_of_date": "2025-06-30",
        "business_timezone": "Europe/Berlin",
        "source_timezone": "America/New_York",
        # What is fitted is fitted on DuckDB alone, and anew with every change of this world.
        **FROZEN,
    }


@pytest.fixture(scope="session")
def golden(make_build: Callable[..., Build]) -> Build:
    """The golden world on DuckDB, with its data tests; the unit tests are those of the sample."""
    build = make_build("golden")
    variables = golden_variables({"files": f"{GOLDEN}/{{table}}.csv"})
    assert build.dbt("build", "--exclude-resource-type", "unit_test", variables=variables), (
        build.errors
    )
    SHARED[build] = written(build)
    return build


@pytest.fixture(scope="session")
def build_example(make_build: Callable[..., Build]) -> Callable[..., Build]:
    """Installs the package into an example and builds it with its data tests, without a warning."""

    def build(name: str, variables: dict | None = None, unit_tests: bool = False) -> Build:
        example = make_build(name, project=ROOT / "examples" / name)
        assert example.dbt("deps"), example.errors
        but = [] if unit_tests else ["--exclude-resource-type", "unit_test"]
        assert example.dbt("build", *but, *EXPECTING_WARNINGS, variables=variables), example.errors
        assert example.warnings == []
        unusual = "select check_name, subject from pipeline_health where status <> 'ok'"
        assert set(example.rows(unusual)) == UNUSUAL.get(name, set())
        return example

    return build


@pytest.fixture(scope="session")
def duckdb_engine(make_build: Callable[..., Build]) -> Duckdb:
    return Duckdb(make_build)


@pytest.fixture(scope="session")
def postgres_engine(
    make_build: Callable[..., Build], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Postgres]:
    """One server for the whole run."""
    with postgres_server(tmp_path_factory.mktemp("postgres")) as folder:
        engine = Postgres(make_build, folder)
        yield engine
        engine.connection.close()


@pytest.fixture(scope="session")
def has_spark() -> None:
    if not shutil.which("java"):
        pytest.skip("Spark needs Java 17")
    pytest.importorskip("pyspark.sql", reason="Spark needs uv run --extra spark pytest")


@pytest.fixture(scope="session")
def spark_engine(
    has_spark: None, make_build: Callable[..., Build], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Spark]:
    """One session for the whole run, since it is slow to start and there is one in a process."""
    engine = Spark(make_build, tmp_path_factory.mktemp("spark"))
    yield engine
    gateway = engine.session.sparkContext._gateway
    engine.session.stop()
    # Its threads outlive the session, and DuckDB says at exit that they hold on to it.
    gateway.shutdown()
    for thread in threading.enumerate():
        if type(thread).__name__ == "FinalizerWorker":
            thread.join(timeout=30)
