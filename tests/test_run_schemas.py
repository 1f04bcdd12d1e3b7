"""Publishing on PostgreSQL: readers see one generation or the next, never a mixture, whatever stops a run."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest
import run_schemas
from conftest import ROOT
from engines import Postgres
from test_run import SMALL, TODAY, Shop, write_project

# In the words of PostgreSQL; its views are read where they are.
OWN = {
    "models/stg_erased_keys.sql": """
        {{ config(materialized='table') }}
        select md5(erased) as customer_id_hash
        from unnest(string_to_array('{{ var("erased", "") }}', ',')) as erased
    """,
    "models/marts/customers.sql": """
        select customer_id, as_of_date
        from generate_series(1, {{ var('customer_count', 1000) }}) as customer_id
        cross join {{ ref('int_as_of_date') }}
    """,
    "models/marts/segment_history.sql": """
        {{ config(materialized='view') }}
        select as_of_date, count(*) as customer_count from {{ ref('customer_segments') }} group by as_of_date
    """,
}
FOREIGN = {"models/marts/quarantined_rows.sql", "tests/there_are_not_too_many.sql"}


class SchemaShop(Shop):
    """A shop that publishes to a schema of its own."""

    def __init__(self, folder: Path, engine: Postgres, schema: str) -> None:
        files = {name: text for name, text in SMALL.items() if name not in FOREIGN}
        super().__init__(folder, write_project(folder, files | OWN), {})
        self.schema, self.connection = schema, engine.connection
        self.environment |= {
            "DBT_LOG_PATH": str(folder / "logs"),
            "SEGMENTATION_POSTGRES_HOST": engine.connection.info.host,
            "SEGMENTATION_POSTGRES_DATABASE": "segmentation",
            "SEGMENTATION_POSTGRES_SCHEMA": schema,
        }

    def arguments(self, *arguments: str, **variables: object) -> list[str]:
        return super().arguments("--target", "postgres", *arguments, **variables)

    def on_the_next_day(self, *arguments: str, **variables: object) -> int:
        """The exit code of a run."""
        self.day += timedelta(days=1)
        return self.run(*arguments, **variables)

    def ask(self, text: str) -> list[tuple]:
        with self.connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else []

    def generation(self) -> int:
        """The number of the live generation, all of whose tables are of one day and as its manifest says."""
        ((manifest,),) = self.ask(f"select manifest::json from {self.schema}.run_manifest")
        days = {manifest["as_of_date"]}
        for table in ("customers", "customer_segments", "segment_history"):
            ((day,),) = self.ask(f"select max(as_of_date)::text from {self.schema}.{table}")
            days.add(day)
        assert len(days) == 1
        for mart in manifest["marts"]:
            if mart["md5"]:
                summed = run_schemas.SUMMED.replace("{mart}", f"{self.schema}.{mart['name']}")
                assert self.ask(summed) == [(mart["row_count"], mart["md5"])]
        return manifest["generation"]

    def schemas(self) -> list[str]:
        found = self.ask(
            f"select nspname from pg_namespace where nspname ~ '^{self.schema}' order by 1"
        )
        return [name.removeprefix(self.schema) for (name,) in found]


@pytest.fixture
def shop(
    tmp_path: Path, postgres_engine: Postgres, request: pytest.FixtureRequest
) -> Iterator[SchemaShop]:
    """A shop with one generation."""
    shop = SchemaShop(tmp_path, postgres_engine, f"shop_{abs(hash(request.node.name)) % 10**8}")
    assert shop.on_the_next_day() == 0
    yield shop
    for name in shop.schemas():
        shop.ask(f"drop schema {shop.schema}{name} cascade")


def test_generations_follow_each_other_and_may_be_rolled_back_to(shop: SchemaShop) -> None:
    assert (shop.generation(), shop.schemas()) == (1, [""])
    assert shop.on_the_next_day() == 0
    assert (shop.generation(), shop.schemas()) == (2, ["", "_generation_1"])
    # Slices go on.
    days = f"select count(distinct as_of_date) from {shop.schema}.customer_segments"
    assert shop.ask(days) == [(2,)]
    assert shop.run("--rollback") == 0
    assert (shop.generation(), shop.schemas()) == (1, ["", "_generation_2"])
    assert shop.ask(days) == [(1,)]
    # What was rolled back from is no generation to start from, nor to go back to.
    assert shop.on_the_next_day() == 0
    assert (shop.generation(), shop.schemas()) == (3, ["", "_generation_1"])
    assert shop.ask(days) == [(2,)]
    assert shop.on_the_next_day("--keep", "1", erased="somebody") == 0
    assert (shop.generation(), shop.schemas()) == (4, [""])
    assert shop.run("--rollback") == 2


def test_who_is_erased_is_in_no_generation_that_is_kept(shop: SchemaShop) -> None:
    assert shop.on_the_next_day(erased="somebody") == 0
    assert (shop.generation(), shop.schemas()) == (2, [""])
    assert shop.on_the_next_day(erased="somebody") == 0
    assert (shop.generation(), shop.schemas()) == (3, ["", "_generation_2"])


def test_what_dbt_deletes_is_in_no_file_that_is_published(shop: SchemaShop) -> None:
    """A slice that is replaced leaves its old rows behind in the table's file."""
    size = f"select pg_relation_size('{shop.schema}.customer_segments')"
    (before,) = shop.ask(size)
    assert shop.run() == 0
    assert shop.ask(size) == [before]


