"""Say what a change of the project would move: two builds of the same raw data, one before it and one after.

    uv run scripts/compare_builds.py base.duckdb head.duckdb --max-moved 2%
    uv run scripts/compare_builds.py base_schema head_schema --target postgres

Per table: rows added, removed and changed, by column; names and types. Per scheme: who moved where, and what they are
worth. Rules, in words; refused rows; with `--manifests` (the target/manifest.json of both) also tests that are gone. Markdown
for a comment on standard output, `--json` for machines. Of fewer customers than the var `smallest_cell` nothing is told, and
no row of a person.

The exit code is 1 where a scheme moves more of its customers than `--max-moved` (for all, or `rfm=5%` for one), a column
is gone or has another type, a test is gone, or a segment has lost all its customers, unless `--reason` says why this is wanted; 2
where something cannot be read.
"""

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from functools import partial
from itertools import groupby
from pathlib import Path

import duckdb
import yaml
from raw_tables import (
    UnreadableError,
    add_dbt_options,
    ask_duckdb,
    ask_parts,
    dbt_arguments,
    quoted,
    read_var,
)
from telling import NOT_TOLD, Row, hide_small, plural, told, words

Ask = Callable[[dict[str, str]], dict[str, list[Row]]]

SIDES = ("base", "head")
# What people read; the rest is how it is made, and may change at will.
INTERNAL = re.compile(r"^(stg|int|sample)_|^run_manifest$")
CATALOG = """
    select table_name, column_name, lower(data_type) as data_type, ordinal_position as position
    from information_schema.columns
    where table_schema = '{schema}'{catalog}
"""
KINDS = """
    select table_name, table_type from information_schema.tables
    where table_schema = '{schema}'{catalog}
"""
CHANGES = (
    "is",
    "added",
    "removed",
    "changed",
    "columns_added",
    "columns_removed",
    "columns_retyped",
)
DEFINED = ("rule", "description", "action", "position", "family", "missing_input")


@dataclass
class Comparison:
    """What differs. Rows of tables by name; `moves` by scheme."""

    as_of_date: str | None = None
    tables: dict[str, dict] = field(default_factory=dict)
    breaking: list[str] = field(default_factory=list)
    totals: list[Row] = field(default_factory=list)
    schemes: dict[str, dict] = field(default_factory=dict)
    definitions: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    tests: dict[str, list[str]] = field(default_factory=dict)
    over_budget: list[str] = field(default_factory=list)
    reason: str | None = None

    @property
    def problems(self) -> list[str]:
        return [*self.breaking, *self.over_budget]


# What is read


def ask_files(files: dict[str, Path]) -> Ask:
    """Of two DuckDB files, read-only."""
    connection = duckdb.connect()
    for side, path in files.items():
        if not path.is_file():
            raise UnreadableError(f"{path} is no file.")
        connection.execute(f"attach {quoted(str(path), chr(39))} as {side} (read_only)")

    return partial(ask_duckdb, connection=connection)


@dataclass
class Builds:
    """Both builds: the relation of each table, by side, and how to ask."""

    ask: Ask
    relations: dict[str, dict[str, str]]
    columns: dict[str, dict[str, dict[str, str]]]

    def both(self, table: str) -> bool:
        return all(table in self.relations[side] for side in SIDES)


