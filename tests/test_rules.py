"""Rules are data: edited in one file, refused before any data is read."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from random import Random

import check_rules
import pytest
import yaml
from conftest import ROOT, Build
from raw_tables import render_with_dbt
from rules import read_meta, rule_holds, segments_of

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


@pytest.fixture
def run(copy: Build, sample: Build) -> Callable[..., bool]:
    """Builds what the rules decide, on the features of the sample."""

    def build(**variables: object) -> bool:
        shutil.copy(sample.database, copy.database)
        chosen = ("--select", "rfm_cutpoints+", "segment_definitions", "--exclude", "customers")
        return copy.dbt("run", *chosen, variables=variables)

    return build


def refused(build: Build, command: str = "run", **variables: object) -> str:
    """What dbt says; no model may have been built by then."""
    build.database.unlink(missing_ok=True)
    assert not build.dbt(command, variables=variables)
    tables = "select count(*) from information_schema.tables"
    assert not build.database.exists() or build.value(tables) == 0
    return " ".join(" ".join(build.errors).split())


def test_a_segment_is_added_by_editing_one_yaml_file(
    copy: Build, edit: Callable[[str, str], None], sample: Build, run: Callable[..., bool]
) -> None:
    edit(LOYAL, VIP + LOYAL)
    assert run(), copy.errors
    ids = "select customer_id from customer_segments natural join customer_features where {} order by 1"
    vips = copy.rows(ids.format("lifecycle = 'vip'"))
    assert vips == sample.rows(ids.format("lifecycle = 'loyal' and monetary_amount >= 500"))
    assert vips
    assert copy.rows("select rule, action from segment_definitions where segment = 'vip'") == [
        ("order_count_365d >= 5 and monetary_amount >= 500", "Call them.")
    ]
    assert copy.value("select customer_count from segment_kpis where segment = 'vip'") == len(vips)


def test_every_form_of_a_rule_decides_as_in_plain_python(
    copy: Build, set_meta: Callable[[dict], None], run: Callable[..., bool]
) -> None:
    """Groups, thresholds, dates, and the segments of other schemes."""
    numbers = {"worth_amount": 500, "month": 12}
    set_meta({**GRAMMAR, "thresholds": numbers})
    assert run(), copy.errors
    schemes = {name: s for name, s in read_meta().items() if s.get("grain") != "company"}
    schemes |= GRAMMAR
    thresholds = read_meta("thresholds") | numbers
    query = """
        select features.*, learned.* exclude (customer_id), scores.* exclude (as_of_date, customer_id),
            segments.* exclude (as_of_date, customer_id)
        from customer_features as features
        left join int_learned_scores as learned using (customer_id)
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


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, list]]:
    """What the linter says of schemes over these features: errors and overlaps."""
    jinja = "{{ tojson(scheme_report(var('rules').schemes, var('rules').features, true)) }}"
    place = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles")]
    place += ["--target-path", str(tmp_path_factory.mktemp("report"))]

    def render(schemes: dict, features: dict) -> dict[str, list]:
        variables = json.dumps({"rules": {"schemes": schemes, "features": features}})
        return json.loads(render_with_dbt(jinja, [*place, "--vars", variables]))

    return render


def feature(kind: str, low: int | None = None, high: int | None = None, *, null: bool) -> dict:
    return {"kind": kind, "low": low, "high": high, "is_required": not null}


FEATURES = {
    "visit_count": feature("integer", 0, null=False),
    "gap": feature("integer", null=True),
    "sale_share": feature("decimal", 0, 1, null=True),
    "amount": feature("decimal", null=False),
    "colour": feature("text", null=True),
    "is_member": feature("boolean", null=True),
    "joined_date": feature("date", null=True),
}


def scheme(*rules: dict | None, **keys: object) -> dict:
    """Segments a, b, c, … by these rules; None stands for no conditions."""
    segments = [
        {"name": name, **({"when": rule} if rule is not None else {})}
        for name, rule in zip("abcdefgh", rules, strict=False)
    ]
    return {**keys, "segments": segments}


