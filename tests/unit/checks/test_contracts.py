"""The contracts let honest rows through and stop each way of being wrong."""

from dataclasses import replace
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from assets.lifecycle.store.schemas import SCORE_TYPES
from assets.supervised.fitting.train import fit_naive
from assets.supervised.scoring.score_rows import PriorShift, ScoreProvenance, score
from checks.data.completeness import rows_match_contract
from checks.models.contracts import scores_contract, training_contract
from checks.verdict import Verdict
from tests.unit.supervised.world import PROBLEM, matrix, shop

RUN = ScoreProvenance(
    run_id="run",
    scored_at=datetime.fromisoformat("2025-03-03 04:00"),
    model_version="2025-03-03-abc",
    quality_grade="Good",
)


@pytest.fixture(scope="module")
def training_rows() -> pd.DataFrame:
    known = matrix(shop(customers=60, weeks=3))
    return known.features.assign(outcome=known.outcome)


@pytest.fixture(scope="module")
def scored() -> pd.DataFrame:
    rows = shop(customers=60, weeks=1)
    fitted = fit_naive(PROBLEM, matrix(rows))
    return score(PROBLEM, fitted, features=rows, level=PriorShift(shift=0.1, sd=0.2), run=RUN)


def trained(rows: pd.DataFrame) -> Verdict:
    return rows_match_contract(rows, training_contract(PROBLEM))


def published(rows: pd.DataFrame) -> Verdict:
    return rows_match_contract(rows, scores_contract(PROBLEM))


def with_first(rows: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    """``rows`` with another value in the first row of ``column``."""
    changed = rows.copy()
    changed.loc[0, column] = value
    return changed


def test_honest_training_rows_match_contract(training_rows: pd.DataFrame) -> None:
    verdict = trained(training_rows)
    assert verdict.passed, verdict.reason
    # 4 numbers, 1 category and the outcome.
    assert verdict.reason == "180 rows keep all 6 column rules"


def test_an_outcome_that_is_not_known_yet_is_no_fault(training_rows: pd.DataFrame) -> None:
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


def test_a_column_nobody_declared_is_stopped(training_rows: pd.DataFrame) -> None:
    assert not trained(training_rows.assign(outcome_amount=1.0)).passed


def test_honest_scores_match_contract(scored: pd.DataFrame) -> None:
    verdict = published(scored)
    assert verdict.passed, verdict.reason
    assert verdict.reason == f"60 rows keep all {len(SCORE_TYPES)} column rules"


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


def test_the_same_customer_on_two_days_is_no_fault(scored: pd.DataFrame) -> None:
    later = scored.head(1).assign(as_of_date=pd.Series([date(2025, 3, 10)], dtype=SCORE_TYPES["as_of_date"]))
    assert published(pd.concat([scored, later], ignore_index=True)).passed


def test_a_missing_published_column_is_stopped(scored: pd.DataFrame) -> None:
    assert not published(scored.drop(columns="tier_rule")).passed


@pytest.fixture(scope="module")
def partly_asked() -> pd.DataFrame:
    """Sixty customers of whom the first is not asked about."""
    rows = shop(customers=60, weeks=1)
    reasons = np.where(np.arange(60) == 0, "already_churned", None)
    fitted = fit_naive(PROBLEM, matrix(rows))
    features = rows.assign(ineligible_reason=reasons)
    return score(PROBLEM, fitted, features=features, level=PriorShift(shift=0.1, sd=0.2), run=RUN)


def test_a_row_without_a_probability_is_right_for_who_is_not_asked_about(partly_asked: pd.DataFrame) -> None:
    verdict = published(partly_asked)
    assert verdict.passed, verdict.reason


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"probability": 0.5}, "neither_probability_nor_what_follows_from_it_if_ineligible"),
        ({"tier": "low"}, "neither_probability_nor_what_follows_from_it_if_ineligible"),
        ({"reason_2_code": "orders_365d"}, "neither_probability_nor_what_follows_from_it_if_ineligible"),
        ({"ineligible_reason": None}, "a_reason_if_and_only_if_ineligible"),
        (
            {"is_eligible": True, "ineligible_reason": None},
            "a_probability_and_what_follows_from_it_if_eligible",
        ),
    ],
)
def test_who_is_not_asked_about_has_a_reason_and_nothing_that_follows_from_a_probability(
    partly_asked: pd.DataFrame, changed: dict[str, object], rule: str
) -> None:
    rows = partly_asked
    for column, value in changed.items():
        rows = with_first(rows, column, value)
    verdict = published(rows)
    assert not verdict.passed
    assert rule in verdict.reason


def test_an_eligible_row_without_its_decile_is_stopped(partly_asked: pd.DataFrame) -> None:
    rows = partly_asked.copy()
    rows.loc[1, "decile"] = pd.NA
    verdict = published(rows)
    assert not verdict.passed
    assert "a_probability_and_what_follows_from_it_if_eligible" in verdict.reason
