"""The real Apache Superset on what is published: its own environment, its own database, its API.

    uv run --group bi pytest -m superset

Installs Superset with its 160 packages into `.superset/` first, so that it runs only when it is asked for.
"""

import io
import json
import os
import re
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from conftest import ROOT
from test_bi import DASHBOARD, published_file, published_schema, sqlalchemy  # noqa: F401  (fixtures)

pytestmark = pytest.mark.superset
ENVIRONMENT = ROOT / ".superset"
REQUIREMENTS = ROOT / "tests" / "superset" / "requirements.txt"
UUID = r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
CONFIGURATION = """
SECRET_KEY = "{key}"
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
# A client with a token is no form in a browser; a database in a file is what this is about.
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
PREVENT_UNSAFE_DB_CONNECTIONS = False
"""


class Superset:
    """Its REST API."""

    def __init__(self, url: str) -> None:
        self.url, self.headers = url, {}

    def call(self, path: str, body: dict | None = None) -> dict:
        if body is None:
            return json.loads(self.send(path, None, {}))
        return json.loads(
            self.send(path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        )

    def send(
        self, path: str, data: bytes | None, headers: dict[str, str], method: str | None = None
    ) -> bytes:
        request = urllib.request.Request(
            self.url + path, data, headers | self.headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()[:2000]}") from error

    def clear(self) -> None:
        """A metadata database in SQLite knows a table's name once, whatever the database."""
        for kind in ("dashboard", "chart", "dataset", "database"):
            for found in self.call(f"/api/v1/{kind}/?q=(page_size:100)")["result"]:
                self.send(f"/api/v1/{kind}/{found['id']}", None, {}, "DELETE")

    def log_in(self, name: str, password: str) -> None:
        body = {"username": name, "password": password, "provider": "db", "refresh": False}
        token = self.call("/api/v1/security/login", body)["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def upload(self, path: str, name: str, content: bytes, **fields: str) -> dict:
        edge = secrets.token_hex(16)
        parts = [f'name="{key}"\r\n\r\n{value}'.encode() for key, value in fields.items()]
        parts.append(f'name="{name}"; filename="{name}.zip"\r\n\r\n'.encode() + content)
        head = f"--{edge}\r\nContent-Disposition: form-data; ".encode()
        body = b"".join(head + part + b"\r\n" for part in parts) + f"--{edge}--\r\n".encode()
        return json.loads(
            self.send(path, body, {"Content-Type": f"multipart/form-data; boundary={edge}"})
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    folder = tmp_path_factory.mktemp("superset")
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run(["uv", "venv", "--python", "3.11", ENVIRONMENT], check=True)
    install = ["uv", "pip", "install", "--quiet", "--require-hashes", "--python", python]
    subprocess.run([*install, "--requirement", REQUIREMENTS], check=True)
    password = secrets.token_hex(21)
    configuration = folder / "superset_config.py"
    configuration.write_text(CONFIGURATION.format(key=password, folder=folder))
    environment = {
        **os.environ,
        "FLASK_APP": "superset.app:create_app()",
        "SUPERSET_CONFIG_PATH": str(configuration),
        "SUPERSET_HOME": str(folder),
    }
    command = ENVIRONMENT / "bin" / "superset"
    admin = ["--username", "admin", "--firstname", "A", "--lastname", "B", "--email", "a@b.example"]
    log = folder / "log"
    with log.open("w") as file:
        for arguments in (
            ["db", "upgrade"],
            ["fab", "create-admin", *admin, "--password", password],
            ["init"],
        ):
            done = subprocess.run(
                [command, *arguments], env=environment, stdout=file, stderr=file, check=False
            )
            assert done.returncode == 0, log.read_text()[-2000:]
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        process = subprocess.Popen(
            [command, "run", "--port", str(port)], env=environment, stdout=file, stderr=file
        )
    try:
        for _ in range(240):
            with socket.socket() as answer:
                if answer.connect_ex(("localhost", port)) == 0:
                    break
            assert process.poll() is None, log.read_text()[-2000:]
            time.sleep(0.5)
        superset = Superset(f"http://localhost:{port}")
        superset.log_in("admin", password)
        yield superset
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture
def superset(server: Superset) -> Iterator[Superset]:
    yield server
    server.clear()


class Published(NamedTuple):
    """What BI connects to."""

    name: str
    url: str
    schema: str
    arguments: dict


@pytest.fixture(params=["file", "schema"])
def published(request: pytest.FixtureRequest) -> Published:
    url = request.getfixturevalue(f"published_{request.param}")
    if request.param == "file":
        return Published("DuckDB", url, "main", {"read_only": True})
    return Published("PostgreSQL", url, "bi", {})


def rows(published: Published, query: str) -> list[tuple]:
    engine = sqlalchemy.create_engine(published.url, connect_args=published.arguments)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sqlalchemy.text(query))]


def test_superset_charts_what_is_published(superset: Superset, published: Published) -> None:
    extra = {"engine_params": {"connect_args": published.arguments}}
    body = {"database_name": published.name, "sqlalchemy_uri": published.url}
    database = superset.call("/api/v1/database/", body | {"extra": json.dumps(extra)})["id"]
    datasets = {}
    for table in ("segment_kpis", "customers", "segment_memberships"):
        body = {"database": database, "schema": published.schema, "table_name": table}
        datasets[table] = superset.call("/api/v1/dataset/", body)["id"]
    # It shows what a column means.
    columns = superset.call(f"/api/v1/dataset/{datasets['customers']}")["result"]["columns"]
    assert len(columns) > 70
    assert [column["column_name"] for column in columns if not column["description"]] == []
    asked = {
        "columns": ["segment"],
        "metrics": [
            {
                "expressionType": "SIMPLE",
                "column": {"column_name": "net_amount_365d"},
                "aggregate": "SUM",
                "label": "revenue",
            }
        ],
        "filters": [{"col": "scheme", "op": "==", "val": "rfm"}],
        "row_limit": 100,
    }
    source = {"id": datasets["segment_kpis"], "type": "table"}
    context = {"datasource": source, "queries": [asked], "form_data": {"viz_type": "table"}}
    chart = superset.call(
        "/api/v1/chart/",
        {
            "slice_name": f"Revenue by segment on {published.name}",
            "viz_type": "table",
            "datasource_id": source["id"],
            "datasource_type": "table",
            "params": json.dumps({"viz_type": "table", "datasource": f"{source['id']}__table"}),
            "query_context": json.dumps(context | {"result_format": "json", "result_type": "full"}),
        },
    )["id"]
    (answer,) = superset.call(f"/api/v1/chart/{chart}/data/")["result"]
    query = "select segment, sum(net_amount_365d) from segment_kpis where scheme = 'rfm' group by 1"
    assert len(answer["data"]) > 5
    assert {row["segment"]: round(row["revenue"] or 0, 2) for row in answer["data"]} == {
        segment: float(amount or 0) for segment, amount in rows(published, query)
    }


def test_the_dashboard_imports_and_its_charts_show_what_is_published(
    superset: Superset, published: Published
) -> None:
    def elsewhere(text: str) -> str:
        """The same for another database, as somebody edits it before the import; names are unique in Superset."""
        text = re.sub(r"sqlalchemy_uri: .*", f"sqlalchemy_uri: {published.url}", text)
        text = text.replace("schema: main", f"schema: {published.schema}")
        text = text.replace("slug: ", f"slug: {published.schema}-")
        text = re.sub("database_name: .*", f"database_name: the dashboard's {published.name}", text)
        if published.name == "PostgreSQL":
            text = text.replace("read_only: true", "connect_timeout: 60")
        return re.sub(
            UUID, lambda found: str(uuid.uuid5(uuid.UUID(found[0]), published.name)), text
        )

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in DASHBOARD.rglob("*.yaml"):
            name = f"dashboard/{path.relative_to(DASHBOARD)}"
            archive.writestr(name, elsewhere(path.read_text()))
    path = "/api/v1/dashboard/import/"
    superset.upload(path, "formData", content.getvalue(), overwrite="true")
    charts = superset.call(f"/api/v1/dashboard/{published.schema}-customer-segments/charts")
    shown = {}
    for chart in charts["result"]:
        (answer,) = superset.call(f"/api/v1/chart/{chart['id']}/data/")["result"]
        assert answer["error"] is None, chart["slice_name"]
        shown[chart["slice_name"]] = [tuple(row.values()) for row in answer["data"]]
    assert len(shown) == len(list(DASHBOARD.glob("charts/*"))) == 7
    lifecycle = "from segment_kpis where scheme = 'lifecycle'"
    expected = {
        "Customers": "select count(*) from customers",
        "Revenue of a year": "select sum(net_amount_365d) from customers",
        "Customers by RFM segment": "select rfm, count(*) from customers group by 1",
        "Revenue by RFM segment": "select rfm, sum(net_amount_365d) from customers group by 1",
        "Lifecycle over time": f"select segment, customer_count {lifecycle}",
        "Lifecycle: size, worth, retention and churn risk": f"""
            select segment, customer_count, customer_share, net_amount_365d,
            average_order_amount_365d, retention_365d, churn_probability {lifecycle}
        """,
        "Checks of the data": "select status, count(*) from pipeline_health group by 1",
    }

    def comparable(rows: list[tuple]) -> list[tuple]:
        return sorted(
            tuple(v if isinstance(v, str) else v and round(float(v), 6) for v in row)
            for row in rows
        )

    for name, query in expected.items():
        found = shown[name]
        # Its day as a moment.
        found = [row[1:] for row in found] if "Lifecycle" in name else found
        assert comparable(found) == comparable(rows(published, query)), name
