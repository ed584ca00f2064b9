"""Equal values share a bin, and a second sample uses the bins of the first."""

import numpy as np
import pandas as pd
import pytest

from assets.features.matrix import UNKNOWN
from assets.metrics.drift.binning import (
    BINS,
    GROUPS,
    MISSING_CATEGORY,
    CategoryBins,
    NumericBins,
    bins_of,
    histogram_of,
    placed,
)


def counted(column: pd.Series, *, by: pd.Series) -> tuple[int, ...]:
    bins = bins_of(by)
    return histogram_of(placed(column, bins), bins).counts


def test_a_continuous_column_has_bins_of_equal_size() -> None:
    column = pd.Series(np.random.default_rng(0).normal(size=1_600))
    counts = counted(column, by=column)
    # Sixteen bins of 100 rows and no missing value.
    assert counts == (100,) * BINS + (0,)


def test_the_zeros_of_a_count_have_a_bin_of_their_own() -> None:
    # The sixteenths are 0, … 0, 1, 1, 2: zeros and ones fill more than one and have an edge on both sides.
    column = pd.Series(np.repeat([0.0, 1.0, 2.0, 3.0], [80, 10, 6, 4]))
    bins = bins_of(column)
    assert isinstance(bins, NumericBins)
    counts = histogram_of(placed(column, bins), bins).counts
    assert counts == (0, 80, 0, 10, 6, 4, 0)
    # A negative value, which the first sample did not have, is not counted with the zeros.
    assert counted(pd.Series([-1.0, 0.0, 9.0]), by=column) == (1, 1, 0, 0, 0, 1, 0)


def test_a_constant_column_has_a_bin_on_either_side() -> None:
    constant = pd.Series([0.1] * 50)
    assert counted(pd.Series([0.0, 0.1, 0.1, 0.2, np.nan]), by=constant) == (1, 2, 1, 1)


def test_single_and_double_precision_have_the_same_histogram() -> None:
    # 0.1 in single precision is greater than 0.1 in double: it would leave its bin.
    double = pd.Series(np.repeat([0.1, 0.2, 0.3], 100))
    assert counted(double.astype("float32"), by=double) == counted(double, by=double)


@pytest.mark.parametrize("dtype", ["Int64", "object", "float64"])
def test_a_lost_column_is_all_missing_whatever_its_type(dtype: str) -> None:
    was = pd.Series([1, 2, 3] * 10)
    lost = pd.Series([None] * 7, dtype=dtype)
    assert counted(lost, by=was)[-1] == 7
    assert sum(counted(lost, by=was)) == 7


def test_numbers_that_became_text_count_as_missing() -> None:
    assert counted(pd.Series(["1", "two", "3,0"]), by=pd.Series([1.0, 2.0, 3.0]))[-1] == 2


def test_an_infinite_number_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="spend is infinite"):
        bins_of(pd.Series([1.0, np.inf], name="spend"))


def test_a_column_without_values_has_one_bin_and_later_values_are_outside() -> None:
    bins = bins_of(pd.Series([np.nan, np.nan]))
    found = histogram_of(placed(pd.Series([1.0, np.nan, 2.0]), bins), bins)
    assert found.counts == (2, 1)
    assert found.outside == 2


def test_values_outside_the_range_are_counted_on_both_sides() -> None:
    bins = bins_of(pd.Series(np.arange(100.0)))
    found = histogram_of(placed(pd.Series([-1.0, 0.0, 50.0, 99.0, 100.0, 101.0, np.nan]), bins), bins)
    assert found.outside == 3


def test_group_means_add_up_to_the_mean_even_with_fewer_rows_than_groups() -> None:
    column = pd.Series([1.0, 2.0, 4.0, np.nan])
    bins = bins_of(column)
    found = histogram_of(placed(column, bins), bins)
    assert len(found.means) == GROUPS
    assert np.mean(found.means) == pytest.approx(7 / 3)
    assert list(found.means) == sorted(found.means)
    # Population standard deviation of 1, 2, 4: sqrt(((4/3)^2 + (1/3)^2 + (5/3)^2) / 3).
    assert found.sd == pytest.approx(np.sqrt(42 / 27))


def test_rare_categories_are_pooled_and_new_ones_counted_separately() -> None:
    # 200 rows: C has 1 of them, below 1 %.
    was = pd.Series(["A"] * 120 + ["B"] * 78 + ["C"] + [None])
    assert bins_of(was) == CategoryBins(kept=("A", "B"), rare=("C",))
    now = pd.Series(["B", "C", "D", None, "A", "A", MISSING_CATEGORY])
    # A, B, rare, unseen, missing.
    assert counted(now, by=was) == (2, 1, 1, 1, 2)
    assert counted(now.astype("category"), by=was) == counted(now, by=was)


def test_flags_are_categories() -> None:
    assert counted(pd.Series([True, True, False]), by=pd.Series([False] * 6 + [True] * 4)) == (1, 2, 0, 0, 0)


def test_a_missing_category_is_written_as_the_matrix_writes_it() -> None:
    assert MISSING_CATEGORY == UNKNOWN
