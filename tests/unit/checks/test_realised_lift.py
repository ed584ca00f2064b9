"""The realised lift of the top tenth against that of the test fold: false alarms and power by simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from assets.features.matrix import AS_OF
from assets.lifecycle.capability import MetricKey
from assets.metrics.arrays import Floats
from assets.supervised.evaluation.evaluation import TOP_LIFT, EvaluationSample, evaluate
from checks.models.performance import realised_lift_matches_test_fold

CUSTOMERS, DATES = 1_500, 8
SHOPS = 40


def metrics(rng: np.random.Generator, *, slope: float) -> pd.DataFrame:
    """Metrics of weekly rows whose log-odds are ``slope`` times those that the model states."""
    stated = rng.normal(-1.8, 1.0, CUSTOMERS)
    rows = np.tile(stated, DATES) + 0.3 * rng.normal(size=CUSTOMERS * DATES)
    truth = expit(-1.8 + slope * (rows + 1.8))
    as_of = np.repeat(np.datetime64("2024-01-01") + 7 * np.arange(DATES), CUSTOMERS)
    sample = EvaluationSample(
        outcome=(rng.random(rows.size) < truth).astype(float),
        candidate=np.asarray(expit(rows)),
        competitors={},
        entities=np.tile(np.arange(CUSTOMERS).astype(str).astype(object), DATES),
        as_of=as_of,
        slices={AS_OF: as_of.astype(str).astype(object)},
    )
    key = MetricKey(model_name="m", model_version="v", split="test")
    found = evaluate(sample, key, replicates=200, rng=rng).metrics
    return found.loc[found["metric"] == TOP_LIFT]


def passed(*, realised_slope: float) -> Floats:
    rng = np.random.default_rng(4)
    return np.array(
        [
            realised_lift_matches_test_fold(
                metrics(rng, slope=1.0), metrics(rng, slope=realised_slope), windows=2.6
            ).passed
            for _ in range(SHOPS)
        ],
        dtype=np.float64,
    )


def test_a_model_that_ranks_as_well_as_before_passes() -> None:
    assert passed(realised_slope=1.0).mean() == 1


def test_a_ranking_that_lost_most_of_its_power_is_found() -> None:
    # The lift falls from 2.7 to 1.4: a feature was no longer filled, say.
    assert passed(realised_slope=0.25).mean() == 0


def test_the_lift_is_the_rate_of_the_top_tenth_over_the_rate_of_all() -> None:
    # 10 of 100 have the highest probability and 5 of them buy; of the other 90 buy 9.
    probability = np.r_[np.full(10, 0.9), np.full(90, 0.1)]
    outcome = np.r_[np.ones(5), np.zeros(5), np.ones(9), np.zeros(81)]
    as_of = np.full(100, np.datetime64("2024-01-01"))
    sample = EvaluationSample(
        outcome=outcome, candidate=probability, competitors={},
        entities=np.arange(100).astype(str).astype(object), as_of=as_of, slices={},
    )  # fmt: skip
    key = MetricKey(model_name="m", model_version="v", split="test")
    found = evaluate(sample, key, replicates=200, rng=np.random.default_rng(0)).metrics
    lift = found.loc[found["metric"] == TOP_LIFT].iloc[0]
    assert lift["value"] == pytest.approx(0.5 / 0.14)
    assert lift["ci_lo"] < lift["value"] < lift["ci_hi"]


def test_nothing_matured_passes_with_that_reason() -> None:
    found = metrics(np.random.default_rng(1), slope=1.0)
    verdict = realised_lift_matches_test_fold(found, found.iloc[:0], windows=1.0)
    assert verdict.passed
    assert verdict.reason == "no published score of this version has matured"
