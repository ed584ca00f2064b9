"""The first step of a morning: the rivals on the newest matured window, every figure recorded."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import pandas as pd

from assets import ASSETS
from assets.calendar import latest_matured_as_of
from assets.keys import CALIBRATION_BINS, METRICS
from assets.lifecycle.gate import Decision
from assets.lifecycle.report.grade import DO_NOT_USE
from assets.lifecycle.run_context import NothingKnown, Occasion
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.artifacts import code_hash, data_hash
from assets.lifecycle.store.schemas import BIN_TYPES, CHAMPION_TYPES, METRIC_TYPES, typed
from assets.lifetime_value.backtest import BacktestWindow, origins, period_sd, windows
from assets.lifetime_value.dataset import Cohort, cohort_on, first_morning
from assets.lifetime_value.figures import figures
from assets.lifetime_value.grade import grade
from assets.lifetime_value.judge import CandidateResult, best_of, nothing_judged, trials, with_refusals
from assets.lifetime_value.models.candidates import AmountModelName
from assets.lifetime_value.problem import ValueProblem
from assets.lifetime_value.tables import EVALUATION_TYPES, REALISED_TYPES, VALUE_TYPES
from assets.supervised.evaluation.walk_forward import version_name

CODE = ("lifecycle", "features", "metrics", "lifetime_value")
SPLIT = "test"


@dataclass(frozen=True, kw_only=True)
class ValueMorning(Occasion[ValueProblem]):
    """A run of lifetime value for one morning."""

    @cached_property
    def cohort(self) -> Cohort:
        """Everybody known this morning who may be profiled.

        Raises:
            NothingKnown: when that is nobody.
        """
        found = cohort_on(self.problem, self.warehouse, as_of=self.as_of)
        if len(found) == 0:
            raise NothingKnown(
                f"nobody who may be profiled had bought before {self.as_of}: there is nobody to score"
            )
        return found

    @cached_property
    def code(self) -> str:
        """Hash of the code that makes a version."""
        return code_hash(ASSETS, CODE)

    @cached_property
    def version(self) -> str:
        """The version that this morning would make."""
        return version_name(self.as_of, data_hash(self.cohort.known), self.code, self.problem.spec_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackTest:
    """What the judged window said: the best recipe, or none, and what follows.

    ``looked_back`` holds that window first, then those of shorter horizons from the same morning.
    """

    best: CandidateResult | None
    decision: Decision
    looked_back: tuple[BacktestWindow, ...]
    period_sd: float | None


def prepare(morning: ValueMorning) -> None:
    """Create the tables that are not there yet, empty: SQL may ask before the first version."""
    problem = morning.problem
    own = {
        problem.evaluation: EVALUATION_TYPES,
        problem.champion: CHAMPION_TYPES,
        problem.scores: VALUE_TYPES,
        problem.realised: REALISED_TYPES,
    }
    control_tables.prepare_tables(morning.warehouse, own)


def evaluation(morning: ValueMorning) -> pd.DataFrame:
    """Judge the rivals on the newest window that has ended, and keep every figure.

    Returns:
        The one row of ``ml.lifetime_value__evaluation`` for the morning.
    """
    prepare(morning)
    kept = control_tables.row_of(morning.warehouse, morning.problem.evaluation, morning.version)
    if kept is not None:
        return kept
    found = back_test(morning)
    if found.best is not None:
        _keep_figures(morning, found, best=found.best)
    row = _row(morning, found)
    return control_tables.replace_row(morning.warehouse, morning.problem.evaluation, row, as_of=morning.as_of)


def back_test(morning: ValueMorning) -> BackTest:
    """The rivals on the newest matured window of the judged horizon; nothing is written."""
    problem, warehouse = morning.problem, morning.warehouse
    firsts = origins(problem, warehouse, as_of=morning.as_of)
    # The shorter horizons are judged from the same morning by the same fits.
    days = sorted((each for each in problem.horizons_days if each <= problem.judged_days), reverse=True)
    looked_back = [
        window for day in firsts[:1] for window in windows(problem, warehouse, origin=day, days=days)
    ]
    if not looked_back:
        return BackTest(best=None, decision=nothing_judged(iter(())), looked_back=(), period_sd=None)
    found, judged = looked_back[0], tuple(looked_back)
    sd = period_sd(problem, warehouse, before=firsts[1:])
    chosen = best_of(trials(problem, found, period_sd=sd), serving=_serving(morning))
    if chosen is None:
        decision = nothing_judged(iter(found.refusals.values()))
        return BackTest(best=None, decision=decision, looked_back=judged, period_sd=sd)
    best, decision = chosen
    return BackTest(
        best=best, decision=with_refusals(decision, found.refusals), looked_back=judged, period_sd=sd
    )


def _serving(morning: ValueMorning) -> AmountModelName | None:
    """The recipe of the version that serves, unless that is the fallback."""
    serves = control_tables.champion_as_of(morning.problem, morning.warehouse, as_of=morning.as_of)
    if serves is None or serves.is_fallback:
        return None
    row = control_tables.row_of(morning.warehouse, morning.problem.evaluation, serves.model_version)
    return None if row is None else row["recipe"].iloc[0]


def _longer(morning: ValueMorning) -> Iterator[BacktestWindow]:
    """The newest matured window of each longer horizon, where histories reach back so far."""
    first = first_morning(morning.problem, morning.warehouse)
    for days in morning.problem.horizons_days:
        day = latest_matured_as_of(morning.as_of, horizon_days=days)
        if days > morning.problem.judged_days and first is not None and day >= first:
            yield from windows(morning.problem, morning.warehouse, origin=day, days=[days])


def _keep_figures(morning: ValueMorning, found: BackTest, *, best: CandidateResult) -> None:
    named: dict[str, Any] = {
        "model_name": morning.problem.name,
        "model_version": morning.version,
        "split": SPLIT,
        "as_of_date": None,
    }
    looked_back = [*found.looked_back, *_longer(morning)]
    rows = figures(morning.problem, looked_back, best=best, decision=found.decision)
    rows.append({**rows[0], "metric": "period_sd", "value": found.period_sd, "ci_lo": None, "ci_hi": None})
    metrics = typed(pd.DataFrame(rows).assign(**named), METRIC_TYPES)
    control_tables.replace_metrics(morning.warehouse, METRICS, metrics)
    bins = typed(best.groups.assign(**named), BIN_TYPES)
    control_tables.replace_metrics(morning.warehouse, CALIBRATION_BINS, bins)


def _row(morning: ValueMorning, found: BackTest) -> pd.DataFrame:
    best, features = found.best, morning.cohort.known.features
    tested_on: date | None = found.looked_back[0].cohort.as_of if found.looked_back else None
    recorded = control_tables.rows_of_version(morning.warehouse, METRICS, morning.version)
    known = recorded.loc[recorded["slice_name"] == "all"].set_index("metric")["value"]
    row = {
        "as_of_date": morning.as_of,
        "model_name": morning.problem.name,
        "model_version": morning.version,
        "recipe": best.recipe if best else None,
        "tested_on": tested_on,
        "is_promotable": found.decision.promote,
        "quality_grade": (grade(recorded, found.decision) if best else DO_NOT_USE).name,
        "n": len(features),
        "n_repeaters": int((features["frequency"] > 0).sum()),
        **{name: known.get(name) for name in ("wape", "naive_wape", "coverage", "period_sd")},
        "faults": "; ".join(found.decision.faults) or None,
        "reasons": "; ".join(found.decision.reasons),
        "data_hash": data_hash(morning.cohort.known),
        "code_hash": morning.code,
    }
    return typed([row], EVALUATION_TYPES)
