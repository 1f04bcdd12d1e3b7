"""A customer's story in the terminal, of the built sample."""

from collections.abc import Callable

import explain_customer
import pytest
from conftest import ROOT, Build
from dbt.adapters.duckdb.connections import DuckDBConnectionManager

IDENTIFIERS = ("email", "phone", "first_name", "last_name", "birth_date", "postal_code")


@pytest.fixture
def tell(
    sample_in_profile: None, capfd: pytest.CaptureFixture
) -> Callable[..., tuple[int, str, str]]:
    """Exit code, story and complaint."""

    def run(*arguments: str) -> tuple[int, str, str]:
        place = ("--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles"))
        code = explain_customer.main([*arguments, *place])
        DuckDBConnectionManager.close_all_connections()
        return code, *capfd.readouterr()

    return run


def test_the_story_says_who_what_and_why(sample: Build, tell: Callable) -> None:
    """Of a customer who does much: every scheme, and nothing that identifies."""
    customer, orders, last, score, city = sample.rows(
        "select customer_id, order_count, last_order_date, r_score, city"
        " from customers where city is not null order by order_count * session_count desc limit 1"
    )[0]
    code, story, _ = tell(customer, "--events", "4")
    assert code == 0
    words = " ".join(story.split())
    assert f"{customer} on {sample.value('select as_of_date from int_as_of_date')}" in words
    assert f"{orders} orders, the first" in words
    assert f"the last {last}" in words
    assert f"city {city}" in words
    cutpoint = sample.value(
        f"select cutpoint from rfm_cutpoints where metric = 'recency' and score = {score}"
    )
    assert f"{score}: {cutpoint.normalize():f} days at most" in words
    orders, churn, cluster = sample.rows(
        "select expected_order_count_90d, churn_probability, cluster_number"
        f" from int_learned_scores where customer_id = '{customer}'"
    )[0]
    assert f"Expected within 90 days: {orders} orders (purchase_model)" in words
    assert f"within the days of prediction: {churn} (" in words
    assert f"Cluster {cluster} (" in words
    events = story[story.index("Last events") : story.index("Scores")]
    assert len(events.strip().splitlines()) == 5
    _, unknown = story.split("Unknown: ")
    reasons = sample.rows(
        "select scheme, segment, next_segment from segment_reasons"
        f" where customer_id = '{customer}'"
    )
    assert len(reasons) > 20
    cells = [[cell.strip() for cell in line.split("│")] for line in story.splitlines()]
    told = {row[2]: row for row in cells if len(row) == 7}
    for scheme, segment, following in reasons:
        if segment == "unknown":
            assert scheme not in told
            assert scheme in unknown
        else:
            assert told[scheme][3] == segment
            assert told[scheme][5].startswith(f"{following}: " if following else "")
    columns = ", ".join(IDENTIFIERS)
    (known,) = sample.rows(f"select {columns} from stg_customers where customer_id = '{customer}'")
    assert [str(value) for value in known if value is not None and str(value) in story] == []


def test_an_unknown_id_is_said_to_be_so(sample: Build, tell: Callable) -> None:
    code, story, complaint = tell("nobody' or '{{ 1 / 0 }}")
    assert (code, story) == (1, "")
    assert "ERROR: there is no customer 'nobody' or '{{ 1 / 0 }}' on 20" in complaint
    given_up, kept = sample.rows("from int_merged_customers order by all limit 1")[0]
    code, _, complaint = tell(given_up)
    assert code == 1
    assert f"The account was merged into '{kept}'." in complaint
