"""Rows of ``ml.metrics`` of a segmentation."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace

import pandas as pd

from assets.lifecycle.capability import MetricKey
from assets.lifecycle.store.schemas import METRIC_TYPES, typed
from assets.metrics.bootstrap import NORMAL_QUANTILE, Interval
from assets.segments.clustering import KResult, Selection

SEGMENTS_TRIED = "segments"


def metric_rows(
    selection: Selection, *, key: MetricKey, differences: Mapping[str, tuple[Interval, int]]
) -> pd.DataFrame:
    """Every number of segments that was tried (split train), and the selected one over all customers.

    Args:
        selection: Results by number of segments.
        key: The candidate and its test split.
        differences: Differences against the champion and the customers compared, by metric.
    """
    train, test = asdict(replace(key, split="train")), asdict(key)
    rows = [
        {**train, "slice_name": SEGMENTS_TRIED, "slice_value": str(each.k), "n": each.n, **figure}
        for each in selection.results
        for figure in _figures(each)
    ]
    whole = {**test, "slice_name": "all", "slice_value": "all"}
    rows += [{**whole, "n": selection.best.n, **figure} for figure in _figures(selection.best)]
    rows += [{**whole, "n": n, **_figure(metric, value)} for metric, (value, n) in differences.items()]
    return typed([{**row, "n_positive": None} for row in rows], METRIC_TYPES)


def _figures(result: KResult) -> Iterator[dict[str, object]]:
    half_width = NORMAL_QUANTILE * result.stability_sd / result.draws**0.5
    stability = Interval(
        value=result.stability, lo=result.stability - half_width, hi=result.stability + half_width
    )
    yield _figure("stability_ari", stability)
    for metric, value in (("silhouette", result.silhouette), ("smallest_share", result.smallest_share)):
        yield {"metric": metric, "value": value, "ci_lo": None, "ci_hi": None}


def _figure(metric: str, interval: Interval) -> dict[str, object]:
    return {"metric": metric, "value": interval.value, "ci_lo": interval.lo, "ci_hi": interval.hi}
