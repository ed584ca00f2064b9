"""True expected order days and spend of the coming 30, 90 and 365 days, given each customer's state."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from assets.calendar import first_of_months
from assets.sample_shop.world.baskets import (
    FAVOURITE_SHARE,
    LINES_PER_ORDER,
    LONGEST_RETURN_DAYS,
    QUANTITY_CHANCE,
    RETURNED_SHARE,
    SHORTEST_RETURN_DAYS,
    THEME_SHARE,
)
from assets.sample_shop.world.history import MonthOfOrders
from assets.sample_shop.world.orders import GAINS_INTEREST, LOSES_INTEREST, ORDER_FACTORS, Demand, alive_days
from assets.sample_shop.world.products import CATEGORIES
from assets.sample_shop.world.shop import DAYS_PER_WEEK, Floats, Ints, Shop

HORIZONS_DAYS = (30, 90, 365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Expected purchases of living customers (n,) in one week, by day.

    Attributes:
        order_days: (n, days) probability of an order on the day.
        orders: (n, days) mean number of orders.
    """

    order_days: Floats
    orders: Floats


def expected_purchases(
    shop: Shop,
    demand: Demand,
    *,
    products: pd.DataFrame,
    ordered: pd.DataFrame,
    horizons_days: Sequence[int] = HORIZONS_DAYS,
) -> Iterator[pd.DataFrame]:
    r"""Expected days with an order and net spend in ``[as_of_date, as_of_date + horizon_days)``.

    Conditional on being alive on the as-of date, on interest in that week, and on all messages, as
    ``purchase_probabilities`` is. Let w_d(s) be the probability of being alive in state s at the start of
    day d and m_d(s) the expected orders of that day. Then

        order days = sum over d, s of w_d(s) * (1 - exp(-m_d(s))),
        amount     = sum over d, s of w_d(s) * m_d(s) * a_d * (1 - r * F(end - d)) - returns,

    where a_d is the mean amount of an order's articles, r the share of lines that come back, F the
    distribution of the days until then, and *returns* are the expected ones of orders before the as-of date,
    as if none of those returns were known yet. Postage does not count.

    Args:
        shop: The shop.
        demand: The customers and their true state.
        products: As ``catalogue`` returns them.
        ordered: Rows of :func:`amounts_by_day` of every month.
        horizons_days: Lengths of the windows.

    Yields:
        One frame per first Monday of a month and window that ends inside the shop's days, oldest first:
        customer_id, as_of_date, horizon_days, orders (days), amount (shop currency); all customers who signed
        up before that day.
    """
    signed_up = demand.customers["signed_up_day"].to_numpy()
    mondays = range(0, shop.day_count, DAYS_PER_WEEK)
    worth = np.stack([amounts_per_order(products, day=monday) for monday in mondays])
    for day in first_of_months(shop.first_day, shop.last_day):
        start = shop.day_number(day)
        ends = [start + days for days in horizons_days if start + days <= shop.day_count]
        known = int(np.searchsorted(signed_up, start))
        if not ends or not known:
            continue
        orders, amount = _until(demand, known, start=start, ends=ends, worth=worth)
        amount -= _pending_returns(ordered, known, start=start, ends=ends)
        for column, end in enumerate(ends):
            yield pd.DataFrame(
                {
                    "customer_id": demand.customers["customer_id"].iloc[:known],
                    "as_of_date": shop.first_day + timedelta(days=start),
                    "horizon_days": end - start,
                    "orders": orders[:, column],
                    "amount": amount[:, column],
                }
            )


def amounts_by_day(booked: MonthOfOrders) -> pd.DataFrame:
    """Amounts of articles by customer and day of one month: customer (row of the shop's), day, amount.

    Args:
        booked: The month.
    """
    articles = booked.articles.loc[booked.articles["customer"] >= 0]
    amount = articles["quantity"] * articles["unit_price"]
    return amount.groupby([articles["customer"], articles["day"]]).sum().rename("amount").reset_index()


