"""Metrics of amounts against numbers worked out by hand."""

import numpy as np
import pytest

from assets.metrics.amounts import (
    Concentration,
    amount_accuracy,
    coverage,
    poisson_deviances,
    totals_by_cohort,
    totals_by_decile,
    transform_coverage,
    wape,
)
from assets.metrics.bootstrap import ClusterBootstrap, interval, paired_differences

REALISED = np.array([0.0, 10.0, 0.0, 30.0])
PREDICTED = np.array([5.0, 5.0, 0.0, 20.0])


def resamples(n: int, replicates: int = 200) -> ClusterBootstrap:
    return ClusterBootstrap.by_customer(np.arange(n), replicates=replicates, rng=np.random.default_rng(0))


def test_wape_is_the_sum_of_errors_over_the_sum_of_amounts() -> None:
    # Errors of 5, 5, 0 and 10 on amounts of 40.
    assert wape(REALISED, PREDICTED) == pytest.approx(0.5)
    assert np.isnan(wape(np.zeros(2), np.ones(2)))


def test_the_deviance_is_least_for_the_mean_where_the_absolute_error_is_least_for_the_median() -> None:
    # Nine customers in ten spend nothing, the tenth 10: the mean is 1, the median 0.
    realised = np.repeat([0.0, 10.0], [90, 10])
    deviance = [
        float(poisson_deviances(realised, np.full(100, predicted)).mean())
        for predicted in (0.0, 0.5, 1.0, 2.0)
    ]
    assert int(np.argmin(deviance)) == 2
    # 2 * (10 ln(10 / 1) - 9) for one in ten and 2 * 1 for the others.
    assert deviance[2] == pytest.approx(0.2 * (10 * np.log(10) - 9) + 0.9 * 2)
    errors = [wape(realised, np.full(100, predicted)) for predicted in (0.0, 0.5, 1.0)]
    assert int(np.argmin(errors)) == 0


def test_the_deviance_of_nothing_expected_is_that_of_a_hundredth_of_the_mean() -> None:
    realised = np.array([10.0, -2.0, 0.0])
    floor = 0.01 * 8 / 3
    assert poisson_deviances(realised, np.zeros(3)) == pytest.approx(
        poisson_deviances(realised, np.full(3, floor))
    )
    # A return counts in full: 2 * (2 ln(floor) + floor + 2).
    assert poisson_deviances(realised, np.zeros(3))[1] == pytest.approx(2 * (2 * np.log(floor) + floor + 2))


def test_the_first_entry_of_each_metric_is_the_metric_itself() -> None:
    found = amount_accuracy(REALISED, PREDICTED, resamples(4))
    assert found["wape"][0] == pytest.approx(0.5)
    assert found["mean_error"][0] == pytest.approx((30 - 40) / 4)
    assert found["total_ratio"][0] == pytest.approx(30 / 40)
    # Best first: 30 of 40 after the first quarter of the rows, 40 after three (a tie of two), 40 after four.
    # Areas 0.75/8 + (0.75 + 1)/2 * 0.5 + 0.25 = 0.78125; realised order 0.75/8 + 1.75/8 + 0.5 = 0.8125.
    assert found["gini"][0] == pytest.approx((2 * 0.78125 - 1) / (2 * 0.8125 - 1))


def test_replicates_are_the_metrics_of_weighted_rows() -> None:
    drawn = resamples(4)
    found = amount_accuracy(REALISED, PREDICTED, drawn)
    for place in (3, 17):
        repeated = np.repeat(np.arange(4), drawn.weights[place].astype(int))
        expected = amount_accuracy(REALISED[repeated], PREDICTED[repeated], resamples(repeated.size, 1))
        # The floor of a deviance's expectation is that of the window, not of the resample.
        for name, values in ((name, each) for name, each in found.items() if name != "deviance"):
            assert values[1 + place] == pytest.approx(expected[name][0], nan_ok=True, rel=1e-5)