def test_a_rollback_is_on_the_engine_of_the_target(shop: SchemaShop) -> None:
    """Files that were published from the same folder once are another matter."""
    assert shop.on_the_next_day() == 0
    files = shop.published / "generations" / "1"
    files.mkdir()
    (files / "run_manifest.json").write_text('{"previous_generation": null}')
    assert shop.run("--rollback") == 0
    assert shop.generation() == 1


def test_a_test_that_fails_publishes_nothing_and_the_next_run_heals(
    shop: SchemaShop, capsys: pytest.CaptureFixture
) -> None:
    assert shop.on_the_next_day(customer_count=5) == 1
    assert "there_are_enough_customers" in capsys.readouterr().err
    assert (shop.generation(), shop.schemas()) == (1, ["", "_building"])
    assert shop.on_the_next_day() == 0
    assert (shop.generation(), shop.schemas()) == (2, ["", "_generation_1"])


def test_a_transaction_reads_one_generation_while_the_next_is_published(shop: SchemaShop) -> None:
    done, mixed, seen = threading.Event(), [], set()

    def read() -> None:
        connection = psycopg2.connect(shop.connection.dsn)
        with connection.cursor() as cursor:
            while not done.is_set():
                days = []
                for table in ("customers", "segment_history", "customer_segments", "run_manifest"):
                    column = (
                        "manifest::json ->> 'as_of_date'"
                        if table == "run_manifest"
                        else "max(as_of_date)::text"
                    )
                    cursor.execute(f"select {column} from {shop.schema}.{table}")
                    days += cursor.fetchone()
                connection.commit()
                time.sleep(0.01)
                seen.add(days[0])
                if len(set(days)) > 1:
                    mixed.append(days)
        connection.close()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        assert [shop.on_the_next_day() for _ in range(3)] == [0] * 3
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert mixed == []
    # They read while there was something to mix; whether they saw the last is chance.
    assert len(seen) >= 3


def test_a_reader_who_does_not_stop_is_not_waited_for_in_vain(
    shop: SchemaShop, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_schemas.Schemas, "patience", 3)
    reader = psycopg2.connect(shop.connection.dsn)
    with reader.cursor() as cursor:
        cursor.execute(f"select count(*) from {shop.schema}.customers")
        assert shop.on_the_next_day() == 3
        assert "somebody has been reading" in capsys.readouterr().err
        # Its transaction goes on, undisturbed.
        cursor.execute(f"select max(as_of_date) from {shop.schema}.customer_segments")
        assert cursor.fetchone() == (TODAY + timedelta(days=1),)
    reader.close()
    assert shop.generation() == 1
    assert shop.on_the_next_day() == 0


def test_a_second_run_is_told_of_the_first(shop: SchemaShop, capsys: pytest.CaptureFixture) -> None:
    key = f"{run_schemas.LOCK}, hashtext('{shop.schema}')"
    shop.ask(f"select pg_advisory_lock({key})")
    try:
        assert shop.on_the_next_day() == 3
    finally:
        shop.ask(f"select pg_advisory_unlock({key})")
    assert f"Another run is publishing to the schema {shop.schema}" in capsys.readouterr().err
    assert shop.generation() == 1


def test_who_may_read_the_live_generation_may_read_the_next(shop: SchemaShop) -> None:
    role = f"{shop.schema}_bi"
    shop.ask(f"create role {role}")
    shop.ask(f"grant usage on schema {shop.schema} to {role}")
    shop.ask(f"grant select on {shop.schema}.customers to {role}")
    assert shop.on_the_next_day() == 0
    for table, may in (("customers", True), ("customer_segments", False)):
        asked = f"select has_table_privilege('{role}', '{shop.schema}.{table}', 'select')"
        assert shop.ask(asked) == [(may,)], table
    assert shop.ask(f"select has_schema_privilege('{role}', '{shop.schema}', 'usage')") == [(True,)]
    shop.ask(f"drop owned by {role}")
    shop.ask(f"drop role {role}")


def test_a_run_that_is_killed_at_any_moment_leaves_one_whole_generation(shop: SchemaShop) -> None:
    rng = random.Random(7)
    started = time.monotonic()
    assert shop.on_the_next_day() == 0
    seconds = time.monotonic() - started
    before = shop.generation()
    for _ in range(4):
        shop.day += timedelta(days=1)
        process = subprocess.Popen(
            [sys.executable, ROOT / "scripts" / "run.py", *shop.arguments()],
            env=os.environ | shop.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Most of the time is Python's own start.
        time.sleep(2 + rng.random() * (seconds + 2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        after = shop.generation()
        assert after in (before, before + 1)
        before = after
    # The server may take a moment to notice.
    deadline = time.monotonic() + 30
    while (code := shop.on_the_next_day()) == 3 and time.monotonic() < deadline:
        time.sleep(1)
    assert code == 0
    assert shop.generation() == before + 1
    assert "_building" not in shop.schemas()
