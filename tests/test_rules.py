"""Rules are data: edited in one file, refused before any data is read."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Build
from rules import read_meta, segments_of

SCHEMES = Path("models/marts/schemes/buying.yml")
LOYAL = '- name: loyal\n              when: {order_count_365d: ">= {loyal_order_count}"}'
VIP = """- name: vip
              when: {order_count_365d: ">= 5", monetary_amount: ">= 500"}
              description: In rhythm, often, and worth 500 or more.
              action: Call them.
              owner: key accounts
            """


# Everything that a rule may say, none of which another scheme of ours needs to.
GRAMMAR = {
    "worth": {
        "segments": [
            {
                "name": "high",
                "when": {
                    "any": [
                        {"order_count": ">= 8"},
                        {
                            "net_amount": ">= {worth_amount}",
                            "all": [
                                {"days_since_last_order": "> 10"},
                                {"days_since_last_order": "<= 100"},
                                {"preferred_category": "is not null"},
                            ],
                        },
                    ]
                },
            },
            {"name": "middle", "when": {"order_count": "between 2 and 4"}},
            {"name": "low"},
        ]
    },
    # Asks for schemes of two levels and for the RFM segment, and stands before one of them.
    "treatment": {
        "segments": [
            {"name": "call", "when": {"worth": "in (high, middle)", "rfm": "!= champions"}},
            {"name": "write", "when": {"any": [{"season": "= other"}, {"lifecycle": "= loyal"}]}},
            {"name": "wait"},
        ]
    },
    "season": {
        "segments": [
            {"name": "now", "when": {"as_of_month": "!= {month}", "as_of_weekday": "<= 7"}},
            {"name": "other", "when": {"worth": "= low", "order_count": ">= 1"}},
            {"name": "rest"},
        ]
    },
    "arrival": {
        "segments": [
            {"name": "recent", "when": {"first_order_date": ">= as_of_date - 90"}},
            {"name": "old", "when": {"first_order_date": "between 2020-01-01 and 2024-12-31"}},
            {"name": "back", "when": {"last_order_date": ">= as_of_date - 30"}},
            {"name": "unknown", "when": {"first_order_date": "is null"}},
            {"name": "rest"},
        ]
    },
}


@pytest.fixture(scope="module")
def copy(make_build: Callable[..., Build], tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A copy of the project whose files a test may edit."""
    project = tmp_path_factory.mktemp("copy") / "project"
    ignored = shutil.ignore_patterns(".*", "target", "logs", "examples", "*.duckdb")
    shutil.copytree(ROOT, project, ignore=ignored)
    return make_build("rules", project)


@pytest.fixture
def edit(copy: Build) -> Callable[[str, str], None]:
    """Replaces a text in the YAML of the schemes, for one test."""
    path = copy.project / SCHEMES
    original = path.read_text()

    def replace(old: str, new: str) -> None:
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    yield replace
    path.write_text(original)


@pytest.fixture
def set_meta(copy: Build) -> Iterator[Callable[[dict], None]]:
    """Sets the meta of customer_segments in dbt_project.yml, for one test."""
    path = copy.project / "dbt_project.yml"
    original = path.read_text()

    def write(meta: dict) -> None:
        project = yaml.safe_load(original)
        marts = project["models"]["customer_segmentation"]["marts"]
        marts["customer_segments"] = {"+meta": meta}
        path.write_text(yaml.safe_dump(project, sort_keys=False))

    yield write
    path.write_text(original)


def run(build: Build, **variables: object) -> bool:
    return build.dbt(
        "run", "--select", "+segment_kpis", "+segment_definitions", variables=variables
    )


def refused(build: Build, **variables: object) -> str:
    """What dbt says; no model may have been built by then."""
    build.database.unlink(missing_ok=True)
    assert not run(build, **variables)
    tables = "select count(*) from information_schema.tables"
    assert not build.database.exists() or build.value(tables) == 0
    return " ".join(" ".join(build.errors).split())


def test_a_segment_is_added_by_editing_one_yaml_file(
    copy: Build, edit: Callable[[str, str], None], sample: Build
) -> None:
    edit(LOYAL, VIP + LOYAL)
    assert copy.dbt("seed"), copy.errors
    assert run(copy), copy.errors
    ids = "select customer_id from customer_segments natural join customer_features where {} order by 1"
    vips = copy.rows(ids.format("lifecycle = 'vip'"))
    assert vips == sample.rows(ids.format("lifecycle = 'loyal' and monetary_amount >= 500"))
    assert vips
    assert copy.rows("select rule, action from segment_definitions where segment = 'vip'") == [
        ("order_count_365d >= 5 and monetary_amount >= 500", "Call them.")
    ]
    assert copy.value("select customer_count from segment_kpis where segment = 'vip'") == len(vips)


