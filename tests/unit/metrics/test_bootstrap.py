"""The bootstrap resamples whole customers and pairs the models that are compared."""

import numpy as np
import pytest

from assets.metrics import bootstrap
from assets.metrics.bootstrap import (
    RANK_REPLICATES,
    ClusterBootstrap,
    classification_metrics,
    interval,
    paired_differences,
)
from assets.metrics.classification import auc, average_precision, brier, log_loss


def rows(customers: int, weeks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    probability = rng.uniform(0.05, 0.6, customers)
    outcome = (rng.random(customers) < probability).astype(float)
    return np.tile(outcome, weeks), np.tile(probability, weeks), np.tile(np.arange(customers), weeks)


def test_the_first_entry_is_the_metric_itself_and_the_others_are_weighted() -> None:
    outcome, probability, customers = rows(200, 2)
    resamples = ClusterBootstrap.by_customer(customers, replicates=20, rng=np.random.default_rng(0))
    found = classification_metrics(outcome, probability, resamples)
    third = resamples.weights[2].astype(float)[resamples.codes]
    for name, metric in {
        "auc": auc,
        "average_precision": average_precision,
        "log_loss": log_loss,
        "brier": brier,
    }.items():
        assert found[name][0] == pytest.approx(metric(outcome, probability))
        assert found[name][3] == pytest.approx(metric(outcome, probability, third), rel=1e-5)


def test_ten_copies_of_every_customer_do_not_narrow_the_interval() -> None:
    widths = []
    for weeks in (1, 10):
        outcome, probability, customers = rows(500, weeks)
        resamples = ClusterBootstrap.by_customer(customers, replicates=400, rng=np.random.default_rng(0))
        replicates = classification_metrics(outcome, probability, resamples)["auc"]
        widths.append(interval(replicates[0], replicates[1:]))
    once, tenfold = (each.hi - each.lo for each in widths)
    # Rows drawn one by one would make the second a third of the first.
    assert tenfold == pytest.approx(once, rel=0.01)


def test_the_interval_of_a_rate_is_as_wide_as_theory_says() -> None:
    # 400 customers, rate 0.5: standard error sqrt(0.25 / 400) = 0.025, so the width is 4 x 0.0245.
    outcome = np.tile([0.0, 1.0], 200)
    resamples = ClusterBootstrap.by_customer(np.arange(400), replicates=4_000, rng=np.random.default_rng(0))
    found = interval(0.5, resamples.means(outcome[:, None])[:, 0])
    assert found.hi - found.lo == pytest.approx(2 * 1.96 * 0.025, rel=0.08)


@pytest.mark.parametrize(("replicates", "in_standard_errors"), [(200, 0.18), (2_000, 0.06)])
def test_the_end_of_an_interval_depends_little_on_the_seed(
    replicates: int, in_standard_errors: float
) -> None:
    # The rate of the test above, whose standard error is 0.025, from 100 seeds.
    outcome = np.tile([0.0, 1.0], 200)[:, None]
    ends = [
        interval(
            0.5,
            ClusterBootstrap.by_customer(
                np.arange(400), replicates=replicates, rng=np.random.default_rng(seed)
            ).means(outcome)[:, 0],
        ).lo
        for seed in range(100)
    ]
    assert np.std(ends) / 0.025 == pytest.approx(in_standard_errors, rel=0.25)


def test_ranks_are_counted_in_the_first_replicates_only() -> None:
    outcome, probability, customers = rows(50, 1)
    many, few = (
        classification_metrics(
            outcome,
            probability,
            ClusterBootstrap.by_customer(customers, replicates=each, rng=np.random.default_rng(0)),
        )
        for each in (RANK_REPLICATES + 100, RANK_REPLICATES)
    )
    np.testing.assert_array_equal(many["auc"], few["auc"])
    assert len(many["log_loss"]) == 1 + RANK_REPLICATES + 100


def test_more_customers_have_fewer_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "MOST_DRAWS", 3_000)
    drawn = [
        ClusterBootstrap.by_customer(np.arange(size), replicates=1_000, rng=np.random.default_rng(0)).weights
        for size in (2, 10, 100)
    ]
    assert [len(each) for each in drawn] == [1_000, 300, 200]


def test_a_paired_difference_varies_less_than_its_parts() -> None:
    outcome, probability, customers = rows(500, 1)
    resamples = ClusterBootstrap.by_customer(customers, replicates=200, rng=np.random.default_rng(0))
    better, worse = (
        classification_metrics(outcome, probability, resamples),
        classification_metrics(outcome, probability**1.1, resamples),
    )
    difference = paired_differences(better, worse)["log_loss"]
    assert difference[0] == pytest.approx(better["log_loss"][0] - worse["log_loss"][0])
    assert np.std(difference[1:]) < 0.2 * np.std(better["log_loss"][1:])


def test_a_subset_of_the_rows_keeps_its_weights() -> None:
    resamples = ClusterBootstrap.by_customer(
        np.array(["a", "b", "a"]), replicates=20, rng=np.random.default_rng(0)
    )
    part = resamples.of(np.array([False, True, True]))
    assert part.codes.tolist() == [1, 0]
    assert part.weights is resamples.weights
