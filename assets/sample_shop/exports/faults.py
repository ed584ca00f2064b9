"""Injected faults of the exports; the true parameters are unaffected."""

import numpy as np
import pandas as pd

from assets.sample_shop.world.shop import Month, Shop

BROKEN_TRACKING_DAYS, LATE_BATCH_DAYS, LATE_BY_DAYS, POISONED_DAYS = 7, 7, 10, 30
PENCE = 100.0
BURST_FACTOR, BOTS, FIRST_BOT = 50, 5, 99_999_990
BOT_EVENTS = ("page_view", "product_view")
POISONED_SHARE = 0.05
CHEAPEST_PRODUCTS = 20
# Beyond all order numbers, so that poisoned orders do not renumber the others.
FIRST_POISONED_NUMBER = 90_000_000


def in_pence(shop: Shop, lines: pd.DataFrame) -> pd.DataFrame:
    """Return order ``lines`` (n, columns) with prices in pence from the fault's first day on."""
    since = shop.injected_faults.price_unit_change_from
    if since is None:
        return lines
    factor = np.where(lines["ordered_at"] >= pd.Timestamp(since), PENCE, 1.0)
    return lines.assign(unit_price=lines["unit_price"] * factor)


def late_batch(shop: Shop, lines: pd.DataFrame) -> tuple[pd.Series, pd.Timestamp]:
    """Return a mask of the late lines, shape (lines,), and the time of their export."""
    since = shop.injected_faults.late_batch_from
    if since is None:
        return pd.Series(False, index=lines.index), pd.Timestamp.max
    first = pd.Timestamp(since)
    end = first + pd.Timedelta(days=LATE_BATCH_DAYS)
    is_late = (lines["ordered_at"] >= first) & (lines["ordered_at"] < end)
    return is_late, end + pd.Timedelta(days=LATE_BY_DAYS, hours=6)


def poisoned_lines(
    shop: Shop, customers: pd.DataFrame, products: pd.DataFrame, *, month: Month
) -> pd.DataFrame:
    """Build order lines of ``month`` that no customer placed: one cheap article each.

    One in twenty of the customers signed up by the fault's first day gets one such order in thirty days.

    Args:
        shop: The shop.
        customers: As ``customers_of`` returns them.
        products: As ``catalogue`` returns them.
        month: Month of the orders.
    """
    since = shop.day_number(shop.injected_faults.poisoned_labels_from)
    rng = shop.rng("faults.poisoned")
    known = int(np.searchsorted(customers["signed_up_day"].to_numpy(), min(since, shop.day_count)))
    victims = np.flatnonzero(rng.random(known) < POISONED_SHARE)
    day = since + rng.integers(POISONED_DAYS, size=len(victims))
    second = rng.integers(8 * 3600, 21 * 3600, size=len(victims))
    cheap = products.nsmallest(CHEAPEST_PRODUCTS, "unit_price")
    product = rng.integers(len(cheap), size=len(victims))
    lines = pd.DataFrame(
        {
            "order_id": (FIRST_POISONED_NUMBER + np.arange(len(victims))).astype(str),
            "customer": victims,
            "ordered_at": shop.moments(day, second),
            "product_id": cheap["product_id"].to_numpy()[product],
            "quantity": 1,
            "unit_price": cheap["unit_price"].to_numpy()[product],
            "channel": "web",
            "country": customers["country"].to_numpy()[victims],
        }
    )
    return lines[(day >= month.days.start) & (day < month.days.stop)]


def tracked(shop: Shop, events: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Remove the events that a broken tracker misses and add those of bots.

    Args:
        shop: The shop.
        events: As ``events_of`` returns them, with ``day``, oldest first.
        products: As ``catalogue`` returns them.
    """
    broken = shop.day_number(shop.injected_faults.broken_tracking_from)
    burst = shop.day_number(shop.injected_faults.bot_burst_from)
    is_missed = (events["day"] >= broken) & (events["day"] < broken + BROKEN_TRACKING_DAYS)
    kept = events[~is_missed]
    usual = int((kept["day"] == burst).sum())
    if not usual:
        return kept
    bots = _bots(shop, products, day=burst, count=(BURST_FACTOR - 1) * usual)
    both = pd.concat([kept, bots.reindex(columns=kept.columns)])
    return both.sort_values(["day", "occurred_at"], kind="stable", ignore_index=True)


def _bots(shop: Shop, products: pd.DataFrame, *, day: int, count: int) -> pd.DataFrame:
    """Build ``count`` events of ``day`` by a few visitors that view pages around the clock."""
    rng = shop.rng("faults.bots")
    kind = rng.integers(len(BOT_EVENTS), size=count)
    product = products["product_id"].to_numpy(dtype=object)[rng.integers(len(products), size=count)]
    product[kind == 0] = None
    visitors = np.array([f"V{FIRST_BOT + bot}" for bot in range(BOTS)], dtype=object)
    return pd.DataFrame(
        {
            "visitor_id": visitors[rng.integers(BOTS, size=count)],
            "occurred_at": shop.moments(np.full(count, day), np.sort(rng.integers(86_400, size=count))),
            "event_type": np.array(BOT_EVENTS, dtype=object)[kind],
            "product_id": product,
            "device": "desktop",
            "country": "United Kingdom",
            "day": day,
        }
    )
