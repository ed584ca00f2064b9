"""One problem on one morning: what the four steps of the lifecycle share."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

from assets.lifecycle.problem import PredictionProblem
from assets.lifecycle.register import load_version
from assets.lifecycle.rows import KnownRows, known_rows
from assets.lifecycle.train import Fitted
from assets.ports import ModelStore, Warehouse

# The judged twin lies in a folder of its own inside its version.
TWIN = "twin"


class NothingKnown(Exception):
    """Nobody can be scored, or not even a base rate can be said."""


# Not slotted: the rows are read once and kept.
@dataclass(frozen=True, kw_only=True)
class Morning:
    """A run of one problem for the morning of ``as_of``; ``now`` is naive UTC."""

    problem: PredictionProblem
    warehouse: Warehouse
    models: ModelStore
    as_of: date
    run_id: str
    now: datetime

    @cached_property
    def rows(self) -> KnownRows:
        """What this morning knows."""
        return known_rows(self.problem, self.warehouse, as_of=self.as_of)

    def folder(self, version: str, *parts: str) -> Path:
        """The folder of a version, or one inside it; created when it is not there."""
        folder = self.models.folder(self.problem.name, version).joinpath(*parts)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def twin_of(self, version: str, *, sha256: str) -> Fitted:
        """The judged twin of ``version``, if its file is the one that was registered.

        Raises:
            ModelFileRefused: when it is not.
        """
        return load_version(self.folder(version, TWIN), sha256=sha256)
