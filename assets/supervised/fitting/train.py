"""Fit a candidate and its baseline, or refuse when there is too little data."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator

from assets.features.matrix import Matrix, refuse_separating_features, sample_modulus
from assets.lifecycle.capability import InsufficientData
from assets.metrics.arrays import Flags, Floats
from assets.metrics.calibration import CalibrationBin, calibration_bins
from assets.supervised.fitting.baseline import RecencyBands
from assets.supervised.fitting.blend import LogOddsBlend, validated_weights
from assets.supervised.fitting.calibrate import calibrated, calibration_method
from assets.supervised.problem import PredictionProblem

Reference = Mapping[str, float | str | None]
# Two parameters need a few rows of either kind to be fitted at all.
LEAST_CALIBRATION = 10
EQUAL_WEIGHTS = (0.5, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A fitted model and the facts that scoring needs.

    Attributes:
        problem: Name of the problem.
        model: Anything with ``predict_proba(frame) -> (n, 2)``.
        method: ``sigmoid``, ``isotonic``, or ``none`` for the fallback.
        reference: The reference row: median of each number, most frequent of each category.
        bins: Calibration on the calibration fold.
        lowest: Probabilities are held within ``[lowest, 1 - lowest]``: what half an outcome among the
            calibration rows would be. An isotonic step of exactly 0 would cost infinitely much.
        is_fallback: Whether this is the baseline.
    """

    problem: str
    model: Any
    method: str
    reference: Reference
    bins: tuple[CalibrationBin, ...]
    lowest: float
    is_fallback: bool

    def probability(self, features: pd.DataFrame) -> Floats:
        """Calibrated probability of each row of ``features`` (n, k), as (n,)."""
        if features.empty:
            return np.zeros(0)
        predicted = self.model.predict_proba(features)[:, 1]
        return np.asarray(np.clip(predicted, self.lowest, 1 - self.lowest), dtype=np.float64)

    @property
    def ranker(self) -> Any:  # noqa: ANN401 - a fitted model
        """The model below the calibrator: its scores have no steps."""
        return self.model if self.is_fallback else self.model.estimator.estimator


def fit_candidate(problem: PredictionProblem, train: Matrix, *, calibration: Matrix) -> Fitted:
    """Fit on the training fold; weigh the members of the blend and calibrate on the calibration fold.

    Args:
        problem: The prediction problem.
        train: Rows (n, k) of the training fold.
        calibration: Rows (m, k) of the calibration fold.

    Raises:
        InsufficientData: Customers or positives are below the problem's minimum.
        LeakDetected: One feature alone gives the outcome away.
    """
    refuse_insufficient_data(problem, train, calibration=calibration)
    refuse_separating_features(train, highest_auc=problem.criteria.highest_auc, scheduled=problem.scheduled)
    ranker = fit_ranker(problem, train)
    ranker.weights = validated_weights(ranker, calibration)
    method = calibration_method(*_distinct(calibration))
    model = calibrated(ranker, calibration.features, outcome=calibration.outcome, method=method)
    return _fitted(problem, model, method=method, reference=train, calibration=calibration)


def refit(problem: PredictionProblem, evaluated: Fitted, *, known: Matrix) -> Fitted:
    """Refit the ranker of an evaluated candidate on all of ``known``; keep its weights and its calibrator.

    The newest dates are the most like today, so the version that serves learns from them too; no unseen
    fold is left to calibrate on then. Assumes that the scores of the larger fit spread like those the
    calibrator was fitted on; the realised checks would show if they did not.

    Args:
        problem: The prediction problem.
        evaluated: A candidate of :func:`fit_candidate`, which stays as it is.
        known: Every row with a known outcome.

    Raises:
        ValueError: ``evaluated`` is the fallback, which has no ranker of its own.
    """
    if evaluated.is_fallback:
        raise ValueError(f"the fallback of {evaluated.problem} has no ranker to refit")
    model = copy.deepcopy(evaluated.model)
    ranker = fit_ranker(problem, known, weights=evaluated.ranker.weights)
    model.estimator = FrozenEstimator(ranker)
    model.calibrated_classifiers_[0].estimator = model.estimator
    return replace(evaluated, model=model, reference=reference_row(known.features))


def fit_baseline(problem: PredictionProblem, known: Matrix) -> Fitted:
    """Fit the baseline on ``known`` (n, k): both folds that the candidate was fitted and calibrated on."""
    model = RecencyBands(column=problem.recency).fit(known.features, known.outcome)
    return _fitted(problem, model, method="none", reference=known, calibration=known)


