"""Tell a customer's story: who they are, what they did, their scores, and why which segments.

    uv run scripts/explain_customer.py C0000302 --profiles-dir profiles

Reads the built tables through dbt's own connection, on any engine. Direct identifiers are not in
them. The exit code is 1 where there is no such customer.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from raw_tables import UnreadableError, add_dbt_options, ask_parts, dbt_arguments
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

Row = dict[str, object]

# {id} is the customer as a literal, {events} a number of rows; all come back at once, as JSON.
PARTS = {
    "as_of": "select as_of_date from {{ ref('int_as_of_date') }}",
    "features": "select * from {{ ref('customer_features') }} where customer_id = {id}",
    "scores": "select * from {{ ref('customer_rfm_scores') }} where customer_id = {id}",
    "cutpoints": "select * from {{ ref('rfm_cutpoints') }}",
    "predictions": "select * from {{ ref('customer_predictions') }} where customer_id = {id}",
    "clusters": """
        select profiles.*
        from {{ ref('customer_clusters') }} as clusters
        inner join {{ ref('cluster_profiles') }} as profiles on clusters.cluster = profiles.cluster
        where clusters.customer_id = {id}
    """,
    "merged": "select * from {{ ref('int_merged_customers') }} where customer_id = {id}",
    "segments": """
        select
            reasons.*,
            definitions.family,
            definitions.description,
            definitions.missing_input
        from {{ ref('segment_reasons') }} as reasons
        inner join {{ ref('segment_definitions') }} as definitions
            on reasons.scheme = definitions.scheme and reasons.segment = definitions.segment
        where reasons.customer_id = {id}
    """,
    "orders": """
        select * from {{ ref('int_known_orders') }}
        where customer_id = {id} order by ordered_at desc, order_id desc limit {events}
    """,
    "sessions": """
        select sessions.*
        from {{ ref('int_sessions') }} as sessions
        cross join {{ ref('int_as_of_date') }} as as_of
        left join {{ ref('int_visitors') }} as visitors
            on sessions.visitor_id = visitors.visitor_id and sessions.customer_id is null
        where
            coalesce(sessions.customer_id, visitors.customer_id) = {id}
            and sessions.business_date <= as_of.as_of_date
            and (sessions.customer_id is not null or visitors.first_login_date <= as_of.as_of_date)
        order by sessions.started_at desc, sessions.session_id desc limit {events}
    """,
}
PROFILE = [
    *("created_date", "age_years", "gender", "household_size", "income_band", "language"),
    *("country_code", "region", "city", "acquisition_source", "decision_role", "company_id"),
    *("industry", "employee_count", "ownership_type"),
]
METRICS = {
    "recency": ("r_score", "days_since_last_order", "days at most"),
    "frequency": ("f_score", "frequency", "orders at least"),
    "monetary": ("m_score", "monetary_amount", "at least"),
}


def read_parts(customer: str, events: int, dbt: Sequence[str]) -> dict[str, list[Row]]:
    """All that is known, in one question. Braces in an id would be Jinja to dbt."""
    text = json.dumps(customer).replace("{", "\\u007b").replace("}", "\\u007d")
    literal = f"{{{{ dbt.string_literal(dbt.escape_single_quotes({text})) }}}}"
    filled = {
        name: sql.replace("{id}", literal)
        .replace("{events}", str(events))
        .replace("ref('", "ref('customer_segmentation', '")
        for name, sql in PARTS.items()
    }
    return ask_parts(filled, dbt)


def shown(value: object) -> str:
    return escape("-" if value is None else str(value))


def titled(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, title_justify="left")


def profile_panel(customer: str, features: Row) -> Panel:
    told = {name: shown(value) for name, value in features.items()}
    lines = [
        "{order_count} orders, the first {first_order_date}, the last {last_order_date};"
        " net amount {net_amount}, within a year {net_amount_365d}".format(**told)
    ]
    lines.append(
        "{session_count} sessions, the first {first_session_date}, the last {last_session_date}".format(
            **told
        )
    )
    lines.append(", ".join(f"{n} {told[n]}" for n in PROFILE if features[n] is not None))
    title = f"{escape(customer)} on {told['as_of_date']}"
    return Panel("\n".join(lines), title=title, title_align="left")


def event_table(orders: Sequence[Row], sessions: Sequence[Row], events: int) -> Table:
    """The last orders and sessions in one list."""
    told = []
    for order in orders:
        kind = "order" if order["is_order"] else "credit note"
        refund = f", refunded {order['refunded_amount']}" if order["refunded_amount"] else ""
        details = [order[name] for name in ("category", "sales_channel", "payment_method")]
        words = " ".join(shown(detail) for detail in details if detail is not None)
        amount = f"{shown(order['order_amount'])}{refund} {words}"
        told.append((str(order["ordered_at"]), str(order["business_date"]), kind, amount))
    for session in sessions:
        counts = [
            f"{session[name]} {name.replace('_', ' ')}"
            for name in ("page_views", "product_views", "cart_additions", "checkouts")
            if session[name]
        ]
        details = [session[name] for name in ("device_type", "traffic_source")]
        words = ", ".join([*(shown(detail) for detail in details if detail is not None), *counts])
        told.append((str(session["started_at"]), str(session["business_date"]), "session", words))
    table = Table(title="Last events", title_justify="left", box=None, show_header=False)
    for _, *cells in sorted(told, reverse=True)[:events]:
        table.add_row(*cells)
    return table


def score_table(scores: Row, cutpoints: Sequence[Row]) -> Table:
    """Each score between the cut point that was reached and the next one."""
    table = Table(
        "metric", "value", "score", "reached", "next", title="Scores", title_justify="left"
    )
    for metric, (column, value, unit) in METRICS.items():
        cuts = {row["score"]: row["cutpoint"] for row in cutpoints if row["metric"] == metric}
        score = scores[column]
        around = [
            f"{other}: {cuts[other].normalize():f} {unit}"
            if score and cuts.get(other) is not None
            else "-"
            for other in (score, (score or 0) + 1)
        ]
        table.add_row(metric, shown(scores[value]), shown(score), *around)
    return table


def learned_lines(predictions: Sequence[Row], clusters: Sequence[Row]) -> list[str]:
    """What is to be expected, and the group that the customer falls into."""
    lines = [
        "Expected within 90 days: {expected_order_count_90d} orders ({orders_predictor}); within a year"
        " {predicted_amount_365d} ({amount_predictor}); no order within the days of prediction: {churn_probability}"
        " ({churn_predictor})".format(**{name: shown(value) for name, value in row.items()})
        for row in predictions
        if row["churn_probability"] is not None
    ]
    for row in clusters:
        told = {name: shown(value) for name, value in row.items()}
        lines.append("Cluster {cluster} ({name}): {description}".format(**told))
    return lines


def segment_table(segments: Sequence[Row]) -> Table:
    table = Table(
        "family", "scheme", "segment", "because", "next", title="Segments", title_justify="left"
    )
    for row in sorted(segments, key=lambda row: (row["family"] or "", row["scheme"])):
        if row["segment"] != "unknown":
            following = f"{row['next_segment']}: {row['distance']}" if row["next_segment"] else ""
            has_rule = row["reason"] != "none of the above"
            because = row["reason"] if has_rule else row["description"] or row["reason"]
            cells = (row["family"] or "", row["scheme"], row["segment"], because, following)
            table.add_row(*map(shown, cells))
    return table


def unknown_line(segments: Sequence[Row]) -> str:
    """The schemes that cannot tell, each with the input that nobody has mapped."""
    unknown = sorted(
        (row for row in segments if row["segment"] == "unknown"), key=lambda row: row["scheme"]
    )
    names = [
        shown(row["scheme"]) + (f" (no {row['missing_input']})" if row["missing_input"] else "")
        for row in unknown
    ]
    return f"Unknown: {', '.join(names)}" if names else ""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("customer", metavar="ID", help="a customer_id")
    parser.add_argument("--events", type=int, default=10, help="how many of the last ones to show")
    add_dbt_options(parser)
    options = parser.parse_args(arguments)
    try:
        parts = read_parts(options.customer, options.events, dbt_arguments(options))
    except UnreadableError as error:
        print(f"ERROR: {error} Has `dbt build` run?", file=sys.stderr)
        return 1
    if not parts["features"]:
        day = parts["as_of"][0]["as_of_date"]
        hint = "An id is looked up as it is written, with its case and zeros."
        if parts["merged"]:
            hint = f"The account was merged into '{parts['merged'][0]['merged_into_customer_id']}'."
        print(f"ERROR: there is no customer '{options.customer}' on {day}. {hint}", file=sys.stderr)
        return 1
    (features,), (scores,) = parts["features"], parts["scores"]
    # Wide enough for a reason where nobody says how wide.
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(profile_panel(options.customer, features))
    console.print(event_table(parts["orders"], parts["sessions"], options.events))
    console.print(score_table(scores, parts["cutpoints"]))
    for line in learned_lines(parts["predictions"], parts["clusters"]):
        console.print(line)
    console.print(segment_table(parts["segments"]))
    console.print(unknown_line(parts["segments"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
