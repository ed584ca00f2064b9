"""The card repeats recorded facts and nothing else."""

from assets.lifecycle.gate import decide, refused
from assets.lifecycle.report.grade import FALLBACK, grade
from assets.lifecycle.report.model_card import card
from assets.lifecycle.store.artifacts import VersionStatus, registry_row
from assets.lifecycle.store.metric_lookup import overall
from assets.supervised.evaluation.evaluation import Evaluation
from tests.unit.lifecycle.conftest import Trial
from tests.unit.lifecycle.test_register import trained
from tests.unit.lifecycle.world import PROBLEM


def test_a_card_states_question_grade_windows_and_intervals(trial: Trial, evaluation: Evaluation) -> None:
    decision = decide(evaluation.metrics, criteria=PROBLEM.criteria)
    given = grade(evaluation.metrics, decision)
    standing = VersionStatus(model_version="v2", stage="champion", quality_grade=given.name)
    registry = registry_row(PROBLEM, trained(trial.split), standing=standing)
    text = card(PROBLEM, registry, evaluation=evaluation, decision=decision, grade=given)
    assert text.startswith("# purchase_propensity, version v2\n\n**Who buys next month?**")
    assert f"Grade **{given.name}**: {given.meaning}" in text
    assert f"| test | {trial.split.test.first} | {trial.split.test.last} |" in text
    assert str(overall(evaluation.metrics, "auc")) in text
    assert decision.reasons[0] in text
    assert "| country = other |" in text


def test_the_card_of_a_refusal_says_why_and_shows_no_numbers() -> None:
    standing = VersionStatus(model_version="f", stage="champion", quality_grade=FALLBACK.name)
    registry = registry_row(PROBLEM, trained(), standing=standing)
    decision = refused("3 matured as-of days, 11 needed")
    text = card(PROBLEM, registry, evaluation=None, decision=decision, grade=FALLBACK)
    assert "Not promoted:\n\n* 3 matured as-of days, 11 needed" in text
    assert "| train | \u2013 | \u2013 |" in text
    assert "AUC" not in text
