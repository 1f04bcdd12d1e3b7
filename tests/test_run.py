"""Publishing: whatever stops a run, and whenever, the live file is one whole generation, and the next run heals."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from textwrap import dedent

import duckdb
import pytest
import run
import yaml
from conftest import ROOT, Build

# A project of the same form that is built in a second.
SMALL = {
    "dbt_project.yml": """
        name: customer_segmentation
        version: 0.1.0
        profile: customer_segmentation
        flags: {send_anonymous_usage_stats: false}
        models: {customer_segmentation: {marts: {+access: public, +materialized: table}}}
    """,
    "models/int_as_of_date.sql": "select cast('{{ var(\"as_of_date\") }}' as date) as as_of_date",
    "models/stg_erased_keys.sql": 'select md5(\'{{ var("erased", "") }}\') as customer_id_hash',
    "models/marts/customers.sql": """
        select range as customer_id, as_of_date
        from range({{ var('customer_count', 1000) }}) cross join {{ ref('int_as_of_date') }}
    """,
    "models/marts/customer_segments.sql": """
        {{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='as_of_date') }}
        select as_of_date, customer_id, repeat('x', customer_id % 9) as segment from {{ ref('customers') }}
    """,
    "models/marts/segment_history.sql": """
        {{ config(materialized='view') }}
        select as_of_date, count(*) as customer_count from {{ ref('customer_segments') }} group by all
    """,
    "models/marts/quarantined_rows.sql": """
        {{ config(materialized='view') }}
        select reason from read_csv('{{ var("raw") }}')
    """,
    "tests/there_are_enough_customers.sql": "select 1 from {{ ref('customers') }} having count(*) < 10",
    "tests/there_are_not_too_many.sql": """
        {{ config(severity='warn') }}
        select 1 from {{ ref('customers') }} having count(*) between 1500 and 1600
    """,
}
TODAY = date(2025, 6, 1)
LIVE = "customer_segmentation.duckdb"


def write_project(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return folder / "project"


class Shop:
    """A project, the folder that it is published to, and a day that passes with each run."""

    def __init__(self, folder: Path, project: Path, variables: dict) -> None:
        self.folder, self.project, self.variables = folder, project, variables
        self.published = folder / "published"
        self.live = self.published / LIVE
        self.log = folder / "log.json"
        self.day: date | None = TODAY
        self.environment = {
            "DBT_TARGET_PATH": str(folder / "target"),
            "SEGMENTATION_DUCKDB_PATH": str(folder / "never_written.duckdb"),
            "SEGMENTATION_DUCKDB_MEMORY": "2GB",
        }

    def arguments(self, *arguments: str, **variables: object) -> list[str]:
        known = self.variables | ({"as_of_date": str(self.day)} if self.day else {}) | variables
        return [
            *("--project-dir", str(self.project), "--profiles-dir", str(ROOT / "profiles")),
            *("--published", str(self.published), "--log-json", str(self.log)),
            *("--vars", yaml.safe_dump(known), *arguments),
        ]

    def run(self, *arguments: str, **variables: object) -> int:
        """In this process."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            return run.main(self.arguments(*arguments, **variables))

    def next_day(self, *arguments: str, **variables: object) -> dict:
        """A run that is published; its manifest."""
        self.day += timedelta(days=1)
        assert self.run(*arguments, **variables) == 0
        return self.whole()

    def start(
        self, *arguments: str, limit: int | str = "unlimited", **variables: object
    ) -> subprocess.Popen:
        """In a process of its own, whose files may be limited to so many KiB."""
        self.log.unlink(missing_ok=True)
        script = [sys.executable, ROOT / "scripts" / "run.py"]
        return subprocess.Popen(
            [
                "bash",
                "-c",
                f'ulimit -f {limit}; exec "$@"',
                "bash",
                *script,
                *self.arguments(*arguments, **variables),
            ],
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def events(self) -> list[dict]:
        with suppress(FileNotFoundError):
            return [json.loads(line) for line in self.log.read_text().splitlines(keepends=False)]
        return []

    def wait_for(self, process: subprocess.Popen, line_count: int) -> None:
        while process.poll() is None and (
            not self.log.exists() or self.log.read_text().count("\n") < line_count
        ):
            time.sleep(0.002)

    def rows(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.live), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def whole(self) -> dict:
        """The manifest of the live file, which all its marts agree with."""
        found = [
            json.loads(path.read_text())
            for path in self.published.glob("generations/*/run_manifest.json")
            if path.with_name(LIVE).samefile(self.live)
        ]
        assert len(found) == 1
        told = "select generation, cast(as_of_date as varchar), cast(started_at as varchar) from run_manifest"
        ((generation, day, _),) = self.rows(told)
        assert (generation, day) == (found[0]["generation"], found[0]["as_of_date"])
        for mart in found[0]["marts"]:
            if mart["sha256"]:
                sums = self.rows(run.SUMMED.format(relation=mart["name"]))
                assert sums == [(mart["row_count"], mart["sha256"])], mart
            else:
                self.rows(f"select count(*) from {mart['name']}")
        return found[0]

    def days(self) -> list[date]:
        return [
            day
            for (day,) in self.rows("select distinct as_of_date from customer_segments order by 1")
        ]

    def generations(self) -> list[int]:
        return sorted(int(path.name) for path in (self.published / "generations").iterdir())

    def assert_clean(self) -> None:
        assert {path.name for path in self.published.iterdir()} == {LIVE, "generations", "lock"}
        for number in self.generations():
            files = (self.published / "generations" / str(number)).iterdir()
            assert {path.name for path in files} == {LIVE, "run_manifest.json"}


# Imports once, then forks: of each run that is asked for, what was touched is printed, or it is killed before that.
STOPPED_AT = """
import json, os, shutil, signal, sys
import dbt.cli.main, run

TOUCHING = [(os, "replace"), (os, "link"), (os, "fsync"), (shutil, "copyfile"), (shutil, "rmtree")]

def killed(stop_at, touched):
    def before(name, function):
        def wrapped(*arguments, **options):
            if len(touched) == stop_at:
                os.kill(os.getpid(), signal.SIGKILL)
            touched.append(name)
            return function(*arguments, **options)
        wrapped.__name__ = name
        return wrapped
    run.STEPS = [before(step.__name__, step) for step in run.STEPS]
    for module, name in TOUCHING:
        setattr(module, name, before(name, getattr(module, name)))

for line in sys.stdin:
    arguments, stop_at = json.loads(line)
    if not (process := os.fork()):
        touched = []
        killed(stop_at, touched)
        code = run.main(arguments)
        print(json.dumps(touched), flush=True)
        os._exit(code)
    print(os.waitpid(process, 0)[1], flush=True)
"""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The small project with one generation."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "raw.csv").write_text("reason\nbad\nworse\n")
    shop = Shop(folder, write_project(folder, SMALL), {"raw": str(folder / "raw.csv")})
    shop.next_day()
    return shop


@pytest.fixture
def shop(first: Shop, tmp_path: Path) -> Shop:
    """A copy of it, to be changed."""
    shop = Shop(tmp_path, first.project, first.variables)
    shop.day = first.day
    shutil.copytree(first.published, shop.published)
    shop.live.unlink()
    os.link(shop.published / "generations" / "1" / LIVE, shop.live)
    return shop


@pytest.fixture(scope="module")
def sample_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shipped sample, published."""
    shop = Shop(tmp_path_factory.mktemp("sample_shop"), ROOT, {})
    shop.day = None
    assert shop.run() == 0
    return shop


def test_a_run_publishes_what_a_plain_build_makes_and_again_the_same(
    sample: Build, sample_shop: Shop
) -> None:
    """To the byte: neither a clock nor the number of the run is in a mart."""
    first = sample_shop.whole()
    assert first["tests"]["pass"] > 100
    assert first["as_of_date"] == "2025-12-30"
    with sample.connect() as connection:
        for mart in first["marts"]:
            if mart["sha256"]:
                query = run.SUMMED.format(relation=mart["name"])
                expected = (mart["row_count"], mart["sha256"])
                assert connection.execute(query).fetchone() == expected, mart
    assert {"customers", "quarantined_rows", "segment_kpis"} <= {
        mart["name"] for mart in first["marts"] if mart["row_count"]
    }
    # BI clients of today open it.
    storage = "select tags['storage_version'] from duckdb_databases() where not internal"
    assert sample_shop.rows(storage) == [("v1.4.0+",)]


def test_a_configuration_that_is_refused_publishes_nothing(
    sample_shop: Shop, capsys: pytest.CaptureFixture
) -> None:
    before = sample_shop.whole()
    assert sample_shop.run(rfm_map="mine") == run.Exit.CONFIGURATION
    assert "rfm_map" in capsys.readouterr().err
    assert sample_shop.whole() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "spark"], "The target's engine is spark"),
        (["--target", "nowhere"], "does not have a target named 'nowhere'"),
        (["--vars", "{"], "is not valid YAML"),
        (["--base", "no.duckdb"], "There is no file no.duckdb"),
        (["--project-dir", "/nowhere"], "There is no dbt project"),
        (["--rollback"], "There is no generation before the live one"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    shop: Shop, capsys: pytest.CaptureFixture, arguments: list[str], message: str
) -> None:
    before = shop.whole()
    assert shop.run(*arguments) == run.Exit.CONFIGURATION
    assert message in capsys.readouterr().err
    assert shop.whole() == before


def test_a_profile_that_writes_elsewhere_is_refused(
    shop: Shop, capsys: pytest.CaptureFixture
) -> None:
    other = shop.folder / "theirs.duckdb"
    output = {"type": "duckdb", "path": str(other)}
    profile = {"customer_segmentation": {"target": "dev", "outputs": {"dev": output}}}
    (shop.folder / "profiles.yml").write_text(yaml.safe_dump(profile))
    assert shop.run("--profiles-dir", str(shop.folder)) == run.Exit.CONFIGURATION
    assert f"The target writes to {other}" in capsys.readouterr().err
    assert not other.exists()


def test_a_test_that_fails_publishes_nothing_and_the_next_run_heals(
    shop: Shop, capsys: pytest.CaptureFixture
) -> None:
    before = shop.whole()
    assert shop.run(customer_count=3) == run.Exit.DATA
    message = capsys.readouterr().err
    assert (
        "there_are_enough_customers (tests/there_are_enough_customers.sql): Got 1 result" in message
    )
    assert "Nothing was published." in message
    assert shop.whole() == before
    assert shop.events()[-1]["exit_code"] == 1
    shop.next_day()
    shop.assert_clean()


def test_a_model_that_fails_publishes_nothing(shop: Shop, capsys: pytest.CaptureFixture) -> None:
    before = shop.whole()
    assert shop.run(customer_count="'many'") == run.Exit.DATA
    assert "model customers (models/marts/customers.sql)" in capsys.readouterr().err
    assert shop.whole() == before


def test_a_warning_is_listed_and_does_not_stop(shop: Shop, capsys: pytest.CaptureFixture) -> None:
    assert shop.next_day(customer_count=1500)["tests"] == {"pass": 1, "warn": 1}
    assert "WARNING: there_are_not_too_many: Got 1 result" in capsys.readouterr().out


def test_slices_go_on_from_generation_to_generation_and_old_ones_are_pruned(shop: Shop) -> None:
    for _ in range(4):
        shop.next_day()
    assert shop.days() == [TODAY + timedelta(days=n) for n in range(1, 6)]
    assert shop.generations() == [3, 4, 5]
    shop.next_day("--keep", "1")
    assert shop.generations() == [6]
    shop.assert_clean()


def test_what_is_published_does_not_move_with_the_raw_tables(shop: Shop) -> None:
    raw = shop.folder / "raw.csv"
    raw.write_text("reason\nbad\nworse\n")
    shop.next_day(raw=str(raw))
    raw.unlink()
    assert shop.rows("from quarantined_rows order by 1") == [("bad",), ("worse",)]


def test_a_rollback_is_at_once_and_the_next_run_starts_from_it(
    shop: Shop, capsys: pytest.CaptureFixture
) -> None:
    second, third = shop.next_day(), shop.next_day()
    begin = time.monotonic()
    assert shop.run("--rollback") == 0
    assert time.monotonic() - begin < 0.5
    assert "Generation 2, as of 2025-06-03, is live" in capsys.readouterr().out
    assert shop.whole() == second
    # The third is not gone back to, and its slice is not gone on with.
    fourth = shop.next_day()
    assert (fourth["generation"], fourth["previous_generation"]) == (4, 2)
    assert date.fromisoformat(third["as_of_date"]) not in shop.days()
    assert shop.generations() == [1, 2, 4]
    assert shop.run("--rollback") == 0
    assert shop.whole() == second


def test_a_run_may_start_from_a_file_of_yours(shop: Shop) -> None:
    """Which has been filled by a back-fill, and has changes that are not in the file yet."""
    base = shop.folder / "mine.duckdb"
    base.write_bytes(shop.live.read_bytes())
    script = (
        "import duckdb, os; c = duckdb.connect(os.sys.argv[1]);"
        """ c.execute("insert into customer_segments values (date '2020-01-31', 1, 'a')"); os._exit(0)"""
    )
    subprocess.run([sys.executable, "-c", script, base], check=True)
    assert base.with_name("mine.duckdb.wal").exists()
    shop.next_day("--base", str(base))
    assert shop.days()[0] == date(2020, 1, 31)


@pytest.mark.fault(61)
def test_a_file_that_is_open_elsewhere_is_not_started_from(
    shop: Shop, capsys: pytest.CaptureFixture
) -> None:
    base = shop.folder / "mine.duckdb"
    script = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    )
    command = [sys.executable, "-c", script, base]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        owner.stdout.readline()
        assert shop.run("--base", str(base)) == run.Exit.LOCKED
        assert str(owner.pid) in capsys.readouterr().err
        owner.kill()


@pytest.mark.fault(64)
def test_a_reader_keeps_what_it_has_opened_and_a_second_run_is_told_of_the_first(
    shop: Shop, capsys: pytest.CaptureFixture
) -> None:
    count = "select count(distinct as_of_date), sum(customer_id) from customer_segments"
    with duckdb.connect(str(shop.live), read_only=True) as reader:
        before = reader.execute(count).fetchall()
        shop.day += timedelta(days=1)
        process = shop.start("--keep", "1")
        shop.wait_for(process, 1)
        assert shop.run() == run.Exit.LOCKED
        message = capsys.readouterr().err
        assert f"Process {process.pid}, since" in message
        assert "Wait until that process is done" in message
        shop.wait_for(process, 8)
        assert reader.execute(count).fetchall() == before
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        assert shop.generations() == [2]
        assert reader.execute(count).fetchall() == before
    assert shop.rows(count) != before
    shop.whole()


def test_the_lock_of_a_dead_process_does_not_hold(shop: Shop) -> None:
    process = shop.start()
    shop.wait_for(process, 2)
    process.kill()
    process.communicate()
    assert f"Process {process.pid}" in (shop.published / "lock").read_text()
    shop.next_day()


def test_what_a_killed_run_has_left_is_removed(shop: Shop) -> None:
    building = shop.published / "building"
    (building / f"{LIVE}.tmp").mkdir(parents=True)
    for leftover in (f"{LIVE}.wal", f"{LIVE}.tmp/spilled"):
        (building / leftover).write_text("half a page")
    shop.next_day()
    shop.assert_clean()


@pytest.mark.fault(63)
@pytest.mark.parametrize("step", ["copy", "build"])
def test_a_full_disk_leaves_the_live_file_and_the_next_run_heals(shop: Shop, step: str) -> None:
    """No file may grow beyond a limit, which to the writer is as a full disk."""
    before = shop.whole()
    size = shop.live.stat().st_size
    limit = size // 1024 + (-4 if step == "copy" else 300)
    process = shop.start(limit=limit, customer_count=3_000_000)
    _, errors = process.communicate()
    assert process.returncode == run.Exit.RESOURCES, errors
    assert "Make room on the disk" in errors
    assert str(shop.published / "building" / LIVE) in errors
    steps = [event["name"] for event in shop.events() if event["event"] == "step"]
    assert steps[-1] == step
    assert shop.whole() == before
    # It does not fill the disk for others.
    assert not (shop.published / "building").exists()
    shop.next_day()
    shop.assert_clean()


def test_a_memory_limit_is_no_fault_of_the_data(shop: Shop, capsys: pytest.CaptureFixture) -> None:
    before = shop.whole()
    shop.environment["SEGMENTATION_DUCKDB_MEMORY"] = "1MB"
    assert shop.run(customer_count=3_000_000) == run.Exit.RESOURCES
    assert "SEGMENTATION_DUCKDB_MEMORY" in capsys.readouterr().err
    assert shop.whole() == before


def test_a_folder_that_cannot_be_written_is_named(
    shop: Shop, capsys: pytest.CaptureFixture
) -> None:
    (shop.folder / "file").write_text("")
    assert shop.run("--published", str(shop.folder / "file")) == run.Exit.RESOURCES
    assert str(shop.folder / "file") in capsys.readouterr().err


def test_a_kill_before_any_touch_of_the_disk_leaves_one_whole_generation(shop: Shop) -> None:
    """Each step, each copy, rename, link and flush to disk: the run is killed before it."""
    environment = os.environ | shop.environment | {"PYTHONPATH": str(ROOT / "scripts")}
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED_AT],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as killer:

        def answer(stop_at: int | None) -> list[str]:
            shop.day += timedelta(days=1)
            killer.stdin.write(json.dumps([shop.arguments("--keep", "1"), stop_at]) + "\n")
            killer.stdin.flush()
            lines = []
            while not lines or not lines[-1].strip().isdigit():
                lines.append(killer.stdout.readline())
                assert lines[-1]
            return lines

        *_, touched, code = answer(None)
        touched = json.loads(touched)
        assert code == "0\n"
        # All is on the disk before it gets its name, and so is the name.
        told = " ".join(touched)
        assert (
            "seal replace fsync fsync fsync store replace fsync publish link replace fsync prune"
            in told
        )
        assert told.endswith("prune replace rmtree")
        live = shop.whole()
        for stop_at, before in enumerate(touched):
            # A flush changes nothing that a reader sees.
            if before != "fsync":
                assert answer(stop_at) == [f"{int(signal.SIGKILL)}\n"], before
                found = shop.whole()
                is_new = stop_at > touched.index("link") + 1
                assert found["as_of_date"] == (str(shop.day) if is_new else live["as_of_date"]), (
                    before
                )
                live = found
        killer.stdin.close()
    shop.next_day("--keep", "1")
    shop.assert_clean()
    assert len(shop.generations()) == 1


def kill_at_random(shop: Shop, seed: int, line_count: int, pause: float) -> None:
    """After some line of the log, and a moment."""
    chance = random.Random(seed)
    before = shop.whole()
    process = shop.start()
    shop.wait_for(process, chance.randint(0, line_count))
    time.sleep(chance.uniform(0, pause))
    process.kill()
    process.communicate()
    found = shop.whole()
    assert found == before or found["generation"] > before["generation"], seed


@pytest.mark.fault(62)
def test_a_run_that_is_killed_at_any_moment_leaves_one_whole_generation(
    shop: Shop, request: pytest.FixtureRequest
) -> None:
    for seed in range(request.config.getoption("--kills")):
        shop.day += timedelta(days=1)
        kill_at_random(shop, seed, line_count=17, pause=0.2)
    assert shop.next_day()["as_of_date"] == str(shop.day)
    shop.assert_clean()


def test_the_sample_is_killed_and_published_again_with_the_same_bytes(
    sample_shop: Shop, request: pytest.FixtureRequest
) -> None:
    before = sample_shop.whole()
    for seed in range(max(1, request.config.getoption("--kills") // 12)):
        kill_at_random(sample_shop, seed, line_count=210, pause=0.5)
    assert sample_shop.run() == 0
    after = sample_shop.whole()
    sample_shop.assert_clean()
    assert after["marts"] == before["marts"]
    assert after["generation"] > before["generation"]