def read_builds(options: argparse.Namespace) -> Builds:
    if options.target in (None, "duckdb"):
        ask = ask_files(dict(zip(SIDES, (Path(options.base), Path(options.head)), strict=True)))
        # Wherever the project puts its marts.
        where = "select table_schema from information_schema.tables where table_name = 'customers'"
        places = {}
        for side in SIDES:
            found = ask({side: f"{where} and table_catalog = '{side}'"})[side]
            schema = found[0]["table_schema"] if found else "main"
            catalog = f" and table_catalog = '{side}'"
            places[side] = (schema, catalog, f"{side}.{quoted(schema)}")
    else:
        ask = partial(ask_parts, arguments=dbt_arguments(options))
        for schema in (options.base, options.head):
            if not re.fullmatch(r"\w+", schema):
                raise UnreadableError(f"{schema!r} is no schema.")
        places = {
            side: (schema, "", quoted(schema))
            for side, schema in zip(SIDES, (options.base, options.head), strict=True)
        }
    parts = {}
    for side, (schema, catalog, _) in places.items():
        values = {"schema": schema, "catalog": catalog}
        parts |= {
            f"{side} columns": CATALOG.format(**values),
            f"{side} kinds": KINDS.format(**values),
        }
    rows = ask(parts)
    # What was not built on that side, and is read from the other.
    models = model_names(options.manifests[1]) if options.deferred else set()
    relations: dict[str, dict[str, str]] = {}
    columns: dict[str, dict[str, dict[str, str]]] = {}
    for side in SIDES:
        tables = [row for row in rows[f"{side} kinds"] if not INTERNAL.match(row["table_name"])]
        if not tables and not (options.deferred and side == "head"):
            raise UnreadableError(f"{getattr(options, side)} has no tables. Has `dbt build` run?")
        relations[side] = {
            row["table_name"]: f"{places[side][2]}.{quoted(row['table_name'])}" for row in tables
        }
        columns[side] = defaultdict(dict)
        for row in sorted(rows[f"{side} columns"], key=lambda row: row["position"]):
            columns[side][row["table_name"]][row["column_name"]] = row["data_type"]
        views = {row["table_name"] for row in tables if row["table_type"] == "VIEW"}
        relations[f"{side} views"] = dict.fromkeys(views, "")
    for table in models & relations["base"].keys() - relations["head"].keys():
        relations["head"][table] = relations["base"][table]
        columns["head"][table] = columns["base"][table]
    return Builds(ask, relations, columns)


def has_changed(found: dict) -> bool:
    """A table, by what was found of it."""
    return any(found.get(what) for what in CHANGES)


def declared_keys(project: Path) -> dict[str, list[str]]:
    """The key of each model, by the tests that its YAML declares."""
    keys = {}
    folders = (project / "models", *project.glob("dbt_packages/*/models"))
    for path in sorted(path for folder in folders for path in folder.rglob("*.yml")):
        for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models") or []:
            for test in model.get("data_tests") or []:
                if isinstance(test, dict) and "unique_combination" in test:
                    keys[model["name"]] = test["unique_combination"]["arguments"]["columns"]
            for column in model.get("columns") or []:
                if "unique" in (column.get("data_tests") or []):
                    keys.setdefault(model["name"], [column["name"]])
    return keys


# What is compared


def compare_columns(builds: Builds, comparison: Comparison) -> None:
    for table in sorted({*builds.relations["base"], *builds.relations["head"]}):
        if not builds.both(table):
            is_gone = table in builds.relations["base"]
            comparison.tables[table] = {"is": "gone" if is_gone else "new"}
            if is_gone:
                comparison.breaking.append(f"the table `{table}` is gone")
            continue
        base, head = (builds.columns[side][table] for side in SIDES)
        retyped = {c: [base[c], head[c]] for c in base if c in head and base[c] != head[c]}
        found = {
            "columns_removed": [c for c in base if c not in head],
            "columns_added": [c for c in head if c not in base],
            "columns_retyped": retyped,
        }
        comparison.tables[table] = found
        comparison.breaking += [f"`{table}.{c}` is gone" for c in found["columns_removed"]]
        comparison.breaking += [
            f"`{table}.{c}` was {a} and is {b}" for c, (a, b) in retyped.items()
        ]


