"""Backtest over history: each date's model, fitted on what was known then, compared with its outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from assets.features.matrix import Matrix
from assets.lifecycle.gate import decide
from assets.lifecycle.run_context import RunContext
from assets.metrics.arrays import Floats
from assets.metrics.bootstrap import (
    ClusterBootstrap,
    Interval,
    classification_metrics,
    interval,
    paired_differences,
)
from assets.metrics.calibration import calibration_slope
from assets.metrics.classification import auc, with_shift
from assets.prior_shift.forecast import total_interval
from assets.supervised.capability import SupervisedCapability
from assets.supervised.data.dataset import TrainingData, load_eligible_matrix
from assets.supervised.evaluation.walk_forward import fit_calibrated
from assets.supervised.fitting.train import Fitted, fit_baseline
from assets.supervised.problem import PredictionProblem
from assets.supervised.spec import COMPARED


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRow:
    """One as-of date of the backtest.

    Attributes:
        cohort_size: Eligible entities.
        observed: Of those, entities with the outcome within the horizon.
        total: Sum of the probabilities that would have been published, with its 95 % interval.
        ranker: The ranker that was chosen.
        auc: Of those probabilities.
        ranker_auc: Of every ranker fitted on the same rows, by name.
        baseline_auc: Of the rate by recency, fitted on the same rows.
        auc_difference: Paired, by entity.
        slope: Calibration slope of those probabilities; below 1 they are overconfident.
        decision: Decision of the promotion gate on the date's candidate, without a champion to beat.
    """

    as_of: date
    cohort_size: int
    observed: int
    total: Interval
    ranker: str
    auc: float
    ranker_auc: Mapping[str, float]
    baseline_auc: float
    auc_difference: Interval
    slope: float
    decision: str

    @property
    def miss(self) -> float:
        """Predicted over observed total, minus one."""
        return self.total.value / self.observed - 1

    @property
    def is_inside(self) -> bool:
        """Whether the observed total lies in the stated interval."""
        return self.total.lo <= self.observed <= self.total.hi


def backtest_date(capability: SupervisedCapability, run: RunContext[TrainingData, Fitted]) -> BacktestRow:
    """Fit the date's model as production would have, and compare its scores with the matured outcomes.

    Nothing is written. The outcome of the date's own window is read only after everything was fitted.

    Args:
        capability: The capability.
        run: A run of it for the date.

    Raises:
        InsufficientData, LeakDetected: As production would have refused that date.
    """
    problem, data = capability.problem, run.data
    evaluation = capability.backtest(data, champion=None, version=str(run.as_of))
    rankers = fit_calibrated(problem, data.labelled)
    fitted = rankers[evaluation.params["ranker"]]
    shift = capability.serving_state(fitted, data).forecast
    matrix = load_eligible_matrix(problem, run.warehouse, as_of=run.as_of)
    raw = fitted.probability(matrix.features)
    baseline = fit_baseline(problem, data.labelled).probability(matrix.features)
    published = with_shift(raw, shift.shift)
    lo, hi = total_interval(raw, shift)
    decision = decide(evaluation.metrics, COMPARED, defects=evaluation.defects)
    outcome = _outcomes(problem, run, matrix)
    return _row(
        problem,
        run.as_of,
        outcome=outcome,
        predicted=(published, baseline),
        rankers={name: auc(outcome, each.probability(matrix.features)) for name, each in rankers.items()},
        ranker=evaluation.params["ranker"],
        total=Interval(value=float(published.sum()), lo=lo, hi=hi),
        decision="promote" if decision.promote else f"refuse: {'; '.join(decision.reasons)}",
    )


def _row(  # noqa: PLR0913 - the parts of one row
    problem: PredictionProblem,
    as_of: date,
    *,
    outcome: Floats,
    predicted: tuple[Floats, Floats],
    rankers: Mapping[str, float],
    ranker: str,
    total: Interval,
    decision: str,
) -> BacktestRow:
    resamples = ClusterBootstrap.by_customer(
        np.arange(outcome.size),
        replicates=problem.criteria.replicates,
        rng=np.random.default_rng(problem.seed),
    )
    published, baseline = (classification_metrics(outcome, each, resamples) for each in predicted)
    difference = paired_differences(published, baseline)["auc"]
    return BacktestRow(
        as_of=as_of,
        cohort_size=outcome.size,
        observed=int(outcome.sum()),
        total=total,
        ranker=ranker,
        auc=float(published["auc"][0]),
        ranker_auc=rankers,
        baseline_auc=float(baseline["auc"][0]),
        auc_difference=interval(float(difference[0]), difference[1:]),
        slope=calibration_slope(outcome, predicted[0], np.arange(outcome.size)).value,
        decision=decision,
    )


def _outcomes(problem: PredictionProblem, run: RunContext[TrainingData, Fitted], matrix: Matrix) -> Floats:
    labels = run.warehouse.read(
        f"select {problem.entity_id}, outcome from {problem.label.sql} where as_of_date = $as_of",
        {"as_of": run.as_of},
    )
    known = pd.Series(labels["outcome"].to_numpy(float), index=labels[problem.entity_id].astype(str))
    return known.reindex(matrix.entities).to_numpy(dtype=np.float64)
