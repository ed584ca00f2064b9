"""Orders times amounts: coverage of intervals, totals, and the same forecast beside any other customers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io

from assets.lifetime_value.models import predictive
from assets.lifetime_value.models.clv import ClvForecast, LifetimeValue, relative_errors, widened
from assets.metrics.amounts import coverage, transform_coverage
from assets.metrics.bootstrap import ClusterBootstrap
from assets.purchase_process.purchase_history import PurchaseHistory
from benchmarks.simulated_buyers import Simulated
from tests.unit.lifetime_value.world import HORIZON_DAYS, TRUTH, customers

TRUSTED = (
    "assets.purchase_process.bg_nbd.BgNbd",
    "assets.lifetime_value.models.gamma_gamma.GammaGamma",
    "assets.lifetime_value.models.clv.LifetimeValue",
)
COLUMN = 1


def test_the_intervals_hold_four_customers_in_five(shop: Simulated, forecast: ClvForecast) -> None:
    resamples = ClusterBootstrap.by_customer(
        np.arange(shop.orders.size), replicates=50, rng=np.random.default_rng(0)
    )
    # Customers with an interval of 0 to 0 order nothing with 0.8 or more, so those are left out; orders are
    # whole, so their intervals hold more than 0.8, the less the more orders there are.
    revenue_lo, revenue_hi = forecast.revenue_lo[:, COLUMN], forecast.revenue_hi[:, COLUMN]
    some = revenue_hi > 0
    held = coverage(shop.revenue[some], revenue_lo[some], revenue_hi[some], resamples.of(some))
    assert held.value == pytest.approx(0.8, abs=0.02)
    fewest, most = forecast.purchases_lo[:, COLUMN], forecast.purchases_hi[:, COLUMN]
    many = forecast.expected_purchases[:, COLUMN] > 2
    assert coverage(shop.orders, fewest, most, resamples).value > 0.8
    assert 0.78 < coverage(shop.orders[many], fewest[many], most[many], resamples.of(many)).value < 0.88


def test_the_whole_distribution_is_right_not_only_its_ends(shop: Simulated, fitted: LifetimeValue) -> None:
    resamples = ClusterBootstrap.by_customer(
        np.arange(shop.orders.size), replicates=50, rng=np.random.default_rng(0)
    )
    more, richer = fitted.chance_above(
        shop.past, orders=shop.orders, revenue=shop.revenue, horizon_days=HORIZON_DAYS
    )
    as_many, _ = fitted.chance_above(
        shop.past, orders=shop.orders - 1, revenue=shop.revenue, horizon_days=HORIZON_DAYS
    )
    at_all = np.where(shop.revenue > 0, richer, 1.0)
    for level in (0.5, 0.8, 0.95):
        # Of 8,000, a share of 0.8 is known to 0.0045.
        orders = transform_coverage(1 - as_many, 1 - more, resamples, level=level)
        amounts = transform_coverage(1 - at_all, 1 - richer, resamples, level=level)
        assert orders.value == pytest.approx(level, abs=0.02)
        assert amounts.value == pytest.approx(level, abs=0.02)


def test_the_ends_agree_with_a_hundred_thousand_futures_of_one_customer(fitted: LifetimeValue) -> None:
    row = np.array([[4.0, 150.0, 180.0, 55.0]])
    rng, draws = np.random.default_rng(2), 100_000
    (r, alpha, a, b), (p, q, v) = fitted.forecaster.buying, fitted.forecaster.spending
    active = rng.random(draws) < fitted.purchases_.probability_alive(row[:, :3])
    rate, leaves = rng.gamma(r + 4, 1 / (alpha + 180), draws), rng.geometric(rng.beta(a, b + 4, draws))
    orders = np.where(active, np.minimum(rng.poisson(rate * 365), leaves), 0)
    revenue = rng.gamma(p * np.maximum(orders, 1e-9)) / rng.gamma(q + 4 * p, 1 / (v + 4 * 55), draws)
    found = fitted.forecast(row)
    assert found.expected_purchases[0, 2] == pytest.approx(orders.mean(), rel=0.02)
    assert found.expected_revenue[0, 2] == pytest.approx(revenue[orders > 0].sum() / draws, rel=0.02)
    # A chance of nothing above 0.1 gives the upper end all of the fifth that may lie outside.
    assert (orders == 0).mean() > 0.1
    assert found.purchases_lo[0, 2] == found.revenue_lo[0, 2] == 0
    assert found.purchases_hi[0, 2] == pytest.approx(np.quantile(orders, 0.8), abs=1)
    assert found.revenue_hi[0, 2] == pytest.approx(np.quantile(np.where(orders, revenue, 0), 0.8), rel=0.02)


def test_a_faithful_customer_has_a_lower_end_above_nothing(fitted: LifetimeValue) -> None:
    found = fitted.forecast(np.array([[40.0, 398.0, 400.0, 55.0]]))
    assert found.purchases_lo[0, 2] >= 5
    assert 0 < found.revenue_lo[0, 2] < found.expected_revenue[0, 2] < found.revenue_hi[0, 2]


@pytest.mark.filterwarnings("error")
def test_customers_unlike_any_other_get_numbers(fitted: LifetimeValue) -> None:
    strangers = np.array(
        [
            [0, 0, 0, np.nan],
            [0, 0, 9_000, np.nan],
            [5_000, 2_999, 3_000, 1e6],
            [5_000, 10, 3_000, 1e-3],
            [1, 1, 4_000, -5],
        ]
    )
    found = fitted.forecast(strangers)
    assert np.isfinite(found.revenue_hi).all()
    assert np.isfinite(found.relative_error).all()
    # Five thousand orders in ten days and none for eight years since: surely gone. The other is surely here.
    assert found.expected_revenue[3].tolist() == [0.0, 0.0, 0.0]
    assert (found.revenue_lo[2] <= found.expected_revenue[2]).all()
    assert found.purchases_lo[2, 0] > 30


def test_longer_horizons_hold_shorter_ones(forecast: ClvForecast) -> None:
    for each in (forecast.expected_purchases, forecast.purchases_hi, forecast.expected_revenue):
        assert (np.diff(each, axis=1) >= 0).all()
    assert (forecast.revenue_lo <= forecast.revenue_hi).all()


def test_other_customers_do_not_change_a_customers_forecast(
    shop: Simulated, fitted: LifetimeValue, forecast: ClvForecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = np.random.default_rng(0).permutation(shop.orders.size)[:200]
    monkeypatch.setattr(predictive, "CELLS", 1_000)
    alone = fitted.forecast(shop.past[some])
    assert alone.purchases_hi.tolist() == forecast.purchases_hi[some].tolist()
    # The grid of amounts ends where the youngest customer of the same frequency may still come to.
    assert alone.revenue_hi == pytest.approx(forecast.revenue_hi[some], rel=0.01)


def test_revenue_is_orders_times_amount(
    shop: Simulated, fitted: LifetimeValue, forecast: ClvForecast
) -> None:
    product = forecast.expected_purchases * forecast.expected_order_amount[:, None]
    assert forecast.expected_revenue == pytest.approx(product)
    assert fitted.expected_revenue(shop.past) == pytest.approx(product)


def test_the_shops_total_is_the_observed_one(shop: Simulated, forecast: ClvForecast) -> None:
    expected = forecast.expected_revenue[:, COLUMN]
    noise = float(np.sqrt(((shop.revenue - expected) ** 2).sum()))
    assert expected.sum() == pytest.approx(shop.revenue.sum(), abs=3 * noise)


def test_later_revenue_counts_less_when_discounted(shop: Simulated, fitted: LifetimeValue) -> None:
    rows = shop.past[:50]
    full = fitted.forecast(rows)
    dear = LifetimeValue(horizons_days=(30, 90, 365), annual_discount=0.1)
    dear.purchases_, dear.amounts_ = fitted.purchases_, fitted.amounts_
    today = dear.forecast(rows)
    # 30 days are one step, which comes in on day 15.
    assert today.expected_revenue[:, 0] == pytest.approx(full.expected_revenue[:, 0] * 1.1 ** (-15 / 365))
    ratio = today.expected_revenue[:, 2] / full.expected_revenue[:, 2]
    # Orders thin out as customers leave, so the year's middle of revenue comes before its middle.
    assert (ratio > 1.1 ** (-182.5 / 365)).all()
    assert (ratio < 1).all()
    assert today.revenue_hi == pytest.approx(
        full.revenue_hi * (today.expected_revenue / full.expected_revenue)
    )


def test_both_uncertainties_add_like_standard_deviations() -> None:
    # An 80 % interval reaches 1.2816 errors: 3 / 1.2816 adds 3, and 4 with 3 is 5.
    lo, hi = widened(
        np.array([6.0]), np.array([14.0]), mean=np.array([10.0]), error=np.array([3 / 1.281552]), coverage=0.8
    )
    assert (lo[0], hi[0]) == pytest.approx((5.0, 15.0))


def test_an_upper_end_of_nothing_stays() -> None:
    lo, hi = widened(np.zeros(1), np.zeros(1), mean=np.array([0.05]), error=np.array([0.01]), coverage=0.8)
    assert (lo[0], hi[0]) == (0.0, 0.0)


def test_parameters_are_surer_with_more_customers(shop: Simulated, forecast: ClvForecast) -> None:
    small = LifetimeValue(horizons_days=(HORIZON_DAYS,)).fit(shop.past[:800])
    few, many = small.forecast(shop.past).relative_error[:, 0], forecast.relative_error[:, COLUMN]
    # A tenth of the customers: errors about 3.2 times as large.
    assert np.median(few / many) == pytest.approx(np.sqrt(10), rel=0.3)


def test_the_error_of_the_total_orders_is_what_new_shops_scatter_by() -> None:
    rows = customers(300, seed=99).past
    fits = [LifetimeValue().fit(customers(1_000, seed=seed).past) for seed in range(20)]
    means = np.log([each.purchases_.expected_purchases(rows[:, :3]) for each in fits])
    histories = PurchaseHistory.of(rows[:, :3], merge=False)
    errors = [relative_errors(each.purchases_, histories, horizons_days=(30, 90, 365)) for each in fits]
    found = np.median(errors, axis=0)
    assert np.median(means.std(axis=0) / found) == pytest.approx(1.0, abs=0.35)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"horizons_days": (0,)}, "above 0"),
        ({"horizons_days": ()}, "above 0"),
        ({"interval_coverage": 1.0}, "between 0 and 1"),
        ({"annual_discount": -0.1}, "at least 0"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str, shop: Simulated) -> None:
    with pytest.raises(ValueError, match=message):
        LifetimeValue(**settings).fit(shop.past)


def test_a_stored_model_predicts_the_same(fitted: LifetimeValue, shop: Simulated, tmp_path: Path) -> None:
    file = tmp_path / "model.skops"
    skops.io.dump(fitted, file)
    assert set(skops.io.get_untrusted_types(file=file)) <= set(TRUSTED)
    loaded = skops.io.load(file, trusted=list(TRUSTED))
    assert loaded.value_basis == "net of returns"
    assert (
        loaded.forecast(shop.past[:50]).revenue_hi.tolist()
        == fitted.forecast(shop.past[:50]).revenue_hi.tolist()
    )


def test_the_simulation_has_the_mean_order_of_its_parameters() -> None:
    many = customers(20_000, seed=5)
    # Repeat orders per customer and year of these parameters, by the simulation's own counting.
    assert TRUTH.spending.p * TRUTH.spending.v / (TRUTH.spending.q - 1) == pytest.approx(30.0)
    assert many.revenue.sum() / many.orders.sum() == pytest.approx(30.0, rel=0.05)
