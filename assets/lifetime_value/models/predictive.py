"""Distributions of the number of orders of a customer and of their total amount.

Given that a customer is active, orders within a horizon are the smaller of a Poisson count and a geometric
one, whose rates do not depend on each other: P(N > n) is a negative binomial tail times E[(1 - p)^n].
Given N orders, their total over ``v + x * mean amount`` is beta-prime (p N, q + p x), which depends on the
customer by x alone. So both distributions depend on x and T only, and are tabulated once for each of these;
t_x enters through the probability of being active, and the mean amount as a scale.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv, betaln, gammaln

from assets.lifetime_value.models.gamma_gamma import GammaGammaParams
from assets.metrics.arrays import Floats, Ints
from assets.purchase_process.bg_nbd import BgNbdParams, alive
from assets.purchase_process.purchase_history import PurchaseHistory

# Rows times columns of the largest table at any one time: 32 MiB of floats.
CELLS = 2**22
# Counts rarer than this among active customers are left out of the tables.
NEGLIGIBLE = 1e-5
MOST_ORDERS = 2**14
# Up to so many orders each count is a row of the amounts' table; beyond, counts share rows.
SINGLE_COUNTS = 16
GROWTH = 1.15
GRID = 128
GRID_TAIL = 1e-3
# A chance that underflows to 0 is divided by all the same.
SMALLEST = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecaster:
    """Fitted parameters of both models, in days and shop currency."""

    buying: BgNbdParams
    spending: GammaGammaParams


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Where the outcomes of each history lie, all (u, horizons).

    Attributes:
        orders_lo: Fewest orders, whole.
        orders_hi: Most orders, whole.
        amount_lo: Total amount as a multiple of ``v + x * mean amount``.
        amount_hi: The same at the upper end.
        amount_above: Chance of more than that: a tenth of an interval of 80 %, up to a fifth where the lower
            end is 0, and the chance of any order where the upper end is 0 as well.
    """

    orders_lo: Floats
    orders_hi: Floats
    amount_lo: Floats
    amount_hi: Floats
    amount_above: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """Customers of one x at one horizon: tails of both distributions, given that they are active.

    Attributes:
        rows: (m,) positions among the histories.
        column: Position of the horizon.
        pair: (m,) row of the tables.
        orders_above: (k, n) chance of more than 0, 1, … orders.
        log_amounts: (GRID,) logarithms of amount multiples.
        amounts_above: (k, GRID) chance of more than these.
    """

    rows: Ints
    column: int
    pair: Ints
    orders_above: Floats
    log_amounts: Floats
    amounts_above: Floats


def spread(
    model: Forecaster,
    histories: PurchaseHistory,
    *,
    horizons_days: Sequence[float],
    coverage: float,
    active: Floats | None = None,
) -> Spread:
    """Intervals that hold ``coverage`` (in (0, 1)) by the process alone, parameters taken as known.

    Central ones, but what the lower tail cannot use the upper one gets: half of the customers order
    nothing, say, so the interval starts at 0, and ending where a tenth lies above would hold 0.9.

    Args:
        model: Fitted parameters.
        histories: The u histories.
        horizons_days: Lengths of the windows.
        coverage: Probability that an interval should hold.
        active: (u,) chance of being active; by default as BG/NBD has it.
    """
    active = np.maximum(alive(model.buying, histories) if active is None else active, SMALLEST)
    found = np.zeros((5, active.size, len(horizons_days)))
    for block in _blocks(model, histories, horizons_days):
        place = (slice(None), block.rows, block.column)
        found[place] = _within(block, active[block.rows], coverage=coverage)
    return Spread(
        orders_lo=found[0],
        orders_hi=found[1],
        amount_lo=found[2],
        amount_hi=found[3],
        amount_above=found[4],
    )


def _within(block: _Block, active: Floats, *, coverage: float) -> Floats:
    """Lower and upper ends of orders and amounts, and the chance of more than the last, (5, m)."""
    fewest = _orders_at(block, (1 + coverage) / 2 / active)
    reached = block.orders_above[block.pair, np.maximum(fewest, 1).astype(np.int64) - 1]
    below = np.where(fewest > 0, 1 - active * reached, 0.0)
    least = _amounts_at(block, (1 + coverage) / 2 / active)
    under = np.where(least > 0, (1 - coverage) / 2, 0.0)
    most = _orders_at(block, (1 - coverage - below) / active)
    highest = _amounts_at(block, (1 - coverage - under) / active)
    any_order = active * block.orders_above[block.pair, 0]
    return np.stack([fewest, most, least, highest, np.minimum(1 - coverage - under, any_order)])


def chance_above(
    model: Forecaster, histories: PurchaseHistory, *, horizon_days: float, orders: Floats, multiples: Floats
) -> tuple[Floats, Floats]:
    """Chance of more than ``orders`` (n,) orders and of more than ``multiples`` (n,) of the amount's scale.

    Args:
        model: Fitted parameters.
        histories: One per customer, as :meth:`Histories.of` gives them without merging.
        horizon_days: Length of the window.
        orders: Whole numbers; -1 gives 1.
        multiples: At least 0; 0 gives the chance of any order.
    """
    active = alive(model.buying, histories)
    found = np.ones((2, active.size))
    for block in _blocks(model, histories, [horizon_days]):
        counts, rows = orders[block.rows].astype(np.int64), block.rows
        tail = np.column_stack([block.orders_above, np.zeros(len(block.orders_above))])
        beyond = tail[block.pair, np.clip(counts, 0, tail.shape[1] - 1)]
        found[0, rows] = np.where(counts < 0, 1.0, active[rows] * beyond)
        found[1, rows] = active[rows] * _chance_of_more(block, multiples[rows])
    return found[0], found[1]