def test_gini_is_1_for_the_realised_order_0_for_a_constant_and_minus_1_for_the_reverse() -> None:
    drawn = resamples(4, 1)
    assert amount_accuracy(REALISED, REALISED * 2 + 1, drawn)["gini"][0] == pytest.approx(1.0)
    assert amount_accuracy(REALISED, np.full(4, 7.0), drawn)["gini"][0] == pytest.approx(0.0)
    assert amount_accuracy(REALISED, -REALISED, drawn)["gini"][0] == pytest.approx(-1.0)


def test_gini_is_undefined_without_a_realised_amount() -> None:
    assert np.isnan(Concentration.of(np.zeros(3), np.arange(3.0)).gini(np.ones(3)))


def test_a_better_model_has_a_paired_difference_below_zero() -> None:
    rng = np.random.default_rng(1)
    truth = rng.gamma(2.0, 10.0, 800)
    realised = truth * rng.gamma(4.0, 0.25, 800)
    drawn = resamples(800)
    ours = amount_accuracy(realised, truth, drawn)
    theirs = amount_accuracy(realised, np.full(800, 20.0), drawn)
    difference = paired_differences(ours, theirs)["wape"]
    found = interval(difference[0], difference[1:])
    assert found.hi < 0


def test_deciles_are_numbered_from_the_best() -> None:
    predicted = np.arange(100.0)
    found = totals_by_decile(predicted, predicted, resamples(100))
    assert [each.group for each in found] == [str(number) for number in range(1, 11)]
    # 90 + … + 99 = 945.
    assert (found[0].n, found[0].predicted_total, found[0].realised_total) == (10, 945.0, 945.0)


def test_equal_predictions_share_a_decile() -> None:
    found = totals_by_decile(np.ones(40), np.zeros(40), resamples(40))
    assert [each.n for each in found] == [40]


def test_the_interval_of_a_total_is_as_wide_as_theory_says() -> None:
    # 400 errors of standard deviation 5: the total's error is 20 * 5 = 100, so 1.96 * 100 to each side.
    rng = np.random.default_rng(2)
    predicted = np.full(400, 50.0)
    realised = predicted + rng.permutation(np.repeat([-5.0, 5.0], 200))
    (only,) = totals_by_cohort(
        realised, predicted, resamples(400, 4_000), cohorts=np.full(400, "2011-Q1", dtype=object)
    )
    assert (only.group, only.realised_total) == ("2011-Q1", 20_000.0)
    assert only.ci_hi - only.ci_lo == pytest.approx(2 * 1.96 * 100, rel=0.08)
    assert only.is_within


def test_a_total_that_is_off_by_more_than_chance_is_outside() -> None:
    rng = np.random.default_rng(3)
    realised = rng.gamma(2.0, 10.0, 500)
    cohorts = np.where(np.arange(500) < 250, "b", "a")
    found = totals_by_cohort(realised, np.full(500, 30.0), resamples(500), cohorts=cohorts)
    assert [each.group for each in found] == ["a", "b"]
    assert not any(each.is_within for each in found)


def test_coverage_counts_the_ends_as_within() -> None:
    found = coverage(
        np.array([0.0, 5.0, 9.0, 4.0]), np.zeros(4), np.array([0.0, 5.0, 8.0, 6.0]), resamples(4)
    )
    assert found.value == pytest.approx(3 / 4)


def test_a_point_mass_counts_by_its_part_in_the_central_interval() -> None:
    # Central half: 0.25 to 0.75. A point mass from 0 to 0.5 is half in it; a point at 0.8 does not; all of
    # 0.3 to 0.4 does; a point at 0.6 does: (0.5 + 0 + 1 + 1) / 4.
    below, through = np.array([0.0, 0.8, 0.3, 0.6]), np.array([0.5, 0.8, 0.4, 0.6])
    found = transform_coverage(below, through, resamples(4), level=0.5)
    assert found.value == pytest.approx(2.5 / 4)
