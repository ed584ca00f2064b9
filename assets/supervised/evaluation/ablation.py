"""Feature ablation: what each feature group adds to predictions of dates that the model was not fitted on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from assets.features.groups import FeatureGroup
from assets.features.matrix import UNKNOWN, Matrix
from assets.lifecycle.capability import MetricKey
from assets.lifecycle.store.metric_lookup import overall
from assets.metrics.arrays import Floats
from assets.metrics.bootstrap import Interval
from assets.supervised.data.dataset import TrainingData
from assets.supervised.data.split import split_by_time
from assets.supervised.evaluation.evaluation import EvaluationSample, evaluate
from assets.supervised.fitting.rankers import usable_features
from assets.supervised.fitting.train import fit_candidate
from assets.supervised.problem import PredictionProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """One feature group, and how the model with it differs from the model without it.

    Attributes:
        group: The feature group.
        log_loss: Change of the log loss after recalibration by the group; below 0 the group helps.
        auc: Change of the area under the ROC curve by the group; above 0 the group helps.
    """

    group: FeatureGroup
    log_loss: Interval
    auc: Interval

    @property
    def verdict(self) -> str:
        """``helps`` or ``harms`` when the whole 95 % interval of the log loss says so, else ``not shown``."""
        if self.log_loss.hi < 0:
            return "helps"
        return "harms" if self.log_loss.lo > 0 else "not shown"


def ablate(problem: PredictionProblem, data: TrainingData) -> list[Ablation]:
    """Fit the model once with every feature and once without each group, and compare them on the test fold.

    Each model is fitted on the training fold and calibrated on the calibration fold. What a group adds is
    what the other groups cannot give: of two groups that say the same, neither helps.

    Args:
        problem: The prediction problem.
        data: Training data of the as-of date.

    Returns:
        One row per group with a usable feature, the most helpful first.

    Raises:
        TooLittleHistory, InsufficientData, LeakDetected: As when a candidate is fitted.
    """
    known = data.labelled
    split = split_by_time(data.matured_days, horizon_days=problem.horizon_days)
    folds = tuple(known.of(fold.rows(known.as_of)) for fold in (split.train, split.calibration, split.test))
    groups = list(_groups(problem, folds[0]))
    metrics = _evaluated(problem, folds, groups)
    found = [
        Ablation(
            group=each,
            log_loss=overall(metrics, f"{each.name}_recalibrated_log_loss_difference"),
            auc=overall(metrics, f"{each.name}_auc_difference"),
        )
        for each in groups
    ]
    return sorted(found, key=lambda each: each.log_loss.value)


def _evaluated(
    problem: PredictionProblem, folds: Sequence[Matrix], groups: Iterable[FeatureGroup]
) -> pd.DataFrame:
    """Metrics of the model with every feature beside those of the models without each group."""
    test = folds[-1]
    sample = EvaluationSample(
        outcome=test.outcome,
        candidate=_predicted(problem, *folds),
        competitors={
            each.name: _predicted(problem, *(without(rows, each.columns) for rows in folds))
            for each in groups
        },
        entities=test.entities,
        as_of=test.as_of,
        slices={},
    )
    key = MetricKey(model_name=problem.name, model_version="ablation", split="test")
    rng = np.random.default_rng(problem.seed)
    return evaluate(sample, key, replicates=problem.criteria.replicates, rng=rng).metrics


def without(rows: Matrix, columns: tuple[str, ...]) -> Matrix:
    """``rows`` (n, k) whose ``columns`` have no value, as if their source had never been delivered."""
    empty = {
        name: pd.Categorical([UNKNOWN] * len(rows))
        if isinstance(rows.features[name].dtype, pd.CategoricalDtype)
        else np.full(len(rows), np.nan)
        for name in columns
    }
    return replace(rows, features=rows.features.assign(**empty))


def _groups(problem: PredictionProblem, rows: Matrix) -> Iterator[FeatureGroup]:
    """Reason groups with a usable feature, and the features that belong to none of them as one group."""
    usable = usable_features(problem, rows.features)
    grouped = {name for each in problem.reason_groups for name in each.columns}
    others = tuple(name for name in usable if name not in grouped)
    yield from (each for each in problem.reason_groups if set(each.columns) & set(usable))
    if others:
        yield FeatureGroup(name="other", columns=others, description="Features of no group.")


def _predicted(problem: PredictionProblem, train: Matrix, calibration: Matrix, test: Matrix) -> Floats:
    return fit_candidate(problem, train, calibration=calibration).probability(test.features)
