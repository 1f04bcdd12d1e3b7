"""Write one HTML file that shows the published tables to anyone: no network, no script, one file to attach.

    uv run scripts/report.py

Reads, read-only, what scripts/run.py published, or else the database of the profile; `--database` names another DuckDB
file, `--target` another engine, through dbt's own connection. What is said of a segment is of one scheme, `--scheme`. Each
figure says in a sentence what it shows, and has a table behind it. Of fewer customers than the var `smallest_cell` nothing
is told, nor what a difference would tell. The same tables give the same bytes. The exit code is 1 where nothing can be read.
"""

import argparse
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import groupby
from pathlib import Path
from textwrap import fill

import altair as alt
import duckdb
import jinja2
from export import published_file
from raw_tables import (
    UnreadableError,
    add_dbt_options,
    ask_duckdb,
    ask_parts,
    dbt_arguments,
    quoted,
    read_var,
    render_with_dbt,
)
from telling import NOT_TOLD, Row, hide_small, plural, told, words

# {name} is a mart; {scheme} a scheme as a literal, {today} the as-of date of the last build.
TODAY = "(select cast(subject as date) from {pipeline_health} where check_name = 'as_of_date')"
PARTS = {
    "as_of": f"select {TODAY} as as_of_date",
    "base": f"""
        select
            as_of_date,
            count(*) as customer_count,
            sum(case when order_count_365d > 0 then 1 else 0 end) as buyer_count,
            sum(order_count_365d) as order_count,
            sum(net_amount_365d) as net_amount
        from {{customer_scores}}
        where as_of_date <= {TODAY}
        group by as_of_date
    """,
    "cells": """
        select r_score, f_score, rfm_segment, count(*) as customer_count
        from {customer_rfm_scores}
        where r_score is not null
        group by r_score, f_score, rfm_segment
    """,
    "kpis": f"select * from {{segment_kpis}} where scheme = {{scheme}} and as_of_date <= {TODAY}",
    "schemes": f"""
        select
            kpis.scheme, kpis.segment, kpis.position, kpis.customer_count, kpis.customer_share,
            kpis.net_amount_365d_share, definitions.family, definitions.description, definitions.action
        from {{segment_kpis}} as kpis
        inner join {{segment_definitions}} as definitions
            on kpis.scheme = definitions.scheme and kpis.segment = definitions.segment
        where kpis.as_of_date = {TODAY}
    """,
    "moves": f"""
        select from_date, from_segment, to_segment, has_stayed, customer_count
        from {{segment_transitions}}
        where scheme = {{scheme}} and is_consecutive and to_date = {TODAY}
    """,
    "scorecard": f"select * from {{segment_scorecard}} where as_of_date = {TODAY}",
    "clusters": "select * from {cluster_profiles}",
    "centroids": "select cluster, feature, centroid from {cluster_centroids}",
    "evaluation": "select * from {prediction_evaluation}",
    "health": "select * from {pipeline_health}",
    "refused": """
        select source, reason, count(*) as row_count from {quarantined_rows} group by source, reason
    """,
}
TARGET = "{{ tojson({'type': target.type, 'path': target.get('path') | string}) }}"
# A chart wider than a phone would be unreadable there; the page enlarges it on a desk.
WIDTH = 360
DATES = 24
MOVES = 12
# Shapes tell apart what colours may not.
VERDICTS = {
    "keep": ("circle", "var(--blue)"),
    "merge": ("square", "var(--orange)"),
    "review": ("diamond", "var(--muted)"),
    "drop": ("cross", "var(--red)"),
}


# What is read


def ask_file(parts: dict[str, str], database: Path) -> dict[str, list[Row]]:
    """Of a DuckDB file that others may be reading."""
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute(
            "select table_name, table_schema from information_schema.tables"
        ).fetchall()
        relations = {name: f"{quoted(schema)}.{quoted(name)}" for name, schema in tables}
        filled = {name: sql.format_map(relations) for name, sql in parts.items()}
        return ask_duckdb(filled, connection)


def database_of(options: argparse.Namespace, settings: dict) -> Path:
    if options.database:
        return options.database
    try:
        return published_file(options.project_dir)
    except UnreadableError:
        return options.project_dir / settings["path"]


def read_parts(options: argparse.Namespace) -> tuple[dict, dict[str, list[Row]]]:
    """The settings of the project, and all rows by part."""
    if not re.fullmatch(r"\w+", options.scheme):
        raise UnreadableError(f"{options.scheme!r} is no scheme.")
    dbt = dbt_arguments(options)
    settings = json.loads(render_with_dbt(TARGET, dbt))
    settings |= {
        n: read_var(options.project_dir, n) for n in ("reporting_currency", "smallest_cell")
    }
    parts = {name: sql.replace("{scheme}", f"'{options.scheme}'") for name, sql in PARTS.items()}
    if settings["type"] == "duckdb":
        try:
            rows = ask_file(parts, database_of(options, settings))
        except KeyError as error:
            raise UnreadableError(f"There is no table {error}. Has `dbt build` run?") from error
    else:
        ref = "{{ ref('customer_segmentation', '\\1') }}"
        rows = ask_parts({n: re.sub(r"\{(\w+)\}", ref, sql) for n, sql in parts.items()}, dbt)
    if not any(row["scheme"] == options.scheme for row in rows["schemes"]):
        known = ", ".join(sorted({row["scheme"] for row in rows["schemes"]})) or "none was built"
        raise UnreadableError(f"{options.scheme} is no scheme. There are: {known}.")
    return settings, rows


