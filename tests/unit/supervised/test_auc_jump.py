"""An AUC that is too good names the column that carries it, and is a defect only where the column leaks."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from assets.features.matrix import LeakDetected, Matrix
from assets.lifecycle.capability import ModelVintage
from assets.metrics.bootstrap import Interval
from assets.prior_shift.trading_days import DailyOrders
from assets.supervised.data.dataset import TrainingData
from assets.supervised.evaluation.auc_jump import Carrier, Jump, auc_jump, findings, strongest_column
from assets.supervised.evaluation.walk_forward import fit_calibrated
from assets.supervised.fitting.rankers import BLEND
from assets.supervised.fitting.train import fit_candidate
from tests.unit.supervised.conftest import Trained
from tests.unit.supervised.world import PROBLEM, matrix

NAMES = ["slice_name", "slice_value", "metric", "value", "ci_lo", "ci_hi"]
AUC = Interval(value=0.83, lo=0.82, hi=0.84)
JUMP = Jump(auc=AUC, above_baseline=0.1)


def metrics(*rows: tuple[str, str, str, float, float]) -> pd.DataFrame:
    """Recorded metrics, each as slice, value, metric, figure and half width of its interval."""
    found = [(name, value, metric, of, of - half, of + half) for name, value, metric, of, half in rows]
    return pd.DataFrame(found, columns=NAMES).assign(n=5_000, n_positive=1_000)


def jump(*rows: tuple[str, str, str, float, float], published: Mapping[date, Interval] | None = None) -> Jump:
    known = metrics(("all", "all", "auc", 0.83, 0.01), *rows)
    return auc_jump(known, published or {}, problem=PROBLEM)


@pytest.mark.parametrize(("half", "is_jump"), [(0.03, True), (0.05, False)])
def test_five_standard_errors_above_the_baseline_are_a_jump(half: float, is_jump: bool) -> None:
    # A half width of 0.03 is 1.96 standard errors: 0.1 is 6.5 of them; of 0.05, 3.9.
    found = jump(("all", "all", "auc_difference", 0.1, half))
    assert bool(found) is is_jump
    assert found.above_baseline == pytest.approx(0.1 if is_jump else 0.0)


def test_the_best_baseline_counts_and_not_the_weakest() -> None:
    above = (
        ("all", "all", "auc_difference", 0.1, 0.03),
        ("all", "all", "logistic_auc_difference", 0.02, 0.01),
    )
    # 0.02 is 3.9 standard errors above the logistic regression.
    assert not jump(*above)
    assert jump(above[0], ("all", "all", "bg_nbd_auc_difference", 0.06, 0.01)).above_baseline == 0.06


def test_published_scores_are_compared_on_the_same_dates_only() -> None:
    tested = ("as_of_date", "2025-03-03", "auc", 0.83, 0.02)
    low = Interval(value=0.73, lo=0.71, hi=0.75)
    assert jump(tested, published={date(2025, 3, 3): low}).above_realised == pytest.approx(0.1)
    # Another month may be harder to rank.
    assert not jump(tested, published={date(2025, 2, 3): low})
    # 0.04 is 2.8 standard errors of both.
    near = Interval(value=0.79, lo=0.77, hi=0.81)
    assert not jump(tested, published={date(2025, 3, 3): near})


def judged(found: Jump, gained: float, **changed: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    undated = frozenset(changed.pop("undated", ()))
    problem = replace(PROBLEM, **changed)  # type: ignore[arg-type]
    return findings(problem, found, Carrier(column="noise", permuted=0.1, gained=gained), undated=undated)


def test_a_sound_model_far_above_a_weak_baseline_is_warned_of_by_column() -> None:
    defects, (warning,) = judged(JUMP, 0.08)
    assert defects == ()
    assert warning.startswith(
        "AUC 0.8300 [0.8200, 0.8400], 0.100 above the best baseline; without noise it is 0.080"
    )


def test_a_column_that_carries_the_jump_and_has_no_knowledge_date_is_a_defect() -> None:
    (defect,), _ = judged(JUMP, 0.05, undated=("noise",))
    assert "noise has values in rows without a knowledge date" in defect
    assert judged(JUMP, 0.049, undated=("noise",))[0] == ()


def test_a_jump_that_published_scores_do_not_have_is_a_defect() -> None:
    (defect,), _ = judged(replace(JUMP, above_realised=0.1), 0.08)
    assert "noise was not known when the scores were published" in defect
    assert judged(replace(JUMP, above_realised=0.1), 0.01)[0] == ()


def test_a_perfect_ranking_is_a_defect_unless_its_column_is_scheduled() -> None:
    perfect = Jump(auc=replace(AUC, value=0.985), is_perfect=True)
    (defect,), _ = judged(perfect, 0.01)
    assert "noise probably contains the outcome" in defect
    assert "list it under scheduled in the YAML" in defect
    defects, (warning,) = judged(perfect, 0.2, scheduled=("noise",))
    assert defects == ()
    assert warning.endswith("noise is declared as scheduled")


def test_a_jump_that_no_column_carries_is_warned_of_without_a_further_fit() -> None:
    none = Carrier(column="noise", permuted=0.012)
    defects, (warning,) = findings(PROBLEM, JUMP, none, undated=frozenset({"noise"}))
    assert defects == ()
    assert "no column carries it: permuting noise costs most, 0.012" in warning


def leaking(rows: Matrix, *, share: float) -> Matrix:
    """``rows`` whose ``noise`` is the outcome in a share of them."""
    rng = np.random.default_rng(5)
    is_leak = rng.random(len(rows)) < share
    noise = np.where(is_leak, rows.outcome + 0.01 * rng.random(len(rows)), rng.normal(size=len(rows)))
    return replace(rows, features=rows.features.assign(noise=noise))


def training_data(known: Matrix) -> TrainingData:
    nothing = np.zeros(0)
    daily = DailyOrders(day=nothing.astype("datetime64[D]"), orders=nothing, repeat_orders=nothing)
    return TrainingData(
        as_of=date(2026, 1, 5), sample=known, outcome=known.outcome, cohort_size={}, daily=daily
    )


@pytest.mark.parametrize(("share", "column"), [(0.0, "orders_365d"), (0.4, "noise")])
def test_the_strongest_column_is_found_and_the_model_fitted_without_it(
    trained: Trained, share: float, column: str
) -> None:
    known = leaking(matrix(trained.rows), share=share)
    first = trained.split.test.first
    data = training_data(known)
    model = fit_calibrated(PROBLEM, data.known_on(first, horizon_days=30))[BLEND]
    vintages = [ModelVintage(first=first, model=model)]
    found = strongest_column(PROBLEM, replace(JUMP, above_baseline=0.06), vintages, ranker=BLEND, data=data)
    assert found.column == column
    assert found.gained is not None
    assert 0.03 < found.gained < 0.3
    # Half of a jump of 0.7 is more than any column is worth.
    large = replace(JUMP, above_baseline=0.7)
    assert strongest_column(PROBLEM, large, vintages, ranker=BLEND, data=data).gained is None


def test_a_scheduled_column_may_separate_alone(trained: Trained) -> None:
    train, calibration = (leaking(each, share=1.0) for each in (trained.train, trained.calibration))
    with pytest.raises(LeakDetected, match=r"'noise' alone separates .* list it under scheduled"):
        fit_candidate(PROBLEM, train, calibration=calibration)
    fit_candidate(replace(PROBLEM, scheduled=("noise",)), train, calibration=calibration)
