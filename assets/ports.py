"""What the pure code asks of the outside world; adapters live in ``orchestration/resources``."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import duckdb
import pandas as pd

from assets.keys import Key

Done = TypeVar("Done")


class Warehouse(Protocol):
    """The business's one DuckDB file; each call opens it, works in one transaction and closes it.

    Opening costs more than most calls: what makes several keeps it open meanwhile.
    """

    @property
    def path(self) -> Path:
        """Where the DuckDB file lies."""
        ...

    def when_free(self, work: Callable[[], Done]) -> Done:
        """What ``work`` returns, tried again while another process holds the file."""
        ...

    def kept_open(self) -> AbstractContextManager[None]:
        """The file stays open to this process, and closed to others, until the end of the block."""
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


class PersonalValue(NamedTuple):
    """One personal value of one customer, readable: ``column`` of ``source``, as it was delivered."""

    customer_id: str
    source: str
    column: str
    value: str


class Contacts(Protocol):
    """Where e-mail addresses and telephone numbers are read, for whoever may be contacted."""

    def read(self, customer_ids: Iterable[str]) -> pd.DataFrame:
        """``customer_id``, ``email`` and ``phone`` of those that are known; null where one is missing."""
        ...


class Vault(Contacts, Protocol):
    """The business's personal values, encrypted, and who of its customers has been erased."""

    def keep(self, source: str, values: pd.DataFrame) -> int:
        """Make ``values`` all that ``source`` has told of their customers; returns how many were kept.

        ``values`` has ``customer_id``, unique, and a text column per personal column; null is not kept.
        """
        ...

    def has_processed(self, source: str, fingerprint: str) -> bool:
        """Whether the values of a file of those bytes have been kept already."""
        ...

    def mark_processed(self, source: str, fingerprint: str) -> None:
        """Remember that they have."""
        ...

    def values(self, customer_ids: Iterable[str] | None = None, *, at_most: int) -> list[PersonalValue]:
        """Values of the named customers, or of any; the oldest first."""
        ...

    def tokens(self, kind: str, ids: Iterable[str]) -> dict[str, str]:
        """For each id what stands for it where it may not be written; ``kind`` is the column it is from."""
        ...

    def mark_erased(self, ids: Mapping[str, Iterable[str]]) -> None:
        """From now on ``ids``, by the column they are from, are of somebody who was erased."""
        ...

    def customers_of(self, source: str | None = None) -> list[str]:
        """Whose values ``source``, or any, has told, in the order they were kept; no value is read."""
        ...

    def rename(self, names: Mapping[str, str]) -> None:
        """Keep under another name, the mapping's value, all that is kept of each customer in ``names``."""
        ...

    def forget(self, customer_ids: Iterable[str], *, beside: str | None = None) -> dict[str, int]:
        """Remove what is kept of each, but not what the source ``beside`` told; returns how many values."""
        ...

    def has_erased(self) -> bool:
        """Whether anybody was erased."""
        ...

    def erased(self, kind: str, ids: Iterable[str]) -> frozenset[str]:
        """Those of ``ids`` that belong to somebody who has been erased."""
        ...
