"""The DuckDB file of one business, as a Dagster resource."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd
import pyarrow as pa

from assets.keys import Key

# Replacement scans would let a Python variable stand in for a missing table, and extensions would be
# fetched from the network: both turn an error into a surprise.
DUCKDB_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "TimeZone": "UTC",
}


class DuckDBWarehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """One writer's file: every call opens it, works in one transaction and closes it again.

    Nothing stays open between calls, because dbt runs in a process of its own and DuckDB gives a
    file to one writing process at a time.
    """

    database: str

    @property
    def path(self) -> Path:
        """Where the DuckDB file lies."""
        return Path(self.database)

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One read-write connection inside one transaction: committed on exit, rolled back on error."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(self.database, config=DUCKDB_CONFIG)
        try:
            connection.execute("begin transaction")
            yield connection
            connection.execute("commit")
        finally:
            # Closing without a commit rolls back.
            connection.close()

    def exists(self, key: Key) -> bool:
        """Whether the table or view ``key`` is there."""
        with self.connect() as connection:
            return _exists(connection, key)

    def read(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """The rows of ``sql`` with ``$name`` parameters bound."""
        with self.connect() as connection:
            return connection.execute(sql, dict(parameters or {})).df()

    def replace(self, key: Key, rows: pd.DataFrame) -> int:
        """Make ``key`` hold exactly ``rows``; returns their count."""
        with self.connect() as connection, _registered(connection, rows):
            connection.execute(f'create schema if not exists "{key.schema}"')
            connection.execute(f"create or replace table {key.sql} as from incoming")
        return len(rows)

    def replace_partition(self, key: Key, rows: pd.DataFrame, *, column: str, value: object) -> int:
        """Make the rows of ``key`` with ``column = value`` exactly ``rows``; returns their count."""
        with self.connect() as connection, _registered(connection, rows):
            if _exists(connection, key):
                connection.execute(f'delete from {key.sql} where "{column}" = $value', {"value": value})
            _insert(connection, key)
        return len(rows)

    def append(self, key: Key, rows: pd.DataFrame) -> int:
        """Add ``rows`` to ``key``, creating it when it is not there; returns their count."""
        with self.connect() as connection, _registered(connection, rows):
            _insert(connection, key)
        return len(rows)


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, rows: pd.DataFrame) -> Iterator[None]:
    connection.register("incoming", pa.Table.from_pandas(rows, preserve_index=False))
    try:
        yield
    finally:
        connection.unregister("incoming")


def _exists(connection: duckdb.DuckDBPyConnection, key: Key) -> bool:
    found = connection.execute(
        "select count(*) from information_schema.tables where table_schema = ? and table_name = ?",
        list(key),
    ).fetchone()
    return found is not None and found[0] > 0


def _insert(connection: duckdb.DuckDBPyConnection, key: Key) -> None:
    connection.execute(f'create schema if not exists "{key.schema}"')
    connection.execute(f"create table if not exists {key.sql} as from incoming limit 0")
    connection.execute(f"insert into {key.sql} by name from incoming")
