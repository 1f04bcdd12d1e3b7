"""Break the SQL of models, one operator at a time, and see whether their tests notice.

    uv run scripts/mutate.py rfm_cutpoints customer_rfm_scores
    uv run scripts/mutate.py --changed-from main --json mutants.json

A mutant is the compiled SQL of a model with one change: `<` for `<=`, a condition left out, a left join made
inner, a number one larger. It is killed if it fails, if a unit test of the model gives other rows, or if a data
test, the contract or a not-null constraint of the model does not hold on tests/golden/. Whether a golden mart
would differ is told apart. dbt is called three times in all: mutants run in DuckDB, in the SQL of the tests as
dbt compiled it.

sqlfluff finds the operators: it is here already, parses every model, and knows the place of each word, so that
all other text stays as it is and the same change finds its place in a unit test.

Left out are Python models, sums made means (which changes the type), what only vars switch on, data tests that
also read what is made of the model, and what the macros of macros/cross_db/ render, but not their arguments:
tests/test_cross_db.py runs those macros on known values. Of an incremental model the full refresh is broken.

Rules are broken where they decide, in int_customer_segments. What other models render for every scheme, in a loop or by
a macro, is one place of the template and is changed in all its renderings at once: were each of them broken alone, most
mutants would be of data. Renderings are told by their shape, which has no names, texts and numbers.

A survivor that no test can kill is listed with its reason in scripts/accepted_mutants.yml. The exit code is 1 if a
model's share of killed mutants is below its limit, or if the list names a mutant that is no survivor any more.
"""

import argparse
import json
import re
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from difflib import SequenceMatcher
from graphlib import TopologicalSorter
from hashlib import md5
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import duckdb
import yaml
from raw_tables import UnreadableError, quoted
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlfluff.core import Linter
from sqlfluff.core.parser.segments import BaseSegment

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from conftest import GOLDEN, ROOT, WITHOUT_TESTS, Build, golden_variables
from marts import MARTS, assert_same, read_table

ACCEPTED = ROOT / "scripts" / "accepted_mutants.yml"
PREFIX = "model.customer_segmentation."
# Whose mutants must all be killed or accepted.
STRICT = re.compile(r"models/staging/|/\w*(scores|segments|cutpoints)\.sql$")
TIMEOUT = 20
COMPARISONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "<>", "<>": "="}
OPERATORS = {"and": "or", "or": "and", "+": "-", "-": "+", "*": "/", "/": "*"}
FUNCTIONS = {
    name: other
    for pair in (
        ("min", "max"),
        ("lag", "lead"),
        ("greatest", "least"),
        ("first_value", "last_value"),
        ("bool_and", "bool_or"),
    )
    for name, other in (pair, pair[::-1])
}
KEYWORDS = {"asc": "desc", "desc": "asc", "not": "", "left": "inner"}
TOKEN = re.compile(
    r"""(--[^\n]*|/\*.*?\*/|\s+)|'(?:[^']|'')*'|"[^"]*"(?:\."[^"]*")*|\w+|.""", re.DOTALL
)
# What a macro renders; with a number above 0, an argument within it, equal in all its places; with -1, what is
# rendered for every scheme.
MARK = re.compile(r"/\*\((-?\d+)\*/|/\*\)\*/")
REPEATED = -1
MORE_THAN_A_NAME = re.compile(r"[^\w.]")
LOOP_OVER_SCHEMES = re.compile(
    r"({%-? for name in (?:names|batch) %}|{%-? for scheme in [^%]*schemes\(\)[^%]* %})(.*?)({%-? endfor)",
    re.DOTALL,
)
MACROS_OF_ALL_SCHEMES = ("segment_reason", "segment_definition_rows")


class Edit(NamedTuple):
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Mutant:
    """Edits of the compiled SQL; `name` stays the same while lines move. `place` is that in the template, if it is
    rendered for every scheme."""

    line: int
    name: str
    edits: tuple[Edit, ...]
    place: tuple[str, ...] = ()


