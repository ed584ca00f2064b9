"""The rankers of a problem: a blend, and two baselines that are models themselves."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from assets.features.matrix import Matrix, sample_modulus
from assets.lifecycle.capability import InsufficientData
from assets.metrics.arrays import Flags, Floats
from assets.supervised.fitting.purchase_chance import HistoryColumns, PurchaseChance
from assets.supervised.problem import PredictionProblem

BOOSTING, SPLINES, BG_NBD, LOGISTIC = "boosting", "splines", "bg_nbd", "logistic"
BLEND = "blend"
# The members of each ranker. A member that the data do not suffice for is left out.
RANKERS: Mapping[str, tuple[str, ...]] = {
    BLEND: (BOOSTING, SPLINES, BG_NBD),
    BG_NBD: (BG_NBD,),
    LOGISTIC: (LOGISTIC,),
}


def fit_members(problem: PredictionProblem, rows: Matrix, *, names: Iterable[str]) -> dict[str, Any]:
    """Fit the named members to ``rows`` (n, k), without calibration; those that can be fitted, by name.

    Args:
        problem: The prediction problem.
        rows: Rows with a known outcome, oldest date first.
        names: Names of members.
    """
    wanted = set(names)
    found: dict[str, Any] = {}
    if wanted - {BG_NBD}:
        found = _fit_classifiers(problem, rows, wanted)
    if BG_NBD in wanted and problem.history is not None:
        # Too few repeat buyers for four parameters: the other members need none.
        with suppress(InsufficientData):
            found[BG_NBD] = _fit_purchase_chance(problem, rows, problem.history)
    return found


def usable_features(problem: PredictionProblem, features: pd.DataFrame) -> tuple[str, ...]:
    """The columns that a model reads: numbers that some row of ``features`` (n, k) has, and categories.

    A table that was never delivered leaves its columns empty. Offered to the trees, they would still
    be drawn in place of informative columns: orders alone must give the same model either way.
    """
    return tuple(name for name in problem.numeric if features[name].notna().any()) + problem.categorical


def _fit_classifiers(problem: PredictionProblem, rows: Matrix, wanted: set[str]) -> dict[str, Any]:
    task, outcome = problem.task, rows.outcome.astype("int64")
    usable = usable_features(problem, rows.features)
    columns = {
        "numeric": tuple(name for name in usable if name in problem.numeric),
        "categorical": problem.categorical,
    }
    weights = _row_weights(problem, rows, columns)
    found: dict[str, Any] = {}
    if BOOSTING in wanted:
        found[BOOSTING] = task.estimator(**columns, seed=problem.seed).fit(
            rows.features, outcome, quantiles__sample_weight=weights, boosting__sample_weight=weights
        )
    thin = _of_some_dates(rows, at_most=task.splines.most_rows)
    smooth = {SPLINES: task.spline_estimator(**columns)}
    linear = tuple(name for name in problem.linear if name in usable)
    if linear:
        smooth[LOGISTIC] = task.linear_estimator(numeric=linear)
    for name, estimator in smooth.items():
        if name in wanted:
            found[name] = estimator.fit(
                rows.features.loc[thin], outcome[thin], logistic__sample_weight=weights[thin]
            )
    return found


def _row_weights(problem: PredictionProblem, rows: Matrix, columns: Mapping[str, tuple[str, ...]]) -> Floats:
    """Weights that take each date's common shift, as a quick model estimates it, out of the outcomes."""
    outcome = rows.outcome.astype("int64")
    pilot = problem.task.pilot_estimator(**columns, seed=problem.seed).fit(rows.features, outcome)
    lowest = 0.5 / (len(rows) + 1)
    expected = np.clip(pilot.predict_proba(rows.features)[:, 1], lowest, 1 - lowest)
    return problem.task.weights(rows.outcome, expected, as_of=rows.as_of)


def _fit_purchase_chance(problem: PredictionProblem, rows: Matrix, history: HistoryColumns) -> PurchaseChance:
    """BG/NBD on the newest row of each customer: an earlier one is a part of the same history."""
    newest = ~pd.Series(rows.entities).duplicated(keep="last").to_numpy()
    model = PurchaseChance(
        columns=(history.recency, history.tenure, history.orders),
        horizon_days=problem.horizon_days,
        is_absence=problem.label_is_absence_of_order,
    )
    return model.fit(rows.features.loc[newest])


def _of_some_dates(rows: Matrix, *, at_most: int) -> Flags:
    """(n,) whether a row is of the newest as-of date or of every k-th before it: some ``at_most`` rows."""
    newest_first = np.unique(rows.as_of)[::-1]
    return np.isin(rows.as_of, newest_first[:: sample_modulus(len(rows), at_most=at_most)])
