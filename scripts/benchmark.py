"""Measure this project against the leanest SQL, polars and pandas that give the same cells, on generated Parquet.

    uv run --group benchmark scripts/benchmark.py                        # 0.1M and 1M customers, a quarter of an hour
    uv run --group benchmark scripts/benchmark.py --customers 20000      # a minute or two, to see that it works

Every contender is a process of its own, on the same files, and they take turns. Wall and CPU seconds and peak memory
are what the operating system says of the process; a figure is the median of the runs. The raw files have no faults, so
that nobody but the project spends time on looking for them, and their rows are in the order of time.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import TypeVar

import duckdb
import yaml
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
CONTENDERS = ROOT / "scripts/contenders"
# The generator's last day but one: the last may be half a day.
AS_OF, DAY_BEFORE = "2025-12-30", "2025-12-29"
# About 10 orders and 30 sessions per customer.
ACTIVITY = "1.11"
Result = TypeVar("Result")
RESULTS = ("customer_features", "customer_rfm_scores")
EVENTS = ("int_orders", "int_sessions")
SCORING = ("int_quadrature_nodes", "int_customer_predictions", "customer_predictions")
# Above it, docs/benchmarks.md explains; below it stands what was measured.
MARK = "<!-- What follows is written by scripts/benchmark.py. -->"
WITHOUT_TESTS = ("--exclude-resource-type", "test", "unit_test")


@dataclass(frozen=True)
class Run:
    """What one process took; `models` are the seconds from the first model's start to the last one's end."""

    wall: float
    cpu: float
    peak_gb: float
    models: float | None = None
    seconds_by_model: dict[str, float] | None = None
    nodes: int | None = None


def measured(command: list[str], environment: dict[str, str], log: Path) -> Run:
    start = datetime.now()
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall = (datetime.now() - start).total_seconds()
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{log.read_text()[-3000:]}")
    # Kilobytes on Linux, bytes on macOS.
    unit = 1e9 if sys.platform == "darwin" else 1e6
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


def dbt_build(
    name: str,
    raw: dict | str,
    folder: Path,
    *arguments: str,
    as_of: str = AS_OF,
    onto: Path | None = None,
) -> Run:
    """A `dbt build` into a new file or onto an earlier build.

    The target folder is kept, so that later runs parse as little as a user's do.
    """
    database, target = folder / f"{name}.duckdb", folder / f"target_{name}"
    database.unlink(missing_ok=True)
    if onto:
        shutil.copy(onto, database)
    variables = {"raw": raw} if raw == "sample" else {"raw": raw, "as_of_date": as_of}
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "build"]
    command += ["--profiles-dir", "profiles", "--target-path", str(target), *arguments]
    command += ["--vars", yaml.safe_dump(variables), "--log-path", str(target / "logs")]
    run = measured(command, {"SEGMENTATION_DUCKDB_PATH": str(database)}, folder / f"{name}.log")
    results = json.loads((target / "run_results.json").read_text())["results"]
    nodes = [result for result in results if result["timing"]]
    moments = [
        datetime.fromisoformat(node["timing"][-1][key])
        for node in nodes
        for key in ("started_at", "completed_at")
    ]
    return Run(
        run.wall,
        run.cpu,
        run.peak_gb,
        (max(moments) - min(moments)).total_seconds(),
        {node["unique_id"].split(".")[2]: node["execution_time"] for node in nodes},
        len(results),
    )


def parquet(folder: Path, *tables: str) -> dict:
    return {"files": f"{folder}/{{table}}.parquet", "tables": {table: {} for table in tables}}


def run_project(data: Path, folder: Path) -> Run:
    raw = parquet(data, "customers", "orders", "sessions")
    return dbt_build("project", raw, folder, "--select", "+customer_rfm_scores", *WITHOUT_TESTS)


def without_last_load(data: Path) -> Path:
    """The raw files as they were before the last load; what it changed has the state of its first load."""
    before = data.with_name(f"before_{data.name}")
    if before.exists():
        return before
    partial = before.with_name(f"partial_{before.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        (last,) = connection.execute(
            f"select max(loaded_at) from '{data}/orders.parquet'"
        ).fetchone()
        for table in ("orders", "sessions"):
            first_load = "date_trunc('day', ordered_at) + interval 27 hour"
            earlier_versions = f"""
                union all by name
                select * replace (
                    'completed' as status,
                    null as refunded_amount,
                    null as refunded_at,
                    null as cancelled_at,
                    ordered_at as updated_at,
                    {first_load} as loaded_at
                )
                from '{data / table}.parquet'
                where loaded_at = '{last}' and {first_load} < '{last}'
            """
            connection.execute(f"""
                copy (
                    from '{data / table}.parquet' where loaded_at < '{last}'
                    {earlier_versions if table == "orders" else ""}
                ) to '{partial / table}.parquet' (compression zstd)
            """)
        connection.execute(f"""
            copy (
                from '{data}/customers.parquet' where created_at < '{last}'::date - 1
            ) to '{partial}/customers.parquet' (compression zstd)
        """)
    return partial.rename(before)


def run_project_new_day(data: Path, folder: Path) -> Run:
    """What one more day of data takes, onto a build of all days before it."""
    # The same place on both days, as a user's is.
    place, day_before = folder / "raw_of_the_day", folder / "day_before.duckdb"
    raw = parquet(place, "customers", "orders", "sessions")
    select = ("--select", "+customer_rfm_scores", *WITHOUT_TESTS)

    def show(files: Path) -> None:
        place.unlink(missing_ok=True)
        place.symlink_to(files, target_is_directory=True)

    if not day_before.exists():
        show(elsewhere(without_last_load, data))
        dbt_build("project_new_day", raw, folder, *select, as_of=DAY_BEFORE)
        (folder / "project_new_day.duckdb").rename(day_before)
    show(data)
    return dbt_build("project_new_day", raw, folder, *select, onto=day_before)


def run_project_orders(data: Path, folder: Path) -> Run:
    select = ("--select", "+customer_rfm_scores", *WITHOUT_TESTS)
    return dbt_build("project_orders", parquet(data, "customers", "orders"), folder, *select)


def run_project_everything(data: Path, folder: Path) -> Run:
    raw = parquet(data, "customers", "orders", "sessions")
    return dbt_build("project_everything", raw, folder)


def run_sql(name: str, data: Path, folder: Path) -> Run:
    database = folder / f"{name}.duckdb"
    database.unlink(missing_ok=True)
    command = [sys.executable, str(CONTENDERS / "duckdb_sql.py"), str(CONTENDERS / f"{name}.sql")]
    return measured([*command, str(data), AS_OF, str(database)], {}, folder / f"{name}.log")


def run_frame(name: str, data: Path, folder: Path) -> Run:
    output = folder / f"{name}.parquet"
    command = [sys.executable, str(CONTENDERS / f"{name}_features.py"), str(data), AS_OF]
    return measured([*command, str(output)], {}, folder / f"{name}.log")


def run_learned(name: str, folder: Path) -> Run:
    """From what the whole build has made."""
    command = [sys.executable, str(CONTENDERS / "learned.py"), name.replace("_", "-")]
    command += [str(folder / "project_everything.duckdb"), str(folder / f"{name}.json")]
    return measured(command, {}, folder / f"{name}.log")


# In the order of the report; every one runs in each round but the whole build, which runs once, before what reads it.
CONTENDER_RUNS: dict[str, Callable[[Path, Path], Run]] = {
    "project": run_project,
    "project_new_day": run_project_new_day,
    "floor": lambda data, folder: run_sql("floor", data, folder),
    "scan": lambda data, folder: run_sql("scan", data, folder),
    "project_orders": run_project_orders,
    "polars": lambda data, folder: run_frame("polars", data, folder),
    "pandas": lambda data, folder: run_frame("pandas", data, folder),
    "project_everything": run_project_everything,
    "own": lambda data, folder: run_learned("own", folder),
    "lifetimes": lambda data, folder: run_learned("lifetimes", folder),
    "scikit_learn": lambda data, folder: run_learned("scikit_learn", folder),
}
DESCRIPTIONS = {
    "project": "this project: features and scores, by `dbt build` without tests",
    "project_new_day": "this project: the same for one new day, onto a build of the days before",
    "floor": "the leanest SQL for the same two tables, without dbt",
    "scan": "reading the columns that this takes",
    "project_orders": "this project without sessions, by `dbt build` without tests",
    "polars": "polars, lazy: order features and scores",
    "pandas": "pandas: order features and scores",
    "project_everything": "this project: all models and all tests, by `dbt build`",
    "own": "this project's purchase model: BG/NBD and Gamma-Gamma, all customers",
    "lifetimes": "lifetimes: the same",
    "scikit_learn": "scikit-learn: the nearest centroid, out of the database and back",
}


def prepared(customers: int, folder: Path) -> Path:
    """The raw files of so many customers, generated and put in the order of time unless they are there."""
    data = folder / f"data_{customers}"
    if data.exists():
        return data
    unsorted, partial = folder / f"unsorted_{customers}", folder / f"partial_{customers}"
    for path in (unsorted, partial):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
    generator = [sys.executable, str(ROOT / "scripts/generate_data.py"), "--format", "parquet"]
    generator += ["--clean", "--activity", ACTIVITY, "--customers", str(customers)]
    subprocess.run([*generator, "--output", str(unsorted)], check=True)
    with duckdb.connect(config={"temp_directory": str(partial / "temp")}) as connection:
        connection.execute("set enable_progress_bar = false")
        moments = {"customers": "created_at", "orders": "ordered_at", "sessions": "started_at"}
        for table, moment in tqdm(moments.items(), desc="in the order of time", unit="table"):
            connection.execute(f"""
                copy (
                    select * from '{unsorted}/{table}.parquet' order by {moment}, {table[:-1]}_id
                ) to '{partial}/{table}.parquet' (compression zstd)
            """)
    shutil.rmtree(unsorted)
    return partial.rename(data)


def differing_rows(folder: Path, names: list[str]) -> dict[str, int]:
    """By contender, how many rows of the project's result it does not have, or has on its own."""
    found = {}
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        for name in ("project", "project_new_day", "project_orders", "floor"):
            if name in names:
                connection.execute(f"attach '{folder / name}.duckdb' as {name} (read_only)")

        def columns_of(relation: str) -> dict[str, str]:
            """Names and types."""
            return dict(r[:2] for r in connection.execute(f"describe from {relation}").fetchall())

        def differences(mine: str, theirs: str) -> int:
            (count,) = connection.execute(f"""
                select
                    (select count(*) from ({mine} except all {theirs}))
                    + (select count(*) from ({theirs} except all {mine}))
                    -- Two empty tables would agree.
                    + (select case when count(*) = 0 then 1 else 0 end from ({mine}))
            """).fetchall()[0]
            return count

        if {"project", "floor"} <= set(names):
            found["floor"] = 0
            for table in RESULTS:
                mine, theirs = f"project.main.{table}", f"floor.main.{table}"
                columns = columns_of(theirs)
                found["floor"] += differences(
                    f"select {', '.join(columns)} from {mine}", f"from {theirs}"
                )
                # What comes from inputs that are not there must be null.
                for column in columns_of(mine).keys() - columns:
                    (count,) = connection.execute(f"select count({column}) from {mine}").fetchone()
                    found["floor"] += count
        if {"project", "project_new_day"} <= set(names):
            found["project_new_day"] = sum(
                differences(f"from project.main.{table}", f"from project_new_day.main.{table}")
                for table in (*EVENTS, *RESULTS)
            )
        for name in {"polars", "pandas"} & set(names):
            file = f"read_parquet('{folder / name}.parquet')"
            columns = columns_of(file)
            connection.execute("""
                create or replace temp view mine as
                select * exclude (as_of_date), f.as_of_date
                from project_orders.main.customer_features as f
                inner join (
                    select customer_id, r_score, f_score, m_score
                    from project_orders.main.customer_rfm_scores
                ) using (customer_id)
                where order_count > 0
            """)
            types = columns_of("mine")
            typed = ", ".join(f"cast({column} as {types[column]})" for column in columns)
            mine = f"select {', '.join(columns)} from mine"
            found[name] = differences(mine, f"select {typed} from {file}")
        if {"own", "lifetimes"} <= set(names):
            mine, theirs = (
                json.loads((folder / f"{n}.json").read_text()) for n in ("own", "lifetimes")
            )
            # Parameters that are not the same to four digits.
            found["lifetimes"] = sum(abs(mine[key] / theirs[key] - 1) > 5e-5 for key in theirs)
        if {"project_everything", "scikit_learn"} <= set(names):
            connection.execute(
                f"attach '{folder}/project_everything.duckdb' as project_everything (read_only)"
            )
            found["scikit_learn"] = differences(
                "select customer_id, cluster from project_everything.main.customer_clusters",
                f"select customer_id, cluster from '{folder}/scikit_learn.json.parquet'",
            )
    return found