# How it is told


@dataclass(frozen=True)
class Column:
    """A column of a table, and how its values read: count, money, share, number, change, date or text."""

    name: str
    label: str
    kind: str = "text"


@dataclass
class Figure:
    """A sentence that says what is shown, a picture of it (or none), and the table behind it."""

    key: str
    title: str
    sentence: str
    columns: Sequence[Column] = ()
    rows: Sequence[Row] = ()
    chart: alt.TopLevelMixin | None = None
    notes: Sequence[str] = ()
    is_open: bool = False

    @property
    def svg(self) -> str:
        """The chart with the colours of the page; its name is given by the element around it."""
        text = StringIO()
        self.chart.configure(
            background="transparent", font="sans-serif", view=alt.ViewConfig(stroke=None)
        ).configure_axis(
            labelColor="currentColor",
            titleColor="currentColor",
            domainColor="var(--line)",
            tickColor="var(--line)",
            gridColor="var(--line)",
            labelLimit=150,
            labelFontSize=11,
            titleFontWeight="normal",
        ).configure_header(
            labelColor="currentColor", titleColor="currentColor", labelFontSize=11
        ).configure_legend(
            labelColor="currentColor", titleColor="currentColor", labelFontSize=11
        ).save(text, format="svg")
        return re.sub(r' (role|aria-\w+|class|pointer-events|id)="[^"]*"', "", text.getvalue())

    @property
    def cells(self) -> list[list[tuple[str, str]]]:
        """By row, the kind and the text of each column."""
        return [
            [(c.kind, told(row.get(c.name), c.kind)) for c in self.columns] for row in self.rows
        ]


def number(value: object) -> float | None:
    """For a chart, in which what is not told has no mark."""
    return None if value in (None, NOT_TOLD) else float(value)


def thinned(rows: list[Row]) -> list[Row]:
    """Of many dates the last of each month, and of many months the last ones."""
    dates = sorted({row["as_of_date"] for row in rows})
    if len(dates) > DATES:
        dates = [list(month)[-1] for _, month in groupby(dates, key=lambda day: day[:7])][-DATES:]
    return [row for row in rows if row["as_of_date"] in dates]


def data(rows: Sequence[Row]) -> alt.Data:
    return alt.Data(values=list(rows))


def over_time(rows: Sequence[Row], order: Sequence[str], columns: int, **axis: object) -> alt.Chart:
    """Small multiples of `value` by `as_of_date`, one for each `panel`."""
    width = (WIDTH - 40) // columns - 30
    dates = sorted({row["as_of_date"] for row in rows})
    return (
        alt.Chart(data(rows), width=width, height=70)
        .mark_line(point={"size": 20, "color": "var(--blue)"}, color="var(--blue)")
        .encode(
            x=alt.X(
                "as_of_date:T",
                title=None,
                axis=alt.Axis(
                    format="%b %y", values=[dates[0], dates[-1]], grid=False, labelFlush=True
                ),
            ),
            y=alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=3, **axis)),
            facet=alt.Facet("panel:N", columns=columns, title=None, sort=list(order), spacing=12),
        )
    )


def bars(rows: Sequence[Row], order: Sequence[str], title: str, **axis: object) -> alt.Chart:
    """A bar of `value` for each `name`, in the given order."""
    return (
        alt.Chart(data(rows), width=WIDTH - 150, height=alt.Step(20))
        .mark_bar(color="var(--blue)")
        .encode(
            y=alt.Y("name:N", sort=list(order), title=None, axis=alt.Axis(labelLimit=190)),
            x=alt.X("value:Q", title=title, axis=alt.Axis(tickCount=4, **axis)),
        )
    )


# What is shown