# Each scheme has one fault, and what is said of it.
FAULTY = {
    "unknown_feature": (
        scheme({"visits_count": "> 5"}, None),
        r"segment 'a': unknown feature 'visits_count'\. Did you mean visit_count, .*, .*\?",
    ),
    "no_operator": (
        scheme({"visit_count": "about 5"}, None),
        r"segment 'a': 'about 5' is no condition\. Write one of: = x, .*between x and y",
    ),
    "other_operator": (scheme({"visit_count": "=> 5"}, None), "'=> 5' is no condition"),
    "injection": (
        scheme({"visit_count": "= 5; drop table customers"}, None),
        "the value '5; drop table customers' may hold letters",
    ),
    "no_list": (scheme({"any": {"gap": "> 1"}}, None), "'any' takes a list of conditions"),
    "empty_list": (scheme({"all": []}, None), "'all' takes a list of conditions"),
    "no_mapping": (scheme("gap > 1", None), "'gap > 1' is no mapping of conditions"),
    "empty_mapping": (scheme({"any": [{"gap": "> 1"}, {}]}, None), "no mapping of conditions"),
    "unknown_threshold": (
        scheme({"visit_count": "> {loyal_order_cuont}"}, None),
        r"unknown threshold 'loyal_order_cuont' for 'visit_count'\. Did you mean loyal_order_count",
    ),
    "ordered_text": (
        scheme({"colour": ">= 5"}, None),
        r"segment 'a': 'colour >= 5', but colour is text\. Write = x, != x",
    ),
    "number_for_text": (scheme({"colour": "= 5"}, None), "but colour is text, and '5' is not"),
    "text_for_number": (
        scheme({"visit_count": "= many"}, None),
        "'visit_count = many', but visit_count is a number, and 'many' is not",
    ),
    "ordered_boolean": (scheme({"is_member": "< 1"}, None), "but is_member is true or false"),
    "text_for_boolean": (scheme({"is_member": "= yes"}, None), "true or false, and 'yes' is not"),
    "number_for_date": (scheme({"joined_date": "> 5"}, None), "but joined_date is a date"),
    "no_such_day": (scheme({"joined_date": "> 2025-02-29"}, None), "no day '2025-02-29'"),
    "two_calendars": (
        scheme({"joined_date": "between 2025-01-01 and as_of_date"}, None),
        "names both a day and as_of_date. Fix: write two",
    ),
    "unknown_segment": (
        scheme({"sound": "= d"}, None),
        "'sound = d', but sound is a scheme of a, b, c, and 'd' is not",
    ),
    "of_other_grain": (scheme({"of_companies": "= a"}, None), "unknown feature 'of_companies'"),
    "empty_between": (scheme({"gap": "between 5 and 3"}, None), "nobody can meet 'gap between 5"),
    "negative_count": (scheme({"visit_count": "< 0"}, None), "nobody can meet 'visit_count < 0'"),
    "share_above_one": (scheme({"sale_share": "> 1"}, None), "nobody can meet 'sale_share > 1'"),
    "contradiction": (
        scheme({"all": [{"gap": "> 5"}, {"gap": "< 3"}]}, None),
        "segment 'a': nobody can meet 'gap > 5 and gap < 3'. Fix: change",
    ),
    "between_whole_numbers": (
        scheme({"all": [{"gap": "> 5"}, {"gap": "< 6"}]}, None),
        "segment 'a': nobody can meet",
    ),
    "never_reached": (
        scheme({"gap": ">= 3"}, {"amount": "> 1"}, {"gap": "> 4", "amount": "> 0"}, None),
        "segment 'c' can never be reached: whoever meets its rule is already in 'a' or 'b'",
    ),
    "never_left": (
        scheme({"gap": ">= 3"}, {"gap": "< 3"}, {"gap": "is null"}, None),
        "segment 'd' can never be reached: whoever meets its rule is already in 'a' or 'b' or 'c'",
    ),
    "all_taken": (scheme({"gap": "> 1"}, None, {"gap": "= 1"}), "'b' has no conditions, so no"),
    "left_out": (
        scheme({"visit_count": "<= 2"}, {"colour": "= red"}, {"visit_count": "between 4 and 9"}),
        "'left_out' leaves out whoever has visit_count 3 and another colour. Fix: take the conditions",
    ),
    "gap_between_shares": (
        scheme({"sale_share": "= 0"}, {"sale_share": ">= 0.5"}, {"sale_share": "is null"}),
        "'gap_between_shares' leaves out whoever has sale_share 0.25. Fix",
    ),
    "gap_of_null": (scheme({"gap": ">= 3"}, {"gap": "< 3"}), "leaves out whoever has no gap"),
    "circle": (scheme({"second_of_circle": "= a"}, None), "circle, second_of_circle ask for each"),
    "single": (scheme(None), "has a single segment"),
    "empty": (scheme(), "has no segments"),
    "needs": (scheme({"gap": "> 1"}, None, needs=["orders.statsu"]), "'orders.statsu' in needs"),
    "grain": (scheme({"gap": "> 1"}, None, grain="person"), "'person'; it must be customer, com"),
    "key": (scheme({"gap": "> 1"}, None, owner="us"), "unknown key 'owner'. Keys: description"),
    "visit_count": (scheme({"gap": "> 1"}, None), "a feature has this name"),
    "Capital": (scheme({"gap": "> 1"}, None), "a name has lower-case letters"),
    "better": (
        {"segments": [{"name": "a", "when": {"gap": "> 1"}}, {"name": "b", "better": "c"}]},
        "segment 'b': better is 'c', which is no other segment of the scheme",
    ),
    "segment_key": (
        {
            "segments": [
                {"name": "a", "where": {"gap": "> 1"}, "when": {"gap": "> 1"}},
                {"name": "b"},
            ]
        },
        "segment 'a': unknown key 'where'. Keys: name",
    ),
    "segment_name": (
        {"segments": [{"name": "a'b", "when": {"gap": "> 1"}}, {"name": "b"}]},
        "a name has letters, digits and underscores",
    ),
    "twice": (
        {"segments": [{"name": "a", "when": {"gap": "> 1"}}, {"name": "a"}]},
        "segment 'a' is defined twice",
    ),
}
SOUND = {
    "sound": scheme({"gap": "> 1"}, {"gap": "is null"}, None),
    "second_of_circle": scheme({"circle": "= b"}, None),
    # Not in the circle itself.
    "behind_the_circle": scheme({"circle": "= b"}, None),
    "of_companies": scheme({"gap": "> 1"}, None, grain="company"),
    "without_a_last": scheme(
        {"is_member": "= true"}, {"is_member": "!= true"}, {"is_member": "is null"}
    ),
    "whole_numbers": scheme(
        {"visit_count": "= 0"}, {"visit_count": "= 1"}, {"visit_count": ">= 2"}
    ),
    "shares": scheme({"sale_share": "is null"}, {"sale_share": "< 1"}, {"sale_share": "= 1"}),
    "dates": scheme({"joined_date": "< 2025-01-01"}, {"joined_date": ">= as_of_date - 90"}, None),
}


