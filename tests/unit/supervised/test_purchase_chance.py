"""BG/NBD's chance of an order as a member of a blend, against simulated customers and impossible rows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io

from assets.features.matrix import Matrix
from assets.lifecycle.capability import InsufficientData
from assets.purchase_process.bg_nbd import BgNbd, BgNbdParams
from assets.supervised.fitting.fitted_store import MODEL_TYPES
from assets.supervised.fitting.purchase_chance import HistoryColumns, PurchaseChance, histories
from assets.supervised.fitting.rankers import BG_NBD, BLEND, LOGISTIC, RANKERS, fit_members
from assets.supervised.fitting.train import fit_rankers
from tests.unit.lifetime_value.world import HORIZON_DAYS, customers
from tests.unit.supervised.conftest import Trained
from tests.unit.supervised.world import PROBLEM

COLUMNS = ("days_since_order", "tenure_days", "orders_lifetime")
SHOP = customers(8_000)
FREQUENCY, LAST, AGE = SHOP.past[:, :3].T
FEATURES = pd.DataFrame(
    {"days_since_order": AGE - LAST, "tenure_days": AGE, "orders_lifetime": FREQUENCY + 1}
)
HISTORY = HistoryColumns(recency=COLUMNS[0], tenure=COLUMNS[1], orders=COLUMNS[2])


def test_the_chance_of_an_order_by_hand() -> None:
    model = BgNbd()
    model.r_, model.alpha_, model.a_, model.b_ = BgNbdParams(r=1.0, alpha=10.0, a=1.0, b=1.0)
    # Active with 9/25; then no order within 20 days has the chance (20 / 40)^(1 + 1).
    found = model.order_probability(np.array([[1.0, 5.0, 10.0]]), days=20.0)
    assert found == pytest.approx(9 / 25 * (1 - 1 / 4))
    # Active for certain; no order has the chance (20 / 40)^1.
    assert model.order_probability(np.array([[0.0, 0.0, 10.0]]), days=20.0) == pytest.approx(1 / 2)


def test_the_chance_is_the_share_of_simulated_customers_that_order() -> None:
    model = PurchaseChance(COLUMNS, horizon_days=HORIZON_DAYS).fit(FEATURES)
    chance = model.predict_proba(FEATURES)[:, 1]
    ordered = SHOP.orders > 0
    for tenth in np.array_split(np.argsort(chance), 10):
        # 800 independent customers: a standard error of at most 0.018.
        assert ordered[tenth].mean() == pytest.approx(chance[tenth].mean(), abs=4 * 0.018)


def test_the_absence_of_an_order_is_the_opposite() -> None:
    order, absence = (
        PurchaseChance(COLUMNS, horizon_days=30, is_absence=each).fit(FEATURES).predict_proba(FEATURES)
        for each in (False, True)
    )
    np.testing.assert_array_equal(absence, order[:, ::-1])


def test_every_row_is_a_possible_history() -> None:
    # Recency alone was occluded; several orders on one day; nothing is known.
    rows = pd.DataFrame(
        [[90.0, 10.0, 5.0], [3.0, 3.0, 4.0], [9.0, 10.0, 8.0], [np.nan] * 3], columns=list(COLUMNS)
    )
    expected = [[0, 0, 90], [0, 0, 3], [1, 1, 10], [0, 0, 0]]
    assert histories(rows, COLUMNS).tolist() == expected
    chance = PurchaseChance(COLUMNS).fit(FEATURES).predict_proba(rows)
    assert ((chance >= 0) & (chance <= 1)).all()


def test_too_few_repeat_buyers_are_refused_and_the_blend_does_without(trained: Trained) -> None:
    with pytest.raises(InsufficientData, match="20 customers, 500 needed"):
        PurchaseChance(COLUMNS).fit(FEATURES.head(20))
    once = with_history(trained.train, np.ones(len(trained.train)))
    assert set(fit_members(WITH_HISTORY, once, names=RANKERS[BLEND])) == {"boosting", "splines"}


WITH_HISTORY = replace(
    PROBLEM,
    numeric=(*PROBLEM.numeric, "tenure_days", "orders_lifetime"),
    history=HISTORY,
    linear=("days_since_order", "orders_365d"),
)


def with_history(fold: Matrix, orders: np.ndarray) -> Matrix:
    tenure = fold.features["days_since_order"] + 40 * (orders - 1)
    return replace(fold, features=fold.features.assign(tenure_days=tenure, orders_lifetime=orders))


def test_every_ranker_is_fitted_calibrated_and_stored(trained: Trained, tmp_path: Path) -> None:
    folds = [
        with_history(fold, 1 + fold.features["orders_365d"].to_numpy())
        for fold in (trained.train, trained.calibration, trained.test)
    ]
    found = fit_rankers(WITH_HISTORY, folds[0], calibration=folds[1])
    assert list(found) == [BLEND, BG_NBD, LOGISTIC]
    assert set(found[BLEND].ranker.members) == {"boosting", "splines", "bg_nbd"}
    for name, fitted in found.items():
        probability = fitted.probability(folds[1].features)
        # A sigmoid keeps the mean of the fold that it was fitted on.
        assert probability.mean() == pytest.approx(folds[1].outcome.mean(), abs=0.002), name
        skops.io.dump(fitted.model, tmp_path / name)
        loaded = skops.io.load(tmp_path / name, trusted=list(MODEL_TYPES))
        again = loaded.predict_proba(folds[2].features)
        np.testing.assert_array_equal(again, fitted.model.predict_proba(folds[2].features))
