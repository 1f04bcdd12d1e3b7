"""What BI tools see: names, types and comments by reflection, and the metrics of the semantic layer."""

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import duckdb
import pytest
import run
import yaml
from conftest import FROZEN, ROOT, Build, copy_of_project
from contract import read_contract
from engines import Postgres, plain_type
from rules import read_meta

sqlalchemy = pytest.importorskip("sqlalchemy", reason="BI needs uv run --group bi pytest")
pytest.importorskip("dbt_metricflow", reason="BI needs uv run --group bi pytest")
DASHBOARD = ROOT / "docs" / "superset"
IDENTIFIERS = {c.name for table in read_contract().values() for c in table.columns if c.is_pii}


def publish(folder: Path, *arguments: str) -> None:
    options = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_TARGET_PATH", str(folder / "target"))
        patch.setenv("SEGMENTATION_DUCKDB_PATH", str(folder / "never_written.duckdb"))
        assert run.main([*options, "--published", str(folder), *arguments]) == 0


@pytest.fixture(scope="module")
def published_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The sample, as scripts/run.py publishes it; a URL of SQLAlchemy."""
    folder = tmp_path_factory.mktemp("published")
    publish(folder)
    return f"duckdb:///{folder}/customer_segmentation.duckdb"


@pytest.fixture(scope="module")
def published_schema(postgres_engine: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same on PostgreSQL, in the schema `bi`."""
    host = postgres_engine.connection.info.host
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGMENTATION_POSTGRES_HOST", host)
        patch.setenv("SEGMENTATION_POSTGRES_DATABASE", "segmentation")
        patch.setenv("SEGMENTATION_POSTGRES_SCHEMA", "bi")
        variables = ("--vars", json.dumps(FROZEN))
        publish(tmp_path_factory.mktemp("schema"), "--target", "postgres", *variables)
    return f"postgresql+psycopg2://postgres@/segmentation?host={host}&options=-csearch_path=bi"


@pytest.fixture(params=["file", "schema"])
def connection(request: pytest.FixtureRequest) -> Iterator["sqlalchemy.Connection"]:
    """To what was published, as a BI tool connects."""
    url = request.getfixturevalue(f"published_{request.param}")
    arguments = {"read_only": True} if request.param == "file" else {}
    with sqlalchemy.create_engine(url, connect_args=arguments).connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def marts(sample: Build) -> list[dict]:
    manifest = json.loads((sample.target / "manifest.json").read_text())
    marts = [node for node in manifest["nodes"].values() if node.get("access") == "public"]
    assert len(marts) > 20
    return marts


def differences(connection: "sqlalchemy.Connection", marts: list[dict]) -> list[str]:
    """Where what is there is not what the manifest promises."""
    found = sqlalchemy.inspect(connection)
    schema = "main" if connection.dialect.name == "duckdb" else "bi"
    there = {*found.get_table_names(schema), *found.get_view_names(schema)}
    lines = []
    for mart in marts:
        name = mart["name"]
        if name not in there:
            lines.append(f"{name} is missing")
            continue
        if found.get_table_comment(name, schema)["text"] != mart["description"]:
            lines.append(f"{name} is not described")
        columns = {column["name"]: column for column in found.get_columns(name, schema)}
        if personal := IDENTIFIERS.intersection(columns):
            lines.append(f"{name} holds {personal}")
        types = {
            column: plain_type(described["type"].compile(connection.dialect))
            for column, described in columns.items()
        }
        types = {c: "double" if t in ("float", "double precision") else t for c, t in types.items()}
        promised = {
            c["name"]: plain_type(c["data_type"])
            for c in mart["columns"].values()
            if c["data_type"]  # Columns of schemes have none, since they are as many as rules say.
        }
        grain = {"customer_segments": "customer", "company_segments": "company"}.get(name)
        schemes = {
            scheme: "text"
            for scheme, rules in read_meta().items()
            if grain and rules.get("grain", "customer") in (grain, "both")
        }
        if types != promised | schemes:
            lines.append(f"{name}: {types.items() ^ (promised | schemes).items()}")
        comments = {c["name"]: c["description"] for c in mart["columns"].values()}
        lines += [
            f"{name}.{column} is not described"
            for column, described in columns.items()
            if not described["comment"]
            or described["comment"] != comments.get(column, described["comment"])
        ]
    return lines


def test_bi_sees_every_mart_with_its_names_types_and_descriptions(
    connection: "sqlalchemy.Connection", marts: list[dict]
) -> None:
    assert differences(connection, marts) == []
    # It would notice.
    first = next(iter(marts[0]["columns"].values()))
    changed = {"description": "Something else.", "data_type": "boolean"}
    other = marts[0] | {"columns": marts[0]["columns"] | {first["name"]: first | changed}}
    assert len(differences(connection, [other, {"name": "nothing"}])) == 3


