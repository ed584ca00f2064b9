"""One giant customer changes neither the promotion nor the grade of everybody, which use one measure."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from assets.lifetime_value.backtest import BASELINE, BacktestWindow, CandidateResult, candidate_results
from assets.lifetime_value.models.candidates import HorizonLevel, ValuePrediction
from assets.lifetime_value.spec import PROBLEM, grade_of
from assets.metrics.arrays import Floats
from assets.metrics.bootstrap import percentile_intervals

DAYS, CUSTOMERS = 90, 1_500


def predicted(value: Floats) -> ValuePrediction:
    """A prediction of ``value`` in every horizon, and of nothing else."""
    every = np.repeat(value[:, None], len(PROBLEM.horizons_days), axis=1)
    nothing = np.full_like(every, np.nan)
    return ValuePrediction(
        value=every, value_lo=nothing, value_hi=nothing, value_above=nothing, orders=nothing,
        order_amount=nothing, alive=nothing[:, 0], next_order_days=np.full((value.size, 3), np.nan),
        silence=nothing[:, 0],
    )  # fmt: skip


def window(*, spent: float | None, expected: float) -> BacktestWindow:
    """Customers who spend as the candidate expects, give or take, and one who spends ``spent``, if anyone.

    Args:
        spent: What the giant spent.
        expected: What the candidate expected of the giant.
    """
    rng = np.random.default_rng(8)
    mean = rng.lognormal(3.0, 1.0, CUSTOMERS)
    amount = mean * rng.gamma(0.5, 2.0, CUSTOMERS) * (rng.random(CUSTOMERS) < 0.8) / 0.8
    baseline = mean * rng.lognormal(0.0, 0.8, CUSTOMERS)
    if spent is not None:
        amount, mean, baseline = (
            np.r_[each, of] for each, of in ((amount, spent), (mean, expected), (baseline, 50.0))
        )
    cohort = SimpleNamespace(
        known=SimpleNamespace(entities=np.arange(amount.size)),
        quarters=np.full(amount.size, "2024-Q1", dtype=object),
        as_of=date(2024, 1, 1),
    )
    return BacktestWindow(
        cohort=cohort,  # type: ignore[arg-type]
        days=DAYS,
        predictions={"bg_nbd": predicted(mean), BASELINE: predicted(baseline)},
        spent=np.column_stack([amount, (amount > 0).astype(float)]),
        refusals={},
        horizons_days=PROBLEM.horizons_days,
        level=HorizonLevel(horizon_days=DAYS, effective_days=float(DAYS), sd=0.1),
    )


def graded(found: CandidateResult) -> tuple[bool, str]:
    """Whether the candidate may be promoted, and its grade."""
    skill = 1 - found.deviance / (found.deviance - found.against_baseline.value)
    ratio = percentile_intervals(found.accuracy)["total_ratio"].value
    return found.is_sound, grade_of(
        gini=float(found.accuracy["gini"][0]), skill=skill, total_ratio=ratio
    ).name


def of(spent: float | None = None, expected: float = 40.0) -> tuple[bool, str]:
    (found,) = candidate_results(PROBLEM, window(spent=spent, expected=expected))
    return graded(found)


# Expected or not, and from twice what all others spend to a thousand times.
GIANTS = [(1e5, 40.0), (1e5, 1e5), (5e7, 40.0), (5e7, 5e7), (10.0, 5e7)]


@pytest.mark.parametrize(("spent", "expected"), GIANTS)
def test_a_giant_changes_neither_promotion_nor_grade(spent: float, expected: float) -> None:
    assert of() == (True, "Good")
    assert of(spent, expected) == of()


def test_without_the_cap_it_would_change_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.lifetime_value.backtest.largest_plausible", lambda _: np.inf)
    assert of() == (True, "Good")
    assert {of(*giant) for giant in GIANTS} - {of()} == {
        (False, "Do-not-use"),
        (False, "Poor"),
        (True, "Excellent"),
    }


def test_who_does_not_count_in_full_is_named_by_share() -> None:
    assert window(spent=None, expected=0.0).capped == ""
    text = window(spent=1e5, expected=40.0).capped
    assert text.startswith("1 of 1,501 customers spent 7")
    assert text.endswith("at most 5% of the total")
