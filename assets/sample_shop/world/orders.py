"""Orders: a Poisson process whose rate depends on customer, interest, season and messages."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from assets.sample_shop.world.persuasion import Persuasion
from assets.sample_shop.world.products import AFFINITY_GROUPS
from assets.sample_shop.world.shop import DAYS_PER_WEEK, Bools, Floats, Ints, Month, Shop

# Interest, a weekly state of each customer, is visible in visits before it is visible in orders.
INTERESTED_SHARE = 0.25
LOSES_INTEREST = 0.2
GAINS_INTEREST = LOSES_INTEREST * INTERESTED_SHARE / (1.0 - INTERESTED_SHARE)
# Mean 1 over customers: 0.75 * 0.4 + 0.25 * 2.8, so that rates keep their meaning.
ORDER_FACTORS: Floats = np.array([0.4, 2.8])
GUEST_SHARE = 0.06
OPENING_HOUR, OPEN_SECONDS = 8, 13 * 3600
# Messages are sent from nine to ten, so an order before ten is not caused by one.
PERSUADED_FROM_SECOND = 10 * 3600
ORDER_CHANNELS, ORDER_CHANNEL_SHARES = ("web", "app", "phone"), (0.7, 0.25, 0.05)
BLOCK = 100_000
FIRST_ORDER_NUMBER = 500_000
GUEST = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Parameters of the order process.

    Attributes:
        customers: As ``customers_of`` returns them.
        interest: As ``interest_of`` returns it, shape (customers, weeks).
        trade: As ``trade_by_segment`` returns it, shape (segments, days).
        persuasion: As ``persuasion_of`` returns it.
    """

    customers: pd.DataFrame
    interest: Bools
    trade: Floats
    persuasion: Persuasion


def interest_of(shop: Shop) -> Bools:
    """Whether each customer is interested in each week, shape (customers, weeks).

    A stationary two-state Markov chain by week: a quarter is interested, for five weeks on average.
    """
    rng = shop.rng("interest")
    states = np.empty((shop.customers, shop.weeks), dtype=np.bool_)
    state = rng.random(shop.customers, dtype=np.float32) < INTERESTED_SHARE
    for week in range(shop.weeks):
        states[:, week] = state
        luck = rng.random(shop.customers, dtype=np.float32)
        state = np.where(state, luck >= LOSES_INTEREST, luck < GAINS_INTEREST)
    return states


def orders_of(shop: Shop, demand: Demand, month: Month, *, numbered_from: int = 0) -> pd.DataFrame:
    """Simulate the orders of ``month`` by customers and guests, oldest first.

    The first order is placed on the day of sign-up. After it, the number of orders of customer i in a
    week (cut at the ends of the month and of life) is Poisson with rate_i * factor(interest) * trade
    summed over these days, each on a day in proportion to trade; messages add orders and deter some.

    Args:
        shop: The shop.
        demand: Parameters of the order process.
        month: The month.
        numbered_from: Number of earlier orders.

    Returns:
        order_id, customer (row of ``customers``; -1 for a guest), day (0 is the shop's first), second (of
        the day), ordered_at (local wall clock), channel, country, theme (affinity group), is_first.
    """
    rng = shop.rng("orders", month.number)
    ordinary = _ordinary_orders(shop, demand, month)
    placed = demand.persuasion.is_placed(*ordinary, rng)
    person, day = ordinary[0][placed], ordinary[1][placed]
    extra = _while_alive(shop, demand, *demand.persuasion.extra_orders(month.days, rng))
    signed_up = demand.customers["signed_up_day"].to_numpy()
    first = np.arange(*np.searchsorted(signed_up, [month.days.start, month.days.stop]))
    known_days = np.concatenate([day, extra[1], signed_up[first]])
    guests = int(GUEST_SHARE * len(known_days))
    kinds = [len(day), len(extra[1]), len(first), guests]
    opening = OPENING_HOUR * 3600
    orders = pd.DataFrame(
        {
            "customer": np.concatenate([person, extra[0], first, np.full(guests, GUEST)]),
            # Guests order on the days of other orders.
            "day": np.concatenate([known_days, rng.choice(known_days, size=guests)]),
            "earliest": np.repeat([opening, PERSUADED_FROM_SECOND, opening, opening], kinds),
            "is_first": np.repeat([False, False, True, False], kinds),
        }
    )
    return _complete_orders(shop, demand, orders, numbered_from=numbered_from, rng=rng)