def test_every_form_of_a_rule_decides_as_in_plain_python(
    copy: Build, set_meta: Callable[[dict], None]
) -> None:
    """Groups, thresholds, dates, and the segments of other schemes."""
    numbers = {"worth_amount": 500, "month": 12}
    set_meta({**GRAMMAR, "thresholds": numbers})
    assert copy.dbt("seed"), copy.errors
    assert run(copy), copy.errors
    schemes = read_meta() | GRAMMAR
    thresholds = read_meta("thresholds") | numbers
    query = """
        select features.*, scores.* exclude (as_of_date, customer_id), segments.* exclude (as_of_date, customer_id)
        from customer_features as features
        inner join customer_rfm_scores as scores using (customer_id)
        inner join customer_segments as segments using (customer_id)
    """
    with copy.connect() as connection:
        result = connection.execute(query)
        names = [name for name, *_ in result.description]
        customers = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    met = set()
    for customer in customers:
        day = customer["as_of_date"]
        features = {name: value for name, value in customer.items() if name not in schemes}
        features |= {"as_of_month": day.month, "as_of_weekday": day.isoweekday()}
        expected = segments_of(schemes, features, thresholds)
        found = {name: customer[name] for name in expected}
        assert found == expected, customer["customer_id"]
        met |= {(name, found[name]) for name in GRAMMAR}
    # In December nobody is in the segment of other months.
    assert met == {(n, s["name"]) for n in GRAMMAR for s in GRAMMAR[n]["segments"]} - {
        ("season", "now")
    }
    assert copy.value(
        "select rule from segment_definitions where scheme = 'worth' and position = 1"
    ) == (
        "order_count >= 8 or (net_amount >= 500 and days_since_last_order > 10"
        " and days_since_last_order <= 100 and preferred_category is not null)"
    )


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (
            LOYAL.replace("order_count_365d", "ordercount"),
            r"'lifecycle', segment 'loyal': unknown feature 'ordercount'\. Did you mean .*order_count",
        ),
        (
            LOYAL.replace(">= {loyal_order_count}", "=> 5"),
            r"'lifecycle', segment 'loyal': .*'=> 5' is no condition\. Write one of: = x, .*between",
        ),
        (
            LOYAL.replace(">= {loyal_order_count}", "about 5"),
            r"'lifecycle', segment 'loyal': 'about 5' is no condition\. Write one of: = x, .*between",
        ),
        (
            LOYAL.replace(">= {loyal_order_count}", "= 5; drop table customers"),
            r"'lifecycle', segment 'loyal': the value '5; drop table customers' may hold letters",
        ),
        (
            LOYAL.replace("name: loyal", "name: lost"),
            r"'lifecycle', segment 'lost' is defined twice\. Segments: prospect, new",
        ),
        (LOYAL.replace("when:", "where:"), r"'loyal': unknown key 'where'\. Keys: name"),
        (
            LOYAL.replace("loyal\n", '"lo\'yal"\n'),
            r"a name has letters, digits and underscores",
        ),
        (
            "- name: loyal",
            r"segment 'loyal' has no conditions, so no later segment can be reached",
        ),
    ],
    ids=[
        "feature",
        "operator",
        "words",
        "injection",
        "duplicate",
        "key",
        "name",
        "unreachable",
    ],
)
def test_an_unusable_rule_is_refused_by_name(
    copy: Build, edit: Callable[[str, str], None], new: str, says: str
) -> None:
    edit(LOYAL, new)
    assert re.search(says, refused(copy))


def test_a_scheme_that_leaves_somebody_out_is_refused(
    copy: Build, edit: Callable[[str, str], None]
) -> None:
    edit(
        "            - name: other\n",
        '            - name: other\n              when: {order_count: "> 0"}\n',
    )
    assert "'channel': the last segment must have no conditions" in refused(copy)


def cells(*names: str) -> list[dict]:
    """A map of three scores with a segment for each condition on the recency score."""
    conditions = ("= 1", "= 2", "= 3")
    named = zip(names, conditions, strict=True)
    return [
        *({"name": name, "when": {"r_score": condition}} for name, condition in named),
        {"name": "prospect"},
    ]


def test_a_map_of_ones_own_names_the_segments(copy: Build) -> None:
    own = {"score_count": 3, "segments": cells("cold", "warm", "hot")}
    assert copy.dbt("seed"), copy.errors
    assert run(copy, rfm_map=own), copy.errors
    found = copy.rows(
        "select r_score, rfm, count(*) from customer_segments natural join customer_rfm_scores"
        " group by all order by all"
    )
    assert [row[:2] for row in found] == [
        (1, "cold"),
        (2, "warm"),
        (3, "hot"),
        (None, "prospect"),
    ]


