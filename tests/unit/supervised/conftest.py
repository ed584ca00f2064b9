"""One fitted candidate with its baseline and their evaluation, shared by the tests of the supervised kind."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from assets.features.matrix import Matrix
from assets.lifecycle.capability import MetricKey
from assets.metrics.arrays import Floats
from assets.supervised.data.split import Split, split_by_time
from assets.supervised.evaluation.evaluation import EvaluationSample, RecordedMetrics, evaluate
from assets.supervised.evaluation.slices import slice_values
from assets.supervised.fitting.train import Fitted, fit_baseline, fit_candidate
from tests.unit.supervised.world import PROBLEM, as_of_days, matrix, shop

KEY = MetricKey(model_name="purchase_propensity", model_version="v1", split="test")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Everything that one training run makes."""

    rows: pd.DataFrame
    split: Split
    train: Matrix
    calibration: Matrix
    test: Matrix
    candidate: Fitted
    baseline: Fitted

    def sample(
        self,
        candidate: Floats,
        champion: Floats | None = None,
        *,
        shift_sd: Floats | None = None,
        windows: float = 1.0,
    ) -> EvaluationSample:
        """The test fold with those predictions."""
        baseline = self.baseline.probability(self.test.features)
        return EvaluationSample(
            outcome=self.test.outcome,
            candidate=candidate,
            competitors={"baseline": baseline} | ({} if champion is None else {"champion": champion}),
            entities=self.test.entities,
            as_of=self.test.as_of,
            slices=slice_values(self.test.features, PROBLEM.slices),
            windows=windows,
            shift_sd=shift_sd,
        )

    def evaluated(self, candidate: Floats, champion: Floats | None = None) -> RecordedMetrics:
        """The metrics of those predictions on the test fold."""
        rng = np.random.default_rng(0)
        return evaluate(self.sample(candidate, champion), KEY, replicates=100, rng=rng)


def train(rows: pd.DataFrame) -> Trained:
    """Fit a candidate and the baseline on ``rows``."""
    known = matrix(rows)
    split = split_by_time(as_of_days(26), horizon_days=30)
    folds = [known.of(fold.rows(known.as_of)) for fold in (split.train, split.calibration, split.test)]
    seen = known.of(split.train.rows(known.as_of) | split.calibration.rows(known.as_of))
    return Trained(
        rows=rows,
        split=split,
        train=folds[0],
        calibration=folds[1],
        test=folds[2],
        candidate=fit_candidate(PROBLEM, folds[0], calibration=folds[1]),
        baseline=fit_baseline(PROBLEM, seen),
    )


@pytest.fixture(scope="session")
def trained() -> Trained:
    """A shop of 1,000 customers and 26 weeks, trained on once."""
    return train(shop(customers=1_000, weeks=26))


@pytest.fixture(scope="session")
def predicted(trained: Trained) -> Floats:
    """The candidate's probabilities on the test fold."""
    return trained.candidate.probability(trained.test.features)


@pytest.fixture(scope="session")
def evaluation(trained: Trained, predicted: Floats) -> RecordedMetrics:
    """The candidate's metrics on the test fold."""
    return trained.evaluated(predicted)
