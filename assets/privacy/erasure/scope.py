"""Places of one business that may hold data of a person."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from assets.ingest.config.business import BusinessConfig
from assets.ports import Vault, Warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureScope:
    """Every place that may hold data of a person.

    ``folders`` are scanned at the end, the vault's file included, without the paths in ``beside``, such as a
    simulation's truth. ``publish_again`` rebuilds the snapshot and its Parquet copies from
    the warehouse; ``now`` returns the current time, naive UTC.
    """

    business: BusinessConfig
    warehouse: Warehouse
    vault: Vault
    folders: Sequence[Path]
    beside: Collection[Path]
    publish_again: Callable[[], object]
    now: Callable[[], datetime]
