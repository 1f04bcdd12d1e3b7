"""Draws the picture of the README from a finished build: who the customers are, and who brings the revenue.

    uv run --group docs scripts/draw_segments.py customer_segmentation.duckdb docs/images/segments.svg

Left, the RFM grid: a cell per recency score (down) and frequency score (across), shaded by its customers. Right, each
segment's share of the customers beside its share of the year's revenue.
"""

import argparse

import altair as alt
import duckdb
import pyarrow as pa

CELLS = """
    select
        r_score,
        f_score,
        any_value(replace(rfm_segment, '_', ' ')) as segment,
        count(*) as customers
    from customer_rfm_scores
    where r_score is not null
    group by r_score, f_score
"""
SHARES = """
    select
        replace(segment, '_', ' ') as segment,
        position,
        unnest(['customers', 'revenue']) as measure,
        unnest([customer_share, net_amount_365d_share]) as share
    from segment_kpis
    where scheme = 'rfm' and as_of_date = (select max(as_of_date) from customer_rfm_scores)
"""


def read(database: str, query: str) -> pa.Table:
    with duckdb.connect(database, read_only=True) as connection:
        return connection.sql(query).to_arrow_table()


def rfm_grid(cells: pa.Table) -> alt.LayerChart:
    axis = alt.Axis(labelAngle=0, domain=False, ticks=False)
    base = alt.Chart(alt.Data(values=cells.to_pylist())).encode(
        x=alt.X("f_score:O", title="frequency score", axis=axis),
        y=alt.Y("r_score:O", title="recency score", axis=axis, sort="descending"),
    )
    shade = alt.Color("customers:Q", scale=alt.Scale(scheme="blues"), legend=None)
    dark = alt.condition("datum.customers > 60", alt.value("white"), alt.value("#1a1a1a"))
    return (
        base.mark_rect(stroke="white").encode(color=shade)
        + base.mark_text(fontSize=15, dy=-6).encode(text="customers:Q", color=dark)
        + base.mark_text(fontSize=9, dy=11).encode(text="segment:N", color=dark)
    ).properties(width=430, height=300, title="Customers by recency and frequency")


def segment_shares(shares: pa.Table) -> alt.Chart:
    rows = [{**row, "share": float(row["share"] or 0)} for row in shares.to_pylist()]
    order = alt.EncodingSortField("position", op="min")
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(
            y=alt.Y("segment:N", sort=order, title=None),
            yOffset="measure:N",
            x=alt.X("share:Q", axis=alt.Axis(format="%"), title="share"),
            color=alt.Color(
                "measure:N",
                scale=alt.Scale(range=["#9aa5b1", "#08519c"]),
                legend=alt.Legend(title=None, orient="bottom-right"),
            ),
        )
        .properties(width=330, height=300, title="Their share of customers and of a year's revenue")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("database", help="a DuckDB file that dbt has built")
    parser.add_argument("output", help="an .svg or .png file")
    arguments = parser.parse_args()
    grid = rfm_grid(read(arguments.database, CELLS))
    bars = segment_shares(read(arguments.database, SHARES))
    chart = alt.hconcat(grid, bars, spacing=30).resolve_scale(color="independent")
    chart.configure(background="white", font="sans-serif").configure_view(stroke=None).save(
        arguments.output
    )


if __name__ == "__main__":
    main()