class Report:
    """The figures of one as-of date, by section. A section without data says why instead."""

    def __init__(self, settings: dict, rows: dict[str, list[Row]], scheme: str) -> None:
        self.rows, self.scheme = rows, scheme
        self.currency, self.smallest = settings["reporting_currency"], settings["smallest_cell"]
        self.today = rows["as_of"][0]["as_of_date"] if rows["as_of"] else None
        self.base = sorted(rows["base"], key=lambda row: row["as_of_date"])
        if not self.base or self.base[-1]["customer_count"] < self.smallest:
            raise UnreadableError(
                f"There are fewer than {self.smallest} customers, of whom nothing is told."
            )
        self.kpis = [
            row
            for _, of_date in groupby(
                sorted(rows["kpis"], key=lambda row: (row["as_of_date"], row["position"])),
                key=lambda row: row["as_of_date"],
            )
            for row in hide_small(list(of_date), KPI_AMOUNTS, self.smallest)
        ]
        self.now = [row for row in self.kpis if row["as_of_date"] == self.today]
        self.order = [words(row["segment"]) for row in self.now]
        self.money = f"net amount, {self.currency}"

    @property
    def sections(self) -> list[tuple[str, str, list[Figure]]]:
        """Heading, what to say where there is no figure, and the figures."""
        return [
            ("The customer base", "", self.base_figures()),
            ("Recency and frequency", "Nobody has an RFM score yet.", self.grid()),
            (f"Segments: {words(self.scheme)}", "", self.sizes()),
            ("Who moved where", self.without_past("nobody can have moved"), self.moves()),
            ("Which schemes are worth keeping", "No scheme has been judged.", self.scorecard()),
            (
                "Groups found in the data",
                "No clusters were fitted: they are off, or nobody has ordered.",
                self.clusters(),
            ),
            (
                "How good the predictions are",
                "Nothing was held out to judge them by: they are off or frozen, or the data are too short.",
                self.predictions(),
            ),
            ("Other schemes", "There is no other.", self.other_schemes()),
            ("Data quality", "", self.quality()),
        ]

    def without_past(self, therefore: str) -> str:
        return f"Only one as-of date has been built, so {therefore}. scripts/backfill.py builds the past."

    @property
    def tiles(self) -> list[tuple[str, str, str]]:
        """Name, value, and what changed since the as-of date before."""
        now, before = self.told_base()[-1], self.told_base()[-2] if len(self.base) > 1 else None
        tiles = []
        for column in BASE[1:]:
            value, past = now[column.name], before and before[column.name]
            change = "the first as-of date"
            if NOT_TOLD in (value, past):
                change = "change not told"
            elif before:
                difference = (value or 0) - (past or 0)
                change = f"{told(difference, 'change')} since {before['as_of_date']}"
            label = column.label + (f", {self.currency}" if column.kind == "money" else "")
            tiles.append((label, told(value, column.kind), change))
        return tiles

    def told_base(self) -> list[Row]:
        hidden = dict.fromkeys(("buyer_count", "order_count", "net_amount"), NOT_TOLD)
        return [
            {**row, **hidden} if 0 < row["buyer_count"] < self.smallest else row
            for row in self.base
        ]

    def base_figures(self) -> list[Figure]:
        rows = thinned(self.told_base())
        panels = [(column, f"{column.label}") for column in (BASE[1], BASE[2], BASE[4])]
        points = [
            {"as_of_date": row["as_of_date"], "panel": panel, "value": number(row[column.name])}
            for row in rows
            for column, panel in panels
        ]
        first, last = rows[0], rows[-1]
        sentence = f"On {self.today} there are {plural(last['customer_count'], 'customer')}" + (
            f"; on {first['as_of_date']} there were {first['customer_count']:,}."
            if len(rows) > 1
            else "; no earlier date has been built to compare with."
        )
        chart = None
        if len(rows) > 1:
            chart = over_time(points, [p for _, p in panels], 1, format="~s").resolve_scale(
                y="independent"
            )
        return [Figure("base", "Size of the base", sentence, BASE, rows, chart)]

    def grid(self) -> list[Figure]:
        if not self.rows["cells"]:
            return []
        cells = hide_small(self.rows["cells"], (), self.smallest)
        cells.sort(key=lambda row: (-row["r_score"], -row["f_score"]))
        largest = max((number(row["customer_count"]) or 0 for row in cells), default=0) or 1
        marks = [
            {
                **row,
                "share": 0.06 + 0.94 * (number(row["customer_count"]) or 0) / largest,
                "count": told(row["customer_count"], "count").replace(NOT_TOLD, "·"),
                "name": fill(words(row["rfm_segment"]), 11, break_long_words=False),
            }
            for row in cells
        ]
        base = alt.Chart(data(marks)).encode(
            x=alt.X("f_score:O", title="frequency score, 5 is most often", axis=SCORES),
            y=alt.Y(
                "r_score:O", title="recency score, 5 is most recent", sort="descending", axis=SCORES
            ),
            color=alt.condition(
                "datum.share > 0.7", alt.value("var(--on-blue)"), alt.value("currentColor")
            ),
        )
        chart = (
            base.mark_rect(stroke="var(--line)").encode(
                color=alt.value("var(--blue)"), fillOpacity=alt.FillOpacity("share:Q", scale=None)
            )
            + base.mark_text(fontSize=14, fontWeight="bold", dy=-9).encode(text="count:N")
            + base.mark_text(fontSize=9, dy=7, lineBreak="\n").encode(text="name:N")
        ).properties(width=WIDTH - 45, height=270)
        top = max(
            (c for c in cells if number(c["customer_count"])),
            key=lambda c: c["customer_count"],
            default=None,
        )
        sentence = (
            "Each cell is a pair of scores, the stronger its colour the more customers share it"
        )
        if top:
            sentence += (
                f"; the largest, recency {top['r_score']} and frequency {top['f_score']},"
                f" has {plural(top['customer_count'], 'customer')} ({words(top['rfm_segment'])})"
            )
        columns = (
            Column("r_score", "recency score", "count"),
            Column("f_score", "frequency score", "count"),
            Column("rfm_segment", "RFM segment"),
            Column("customer_count", "customers", "count"),
        )
        hidden = any(cell["customer_count"] == NOT_TOLD for cell in cells)
        notes = ["Of a cell with a dot nothing is told."] if hidden else []
        return [Figure("rfm", "The RFM grid", sentence + ".", columns, cells, chart, notes)]

    def sizes(self) -> list[Figure]:
        figures = [self.shares(), self.worth()]
        dates = {row["as_of_date"] for row in self.kpis}
        if len(dates) > 1:
            figures += [
                self.history(
                    "customer_count", "Customers by segment over time", "customers", "count"
                ),
                self.history(
                    "net_amount_365d",
                    f"Revenue by segment over time, {self.currency}",
                    "net amount of 365 days",
                    "money",
                ),
            ]
        figures.append(self.own_meanings())
        return figures

    def shares(self) -> Figure:
        pairs = (
            ("customer_share", "of customers"),
            ("net_amount_365d_share", "of the year's revenue"),
        )
        marks = [
            {"name": words(row["segment"]), "measure": label, "value": number(row[name])}
            for row in self.now
            for name, label in pairs
        ]
        chart = (
            alt.Chart(data(marks), width=WIDTH - 130, height=alt.Step(11))
            .mark_bar()
            .encode(
                y=alt.Y("name:N", sort=self.order, title=None),
                yOffset=alt.YOffset("measure:N", sort=[label for _, label in pairs]),
                x=alt.X("value:Q", title="share", axis=alt.Axis(format="%", tickCount=4)),
                color=alt.Color(
                    "measure:N",
                    sort=[label for _, label in pairs],
                    scale=alt.Scale(range=["var(--blue)", "var(--orange)"]),
                    legend=alt.Legend(title=None, orient="top"),
                ),
            )
        )
        known = [row for row in self.now if number(row["net_amount_365d_share"])]
        top = max(known, key=lambda row: row["net_amount_365d_share"], default=None)
        sentence = "Nobody has bought within a year, or it is not told by segment."
        if top:
            sentence = (
                f"{words(top['segment']).capitalize()} are {told(top['customer_share'], 'share')} of the customers"
                f" and bring {told(top['net_amount_365d_share'], 'share')} of the year's revenue, the largest share."
            )
        columns = (
            Column("segment", "segment"),
            Column("customer_count", "customers", "count"),
            Column("customer_share", "of customers", "share"),
            Column("customer_count_change", "change", "change"),
            Column("net_amount_365d", f"net amount of 365 days, {self.currency}", "money"),
            Column("net_amount_365d_share", "of revenue", "share"),
        )
        return Figure(
            "sizes", "Customers and revenue by segment", sentence, columns, self.now, chart
        )

    def worth(self) -> Figure:
        pairs = (
            ("net_amount_365d_per_customer", f"a year's net amount per customer, {self.currency}"),
            ("churn_probability", "probability of churn"),
        )
        charts = []
        for place, (name, label) in enumerate(pairs):
            marks = [
                {"name": words(row["segment"]), "value": number(row[name])} for row in self.now
            ]
            if all(mark["value"] is None for mark in marks):
                continue
            axis = {"format": "%" if name == "churn_probability" else "~s"}
            chart = bars(marks, self.order, label, **axis).properties(width=WIDTH - 150)
            charts.append(chart if not place else chart.mark_bar(color="var(--orange)"))
        known = [row for row in self.now if number(row["net_amount_365d_per_customer"]) is not None]
        top = max(known, key=lambda row: row["net_amount_365d_per_customer"], default=None)
        risky = [row for row in self.now if number(row["churn_probability"]) is not None]
        most = max(risky, key=lambda row: row["churn_probability"], default=None)
        parts = []
        if top:
            amount = told(top["net_amount_365d_per_customer"], "money")
            parts.append(
                f"in {words(top['segment'])} a customer bought for {self.currency} {amount} on average within a year, the most"
            )
        if most:
            parts.append(
                f"in {words(most['segment'])} {told(most['churn_probability'], 'share')} are expected not to order"
                " within the days of prediction, the largest share"
            )
        sentence = "; ".join(parts) or "Nothing is told of amounts or churn"
        columns = (
            Column("segment", "segment"),
            Column(
                "net_amount_365d_per_customer",
                f"net amount of 365 days per customer, {self.currency}",
                "money",
            ),
            Column("orders_365d_per_customer", "orders per customer", "number"),
            Column("retention_365d", "ordered again within 365 days", "share"),
            Column(
                "predicted_amount_365d", f"expected in the next 365 days, {self.currency}", "money"
            ),
            Column("churn_probability", "probability of churn", "share"),
        )
        notes = [] if most else ["No churn is predicted, so it is not shown."]
        chart = alt.vconcat(*charts) if charts else None
        return Figure(
            "value",
            "Value and churn by segment",
            sentence[0].upper() + sentence[1:] + ".",
            columns,
            self.now,
            chart,
            notes,
        )

    def history(self, name: str, title: str, label: str, kind: str) -> Figure:
        rows = thinned(self.kpis)
        marks = [
            {
                "as_of_date": row["as_of_date"],
                "panel": words(row["segment"]),
                "value": number(row[name]),
            }
            for row in rows
        ]
        dates = sorted({row["as_of_date"] for row in rows})
        by_segment = defaultdict(dict)
        for row in rows:
            by_segment[row["segment"]][row["as_of_date"]] = row[name]
        moved = {
            segment: values[dates[-1]] - values[dates[0]]
            for segment, values in by_segment.items()
            if number(values.get(dates[0])) is not None
            and number(values.get(dates[-1])) is not None
        }
        sentence = (
            f"Each small chart is a segment, all on one scale, from {dates[0]} to {dates[-1]}"
        )
        if moved:
            most = max(moved, key=lambda segment: abs(moved[segment]))
            sentence += f"; {words(most)} changed most, by {told(moved[most], 'change')}"
        columns = [Column("as_of_date", "as-of date", "date")]
        columns += [Column(segment, words(segment), kind) for segment in by_segment]
        table = [
            {"as_of_date": day, **{segment: by_segment[segment].get(day) for segment in by_segment}}
            for day in dates
        ]
        chart = over_time(marks, self.order, 3, format="~s")
        return Figure(name, title, f"{sentence}. Shown: {label}.", columns, table, chart)

    def meanings(self, rows: list[Row]) -> tuple[tuple[Column, ...], list[Row]]:
        """Of each segment its customers, what it means and what to do: words, and no chart."""
        rows = sorted(rows, key=lambda row: (row["scheme"], row["position"]))
        told_rows = []
        for _, of_scheme in groupby(rows, key=lambda row: row["scheme"]):
            amounts = ("customer_share", "net_amount_365d_share")
            told_rows += hide_small(list(of_scheme), amounts, self.smallest)
        return MEANINGS, told_rows

    def own_meanings(self) -> Figure:
        columns, rows = self.meanings(
            [row for row in self.rows["schemes"] if row["scheme"] == self.scheme]
        )
        sentence = f"{plural(len(rows), 'segment')}, of which each customer is in one."
        return Figure(
            "meanings", "What the segments mean", sentence, columns[1:], rows, is_open=True
        )

    def other_schemes(self) -> list[Figure]:
        columns, rows = self.meanings(
            [row for row in self.rows["schemes"] if row["scheme"] != self.scheme]
        )
        count = len({row["scheme"] for row in rows})
        sentence = f"{plural(count, 'more scheme')}: a customer is in one segment of each."
        return [Figure("schemes", "Every other segment", sentence, columns, rows)] if rows else []

    def moves(self) -> list[Figure]:
        if not self.rows["moves"]:
            return []
        rows = hide_small(self.rows["moves"], (), self.smallest)
        for row in rows:
            row["left"] = words(row["from_segment"] or "not there yet")
            row["right"] = words(row["to_segment"] or "no longer there")
        rows.sort(
            key=lambda r: (
                r["has_stayed"],
                -(number(r["customer_count"]) or 0),
                r["left"],
                r["right"],
            )
        )
        since = rows[0]["from_date"]
        told_moves = [
            row
            for row in rows
            if not row["has_stayed"]
            and row["from_segment"]
            and row["to_segment"]
            and number(row["customer_count"])
        ]
        marks = [
            {"name": f"{row['left']} → {row['right']}", "value": number(row["customer_count"])}
            for row in told_moves[:MOVES]
        ]
        counts = {
            "stayed in their segment": lambda row: row["has_stayed"],
            "moved to another": lambda row: (
                not row["has_stayed"] and row["from_segment"] and row["to_segment"]
            ),
            "came new": lambda row: not row["from_segment"],
            "are no longer there": lambda row: not row["to_segment"],
        }
        groups = [
            {
                "what": what,
                "customer_count": sum(
                    row["customer_count"] for row in self.rows["moves"] if is_of(row)
                ),
            }
            for what, is_of in counts.items()
        ]
        parts = [
            f"{told(group['customer_count'], 'count')} {group['what']}"
            for group in hide_small(groups, (), self.smallest)
            if number(group["customer_count"])
        ]
        sentence = f"Since {since}: {', '.join(parts) or 'not told'}"
        if marks:
            sentence += f"; the largest move is {marks[0]['name']}"
        columns = (
            Column("left", f"on {since}"),
            Column("right", f"on {self.today}"),
            Column("customer_count", "customers", "count"),
        )
        chart = bars(marks, [m["name"] for m in marks], "customers", format="d") if marks else None
        return [Figure("moves", "The largest moves", sentence + ".", columns, rows, chart)]

    def scorecard(self) -> list[Figure]:
        rows = sorted(
            self.rows["scorecard"],
            key=lambda r: (r["explanation_rank"] is None, r["explanation_rank"] or 0, r["scheme"]),
        )
        if not rows:
            return []
        judged = [row for row in rows if row["revenue_explained_share"] is not None]
        marks = [
            {
                "name": words(row["scheme"]),
                "verdict": row["verdict"],
                "panel": panel,
                **{
                    end: number(row[f"{name}_explained_{end}"])
                    for end in ("share", "lower", "upper")
                },
            }
            for row in judged
            for name, panel in (("revenue", "of revenue"), ("activity", "of who ordered"))
        ]
        verdicts = [v for v in VERDICTS if any(row["verdict"] == v for row in judged)]
        shapes, colours = (
            zip(*(VERDICTS[v] for v in verdicts), strict=True) if verdicts else ((), ())
        )
        base = alt.Chart(data(marks), width=(WIDTH - 150) // 2, height=alt.Step(15)).encode(
            y=alt.Y("name:N", sort=[words(row["scheme"]) for row in judged], title=None),
            color=alt.Color(
                "verdict:N",
                sort=verdicts,
                scale=alt.Scale(domain=verdicts, range=colours),
                legend=LEGEND,
            ),
        )
        axis = alt.Axis(format="%", tickCount=3)
        chart = alt.layer(
            base.mark_rule().encode(x=alt.X("lower:Q", title=None, axis=axis), x2="upper:Q"),
            base.mark_point(filled=True, size=45, opacity=1).encode(
                x="share:Q",
                shape=alt.Shape(
                    "verdict:N",
                    sort=verdicts,
                    scale=alt.Scale(domain=verdicts, range=shapes),
                    legend=LEGEND,
                ),
            ),
        ).facet(
            column=alt.Column("panel:N", title=None, sort=["of revenue", "of who ordered"]),
            spacing=10,
        )
        counts = [
            (v, sum(row["verdict"] == v for row in rows))
            for v in dict.fromkeys(r["verdict"] for r in rows)
        ]
        sentence = (
            f"Of {plural(len(rows), 'scheme')}: " + ", ".join(f"{n} {v}" for v, n in counts) + "."
        )
        notes = []
        if judged:
            day = judged[0]["judged_date"]
            notes.append(
                f"A mark is the share of the differences, in revenue and in who ordered, after {day} that a scheme explains; the line is"
                " its interval of 95 %."
            )
        else:
            chart = None
            notes.append(
                "No scheme could be judged by what customers did next: an earlier as-of date is missing."
            )
        columns = (
            Column("scheme", "scheme"),
            Column("verdict", "verdict"),
            Column("revenue_explained_share", "of revenue", "share"),
            Column("activity_explained_share", "of who ordered", "share"),
            Column("verdict_reason", "why"),
        )
        return [Figure("scorecard", "Verdicts", sentence, columns, rows, chart, notes)]

    def clusters(self) -> list[Figure]:
        profiles = sorted(self.rows["clusters"], key=lambda row: row["cluster"])
        profiles = hide_small(profiles, ("customer_share", "net_amount"), self.smallest)
        if not profiles:
            return []
        values = {
            (row["cluster"], row["feature"]): row["centroid"] for row in self.rows["centroids"]
        }
        features = sorted({feature for _, feature in values})
        rows = [
            {**row, **{f: values.get((row["cluster"], f)) for f in features}} for row in profiles
        ]
        columns = [
            Column("cluster", "cluster", "count"),
            Column("name", "name"),
            Column("customer_count", "customers", "count"),
            Column("customer_share", "of customers", "share"),
            Column("net_amount", self.money, "money"),
            Column("description", "what sets it apart"),
            *(Column(feature, words(feature), "number") for feature in features),
        ]
        note = next((row["note"] for row in profiles if row["note"]), None)
        notes = [note] if note else []
        chart = None
        if len(profiles) > 1:
            marks = [
                {
                    "cluster": cluster,
                    "feature": words(feature),
                    "value": float(value),
                    "side": "above" if value > 0 else "below",
                    "strength": min(abs(float(value)), 1.0),
                    "text": re.sub(r"^[+-](?=0\.0$)", "", f"{value:+.1f}").replace("-", "−"),
                }
                for (cluster, feature), value in sorted(values.items())
            ]
            base = alt.Chart(data(marks), width=WIDTH - 160, height=alt.Step(24)).encode(
                x=alt.X(
                    "cluster:O",
                    title="cluster",
                    axis=alt.Axis(labelAngle=0, orient="top", domain=False, ticks=False),
                ),
                y=alt.Y("feature:N", title=None, axis=alt.Axis(domain=False, ticks=False)),
            )
            chart = base.mark_rect(stroke="var(--line)").encode(
                fillOpacity=alt.FillOpacity(
                    "strength:Q", scale=alt.Scale(domain=[0, 1], range=[0, 0.6]), legend=None
                ),
                color=alt.Color(
                    "side:N",
                    scale=alt.Scale(
                        domain=["above", "below"], range=["var(--blue)", "var(--orange)"]
                    ),
                    legend=None,
                ),
            ) + base.mark_text(fontSize=11, color="currentColor").encode(text="text:N")
            notes.append(
                "A number is how far the cluster's middle lies from the median customer, in interquartile ranges: + above, − below."
            )
        sizes = [row for row in profiles if number(row["customer_share"]) is not None]
        top = max(sizes, key=lambda row: row["customer_share"], default=None)
        sentence = (
            f"The data fall into {plural(len(profiles), 'group')}"
            if len(profiles) > 1
            else "The data fall into no groups: all customers are one"
        )
        if top and len(profiles) > 1:
            sentence += f"; the largest, cluster {top['cluster']}, has {told(top['customer_share'], 'share')} of them: {top['description']}"
        return [
            Figure(
                "clusters",
                "Clusters and what sets them apart",
                sentence + ".",
                columns,
                rows,
                chart,
                notes,
            )
        ]

    def predictions(self) -> list[Figure]:
        rows = [row for row in self.rows["evaluation"] if row["metric"] == "gini"]
        if not rows:
            return []
        rows.sort(key=lambda row: (row["score"], -row["metric_value"], row["predictor"]))
        parts = []
        for score, of_score in groupby(rows, key=lambda row: row["score"]):
            ginis = {row["predictor"]: row["metric_value"] for row in of_score}
            best = next(row["best_predictor"] for row in rows if row["score"] == score)
            naive = {p: g for p, g in ginis.items() if p not in ("purchase_model", "blend")}
            guess = max(sorted(naive), key=naive.get)
            if best in naive:
                parts.append(
                    f"for {score} the guess by {words(best)} ranks best ({naive[best]:.2f}; the model {ginis.get('purchase_model', 0):.2f}) and is published instead"
                )
            else:
                parts.append(
                    f"for {score} the {words(best)} ranks best ({ginis[best]:.2f}; the best guess, {words(guess)}, {naive[guess]:.2f})"
                )
        marks = [
            {
                "panel": row["score"],
                "name": words(row["predictor"]),
                "value": number(row["metric_value"]),
                "published": "published"
                if row["predictor"] == row["best_predictor"]
                else "compared",
            }
            for row in rows
        ]
        predictors = [
            p
            for p in ("purchase model", "blend", "recency", "frequency", "spend to date", "mean")
            if any(m["name"] == p for m in marks)
        ]
        chart = (
            alt.Chart(data(marks), width=WIDTH - 130, height=alt.Step(14))
            .mark_bar()
            .encode(
                y=alt.Y("name:N", sort=predictors, title=None),
                x=alt.X(
                    "value:Q",
                    title="Gini: 0 is chance, 1 a perfect ranking",
                    axis=alt.Axis(tickCount=5),
                ),
                color=alt.Color(
                    "published:N",
                    sort=["published", "compared"],
                    scale=alt.Scale(
                        domain=["published", "compared"], range=["var(--blue)", "var(--grey)"]
                    ),
                    legend=LEGEND,
                ),
                row=alt.Row(
                    "panel:N",
                    title=None,
                    spacing=8,
                    header=alt.Header(
                        labelAngle=0, labelOrient="top", labelAnchor="start", labelPadding=2
                    ),
                ),
            )
        )
        columns = (
            Column("score", "what is predicted"),
            Column("predictor", "predictor"),
            Column("metric_value", "Gini", "number"),
            Column("best_predictor", "published"),
        )
        days = f"{rows[0]['cutoff_date']} to {rows[0]['judged_until_date']}"
        sentence = (
            f"Judged by what followed from {days}, which they had not seen, "
            + "; ".join(parts)
            + "."
        )
        figures = [Figure("gini", "Against naive guesses", sentence, columns, rows, chart)]
        return figures + self.deciles()

    def deciles(self) -> list[Figure]:
        """Predicted and actual orders by tenth, of the model or the blend, whichever is published."""
        of_orders = [row for row in self.rows["evaluation"] if row["score"] == "orders"]
        best = of_orders[0]["best_predictor"]
        predictor = best if best in ("purchase_model", "blend") else "purchase_model"
        tenths: dict[int, Row] = defaultdict(dict)
        for row in of_orders:
            if row["decile"] is not None and row["predictor"] == predictor:
                name = str(row["metric"]).removeprefix("decile_")
                tenths[row["decile"]].update({"decile": row["decile"], name: row["metric_value"]})
        rows = [
            {**row, "customer_count": int(row["customers"])}
            for _, row in sorted(tenths.items())
            if {"predicted", "actual", "customers"} <= row.keys()
        ]
        if not rows:
            return []
        totals = {
            name: sum(row[name] * row["customers"] for row in rows)
            for name in ("predicted", "actual")
        }
        rows = hide_small(rows, ("predicted", "actual"), self.smallest)
        marks = [
            {"decile": row["decile"], "kind": kind, "value": number(row[kind])}
            for row in rows
            for kind in ("predicted", "actual")
        ]
        chart = (
            alt.Chart(data(marks), width=WIDTH - 50, height=180)
            .mark_line(point={"size": 45, "filled": True})
            .encode(
                x=alt.X(
                    "decile:O",
                    title="tenth of customers, 1 is ranked highest",
                    axis=alt.Axis(labelAngle=0),
                ),
                y=alt.Y("value:Q", title="orders per customer"),
                color=alt.Color(
                    "kind:N",
                    sort=["predicted", "actual"],
                    scale=alt.Scale(
                        domain=["predicted", "actual"], range=["var(--blue)", "var(--orange)"]
                    ),
                    legend=LEGEND,
                ),
                shape=alt.Shape(
                    "kind:N",
                    scale=alt.Scale(domain=["predicted", "actual"], range=["circle", "square"]),
                    legend=LEGEND,
                ),
                strokeDash=alt.StrokeDash(
                    "kind:N",
                    scale=alt.Scale(domain=["predicted", "actual"], range=[[1, 0], [4, 3]]),
                    legend=LEGEND,
                ),
            )
        )
        columns = (
            Column("decile", "tenth", "count"),
            Column("customer_count", "customers", "count"),
            Column("predicted", "predicted orders per customer", "number"),
            Column("actual", "actual", "number"),
        )
        sentence = (
            f"The {words(predictor)} expected {totals['predicted']:,.0f} orders in all where {totals['actual']:,.0f} came;"
            " by tenth of customers, ranked by what was expected."
        )
        return [Figure("deciles", "Predicted and actual orders", sentence, columns, rows, chart)]

    def quality(self) -> list[Figure]:
        refused = sorted(
            self.rows["refused"], key=lambda row: (row["source"], -row["row_count"], row["reason"])
        )
        by_source: dict[str, int] = defaultdict(int)
        for row in refused:
            by_source[row["source"]] += row["row_count"]
        sources = sorted(by_source, key=lambda source: (-by_source[source], source))
        marks = [{"name": words(source), "value": by_source[source]} for source in sources]
        total = sum(by_source.values())
        sentence = (
            f"{plural(total, 'raw row was', 'raw rows were')} not used, each with its reason."
        )
        columns = (
            Column("source", "raw table"),
            Column("reason", "reason"),
            Column("row_count", "rows", "count"),
        )
        chart = (
            bars(marks, [m["name"] for m in marks], "rows not used", format="~s") if marks else None
        )
        unusual = [row for row in self.rows["health"] if row["status"] != "ok"]
        unusual.sort(key=lambda row: (row["status"], row["check_name"], row["subject"]))
        checks = len(self.rows["health"])
        told_checks = (
            f"{checks - len(unusual)} of {plural(checks, 'check')} of the data are in order"
        )
        told_checks += "; the table has the others." if unusual else "."
        health = (
            Column("status", "status"),
            Column("check_name", "check"),
            Column("subject", "of"),
            Column("message", "what was found"),
        )
        return [
            Figure("health", "Checks", told_checks, health, unusual, is_open=True),
            Figure("refused", "Rows that were not used", sentence, columns, refused, chart),
        ]


