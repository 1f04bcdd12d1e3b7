"""Check the rules of all schemes, as every build does, and say where their order decides.

    uv run scripts/check_rules.py --profiles-dir profiles

Prints every fault with its scheme and segment, and what to do; then, for each rule, the later rules
of its scheme that some of its customers meet as well. The exit code is 1 where there is a fault.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from itertools import groupby

from raw_tables import UnreadableError, add_dbt_options, dbt_arguments, render_with_dbt

REPORT = """{{ tojson({
    'errors': customer_segmentation.configuration_errors(),
    'overlaps': customer_segmentation.rule_report(with_overlaps=true).overlaps,
    'schemes': customer_segmentation.schemes('any') | list
}) }}"""


def overlap_lines(overlaps: Sequence[dict[str, str]]) -> list[str]:
    """A line for each rule that goes before others."""
    ordered = sorted(overlaps, key=lambda overlap: overlap["scheme"])
    lines = []
    for scheme, of_scheme in groupby(ordered, key=lambda overlap: overlap["scheme"]):
        lines.append(f"  {scheme}")
        by_first: dict[str, list[str]] = {}
        for overlap in of_scheme:
            by_first.setdefault(overlap["first"], []).append(overlap["second"])
        lines += [f"    {first} before {', '.join(later)}" for first, later in by_first.items()]
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_dbt_options(parser)
    try:
        report = json.loads(render_with_dbt(REPORT, dbt_arguments(parser.parse_args(arguments))))
    except UnreadableError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    for error in report["errors"]:
        print(f"ERROR: {error}", file=sys.stderr)
    if report["overlaps"]:
        print("Where two rules hold for the same customers, the first decides:")
        print("\n".join(overlap_lines(report["overlaps"])))
    print(f"{len(report['schemes'])} schemes, {len(report['errors'])} faults.")
    return int(bool(report["errors"]))


if __name__ == "__main__":
    sys.exit(main())
