"""Fit the rankers of a problem and the recency baseline, or refuse when there is too little data."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator

from assets.features.matrix import Matrix, refuse_separating_features
from assets.lifecycle.capability import InsufficientData
from assets.metrics.arrays import Floats
from assets.metrics.calibration import CalibrationBin, calibration_bins
from assets.metrics.cutoffs import best_f1_threshold
from assets.supervised.fitting.baseline import RecencyBands
from assets.supervised.fitting.blend import LogOddsBlend, validated_weights
from assets.supervised.fitting.calibrate import calibrated, calibration_method
from assets.supervised.fitting.rankers import BLEND, LOGISTIC, RANKERS, fit_members
from assets.supervised.problem import PredictionProblem

Reference = Mapping[str, float | str | None]
# Two parameters need a few rows of either kind to be fitted at all.
LEAST_CALIBRATION = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A fitted model and the facts that scoring needs.

    Attributes:
        problem: Name of the problem.
        model: Anything with ``predict_proba(frame) -> (n, 2)``.
        method: ``sigmoid``, ``isotonic``, or ``none`` for the fallback.
        reference: The reference row: median of each number, most frequent of each category; ``None`` for a
            column that has the same value in every row, because it distinguishes no customer from another.
        bins: Calibration on the calibration fold.
        lowest: Probabilities are held within ``[lowest, 1 - lowest]``: what half an outcome among the
            calibration rows would be. An isotonic step of exactly 0 would cost infinitely much.
        best_f1: Threshold of the calibrated probability with the best F1 on the rows of ``bins``.
        is_fallback: Whether this is the baseline.
    """

    problem: str
    model: Any
    method: str
    reference: Reference
    bins: tuple[CalibrationBin, ...]
    lowest: float
    best_f1: float
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
    """Fit the blend alone, as :func:`fit_rankers`.

    Args:
        problem: The prediction problem.
        train: Rows (n, k) of the training fold.
        calibration: Rows (m, k) of the calibration fold.
    """
    return fit_rankers(problem, train, calibration=calibration, names=(BLEND,))[BLEND]


def fit_rankers(
    problem: PredictionProblem, train: Matrix, *, calibration: Matrix, names: Iterable[str] = tuple(RANKERS)
) -> dict[str, Fitted]:
    """Fit on the training fold; weigh the members of each ranker and calibrate on the calibration fold.

    Args:
        problem: The prediction problem.
        train: Rows (n, k) of the training fold.
        calibration: Rows (m, k) of the calibration fold.
        names: Rankers to fit; one of which no member can be fitted is left out, and with few customers all
            but the logistic regression.

    Raises:
        InsufficientData: Customers or positives are below the minimum of each ranker.
        LeakDetected: One feature alone gives the outcome away.
    """
    wanted = trainable(problem, train, calibration=calibration, names=names)
    members = fit_members(problem, train, names=members_of(wanted))
    return calibrated_rankers(problem, members, train=train, calibration=calibration, names=wanted)


def members_of(names: Iterable[str]) -> set[str]:
    """Members of the named rankers."""
    return {member for name in names for member in RANKERS[name]}


def trainable(
    problem: PredictionProblem, train: Matrix, *, calibration: Matrix, names: Iterable[str]
) -> list[str]:
    """Those of the rankers ``names`` that the data suffice for.

    Args:
        problem: The prediction problem.
        train: Rows (n, k) of the training fold.
        calibration: Rows (m, k) of the calibration fold.
        names: Rankers.

    Raises:
        InsufficientData: Customers or positives are below the minimum of each ranker.
        LeakDetected: One feature alone gives the outcome away.
    """
    found = _affordable(problem, train, calibration=calibration, names=names)
    refuse_separating_features(train, highest_auc=problem.criteria.highest_auc, scheduled=problem.scheduled)
    return found


def calibrated_rankers(
    problem: PredictionProblem,
    members: Mapping[str, Any],
    *,
    train: Matrix,
    calibration: Matrix,
    names: Iterable[str],
) -> dict[str, Fitted]:
    """Weigh the members of each ranker and calibrate it, both on the calibration fold.

    Args:
        problem: The prediction problem.
        members: Members fitted on ``train``, by name.
        train: Rows (n, k) of the training fold.
        calibration: Rows (m, k) of the calibration fold.
        names: Rankers; one without any member is left out.
    """
    method = calibration_method(*_distinct(calibration))
    found = {}
    for name in names:
        own = {each: members[each] for each in RANKERS[name] if each in members}
        if own:
            ranker = LogOddsBlend(own, validated_weights(own, calibration))
            model = calibrated(ranker, calibration.features, outcome=calibration.outcome, method=method)
            found[name] = _fitted(problem, model, method=method, reference=train, calibration=calibration)
    return found