def test_each_fault_of_a_bad_set_of_rules_is_found_and_nothing_else(
    report: Callable[..., dict[str, list]],
) -> None:
    schemes = {name: bad for name, (bad, _) in FAULTY.items()} | SOUND
    errors = report(schemes, {"customer": FEATURES, "company": FEATURES})["errors"]
    for name, (_, says) in FAULTY.items():
        found = [error for error in errors if re.search(rf"'{name}'|schemes {name},", error)]
        assert len(found) == 1, (name, found)
        assert re.search(says, found[0]) or says in found[0], (says, found[0])
        errors.remove(found[0])
    assert errors == []


def random_condition(random: Random) -> dict[str, str]:
    """On any feature, by any operator, with values that often meet a bound or another rule's."""
    name = random.choice([*FEATURES, "other"])
    kind = FEATURES[name]["kind"] if name in FEATURES else "segment"
    if random.random() < 0.15:
        return {name: random.choice(["is null", "is not null"])}
    values = {
        "integer": ["-1", "0", "1", "2", "2.5", "3"],
        "decimal": ["0", "0.5", "1", "2.25"],
        "text": ["red", "blue"],
        "boolean": ["true", "false"],
        "date": random.choice([["2025-03-01", "2025-03-02"], ["as_of_date", "as_of_date - 2"]]),
        "segment": ["a", "b", "c"],
    }[kind]
    if kind in ("text", "boolean", "segment"):
        operators = ["= {0}", "!= {0}", "in ({0}, {1})"]
    else:
        operators = ["= {0}", "!= {0}", "< {0}", "<= {0}", "> {0}", ">= {0}"]
        operators += ["between {0} and {1}", "in ({0}, {1})"]
    text = random.choice(operators)
    return {name: text.format(random.choice(values), random.choice(values))}


def random_rule(random: Random, depth: int = 2) -> dict:
    rule: dict = {}
    for _ in range(random.choice([1, 1, 2])):
        if depth and random.random() < 0.3:
            members = [random_rule(random, depth - 1) for _ in range(random.choice([1, 2, 3]))]
            rule[random.choice(["any", "all"])] = members
        else:
            rule |= random_condition(random)
    return rule


