"""What a cut-off brings, against scikit-learn's own functions."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_curve, precision_score, recall_score

from assets.lifecycle.capability import MetricKey, ModelVintage
from assets.lifecycle.store.schemas import CUTOFF_COUNTS
from assets.metrics.arrays import Floats
from assets.metrics.bootstrap import ClusterBootstrap
from assets.metrics.cutoffs import best_f1_threshold, cutoff_metrics, top_share
from assets.supervised.evaluation.cutoffs import BEST_F1, cohort_cutoffs, cutoff_rows, selected_rows
from tests.unit.supervised.conftest import KEY, Trained

TODAY = MetricKey(
    model_name="p", model_version="v1", split="estimated", as_of_date=pd.Timestamp("2024-01-01").date()
)


@pytest.fixture(scope="module")
def rows(trained: Trained, predicted: Floats) -> pd.DataFrame:
    """Rows of ``ml.cutoffs`` of the candidate and the baseline, by cut-off."""
    first = trained.split.test.first
    baseline = trained.baseline.probability(trained.test.features)
    selected = {
        "": selected_rows(
            trained.test, predicted, models=[ModelVintage(first=first, model=trained.candidate)]
        ),
        "baseline_": selected_rows(
            trained.test, baseline, models=[ModelVintage(first=first, model=trained.baseline)]
        ),
    }
    return cutoff_rows(trained.test, selected, key=KEY, rng=np.random.default_rng(0)).set_index("cut")


@pytest.mark.parametrize("prefix", ["", "baseline_"])
@pytest.mark.parametrize("cut", [*(f"top_{each}_percent" for each in (1, 5, 10, 20, 30, 50)), BEST_F1])
def test_every_metric_is_that_of_scikit_learn(
    trained: Trained, predicted: Floats, rows: pd.DataFrame, cut: str, prefix: str
) -> None:
    fitted = trained.baseline if prefix else trained.candidate
    probability = trained.baseline.probability(trained.test.features) if prefix else predicted
    outcome, row = trained.test.outcome, rows.loc[cut]
    if cut == BEST_F1:
        selected = probability >= fitted.best_f1
    else:
        # By the published percentile of each date.
        frame = pd.DataFrame({"day": trained.test.as_of, "p": probability, "id": trained.test.entities})
        selected = np.zeros(len(frame), dtype=bool)
        for _, day in frame.groupby("day"):
            size = len(day) * int(cut.split("_")[1]) // 100
            lowest = day["p"].nlargest(size).min()
            here = day.index.to_numpy()
            selected[here] = top_share(
                probability[here],
                trained.test.entities[here],
                day=np.zeros(here.size, dtype=np.int64),
                share=int(cut.split("_")[1]) / 100,
            )
            assert selected[here].sum() == size
            assert probability[here][selected[here]].min() >= lowest
    true_negatives, false_positives, false_negatives, true_positives = confusion_matrix(
        outcome, selected
    ).ravel()
    counts = [true_positives, false_positives, true_negatives, false_negatives]
    assert row[[f"{prefix}{name}" for name in CUTOFF_COUNTS]].tolist() == counts
    precision = precision_score(outcome, selected)
    expected = {
        "precision": precision,
        "recall": recall_score(outcome, selected),
        "f1": f1_score(outcome, selected),
        "specificity": recall_score(outcome, selected, pos_label=0),
        "lift": precision / outcome.mean(),
        "gain": outcome[selected].sum() / outcome.sum(),
    }
    for name, value in expected.items():
        assert row[f"{prefix}{name}"] == pytest.approx(value), name
        assert row[f"{prefix}{name}_lo"] <= value <= row[f"{prefix}{name}_hi"], name


def test_the_threshold_has_the_best_f1_of_all_on_the_rows_it_was_chosen_on(trained: Trained) -> None:
    outcome = trained.calibration.outcome
    probability = trained.candidate.probability(trained.calibration.features)
    precision, recall, thresholds = precision_recall_curve(outcome, probability)
    f1 = 2 * precision * recall / (precision + recall)
    found = best_f1_threshold(outcome, probability)
    assert found == trained.candidate.best_f1
    assert f1_score(outcome, probability >= found) == pytest.approx(np.nanmax(f1))
    assert found in thresholds


def test_rows_of_equal_probability_are_selected_together() -> None:
    assert best_f1_threshold(np.array([1.0, 0.0, 0.0]), np.array([0.5, 0.5, 0.1])) == 0.5
    assert best_f1_threshold(np.zeros(3), np.array([0.5, 0.5, 0.1])) == 0.5


def test_a_vintage_decides_on_its_own_dates_alone(trained: Trained, predicted: Floats) -> None:
    days = trained.split.test.days
    never = ModelVintage(
        first=days[1],
        model=trained.baseline.__class__(
            **{
                **{name: getattr(trained.baseline, name) for name in trained.baseline.__slots__},
                "best_f1": 1.1,
            }
        ),
    )
    models = [ModelVintage(first=days[0], model=trained.candidate), never]
    selected = selected_rows(trained.test, predicted, models=models)[BEST_F1]
    is_first = trained.test.as_of < np.datetime64(days[1], "D")
    assert selected[is_first].any()
    assert not selected[~is_first].any()


def test_what_is_not_defined_is_missing_and_never_infinite() -> None:
    resamples = ClusterBootstrap.by_customer(np.arange(4), replicates=50, rng=np.random.default_rng(0))
    nobody = cutoff_metrics(np.array([1.0, 0.0, 1.0, 0.0]), np.zeros(4, dtype=bool), resamples)
    assert np.isnan([nobody["precision"].value, nobody["lift"].value]).all()
    assert nobody["recall"].value == 0
    everybody = cutoff_metrics(np.ones(4), np.array([True, False, True, False]), resamples)
    assert np.isnan([everybody["specificity"].value, everybody["specificity"].lo]).all()
    assert everybody["precision"].value == 1


def test_expected_hits_are_the_sum_of_probabilities_of_the_selected() -> None:
    probability = np.linspace(0.01, 1.0, 100)
    ids = np.array([f"c{each}" for each in range(100)], dtype=object)
    rows = cohort_cutoffs(TODAY, probability, ids, threshold=0.905).set_index("cut")
    top, best = rows.loc["top_10_percent"], rows.loc[BEST_F1]
    # 0.91 + 0.92 + … + 1.00 = 9.55
    assert (top["n_selected"], top["share"], top["threshold"]) == (10, 0.1, pytest.approx(0.91))
    assert top["expected_hits"] == pytest.approx(9.55)
    assert top["expected_misses"] == pytest.approx(0.45)
    assert top["expected_positives"] == pytest.approx(50.5)
    assert (best["n_selected"], best["share"], best["threshold"]) == (10, 0.1, 0.905)


def test_a_cut_off_that_selects_nobody_has_no_threshold() -> None:
    few = cohort_cutoffs(TODAY, np.array([0.5, 0.2]), np.array(["a", "b"], dtype=object), threshold=0.9)
    assert few["n_selected"].tolist() == [0, 0, 0, 0, 0, 1, 0]
    assert few["threshold"].isna().tolist() == [True] * 5 + [False, False]
