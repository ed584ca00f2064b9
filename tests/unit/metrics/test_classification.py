"""Classification metrics against numbers worked out by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from assets.metrics.classification import (
    auc,
    average_precision,
    brier,
    intercept_shift,
    log_loss,
    log_odds,
    with_shift,
)

OUTCOME = np.array([1.0, 0.0, 1.0, 0.0])
# Pairs (positive, negative): .9>.8, .9>.2, .5<.8, .5>.2 are 3 right of 4.
PROBABILITY = np.array([0.9, 0.8, 0.5, 0.2])


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    assert auc(OUTCOME, PROBABILITY) == pytest.approx(3 / 4)


def test_ties_count_half() -> None:
    assert auc(np.array([1.0, 0.0]), np.array([0.3, 0.3])) == 0.5


def test_average_precision_is_the_mean_precision_at_each_positive() -> None:
    # Best first: positive (1 of 1), negative, positive (2 of 3): (1 + 2/3) / 2.
    assert average_precision(OUTCOME, PROBABILITY) == pytest.approx(5 / 6)


def test_a_weight_of_two_is_the_row_twice() -> None:
    weights = np.array([1.0, 1.0, 2.0, 1.0])
    twice = [0, 1, 2, 2, 3]
    for measure in (auc, average_precision, log_loss, brier):
        weighted = measure(OUTCOME, PROBABILITY, weights)
        assert weighted == pytest.approx(measure(OUTCOME[twice], PROBABILITY[twice]))


def test_ranks_agree_with_scikit_learn_on_ties_and_weights() -> None:
    rng = np.random.default_rng(3)
    probability = rng.random(500).round(1)
    outcome = (rng.random(500) < probability).astype(float)
    weights = rng.poisson(1.0, 500).astype(float)
    assert auc(outcome, probability, weights) == pytest.approx(
        roc_auc_score(outcome, probability, sample_weight=weights)
    )
    assert average_precision(outcome, probability, weights) == pytest.approx(
        average_precision_score(outcome, probability, sample_weight=weights)
    )


def test_brier_and_log_loss_of_a_constant_half() -> None:
    constant = np.full(4, 0.5)
    assert brier(OUTCOME, constant) == pytest.approx(0.25)
    assert log_loss(OUTCOME, constant) == pytest.approx(np.log(2))


def test_rank_metrics_are_undefined_when_all_outcomes_are_the_same() -> None:
    assert np.isnan(auc(np.zeros(3), np.array([0.1, 0.2, 0.3])))
    assert np.isnan(average_precision(np.zeros(3), np.array([0.1, 0.2, 0.3])))


def test_a_certain_wrong_prediction_has_a_finite_log_loss() -> None:
    assert 13 < log_loss(np.array([1.0]), np.array([0.0])) < 14


def test_the_shift_moves_the_mean_to_the_rate_and_keeps_the_order() -> None:
    probability = np.random.default_rng(1).beta(1, 4, size=500)
    moved = with_shift(probability, intercept_shift(probability, 0.35))
    assert moved.mean() == pytest.approx(0.35, abs=1e-9)
    assert np.array_equal(np.argsort(moved), np.argsort(probability))


def test_a_shift_of_equal_rows_is_the_difference_of_log_odds() -> None:
    # logit(0.5) - logit(0.2) = 0 - log(0.2 / 0.8) = log 4
    assert intercept_shift(np.full(10, 0.2), 0.5) == pytest.approx(np.log(4))


def test_a_rate_of_0_or_1_counts_half_a_row() -> None:
    # Half a row of 10 is a rate of 0.05: logit(0.05) - logit(0.2) = log(0.05 / 0.95) + log 4
    expected = np.log(0.05 / 0.95) + np.log(4)
    assert intercept_shift(np.full(10, 0.2), 0.0) == pytest.approx(expected)
    assert intercept_shift(np.full(10, 0.8), 1.0) == pytest.approx(-expected)


def test_a_shift_of_no_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        intercept_shift(np.empty(0), 0.2)


def test_a_shift_is_bounded_and_probabilities_of_0_and_1_can_be_moved() -> None:
    assert intercept_shift(np.zeros(1_000), 1.0) == 12.0
    assert intercept_shift(np.ones(1_000), 0.0) == -12.0
    # 0 is clipped to 0.000001, so the mean reaches 0.05: logit(0.05) - logit(0.000001)
    assert intercept_shift(np.zeros(10), 0.05) == pytest.approx(np.log(0.05 / 0.95) + np.log(999_999))


def test_a_shift_moves_log_odds_and_nothing_else() -> None:
    moved = with_shift(np.array([0.2, 0.5]), np.log(4))
    # 0.2 has odds 1/4, times 4 is 1; 0.5 has odds 1, times 4 is 4.
    assert moved == pytest.approx([0.5, 0.8])
    assert log_odds(moved) - log_odds(np.array([0.2, 0.5])) == pytest.approx([np.log(4)] * 2)
