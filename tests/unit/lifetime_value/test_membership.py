"""Membership inference of the learned shape: one that memorises its customers against one that does not."""

import numpy as np
import pandas as pd

from assets.features.matrix import Matrix
from assets.lifetime_value.dataset import TrainingRows
from assets.lifetime_value.membership import membership_rows
from assets.lifetime_value.models.learned_shape import LearnedShape
from assets.metrics.membership import MEMBERSHIP_AUC

CUSTOMERS, DATES = 600, 2


def training(customers: int = CUSTOMERS) -> TrainingRows:
    """Order days that follow one feature of three, on two dates."""
    rng, n = np.random.default_rng(0), customers * DATES
    features = pd.DataFrame(rng.normal(size=(n, 3)), columns=["rate", "noise", "more_noise"])
    orders = rng.poisson(np.exp(0.5 * features["rate"])).astype(np.float64)
    ids = np.array([f"C{each:04}" for each in np.repeat(np.arange(customers), DATES)], dtype=object)
    as_of = np.tile(np.array(["2024-01-01", "2024-02-01"], dtype="datetime64[D]"), customers)
    known = Matrix(features=features, outcome=np.empty(0), entities=ids, as_of=as_of)
    return TrainingRows(known=known, outcome=np.column_stack([10 * orders, orders]))


def attacked(**settings: int) -> float:
    shape = LearnedShape(numeric=("rate", "noise", "more_noise"), least_buyers=50).set_params(**settings)
    (row,) = membership_rows(shape, training())
    assert row["metric"] == MEMBERSHIP_AUC
    assert row["n"] == CUSTOMERS * DATES
    return float(str(row["value"]))


def test_a_shape_with_large_leaves_reveals_nobody() -> None:
    assert attacked(max_iter=20, min_samples_leaf=100) < 0.6


def test_a_shape_that_memorises_reveals_its_customers() -> None:
    assert attacked(max_iter=400, min_samples_leaf=1) > 0.75


def test_half_the_customers_of_a_small_shop_are_too_few_to_attack() -> None:
    shape = LearnedShape(numeric=("rate", "noise", "more_noise"), least_buyers=200)
    assert not list(membership_rows(shape, training(customers=100)))