def names_in(rule: dict) -> set[str]:
    return set().union(
        *(
            set().union(*map(names_in, entry)) if key in ("any", "all") else {key}
            for key, entry in rule.items()
        )
    )


def everybody(names: set[str]) -> Iterator[dict]:
    """A customer in every cell of these features, and beyond: far more than the rules tell apart."""
    day, far = date(2025, 3, 1), range(-4, 5)
    values = {
        "visit_count": range(6),
        "gap": [None, *range(-3, 6)],
        "sale_share": [None, *(Decimal(number) / 4 for number in range(5))],
        "amount": [Decimal(number) / 8 for number in range(-8, 25)],
        "colour": [None, "red", "blue", "green"],
        "is_member": [None, True, False],
        # Each day before, on and after each as-of date.
        "joined_date": [
            None,
            *((day + timedelta(n), day + timedelta(n + m)) for n in far for m in far),
        ],
        "other": ["a", "b", "c"],
    }
    for combination in product(*(values[name] for name in names)):
        customer = dict(zip(names, combination, strict=True))
        if isinstance(customer.get("joined_date"), tuple):
            customer["joined_date"], customer["as_of_date"] = customer["joined_date"]
        yield customer


def faults_and_overlaps(segments: list[dict]) -> tuple[set[str], set[tuple[str, str]]]:
    """By trying everybody: whom nobody can meet, who is never reached, whether any is left out."""
    rules = {segment["name"]: segment.get("when", {}) for segment in segments}
    met, reached, overlaps, left = set(), set(), set(), False
    for customer in everybody(set().union(*map(names_in, rules.values()))):
        held = [name for name, rule in rules.items() if rule_holds(rule, customer, {})]
        met |= set(held)
        reached |= set(held[:1])
        overlaps |= {(held[0], other) for other in held[1:] if rules[other]}
        left = left or not held
    faults = {f"'{name}': nobody" for name in rules if name not in met}
    faults |= {f"'{name}' can never" for name in rules if name in met - reached}
    return faults | ({"leaves out"} if left else set()), overlaps


def test_the_linter_says_what_trying_everybody_says(
    report: Callable[..., dict[str, list]],
) -> None:
    random = Random(2025)
    schemes = {"other": scheme({"visit_count": "= 1"}, {"visit_count": "= 2"}, None)}
    while len(schemes) < 150:
        rules = [random_rule(random) for _ in range(random.choice([2, 3, 4]))]
        # More features would take too long to try.
        if len(set().union(*map(names_in, rules))) <= 3:
            last = random.choice([[], [None]])
            schemes[f"scheme_{len(schemes)}"] = scheme(*rules, *last)
    found = report(schemes, {"customer": FEATURES})
    seen: Counter[str] = Counter()
    for name, tried in schemes.items():
        errors = [error for error in found["errors"] if f"Scheme '{name}'" in error]
        said = {re.search("'.'(: nobody| can never)|leaves out", error)[0] for error in errors}
        overlaps = {(o["first"], o["second"]) for o in found["overlaps"] if o["scheme"] == name}
        assert (said, overlaps) == faults_and_overlaps(tried["segments"]), tried
        seen.update(text[-9:] for text in said or {"sound"})
    assert len(seen) == 4, seen
    assert min(seen.values()) >= 10, seen


@pytest.mark.parametrize("command", ["run", "compile"])
def test_a_fault_stops_dbt_before_any_data_is_read(
    copy: Build, edit: Callable[[str, str], None], command: str
) -> None:
    edit(LOYAL, LOYAL.replace(">= {loyal_order_count}", "< 0"))
    says = refused(copy, command)
    assert "Scheme 'lifecycle', segment 'loyal': nobody can meet 'order_count_365d < 0'" in says


def test_the_script_finds_no_fault_in_the_shipped_rules_and_lists_overlaps(
    capsys: pytest.CaptureFixture,
) -> None:
    place = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles")]
    assert check_rules.main(place) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "  value_tier\n    A before B, C\n    B before C\n" in said.out
    assert re.search(r"^\d\d schemes, 0 faults\.$", said.out, re.MULTILINE)


