"""Simulation of the shop month by month, to bound the memory of a large shop."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa

from assets.sample_shop.browsing.events import events_of, visitors_of
from assets.sample_shop.browsing.sessions import SimulatedDays
from assets.sample_shop.exports.faults import poisoned_lines, tracked
from assets.sample_shop.exports.tables import EVENT_SCHEMA
from assets.sample_shop.messages.blocks import all_sends_of
from assets.sample_shop.world.baskets import articles_of, returns_of, with_postage
from assets.sample_shop.world.customers import customers_of
from assets.sample_shop.world.orders import Demand, interest_of, orders_of
from assets.sample_shop.world.persuasion import EFFECT_DAYS, persuasion_of
from assets.sample_shop.world.products import catalogue
from assets.sample_shop.world.segments import trade_by_segment
from assets.sample_shop.world.shop import DAYS_PER_WEEK, Month, Shop

# The events of a month of a larger shop would be gigabytes, so they are simulated by week.
MONTHS_OF_EVENTS_UP_TO = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """State fixed before the first day: customers, products, messages and visitors.

    Attributes:
        demand: The customers and the parameters of their orders.
        products: As ``catalogue`` returns them.
        sends: As ``all_sends_of`` returns them.
        visitors: As ``visitors_of`` returns them.
    """

    demand: Demand
    products: pd.DataFrame
    sends: pd.DataFrame
    visitors: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfOrders:
    """One month of orders.

    Attributes:
        month: The month.
        orders: As ``orders_of`` returns them.
        articles: As ``articles_of`` returns them for these orders.
        returned: Returned lines of these orders, whatever the day of return.
        lines: Lines booked in this month, oldest first: articles, postage, returns of earlier orders, and
            poisoned lines.
    """

    month: Month
    orders: pd.DataFrame
    articles: pd.DataFrame
    returned: pd.DataFrame
    lines: pd.DataFrame


def population_of(shop: Shop) -> Population:
    """Simulate the state that is fixed before the first day."""
    customers = customers_of(shop)
    sends = all_sends_of(shop, customers)
    demand = Demand(
        customers=customers,
        interest=interest_of(shop),
        trade=trade_by_segment(shop),
        persuasion=persuasion_of(shop, customers, sends),
    )
    return Population(
        demand=demand,
        products=catalogue(shop),
        sends=sends,
        visitors=visitors_of(shop, customers, shop.rng("visitors")),
    )


def months_of_orders(shop: Shop, population: Population) -> Iterator[MonthOfOrders]:
    """Yield the months of orders, oldest first."""
    last = pd.Timestamp(shop.last_day) + pd.Timedelta(days=1)
    customers = population.demand.customers
    favourites = customers["favourite"].to_numpy()
    count, underway = 0, pd.DataFrame()
    for month in shop.months:
        orders = orders_of(shop, population.demand, month, numbered_from=count)
        count += len(orders)
        rng = shop.rng("baskets", month.number)
        articles = articles_of(orders, population.products, favourites=favourites, rng=rng)
        returned = returns_of(articles, last=last, rng=rng)
        underway = pd.concat([underway, returned], ignore_index=True)
        end = pd.Timestamp(shop.first_day) + pd.Timedelta(days=month.days.stop)
        is_back = underway["ordered_at"] < end
        parts = [with_postage(articles), underway[is_back]]
        if shop.injected_faults.poisoned_labels_from is not None:
            parts.append(poisoned_lines(shop, customers, population.products, month=month))
        lines = pd.concat(parts).sort_values(["ordered_at", "order_id"], kind="stable", ignore_index=True)
        underway = underway[~is_back]
        yield MonthOfOrders(month=month, orders=orders, articles=articles, returned=returned, lines=lines)


def events_by_day(
    shop: Shop, population: Population, booked: MonthOfOrders
) -> Iterator[tuple[int, pa.Table]]:
    """Yield each day of the month that has events, with its events as tracked, injected faults included.

    Args:
        shop: The shop.
        population: The fixed state.
        booked: The month.
    """
    for days in _spans(shop, booked.month):
        rng = shop.rng("events", days.start)
        world = _simulated_days(population, booked, days)
        events = tracked(
            shop, events_of(shop, population.visitors, days, world=world, rng=rng), population.products
        )
        events = events.sort_values(["occurred_at", "visitor_id"], kind="stable")
        day = events["day"].to_numpy()
        # One Arrow table, then slices: converting each day costs more than writing it.
        table = pa.Table.from_pandas(events, schema=EVENT_SCHEMA, preserve_index=False)
        table = table.replace_schema_metadata()
        edges = np.searchsorted(day, np.arange(days.start, days.stop + 1))
        for number, (low, high) in enumerate(pairwise(edges)):
            if high > low:
                yield days.start + number, table.slice(low, high - low)


def _simulated_days(population: Population, booked: MonthOfOrders, days: range) -> SimulatedDays:
    low, high = np.searchsorted(booked.orders["day"].to_numpy(), [days.start, days.stop])
    first, last = np.searchsorted(booked.articles["order"].to_numpy(), [low, high])
    lines = booked.articles.iloc[first:last].reset_index(drop=True)
    sent, done = np.searchsorted(population.sends["day"].to_numpy(), [days.start - EFFECT_DAYS, days.stop])
    return SimulatedDays(
        customers=population.demand.customers,
        interest=population.demand.interest,
        orders=booked.orders.iloc[low:high].reset_index(drop=True),
        lines=lines.assign(order=lines["order"] - low),
        products=population.products,
        sends=population.sends.iloc[sent:done].reset_index(drop=True),
    )


def _spans(shop: Shop, month: Month) -> list[range]:
    if shop.customers <= MONTHS_OF_EVENTS_UP_TO:
        return [month.days]
    starts = range(month.days.start, month.days.stop, DAYS_PER_WEEK)
    return [range(start, min(start + DAYS_PER_WEEK, month.days.stop)) for start in starts]
