"""The customers and their true state: how often each orders, and when each stops for good."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.sample_shop.shop import CATEGORIES, Floats, Ints, Shop, is_open, trade_by_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One way of being a customer.

    Order rates are gamma with ``shape`` and ``orders_per_year`` as mean; lifetimes are exponential
    with mean ``years``; ``christmas`` and ``january`` are how the year moves them.

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


SEGMENTS = (
    Segment(
        name="regular", share=0.25, orders_per_year=5.5, shape=2.5, years=4.0, christmas=0.8, january=0.35
    ),
    Segment(
        name="occasional", share=0.40, orders_per_year=1.6, shape=1.5, years=3.5, christmas=1.0, january=0.4
    ),
    Segment(
        name="gift_giver", share=0.22, orders_per_year=0.9, shape=2.0, years=5.0, christmas=6.0, january=0.6
    ),
    Segment(name="trade", share=0.05, orders_per_year=13.0, shape=3.0, years=5.0, christmas=0.3, january=0.3),
    Segment(
        name="one_off", share=0.08, orders_per_year=0.6, shape=1.0, years=0.8, christmas=0.5, january=0.3
    ),
)
DAYS_PER_YEAR = 365.25
SIGN_UPS_BEFORE_DAYS = 365
COUNTRIES = ("United Kingdom", "Germany", "France", "Ireland", "Netherlands", "Spain")
COUNTRY_SHARES = (0.84, 0.05, 0.04, 0.03, 0.02, 0.02)
CHANNELS = ("search", "social", "friend", "affiliate", "newsletter")
FIRST_NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gita", "Hugo", "Ines", "Jon", "Kim", "Lena")
LAST_NAMES = ("Archer", "Baker", "Cole", "Dyer", "Evans", "Fisher", "Grant", "Hughes", "Irwin", "Jones")


def customers_of(shop: Shop, rng: np.random.Generator) -> pd.DataFrame:
    """Everyone who signs up, in order of sign-up, some of them before the first day of the exports.

    Returns:
        One row per customer: customer_id, segment (index into ``SEGMENTS``), rate (orders per ordinary
        day), hazard (risk per day of stopping), signed_up_day and lifetime (days; day 0 is the shop's
        first), favourite (index into ``CATEGORIES``), country, acquisition_channel, birth_year and
        the personal columns.
    """
    count = shop.customers
    segment = rng.choice(len(SEGMENTS), size=count, p=[one.share for one in SEGMENTS])
    shape, yearly = _of(segment, "shape"), _of(segment, "orders_per_year")
    hazard = 1.0 / (_of(segment, "years") * DAYS_PER_YEAR)
    state = pd.DataFrame(
        {
            "customer_id": [f"C{100_000 + number}" for number in range(count)],
            "segment": segment,
            "rate": rng.gamma(shape) / shape * yearly / DAYS_PER_YEAR,
            "hazard": hazard,
            "signed_up_day": _sign_up_days(shop, rng),
            "lifetime": rng.exponential(1.0 / hazard),
            "favourite": rng.integers(len(CATEGORIES), size=count),
        }
    )
    return pd.concat([state, _attributes(count, rng)], axis="columns")


def trade_by_segment(days: pd.DatetimeIndex) -> Floats:
    """Relative order rate of each day, shape (segments, days)."""
    return np.stack([trade_by_day(days, christmas=one.christmas, january=one.january) for one in SEGMENTS])


def _sign_up_days(shop: Shop, rng: np.random.Generator) -> Ints:
    """Evenly over the shop's open days and the year before, in order."""
    days = np.concatenate([np.arange(-SIGN_UPS_BEFORE_DAYS, 0), np.flatnonzero(is_open(shop.days))])
    return np.sort(rng.choice(days, size=shop.customers))


def _of(segment: Ints, attribute: str) -> Floats:
    return np.array([getattr(one, attribute) for one in SEGMENTS], dtype=np.float64)[segment]


def _attributes(count: int, rng: np.random.Generator) -> pd.DataFrame:
    first, last = rng.choice(FIRST_NAMES, size=count), rng.choice(LAST_NAMES, size=count)
    number = pd.Series(range(count)).astype(str)
    return pd.DataFrame(
        {
            "country": rng.choice(COUNTRIES, size=count, p=COUNTRY_SHARES),
            "postcode": [f"{area:02d}{rest:03d}" for area, rest in rng.integers(10, 99, size=(count, 2))],
            "birth_year": rng.integers(1945, 2004, size=count),
            "acquisition_channel": rng.choice(CHANNELS, size=count, p=(0.4, 0.2, 0.15, 0.1, 0.15)),
            "first_name": first,
            "last_name": last,
            "email": pd.Series(first).str.lower()
            + "."
            + pd.Series(last).str.lower()
            + number
            + "@example.com",
            "phone": "+44 7700 " + number.str.zfill(6),
        }
    )
