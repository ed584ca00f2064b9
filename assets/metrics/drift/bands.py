"""How far apart two tallies lie, and how far a training window's own mornings lay from each other."""

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
    """Rows per bin as (k,), the missing ones last."""
    return np.asarray(found.counts, dtype=np.float64)


def unit_of(bins: Bins, whole: Histogram) -> float:
    """What distances are told in: the standard deviation of a number, 1 for categories.

    0 when the number was constant or missing: then nothing can be told.
    """
    return 1.0 if isinstance(bins, CategoryBins) else whole.sd


def distance(bins: Bins, was: Histogram, now: Histogram) -> float:
    """Wasserstein distance in the column's own unit; ``nan`` when either holds no number.

    For categories, one as far from the other as any, it is the share of rows that changed theirs.
    """
    if isinstance(bins, CategoryBins):
        return total_variation(counts_of(was), counts_of(now))
    if not (was.means and now.means):
        return float("nan")
    return wasserstein(np.asarray(was.means), np.asarray(now.means))


def psi_band(whole: Histogram, as_of_dates: Sequence[Histogram], *, customers: float) -> float:
    """The greatest index of one training morning against all the others, less what chance explains; >= 0.

    Args:
        whole: The training window.
        as_of_dates: Parts of it, none empty and none the whole.
        customers: Independent customers behind the whole.
    """
    everything = counts_of(whole)
    bins, draws = int(np.count_nonzero(everything)), len(as_of_dates)
    beyond = [
        population_stability(everything - counts_of(each), counts_of(each))
        - largest_chance_psi(bins, sampling_scale(each.n, customers), draws=draws)
        for each in as_of_dates
    ]
    return max(0.0, *beyond) if beyond else 0.0


def wasserstein_band(
    bins: Bins, whole: Histogram, *, as_of_dates: Sequence[Histogram], customers: float
) -> float:
    """The same for :func:`distance`, in the column's own unit."""
    draws = len(as_of_dates)
    # The whole is a mixture of a morning and the others: it lies nearer by just the morning's share.
    beyond = [
        distance(bins, whole, each) / (1 - each.n / whole.n)
        - whole.sd * largest_chance_wasserstein(sampling_scale(each.n, customers), draws=draws)
        for each in as_of_dates
    ]
    return float(np.fmax.reduce([0.0, *beyond]))
