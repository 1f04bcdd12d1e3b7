"""The shipped sample: builds silently, and every segment can be explained."""

import json
import subprocess
import sys

from conftest import ROOT, Build
from rules import read_meta

PREVIEW = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
for (name,) in connection.execute("select view_name from duckdb_views() where not internal").fetchall():
    connection.execute(f"from {name} limit 1").fetchall()
    print(name, flush=True)
"""


def test_the_sample_builds_without_a_warning(sample: Build) -> None:
    assert sample.warnings == []
    assert sample.value("select count(*) from customers") > 400


def test_the_readme_shows_the_last_line_of_the_build(sample: Build) -> None:
    manifest = json.loads((sample.target / "manifest.json").read_text())
    count, exposures = sample.node_count, len(manifest["exposures"])
    line = f"Done. PASS={count - exposures} WARN=0 ERROR=0 SKIP=0 NO-OP={exposures} TOTAL={count}"
    assert line in (ROOT / "README.md").read_text()


def test_the_wide_table_has_a_column_for_every_shipped_scheme_of_customers(sample: Build) -> None:
    columns = {row[0] for row in sample.rows("describe customers")}
    shipped = {name for name, scheme in read_meta().items() if scheme.get("grain") != "company"}
    assert shipped <= columns
    assert len(shipped) > 30


def test_every_shipped_segment_says_who_what_to_do_and_whose_it_is(sample: Build) -> None:
    shipped = {"rfm", *read_meta()}
    assert {row[0] for row in sample.rows("select scheme from segment_definitions")} == shipped
    silent = "description is null or action is null or owner is null"
    assert sample.rows(f"select scheme, segment from segment_definitions where {silent}") == []


def test_every_view_can_be_previewed(sample: Build) -> None:
    """In a process of its own: what hangs in the engine cannot be interrupted."""
    command = [sys.executable, "-c", PREVIEW, str(sample.database)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert {"segment_movers", "segment_history", "quarantined_rows"} <= set(done.stdout.split())


def test_the_readme_says_what_ntile_does_to_equal_customers(sample: Build) -> None:
    buyers, apart, other_ids = sample.rows("""
        with scored as (
            select
                frequency,
                ntile(5) over (order by frequency, customer_id) as score,
                ntile(5) over (order by frequency, md5(customer_id)) as score_by_other_ids
            from customer_rfm_scores
            where r_score is not null
        )
        select
            (select count(*) from scored),
            (
                select sum(alike) from (
                    select count(*) as alike from scored
                    group by frequency having count(distinct score) > 1
                )
            ),
            (select count(*) from scored where score <> score_by_other_ids)
    """)[0]
    assert (
        f"Of the sample's {buyers} buyers, {apart} have as many orders as somebody with another frequency score,"
        f" and {other_ids} get another one if ties are broken by other ids."
    ) in (ROOT / "README.md").read_text()
    unfair = (
        "select frequency from customer_rfm_scores group by 1 having count(distinct f_score) > 1"
    )
    assert sample.rows(unfair) == []
