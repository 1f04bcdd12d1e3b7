"""What a pull request would move: from each kind of change a comment from which a reviewer decides rightly."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import compare_builds
import duckdb
import pytest
from compare_builds import renamed
from conftest import ROOT, WITHOUT_TESTS, Build, copy_of_project
from engines import Postgres

Compare = Callable[..., tuple[int, str, str]]


@pytest.fixture
def compare(sample: Build, sample_in_profile: None, capfd: pytest.CaptureFixture) -> Compare:
    """Exit code, comment and complaint: of the sample and what somebody has changed in a copy of it."""

    def run(head: Path | str, *arguments: str, base: Path | str = sample.database) -> tuple:
        place = ("--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles"))
        code = compare_builds.main([str(base), str(head), *arguments, *place])
        return code, *capfd.readouterr()

    return run


@pytest.fixture
def change(sample: Build, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the built sample, and SQL on it."""

    def changed(*statements: str) -> Path:
        copy = shutil.copyfile(sample.database, tmp_path / "head.duckdb")
        with duckdb.connect(str(copy)) as connection:
            for statement in statements:
                connection.execute(statement)
        return copy

    return changed


def table(comment: str, heading: str) -> list[list[str]]:
    """The cells below a heading."""
    section = comment.split(heading, 1)[1].split("\n### ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[1:]]


def test_the_same_tables_move_nobody(compare: Compare, change: Callable) -> None:
    """Rows in another order, as of a refactoring."""
    head = change(
        "create table again as from customer_segments order by customer_id desc",
        "drop table customer_segments",
        "alter table again rename to customer_segments",
    )
    code, comment, _ = compare(head, "--max-moved", "0%")
    assert code == 0
    assert "**Nobody moves** in any scheme." in comment
    assert "No row of any table differs." in comment
    assert "###" not in comment


def test_a_changed_threshold_moves_who_lies_between(
    sample: Build, make_build: Callable, compare: Compare, tmp_path: Path
) -> None:
    project = copy_of_project(tmp_path)
    thresholds = project / "models" / "marts" / "schemes" / "thresholds.yml"
    text, count = re.subn(r"(loyal_order_count:) 5\b", r"\1 4", thresholds.read_text())
    assert count == 1
    thresholds.write_text(text)
    head = make_build("threshold", project=project)
    shutil.copyfile(sample.database, head.database)
    marts = ("--select", "int_customer_segments+", "segment_definitions+")
    assert head.dbt("build", *WITHOUT_TESTS, *marts), head.errors
    before = dict(sample.rows("select customer_id, loyalty from customers"))
    after = dict(head.rows("select customer_id, loyalty from customers"))
    moved = sum(before[customer] != after[customer] for customer in before)
    assert moved > 20

    report = tmp_path / "report.json"
    code, comment, _ = compare(head.database, "--max-moved", "2%", "--json", str(report))
    assert code == 1
    share = f"{100 * moved / len(before):.1f} %"
    assert f"### `loyalty`: {share} of {len(before)} customers move" in comment
    assert f"- `loyalty` moves {share} of its customers, more than 2.0 %" in comment
    for cells in table(comment, "### `loyalty`"):
        assert cells[2].isdigit()
        assert int(cells[2]) >= 5
    rules = table(comment, "### Rules and words")
    assert any("order_count_365d" in cells[3] and cells[3] != cells[4] for cells in rules)
    assert json.loads(report.read_text())["schemes"]["loyalty"]["moved"] == moved

    assert compare(head.database, "--max-moved", "50%")[0] == 0
    assert compare(head.database, "--max-moved", "2%", "--max-moved", "loyalty=50%")[0] == 1
    code, comment, _ = compare(head.database, "--max-moved", "2%", "--reason", "fewer are enough")
    assert code == 0
    assert "**Wanted, since: fewer are enough**" in comment


def test_two_labels_that_are_swapped_are_told_as_such(compare: Compare, change: Callable) -> None:
    head = change(
        "update customer_segments set rfm = case rfm when 'loyal' then 'hibernating'"
        " when 'hibernating' then 'loyal' else rfm end"
    )
    code, comment, _ = compare(head, "--max-moved", "rfm=1%")
    assert code == 1
    told = {(cells[0], cells[1]) for cells in table(comment, "### `rfm`")}
    assert told == {("loyal", "hibernating"), ("hibernating", "loyal")}
    assert "All of hibernating are now loyal, and nobody else is" in comment
    assert "All of loyal are now hibernating, and nobody else is" in comment


def test_a_column_that_is_dropped_or_retyped_is_breaking(
    compare: Compare, change: Callable
) -> None:
    head = change(
        "alter table customers drop column nps_score",
        "alter table customers alter order_count type integer",
        "alter table customers add column mood varchar",
        "drop table erasures",
    )
    code, comment, _ = compare(head)
    assert code == 1
    assert "- `customers.nps_score` is gone" in comment
    assert "- `customers.order_count` was bigint and is integer" in comment
    assert "- the table `erasures` is gone" in comment
    assert "mood` is gone" not in comment
    assert "+ mood" in comment


def test_a_segment_without_customers_is_told(compare: Compare, change: Callable) -> None:
    head = change("update customer_segments set rfm = 'loyal' where rfm = 'champions'")
    code, comment, _ = compare(head)
    assert code == 1
    assert "- `rfm`: champions has no customers any more" in comment
    assert table(comment, "### `rfm`")[0][:2] == ["champions", "loyal"]


def test_a_test_that_is_deleted_is_told(sample: Build, compare: Compare, tmp_path: Path) -> None:
    manifest = json.loads((sample.target / "manifest.json").read_text())
    base, head = tmp_path / "base.json", tmp_path / "head.json"
    base.write_text(json.dumps(manifest))
    gone = min(manifest["unit_tests"])
    del manifest["unit_tests"][gone]
    head.write_text(json.dumps(manifest))
    code, comment, _ = compare(sample.database, "--manifests", str(base), str(head))
    assert code == 1
    assert f"- the test `{gone.split('.', 2)[2]}` is gone" in comment
    assert compare(sample.database, "--manifests", str(head), str(base))[0] == 0
    # Without the other manifest nothing is compared, and that is no success.
    code, _, said = compare(sample.database, "--manifests", str(tmp_path / "no.json"), str(head))
    assert code == 2
    assert "no.json is no manifest of dbt" in said


def test_few_who_move_are_not_told_and_rows_are_counted(
    sample: Build, compare: Compare, change: Callable
) -> None:
    customers = (
        "(select customer_id from customer_segments where rfm = 'loyal' order by all limit 3)"
    )
    head = change(
        f"update customer_segments set rfm = 'champions' where customer_id in {customers}",
        "delete from customer_clusters where customer_id in (select min(customer_id) from customer_clusters)",
        "insert into cluster_profiles select * replace (99 as cluster) from cluster_profiles limit 1",
        "update prediction_evaluation set metric_value = metric_value + 1 where decile is null",
    )
    _, comment, _ = compare(head)
    moved = [cells for cells in table(comment, "### `rfm`") if cells[:2] == ["loyal", "champions"]]
    assert [cells[2:] for cells in moved] == [["not told"] * 3]
    rows = {cells[0]: cells[2:6] for cells in table(comment, "### Tables")}
    assert rows["`customer_segments`"] == ["0", "0", "3", "rfm (3)"]
    assert rows["`customer_clusters`"][:3] == ["0", "1", "0"]
    assert rows["`cluster_profiles`"][:3] == ["1", "0", "0"]
    count = sample.value("select count(*) from prediction_evaluation where decile is null")
    assert rows["`prediction_evaluation`"] == ["0", "0", f"{count:,}", f"metric_value ({count:,})"]


def test_a_name_is_new_only_if_nobody_else_has_it() -> None:
    def rows(*pairs: str) -> list[dict]:
        return [{"from_segment": pair[0], "to_segment": pair[1]} for pair in pairs]

    assert renamed(rows("aa", "bx")) == {"b": "x"}
    assert renamed(rows("ab", "ba")) == {"a": "b", "b": "a"}
    assert renamed(rows("aa", "ba")) == {}
    assert renamed(rows("ax", "ay")) == {}
    assert renamed(rows("ax", "bx")) == {}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere.duckdb"], "nowhere.duckdb is no file"),
        (["empty.duckdb"], "has no tables. Has `dbt build` run?"),
    ],
)
def test_what_cannot_be_compared_is_no_success(
    compare: Compare,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    duckdb.connect("empty.duckdb").close()
    code, comment, said = compare(*arguments)
    assert (code, comment) == (2, "")
    assert complaint in said


def test_schemas_of_postgres_are_compared_as_files_are(
    sample: Build,
    compare: Compare,
    change: Callable,
    postgres_engine: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same tables with the same change give the same comment."""
    head = change(
        "update customer_segments set rfm = 'loyal' where rfm = 'champions'",
        "alter table customers drop column nps_score",
    )
    cursor = postgres_engine.connection.cursor()
    for schema, database in (("compare_base", sample.database), ("compare_head", head)):
        copy_to_postgres(cursor, schema, database)
    for name, value in postgres_engine.environment("compare_head").items():
        monkeypatch.setenv(name, value)
    expected = compare(head)
    code, comment, said = compare("compare_head", "--target", "postgres", base="compare_base")
    assert code == 1, said
    assert comment == expected[1]


TYPES = {"VARCHAR": "text", "DOUBLE": "double precision"}


def copy_to_postgres(cursor: object, schema: str, database: Path) -> None:
    """The marts; a view shows a table of what it showed."""
    cursor.execute(f"create schema {schema}")
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute(
            "select table_name, table_type from information_schema.tables"
            " where not regexp_matches(table_name, '^(stg|int|sample)_')"
        ).fetchall()
        for name, kind in tables:
            described = connection.execute(f"describe {name}").fetchall()
            columns = ", ".join(f'"{c}" {TYPES.get(t, t)}' for c, t, *_ in described)
            place = f"{schema}.{'int_' if kind == 'VIEW' else ''}{name}"
            cursor.execute(f"create table {place} ({columns})")
            path = database.with_name(f"{name}.csv")
            connection.execute(f"copy (from {name}) to '{path}' (format csv, header false)")
            with path.open(encoding="utf-8") as file:
                cursor.copy_expert(f"copy {place} from stdin csv", file)
            path.unlink()
            if kind == "VIEW":
                cursor.execute(f"create view {schema}.{name} as select * from {place}")
