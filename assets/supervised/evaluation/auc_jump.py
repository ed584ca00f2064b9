"""A test AUC that is too good: does one column carry it, and was that column known on its dates?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from assets.features.matrix import AS_OF, UNKNOWN, Matrix
from assets.lifecycle.capability import ModelVintage
from assets.lifecycle.store.metric_lookup import has, overall, recorded
from assets.metrics.arrays import Floats
from assets.metrics.bootstrap import NORMAL_QUANTILE, Interval
from assets.metrics.classification import auc
from assets.supervised.data.dataset import TrainingData
from assets.supervised.data.split import split_by_time
from assets.supervised.evaluation.walk_forward import fit_calibrated
from assets.supervised.fitting.rankers import BG_NBD, LOGISTIC, usable_features
from assets.supervised.fitting.train import Fitted
from assets.supervised.problem import PredictionProblem

# Standard errors by which an AUC above the baseline's, or above that of published scores, is a jump.
JUMP_ERRORS = 5
# A column carries a jump when at least this share of it is lost without the column.
CARRIED_SHARE = 0.5
MOST_SCREENED = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """What the AUC of a test fold is too high for.

    Attributes:
        auc: Of the candidate on the test fold.
        above_baseline: Its difference to the best baseline on the same rows, if that is a jump; else 0.
        above_realised: Mean difference to the published scores of the same dates, if that is a jump; else 0.
        is_perfect: Whether it is at or above the highest plausible AUC.
    """

    auc: Interval
    above_baseline: float = 0.0
    above_realised: float = 0.0
    is_perfect: bool = False

    @property
    def size(self) -> float:
        """The larger of the two differences."""
        return max(self.above_baseline, self.above_realised)

    def __bool__(self) -> bool:
        """Whether there is anything to explain."""
        return self.is_perfect or self.size > 0

    def __str__(self) -> str:
        """In words."""
        parts = [f"AUC {self.auc}"]
        if self.above_baseline > 0:
            parts.append(f"{self.above_baseline:.3f} above the best baseline")
        if self.above_realised > 0:
            parts.append(f"{self.above_realised:.3f} above the published scores of the same dates")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """The column that the ranking depends on most.

    Attributes:
        column: Its name.
        permuted: AUC that the model loses when the column's values change places within each as-of date.
        gained: AUC of the model minus AUC of the same model fitted without the column; ``None`` where
            permuting it costs too little for it to carry the jump.
    """

    column: str
    permuted: float
    gained: float | None = None

    def __str__(self) -> str:
        """In words."""
        if self.gained is None:
            return f"no column carries it: permuting {self.column} costs most, {self.permuted:.3f}"
        return f"without {self.column} it is {self.gained:.3f} lower"


def auc_jump(metrics: pd.DataFrame, realised: Mapping[date, Interval], *, problem: PredictionProblem) -> Jump:
    """Compare the AUC of a test fold with the baselines' and with that of scores published on its dates.

    Args:
        metrics: Rows (n, k) of ``ml.metrics`` of the test fold.
        realised: AUC of published scores by as-of date.
        problem: Holds the highest plausible AUC.
    """
    found = overall(metrics, "auc")
    return Jump(
        auc=found,
        above_baseline=_above_baseline(metrics),
        above_realised=_above_realised(metrics, realised),
        is_perfect=found.value >= problem.criteria.highest_auc,
    )


def findings(
    problem: PredictionProblem, jump: Jump, carrier: Carrier, *, undated: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Defects and warnings of a jump, each with the name of the column.

    Args:
        problem: Names the scheduled columns, which are known beforehand.
        jump: The jump.
        carrier: The column that the ranking depends on most.
        undated: Columns with values in rows whose table states no knowledge date.
    """
    name, text = carrier.column, f"{jump}; {carrier}"
    carries = carrier.gained is not None and carrier.gained >= CARRIED_SHARE * jump.size
    if name in problem.scheduled:
        return (), (f"{text}, and {name} is declared as scheduled",)
    if jump.is_perfect:
        return (
            f"{text}: {name} probably contains the outcome; if it follows from a date that is known before, "
            "such as a renewal, list it under scheduled in the YAML",
        ), ()
    if carries and name in undated:
        return (f"{text}, and {name} has values in rows without a knowledge date: it leaks the outcome",), ()
    if carries and jump.above_realised > 0:
        return (f"{text}: {name} was not known when the scores were published, it leaks the outcome",), ()
    return (), (f"{text}: make sure that it is known on its dates",)


