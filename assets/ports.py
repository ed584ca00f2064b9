"""What the pure code asks of the outside world; adapters live in ``orchestration/resources``."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeVar

import duckdb
import pandas as pd

from assets.keys import Key

Done = TypeVar("Done")


class Warehouse(Protocol):
    """The business's one DuckDB file; each call opens it, works in one transaction and closes it."""

    @property
    def path(self) -> Path:
        """Where the DuckDB file lies."""
        ...

    def when_free(self, work: Callable[[], Done]) -> Done:
        """What ``work`` returns, tried again while another process holds the file."""
        ...

    def connect(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """One read-write connection inside one transaction: committed on exit, rolled back on error."""
        ...

    def exists(self, key: Key) -> bool:
        """Whether the table or view ``key`` is there."""
        ...

    def read(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """The rows of ``sql`` with ``$name`` parameters bound."""
        ...

    def replace(self, key: Key, rows: pd.DataFrame) -> int:
        """Make ``key`` hold exactly ``rows``; returns their count."""
        ...

    def replace_partition(self, key: Key, rows: pd.DataFrame, *, column: str, value: object) -> int:
        """Make the rows of ``key`` with ``column = value`` exactly ``rows``; returns their count."""
        ...

    def append(self, key: Key, rows: pd.DataFrame) -> int:
        """Add ``rows`` to ``key``, creating it when it is not there; returns their count."""
        ...


class ModelStore(Protocol):
    """Versioned folders of model files, one per problem and version."""

    def folder(self, problem: str, version: str) -> Path:
        """The folder of one version, created when it is not there."""
        ...