def refitted(
    evaluated: Mapping[str, Fitted], members: Mapping[str, Any], *, known: Matrix
) -> dict[str, Fitted]:
    """The rankers with members that were fitted on all of ``known``; weights and calibrators stay.

    The newest dates are the most like today, so the version that serves learns from them too; no unseen
    fold is left to calibrate on then. Assumes that the scores of the larger fit spread like those the
    calibrator was fitted on; the realised checks would show if they did not.

    Args:
        evaluated: Rankers of :func:`calibrated_rankers`, by name, which stay as they are.
        members: By name, fitted on ``known``.
        known: Every row with a known outcome.

    Raises:
        ValueError: One is the fallback, which has no ranker of its own.
    """
    for each in evaluated.values():
        if each.is_fallback:
            raise ValueError(f"the fallback of {each.problem} has no ranker to refit")
    reference = reference_row(known.features)
    return {
        name: replace(each, model=_with_ranker(each.model, _like(each.ranker, members)), reference=reference)
        for name, each in evaluated.items()
    }


def _like(ranker: LogOddsBlend, members: Mapping[str, Any]) -> LogOddsBlend:
    """The members that count in ``ranker``, with the same weights."""
    weights = {name: weight for name, weight in ranker.weights.items() if weight > 0}
    return LogOddsBlend({name: members[name] for name in weights}, weights)


def _with_ranker(calibrated_model: Any, ranker: LogOddsBlend) -> Any:  # noqa: ANN401 - a fitted model
    """A copy of ``calibrated_model`` with another ranker below its calibrator."""
    model = copy.copy(calibrated_model)
    below = copy.copy(model.calibrated_classifiers_[0])
    model.estimator = below.estimator = FrozenEstimator(ranker)
    model.calibrated_classifiers_ = [below]
    return model


def fit_baseline(problem: PredictionProblem, known: Matrix) -> Fitted:
    """Fit the baseline on ``known`` (n, k): both folds that the candidate was fitted and calibrated on."""
    model = RecencyBands(column=problem.recency).fit(known.features, known.outcome)
    return _fitted(problem, model, method="none", reference=known, calibration=known)


def _affordable(
    problem: PredictionProblem, train: Matrix, *, calibration: Matrix, names: Iterable[str]
) -> list[str]:
    """Those of ``names`` that the data suffice for.

    Args:
        problem: Holds the minimum.
        train: Rows (n, k) of the training fold.
        calibration: Rows (m, k) of the calibration fold.
        names: Rankers.

    Raises:
        InsufficientData: They suffice for none; the message has every shortage and its counts.
    """
    least, wanted = problem.minimum_data, list(names)
    short = _shortages(train, calibration, customers=least.customers, positives=least.positives)
    if not short:
        return wanted
    if problem.linear and LOGISTIC in wanted:
        few = _shortages(
            train, calibration, customers=least.linear_customers, positives=least.linear_positives
        )
        if not few:
            return [LOGISTIC]
    raise InsufficientData(f"too little data for {problem.name}: {'; '.join(short)}")


def _shortages(train: Matrix, calibration: Matrix, *, customers: int, positives: int) -> list[str]:
    counts = {
        f"customers in training, {customers} needed": (len(set(train.entities.tolist())), customers),
        f"positives in training, {positives} needed": (train.positives, positives),
        f"negatives in training, {positives} needed": (len(train) - train.positives, positives),
        f"positives in calibration, {LEAST_CALIBRATION} needed": (calibration.positives, LEAST_CALIBRATION),
        f"negatives in calibration, {LEAST_CALIBRATION} needed": (
            len(calibration) - calibration.positives,
            LEAST_CALIBRATION,
        ),
    }
    return [f"{found} {what}" for what, (found, needed) in counts.items() if found < needed]


def _distinct(rows: Matrix) -> tuple[int, int]:
    """Numbers of different customers in positive rows, and in negative rows."""
    positive = rows.outcome == 1
    return len(set(rows.entities[positive].tolist())), len(set(rows.entities[~positive].tolist()))


def reference_row(features: pd.DataFrame) -> Reference:
    """Median of each number and mode of each category of ``features`` (n, k).

    ``None`` for a column without two different values: clicks that were never delivered are 0 for everyone.
    """
    found: dict[str, float | str | None] = {}
    for name in features.columns:
        column = features[name].dropna()
        if column.nunique() < 2:
            found[name] = None
        elif isinstance(column.dtype, pd.CategoricalDtype):
            found[name] = str(column.mode().iloc[0])
        else:
            found[name] = float(column.median())
    return found


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
        best_f1=best_f1_threshold(calibration.outcome, predicted),
        is_fallback=method == "none",
    )
