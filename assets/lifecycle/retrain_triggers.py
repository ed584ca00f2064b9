"""Retrain triggers: no champion, failed calibration, a withheld slice, an erasure, drift, or age."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import pandas as pd

from assets.features.matrix import AS_OF
from assets.keys import DRIFT, ERASURES, MODEL_REGISTRY, RETRAIN_LOG
from assets.lifecycle.cohort import INELIGIBLE, WITHHELD_SLICE
from assets.lifecycle.promotion import COOL_DOWN
from assets.lifecycle.scoring import CALIBRATION_FAILED
from assets.lifecycle.spec import Spec
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.ports import Warehouse

NO_CHAMPION = "no champion serves"
SLICE_WITHHELD = "a slice is withheld"
DRIFTED = "features have drifted"
TOO_OLD = "the champion is old"
ERASED = "training data was erased"

# The run that retrains for a trigger carries it in these tags.
TRIGGER_TAG = "retrain/trigger"
WINDOWS_TAG = "retrain/windows_violated"

# Without any other trigger a champion is challenged about as often as its backtest assumed (REFIT_EVERY of
# walk_forward.py); one that has just won is as good as new.
OLDEST_CHAMPION = timedelta(weeks=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainTrigger:
    """One reason to train a candidate of ``capability`` for ``as_of``.

    Attributes:
        trigger: The reason by its name.
        version: The version that serves; empty when none does.
        windows_violated: On how many as-of dates in a row it was seen.
        reasons: The observation, as text.
    """

    capability: str
    as_of: date
    trigger: str
    version: str
    windows_violated: int = 1
    reasons: str

    @property
    def key(self) -> str:
        """The same trigger has the same key in every process: each fires once."""
        return f"{self.capability}: {self.trigger}: {self.version}: {self.as_of}"


def pending_trigger(spec: Spec, warehouse: Warehouse, *, as_of: date) -> RetrainTrigger | None:
    """The strongest trigger to train a candidate for ``as_of``, or ``None``.

    None within ``COOL_DOWN`` of the last attempt, whatever its trigger was; none for a capability that is
    fitted in every run.

    Args:
        spec: The capability.
        warehouse: Holds its control tables.
        as_of: Date that the candidate would be trained for.
    """
    if spec.retrain == "every_run" or not warehouse.exists(spec.champion):
        return None
    attempted = _newest_attempt(spec, warehouse, as_of=as_of)
    if attempted is not None and as_of - attempted < COOL_DOWN:
        return None
    serving = control_tables.champion_as_of(spec.champion, warehouse, as_of=as_of)
    return next(_triggers(spec, warehouse, as_of=as_of, serving=serving, attempted=attempted), None)


def _newest_attempt(spec: Spec, warehouse: Warehouse, *, as_of: date) -> date | None:
    rows = warehouse.read(
        f"select max({AS_OF}) as newest from {RETRAIN_LOG.sql} "
        f"where model_name = $name and {AS_OF} <= $as_of "
        "and decision in ('promote', 'refuse', 'fallback', 'canary')",
        {"name": spec.name, "as_of": as_of},
    )
    newest = rows["newest"].iloc[0]
    return None if pd.isna(newest) else pd.Timestamp(newest).date()


def _triggers(
    spec: Spec,
    warehouse: Warehouse,
    *,
    as_of: date,
    serving: ChampionVersion | None,
    attempted: date | None,
) -> Iterator[RetrainTrigger]:
    version = serving.model_version if serving else ""
    found = partial(RetrainTrigger, capability=spec.name, as_of=as_of, version=version)
    if serving is None or serving.is_fallback:
        reasons = "the fallback serves" if serving else "nothing has been trained yet"
        yield found(trigger=NO_CHAMPION, reasons=reasons)
        return
    defects = _defects(spec, warehouse, as_of=as_of, version=version) if spec.outcomes else []
    if defects:
        yield found(trigger=CALIBRATION_FAILED, windows_violated=len(defects), reasons=defects[0])
    if withheld := _withheld_slices(spec, warehouse, as_of=as_of, version=version):
        yield found(trigger=SLICE_WITHHELD, reasons=withheld)
    if erased := _erased_since(warehouse, version=version):
        yield found(trigger=ERASED, reasons=f"{erased} people were erased after it was trained")
    drifted = _drifted(spec, warehouse, as_of=as_of, version=version)
    if not drifted.empty:
        names = ", ".join(drifted["feature"].astype(str))
        yield found(
            trigger=DRIFTED,
            windows_violated=int(drifted["windows_violated"].iloc[0]),
            reasons=f"beyond the range of the training window: {names}",
        )
    age = as_of - max(serving.as_of_date, attempted or serving.as_of_date)
    if age >= OLDEST_CHAMPION:
        since = f"it has served since {serving.as_of_date}"
        yield found(trigger=TOO_OLD, reasons=f"{since} and was last challenged {age.days} days ago")


def _defects(spec: Spec, warehouse: Warehouse, *, as_of: date, version: str) -> list[str]:
    """The defects on the newest dates without a break, newest first."""
    rows = warehouse.read(
        f"select defects from {spec.realised.sql} "
        f"where {AS_OF} <= $as_of and model_version = $version order by {AS_OF} desc",
        {"as_of": as_of, "version": version},
    )
    return [str(each) for each in itertools.takewhile(lambda each: not pd.isna(each), rows["defects"])]


def _withheld_slices(spec: Spec, warehouse: Warehouse, *, as_of: date, version: str) -> str:
    """The slices of ``version`` that are withheld among the rows of ``as_of``; empty when there are none."""
    rows = warehouse.read(
        f"select distinct {INELIGIBLE} as reason from {spec.scores.sql} where {AS_OF} = $as_of "
        f"and model_version = $version and {INELIGIBLE} like '{WITHHELD_SLICE}%' order by 1",
        {"as_of": as_of, "version": version},
    )
    return "; ".join(rows["reason"].astype(str))


def _erased_since(warehouse: Warehouse, *, version: str) -> int:
    """Number of people erased since ``version`` was trained; any of them may be in its training data."""
    # A warehouse of an earlier version has no such log before its next run.
    if not warehouse.exists(ERASURES):
        return 0
    rows = warehouse.read(
        f"select count(distinct erasure_id) as people from {ERASURES.sql} where requested_at > "
        f"(select max(trained_at) from {MODEL_REGISTRY.sql} where model_version = $version)",
        {"version": version},
    )
    return int(rows["people"].iloc[0])


def _drifted(spec: Spec, warehouse: Warehouse, *, as_of: date, version: str) -> pd.DataFrame:
    return warehouse.read(
        f"select feature, windows_violated from {DRIFT.sql} where model_name = $name and {AS_OF} = $as_of "
        "and model_version = $version and slice_name = 'all' and verdict = 'drifted' "
        "order by windows_violated desc, psi desc, feature",
        {"name": spec.name, "as_of": as_of, "version": version},
    )
