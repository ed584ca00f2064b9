"""Membership inference: a model that memorises its customers against one that learned a pattern."""

from dataclasses import replace

import numpy as np
import pytest

from assets.metrics.membership import MEMBERSHIP_AUC
from assets.supervised.evaluation.membership_inference import membership_auc, membership_rows
from assets.supervised.fitting.task import Binary, Boosting
from assets.supervised.problem import PromotionCriteria
from checks.models.performance import membership_inference_auc_is_low
from tests.unit.supervised.world import PROBLEM, matrix, shop

WEIGHTS = {"boosting": 0.5, "splines": 0.5}
ROWS = matrix(shop(customers=1_200, weeks=4))
# Trees without bounds memorise each customer.
GREEDY = replace(
    PROBLEM,
    task=Binary(
        boosting=Boosting(
            max_iter=300, learning_rate=0.3, max_leaf_nodes=200, min_samples_leaf=1, l2_regularization=0.0
        )
    ),
)


def test_a_model_of_a_pattern_reveals_no_customer() -> None:
    found = membership_auc(PROBLEM, ROWS, weights=WEIGHTS)
    assert found.lo < found.value < found.hi < 0.6
    rows = membership_rows(PROBLEM, ROWS, weights=WEIGHTS, version="v1")
    assert membership_inference_auc_is_low(rows, highest_auc=PROBLEM.criteria.highest_membership_auc).passed


def test_a_model_that_memorises_reveals_its_customers() -> None:
    rows = membership_rows(GREEDY, ROWS, weights=WEIGHTS, version="v1")
    verdict = membership_inference_auc_is_low(rows, highest_auc=PROBLEM.criteria.highest_membership_auc)
    assert not verdict.passed
    assert verdict.value is not None
    assert verdict.value > 0.75
    assert "allowed is 0.60" in verdict.reason


def test_the_bound_itself_is_allowed() -> None:
    rows = membership_rows(PROBLEM, ROWS, weights=WEIGHTS, version="v1").assign(value=0.57)
    assert membership_inference_auc_is_low(rows, highest_auc=0.57).passed
    assert not membership_inference_auc_is_low(rows, highest_auc=0.56).passed


def test_half_the_customers_are_drawn_and_the_same_in_a_repeated_run() -> None:
    one, two = (membership_rows(PROBLEM, ROWS, weights=WEIGHTS, version="v1") for _ in range(2))
    assert one.equals(two)
    assert one["metric"].tolist() == [MEMBERSHIP_AUC]
    assert one["split"].tolist() == ["train"]


def test_without_a_fitted_model_the_check_passes() -> None:
    empty = membership_rows(PROBLEM, ROWS, weights=WEIGHTS, version="v1").iloc[:0]
    assert membership_inference_auc_is_low(empty, highest_auc=PROBLEM.criteria.highest_membership_auc).passed


@pytest.mark.parametrize("bound", [0.4, 1.2])
def test_a_bound_outside_its_range_is_refused(bound: float) -> None:
    with pytest.raises(ValueError, match=f"highest_membership_auc {bound}"):
        PromotionCriteria(highest_membership_auc=bound)


def test_noise_reveals_no_customer() -> None:
    outcome = np.random.default_rng(0).permutation(ROWS.outcome)
    assert membership_auc(PROBLEM, replace(ROWS, outcome=outcome), weights=WEIGHTS).value < 0.6
