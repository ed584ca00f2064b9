"""Bins defined by one sample of a column, and histograms of other samples in the same bins."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from assets.metrics.arrays import Floats, Ints

Kind = Literal["numeric", "categorical", "score"]
# Rows prepared for counting: the numbers themselves, or the bin of each category.
Placed = npt.NDArray[np.float32] | Ints
# Sixteenths: fine enough to see a moved tail, coarse enough that chance adds only 15/n to the index.
BINS = 16
# Groups of equal size whose means represent the quantile function: the top 3 % are one of them.
GROUPS = 32
# At most as many categories as numeric bins; one below 1 % of the rows would mostly add noise.
MOST_KEPT = 15
SMALLEST_KEPT_SHARE = 0.01
# Further names are not stored: the reference would grow with the shop.
MOST_NAMED = 1_000
# Value of a missing category in the rows that a model is fitted on.
MISSING_CATEGORY = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericBins:
    """Bins closed on the right: ``(-inf, edges[0]], (edges[0], edges[1]], … (edges[-1], inf)``, and missing.

    Attributes:
        edges: Rising; values of the first sample, so that equal values share a bin. Empty when it had none.
        lowest, highest: Range of the first sample, 0 and 0 when it had no value.
    """

    edges: tuple[float, ...]
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryBins:
    """One bin per name ``kept``, then all ``rare`` ones, the unseen ones, and missing.

    With more than 1,000 names the rarest are not in ``rare`` and count as unseen, in the first sample too.
    """

    kept: tuple[str, ...]
    rare: tuple[str, ...]


Bins = NumericBins | CategoryBins


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Rows per bin of one sample.

    Attributes:
        counts: Rows per bin, the missing values last.
        outside: Rows with a category that the first sample did not have, or with a number outside its range.
        means: Means of 32 groups of equal size in rising order; empty for categories, or without a number.
        sd: Standard deviation of the numbers, 0 when there are none; for categories 0.5, the largest standard
            deviation of a membership indicator.
    """

    counts: tuple[int, ...]
    outside: int
    means: tuple[float, ...]
    sd: float

    @property
    def n(self) -> int:
        """All rows, missing values included.

        >>> Histogram(counts=(3, 1, 2), outside=0, means=(), sd=0.5).n
        6
        """
        return sum(self.counts)


def is_number(column: pd.Series) -> bool:
    """Whether a column (n,) is compared as numbers; flags and texts are categories.

    >>> is_number(pd.Series([1, 2])), is_number(pd.Series([True, False])), is_number(pd.Series(["a"]))
    (True, False, False)
    """
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def bins_of(column: pd.Series) -> Bins:
    """Bins defined by ``column`` (n,): sixteenths of its numbers, or its frequent categories.

    >>> bins_of(pd.Series(["UK", "UK", "DE", None]))
    CategoryBins(kept=('UK', 'DE'), rare=())
    """
    return numeric_bins(numbers(column)) if is_number(column) else _category_bins(column)


def numbers(column: pd.Series) -> npt.NDArray[np.float32]:
    """``column`` in single precision, ``nan`` where it holds no number.

    Single precision, so that a frame of float32 has the same histogram as one of float64: 0.1 differs between
    the two. It also sorts three times as fast. A text that is not a number counts as missing: monitoring
    should report a broken column and not fail on it.

    Args:
        column: (n,) of any type.

    Returns:
        (n,) finite numbers and ``nan``.

    Raises:
        ValueError: when a number is infinite.

    >>> numbers(pd.Series(["1.5", "two", None])).tolist()
    [1.5, nan, nan]
    """
    readable = column if is_number(column) else pd.to_numeric(column, errors="coerce")
    with np.errstate(over="ignore"):
        values = readable.to_numpy(dtype=np.float64, na_value=np.nan).astype(np.float32)
    if np.isinf(values).any():
        raise ValueError(f"{column.name} is infinite, or beyond 3e38, in {int(np.isinf(values).sum())} rows")
    return values


def numeric_bins(values: npt.NDArray[np.float32]) -> NumericBins:
    """Sixteenths of ``values`` (n,), in which ``nan`` means missing.

    A value with more than a sixteenth of the rows, such as the zeros of a count, has a bin of its own: an
    edge just below it separates smaller values.

    >>> numeric_bins(np.arange(16, dtype=np.float32)).edges[:3]
    (0.0, 1.0, 2.0)
    >>> numeric_bins(np.full(9, 4, dtype=np.float32)).edges
    (3.999999761581421, 4.0)
    """
    ordered = np.sort(values[~np.isnan(values)])
    if ordered.size == 0:
        return NumericBins(edges=(), lowest=0.0, highest=0.0)
    places = np.ceil(np.arange(1, BINS) / BINS * ordered.size).astype(np.int64) - 1
    cuts = ordered[np.maximum(places, 0)]
    heavy = cuts[:-1][cuts[:-1] == cuts[1:]]
    edges = np.unique(np.concatenate([cuts, np.nextafter(heavy, np.float32(-np.inf))]))
    return NumericBins(
        edges=tuple(edges.astype(np.float64).tolist()),
        lowest=float(ordered[0]),
        highest=float(ordered[-1]),
    )


