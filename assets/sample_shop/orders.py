"""What is ordered, and when: a Poisson process whose rate follows customer, season and weekday."""

import numpy as np
import pandas as pd

from assets.sample_shop.customers import trade_by_segment
from assets.sample_shop.shop import CATEGORIES, POSTAGE, Floats, Ints, Shop

GUEST_SHARE = 0.06
LINES_PER_ORDER = 3.6
FAVOURITE_SHARE = 0.5
FREE_POSTAGE_FROM, POSTAGE_PRICE = 40.0, 3.95
RETURNED_SHARE, LONGEST_RETURN_DAYS = 0.04, 21
OPENING_HOUR, OPEN_SECONDS = 8, 13 * 3600
ORDER_CHANNELS = ("web", "app", "phone")


def orders_of(shop: Shop, customers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Every order of a known customer or a guest, oldest first.

    The first order is placed on the day of sign-up; after it, the number of orders in a customer's
    remaining life is Poisson with the integral of rate times season, and each falls on a day with
    probability in proportion to that day's season.

    Returns:
        order_id, customer (row of ``customers``; -1 for a guest), day (0 is the shop's first), ordered_at
        (local wall clock), channel, country.
    """
    person, day = _repeat_orders(shop, customers, rng)
    signed_up = customers["signed_up_day"].to_numpy()
    first = np.flatnonzero(signed_up >= 0)
    guests = int(GUEST_SHARE * (len(person) + len(first)))
    # Guests come on the days on which others come.
    orders = pd.DataFrame(
        {
            "customer": np.concatenate([person, first, np.full(guests, -1)]),
            "day": np.concatenate([day, signed_up[first], rng.choice(day, size=guests)]),
        }
    )
    count = len(orders)
    second = OPENING_HOUR * 3600 + rng.integers(OPEN_SECONDS, size=count)
    orders["ordered_at"] = (
        pd.Timestamp(shop.first_day) + pd.to_timedelta(orders["day"] * 86_400 + second, unit="s")
    ).dt.floor("s")
    orders["channel"] = rng.choice(ORDER_CHANNELS, size=count, p=(0.7, 0.25, 0.05))
    orders["country"] = np.array([*customers["country"], "United Kingdom"], dtype=object)[orders["customer"]]
    orders = orders.sort_values(["ordered_at", "customer"], ignore_index=True)
    orders.insert(0, "order_id", (500_000 + orders.index).astype(str))
    return orders


def _repeat_orders(shop: Shop, customers: pd.DataFrame, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Customer and day of every order after the first, both of shape (orders,)."""
    trade = trade_by_segment(shop.days)
    elapsed = np.concatenate([np.zeros((len(trade), 1)), trade.cumsum(axis=1)], axis=1)
    segment = customers["segment"].to_numpy()
    start, end = alive_days(customers, days=len(shop.days))
    begun, done = elapsed[segment, start], elapsed[segment, end]
    counts = rng.poisson(customers["rate"].to_numpy() * (done - begun))
    person = np.repeat(np.arange(len(customers)), counts)
    at = rng.uniform(begun[person], done[person])
    day = np.empty(len(person), dtype=np.int64)
    for kind in range(len(trade)):
        mine = segment[person] == kind
        day[mine] = np.searchsorted(elapsed[kind], at[mine], side="right") - 1
    return person, day


def alive_days(customers: pd.DataFrame, *, days: int) -> tuple[Ints, Ints]:
    """The half-open range of days on which each customer may order again, both of shape (customers,).

    A customer orders again from the day after sign-up until the end of the day on which life ends.
    """
    signed_up = customers["signed_up_day"].to_numpy()
    start = np.clip(signed_up + 1, 0, days)
    last = signed_up + 1 + np.floor(customers["lifetime"].to_numpy()).astype(np.int64)
    return start, np.maximum(start, np.clip(last + 1, 0, days))


def lines_of(
    orders: pd.DataFrame, products: pd.DataFrame, *, favourites: Ints, rng: np.random.Generator
) -> pd.DataFrame:
    """The lines of ``orders``: articles, then postage for small orders, then returns, by time.

    Args:
        orders: As ``orders_of`` returns them.
        products: As ``catalogue`` returns them.
        favourites: Favourite category of each customer, shape (customers,).
        rng: Where chance comes from.

    Returns:
        order_id, customer, ordered_at, product_id, quantity, unit_price, channel, country.
    """
    order = np.repeat(np.arange(len(orders)), 1 + rng.poisson(LINES_PER_ORDER - 1, size=len(orders)))
    liked = np.append(favourites, -1)[orders["customer"].to_numpy()[order]]
    product = _products_for(liked, products, rng)
    lines = orders.iloc[order][["order_id", "customer", "ordered_at", "channel", "country"]]
    lines = lines.reset_index(drop=True).assign(
        product_id=products["product_id"].to_numpy()[product],
        quantity=rng.geometric(0.45, size=len(order)),
        unit_price=products["unit_price"].to_numpy()[product],
    )
    everything = pd.concat([lines, _postage(lines), _returns(lines, orders, rng)], ignore_index=True)
    return everything.sort_values(["ordered_at", "order_id"], kind="stable", ignore_index=True)


def _products_for(liked: Ints, products: pd.DataFrame, rng: np.random.Generator) -> Ints:
    """One product per line: half of the time from the favourite category, always by popularity."""
    popularity: Floats = products["popularity"].to_numpy()
    chosen = rng.choice(len(products), size=len(liked), p=popularity)
    from_favourite = rng.random(len(liked)) < FAVOURITE_SHARE
    for number, category in enumerate(CATEGORIES):
        shelf = np.flatnonzero(products["category"] == category)
        here = from_favourite & (liked == number)
        weight = popularity[shelf] / popularity[shelf].sum()
        chosen[here] = rng.choice(shelf, size=int(here.sum()), p=weight)
    return chosen


def _postage(lines: pd.DataFrame) -> pd.DataFrame:
    amount = (lines["quantity"] * lines["unit_price"]).groupby(lines["order_id"]).sum()
    small = amount.index[amount < FREE_POSTAGE_FROM]
    first = lines.drop_duplicates("order_id")
    charged = first[first["order_id"].isin(small)]
    return charged.assign(product_id=POSTAGE, quantity=1, unit_price=POSTAGE_PRICE)


def _returns(lines: pd.DataFrame, orders: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Some lines come back whole; those of one order come together, days later, as a return of their own."""
    wait = pd.Series(rng.integers(2, LONGEST_RETURN_DAYS, size=len(orders)), index=orders["order_id"])
    back = lines[rng.random(len(lines)) < RETURNED_SHARE]
    came = back["ordered_at"] + pd.to_timedelta(back["order_id"].map(wait), unit="D")
    back = back.assign(order_id="R" + back["order_id"], ordered_at=came, quantity=-back["quantity"])
    last: pd.Timestamp = orders["ordered_at"].max()
    return back.loc[(came <= last).to_numpy()]
