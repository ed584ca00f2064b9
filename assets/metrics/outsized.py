"""Outsized shares: what one of many may hold of a total before it decides the total alone."""

import numpy as np

from assets.metrics.arrays import Floats

# One of few is outsized with 20 times its equal share; one of many with the largest share.
TIMES_EQUAL_SHARE = 20
LARGEST_CUSTOMER_SHARE = 0.05


def outsized_from(n: int, *, largest_share: float = LARGEST_CUSTOMER_SHARE) -> float:
    """Share of a total above which one of ``n`` is outsized; 1 or more when none can be.

    >>> outsized_from(100), outsized_from(1_000)
    (0.2, 0.05)
    """
    return max(largest_share, TIMES_EQUAL_SHARE / max(n, 1))


def largest_plausible(amounts: Floats) -> float:
    """Amount from which on a row would be outsized: capped at it, no row has more than the largest share.

    Args:
        amounts: (n,) amounts; those that are not positive have no share and do not count.

    Source: winsorising (Tukey 1962, The future of data analysis); the cap is a share of the capped total.

    A thousand rows of 1, and one of 2,000, which is two thirds of the total. Capped at 52.6 it is 5 % of it:

    >>> cap = largest_plausible(np.r_[np.ones(1_000), 2_000.0])
    >>> round(cap, 1), round(cap / (1_000 + cap), 3)
    (52.6, 0.05)
    """
    positive = np.sort(amounts[amounts > 0])[::-1]
    if not positive.size:
        return 0.0
    share = outsized_from(positive.size)
    # With the k largest capped at c: c = share * (k * c + rest).
    rest = positive.sum() - np.r_[0.0, np.cumsum(positive)]
    for capped in range(positive.size):
        free = 1 - share * capped
        cap = share * rest[capped] / free if free > 0 else np.inf
        if positive[capped] <= cap:
            return float(cap)
    return float(positive[0])
