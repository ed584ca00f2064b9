"""Distances between two distributions, and the distances that sampling error alone produces."""

import numpy as np
from scipy import special

from assets.metrics.arrays import Floats

# A share below one in a thousand counts as one in a thousand: without a floor one new row in a bin that was
# empty costs more the larger the reference is. With it, a new category reaches 0.2 with 5 % of the rows.
SMALLEST_SHARE = 0.001


def population_stability(reference: Floats, current: Floats) -> float:
    """Population stability index: ``sum of (c - r) log(c / r)`` over the shares of the bins.

    Args:
        reference: (k,) rows per bin, at least one row.
        current: (k,) rows per bin, at least one row.

    Returns:
        >= 0, 0 for equal shares. Between two normals with the same standard deviation and means d standard
        deviations apart it is d².

    Source: Jeffreys 1946 for the divergence, Yurdakul 2018 (Statistical Properties of Population Stability
    Index) for its name and null distribution; the floor of 0.001 is ours.

    ``0.1 log(0.6 / 0.5) - 0.1 log(0.4 / 0.5)``:

    >>> round(population_stability(np.array([50.0, 50.0]), np.array([60.0, 40.0])), 4)
    0.0405
    """
    was, is_ = reference / reference.sum(), current / current.sum()
    ratio = np.maximum(is_, SMALLEST_SHARE) / np.maximum(was, SMALLEST_SHARE)
    return float((is_ - was) @ np.log(ratio))


def jensen_shannon(reference: Floats, current: Floats) -> float:
    """Jensen-Shannon distance of two sets of counts: the square root of the divergence in bits.

    Args:
        reference: (k,) rows per bin, at least one row.
        current: (k,) rows per bin, at least one row.

    Returns:
        In [0, 1]; 1 when no bin has rows of both.

    Source: Lin 1991; Endres & Schindelin 2003 for the root being a metric.

    >>> jensen_shannon(np.array([9.0, 0.0]), np.array([0.0, 2.0]))
    1.0
    """
    was, is_ = reference / reference.sum(), current / current.sum()
    middle = (was + is_) / 2
    bits = sum(
        float(shares[shares > 0] @ np.log2(shares[shares > 0] / middle[shares > 0])) for shares in (was, is_)
    )
    return float(np.sqrt(max(bits / 2, 0.0)))


def wasserstein(reference: Floats, current: Floats) -> float:
    """Wasserstein-1 distance of two samples given by their group means.

    Args:
        reference: (g,) means of g groups of equal size, in rising order of the values.
        current: (g,) the same of the other sample.

    Returns:
        Mean distance of the groups, in the unit of the values, >= 0. Never more than the exact distance, and
        equal to it unless the two quantile functions cross inside a group; in the tails, where a histogram
        fails, it is exact.

    Source: Vallender 1974 for the distance between quantile functions.

    ``(1 + 0 + 5) / 3``:

    >>> wasserstein(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 8.0]))
    2.0
    """
    return float(np.abs(reference - current).mean())


def total_variation(reference: Floats, current: Floats) -> float:
    """Total variation distance: share of the rows that would have to change their bin.

    For categories it is the Wasserstein distance, every category being 1 away from every other.

    Args:
        reference: (k,) rows per bin, at least one row.
        current: (k,) rows per bin, at least one row.

    Returns:
        In [0, 1].

    >>> round(total_variation(np.array([4.0, 2.0, 4.0]), np.array([20.0, 40.0, 40.0])), 6)
    0.2
    """
    return float(np.abs(reference / reference.sum() - current / current.sum()).sum() / 2)


def sampling_scale(customers: float, reference_customers: float) -> float:
    """Scale of the sampling error of two samples of independent customers: ``1/n + 1/m``.

    >>> sampling_scale(100, 400)
    0.0125
    """
    return 1 / customers + 1 / reference_customers


def expected_psi(bins: int, scale: float) -> float:
    """Mean of :func:`population_stability` when nothing has changed: ``(bins - 1) * scale``.

    Args:
        bins: Bins that hold a row of either sample.
        scale: Of :func:`sampling_scale`.

    Source: Yurdakul 2018: without drift, the index over ``scale`` is about chi-square with bins - 1 degrees
    of freedom. Too high, never too low, when the same customers are in both samples.

    >>> expected_psi(17, 0.0125)
    0.2
    """
    return (bins - 1) * scale


def expected_jensen_shannon(bins: int, scale: float) -> float:
    """Root mean square of :func:`jensen_shannon` when nothing has changed.

    ``sqrt((bins - 1) * scale / (8 log 2))``: near equality the divergence in nats is an eighth of the
    stability index.

    Args:
        bins: Bins that hold a row of either sample.
        scale: Of :func:`sampling_scale`.

    Source: both are multiples of the same chi-square distance (Lin 1991, Csiszár & Shields 2004).

    >>> round(expected_jensen_shannon(17, 0.0125), 4)
    0.1899
    """
    return float(np.sqrt(expected_psi(bins, scale) / (8 * np.log(2))))