def _until(
    demand: Demand, known: int, *, start: int, ends: Sequence[int], worth: Floats
) -> tuple[Floats, Floats]:
    """Order days and amounts of the first ``known`` customers up to each of ``ends``, (known, ends) each.

    Args:
        demand: The customers and their true state.
        known: Number of customers.
        start: Day number of a Monday.
        ends: Day numbers after the windows.
        worth: (weeks, categories) mean amounts of an order by favourite category.
    """
    _, end_of_life = alive_days(demand.customers.iloc[:known], days=demand.trade.shape[1] + 1)
    living = np.flatnonzero(end_of_life > start)
    favourite = demand.customers["favourite"].to_numpy()[living]
    orders, amount = np.zeros((2, known, len(ends)))
    for days, week in _weeks(demand, living, days=range(start, max(ends))):
        each_order = worth[days.start // DAYS_PER_WEEK, favourite]
        for column, end in enumerate(ends):
            left = end - np.arange(days.start, days.stop)
            kept = np.where(left > 0, 1 - RETURNED_SHARE * returned_within(left), 0.0)
            orders[living, column] += week.order_days @ (left > 0)
            amount[living, column] += each_order * (week.orders @ kept)
    return orders, amount


def _weeks(demand: Demand, living: Ints, *, days: range) -> Iterator[tuple[range, Week]]:
    """The weeks of ``days``, from a Monday on, with the expected purchases of ``living`` customers."""
    rate, hazard, segment = (
        demand.customers[name].to_numpy()[living] for name in ("rate", "hazard", "segment")
    )
    interested = demand.interest[living, days.start // DAYS_PER_WEEK].astype(np.float64)
    state = np.stack([1 - interested, interested])
    is_moved = np.isin(living, demand.persuasion.moved, assume_unique=True)
    place = np.searchsorted(demand.persuasion.moved, living[is_moved])
    for first in range(days.start, days.stop, DAYS_PER_WEEK):
        span = range(first, min(first + DAYS_PER_WEEK, days.stop))
        ordinary = rate[:, None] * demand.trade[segment, span.start : span.stop]
        extra, (added, placed) = np.zeros_like(ordinary), demand.persuasion.by_day(span)
        ordinary[is_moved] *= placed[place]
        extra[is_moved] = added[place]
        means = np.stack([factor * ordinary + extra for factor in ORDER_FACTORS])
        weight = state[:, :, None] * np.exp(-hazard[:, None] * np.arange(len(span)))
        yield (
            span,
            Week(order_days=(-np.expm1(-means) * weight).sum(axis=0), orders=(means * weight).sum(axis=0)),
        )
        state = state * np.exp(-hazard * len(span))
        turned = GAINS_INTEREST * state[0] - LOSES_INTEREST * state[1]
        state += np.stack([-turned, turned])


def amounts_per_order(products: pd.DataFrame, *, day: int) -> Floats:
    """Mean amount of an order's articles on ``day`` by favourite category, (categories,).

    Args:
        products: As ``catalogue`` returns them.
        day: Day number; products launched later are not sold.
    """
    sold = products.loc[products["launched_day"] <= day]
    by_theme, by_category = (_mean_prices(sold, sold[name]) for name in ("affinity_group", "category"))
    everything = float(_mean_prices(sold, np.zeros(len(sold))).iloc[0])
    rest = 1 - THEME_SHARE - FAVOURITE_SHARE
    price = (
        THEME_SHARE * float(by_theme.mean())
        + FAVOURITE_SHARE * by_category.reindex(list(CATEGORIES)).to_numpy(dtype=np.float64)
        + rest * everything
    )
    return np.asarray(price * LINES_PER_ORDER / QUANTITY_CHANCE, dtype=np.float64)


def _mean_prices(sold: pd.DataFrame, shelf: "pd.Series[str] | Floats") -> "pd.Series[float]":
    """Mean price on each shelf, weighted by popularity."""
    weighted = (sold["popularity"] * sold["unit_price"]).groupby(shelf).sum()
    return weighted / sold["popularity"].groupby(shelf).sum()


def returned_within(days: Ints) -> Floats:
    """Probability that a line that comes back does so less than ``days`` (n,) after its order, (n,).

    >>> returned_within(np.array([2, 3, 21])).round(3).tolist()
    [0.0, 0.053, 1.0]
    """
    share = (days - SHORTEST_RETURN_DAYS) / (LONGEST_RETURN_DAYS - SHORTEST_RETURN_DAYS)
    return np.asarray(np.clip(share, 0.0, 1.0), dtype=np.float64)


def _pending_returns(ordered: pd.DataFrame, known: int, *, start: int, ends: Iterable[int]) -> Floats:
    """Expected amount of returns in each window of orders placed before ``start``, (known, ends)."""
    recent = ordered.loc[ordered["day"].between(start - LONGEST_RETURN_DAYS, start - 1)]
    customer, day = recent["customer"].to_numpy(), recent["day"].to_numpy()
    amounts = [
        RETURNED_SHARE
        * recent["amount"].to_numpy()
        * (returned_within(end - day) - returned_within(start - day))
        for end in ends
    ]
    return np.column_stack([np.bincount(customer, each, minlength=known)[:known] for each in amounts])
