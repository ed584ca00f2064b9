"""The gate says yes to a sound candidate, and no, with a reason, to every planted fault."""

from dataclasses import replace
from datetime import date, datetime
from itertools import pairwise

import numpy as np
import pytest

from assets.lifecycle.gate import Decision, PromotionAttempt, decide, refused, retrain_row
from assets.lifecycle.report.grade import DO_NOT_USE, GRADES, grade
from assets.metrics.arrays import Floats
from assets.metrics.classification import with_shift
from assets.supervised.evaluation.evaluation import Evaluation, evaluate
from assets.supervised.fitting.train import fit_candidate
from tests.unit.lifecycle.conftest import SUBJECT, Trial
from tests.unit.lifecycle.world import PROBLEM


def decision_on(trial: Trial, candidate: Floats, champion: Floats | None = None) -> Decision:
    return decide(trial.evaluation(candidate, champion).metrics, criteria=PROBLEM.criteria)


def test_a_sound_candidate_is_promoted_and_graded(evaluation: Evaluation) -> None:
    decision = decide(evaluation.metrics, criteria=PROBLEM.criteria)
    assert decision.promote, decision.reasons
    assert decision.reasons[0].startswith("beats the naive rival")
    assert grade(evaluation.metrics, decision).name == "Good"


def test_a_leaking_feature_is_stopped_also_when_only_the_test_shows_it(trial: Trial) -> None:
    rng = np.random.default_rng(1)
    leaked = np.clip(0.9 * trial.test.outcome + 0.1 * rng.random(len(trial.test)), 0.01, 0.99)
    decision = decision_on(trial, leaked)
    assert not decision.promote
    assert any("leaks the outcome" in reason for reason in decision.reasons)


def test_a_constant_model_is_stopped(trial: Trial) -> None:
    decision = decision_on(trial, np.full(len(trial.test), trial.train.outcome.mean()))
    assert not decision.promote
    assert decision.reasons[0].startswith("constant scores: everyone has 0.2189")


def test_the_probability_of_the_predicted_class_is_stopped(trial: Trial, said: Floats) -> None:
    decision = decision_on(trial, np.maximum(said, 1 - said))
    assert not decision.promote
    assert "probability of the predicted class" in decision.reasons[0]


def test_the_predicted_class_itself_is_stopped(trial: Trial, said: Floats) -> None:
    decision = decision_on(trial, (said > 0.5).astype(float))
    assert not decision.promote
    assert any("overconfident" in reason for reason in decision.reasons)


def test_a_swapped_label_is_stopped(trial: Trial) -> None:
    candidate = fit_candidate(
        PROBLEM,
        replace(trial.train, outcome=1 - trial.train.outcome),
        calibration=replace(trial.calibration, outcome=1 - trial.calibration.outcome),
    )
    decision = decision_on(trial, candidate.probability(trial.test.features))
    assert not decision.promote
    assert any("label is probably swapped" in reason for reason in decision.reasons)


def test_squared_probabilities_are_stopped_by_their_slope(trial: Trial, said: Floats) -> None:
    decision = decision_on(trial, said**2)
    assert not decision.promote
    assert any("calibration slope" in reason and "overconfident" in reason for reason in decision.reasons)


def test_a_period_effect_that_everybody_shares_is_no_fault(trial: Trial, said: Floats) -> None:
    assert decision_on(trial, with_shift(said, -0.6)).promote


def test_a_level_beyond_any_season_is_a_fault(trial: Trial, said: Floats) -> None:
    decision = decision_on(trial, with_shift(said, 2.0))
    assert not decision.promote
    assert "mean score 0.5" in decision.reasons[0]
    assert "is far from the rate 0.2" in decision.reasons[0]


def test_one_slice_that_is_off_stops_the_candidate_by_name(trial: Trial, said: Floats) -> None:
    abroad = (trial.test.features["country"] == "France").to_numpy()
    decision = decision_on(trial, with_shift(said, np.where(abroad, 1.2, 0.0)))
    assert not decision.promote
    assert any(reason.startswith("country = other is off by -1.") for reason in decision.reasons)


@pytest.mark.parametrize(("rarer", "is_judged"), [(100, True), (99, False)])
@pytest.mark.parametrize("is_frequent", [False, True])
def test_a_slice_is_judged_by_its_rarer_outcome_whichever_that_is(
    evaluation: Evaluation, rarer: int, is_judged: bool, is_frequent: bool
) -> None:
    metrics = evaluation.metrics.copy()
    abroad = metrics["slice_value"] == "other"
    metrics.loc[abroad, "n"] = 2_000
    metrics.loc[abroad, "n_positive"] = 2_000 - rarer if is_frequent else rarer
    metrics.loc[abroad & (metrics["metric"] == "relative_shift"), ["value", "ci_lo", "ci_hi"]] = [
        1.0,
        0.9,
        1.1,
    ]
    assert (
        any("country = other" in fault for fault in decide(metrics, criteria=PROBLEM.criteria).faults)
        is is_judged
    )


