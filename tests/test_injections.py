"""What stands in a var, a map, a mapping or a row is text: it is refused or kept, and never executed."""

import json
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, WITHOUT_TESTS, Build
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.contracts.graph.manifest import Manifest
from raw_tables import copy_of, run_dbt
from test_faults import files_that_tell, order, write_files

# SQL stands for a statement that leaves a file, whether or not a transaction ends well.
PAYLOADS = [
    *(f"{before}SQL{after}" for before in ("'; ", '"; ', "; ", "'); ", "1); ", "*/ ", "\\'; ", "''; ", "\n; ", "`; ")
      for after in ("", " --", "; select '", " /*")),
    '{{ run_query("SQL") }}', '{% do run_query("SQL") %}', '{% call statement("x") %}SQL{% endcall %}',
    '{% set x = run_query("SQL") %}{{ x }}', '{%- if run_query("SQL") -%}{%- endif -%}', '{# #}{{ adapter.execute("SQL") }}',
    "$$ SQL $$", "' union all select 1 from (SQL) --", "' || (SQL) || '", "x' or '1' = '1'; SQL; --", "\x00'; SQL",
    "\u2019; SQL", "\u02bc; SQL --", "%27; SQL", "&#39;; SQL", "\\x27; SQL", "{{ '{{' }} SQL {{ '}}' }}",
]  # fmt: skip
JINJA = [payload for payload in PAYLOADS if "{%" in payload or "{{" in payload]
NAMES = (
    *("business_timezone", "source_timezone", "reporting_currency", "rfm_window_days", "rfm_cutpoints"),
    *("learned_models", "prediction_days", "daily_slices", "smallest_cell", "discount_rate", "refused_share"),
)  # fmt: skip


@pytest.fixture(scope="module")
def place(make_build: Callable[..., Build]) -> Build:
    return make_build("injections")


@pytest.fixture(scope="module")
def refused(place: Build) -> Callable[[dict], list[str]]:
    """The errors of a configuration, by the macro that every build asks first; the project is read once."""
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("SEGMENTATION_DUCKDB_PATH", str(place.database))
    arguments = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles")]
    arguments += ["--target-path", str(place.target)]
    manifest: Manifest = run_dbt(["parse"], arguments).result
    question = (
        "{% if execute %}{{ tojson(customer_segmentation.configuration_errors()) }}{% endif %}"
    )

    def ask(variables: dict) -> list[str]:
        result = run_dbt(
            ["compile", "--inline", question, "--vars", yaml.safe_dump(variables)],
            arguments,
            manifest=copy_of(manifest),
        )
        DuckDBConnectionManager.close_all_connections()
        assert result.success, result.exception
        return json.loads(result.result.results[0].node.compiled_code)

    yield ask
    monkeypatch.undo()


@pytest.fixture
def armed(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Writes the statement into a payload; nothing may have come of it in the end."""
    file = tmp_path / "injected"
    yield lambda payload: payload.replace("SQL", f"copy (select 1 as x) to '{file}'")
    assert not file.exists()


def test_a_payload_that_ran_would_be_seen(
    make_build: Callable[..., Build], tmp_path: Path, armed: Callable[[str], str]
) -> None:
    """Given as Jinja, which no place of a configuration is."""
    assert make_build("control").dbt("compile", "--inline", armed(PAYLOADS[40]))
    (tmp_path / "injected").unlink()


@pytest.mark.fault(65)
@pytest.mark.parametrize("payload", [payload for payload in PAYLOADS if payload not in JINJA])
def test_a_configuration_of_sql_is_refused_and_never_run(
    refused: Callable[[dict], list[str]], armed: Callable[[str], str], payload: str
) -> None:
    """Seventeen places at a time: eleven vars, three of a map, three of a mapping."""
    payload = armed(payload)
    scores = {"r_score": payload, payload: ">= 1"}
    segments = [{"name": payload, "when": {"r_score": ">= 1"}}, {"name": "rest", "when": scores}]
    errors = refused({
        **dict.fromkeys(NAMES, payload),
        "rfm_map": {"score_count": 5, "segments": segments},
        "raw": {
            payload: "x",
            "tables": {
                "customers": {},
                "orders": {"columns": {payload: "x"}},
                payload: {"file": "x"},
            },
        },
    })  # fmt: skip
    for name in NAMES:
        assert any(error.startswith(f"SEG-VAR: The var {name} is") for error in errors), name
    said = "\n".join(errors)
    assert "SEG-RAW: The var raw has an unknown key" in said
    assert "SEG-RAW: raw.tables: unknown table" in said
    assert "SEG-RAW: raw.tables.orders.columns: unknown column" in said
    assert "a name has letters, digits and underscores" in said
    assert "SEG-RULE: " in said


@pytest.mark.fault(65)
def test_jinja_on_the_command_line_is_refused_before_dbt_runs_it(
    make_build: Callable[..., Build], armed: Callable[[str], str]
) -> None:
    """dbt itself runs what a var of the command line holds, whenever it is asked for."""
    build = make_build("jinja")
    run = ("run", "--select", "+int_as_of_date")
    variables = dict(zip((*NAMES, "rfm_map"), map(armed, cycle(JINJA)), strict=False))
    assert not build.dbt(*run, variables=variables)
    assert "SEG-VAR: a var of the command line holds Jinja" in str(build.errors)
    # These are looked at while dbt reads the project, when nothing can be run yet.
    for name in ("as_of_date", "raw", "cluster_centroids", "purchase_model"):
        assert not build.dbt(*run, variables={name: armed(JINJA[0])}), name


@pytest.mark.parametrize("payload", PAYLOADS[:40:8])
def test_an_as_of_date_of_sql_is_refused(
    make_build: Callable[..., Build], armed: Callable[[str], str], payload: str
) -> None:
    build = make_build("as_of")
    variables = {"as_of_date": armed(payload)}
    assert not build.dbt("compile", "--select", "int_as_of_date", variables=variables)
    assert "SEG-VAR: as_of_date is" in str(build.errors)


def test_rows_of_sql_and_jinja_are_only_text(
    make_build: Callable[..., Build], tmp_path: Path, armed: Callable[[str], str]
) -> None:
    """In keys and in attributes: of each payload a customer, who ordered and whose every attribute it is."""
    customers, orders, expected = [], [], set()
    for number, payload in enumerate(PAYLOADS):
        text = armed(payload).replace("\x00", "")
        key = f"{text} {number}"
        expected.add(key.strip())
        attributes = dict.fromkeys(
            ("gender", "country_code", "region", "city", "job_title", "company_id"), text
        )
        customers.append({"customer_id": key, **attributes})
        attributes = dict.fromkeys(
            ("category", "sales_channel", "payment_method", "coupon_code"), text
        )
        orders.append(order(f"order {key}", key, **attributes))
    build = make_build("rows_of_sql")
    variables = write_files(tmp_path / "raw", {"customers": customers, "orders": orders})
    assert build.dbt("build", *WITHOUT_TESTS, variables=variables), build.errors
    found = {row[0] for row in build.rows("select customer_id from customer_segments")}
    assert found == expected
    assert build.value("select count(*) from customer_features where order_count = 1") == len(
        PAYLOADS
    )
    # Nor is a value of a row in any SQL.
    assert files_that_tell(build.target, "copy (select 1") == []
