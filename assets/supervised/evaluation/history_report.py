"""Rolling origin: each morning's model, made only from what that morning knew, against what then happened."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from assets.features.matrix import Matrix
from assets.lifecycle.gate import decide
from assets.lifecycle.run_context import Morning
from assets.lifecycle.scoring import level_of
from assets.metrics.arrays import Floats
from assets.metrics.bootstrap import (
    ClusterBootstrap,
    Interval,
    classification_metrics,
    interval,
    paired_differences,
)
from assets.metrics.calibration import calibration_slope
from assets.metrics.classification import with_shift
from assets.prior_shift.forecast import total_interval
from assets.supervised.data.dataset import load_eligible_matrix
from assets.supervised.evaluation.evaluation import Evaluation
from assets.supervised.evaluation.walk_forward import (
    evaluate_candidate,
    fallback,
    fit_calibrated,
    fit_walk_forward,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRow:
    """One morning looked back on.

    Attributes:
        customers: Size of the cohort.
        happened: Of those, customers with the outcome within the horizon.
        total: Sum of the probabilities that morning would have published, with its 95 % interval.
        auc: Of those probabilities.
        naive_auc: Of the naive rival's rates, fitted that morning on the same rows.
        auc_difference: Paired, by customer.
        slope: Calibration slope of those probabilities; below 1 they are overconfident.
        decision: What the gate said of the morning's candidate, without a champion to beat.
    """

    as_of: date
    customers: int
    happened: int
    total: Interval
    auc: float
    naive_auc: float
    auc_difference: Interval
    slope: float
    decision: str

    @property
    def miss(self) -> float:
        """Predicted total over what happened, minus one."""
        return self.total.value / self.happened - 1

    @property
    def is_inside(self) -> bool:
        """Whether what happened lies in the stated interval."""
        return self.total.lo <= self.happened <= self.total.hi


def look_back(morning: Morning) -> BacktestRow:
    """Make the morning's model as production would have, and judge its table by the matured outcome.

    Nothing is written. The outcome of the morning's own window is read only after everything was fitted.

    Raises:
        TooLittleHistory, InsufficientData, LeakDetected: as production would have refused that morning.
    """
    problem, rows = morning.problem, morning.rows
    twin = fit_walk_forward(problem, rows)
    judged = evaluate_candidate(problem, twin, rows=rows, champion=(), version=str(morning.as_of))
    fitted = fit_calibrated(problem, rows.labelled)
    level = level_of(morning, fitted)
    matrix = load_eligible_matrix(problem, morning.warehouse, as_of=morning.as_of)
    raw = fitted.probability(matrix.features)
    naive = fallback(problem, rows).probability(matrix.features)
    published = with_shift(raw, level.shift)
    lo, hi = total_interval(raw, level)
    return _looked(
        morning,
        outcome=_outcomes(morning, matrix),
        said=(published, naive),
        total=Interval(value=float(published.sum()), lo=lo, hi=hi),
        judged=judged,
    )


def _looked(
    morning: Morning,
    *,
    outcome: Floats,
    said: tuple[Floats, Floats],
    total: Interval,
    judged: Evaluation,
) -> BacktestRow:
    problem = morning.problem
    resamples = ClusterBootstrap.by_customer(
        np.arange(outcome.size),
        replicates=problem.criteria.replicates,
        rng=np.random.default_rng(problem.seed),
    )
    ours, theirs = (classification_metrics(outcome, each, resamples) for each in said)
    difference = paired_differences(ours, theirs)["auc"]
    decision = decide(judged.metrics, criteria=problem.criteria)
    return BacktestRow(
        as_of=morning.as_of,
        customers=outcome.size,
        happened=int(outcome.sum()),
        total=total,
        auc=float(ours["auc"][0]),
        naive_auc=float(theirs["auc"][0]),
        auc_difference=interval(float(difference[0]), difference[1:]),
        slope=calibration_slope(outcome, said[0], np.arange(outcome.size)).value,
        decision="promote" if decision.promote else f"refuse: {'; '.join(decision.reasons)}",
    )


def _outcomes(morning: Morning, matrix: Matrix) -> Floats:
    problem = morning.problem
    labels = morning.warehouse.read(
        f"select {problem.entity_id}, outcome from {problem.label.sql} where as_of_date = $as_of",
        {"as_of": morning.as_of},
    )
    known = pd.Series(labels["outcome"].to_numpy(float), index=labels[problem.entity_id].astype(str))
    return known.reindex(matrix.entities).to_numpy(dtype=np.float64)