def largest_chance_psi(bins: int, scale: float, *, draws: int) -> float:
    """Approximate largest of ``draws`` values of the index when nothing has changed.

    The quantile ``draws / (draws + 1)`` of the null distribution: the part of the largest of many dates
    without drift that is due to chance alone.

    Args:
        bins: Bins that hold a row of either sample; with fewer than two the result is 0.
        scale: Of :func:`sampling_scale`.
        draws: Number of independent values, > 0.

    Source: null distribution as in :func:`expected_psi`.

    19 draws: the 95 % quantile of chi-square with 16 degrees of freedom, 26.3, times the scale.

    >>> round(largest_chance_psi(17, 0.01, draws=19), 3)
    0.263
    """
    if bins < 2:
        return 0.0
    return float(scale * special.chdtri(bins - 1, 1 / (draws + 1)))


def psi_p_value(psi: Floats, true_psi: Floats, *, bins: Floats, scale: Floats) -> Floats:
    """P-value: probability of an index of at least ``psi`` when the distributions are ``true_psi`` apart.

    Args:
        psi: (e,) measured, >= 0.
        true_psi: (e,) >= 0.
        bins: (e,) bins that hold a row, >= 1; with one bin nothing can differ and the p-value is 1.
        scale: (e,) of :func:`sampling_scale`, > 0.

    Returns:
        (e,) in [0, 1].

    Source: the index over ``scale`` as non-central chi-square with non-centrality ``true_psi / scale``
    (Potgieter et al. 2023, The Population Resemblance Statistic), by the two moments of Patnaik 1949. Rough
    where ``true_psi`` is above 1: there the index is no longer quadratic in the shares.

    Chi-square with 16 degrees of freedom exceeds 26.3 with probability 0.05; one bin cannot differ:

    >>> bins, scale = np.array([17.0, 1.0]), np.array([0.01, 0.01])
    >>> psi_p_value(np.array([0.263, 0.263]), np.zeros(2), bins=bins, scale=scale).round(2).tolist()
    [0.05, 1.0]
    """
    freedom, shift = np.maximum(bins - 1, 1.0), true_psi / scale
    stretch = (freedom + 2 * shift) / (freedom + shift)
    chance = special.chdtrc((freedom + shift) ** 2 / (freedom + 2 * shift), psi / scale / stretch)
    return np.where(bins < 2, 1.0, chance)


def largest_chance_wasserstein(scale: float, *, draws: int) -> float:
    """Approximate largest of ``draws`` Wasserstein distances when nothing has changed.

    The tail is that of the distance of two means, a half-normal of spread ``sqrt(scale)``: simulated with 32
    groups for normal, exponential, log-normal and 90 % zero values, the 99th percentile is 2.6 to 2.7 spreads
    (half-normal: 2.58). Too low for tails as heavy as Pareto's with exponent 2.5.

    Args:
        scale: Of :func:`sampling_scale`.
        draws: Number of independent distances, > 0.

    Returns:
        In standard deviations of the values, > 0.

    19 draws: the 97.5 % quantile of the normal distribution times ``sqrt(0.01)``.

    >>> round(largest_chance_wasserstein(0.01, draws=19), 3)
    0.196
    """
    return float(-np.sqrt(scale) * special.ndtri(0.5 / (draws + 1)))


def wasserstein_p_value(distance: Floats, true_distance: Floats, *, scale: Floats) -> Floats:
    """P-value: probability of a distance of at least ``distance`` when the true one is ``true_distance``.

    Args:
        distance: (e,) in standard deviations of the reference; ``nan`` where there is none, and then ``nan``.
        true_distance: (e,) likewise, well above 0.
        scale: (e,) square of the sampling error, >= 0; 0 for a feature that was constant in the reference.

    Returns:
        (e,) in [0, 1].

    Source: the distance moves with the difference of the means (exactly, for a shift), whose sampling
    variance is ``scale``.

    At the true distance one half; 0.196 above it, with a sampling error of 0.1, the upper 2.5 %:

    >>> found = wasserstein_p_value(np.array([0.45, 0.646]), np.full(2, 0.45), scale=np.full(2, 0.01))
    >>> found.round(3).tolist()
    [0.5, 0.025]
    """
    error = np.sqrt(np.maximum(scale, np.finfo(np.float64).tiny))
    return np.asarray(special.ndtr((true_distance - distance) / error), dtype=np.float64)
