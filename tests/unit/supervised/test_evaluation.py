"""Metric rows: which model, on which rows, with what uncertainty."""

import numpy as np
import pandas as pd
import pytest

from assets.features.groups import CategorySlice, NumericSlice
from assets.lifecycle.store.metric_lookup import overall, recorded
from assets.lifecycle.store.schemas import BIN_TYPES, METRIC_TYPES
from assets.metrics.arrays import Floats
from assets.metrics.classification import auc, with_shift
from assets.supervised.evaluation.evaluation import RecordedMetrics
from assets.supervised.evaluation.slices import slice_values
from tests.unit.supervised.conftest import Trained


def test_the_columns_are_those_of_the_contract(evaluation: RecordedMetrics) -> None:
    assert list(evaluation.metrics.columns) == list(METRIC_TYPES)
    assert list(evaluation.bins.columns) == list(BIN_TYPES)
    assert evaluation.metrics["as_of_date"].isna().all()


def test_every_metric_has_the_baselines_and_the_difference_beside_it(evaluation: RecordedMetrics) -> None:
    for metric in ("auc", "average_precision", "log_loss", "brier", "recalibrated_log_loss"):
        own, baseline = (
            overall(evaluation.metrics, f"{prefix}{metric}").value for prefix in ("", "baseline_")
        )
        difference = overall(evaluation.metrics, f"{metric}_difference")
        assert difference.value == pytest.approx(own - baseline)
        assert difference.lo < difference.value < difference.hi


def test_slices_cover_every_row_once(evaluation: RecordedMetrics) -> None:
    rows = pd.DataFrame([(row.slice_name, row.n) for row in recorded(evaluation.metrics, "auc")])
    assert rows.groupby(0)[1].sum().to_dict() == {"all": 4_000, "recency": 4_000, "country": 4_000}
    bins = evaluation.bins.groupby("slice_name")["n"].sum()
    assert bins.to_dict() == {"all": 4_000, "recency": 4_000, "country": 4_000}


def test_a_slice_is_evaluated_on_its_own_rows(
    trained: Trained, predicted: Floats, evaluation: RecordedMetrics
) -> None:
    lapsed = (trained.test.features["days_since_order"] > 90).to_numpy()
    (found,) = (row for row in recorded(evaluation.metrics, "auc") if row.slice_value == "lapsed")
    assert found.interval.value == pytest.approx(auc(trained.test.outcome[lapsed], predicted[lapsed]))
    assert (found.n, found.n_positive) == (lapsed.sum(), trained.test.outcome[lapsed].sum())


def test_the_mean_probability_does_not_move_the_recalibrated_loss(
    trained: Trained, predicted: Floats, evaluation: RecordedMetrics
) -> None:
    moved = trained.evaluated(with_shift(predicted, -1.0)).metrics
    assert overall(moved, "recalibrated_log_loss").value == pytest.approx(
        overall(evaluation.metrics, "recalibrated_log_loss").value
    )
    assert overall(moved, "log_loss").value > overall(evaluation.metrics, "log_loss").value + 0.05
    shift = [overall(metrics, "calibration_shift").value for metrics in (evaluation.metrics, moved)]
    assert shift[1] - shift[0] == pytest.approx(1.0)


def test_the_rate_of_each_date_alone_has_no_skill(trained: Trained) -> None:
    test = trained.test
    rate = pd.Series(test.outcome).groupby(test.as_of).transform("mean").to_numpy()
    assert overall(trained.evaluated(rate).metrics, "log_loss_skill").value == pytest.approx(0, abs=1e-9)


def test_a_champion_is_compared_on_the_same_draws(trained: Trained, predicted: Floats) -> None:
    metrics = trained.evaluated(predicted, champion=predicted).metrics
    difference = overall(metrics, "champion_recalibrated_log_loss_difference")
    assert (difference.value, difference.lo, difference.hi) == (0, 0, 0)


def test_bands_close_on_the_right_and_missing_is_unknown() -> None:
    bands = NumericSlice(name="recency", column="days", cuts=(30, 90), labels=("new", "mid", "old"))
    days = pd.DataFrame({"days": [0.0, 30.0, 31.0, 90.0, 91.0, np.nan]})
    assert slice_values(days, [bands])["recency"].tolist() == ["new", "new", "mid", "mid", "old", "unknown"]


def test_the_most_frequent_country_stands_alone() -> None:
    country = pd.DataFrame({"country": pd.Categorical(["UK", "UK", "France", None])})
    found = slice_values(country, [CategorySlice(name="country", column="country")])
    assert found["country"].tolist() == ["UK", "UK", "other", "unknown"]
