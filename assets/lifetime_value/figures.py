"""What is recorded of a back-test: every rival's figures on each window, with intervals by customer."""

from collections.abc import Iterator, Sequence

import numpy as np

from assets.lifecycle.gate import Decision
from assets.lifetime_value.backtest import BASELINE, BacktestWindow
from assets.lifetime_value.judge import COMPARED_BY, CandidateResult, difference, resamples_of
from assets.lifetime_value.models.candidates import AmountModelName
from assets.lifetime_value.problem import ValueProblem
from assets.metrics.amounts import amount_accuracy, coverage
from assets.metrics.bootstrap import ClusterBootstrap, Interval, percentile_intervals

HORIZON = "horizon_days"
DIFFERED = ("wape", COMPARED_BY, "gini")

Figure = dict[str, object]


def figures(
    problem: ValueProblem, looked_back: Sequence[BacktestWindow], *, best: CandidateResult, decision: Decision
) -> list[Figure]:
    """Rows of ``ml.metrics`` without whose they are: overall for the first window, then each horizon's.

    The chosen recipe's measures have their bare names, the others' begin with the rival's.
    """
    judged = looked_back[0]
    rows = list(_rows(problem, judged, best.recipe, slice_name="all", slice_value="all"))
    if decision.against_champion is not None:
        said = {f"champion_{COMPARED_BY}_difference": decision.against_champion}
        rows += _told(judged, said, slice_name="all", slice_value="all")
    for window in looked_back:
        if best.recipe in window.said:
            rows += _rows(problem, window, best.recipe, slice_name=HORIZON, slice_value=str(window.days))
    return rows


def _rows(
    problem: ValueProblem,
    window: BacktestWindow,
    recipe: AmountModelName,
    *,
    slice_name: str,
    slice_value: str,
) -> Iterator[Figure]:
    resamples = resamples_of(problem, window)
    accuracies = {
        rival: amount_accuracy(window.amount, window.value(rival), resamples) for rival in window.said
    }
    said: dict[str, Interval] = {}
    for rival, accuracy in accuracies.items():
        prefix = "" if rival == recipe else f"{rival}_"
        said |= {f"{prefix}{name}": found for name, found in percentile_intervals(accuracy).items()}
    for measure in DIFFERED:
        said[f"{measure}_difference"] = difference(accuracies[recipe], accuracies[BASELINE], measure)
    said |= _beyond_means(window, recipe, resamples)
    yield from _told(window, said, slice_name=slice_name, slice_value=slice_value)


def _beyond_means(
    window: BacktestWindow, recipe: AmountModelName, resamples: ClusterBootstrap
) -> dict[str, Interval]:
    """How often intervals held, and predicted over realised orders."""
    said, column = window.said[recipe], window.column
    held = coverage(window.amount, said.value_lo[:, column], said.value_hi[:, column], resamples)
    both = np.column_stack([said.orders[:, column], window.spent[:, 1]])
    drawn = resamples.means(both)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, ratios = np.divide(*both.sum(axis=0)), drawn[:, 0] / drawn[:, 1]
    lo, hi = np.nanquantile(ratios, [0.025, 0.975])
    return {"coverage": held, "orders_ratio": Interval(value=float(ratio), lo=float(lo), hi=float(hi))}


def _told(
    window: BacktestWindow, said: dict[str, Interval], *, slice_name: str, slice_value: str
) -> Iterator[Figure]:
    for metric, found in said.items():
        yield {
            "slice_name": slice_name,
            "slice_value": slice_value,
            "metric": metric,
            "value": found.value,
            "ci_lo": found.lo,
            "ci_hi": found.hi,
            "n": window.amount.size,
            "n_positive": int((window.amount > 0).sum()),
        }
