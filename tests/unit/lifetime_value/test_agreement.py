"""Predictions of a customer that agree with the published chance of an order."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from assets.lifetime_value.agreement import agree_with_chance
from assets.lifetime_value.models.candidates import CustomerValue, HorizonLevel, ValuePrediction
from assets.lifetime_value.models.clv import COLUMNS
from assets.metrics.arrays import Floats
from assets.purchase_process.purchase_history import HISTORY
from benchmarks.simulated_buyers import Simulated

# Half the usual intensity in the first 30 days, two thirds in the first 90.
LEVELS = tuple(
    HorizonLevel(horizon_days=days, effective_days=effective, sd=0.2, log_amount=0.1, has_season=True)
    for days, effective in ((30, 15.0), (90, 60.0), (365, 365.0))
)


@pytest.fixture(scope="module")
def rows(shop: Simulated) -> pd.DataFrame:
    return pd.DataFrame(shop.past[:200], columns=list(COLUMNS))


@pytest.fixture(scope="module")
def model(shop: Simulated) -> CustomerValue:
    return CustomerValue().fit(pd.DataFrame(shop.past, columns=list(COLUMNS)))


@pytest.fixture(scope="module")
def predicted(model: CustomerValue, rows: pd.DataFrame) -> ValuePrediction:
    return model.predict(rows, LEVELS)


def own_chance(model: CustomerValue, rows: pd.DataFrame) -> Floats:
    """What BG/NBD itself expects: active, and not silent for 15 of its days."""
    buying, histories = model.value_.purchases_, rows[list(HISTORY)]
    silent: Floats = buying.no_order_probability(histories, 15.0)
    return buying.probability_alive(histories) * (1 - silent)


def test_the_chance_that_the_model_expects_itself_changes_nothing(
    model: CustomerValue, rows: pd.DataFrame, predicted: ValuePrediction
) -> None:
    found = agree_with_chance(model, rows, predicted, chance=own_chance(model, rows), levels=LEVELS)
    for name in ("orders", "value", "value_hi", "alive", "next_order_days"):
        # Intervals are read from tables of 128 steps.
        within = 2e-3 if name == "value_hi" else 1e-6
        assert getattr(found, name) == pytest.approx(getattr(predicted, name), rel=within, nan_ok=True), name


@settings(max_examples=15, deadline=None)
@given(seed=some.integers(0, 2**32 - 1), spread=some.floats(0.0, 4.0), centre=some.floats(-6.0, 3.0))
def test_no_prediction_excludes_another_whatever_the_chance(
    model: CustomerValue,
    rows: pd.DataFrame,
    predicted: ValuePrediction,
    seed: int,
    spread: float,
    centre: float,
) -> None:
    logits = np.random.default_rng(seed).normal(centre, spread, len(rows))
    chance = 1 / (1 + np.exp(-logits))
    found = agree_with_chance(model, rows, predicted, chance=chance, levels=LEVELS)
    assert (found.orders[:, 0] >= chance).all()
    assert (np.diff(found.orders, axis=1) >= -1e-12).all()
    # The level's total, or one order of every expected buyer where these alone are more.
    total = max(predicted.orders[:, 0].sum(), chance.sum())
    assert found.orders[:, 0].sum() == pytest.approx(total)
    assert found.orders[:, 2] - found.orders[:, 0] == pytest.approx(
        predicted.orders[:, 2] - predicted.orders[:, 0]
    )
    assert (np.isnan(found.alive) == np.isnan(predicted.alive)).all()
    alive = np.where(np.isnan(found.alive), 1.0, found.alive)
    assert ((chance <= alive) & (alive <= 1)).all()
    doubtful = np.abs(chance - alive / 2) > 1e-9
    assert ((found.next_order_days[:, 1] < 30) == (chance > alive / 2))[doubtful].all()
    assert ((found.value_lo <= found.value) & (found.value <= found.value_hi)).all()


def test_activity_is_updated_by_the_law_of_total_probability(
    model: CustomerValue, rows: pd.DataFrame, predicted: ValuePrediction
) -> None:
    found = agree_with_chance(model, rows, predicted, chance=np.full(len(rows), 0.3), levels=LEVELS)
    again = rows["frequency"].to_numpy() > 0
    before = predicted.alive[again]
    silent = model.value_.purchases_.no_order_probability(rows[list(HISTORY)], 15.0)[again]
    # P(active | no order) = P(active) P(silent) / (1 - P(active) (1 - P(silent))); with an order it is 1.
    without = before * silent / (1 - before * (1 - silent))
    assert found.alive[again] == pytest.approx(0.3 + 0.7 * without)


def test_intervals_of_the_shortest_horizon_follow_the_chance(
    model: CustomerValue, rows: pd.DataFrame, predicted: ValuePrediction
) -> None:
    found = {
        chance: agree_with_chance(model, rows, predicted, chance=np.full(len(rows), chance), levels=LEVELS)
        for chance in (0.1, 0.5)
    }
    # An 80 % interval of a customer who orders nothing with a chance of 0.9 ends at 0: widened to its mean.
    assert found[0.1].value_hi[:, 0] == pytest.approx(found[0.1].value[:, 0])
    # Of those who order with 0.5, two fifths of the orders are above the end: more than the mean of all.
    assert (found[0.5].value_hi[:, 0] > found[0.5].value[:, 0]).all()
    assert (found[0.5].value_lo[:, 0] == 0).all()


def test_customers_without_a_published_chance_stay_as_they_are(
    model: CustomerValue, rows: pd.DataFrame, predicted: ValuePrediction
) -> None:
    is_known = np.arange(len(rows)) % 2 == 0
    chance = np.where(is_known, 0.3, np.nan)
    found = agree_with_chance(model, rows, predicted, chance=chance, levels=LEVELS)
    for name in ("orders", "value", "alive", "next_order_days"):
        before, after = getattr(predicted, name)[~is_known], getattr(found, name)[~is_known]
        assert after == pytest.approx(before, nan_ok=True), name
    assert found.value_hi[~is_known] == pytest.approx(predicted.value_hi[~is_known], rel=2e-3)
    total = max(predicted.orders[is_known, 0].sum(), 0.3 * is_known.sum())
    assert found.orders[is_known, 0].sum() == pytest.approx(total)