@dataclass
class Result:
    """What became of the mutants of a model: by name, what killed them."""

    model: str
    limit: float
    killers: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    def share(self, *, golden: bool = False) -> float:
        """In percent of those that are not accepted, killed by unit and data tests."""
        killers = [k for name, k in self.killers.items() if name not in self.accepted]
        kept = sum(not k or (k.startswith("golden ") and not golden) for k in killers)
        return 100 * (1 - kept / len(killers)) if killers else 100.0

    def survivors(self) -> dict[str, str]:
        return {
            name: killer
            for name, killer in self.killers.items()
            if not killer or killer.startswith("golden ")
        }

    def passes(self) -> bool:
        return self.share() >= self.limit and not self.stale


def unmark(marked: str) -> tuple[str, list[tuple[int, int] | None]]:
    """The SQL without marks, and for each character whose it is: the number of an argument (0: the model itself,
    REPEATED: rendered for every scheme) and the place in it; None if it is a macro's."""
    parts, owners = [], []
    stack = [(0, 0)]
    position = 0
    for mark in [*MARK.finditer(marked), None]:
        text = marked[position : mark.start() if mark else len(marked)]
        number, begin = stack[-1]
        macro = len(stack) > 1 and not number
        places = range(len(owners) - begin, len(owners) - begin + len(text))
        owners += [None if macro else (number, place) for place in places]
        parts.append(text)
        if mark:
            position = mark.end()
            if mark[1]:
                stack.append((int(mark[1]), len(owners)))
            else:
                stack.pop()
    return "".join(parts), owners


def span(*segments: BaseSegment) -> tuple[int, int]:
    first, last = segments[0].pos_marker, segments[-1].pos_marker
    return first.templated_slice.start, last.templated_slice.stop


def walk(
    segment: BaseSegment, above: tuple[BaseSegment, ...] = ()
) -> Iterator[tuple[tuple[BaseSegment, ...], list[BaseSegment]]]:
    """Every segment, after those that it lies in, with its children, but for the numbers of types."""
    if not segment.is_type("data_type"):
        path = (*above, segment)
        yield path, [child for child in segment.segments if child.is_code]
        for child in segment.segments:
            yield from walk(child, path)


def shape(segment: BaseSegment, is_data: Callable[[BaseSegment], bool], depth: int = 1) -> str:
    """Words of SQL, and `#` for data, for names and literals, and for what lies deeper."""
    words = ("keyword", "comparison_operator", "binary_operator", "function_name", "null_literal")
    if is_data(segment):
        return "#"
    if segment.is_type(*words):
        return segment.raw.lower()
    if not (segment.segments and depth):
        return "#"
    inner = (shape(child, is_data, depth - 1) for child in segment.segments if child.is_code)
    return f"({re.sub('#( #)+', '#', ' '.join(inner))})"


def split(children: Iterable[BaseSegment], separator: str) -> list[list[BaseSegment]]:
    parts: list[list[BaseSegment]] = [[]]
    for child in children:
        if child.raw.lower() == separator and child.is_type("binary_operator", "comma"):
            parts.append([])
        else:
            parts[-1].append(child)
    return parts


def changes(tree: BaseSegment) -> Iterator[tuple[tuple[BaseSegment, ...], str, list[Edit]]]:
    """Each mutant as what it lies in, the kind of change and its edits."""
    for path, children in walk(tree):
        for kind, edits in changes_within(path[-1], children):
            yield path, kind, edits


