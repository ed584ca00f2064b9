"""The gate promotes a sound candidate and refuses, with a reason, every injected fault."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from assets.lifecycle.gate import Decision, decide
from assets.lifecycle.report.grade import DO_NOT_USE, GRADES
from assets.metrics.arrays import Floats
from assets.metrics.bootstrap import Interval
from assets.metrics.classification import with_shift
from assets.supervised.evaluation.evaluation import RecordedMetrics, evaluate
from assets.supervised.evaluation.gate import degenerate, grade, miscalibrated, outdated
from assets.supervised.fitting.train import fit_candidate
from assets.supervised.spec import COMPARED
from tests.unit.supervised.conftest import KEY, Trained
from tests.unit.supervised.world import PROBLEM


def decided(metrics: pd.DataFrame) -> Decision:
    """The gate's decision with the defects of calibrated probabilities."""
    criteria = PROBLEM.criteria
    defects = (*degenerate(metrics), *miscalibrated(metrics, criteria=criteria))
    return decide(metrics, COMPARED, defects=defects)


def decision_on(trained: Trained, candidate: Floats, champion: Floats | None = None) -> Decision:
    """The gate's decision on those predictions of the test fold."""
    return decided(trained.evaluated(candidate, champion).metrics)


def test_a_sound_candidate_is_promoted_and_graded(evaluation: RecordedMetrics) -> None:
    decision = decided(evaluation.metrics)
    assert decision.promote, decision.reasons
    assert decision.reasons[0].startswith("beats the baseline")
    assert grade(evaluation.metrics, decision).name == "Good"


def test_a_constant_model_is_stopped(trained: Trained) -> None:
    decision = decision_on(trained, np.full(len(trained.test), trained.train.outcome.mean()))
    assert not decision.promote
    assert decision.reasons[0].startswith("constant scores: everyone has 0.2189")


def test_the_probability_of_the_predicted_class_is_stopped(trained: Trained, predicted: Floats) -> None:
    decision = decision_on(trained, np.maximum(predicted, 1 - predicted))
    assert not decision.promote
    assert "probability of the predicted class" in decision.reasons[0]


def test_the_predicted_class_itself_is_stopped(trained: Trained, predicted: Floats) -> None:
    decision = decision_on(trained, (predicted > 0.5).astype(float))
    assert not decision.promote
    assert any("overconfident" in reason for reason in decision.reasons)


def test_a_swapped_label_is_stopped(trained: Trained) -> None:
    candidate = fit_candidate(
        PROBLEM,
        replace(trained.train, outcome=1 - trained.train.outcome),
        calibration=replace(trained.calibration, outcome=1 - trained.calibration.outcome),
    )
    decision = decision_on(trained, candidate.probability(trained.test.features))
    assert not decision.promote
    assert any("label is probably swapped" in reason for reason in decision.reasons)


def test_cubed_probabilities_are_stopped_by_their_slope(trained: Trained, predicted: Floats) -> None:
    decision = decision_on(trained, predicted**3)
    assert not decision.promote
    assert any("calibration slope" in reason and "overconfident" in reason for reason in decision.reasons)


def test_a_period_effect_of_the_whole_cohort_is_no_defect(trained: Trained, predicted: Floats) -> None:
    assert decision_on(trained, with_shift(predicted, -0.6)).promote


def test_a_mean_far_beyond_any_season_is_a_defect(trained: Trained, predicted: Floats) -> None:
    decision = decision_on(trained, with_shift(predicted, 2.0))
    assert not decision.promote
    assert "mean score 0.5" in decision.reasons[0]
    assert "is far from the rate 0.2" in decision.reasons[0]


def test_the_probability_of_the_other_class_is_stopped_where_most_have_the_outcome(
    trained: Trained, predicted: Floats
) -> None:
    # Most have the outcome: min(p, 1 - p) is never more than a half.
    sample = replace(trained.sample(np.minimum(predicted, 1 - predicted)), outcome=1 - trained.test.outcome)
    found = evaluate(sample, KEY, replicates=20, rng=np.random.default_rng(0))
    decision = decided(found.metrics)
    assert "the class that was not predicted" in decision.defects[0]


