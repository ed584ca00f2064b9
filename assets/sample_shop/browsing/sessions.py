"""Events of a visit to the shop's site: pages, searches, products, carts and purchases."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.sample_shop.world.products import CATEGORIES
from assets.sample_shop.world.shop import Bools, Ints

EVENT_TYPES = ("page_view", "search", "product_view", "add_to_cart", "checkout", "purchase")
PAGE_VIEW, SEARCH, PRODUCT_VIEW, ADD_TO_CART, CHECKOUT, PURCHASE = range(len(EVENT_TYPES))
STEP_SHARES = (0.20, 0.20, 0.60)
FAVOURITE_SHARE = 0.6
# Share of products viewed without an order that are put into the cart; share of these that reach checkout.
CARTED_SHARE, ABANDONED_CHECKOUT_SHARE = 0.08, 0.25
# Share of ordered products that are viewed before.
VIEWED_BEFORE_ORDER_SHARE = 0.9
SHORTEST_PAUSE, LONGEST_PAUSE = 5, 75
# Positions in a visit: steps are ``STEP`` apart, with space for the events that follow from each; ordered
# products come after all steps, in the order of the lines.
BEGINNING, STEP, ORDERING, END = 0, 3, 10_000, 2**31 - 1
NOTHING = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDays:
    """State of the simulation for a half-open range of days.

    Attributes:
        customers: All customers who ever sign up, as ``customers_of`` returns them; row = customer number.
        interest: Whether each customer is interested, shape (customers, weeks), bool; column w holds for
            the days ``[7 * w, 7 * w + 7)``.
        orders: Orders placed in these days, as ``orders_of`` returns them.
        lines: Articles of those orders, as ``articles_of`` returns them, without postage and returns.
        products: The whole catalogue, as ``catalogue`` returns it; ``launched_day`` may lie inside or
            after these days.
        sends: Messages sent in these days and in the seven days before them (a message may be opened or
            clicked on a later day): the columns of ``sends_of``.
    """

    customers: pd.DataFrame
    interest: Bools
    orders: pd.DataFrame
    lines: pd.DataFrame
    products: pd.DataFrame
    sends: pd.DataFrame


def steps_of(visits: pd.DataFrame, *, world: SimulatedDays, rng: np.random.Generator) -> pd.DataFrame:
    """Simulate the events of ``visits``, visit by visit, in order.

    A visit without an order opens a page, then takes a Poisson number of steps with mean ``steps``; one
    with an order goes on to the ordered products, the cart, the checkout and the purchase.

    Args:
        visits: day, second (since the shop's first midnight: start of the visit, or time of its order),
            order (row of ``world.orders``; -1 without), steps, liked (favourite category; -1
            if unknown); by row number.
        world: Orders and lines of these days, and the products.
        rng: Random generator.

    Returns:
        visit (row of ``visits``), position (in it), event_type (index into ``EVENT_TYPES``), product (row
        of ``world.products``; -1 when the event is about none), second (since the shop's first midnight).
    """
    opening = _part(np.arange(len(visits)), BEGINNING, PAGE_VIEW)
    parts = [opening, *_looking_around(visits, world.products, rng), *_ordering(visits, world, rng)]
    steps = pd.concat(parts, ignore_index=True)
    steps = steps.take(np.lexsort((steps["position"].to_numpy(), steps["visit"].to_numpy())))
    steps["second"] = _seconds(steps["visit"].to_numpy(), visits, rng)
    return steps.reset_index(drop=True)


def _part(
    visit: Ints, position: Ints | int, event_type: Ints | int, product: Ints | int = NOTHING
) -> pd.DataFrame:
    """Events of one type; ``position`` orders those of a visit. Small dtypes, for millions of rows."""
    count = len(visit)
    return pd.DataFrame(
        {
            "visit": visit.astype(np.int32),
            "position": np.broadcast_to(position, count).astype(np.int32),
            "event_type": np.broadcast_to(event_type, count).astype(np.int8),
            "product": np.broadcast_to(product, count).astype(np.int32),
        }
    )


def _looking_around(
    visits: pd.DataFrame, products: pd.DataFrame, rng: np.random.Generator
) -> list[pd.DataFrame]:
    """Steps, products put into the cart, and abandoned checkouts."""
    count = rng.poisson(visits["steps"].to_numpy())
    visit = np.repeat(np.arange(len(visits)), count)
    position = STEP * (1 + np.arange(len(visit)) - np.repeat(count.cumsum() - count, count))
    kind = rng.choice(len(STEP_SHARES), size=len(visit), p=STEP_SHARES)
    is_view = kind == PRODUCT_VIEW
    seen = visits[["day", "liked"]].iloc[visit[is_view]]
    product = np.full(len(visit), NOTHING)
    product[is_view] = _products_seen(seen["liked"].to_numpy(), seen["day"].to_numpy(), products, rng)
    # A visit with an order abandons no product.
    can_leave = is_view & (visits["order"].to_numpy()[visit] == NOTHING)
    carted = can_leave & (rng.random(len(visit)) < CARTED_SHARE)
    checked_out = carted & (rng.random(len(visit)) < ABANDONED_CHECKOUT_SHARE)
    return [
        _part(visit, position, kind, product),
        _part(visit[carted], position[carted] + 1, ADD_TO_CART, product[carted]),
        _part(visit[checked_out], position[checked_out] + 2, CHECKOUT),
    ]


def _ordering(visits: pd.DataFrame, world: SimulatedDays, rng: np.random.Generator) -> list[pd.DataFrame]:
    """Events of ordered products: most are viewed, all are put into the cart; then checkout and purchase."""
    order = visits["order"].to_numpy()
    buying = np.flatnonzero(order != NOTHING)
    visit_of = np.full(len(world.orders), NOTHING)
    visit_of[order[buying]] = buying
    visit = visit_of[world.lines["order"].to_numpy()]
    ordered = visit != NOTHING
    visit, product = visit[ordered], world.lines["product"].to_numpy()[ordered]
    position = ORDERING + 2 * np.arange(len(visit))
    viewed = rng.random(len(visit)) < VIEWED_BEFORE_ORDER_SHARE
    return [
        _part(visit[viewed], position[viewed], PRODUCT_VIEW, product[viewed]),
        _part(visit, position + 1, ADD_TO_CART, product),
        _part(buying, END - 1, CHECKOUT),
        _part(buying, END, PURCHASE),
    ]


def _seconds(visit: Ints, visits: pd.DataFrame, rng: np.random.Generator) -> Ints:
    """Time of each event in seconds, counted from the visit's start, or back from its order."""
    is_first = np.r_[True, visit[1:] != visit[:-1]][: len(visit)]
    pause = rng.integers(SHORTEST_PAUSE, LONGEST_PAUSE, size=len(visit), endpoint=True)
    passed = np.where(is_first, 0, pause).cumsum()
    first, last = np.flatnonzero(is_first), np.flatnonzero(np.r_[is_first[1:], True][: len(visit)])
    is_order = visits["order"].to_numpy() != NOTHING
    anchor = visits["second"].to_numpy() - np.where(is_order, passed[last], passed[first])
    seconds: Ints = anchor[visit] + passed
    return seconds


def _products_seen(liked: Ints, day: Ints, products: pd.DataFrame, rng: np.random.Generator) -> Ints:
    """Draw one launched product per view by popularity, often from the favourite category (-1: none).

    Rows of ``products``, shape (views,); -1 where no product has been launched.
    """
    chosen = _from_shelf(np.arange(len(products)), day, products, rng)
    from_favourite = rng.random(len(liked)) < FAVOURITE_SHARE
    for number, category in enumerate(CATEGORIES):
        here = from_favourite & (liked == number)
        shelf = np.flatnonzero(products["category"] == category)
        favourite = _from_shelf(shelf, day[here], products, rng)
        chosen[here] = np.where(favourite == NOTHING, chosen[here], favourite)
    return chosen


def _from_shelf(shelf: Ints, day: Ints, products: pd.DataFrame, rng: np.random.Generator) -> Ints:
    launched = products["launched_day"].to_numpy()[shelf]
    oldest_first = np.argsort(launched, kind="stable")
    weight = np.r_[0.0, products["popularity"].to_numpy()[shelf][oldest_first].cumsum()]
    # Sorted by launch, the products on sale on a day are a prefix of the shelf.
    on_sale = np.searchsorted(launched[oldest_first], day, side="right")
    luck = rng.random(len(day)) * weight[on_sale]
    place = np.searchsorted(weight, luck, side="right") - 1
    return np.where(on_sale > 0, np.r_[shelf[oldest_first], NOTHING][place], NOTHING)
