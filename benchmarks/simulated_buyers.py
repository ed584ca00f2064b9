"""Customers simulated from known parameters of BG/NBD and Gamma-Gamma, to evaluate fitted models."""

from dataclasses import dataclass

import numpy as np

from assets.lifetime_value.models.predictive import Forecaster
from assets.metrics.arrays import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """Customers with past orders to fit on and future orders to evaluate with.

    Attributes:
        past: (n, 4) frequency, recency and age in whole days, mean amount of the repeat orders (``nan``
            without any): the rows :class:`LifetimeValue` takes.
        orders: (n,) orders within the horizon after the as-of date.
        revenue: (n,) their total amount.
        is_active: (n,) 1 if the customer had not left by the as-of date, else 0.
    """

    past: Floats
    orders: Floats
    revenue: Floats
    is_active: Floats


def simulated(
    model: Forecaster, age_days: Floats, *, horizon_days: float, rng: np.random.Generator
) -> Simulated:
    """Simulate one customer per entry of ``age_days``.

    No loop over time: of k random orders in a period the j-th is at Beta(j, k - j + 1) of it. Recency is
    rounded up to whole days.

    Args:
        model: The true parameters.
        age_days: (n,) whole days since the first order, at least 1.
        horizon_days: Days after the as-of date.
        rng: Source of the draws.
    """
    buying, n = model.buying, age_days.size
    rate = rng.gamma(buying.r, 1 / buying.alpha, n)
    leaves_at = rng.geometric(np.maximum(rng.beta(buying.a, buying.b, n), 1e-12)).astype(np.float64)
    potential = rng.poisson(rate * age_days).astype(np.float64)
    x = np.minimum(potential, leaves_at)
    share = rng.beta(np.maximum(x, 1), potential - x + 1)
    recency = np.where(x > 0, np.clip(np.ceil(share * age_days), 1, age_days), 0.0)
    active = potential < leaves_at
    orders = np.where(active, np.minimum(rng.poisson(rate * horizon_days), leaves_at - x), 0.0)
    nu = rng.gamma(model.spending.q, 1 / model.spending.v, n)
    spent, revenue = (_total(model.spending.p, count, nu=nu, rng=rng) for count in (x, orders))
    amount = np.divide(spent, x, out=np.full(n, np.nan), where=x > 0)
    return Simulated(
        past=np.column_stack([x, recency, age_days, amount]),
        orders=orders,
        revenue=revenue,
        is_active=active.astype(np.float64),
    )


def _total(p: float, count: Floats, *, nu: Floats, rng: np.random.Generator) -> Floats:
    """Total amount of ``count`` orders, (n,)."""
    drawn = rng.gamma(np.maximum(p * count, 1e-9)) / nu
    return np.where(count > 0, drawn, 0.0)