def rows_sql(builds: Builds, table: str, key: Sequence[str] | None) -> str:
    """One row: how many rows are there, are new, gone or changed, and in which columns."""
    base, head = (builds.relations[side][table] for side in SIDES)
    shared = [c for c in builds.columns["base"][table] if c in builds.columns["head"][table]]
    if not key or not set(key) <= set(shared):
        listed = ", ".join(map(quoted, shared))
        return (
            f"select (select count(*) from {base}) as base_rows, (select count(*) from {head}) as head_rows,"
            f" (select count(*) from (select {listed} from {head} except all select {listed} from {base}) as a)"
            f" as added, (select count(*) from (select {listed} from {base} except all"
            f" select {listed} from {head}) as r) as removed"
        )
    # Part of a key may be null, which an outer join on PostgreSQL cannot compare.
    joined = " and ".join(
        f"coalesce(cast(b.{quoted(c)} as varchar), '\x01') = coalesce(cast(h.{quoted(c)} as varchar), '\x01')"
        for c in key
    )
    values = [c for c in shared if c not in key]
    differs = [f"b.{quoted(c)} is distinct from h.{quoted(c)}" for c in values]
    # `there` tells a row that is not there from one of nulls.
    counts = [
        "sum(case when b.there then 1 else 0 end) as base_rows",
        "sum(case when h.there then 1 else 0 end) as head_rows",
        "sum(case when b.there is null then 1 else 0 end) as added",
        "sum(case when h.there is null then 1 else 0 end) as removed",
        *(
            [
                f"sum(case when b.there and h.there and ({' or '.join(differs)}) then 1 else 0 end) as changed"
            ]
            if values
            else []
        ),
        *(
            f"sum(case when b.there and h.there and {differ} then 1 else 0 end) as {quoted('in ' + c)}"
            for c, differ in zip(values, differs, strict=True)
        ),
    ]
    return (
        f"select {', '.join(counts)} from (select *, true as there from {base}) as b"
        f" full join (select *, true as there from {head}) as h on {joined}"
    )


def compare_rows(builds: Builds, comparison: Comparison, keys: dict[str, list[str]]) -> None:
    views = {*builds.relations["base views"], *builds.relations["head views"]}
    base, head = (builds.relations[side] for side in SIDES)
    # A view is made of the tables.
    tables = [
        table
        for table, found in comparison.tables.items()
        if "is" not in found and table not in views and base[table] != head[table]
    ]
    answers = builds.ask({t: rows_sql(builds, t, keys.get(t)) for t in tables})
    for table in tables:
        row = {name: int(value or 0) for name, value in answers[table][0].items()}
        comparison.tables[table] |= {
            n: row[n] for n in ("base_rows", "head_rows", "added", "removed")
        }
        comparison.tables[table]["changed"] = row.get("changed", 0)
        comparison.tables[table]["changed_columns"] = {
            name.removeprefix("in "): count
            for name, count in row.items()
            if name.startswith("in ") and count
        }


def compare_segments(builds: Builds, comparison: Comparison, smallest: int) -> None:
    """On the latest as-of date that both have."""
    base, head = (builds.relations[side] for side in SIDES)
    needed = ("segment_memberships", "customer_scores", "segment_definitions")
    if not all(builds.both(table) for table in needed):
        return
    dates = builds.ask(
        {
            side: f"select distinct as_of_date from {builds.relations[side]['customer_scores']}"
            for side in SIDES
        }
    )
    shared = {row["as_of_date"] for row in dates["base"]} & {
        row["as_of_date"] for row in dates["head"]
    }
    if not shared:
        return
    comparison.as_of_date = day = max(shared)
    members = (
        "(select m.customer_id, m.scheme, m.segment, s.net_amount_365d from {memberships} as m"
        " inner join {scores} as s on m.customer_id = s.customer_id and m.as_of_date = s.as_of_date"
        f" where m.as_of_date = '{day}')"
    )
    sides = {
        side: members.format(
            memberships=builds.relations[side]["segment_memberships"],
            scores=builds.relations[side]["customer_scores"],
        )
        for side in SIDES
    }
    sums = (
        "count(*) as customer_count, sum(case when order_count_365d > 0 then 1 else 0 end) as buyer_count,"
        " sum(order_count_365d) as order_count, sum(net_amount_365d) as net_amount,"
        " sum(predicted_amount_365d) as predicted_amount, avg(churn_probability) as churn_probability"
    )
    listed = "scheme, segment, " + ", ".join(DEFINED)
    rows = builds.ask(
        {
            "moves": "select coalesce(b.scheme, h.scheme) as scheme, b.segment as from_segment,"
            " h.segment as to_segment, count(*) as customer_count, sum(b.net_amount_365d) as base_amount,"
            " sum(h.net_amount_365d) as head_amount"
            f" from {sides['base']} as b full join {sides['head']} as h"
            " on b.customer_id = h.customer_id and b.scheme = h.scheme"
            " group by coalesce(b.scheme, h.scheme), b.segment, h.segment",
            **{
                f"{side} totals": f"select {sums} from {builds.relations[side]['customer_scores']}"
                f" where as_of_date = '{day}'"
                for side in SIDES
            },
            "base definitions": f"select {listed} from {base['segment_definitions']}",
            "head definitions": f"select {listed} from {head['segment_definitions']}",
        }
    )
    before, after = rows["base totals"][0], rows["head totals"][0]
    comparison.totals = [{"what": n, "base": before[n], "head": after[n]} for n in before]
    compare_definitions(comparison, rows["base definitions"], rows["head definitions"])
    by_scheme = sorted(rows["moves"], key=lambda row: row["scheme"])
    for scheme, found in groupby(by_scheme, key=lambda row: row["scheme"]):
        comparison.schemes[scheme] = scheme_moves(scheme, list(found), comparison, smallest)


