"""Protocols of the outside world for pure code; adapters are in ``orchestration/resources``."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import duckdb
import pandas as pd

from assets.keys import Key

Result = TypeVar("Result")


class Warehouse(Protocol):
    """The business's one DuckDB file; each call opens it, works in one transaction and closes it.

    Opening takes longer than most calls, so code that makes several keeps it open meanwhile.
    """

    @property
    def path(self) -> Path:
        """Path of the DuckDB file."""

    def when_free(self, work: Callable[[], Result]) -> Result:
        """Run ``work``, retrying while another process holds the file; returns its result."""

    def kept_open(self) -> AbstractContextManager[None]:
        """Keep the file open for this process, and locked for others, until the end of the block."""

    def connect(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """One read-write connection inside one transaction: committed on exit, rolled back on error."""

    def exists(self, key: Key) -> bool:
        """Whether the table or view ``key`` exists."""

    def read(self, sql: str, parameters: Mapping[str, object] | None = None) -> pd.DataFrame:
        """The rows of ``sql``, with ``$name`` parameters bound."""

    def prepare(self, tables: Mapping[Key, pd.DataFrame]) -> None:
        """Create each table that does not exist yet, with its rows, each frame (n,); add missing columns."""

    def replace(self, key: Key, rows: pd.DataFrame) -> int:
        """Replace the content of ``key`` by ``rows`` (n,); returns n."""

    def replace_partition(self, key: Key, rows: pd.DataFrame, *, column: str, value: object) -> int:
        """Replace one partition of a table.

        Args:
            key: The table.
            rows: (n,) rows that take the place of those with ``column = value``.
            column: Partition column.
            value: Its value in this partition.

        Returns:
            n.
        """

    def append(self, key: Key, rows: pd.DataFrame) -> int:
        """Append ``rows`` (n,) to ``key``, creating the table if it does not exist; returns n."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtEnded:
    """Result of a dbt command: structured log above debug level, oldest first, and the exception if any."""

    events: Sequence[dict[str, Any]]
    is_successful: bool
    exception: BaseException | None

    @property
    def errors(self) -> list[str]:
        """Error messages in dbt's log, else its exception."""
        messages = [str(event["info"]["msg"]) for event in self.events if event["info"]["level"] == "error"]
        return messages or ([str(self.exception)] if self.exception else [])


class Dbt(Protocol):
    """The dbt command."""

    def run(self, arguments: Sequence[str], *, project_dir: Path, step: str) -> DbtEnded:
        """Run dbt.

        Args:
            arguments: Of the command line.
            project_dir: Folder of the dbt project.
            step: Names the compiled SQL and the log, which replace those of its previous run.
        """


class ModelStore(Protocol):
    """Versioned folders of model files, one per problem and version."""

    def folder(self, problem: str, version: str) -> Path:
        """The folder of one version, created if it does not exist."""


class PersonalValue(NamedTuple):
    """One personal value of one customer in clear text, as delivered in ``column`` of ``source``."""

    customer_id: str
    source: str
    column: str
    value: str


class Contacts(Protocol):
    """Reader of e-mail addresses and telephone numbers, for customers who may be contacted."""

    def read(self, customer_ids: Iterable[str]) -> pd.DataFrame:
        """``customer_id``, ``email`` and ``phone`` of the known customers; null where one is missing."""


class Vault(Contacts, Protocol):
    """The business's personal values, encrypted, and its suppression list of erased ids."""

    def keep(self, source: str, values: pd.DataFrame) -> int:
        """Replace the values that ``source`` delivered of these customers; returns the number of values kept.

        ``values`` (n,) has unique ``customer_id`` and a text column per personal column; null is not kept.
        """

    def has_processed(self, source: str, fingerprint: str) -> bool:
        """Whether the values of the file with this fingerprint have been kept."""

    def mark_processed(self, source: str, fingerprint: str) -> None:
        """Record that they have been kept."""

    def values(self, customer_ids: Iterable[str] | None = None, *, at_most: int) -> list[PersonalValue]:
        """Values of the given customers, or of all, oldest first, ``at_most`` of them."""

    def tokens(self, kind: str, ids: Iterable[str]) -> dict[str, str]:
        """The token of each id, for places where ids must not be written; ``kind`` is the ids' column."""

    def mark_erased(self, ids: Mapping[str, Iterable[str]]) -> None:
        """Mark ``ids`` (keyed by column) as erased."""

    def customers_of(self, source: str | None = None) -> list[str]:
        """Ids of customers with values from ``source``, or from any, in the order kept; decrypts no value."""

    def rename(self, names: Mapping[str, str]) -> None:
        """Move all values of each customer in ``names`` to the new id, the mapping's value."""

    def forget(self, customer_ids: Iterable[str]) -> dict[str, int]:
        """Delete the values of each customer, so that no byte of them is left; returns counts."""

    def has_erased(self) -> bool:
        """Whether the suppression list has an entry."""

    def erased(self, kind: str, ids: Iterable[str]) -> frozenset[str]:
        """Those of ``ids`` that are on the suppression list; ``kind`` is their column."""
