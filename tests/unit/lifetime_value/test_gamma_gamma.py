"""Gamma-Gamma against numbers worked out by hand, and against customers with known parameters."""

import numpy as np
import pytest

from assets.lifecycle.capability import InsufficientData
from assets.lifetime_value.models.clv import LifetimeValue
from assets.lifetime_value.models.gamma_gamma import AmountsTooSpread, GammaGamma, Spent, log_likelihood
from assets.purchase_process.purchase_history import NoHeterogeneity
from benchmarks.simulated_buyers import Simulated
from tests.unit.lifetime_value.world import TRUTH


def by_hand() -> GammaGamma:
    model = GammaGamma()
    model.p_, model.q_, model.v_ = 1.0, 2.0, 10.0
    return model


def spenders(shop: Simulated) -> np.ndarray:
    return shop.past[shop.past[:, 0] > 0][:, [0, 3]]


def test_the_likelihood_of_one_order() -> None:
    # Gamma(3) / (Gamma(1) Gamma(2)) v^2 m^0 / (v + m)^3 = 2 * 100 / 20^3.
    value, _ = log_likelihood(np.log([1.0, 2.0, 10.0]), Spent.of(np.array([1.0]), np.array([10.0])))
    assert value == pytest.approx(np.log(2 * 100 / 20**3))


def test_the_density_of_a_mean_of_three_orders_is_one_in_all() -> None:
    amounts = np.geomspace(0.01, 10_000, 1_500)
    density = [
        np.exp(log_likelihood(np.log([2.0, 3.0, 10.0]), Spent.of(np.array([3.0]), amounts[[place]]))[0])
        for place in range(amounts.size)
    ]
    assert np.trapezoid(density, amounts) == pytest.approx(1.0, abs=1e-3)


def test_the_gradient_is_the_slope_of_the_likelihood(shop: Simulated) -> None:
    spent = Spent.of(*spenders(shop)[:500].T)
    logs, step = np.log([5.0, 3.0, 12.0]), 1e-5
    slopes = [
        (log_likelihood(logs + each, spent)[0] - log_likelihood(logs - each, spent)[0]) / (2 * step)
        for each in step * np.eye(3)
    ]
    assert log_likelihood(logs, spent)[1] == pytest.approx(slopes, rel=1e-5)


def test_a_known_mean_is_shrunken_towards_everybodys() -> None:
    # p (v + x m) / (p x + q - 1): without a repeat 10 / 1; one order of 40: 50 / 2; nine of 40: 370 / 10.
    rows = np.array([[0.0, np.nan], [1.0, 40.0], [9.0, 40.0]])
    assert by_hand().expected_amount(rows) == pytest.approx([10.0, 25.0, 37.0])


def test_amounts_that_were_all_sent_back_count_as_nothing() -> None:
    assert by_hand().expected_amount(np.array([[1.0, -40.0]])) == pytest.approx([10.0 / 2])


def test_known_parameters_are_found_again(fitted: LifetimeValue) -> None:
    model = fitted.amounts_
    errors = (np.log(model.spending) - np.log(TRUTH.spending)) / np.sqrt(np.diag(model.covariance_))
    assert np.abs(errors).max() < 3


def test_the_error_of_the_mean_is_what_refits_scatter_by(shop: Simulated, fitted: LifetimeValue) -> None:
    rows, customer = spenders(shop), np.array([[0.0, np.nan], [2.0, 40.0]])
    means = [
        GammaGamma().fit(rows[np.random.default_rng(seed).integers(0, len(rows), len(rows))])
        for seed in range(40)
    ]
    scatter = np.std([np.log(each.expected_amount(customer)) for each in means], axis=0)
    # The scatter of 40 refits is itself known to about 11 %.
    assert fitted.amounts_.relative_error(customer) == pytest.approx(scatter, rel=0.35)


def test_the_currency_does_not_matter(shop: Simulated, fitted: LifetimeValue) -> None:
    cents = GammaGamma().fit(shop.past[:, [0, 3]] * [1, 100])
    assert cents.v_ == pytest.approx(100 * fitted.amounts_.v_, rel=1e-5)
    assert cents.p_ == pytest.approx(fitted.amounts_.p_, rel=1e-5)
    shift = cents.n_repeaters_ * np.log(100)
    assert cents.log_likelihood_ + shift == pytest.approx(fitted.amounts_.log_likelihood_, abs=1e-5)


def test_customers_who_spent_nothing_are_left_out_and_counted(shop: Simulated) -> None:
    rows = spenders(shop)[:1_000].copy()
    rows[:7, 1] = [0.0, -1.0, 0.0, 0.0, 0.0, 0.0, -3.0]
    model = GammaGamma().fit(rows)
    assert (model.n_repeaters_, model.n_left_out_) == (993, 7)


def test_a_correlation_of_frequency_and_amount_is_measured(shop: Simulated) -> None:
    rows = spenders(shop)
    assert abs(GammaGamma().fit(rows).correlation_) < 0.05
    tied = rows.copy()
    tied[:, 1] *= np.sqrt(tied[:, 0])
    assert GammaGamma().fit(tied).rank_correlation_ > 0.4


def test_too_few_spenders_are_refused(shop: Simulated) -> None:
    with pytest.raises(
        InsufficientData, match="20 customers with a repeat order of a positive amount, 100 needed"
    ):
        GammaGamma().fit(spenders(shop)[:20])


def test_a_missing_amount_is_refused_with_its_row(shop: Simulated) -> None:
    rows = spenders(shop)[:200].copy()
    rows[3, 1] = np.nan
    with pytest.raises(ValueError, match="1 of 200 rows, the first is row 3"):
        GammaGamma().fit(rows)


def test_equal_amounts_are_refused() -> None:
    with pytest.raises(NoHeterogeneity, match=r"all 200 repeat buyers spend 9\.99"):
        GammaGamma().fit(np.repeat([[2.0, 9.99]], 200, axis=0))


def test_amounts_without_a_finite_mean_are_refused() -> None:
    rng = np.random.default_rng(0)
    amounts = rng.gamma(6.0, 1 / rng.gamma(0.6, 1.0, 2_000))
    with pytest.raises(AmountsTooSpread, match="above 1 is needed"):
        GammaGamma().fit(np.column_stack([np.ones(2_000), amounts]))
