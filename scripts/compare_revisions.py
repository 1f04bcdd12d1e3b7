"""Say what a branch would move: the project as it is here, and as it was where the branch began, each built and compared.

    uv run scripts/compare_revisions.py main --customers 3000 --max-moved 2% > comparison.md
    uv run scripts/compare_revisions.py --state production/target --target postgres

The first builds both, from the same raw data: those of the project, and with `--customers` also a generated world, for this
project alone. `--twice` builds this side once more, which has to give the same rows.

The second is for a warehouse where that would take too long: what is in production is the one side, and of the
other only models that differ from production's `manifest.json`, and what is made of them, are built (state:modified+, all else
deferred), into a schema beside it, as of the day that production has. A model differs also where its compiled SQL does: a rule
or a threshold stands in the YAML of another model, which dbt does not see. Slices of history are copied first.
Without that manifest nothing is compared, and that is an error.

On DuckDB the profile's path has to be SEGMENTATION_DUCKDB_PATH, on PostgreSQL its schema SEGMENTATION_POSTGRES_SCHEMA;
the schemas are that one with `_base` and `_head`, and are made anew. What is compared, and the exit code, are those
of compare_builds.py; 2 also where a side cannot be built, and then dbt's words on it are the comment.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb
import generate_data
import yaml
from compare_builds import (
    SIDES,
    Comparison,
    add_budget_options,
    compare,
    has_changed,
    markdown,
)
from contract import read_contract
from raw_tables import (
    UnreadableError,
    add_dbt_options,
    dbt_arguments,
    render_with_dbt,
    run_dbt,
)

if TYPE_CHECKING:
    from run_schemas import Schemas

PACKAGE = "customer_segmentation"
TARGET = "{{ tojson({'type': target.type, 'path': target.get('path'), 'schema': target.schema}) }}"
WITHOUT_TESTS = ("--exclude-resource-type", "test", "unit_test")
SEED = "5"
WHOSE = {"base": "what the branch began from", "head": "this branch", "again": "this branch"}
# dbt says here what went wrong, after all that went well.
FAILED = re.compile(r"[\d:]+  (Encountered an error|Completed with)")
# When dbt was started stands in the SQL that asks whether a date is in the future.
MOMENT = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^']*'")


class BuildError(UnreadableError):
    """A side cannot be built: what a reviewer has to know, in dbt's words."""

    def __init__(self, command: str, side: str, said: list[str]) -> None:
        super().__init__(f"dbt {command} of {side} failed: see above.")
        first = next((n for n, line in enumerate(said) if FAILED.match(line)), 0)
        quoted = "".join(f"    {line}" for line in said[first:])
        self.markdown = (
            f"**Nothing was compared: {WHOSE[side]} does not build** (`dbt {command}`).\n\n{quoted}"
        )


