"""Distance of two histograms, and the band of distances between the as-of dates of a training window."""

from collections.abc import Sequence

import numpy as np

from assets.metrics.arrays import Floats
from assets.metrics.drift.binning import Bins, CategoryBins, Histogram
from assets.metrics.drift.divergence import (
    largest_chance_psi,
    largest_chance_wasserstein,
    population_stability,
    sampling_scale,
    total_variation,
    wasserstein,
)


def counts_of(found: Histogram) -> Floats:
    """Rows per bin as (k,), the missing values last.

    >>> counts_of(Histogram(counts=(3, 1), outside=0, means=(), sd=0.5)).tolist()
    [3.0, 1.0]
    """
    return np.asarray(found.counts, dtype=np.float64)


def unit_of(bins: Bins, whole: Histogram) -> float:
    """Unit of distances: the standard deviation of a number, 1 for categories.

    0 when the number was constant or missing: it then has no unit.

    >>> found = Histogram(counts=(3, 1), outside=0, means=(), sd=0.5)
    >>> unit_of(CategoryBins(kept=("DE", "UK"), rare=()), found)
    1.0
    """
    return 1.0 if isinstance(bins, CategoryBins) else whole.sd


def distance(bins: Bins, was: Histogram, now: Histogram) -> float:
    """Wasserstein distance of two histograms in the unit of the column.

    For categories, each at distance 1 from every other, it is the share of rows that changed theirs.

    Args:
        bins: Bins of both histograms.
        was: Histogram of the reference, with at least one row.
        now: Histogram of the rows that are compared, with at least one row.

    Returns:
        >= 0; ``nan`` when either holds no number.

    >>> three, one = (Histogram(counts=each, outside=0, means=(), sd=0.5) for each in ((3, 1), (1, 3)))
    >>> distance(CategoryBins(kept=("DE",), rare=()), three, one)
    0.5
    """
    if isinstance(bins, CategoryBins):
        return total_variation(counts_of(was), counts_of(now))
    if not (was.means and now.means):
        return float("nan")
    return wasserstein(np.asarray(was.means), np.asarray(now.means))


def psi_band(whole: Histogram, parts: Sequence[Histogram], *, customers: float) -> float:
    """Largest stability index of one training date against all the others, less the part due to chance.

    Args:
        whole: The training window.
        parts: Its as-of dates, none empty and none the whole.
        customers: Independent customers of the whole.

    Returns:
        >= 0; 0 without parts.

    Shares of 0.6 on one date and 0.4 on the other: ``0.4 log 1.5`` is 0.162, of which chance explains 0.003.

    >>> whole, first, last = (
    ...     Histogram(counts=each, outside=0, means=(), sd=0.5)
    ...     for each in ((500, 500), (300, 200), (200, 300))
    ... )
    >>> round(psi_band(whole, (first, last), customers=1000.0), 3), psi_band(whole, (), customers=1000.0)
    (0.159, 0.0)
    """
    everything = counts_of(whole)
    bins, draws = int(np.count_nonzero(everything)), len(parts)
    beyond = [
        population_stability(everything - counts_of(each), counts_of(each))
        - largest_chance_psi(bins, sampling_scale(each.n, customers), draws=draws)
        for each in parts
    ]
    return max(0.0, *beyond) if beyond else 0.0


def wasserstein_band(bins: Bins, whole: Histogram, *, parts: Sequence[Histogram], customers: float) -> float:
    """Largest :func:`distance` of one training date to all the others, less the part due to chance.

    Args:
        bins: Bins of all histograms.
        whole: The training window.
        parts: Its as-of dates, none empty and none the whole.
        customers: Independent customers of the whole.

    Returns:
        In the unit of the column, >= 0; 0 without parts.

    Half of the rows have another category on the second date:

    >>> whole, first, last = (
    ...     Histogram(counts=each, outside=0, means=(), sd=0.0)
    ...     for each in ((1000, 1000), (750, 250), (250, 750))
    ... )
    >>> countries = CategoryBins(kept=("DE",), rare=())
    >>> wasserstein_band(countries, whole, parts=(first, last), customers=1000.0)
    0.5
    """
    draws = len(parts)
    # The whole is a mixture of one date and the others: its distance is smaller by just that date's share.
    beyond = [
        distance(bins, whole, each) / (1 - each.n / whole.n)
        - whole.sd * largest_chance_wasserstein(sampling_scale(each.n, customers), draws=draws)
        for each in parts
    ]
    return float(np.fmax.reduce([0.0, *beyond]))
