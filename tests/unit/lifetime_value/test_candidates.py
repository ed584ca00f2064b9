"""The baseline, and candidates that carry learned amounts over to other horizons."""

import numpy as np
import pandas as pd
import pytest

from assets.lifetime_value.models.baseline import SpendRate
from assets.lifetime_value.models.candidates import CustomerValue
from assets.lifetime_value.models.clv import COLUMNS
from benchmarks.simulated_buyers import Simulated


class ConstantAmounts:
    """Learned amounts of 90 for each customer, with an interval that does not hold them."""

    def expected_revenue(self, rows: pd.DataFrame) -> np.ndarray:
        return np.full(len(rows), 90.0)

    def revenue_interval(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        return np.full(len(rows), 100.0), np.full(len(rows), 80.0)


def test_the_baseline_predicts_amounts_and_nothing_else() -> None:
    # 365 in a full year is 1 a day; the second customer has been silent for 181 days.
    rows = pd.DataFrame(
        {"net_amount_365d": [365.0, 365.0], "tenure_days": [400.0, 400.0], "days_since_order": [180.0, 181.0]}
    )
    found = SpendRate(horizons_days=(30, 90)).predict(rows)
    assert found.value.tolist() == [[30.0, 90.0], [0.0, 0.0]]
    assert np.isnan(found.value_lo).all()
    assert np.isnan(found.alive).all()


def test_an_interval_always_holds_its_mean(shop: Simulated) -> None:
    model = CustomerValue().fit(pd.DataFrame(shop.past, columns=list(COLUMNS)))
    found = model.predict(pd.DataFrame(shop.past, columns=list(COLUMNS)))
    assert (found.value_lo <= found.value).all()
    assert (found.value <= found.value_hi).all()


def test_learned_amounts_are_carried_over_by_the_shape_of_bg_nbd(shop: Simulated) -> None:
    rows = pd.DataFrame(shop.past, columns=list(COLUMNS)).head(1_000)
    model = CustomerValue(amount_model="two_part").fit(rows)
    plain = model.predict(rows).value
    model.amounts_ = ConstantAmounts()  # type: ignore[assignment]
    found = model.predict(rows)
    assert found.value[:, 1] == pytest.approx(90.0)
    assert found.value[:, 2] / found.value[:, 1] == pytest.approx(plain[:, 2] / plain[:, 1])
    # The learned interval, which does not hold its mean, is widened to it.
    assert (found.value_lo[:, 1].max(), found.value_hi[:, 1].min()) == (90.0, 90.0)
