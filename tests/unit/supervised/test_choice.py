"""The blend is the candidate where it surely beats the best baseline; else that baseline is."""

import numpy as np
import pytest

from assets.metrics.arrays import Floats
from assets.metrics.classification import log_odds, with_shift
from assets.supervised.evaluation.choice import choose_ranker
from tests.unit.supervised.conftest import Trained
from tests.unit.supervised.world import PROBLEM


def truth(trained: Trained) -> Floats:
    rows = trained.rows.loc[np.isin(trained.rows["as_of_date"], trained.test.as_of)]
    return rows["truth"].to_numpy(dtype=np.float64)


def noisy(trained: Trained, size: float, seed: int) -> Floats:
    """The truth with noise of ``size`` log-odds."""
    noise = size * np.random.default_rng(seed).normal(size=len(trained.test))
    return 1 / (1 + np.exp(-(log_odds(truth(trained)) + noise)))


@pytest.mark.parametrize(
    ("blend", "bg_nbd", "logistic", "recency", "chosen"),
    [
        (0.0, 1.0, 0.8, 1.2, "blend"),
        (0.8, 0.3, 1.0, 1.2, "bg_nbd"),
        (0.3, 1.0, 0.3, 1.2, "logistic"),  # as good as the blend: the simpler one
        (1.2, 1.0, 0.8, 0.0, "blend"),  # the gate compares it with the rate by recency
    ],
)
def test_the_blend_must_surely_beat_the_best_baseline(
    trained: Trained, blend: float, bg_nbd: float, logistic: float, recency: float, chosen: str
) -> None:
    sizes = {"blend": blend, "bg_nbd": bg_nbd, "logistic": logistic, "baseline": recency}
    predicted = {name: noisy(trained, size, seed) for seed, (name, size) in enumerate(sizes.items())}
    found = choose_ranker(trained.test, predicted, problem=PROBLEM)
    assert found.ranker == chosen
    surely = found.difference.hi < 0
    assert ("does not surely beat" in found.reason) != surely
    assert surely == (blend == 0.0)


def test_without_a_blend_the_logistic_regression_is_the_candidate(trained: Trained) -> None:
    predicted = {"baseline": noisy(trained, 1.2, 1), "logistic": noisy(trained, 0.3, 2)}
    found = choose_ranker(trained.test, predicted, problem=PROBLEM)
    assert (found.ranker, found.difference.hi < 0) == ("logistic", True)
    assert found.reason.startswith(
        "too few customers for the blend; the candidate is the logistic regression"
    )
    worse = choose_ranker(trained.test, predicted | {"logistic": noisy(trained, 2.0, 3)}, problem=PROBLEM)
    assert (worse.ranker, worse.difference.lo > 0) == ("logistic", True)


def test_a_level_that_all_share_decides_nothing(trained: Trained) -> None:
    predicted = {
        "baseline": noisy(trained, 2.0, 1),
        "blend": noisy(trained, 0.0, 2),
        "logistic": with_shift(noisy(trained, 1.0, 3), 0.5),
    }
    moved = predicted | {"blend": with_shift(predicted["blend"], -1.0)}
    one, two = (choose_ranker(trained.test, each, problem=PROBLEM) for each in (predicted, moved))
    assert one.ranker == two.ranker == "blend"
    assert one.difference.value == pytest.approx(two.difference.value, abs=1e-6)
