"""True probability of an order within the horizon, given each customer's state on the as-of date."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pandas as pd

from assets.sample_shop.world.orders import GAINS_INTEREST, LOSES_INTEREST, ORDER_FACTORS, Demand, alive_days
from assets.sample_shop.world.shop import DAYS_PER_WEEK, Floats, Ints, Shop

HORIZON_DAYS = 30
# For a larger shop only every fourth Monday: a row per customer and week would dominate its size.
EVERY_MONDAY_UP_TO = 100_000
MONDAYS_APART = 4


def purchase_probabilities(
    shop: Shop, demand: Demand, *, horizon_days: int = HORIZON_DAYS
) -> Iterator[pd.DataFrame]:
    r"""True probability of at least one order in ``[as_of_date, as_of_date + horizon_days)``.

    Conditional on being alive on the as-of date, on interest in that week, and on all messages, those sent
    within the window included. By days: let q = 1 - exp(-hazard) be the risk of stopping at the end
    of a day, s the state of interest, and

        m_d(s) = rate * factor(s) * trade_d * (1 - deterred_d) + extra_d

    the expected orders of day d; deterred_d and extra_d come from messages (see ``Persuasion``). Let
    T_d(s, s') be the probability that s becomes s' overnight: the weekly transition from a Sunday to a
    Monday, the identity on other nights. The probability N_d(s) of *no* order from day d to the end of the
    window, for a customer alive in state s at the start of d, is

        N_d(s) = exp(-m_d(s)) * (q + (1 - q) * sum over s' of T_d(s, s') * N_{d+1}(s')),    N_end = 1,

    and the result is 1 - N_d(s) for living customers, 0 for those who have stopped.

    Args:
        shop: The shop.
        demand: The customers and their true state.
        horizon_days: Length of the outcome window in days.

    Yields:
        One frame per as-of date (Mondays whose window lies inside the shop's days), oldest first:
        customer_id, as_of_date, is_alive, probability; all customers who signed up before that day.
    """
    apart = DAYS_PER_WEEK * (1 if shop.customers <= EVERY_MONDAY_UP_TO else MONDAYS_APART)
    # The last window must end inside the simulated days, so that every probability has an outcome.
    for start in range(0, shop.day_count - horizon_days + 1, apart):
        yield _probabilities_from(shop, demand, window=range(start, start + horizon_days))


def _probabilities_from(shop: Shop, demand: Demand, *, window: range) -> pd.DataFrame:
    known = int(np.searchsorted(demand.customers["signed_up_day"].to_numpy(), window.start))
    customers = demand.customers.iloc[:known]
    _, end = alive_days(customers, days=shop.day_count + 1)
    alive = end > window.start
    probability = np.zeros(known)
    living = np.flatnonzero(alive)
    probability[living] = 1.0 - _no_order(demand, living, window=window)
    return pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "as_of_date": shop.first_day + timedelta(days=window.start),
            "is_alive": alive,
            "probability": probability,
        }
    )


def _no_order(demand: Demand, rows: Ints, *, window: range) -> Floats:
    """Probability of no order in ``window`` for each living customer of ``rows``, shape (rows,)."""
    persuasion = demand.persuasion
    extra, placed = persuasion.by_day(window)
    segment = demand.customers["segment"].to_numpy()[rows]
    is_moved = np.isin(rows, persuasion.moved, assume_unique=True)
    is_interested = demand.interest[rows, window.start // DAYS_PER_WEEK]
    nothing = np.empty(len(rows))
    for kind, trade in enumerate(demand.trade[:, window.start : window.stop]):
        for mine in (np.flatnonzero((segment == kind) & moved) for moved in (is_moved, ~is_moved)):
            usual, added = trade[None, :], np.zeros((1, len(trade)))
            if len(mine) and is_moved[mine[0]]:
                place = np.searchsorted(persuasion.moved, rows[mine])
                usual, added = trade * placed[place], extra[place]
            uninterested, interested = _backward_recursion(demand, rows[mine], usual=usual, extra=added)
            nothing[mine] = np.where(is_interested[mine], interested, uninterested)
    return nothing


def _backward_recursion(demand: Demand, rows: Ints, *, usual: Floats, extra: Floats) -> tuple[Floats, Floats]:
    """The recursion of ``purchase_probabilities``, from the last day of the window to its first.

    Args:
        demand: The customers and their true state.
        rows: (rows,) living customers.
        usual: Ordinary trade not deterred by messages, shape (rows or 1, days).
        extra: Expected orders added by messages, shape (rows or 1, days).

    Returns:
        Probability of no order, shape (rows,), if not interested and if interested on the first day.
    """
    rate, hazard = (demand.customers[name].to_numpy()[rows] for name in ("rate", "hazard"))
    stop, stay = -np.expm1(-hazard), np.exp(-hazard)
    uninterested, interested = np.ones(len(rows)), np.ones(len(rows))
    # The window opens on a Monday, the first day of a week.
    for day in reversed(range(usual.shape[1])):
        if (day + 1) % DAYS_PER_WEEK == 0:
            uninterested, interested = (
                uninterested + GAINS_INTEREST * (interested - uninterested),
                interested + LOSES_INTEREST * (uninterested - interested),
            )
        ordinary = rate * usual[:, day]
        uninterested = np.exp(-ORDER_FACTORS[0] * ordinary - extra[:, day]) * (stop + stay * uninterested)
        interested = np.exp(-ORDER_FACTORS[1] * ordinary - extra[:, day]) * (stop + stay * interested)
    return uninterested, interested
