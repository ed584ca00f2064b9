"""An outcome that means no order has the prior shift of orders with the opposite sign."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assets.features.matrix import Matrix
from assets.metrics.arrays import Floats
from assets.prior_shift.trading_days import DailyOrders
from assets.supervised.data.dataset import TrainingData
from assets.supervised.evaluation.published import forecast_shift, period_history, published_probability
from tests.unit.supervised.conftest import Trained
from tests.unit.supervised.world import as_of_days, matrix

HORIZON = 30
NEWEST = as_of_days(26)[-1]


@dataclass(frozen=True)
class Opposite:
    """Predicts how likely the outcome is not to happen."""

    model: Any

    def predict_proba(self, features: pd.DataFrame) -> Floats:
        return np.asarray(self.model.predict_proba(features)[:, ::-1])


@pytest.fixture(scope="module")
def data(trained: Trained) -> TrainingData:
    """Training data of the newest date, of a shop whose trade grew by 1 % a day."""
    known: Matrix = matrix(trained.rows)
    matured = known.as_of + np.timedelta64(HORIZON, "D") <= np.datetime64(NEWEST, "D")
    days = np.datetime64(as_of_days(1)[0], "D") + np.arange(-100, 7 * 25)
    orders: Floats = 50 * np.power(1.01, np.arange(days.size, dtype=np.float64))
    return TrainingData(
        as_of=NEWEST,
        sample=known,
        outcome=np.where(matured, known.outcome, np.nan),
        cohort_size=dict.fromkeys(as_of_days(26), 1_000),
        daily=DailyOrders(day=days, orders=orders, repeat_orders=0.8 * orders),
    )


@pytest.fixture(scope="module")
def opposite(data: TrainingData) -> TrainingData:
    return replace(data, outcome=1 - data.outcome, label_is_absence_of_order=True)


def test_probability_of_no_purchase_is_one_minus_that_of_a_purchase(
    trained: Trained, data: TrainingData, opposite: TrainingData
) -> None:
    buys = published_probability(trained.candidate, trained.test, data=data, horizon_days=HORIZON).probability
    stays_away = published_probability(
        replace(trained.candidate, model=Opposite(trained.candidate.model)),
        trained.test, data=opposite, horizon_days=HORIZON,
    )  # fmt: skip
    assert stays_away.probability == pytest.approx(1 - buys, abs=1e-9)


def test_more_trade_raises_the_shift_of_purchases_and_lowers_that_of_no_purchase(
    trained: Trained, data: TrainingData, opposite: TrainingData
) -> None:
    def shift_of(fitted: Any, known: TrainingData) -> Any:
        history = period_history(fitted, known, horizon_days=HORIZON)
        return forecast_shift(history, known, day=NEWEST, horizon_days=HORIZON)

    buying = shift_of(trained.candidate, data)
    staying = shift_of(replace(trained.candidate, model=Opposite(trained.candidate.model)), opposite)
    assert abs(buying.shift) > 0.05
    assert staying.shift == pytest.approx(-buying.shift, abs=1e-9)
    assert staying.sd == pytest.approx(buying.sd)
    assert staying.components["recent"] == pytest.approx(-buying.components["recent"])
