"""Checks of performance: the bound of each, computed by hand, from both sides."""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy import special

from assets.metrics.arrays import Floats
from assets.prior_shift.forecast import PriorShiftForecast
from assets.supervised.evaluation.withheld_slices import slices_off
from assets.supervised.problem import PromotionCriteria
from checks.models.performance import (
    candidate_passes_the_gate,
    champion_is_calibrated,
    features_have_not_drifted,
    mean_probability_is_within_forecast_of_rate,
    no_slice_is_withheld,
    observed_totals_are_inside_intervals,
    realised_calibration_is_within_tolerance,
    realised_performance_is_within_tolerance,
    stated_uncertainty_matches_backtest,
)
from checks.verdict import Verdict

Figure = tuple[float, float, float]


def metrics(
    shift: Figure = (0.1, -0.1, 0.3), slope: Figure = (1.0, 0.9, 1.1), slice_shift: Figure = (0.0, -0.1, 0.1)
) -> pd.DataFrame:
    """A version's recorded calibration, each as (value, lower, upper) end of its 95 % interval."""
    rows = [
        ("calibration_shift", "all", "all", *shift),
        ("calibration_slope", "all", "all", *slope),
        ("mean_predicted", "all", "all", 0.25, 0.24, 0.26),
        ("mean_observed", "all", "all", 0.2, 0.19, 0.21),
        ("relative_shift", "country", "France", *slice_shift),
        ("relative_shift", "country", "Germany", 0.0, -0.1, 0.1),
    ]
    names = ["metric", "slice_name", "slice_value", "value", "ci_lo", "ci_hi"]
    found = pd.DataFrame(rows, columns=names)
    n = np.where(found["slice_name"] == "all", 5_000, 2_500)
    return found.assign(n=n, n_positive=n // 5)


def calibrated(**changed: Figure) -> Verdict:
    return champion_is_calibrated(metrics(**changed), criteria=PromotionCriteria())


def test_a_calibrated_champion_passes_with_its_n() -> None:
    verdict = calibrated()
    assert verdict.passed
    assert verdict.reason == "calibrated on 5,000 rows, every slice within bounds"
    assert verdict.value == 0.1
    assert verdict.threshold == pytest.approx(1.25)
    assert verdict.evidence == {"n": 5_000.0, "outcomes": 1_000.0}


def test_a_shift_beyond_tolerance_and_sampling_error_fails() -> None:
    # The tolerance is 1.05 log-odds: an interval from 1.06 on lies wholly beyond it.
    verdict = calibrated(shift=(1.2, 1.06, 1.3))
    assert not verdict.passed
    assert "mean score 0.250 is far from the rate 0.200" in verdict.reason


def test_a_shift_beyond_tolerance_within_sampling_error_passes() -> None:
    assert calibrated(shift=(1.2, 1.04, 1.3)).passed


def test_an_overconfident_champion_fails() -> None:
    # The slope may lie in 0.85 to 1.18.
    assert calibrated(slope=(0.7, 0.6, 0.86)).passed
    verdict = calibrated(slope=(0.7, 0.6, 0.84))
    assert not verdict.passed
    assert "overconfident" in verdict.reason


def test_a_slice_that_is_off_is_withheld_and_the_champion_serves_the_others() -> None:
    verdict = calibrated(slice_shift=(0.4, 0.31, 0.5))
    assert verdict.passed
    assert verdict.reason == "calibrated on 5,000 rows, rows of country = France are off and withheld"


def test_a_withheld_slice_is_named_with_its_rows() -> None:
    off = slices_off(metrics(slice_shift=(0.4, 0.31, 0.5)), criteria=PromotionCriteria())
    verdict = no_slice_is_withheld(off, withheld=12, n=100)
    assert not verdict.passed
    assert verdict.reason.startswith("12 of 100 rows have no score, because their slice is withheld: country")
    assert no_slice_is_withheld([], withheld=0, n=100).passed


def test_a_fallback_has_nothing_to_calibrate() -> None:
    verdict = champion_is_calibrated(metrics().head(0), criteria=PromotionCriteria())
    assert verdict.passed
    assert "fallback" in verdict.reason
    assert verdict.evidence["n"] == 0.0


def forecast(shift: float = 0.0, sd: float = 0.2) -> PriorShiftForecast:
    """A forecast of the rate after 40 matured dates."""
    return PriorShiftForecast(
        shift=shift, sd=sd, degrees_of_freedom=8.0, n_periods=40, has_season=True, components={}
    )


def near(probability: Floats, *, expected: float = 0.1, **known: float) -> Verdict:
    return mean_probability_is_within_forecast_of_rate(
        probability, expected=expected, forecast=forecast(**known)
    )


def test_a_mean_near_the_forecast_of_the_rate_passes() -> None:
    # Odds of 0.1 are 1/9, twice that 0.222, probability 0.182. With a million customers only the forecast's
    # error counts: 3.29 * 0.2 = 0.658, odds 0.115 to 0.429.
    verdict = near(np.full(1_000_000, 0.2), shift=np.log(2))
    assert verdict.passed
    assert verdict.evidence["lowest"] == pytest.approx(0.103, abs=1e-3)
    assert verdict.threshold == pytest.approx(0.300, abs=1e-3)
    assert "the rates of matured dates let expect 0.182, 0.103 to 0.300 (n = 40 dates)" in verdict.reason


@pytest.mark.parametrize("mean", [0.05, 0.2, 0.9])
def test_half_or_twice_the_rate_and_that_of_the_predicted_class_fail(mean: float) -> None:
    assert not near(np.full(1_000_000, mean)).passed


def test_a_first_season_allows_more_and_not_the_predicted_class() -> None:
    assert near(np.full(10_000, 0.4), sd=0.6).passed
    assert not near(np.full(10_000, 0.9), sd=0.6).passed


def test_the_rate_of_few_customers_is_less_certain() -> None:
    # 100 customers at 0.1: an error of 1 / sqrt(9) = 0.33 beside 0.2, 1.28 log-odds in all.
    assert near(np.full(100, 0.2)).passed
    assert not near(np.full(100, 0.35)).passed


@pytest.mark.parametrize(("n", "known"), [(100, None), (0, forecast())])
def test_without_a_matured_date_the_check_passes(n: int, known: PriorShiftForecast | None) -> None:
    verdict = mean_probability_is_within_forecast_of_rate(np.full(n, 0.9), expected=0.1, forecast=known)
    assert verdict.passed
    assert verdict.evidence["n"] == 0.0
    assert "yet" in verdict.reason


def share_of_means_that_fail(log_odds: float, *, agreement: float = 0.8) -> float:
    """How often a mean fails that is off by ``log_odds``: two forecasts whose errors correlate."""
    rng = np.random.default_rng(0)
    shared, ours, theirs = rng.normal(0, 0.2, (3, 2_000))
    weight, rest = np.sqrt(agreement), np.sqrt(1 - agreement)
    published = log_odds + weight * shared + rest * ours - (weight * shared + rest * theirs)
    means = special.expit(special.logit(0.1) + published)
    return float(np.mean([not near(np.full(10_000, mean)).passed for mean in means]))


def test_a_right_mean_never_fails_and_one_of_twice_or_half_the_rate_mostly_does() -> None:
    assert share_of_means_that_fail(0.0, agreement=0.0) < 0.03
    assert share_of_means_that_fail(0.0) == 0
    # 0.2 has 0.81 more log-odds than 0.1, 0.05 has 0.75 less.
    assert share_of_means_that_fail(0.81) > 0.8
    assert share_of_means_that_fail(-0.75) > 0.7


def totals(realised: Sequence[float | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {"observed_positives": realised, "expected_positives_lo": 90.0, "expected_positives_hi": 110.0}
    ).astype(float)


def test_one_miss_in_five_is_bad_luck() -> None:
    # P(at least 1 of 5 outside) = 1 - 0.95^5 = 0.226.
    verdict = observed_totals_are_inside_intervals(totals([100.0] * 4 + [120.0]))
    assert verdict.passed
    assert verdict.value == pytest.approx(0.226, abs=5e-4)
    assert verdict.reason.startswith("1 of 5 matured totals lie outside")


def test_two_misses_in_two_are_not() -> None:
    # P(2 of 2 outside) = 0.05^2 = 0.0025 < 0.01.
    verdict = observed_totals_are_inside_intervals(totals([120.0, 80.0]))
    assert not verdict.passed
    assert verdict.value == pytest.approx(0.0025)
    assert verdict.evidence == {"n": 2.0, "misses": 2.0}


def test_the_ends_of_an_interval_belong_to_it() -> None:
    assert observed_totals_are_inside_intervals(totals([90.0, 110.0])).evidence["misses"] == 0.0


def test_totals_that_have_not_matured_are_not_counted() -> None:
    verdict = observed_totals_are_inside_intervals(totals([None, None, 100.0]))
    assert verdict.passed
    assert verdict.evidence["n"] == 1.0
    assert observed_totals_are_inside_intervals(totals([None])).passed
    assert observed_totals_are_inside_intervals(totals([])).passed


def test_a_candidate_that_fails_the_gate_has_the_reasons() -> None:
    verdict = candidate_passes_the_gate(is_promotable=False, reasons=["constant scores", "too few positives"])
    assert not verdict.passed
    assert verdict.reason == "constant scores; too few positives"
    assert candidate_passes_the_gate(is_promotable=True, reasons=["beats the baseline"]).passed


FIGURES = {"auc": 0.75, "mean_predicted": 0.21, "mean_observed": 0.2}


def realised_row(**changed: object) -> pd.Series:
    """A row of realised performance."""
    row = {"n": 4_000, "n_days": 4, "figures": json.dumps(FIGURES), "too_few": None, "defects": None}
    return pd.Series(row | changed, dtype=object)


def realised(**changed: object) -> Verdict:
    return realised_calibration_is_within_tolerance(realised_row(**changed))


def test_probabilities_that_match_outcomes_pass_with_their_figures() -> None:
    verdict = realised()
    assert verdict.passed
    assert verdict.reason == "4 dates, 4,000 rows: auc 0.750, mean_predicted 0.210, mean_observed 0.200"
    assert (verdict.value, verdict.threshold) == (0.21, 0.2)
    assert verdict.evidence == {"n": 4_000.0, "dates": 4.0, **FIGURES}


def test_probabilities_that_do_not_match_fail_with_the_reason_and_the_next_step() -> None:
    verdict = realised(defects="country = France is off by 0.9")
    assert not verdict.passed
    assert verdict.reason == (
        "country = France is off by 0.9; its scores are withheld until a version passes the gate: "
        "launch retrain"
    )


@pytest.mark.parametrize(
    ("unknown", "why"),
    [
        ({"n": 0, "n_days": 0, "figures": None}, "has matured"),
        (
            {"n": 120, "figures": None, "too_few": "too few of either outcome in 120"},
            "too few of either outcome in 120",
        ),
    ],
)
def test_scores_that_have_not_matured_are_not_evaluated_yet(unknown: dict[str, object], why: str) -> None:
    verdict = realised(**unknown)
    assert verdict.passed
    assert why in verdict.reason
    assert verdict.reason.endswith("not evaluated yet")
    assert verdict.evidence == {"n": float(str(unknown["n"]))}


def test_the_shared_check_has_the_same_verdict_without_the_probabilities() -> None:
    verdict = realised_performance_is_within_tolerance(realised_row())
    assert (verdict.passed, verdict.value, verdict.evidence["auc"]) == (True, None, 0.75)
    assert not realised_performance_is_within_tolerance(realised_row(defects="off")).passed


def drift_verdict(**changed: object) -> Verdict:
    row = {"n": 3_000, "compared": 46, "drifted": None}
    return features_have_not_drifted(pd.Series(row | changed, dtype=object))


def test_features_within_the_training_window_pass() -> None:
    verdict = drift_verdict()
    assert verdict.passed
    assert verdict.reason == "46 columns of 3,000 rows are within the range of the training window"
    assert (verdict.value, verdict.threshold) == (0.0, 0.0)


def test_columns_that_have_drifted_are_named_and_counted() -> None:
    verdict = drift_verdict(drifted="net_amount_365d, country")
    assert not verdict.passed
    assert "in 3,000 rows: net_amount_365d, country; look at the page" in verdict.reason
    assert verdict.value == 2.0
    assert verdict.evidence == {"n": 3_000.0, "columns": 46.0}


def test_without_a_champion_nothing_is_compared() -> None:
    verdict = drift_verdict(compared=0, drifted=pd.NA)
    assert verdict.passed
    assert "no champion serves" in verdict.reason


def backtest(z_rms: float, windows: float, *, season_known: bool = True) -> Verdict:
    rows = {"backtest_z_rms": [z_rms], "backtest_windows": [windows], "season_known": [season_known]}
    return stated_uncertainty_matches_backtest(pd.DataFrame(rows))


def test_errors_of_the_stated_size_pass_from_the_first_run_on() -> None:
    verdict = backtest(1.0, 6.0)
    # chi-squared(6) has 1.237 at 2.5 % and 14.449 at 97.5 %: sqrt(6 / 14.449) = 0.64, sqrt(6 / 1.237) = 2.20.
    assert verdict.passed
    assert (verdict.evidence["ci_lo"], verdict.evidence["ci_hi"]) == pytest.approx((0.644, 2.202), abs=1e-3)
    assert backtest(float("nan"), 0.0).passed
    assert stated_uncertainty_matches_backtest(pd.DataFrame()).passed


def test_a_first_season_may_be_too_wide_and_not_too_narrow() -> None:
    assert backtest(0.3, 12.0, season_known=False).passed
    assert not backtest(0.3, 12.0).passed
    assert not backtest(3.0, 12.0, season_known=False).passed


def share_that_fails(error_in_sds: float, windows: int) -> float:
    """Share of 2,000 shops that fail whose errors are so many stated standard deviations."""
    rng = np.random.default_rng(5)
    z_rms = error_in_sds * np.sqrt(rng.chisquare(windows, size=2_000) / windows)
    return float(np.mean([not backtest(each, windows).passed for each in z_rms]))


def test_the_backtest_mostly_finds_a_standard_deviation_that_is_half_or_double_within_two_years() -> None:
    # Thirty-day windows: a year has 12. At the ends of the allowed range one shop in 40 fails, as it should.
    assert share_that_fails(1.0, 12) < 0.01
    assert share_that_fails(1.3, 12) == pytest.approx(0.025, abs=0.01)
    assert share_that_fails(0.75, 12) == pytest.approx(0.025, abs=0.01)
    assert share_that_fails(2.0, 12) > 0.6
    assert share_that_fails(2.0, 24) > 0.85
    assert share_that_fails(0.5, 12) > 0.3
    assert share_that_fails(0.5, 24) > 0.7