def test_the_champion_stays_when_the_candidate_is_no_better(trained: Trained, predicted: Floats) -> None:
    rng = np.random.default_rng(2)
    noisier = with_shift(predicted, rng.normal(0, 0.02, predicted.size))
    decision = decision_on(trained, noisier, champion=predicted)
    assert not decision.promote
    assert [reason.split(":")[0] for reason in decision.reasons] == ["does not beat the champion"]
    assert decision.outcome(has_champion=True) == "refuse"
    # No defect and better than the baseline: usable, only not needed.
    assert grade(trained.evaluated(noisier, predicted).metrics, decision).name == "Good"


def test_a_worse_champion_is_replaced(trained: Trained, predicted: Floats) -> None:
    rng = np.random.default_rng(2)
    decision = decision_on(
        trained, predicted, champion=with_shift(predicted, rng.normal(0, 1.0, predicted.size))
    )
    assert decision.promote
    assert decision.reasons[1].startswith("beats the champion")


def test_the_baseline_does_not_beat_itself(trained: Trained) -> None:
    evaluation = trained.evaluated(trained.baseline.probability(trained.test.features))
    decision = decided(evaluation.metrics)
    assert not decision.promote
    assert any("does not beat the baseline" in reason for reason in decision.reasons)
    assert grade(evaluation.metrics, decision) == DO_NOT_USE


@pytest.mark.parametrize("highest", [0.001, 0.0, np.nan])
def test_better_on_average_but_not_surely_is_not_better(evaluation: RecordedMetrics, highest: float) -> None:
    metrics = evaluation.metrics.copy()
    decisive = (metrics["metric"] == "recalibrated_log_loss_difference") & (metrics["slice_name"] == "all")
    metrics.loc[decisive, ["value", "ci_lo", "ci_hi"]] = [-0.002, -0.005, highest]
    decision = decided(metrics)
    assert not decision.promote
    assert decision.reasons[0].startswith(
        "does not beat the baseline: log loss after recalibration differs by -0.0020"
    )
    assert grade(metrics, decision) == DO_NOT_USE


def test_newest_rows_without_a_positive_prove_nothing(trained: Trained, predicted: Floats) -> None:
    sample = replace(trained.sample(predicted), outcome=np.zeros(predicted.size))
    metrics = evaluate(sample, KEY, replicates=20, rng=np.random.default_rng(0)).metrics
    decision = decided(metrics)
    assert not decision.promote
    assert any("calibration cannot be evaluated" in reason for reason in decision.reasons)


def test_rows_read_back_in_any_order_give_the_same_decision(evaluation: RecordedMetrics) -> None:
    shuffled = evaluation.metrics.sample(frac=1, random_state=0)
    assert decided(shuffled) == decided(evaluation.metrics)


def test_a_metric_that_was_not_recorded_is_an_error(evaluation: RecordedMetrics) -> None:
    metrics = evaluation.metrics.loc[evaluation.metrics["metric"] != "auc"]
    with pytest.raises(KeyError, match="'auc' was not recorded"):
        decided(metrics)


def test_better_grades_need_more() -> None:
    assert [each.name for each in GRADES] == ["Excellent", "Good", "Fair", "Poor"]
    for better, worse in pairwise(GRADES):
        assert better.auc > worse.auc
        assert better.skill > worse.skill


@pytest.mark.parametrize(
    ("weeks", "lowest", "is_outdated"),
    [(7, -0.01, False), (8, -0.01, True), (8, 0.001, True), (8, 0.003, False), (8, float("nan"), False)],
)
def test_a_champion_of_eight_weeks_need_not_be_surely_beaten(
    weeks: int, lowest: float, *, is_outdated: bool
) -> None:
    since = date(2025, 1, 6)
    difference = Interval(value=lowest + 0.002, lo=lowest, hi=lowest + 0.004)
    reason = outdated(difference, since=since, as_of=since + timedelta(weeks=weeks))
    assert bool(reason) == is_outdated
