"""Mutants are found where they are to be, killed where a test notices, and accepted with a reason only."""

import argparse
from collections.abc import Callable
from pathlib import Path

import mutate
import pytest
from conftest import Build
from mutate import Edit, Mutant, Result, Target, Trial, World, mutants_of, unmark

SQL = """with

orders as (

    select * from "build"."main"."int_orders"

),

counted as (

    select distinct
        customers.customer_id,
        count(distinct orders.order_id) as order_count,
        max(orders.net_amount) + 1 as amount,
        coalesce(orders.channel, 'none') as channel,
        case
            when orders.net_amount < 5 then 'low'
            when orders.net_amount > 9 then 'high'
            else 'middle'
        end as level,
        row_number() over (
            partition by orders.customer_id
            order by orders.ordered_at desc nulls last, orders.order_id asc
        ) as place,
        lag(orders.net_amount) over (order by orders.order_id asc) as amount_before,
        cast(orders.net_amount as decimal(18, 2)) * 2 as doubled

    from orders

    left join customers on orders.customer_id = customers.customer_id

    where
        not orders.is_test
        and orders.channel is not null
        and (orders.net_amount <= 7 or orders.status is null)

    union all

    select * from others

)

select * from counted
"""


@pytest.fixture(scope="module")
def by_change() -> dict[str, Mutant]:
    """The mutants by kind, before and after, without the names of steps."""
    return {
        f"{mutant.name.split(' in ')[0]}: {mutant.name.split(': ', 1)[1]}": mutant
        for mutant in mutants_of(SQL)
    }


def change(kind: str, before: str, after: str) -> str:
    return f"{kind}: {before} → {after}"


ORDER = "order by orders.ordered_at desc nulls last, orders.order_id asc"
JOIN = "left join customers on orders.customer_id = customers.customer_id"
LAG = "lag(orders.net_amount) over (order by orders.order_id asc) as amount_before,"
DOUBLED = "cast(orders.net_amount as decimal(18, 2)) * 2 as doubled"
EITHER = "and (orders.net_amount <= 7 or orders.status is null)"
CHANGES = [
    ("distinct", "select distinct", "select"),
    (
        "distinct",
        "count(distinct orders.order_id) as order_count,",
        "count( orders.order_id) as order_count,",
    ),
    ("function", "max(orders.net_amount) + 1 as amount,", "min(orders.net_amount) + 1 as amount,"),
    ("function", LAG, LAG.replace("lag", "lead")),
    ("operator", "max(orders.net_amount) + 1 as amount,", "max(orders.net_amount) - 1 as amount,"),
    ("operator", DOUBLED, DOUBLED.replace("*", "/")),
    ("operator", "and orders.channel is not null", "or orders.channel is not null"),
    ("number", "max(orders.net_amount) + 1 as amount,", "max(orders.net_amount) + (2) as amount,"),
    ("number", "max(orders.net_amount) + 1 as amount,", "max(orders.net_amount) + (0) as amount,"),
    ("coalesce", "coalesce(orders.channel, 'none') as channel,", "(orders.channel) as channel,"),
    (
        "comparison",
        "when orders.net_amount < 5 then 'low'",
        "when orders.net_amount <= 5 then 'low'",
    ),
    ("comparison", JOIN, JOIN.replace("=", "<>")),
    ("branch", "when orders.net_amount > 9 then 'high'", ""),
    ("branch", "else 'middle'", ""),
    ("desc", ORDER, ORDER.replace("desc", "asc")),
    ("nulls", ORDER, ORDER.replace("last", "first")),
    ("tie-break", ORDER, ORDER.split(",")[0]),
    ("join", JOIN, JOIN.replace("left", "inner")),
    ("condition", JOIN, "left join customers on true"),
    ("condition", "not orders.is_test", "true"),
    ("condition", EITHER, "and true"),
    ("not", "not orders.is_test", "orders.is_test"),
    ("not", "and orders.channel is not null", "and orders.channel is null"),
    ("not", EITHER, EITHER.replace("is null", "is not null")),
    ("union", "union all", "union"),
]


