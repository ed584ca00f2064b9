"""Customer segments of the simulation: order rate, lifetime, seasonality and response to messages."""

from dataclasses import dataclass

import numpy as np

from assets.sample_shop.world.shop import Floats, Shop, trade_by_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One customer segment.

    Order rates are gamma with ``shape`` and ``orders_per_year`` as mean; lifetimes are exponential
    with mean ``years``; ``christmas`` and ``january`` are the seasonal effects. ``persuadable`` and
    ``sleeping`` are the shares of customers who order more, or less, after a message.

    Attributes:
        share: Share of sign-ups; ``drifted_share`` after a covariate drift.
        drifted_orders: Factor of a label drift on the order rate.

    Source:
        Fader, Hardie, Lee 2005, "Counting your customers the easy way": gamma rates and a constant
        dropout risk per customer; the seasons are ours.
    """

    name: str
    share: float
    orders_per_year: float
    shape: float
    years: float
    christmas: float
    january: float
    persuadable: float
    sleeping: float
    drifted_share: float
    drifted_orders: float = 1.0


# A label drift keeps the total of orders about constant and changes only which customers order.
SEGMENTS = (
    Segment(
        name="regular",
        share=0.25,
        orders_per_year=5.5,
        shape=2.5,
        years=4.0,
        christmas=0.8,
        january=0.35,
        persuadable=0.10,
        sleeping=0.12,
        drifted_share=0.08,
        drifted_orders=0.35,
    ),
    Segment(
        name="occasional",
        share=0.40,
        orders_per_year=1.6,
        shape=1.5,
        years=3.5,
        christmas=1.0,
        january=0.4,
        persuadable=0.20,
        sleeping=0.02,
        drifted_share=0.30,
        drifted_orders=2.5,
    ),
    Segment(
        name="gift_giver",
        share=0.22,
        orders_per_year=0.9,
        shape=2.0,
        years=5.0,
        christmas=6.0,
        january=0.6,
        persuadable=0.12,
        sleeping=0.02,
        drifted_share=0.15,
    ),
    Segment(
        name="trade",
        share=0.05,
        orders_per_year=13.0,
        shape=3.0,
        years=5.0,
        christmas=0.3,
        january=0.3,
        persuadable=0.02,
        sleeping=0.20,
        drifted_share=0.02,
    ),
    Segment(
        name="one_off",
        share=0.08,
        orders_per_year=0.6,
        shape=1.0,
        years=0.8,
        christmas=0.5,
        january=0.3,
        persuadable=0.05,
        sleeping=0.01,
        drifted_share=0.45,
    ),
)


def by_segment(attribute: str) -> Floats:
    """One attribute of every segment, shape (segments,)."""
    return np.array([getattr(one, attribute) for one in SEGMENTS], dtype=np.float64)


def trade_by_segment(shop: Shop) -> Floats:
    """Relative order rate on each day, shape (segments, days), a label drift included."""
    days = shop.days
    trade = np.stack([trade_by_day(days, christmas=one.christmas, january=one.january) for one in SEGMENTS])
    drifted = shop.day_number(shop.injected_faults.label_drift_from)
    trade[:, drifted:] *= by_segment("drifted_orders")[:, None]
    return trade
