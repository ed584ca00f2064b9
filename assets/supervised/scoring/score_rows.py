"""Everyone's probability on one as-of morning, in the published columns."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import pandas as pd

from assets.features.matrix import AS_OF, Columns, Matrix, build_matrix
from assets.keys import id_type
from assets.lifecycle.cohort import CONSENT_COLUMNS
from assets.lifecycle.store.schemas import SCORE_TYPES, typed
from assets.metrics.arrays import Floats, Ints, Texts
from assets.metrics.bootstrap import NORMAL_QUANTILE
from assets.metrics.classification import log_odds, with_shift
from assets.supervised.data.dataset import INELIGIBLE, is_eligible
from assets.supervised.fitting.train import Fitted
from assets.supervised.problem import PredictionProblem
from assets.supervised.scoring.reason_codes import reasons

HIGH_PERCENTILE = 10
MEDIUM_PERCENTILE = 40
POPULATION = "every customer with a purchase before as_of_date"

Status = Literal["ok", "fallback_model", "stale", "withheld_by_gate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorShift:
    """The forecast period effect of the scored day: shift and standard deviation in log-odds."""

    shift: float = 0.0
    sd: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.shift) and np.isfinite(self.sd) and self.sd >= 0):
            raise ValueError(f"level shift {self.shift}, sd {self.sd} must be finite, sd at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreProvenance:
    """What the rows say about where they come from; ``scored_at`` is naive UTC."""

    run_id: str
    scored_at: datetime
    model_version: str
    quality_grade: str
    status: Status = "ok"


def score(
    problem: PredictionProblem,
    fitted: Fitted,
    *,
    features: pd.DataFrame,
    level: PriorShift,
    run: ScoreProvenance,
) -> pd.DataFrame:
    """One row per customer, in exactly the columns that are published.

    Whoever is not asked about has a row that says why, and neither a probability nor what follows from one.

    Args:
        problem: What was asked.
        fitted: The champion, or the naive rival as fallback.
        features: Feature rows of one as-of day, with ``ineligible_reason`` where some are not asked about.
            ``is_holdout``, ``consent_ads`` and ``consent_profiling`` are copied when they are there and
            missing otherwise: silence is not consent.
        level: Moves every probability of the day.
        run: Where the rows come from; the status of a fallback is ``fallback_model`` whatever it says.

    Raises:
        ValueError: when ``features`` span more than one as-of day or repeat a customer.
        LeakDetected: when a fact was not yet known.
    """
    known = Columns(entity_id=problem.entity_id, numeric=problem.numeric, categorical=problem.categorical)
    matrix = build_matrix(features, None, columns=known)
    days = np.unique(matrix.as_of)
    if days.size > 1:
        raise ValueError(f"{days.size} as-of days, {days[0]} to {days[-1]}: score one at a time")
    asked = is_eligible(features)
    said = _said(problem, fitted, matrix.of(asked), features=features.loc[asked], level=level)
    columns = (
        _identity(problem, matrix, run=run, is_fallback=fitted.is_fallback)
        | {"is_eligible": asked, INELIGIBLE: features[INELIGIBLE].array if not asked.all() else None}
        | {name: features[name].array if name in features.columns else None for name in CONSENT_COLUMNS}
        | {name: features[name].array for name in problem.passthrough_columns}
    )
    # Only those asked about have a row in ``said``; the others' stay empty.
    told = said.set_index(np.flatnonzero(asked)).reindex(range(len(matrix)))
    return typed(
        pd.concat([pd.DataFrame(columns), told], axis=1), {**SCORE_TYPES, **problem.passthrough_columns}
    )


def _said(
    problem: PredictionProblem, fitted: Fitted, asked: Matrix, *, features: pd.DataFrame, level: PriorShift
) -> pd.DataFrame:
    """What is said of those ``asked`` about: the probability and everything that follows from it."""
    raw = fitted.probability(asked.features)
    probability = with_shift(raw, level.shift)
    columns = (
        _probabilities(fitted, raw, level=level)
        | _standing(problem, probability, asked.entities)
        | {"expected_value": probability * _amounts(problem, features)}
    )
    told = reasons(fitted, asked.features, groups=problem.reason_groups)
    return pd.concat([pd.DataFrame(columns, index=told.index), told], axis=1)


def ranks(probability: Floats, entities: Texts) -> Ints:
    """Rank of each row, 1 = most probable; ties are broken by a hash of the id, never by row order."""
    tie = pd.util.hash_array(entities, hash_key="rank--tie-breaks", categorize=False)
    found = np.empty(probability.size, dtype=np.int64)
    found[np.lexsort((tie, -probability))] = np.arange(1, probability.size + 1)
    return found


def _identity(
    problem: PredictionProblem, matrix: Matrix, *, run: ScoreProvenance, is_fallback: bool
) -> dict[str, object]:
    return {
        "customer_id": matrix.entities,
        "id_type": id_type(problem.entity_id, matrix.entities),
        AS_OF: matrix.as_of.astype("datetime64[s]"),
        "scored_at": run.scored_at,
        "run_id": run.run_id,
        "model_name": problem.name,
        "model_version": run.model_version,
        "target": problem.target,
        "horizon_days": problem.horizon_days,
        "status": "fallback_model" if is_fallback else run.status,
        "quality_grade": run.quality_grade,
    }


def _probabilities(fitted: Fitted, raw: Floats, *, level: PriorShift) -> dict[str, object]:
    """The probability and how sure it is: its calibration bin's error and the level's, in quadrature.

    The bin's interval is carried over as a distance in log-odds from its mean prediction: as it
    stands it would not contain the predictions near the edges of a wide bin.
    """
    bins = fitted.bins
    means = np.asarray([each.mean_predicted for each in bins])
    near = np.searchsorted((means[1:] + means[:-1]) / 2, raw)
    below = log_odds(np.asarray([each.ci_lo for each in bins])) - log_odds(means)
    above = log_odds(np.asarray([each.ci_hi for each in bins])) - log_odds(means)
    shared = NORMAL_QUANTILE * level.sd
    return {
        "probability": with_shift(raw, level.shift),
        "probability_raw": raw,
        "prob_lo": with_shift(raw, level.shift - np.hypot(np.minimum(below, 0)[near], shared)),
        "prob_hi": with_shift(raw, level.shift + np.hypot(np.maximum(above, 0)[near], shared)),
    }


def _standing(problem: PredictionProblem, probability: Floats, entities: Texts) -> dict[str, object]:
    rank, size = ranks(probability, entities), max(probability.size, 1)
    percentile = -(-100 * rank // size)
    base_rate = float(probability.mean()) if probability.size else float("nan")
    return {
        # Display only: 100 is the first customer, 0 the last.
        "score": np.round(100 * (size - rank) / max(size - 1, 1)).astype(np.int64),
        "percentile": percentile,
        "decile": -(-10 * rank // size),
        "percentile_population": f"{POPULATION}{', if eligible' * bool(problem.exclusions)}",
        "tier": np.select(
            [percentile <= HIGH_PERCENTILE, percentile <= MEDIUM_PERCENTILE], ["high", "medium"], "low"
        ),
        "tier_rule": f"high: {problem.top_rank_label} 10 % by probability; medium: next 30 %; low: the rest",
        "base_rate": base_rate,
        "lift": probability / base_rate if base_rate > 0 else np.full(probability.size, np.nan),
    }


def _amounts(problem: PredictionProblem, features: pd.DataFrame) -> Floats:
    if problem.amount is None:
        return np.full(len(features), np.nan)
    return features[problem.amount].to_numpy(dtype=np.float64, na_value=np.nan)
