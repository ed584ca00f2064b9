"""Rows of ``ml.metrics``: of a backtest, and of published predictions with observed spend."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from assets.lifecycle.capability import MetricKey, Performance
from assets.lifecycle.report.grade import DO_NOT_USE
from assets.lifecycle.store.schemas import BIN_TYPES, METRIC_TYPES, Types, typed
from assets.lifetime_value.backtest import (
    BASELINE,
    Backtest,
    BacktestWindow,
    Choice,
    difference,
    resamples_of,
)
from assets.lifetime_value.group_totals import group_totals, groups_out_of_tolerance
from assets.lifetime_value.models.candidates import AmountModelName
from assets.lifetime_value.spec import COMPARED, CUSTOMER, FALLBACK, HORIZON, ValueProblem, grade_of
from assets.metrics.amounts import amount_accuracy, coverage
from assets.metrics.arrays import Floats
from assets.metrics.bootstrap import (
    NORMAL_QUANTILE,
    ClusterBootstrap,
    Interval,
    interval,
    percentile_intervals,
)
from assets.metrics.outsized import largest_plausible

# Metrics that are also recorded as paired differences against the baseline.
DIFFERENCES = ("wape", COMPARED.metric, "gini")
# The customers with the highest predictions, whose intervals are used most.
BEST_SHARE = 0.2
ABOVE_BEST, PROMISED_BEST = "above_interval_of_best_fifth", "promised_above_of_best_fifth"

MetricRow = dict[str, object]


def metric_rows(problem: ValueProblem, found: Backtest, choice: Choice) -> list[MetricRow]:
    """Rows of ``ml.metrics`` without model, version and split: the leading window overall, then by horizon.

    Metrics of the chosen amount model have bare names, those of the others begin with the model's.

    Args:
        problem: The declaration.
        found: The backtest.
        choice: Its choice.
    """
    first, name = found.windows[found.lead], choice.best.amount_model
    rows = list(_window_rows(problem, first, name, slice_name="all", slice_value="all"))
    if choice.against_champion is not None:
        compared = {COMPARED.champion_difference: choice.against_champion}
        rows += interval_rows(compared, first.amount, slice_name="all", slice_value="all")
    for days, window in found.windows.items():
        if name in window.predictions:
            rows += _window_rows(problem, window, name, slice_name=HORIZON, slice_value=str(days))
    return rows


def verdicts(found: Backtest, *, horizons_days: Sequence[int]) -> dict[str, dict[str, str]]:
    """Status, grade and reason of each horizon, by its days as text.

    A horizon whose totals are out of tolerance, or that does not surely beat the baseline, is withheld; of
    one without a matured window nothing is known, and the baseline serves.

    Args:
        found: The backtest.
        horizons_days: Every horizon.
    """
    return {str(days): _verdict(found, days) for days in horizons_days}


def _verdict(found: Backtest, days: int) -> dict[str, str]:
    result, window = found.result(days), found.windows.get(days)
    if result is None or window is None:
        reason = "no window has ended for the model: the baseline serves"
        return {"status": "fallback_model", "quality_grade": FALLBACK.name, "reason": reason}
    ratio = percentile_intervals(result.accuracy)["total_ratio"]
    reason = f"from {window.cohort.as_of} {ratio.value:.2f} of the observed total was predicted "
    reason += f"[{ratio.lo:.2f}, {ratio.hi:.2f}]"
    if not result.is_sound:
        lost = f"deviance differs from the baseline's by {result.against_baseline}, not surely below 0"
        why = "; ".join(result.defects) or lost
        return {"status": "withheld_by_gate", "quality_grade": DO_NOT_USE.name, "reason": f"{reason}: {why}"}
    skill = 1 - result.deviance / (result.deviance - result.against_baseline.value)
    named = grade_of(gini=float(result.accuracy["gini"][0]), skill=skill, total_ratio=ratio.value)
    reason += f"; {window.capped}" if window.capped else ""
    status = "withheld_by_gate" if named.name == DO_NOT_USE.name else "ok"
    return {"status": status, "quality_grade": named.name, "reason": reason}


def interval_rows(
    found: Mapping[str, Interval], observed: Floats, *, slice_name: str, slice_value: str
) -> Iterator[MetricRow]:
    """Rows of ``ml.metrics`` without model, version and split.

    Args:
        found: Intervals by metric.
        observed: (n,) amounts that they are about.
        slice_name: Name of the slice.
        slice_value: Its value.
    """
    for metric, each in found.items():
        yield {
            "slice_name": slice_name,
            "slice_value": slice_value,
            "metric": metric,
            "value": each.value,
            "ci_lo": each.lo,
            "ci_hi": each.hi,
            "n": observed.size,
            "n_positive": int((observed > 0).sum()),
        }


def realised_performance(problem: ValueProblem, published: pd.DataFrame, *, key: MetricKey) -> Performance:
    """Published predictions of one version compared with observed spend, by horizon.

    Totals by group, and with them the defects, are of the evaluated horizon.

    Args:
        problem: The declaration.
        published: Rows as :func:`assets.lifetime_value.dataset.published_with_outcomes` reads them.
        key: What the rows are about.
    """
    rows = [
        row
        for days, part in published.groupby("horizon_days")
        for row in _published_rows(problem, part, horizon=str(days))
    ]
    metrics = _keyed(pd.DataFrame(rows), key, METRIC_TYPES)
    part = published.loc[published["horizon_days"] == problem.evaluated_days]
    if part.empty:
        text = f"no window of {problem.evaluated_days} days has ended"
        return Performance(metrics=metrics, bins=typed([], BIN_TYPES), too_few=text)
    groups = _published_groups(problem, part)
    held = metrics.loc[(metrics["metric"] == "coverage") & _is_of(metrics, problem.evaluated_days), "value"]
    return Performance(
        metrics=metrics,
        bins=_keyed(groups, key, BIN_TYPES),
        figures={
            "predicted_total": float(part["predicted_value"].sum()),
            "observed_total": float(part["outcome_amount"].sum()),
            "coverage": float(held.iloc[0]),
        },
        defects=tuple(groups_out_of_tolerance(groups, criteria=problem.criteria)),
        n=len(part),
    )


def keyed_metrics(rows: Sequence[MetricRow], key: MetricKey) -> pd.DataFrame:
    """``rows`` as rows of ``ml.metrics``."""
    return _keyed(pd.DataFrame(rows), key, METRIC_TYPES)


def keyed_bins(groups: pd.DataFrame, key: MetricKey) -> pd.DataFrame:
    """``groups``, rows of :func:`group_totals` (n, k), as rows of ``ml.calibration_bins``."""
    return _keyed(groups, key, BIN_TYPES)


def _window_rows(
    problem: ValueProblem,
    window: BacktestWindow,
    chosen: AmountModelName,
    *,
    slice_name: str,
    slice_value: str,
) -> Iterator[MetricRow]:
    resamples = resamples_of(problem, window.cohort.known.entities)
    accuracies = {
        name: amount_accuracy(window.amount, window.value(name), resamples) for name in window.predictions
    }
    found: dict[str, Interval] = {}
    for name, accuracy in accuracies.items():
        prefix = "" if name == chosen else f"{name}_"
        found |= {f"{prefix}{metric}": each for metric, each in percentile_intervals(accuracy).items()}
    for metric in DIFFERENCES:
        found[f"{metric}_difference"] = difference(accuracies[chosen], accuracies[BASELINE], metric)
    found |= _coverage_and_orders(window, chosen, resamples) | above_of_best(window, chosen, resamples)
    sd = window.level.sd
    found["period_sd"] = Interval(value=sd, lo=sd, hi=sd)
    yield from interval_rows(found, window.amount, slice_name=slice_name, slice_value=slice_value)


def _coverage_and_orders(
    window: BacktestWindow, chosen: AmountModelName, resamples: ClusterBootstrap
) -> dict[str, Interval]:
    """Share of intervals that hold the observed amount, and predicted over observed orders."""
    predicted, column = window.predictions[chosen], window.column
    spent = window.spent[:, 0]
    held = coverage(spent, predicted.value_lo[:, column], predicted.value_hi[:, column], resamples)
    both = np.column_stack([predicted.orders[:, column], window.spent[:, 1]])
    drawn = resamples.means(both)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, ratios = np.divide(*both.sum(axis=0)), drawn[:, 0] / drawn[:, 1]
    lo, hi = np.nanquantile(ratios, [0.025, 0.975])
    return {"coverage": held, "orders_ratio": Interval(value=float(ratio), lo=float(lo), hi=float(hi))}


def above_of_best(
    window: BacktestWindow, chosen: AmountModelName, resamples: ClusterBootstrap
) -> dict[str, Interval]:
    """Share of the best fifth that spent more than their upper ends, and the share that these promise.

    The interval of the share holds chance among customers, and the window: what a level of one standard
    deviation more or less would make of it.

    Args:
        window: A matured window.
        chosen: The amount model.
        resamples: Weights of its customers.
    """
    predicted, column = window.predictions[chosen], window.column
    value, hi = predicted.value[:, column], predicted.value_hi[:, column]
    best = value >= np.quantile(value, 1 - BEST_SHARE)
    spent, promised = window.spent[best, 0], float(predicted.value_above[best, column].mean())
    more, less, above = (
        (spent > hi[best] * np.exp(step * window.level.sd)).astype(np.float64) for step in (-1, 1, 0)
    )
    sampled = interval(float(above.mean()), resamples.of(best).means(above[:, None])[:, 0])
    of_window = NORMAL_QUANTILE * float(more.mean() - less.mean()) / 2
    lo = sampled.value - float(np.hypot(sampled.value - sampled.lo, of_window))
    most = sampled.value + float(np.hypot(sampled.hi - sampled.value, of_window))
    return {
        ABOVE_BEST: Interval(value=sampled.value, lo=max(lo, 0.0), hi=min(most, 1.0)),
        PROMISED_BEST: Interval(value=promised, lo=promised, hi=promised),
    }


def _published_rows(problem: ValueProblem, published: pd.DataFrame, *, horizon: str) -> Iterator[MetricRow]:
    observed, predicted, lo, hi = (
        published[name].to_numpy(dtype=np.float64)
        for name in ("outcome_amount", "predicted_value", "predicted_value_lo", "predicted_value_hi")
    )
    resamples = resamples_of(problem, published[CUSTOMER].to_numpy())
    most = largest_plausible(observed)
    found = percentile_intervals(
        amount_accuracy(np.minimum(observed, most), np.minimum(predicted, most), resamples)
    )
    found |= {"coverage": coverage(observed, lo, hi, resamples)}
    yield from interval_rows(found, observed, slice_name=HORIZON, slice_value=horizon)


def _published_groups(problem: ValueProblem, published: pd.DataFrame) -> pd.DataFrame:
    tested = published["period_sd"].iloc[0]
    observed = published["outcome_amount"].to_numpy(dtype=np.float64)
    most = largest_plausible(observed)
    return group_totals(
        np.minimum(observed, most),
        np.minimum(published["predicted_value"].to_numpy(dtype=np.float64), most),
        resamples_of(problem, published[CUSTOMER].to_numpy()),
        quarters=published["cohort"].to_numpy(dtype=object),
        period_sd=problem.criteria.usual_period_sd if pd.isna(tested) else float(tested),
    )


def _is_of(metrics: pd.DataFrame, days: int) -> "pd.Series[bool]":
    return (metrics["slice_name"] == HORIZON) & (metrics["slice_value"] == str(days))


def _keyed(rows: pd.DataFrame, key: MetricKey, types: Types) -> pd.DataFrame:
    return typed(rows.assign(**asdict(key)), types)
