"""The DuckDB file of one business, as a Dagster resource."""

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Self, TypeVar

import dagster as dg
import duckdb
import pandas as pd
import pyarrow as pa

from assets.keys import Key
from orchestration import policies
from orchestration.resources.locks import (
    ResourceLocked,
    hold_liveness_lock,
    prune,
    retry_while_locked,
    run_lock,
)

# DuckDB has one error for every fault of a file; these words set a lock apart, and name its holder.
LOCKED = re.compile(r'Could not set lock on file "(.+?)"(?:.*?lock is held in (.+? \(PID \d+\)))?', re.DOTALL)

Done = TypeVar("Done")

# Replacement scans would let a Python variable stand in for a missing table, and extensions would be
# fetched from the network: both turn an error into a surprise.
DUCKDB_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "TimeZone": "UTC",
}


class DuckDBWarehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """One writer's file: every call opens it, unless it is kept open, and works in one transaction.

    Nothing stays open between steps, because dbt opens it for itself and DuckDB gives a file to one
    writing process at a time. A run holds the business's turn from its first step to its
    last; whatever else opens the file (a person, dbt, a sensor) is waited for.
    """

    database: str
    patience_seconds: float = policies.WAREHOUSE_PATIENCE.total_seconds()

    @property
    def path(self) -> Path:
        """Where the DuckDB file lies."""
        return Path(self.database)

    @property
    def turn_file(self) -> Path:
        """What a run of this business holds while it is at work."""
        return self.path.with_suffix(".turn")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Self, None, None]:
        """The warehouse for one run, once no other run of this business is at work."""
        run, instance = context.run, context.instance
        if run is None or instance is None:
            yield self
            return
        patience = policies.LONGEST_RUN
        tell = context.log.warning if context.log else print
        root = Path(instance.root_directory)
        prune(root, has_ended=lambda run_id: _has_ended(instance, run_id))
        with (
            hold_liveness_lock(root, run.run_id),
            run_lock(self.turn_file, run_id=run.run_id, patience=patience, tell=tell),
        ):
            yield self

    def when_free(self, work: Callable[[], Done]) -> Done:
        """What ``work`` returns, tried again while another process holds the file.

        Raises:
            Held: naming the file and its holder, when the patience is at an end.
        """

        def attempt() -> Done:
            try:
                return work()
            except duckdb.IOException as error:
                raise _held(error) or error from None

        return retry_while_locked(attempt, patience=timedelta(seconds=self.patience_seconds))

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """The file stays open until the end of the block, so that each call inside finds its catalog read."""
        with closing(self._opened()):
            yield

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One read-write connection inside one transaction: committed on exit, rolled back on error."""
        # Closing without a commit rolls back.
        with closing(self._opened()) as connection:
            connection.execute("begin transaction")
            yield connection
            connection.execute("commit")

    def _opened(self) -> duckdb.DuckDBPyConnection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.when_free(lambda: duckdb.connect(self.database, config=DUCKDB_CONFIG))

    def exists(self, key: Key) -> bool:
        """Whether the table or view ``key`` is there."""
        with self.connect() as connection:
            return _exists(connection, key)

    def read(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """The rows of ``sql`` with ``$name`` parameters bound."""
        with self.connect() as connection:
            return connection.execute(sql, dict(parameters or {})).df()

    def prepare(self, tables: Mapping[Key, pd.DataFrame]) -> None:
        """Create each table that is not there yet, with its rows."""
        with self.connect() as connection:
            for key, rows in tables.items():
                if not _exists(connection, key):
                    with _registered(connection, rows):
                        _insert(connection, key)

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


def _has_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


def _held(error: duckdb.IOException) -> ResourceLocked | None:
    """Who else has the file open according to ``error``; ``None`` when it is about something else."""
    locked = LOCKED.search(str(error))
    if locked is None:
        return None
    file, holder = locked.groups()
    return ResourceLocked(f"{file} is open in {holder or 'another process'}; close it there")


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
    ).fetchall()
    return bool(found[0][0])


def _insert(connection: duckdb.DuckDBPyConnection, key: Key) -> None:
    connection.execute(f'create schema if not exists "{key.schema}"')
    connection.execute(f"create table if not exists {key.sql} as from incoming limit 0")
    connection.execute(f"insert into {key.sql} by name from incoming")