def strongest_column(
    problem: PredictionProblem,
    jump: Jump,
    models: Sequence[ModelVintage[Fitted]],
    *,
    ranker: str,
    data: TrainingData,
) -> Carrier:
    """Drop-column test of the newest walk-forward model: the column that it loses most by, and how much.

    The column is found by permuting each within its as-of dates, and then tested by a model that is fitted
    without it. That model can put the column's likes in its place, which the permuted one cannot: where
    permuting costs less than a column that carries the jump must, none is fitted. Two columns that hold the
    same leak hide each other.

    Args:
        problem: The prediction problem.
        jump: What the column may carry; of a perfect ranking it always does.
        models: The walk-forward models of the candidate, oldest first.
        ranker: Name of their ranker; one that cannot be fitted without the column ranks nobody.
        data: Training data of the evaluating date.

    Source: Breiman 2001, Random Forests, for the permutation; Strobl et al. 2008 for its limits.
    """
    newest = models[-1]
    split = split_by_time(data.matured_days, horizon_days=problem.horizon_days)
    test = data.labelled.of(split.test.rows(data.labelled.as_of))
    rows = test.of(test.as_of >= np.datetime64(newest.first, "D"))
    screened = _screened(problem, newest.model, rows)
    if screened.permuted < CARRIED_SHARE * jump.size:
        return screened
    known = data.known_on(newest.first, horizon_days=problem.horizon_days)
    fitted = fit_calibrated(problem, _without(known, screened.column), names=(ranker,)).get(ranker)
    whole = auc(rows.outcome, newest.model.probability(rows.features))
    rest = auc(rows.outcome, fitted.probability(_without(rows, screened.column).features)) if fitted else 0.5
    return replace(screened, gained=whole - rest)


def _screened(problem: PredictionProblem, model: Fitted, rows: Matrix) -> Carrier:
    rng = np.random.default_rng(problem.seed)
    chosen = np.zeros(len(rows), dtype=np.bool_)
    chosen[rng.permutation(len(rows))[:MOST_SCREENED]] = True
    sample = rows.of(chosen)
    # Sorted by date, so that a permutation by date and a random key stays within each date.
    order = np.lexsort((rng.random(len(sample)), sample.as_of))
    by_date = np.argsort(sample.as_of, kind="stable")
    reached = {}
    for name in usable_features(problem, sample.features):
        values = sample.features[name].to_numpy(copy=True)
        values[by_date] = values[order]
        permuted = pd.Series(values, index=sample.features.index).astype(sample.features[name].dtype)
        reached[name] = auc(sample.outcome, model.probability(sample.features.assign(**{name: permuted})))
    column = min(reached, key=lambda name: reached[name])
    whole = auc(sample.outcome, model.probability(sample.features))
    return Carrier(column=column, permuted=whole - reached[column])


def _without(rows: Matrix, column: str) -> Matrix:
    """``rows`` with one value in ``column``, which a model cannot use."""
    features = rows.features.copy()
    is_category = isinstance(features[column].dtype, pd.CategoricalDtype)
    features[column] = pd.Categorical([UNKNOWN] * len(rows)) if is_category else np.nan
    return replace(rows, features=features)


def _above_baseline(metrics: pd.DataFrame) -> float:
    """Difference to the best baseline where it is a jump, else 0."""
    names = ("auc_difference", f"{BG_NBD}_auc_difference", f"{LOGISTIC}_auc_difference")
    found = [overall(metrics, name) for name in names if has(metrics, name)]
    if not found:
        return 0.0
    difference = min(found, key=lambda each: each.value)
    return difference.value if difference.value > JUMP_ERRORS * _error(difference) else 0.0


def _above_realised(metrics: pd.DataFrame, realised: Mapping[date, Interval]) -> float:
    """Mean difference to what was published on the same dates where it is a jump, else 0."""
    tested = {
        date.fromisoformat(row.slice_value[:10]): row.interval
        for row in recorded(metrics, "auc")
        if row.slice_name == AS_OF
    }
    pairs = [(tested[day], realised[day]) for day in tested if day in realised]
    usable = [both for both in pairs if np.isfinite([each.lo for each in both]).all()]
    if not usable:
        return 0.0
    differences: Floats = np.array([ours.value - theirs.value for ours, theirs in usable])
    # The same customers return on every date: errors of the dates do not average out.
    error = float(np.mean([np.hypot(_error(ours), _error(theirs)) for ours, theirs in usable]))
    mean = float(differences.mean())
    return mean if mean > JUMP_ERRORS * error else 0.0


def _error(of: Interval) -> float:
    return (of.hi - of.lo) / (2 * NORMAL_QUANTILE)
