"""A canary: two refits of one pipeline agree, and each kind of broken scores is found."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import special

from assets.lifecycle.canary import CanaryFigures, compared, disagreements
from assets.lifecycle.spec import CanaryScore
from assets.metrics.arrays import Floats
from tests.unit.lifecycle.toy import SPEC

PROBABILITY = replace(
    SPEC, canary_score=CanaryScore(column="expected_orders", interval=("lo", "hi")), spec_hash="1" * 64
)
ROWS, LEVEL_SD = 2_000, 0.2


def scores(log_odds: Floats) -> pd.DataFrame:
    """Rows of a table of probabilities with their intervals, as the level alone makes them."""
    ends = (special.expit(log_odds + sign * 1.96 * LEVEL_SD) for sign in (-1, 1))
    return pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(log_odds.size)],
            "expected_orders": special.expit(log_odds),
            **dict(zip(("lo", "hi"), ends, strict=True)),
        }
    )


@pytest.fixture
def log_odds() -> Floats:
    return np.random.default_rng(0).normal(-2.0, 1.2, ROWS)


def found(old: Floats, new: Floats) -> tuple[CanaryFigures, list[str]]:
    figures = compared(PROBABILITY, scores(old), scores(new))
    return figures, list(disagreements(figures))


def test_refits_that_differ_by_0_4_log_odds_of_a_customer_agree_in_every_case(log_odds: Floats) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        refit = log_odds + rng.normal(0, 0.05) + rng.normal(0, 0.4, ROWS)
        figures, reasons = found(log_odds, refit)
        assert not reasons, figures


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: p + 0.5, "its total is 1."),
        (lambda p: p - 0.5, "its total is 0."),
        (lambda p: -4.0 - p, "ranks correlate by -1.00"),
        (lambda p: np.full_like(p, -1.7), "ranks correlate by 0.00"),
        (lambda p: np.random.default_rng(1).permutation(p), "ranks correlate by"),
        (lambda p: p + np.where(np.arange(p.size) % 2, 0.7, -0.9), "of the scores lie outside"),
        (lambda p: np.where(np.arange(p.size) % 50, p, np.nan), "2.0% of 2,000 rows have no score"),
        (lambda p: np.where(np.arange(p.size) % 50, p, np.nan) * 0 - np.inf, "its total is 0.00"),
    ],
)
def test_broken_scores_do_not_agree(
    log_odds: Floats, change: Callable[[Floats], Floats], reason: str
) -> None:
    _, reasons = found(log_odds, change(log_odds))
    assert any(each.startswith(reason) or reason in each for each in reasons), reasons


def test_an_amount_far_beyond_every_other_does_not_agree(log_odds: Floats) -> None:
    old, new = scores(log_odds), scores(log_odds)
    new.loc[0, "expected_orders"] = 5.0
    (reason,) = disagreements(compared(PROBABILITY, old, new))
    assert reason.startswith("a score lies 4.")


def test_a_row_that_only_one_version_scores_counts_as_missing(log_odds: Floats) -> None:
    figures = compared(PROBABILITY, scores(log_odds), scores(log_odds).head(1_000))
    assert figures.missing_share == 0.5
    assert figures.log_total == pytest.approx(0.0)


def test_without_a_declared_score_nothing_can_be_compared(log_odds: Floats) -> None:
    with pytest.raises(ValueError, match="names no score"):
        compared(SPEC, scores(log_odds), scores(log_odds))