def changes_within(
    parent: BaseSegment, children: Sequence[BaseSegment]
) -> Iterator[tuple[str, list[Edit]]]:
    raws = [child.raw.lower() for child in children]
    for number, (child, raw) in enumerate(zip(children, raws, strict=True)):
        place = span(child)
        previous, following = [*raws, ""][number - 1], [*raws, ""][number + 1]
        if child.is_type("comparison_operator") and raw in COMPARISONS:
            yield "comparison", [Edit(*place, COMPARISONS[raw])]
        elif child.is_type("binary_operator") and raw in OPERATORS:
            yield "operator", [Edit(*place, OPERATORS[raw])]
        elif child.is_type("function_name") and raw in FUNCTIONS:
            yield "function", [Edit(*place, FUNCTIONS[raw])]
        elif child.is_type("numeric_literal") and raw.isdigit():
            yield "number", [Edit(*place, f"({int(raw) + 1})")]
            yield "number", [Edit(*place, f"({int(raw) - 1})")]
        elif child.is_type("when_clause"):
            if sum(other.is_type("when_clause") for other in children) > 1:
                yield "branch", [Edit(*place, "")]
            elif not children[number - 1].is_type("expression"):
                condition = next(c for c in child.segments if c.is_type("expression"))
                yield "branch", [Edit(*span(condition), "false")]
        elif child.is_type("else_clause"):
            yield "branch", [Edit(*place, "")]
        elif not child.is_type("keyword"):
            continue
        elif raw in ("first", "last") and previous == "nulls":
            yield "nulls", [Edit(*place, "last" if raw == "first" else "first")]
        elif raw == "is" and following == "null":
            yield "not", [Edit(*place, "is not")]
        elif raw == "distinct" and previous not in ("is", "not"):
            yield "distinct", [Edit(*place, "")]
        elif raw == "all" and previous == "union":
            yield "union", [Edit(*place, "")]
        elif raw == "union" and following not in ("all", "by"):
            yield "union", [Edit(*place, "union all")]
        elif raw in KEYWORDS:
            yield "join" if raw == "left" else raw, [Edit(*place, KEYWORDS[raw])]
    if parent.is_type("where_clause", "having_clause", "join_on_condition"):
        for condition in (child for child in children if child.is_type("expression")):
            inner = [child for child in condition.segments if child.is_code]
            parts = split(inner, "and") if not split(inner, "or")[1:] else [inner]
            for part in parts:
                yield "condition", [Edit(*span(*part), "true")]
    elif parent.is_type("orderby_clause"):
        *_, one, last = [None, *split(children, ",")]
        if one:
            yield "tie-break", [Edit(span(*one)[1], span(*last)[1], "")]
    elif parent.is_type("function") and raws[0] == "coalesce":
        arguments = [child for _, inner in walk(children[1]) for child in inner]
        comma = next((child for child in arguments if child.is_type("comma")), None)
        if comma:
            yield (
                "coalesce",
                [
                    Edit(*span(children[0]), ""),
                    Edit(span(comma)[0], span(children[1])[1] - 1, ""),
                ],
            )


def shown(sql: str, edits: Sequence[Edit]) -> tuple[str, str]:
    """The line, or what of it is near, before and after."""
    start, end = edits[0].start, edits[-1].end
    left = max(sql.rfind("\n", 0, start) + 1, start - 90)
    right = min((sql + "\n").index("\n", end), end + 90)
    changed, position = "", start
    for edit in edits:
        changed += sql[position : edit.start] + edit.text
        position = edit.end
    middles = (" ".join(text.split()) for text in (sql[start:end], changed))
    cut = (text if len(text) <= 120 else f"{text[:60]} … {text[-57:]}" for text in middles)
    before, after = (" ".join(f"{sql[left:start]}{m}{sql[end:right]}".split()) for m in cut)
    return before, after


def origin(owners: Sequence[tuple[int, int] | None]) -> tuple[int, int] | None:
    """Whose it is, and where: the model's if any of it is, an argument's if all of it is."""
    own = [owner for owner in owners if owner and not owner[0]]
    first, last = owners[0], owners[-1]
    return own[0] if own else first if first and last and first[0] == last[0] else None


