"""Features become coordinates in which distances are comparable."""

import numpy as np

from assets.segments.scaling import FARTHEST, coordinates, fit_scalers
from tests.unit.segments.world import SMALL, customers


def test_a_column_without_values_and_one_with_equal_values_are_left_out() -> None:
    names = [scaler.column for scaler in fit_scalers(customers(), SMALL.clustering_features)]
    assert names == ["days_since_order", "orders_365d", "tenure_days", "average_order_amount"]


def test_no_coordinate_is_beyond_three_standard_deviations() -> None:
    rows = customers()
    rows.loc[0, "average_order_amount"] = 1e9
    rows.loc[1, "average_order_amount"] = -1e9
    scalers = fit_scalers(rows, SMALL.clustering_features)
    assert np.abs(coordinates(rows, scalers)).max() == FARTHEST


def test_a_missing_value_is_the_median() -> None:
    rows = customers(601)
    scalers = fit_scalers(rows, SMALL.clustering_features)
    median = rows.assign(tenure_days=rows["tenure_days"].median())
    missing = rows.assign(tenure_days=np.nan)
    np.testing.assert_allclose(coordinates(missing, scalers), coordinates(median, scalers))
