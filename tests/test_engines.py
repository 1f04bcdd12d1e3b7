"""The same rows on every engine: no tolerance for ids, scores, segments, counts, dates and decimals."""

import pytest
from conftest import GOLDEN, Build, golden_variables
from engines import Duckdb, Postgres, Spark
from marts import MARTS, Table, canonical, differences, read_table

OTHERS = ("postgres", "spark")
# The unit tests would take Spark longer than all else, and are those of PostgreSQL.
WITHOUT = {"postgres": (), "spark": ("--exclude-resource-type", "unit_test")}
Engine = Duckdb | Postgres | Spark


@pytest.fixture(scope="module", params=OTHERS)
def engine(request: pytest.FixtureRequest) -> Engine:
    """PostgreSQL and Spark; DuckDB is what they are compared with."""
    return request.getfixturevalue(f"{request.param}_engine")


def mart(engine: Engine, schema: str, name: str) -> Table:
    return canonical(*engine.query(schema, f"select * from {name}"))


@pytest.fixture(scope="module")
def golden_elsewhere(engine: Engine) -> Engine:
    """The golden world on another engine, with every data test."""
    place = engine.load(
        "golden", {name: GOLDEN / f"{name}.csv" for name in ("customers", "orders", "sessions")}
    )
    engine.dbt("golden", "build", *WITHOUT[engine.name], variables=golden_variables(place))
    return engine


@pytest.mark.parametrize("name", MARTS)
def test_every_engine_gives_every_cell_of_the_golden_world(
    golden_elsewhere: Engine, golden: Build, duckdb_engine: Duckdb, name: str
) -> None:
    found = mart(golden_elsewhere, "golden", name)
    assert differences(name, read_table(GOLDEN / "expected" / f"{name}.csv"), found) == ""
    duckdb_engine.builds["golden"] = golden
    assert golden_elsewhere.types("golden", name) == duckdb_engine.types("golden", name)