def test_a_map_that_is_no_partition_is_refused_with_its_cells(copy: Build) -> None:
    gap = cells("cold", "warm", "hot")[1:]
    says = refused(copy, rfm_map={"score_count": 3, "segments": gap})
    assert "leaves 9 of 27 cells without a segment: 111, 112, 113, 121" in says
    overlap = [{"name": "big", "when": {"rfm_cell": "in (333)"}}, *cells("cold", "warm", "hot")]
    says = refused(copy, rfm_map={"score_count": 3, "segments": overlap})
    assert "puts 1 of 27 cells into several segments: 333 (big, hot)" in says
    assert "there are rf10, klaviyo" in refused(copy, rfm_map="rf11")
    unscored = {"segments": cells("cold", "warm", "hot")}
    assert "needs score_count, from 2 to 9, and segments" in refused(copy, rfm_map=unscored)
    nameless = [{**segment, "name": None} for segment in cells("cold", "warm", "hot")]
    says = refused(copy, rfm_map={"score_count": 3, "segments": nameless})
    assert "a name has letters, digits and underscores" in says


def test_klaviyos_map_scores_recency_by_fixed_days(copy: Build) -> None:
    assert copy.dbt("seed"), copy.errors
    assert run(copy, rfm_map="klaviyo"), copy.errors
    days = "select r_score, max(days_since_last_order), min(days_since_last_order)"
    scored = copy.rows(f"{days} from customer_rfm_scores group by all order by all")
    assert [row[0] for row in scored] == [1, 2, 3, None]
    assert scored[0][2] > 365 >= scored[1][1]
    assert scored[1][2] > 180 >= scored[2][1]


def test_frozen_cutpoints_score_by_the_given_numbers(copy: Build, sample: Build) -> None:
    """The cut points of a build, given as var, reproduce its scores."""
    frozen = {
        metric: [
            float(row[0])
            for row in sample.rows(
                f"select cutpoint from rfm_cutpoints where metric = '{metric}' order by score"
            )
        ]
        for metric in ("recency", "frequency", "monetary")
    }
    assert copy.dbt("seed"), copy.errors
    assert run(copy, rfm_cutpoints=frozen), copy.errors
    scores = "from customer_rfm_scores order by customer_id"
    assert copy.rows(scores) == sample.rows(scores)
    assert copy.value("select bool_and(is_fixed) from rfm_cutpoints")
    assert "The cut points of 'recency' are [1, 2]" in refused(
        copy, rfm_cutpoints={"recency": [1, 2]}
    )


@pytest.mark.parametrize("as_of_date", ["2999-01-01", "yesterday", "2025-1-1"])
def test_an_as_of_date_that_is_no_day_up_to_today_is_refused(copy: Build, as_of_date: str) -> None:
    assert f"as_of_date is '{as_of_date}'" in refused(copy, as_of_date=as_of_date)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("business_timezone", "Europe/Nowhere"),
        ("source_timezone", "UTC' or 'x"),
        ("reporting_currency", "euro"),
        ("rfm_window_days", 0),
        ("rfm_window_days", "a year"),
        ("rfm_cutpoints", "frozen"),
    ],
)
def test_an_unusable_var_is_refused_with_what_it_must_be(
    copy: Build, name: str, value: object
) -> None:
    assert f"The var {name} is '{value}'; it must be" in refused(copy, **{name: value})


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("somewhere", "The var raw is 'somewhere'; it must be `sample` or a mapping"),
        ({"table": {}}, "unknown key 'table'. Keys: database, schema, files, tables."),
        ({"tables": {"orders": {}}}, "the table 'customers' is required. Fix:"),
        (
            {"tables": {"customers": {}, "orders": {}, "carts": {}}},
            "unknown table 'carts'. Tables:",
        ),
        (
            {"tables": {"customers": {}, "orders": {"columns": {"order_id": "id"}}}},
            "raw.tables.orders.columns: 'ordered_at' is required. Fix: map it",
        ),
        (
            {
                "tables": {
                    "customers": {"columns": {"customer_id": "id", "mail": "m"}},
                    "orders": {},
                }
            },
            "raw.tables.customers.columns: unknown column 'mail'. Columns: customer_id, created_at",
        ),
    ],
    ids=["text", "key", "required-table", "unknown-table", "required-column", "unknown-column"],
)
def test_an_unusable_mapping_is_refused_with_what_to_do(
    copy: Build, raw: object, says: str
) -> None:
    assert says in refused(copy, raw=raw)
