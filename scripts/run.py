"""Build, test and publish on DuckDB: BI reads one file, which at any time is one whole generation.

    uv run scripts/run.py --profiles-dir profiles

A copy of the live generation is built and tested with all data tests (unit tests are for CI), and only then takes
its place, in one rename:

    published/
      customer_segmentation.duckdb    what BI opens, read-only: a second name of the live generation's file
      generations/7/                  the file, and run_manifest.json: what the run was, and a sum of each mart
      building/                       what a run has not finished; the next run removes it
      lock                            held while a run is under way

Whatever kills a run leaves the live generation as it was, and the next run starts afresh. Exit codes
are in the README, under "Publish". On PostgreSQL a generation is a schema (run_schemas.py). Spark has no such publishing:
there, `dbt build` it is.
"""

import argparse
import fcntl
import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from enum import IntEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import duckdb
import yaml
from raw_tables import TakenError, UnreadableError, add_dbt_options, dbt_arguments, run_dbt
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest
    from run_schemas import Schemas

MANIFEST = "run_manifest"
# What differs from run to run is in the manifest alone. A sum needs no order: of the rows' hashes, in quarters.
SUMMED = f"""
    with rows as (select sha256(cast(to_json(mart) as varchar)) as hash from {{relation}} as mart)
    select count(*), sha256(concat_ws(' ', count(*), {
    ", ".join(f"sum(cast('0x' || hash[{i + 1}:{i + 16}] as ubigint))" for i in range(0, 64, 16))
})) from rows
"""
# A view of the raw tables, which go on changing.
KEPT_AS_TABLE = "quarantined_rows"
# What BI tools of 2025 can open.
STORAGE_VERSION = "v1.4.0"
# A message of DuckDB or the system, and what it is about.
LOCK_TAKEN = r"Could not set lock on file"
RESOURCES = (
    r"Out of Memory|No space left|[Cc]ould not write|File too large|[Qq]uota exceeded"
    r"|[Ff]ailed to (offload|allocate)|Cannot allocate memory|Read-only file system"
)


class Exit(IntEnum):
    PUBLISHED = 0
    DATA = 1
    CONFIGURATION = 2
    LOCKED = 3
    RESOURCES = 4


ADVICE = {
    Exit.DATA: "Correct the data or the rule, and run again; until then, what failed can be looked at in {building}.",
    Exit.CONFIGURATION: "Correct the configuration or the command.",
    Exit.LOCKED: "Wait until that process is done, or stop it, and run again.",
    Exit.RESOURCES: "Make room on the disk, or see to the rights; memory is limited by SEGMENTATION_DUCKDB_MEMORY.",
}


class StoppedError(UnreadableError):
    """Nothing is published, and why."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code


def code_of(message: str, otherwise: Exit) -> Exit:
    if re.search(LOCK_TAKEN, message):
        return Exit.LOCKED
    return Exit.RESOURCES if re.search(RESOURCES, message) else otherwise


@contextmanager
def told() -> Iterator[None]:
    """What the system or DuckDB refuses, as what the user may do about it."""
    try:
        yield
    except StoppedError:
        raise
    except TakenError as error:
        raise StoppedError(Exit.LOCKED, str(error)) from error
    except UnreadableError as error:
        raise StoppedError(Exit.CONFIGURATION, str(error)) from error
    except duckdb.Error as error:
        otherwise = Exit.RESOURCES if isinstance(error, duckdb.IOException) else Exit.DATA
        raise StoppedError(code_of(str(error), otherwise), str(error)) from error
    except (OSError, MemoryError) as error:
        # Of a copy, the second is the one that is written.
        path = getattr(error, "filename2", None) or getattr(error, "filename", None)
        place = f"{path}: " if path else ""
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise StoppedError(Exit.RESOURCES, f"{place}{reason}.") from error
    except Exception as error:
        # psycopg2 is there on PostgreSQL alone.
        if type(error).__module__.partition(".")[0] != "psycopg2":
            raise
        raise StoppedError(Exit.RESOURCES, f"PostgreSQL: {error}") from error


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def sync(path: Path) -> None:
    """Power may fail: only what is synced is there."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Reporter:
    """What happens: a bar on the terminal, and lines of JSON in a file if one is given."""

    def __init__(self, log: Path | None) -> None:
        self.console = Console(stderr=True)
        self.file: TextIO | None = log.open("a", encoding="utf-8", buffering=1) if log else None

    def log(self, event: str, **details: object) -> None:
        if self.file:
            try:
                self.file.write(json.dumps({"time": now(), "event": event, **details}) + "\n")
            except OSError as error:
                self.console.print(f"WARNING: the log ends here. {error}", markup=False)
                self.file = None

    @contextmanager
    def nodes(self) -> Iterator["NodeListener"]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self.console) as progress:
            yield NodeListener(self, progress)


