"""Drift reference: histograms of a champion's training window, small enough to store beside the model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from assets.metrics.arrays import Ints
from assets.metrics.drift.bands import psi_band, unit_of, wasserstein_band
from assets.metrics.drift.binning import Bins, CategoryBins, Histogram, Kind, NumericBins, bins_of
from assets.metrics.drift.sample import Column, DriftSample, SliceRows, slices_of

VERSION = 2
# The index of fewer customers is mostly noise, in a training week as in a slice of the current as-of date.
FEWEST_CUSTOMERS = 100

# Result of json.loads: the fields of the dataclasses below, checked by their constructors.
_Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSlice:
    """One feature in one slice, over the whole training window.

    Attributes:
        customers: Independent customers of the histogram.
        histogram: Rows per bin.
        psi_band, wasserstein_band: Largest distance of one of the champion's training dates to the others,
            less the part due to chance: the season and the growth that the model has already seen; 0 with a
            single date. The second is in units of the feature.
    """

    slice_name: str
    slice_value: str
    customers: float
    histogram: Histogram
    psi_band: float
    wasserstein_band: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFeature:
    """One feature: its bins, defined by all rows, and the histogram of each slice, that of all rows first."""

    name: str
    kind: Kind
    bins: Bins
    slices: tuple[ReferenceSlice, ...]

    @property
    def unit(self) -> float:
        """Unit of distances; 0 when the feature was constant or missing."""
        return unit_of(self.bins, self.slices[0].histogram)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReference:
    """Summary of the champion's training window.

    Attributes:
        version: Layout of the stored JSON.
        n_rows: Rows; a customer has one per as-of date.
        n_customers: Different customers.
        as_of_dates: As-of dates, ISO, oldest first.
        features: In the order of the frame, the score last.
    """

    version: int
    n_rows: int
    n_customers: int
    as_of_dates: tuple[str, ...]
    features: tuple[ReferenceFeature, ...]

    def to_json(self) -> str:
        """The whole reference; :meth:`from_json` returns an equal one."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "DriftReference":
        """Read what :meth:`to_json` wrote.

        Raises:
            ValueError: when another version of this module wrote it.
        """
        read = json.loads(text)
        if read["version"] != VERSION:
            raise ValueError(f"the drift reference has version {read['version']}; this code reads {VERSION}")
        features = tuple(_feature(each) for each in read["features"])
        return cls(**{**read, "as_of_dates": tuple(read["as_of_dates"]), "features": features})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A slice, with the positions of its rows by as-of date."""

    slice_rows: SliceRows
    as_of_dates: tuple[Ints, ...]


def reference_of(observed: DriftSample) -> DriftReference:
    """Summarise the rows that a champion was trained on.

    With a year of as-of dates the bands contain a year's season; with less, a season that the model has not
    seen counts as drift, as it should.

    Raises:
        ValueError: when there are no rows, or a number is infinite.

    >>> import pandas as pd
    >>> sample = DriftSample(
    ...     features=pd.DataFrame({"country": ["UK", "UK", "DE"]}),
    ...     score=None,
    ...     customers=np.array(["ann", "bob", "cat"]),
    ...     as_of=np.full(3, np.datetime64("2024-01-01")),
    ...     slices={},
    ... )
    >>> reference = reference_of(sample)
    >>> reference.as_of_dates, reference.features[0].slices[0].histogram.counts
    (('2024-01-01',), (2, 1, 0, 0, 0))
    """
    if len(observed) == 0:
        raise ValueError("a drift reference needs at least one row")
    as_of_dates, date_index = np.unique(observed.as_of, return_inverse=True)
    slices = slices_of(observed)
    parts = [_Part(slice_rows=each, as_of_dates=_rows_by_date(each, date_index)) for each in slices]
    return DriftReference(
        version=VERSION,
        n_rows=len(observed),
        n_customers=len(set(observed.customers.tolist())),
        as_of_dates=tuple(str(day) for day in as_of_dates.astype("datetime64[D]")),
        features=tuple(
            _summarised(name, Column.of(column, kind=kind, bins=bins_of(column)), parts=parts)
            for name, kind, column in observed.columns()
        ),
    )


def _rows_by_date(slice_rows: SliceRows, date_index: Ints) -> tuple[Ints, ...]:
    """Positions of the slice's rows on each as-of date that has enough customers to be compared.

    Empty with a single date, which would be compared with itself.
    """
    rows = np.arange(date_index.size) if slice_rows.rows is None else slice_rows.rows
    ordered = rows[np.argsort(date_index[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(date_index[ordered])) + 1
    parts = np.split(ordered, starts) if starts.size else []
    return tuple(part for part in parts if part.size >= FEWEST_CUSTOMERS)


def _summarised(name: str, column: Column, *, parts: Sequence[_Part]) -> ReferenceFeature:
    unit = unit_of(column.bins, column.histogram_of(None))
    return ReferenceFeature(
        name=name,
        kind=column.kind,
        bins=column.bins,
        slices=tuple(_reference_slice(part, column, unit=unit) for part in parts),
    )


def _reference_slice(part: _Part, column: Column, *, unit: float) -> ReferenceSlice:
    slice_rows, whole = part.slice_rows, column.histogram_of(part.slice_rows.rows)
    by_date = [found for rows in part.as_of_dates if 0 < (found := column.histogram_of(rows)).n < whole.n]
    customers = slice_rows.behind(whole)
    moved = wasserstein_band(column.bins, whole, parts=by_date, customers=customers)
    return ReferenceSlice(
        slice_name=slice_rows.slice_name,
        slice_value=slice_rows.slice_value,
        customers=customers,
        histogram=whole,
        psi_band=psi_band(whole, by_date, customers=customers),
        wasserstein_band=moved / unit if unit > 0 else 0.0,
    )


def _feature(read: _Json) -> ReferenceFeature:
    kind_of_bins = NumericBins if "edges" in read["bins"] else CategoryBins
    slices = tuple(
        ReferenceSlice(**{**each, "histogram": Histogram(**_with_tuples(each["histogram"]))})
        for each in read["slices"]
    )
    bins = kind_of_bins(**_with_tuples(read["bins"]))
    return ReferenceFeature(**{**read, "bins": bins, "slices": slices})


def _with_tuples(read: _Json) -> _Json:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in read.items()}
