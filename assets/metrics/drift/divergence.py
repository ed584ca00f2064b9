"""How far two distributions lie apart, and how far chance alone would put them."""

import numpy as np
from scipy import special

from assets.metrics.arrays import Floats

# A share below one in a thousand counts as one in a thousand: without a floor one new row in a bin that was
# empty costs more the larger the reference is. With it, a new category reaches 0.2 with 5 % of the rows.
SMALLEST_SHARE = 0.001


def population_stability(reference: Floats, current: Floats) -> float:
    """Population stability index of two sets of counts, >= 0: sum of (c - r) log(c / r) over shares.

    Args:
        reference: (k,) rows per bin, at least one row.
        current: (k,) rows per bin, at least one row.

    Source: Jeffreys 1946 for the divergence, Yurdakul 2018 (Statistical Properties of Population Stability
    Index) for its name and null distribution; the floor of 0.001 is ours. Between two normals with the same
    spread and means d standard deviations apart it is d².

    >>> round(population_stability(np.array([50.0, 50.0]), np.array([60.0, 40.0])), 4)
    0.0405
    """
    was, is_ = reference / reference.sum(), current / current.sum()
    ratio = np.maximum(is_, SMALLEST_SHARE) / np.maximum(was, SMALLEST_SHARE)
    return float((is_ - was) @ np.log(ratio))


def jensen_shannon(reference: Floats, current: Floats) -> float:
    """Jensen-Shannon distance of two sets of counts, in [0, 1]: the square root of the divergence in bits.

    Args:
        reference: (k,) rows per bin, at least one row.
        current: (k,) rows per bin, at least one row.

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
    """Wasserstein-1 distance, in the unit of the values, of two samples given by their group means.

    Args:
        reference: (g,) means of g groups of equal size, in rising order of the values.
        current: (g,) the same of the other sample.

    Returns:
        Mean distance of the groups. Never more than the exact distance, and equal to it unless the two
        quantile functions cross inside a group; in the tails, where a histogram fails, it is exact.

    Source: Vallender 1974 for the distance between quantile functions.
    """
    return float(np.abs(reference - current).mean())


def total_variation(reference: Floats, current: Floats) -> float:
    """Share of the rows that would have to change their bin, in [0, 1]; (k,) rows per bin on both sides.

    For categories it is the Wasserstein distance, every category being 1 away from every other.

    >>> round(total_variation(np.array([4.0, 2.0, 4.0]), np.array([20.0, 40.0, 40.0])), 6)
    0.2
    """
    return float(np.abs(reference / reference.sum() - current / current.sum()).sum() / 2)


def sampling_scale(customers: float, reference_customers: float) -> float:
    """``1/n + 1/m``: the size of what chance does to two samples of independent customers."""
    return 1 / customers + 1 / reference_customers


def expected_psi(bins: int, scale: float) -> float:
    """What :func:`population_stability` is on average when nothing has changed: ``(bins - 1) * scale``.

    Args:
        bins: Bins that hold a row of either sample.
        scale: Of :func:`sampling_scale`.

    Source: Yurdakul 2018: without drift, the index over ``scale`` is about chi-square with bins - 1 degrees
    of freedom. Too high, never too low, when the same customers stand in both samples.
    """
    return (bins - 1) * scale


def expected_jensen_shannon(bins: int, scale: float) -> float:
    """What :func:`jensen_shannon` is, root mean square, when nothing has changed.

    Near equality the divergence in nats is an eighth of the stability index (both are multiples of the same
    chi-square distance: Lin 1991, Csiszár & Shields 2004), hence ``sqrt((bins - 1) * scale / (8 ln 2))``.
    """
    return float(np.sqrt(expected_psi(bins, scale) / (8 * np.log(2))))


def largest_chance_psi(bins: int, scale: float, *, draws: int) -> float:
    """About the largest of ``draws`` values of the index when nothing has changed.

    The quantile ``draws / (draws + 1)`` of the null distribution: what the greatest of many quiet weeks
    owes to chance alone.
    """
    if bins < 2:
        return 0.0
    return float(scale * special.chdtri(bins - 1, 1 / (draws + 1)))


def psi_p_value(psi: Floats, true_psi: Floats, *, bins: Floats, scale: Floats) -> Floats:
    """Chance of an index of at least ``psi`` when the distributions truly lie ``true_psi`` apart.

    Args:
        psi: (e,) measured, >= 0.
        true_psi: (e,) >= 0.
        bins: (e,) bins that hold a row, >= 1; with one bin nothing can differ and the chance is 1.
        scale: (e,) of :func:`sampling_scale`, > 0.

    Source: the index over ``scale`` as non-central chi-square with non-centrality ``true_psi / scale``
    (Potgieter et al. 2023, The Population Resemblance Statistic), by the two moments of Patnaik 1949. Rough
    where ``true_psi`` is beyond 1: there the index is no longer quadratic in the shares.
    """
    freedom, shift = np.maximum(bins - 1, 1.0), true_psi / scale
    stretch = (freedom + 2 * shift) / (freedom + shift)
    chance = special.chdtrc((freedom + shift) ** 2 / (freedom + 2 * shift), psi / scale / stretch)
    return np.where(bins < 2, 1.0, chance)


def largest_chance_wasserstein(scale: float, *, draws: int) -> float:
    """About the largest of ``draws`` Wasserstein distances when nothing has changed, in standard deviations.

    The tail is that of the distance of two means, a half-normal of spread ``sqrt(scale)``: simulated with 32
    groups for normal, exponential, log-normal and 90 % zero values, the 99th percentile is 2.6 to 2.7 spreads
    (half-normal: 2.58). Too low for tails as heavy as Pareto's with exponent 2.5.
    """
    return float(-np.sqrt(scale) * special.ndtri(0.5 / (draws + 1)))


def wasserstein_p_value(moved: Floats, true_moved: Floats, *, scale: Floats) -> Floats:
    """Chance of a Wasserstein distance of at least ``moved`` when the true one is ``true_moved`` > 0.

    Args:
        moved: (e,) in standard deviations of the reference; ``nan`` where there is none, and then ``nan``.
        true_moved: (e,) likewise, well above 0.
        scale: (e,) square of the sampling error, >= 0; 0 for what did not vary in the reference.

    Source: the distance moves with the difference of the means (exactly, for a shift), whose sampling
    variance is ``scale``.
    """
    error = np.sqrt(np.maximum(scale, np.finfo(np.float64).tiny))
    return np.asarray(special.ndtr((true_moved - moved) / error), dtype=np.float64)
