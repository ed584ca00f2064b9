"""The rows that drift is looked for in: features and score of some mornings, whole and slice by slice."""

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
    """Rows of one or more as-of mornings, with all that drift is looked for in.

    Attributes:
        features: (n, k) frame; numbers, and categories as text or flags.
        score: (n,) calibrated probability in [0, 1], ``nan`` where there is none (those rows are left out
            of the score and of nothing else); ``None`` to leave the score out. Give it without the level
            shift of the day, which moves with the season by design, and for a reference only of rows the
            model was not fitted on: it is surer of those it knows.
        customers: (n,) ids, of any type.
        as_of: (n,) ``datetime64[D]``.
        slices: The value of each slice for each row, as (n,) of text.
    """

    features: pd.DataFrame
    score: Floats | None
    customers: npt.NDArray[np.generic]
    as_of: npt.NDArray[np.datetime64]
    slices: Mapping[str, Texts]

    def __len__(self) -> int:
        return len(self.features)

    def columns(self) -> Iterator[tuple[str, Kind, pd.Series]]:
        """Name, kind and values of each feature, then of the score."""
        for name in self.features.columns:
            column = self.features[name]
            yield str(name), "numeric" if is_number(column) else "categorical", column
        if self.score is not None:
            yield SCORE, "score", pd.Series(self.score, name=SCORE, copy=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRows:
    """Rows that are compared as one.

    Attributes:
        rows: (n,) positions; ``None`` means every row, without a copy.
        n: Rows.
        customers: Independent customers: ``(sum of r)² / sum of r²`` for customers with r rows each.
    """

    slice_name: str
    slice_value: str
    rows: Ints | None
    n: int
    customers: float

    def behind(self, found: Histogram) -> float:
        """Independent customers behind ``found``, which may have left rows without a score out."""
        return max(self.customers * found.n / self.n, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column made ready to be counted again and again.

    Attributes:
        values: (n,) as :func:`placed` returns them.
    """

    kind: Kind
    bins: Bins
    values: Placed

    @classmethod
    def of(cls, values: pd.Series, *, kind: Kind, bins: Bins) -> "Column":
        """Place ``values`` (n,) into ``bins`` that an earlier sample may have defined."""
        return cls(kind=kind, bins=bins, values=placed(values, bins))

    def histogram_of(self, rows: Ints | None) -> Histogram:
        """Count the rows at these positions; every row when ``None``."""
        part = self.values if rows is None else self.values[rows]
        # A customer without a score was not scored; a customer without a value is one of the missing.
        return histogram_of(part[~np.isnan(part)] if self.kind == "score" else part, self.bins)


def slices_of(observed: DriftSample) -> list[SliceRows]:
    """Everybody first, then each value of each slice.

    Source: Kish 1965, Survey Sampling, 8.2, for the design effect of rows that repeat customers, with a
    correlation of 1 within a customer: weekly rows of the same features nearly repeat themselves. Too few
    customers rather than too many.
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
