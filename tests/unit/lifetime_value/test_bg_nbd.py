"""BG/NBD against numbers worked out by hand, and against customers with known parameters."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skops.io
from hypothesis import example, given, settings
from hypothesis import strategies as some
from scipy.special import betainc, betaincc, expit, log_expit, logsumexp

from assets.lifecycle.capability import InsufficientData
from assets.lifetime_value.models.clv import LifetimeValue
from assets.lifetime_value.models.predictive import orders_above
from assets.metrics.arrays import Floats
from assets.purchase_process.bg_nbd import (
    BgNbd,
    BgNbdParams,
    alive,
    log_likelihood,
    orders_if_alive,
)
from assets.purchase_process.likelihood import FURTHEST
from assets.purchase_process.purchase_history import NoHeterogeneity, PurchaseHistory
from benchmarks.simulated_buyers import Simulated
from tests.unit.lifetime_value.world import HORIZON_DAYS, TRUTH

BY_HAND = BgNbdParams(r=1.0, alpha=10.0, a=1.0, b=1.0)
ONE_REPEAT = np.array([[1.0, 5.0, 10.0]])


def by_hand() -> BgNbd:
    model = BgNbd()
    model.r_, model.alpha_, model.a_, model.b_ = BY_HAND
    return model


def test_the_likelihood_of_a_customer_without_a_repeat() -> None:
    # (alpha / (alpha + T))^r = 10 / 20.
    value, _ = log_likelihood(np.log(BY_HAND), PurchaseHistory.of(np.array([[0.0, 0.0, 10.0]])))
    assert value == pytest.approx(np.log(1 / 2))


def test_the_likelihood_of_a_customer_with_one_repeat() -> None:
    # Equation 6: r alpha^r = 10, stayed once 1/2, still there 20^-2, or left 1 * 15^-2.
    value, _ = log_likelihood(np.log(BY_HAND), PurchaseHistory.of(ONE_REPEAT))
    assert value == pytest.approx(np.log(10 / 2 * (1 / 400 + 1 / 225)))


def test_a_merged_history_counts_as_often_as_it_was_met() -> None:
    once, _ = log_likelihood(np.log(BY_HAND), PurchaseHistory.of(ONE_REPEAT))
    thrice, _ = log_likelihood(np.log(BY_HAND), PurchaseHistory.of(np.repeat(ONE_REPEAT, 3, axis=0)))
    assert thrice == pytest.approx(3 * once)


def test_the_gradient_is_the_slope_of_the_likelihood(shop: Simulated) -> None:
    histories = PurchaseHistory.of(shop.past[:500, :3])
    logs, step = np.log([0.7, 30.0, 0.9, 2.0]), 1e-5
    slopes = [
        (log_likelihood(logs + each, histories)[0] - log_likelihood(logs - each, histories)[0]) / (2 * step)
        for each in step * np.eye(4)
    ]
    assert log_likelihood(logs, histories)[1] == pytest.approx(slopes, rel=1e-5)


def test_the_chance_of_being_active_falls_with_silence() -> None:
    # 1 / (1 + a / (b + x - 1) ((alpha + T) / (alpha + t_x))^(r + x)) = 1 / (1 + (20 / 15)^2).
    assert by_hand().probability_alive(ONE_REPEAT) == pytest.approx(9 / 25)


def test_customers_without_a_repeat_cannot_have_left() -> None:
    assert by_hand().probability_alive(np.array([[0.0, 0.0, 3_000.0]])).tolist() == [1.0]


@pytest.mark.parametrize("a", [0.2, 0.5, 1.0, 1 + 5e-5, 1 + 3e-4, 3.0])
@pytest.mark.parametrize("x", [0.0, 1.0, 30.0])
def test_the_mean_is_the_sum_of_the_tail_even_where_the_closed_form_has_gaps(a: float, x: float) -> None:
    # a = 1 and a + b = 1 are the gaps; the mean of any count is the sum of P(N > n).
    buying, age = BgNbdParams(r=0.4, alpha=20.0, a=a, b=0.5), np.array([40.0])
    tail = orders_above(buying, x, age=age, days=90.0, most=3_000)
    mean = orders_if_alive(buying, np.array([x]), age=age, days=90.0)
    assert mean == pytest.approx(tail.sum(axis=1), rel=2e-6)


def integrated(buying: BgNbdParams, x: float, *, age: float, days: float) -> float:
    """Mean orders of an active customer: P(N > 0 | p) / p over the Beta(a, b + x) density of p, by parts.

    By parts the density becomes its distribution function, which is smooth for every a and b, and the
    log-odds of p reach chances of 1e-20 on either side.
    """
    rate, exponent = days / (buying.alpha + age), buying.r + x
    edges, (nodes, weights) = np.linspace(-45.0, 45.0, 2_001), np.polynomial.legendre.leggauss(8)
    half = (edges[1] - edges[0]) / 2
    log_odds = (edges[:-1, None] + half + half * nodes).ravel()
    p, rest = expit(log_odds), expit(-log_odds)
    silent = np.log1p(p * rate)
    falls = (-np.expm1(-exponent * silent) / p - exponent * rate * np.exp(-(exponent + 1) * silent)) * rest
    below = np.where(p < 0.5, betainc(buying.a, buying.b + x, p), betaincc(buying.b + x, buying.a, rest))
    at_one = -np.expm1(-exponent * np.log1p(rate))
    return float(at_one + (falls * below) @ np.tile(half * weights, 2_000))


LOGS = some.floats(-FURTHEST, FURTHEST)


@settings(max_examples=60, deadline=None)
@given(
    logs=some.tuples(LOGS, LOGS, LOGS, LOGS),
    x=some.sampled_from([0, 1, 2, 5, 20, 100, 400]),
    age=some.floats(1.0, 2_000.0),
    days=some.sampled_from([30, 90, 365]),
)
@example(logs=(-0.105, -1.2, np.log(338.0), FURTHEST), x=0, age=15.0, days=365)
@example(logs=(-0.105, -1.2, np.log(900.0), FURTHEST), x=0, age=15.0, days=90)
@example(logs=(0.36, -0.82, np.log(978.0), FURTHEST), x=3, age=103.0, days=365)
@example(logs=(-0.2, -0.9, 0.0, 0.9), x=2, age=300.0, days=365)
@example(logs=(-0.2, -0.9, np.log(0.5), np.log(0.5)), x=0, age=300.0, days=90)
@example(logs=(-3.0, -3.0, -3.0, 1.0), x=100, age=1.0, days=365)
def test_mean_orders_are_the_integral_wherever_a_fit_can_reach(
    logs: tuple[float, float, float, float], x: int, age: float, days: int
) -> None:
    r, alpha, a, b = np.exp(logs)
    buying = BgNbdParams(r, 100.0 * alpha, a, b)
    # Orders are counted by day: nobody has more of them than days.
    age = max(age, float(x))
    found = orders_if_alive(buying, np.array([float(x)]), age=np.array([age]), days=days)
    assert found[0] == pytest.approx(integrated(buying, x, age=age, days=days), rel=1e-6)


def log_integral(log_density: Callable[[Floats], Floats], *, centre: float, width: float) -> float:
    """Logarithm of the integral of ``exp(log_density)`` over all numbers, with one peak near ``centre``.

    The trapezoid rule after u = centre + width * sinh(t), which reaches 600,000 widths.
    """
    t = np.linspace(-14.0, 14.0, 4_001)
    logs = log_density(centre + width * np.sinh(t)) + np.log(width * np.cosh(t) * (t[1] - t[0]))
    return float(logsumexp(logs))


def log_of_gamma(shape: float, scale: float) -> float:
    """Logarithm of the integral of rate^(shape - 1) exp(-scale * rate), over the logarithm of the rate."""
    return log_integral(
        lambda log_rate: shape * log_rate - scale * np.exp(np.minimum(log_rate, 600.0)),
        centre=np.log(shape / scale),
        width=shape**-0.5,
    )


def log_of_beta(a: float, b: float) -> float:
    """Logarithm of the integral of p^(a - 1) (1 - p)^(b - 1), over the log-odds of p."""
    return log_integral(
        lambda log_odds: a * log_expit(log_odds) + b * log_expit(-log_odds),
        centre=np.log(a / b),
        width=((a + b) / (a * b)) ** 0.5,
    )


def integrated_alive(buying: BgNbdParams, x: int, *, recency: float, age: float) -> float:
    """Share of the likelihood of a history with repeats that belongs to customers who stayed.

    Staying is (1 - p)^x and no order until ``age``; leaving is p (1 - p)^(x - 1) after the last order. Both
    are integrated over the rate and over p, on grids.
    """
    r, alpha, a, b = buying
    stayed = log_of_gamma(r + x, alpha + age) + log_of_beta(a, b + x)
    gone = log_of_gamma(r + x, alpha + recency) + log_of_beta(a + 1, b + x - 1)
    return float(expit(stayed - gone))


@settings(max_examples=60, deadline=None)
@given(
    logs=some.tuples(LOGS, LOGS, LOGS, LOGS),
    x=some.sampled_from([1, 2, 5, 20, 100, 400, 3_000]),
    age=some.floats(1.0, 4_000.0),
    share=some.floats(0.001, 1.0),
)
@example(logs=(-0.105, -1.2, FURTHEST, FURTHEST), x=1, age=15.0, share=0.5)
@example(logs=(-FURTHEST, -FURTHEST, -FURTHEST, -FURTHEST), x=1, age=4_000.0, share=0.001)
@example(logs=(FURTHEST, FURTHEST, FURTHEST, -FURTHEST), x=1, age=4_000.0, share=0.5)
@example(logs=(-0.2, -0.9, -FURTHEST, FURTHEST), x=3, age=300.0, share=0.1)
def test_the_chance_of_being_active_is_the_integral_wherever_a_fit_can_reach(
    logs: tuple[float, float, float, float], x: int, age: float, share: float
) -> None:
    r, alpha, a, b = np.exp(logs)
    buying = BgNbdParams(r, 100.0 * alpha, a, b)
    found = alive(buying, PurchaseHistory.of(np.array([[float(x), share * age, age]])))
    expected = integrated_alive(buying, x, recency=share * age, age=age)
    assert found[0] == pytest.approx(expected, rel=1e-6, abs=1e-250)


def test_ten_thousand_repeat_orders_do_not_overflow() -> None:
    many = PurchaseHistory.of(np.array([[10_000.0, 3_000.0, 3_000.0], [10_000.0, 10.0, 3_000.0]]))
    value, gradient = log_likelihood(np.log(TRUTH.buying), many)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert alive(TRUTH.buying, many) == pytest.approx([1.0, 0.0], abs=1e-3)
    # 10,000.8 / 3,040 orders a day for 30 days is 98.7; a chance of 0.8 / 10,003 to leave costs 0.4.
    mean = orders_if_alive(TRUTH.buying, np.array([10_000.0]), age=np.array([3_000.0]), days=30.0)
    assert mean == pytest.approx(98.3, abs=0.1)


def test_known_parameters_are_found_again(fitted: LifetimeValue) -> None:
    model = fitted.purchases_
    errors = (np.log(model.buying) - np.log(TRUTH.buying)) / np.sqrt(np.diag(model.covariance_))
    assert np.abs(errors).max() < 3
    assert model.at_bound_ == ()


def test_drawn_parameters_scatter_as_the_data_leave_them(fitted: LifetimeValue) -> None:
    drawn = np.log(fitted.purchases_.drawn(2_000, np.random.default_rng(0)))
    scale = np.sqrt(np.diag(fitted.purchases_.covariance_))
    # In units of the errors themselves, 2,000 draws know a covariance to about 0.03.
    assert np.cov((drawn / scale).T) == pytest.approx(
        fitted.purchases_.covariance_ / np.outer(scale, scale), abs=0.1
    )


def test_totals_are_the_observed_ones(shop: Simulated, fitted: LifetimeValue) -> None:
    still = fitted.purchases_.probability_alive(shop.past[:, :3])
    # 8,000 independent yes or no: a standard error of at most 45.
    assert still.sum() == pytest.approx(shop.is_active.sum(), abs=3 * 45)
    orders = fitted.purchases_.expected_purchases(shop.past[:, :3], [HORIZON_DAYS])
    noise = float(np.sqrt(((shop.orders - orders[:, 0]) ** 2).sum()))
    assert orders.sum() == pytest.approx(shop.orders.sum(), abs=3 * noise)


def test_the_unit_of_time_does_not_matter(shop: Simulated) -> None:
    days = BgNbd().fit(shop.past[:2_000, :3])
    weeks = BgNbd().fit(shop.past[:2_000, :3] / [1, 7, 7])
    assert weeks.alpha_ * 7 == pytest.approx(days.alpha_, rel=1e-6)
    orders = float(shop.past[:2_000, 0].sum())
    assert weeks.log_likelihood_ == pytest.approx(days.log_likelihood_ + orders * np.log(7), abs=1e-6)


def test_the_next_order_of_an_active_customer() -> None:
    # (alpha + T)((1 - q)^(-1 / (r + x)) - 1) with r + x = 1 and alpha + T = 30: 30 q / (1 - q).
    days = by_hand().next_order_days(np.array([[0.0, 0.0, 20.0]]))
    assert days[0] == pytest.approx([30 / 9, 30.0, 270.0])


def test_silence_is_measured_by_the_customers_own_rate() -> None:
    # ((alpha + t_x) / (alpha + T))^(r + x) = (15 / 20)^2.
    assert by_hand().silence_probability(ONE_REPEAT) == pytest.approx(9 / 16)


def test_too_few_customers_are_refused_with_counts_and_floors(shop: Simulated) -> None:
    with pytest.raises(InsufficientData, match=r"50 customers, 500 needed; .* 100 needed"):
        BgNbd().fit(shop.past[:50, :3])


def test_nobody_who_repeats_is_refused() -> None:
    once = np.column_stack([np.zeros(600), np.zeros(600), np.arange(600)])
    with pytest.raises(InsufficientData, match="0 customers with a repeat order, 1 needed"):
        BgNbd(least_repeaters=0).fit(once)


def test_identical_customers_are_refused() -> None:
    with pytest.raises(NoHeterogeneity, match="all 600 customers have the same history: 2 repeat"):
        BgNbd().fit(np.repeat([[2.0, 10.0, 30.0]], 600, axis=0))


def test_customers_who_never_leave_are_fitted_at_the_bound() -> None:
    rng = np.random.default_rng(1)
    x = 1.0 + rng.poisson(rng.gamma(2.0, 3.0, 800))
    loyal = BgNbd().fit(np.column_stack([x, 100 - 50 / x, np.full(800, 100.0)]))
    assert {"a", "b"} & set(loyal.at_bound_)
    assert np.isfinite(loyal.covariance_).all()


def test_a_stored_model_predicts_the_same(fitted: LifetimeValue, shop: Simulated, tmp_path: Path) -> None:
    file = tmp_path / "model.skops"
    skops.io.dump(fitted.purchases_, file)
    loaded = skops.io.load(file, trusted=["assets.purchase_process.bg_nbd.BgNbd"])
    rows = shop.past[:100, :3]
    assert loaded.expected_purchases(rows).tolist() == fitted.purchases_.expected_purchases(rows).tolist()
