"""Dagster's event log in SQLite with cached connections.

It overrides private names of Dagster; ``tests/unit/orchestration/test_private_names.py`` pins
the version that it was checked against.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import StringSource

# Dagster exports no public name for its own event log and its configuration.
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, StaticPool, create_engine

# Location of Dagster's default event log in its home.
FOLDER = Path("history", "runs")
# Files that stay open: a run writes into its own and the index; a sensor or the UI reads a few more.
KEPT_OPEN = 8


class CachedEventLog(SqliteEventLogStorage):
    """The default event log, with the newest files and their engines kept open.

    Dagster opens the file and builds an engine for every event, which discards all compiled SQL and makes
    SQLite empty its journal each time: with hundreds of checks a run, that was a third of a small run's
    time. No lock is held between events, so other processes read and write as before.
    """

    def __init__(self, home: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open the log in the Dagster home ``home``, creating it when missing."""
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._lock = threading.Lock()
        super().__init__(str(Path(home) / FOLDER), inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Configuration schema in ``dagster.yaml``."""
        return {"home": StringSource}

    @classmethod
    def from_config_value(  # type: ignore[override] # Dagster's own takes base_dir
        cls, inst_data: ConfigurableClassData | None, config_value: dict[str, str]
    ) -> "CachedEventLog":
        """Create the log that ``dagster.yaml`` configures."""
        return cls(inst_data=inst_data, **config_value)

    def dispose(self) -> None:
        """Close every file."""
        with self._lock:
            while self._engines:
                self._engines.popitem()[1].dispose()
        super().dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None)
        if engine is None:
            # Threads hold the lock in turn, so they may share the connection.
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            self._initdb(engine)
        self._engines[shard] = engine
        if len(self._engines) > KEPT_OPEN:
            self._engines.popitem(last=False)[1].dispose()
        return engine
