"""Distances between distributions, and their values by chance alone."""

import numpy as np
import pytest
from scipy import stats

from assets.metrics.drift import divergence
from assets.metrics.drift.binning import histogram_of, numeric_bins


def test_the_index_of_a_shifted_normal_is_the_square_of_the_shift() -> None:
    # Fine equal bins of N(0, 1) and N(0.5, 1): the symmetrised Kullback-Leibler divergence is 0.25.
    edges = stats.norm.ppf(np.arange(1, 64) / 64)
    was, now = (np.diff(stats.norm.cdf(edges, loc), prepend=0, append=1) for loc in (0.0, 0.5))
    assert divergence.population_stability(was, now) == pytest.approx(0.25, abs=0.01)


def test_the_index_does_not_depend_on_the_number_of_rows() -> None:
    was, now = np.array([50.0, 30.0, 20.0, 0.0]), np.array([30.0, 30.0, 30.0, 10.0])
    once = divergence.population_stability(was, now)
    assert divergence.population_stability(was * 1e6, now) == pytest.approx(once)
    # (-.2) ln(.6) + (.1) ln(1.5) + (.1 - 0) ln(.1 / .001) = .1022 + .0405 + .4605
    assert once == pytest.approx(0.6032, abs=1e-4)


def test_a_new_category_reaches_the_customary_threshold_with_one_row_in_twenty() -> None:
    was = np.array([100.0, 0.0])
    reached = [divergence.population_stability(was, np.array([1 - share, share])) for share in (0.04, 0.055)]
    assert reached[0] < 0.2 < reached[1]


def test_jensen_shannon_is_one_without_a_common_bin() -> None:
    assert divergence.jensen_shannon(np.array([1.0, 1.0, 0.0]), np.array([0.0, 0.0, 5.0])) == pytest.approx(1)
    assert divergence.jensen_shannon(np.array([3.0, 1.0]), np.array([6.0, 2.0])) == pytest.approx(0, abs=1e-7)


def test_wasserstein_agrees_with_scipy_on_heavy_tails() -> None:
    rng = np.random.default_rng(4)
    was, now = rng.lognormal(0, 1.5, 5_000).astype("f4"), rng.lognormal(0.4, 1.7, 3_000).astype("f4")
    bins = numeric_bins(was)
    ours = divergence.wasserstein(*(np.asarray(histogram_of(each, bins).means) for each in (was, now)))
    assert ours == pytest.approx(stats.wasserstein_distance(was, now), rel=0.01)


def test_without_drift_index_and_distance_are_as_the_formulas_predict() -> None:
    rng = np.random.default_rng(3)
    scale = divergence.sampling_scale(400, 20_000)
    psi, js, distances = [], [], []
    for _ in range(150):
        was, now = rng.normal(size=20_000).astype("f4"), rng.normal(size=400).astype("f4")
        bins = numeric_bins(was)
        then, today = histogram_of(was, bins), histogram_of(now, bins)
        counts = [np.asarray(each.counts, dtype=float) for each in (then, today)]
        psi.append(divergence.population_stability(*counts))
        js.append(divergence.jensen_shannon(*counts))
        distances.append(divergence.wasserstein(np.asarray(then.means), np.asarray(today.means)))
    # Standard error of the mean index over 150 draws: 0.038 * sqrt(2 / 15) / sqrt(150) = 0.0011.
    assert np.mean(psi) == pytest.approx(divergence.expected_psi(16, scale), abs=0.004)
    assert np.sqrt(np.mean(np.square(js))) == pytest.approx(
        divergence.expected_jensen_shannon(16, scale), rel=0.06
    )
    beyond = np.mean(np.array(distances) > divergence.largest_chance_wasserstein(scale, draws=9))
    assert 0.05 <= beyond <= 0.25
    assert np.max(distances) < 1.3 * divergence.largest_chance_wasserstein(scale, draws=150)


def test_the_p_value_of_an_index_is_uniform_at_the_true_index() -> None:
    rng = np.random.default_rng(9)
    shares, now = np.full(16, 1 / 16), np.full(16, 1 / 16)
    now[:4] += np.array([0.02, -0.02, 0.015, -0.015])
    true = divergence.population_stability(shares, now)
    scale = divergence.sampling_scale(5_000, 5_000)
    drawn = [
        divergence.population_stability(
            *(rng.multinomial(5_000, each).astype(float) for each in (shares, now))
        )
        for _ in range(400)
    ]
    chances = divergence.psi_p_value(
        np.array(drawn), np.full(400, true), bins=np.full(400, 16.0), scale=np.full(400, scale)
    )
    # Standard errors of these shares: 0.011 and 0.025.
    assert np.mean(chances < 0.05) == pytest.approx(0.05, abs=0.035)
    assert np.mean(chances < 0.5) == pytest.approx(0.5, abs=0.08)


def test_one_bin_has_no_drift() -> None:
    one = np.array([1.0])
    assert divergence.psi_p_value(one * 0, one * 0.2, bins=one, scale=one * 0.01).tolist() == [1.0]
    assert divergence.largest_chance_psi(1, 0.01, draws=50) == 0.0