def _blocks(
    model: Forecaster, histories: PurchaseHistory, horizons_days: Sequence[float]
) -> Iterator[_Block]:
    order = np.argsort(histories.frequency, kind="stable")
    starts = np.flatnonzero(np.diff(histories.frequency[order], prepend=-1.0))
    for same in np.split(order, starts[1:]):
        x = float(histories.frequency[same[0]])
        youngest = float(histories.age[same].min())
        most = _most_orders(model.buying, x, age=youngest, days=max(horizons_days))
        edges, log_amounts, table = _amount_table(model.spending, x, most=most)
        for rows in np.array_split(same, 1 + same.size * max(most, GRID) // CELLS):
            ages, pair = np.unique(histories.age[rows], return_inverse=True)
            for column, days in enumerate(horizons_days):
                above = orders_above(model.buying, x, age=ages, days=days, most=most)
                yield _Block(
                    rows=rows,
                    column=column,
                    pair=pair.astype(np.int64),
                    orders_above=above,
                    log_amounts=log_amounts,
                    amounts_above=-np.diff(above[:, edges], axis=1) @ table,
                )


def orders_above(buying: BgNbdParams, x: float, *, age: Floats, days: float, most: int) -> Floats:
    """P(N > n), n from 0 to ``most``, of active customers: (k, most + 1).

    Args:
        buying: Parameters.
        x: Their repeat orders.
        age: (k,) days since the first order.
        days: Length of the window.
        most: Largest n.
    """
    r, alpha, a, b = buying
    n = np.arange(most + 1)
    z = (days / (alpha + age + days))[:, None]
    log_chance = gammaln(r + x + n) - gammaln(r + x) - gammaln(n + 1)
    poisson = np.cumsum(np.exp(log_chance + (r + x) * np.log1p(-z) + n * np.log(z)), axis=1)
    stays = np.exp(betaln(a, b + x + n) - betaln(a, b + x))
    return np.asarray(np.clip(1 - poisson, 0.0, 1.0) * stays, dtype=np.float64)


def _most_orders(buying: BgNbdParams, x: float, *, age: float, days: float) -> int:
    """The smallest power of two of orders that hardly anybody with ``x`` repeats will exceed."""
    r, alpha, a, b = buying
    counts = 2.0 ** np.arange(1, np.log2(MOST_ORDERS) + 1)
    tail = betainc(counts + 1, r + x, days / (alpha + age + days))
    tail *= np.exp(betaln(a, b + x + counts) - betaln(a, b + x))
    rare = np.flatnonzero(tail < NEGLIGIBLE)
    return int(counts[rare[0]]) if rare.size else MOST_ORDERS


def _amount_table(spending: GammaGammaParams, x: float, *, most: int) -> tuple[Ints, Floats, Floats]:
    """Strata of counts (s + 1 edges), grid of log amounts, and the chance of more, (s, GRID)."""
    steps = int(np.ceil(np.log(max(most / SINGLE_COUNTS, 1)) / np.log(GROWTH)))
    beyond = np.unique(np.round(SINGLE_COUNTS * GROWTH ** np.arange(1, steps + 1)).astype(np.int64))
    edges = np.r_[np.arange(min(SINGLE_COUNTS, most) + 1), beyond[beyond < most], most]
    edges = np.unique(edges).astype(np.int64)
    counts = (edges[:-1] + 1 + edges[1:]) / 2
    p, q = spending.p, spending.q + spending.p * x
    share = betaincinv(p * np.array([1.0, float(most)]), q, [GRID_TAIL, 1 - GRID_TAIL])
    lowest, highest = np.log(share / (1 - share))
    log_amounts = np.linspace(lowest, highest, GRID)
    above = betainc(q, p * counts[:, None], 1 / (1 + np.exp(log_amounts))[None, :])
    return edges, log_amounts, np.asarray(above, dtype=np.float64)


def _orders_at(block: _Block, share: Floats) -> Floats:
    """The smallest count that at most ``share`` (m,) of the active exceed, (m,)."""
    return np.asarray((block.orders_above[block.pair] > share[:, None]).sum(axis=1), dtype=np.float64)


def _amounts_at(block: _Block, share: Floats) -> Floats:
    """The amount multiple that ``share`` (m,) of the active exceed, (m,); 0 when fewer order at all."""
    above = block.amounts_above[block.pair]
    right = np.clip((above > share[:, None]).sum(axis=1), 1, GRID - 1)
    every = np.arange(right.size)
    left_above, right_above = above[every, right - 1], above[every, right]
    way = np.clip((left_above - share) / np.maximum(left_above - right_above, SMALLEST), 0.0, 1.0)
    found = np.exp(block.log_amounts[right - 1] + way * (block.log_amounts[1] - block.log_amounts[0]))
    return np.where(block.orders_above[block.pair, 0] > share, found, 0.0)


def _chance_of_more(block: _Block, multiples: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        place = (np.log(multiples) - block.log_amounts[0]) / (block.log_amounts[1] - block.log_amounts[0])
    left = np.clip(np.floor(place), 0, GRID - 2).astype(np.int64)
    way = np.clip(place - left, 0.0, 1.0)
    above = block.amounts_above
    between = (1 - way) * above[block.pair, left] + way * above[block.pair, left + 1]
    any_order = block.orders_above[block.pair, 0]
    return np.asarray(np.where(multiples > 0, between, any_order), dtype=np.float64)
