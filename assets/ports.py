"""What the pure code asks of the outside world; adapters live in ``orchestration/resources``."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

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

    def prepare(self, tables: Mapping[Key, pd.DataFrame]) -> None:
        """Create each table that is not there yet, with its rows."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtEnded:
    """How a dbt command ended: its structured log above debug level, oldest first, and what stopped it."""

    events: Sequence[dict[str, Any]]
    is_successful: bool
    exception: BaseException | None

    @property
    def errors(self) -> list[str]:
        """What dbt said was wrong."""
        told = [str(event["info"]["msg"]) for event in self.events if event["info"]["level"] == "error"]
        return told or ([str(self.exception)] if self.exception else [])


class Dbt(Protocol):
    """The dbt command."""

    def run(self, arguments: Sequence[str], *, project_dir: Path, step: str) -> DbtEnded:
        """Run dbt with ``arguments``; the compiled SQL and the log of ``step`` replace its earlier ones."""
        ...


class ModelStore(Protocol):
    """Versioned folders of model files, one per problem and version."""

    def folder(self, problem: str, version: str) -> Path:
        """The folder of one version, created when it is not there."""
        ...


class Contacts(Protocol):
    """Where e-mail addresses and telephone numbers are read, for whoever may be contacted."""

    def read(self, customer_ids: Iterable[str]) -> pd.DataFrame:
        """``customer_id``, ``email`` and ``phone`` of those that are known; null where one is missing."""
        ...
