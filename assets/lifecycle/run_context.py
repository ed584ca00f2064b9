"""Identity, clock and resources of one run of a capability for one as-of date."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Generic

from assets import ASSETS
from assets.keys import Key
from assets.lifecycle.capability import Capability, Champion, Data, Model, ModelVintage
from assets.lifecycle.gate import Outcome
from assets.lifecycle.spec import Spec
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.artifacts import load_model, missing_file, save_model
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.fingerprints import code_hash, version_name
from assets.lifecycle.store.schemas import (
    CANARY_TYPES,
    CHAMPION_TYPES,
    CONSENT_COLUMNS,
    DRIFTED_TYPES,
    EVALUATION_TYPES,
    PROVENANCE_TYPES,
    REALISED_TYPES,
    RETRAIN_TYPES,
    STATUS_TYPES,
    TEXT,
    Types,
    typed,
)
from assets.ports import ModelStore, Warehouse

SCHEDULED = "new as-of date"
# Walk-forward models lie in a folder of their own inside their version, one folder per model.
VINTAGES = "vintages"


# Not slotted: cached properties keep data that a run reads once.
@dataclass(frozen=True, kw_only=True)
class RunContext(Generic[Data, Model]):
    """One run of a capability.

    Attributes:
        capability: The capability.
        warehouse: Holds the tables.
        models: Holds the model files.
        as_of: The date whose local midnight is the cutoff.
        run_id: Identity of the run.
        now: Naive UTC.
        trigger: Why a model is trained.
        windows_violated: On how many dates in a row the trigger was seen.
        has_canary: Whether a promoted version scores beside the champion for one as-of date first.
    """

    capability: Capability[Data, Model, Any, Any]
    warehouse: Warehouse
    models: ModelStore
    as_of: date
    run_id: str
    now: datetime
    trigger: str = SCHEDULED
    windows_violated: int | None = None
    has_canary: bool = False

    @property
    def spec(self) -> Spec:
        """The capability's declaration."""
        return self.capability.spec

    @cached_property
    def data(self) -> Data:
        """Training data as known on ``as_of``."""
        return self.capability.load(self.warehouse, as_of=self.as_of)

    @cached_property
    def data_hash(self) -> str:
        """Hash of the training data."""
        return self.capability.data_hash(self.data)

    @cached_property
    def code_hash(self) -> str:
        """Hash of the code that makes a version."""
        return code_hash(ASSETS, ("lifecycle", *self.spec.code))

    @cached_property
    def version(self) -> str:
        """The version that this run would train."""
        return version_name(self.as_of, self.data_hash, self.code_hash, self.spec.spec_hash)

    def champion(self, *, as_of: date | None = None) -> ChampionVersion | None:
        """The version that serves on ``as_of`` (by default the run's own), a fallback included."""
        return control_tables.champion_as_of(self.spec.champion, self.warehouse, as_of=as_of or self.as_of)

    def prepare(self) -> None:
        """Create missing tables of the capability, empty: SQL may read them before the first run."""
        spec = self.spec
        tables: dict[Key, Types] = {
            **{key: kept.types for key, kept in control_tables.CONTROL_TABLES.items()},
            spec.evaluation: EVALUATION_TYPES,
            spec.champion: CHAMPION_TYPES,
            spec.scores: score_types(spec),
            spec.canary: CANARY_TYPES,
            **{table.key: table.columns for table in spec.tables[1:]},
        }
        if spec.outcomes:
            tables[spec.realised] = REALISED_TYPES
        if spec.retrain == "on_trigger":
            tables[spec.drifted] = DRIFTED_TYPES
        self.warehouse.prepare({key: typed([], types) for key, types in tables.items()})

    def log_decision(self, decision: Outcome, **columns: object) -> None:
        """Log a decision of this run in ``ml.retrain_log``, with further ``columns`` of its row."""
        row = {
            **dict.fromkeys(RETRAIN_TYPES),
            "model_name": self.spec.name,
            "as_of_date": self.as_of,
            "decided_at": self.now,
            "run_id": self.run_id,
            "trigger": self.trigger,
            "windows_violated": self.windows_violated,
            "decision": decision,
            **columns,
        }
        control_tables.log_decision(self.warehouse, typed([row], RETRAIN_TYPES))

    def folder(self, version: str, *parts: str) -> Path:
        """The folder of a version, or one inside it; created when it is not there."""
        folder = self.models.folder(self.spec.name, version).joinpath(*parts)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def save(self, model: Model, version: str, *parts: str) -> str:
        """Write a model file; returns its hash.

        Args:
            model: The model.
            version: Its version.
            parts: Folders below the version's own.
        """
        stored, facts = self.capability.to_artifact(model)
        return save_model(self.folder(version, *parts), stored, facts=facts, trusted=self.spec.model_types)

    def load_model(self, version: str, *parts: str, sha256: str) -> Model:
        """Read a model file.

        Args:
            version: Version of the model.
            parts: Folders below the version's own.
            sha256: The registered hash.

        Raises:
            ModelIntegrityError: It is not the one that was registered.
        """
        stored, facts = load_model(self.folder(version, *parts), sha256=sha256, trusted=self.spec.model_types)
        return self.capability.from_artifact(stored, facts)

    def save_vintages(self, version: str, vintages: Sequence[ModelVintage[Model]]) -> str | None:
        """Write walk-forward models beside the version; returns their hashes as JSON, by first date."""
        hashes = {
            each.first.isoformat(): self.save(each.model, version, VINTAGES, each.first.isoformat())
            for each in vintages
        }
        return json.dumps(hashes) if hashes else None

    def lost_file(self, serving: ChampionVersion) -> Path | None:
        """A file of ``serving`` or its vintages that is not there any more; ``None`` if all are."""
        lost = missing_file(self.folder(serving.model_version))
        return lost or self.lost_vintage(serving.model_version, serving.vintage_hashes)

    def lost_vintage(self, version: str, hashes: str | None) -> Path | None:
        """A file of the walk-forward models of ``version`` that is not there any more.

        Args:
            version: The version.
            hashes: Their hashes as JSON, by first date; ``None`` if it has none.
        """
        folders = (self.folder(version, VINTAGES, first) for first in json.loads(hashes or "{}"))
        return next(filter(None, map(missing_file, folders)), None)

    def load_champion(self) -> Champion[Model] | None:
        """The serving version with its model and vintages; ``None`` for none, a fallback or lost files.

        Raises:
            ModelIntegrityError: A file is not the one that was registered.
        """
        serving = self.champion()
        if serving is None or serving.is_fallback or self.lost_file(serving):
            return None
        hashes = json.loads(serving.vintage_hashes or "{}")
        return Champion(
            since=serving.as_of_date,
            version=serving.model_version,
            model=self.load_model(serving.model_version, sha256=serving.model_sha256),
            vintages=tuple(
                ModelVintage(
                    first=date.fromisoformat(first),
                    model=self.load_model(serving.model_version, VINTAGES, first, sha256=sha256),
                )
                for first, sha256 in sorted(hashes.items())
            ),
            params=serving.selected,
        )


def score_types(spec: Spec) -> Types:
    """Columns and types of a capability's score table, in order."""
    table = spec.tables[0]
    own = {**table.key_columns, **STATUS_TYPES}
    if spec.subject is None:
        provenance = {name: dtype for name, dtype in PROVENANCE_TYPES.items() if name != "id_type"}
        return {**provenance, **own, **table.columns}
    return {spec.subject: TEXT, **PROVENANCE_TYPES, **own, **CONSENT_COLUMNS, **table.columns}
