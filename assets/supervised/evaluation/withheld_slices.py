"""Slices whose probabilities are surely off: found in recorded metrics, withheld among the rows to score."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy import stats

from assets.features.groups import Slice
from assets.features.matrix import AS_OF
from assets.keys import METRICS
from assets.lifecycle.cohort import INELIGIBLE, WITHHELD_SLICE
from assets.lifecycle.realised import WINDOW
from assets.lifecycle.store.metric_lookup import Recorded, recorded
from assets.metrics.bootstrap import NORMAL_QUANTILE
from assets.ports import Warehouse
from assets.supervised.evaluation.slices import rows_of_slice
from assets.supervised.problem import PromotionCriteria

# Accepted share of sound slices among those that are found to be off.
FALSE_DISCOVERIES = 0.05
# A version whose rows are mostly in slices that are off has no rows to publish beside them.
LARGEST_SHARE_OFF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceOff:
    """A slice that was found to be off.

    Attributes:
        name: Name of the slice.
        value: Its value.
        known: Every value that the slice had where it was found; all others are ``other``.
        reason: The finding in words.
    """

    name: str
    value: str
    known: frozenset[str]
    reason: str

    @property
    def where(self) -> str:
        """Name and value, as text."""
        return f"{self.name} = {self.value}"


def slices_off(metrics: pd.DataFrame, *, criteria: PromotionCriteria) -> list[SliceOff]:
    """Slices off by more than the tolerance, by a test with 5 % false discoveries among those found.

    Source: Benjamini & Hochberg 1995. A slice's interval holds sampling error and its own periods.

    Args:
        metrics: Rows (n, k) of ``ml.metrics`` of one version, split and date.
        criteria: Tolerance, and the cases below which a slice is not evaluated.
    """
    judged = _judged(metrics, criteria)
    if not judged:
        return []
    excess = np.array([abs(row.interval.value) - criteria.slice_tolerance for row in judged])
    errors = np.array([(row.interval.hi - row.interval.lo) / (2 * NORMAL_QUANTILE) for row in judged])
    found = stats.false_discovery_control(stats.norm.sf(excess / errors)) <= FALSE_DISCOVERIES
    known: dict[str, set[str]] = {}
    for row in recorded(metrics, "relative_shift"):
        known.setdefault(row.slice_name, set()).add(row.slice_value)
    return [
        SliceOff(
            name=row.slice_name,
            value=row.slice_value,
            known=frozenset(known[row.slice_name]),
            reason=f"{row.where} is off by {row.interval} log-odds beyond the overall shift, more than "
            f"{criteria.slice_tolerance}, sampling error and its own periods (n {row.n}, outcomes "
            f"{row.n_positive})",
        )
        for row, is_off in zip(judged, found, strict=True)
        if is_off
    ]


def mostly_off(metrics: pd.DataFrame, *, criteria: PromotionCriteria) -> Iterator[str]:
    """Reason against a whole version: slices that hold more than half of its rows are off.

    Args:
        metrics: As of :func:`slices_off`.
        criteria: As of :func:`slices_off`.
    """
    off = slices_off(metrics, criteria=criteria)
    rows = list(recorded(metrics, "relative_shift"))
    for name in dict.fromkeys(each.name for each in off):
        values = {each.value for each in off if each.name == name}
        of_slice = [row for row in rows if row.slice_name == name]
        share = sum(row.n for row in of_slice if row.slice_value in values) / sum(row.n for row in of_slice)
        if share > LARGEST_SHARE_OFF:
            reasons = "; ".join(each.reason for each in off if each.name == name)
            yield f"{share:.0%} of the rows are in slices that are off: {reasons}"


def withheld_slices(
    warehouse: Warehouse, *, version: str, as_of: date, criteria: PromotionCriteria
) -> list[SliceOff]:
    """Slices of a version that are withheld on ``as_of``.

    The newest evaluation with enough cases of a slice decides: first the test fold, then each window of
    published rows. A withheld slice publishes nothing, so it stays withheld until another version serves.

    Args:
        warehouse: Holds ``ml.metrics``.
        version: The version.
        as_of: Date of the rows; later evaluations are not read.
        criteria: As of :func:`slices_off`.
    """
    rows = warehouse.read(
        f"select * from {METRICS.sql} where model_version = $version and metric = 'relative_shift' "
        f"and (split = 'test' or split = $window and {AS_OF} <= $as_of) order by {AS_OF} nulls first",
        {"version": version, "window": WINDOW, "as_of": as_of},
    )
    found: dict[tuple[str, str], SliceOff] = {}
    for _, metrics in rows.groupby(AS_OF, dropna=False, sort=False):
        for row in _judged(metrics, criteria):
            found.pop((row.slice_name, row.slice_value), None)
        found |= {(each.name, each.value): each for each in slices_off(metrics, criteria=criteria)}
    return list(found.values())


def mark_withheld(
    features: pd.DataFrame, slices: Sequence[Slice], *, off: Sequence[SliceOff]
) -> pd.DataFrame:
    """``features`` with the reason of the rows in slices that are off; other reasons take precedence.

    Args:
        features: Rows (n, k) of the cohort with ``ineligible_reason``.
        slices: The slices of the problem.
        off: Those to withhold.
    """
    by: Mapping[str, Slice] = {each.name: each for each in slices}
    reason = features[INELIGIBLE].astype("string")
    for each in off:
        if each.name in by:
            rows = rows_of_slice(features, by[each.name], each.value, known=each.known)
            reason = reason.mask(pd.Series(rows, index=features.index) & reason.isna(), _reason(each))
    return features.assign(**{INELIGIBLE: reason})


def _reason(off: SliceOff) -> str:
    return f"{WITHHELD_SLICE}: {off.where}"


def _judged(metrics: pd.DataFrame, criteria: PromotionCriteria) -> list[Recorded]:
    return [
        row
        for row in recorded(metrics, "relative_shift")
        if row.slice_name not in ("all", AS_OF) and row.cases >= criteria.smallest_slice_cases
    ]
