"""The calibration slope has a season: a sound model is rarely stopped for it, and a false one still is."""

import numpy as np
import pytest

from assets.metrics.arrays import Floats
from assets.metrics.bootstrap import NORMAL_QUANTILE, Interval
from assets.supervised.evaluation.evaluation import with_periods
from assets.supervised.problem import PromotionCriteria

LOWEST, HIGHEST = PromotionCriteria().slope_range
RUNS, SAMPLING_SE = 4_000, 0.05
# Logarithms of the slopes of Online Retail's 17 months, each by the model of its date.
MONTHS = np.log(
    [0.98, 0.87, 0.81, 0.85, 1.05, 1.33, 1.23, 1.13, 1.07, 1.02, 1.12, 1.04, 0.94, 1.01, 0.87, 0.77, 1.0]
)


def seasons(months: int, rng: np.random.Generator) -> Floats:
    """(r,) mean deviation of the log slope over some neighbouring months, as Online Retail's move.

    A moving average of two: standard deviation 0.14, neighbours correlate by 0.5, others not at all.
    """
    noise = rng.normal(0, 0.14 / np.sqrt(2), (RUNS, months + 1))
    return np.asarray((noise[:, 1:] + noise[:, :-1]).mean(axis=1))


def share_stopped(slope: float, *, months: int, has_period_term: bool = True) -> float:
    """How often a model of that true slope is stopped on some months of its rows."""
    rng = np.random.default_rng(months)
    error = SAMPLING_SE / np.sqrt(months)
    found = slope * np.exp(seasons(months, rng) + rng.normal(0, error, RUNS))
    half = NORMAL_QUANTILE * error * found
    stopped = []
    for value, each in zip(found, half, strict=True):
        interval = Interval(value=value, lo=value - each, hi=value + each)
        if has_period_term:
            interval = with_periods(interval, windows=float(months))
        stopped.append(interval.lo > HIGHEST or interval.hi < LOWEST)
    return float(np.mean(stopped))


def test_the_season_is_that_of_the_months_it_was_measured_on() -> None:
    centred = MONTHS - MONTHS.mean()
    assert MONTHS.std(ddof=1) == pytest.approx(np.hypot(0.14, SAMPLING_SE), abs=0.005)
    lags = [float((centred[lag:] * centred[:-lag]).sum() / (centred**2).sum()) for lag in (1, 2, 3)]
    assert lags == pytest.approx([0.60, 0.12, -0.11], abs=0.005)


@pytest.mark.parametrize("months", [1, 2, 4])
def test_a_sound_model_is_stopped_in_less_than_one_case_in_a_hundred(months: int) -> None:
    assert share_stopped(1.0, months=months) < 0.01


def test_without_the_season_a_sound_model_would_be_stopped_often() -> None:
    assert share_stopped(1.0, months=1, has_period_term=False) > 0.05


@pytest.mark.parametrize("slope", [0.5, 2.0])
def test_a_slope_of_a_half_or_of_two_is_stopped_in_nine_cases_of_ten(slope: float) -> None:
    assert share_stopped(slope, months=1) > 0.9
    assert share_stopped(slope, months=4) > 0.99


@pytest.mark.parametrize("slope", [0.6, 1.67])
def test_a_quarter_finds_a_slope_of_0_6(slope: float) -> None:
    assert share_stopped(slope, months=4) > 0.9