@pytest.mark.parametrize(("kind", "before", "after"), CHANGES)
def test_each_operator_has_its_mutant(
    by_change: dict[str, Mutant], kind: str, before: str, after: str
) -> None:
    assert change(kind, before, after) in by_change


def test_the_sizes_of_types_stay_and_a_second_run_finds_the_same(
    by_change: dict[str, Mutant],
) -> None:
    assert not any("decimal((" in name for name in by_change)
    assert mutants_of(SQL) == [*by_change.values()]


def test_a_macro_is_not_broken_but_its_argument_is_in_all_places_at_once() -> None:
    marked = (
        "select /*(0*/case when /*(1*/a + 1/*)*/ > 0 then /*(1*/a + 1/*)*/ end/*)*/ as b from c"
    )
    sql, owners = unmark(marked)
    assert sql == "select case when a + 1 > 0 then a + 1 end as b from c"
    assert len(owners) == len(sql)
    found = mutants_of(marked)
    assert {edit.text for mutant in found for edit in mutant.edits} == {"-", "(2)", "(0)"}
    assert [len(mutant.edits) for mutant in found] == [2, 2, 2]


def test_what_is_rendered_for_every_scheme_is_broken_in_all_of_them_but_not_the_rules_in_it() -> (
    None
):
    case = "case when /*(0*/{rule}/*)*/ then null when {feature} < {low} then {low} - {feature} end"
    cases = [
        case.format(rule="a > 7 and b is null", feature="a", low=5),
        case.format(rule="c = 3", feature="c", low=12),
    ]
    marked = f"select /*(-1*/{cases[0]} as d, {cases[1]} as e/*)*/, 4 as f from g"
    sql, _ = unmark(marked)
    every = {
        (mutant.name.split(" in ")[0], tuple((sql[e.start : e.end], e.text) for e in mutant.edits))
        for mutant in mutants_of(marked)
    }
    low, difference = "when a < 5 then 5 - a", "when c < 12 then 12 - c"
    assert {found for found in every if found[0] != "number"} == {
        ("comparison", (("<", "<="), ("<", "<="))),
        ("operator", (("-", "+"), ("-", "+"))),
        ("branch", ((low, ""), (difference, ""))),
        (
            "branch",
            tuple((f"when {rule} then null", "") for rule in ("a > 7 and b is null", "c = 3")),
        ),
    }
    assert {found[1] for found in every if found[0] == "number"} == {
        (("4", "(5)"),),
        (("4", "(3)"),),
        (("5", "(6)"), ("12", "(13)")),
        (("5", "(4)"), ("12", "(11)")),
    }


def test_a_place_of_the_template_is_found_where_other_schemes_are_rendered() -> None:
    template = "case when {0} < {1} then {1} - {0} else 0 end"
    marked = f"select /*(-1*/{template.format('a', 5)} as d/*)*/ from g"
    other = "select /*(-1*/{} as e, {} as f/*)*/ from h".format(
        template.format("b", 7), template.format("c", 80)
    )
    (smaller,) = [m for m in mutants_of(marked) if m.name.startswith("comparison")]
    target = Target(unmark(marked)[0], other)
    assert target.mutated(smaller, unmark(marked)[0]) == unmark(other)[0].replace("<", "<=")
    elsewhere = Target(unmark(marked)[0], "select /*(-1*/b as e/*)*/ from h")
    assert elsewhere.mutated(smaller, unmark(marked)[0]) is None


def test_grouping_sets_are_broken_too_though_the_dialect_of_duckdb_lacks_them() -> None:
    names = [m.name for m in mutants_of("select a, 1 as b from c group by grouping sets ((a), ())")]
    assert [name.split(":")[0] for name in names] == ["number in the whole"] * 2


def test_a_mutant_finds_its_place_where_relations_vars_and_lines_differ(
    by_change: dict[str, Mutant],
) -> None:
    other = SQL.replace('"build"."main"."int_orders"', "__dbt__cte__int_orders")
    other = other.replace("< 5", "< 50").replace("with", "with fixture as (select 1),", 1)
    target = Target(SQL, other)
    inner = by_change[change("join", JOIN, JOIN.replace("left", "inner"))]
    assert target.mutated(inner, SQL) == other.replace("left join", "inner join")
    low = "when orders.net_amount < 5 then 'low'"
    smaller = by_change[change("comparison", low, low.replace("<", "<="))]
    assert target.mutated(smaller, SQL) == other.replace("< 50", "<= 50")
    gone = by_change[change("number", low, low.replace("5", "(6)"))]
    assert target.mutated(gone, SQL) is None


