"""Dagster's event log in SQLite, without opening a file anew for every event."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import StringSource

# Dagster exports no public name for its own event log, nor for what it is configured with.
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, StaticPool, create_engine

# Where Dagster's default event log lies in its home.
FOLDER = Path("history", "runs")
# Files that stay open: a run writes into its own and the index; a sensor or the UI looks into a few more.
KEPT_OPEN = 8


class CachedEventLog(SqliteEventLogStorage):
    """The default event log, which keeps the newest files open, and the engine of each.

    Dagster opens a file and builds an engine for every event, forgets all the SQL it has compiled, and
    makes SQLite empty its journal each time: with hundreds of checks a run that was a third of a small
    run's time. Nothing is locked between events, so other processes read and write as before.
    """

    def __init__(self, home: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open, or begin, the log in the Dagster home ``home``."""
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._turn = threading.Lock()
        super().__init__(str(Path(home) / FOLDER), inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """What ``dagster.yaml`` says of it."""
        return {"home": StringSource}

    @classmethod
    def from_config_value(  # type: ignore[override] # Dagster's own takes base_dir
        cls, inst_data: ConfigurableClassData | None, config_value: dict[str, str]
    ) -> "CachedEventLog":
        """The log that ``dagster.yaml`` names."""
        return cls(inst_data=inst_data, **config_value)

    def dispose(self) -> None:
        """Close every file."""
        with self._turn:
            while self._engines:
                self._engines.popitem()[1].dispose()
        super().dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._turn, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None)
        if engine is None:
            # Threads take turns, so they may share the connection.
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