def medians(runs: list[Run]) -> Run:
    """The median of each figure; the models' seconds are those of the run in the middle."""
    middle = sorted(runs, key=lambda run: run.wall)[len(runs) // 2]
    models = median(run.models for run in runs) if runs[0].models else None
    wall, cpu = median(run.wall for run in runs), median(run.cpu for run in runs)
    peak = max(run.peak_gb for run in runs)
    return Run(wall, cpu, peak, models, middle.seconds_by_model, middle.nodes)


def elsewhere(function: Callable[..., Result], *arguments: object) -> Result:
    """The function's result, from a process of its own: a contender's peak memory begins at ours."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def benchmark(
    customers: int, names: list[str], count: int, folder: Path
) -> tuple[dict[str, Run], dict[str, int]]:
    data = elsewhere(prepared, customers, folder)
    results = folder / f"results_{customers}"
    results.mkdir(exist_ok=True)
    rounds = [
        name
        for number in range(count)
        for name in names
        if number == 0 or name != "project_everything"
    ]
    runs = defaultdict(list)
    for name in (progress := tqdm(rounds, unit="run")):
        progress.set_description(f"{customers:,} customers: {name}")
        runs[name].append(CONTENDER_RUNS[name](data, results))
    return {name: medians(runs[name]) for name in names}, elsewhere(differing_rows, results, names)


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    packages = ("dbt-core", "dbt-duckdb", "duckdb", "polars", "pandas", "pyarrow")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} on {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}."
    )


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def goal(text: str, value: float, limit: float, unit: str = "") -> list[str]:
    return [text, f"{value:.2f}{unit}", f"{limit:g}{unit}", "yes" if value <= limit else "**no**"]


def goals(found: dict[int, dict[str, Run]]) -> list[list[str]]:
    """Each goal with what was measured at the largest size, and whether it is met."""
    sizes = sorted(found)
    runs = found[sizes[-1]]
    rows = []
    if {"project", "floor"} <= set(runs):
        project = runs["project"]
        rows += [goal("models' own seconds / floor", project.models / runs["floor"].wall, 1.3)]
    if {"project", "project_new_day"} <= set(runs):
        share = runs["project_new_day"].models / runs["project"].models
        rows += [goal("models' own seconds, one new day / a full build", share, 0.4)]
    if "project_orders" in runs:
        orders = runs["project_orders"].wall
        for name, limit in (("polars", 0.5), ("pandas", 0.25)):
            if name in runs:
                text = f"order features and scores, dbt's start counted / {name}"
                rows += [goal(text, orders / runs[name].wall, limit)]
    if {"own", "lifetimes"} <= set(runs):
        share = runs["own"].wall / runs["lifetimes"].wall
        rows += [goal("fitting the purchase model / lifetimes, whole processes", share, 0.2)]
    if {"project", "project_everything", "scikit_learn"} <= set(runs):
        seconds = runs["project_everything"].seconds_by_model
        scoring = sum(seconds[name] for name in SCORING)
        rows += [
            goal("predicting for all / features and scores", scoring / runs["project"].models, 0.1)
        ]
        share = seconds["customer_clusters"] / runs["scikit_learn"].wall
        rows += [goal("clusters of all / scikit-learn, whole process", share, 1)]
    if "project" in runs:
        limit = 4 if sizes[-1] <= 1_000_000 else 16
        rows += [goal("peak memory of features and scores", runs["project"].peak_gb, limit, " GB")]
        for small, large in pairwise(sizes):
            growth = found[large]["project"].models / found[small]["project"].models
            text = f"models' own seconds, from {small:,} to {large:,} customers, per customer"
            rows += [goal(text, growth / (large / small), 1)]
    return rows


def report(
    found: dict[int, dict[str, Run]], differing: dict[int, dict[str, int]], sample: Run, count: int
) -> str:
    """The findings as Markdown, for docs/benchmarks.md and for the terminal."""
    parts = [f"{machine()} Runs: {count}, in turns; medians, and the highest peak."]
    for customers, runs in sorted(found.items()):
        floor = runs.get("floor")
        rows = [
            [
                DESCRIPTIONS[name],
                f"{run.wall:.1f}",
                f"{run.models:.1f}" if run.models else "",
                f"{run.cpu:.1f}",
                f"{run.peak_gb:.1f}",
                f"{run.wall / floor.wall:.2f}" if floor else "",
                f"{run.cpu / floor.cpu:.2f}" if floor else "",
            ]
            for name, run in runs.items()
        ]
        header = ["", "wall s", "of it models", "CPU s", "peak GB", "wall / floor", "CPU / floor"]
        parts += [f"## {customers:,} customers", table(header, rows)]
        equal = ", ".join(f"{name} {rows}" for name, rows in differing[customers].items())
        parts += [f"Rows that differ from the project's: {equal or 'nothing compared'}."]
    largest = found[max(found)]
    parts += ["## Goals", table(["", "measured", "goal", "met"], goals(found))]
    if "project" in largest:
        slowest = sorted(largest["project"].seconds_by_model.items(), key=lambda item: -item[1])
        rows = [[f"`{name}`", f"{seconds:.1f}"] for name, seconds in slowest[:8]]
        parts += [f"## Where the models' seconds go, {max(found):,} customers"]
        parts += [table(["", "s"], rows)]
    fixed_cost = (
        f"The shipped sample, `dbt build` with all its tests: {sample.nodes} nodes, "
        f"{sample.wall:.1f} s wall, {sample.cpu:.1f} s CPU, {sample.peak_gb:.1f} GB; "
        f"{sample.wall - sample.models:.1f} s of it before the first node and after the last."
    )
    parts += ["## The fixed cost", fixed_cost]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=CONTENDER_RUNS, default=list(CONTENDER_RUNS))
    parser.add_argument("--folder", type=Path, default=ROOT / "target/benchmark")
    parser.add_argument("--memory", help="DuckDB's limit, as 12GB; by default 80%% of the machine")
    parser.add_argument("--output", type=Path, help="a page with the mark, for the figures")
    options = parser.parse_args()
    if options.memory:
        os.environ["SEGMENTATION_DUCKDB_MEMORY"] = options.memory
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    found, differing = {}, {}
    for customers in options.customers:
        found[customers], differing[customers] = benchmark(
            customers, options.only, options.runs, folder
        )
    sample = medians([dbt_build("sample", "sample", folder) for _ in range(options.runs)])
    text = report(found, differing, sample, options.runs)
    print(text)
    if options.output:
        above = options.output.read_text(encoding="utf-8").split(MARK)[0]
        options.output.write_text(f"{above}{MARK}\n\n{text}", encoding="utf-8")
    if any(rows for by_name in differing.values() for rows in by_name.values()):
        raise SystemExit("The contenders do not agree: their figures compare nothing.")


if __name__ == "__main__":
    main()
