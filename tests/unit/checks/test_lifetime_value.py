"""Each check of lifetime value is green on what is sound and red on what is not."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from assets.lifecycle.run_context import score_types
from assets.lifecycle.store.schemas import REALISED_TYPES, typed
from assets.lifetime_value.capability import LIFETIME_VALUE
from assets.lifetime_value.performance import ABOVE_BEST, PROMISED_BEST
from assets.lifetime_value.spec import HORIZON, PROBLEM, AmountCriteria
from assets.metrics.bootstrap import Interval
from checks.capabilities.lifetime_value import (
    amounts_lie_in_their_intervals,
    backtest_totals_are_within_tolerance,
    cohort_has_every_horizon,
    interval_coverage_is_nominal,
    invariants,
    realised_totals_are_within_tolerance,
    value_is_monotone_in_horizon,
    value_scores_contract,
)
from checks.data.completeness import rows_match_contract

HORIZONS = PROBLEM.horizons_days
A_TENTH = Interval(value=0.1, lo=0.09, hi=0.11)
TYPES = score_types(PROBLEM.spec)


@pytest.fixture
def scored() -> pd.DataFrame:
    """Two customers, three horizons."""
    rows = [
        {
            **dict.fromkeys(TYPES),
            "customer_id": customer,
            "as_of_date": date(2024, 5, 6),
            "scored_at": pd.Timestamp("2024-05-06 05:00"),
            "model_version": "v1",
            "target": PROBLEM.target,
            "horizon_days": days,
            "is_eligible": True,
            "status": "ok",
            "quality_grade": "Good",
            "historic_orders": 2,
            "predicted_value": float(days),
            "total_value": float(days),
            "predicted_value_lo": 0.0,
            "predicted_value_hi": 2.0 * days,
            "predicted_orders": days / 30,
            "prob_alive": 0.9,
            "prob_churn": 0.1,
            "value_basis": PROBLEM.value_basis,
            "is_high_value": True,
            "baseline_value": 1.0,
        }
        for customer in ("ann", "bob")
        for days in HORIZONS
    ]
    return typed(rows, TYPES)


def test_sound_rows_match_contract_and_their_intervals(scored: pd.DataFrame) -> None:
    assert rows_match_contract(scored, value_scores_contract(PROBLEM)).passed
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
    assert not rows_match_contract(scored, value_scores_contract(PROBLEM)).passed


def test_a_customer_twice_at_one_horizon_breaks_the_contract(scored: pd.DataFrame) -> None:
    twice = pd.concat([scored, scored.head(1)], ignore_index=True)
    assert not rows_match_contract(twice, value_scores_contract(PROBLEM)).passed


@pytest.mark.parametrize(
    ("column", "value", "message"),
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
def test_an_amount_that_cannot_be_is_red(
    scored: pd.DataFrame, column: str, value: float, message: str
) -> None:
    scored.loc[0, column] = value
    verdict = amounts_lie_in_their_intervals(scored)
    assert not verdict.passed
    assert message in verdict.reason


def test_a_fallback_needs_intervals_and_no_orders(scored: pd.DataFrame) -> None:
    fallback = scored.assign(status="fallback_model", predicted_orders=np.nan)
    assert amounts_lie_in_their_intervals(fallback).passed
    assert not amounts_lie_in_their_intervals(fallback.assign(predicted_value_hi=np.nan)).passed


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


def group(predicted: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "slice_name": ["total", "all"],
            "slice_value": ["all", "all"],
            "bin": [1, 10],
            "n": [1_000, 1_000],
            "mean_predicted": [predicted, predicted],
            "mean_observed": [10.0, 10.0],
            "ci_lo": [9.0, 9.0],
            "ci_hi": [11.0, 11.0],
        }
    )


def test_totals_out_of_tolerance_are_red_and_a_fallback_is_not_tested() -> None:
    # Observed 9,000 to 11,000; beyond, e^0.1 is tolerated of the whole: up to 12,157.
    agreed = backtest_totals_are_within_tolerance(group(12.1), criteria=AmountCriteria())
    assert agreed.passed
    assert agreed.reason.startswith("1.21 of the observed total was predicted")
    assert not backtest_totals_are_within_tolerance(group(12.2), criteria=AmountCriteria()).passed
    assert backtest_totals_are_within_tolerance(group(10.0).head(0), criteria=AmountCriteria()).passed


def test_a_withheld_horizon_has_no_prediction_and_needs_none(scored: pd.DataFrame) -> None:
    withheld = scored["horizon_days"] == 30
    missing = ["predicted_value", "predicted_value_lo", "predicted_value_hi", "total_value", "is_high_value"]
    rows = scored.copy()
    rows.loc[withheld, "status"] = "withheld_by_gate"
    assert not rows_match_contract(rows, value_scores_contract(PROBLEM)).passed
    rows.loc[withheld, missing] = pd.NA
    assert rows_match_contract(rows, value_scores_contract(PROBLEM)).passed
    assert amounts_lie_in_their_intervals(rows).passed


def coverage_rows(held: Interval, above: Interval = A_TENTH, *, horizon: int = 30) -> pd.DataFrame:
    """Recorded coverage of two horizons, the other one as it should be; a tenth is promised above."""
    sound = Interval(value=0.8, lo=0.79, hi=0.81), A_TENTH
    promised = Interval(value=0.1, lo=0.1, hi=0.1)
    rows = [
        (HORIZON, str(days), name, each.value, each.lo, each.hi, 1_000, 500)
        for days, both in ((horizon, (held, above)), (365, sound))
        for name, each in zip(("coverage", ABOVE_BEST, PROMISED_BEST), (*both, promised), strict=True)
    ]
    names = ["slice_name", "slice_value", "metric", "value", "ci_lo", "ci_hi", "n", "n_positive"]
    return pd.DataFrame(rows, columns=names)


def test_intervals_that_hold_too_rarely_in_one_horizon_are_red() -> None:
    rarely, nearly = Interval(value=0.7, lo=0.68, hi=0.72), Interval(value=0.74, lo=0.72, hi=0.76)
    verdict = interval_coverage_is_nominal(coverage_rows(rarely), nominal=0.8)
    assert not verdict.passed
    assert verdict.reason.startswith(
        "30 days: 70.0% of 1,000 amounts in their intervals, 10.0% [9.0%, 11.0%] of the best fifth above, "
        "10.0% promised, OFF; 365 days: 80.0%"
    )
    assert interval_coverage_is_nominal(coverage_rows(nearly), nominal=0.8).passed
    assert interval_coverage_is_nominal(coverage_rows(nearly).head(0), nominal=0.8).passed


@pytest.mark.parametrize(("above", "passed"), [(0.15, False), (0.14, True), (0.06, True), (0.05, False)])
def test_the_best_fifth_above_their_intervals_more_or_less_often_than_promised_is_red(
    above: float, passed: bool
) -> None:
    # 0.1 is promised, 0.03 tolerated, 0.015 is chance: 0.055 to 0.145.
    found = coverage_rows(
        Interval(value=0.8, lo=0.79, hi=0.81), Interval(value=above, lo=above - 0.015, hi=above + 0.015)
    )
    assert interval_coverage_is_nominal(found, nominal=0.8).passed is passed


def test_published_totals_that_do_not_agree_with_observed_spend_are_red() -> None:
    known = {
        **dict.fromkeys(REALISED_TYPES),
        "n": 500,
        "n_days": 1,
        "figures": '{"predicted_total": 100.0, "observed_total": 300.0}',
    }
    agreed, missed = (
        typed([each], REALISED_TYPES).iloc[0] for each in (known, known | {"defects": "tenth 10 …"})
    )
    assert realised_totals_are_within_tolerance(agreed).passed
    verdict = realised_totals_are_within_tolerance(missed)
    assert (verdict.passed, verdict.value, verdict.threshold) == (False, 100.0, 300.0)
    assert "tenth 10" in verdict.reason
    nothing = typed([known | {"n": 0}], REALISED_TYPES).iloc[0]
    assert "not evaluated yet" in realised_totals_are_within_tolerance(nothing).reason


def test_every_check_has_a_name_a_description_and_a_next_step() -> None:
    found = invariants(LIFETIME_VALUE)
    assert len({(each.table, each.name) for each in found}) == len(found) == 8
    assert all(each.description.endswith(".") and each.next_step.endswith(".") for each in found)
    blocking = {each.name for each in found if each.is_blocking}
    assert "backtest_totals_are_within_tolerance" in blocking
    assert not blocking & {"realised_totals_are_within_tolerance", "interval_coverage_is_nominal"}
