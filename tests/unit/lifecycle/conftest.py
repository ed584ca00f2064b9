"""One fitted candidate, its rival and their judgement, shared by the tests of the lifecycle."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from assets.features.matrix import Matrix
from assets.metrics.arrays import Floats
from assets.supervised.data.split import Split, split_by_time
from assets.supervised.evaluation.evaluation import Evaluation, EvaluationSample, MetricKey, evaluate
from assets.supervised.evaluation.slices import slice_values
from assets.supervised.fitting.train import Fitted, fit_candidate, fit_naive
from tests.unit.lifecycle.world import PROBLEM, as_of_days, matrix, shop

SUBJECT = MetricKey(model_name="purchase_propensity", model_version="v1", split="test")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Everything one training run makes."""

    rows: pd.DataFrame
    split: Split
    train: Matrix
    calibration: Matrix
    test: Matrix
    candidate: Fitted
    naive: Fitted

    def judged(self, candidate: Floats, champion: Floats | None = None) -> EvaluationSample:
        naive = self.naive.probability(self.test.features)
        return EvaluationSample(
            outcome=self.test.outcome,
            candidate=candidate,
            rivals={"naive": naive} | ({} if champion is None else {"champion": champion}),
            customers=self.test.entities,
            as_of=self.test.as_of,
            slices=slice_values(self.test.features, PROBLEM.slices),
        )

    def evaluation(self, candidate: Floats, champion: Floats | None = None) -> Evaluation:
        rng = np.random.default_rng(0)
        return evaluate(self.judged(candidate, champion), SUBJECT, replicates=100, rng=rng)


def run_trial(rows: pd.DataFrame) -> Trial:
    known = matrix(rows)
    split = split_by_time(as_of_days(26), horizon_days=30)
    train, calibration, test = (
        known.of(fold.rows(known.as_of)) for fold in (split.train, split.calibration, split.test)
    )
    seen = known.of(split.train.rows(known.as_of) | split.calibration.rows(known.as_of))
    return Trial(
        rows=rows,
        split=split,
        train=train,
        calibration=calibration,
        test=test,
        candidate=fit_candidate(PROBLEM, train, calibration=calibration),
        naive=fit_naive(PROBLEM, seen),
    )


@pytest.fixture(scope="session")
def trial() -> Trial:
    return run_trial(shop(customers=1_000, weeks=26))


@pytest.fixture(scope="session")
def said(trial: Trial) -> Floats:
    """The candidate's probabilities on the test fold."""
    return trial.candidate.probability(trial.test.features)


@pytest.fixture(scope="session")
def evaluation(trial: Trial, said: Floats) -> Evaluation:
    return trial.evaluation(said)
