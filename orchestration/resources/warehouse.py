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

from assets.connections import open_duckdb
from assets.keys import Key
from orchestration import policies
from orchestration.resources.layout import LayoutOutdated, require_layout
from orchestration.resources.locks import (
    ResourceLocked,
    hold_liveness_lock,
    prune,
    retry_while_locked,
    run_lock,
)

# DuckDB raises one error for every fault of a file; this message marks a lock and names its holder.
LOCKED = re.compile(r'Could not set lock on file "(.+?)"(?:.*?lock is held in (.+? \(PID \d+\)))?', re.DOTALL)

Result = TypeVar("Result")


class DuckDBWarehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Each call opens the file, unless it is kept open, and works in one transaction.

    The file is closed between steps, because dbt opens it itself and DuckDB gives a file to one writing
    process at a time. A run holds the business's run lock from its first step to its last; other openers
    (a person, dbt, a sensor) are waited for.

    Attributes:
        database: Path of the DuckDB file.
        lock_timeout_seconds: How long to wait for another process that has the file open.
    """

    database: str
    lock_timeout_seconds: float = policies.WAREHOUSE_LOCK_TIMEOUT.total_seconds()

    @property
    def path(self) -> Path:
        """Where the DuckDB file lies."""
        return Path(self.database)

    @property
    def lock_file(self) -> Path:
        """Run lock of this business."""
        return self.path.with_suffix(".lock")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Self, None, None]:
        """Yield the warehouse for one run, holding the run lock of the business."""
        run, instance = context.run, context.instance
        if run is None or instance is None:
            yield self
            return
        log = context.log.warning if context.log else print
        root = Path(instance.root_directory)
        prune(root, has_ended=lambda run_id: _has_ended(instance, run_id))
        with (
            hold_liveness_lock(root, run.run_id),
            run_lock(self.lock_file, run_id=run.run_id, timeout=policies.LONGEST_RUN, log=log),
        ):
            # Before the first step: some steps write files and do not open the warehouse.
            self.check_layout()
            yield self

    def when_free(self, work: Callable[[], Result]) -> Result:
        """Return the result of ``work``, retried while another process holds the file.

        Raises:
            ResourceLocked: If the file is still locked after the timeout; names the file and its holder.
        """

        def attempt() -> Result:
            try:
                return work()
            except duckdb.IOException as error:
                raise _locked(error) or error from None

        return retry_while_locked(attempt, timeout=timedelta(seconds=self.lock_timeout_seconds))

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the file open during the block, so that calls inside do not load the catalog again."""
        with closing(self._opened()):
            yield

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a read-write connection in one transaction: committed on exit, rolled back on error."""
        # Closing without a commit rolls back.
        with closing(self._opened()) as connection:
            connection.execute("begin transaction")
            yield connection
            connection.execute("commit")

    def check_layout(self) -> None:
        """Check the layout of an existing warehouse; nothing is created.

        Raises:
            LayoutOutdated: If other code has built it.
        """
        if self.path.exists():
            self._opened().close()

    def _opened(self) -> duckdb.DuckDBPyConnection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = self.when_free(lambda: open_duckdb(self.path))
        try:
            require_layout(connection, self.path)
        except LayoutOutdated:
            connection.close()
            raise
        return connection

    def exists(self, key: Key) -> bool:
        """Return whether the table or view ``key`` exists."""
        with self.connect() as connection:
            return _exists(connection, key)

    def read(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """Return the rows of ``sql`` with ``$name`` parameters bound."""
        with self.connect() as connection:
            return connection.execute(sql, dict(parameters or {})).df()

    def prepare(self, tables: Mapping[Key, pd.DataFrame]) -> None:
        """Create each missing table from its frame, shape (n, columns), and add missing columns."""
        with self.connect() as connection:
            for key, rows in tables.items():
                with _registered(connection, rows):
                    if not _exists(connection, key):
                        _insert(connection, key)
                    for name, kind, *_ in connection.execute("describe incoming").fetchall():
                        connection.execute(f'alter table {key.sql} add column if not exists "{name}" {kind}')

    def replace(self, key: Key, rows: pd.DataFrame) -> int:
        """Replace the table ``key`` with ``rows``, shape (n, columns); returns n."""
        with self.connect() as connection, _registered(connection, rows):
            connection.execute(f'create schema if not exists "{key.schema}"')
            connection.execute(f"create or replace table {key.sql} as from incoming")
        return len(rows)

    def replace_partition(self, key: Key, rows: pd.DataFrame, *, column: str, value: object) -> int:
        """Replace the rows of ``key`` with ``column = value``.

        Args:
            key: The table; created when missing.
            rows: The new rows, shape (n, columns of the table).
            column: Column that identifies the partition.
            value: Its value in this partition.

        Returns:
            n, the number of new rows.
        """
        with self.connect() as connection, _registered(connection, rows):
            if _exists(connection, key):
                connection.execute(f'delete from {key.sql} where "{column}" = $value', {"value": value})
            _insert(connection, key)
        return len(rows)

    def append(self, key: Key, rows: pd.DataFrame) -> int:
        """Append ``rows``, shape (n, columns), to ``key``, which is created when missing; returns n."""
        with self.connect() as connection, _registered(connection, rows):
            _insert(connection, key)
        return len(rows)


def _has_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


def _locked(error: duckdb.IOException) -> ResourceLocked | None:
    """Translate a lock error, naming the holder; ``None`` for any other error."""
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