def mutants_of(marked: str) -> list[Mutant]:
    """All mutants of compiled SQL. What an argument of a macro says is changed in all its places at once."""
    sql, owners = unmark(marked)
    # The dialect of DuckDB lacks grouping sets.
    trees = (
        Linter(dialect=dialect).parse_string(sql).root_variant().tree
        for dialect in ("duckdb", "postgres")
    )
    tree = next((tree for tree in trees if not any(tree.recursive_crawl("unparsable"))), None)
    if tree is None:
        raise UnreadableError("sqlfluff cannot parse the compiled SQL.")

    def is_data(segment: BaseSegment) -> bool:
        start, end = span(segment)
        return owners[start] is None and owners[end - 1] is None

    found: dict[tuple, list[list[Edit]]] = {}
    for path, kind, edits in changes(tree):
        origins = [origin(owners[edit.start : edit.end]) for edit in edits]
        if None in origins:
            continue
        places: list[tuple] = [
            (place, e.end - e.start, e.text) for place, e in zip(origins, edits, strict=True)
        ]
        if origins[0][0] == REPEATED:
            inner = next(c for c in path[-1].segments if edits[0].start < span(c)[1])
            shapes = [shape(segment, is_data) for segment in path[-3:]]
            # Whether a number is made larger or smaller, whatever it is.
            texts = (
                (
                    "+" if text == f"({int(sql[start:end]) + 1})" else "-"
                    for start, end, text in edits
                )
                if kind == "number"
                else (edit.text for edit in edits)
            )
            places = [*shapes, shape(inner, is_data, depth=2), *texts]
        found.setdefault((kind, *places), []).append(edits)
    mutants, names = [], Counter()
    for (kind, *key), places in sorted(found.items(), key=lambda item: item[1][0][0]):
        start = places[0][0].start
        step = re.findall(r"^(\w+) as \(", sql[:start], re.MULTILINE)[-1:] or ["the whole"]
        before, after = shown(sql, places[0])
        name = f"{kind} in {step[0]}: {before} → {after}"
        names[name] += 1
        name += f" ({names[name]})" if names[name] > 1 else ""
        every: list[Edit] = []
        for edit in sorted(
            {edit for edits in places for edit in edits}, key=lambda e: (e.start, -e.end)
        ):
            # Of two places of one shape, one within the other, the outer one.
            if not every or edit.start >= every[-1].end:
                every.append(edit)
        line = sql.count("\n", 0, start) + 1
        place = (kind, *key) if isinstance(key[0], str) else ()
        mutants.append(Mutant(line, name, tuple(every), place))
    return mutants


class Token(NamedTuple):
    value: str
    start: int
    end: int
    line: int


def tokens(sql: str) -> list[list[Token]]:
    """By line, without spaces and comments; a relation is its name, wherever it lies."""
    lines: dict[int, list[Token]] = defaultdict(list)
    line = 0
    for match in TOKEN.finditer(sql):
        if not match[1]:
            value = match[0].split('"')[-2] if '"' == match[0][0] else match[0]
            value = re.sub(r"^(fixture_\d+_)?__dbt__cte__", "", value)
            lines[line].append(Token(value, *match.span(), line))
        line += match[0].count("\n")
    return list(lines.values())


class Target:
    """Compiled SQL that holds that of a model, with other relations, other vars, and more around it. Where it is marked,
    other schemes may be rendered in it."""

    def __init__(self, source: str, sql: str) -> None:
        self.places: dict[tuple, tuple[Edit, ...]] | None = None
        if f"/*({REPEATED}*/" in sql:
            self.places = {m.place: m.edits for m in mutants_of(sql) if m.place}
        self.sql = sql = unmark(sql)[0]
        self.starts: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        self._align(tokens(source), tokens(sql), by_line=True)

    def _align(self, left: list, right: list, *, by_line: bool) -> None:
        def key(part: object) -> object:
            return tuple(token.value for token in part) if by_line else part.value

        keys = [list(map(key, side)) for side in (left, right)]
        for tag, i, j, k, m in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
            if tag == "replace" and by_line:
                inner = [[*chain(*side)] for side in (left[i:j], right[k:m])]
                self._align(*inner, by_line=False)
            elif tag == "equal":
                pairs = zip(left[i:j], right[k:m], strict=True)
                for one, other in pairs:
                    for a, b in zip(one, other, strict=True) if by_line else [(one, other)]:
                        self.starts[a.start], self.ends[a.end] = b.start, b.end

    def mutated(self, mutant: Mutant, source: str) -> str | None:
        """None if what is to change is not there."""
        sql = self.sql
        if mutant.place and self.places is not None:
            for edit in reversed(self.places.get(mutant.place, ())):
                sql = sql[: edit.start] + edit.text + sql[edit.end :]
            return sql if mutant.place in self.places else None
        for edit in reversed(mutant.edits):
            text = source[edit.start : edit.end]
            start = self.starts.get(edit.end - len(text.lstrip()))
            end = self.ends.get(edit.start + len(text.rstrip()))
            if start is None or end is None or start > end:
                return None
            sql = sql[:start] + edit.text + sql[end:]
        return sql


