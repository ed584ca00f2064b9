"""What a champion's training window looked like: small enough to lie beside the model, as JSON."""

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
# The index of fewer customers is mostly noise, in a training week as in a slice of this morning.
FEWEST_CUSTOMERS = 100

# What json.loads returns: the fields of the dataclasses below, checked by their constructors.
_Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSlice:
    """One feature in one slice, over the whole training window.

    Attributes:
        customers: Independent customers behind the tally.
        psi_band, wasserstein_band: How far the champion's own training mornings lay from the others: the
            greatest of them, less what chance explains. It is the season and the growth that the model has
            already seen; 0 with a single morning. The second is in units of the feature.
    """

    slice_name: str
    slice_value: str
    customers: float
    histogram: Histogram
    psi_band: float
    wasserstein_band: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFeature:
    """One feature: its bins, taken over everybody, and how each slice fell into them, everybody first."""

    name: str
    kind: Kind
    bins: Bins
    slices: tuple[ReferenceSlice, ...]

    @property
    def unit(self) -> float:
        """What distances are told in; 0 when the feature was constant or missing."""
        return unit_of(self.bins, self.slices[0].histogram)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReference:
    """The champion's training window, summarised.

    Attributes:
        n_rows: Rows; a customer has one per as-of morning.
        n_customers: Different customers.
        mornings: As-of days, ISO, oldest first.
        features: In the order of the frame, the score last.
    """

    version: int
    n_rows: int
    n_customers: int
    as_of_dates: tuple[str, ...]
    features: tuple[ReferenceFeature, ...]

    def to_json(self) -> str:
        """The whole reference; :meth:`from_json` gives back an equal one."""
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
    """A segment, with the positions of its rows morning by morning."""

    slice_rows: SliceRows
    as_of_dates: tuple[Ints, ...]


def reference_of(observed: DriftSample) -> DriftReference:
    """Summarise the rows a champion was trained on.

    With a year of mornings the bands hold a year's season; with less, a season the model has not seen is
    drift, and rightly so.

    Raises:
        ValueError: when there are no rows, or a number is infinite.
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
    """Positions of the segment's rows of each morning that has enough customers to be compared.

    Nothing when there is but one morning, which would be compared with itself.
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
    weekly = [found for rows in part.as_of_dates if 0 < (found := column.histogram_of(rows)).n < whole.n]
    customers = slice_rows.behind(whole)
    moved = wasserstein_band(column.bins, whole, as_of_dates=weekly, customers=customers)
    return ReferenceSlice(
        slice_name=slice_rows.slice_name,
        slice_value=slice_rows.slice_value,
        customers=customers,
        histogram=whole,
        psi_band=psi_band(whole, weekly, customers=customers),
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
