"""Estimates without labels agree with the metrics of calibrated outcomes."""

import numpy as np
import pytest

from assets.metrics.classification import auc, brier, log_loss, with_shift
from assets.metrics.performance_estimation import estimated_accuracy

METRICS = ("auc", "log_loss", "brier", "positives")


def realised(outcome: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    return {
        "auc": auc(outcome, probability),
        "log_loss": log_loss(outcome, probability),
        "brier": brier(outcome, probability),
        "positives": float(outcome.sum()),
    }


def customers(n: int, seed: int) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng, rng.beta(0.5, 3.0, n)


def test_two_customers_by_hand() -> None:
    # Exactly one buys: the first with .8 * .7 = .56, the second with .3 * .2 = .06.
    found = estimated_accuracy(np.array([0.8, 0.3]))
    assert found["auc"].value == pytest.approx(0.56 / 0.62)
    assert found["positives"].value == pytest.approx(1.1)
    # Mean of .16 and .21; of the entropies .5004 and .6109.
    assert found["brier"].value == pytest.approx(0.185)
    assert found["log_loss"].value == pytest.approx(0.5556, abs=1e-4)
    # Variance .16 + .21 = .37: 1.1 +- 1.96 * .608, clipped to 0 and to all customers.
    assert (found["positives"].lo, found["positives"].hi) == (0.0, 2.0)


def test_equal_probabilities_have_an_auc_of_one_half() -> None:
    assert estimated_accuracy(np.full(50, 0.2))["auc"].value == pytest.approx(0.5)


def test_the_realised_auc_is_within_a_hundredth() -> None:
    rng, probability = customers(50_000, 1)
    outcome = (rng.random(50_000) < probability).astype(float)
    assert estimated_accuracy(probability)["auc"].value == pytest.approx(auc(outcome, probability), abs=0.01)


@pytest.mark.parametrize("is_rounded", [False, True], ids=["distinct", "tied"])
def test_intervals_cover_the_realised_metric_nineteen_times_in_twenty(is_rounded: bool) -> None:
    covered = dict.fromkeys(METRICS, 0)
    for seed in range(300):
        rng, probability = customers(1_000, seed)
        probability = probability.round(2) if is_rounded else probability
        found = estimated_accuracy(probability)
        for name, value in realised((rng.random(1_000) < probability).astype(float), probability).items():
            covered[name] += found[name].lo <= value <= found[name].hi
    # 285 of 300 expected, standard deviation 3.8.
    assert all(272 <= count <= 297 for count in covered.values()), covered


def test_a_customer_with_four_rows_and_one_outcome_widens_the_interval() -> None:
    rng, one_week = customers(500, 2)
    probability, ids = np.tile(one_week, 4), np.tile(np.arange(500), 4)
    found = estimated_accuracy(probability, customers=ids)
    covered = dict.fromkeys(METRICS, 0)
    for _ in range(300):
        outcome = np.tile((rng.random(500) < one_week).astype(float), 4)
        for name, value in realised(outcome, probability).items():
            covered[name] += found[name].lo <= value <= found[name].hi
    assert all(272 <= count <= 298 for count in covered.values()), covered
    independent = estimated_accuracy(probability)["positives"]
    # Four equal rows count as one: twice the standard deviation of independent rows.
    assert found["positives"].hi - found["positives"].lo == pytest.approx(
        2 * (independent.hi - independent.lo)
    )


def test_a_shift_that_all_customers_share_is_in_the_interval() -> None:
    rng, probability = customers(4_000, 3)
    wide, narrow = (estimated_accuracy(probability, period_sd=sd) for sd in (0.2, 0.0))
    # 190 of 200 expected, standard deviation 3.1.
    covered = dict.fromkeys(METRICS, 0)
    covered_by_narrow = 0
    for _ in range(200):
        chance = with_shift(probability, float(rng.normal(0, 0.2)))
        outcome = (rng.random(4_000) < chance).astype(float)
        for name, value in realised(outcome, probability).items():
            covered[name] += wide[name].lo <= value <= wide[name].hi
        covered_by_narrow += narrow["positives"].lo <= outcome.sum() <= narrow["positives"].hi
    assert all(179 <= count <= 199 for count in covered.values()), covered
    assert covered_by_narrow < 130


def test_concept_drift_is_not_detected() -> None:
    rng, probability = customers(20_000, 4)
    outcome = (rng.random(20_000) < rng.permutation(probability)).astype(float)
    assert auc(outcome, probability) < 0.52
    assert estimated_accuracy(probability)["auc"].value > 0.8


def test_less_extreme_probabilities_lower_the_estimate() -> None:
    _, probability = customers(5_000, 5)
    less_extreme = 0.5 * probability + 0.5 * probability.mean()
    assert estimated_accuracy(less_extreme)["auc"].value < estimated_accuracy(probability)["auc"].value - 0.05


def test_auc_is_undefined_without_a_possible_pair() -> None:
    found = estimated_accuracy(np.zeros(3))
    assert np.isnan([found["auc"].value, found["auc"].lo, found["auc"].hi]).all()
    assert (found["positives"].lo, found["positives"].hi) == (0.0, 0.0)


@pytest.mark.parametrize("wrong", [[], [0.5, 1.2], [-0.1, 0.5], [0.5, np.nan]])
def test_values_that_are_no_probabilities_are_refused(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match=r"at least one row|not in \[0, 1\]"):
        estimated_accuracy(np.array(wrong))