def _category_bins(column: pd.Series) -> CategoryBins:
    rows = column.astype(object).where(column.notna(), MISSING_CATEGORY).map(str).value_counts()
    known = rows.drop(MISSING_CATEGORY, errors="ignore").sort_index(kind="stable")
    names = known.sort_values(ascending=False, kind="stable").iloc[:MOST_NAMED]
    is_kept = (np.arange(len(names)) < MOST_KEPT) & (names.to_numpy() >= SMALLEST_KEPT_SHARE * len(column))
    return CategoryBins(kept=tuple(names.index[is_kept]), rare=tuple(names.index[~is_kept]))


def placed(column: pd.Series, bins: Bins) -> Placed:
    """Input of :func:`histogram_of`: the numbers, or the bin of each category.

    Args:
        column: (n,) values.
        bins: Bins that this or another sample defined.

    Returns:
        (n,) numbers in single precision, or bin codes.

    The bins are UK, DE, rare, unseen and missing:

    >>> placed(pd.Series(["DE", "UK", "FR", None]), CategoryBins(kept=("UK", "DE"), rare=())).tolist()
    [1, 0, 3, 4]
    """
    match bins:
        case NumericBins():
            return numbers(column)
        case CategoryBins():
            return _codes(column, bins)


def _codes(column: pd.Series, bins: CategoryBins) -> Ints:
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, names = column.cat.codes.to_numpy(), column.cat.categories
    else:
        codes, names = pd.factorize(column)
    rare, unseen, missing = (len(bins.kept) + place for place in range(3))
    bin_of_name = {
        **dict.fromkeys(bins.rare, rare),
        **{name: place for place, name in enumerate(bins.kept)},
        MISSING_CATEGORY: missing,
    }
    # Code -1, which pandas uses for a missing category, selects the last entry.
    bin_of_code = np.array([*(bin_of_name.get(str(name), unseen) for name in names), missing])
    return bin_of_code[codes].astype(np.int64)


def histogram_of(rows: Placed, bins: Bins) -> Histogram:
    """Histogram of rows that :func:`placed` has prepared.

    Args:
        rows: (n,) numbers or bin codes.
        bins: Bins that the rows were prepared for.

    >>> countries = CategoryBins(kept=("UK", "DE"), rare=())
    >>> found = histogram_of(placed(pd.Series(["DE", "UK", "FR", None]), countries), countries)
    >>> found.counts, found.outside
    ((1, 1, 0, 1, 1), 1)
    """
    match bins:
        case NumericBins():
            return _numeric_histogram(np.asarray(rows, dtype=np.float32), bins)
        case CategoryBins():
            unseen = len(bins.kept) + 1
            counts = np.bincount(rows.astype(np.int64), minlength=unseen + 2)
            return Histogram(counts=tuple(counts.tolist()), outside=int(counts[unseen]), means=(), sd=0.5)


def _numeric_histogram(rows: npt.NDArray[np.float32], bins: NumericBins) -> Histogram:
    ordered = np.sort(rows)
    # Missing numbers sort last.
    known = ordered[: np.searchsorted(ordered, np.float32(np.nan), side="left")]
    up_to_edge = np.searchsorted(known, np.asarray(bins.edges, dtype=np.float32), side="right")
    counts = np.diff([0, *up_to_edge, known.size, rows.size])
    below = np.searchsorted(known, np.float32(bins.lowest), side="left")
    above = known.size - np.searchsorted(known, np.float32(bins.highest), side="right")
    outside = known.size if not bins.edges else int(below + above)
    return Histogram(
        counts=tuple(counts.tolist()),
        outside=outside,
        means=tuple(_group_means(known).tolist()) if known.size else (),
        sd=float(known.std(dtype=np.float64)) if known.size else 0.0,
    )


def _group_means(ordered: npt.NDArray[np.float32]) -> Floats:
    """Means of 32 groups of equal size of ``ordered`` (n,), n > 0; a row on a border is shared."""
    sums = np.concatenate([[0.0], np.cumsum(ordered, dtype=np.float64)])
    borders = np.arange(GROUPS + 1) / GROUPS * ordered.size
    whole = np.minimum(borders.astype(np.int64), ordered.size - 1)
    running = sums[whole] + (borders - whole) * ordered[whole]
    return np.asarray(np.diff(running) * GROUPS / ordered.size, dtype=np.float64)
