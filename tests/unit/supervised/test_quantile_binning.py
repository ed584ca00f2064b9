"""Bins found in one sort make the same trees as those the boosting finds for itself."""

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from assets.metrics.arrays import Floats
from assets.supervised.fitting.quantile_binning import BINS, QuantileBinner
from assets.supervised.fitting.task import Binary, Boosting

ROWS = 4_000
NUMERIC = ("many", "few", "same")


@pytest.fixture(scope="module")
def features() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    many = rng.normal(size=ROWS)
    many[::7] = np.nan
    return pd.DataFrame(
        {
            "many": many,
            "few": rng.integers(0, 9, ROWS).astype(float),
            "same": np.ones(ROWS),
            "country": pd.Categorical(rng.choice(list("abc"), ROWS)),
        }
    )


@pytest.fixture(scope="module")
def outcome(features: pd.DataFrame) -> Floats:
    chance = 1 / (1 + np.exp(2 - features["many"].fillna(0) - 0.2 * features["few"]))
    return (np.random.default_rng(4).random(ROWS) < chance).astype(np.float64)


@pytest.mark.parametrize("is_weighted", [False, True])
def test_the_trees_are_the_same_with_and_without_the_bins(
    features: pd.DataFrame, outcome: Floats, is_weighted: bool
) -> None:
    task = Binary(boosting=Boosting(max_iter=40, learning_rate=0.1, min_samples_leaf=20))
    ours, plain = (task.estimator(numeric=NUMERIC, categorical=("country",), seed=1) for _ in range(2))
    plain = Pipeline([step for step in plain.steps if step[0] != "quantiles"])
    weights = np.random.default_rng(5).uniform(0.5, 2, ROWS) if is_weighted else None
    ours.fit(features, outcome, quantiles__sample_weight=weights, boosting__sample_weight=weights)
    plain.fit(features, outcome, boosting__sample_weight=weights)
    unseen = features.sample(frac=1, random_state=1).assign(many=lambda rows: rows["many"] * 1.7)
    assert np.array_equal(ours.predict_proba(unseen), plain.predict_proba(unseen))
    assert np.ptp(ours.predict_proba(unseen)[:, 1]) > 0.5


def test_missing_stays_missing_and_order_stays_order() -> None:
    values = np.random.default_rng(0).normal(size=(5_000, 1))
    values[3] = np.nan
    binned = QuantileBinner().fit(values).transform(values)[:, 0]
    assert np.isnan(binned[3])
    known = np.delete(np.arange(5_000), 3)
    by_value = known[np.argsort(values[known, 0])]
    assert (np.diff(binned[by_value]) >= 0).all()
    assert len(np.unique(binned[known])) == BINS


def test_a_sample_of_the_rows_gives_nearly_the_same_bins(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(50_000, 1))
    whole = QuantileBinner().fit(values).edges_[0]
    monkeypatch.setattr("assets.supervised.fitting.quantile_binning.SAMPLED_ROWS", 20_000)
    part = QuantileBinner().fit(values).edges_[0]
    assert len(part) == len(whole)
    assert np.abs(part - whole)[5:-5].max() < 0.1
    assert not np.array_equal(part, whole)


def test_skipped_columns_are_left_alone() -> None:
    values = np.column_stack([np.linspace(5, 9, 20), np.linspace(0, 1, 20)])
    found = QuantileBinner(skipped=1).fit(values).transform(values)
    assert np.array_equal(found[:, 0], values[:, 0])
    assert np.array_equal(found[:, 1], np.arange(20))