@contextmanager
def marked_macros() -> Iterator[None]:
    """dbt marks what the macros of macros/cross_db/ render; what they call is theirs as well. So it does with what is
    rendered for every scheme, in which a rule is data."""
    from dbt.clients import jinja
    from dbt.clients.jinja import MacroGenerator

    render, call = jinja.get_rendered, MacroGenerator.call_macro
    numbers, inside = count(1), threading.local()

    def marked(self: MacroGenerator, *arguments: object, **named: object) -> object:
        if self.macro.name in MACROS_OF_ALL_SCHEMES:
            inside.schemes = True
            try:
                return f"/*({REPEATED}*/{call(self, *arguments, **named)}/*)*/"
            finally:
                inside.schemes = False
        if self.macro.name == "rule_sql" and getattr(inside, "schemes", False):
            return f"/*(0*/{call(self, *arguments, **named)}/*)*/"
        is_outer = self.macro.original_file_path.startswith("macros/cross_db/")
        is_outer = is_outer and not getattr(inside, "macro", False)
        inside.macro = is_outer or getattr(inside, "macro", False)
        try:
            text = call(self, *arguments, **named)
        finally:
            inside.macro = inside.macro and not is_outer
        # Of a mere name there is nothing to change, and the template may ask for it.
        if not is_outer or not isinstance(text, str) or not MORE_THAN_A_NAME.search(text):
            return text
        for argument in {*arguments, *named.values()}:
            if isinstance(argument, str) and MORE_THAN_A_NAME.search(argument):
                text = text.replace(argument, f"/*({next(numbers)}*/{argument}/*)*/")
        return f"/*(0*/{text}/*)*/"

    def with_marked_loops(sql: str, *arguments: object, **named: object) -> str:
        sql = LOOP_OVER_SCHEMES.sub(rf"\1/*({REPEATED}*/\2/*)*/\3", sql)
        return render(sql, *arguments, **named)

    with (
        patch.object(MacroGenerator, "call_macro", marked),
        patch.object(jinja, "get_rendered", with_marked_loops),
    ):
        yield


def run_dbt(build: Build, *command: str, variables: dict | None = None) -> None:
    if not build.dbt(*command, variables=variables):
        raise UnreadableError("\n".join([f"dbt {command[0]} failed.", *build.errors]))


def golden_build(folder: Path) -> Build:
    """The golden world with its data tests, as reviewed."""
    golden = new_build(folder)
    variables = golden_variables({"files": f"{GOLDEN}/{{table}}.csv"})
    run_dbt(golden, "build", "--exclude-resource-type", "unit_test", variables=variables)
    for mart in MARTS:
        assert_same(mart, read_table(GOLDEN / "expected" / f"{mart}.csv"), golden.table(mart))
    return golden


def new_build(folder: Path) -> Build:
    folder.mkdir(parents=True, exist_ok=True)
    build = Build(folder)
    # What is parsed may stay, but an incremental model must begin anew.
    build.database.unlink(missing_ok=True)
    return build