MEANINGS = (
    Column("scheme", "scheme"),
    Column("segment", "segment"),
    Column("customer_count", "customers", "count"),
    Column("customer_share", "of customers", "share"),
    Column("net_amount_365d_share", "of revenue", "share"),
    Column("description", "what it means"),
    Column("action", "what to do"),
)
BASE = (
    Column("as_of_date", "as-of date", "date"),
    Column("customer_count", "customers", "count"),
    Column("buyer_count", "with an order within 365 days", "count"),
    Column("order_count", "orders within 365 days", "count"),
    Column("net_amount", "net amount of 365 days", "money"),
)
KPI_AMOUNTS = (
    *("customer_share", "customer_count_change", "net_amount_365d", "net_amount_365d_share"),
    *("net_amount_365d_per_customer", "orders_365d_per_customer", "retention_365d"),
    *("predicted_amount_365d", "churn_probability"),
)
SCORES = alt.Axis(labelAngle=0, domain=False, ticks=False)
LEGEND = alt.Legend(title=None, orient="top")


def write(report: Report, output: Path) -> int:
    """The page, whole or not at all; its size in bytes."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    page = templates.get_template("report.html").render(report=report)
    unfinished = output.with_name(f"{output.name}.unfinished")
    unfinished.write_text(page, encoding="utf-8")
    os.replace(unfinished, output)
    return len(page.encode())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scheme", default="rfm", help="the scheme whose segments are shown")
    parser.add_argument("--output", type=Path, default=Path("report.html"))
    parser.add_argument("--database", type=Path, help="a DuckDB file; by default what is published")
    add_dbt_options(parser)
    options = parser.parse_args(arguments)
    try:
        settings, rows = read_parts(options)
        size = write(Report(settings, rows, options.scheme), options.output)
    except (UnreadableError, OSError, duckdb.Error) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    print(f"{options.output}: {size // 1000:,} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