def scheme_moves(scheme: str, rows: list[Row], comparison: Comparison, smallest: int) -> dict:
    """The migration matrix of a scheme: the cells that are told, and shares of all."""
    there = [row for row in rows if row["from_segment"] and row["to_segment"]]
    customers = sum(row["customer_count"] for row in there)
    moved = [row for row in there if row["from_segment"] != row["to_segment"]]
    count = sum(row["customer_count"] for row in moved)
    names = renamed(there)
    comparison.breaking += [
        f"`{scheme}`: {words(segment)} has no customers any more"
        for segment in emptied(there, names)
    ]
    told_rows = hide_small(rows, ("base_amount", "head_amount"), smallest)
    told_rows.sort(
        key=lambda r: (
            r["from_segment"] == r["to_segment"],
            -(r["customer_count"] if r["customer_count"] != NOT_TOLD else 0),
            str(r["from_segment"]),
            str(r["to_segment"]),
        )
    )
    return {
        "customers": customers,
        "moved": count,
        "share": Decimal(count) / customers if customers else Decimal(0),
        "joined": sum(row["customer_count"] for row in rows if not row["from_segment"]),
        "left": sum(row["customer_count"] for row in rows if not row["to_segment"]),
        "renamed": names,
        "matrix": told_rows,
    }


def renamed(rows: list[Row]) -> dict[str, str]:
    """Segments whose customers are all in one other, which has nobody else."""
    heirs, origins = defaultdict(set), defaultdict(set)
    for row in rows:
        heirs[row["from_segment"]].add(row["to_segment"])
        origins[row["to_segment"]].add(row["from_segment"])
    return {
        before: after
        for before, (after, *others) in sorted((k, sorted(v)) for k, v in heirs.items())
        if not others and before != after and len(origins[after]) == 1
    }


def emptied(rows: list[Row], names: dict[str, str]) -> list[str]:
    before = {row["from_segment"] for row in rows}
    return sorted(before - {row["to_segment"] for row in rows} - set(names))


def compare_definitions(comparison: Comparison, base: list[Row], head: list[Row]) -> None:
    of = [{(row["scheme"], row["segment"]): row for row in rows} for rows in (base, head)]
    for key in sorted({*of[0], *of[1]}):
        before, after = of[0].get(key), of[1].get(key)
        for name in DEFINED if before and after else (None,):
            if name is None:
                found = after or before
                change = {"what": "added" if after else "removed", "base": None, "head": None}
                change["head" if after else "base"] = found["rule"] or found["description"]
            elif before[name] == after[name]:
                continue
            else:
                change = {"what": name, "base": before[name], "head": after[name]}
            comparison.definitions.append({"scheme": key[0], "segment": key[1], **change})


