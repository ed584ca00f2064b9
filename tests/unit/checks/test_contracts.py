"""Contracts pass correct rows and stop each kind of wrong one."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from assets.lifecycle.run_context import score_types
from assets.lifecycle.store.schemas import CONSENT_COLUMNS, typed
from assets.supervised.capability import SupervisedCapability
from assets.supervised.fitting.train import fit_baseline
from assets.supervised.scoring.score_rows import PriorShift, add_ranks, build_score_rows
from checks.data.completeness import rows_match_contract
from checks.models.contracts import probability_contract, scores_contract, training_contract
from checks.verdict import Verdict
from tests.unit.supervised.world import PROBLEM, matrix, shop

CAPABILITY = SupervisedCapability(PROBLEM)
TYPES = score_types(CAPABILITY.spec)


@pytest.fixture(scope="module")
def training_rows() -> pd.DataFrame:
    known = matrix(shop(customers=60, weeks=3))
    return known.features.assign(outcome=known.outcome)


@pytest.fixture(scope="module")
def scored() -> pd.DataFrame:
    return score_rows(shop(customers=60, weeks=1))


def score_rows(features: pd.DataFrame) -> pd.DataFrame:
    """Score rows of ``features`` as the lifecycle writes them."""
    fitted = fit_baseline(PROBLEM, matrix(features))
    shift = PriorShift(shift=0.1, sd=0.2)
    rows = add_ranks(PROBLEM, build_score_rows(PROBLEM, fitted, features=features, shift=shift))
    added = {
        "id_type": "customer_id",
        "scored_at": pd.Timestamp("2025-03-03 04:00"),
        "run_id": "run",
        "model_name": PROBLEM.name,
        "model_version": "2025-03-03-abc",
        "status": "ok",
        "quality_grade": "Good",
        **dict.fromkeys(CONSENT_COLUMNS),
    }
    return typed(rows.assign(**added), TYPES)


def trained(rows: pd.DataFrame) -> Verdict:
    return rows_match_contract(rows, training_contract(PROBLEM))


def published(rows: pd.DataFrame) -> Verdict:
    return rows_match_contract(rows, probability_contract(CAPABILITY.spec, PROBLEM))


def with_first(rows: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    """``rows`` with another value in the first row of ``column``."""
    changed = rows.copy()
    changed.loc[0, column] = value
    return changed


def test_correct_training_rows_match_the_contract(training_rows: pd.DataFrame) -> None:
    verdict = trained(training_rows)
    assert verdict.passed, verdict.reason
    # 4 numbers, 1 category and the outcome.
    assert verdict.reason == "180 rows keep all 6 column rules"


def test_an_outcome_that_is_not_known_yet_is_allowed(training_rows: pd.DataFrame) -> None:
    assert trained(with_first(training_rows, "outcome", np.nan)).passed


@pytest.mark.parametrize(
    ("column", "value"),
    [("outcome", 0.5), ("days_since_order", -1.0), ("orders_365d", -3.0), ("noise", np.inf)],
)
def test_an_impossible_training_value_is_stopped(
    training_rows: pd.DataFrame, column: str, value: float
) -> None:
    verdict = trained(with_first(training_rows, column, value))
    assert not verdict.passed
    assert column in verdict.reason
    assert "(1 rows)" in verdict.reason


def test_a_share_above_one_is_stopped_by_its_name_alone(training_rows: pd.DataFrame) -> None:
    problem = replace(PROBLEM, numeric=(*PROBLEM.numeric, "return_rate_365d"))
    shares = training_rows.assign(return_rate_365d=0.5)
    contract = training_contract(problem)
    assert rows_match_contract(shares, contract).passed
    assert not rows_match_contract(with_first(shares, "return_rate_365d", 50.0), contract).passed


def test_an_undeclared_column_is_stopped(training_rows: pd.DataFrame) -> None:
    assert not trained(training_rows.assign(outcome_amount=1.0)).passed


def test_correct_scores_match_the_contract(scored: pd.DataFrame) -> None:
    verdict = published(scored)
    assert verdict.passed, verdict.reason
    assert verdict.reason == f"60 rows keep all {len(TYPES)} column rules"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("probability", 1.2),
        ("probability", np.nan),
        ("probability_raw", -0.1),
        ("score", 101),
        ("percentile", 0),
        ("decile", 11),
        ("status", "fine"),
        ("quality_grade", "Superb"),
        ("tier", "huge"),
        ("target", "churn"),
        ("horizon_days", 90),
        ("lift", -0.5),
        ("customer_id", None),
    ],
)
def test_an_impossible_score_value_is_stopped(scored: pd.DataFrame, column: str, value: object) -> None:
    verdict = published(with_first(scored, column, value))
    assert not verdict.passed
    assert column in verdict.reason


def test_a_probability_outside_its_own_interval_is_stopped(scored: pd.DataFrame) -> None:
    # Still a number from 0 to 1, and still wrong: the upper end lies below the probability.
    first = float(scored["probability"].iloc[0])
    verdict = published(with_first(scored, "prob_hi", first / 2))
    assert not verdict.passed
    assert "prob_lo_probability_prob_hi_in_order" in verdict.reason


def test_a_customer_scored_twice_on_one_day_is_stopped(scored: pd.DataFrame) -> None:
    assert not published(pd.concat([scored, scored.head(1)], ignore_index=True)).passed


def test_the_same_customer_on_two_dates_is_allowed(scored: pd.DataFrame) -> None:
    later = scored.head(1).assign(as_of_date=pd.Series([date(2025, 3, 10)], dtype=TYPES["as_of_date"]))
    assert published(pd.concat([scored, later], ignore_index=True)).passed


def test_a_missing_published_column_is_stopped(scored: pd.DataFrame) -> None:
    assert not published(scored.drop(columns="tier_rule")).passed


@pytest.fixture(scope="module")
def partly_eligible() -> pd.DataFrame:
    """Sixty customers; the first is ineligible."""
    rows = shop(customers=60, weeks=1)
    reasons = np.where(np.arange(60) == 0, "already_churned", None)
    return score_rows(rows.assign(ineligible_reason=reasons))


def test_an_ineligible_row_without_a_probability_matches_the_contract(partly_eligible: pd.DataFrame) -> None:
    verdict = published(partly_eligible)
    assert verdict.passed, verdict.reason


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"probability": 0.5}, "no_predictions_if_ineligible"),
        ({"tier": "low"}, "no_predictions_if_ineligible"),
        ({"reason_2_code": "orders_365d"}, "no_predictions_if_ineligible"),
        ({"ineligible_reason": None}, "a_reason_if_and_only_if_ineligible"),
        (
            {"is_eligible": True, "ineligible_reason": None},
            "predictions_if_eligible",
        ),
    ],
)
def test_an_ineligible_row_has_a_reason_and_no_prediction(
    partly_eligible: pd.DataFrame, changed: dict[str, object], rule: str
) -> None:
    rows = partly_eligible
    for column, value in changed.items():
        rows = with_first(rows, column, value)
    verdict = published(rows)
    assert not verdict.passed
    assert rule in verdict.reason


def test_an_eligible_row_without_its_decile_is_stopped(partly_eligible: pd.DataFrame) -> None:
    rows = partly_eligible.copy()
    rows.loc[1, "decile"] = pd.NA
    verdict = published(rows)
    assert not verdict.passed
    assert "predictions_if_eligible" in verdict.reason


def test_the_contract_of_any_capability_holds_keys_status_and_grade(scored: pd.DataFrame) -> None:
    contract = scores_contract(CAPABILITY.spec)
    assert rows_match_contract(scored, contract).passed
    for column, value in (("status", "fine"), ("quality_grade", "Superb"), ("target", None)):
        assert column in rows_match_contract(with_first(scored, column, value), contract).reason
    twice = pd.concat([scored, scored.head(1)], ignore_index=True)
    assert not rows_match_contract(twice, contract).passed
    assert not rows_match_contract(scored.drop(columns="run_id"), contract).passed
    # Ranges of a probability are rules of its own capability.
    assert rows_match_contract(with_first(scored, "probability", 1.2), contract).passed