def _complete_orders(
    shop: Shop, demand: Demand, orders: pd.DataFrame, *, numbered_from: int, rng: np.random.Generator
) -> pd.DataFrame:
    count = len(orders)
    close = OPENING_HOUR * 3600 + OPEN_SECONDS
    orders["second"] = rng.integers(orders.pop("earliest").to_numpy(), close)
    orders["ordered_at"] = shop.moments(orders["day"], orders["second"])
    channel = rng.choice(len(ORDER_CHANNELS), size=count, p=ORDER_CHANNEL_SHARES)
    orders["channel"] = np.array(ORDER_CHANNELS, dtype=object)[channel]
    country = np.append(demand.customers["country"].to_numpy(dtype=object), "United Kingdom")
    orders["country"] = country[orders["customer"].to_numpy()]
    orders["theme"] = rng.integers(AFFINITY_GROUPS, size=count)
    orders = orders.sort_values(["ordered_at", "customer"], ignore_index=True)
    orders.insert(0, "order_id", (FIRST_ORDER_NUMBER + numbered_from + orders.index).astype(str))
    return orders


def alive_days(customers: pd.DataFrame, *, days: int) -> tuple[Ints, Ints]:
    """Half-open range of days on which each of ``customers`` (n, columns) may order again, both (n,).

    A customer orders again from the day after sign-up until the end of the day on which life ends.
    """
    signed_up = customers["signed_up_day"].to_numpy()
    start = np.clip(signed_up + 1, 0, days)
    last = signed_up + 1 + np.floor(customers["lifetime"].to_numpy()).astype(np.int64)
    return start, np.maximum(start, np.clip(last + 1, 0, days))


def _while_alive(shop: Shop, demand: Demand, person: Ints, day: Ints) -> tuple[Ints, Ints]:
    start, end = alive_days(demand.customers, days=shop.day_count)
    alive = (day >= start[person]) & (day < end[person])
    return person[alive], day[alive]


def _ordinary_orders(shop: Shop, demand: Demand, month: Month) -> tuple[Ints, Ints]:
    """Customer and day of every repeat order not caused by a message, both of shape (orders,)."""
    start, end = alive_days(demand.customers, days=shop.day_count)
    alive = np.flatnonzero((start < month.days.stop) & (end > month.days.start))
    # Blocks of customer numbers, not of living customers, so that later sign-ups do not change earlier draws.
    edges = np.searchsorted(alive, np.arange(0, shop.customers + BLOCK, BLOCK))
    parts = [
        _orders_of_block(demand, month, alive[low:high], shop.rng("orders.ordinary", month.number, number))
        for number, (low, high) in enumerate(pairwise(edges))
    ]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _orders_of_block(demand: Demand, month: Month, rows: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    days = demand.trade.shape[1]
    elapsed = np.pad(demand.trade.cumsum(axis=1), ((0, 0), (1, 0)))
    weeks = np.arange(month.days.start // DAYS_PER_WEEK, (month.days.stop - 1) // DAYS_PER_WEEK + 1)
    low = np.maximum(weeks * DAYS_PER_WEEK, month.days.start)
    high = np.minimum((weeks + 1) * DAYS_PER_WEEK, month.days.stop)
    block = demand.customers[["segment", "rate", "signed_up_day", "lifetime"]].iloc[rows]
    segment = block["segment"].to_numpy()[:, None]
    start, end = alive_days(block, days=days)
    begun = elapsed[segment, np.clip(start[:, None], low, high)]
    done = elapsed[segment, np.clip(end[:, None], low, high)]
    factor = ORDER_FACTORS[demand.interest[rows, weeks[0] : weeks[-1] + 1].astype(np.int64)]
    expected = block["rate"].to_numpy()[:, None] * factor * (done - begun)
    counts = rng.poisson(expected)
    person, week = np.nonzero(counts)
    person, week = (np.repeat(index, counts[person, week]) for index in (person, week))
    at = rng.uniform(begun[person, week], done[person, week])
    return rows[person], _days_at(at, segment[person, 0], elapsed)


def _days_at(at: Floats, segment: Ints, elapsed: Floats) -> Ints:
    """Day on which the cumulative trade of ``segment`` exceeds ``at``, shape of ``at``."""
    day = np.empty(len(at), dtype=np.int64)
    for kind, passed in enumerate(elapsed):
        mine = segment == kind
        day[mine] = np.searchsorted(passed, at[mine], side="right") - 1
    return day
