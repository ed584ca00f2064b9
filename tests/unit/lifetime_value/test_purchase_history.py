"""Equal histories are merged, and impossible ones are refused with the reason."""

import numpy as np
import pandas as pd
import pytest

from assets.purchase_process.purchase_history import HISTORY, Distinct, PurchaseHistory, numbers


def test_equal_histories_are_counted_once() -> None:
    histories = PurchaseHistory.of(np.array([[1, 5, 9], [0, 0, 9], [1, 5, 9], [0, 0, 7]]))
    assert histories.weight.tolist() == [2.0, 1.0, 1.0]
    assert histories.place.tolist() == [0, 1, 0, 2]
    assert histories.age[histories.place].tolist() == [9.0, 9.0, 9.0, 7.0]
    assert (histories.customers, histories.repeaters) == (4, 2)


def test_without_merging_each_customer_has_one() -> None:
    histories = PurchaseHistory.of(np.array([[1, 5, 9], [1, 5, 9]]), merge=False)
    assert histories.weight.tolist() == [1.0, 1.0]
    assert histories.place.tolist() == [0, 1]


def test_rows_differ_by_every_column() -> None:
    first, second = np.array([1.0, 1.0, 2.0, 1.0]), np.array([3.0, 4.0, 3.0, 3.0])
    found = Distinct.of(first, second)
    assert found.place.tolist() == [0, 1, 2, 0]
    assert found.first.tolist() == [0, 1, 2]


def test_a_frame_is_read_by_name() -> None:
    frame = pd.DataFrame({"age_days": [9.0], "noise": [7.0], "frequency": [1], "recency_days": [5.0]})
    assert numbers(frame, HISTORY).tolist() == [[1.0, 5.0, 9.0]]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(KeyError, match="age_days"):
        numbers(pd.DataFrame({"frequency": [1], "recency_days": [5.0]}), HISTORY)


def test_an_array_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 2\), needed \(n, 3\)"):
        numbers(np.ones((1, 2)), HISTORY)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((np.nan, 1, 2), "missing or infinite"),
        ((1, 1, np.inf), "missing or infinite"),
        ((1, -1, 2), "negative"),
        ((1.5, 1, 2), "whole number"),
        ((1, 3, 2), "recency above age"),
        ((0, 1, 2), "recency without a repeat order"),
        ((1, 0, 2), "repeat order without a recency"),
    ],
)
def test_an_impossible_history_is_refused_with_its_row(row: tuple[float, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=f"{reason}.*1 of 3 rows, the first is row 1"):
        PurchaseHistory.of(np.array([(1, 1, 2), row, (0, 0, 2)]))
