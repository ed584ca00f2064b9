"""Bins, intercept and slope recover simulated miscalibration."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit
from statsmodels.stats.proportion import proportion_confint

from assets.metrics.calibration import (
    calibration_bins,
    calibration_in_the_large,
    calibration_slope,
    expected_calibration_error,
    shift_per_day,
)
from assets.metrics.classification import log_odds, with_shift


def drawn(rows: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    truth = expit(rng.normal(-1.5, 1.0, rows))
    return (rng.random(rows) < truth).astype(float), truth


def test_a_bin_has_the_wilson_interval_of_its_customers() -> None:
    # 20 rows of 10 customers, 5 of 20 buy: rate 0.25 among 10 independent customers.
    outcome = np.array([1.0] * 5 + [0.0] * 15)
    customers = np.arange(20) % 10
    (only,) = calibration_bins(outcome, np.full(20, 0.3), customers)
    lo, hi = proportion_confint(2.5, 10, method="wilson")
    assert (only.n, only.mean_observed) == (20, 0.25)
    assert [only.ci_lo, only.ci_hi] == pytest.approx([lo, hi])


def test_equal_probabilities_share_a_bin_and_no_row_is_lost() -> None:
    outcome, truth = drawn(1_000)
    bins = calibration_bins(outcome, truth.round(1))
    assert sum(each.n for each in bins) == 1_000
    assert len(bins) < 10
    assert len(calibration_bins(outcome, truth)) == 10


def test_the_calibration_error_weights_bins_by_rows() -> None:
    # Ten rows at 0.1 of which 2 buy (off by 0.1), ten at 0.9 of which 9 buy (off by 0): mean 0.05.
    outcome = np.array([1.0] * 2 + [0.0] * 8 + [1.0] * 9 + [0.0])
    bins = calibration_bins(outcome, np.repeat([0.1, 0.9], 10))
    assert expected_calibration_error(bins) == pytest.approx(0.05)


def test_each_day_has_its_own_shift() -> None:
    # 0.5 was predicted on both days; one of two bought on the first (shift 0), three of four on the second
    # (log 3).
    outcome = np.array([1.0, 0.0, 1.0, 1.0, 1.0, 0.0])
    shifts = shift_per_day(outcome, np.full(6, 0.5), np.array([0, 0, 1, 1, 1, 1]))
    assert shifts == pytest.approx([0, 0] + [np.log(3)] * 4, abs=1e-9)


def test_a_day_without_a_single_buyer_counts_half_a_row() -> None:
    # Half a row of 10 is a rate of 0.05: logit(0.05) - logit(0.2) = log(0.05 / 0.95) + log 4
    shifts = shift_per_day(np.zeros(10), np.full(10, 0.2), np.zeros(10, dtype=np.int64))
    assert shifts == pytest.approx(np.log(0.05 / 0.95) + np.log(4))


def test_a_day_far_from_its_prediction_is_moved_all_the_way() -> None:
    # logit(0.5) - logit(0.0001) = log 9,999, about 9.2
    outcome, probability = np.tile([1.0, 0.0], 5), np.full(10, 0.0001)
    shifts = shift_per_day(outcome, probability, np.zeros(10, dtype=np.int64))
    assert shifts == pytest.approx(np.log(9_999))
    assert with_shift(probability, shifts).mean() == pytest.approx(0.5)


def test_a_simulated_shift_and_slope_are_estimated() -> None:
    outcome, truth = drawn()
    customers = np.arange(outcome.size)
    shift = calibration_in_the_large(outcome, with_shift(truth, -0.5), customers)
    assert shift.lo < 0.5 < shift.hi
    slope = calibration_slope(outcome, expit(2 * log_odds(truth)), customers)
    assert slope.lo < 0.5 < slope.hi
    assert slope.hi < 0.6


def test_intercept_and_slope_agree_with_statsmodels() -> None:
    outcome, truth = drawn(3_000)
    predicted, customers = np.clip(truth * 0.7, 0.01, 0.9), np.arange(3_000) // 3
    clustered = {"cov_type": "cluster", "cov_kwds": {"groups": customers, "use_correction": False}}
    family, constant = sm.families.Binomial(), np.ones(3_000)
    intercept = sm.GLM(outcome, constant, family=family, offset=log_odds(predicted)).fit(**clustered)
    slope = sm.GLM(outcome, sm.add_constant(log_odds(predicted)), family=family).fit(**clustered)
    ours = (
        calibration_in_the_large(outcome, predicted, customers),
        calibration_slope(outcome, predicted, customers),
    )
    theirs = (intercept.params[0], intercept.bse[0]), (slope.params[1], slope.bse[1])
    for found, (value, error) in zip(ours, theirs, strict=True):
        assert found.value == pytest.approx(value, rel=1e-5)
        assert found.hi - found.lo == pytest.approx(2 * 1.96 * error, rel=1e-4)


def test_rows_repeated_per_customer_do_not_narrow_the_interval() -> None:
    outcome, truth = drawn(2_000)
    once = calibration_in_the_large(outcome, truth, np.arange(2_000))
    fivefold = calibration_in_the_large(np.tile(outcome, 5), np.tile(truth, 5), np.tile(np.arange(2_000), 5))
    assert fivefold.hi - fivefold.lo == pytest.approx(once.hi - once.lo, rel=0.02)


def test_constant_predictions_have_no_slope() -> None:
    outcome, truth = drawn(1_000)
    assert np.isnan(calibration_slope(outcome, np.full_like(truth, 0.2), np.arange(1_000)).value)