def test_the_probability_of_the_other_class_is_stopped_where_most_have_the_outcome(
    trial: Trial, said: Floats
) -> None:
    # Of most it is true that they do not buy: min(p, 1 - p) never says more than a half of them.
    judged = replace(trial.judged(np.minimum(said, 1 - said)), outcome=1 - trial.test.outcome)
    found = evaluate(judged, SUBJECT, replicates=20, rng=np.random.default_rng(0))
    decision = decide(found.metrics, criteria=PROBLEM.criteria)
    assert "the class that was not predicted" in decision.faults[0]


def test_the_champion_stays_when_the_candidate_is_no_better(trial: Trial, said: Floats) -> None:
    rng = np.random.default_rng(2)
    noisier = with_shift(said, rng.normal(0, 0.02, said.size))
    decision = decision_on(trial, noisier, champion=said)
    assert not decision.promote
    assert [reason.split(":")[0] for reason in decision.reasons] == ["does not beat the champion"]
    assert decision.outcome(has_champion=True) == "refuse"
    # No fault and better than recency: usable, only not needed.
    assert grade(trial.evaluation(noisier, said).metrics, decision).name == "Good"


def test_a_worse_champion_is_replaced(trial: Trial, said: Floats) -> None:
    rng = np.random.default_rng(2)
    decision = decision_on(trial, said, champion=with_shift(said, rng.normal(0, 1.0, said.size)))
    assert decision.promote
    assert decision.reasons[1].startswith("beats the champion")


def test_the_naive_rival_does_not_beat_itself(trial: Trial) -> None:
    evaluation = trial.evaluation(trial.naive.probability(trial.test.features))
    decision = decide(evaluation.metrics, criteria=PROBLEM.criteria)
    assert not decision.promote
    assert any("does not beat the naive rival" in reason for reason in decision.reasons)
    assert grade(evaluation.metrics, decision) == DO_NOT_USE


@pytest.mark.parametrize("highest", [0.001, 0.0, np.nan])
def test_better_on_average_but_not_surely_is_not_better(evaluation: Evaluation, highest: float) -> None:
    metrics = evaluation.metrics.copy()
    decisive = (metrics["metric"] == "levelled_log_loss_difference") & (metrics["slice_name"] == "all")
    metrics.loc[decisive, ["value", "ci_lo", "ci_hi"]] = [-0.002, -0.005, highest]
    decision = decide(metrics, criteria=PROBLEM.criteria)
    assert not decision.promote
    assert decision.reasons[0].startswith("does not beat the naive rival: log loss differs by -0.0020")
    assert grade(metrics, decision) == DO_NOT_USE


def test_newest_rows_without_buyers_prove_nothing(trial: Trial, said: Floats) -> None:
    judged = replace(trial.judged(said), outcome=np.zeros(said.size))
    metrics = evaluate(judged, SUBJECT, replicates=20, rng=np.random.default_rng(0)).metrics
    decision = decide(metrics, criteria=PROBLEM.criteria)
    assert not decision.promote
    assert any("calibration cannot be judged" in reason for reason in decision.reasons)


def test_rows_read_back_in_any_order_give_the_same_decision(evaluation: Evaluation) -> None:
    shuffled = evaluation.metrics.sample(frac=1, random_state=0)
    assert decide(shuffled, criteria=PROBLEM.criteria) == decide(
        evaluation.metrics, criteria=PROBLEM.criteria
    )


def test_a_metric_that_was_not_recorded_is_an_error(evaluation: Evaluation) -> None:
    metrics = evaluation.metrics.loc[evaluation.metrics["metric"] != "auc"]
    with pytest.raises(KeyError, match="'auc' was not recorded"):
        decide(metrics, criteria=PROBLEM.criteria)


def test_better_grades_ask_for_more() -> None:
    assert [each.name for each in GRADES] == ["Excellent", "Good", "Fair", "Poor"]
    for better, worse in pairwise(GRADES):
        assert better.auc > worse.auc
        assert better.skill > worse.skill


def attempt(champion: str | None) -> PromotionAttempt:
    return PromotionAttempt(
        model_name="purchase_propensity",
        as_of_date=date(2026, 1, 5),
        windows_violated=None,
        decided_at=datetime(2026, 1, 5),  # noqa: DTZ001 - tables hold naive UTC
        run_id="run-1",
        trigger="manual",
        champion=champion,
        challenger="v2",
    )


def test_a_refusal_to_fit_is_a_decision_with_its_words() -> None:
    row = retrain_row(attempt(None), refused("3 matured as-of days")).iloc[0]
    assert (row["decision"], row["reasons"]) == ("fallback", "3 matured as-of days")
    assert np.isnan(row["difference"])


def test_the_retrain_log_states_the_difference_that_decided(evaluation: Evaluation) -> None:
    decision = decide(evaluation.metrics, criteria=PROBLEM.criteria)
    row = retrain_row(attempt("v1"), decision).iloc[0]
    assert decision.against_naive is not None
    assert (row["decision"], row["metric"]) == ("promote", "levelled_log_loss_difference")
    assert row["ci_hi"] == decision.against_naive.hi
