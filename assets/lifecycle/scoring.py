"""The last step of a morning: score everyone with the version that serves."""

from dataclasses import replace

import pandas as pd

from assets.keys import METRICS
from assets.lifecycle.gate import decision_row_without_comparison
from assets.lifecycle.realised import withhold_reason
from assets.lifecycle.retrain_triggers import CALIBRATION_FAILED
from assets.lifecycle.run_context import Morning, NothingKnown
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.artifacts import load_version
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.schemas import LEVEL_TYPES, METRIC_TYPES, typed
from assets.metrics.arrays import Floats
from assets.metrics.classification import with_shift
from assets.metrics.performance_estimation import estimated_accuracy
from assets.prior_shift.forecast import PriorShiftForecast, total_interval
from assets.supervised.data.dataset import is_eligible, load_features
from assets.supervised.evaluation.periods import forecast_on, period_history
from assets.supervised.fitting.train import Fitted
from assets.supervised.scoring.score_rows import PriorShift, ScoreProvenance, score

ESTIMATED = "estimated"


def scores(morning: Morning) -> pd.DataFrame | None:
    """Score everyone and keep the day's rows and its level; or withhold them.

    A version whose published probabilities did not come true says nothing new: the rows published
    before are served on, and their status says that they are old because the gate withheld newer ones.

    Returns:
        The day's one row of ``ml.levels``; ``None`` when the day's scores were withheld.

    Raises:
        NothingKnown: when no version serves although outcomes are known, or nobody had bought before.
        ModelIntegrityError: when the version's file is not the one that was registered.
    """
    problem, warehouse = morning.problem, morning.warehouse
    serves = control_tables.champion_as_of(problem, warehouse, as_of=morning.as_of)
    if serves is None:
        _refuse_unless_withheld(morning)
        return None
    if _is_withheld(morning, serves):
        return None
    fitted = load_version(morning.folder(serves.model_version), sha256=serves.model_sha256)
    level = level_of(morning, fitted)
    scored = scored_by(morning, fitted, serves=serves, level=level)
    warehouse.replace_partition(problem.scores, scored, column="as_of_date", value=morning.as_of)
    asked = scored.loc[scored["is_eligible"]]
    # A fallback promises no ranking that could be estimated.
    if not serves.is_fallback:
        control_tables.replace_metrics(
            warehouse, METRICS, _estimated(morning, serves, scored=asked, level=level)
        )
    row = _level_row(morning, serves, raw=asked["probability_raw"].to_numpy(dtype=float), level=level)
    control_tables.write_level(warehouse, problem, row, today=morning.as_of)
    return row


def _refuse_unless_withheld(morning: Morning) -> None:
    name = morning.problem.name
    if not control_tables.is_withheld(name, morning.warehouse, as_of=morning.as_of):
        raise NothingKnown(
            f"no version of {name} serves on {morning.as_of}, and scoring trains none: launch "
            "predict_and_publish for that morning or an earlier one, then launch this again"
        )


def _is_withheld(morning: Morning, serves: ChampionVersion) -> bool:
    """Whether what ``serves`` published did not come true; then its scores are withheld, and it is logged."""
    faults = withhold_reason(morning, serves)
    if faults is not None:
        attempt = replace(
            morning.attempt(champion=serves.model_version, challenger=None), trigger=CALIBRATION_FAILED
        )
        control_tables.log_decision(
            morning.warehouse, decision_row_without_comparison(attempt, "withhold", reasons=faults)
        )
    return faults is not None


def _estimated(
    morning: Morning, serves: ChampionVersion, *, scored: pd.DataFrame, level: PriorShiftForecast
) -> pd.DataFrame:
    """How good these scores are if they are calibrated: an estimate, weeks before outcomes are known."""
    probability = scored["probability"].to_numpy(dtype=float)
    found = estimated_accuracy(
        probability, customers=scored[morning.problem.entity_id].to_numpy(), period_sd=level.sd
    )
    shared = {
        "model_name": morning.problem.name,
        "model_version": serves.model_version,
        "split": ESTIMATED,
        "as_of_date": morning.as_of,
        "slice_name": "all",
        "slice_value": "all",
        "n": probability.size,
        "n_positive": None,
    }
    rows = [
        {**shared, "metric": name, "value": of.value, "ci_lo": of.lo, "ci_hi": of.hi}
        for name, of in found.items()
    ]
    return typed(rows, METRIC_TYPES)


def level_of(morning: Morning, fitted: Fitted) -> PriorShiftForecast:
    """The level of the morning's window for ``fitted``."""
    horizon_days = morning.problem.horizon_days
    history = period_history(fitted, morning.rows, horizon_days=horizon_days)
    return forecast_on(history, morning.rows, day=morning.as_of, horizon_days=horizon_days)


def scored_by(
    morning: Morning, fitted: Fitted, *, serves: ChampionVersion, level: PriorShiftForecast
) -> pd.DataFrame:
    """Everyone's rows by ``fitted``, in the published columns.

    Raises:
        NothingKnown: when nobody had bought before this morning, or nobody who did is asked about.
    """
    features = load_features(morning.problem, morning.warehouse, as_of=morning.as_of)
    if features.empty:
        raise NothingKnown(f"nobody had bought before {morning.as_of}: there is nobody to score")
    if not is_eligible(features).any():
        raise NothingKnown(
            f"{morning.problem.name} is asked about none of {len(features):,} on {morning.as_of}"
        )
    return score(
        morning.problem,
        fitted,
        features=features,
        level=PriorShift(shift=level.shift, sd=level.sd),
        run=ScoreProvenance(
            run_id=morning.run_id,
            scored_at=morning.now,
            model_version=serves.model_version,
            quality_grade=serves.quality_grade,
        ),
    )


def _level_row(
    morning: Morning, serves: ChampionVersion, *, raw: Floats, level: PriorShiftForecast
) -> pd.DataFrame:
    total_lo, total_hi = total_interval(raw, level)
    row = {
        "model_name": morning.problem.name,
        "model_version": serves.model_version,
        "as_of_date": morning.as_of,
        "customers": raw.size,
        "sum_probability": float(with_shift(raw, level.shift).sum()),
        "total_lo": total_lo,
        "total_hi": total_hi,
        "level_shift": level.shift,
        "level_sd": level.sd,
        "n_periods": level.n_periods,
        "realised": None,
    }
    return typed([row], LEVEL_TYPES)
