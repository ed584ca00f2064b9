"""Rows compared for drift: features and score of some as-of dates, as a whole and by slice."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from assets.metrics.arrays import Floats, Ints, Texts
from assets.metrics.drift.binning import Bins, Histogram, Kind, Placed, histogram_of, is_number, placed

ALL = "all"
SCORE = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSample:
    """Rows of one or more as-of dates that are compared for drift.

    Attributes:
        features: (n, k) frame; numbers, and categories as text or flags.
        score: (n,) calibrated probability in [0, 1], ``nan`` where there is none (those rows are left out
            of the score and of nothing else); ``None`` to leave the score out. Without the prior shift of the
            date, which moves with the season by design, and for a reference only of rows that the model was
            not fitted on: scores of fitted rows are more extreme.
        customers: (n,) ids, of any type.
        as_of: (n,) ``datetime64[D]``.
        slices: Value of each slice for each row, (n,) of text by name of the slice.
    """

    features: pd.DataFrame
    score: Floats | None
    customers: npt.NDArray[np.generic]
    as_of: npt.NDArray[np.datetime64]
    slices: Mapping[str, Texts]

    def __len__(self) -> int:
        return len(self.features)

    def columns(self) -> Iterator[tuple[str, Kind, pd.Series]]:
        """Name, kind and values (n,) of each feature, then of the score."""
        for name in self.features.columns:
            column = self.features[name]
            yield str(name), "numeric" if is_number(column) else "categorical", column
        if self.score is not None:
            yield SCORE, "score", pd.Series(self.score, name=SCORE, copy=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRows:
    """Rows of one value of a slice.

    Attributes:
        rows: (n,) positions; ``None`` means every row, without a copy.
        n: Number of rows.
        customers: Independent customers: ``(sum of r)² / sum of r²`` for customers with r rows each.
    """

    slice_name: str
    slice_value: str
    rows: Ints | None
    n: int
    customers: float

    def behind(self, found: Histogram) -> float:
        """Independent customers of ``found``, which may have fewer rows: those without a score are left out.

        >>> whole = SliceRows(slice_name="all", slice_value="all", rows=None, n=8, customers=4.0)
        >>> whole.behind(Histogram(counts=(4, 2), outside=0, means=(), sd=0.5))
        3.0
        """
        return max(self.customers * found.n / self.n, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column prepared for the histograms of many subsets of its rows.

    Attributes:
        kind: Number, category or score.
        bins: Bins of all histograms.
        values: (n,) as :func:`placed` returns them.
    """

    kind: Kind
    bins: Bins
    values: Placed

    @classmethod
    def of(cls, values: pd.Series, *, kind: Kind, bins: Bins) -> "Column":
        """Prepare ``values`` for ``bins``, which an earlier sample may have defined.

        Args:
            values: (n,) the column.
            kind: Number, category or score.
            bins: Bins of all histograms.

        >>> from assets.metrics.drift.binning import CategoryBins
        >>> country = pd.Series(["UK", "DE", "UK"])
        >>> Column.of(country, kind="categorical", bins=CategoryBins(kept=("UK",), rare=())).values.tolist()
        [0, 2, 0]
        """
        return cls(kind=kind, bins=bins, values=placed(values, bins))

    def histogram_of(self, rows: Ints | None) -> Histogram:
        """Histogram of the rows at the positions ``rows`` (k,); of every row when ``None``.

        >>> from assets.metrics.drift.binning import CategoryBins
        >>> bins = CategoryBins(kept=("UK",), rare=())
        >>> country = Column.of(pd.Series(["UK", "DE", "UK"]), kind="categorical", bins=bins)
        >>> country.histogram_of(np.array([0, 2])).counts
        (2, 0, 0, 0)
        """
        part = self.values if rows is None else self.values[rows]
        # A customer without a score was not scored; a feature without a value is counted as missing.
        return histogram_of(part[~np.isnan(part)] if self.kind == "score" else part, self.bins)


def slices_of(observed: DriftSample) -> list[SliceRows]:
    """All rows first, then each value of each slice.

    Source: Kish 1965, Survey Sampling, 8.2, for the design effect of rows that repeat customers, with a
    correlation of 1 within a customer: weekly rows of the same features are nearly equal. Too few customers
    rather than too many.

    One customer with three rows and one with one: 4² / (9 + 1) independent customers.

    >>> sample = DriftSample(
    ...     features=pd.DataFrame(index=range(4)),
    ...     score=None,
    ...     customers=np.array(["ann", "ann", "ann", "bob"]),
    ...     as_of=np.full(4, np.datetime64("2024-01-01")),
    ...     slices={"country": np.array(["UK", "UK", "UK", "DE"], dtype=object)},
    ... )
    >>> [(each.slice_value, each.n, each.customers) for each in slices_of(sample)]
    [('all', 4, 1.6), ('DE', 1, 1.0), ('UK', 3, 1.0)]
    """
    codes, _ = pd.factorize(observed.customers)
    found = [_slice_rows(ALL, ALL, rows=None, codes=codes)]
    for name, values in observed.slices.items():
        places, labels = pd.factorize(values, sort=True)
        found += [
            _slice_rows(name, str(label), rows=np.flatnonzero(places == place), codes=codes)
            for place, label in enumerate(labels)
        ]
    return found


def _slice_rows(
    slice_name: str, slice_value: str, *, rows: Ints | None, codes: npt.NDArray[np.integer]
) -> SliceRows:
    repeats = np.bincount(codes if rows is None else codes[rows]).astype(np.float64)
    n = repeats.sum()
    return SliceRows(
        slice_name=slice_name,
        slice_value=slice_value,
        rows=rows,
        n=int(n),
        customers=float(n**2 / max(float(repeats @ repeats), 1.0)),
    )
