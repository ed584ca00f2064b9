"""The promotion gate decides from recorded differences alone, and every decision is logged."""

import numpy as np
import pandas as pd
import pytest

from assets.lifecycle.gate import (
    Comparison,
    decide,
    decision_columns,
    refused,
)
from assets.lifecycle.report.grade import DO_NOT_USE, GRADES
from assets.lifecycle.store.schemas import METRIC_TYPES, typed
from assets.lifecycle.training import unless_useless
from tests.unit.lifecycle.toy import COMPARED

HIGHER = Comparison(metric="auc", label="AUC", higher_is_better=True)
WITHOUT_BASELINE = Comparison(metric="silhouette", label="silhouette", has_baseline=False)
WITH_MARGIN = Comparison(metric="error", label="mean absolute error", margin=0.1)


def metrics(**differences: tuple[float, float, float]) -> pd.DataFrame:
    """Recorded differences by metric, each as value, lower and upper end of its interval."""
    known = dict.fromkeys(METRIC_TYPES) | {"slice_name": "all", "slice_value": "all", "n": 9, "n_positive": 3}
    rows = [
        {**known, "metric": name, "value": value, "ci_lo": lo, "ci_hi": hi}
        for name, (value, lo, hi) in differences.items()
    ]
    return typed(rows, METRIC_TYPES)


def test_a_candidate_that_surely_beats_the_baseline_is_promoted() -> None:
    decision = decide(metrics(error_difference=(-2, -3, -1)), COMPARED)
    assert decision.promote
    assert decision.reasons == (
        "beats the baseline: mean absolute error differs by -2.0000 [-3.0000, -1.0000]",
    )
    assert decision.outcome(has_champion=True) == "promote"


@pytest.mark.parametrize("highest", [0.001, 0.0, np.nan])
def test_an_interval_that_reaches_zero_is_no_improvement(highest: float) -> None:
    decision = decide(metrics(error_difference=(-2, -3, highest)), COMPARED)
    assert not decision.promote
    assert decision.reasons[0].startswith("does not beat the baseline")
    assert decision.outcome(has_champion=False) == "fallback"


@pytest.mark.parametrize(("lowest", "promotes"), [(0.01, True), (-0.01, False)])
def test_the_comparison_states_which_sign_is_better(lowest: float, promotes: bool) -> None:
    decision = decide(metrics(auc_difference=(0.1, lowest, 0.2)), HIGHER)
    assert decision.promote is promotes
    if not promotes:
        assert decision.reasons[0].endswith("the whole interval must lie above 0")


@pytest.mark.parametrize(("highest", "promotes"), [(-0.11, True), (-0.1, False)])
def test_the_champion_must_be_beaten_by_the_margin_and_the_baseline_need_not(
    highest: float, promotes: bool
) -> None:
    recorded = metrics(error_difference=(-1, -2, -0.01), champion_error_difference=(-1, -2, highest))
    assert decide(recorded, WITH_MARGIN).promote is promotes


def test_a_champion_that_cannot_serve_need_not_be_beaten() -> None:
    recorded = metrics(error_difference=(-2, -3, -1), champion_error_difference=(1, 0.5, 2))
    assert not decide(recorded, COMPARED).promote
    decision = decide(recorded, COMPARED, champion_unfit="its clusters have merged")
    assert decision.promote
    assert decision.reasons[0] == "its clusters have merged"
    assert decision.against_champion is not None


def test_a_defect_refuses_whatever_the_differences_are() -> None:
    decision = decide(metrics(error_difference=(-2, -3, -1)), COMPARED, defects=("constant scores",))
    assert not decision.promote
    assert decision.reasons == decision.defects == ("constant scores",)


def test_without_a_comparison_the_reason_is_stated() -> None:
    recorded = metrics(silhouette=(0.4, 0.3, 0.5))
    assert decide(recorded, WITHOUT_BASELINE).reasons == (
        "not compared: no difference to a baseline or champion was recorded",
    )
    notes = ("first clustering",)
    assert decide(recorded, WITHOUT_BASELINE, notes=notes).reasons == notes


@pytest.mark.parametrize(
    ("comparison", "recorded", "missing"),
    [
        (COMPARED, "eror_difference", "error_difference"),
        (COMPARED, "champion_error_difference", "error_difference"),
        (WITHOUT_BASELINE, "silhuette", "silhouette"),
    ],
)
def test_a_misspelt_metric_promotes_nothing(comparison: Comparison, recorded: str, missing: str) -> None:
    with pytest.raises(KeyError, match=f"'{missing}' was not recorded; recorded are .*{recorded}"):
        decide(metrics(**{recorded: (-2, -3, -1)}), comparison)


def test_a_difference_in_a_slice_alone_is_an_error() -> None:
    recorded = metrics(error_difference=(-2, -3, -1)).assign(slice_name="country")
    with pytest.raises(KeyError, match="'error_difference' was not recorded for all rows"):
        decide(recorded, COMPARED)


def test_a_refusal_to_fit_compares_nothing() -> None:
    decision = refused("3 matured as-of dates")
    assert (decision.outcome(has_champion=False), decision.reasons) == (
        "fallback",
        ("3 matured as-of dates",),
    )
    assert decision_columns(decision, COMPARED)["difference"] is None


def test_the_retrain_log_states_the_difference_that_decided() -> None:
    baseline, champion = {"error_difference": (-2, -3, -1)}, {"champion_error_difference": (-1, -2, -0.5)}
    alone = decide(metrics(**baseline), COMPARED)
    row = decision_columns(alone, COMPARED)
    assert (alone.outcome(has_champion=False), row["metric"], row["ci_hi"]) == (
        "promote",
        "error_difference",
        -1,
    )
    both = decide(metrics(**baseline, **champion), COMPARED)
    row = decision_columns(both, COMPARED)
    assert (both.outcome(has_champion=True), row["metric"]) == ("promote", "champion_error_difference")
    assert row["ci_hi"] == -0.5


def test_what_nobody_should_use_is_not_promoted() -> None:
    decision = decide(metrics(error_difference=(-2, -3, -1)), COMPARED)
    good = next(each for each in GRADES if each.name == "Poor")
    assert unless_useless(decision, good) is decision
    useless = unless_useless(decision, DO_NOT_USE)
    assert (useless.promote, useless.outcome(has_champion=False)) == (False, "fallback")
    assert useless.reasons[0].startswith("grade Do-not-use: ")