def test_the_script_names_each_fault(
    copy: Build, set_meta: Callable[[dict], None], capsys: pytest.CaptureFixture
) -> None:
    set_meta({"alone": scheme(None), "thresholds": {"loyal_order_cuont": 3, "habit_share": 0.6}})
    place = ["--project-dir", str(copy.project), "--profiles-dir", str(ROOT / "profiles")]
    assert check_rules.main(place) == 1
    said = capsys.readouterr()
    assert said.err.startswith("ERROR: SEG-RULE: Scheme 'alone' has a single segment")
    assert "The threshold 'loyal_order_cuont' is in no rule. Did you mean loyal_order" in said.err
    assert "schemes, 2 faults." in said.out


def scans(plan: dict) -> Iterator[dict]:
    if "Table" in plan["extra_info"]:
        yield plan["extra_info"]
    for child in plan["children"]:
        yield from scans(child)


def test_a_filter_on_a_customer_reaches_every_scan_of_the_reasons(sample: Build) -> None:
    customer = sample.value("select min(customer_id) from customers")
    question = f"select * from segment_reasons where customer_id = '{customer}'"
    (plan,) = json.loads(sample.rows(f"explain (format json) {question}")[0][1])
    found = {scan["Table"].split(".")[-1]: scan.get("Filters", "") for scan in scans(plan)}
    assert found.keys() == {
        *("customer_features", "customer_rfm_scores", "int_customer_segments"),
        *("customer_clusters", "customer_predictions"),
    }
    assert all(customer in filters for filters in found.values()), found


def test_what_is_called_counted_in_distances_is_in_whole_numbers() -> None:
    """More than 4 is said to be 5 or more by the name of a feature, as a unit test knows no types."""
    path = ROOT / "models" / "marts" / "customer_features.yml"
    columns = yaml.safe_load(path.read_text())["models"][0]["columns"]
    counted = [c for c in columns if re.search(r"(_count|_score)(_\d+d)?$|^days_since_", c["name"])]
    assert len(counted) > 40
    assert {column["data_type"] for column in counted} == {"bigint", "integer"}


def cells(*names: str) -> list[dict]:
    """A map of three scores with a segment for each condition on the recency score."""
    conditions = ("= 1", "= 2", "= 3")
    named = zip(names, conditions, strict=True)
    return [
        *({"name": name, "when": {"r_score": condition}} for name, condition in named),
        {"name": "prospect"},
    ]


def test_a_map_of_ones_own_names_the_segments(copy: Build, run: Callable[..., bool]) -> None:
    own = {"score_count": 3, "segments": cells("cold", "warm", "hot")}
    assert run(rfm_map=own), copy.errors
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


@pytest.mark.fault(60)
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


def test_klaviyos_map_scores_recency_by_fixed_days(copy: Build, run: Callable[..., bool]) -> None:
    assert run(rfm_map="klaviyo"), copy.errors
    days = "select r_score, max(days_since_last_order), min(days_since_last_order)"
    scored = copy.rows(f"{days} from customer_rfm_scores group by all order by all")
    assert [row[0] for row in scored] == [1, 2, 3, None]
    assert scored[0][2] > 365 >= scored[1][1]
    assert scored[1][2] > 180 >= scored[2][1]


def test_frozen_cutpoints_score_by_the_given_numbers(
    copy: Build, sample: Build, run: Callable[..., bool]
) -> None:
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
    assert run(rfm_cutpoints=frozen), copy.errors
    scores = "from customer_rfm_scores order by customer_id"
    assert copy.rows(scores) == sample.rows(scores)
    assert copy.value("select bool_and(is_fixed) from rfm_cutpoints")
    assert "The cut points of 'recency' are [1, 2]" in refused(
        copy, rfm_cutpoints={"recency": [1, 2]}
    )


@pytest.mark.parametrize("as_of_date", ["2999-01-01", "yesterday", "2025-1-1"])
def test_an_as_of_date_that_is_no_day_up_to_today_is_refused(copy: Build, as_of_date: str) -> None:
    assert f"as_of_date is '{as_of_date}'" in refused(copy, as_of_date=as_of_date)


@pytest.mark.fault(52, 65)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("business_timezone", "Europe/Nowhere"),
        ("source_timezone", "UTC' or 'x"),
        ("reporting_currency", "euro"),
        ("rfm_window_days", 0),
        ("rfm_window_days", "a year"),
        ("rfm_cutpoints", "deciles"),
        ("learned_models", "sometimes"),
        ("daily_slices", 0),
        ("daily_slices", "all"),
        ("smallest_cell", -1),
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
