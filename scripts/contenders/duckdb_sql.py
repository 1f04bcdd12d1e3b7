"""Run a file of SQL on the raw Parquet files, into a new DuckDB file, as the profile of the project would open it."""

import argparse
import os
from pathlib import Path

import duckdb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sql", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("as_of")
    parser.add_argument("database")
    options = parser.parse_args()
    config = {
        "storage_compatibility_version": "v1.4.0",
        "memory_limit": os.environ.get("SEGMENTATION_DUCKDB_MEMORY", "80%"),
    }
    with duckdb.connect(options.database, config=config) as connection:
        for table in ("customers", "orders", "sessions"):
            file = options.folder / f"{table}.parquet"
            connection.execute(f"create temp view {table} as select * from '{file}'")
        connection.execute(f"set variable as_of = date '{options.as_of}'")
        connection.execute(options.sql.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