def git(project: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(project), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UnreadableError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


@contextmanager
def checked_out(project: Path, revision: str, folder: Path) -> Iterator[Path]:
    """The project as it was where the branch began."""
    try:
        commit = git(project, "merge-base", revision, "HEAD")
    except UnreadableError as error:
        raise UnreadableError(
            f"{revision} and HEAD have no common revision here. Fetch it with its history (in a workflow: fetch-depth: 0)."
        ) from error
    top = Path(git(project, "rev-parse", "--show-toplevel"))
    before = folder / "checkout"
    git(project, "worktree", "add", "--detach", str(before), commit)
    try:
        base = before / project.resolve().relative_to(top.resolve())
        if not (base / "dbt_project.yml").is_file():
            raise UnreadableError(f"{revision} has no dbt project here: nothing to compare with.")
        yield base
    finally:
        git(project, "worktree", "remove", "--force", str(before))


class Revisions:
    """Where both sides are built, and how."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.live = os.environ.get("SEGMENTATION_POSTGRES_SCHEMA", PACKAGE)
        self.variables = yaml.safe_load(options.vars) or {}
        # The path of the profile has to be the one that is asked for.
        os.environ.update(self.environment("head"))
        target = json.loads(render_with_dbt(TARGET, dbt_arguments(options)))
        self.engine = target["type"]
        given = {"duckdb": target["path"], "postgres": target["schema"]}
        if self.engine not in given:
            raise UnreadableError(
                f"The target's engine is {self.engine}. Build both sides there, and use compare_builds.py."
            )
        if given[self.engine] != self.place("head"):
            key, variable = {
                "duckdb": ("path", "SEGMENTATION_DUCKDB_PATH"),
                "postgres": ("schema", "SEGMENTATION_POSTGRES_SCHEMA"),
            }[self.engine]
            raise UnreadableError(
                f"The target writes to {given[self.engine]}, whatever is to be built. In profiles.yml, write"
                f" {key}: \"{{{{ env_var('{variable}') }}}}\"."
            )

    def place(self, side: str) -> str:
        """What compare_builds.py calls it: a file or a schema."""
        if self.engine == "duckdb":
            return str(self.folder / f"{side}.duckdb")
        return self.live if side == "live" else f"{self.live}_{side}"

    def environment(self, side: str) -> dict[str, str]:
        return {
            "SEGMENTATION_DUCKDB_PATH": str(self.folder / f"{side}.duckdb"),
            "SEGMENTATION_POSTGRES_SCHEMA": f"{self.live}_{side}",
        }

    def target(self, side: str) -> Path:
        """Of dbt's artifacts."""
        return self.folder / side

    def arguments(self, project: Path | None = None, variables: dict | None = None) -> list[str]:
        place = {"project_dir": project or self.options.project_dir}
        dbt = dbt_arguments(argparse.Namespace(**vars(self.options) | place))
        return [*dbt, "--vars", json.dumps(self.variables | (variables or {}))]

    def dbt(self, side: str, project: Path, *command: str, variables: dict | None = None) -> None:
        """What dbt says goes to the terminal."""
        arguments = [*self.arguments(project, variables), "--log-path", str(self.folder / "logs")]
        if command[0] != "deps":
            arguments += ["--target-path", str(self.target(side))]
        said = []
        with subprocess.Popen(
            [Path(sys.executable).with_name("dbt"), *command, "--no-use-colors", *arguments],
            env=os.environ | self.environment(side),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            for line in process.stdout:
                sys.stderr.write(line)
                said.append(line)
        if process.returncode:
            raise BuildError(command[0], side, said)

    def schemas(self, side: str) -> "Schemas":
        """The live schema, and that of a side in the place of the one that a run builds."""
        from dbt.adapters.factory import get_adapter_by_type
        from run_schemas import Schemas

        schemas = Schemas(get_adapter_by_type("postgres").config.credentials, self.live)
        schemas.building = self.place(side)
        return schemas

    def build(self, side: str, project: Path, variables: dict | None = None) -> None:
        """Anew: nothing is left of what was built there before."""
        if self.engine == "duckdb":
            Path(self.place(side)).unlink(missing_ok=True)
        else:
            self.schemas(side).start([])
        self.dbt(side, project, "build", *WITHOUT_TESTS, variables=variables)

    def compare(self, base: str, head: str, **more: object) -> Comparison:
        sides = {"base": self.place(base), "head": self.place(head)}
        return compare(argparse.Namespace(**vars(self.options) | sides | more))


def generate(options: argparse.Namespace, raw: Path) -> None:
    """Write the raw tables of a larger world."""
    name = yaml.safe_load((options.project_dir / "dbt_project.yml").read_text("utf-8"))["name"]
    if name != PACKAGE:
        raise UnreadableError(f"--customers is for the project {PACKAGE} alone; {name} has data.")
    arguments = ["--customers", str(options.customers), "--seed", SEED, "--output", str(raw)]
    generate_data.main(arguments)


def reading(project: Path, raw: Path) -> dict:
    """The var by which a revision reads them: those that it knows."""
    tables = [table for table in read_contract(project) if (raw / f"sample_{table}.csv").is_file()]
    files = {"files": f"{raw}/sample_{{table}}.csv", "tables": {table: {} for table in tables}}
    return {"raw": files}


def compare_worlds(options: argparse.Namespace, folder: Path) -> dict[str, Comparison]:
    """Both revisions on each world, by its title."""
    revisions = Revisions(options, folder)
    with checked_out(options.project_dir, options.base, folder) as base:
        if any((base / name).is_file() for name in ("packages.yml", "dependencies.yml")):
            revisions.dbt("base", base, "deps")
        worlds: dict[str, Path | None] = {"The project's own data": None}
        if options.customers:
            raw = worlds[f"{options.customers:,} generated customers"] = folder / "raw"
            generate(options, raw)
        projects = dict(zip(SIDES, (base, options.project_dir), strict=True))
        comparisons = {}
        for title, raw in worlds.items():
            # This side first: it is the one that may not build.
            for side, project in reversed(projects.items()):
                revisions.build(side, project, reading(project, raw) if raw else None)
            manifests = [revisions.target(side) / "manifest.json" for side in SIDES]
            # Tests are the same in each world.
            found = revisions.compare(*SIDES, manifests=None if comparisons else manifests)
            if options.twice and not comparisons:
                revisions.build("again", options.project_dir)
                again = revisions.compare("head", "again", manifests=None)
                found.breaking += [
                    f"`{table}` has other rows when it is built again"
                    for table, what in again.tables.items()
                    if has_changed(what)
                ]
            comparisons[title] = found
    return comparisons


def compare_with_production(options: argparse.Namespace, folder: Path) -> dict[str, Comparison]:
    """What differs from production, built beside it."""
    state = options.state
    manifest = read_manifest(state / "manifest.json")
    revisions = Revisions(options, folder)
    if revisions.engine == "duckdb":
        raise UnreadableError(
            "--state is for a warehouse. A DuckDB file is built soon: name a revision instead."
        )
    schema = manifest["nodes"][f"model.{PACKAGE}.customer_scores"]["schema"]
    if schema != revisions.live:
        raise UnreadableError(
            f"{state / 'manifest.json'} is of the schema {schema}, and production of {revisions.live}."
            " Write it by `dbt compile` with production's environment, after each run."
        )
    # As production compiles it; what differs is what the branch has changed.
    os.environ["SEGMENTATION_POSTGRES_SCHEMA"] = revisions.live
    compiled = run_dbt(
        ["compile"], [*revisions.arguments(), "--target-path", str(folder / "compiled")]
    )
    if not compiled.success:
        raise UnreadableError(f"dbt cannot compile this side. {compiled.exception or ''}".strip())
    now = read_manifest(folder / "compiled" / "manifest.json")
    changed = ["state:modified+", *(f"{name}+" for name in differing(manifest, now))]
    os.environ.update(revisions.environment("head"))
    kept = [f"{models},config.materialized:incremental" for models in changed]
    listed = run_dbt(
        ["ls", "--state", str(state), "--select", *kept, "--output", "name"],
        [*revisions.arguments(), "--target-path", str(revisions.target("head"))],
    )
    if not listed.success:
        raise UnreadableError(f"dbt cannot tell what differs. {listed.exception or ''}".strip())
    schemas = revisions.schemas("head")
    schemas.start(listed.result)
    scores = (schemas.live, "customer_scores")
    ((day,),) = schemas.say("select cast(max(as_of_date) as text) from {table}", table=scores)
    revisions.dbt(
        "head",
        options.project_dir,
        *("build", *WITHOUT_TESTS, "--select", *changed),
        *("--state", str(state), "--defer", "--favor-state"),
        variables={"as_of_date": day},
    )
    manifests = [state / "manifest.json", revisions.target("head") / "manifest.json"]
    found = revisions.compare("live", "head", manifests=manifests, deferred=True)
    return {f"Production, as of {day}": found}


def differing(before: dict, after: dict) -> list[str]:
    """Names of the models whose compiled SQL is another."""
    old, new = (
        {
            key: MOMENT.sub("", node.get("compiled_code") or "")
            for key, node in manifest["nodes"].items()
            if node["resource_type"] == "model"
        }
        for manifest in (before, after)
    )
    return sorted(after["nodes"][key]["name"] for key in new if old.get(key) != new[key])


def read_manifest(path: Path) -> dict:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["nodes"][f"model.{PACKAGE}.customer_scores"]["compiled_code"]
    except (OSError, json.JSONDecodeError, KeyError) as error:
        raise UnreadableError(
            f"{path} is missing, or no manifest of this project with compiled SQL: nothing to compare with. Fetch that of the"
            " last production run (`dbt build`, or `dbt compile` after scripts/run.py), or name a revision, which builds both."
        ) from error
    return manifest


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sides = parser.add_mutually_exclusive_group(required=True)
    sides.add_argument("base", nargs="?", help="a revision: main, origin/main, v1.2.0")
    sides.add_argument("--state", type=Path, help="folder of production's manifest.json")
    parser.set_defaults(manifests=None, deferred=False)
    parser.add_argument("--customers", type=int, help="also a generated world, of so many")
    parser.add_argument("--twice", action="store_true", help="build this side once more")
    parser.add_argument("--vars", default="{}", help="of dbt, for both sides")
    add_budget_options(parser)
    add_dbt_options(parser)
    options = parser.parse_args(arguments)
    options.project_dir = options.project_dir.resolve()
    options.state = options.state and options.state.resolve()
    if options.profiles_dir:
        options.profiles_dir = str(Path(options.profiles_dir).resolve())
    try:
        # Paths of raw files are relative to the project, also those that a view holds.
        with TemporaryDirectory() as folder, chdir(options.project_dir):
            make = compare_with_production if options.state else compare_worlds
            comparisons = make(options, Path(folder).resolve())
        if options.json:
            content = {title: asdict(found) for title, found in comparisons.items()}
            options.json.write_text(json.dumps(content, indent=2, default=str) + "\n")
    except (UnreadableError, OSError, duckdb.Error) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        if isinstance(error, BuildError):
            print(error.markdown)
        return 2
    for title, found in comparisons.items():
        print(markdown(found, title))
    wrong = any(found.problems for found in comparisons.values())
    return 1 if wrong and not options.reason else 0


if __name__ == "__main__":
    sys.exit(main())
