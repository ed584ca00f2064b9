"""Order lines: articles by affinity group and favourite category, postage, and returns."""

import numpy as np
import pandas as pd

from assets.sample_shop.world.products import CATEGORIES, POSTAGE
from assets.sample_shop.world.shop import Floats, Ints

LINES_PER_ORDER = 3.6
# Pieces of a line are geometric, with mean 1 / QUANTITY_CHANCE.
QUANTITY_CHANCE = 0.45
THEME_SHARE, FAVOURITE_SHARE = 0.50, 0.25
FREE_POSTAGE_FROM, POSTAGE_PRICE = 40.0, 3.95
RETURNED_SHARE, SHORTEST_RETURN_DAYS, LONGEST_RETURN_DAYS = 0.04, 2, 21
# Columns of articles that a booked line does not have.
PLACES = ["order", "day", "product"]


def articles_of(
    orders: pd.DataFrame, products: pd.DataFrame, *, favourites: Ints, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the articles of ``orders``, in the sequence of the orders.

    Half of the lines come from the order's theme (an affinity group), a quarter from the customer's
    favourite category, the rest from all products; within these by popularity, among launched products.

    Args:
        orders: As ``orders_of`` returns them.
        products: As ``catalogue`` returns them.
        favourites: Favourite category of each customer, shape (customers,).
        rng: Random generator.

    Returns:
        order (row of ``orders``), order_id, customer, day, ordered_at, product (row of ``products``),
        product_id, quantity, unit_price, channel, country.
    """
    order = np.repeat(np.arange(len(orders)), 1 + rng.poisson(LINES_PER_ORDER - 1, size=len(orders)))
    luck = rng.random(len(order))
    liked = np.append(favourites, -1)[orders["customer"].to_numpy()[order]]
    is_liked = (liked >= 0) & (luck >= THEME_SHARE) & (luck < THEME_SHARE + FAVOURITE_SHARE)
    theme = np.where(luck < THEME_SHARE, orders["theme"].to_numpy()[order], -1)
    category = np.where(is_liked, liked, -1)
    product = _products_for(theme, category, day=orders["day"].to_numpy()[order], products=products, rng=rng)
    headers = orders[["order_id", "customer", "day", "ordered_at", "channel", "country"]].iloc[order]
    return headers.reset_index(drop=True).assign(
        order=order,
        product=product,
        product_id=products["product_id"].to_numpy()[product],
        quantity=rng.geometric(QUANTITY_CHANCE, size=len(order)),
        unit_price=products["unit_price"].to_numpy()[product],
    )


def _products_for(
    theme: Ints, category: Ints, *, day: Ints, products: pd.DataFrame, rng: np.random.Generator
) -> Ints:
    """Draw one launched product per line: from a theme, from a category (-1: none), or from all products."""
    popularity: Floats = products["popularity"].to_numpy()
    everything = np.zeros(len(products), dtype=np.int64)
    categories = pd.Categorical(products["category"], categories=CATEGORIES).codes
    launched = products["launched_day"].to_numpy()
    chosen = np.full(len(day), -1)
    # Redrawn until launched, which equals drawing from the products on sale that day.
    wanted = np.arange(len(day))
    while len(wanted):
        draws = _from_shelves(everything, np.zeros(len(wanted), dtype=np.int64), popularity, rng)
        for shelf_of, shelf in (
            (products["affinity_group"].to_numpy(), theme[wanted]),
            (categories, category[wanted]),
        ):
            named = shelf >= 0
            draws[named] = _from_shelves(shelf_of, shelf[named], popularity, rng)
        chosen[wanted] = draws
        wanted = wanted[launched[draws] > day[wanted]]
    return chosen


def _from_shelves(shelf_of: Ints, shelf: Ints, popularity: Floats, rng: np.random.Generator) -> Ints:
    """Draw one product from each shelf of ``shelf``, by popularity, shape of ``shelf``."""
    by_shelf = np.argsort(shelf_of, kind="stable")
    reached = np.concatenate([[0.0], np.cumsum(popularity[by_shelf])])
    edges = np.searchsorted(shelf_of[by_shelf], [shelf, shelf + 1])
    at = rng.uniform(reached[edges[0]], reached[edges[1]])
    position = np.searchsorted(reached, at, side="right") - 1
    # Clipped, because rounding could select a product of the next shelf.
    products: Ints = by_shelf[np.clip(position, edges[0], edges[1] - 1)]
    return products


def with_postage(articles: pd.DataFrame) -> pd.DataFrame:
    """Add a postage line to orders of ``articles`` (n, columns) below ``FREE_POSTAGE_FROM``."""
    order = articles["order"].to_numpy()
    amount = np.bincount(order, weights=articles["quantity"] * articles["unit_price"])
    first = np.flatnonzero(np.r_[True, order[1:] != order[:-1]]) if len(order) else order
    charged = articles.iloc[first[amount[order[first]] < FREE_POSTAGE_FROM]]
    postage = charged.assign(product_id=POSTAGE, quantity=1, unit_price=POSTAGE_PRICE)
    return pd.concat([articles, postage], ignore_index=True).drop(columns=PLACES)


def returns_of(articles: pd.DataFrame, *, last: pd.Timestamp, rng: np.random.Generator) -> pd.DataFrame:
    """Draw returned lines, each returned as a whole; those of one order form one return, days later.

    Args:
        articles: As ``articles_of`` returns them.
        last: No return is booked after this time.
        rng: Random generator.
    """
    order = articles["order"].to_numpy()
    wait = rng.integers(SHORTEST_RETURN_DAYS, LONGEST_RETURN_DAYS, size=1 + order.max(initial=0))
    comes_back = rng.random(len(articles)) < RETURNED_SHARE
    back = articles.loc[comes_back]
    came = back["ordered_at"] + pd.to_timedelta(wait[order[comes_back]], unit="D")
    back = back.assign(order_id="R" + back["order_id"], ordered_at=came, quantity=-back["quantity"])
    booked: pd.DataFrame = back.loc[(came <= last).to_numpy()].drop(columns=PLACES)
    return booked