def refuse_insufficient_data(problem: PredictionProblem, train: Matrix, *, calibration: Matrix) -> None:
    """Refuse to fit with too few customers, positives or negatives.

    Args:
        problem: Holds the minimum.
        train: Rows (n, k) of the training fold.
        calibration: Rows (m, k) of the calibration fold.

    Raises:
        InsufficientData: Any is below its minimum; the message has every shortage and its counts.
    """
    customers = len(set(train.entities.tolist()))
    negatives = len(calibration) - calibration.positives
    others = len(train) - train.positives
    counts = {
        f"customers in training, {problem.minimum_data.customers} needed": (
            customers,
            problem.minimum_data.customers,
        ),
        f"positives in training, {problem.minimum_data.positives} needed": (
            train.positives,
            problem.minimum_data.positives,
        ),
        f"negatives in training, {problem.minimum_data.positives} needed": (
            others,
            problem.minimum_data.positives,
        ),
        f"positives in calibration, {LEAST_CALIBRATION} needed": (calibration.positives, LEAST_CALIBRATION),
        f"negatives in calibration, {LEAST_CALIBRATION} needed": (negatives, LEAST_CALIBRATION),
    }
    short = [f"{found} {what}" for what, (found, needed) in counts.items() if found < needed]
    if short:
        raise InsufficientData(f"too little data for {problem.name}: {'; '.join(short)}")


def _distinct(rows: Matrix) -> tuple[int, int]:
    """Numbers of different customers in positive rows, and in negative rows."""
    positive = rows.outcome == 1
    return len(set(rows.entities[positive].tolist())), len(set(rows.entities[~positive].tolist()))


def usable_features(problem: PredictionProblem, features: pd.DataFrame) -> tuple[str, ...]:
    """The columns that a model reads: numbers that some row of ``features`` (n, k) has, and categories.

    A table that was never delivered leaves its columns empty. Offered to the trees, they would still
    be drawn in place of informative columns: orders alone must give the same model either way.
    """
    return tuple(name for name in problem.numeric if features[name].notna().any()) + problem.categorical


def reference_row(features: pd.DataFrame) -> Reference:
    """Median of each number and mode of each category of ``features`` (n, k); ``None`` without any value."""
    found: dict[str, float | str | None] = {}
    for name in features.columns:
        column = features[name].dropna()
        if column.empty:
            found[name] = None
        elif isinstance(column.dtype, pd.CategoricalDtype):
            found[name] = str(column.mode().iloc[0])
        else:
            found[name] = float(column.median())
    return found


def fit_ranker(
    problem: PredictionProblem, rows: Matrix, *, weights: tuple[float, ...] = EQUAL_WEIGHTS
) -> LogOddsBlend:
    """Fit gradient boosting and a logistic regression on splines to ``rows`` (n, k), without calibration.

    Args:
        problem: The prediction problem.
        rows: Rows with a known outcome.
        weights: Weights of the two in the blend.
    """
    task, outcome = problem.task, rows.outcome.astype("int64")
    numeric = tuple(name for name in usable_features(problem, rows.features) if name in problem.numeric)
    columns = {"numeric": numeric, "categorical": problem.categorical}
    pilot_estimator = task.pilot_estimator(**columns, seed=problem.seed)
    lowest = 0.5 / (len(rows) + 1)
    expected = pilot_estimator.fit(rows.features, outcome).predict_proba(rows.features)[:, 1]
    row_weights = task.weights(rows.outcome, np.clip(expected, lowest, 1 - lowest), as_of=rows.as_of)
    boosting = task.estimator(**columns, seed=problem.seed).fit(
        rows.features, outcome, quantiles__sample_weight=row_weights, boosting__sample_weight=row_weights
    )
    thin = _of_some_dates(rows, at_most=task.splines.most_rows)
    splines = task.spline_estimator(**columns).fit(
        rows.features.loc[thin], outcome[thin], logistic__sample_weight=row_weights[thin]
    )
    return LogOddsBlend(members=[boosting, splines], weights=weights)


def _of_some_dates(rows: Matrix, *, at_most: int) -> Flags:
    """(n,) whether a row is of the newest as-of date or of every k-th before it: some ``at_most`` rows."""
    newest_first = np.unique(rows.as_of)[::-1]
    return np.isin(rows.as_of, newest_first[:: sample_modulus(len(rows), at_most=at_most)])


def _fitted(
    problem: PredictionProblem,
    model: Any,  # noqa: ANN401 - a fitted model
    *,
    method: str,
    reference: Matrix,
    calibration: Matrix,
) -> Fitted:
    lowest = 0.5 / (len(calibration) + 1)
    predicted = np.clip(model.predict_proba(calibration.features)[:, 1], lowest, 1 - lowest)
    customers = pd.factorize(calibration.entities)[0]
    return Fitted(
        problem=problem.name,
        model=model,
        method=method,
        reference=reference_row(reference.features),
        bins=calibration_bins(calibration.outcome, predicted, customers),
        lowest=lowest,
        is_fallback=method == "none",
    )