@pytest.fixture(scope="module")
def world(golden: Build, make_build: Callable[..., Build]) -> World:
    return World(golden, make_build("mutate"), lambda manifest: ["int_merged_customers"])


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> argparse.Namespace:
    accepted = tmp_path_factory.mktemp("accepted") / "accepted.yml"
    return argparse.Namespace(accepted=accepted, at_least=95.0, sample=None)


def edited(trial: Trial, before: str, after: str) -> Mutant:
    start = trial.source.index(before)
    return Mutant(1, "by hand", (Edit(start, start + len(before), after),))


def test_a_unit_test_kills_a_mutant_and_nothing_one_that_is_the_same(world: World) -> None:
    trial = Trial(world, "int_merged_customers")
    killers = {mutant.name: trial.killer(mutant) for mutant in trial.mutants}
    assert len(killers) == 2
    assert {*killers.values()} == {"unit test a_refused_merge_moves_nobody"}
    same = edited(trial, "quarantine_reason is null", "not quarantine_reason is not null")
    assert trial.killer(same) == ""


def test_data_tests_kill_what_is_doubled_and_golden_marts_what_differs(world: World) -> None:
    trial = Trial(world, "int_merged_customers")
    trial.unit_tests = []
    doubled = edited(
        trial, "select * from accepted", "select * from accepted union all from accepted"
    )
    assert trial.killer(doubled).startswith("data test ")
    nobody = edited(trial, "quarantine_reason is null", "false")
    assert trial.killer(nobody).startswith("golden ")
    assert trial.killer(edited(trial, "quarantine_reason", "no_column")).startswith("error ")


def test_the_list_accepts_a_survivor_and_is_stale_without_one(
    world: World, options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = mutate.try_all(world, options, mutate.Console(quiet=True))
    assert [(result.share(), result.passes()) for result in killed] == [(100, True)]

    monkeypatch.setattr(Trial, "killer", lambda *_, **__: "")
    (result,) = mutate.try_all(world, options, mutate.Console(quiet=True))
    assert (result.share(), result.passes()) == (0, False)
    options.accepted.write_text(
        "- {model: int_merged_customers, mutant: 'not in accepted: …', reason: none}\n"
        "- {model: int_merged_customers, mutant: 'condition in accepted: …', reason: none}\n"
    )
    (result,) = mutate.try_all(world, options, mutate.Console(quiet=True))
    assert (len(result.accepted), result.stale, result.passes()) == (2, [], True)

    monkeypatch.undo()
    (result,) = mutate.try_all(world, options, mutate.Console(quiet=True))
    assert result.stale == ["not in accepted: …", "condition in accepted: …"]
    assert not result.passes()
    assert "no survivor any more: not in accepted: …" in mutate.report([result])


@pytest.mark.parametrize(("killers", "code"), [({"a": "unit test b"}, 0), ({"a": ""}, 1)])
def test_the_exit_code_says_whether_every_limit_is_met(
    killers: dict[str, str], code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = Result("m", 95, killers, dict.fromkeys(killers, 1))
    monkeypatch.setattr(mutate, "golden_build", lambda _: None)
    monkeypatch.setattr(mutate, "World", lambda *_: None)
    monkeypatch.setattr(mutate, "try_all", lambda *_: [result])
    assert mutate.main(["--folder", str(tmp_path), "--json", str(tmp_path / "m.json")]) == code
    assert '"killers"' in (tmp_path / "m.json").read_text()


def test_an_unknown_model_or_commit_is_refused_by_name() -> None:
    manifest = {"nodes": {}, "macros": {}}
    with pytest.raises(mutate.UnreadableError, match="nobody"):
        mutate.chosen(argparse.Namespace(models=["nobody"], changed_from=None), manifest)
    with pytest.raises(mutate.UnreadableError, match="no-such-commit"):
        mutate.changed_models(manifest, "no-such-commit")
