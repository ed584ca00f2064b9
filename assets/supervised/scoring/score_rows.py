"""Score rows of a cohort on one as-of date: probability, interval, ranks, reason codes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from assets.features.matrix import AS_OF, Columns, Matrix, build_matrix
from assets.lifecycle.cohort import INELIGIBLE
from assets.lifecycle.store.schemas import NUMBER, SMALL, TEXT, Types
from assets.metrics.arrays import Floats, Texts
from assets.metrics.bootstrap import CONFIDENCE
from assets.metrics.classification import log_odds, with_shift
from assets.metrics.ranking import ranks
from assets.prior_shift.forecast import PriorShiftForecast
from assets.supervised.data.dataset import is_eligible
from assets.supervised.fitting.train import Fitted
from assets.supervised.problem import PredictionProblem
from assets.supervised.scoring.reason_codes import REASON_TYPES, reason_codes

HIGH_PERCENTILE = 10
MEDIUM_PERCENTILE = 40
POPULATION = "every customer with a purchase before as_of_date"

KEY_TYPES: Types = {"target": TEXT, "horizon_days": SMALL}
SCORE_TYPES: Types = {
    "probability": NUMBER,
    "probability_raw": NUMBER,
    "prob_lo": NUMBER,
    "prob_hi": NUMBER,
    "score": SMALL,
    "percentile": SMALL,
    "decile": SMALL,
    "percentile_population": TEXT,
    "tier": TEXT,
    "tier_rule": TEXT,
    "base_rate": NUMBER,
    "lift": NUMBER,
    "expected_value": NUMBER,
    **REASON_TYPES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorShift:
    """Prior shift of the scored date in log-odds, a Student t with ``degrees_of_freedom``."""

    shift: float = 0.0
    sd: float = 0.0
    degrees_of_freedom: float = float("inf")

    def __post_init__(self) -> None:
        if not (np.isfinite(self.shift) and np.isfinite(self.sd) and self.sd >= 0):
            raise ValueError(f"shift {self.shift}, sd {self.sd} must be finite, sd at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingState:
    """What a scored cohort shares: the forecast of its prior shift and the version's threshold of best F1."""

    forecast: PriorShiftForecast
    best_f1: float


def build_score_rows(
    problem: PredictionProblem, fitted: Fitted, *, features: pd.DataFrame, shift: PriorShift
) -> pd.DataFrame:
    """One row per entity in ``features``: the probability and what follows from it alone.

    Ineligible entities have a row with the reason, and no probability.

    Args:
        problem: The prediction problem.
        fitted: The champion, or the baseline as fallback.
        features: Feature rows (n, k) of one as-of date, with ``ineligible_reason`` where some are
            ineligible.
        shift: Prior shift of the date; moves every probability.

    Returns:
        (n, m) columns of :data:`SCORE_TYPES` without the ranks, which :func:`add_ranks` adds.

    Raises:
        ValueError: ``features`` span more than one as-of date or repeat an entity.
        LeakDetected: A fact was not yet known.
    """
    known = Columns(entity_id=problem.entity_id, numeric=problem.numeric, categorical=problem.categorical)
    matrix = build_matrix(features, None, columns=known)
    days = np.unique(matrix.as_of)
    if days.size > 1:
        raise ValueError(f"{days.size} as-of dates, {days[0]} to {days[-1]}: score one at a time")
    eligible = is_eligible(features)
    identity = {
        problem.entity_id: matrix.entities,
        AS_OF: matrix.as_of.astype("datetime64[s]"),
        "target": problem.target,
        "horizon_days": problem.horizon_days,
        "is_eligible": eligible,
        INELIGIBLE: features[INELIGIBLE].array if not eligible.all() else None,
        **{name: features[name].array for name in problem.passthrough_columns},
    }
    predicted = _predicted(problem, fitted, matrix.of(eligible), features=features.loc[eligible], shift=shift)
    # Only eligible entities were predicted; the others' columns stay empty.
    predicted = predicted.set_index(np.flatnonzero(eligible)).reindex(range(len(matrix)))
    return pd.concat([pd.DataFrame(identity), predicted], axis=1)


def add_ranks(problem: PredictionProblem, rows: pd.DataFrame) -> pd.DataFrame:
    """Add rank, percentile, decile, tier, base rate and lift among the eligible rows of one as-of date.

    Args:
        problem: The prediction problem.
        rows: Rows of :func:`build_score_rows` (n, k), the whole cohort.
    """
    eligible = rows["is_eligible"].to_numpy(dtype=np.bool_)
    cohort = rows.loc[eligible]
    probability = cohort["probability"].to_numpy(dtype=np.float64)
    entities = cohort[problem.entity_id].to_numpy(dtype=object)
    ranked = pd.DataFrame(_rank_columns(problem, probability, entities), index=cohort.index)
    return pd.concat([rows, ranked.reindex(rows.index)], axis=1)


def _predicted(
    problem: PredictionProblem,
    fitted: Fitted,
    eligible: Matrix,
    *,
    features: pd.DataFrame,
    shift: PriorShift,
) -> pd.DataFrame:
    """Score columns of ``eligible`` entities: the probability and everything derived from it."""
    raw = fitted.probability(eligible.features)
    columns = _probabilities(fitted, raw, shift=shift)
    columns |= {"expected_value": with_shift(raw, shift.shift) * _amounts(problem, features)}
    codes = reason_codes(fitted, eligible.features, groups=problem.reason_groups)
    return pd.concat([pd.DataFrame(columns, index=codes.index), codes], axis=1)


def _probabilities(fitted: Fitted, raw: Floats, *, shift: PriorShift) -> dict[str, object]:
    """The probability and its interval: errors of calibration bin and prior shift, in quadrature.

    The bin's interval is carried over as a distance in log-odds from its mean prediction: as it
    stands it would not contain the predictions near the edges of a wide bin.
    """
    bins = fitted.bins
    means = np.asarray([each.mean_predicted for each in bins])
    near = np.searchsorted((means[1:] + means[:-1]) / 2, raw)
    below = log_odds(np.asarray([each.ci_lo for each in bins])) - log_odds(means)
    above = log_odds(np.asarray([each.ci_hi for each in bins])) - log_odds(means)
    shared = float(stats.t.ppf((1 + CONFIDENCE) / 2, shift.degrees_of_freedom)) * shift.sd
    return {
        "probability": with_shift(raw, shift.shift),
        "probability_raw": raw,
        "prob_lo": with_shift(raw, shift.shift - np.hypot(np.minimum(below, 0)[near], shared)),
        "prob_hi": with_shift(raw, shift.shift + np.hypot(np.maximum(above, 0)[near], shared)),
    }


def _rank_columns(problem: PredictionProblem, probability: Floats, entities: Texts) -> dict[str, object]:
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
