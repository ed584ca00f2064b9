"""Folds are apart by one horizon, and the newest is the test."""

from datetime import timedelta

import numpy as np
import pytest

from assets.supervised.data.split import TooLittleHistory, split_by_time
from tests.unit.supervised.world import as_of_days


def test_twenty_six_weeks_give_ten_four_four() -> None:
    # A 30-day window reaches over the 4 Mondays before a fold: 26 - 2 x 4 = 18 days; 20 % of 18 is 4.
    split = split_by_time(as_of_days(26), horizon_days=30)
    assert [len(fold.days) for fold in (split.train, split.calibration, split.test)] == [10, 4, 4]
    assert split.test.last == as_of_days(26)[-1]


@pytest.mark.parametrize("horizon_days", [7, 28, 30, 90])
def test_no_outcome_window_reaches_into_the_next_fold(horizon_days: int) -> None:
    split = split_by_time(as_of_days(80), horizon_days=horizon_days)
    for earlier, later in ((split.train, split.calibration), (split.calibration, split.test)):
        gap = later.first - earlier.last
        assert timedelta(days=horizon_days) <= gap < timedelta(days=horizon_days + 7)


def test_rows_of_embargoed_days_belong_to_no_fold() -> None:
    days = np.asarray(as_of_days(26), dtype="datetime64[D]")
    split = split_by_time(as_of_days(26), horizon_days=30)
    placed = [fold.rows(days).astype(int) for fold in (split.train, split.calibration, split.test)]
    assert np.sum(placed, axis=0).tolist() == [1] * 10 + [0] * 4 + [1] * 4 + [0] * 4 + [1] * 4


def test_too_little_history_is_refused_with_the_counts() -> None:
    with pytest.raises(TooLittleHistory, match=r"10 matured as-of dates, of which 8 .* need at least 11"):
        split_by_time(as_of_days(10), horizon_days=30)
    with pytest.raises(TooLittleHistory, match="0 matured"):
        split_by_time([], horizon_days=30)


def test_the_least_history_gives_one_day_each() -> None:
    split = split_by_time(as_of_days(11), horizon_days=30)
    assert [len(fold.days) for fold in (split.train, split.calibration, split.test)] == [1, 1, 1]