class World:
    """What dbt compiled, and a copy of the golden world as it was built."""

    def __init__(self, golden: Build, sample: Build, choose: Callable[[dict], list[str]]) -> None:
        self.golden = self._manifest(golden)
        self.models = choose(self.golden)
        with marked_macros():
            parents = [f"+{model}" for model in self.models]
            run_dbt(sample, "build", *WITHOUT_TESTS, "--select", *parents)
            self.sample = self._manifest(sample)
            own = [f"{model},test_type:unit" for model in self.models]
            run_dbt(sample, "test", "--select", *own)
        ran = json.loads((sample.target / "run_results.json").read_text())["results"]
        self.unit_tests = {result["unique_id"]: result["compiled_code"] for result in ran}
        # Under the name that the compiled SQL says.
        name = golden.database.stem
        self.connection = duckdb.connect()
        self.connection.execute("set threads = 1; set timezone = 'UTC'")
        self.connection.execute(
            f"attach {quoted(str(golden.database), chr(39))} as golden (read_only)"
        )
        self.connection.execute(f"attach ':memory:' as {name}; copy from database golden to {name}")
        self.connection.execute(f"detach golden; use {name}")
        # A view would follow what is changed, and so look as if it had never been otherwise.
        views = "select view_name from duckdb_views() where not internal"
        for (view,) in self.connection.execute(views).fetchall():
            self.connection.execute(f"create table {view}_rows as from {view}")
            self.connection.execute(f"drop view {view}; alter table {view}_rows rename to {view}")
        self.numbers = count()

    @staticmethod
    def _manifest(build: Build) -> dict:
        return json.loads((build.target / "manifest.json").read_text())

    def rows(self, sql: str) -> tuple[list[str], list[tuple]]:
        """The names of columns, and the rows, in no order."""
        timer = threading.Timer(TIMEOUT, self.connection.interrupt)
        timer.start()
        try:
            result = self.connection.execute(sql)
            return [name for name, *_ in result.description], result.fetchall()
        finally:
            timer.cancel()


def chosen_columns(names: Sequence[str], rows: Iterable[tuple], columns: Sequence[str]) -> Counter:
    places = [names.index(column) for column in columns]
    # A list has no hash.
    return Counter(
        tuple(str(row[p]) if isinstance(row[p], list | dict) else row[p] for p in places)
        for row in rows
    )


