"""Why a new model is wanted this morning: nobody serves, failed predictions, an erasure, drift, or age."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from assets.features.matrix import AS_OF
from assets.keys import DRIFT, ERASURES, MODEL_REGISTRY, RETRAIN_LOG
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.ports import Warehouse
from assets.supervised.problem import PredictionProblem

NOBODY_SERVES = "no model serves"
CALIBRATION_FAILED = "published probabilities did not come true"
DRIFTED = "customers drifted"
TOO_OLD = "the champion is old"
ERASED = "somebody it learned from was erased"

# The run that answers a cause carries it in these tags.
TRIGGER_TAG = "retrain/trigger"
WINDOWS_TAG = "retrain/windows_violated"

# A refused candidate would be refused again on nearly the same rows; two mornings later there is news.
COOL_DOWN = timedelta(weeks=2)
# Without any alarm a champion is challenged about as often as its trial assumed (trial.REFIT_EVERY); one that
# has just won is as good as new.
OLDEST_CHAMPION = timedelta(weeks=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainTrigger:
    """One reason to train on the morning of ``as_of``.

    Attributes:
        trigger: The reason by its name.
        version: The version that serves; empty when none does.
        windows_violated: On how many mornings in a row it was seen.
        reasons: What was seen, in words.
    """

    problem: str
    as_of: date
    trigger: str
    version: str
    windows_violated: int
    reasons: str

    @property
    def key(self) -> str:
        """The same cause has the same key in every process: what fires once, fires once."""
        return f"{self.problem}: {self.trigger}: {self.version}: {self.as_of}"


def pending_trigger(
    problem: PredictionProblem, warehouse: Warehouse, *, as_of: date
) -> RetrainTrigger | None:
    """The weightiest cause to train ``problem`` on the morning of ``as_of``, or ``None``.

    No cause within ``COOL_DOWN`` of the last attempt: whatever it was made for, its outcome stands.
    """
    if not warehouse.exists(problem.realised):
        return None
    attempted = _newest_attempt(problem, warehouse, as_of=as_of)
    if attempted is not None and as_of - attempted < COOL_DOWN:
        return None
    serves = control_tables.champion_as_of(problem, warehouse, as_of=as_of)
    return next(_causes(problem, warehouse, as_of=as_of, serves=serves, attempted=attempted), None)


def _newest_attempt(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date) -> date | None:
    rows = warehouse.read(
        f"select max({AS_OF}) as newest from {RETRAIN_LOG.sql} "
        f"where model_name = $name and {AS_OF} <= $as_of and decision in ('promote', 'refuse', 'fallback')",
        {"name": problem.name, "as_of": as_of},
    )
    newest = rows["newest"].iloc[0]
    return None if pd.isna(newest) else pd.Timestamp(newest).date()


def _causes(
    problem: PredictionProblem,
    warehouse: Warehouse,
    *,
    as_of: date,
    serves: ChampionVersion | None,
    attempted: date | None,
) -> Iterator[RetrainTrigger]:
    def cause(trigger: str, windows_violated: int, reasons: str) -> RetrainTrigger:
        return RetrainTrigger(
            problem=problem.name,
            as_of=as_of,
            trigger=trigger,
            version=serves.model_version if serves else "",
            windows_violated=windows_violated,
            reasons=reasons,
        )

    if serves is None or serves.is_fallback:
        yield cause(NOBODY_SERVES, 1, "a fallback serves" if serves else "nothing has been trained yet")
        return
    faults = _faults(problem, warehouse, as_of=as_of, version=serves.model_version)
    if faults:
        yield cause(CALIBRATION_FAILED, len(faults), faults[0])
    erased = _erased_since(warehouse, version=serves.model_version)
    if erased:
        yield cause(ERASED, 1, f"{erased} people were erased after it was trained")
    drifted = _drifted(problem, warehouse, as_of=as_of, version=serves.model_version)
    if not drifted.empty:
        worst = drifted.iloc[0]
        names = ", ".join(drifted["feature"].astype(str))
        yield cause(DRIFTED, int(worst["windows_violated"]), f"beyond the training weeks' own range: {names}")
    age = as_of - max(serves.as_of_date, attempted or serves.as_of_date)
    if age >= OLDEST_CHAMPION:
        since = f"it serves since {serves.as_of_date}"
        yield cause(TOO_OLD, 1, f"{since} and was last challenged {age.days} days ago")


def _faults(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date, version: str) -> list[str]:
    """What was wrong on the newest mornings without a break, newest first."""
    rows = warehouse.read(
        f"select faults from {problem.realised.sql} "
        f"where {AS_OF} <= $as_of and model_version = $version order by {AS_OF} desc",
        {"as_of": as_of, "version": version},
    )
    return [str(fault) for fault in itertools.takewhile(lambda fault: not pd.isna(fault), rows["faults"])]


def _erased_since(warehouse: Warehouse, *, version: str) -> int:
    """How many people were erased since ``version`` was trained; it may have seen any of them."""
    # A warehouse of an earlier version has no such log before its next run.
    if not warehouse.exists(ERASURES):
        return 0
    rows = warehouse.read(
        f"select count(distinct erasure_id) as people from {ERASURES.sql} where requested_at > "
        f"(select max(trained_at) from {MODEL_REGISTRY.sql} where model_version = $version)",
        {"version": version},
    )
    return int(rows["people"].iloc[0])


def _drifted(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date, version: str) -> pd.DataFrame:
    return warehouse.read(
        f"select feature, windows_violated from {DRIFT.sql} where model_name = $name and {AS_OF} = $as_of "
        "and model_version = $version and slice_name = 'all' and verdict = 'drifted' "
        "order by windows_violated desc, psi desc, feature",
        {"name": problem.name, "as_of": as_of, "version": version},
    )
