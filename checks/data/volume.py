"""Prediction band for the rows of a week, from earlier weeks: level, season, spread and sampling error."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from assets.metrics.arrays import Floats

RECENT_WEEKS = 8
YEAR_WEEKS = 52
# Growth compares two levels that are a year apart.
SEASON_KNOWN_AFTER = YEAR_WEEKS + RECENT_WEEKS
# With less than a year of data: shops double or triple before Christmas ...
UNSEEN_PEAK = np.log(3.0)
# ... and close for three days of a week after it.
UNSEEN_CLOSURE = np.log(7.0 / 4.0)
# A holiday that fell into the previous week last year.
MOVED_HOLIDAY = np.log(7.0 / 6.0)
# Standard errors beyond the band. A normal error exceeds three of them on one side once in 740 weeks, and the
# band, which spans the level and three weeks of last year, less often: 8 sources x 52 Mondays x 3 sides would
# be 1.7 alarms a year by the first. Simulated (13 sets of eight seasonal, over-dispersed sources, from orders
# to mailings) it was 0.1 in 12 months, and a loss of two thirds of a large source's rows was found 8 times
# in 10.
STANDARD_ERRORS = 3.0
# A source that has jumped twice in the past year may jump as far again, and half as far beyond.
BEYOND_OWN_JUMPS = 1.5
# Makes the logarithm of an empty week finite.
HALF_A_ROW = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """Band of usual counts, from ``least`` to ``most``."""

    least: float
    most: float


def usual_count(earlier: Floats) -> Usual:
    """Band of usual counts for the next week.

    The count is expected between the lowest and the highest of: the median of the last eight weeks, and
    the weeks of last year around the same date, scaled by the growth since. The tolerance around that band
    comes from the spread of earlier weeks about their own level (the median absolute deviation, which
    Christmas or an outage in the past does not widen) and the Poisson error of the count itself.

    A week without rows carries no information about the size of a delivery: it counts as the one before it.

    Args:
        earlier: (n,) counts of full weeks, oldest first; n is at least ``RECENT_WEEKS``.

    Raises:
        ValueError: when there are fewer weeks.
    """
    if earlier.size < RECENT_WEEKS:
        raise ValueError(f"{earlier.size} weeks are too few for a band; at least {RECENT_WEEKS}")
    logs = np.log(_delivered(earlier) + HALF_A_ROW)
    level = np.median(sliding_window_view(logs, RECENT_WEEKS), axis=1)
    low, high = _bands(logs, level)
    past = logs[RECENT_WEEKS:][-YEAR_WEEKS:]
    spread = _spread(logs, level)
    below = _tolerance(low[-1], spread, jumps=_last(low[:-1], past) - past)
    above = _tolerance(high[-1], spread, jumps=past - _last(high[:-1], past))
    return Usual(
        least=max(0.0, float(np.exp(low[-1] - below)) - HALF_A_ROW),
        most=float(np.exp(high[-1] + above)) - HALF_A_ROW,
    )


def usual_empty_days(earlier: Floats) -> int:
    """Usual maximum of days without rows in the next week.

    A weekly total cannot separate a lost half week from a weak one; the number of empty days can.

    Args:
        earlier: (n,) days without rows, 0 to 7, of full weeks, oldest first.
    """
    # The second highest: one outage in a year is not usual.
    usual = int(np.sort(earlier[-YEAR_WEEKS:])[-2:].min())
    if earlier.size <= SEASON_KNOWN_AFTER:
        return usual + 3  # a shop closes for three days over its first Christmas
    season = earlier[-YEAR_WEEKS - 1 : -YEAR_WEEKS + 2]
    return max(usual, int(season.max())) + 1  # holidays move between weeks


def _delivered(counts: Floats) -> Floats:
    """``counts`` with each empty week replaced by the last non-empty one, shape (n,)."""
    filled = np.maximum.accumulate(np.where(counts > 0, np.arange(counts.size), 0))
    return np.asarray(counts[filled], dtype=np.float64)


def _bands(logs: Floats, level: Floats) -> tuple[Floats, Floats]:
    """Lowest and highest expectation of every week from the ninth to the next, both (n - 7,)."""
    weeks = np.arange(level.size)
    quiet = np.min([level[np.maximum(weeks - back, 0)] for back in (0, 9, 18)], axis=0)
    low, high = quiet - UNSEEN_CLOSURE, level + UNSEEN_PEAK
    known = weeks[weeks >= YEAR_WEEKS]
    growth = level[known] - level[known - YEAR_WEEKS]
    last_year = [logs[known + RECENT_WEEKS - YEAR_WEEKS + shift] + growth for shift in (-1, 0, 1)]
    expected = np.stack([level[known], *last_year])
    low[known], high[known] = expected.min(axis=0) - MOVED_HOLIDAY, expected.max(axis=0)
    return low, high


def _spread(logs: Floats, level: Floats) -> float:
    """Robust standard deviation of a week about the level before it, in logs."""
    is_short = logs.size < 2 * RECENT_WEEKS
    about = logs - np.median(logs) if is_short else logs[RECENT_WEEKS:] - level[:-1]
    return float(1.4826 * np.median(np.abs(about - np.median(about))))


def _tolerance(expected: float, spread: float, *, jumps: Floats) -> float:
    """Tolerance around ``expected``, in logs."""
    error = float(np.sqrt(spread**2 + np.exp(-max(expected, 0.0))))
    second = float(np.sort(jumps)[-2]) if jumps.size > 1 else 0.0
    return max(STANDARD_ERRORS * error, BEYOND_OWN_JUMPS * second)


def _last(values: Floats, like: Floats) -> Floats:
    return values[values.size - like.size :]
