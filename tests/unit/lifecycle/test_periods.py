"""An outcome that says nothing was ordered has the level of orders, the other way round."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from assets.supervised.evaluation.periods import forecast_on, period_history, published_probability

from assets.features.matrix import Matrix
from assets.metrics.arrays import Floats
from assets.prior_shift.trading_days import DailyOrders
from assets.supervised.data.dataset import TrainingData
from tests.unit.lifecycle.conftest import Trial
from tests.unit.lifecycle.world import as_of_days, matrix

HORIZON = 30
NEWEST = as_of_days(26)[-1]


@dataclass(frozen=True)
class Opposite:
    """Says of everybody how likely it is not to happen."""

    model: Any

    def predict_proba(self, features: pd.DataFrame) -> Floats:
        return np.asarray(self.model.predict_proba(features)[:, ::-1])


@pytest.fixture(scope="module")
def rows(trial: Trial) -> TrainingData:
    """What the newest morning knew, of a shop whose trade grew by 1 % a day."""
    known: Matrix = matrix(trial.rows)
    matured = known.as_of + np.timedelta64(HORIZON, "D") <= np.datetime64(NEWEST, "D")
    days = np.datetime64(as_of_days(1)[0], "D") + np.arange(-100, 7 * 25)
    orders = 50 * 1.01 ** np.arange(days.size)
    return TrainingData(
        as_of=NEWEST,
        everyone=known,
        outcome=np.where(matured, known.outcome, np.nan),
        customers=dict.fromkeys(as_of_days(26), 1_000),
        daily=DailyOrders(day=days, orders=orders, repeat_orders=0.8 * orders),
    )


@pytest.fixture(scope="module")
def opposite(rows: TrainingData) -> TrainingData:
    return replace(rows, outcome=1 - rows.outcome, label_is_absence_of_order=True)


def test_who_will_not_buy_is_as_likely_as_who_will_is_not(
    trial: Trial, rows: TrainingData, opposite: TrainingData
) -> None:
    buys = published_probability(trial.candidate, trial.test, rows=rows, horizon_days=HORIZON)
    stays_away = published_probability(
        replace(trial.candidate, model=Opposite(trial.candidate.model)),
        trial.test, rows=opposite, horizon_days=HORIZON,
    )  # fmt: skip
    assert stays_away == pytest.approx(1 - buys, abs=1e-9)


def test_more_trade_raises_the_level_of_buying_and_lowers_that_of_staying_away(
    trial: Trial, rows: TrainingData, opposite: TrainingData
) -> None:
    def level(fitted: Any, known: TrainingData) -> Any:
        history = period_history(fitted, known, horizon_days=HORIZON)
        return forecast_on(history, known, day=NEWEST, horizon_days=HORIZON)

    buying = level(trial.candidate, rows)
    staying = level(replace(trial.candidate, model=Opposite(trial.candidate.model)), opposite)
    assert abs(buying.shift) > 0.05
    assert staying.shift == pytest.approx(-buying.shift, abs=1e-9)
    assert staying.sd == pytest.approx(buying.sd)
    assert staying.components["recent"] == pytest.approx(-buying.components["recent"])
