"""The shop itself: how big it is, when it is open, what season it is and what it sells."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """How large a shop to simulate; both days are included. The same numbers give the same files."""

    customers: int
    first_day: date
    last_day: date
    seed: int = 0

    @property
    def days(self) -> pd.DatetimeIndex:
        """Every day of trade, oldest first, shape (days,)."""
        return pd.date_range(self.first_day, self.last_day, freq="D")


SIZES: Mapping[str, Shop] = MappingProxyType(
    {
        "tiny": Shop(customers=400, first_day=date(2023, 1, 2), last_day=date(2023, 12, 31)),
        "default": Shop(customers=20_000, first_day=date(2023, 1, 2), last_day=date(2024, 12, 31)),
        "large": Shop(customers=200_000, first_day=date(2022, 1, 3), last_day=date(2024, 12, 31)),
    }
)

# Monday to Sunday, mean 1: people order at the start of the week.
WEEKDAYS = np.array([1.25, 1.15, 1.10, 1.05, 1.00, 0.65, 0.80])
CLOSED = frozenset({(1, 1), (12, 24), (12, 25), (12, 26)})
EASTER_SUNDAYS = frozenset({date(2022, 4, 17), date(2023, 4, 9), date(2024, 3, 31), date(2025, 4, 20)})
CHRISTMAS_PEAK_DAY, CHRISTMAS_WIDTH_DAYS = 338, 16.0
JANUARY_DIP_DAYS = 31


def trade_by_day(days: pd.DatetimeIndex, *, christmas: float, january: float) -> Floats:
    """Order rate of each day relative to an ordinary one: 0 when closed.

    Args:
        days: Shape (days,).
        christmas: Extra rate at the pre-Christmas peak (4 December); 1.0 doubles it.
        january: Share of the rate that is missing in January, in [0, 1].
    """
    of_year = days.dayofyear.to_numpy()
    peak = np.exp(-0.5 * ((of_year - CHRISTMAS_PEAK_DAY) / CHRISTMAS_WIDTH_DAYS) ** 2)
    season = 1.0 + christmas * peak - january * (of_year <= JANUARY_DIP_DAYS)
    return np.asarray(season * WEEKDAYS[days.dayofweek.to_numpy()] * is_open(days), dtype=np.float64)


def is_open(days: pd.DatetimeIndex) -> npt.NDArray[np.bool_]:
    """Whether the shop trades, shape (days,): not at Christmas, New Year and Easter Sunday."""
    return np.array(
        [(day.month, day.day) not in CLOSED and day.date() not in EASTER_SUNDAYS for day in days],
        dtype=np.bool_,
    )


CATEGORIES = ("kitchen", "garden", "stationery", "toys", "lighting", "textiles", "candles", "christmas")
NOUNS = ("mug", "lantern", "notebook", "tin", "cushion", "plate", "garland", "clock", "basket", "puzzle")
STYLES = ("red retrospot", "vintage", "blue polka dot", "woodland", "rose", "ivory", "zinc", "paisley")
PRODUCTS = 600
POSTAGE = "POST"


def catalogue(rng: np.random.Generator) -> pd.DataFrame:
    """The products, most popular first.

    Returns:
        product_id, title, category, unit_price and unit_cost (shop currency), popularity (sums to 1).
    """
    position = np.arange(PRODUCTS)
    price = np.round(np.exp(rng.normal(1.6, 0.75, PRODUCTS)), 1) + 0.49
    style, noun = rng.integers(len(STYLES), size=PRODUCTS), rng.integers(len(NOUNS), size=PRODUCTS)
    weight = (position + 10.0) ** -0.9
    return pd.DataFrame(
        {
            "product_id": [f"P{1000 + number}" for number in position],
            "title": [f"{STYLES[s]} {NOUNS[n]}" for s, n in zip(style, noun, strict=True)],
            "category": np.array(CATEGORIES)[rng.integers(len(CATEGORIES), size=PRODUCTS)],
            "unit_price": price,
            "unit_cost": np.round(price * rng.uniform(0.35, 0.6, PRODUCTS), 2),
            "popularity": weight / weight.sum(),
        }
    )
