"""What a champion's training window looked like: small enough to lie beside the model, as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from assets.metrics.arrays import Ints
from assets.metrics.drift.bands import psi_band, unit_of, wasserstein_band
from assets.metrics.drift.binning import Bins, CategoryBins, Histogram, Kind, NumericBins, bins_of
from assets.metrics.drift.sample import Column, DriftSample, SliceRows, segments_of

VERSION = 1
# The index of fewer customers is mostly noise, in a training week as in a slice of this morning.
FEWEST_CUSTOMERS = 100

# What json.loads returns: the fields of the dataclasses below, checked by their constructors.
_Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSegment:
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
    tally: Histogram
    psi_band: float
    wasserstein_band: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFeature:
    """One feature: its bins, taken over everybody, and how each slice fell into them, everybody first."""

    name: str
    kind: Kind
    bins: Bins
    segments: tuple[ReferenceSegment, ...]

    @property
    def unit(self) -> float:
        """What distances are told in; 0 when the feature was constant or missing."""
        return unit_of(self.bins, self.segments[0].tally)


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
    mornings: tuple[str, ...]
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
        return cls(**{**read, "mornings": tuple(read["mornings"]), "features": features})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A segment, with the positions of its rows morning by morning."""

    segment: SliceRows
    mornings: tuple[Ints, ...]


def reference_of(observed: DriftSample) -> DriftReference:
    """Summarise the rows a champion was trained on.

    With a year of mornings the bands hold a year's season; with less, a season the model has not seen is
    drift, and rightly so.

    Raises:
        ValueError: when there are no rows, or a number is infinite.
    """
    if len(observed) == 0:
        raise ValueError("a drift reference needs at least one row")
    mornings, morning = np.unique(observed.as_of, return_inverse=True)
    segments = segments_of(observed)
    parts = [_Part(segment=each, mornings=_by_morning(each, morning)) for each in segments]
    return DriftReference(
        version=VERSION,
        n_rows=len(observed),
        n_customers=len(set(observed.customers.tolist())),
        mornings=tuple(str(day) for day in mornings.astype("datetime64[D]")),
        features=tuple(
            _summarised(name, Column.of(column, kind=kind, bins=bins_of(column)), parts=parts)
            for name, kind, column in observed.columns()
        ),
    )


def _by_morning(segment: SliceRows, morning: Ints) -> tuple[Ints, ...]:
    """Positions of the segment's rows of each morning that has enough customers to be compared.

    Nothing when there is but one morning, which would be compared with itself.
    """
    rows = np.arange(morning.size) if segment.rows is None else segment.rows
    ordered = rows[np.argsort(morning[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(morning[ordered])) + 1
    parts = np.split(ordered, starts) if starts.size else []
    return tuple(part for part in parts if part.size >= FEWEST_CUSTOMERS)


def _summarised(name: str, column: Column, *, parts: Sequence[_Part]) -> ReferenceFeature:
    unit = unit_of(column.bins, column.tallied(None))
    return ReferenceFeature(
        name=name,
        kind=column.kind,
        bins=column.bins,
        segments=tuple(_reference_segment(part, column, unit=unit) for part in parts),
    )


def _reference_segment(part: _Part, column: Column, *, unit: float) -> ReferenceSegment:
    segment, whole = part.segment, column.tallied(part.segment.rows)
    weekly = [found for rows in part.mornings if 0 < (found := column.tallied(rows)).n < whole.n]
    customers = segment.behind(whole)
    moved = wasserstein_band(column.bins, whole, mornings=weekly, customers=customers)
    return ReferenceSegment(
        slice_name=segment.slice_name,
        slice_value=segment.slice_value,
        customers=customers,
        tally=whole,
        psi_band=psi_band(whole, weekly, customers=customers),
        wasserstein_band=moved / unit if unit > 0 else 0.0,
    )


def _feature(read: _Json) -> ReferenceFeature:
    kind_of_bins = NumericBins if "edges" in read["bins"] else CategoryBins
    segments = tuple(
        ReferenceSegment(**{**each, "tally": Histogram(**_with_tuples(each["tally"]))})
        for each in read["segments"]
    )
    bins = kind_of_bins(**_with_tuples(read["bins"]))
    return ReferenceFeature(**{**read, "bins": bins, "segments": segments})


def _with_tuples(read: _Json) -> _Json:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in read.items()}