# Days of which the last of a month counts, on which fewer customers were known.
EARLIER = """
    insert into {table} select * replace (cast(as_of_date - interval '{days} days' as date) as as_of_date)
    from {table} where as_of_date = '2025-12-30' and hash(customer_id) % {days} < 20
"""
OF_SLICES = {
    "customers": "count(*)",
    "retention": """
        count(*) filter (days_since_first_order >= 365 and order_count_365d > 0)
        / nullif(count(*) filter (days_since_first_order >= 365), 0)
    """,
    "churn_risk": "avg(churn_probability)",
}
SLICES = """
    customer_scores inner join customer_segments using (as_of_date, customer_id)
    where as_of_date in (select max(as_of_date) from customer_scores group by {})
"""
OF_ORDERS = {
    "revenue": "sum(order_amount - refunded_amount)",
    "orders": "count(*) filter (is_order)",
    "average_order": "sum(order_amount - refunded_amount) / nullif(count(*) filter (is_order), 0)",
}
ORDERS = "int_known_orders inner join customers using (customer_id)"
MONTH = "date_trunc('month', {})"
MONTH_OF_SLICE, MONTH_OF_ORDER = MONTH.format("as_of_date"), MONTH.format("business_date")
# Metrics by groups, in SQL.
ASKED = [
    (
        OF_SLICES,
        {"metric_time__month": MONTH_OF_SLICE, "customer_slice__value_tier": "value_tier"},
        SLICES.format(MONTH_OF_SLICE),
    ),
    (OF_SLICES, {"customer_slice__rfm": "rfm"}, SLICES.format("()")),
    (
        OF_ORDERS,
        {"metric_time__month": MONTH_OF_ORDER, "customer__churn_risk": "churn_risk"},
        ORDERS,
    ),
    (
        {"segment_share": "sum(customer_share)"},
        {"segment__scheme": "scheme", "segment__name": "segment"},
        "segment_kpis",
    ),
]


@pytest.fixture(scope="module")
def project_with_slices(sample: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, of which dbt has built the sample with slices of November."""
    folder = tmp_path_factory.mktemp("semantics")
    database = shutil.copyfile(sample.database, folder / "build.duckdb")
    with duckdb.connect(str(database)) as connection:
        for table in ("customer_scores", "customer_segments"):
            for days in (30, 40):
                connection.execute(EARLIER.format(table=table, days=days))
    project = copy_of_project(folder)
    # Where it looks for what dbt has read.
    shutil.copytree(sample.target, project / "target")
    return project


@pytest.mark.parametrize(
    ("metrics", "groups", "relation"), ASKED, ids=["slices", "now", "orders", "share"]
)
def test_the_semantic_layer_answers_as_sql_does(
    project_with_slices: Path, metrics: dict[str, str], groups: dict[str, str], relation: str
) -> None:
    names = [*groups, *metrics]
    database, answer = project_with_slices.parent / "build.duckdb", project_with_slices / "a.csv"
    command = ["mf", "query", "--metrics", ",".join(metrics), "--group-by", ",".join(groups)]
    done = subprocess.run(
        [*command, "--csv", str(answer)],
        cwd=project_with_slices,
        env=os.environ
        | {
            "SEGMENTATION_DUCKDB_PATH": str(database),
            "DBT_PROFILES_DIR": str(project_with_slices / "profiles"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    with answer.open(encoding="utf-8", newline="") as file:
        found = [[row[name] for name in names] for row in csv.DictReader(file)]
    by = ", ".join(groups.values())
    query = f"select {by}, {', '.join(metrics.values())} from {relation} group by {by}"
    with duckdb.connect(str(database), read_only=True) as connection:
        expected = connection.execute(query).fetchall()

    def comparable(rows: Iterable[Sequence]) -> dict[tuple[str, ...], list[float | None]]:
        count = len(groups)
        return {
            tuple(map(str, row[:count])): [
                None if value in (None, "") else round(float(value), 9) for value in row[count:]
            ]
            for row in rows
        }

    assert len(comparable(expected)) > 3
    assert comparable(found) == comparable(expected)


def test_every_metric_is_asked_for(sample: Build) -> None:
    manifest = json.loads((sample.target / "manifest.json").read_text())
    named = {name.rsplit(".", 1)[1] for name in manifest["metrics"]}
    parts = {"earlier_buyers", "retained_buyers"}
    assert named == {metric for metrics, *_ in ASKED for metric in metrics} | parts


def test_who_reads_the_marts_is_listed_and_reads_nothing_else(
    sample: Build, marts: list[dict]
) -> None:
    manifest = json.loads((sample.target / "manifest.json").read_text())
    public = {mart["unique_id"]: mart["name"] for mart in marts}
    read = {
        exposure["name"]: {public.get(node) for node in exposure["depends_on"]["nodes"]}
        for exposure in manifest["exposures"].values()
    }
    assert {"report", "customers_export", "segment_kpis_export"} < set(read)
    assert None not in set().union(*read.values())
    datasets = {
        path.stem: yaml.safe_load(path.read_text()) for path in DASHBOARD.glob("datasets/*/*.yaml")
    }
    assert read["customer_segments_dashboard"] == set(datasets)
    for mart in marts:
        if mart["name"] in datasets:
            columns = [column["column_name"] for column in datasets[mart["name"]]["columns"]]
            assert sorted(columns) == sorted(mart["columns"]), mart["name"]


def test_every_model_has_an_owner_and_the_marts_alone_are_public(sample: Build) -> None:
    manifest = json.loads((sample.target / "manifest.json").read_text())
    assert {group["name"] for group in manifest["groups"].values()} == {"inputs", "segments"}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            is_mart = node["path"].startswith("marts/")
            assert node["group"] == ("segments" if is_mart else "inputs"), node["name"]
            is_public = is_mart or node["name"] == "quarantined_rows"
            assert node["access"] == ("public" if is_public else "protected"), node["name"]
