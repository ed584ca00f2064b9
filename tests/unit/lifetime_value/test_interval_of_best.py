"""Intervals of the best customers: right ones are rarely red, far too narrow or wide ones mostly are."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from assets.lifetime_value.backtest import BacktestWindow
from assets.lifetime_value.models.candidates import HorizonLevel, ValuePrediction
from assets.lifetime_value.performance import (
    ABOVE_BEST,
    PROMISED_BEST,
    above_of_best,
    interval_rows,
)
from assets.lifetime_value.spec import HORIZON
from assets.metrics.bootstrap import ClusterBootstrap, Interval
from checks.capabilities.lifetime_value import interval_coverage_is_nominal

CUSTOMERS, DAYS, SHAPE, RUNS = 4_000, 30, 0.8, 40
RESAMPLES = ClusterBootstrap.by_customer(
    np.arange(CUSTOMERS).astype(object), replicates=200, rng=np.random.default_rng(0)
)


def window(*, above: float, level_sd: float, seed: int) -> BacktestWindow:
    """Customers above whose upper ends the share ``above`` lies, where a tenth is promised.

    Amounts are gamma distributed around the mean, times the level of the window.

    Args:
        above: The share on average over windows.
        level_sd: Standard deviation of the logarithm of the level, and what is stated of it.
        seed: Of the window.
    """
    rng = np.random.default_rng(seed)
    mean = rng.lognormal(3.0, 1.0, CUSTOMERS)
    spent = mean * np.exp(rng.normal(0, level_sd)) * rng.gamma(SHAPE, 1 / SHAPE, CUSTOMERS)
    end = stats.gamma.ppf(1 - above, SHAPE, scale=1 / SHAPE)
    nothing = np.full((CUSTOMERS, 1), np.nan)
    known = SimpleNamespace(entities=np.arange(CUSTOMERS))
    return BacktestWindow(
        cohort=SimpleNamespace(known=known),  # type: ignore[arg-type]
        days=DAYS,
        predictions={
            "bg_nbd": ValuePrediction(
                value=mean[:, None], value_lo=0 * mean[:, None], value_hi=end * mean[:, None],
                value_above=np.full((CUSTOMERS, 1), 0.1), orders=nothing, order_amount=nothing,
                alive=nothing[:, 0], next_order_days=nothing, silence=nothing[:, 0],
            )
        },
        spent=np.column_stack([spent, np.ones(CUSTOMERS)]),
        refusals={},
        horizons_days=(DAYS,),
        level=HorizonLevel(horizon_days=DAYS, effective_days=float(DAYS), sd=level_sd),
    )  # fmt: skip


def of_best(one: BacktestWindow) -> dict[str, Interval]:
    return above_of_best(one, "bg_nbd", RESAMPLES)


def is_red(*, above: float, level_sd: float, seed: int) -> bool:
    one = window(above=above, level_sd=level_sd, seed=seed)
    found = of_best(one) | {"coverage": Interval(value=0.8, lo=0.79, hi=0.81)}
    rows = interval_rows(found, one.amount, slice_name=HORIZON, slice_value=str(DAYS))
    return not interval_coverage_is_nominal(pd.DataFrame(rows), nominal=0.8).passed


def share_red(*, above: float, level_sd: float = 0.13) -> float:
    return float(np.mean([is_red(above=above, level_sd=level_sd, seed=seed) for seed in range(RUNS)]))


@pytest.mark.parametrize("level_sd", [0.02, 0.13, 0.25])
def test_right_intervals_are_rarely_red(level_sd: float) -> None:
    assert share_red(above=0.1, level_sd=level_sd) <= 0.05


def test_twice_the_promised_share_above_is_mostly_red() -> None:
    assert share_red(above=0.22, level_sd=0.05) > 0.9
    # The less sure the level, the more of it one window may explain.
    assert share_red(above=0.22) > 0.5
    assert share_red(above=0.27) > 0.9


def test_a_quarter_of_the_promised_share_above_is_red_where_the_level_is_sure() -> None:
    assert share_red(above=0.025, level_sd=0.05) > 0.8


def test_the_interval_of_the_share_holds_the_window() -> None:
    found = [of_best(window(above=0.1, level_sd=sd, seed=1)) for sd in (0.0, 0.2)]
    width = [each[ABOVE_BEST].hi - each[ABOVE_BEST].lo for each in found]
    assert width[1] > 2 * width[0]
    assert found[0][PROMISED_BEST].value == pytest.approx(0.1)
