"""Folds by time, with an embargo of one horizon between them; the newest days are the test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from assets.lifecycle.capability import InsufficientData
from assets.metrics.arrays import Flags

TEST_SHARE = 0.2
# Of the days before the test: 20 % of all.
CALIBRATION_SHARE = 0.25
# Two months. A calibrator fitted on a longer fold describes a ranker that is older by as much: on
# Online Retail the published slope was 1.3 with the whole fifth, 1.05 with two months.
MOST_CALIBRATION_DAYS = 9


class TooLittleHistory(InsufficientData):
    """There are too few as-of dates to train, calibrate and test on different ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """The as-of dates of one fold, oldest first; never empty."""

    days: tuple[date, ...]

    @property
    def first(self) -> date:
        """The oldest day."""
        return self.days[0]

    @property
    def last(self) -> date:
        """The newest day."""
        return self.days[-1]

    def rows(self, as_of: npt.NDArray[np.datetime64]) -> Flags:
        """Which of the rows with as-of dates ``as_of`` (n,) belong to this fold."""
        return np.isin(as_of.astype("datetime64[D]"), np.asarray(self.days, dtype="datetime64[D]"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Three folds in time order; the days between them belong to none of them."""

    train: Fold
    calibration: Fold
    test: Fold


def split_by_time(days: Sequence[date], *, horizon_days: int) -> Split:
    """Split the as-of dates that are left after the two embargoes 60 / 20 / 20.

    A day is dropped when its label window ``[day, day + horizon)`` reaches into the next fold: its
    outcome depends on the very days that the next fold is evaluated on. The calibration fold has at most
    ``MOST_CALIBRATION_DAYS``; further days go to the training fold.

    Args:
        days: Matured as-of dates, in any order, repeats allowed.
        horizon_days: Length of the label window.

    Raises:
        TooLittleHistory: A fold would be empty; the message has the counts.
    """
    ordered = sorted(set(days))
    embargo = _embargo(ordered, horizon_days)
    usable = len(ordered) - 2 * embargo
    if usable < 3:
        raise TooLittleHistory(
            f"{len(ordered)} matured as-of dates, of which {2 * embargo} are lost to two embargoes of "
            f"{horizon_days} days; training, calibration and test need at least {2 * embargo + 3}"
        )
    test = ordered[-max(1, round(TEST_SHARE * usable)) :]
    before_test = [day for day in ordered if day + timedelta(days=horizon_days) <= test[0]]
    train, calibration = calibration_split(before_test, horizon_days=horizon_days)
    return Split(train=train, calibration=calibration, test=Fold(days=tuple(test)))


def calibration_split(days: Sequence[date], *, horizon_days: int) -> tuple[Fold, Fold]:
    """Training and calibration folds, 3 to 1, of days whose outcomes are known, one embargo apart.

    Raises:
        TooLittleHistory: A fold would be empty; the message has the counts.
    """
    ordered = sorted(set(days))
    usable = len(ordered) - _embargo(ordered, horizon_days)
    share = min(MOST_CALIBRATION_DAYS, max(1, round(CALIBRATION_SHARE * usable)))
    calibration = ordered[-share:]
    train = (
        [day for day in ordered if day + timedelta(days=horizon_days) <= calibration[0]] if ordered else []
    )
    if not train:
        raise TooLittleHistory(
            f"{len(ordered)} matured as-of dates leave {len(train)} for training and {len(calibration)} for "
            f"calibration, an embargo of {horizon_days} days between them"
        )
    return Fold(days=tuple(train)), Fold(days=tuple(calibration))


def _embargo(ordered: Sequence[date], horizon_days: int) -> int:
    """Number of days that one embargo drops: those whose window reaches into the newest day."""
    return sum(ordered[-1] - timedelta(days=horizon_days) < day < ordered[-1] for day in ordered)
