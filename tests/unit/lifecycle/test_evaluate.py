"""The metric rows say what was judged, where, and how sure it is."""

import numpy as np
import pandas as pd
import pytest

from assets.features.groups import CategorySlice, NumericSlice
from assets.lifecycle.store.metric_lookup import overall, recorded
from assets.lifecycle.store.schemas import BIN_TYPES, METRIC_TYPES
from assets.metrics.arrays import Floats
from assets.metrics.classification import auc, with_shift
from assets.supervised.evaluation.evaluation import Evaluation
from assets.supervised.evaluation.slices import slice_values
from tests.unit.lifecycle.conftest import Trial


def test_the_columns_are_the_contracts(evaluation: Evaluation) -> None:
    assert list(evaluation.metrics.columns) == list(METRIC_TYPES)
    assert list(evaluation.bins.columns) == list(BIN_TYPES)
    assert evaluation.metrics["as_of_date"].isna().all()


def test_every_measure_has_the_rivals_and_the_difference_beside_it(evaluation: Evaluation) -> None:
    for metric in ("auc", "average_precision", "log_loss", "brier", "levelled_log_loss"):
        own, naive = (overall(evaluation.metrics, f"{prefix}{metric}").value for prefix in ("", "naive_"))
        difference = overall(evaluation.metrics, f"{metric}_difference")
        assert difference.value == pytest.approx(own - naive)
        assert difference.lo < difference.value < difference.hi


def test_slices_cover_every_row_once(evaluation: Evaluation) -> None:
    rows = pd.DataFrame([(row.slice_name, row.n) for row in recorded(evaluation.metrics, "auc")])
    assert rows.groupby(0)[1].sum().to_dict() == {"all": 4_000, "recency": 4_000, "country": 4_000}
    bins = evaluation.bins.groupby("slice_name")["n"].sum()
    assert bins.to_dict() == {"all": 4_000, "recency": 4_000, "country": 4_000}


def test_a_slice_is_judged_on_its_own_rows(trial: Trial, said: Floats, evaluation: Evaluation) -> None:
    lapsed = (trial.test.features["days_since_order"] > 90).to_numpy()
    (found,) = (row for row in recorded(evaluation.metrics, "auc") if row.slice_value == "lapsed")
    assert found.interval.value == pytest.approx(auc(trial.test.outcome[lapsed], said[lapsed]))
    assert (found.n, found.n_positive) == (lapsed.sum(), trial.test.outcome[lapsed].sum())


def test_luck_with_the_level_does_not_move_the_levelled_loss(
    trial: Trial, said: Floats, evaluation: Evaluation
) -> None:
    moved = trial.evaluation(with_shift(said, -1.0)).metrics
    assert overall(moved, "levelled_log_loss").value == pytest.approx(
        overall(evaluation.metrics, "levelled_log_loss").value
    )
    assert overall(moved, "log_loss").value > overall(evaluation.metrics, "log_loss").value + 0.05
    shift = [overall(metrics, "calibration_shift").value for metrics in (evaluation.metrics, moved)]
    assert shift[1] - shift[0] == pytest.approx(1.0)


def test_the_rate_of_each_day_alone_has_no_skill(trial: Trial) -> None:
    test = trial.test
    rate = pd.Series(test.outcome).groupby(test.as_of).transform("mean").to_numpy()
    assert overall(trial.evaluation(rate).metrics, "log_loss_skill").value == pytest.approx(0, abs=1e-9)


def test_a_champion_is_compared_on_the_same_draws(trial: Trial, said: Floats) -> None:
    metrics = trial.evaluation(said, champion=said).metrics
    twin = overall(metrics, "champion_levelled_log_loss_difference")
    assert (twin.value, twin.lo, twin.hi) == (0, 0, 0)


def test_bands_close_on_the_right_and_missing_is_unknown() -> None:
    bands = NumericSlice(name="recency", column="days", cuts=(30, 90), labels=("new", "mid", "old"))
    days = pd.DataFrame({"days": [0.0, 30.0, 31.0, 90.0, 91.0, np.nan]})
    assert slice_values(days, [bands])["recency"].tolist() == ["new", "new", "mid", "mid", "old", "unknown"]


def test_the_most_frequent_country_stands_alone() -> None:
    country = pd.DataFrame({"country": pd.Categorical(["UK", "UK", "France", None])})
    found = slice_values(country, [CategorySlice(name="country", column="country")])
    assert found["country"].tolist() == ["UK", "UK", "other", "unknown"]