class Trial:
    """The tests of one model, and its mutants before them."""

    def __init__(self, world: World, model: str) -> None:
        self.world, self.model, key = world, model, PREFIX + model
        compiled = world.sample["nodes"][key]["compiled_code"]
        self.source, self.mutants = unmark(compiled)[0], mutants_of(compiled)
        self.node = world.golden["nodes"][key]
        self.target = Target(self.source, self.node["compiled_code"])
        self.unit_tests: list[tuple[str, Target, list[str], Counter]] = []
        for name, test in world.sample["unit_tests"].items():
            if test["model"] == model and name in world.unit_tests:
                sql, rows = self._with_tables(world.unit_tests[name]), test["expect"]["rows"]
                columns = [*rows[0]] if rows else world.rows(sql)[0]
                # dbt saw that these rows are as expected.
                expected = chosen_columns(*world.rows(sql), columns)
                self.unit_tests.append((test["name"], Target(self.source, sql), columns, expected))
        # A test that also reads what is made of this model would need that to be built anew.
        self.made_of_it = self._made_of_it()
        self.data_tests = {
            test["name"]: test["compiled_code"].replace(self.node["relation_name"], "mutated")
            for test in world.golden["nodes"].values()
            if test["resource_type"] == "test"
            and key in test["depends_on"]["nodes"]
            and not self.made_of_it.keys() & {*test["depends_on"]["nodes"]}
        }
        self.not_null = [
            quoted(name)
            for name, column in self.node["columns"].items()
            if any(constraint["type"] == "not_null" for constraint in column["constraints"])
        ]
        self.types = self._types(self.node["relation_name"])

    def _with_tables(self, sql: str) -> str:
        """Makes tables of a unit test's fixtures, which take longer to parse than the model to run."""
        first, *_ = chain(*tokens(self.source))
        if first.value != "with":
            return sql
        starts = Target(self.source, sql).starts
        begin = starts[min(start for start in starts if start > first.start)]
        # Without the comma, and a comment that follows it.
        comma = [token for token in chain(*tokens(sql)) if token.start < begin][-1]
        fixtures, prefix = sql[: comma.start], f"fixture_{next(self.world.numbers)}_"
        for name in re.findall(r"(__dbt__cte__\w+) as \(", fixtures):
            self.world.rows(f"create temp table {prefix}{name} as {fixtures} from {name}")
        return "with " + sql[begin:].replace("__dbt__cte__", f"{prefix}__dbt__cte__")

    def _types(self, relation: str) -> list[tuple]:
        return [row[:2] for row in self.world.rows(f"describe {relation}")[1]]

    def killer(self, mutant: Mutant, *, golden: bool = True) -> str:
        """The first that notices: a unit test, a data test, or a golden mart; else nothing."""
        for number, (name, target, columns, expected) in enumerate(self.unit_tests):
            sql = target.mutated(mutant, self.source)
            try:
                if sql and chosen_columns(*self.world.rows(sql), columns) != expected:
                    # Who killed once often kills again.
                    self.unit_tests.insert(0, self.unit_tests.pop(number))
                    return f"unit test {name}"
            except duckdb.Error as error:
                return f"error {type(error).__name__}"
        sql = self.target.mutated(mutant, self.source)
        if not sql:
            return ""
        try:
            failed = self._failed_data_test(sql)
            return failed or (self._changed_mart(sql) if golden else "")
        except duckdb.Error as error:
            return f"error {type(error).__name__}"

    def _failed_data_test(self, sql: str) -> str:
        self.world.rows(f"create or replace temp table mutated as {sql}")
        if self.node["contract"]["enforced"] and self._types("mutated") != self.types:
            return "data test contract"
        for column in self.not_null:
            if self.world.rows(f"select 1 from mutated where {column} is null limit 1")[1]:
                return f"data test not null {column}"
        for name, test in self.data_tests.items():
            if self.world.rows(test)[1]:
                return f"data test {name}"
        return ""

    def _made_of_it(self) -> dict[str, dict]:
        """The models made of this one, as far as they are SQL, each after those that it reads."""
        nodes = self.world.golden["nodes"]
        parents = {
            key: node["depends_on"]["nodes"]
            for key, node in nodes.items()
            if node["resource_type"] == "model" and node["language"] == "sql"
        }
        found: dict[str, dict] = {}
        for key in TopologicalSorter(parents).static_order():
            if (found.keys() | {self.node["unique_id"]}) & {*parents.get(key, ())}:
                found[key] = nodes[key]
        return found

    def _changed_mart(self, sql: str) -> str:
        """Builds what is made of the rows that differ, until a mart does."""
        changed: set[str] = set()
        self.world.rows("begin")
        try:
            for node in [self.node, *self.made_of_it.values()]:
                if node is not self.node and not changed & {*node["depends_on"]["nodes"]}:
                    continue
                code = sql if node is self.node else node["compiled_code"]
                self.world.rows(f"create or replace temp table fresh as {code}")
                if self._differs("fresh", node["relation_name"]):
                    if node["name"] in MARTS:
                        return f"golden {node['name']}"
                    changed.add(node["unique_id"])
                    self.world.rows(
                        f"create or replace table {node['relation_name']} as from fresh"
                    )
        finally:
            self.world.rows("rollback")
        return ""

    def _differs(self, *relations: str) -> bool:
        return any(
            self.world.rows(f"from {one} except all from {other} limit 1")[1]
            for one, other in (relations, relations[::-1])
        )


