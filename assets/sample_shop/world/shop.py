"""Parameters of the shop: size, random streams, opening days and season."""

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

DAYS_PER_WEEK = 7
DAYS_PER_YEAR = 365.25
NEVER = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One calendar month of the shop: ``name`` is ``YYYY-MM``, ``days`` the day numbers in it."""

    number: int
    name: str
    days: range


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedFaults:
    """First day of each fault or change that is injected into the exports, or None for never.

    Files of earlier months stay byte-identical to those of the shop without it, except files that hold
    the whole period (customers.csv, reviews.jsonl, ...), and events of people who browse before they sign
    up after a covariate drift.

    Attributes:
        covariate_drift_from: New sign-ups have another mix of segments and countries; the behaviour of
            each segment stays.
        label_drift_from: Two segments change their order rate, and the true parameters with it.
        broken_tracking_from: Seven days without events (no file at all).
        price_unit_change_from: Prices of order lines are exported in pence: 100 times as large.
        late_batch_from: Seven days of orders are missing from their month's file and exported ten days
            after the last of them, in ``orders_<month>_late.csv.gz``.
        bot_burst_from: One day with 50 times its events, from a few visitor ids.
        poisoned_labels_from: For thirty days, 5 % of the customers get a small order that they did not
            place; the true parameters ignore it.
    """

    covariate_drift_from: date | None = None
    label_drift_from: date | None = None
    broken_tracking_from: date | None = None
    price_unit_change_from: date | None = None
    late_batch_from: date | None = None
    bot_burst_from: date | None = None
    poisoned_labels_from: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Parameters of the simulation; both days are included. Equal parameters give equal files.

    Raises:
        ValueError: when ``first_day`` is not a Monday (weeks are counted from it), or ``last_day`` or the
            first day of an injected fault is before it.
    """

    customers: int
    first_day: date
    last_day: date
    seed: int = 0
    injected_faults: InjectedFaults = InjectedFaults()

    def __post_init__(self) -> None:
        if self.first_day.weekday() != 0:
            raise ValueError(f"first_day {self.first_day} is not a Monday")
        if self.last_day < self.first_day:
            raise ValueError(f"last_day {self.last_day} is before first_day {self.first_day}")
        for fault, day in asdict(self.injected_faults).items():
            if day is not None and day < self.first_day:
                raise ValueError(f"{fault} {day} is before first_day {self.first_day}")

    @property
    def days(self) -> pd.DatetimeIndex:
        """Every day of trade, oldest first, shape (days,)."""
        return pd.date_range(self.first_day, self.last_day, freq="D")

    @property
    def day_count(self) -> int:
        """Number of days."""
        return (self.last_day - self.first_day).days + 1

    @property
    def weeks(self) -> int:
        """Number of weeks, the last of which may be cut short."""
        return -(-self.day_count // DAYS_PER_WEEK)

    @property
    def months(self) -> tuple[Month, ...]:
        """The calendar months, oldest first; the first and the last may be cut short."""
        names = self.days.strftime("%Y-%m")
        starts = [*np.flatnonzero(np.r_[True, names[1:] != names[:-1]]), len(names)]
        return tuple(
            Month(number=number, name=names[start], days=range(int(start), int(stop)))
            for number, (start, stop) in enumerate(pairwise(starts))
        )

    def day_number(self, day: date | None) -> int:
        """Days from the first day to ``day``; ``NEVER`` for None."""
        return NEVER if day is None else (day - self.first_day).days

    def moments(self, day: Ints | pd.Series, second: Ints | pd.Series) -> pd.Series:
        """Local wall clock at each ``second`` of each ``day`` (a number), all of shape (moments,)."""
        passed = np.asarray(day, dtype=np.int64) * 86_400 + np.asarray(second, dtype=np.int64)
        moments = np.datetime64(self.first_day, "s") + passed.astype("timedelta64[s]")
        index = day.index if isinstance(day, pd.Series) else None
        return pd.Series(moments.astype("datetime64[ns]"), index=index)

    def rng(self, stream: str, *numbers: int) -> np.random.Generator:
        """Random generator of one named stream (and of one month or block in it).

        Tables and columns that must not change when another one changes have separate streams.
        """
        key = (zlib.crc32(stream.encode()), *numbers)
        return np.random.default_rng(np.random.SeedSequence(entropy=self.seed, spawn_key=key))


SIZES: Mapping[str, Shop] = {
    "tiny": Shop(customers=400, first_day=date(2023, 1, 2), last_day=date(2023, 12, 31)),
    "default": Shop(customers=20_000, first_day=date(2023, 1, 2), last_day=date(2024, 12, 31)),
    "large": Shop(customers=1_000_000, first_day=date(2022, 1, 3), last_day=date(2024, 12, 31)),
}

# Monday to Sunday, mean 1: most orders are placed at the start of the week.
WEEKDAYS = np.array([1.25, 1.15, 1.10, 1.05, 1.00, 0.65, 0.80])
CLOSED = frozenset({(1, 1), (12, 24), (12, 25), (12, 26)})
EASTER_SUNDAYS = frozenset(
    {
        date(2020, 4, 12),
        date(2021, 4, 4),
        date(2022, 4, 17),
        date(2023, 4, 9),
        date(2024, 3, 31),
        date(2025, 4, 20),
        date(2026, 4, 5),
        date(2027, 3, 28),
    }
)
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


def is_open(days: pd.DatetimeIndex) -> Bools:
    """Whether the shop trades, shape (days,): not at Christmas, New Year and Easter Sunday."""
    return np.array(
        [(day.month, day.day) not in CLOSED and day.date() not in EASTER_SUNDAYS for day in days],
        dtype=np.bool_,
    )