class NodeListener:
    """Follows dbt through its nodes."""

    def __init__(self, reporter: Reporter, progress: Progress) -> None:
        self.reporter, self.progress = reporter, progress
        self.task = progress.add_task("dbt build", total=None)

    def __call__(self, event: object) -> None:
        if event.info.name == "ConcurrencyLine":
            self.progress.update(self.task, total=event.data.node_count)
        elif event.info.name == "NodeFinished":
            node = event.data.node_info
            self.progress.update(self.task, advance=1, description=node.node_name[:40])
            self.reporter.log(
                "node",
                name=node.node_name,
                type=node.resource_type,
                status=node.node_status,
                seconds=round(event.data.run_result.execution_time, 3),
            )


class Folder:
    """Where generations are, and which of them is live."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.generations = path / "generations"
        self.building = path / "building"
        self.live = path / f"{name}.duckdb"

    def file(self, number: int) -> Path:
        return self.generations / str(number) / self.live.name

    def manifest(self, number: int) -> dict:
        return json.loads((self.generations / str(number) / f"{MANIFEST}.json").read_text("utf-8"))

    def numbers(self) -> list[int]:
        folders = self.generations.iterdir() if self.generations.is_dir() else []
        return sorted(int(folder.name) for folder in folders if folder.name.isdigit())

    def chain(self) -> list[int]:
        """The live generation, the one that it followed, and so on."""
        numbers = self.numbers()
        live = [n for n in numbers if self.live.exists() and self.live.samefile(self.file(n))]
        # Without a live file the newest was on its way to be it.
        following = (live or numbers[-1:] or [None])[0]
        chain = []
        while following in numbers:
            chain.append(following)
            following = self.manifest(following)["previous_generation"]
        return chain

    def point_at(self, number: int) -> None:
        """One rename: a reader opens the file from before or this one."""
        link = self.path / f"{self.live.name}.next"
        link.unlink(missing_ok=True)
        os.link(self.file(number), link)
        os.replace(link, self.live)
        sync(self.path)

    def remove(self, number: int) -> None:
        """At once or, if it is stopped on its way, by the next run."""
        os.replace(self.generations / str(number), self.building)
        shutil.rmtree(self.building)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """The system lets go of it when the process ends in any way, so that it is never stale."""
        self.generations.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise StoppedError(
                    Exit.LOCKED, f"{file.read().strip()} is publishing to {self.path}."
                ) from None
            file.truncate(0)
            file.write(f"Process {os.getpid()}, since {now()},\n")
            file.flush()
            yield


class Run:
    """One run: what its steps hand on to each other."""

    def __init__(self, folder: Folder, options: argparse.Namespace, reporter: Reporter) -> None:
        self.folder, self.options, self.reporter = folder, options, reporter
        self.started_at = now()
        self.previous: int | None = next(iter(folder.chain()), None)
        self.number = max(folder.numbers(), default=0) + 1
        self.database = folder.building / folder.live.name
        self.arguments = [*dbt_arguments(options), "--vars", options.vars]
        self.manifest: Manifest | None = None
        self.tests: Counter[str] = Counter()
        self.warnings: list[str] = []
        self.as_of_date = ""
        self.schemas: Schemas | None = None
        self.locks = ExitStack()

    def clean(self) -> None:
        """Remove what a killed run has left: its file, its log of changes and what was spilled to disk."""
        shutil.rmtree(self.folder.building, ignore_errors=True)
        self.folder.building.mkdir()

    def check(self) -> None:
        """Read the project, and refuse what cannot be published from."""
        live = os.environ.get("SEGMENTATION_POSTGRES_SCHEMA", "customer_segmentation")
        os.environ["SEGMENTATION_DUCKDB_PATH"] = str(self.database)
        os.environ["SEGMENTATION_POSTGRES_SCHEMA"] = f"{live}_building"
        try:
            result = self.dbt("parse")
            self.manifest = result.result
            engine = self.manifest.metadata.adapter_type
            if engine == "postgres":
                self.connect(live)
                return
        finally:
            if not self.schemas:
                os.environ["SEGMENTATION_POSTGRES_SCHEMA"] = live
        if engine != "duckdb":
            raise StoppedError(
                Exit.CONFIGURATION,
                f"The target's engine is {engine}; generations are published on DuckDB and PostgreSQL alone."
                " Use `dbt build` with that target, or here another one.",
            )
        from dbt.adapters.factory import get_adapter_by_type

        path = get_adapter_by_type("duckdb").config.credentials.path
        if path != str(self.database):
            raise StoppedError(
                Exit.CONFIGURATION,
                f"The target writes to {path}, whatever file is to be built. In profiles.yml, write"
                " path: \"{{ env_var('SEGMENTATION_DUCKDB_PATH') }}\".",
            )

    def connect(self, live: str) -> None:
        """To the server, as dbt does, holding its lock until the end."""
        from dbt.adapters.factory import get_adapter_by_type
        from run_schemas import Schemas

        credentials = get_adapter_by_type("postgres").config.credentials
        if credentials.schema != f"{live}_building":
            raise StoppedError(
                Exit.CONFIGURATION,
                f"The target writes to the schema {credentials.schema}, whatever is to be built. In profiles.yml, write"
                " schema: \"{{ env_var('SEGMENTATION_POSTGRES_SCHEMA') }}\".",
            )
        self.schemas = Schemas(credentials, live)
        self.locks.enter_context(self.schemas.lock())

    def start_schema(self) -> None:
        """An empty schema, with the slices and clean events that are kept up."""
        self.previous = self.schemas.manifest(self.schemas.live).get("generation")
        self.number = self.schemas.next_number()
        self.schemas.start(self.kept_up())

    def kept_up(self) -> list[str]:
        nodes = self.manifest.nodes.values()
        return [n.name for n in nodes if n.config.materialized == "incremental"]

    def describe_schema(self) -> None:
        """Write the manifest, as a table beside the others."""
        nodes = {node.name: node for node in self.manifest.nodes.values()}
        ask = self.schemas.ask
        self.as_of_date = str(
            ask(f"select as_of_date from {nodes['int_as_of_date'].relation_name}")[0][0]
        )
        keys = f"select distinct customer_id_hash from {nodes['stg_erased_keys'].relation_name} order by 1"
        marts = []
        for name in mart_names(self.manifest):
            is_view = nodes[name].config.materialized == "view"
            row_count, checksum = (None, None) if is_view else self.schemas.describe(name)
            marts.append({"name": name, "row_count": row_count, "md5": checksum})
        self.schemas.write(self.account("postgres", [key for (key,) in ask(keys)], marts))

    def publish_schema(self) -> None:
        self.schemas.rewrite(self.kept_up())
        self.schemas.publish()

    def prune_schemas(self) -> None:
        self.warnings += self.schemas.prune(self.options.keep)

    def copy(self) -> None:
        """Start from the live generation, whose slices and clean events are kept up."""
        if self.options.base:
            # Fails if somebody has it open, and takes in what is not in the file yet.
            with duckdb.connect(str(self.options.base)) as connection:
                connection.execute("force checkpoint")
            shutil.copyfile(self.options.base, self.database)
        elif self.previous:
            shutil.copyfile(self.folder.file(self.previous), self.database)

    def build(self) -> None:
        """Everything, with all data tests."""
        with self.reporter.nodes() as listener:
            result = self.dbt("build", "--exclude-resource-type", "unit_test", callback=listener)
        for node in result.result.results:
            if node.node.resource_type == "test":
                self.tests[str(node.status)] += 1
            if str(node.status) == "warn":
                self.warnings.append(f"{node.node.name}: {node.message}")

    def describe(self) -> None:
        """Write the manifest, beside the file and as a table in it."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        nodes = {node.name: node for node in self.manifest.nodes.values()}
        # With the settings of the profile, and what it attaches.
        connection = DuckDBConnectionManager.env().handle().cursor()
        if KEPT_AS_TABLE in nodes:
            kept = nodes[KEPT_AS_TABLE]
            relation = kept.relation_name
            connection.execute(f"create temp table kept as from {relation}")
            connection.execute(f"drop view {relation}")
            connection.execute(f"create table {relation} as from kept")
            connection.execute("drop table kept")
            comments = {f"table {relation}": kept.description} | {
                f"column {relation}.{c.name}": c.description for c in kept.columns.values()
            }
            for place, text in comments.items():
                literal = text.replace("'", "''")
                connection.execute(f"comment on {place} is '{literal}'")
        query = f"select as_of_date from {nodes['int_as_of_date'].relation_name}"
        self.as_of_date = str(connection.execute(query).fetchone()[0])
        query = f"select distinct customer_id_hash from {nodes['stg_erased_keys'].relation_name} order by 1"
        erased = [key for (key,) in connection.execute(query).fetchall()]
        marts = []
        for name in mart_names(self.manifest):
            # Other views are nothing but tables of the same file, and some are long.
            row_count = checksum = None
            if nodes[name].config.materialized != "view" or name == KEPT_AS_TABLE:
                query = SUMMED.format(relation=nodes[name].relation_name)
                row_count, checksum = connection.execute(query).fetchone()
            marts.append({"name": name, "row_count": row_count, "sha256": checksum})
        manifest = self.account("duckdb", erased, marts)
        path = self.folder.building / f"{MANIFEST}.json"
        path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        connection.execute(
            f"create or replace table main.{MANIFEST} as from read_json('{quoted_path(path)}')"
        )

    def account(self, engine: str, erased: list[str], marts: list[dict]) -> dict:
        """What the run was."""
        packages = ("dbt-core", f"dbt-{engine}", *(["duckdb"] if engine == "duckdb" else []))
        return {
            "generation": self.number,
            "previous_generation": self.previous,
            "as_of_date": self.as_of_date,
            "started_at": self.started_at,
            "ended_at": now(),
            "versions": {
                "customer_segmentation": project_of(Path(__file__).parent.parent)["version"],
                **{name: version(name) for name in packages},
            },
            "tests": {"pass": self.tests["pass"], "warn": self.tests["warn"]},
            "erased": erased,
            "marts": marts,
        }

    def seal(self) -> None:
        """Write all of it into a new file, which holds no byte of what was deleted and is not to be written again."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        DuckDBConnectionManager.close_all_connections()
        rewritten = self.database.with_suffix(".rewritten")
        with duckdb.connect() as connection:
            connection.execute(f"attach '{quoted_path(self.database)}' as built")
            connection.execute(
                f"attach '{quoted_path(rewritten)}' as rewritten (storage_version '{STORAGE_VERSION}')"
            )
            connection.execute("copy from database built to rewritten")
            connection.execute("detach rewritten")
        os.replace(rewritten, self.database)
        for path in self.folder.building.iterdir():
            if path != self.database and path.name != f"{MANIFEST}.json":
                raise StoppedError(Exit.DATA, f"DuckDB has not closed {path}.")
            path.chmod(0o444)
            sync(path)
        sync(self.folder.building)

    def store(self) -> None:
        os.replace(self.folder.building, self.folder.generations / str(self.number))
        sync(self.folder.generations)

    def publish(self) -> None:
        self.folder.point_at(self.number)

    def prune(self) -> None:
        """Only those stay that may be rolled back to, and forget whom the live one forgets."""
        live, *before = self.folder.chain()[: self.options.keep]
        erased = set(self.folder.manifest(live)["erased"])
        kept = [
            live,
            *(n for n in before if erased <= set(self.folder.manifest(n).get("erased", []))),
        ]
        try:
            for number in set(self.folder.numbers()).difference(kept):
                self.folder.remove(number)
        except OSError as error:
            # The new one is live, and the next run tries again.
            self.warnings.append(f"An old generation is still there: {error}")

    def dbt(self, *command: str, callback: object = None) -> "dbtRunnerResult":
        """Run dbt; what fails is told with its place."""
        errors: list[str] = []

        def listen(event: object) -> None:
            if event.info.level == "error":
                errors.append(event.info.msg)
            if callback:
                callback(event)

        result = run_dbt(command, self.arguments, manifest=self.manifest, callbacks=[listen])
        if isinstance(result.exception, (OSError, MemoryError, KeyboardInterrupt)):
            raise result.exception
        if not result.success:
            nodes = getattr(result.result, "results", [])
            failed = [node for node in nodes if str(node.status) in ("fail", "error")]
            lines = [
                f"{node.node.resource_type} {node.node.name} ({node.node.original_file_path}):"
                f" {node.message}"
                for node in failed
            ]
            message = "\n".join(lines or errors) or str(result.exception)
            # Hooks check the configuration, before anything is built.
            is_data = failed and all(node.node.resource_type != "operation" for node in failed)
            code = code_of(message, Exit.DATA if is_data else Exit.CONFIGURATION)
            raise StoppedError(code, f"dbt {command[0]} failed.\n{message}")
        return result


STEPS = (
    *(Run.clean, Run.check, Run.copy, Run.build, Run.describe),
    *(Run.seal, Run.store, Run.publish, Run.prune),
)
# On PostgreSQL, once the project is read.
SCHEMA_STEPS = (
    *(Run.start_schema, Run.build, Run.describe_schema),
    *(Run.publish_schema, Run.prune_schemas),
)


def quoted_path(path: Path) -> str:
    return str(path).replace("'", "''")


def project_of(folder: Path) -> dict:
    return yaml.safe_load((folder / "dbt_project.yml").read_text(encoding="utf-8"))


def mart_names(manifest: "Manifest") -> list[str]:
    nodes = manifest.nodes.values()
    return sorted(n.name for n in nodes if n.resource_type == "model" and n.access == "public")


def steps_of(run: Run) -> Iterator[Callable[[Run], None]]:
    for step in STEPS:
        yield step
        if run.schemas:
            yield from SCHEMA_STEPS
            return


def run_steps(run: Run) -> None:
    for step in steps_of(run):
        run.reporter.console.print(f"{step.__name__} …")
        run.reporter.log("step", name=step.__name__)
        step(run)
    schemas = run.schemas
    live = schemas.manifest(schemas.live) if schemas else run.folder.manifest(run.number)
    place = f"the schema {schemas.live}" if schemas else run.folder.live
    tests = live["tests"]
    print(
        f"Generation {run.number}, as of {run.as_of_date}, is live in {place}: {len(live['marts'])}"
        f" marts, {tests['pass']} data tests passed, {tests['warn']} warned."
    )
    for warning in run.warnings:
        print(f"WARNING: {warning}")
    run.reporter.log("published", **live, warnings=run.warnings)


def roll_back(folder: Folder, reporter: Reporter) -> None:
    """Make the generation before live again."""
    bad, *before = folder.chain() or [None]
    if not before:
        raise StoppedError(
            Exit.CONFIGURATION, f"There is no generation before the live one in {folder.path}."
        )
    folder.point_at(before[0])
    day = folder.manifest(before[0])["as_of_date"]
    print(
        f"Generation {before[0]}, as of {day}, is live in {folder.live}."
        f" The next run starts from it; generation {bad} goes when that is published."
    )
    reporter.log("rolled back", generation=before[0], from_generation=bad)


def roll_back_target(run: Run) -> None:
    """The same, on the engine of the target."""
    run.check()
    if not run.schemas:
        roll_back(run.folder, run.reporter)
        return
    if not (numbers := run.schemas.roll_back()):
        raise StoppedError(Exit.CONFIGURATION, "There is no generation before the live one.")
    good, bad = numbers
    print(
        f"Generation {good} is live in the schema {run.schemas.live}."
        f" The next run starts from it; generation {bad} goes when that is published."
    )
    run.reporter.log("rolled back", generation=good, from_generation=bad)


def published(options: argparse.Namespace) -> Path:
    return (options.published or options.project_dir / "published").resolve()


def attempt(options: argparse.Namespace, reporter: Reporter) -> None:
    try:
        name = project_of(options.project_dir)["name"]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise StoppedError(Exit.CONFIGURATION, f"There is no dbt project: {error}.") from error
    if options.base and not options.base.is_file():
        raise StoppedError(Exit.CONFIGURATION, f"There is no file {options.base} to start from.")
    folder = Folder(published(options), name)
    with folder.lock():
        if options.rollback and folder.numbers() and not options.target:
            # Whatever state the project is in.
            roll_back(folder, reporter)
            return
        try:
            run = Run(folder, options, reporter)
            with told(), run.locks:
                (roll_back_target if options.rollback else run_steps)(run)
        except StoppedError as error:
            if error.code == Exit.RESOURCES:
                shutil.rmtree(folder.building, ignore_errors=True)
            raise
        finally:
            close_dbt()


def at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--published", type=Path, help="folder; by default `published` in that of the project"
    )
    parser.add_argument(
        "--keep", type=at_least_one, default=3, help="so many generations (default: 3)"
    )
    parser.add_argument(
        "--rollback", action="store_true", help="only make the generation before live again"
    )
    parser.add_argument(
        "--base", type=Path, help="a DuckDB file to start from, not the live one: after a back-fill"
    )
    parser.add_argument("--log-json", type=Path, help="append what happens to this file")
    parser.add_argument("--vars", default="{}", help="as of dbt, in YAML")
    add_dbt_options(parser)
    options = parser.parse_args(arguments)
    reporter: Reporter | None = None
    try:
        with told():
            reporter = Reporter(options.log_json)
            attempt(options, reporter)
    except StoppedError as error:
        advice = ADVICE[error.code].format(building=published(options) / "building")
        print(f"ERROR: {error}\nNothing was published. {advice}", file=sys.stderr)
        if reporter:
            reporter.log("stopped", exit_code=error.code, message=str(error))
        return error.code
    return Exit.PUBLISHED


def close_dbt() -> None:
    """dbt leaves the file open."""
    if module := sys.modules.get("dbt.adapters.duckdb.connections"):
        module.DuckDBConnectionManager.close_all_connections()


if __name__ == "__main__":
    sys.exit(main())
