"""Each check of lifetime value is green on what is sound and red on what is not."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from assets.lifecycle.store.schemas import typed
from assets.lifetime_value.problem import LIFETIME_VALUE, AmountGates
from assets.lifetime_value.tables import REALISED_TYPES, VALUE_TYPES
from assets.metrics.bootstrap import Interval
from checks.capabilities.lifetime_value import (
    amounts_lie_in_their_intervals,
    backtest_totals_are_within_tolerance,
    cohort_has_every_horizon,
    interval_coverage_is_nominal,
    realised_totals_are_within_tolerance,
    value_is_monotone_in_horizon,
    value_scores_contract,
)
from checks.data.completeness import rows_match_contract

HORIZONS = LIFETIME_VALUE.horizons_days


@pytest.fixture
def scored() -> pd.DataFrame:
    """Two customers, three horizons."""
    rows = [
        {
            **dict.fromkeys(VALUE_TYPES),
            "customer_id": customer,
            "as_of_date": date(2024, 5, 6),
            "scored_at": pd.Timestamp("2024-05-06 05:00"),
            "model_version": "v1",
            "target": LIFETIME_VALUE.target,
            "horizon_days": days,
            "is_eligible": True,
            "status": "ok",
            "quality_grade": "Good",
            "historic_orders": 2,
            "predicted_value": float(days),
            "predicted_value_lo": 0.0,
            "predicted_value_hi": 2.0 * days,
            "predicted_orders": days / 30,
            "prob_alive": 0.9,
            "prob_churn": 0.1,
            "value_basis": LIFETIME_VALUE.value_basis,
            "is_high_value": True,
            "baseline_value": 1.0,
        }
        for customer in ("ann", "bob")
        for days in HORIZONS
    ]
    return typed(rows, VALUE_TYPES)


def test_sound_rows_match_contract_and_their_intervals(scored: pd.DataFrame) -> None:
    assert rows_match_contract(scored, value_scores_contract(LIFETIME_VALUE)).passed
    assert amounts_lie_in_their_intervals(scored).passed


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("prob_alive", 1.5),
        ("horizon_days", 60),
        ("status", "fine"),
        ("value_basis", "gross"),
        ("historic_orders", 0),
    ],
)
def test_a_value_that_no_column_allows_breaks_the_contract(
    scored: pd.DataFrame, column: str, value: object
) -> None:
    scored.loc[0, column] = value
    assert not rows_match_contract(scored, value_scores_contract(LIFETIME_VALUE)).passed


def test_a_customer_twice_at_one_horizon_breaks_the_contract(scored: pd.DataFrame) -> None:
    twice = pd.concat([scored, scored.head(1)], ignore_index=True)
    assert not rows_match_contract(twice, value_scores_contract(LIFETIME_VALUE)).passed


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("predicted_value", np.inf, "not finite"),
        ("predicted_value", -1.0, "below 0"),
        ("predicted_value_lo", 31.0, "outside its interval"),
        ("predicted_value_hi", 29.0, "outside its interval"),
        ("predicted_value_hi", np.nan, "outside its interval"),
        ("predicted_orders", np.nan, "without orders"),
        ("baseline_value", np.nan, "not finite"),
    ],
)
def test_an_amount_that_cannot_be_is_red(scored: pd.DataFrame, column: str, value: float, told: str) -> None:
    scored.loc[0, column] = value
    verdict = amounts_lie_in_their_intervals(scored)
    assert not verdict.passed
    assert told in verdict.reason


def test_a_fallback_needs_no_intervals(scored: pd.DataFrame) -> None:
    unsaid = ["predicted_value_lo", "predicted_value_hi", "predicted_orders"]
    fallback = scored.assign(status="fallback_model", **dict.fromkeys(unsaid, np.nan))
    assert amounts_lie_in_their_intervals(fallback).passed


def test_a_longer_horizon_that_is_worth_less_is_red() -> None:
    assert value_is_monotone_in_horizon(np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])).passed
    verdict = value_is_monotone_in_horizon(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 1.9]]))
    assert (verdict.passed, verdict.value) == (False, 1.0)


@pytest.mark.parametrize(
    ("scored", "strangers", "horizons", "passed"),
    [(2, 0, (30, 90), True), (1, 0, (30, 90), False), (2, 1, (30, 90), False), (2, 0, (30, 90, 365), False)],
)
def test_a_missing_customer_a_stranger_and_a_missing_horizon_are_red(
    scored: int, strangers: int, horizons: tuple[int, ...], *, passed: bool
) -> None:
    counted = pd.DataFrame(
        {"horizon_days": [30, 90], "cohort": [2, 2], "scored": [2, scored], "strangers": [0, strangers]}
    )
    assert cohort_has_every_horizon(counted, horizons=horizons).passed is passed


def group(said: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "slice_name": ["all"],
            "slice_value": ["all"],
            "bin": [10],
            "n": [1_000],
            "mean_predicted": [said],
            "actual_rate": [10.0],
            "ci_lo": [9.0],
            "ci_hi": [11.0],
        }
    )


def test_totals_that_disagree_are_red_and_a_fallback_is_not_judged() -> None:
    # Realised 9,000 to 11,000; a fifth of the prediction is tolerated beyond: up to 11,000 / 0.8 = 13,750.
    assert backtest_totals_are_within_tolerance(group(13.7), criteria=AmountGates()).passed
    assert not backtest_totals_are_within_tolerance(group(13.8), criteria=AmountGates()).passed
    assert backtest_totals_are_within_tolerance(group(10.0).head(0), criteria=AmountGates()).passed


def test_intervals_that_hold_too_rarely_are_red() -> None:
    rarely, nearly = Interval(value=0.7, lo=0.68, hi=0.72), Interval(value=0.74, lo=0.72, hi=0.76)
    assert not interval_coverage_is_nominal(rarely, level=0.8, n=1_000).passed
    assert interval_coverage_is_nominal(nearly, level=0.8, n=1_000).passed
    assert interval_coverage_is_nominal(None, level=0.8, n=0).passed


def test_published_totals_that_did_not_come_true_are_red() -> None:
    known = {
        **dict.fromkeys(REALISED_TYPES),
        "scored_on": date(2024, 2, 5),
        "n": 500,
        "predicted_total": 100.0,
        "realised_total": 300.0,
    }
    came, missed = typed([known, known | {"faults": "tenth 10 …"}], REALISED_TYPES).iloc
    assert realised_totals_are_within_tolerance(came).passed
    assert not realised_totals_are_within_tolerance(missed).passed
    nothing = typed([known | {"n": 0}], REALISED_TYPES).iloc[0]
    assert "not judged yet" in realised_totals_are_within_tolerance(nothing).reason
