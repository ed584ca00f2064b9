"""Candidates under a level of the shop and with a learned shape."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from assets.lifetime_value.models.candidates import CustomerValue, HorizonLevel
from assets.lifetime_value.models.clv import COLUMNS
from benchmarks.simulated_buyers import Simulated

ROWS = list(COLUMNS)
LEVELS = (
    HorizonLevel(horizon_days=30, effective_days=15.0, sd=0.2, log_amount=0.1, has_season=True),
    HorizonLevel(horizon_days=90, effective_days=60.0, sd=0.2, log_amount=0.1, has_season=True),
    HorizonLevel(horizon_days=365, effective_days=365.0, sd=0.2, log_amount=0.1, has_season=True),
)


class TwiceAsMuch:
    """A shape in which customers who ordered again differ from the others by a factor of two."""

    def relative_orders(self, rows: pd.DataFrame) -> np.ndarray:
        return np.where(rows["frequency"] > 0, 2.0, 1.0)

    def relative_amounts(self, rows: pd.DataFrame) -> np.ndarray:
        return 3.0 * np.where(rows["frequency"] > 0, 2.0, 1.0)


@pytest.fixture(scope="module")
def rows(shop: Simulated) -> pd.DataFrame:
    return pd.DataFrame(shop.past, columns=ROWS)


@pytest.fixture(scope="module")
def model(rows: pd.DataFrame) -> CustomerValue:
    return CustomerValue().fit(rows)


def test_an_interval_always_holds_its_mean(model: CustomerValue, rows: pd.DataFrame) -> None:
    found = model.predict(rows, LEVELS)
    assert (found.value_lo <= found.value).all()
    assert (found.value <= found.value_hi).all()


def test_the_level_runs_the_clock_of_orders_amounts_and_dates(
    model: CustomerValue, rows: pd.DataFrame
) -> None:
    plain, levelled = model.predict(rows), model.predict(rows, LEVELS)
    # 15 of the model's days in 30 of the calendar; amounts per order are e^0.1 of what was expected.
    half = model.value_.purchases_.expected_purchases(rows[ROWS[:3]], [15.0])[:, 0]
    assert levelled.orders[:, 0] == pytest.approx(half)
    assert levelled.value[:, 2] == pytest.approx(np.exp(0.1) * plain.value[:, 2])
    soon = plain.next_order_days[:, 1] < 15
    assert levelled.next_order_days[soon, 1] == pytest.approx(2 * plain.next_order_days[soon, 1])
    assert (np.diff(levelled.value, axis=1) > 0).all()


def test_what_moves_all_customers_together_widens_the_interval_of_one(
    model: CustomerValue, rows: pd.DataFrame
) -> None:
    sure = tuple(replace(each, sd=0.0) for each in LEVELS)
    narrow, wide = model.predict(rows, sure), model.predict(rows, LEVELS)
    buyers = narrow.value_lo[:, 2] > 0
    assert (wide.value_hi >= narrow.value_hi).all()
    assert (wide.value_lo[buyers, 2] < narrow.value_lo[buyers, 2]).all()


def test_a_learned_shape_moves_customers_and_keeps_the_totals(
    model: CustomerValue, rows: pd.DataFrame
) -> None:
    plain = model.predict(rows)
    boosted = model.with_shape(TwiceAsMuch(), rows, amount_model="boosting")  # type: ignore[arg-type]
    found = boosted.predict(rows)
    assert found.orders[:, 1].sum() == pytest.approx(plain.orders[:, 1].sum(), rel=1e-4)
    assert found.value[:, 1].sum() == pytest.approx(plain.value[:, 1].sum(), rel=1e-4)
    again = rows["frequency"].to_numpy() > 0
    assert found.orders[again, 1] == pytest.approx(2 * found.orders[~again, 1].min())
    # The ratio of one horizon serves all, so the longer one keeps the process's shape.
    assert found.value[:, 2] / found.value[:, 1] == pytest.approx(plain.value[:, 2] / plain.value[:, 1])


def test_a_blend_lies_between_both(model: CustomerValue, rows: pd.DataFrame) -> None:
    shape = TwiceAsMuch()
    blend, boosted = (
        model.with_shape(shape, rows, amount_model=name).ratios(rows)[0]  # type: ignore[arg-type]
        for name in ("blend", "boosting")
    )
    assert np.abs(np.log(blend)).mean() < np.abs(np.log(boosted)).mean()


def test_of_customers_with_one_order_the_chance_of_being_active_is_unknown(
    model: CustomerValue, rows: pd.DataFrame
) -> None:
    found = model.predict(rows)
    assert (np.isnan(found.alive) == (rows["frequency"] == 0)).all()
    assert np.isfinite(found.orders).all()


def test_a_parameter_at_its_bound_leaves_the_chance_of_being_active_unknown(rows: pd.DataFrame) -> None:
    # Nobody ever leaves: the drop-out chances are driven to zero, and their spread is not decided.
    model = CustomerValue().fit(rows.assign(recency_days=rows["age_days"].where(rows["frequency"] > 0, 0.0)))
    assert model.value_.purchases_.at_bound_
    assert np.isnan(model.predict(rows).alive).all()