def changed_models(manifest: dict, reference: str) -> list[str]:
    """The SQL models whose file, YAML or macros differ from a commit's."""
    command = ["git", "diff", "--name-only", reference, "--", "models", "macros"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnreadableError(f"git knows no {reference!r}.\n{done.stderr.strip()}")
    files = set(done.stdout.split())
    macros = manifest["macros"]
    changed = {
        key
        for key, macro in macros.items()
        if files & {macro["original_file_path"], (macro["patch_path"] or "").split("://")[-1]}
    }
    # The rules are read by a macro that no file of theirs names.
    if any(file.startswith("models/marts/schemes/") for file in files):
        changed.add("macro.customer_segmentation.schemes")
    while (
        more := {key for key, macro in macros.items() if changed & {*macro["depends_on"]["macros"]}}
        - changed
    ):
        changed |= more
    stems = {Path(file).stem.removesuffix("_tests") for file in files if file.startswith("models/")}
    return [
        name
        for name, node in sql_models(manifest).items()
        if name in stems or changed & {*node["depends_on"]["macros"]}
    ]


def sql_models(manifest: dict) -> dict[str, dict]:
    return {
        node["name"]: node
        for key, node in sorted(manifest["nodes"].items())
        if key.startswith(PREFIX) and node["language"] == "sql"
    }


def chosen(options: argparse.Namespace, manifest: dict) -> list[str]:
    known = sql_models(manifest)
    if unknown := [model for model in options.models if model not in known]:
        raise UnreadableError(f"No SQL model is named {', '.join(unknown)}.")
    if options.changed_from:
        return changed_models(manifest, options.changed_from)
    return options.models or [*known]


def is_named(name: str, listed: str) -> bool:
    """In the list `…` stands for anything."""
    return bool(re.fullmatch(".*".join(map(re.escape, listed.split("…"))), name))


def try_all(world: World, options: argparse.Namespace, console: Console) -> list[Result]:
    entries = (
        yaml.safe_load(options.accepted.read_text()) or [] if options.accepted.exists() else []
    )
    results = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        for model in world.models:
            trial = Trial(world, model)
            strict = STRICT.search(trial.node["original_file_path"])
            result = Result(model, 100 if strict else options.at_least)
            of_model = [entry for entry in entries if is_named(model, entry["model"])]
            listed = [entry["mutant"] for entry in of_model]
            mutants = trial.mutants
            if options.sample:
                # Always the same ones, spread over the model.
                mutants = sorted(mutants, key=lambda m: md5(m.name.encode()).digest())
                mutants = sorted(mutants[: options.sample], key=lambda m: m.line)
            for mutant in progress.track(mutants, description=model):
                is_listed = any(is_named(mutant.name, text) for text in listed)
                killer = trial.killer(mutant, golden=not is_listed)
                result.killers[mutant.name], result.lines[mutant.name] = killer, mutant.line
                if is_listed and not killer:
                    result.accepted.append(mutant.name)
            if not options.sample:
                # What is said of several models need not be true of each.
                own = [entry["mutant"] for entry in of_model if entry["model"] == model]
                result.stale = [
                    text for text in own if not any(is_named(n, text) for n in result.accepted)
                ]
            results.append(result)
            console.print(f"{model}: {result.share():.1f} % of {len(mutants)}")
    return results


def report(results: Sequence[Result]) -> str:
    """In Markdown: what was killed, and who is left."""
    lines = [
        "| model | mutants | accepted | killed | with golden marts | limit |",
        "|---|---|---|---|---|---|",
    ]
    for r in results:
        lines.append(
            f"| {r.model} | {len(r.killers)} | {len(r.accepted)} | {r.share():.1f} %"
            f" | {r.share(golden=True):.1f} % | {r.limit:g} % |"
        )
    for result in results:
        left = {n: k for n, k in result.survivors().items() if n not in result.accepted}
        lines += ["", f"Survivors of {result.model}:", ""] if left else []
        lines += [
            f"- line {result.lines[name]}, {name}" + (f" ({killer} differs)" if killer else "")
            for name, killer in left.items()
        ]
        lines += [f"- accepted, but no survivor any more: {name}" for name in result.stale]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help="by default all of SQL")
    parser.add_argument("--changed-from", metavar="REF", help="the models that differ from it")
    parser.add_argument("--sample", type=int, metavar="N", help="so many mutants of each model")
    parser.add_argument("--at-least", type=float, default=95, help="percent killed of each model")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every mutant with its killer")
    parser.add_argument("--accepted", type=Path, default=ACCEPTED, help="survivors with reasons")
    parser.add_argument("--folder", type=Path, default=ROOT / "target" / "mutants")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    try:
        console.print("The golden world and the unit tests, once …")
        golden, sample = (
            golden_build(options.folder / "golden"),
            new_build(options.folder / "sample"),
        )
        world = World(golden, sample, lambda manifest: chosen(options, manifest))
        results = try_all(world, options, console)
    except UnreadableError as error:
        print(error, file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=1))
    print(report(results))
    return 0 if all(result.passes() for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
