"""Predictions that agree with the published chance of an order in the shortest horizon."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from assets.lifetime_value.models.candidates import (
    NEXT_ORDER_CHANCES,
    CustomerValue,
    HorizonLevel,
    ValuePrediction,
    calendar_days,
    neutral_levels,
)
from assets.lifetime_value.models.clv import COLUMNS
from assets.lifetime_value.models.predictive import SMALLEST
from assets.metrics.arrays import Floats
from assets.purchase_process.purchase_history import HISTORY


def agree_with_chance(
    model: CustomerValue,
    X: pd.DataFrame,  # noqa: N803 - scikit-learn's name
    predicted: ValuePrediction,
    *,
    chance: Floats,
    levels: Sequence[HorizonLevel] = (),
) -> ValuePrediction:
    """``predicted`` given that customers order within the shortest horizon with probability ``chance``.

    BG/NBD's distribution of activity and orders is updated by Jeffrey's rule: it stays as it is given that
    there is an order in the window, and given that there is none; the chance of either becomes the published
    one. So orders are at least ``chance``, which is at most the chance of being active, and the median of the
    next order lies in the window exactly where ``chance`` is above half of that. The total of the orders
    stays the level's, unless the buyers alone are more; what follows the shortest horizon does not change.

    Wrong where ``chance`` is a rate of a group: it would replace what the model knows about a customer.

    Args:
        model: The model that made ``predicted``.
        X: Customers (n, k).
        predicted: Of the same customers.
        chance: (n,) probability of an order in the shortest horizon; ``nan`` where none is published.
        levels: Level of the shop by horizon, as ``predicted`` contains it.

    Source: Jeffrey 1965, The Logic of Decision, chapter 11.
    """
    levels = levels or neutral_levels(model.horizons_days)
    rows, days, buying = X[list(HISTORY)], levels[0].effective_days, model.value_.purchases_
    is_known, silent = ~np.isnan(chance), buying.no_order_probability(rows, days)
    given = np.where(is_known, chance, 0.0)
    orders = _orders(given, buying.orders_of_buyers(rows, days), total=predicted.orders[is_known, 0].sum())
    moved = np.where(is_known, orders - predicted.orders[:, 0], 0.0)[:, None]
    value = predicted.value + moved * predicted.order_amount
    factor = np.where(is_known, given / (1.0 - silent), buying.probability_alive(rows))
    lo, hi = _interval(model, X, predicted, value=value, level=levels[0], active=factor)
    active = _active(np.where(np.isnan(predicted.alive), 1.0, predicted.alive), silent=silent, chance=given)
    # A customer's clock runs so fast that the chance of an order in the window is the published one.
    with np.errstate(divide="ignore", invalid="ignore"):
        window_end = buying.next_order_days(rows, (given / active)[:, None])
        clock = buying.next_order_days(rows, NEXT_ORDER_CHANCES) / window_end * days
    return replace(
        predicted,
        value=value,
        value_lo=np.minimum(lo, value),
        value_hi=np.maximum(hi, value),
        # What the backtest compares, and nobody after it.
        value_above=np.full_like(hi, np.nan),
        orders=np.maximum(predicted.orders + moved, given[:, None]),
        alive=np.where(is_known & ~np.isnan(predicted.alive), active, predicted.alive),
        next_order_days=np.where(is_known[:, None], calendar_days(clock, levels), predicted.next_order_days),
    )


def _interval(  # noqa: PLR0913 - the model, its customers, and four numbers of each
    model: CustomerValue,
    X: pd.DataFrame,  # noqa: N803 - scikit-learn's name
    predicted: ValuePrediction,
    *,
    value: Floats,
    level: HorizonLevel,
    active: Floats,
) -> tuple[Floats, Floats]:
    """Ends of the intervals (n, h) around ``value`` (n, h).

    Of the shortest horizon with the chance of an order that ``active`` (n,) gives, of the longer ones in
    proportion to the mean.
    """
    factor = np.divide(value, predicted.value, out=np.ones_like(value), where=predicted.value > SMALLEST)
    lo, hi = predicted.value_lo * factor, predicted.value_hi * factor
    found = model.value_.forecast(
        X[list(COLUMNS)], horizons_days=[level.effective_days], window_sd=level.sd, active=active
    )
    scale = value[:, 0] / np.maximum(found.expected_revenue[:, 0], SMALLEST)
    lo[:, 0], hi[:, 0] = found.revenue_lo[:, 0] * scale, found.revenue_hi[:, 0] * scale
    return lo, hi


def _orders(chance: Floats, of_buyers: Floats, *, total: float) -> Floats:
    """Mean orders (n,): one of each buyer, and the others of ``total`` in proportion to BG/NBD's.

    Args:
        chance: (n,) probability of any order.
        of_buyers: (n,) mean orders of those who order at all, at least 1.
        total: Sum of the orders.
    """
    others = chance * (of_buyers - 1.0)
    left = max(total - float(chance.sum()), 0.0)
    return np.asarray(chance + others * left / max(float(others.sum()), SMALLEST), dtype=np.float64)


def _active(active: Floats, *, silent: Floats, chance: Floats) -> Floats:
    """Chance of being active (n,) after the update: certain with an order, what it was given none without.

    Args:
        active: (n,) before it.
        silent: (n,) chance that an active customer orders nothing in the window.
        chance: (n,) chance of an order in the window.
    """
    gone = 1.0 - active
    without = gone + active * silent
    still = 1.0 - gone * (1.0 - chance) / np.maximum(without, SMALLEST)
    return np.clip(still, chance, 1.0)
