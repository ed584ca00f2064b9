"""One problem on one morning: what the four steps of the lifecycle share."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from assets.lifecycle.gate import PromotionAttempt
from assets.lifecycle.store.artifacts import load_version, save_version
from assets.ports import ModelStore, Warehouse
from assets.supervised.data.dataset import TrainingData, load_training_data
from assets.supervised.evaluation.walk_forward import ModelVintage
from assets.supervised.problem import PredictionProblem

SCHEDULED = "new as-of morning"

# The judged twin lies in a folder of its own inside its version, one folder per model.
VINTAGES = "twin"


class NothingKnown(Exception):
    """Nobody can be scored, or not even a base rate can be said."""


class Named(Protocol):
    """A question with a name of its own."""

    @property
    def name(self) -> str:
        """Room and asset prefix."""
        ...


Question = TypeVar("Question", bound=Named)


# Not slotted: what a morning reads once it may keep.
@dataclass(frozen=True, kw_only=True)
class Occasion(Generic[Question]):
    """A run of one question for the morning of ``as_of``; ``now`` is naive UTC.

    ``trigger`` is why a model is made, and ``windows_violated`` on how many mornings that was seen.
    """

    problem: Question
    warehouse: Warehouse
    models: ModelStore
    as_of: date
    run_id: str
    now: datetime
    trigger: str = SCHEDULED
    windows_violated: int | None = None

    def attempt(self, *, champion: str | None, challenger: str | None) -> PromotionAttempt:
        """This morning's decision between two versions, before it is made."""
        return PromotionAttempt(
            model_name=self.problem.name,
            as_of_date=self.as_of,
            decided_at=self.now,
            run_id=self.run_id,
            trigger=self.trigger,
            windows_violated=self.windows_violated,
            champion=champion,
            challenger=challenger,
        )

    def folder(self, version: str, *parts: str) -> Path:
        """The folder of a version, or one inside it; created when it is not there."""
        folder = self.models.folder(self.problem.name, version).joinpath(*parts)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@dataclass(frozen=True, kw_only=True)
class Morning(Occasion[PredictionProblem]):
    """A run of one prediction problem."""

    @cached_property
    def rows(self) -> TrainingData:
        """What this morning knows."""
        return load_training_data(self.problem, self.warehouse, as_of=self.as_of)

    def write_vintages(self, version: str, models: Sequence[ModelVintage]) -> str:
        """Write the twin's models into the version's folder; returns their hashes as JSON, by first day."""
        hashes = {
            model.first.isoformat(): save_version(
                self.folder(version, VINTAGES, model.first.isoformat()), model.fitted
            )
            for model in models
        }
        return json.dumps(hashes)

    def load_vintages(self, version: str, *, hashes: str) -> tuple[ModelVintage, ...]:
        """The twin's models of ``version``, if their files are the ones that were registered.

        Raises:
            ModelIntegrityError: when one is not.
        """
        return tuple(
            ModelVintage(
                first=date.fromisoformat(first),
                fitted=load_version(self.folder(version, VINTAGES, first), sha256=sha256),
            )
            for first, sha256 in sorted(json.loads(hashes).items())
        )