def compare_refused(builds: Builds, comparison: Comparison) -> None:
    if not builds.both("quarantined_rows"):
        return
    counted = "select source, reason, count(*) as row_count from {} group by source, reason"
    rows = builds.ask(
        {side: counted.format(builds.relations[side]["quarantined_rows"]) for side in SIDES}
    )
    counts = {
        side: {(r["source"], r["reason"]): r["row_count"] for r in rows[side]} for side in SIDES
    }
    for source, reason in sorted({*counts["base"], *counts["head"]}):
        before, after = (counts[side].get((source, reason), 0) for side in SIDES)
        if before != after:
            comparison.refused.append(
                {"source": source, "reason": reason, "base": before, "head": after}
            )


def read_manifest(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise UnreadableError(f"{path} is no manifest of dbt: nothing to compare with.") from error


def model_names(manifest: Path) -> set[str]:
    nodes = read_manifest(manifest)["nodes"].values()
    return {node["name"] for node in nodes if node["resource_type"] in ("model", "seed")}


def compare_tests(manifests: Sequence[Path], comparison: Comparison) -> None:
    """Names of unit and data tests."""
    names = []
    for manifest in map(read_manifest, manifests):
        tests = {key.split(".", 2)[2] for key in manifest.get("unit_tests", {})}
        tests |= {
            node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"
        }
        names.append(tests)
    base, head = names
    comparison.tests = {"removed": sorted(base - head), "added": sorted(head - base)}
    comparison.breaking += [f"the test `{name}` is gone" for name in comparison.tests["removed"]]


def judge(comparison: Comparison, budgets: dict[str | None, Decimal]) -> None:
    for scheme, found in comparison.schemes.items():
        budget = budgets.get(scheme, budgets.get(None))
        if budget is not None and found["share"] > budget:
            comparison.over_budget.append(
                f"`{scheme}` moves {told(found['share'], 'share')} of its customers, more than {told(budget, 'share')}"
            )


def compare(options: argparse.Namespace) -> Comparison:
    builds = read_builds(options)
    comparison = Comparison(reason=options.reason)
    compare_columns(builds, comparison)
    compare_rows(builds, comparison, declared_keys(options.project_dir))
    compare_segments(builds, comparison, read_var(options.project_dir, "smallest_cell"))
    compare_refused(builds, comparison)
    if options.manifests:
        compare_tests(options.manifests, comparison)
    judge(comparison, dict(options.max_moved))
    return comparison


# How it is told


def table_of(names: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    def cell(value: object) -> str:
        return str(value).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")

    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return [*lines, *("| " + " | ".join(map(cell, row)) + " |" for row in rows), ""]


def verdict(comparison: Comparison) -> str:
    moving = {s: f for s, f in comparison.schemes.items() if f["moved"]}
    if not moving:
        return "**Nobody moves** in any scheme."
    scheme, most = max(moving.items(), key=lambda item: item[1]["share"])
    return (
        f"**{plural(len(moving), 'scheme')} of {len(comparison.schemes)} move customers**, most of them `{scheme}`:"
        f" {told(most['share'], 'share')}."
    )


def markdown(comparison: Comparison, title: str = "What this change moves") -> str:
    lines = [f"## {title}", "", verdict(comparison), ""]
    if comparison.problems:
        judged = f"Wanted, since: {comparison.reason}" if comparison.reason else "To be decided"
        lines += [f"**{judged}**", "", *(f"- {problem}" for problem in comparison.problems), ""]
    changed = {name: found for name, found in comparison.tables.items() if has_changed(found)}
    if changed:
        lines += ["### Tables", ""]
        rows = []
        for name, found in changed.items():
            columns = ", ".join(
                f"{c} ({n:,})"
                for c, n in sorted(
                    found.get("changed_columns", {}).items(), key=lambda i: (-i[1], i[0])
                )[:8]
            )
            more = len(found.get("changed_columns", {})) - 8
            shape = [f"+ {c}" for c in found.get("columns_added", [])]
            shape += [f"− {c}" for c in found.get("columns_removed", [])]
            shape += [f"{c}: {a} → {b}" for c, (a, b) in found.get("columns_retyped", {}).items()]
            counts = [f"{found.get(n, 0):,}" for n in ("added", "removed", "changed")]
            rows.append(
                (
                    f"`{name}`",
                    found.get("is", ""),
                    *counts,
                    columns + (f" and {more} more" if more > 0 else ""),
                    ", ".join(shape),
                )
            )
        lines += table_of(
            ("table", "", "rows added", "removed", "changed", "in columns (rows)", "columns"), rows
        )
    else:
        lines += ["No row of any table differs.", ""]
    shifted = [row for row in comparison.totals if row["base"] != row["head"]]
    if shifted:
        lines += [f"### In all, on {comparison.as_of_date}", ""]
        lines += table_of(
            ("", "base", "head"),
            [(words(r["what"]), *(told(r[s], "number") for s in SIDES)) for r in shifted],
        )
    for scheme, found in comparison.schemes.items():
        matrix = [r for r in found["matrix"] if r["from_segment"] != r["to_segment"]]
        if not matrix:
            continue
        lines += [
            f"### `{scheme}`: {told(found['share'], 'share')} of {found['customers']:,} customers move",
            "",
        ]
        lines += [
            f"All of {words(before)} are now {words(after)}, and nobody else is: a new name, or two names exchanged."
            for before, after in found["renamed"].items()
        ]
        lines += [""] if found["renamed"] else []
        rows = [
            (
                words(r["from_segment"] or "not there"),
                words(r["to_segment"] or "not there"),
                told(r["customer_count"], "count"),
                told(r["base_amount"], "money"),
                told(r["head_amount"], "money"),
            )
            for r in matrix
        ]
        lines += table_of(("from", "to", "customers", "net amount of 365 days, base", "head"), rows)
    if comparison.definitions:
        lines += ["### Rules and words", ""]
        lines += table_of(
            ("scheme", "segment", "what", "base", "head"),
            [
                (
                    f"`{r['scheme']}`",
                    words(r["segment"]),
                    words(r["what"]),
                    r["base"] if r["base"] is not None else "–",
                    r["head"] if r["head"] is not None else "–",
                )
                for r in comparison.definitions
            ],
        )
    if comparison.refused:
        lines += ["### Refused rows", ""]
        lines += table_of(
            ("raw table", "reason", "base", "head"), [tuple(r.values()) for r in comparison.refused]
        )
    if any(comparison.tests.values()):
        lines += ["### Tests", ""]
        lines += [
            f"- {what}: `{name}`" for what, names in comparison.tests.items() for name in names
        ] + [""]
    return "\n".join(lines)


def budget(text: str) -> tuple[str | None, Decimal]:
    found = re.fullmatch(r"(?:(\w+)=)?(\d+(?:\.\d+)?)\s*%", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no share, such as 2% or rfm=5%")
    return found[1], Decimal(found[2]) / 100


def add_budget_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-moved", type=budget, action="append", default=[], metavar="[SCHEME=]SHARE%"
    )
    parser.add_argument("--reason", help="why it is wanted: shown, and the exit code is 0")
    parser.add_argument("--json", type=Path, help="where to write it for machines")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", help="a DuckDB file, or a schema of the target: before the change")
    parser.add_argument("head", help="after it")
    add_budget_options(parser)
    parser.add_argument("--manifests", type=Path, nargs=2, metavar=("BASE", "HEAD"))
    parser.add_argument(
        "--deferred", action="store_true", help="models that the head has not built are the base's"
    )
    add_dbt_options(parser)
    options = parser.parse_args(arguments)
    if options.deferred and not options.manifests:
        parser.error("--deferred needs --manifests: which models there are")
    try:
        comparison = compare(options)
        if options.json:
            options.json.write_text(json.dumps(asdict(comparison), indent=2, default=str) + "\n")
    except (UnreadableError, OSError, duckdb.Error) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 2
    print(markdown(comparison))
    return 1 if comparison.problems and not comparison.reason else 0


if __name__ == "__main__":
    sys.exit(main())
