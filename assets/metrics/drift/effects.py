"""Effect sizes of drift against a stored reference, each with its expectation without drift."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.metrics.drift.bands import counts_of, distance
from assets.metrics.drift.binning import Histogram, Kind
from assets.metrics.drift.divergence import (
    expected_jensen_shannon,
    expected_psi,
    jensen_shannon,
    population_stability,
    sampling_scale,
)
from assets.metrics.drift.reference import DriftReference, ReferenceFeature, ReferenceSlice
from assets.metrics.drift.sample import SCORE, Column, DriftSample, SliceRows, slices_of

UNDEFINED = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDrift:
    """Drift statistics of one feature in one slice.

    Missing values are a bin of their own, so that ``psi`` and ``js`` detect a lost column.

    Attributes:
        n, n_reference: Rows.
        customers, reference_customers: Independent customers among them; sampling error depends on these.
        bins: Bins that hold a row of either sample; 1 means that nothing can differ.
        psi: Population stability index, >= 0; ``nan`` when either sample has no rows, as are all below.
        psi_noise: Mean of ``psi`` without drift.
        psi_band: Its value between the champion's training dates, beyond chance.
        js, js_noise: Jensen-Shannon distance in [0, 1], and its root mean square without drift.
        wasserstein: Distance in standard deviations of the whole reference, ``nan`` for a feature that was
            constant or missing; for categories the share of customers that changed theirs.
        wasserstein_noise: Its sampling error.
        wasserstein_band: As ``psi_band``.
        missing_delta: Share of missing values, less that of the reference; in [-1, 1].
        unseen_share: Share of categories never seen in the reference, or of numbers outside its range.
    """

    slice_name: str
    slice_value: str
    feature: str
    kind: Kind
    n: int
    n_reference: int
    customers: float
    reference_customers: float
    bins: int
    psi: float
    psi_noise: float
    psi_band: float
    js: float
    js_noise: float
    wasserstein: float
    wasserstein_noise: float
    wasserstein_band: float
    missing_delta: float
    unseen_share: float


def effects_of(observed: DriftSample, reference: DriftReference) -> tuple[FeatureDrift, ...]:
    """Drift of each feature of the reference, over all rows and in each of its slices.

    A slice value that the reference does not have is not compared: over all rows, its customers show as drift
    of the column that defines the slice. One column is held in memory at a time.

    Args:
        observed: Rows of the as-of dates to be compared, usually one. Its slices are those of the reference.
        reference: Of the champion.

    Raises:
        KeyError: when a feature of the reference is missing.
        ValueError: when there are no rows, or a number is infinite.

    >>> from assets.metrics.drift.reference import reference_of
    >>> then, now = (
    ...     DriftSample(
    ...         features=pd.DataFrame({"country": countries}),
    ...         score=None,
    ...         customers=np.arange(4),
    ...         as_of=np.full(4, np.datetime64("2024-01-01")),
    ...         slices={},
    ...     )
    ...     for countries in (["UK", "UK", "DE", "DE"], ["UK", "UK", "UK", "FR"])
    ... )
    >>> (effect,) = effects_of(now, reference_of(then))
    >>> effect.wasserstein, effect.unseen_share
    (0.5, 0.25)
    """
    if len(observed) == 0:
        raise ValueError("drift needs at least one row")
    slices_found = {(each.slice_name, each.slice_value): each for each in slices_of(observed)}
    found: list[FeatureDrift] = []
    for feature in reference.features:
        found += _effects(feature, _values(observed, feature), slices_found=slices_found)
    return tuple(found)


def _values(observed: DriftSample, feature: ReferenceFeature) -> pd.Series:
    if feature.kind != "score":
        return observed.features[feature.name]
    if observed.score is None:
        raise KeyError(f"the reference has a {SCORE!r}, the rows to compare have none")
    return pd.Series(observed.score, name=SCORE, copy=False)


def _effects(
    feature: ReferenceFeature, values: pd.Series, *, slices_found: Mapping[tuple[str, str], SliceRows]
) -> list[FeatureDrift]:
    column = Column.of(values, kind=feature.kind, bins=feature.bins)
    return [
        _effect(
            feature,
            was,
            now=(found := column.histogram_of(slice_rows.rows)),
            customers=slice_rows.behind(found),
        )
        for was in feature.slices
        if (slice_rows := slices_found.get((was.slice_name, was.slice_value))) is not None
    ]


def _effect(
    feature: ReferenceFeature, was: ReferenceSlice, *, now: Histogram, customers: float
) -> FeatureDrift:
    distances = _distances(feature, was.histogram, now=now) if was.histogram.n and now.n else _NO_DISTANCES
    scale, bins = sampling_scale(customers, was.customers), _bins_filled(was.histogram, now)
    unit = feature.unit if feature.unit > 0 else UNDEFINED
    return FeatureDrift(
        slice_name=was.slice_name,
        slice_value=was.slice_value,
        feature=feature.name,
        kind=feature.kind,
        n=now.n,
        n_reference=was.histogram.n,
        customers=customers,
        reference_customers=was.customers,
        bins=bins,
        psi=distances["psi"],
        psi_noise=expected_psi(bins, scale),
        psi_band=was.psi_band,
        js=distances["js"],
        js_noise=expected_jensen_shannon(bins, scale),
        wasserstein=distances["moved"] / unit,
        wasserstein_noise=was.histogram.sd / unit * float(np.sqrt(scale)),
        wasserstein_band=was.wasserstein_band,
        missing_delta=distances["missing"],
        unseen_share=distances["unseen"],
    )


_NO_DISTANCES = dict.fromkeys(("psi", "js", "moved", "missing", "unseen"), UNDEFINED)


def _distances(feature: ReferenceFeature, was: Histogram, *, now: Histogram) -> dict[str, float]:
    reference, current = counts_of(was), counts_of(now)
    return {
        "psi": population_stability(reference, current),
        "js": jensen_shannon(reference, current),
        "moved": distance(feature.bins, was, now),
        "missing": now.counts[-1] / now.n - was.counts[-1] / was.n,
        # With more names than are stored, the reference has a share of unseen ones itself.
        "unseen": max(now.outside / now.n - was.outside / was.n, 0.0),
    }


def _bins_filled(was: Histogram, now: Histogram) -> int:
    return int(np.count_nonzero(counts_of(was) + counts_of(now)))
