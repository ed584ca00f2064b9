"""How customers differ is learned from the columns that have values."""

import numpy as np
import pandas as pd
import pytest

from assets.lifetime_value.models.learned_shape import LearnedShape


def test_a_column_without_any_value_is_left_out() -> None:
    # A young shop has no second order yet, and so no gap between orders in any training row.
    rng = np.random.default_rng(0)
    rate = rng.gamma(2.0, 1.0, 1_000)
    rows = pd.DataFrame({"rate": rate, "gap_mean_days": np.nan})
    outcome = np.column_stack([rate * rng.exponential(size=1_000), rng.poisson(rate).astype(float)])
    with_gap = LearnedShape(numeric=("rate", "gap_mean_days")).fit(rows, outcome)
    without = LearnedShape(numeric=("rate",)).fit(rows, outcome)
    assert with_gap.relative_orders(rows) == pytest.approx(without.relative_orders(rows))
    assert np.corrcoef(with_gap.relative_amounts(rows), rate)[0, 1] > 0.8
    # A value that comes later is not read.
    later = rows.assign(gap_mean_days=30.0)
    assert with_gap.relative_orders(later) == pytest.approx(with_gap.relative_orders(rows))
