"""Build the past: a slice of segments and scores for each as-of date, as it was known by then.

    uv run scripts/backfill.py --from 2025-01-31 --to 2025-12-31 --every month --profiles-dir profiles

The clean events are built once, then the marts that history is made of for each date, from the earliest to the
latest, and in the end all marts for the present date, with their data tests. A date that was built and that
nothing has come to since is left out, so that a stopped run goes on where it was; `--rebuild` builds all of them.
The exit code is 1 if dbt fails, with the date; what was built until then stays.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from datetime import date, timedelta
from typing import TYPE_CHECKING

import yaml
from raw_tables import UnreadableError, add_dbt_options, copy_of, dbt_arguments
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

SILENT = ("--log-level", "none", "--log-level-file", "none", "--no-use-colors")
WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
CLEAN_EVENTS = ("build", *WITHOUT_UNIT_TESTS, "--exclude", "int_as_of_date+")
SLICE = ("run", "--select", "int_as_of_date+,+segment_slices")
PRESENT = ("build", *WITHOUT_UNIT_TESTS, "--select", "int_as_of_date+")
# Those of the dates that are as a build of now would make them.
FRESH = """
{% set slices = load_relation(ref('customer_segmentation', 'segment_slices')) %}
{% set event_days = ref('customer_segmentation', 'int_event_days') %}
{% if slices %}
select as_of_date from (
    select as_of_date, order_count, cancelled_count, session_count, order_amount, refunded_amount
    from {{ slices }}
    intersect
    select slices.as_of_date, {{ customer_segmentation.event_totals('days') }}
    from {{ slices }} as slices
    left join {{ event_days }} as days on slices.as_of_date >= days.event_date
    group by slices.as_of_date
) as fresh
{% else %}
select cast(null as date) as as_of_date where 1 = 0
{% endif %}
"""


def dates_between(first: date, last: date, every: str) -> Iterator[date]:
    """Month-ends, or each seventh day or day from the first on."""
    if every == "month":
        day = first
        while day <= last:
            if (day + timedelta(days=1)).day == 1:
                yield day
            day += timedelta(days=1)
    else:
        step = timedelta(days=7 if every == "week" else 1)
        for number in range((last - first) // step + 1):
            yield first + number * step


class Dbt:
    """One dbt for all dates: the project is parsed once."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.variables = yaml.safe_load(options.vars) or {}
        self.arguments = dbt_arguments(options)
        self.manifest: Manifest | None = None
        self.manifest = self.run("parse").result

    def run(self, *command: str, as_of: date | None = None) -> "dbtRunnerResult":
        from dbt.cli.main import dbtRunner  # takes seconds

        variables = self.variables | ({"as_of_date": str(as_of)} if as_of else {})
        messages: list[str] = []

        def listen(event: object) -> None:
            if event.info.level == "error":
                messages.append(event.info.msg)

        # dbt writes into the manifest that it is given.
        runner = dbtRunner(manifest=self.manifest and copy_of(self.manifest), callbacks=[listen])
        with redirect_stdout(sys.stderr):
            result = runner.invoke(
                [*command, *SILENT, "--vars", yaml.safe_dump(variables), *self.arguments]
            )
        if not result.success:
            detail = "\n".join(messages) or str(result.exception or "")
            place = f" as of {as_of}" if as_of else ""
            raise UnreadableError(f"dbt {command[0]} failed{place}.\n{detail}".strip())
        return result

    def fresh_dates(self) -> set[date]:
        result = self.run("show", "--inline", FRESH, "--limit", "-1")
        return {
            value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
            for (value,) in result.result.results[0].agate_table.rows
        }


def build_past(dbt: Dbt, dates: Sequence[date], rebuild: bool, console: Console) -> list[date]:
    """The dates that were built now."""
    console.print("The clean events, once …")
    dbt.run(*CLEAN_EVENTS)
    fresh = set() if rebuild else dbt.fresh_dates()
    missing = [day for day in dates if day not in fresh]
    if len(missing) < len(dates):
        console.print(f"{len(dates) - len(missing)} of {len(dates)} dates are built already.")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("as of", total=len(missing))
        for day in missing:
            progress.update(task, description=f"as of {day}")
            dbt.run(*SLICE, as_of=day)
            progress.advance(task)
    console.print("The present, with its tests …")
    dbt.run(*PRESENT)
    return missing


def main(
    arguments: Sequence[str] | None = None, make_dbt: Callable[[argparse.Namespace], Dbt] = Dbt
) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True)
    parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True)
    parser.add_argument("--every", choices=("month", "week", "day"), default="month")
    parser.add_argument("--rebuild", action="store_true", help="also the dates that are built")
    parser.add_argument("--vars", default="{}", help="as of dbt, in YAML")
    add_dbt_options(parser)
    options = parser.parse_args(arguments)
    dates = list(dates_between(options.first, options.last, options.every))
    console = Console(stderr=True)
    if not dates:
        unit = "month-end" if options.every == "month" else "day"
        print(f"There is no {unit} from {options.first} to {options.last}.", file=sys.stderr)
        return 1
    try:
        built = build_past(make_dbt(options), dates, options.rebuild, console)
    except UnreadableError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(built)} dates were built, {len(dates) - len(built)} were there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
