"""Scoring rules and rank metrics of predicted probabilities, with row weights for the bootstrap."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, logit

from assets.metrics.arrays import Floats, Ints

# The log loss of a wrong probability of exactly 0 or 1 would be infinite.
SMALLEST = 1e-6
# e^12 is 163,000: enough to bring a prediction of 0.000001 to 0.14.
LARGEST_SHIFT = 12.0
SHIFT_TOLERANCE = 1e-13


def log_odds(probability: Floats) -> Floats:
    """Log-odds ``log(p / (1 - p))``.

    Args:
        probability: (n,) in [0, 1]; clipped to ``[SMALLEST, 1 - SMALLEST]``.

    Returns:
        (n,) in [-13.8, 13.8].

    >>> log_odds(np.array([0.0, 0.2, 0.5, 0.8, 1.0])).round(3).tolist()
    [-13.816, -1.386, 0.0, 1.386, 13.816]
    """
    return np.asarray(logit(np.clip(probability, SMALLEST, 1 - SMALLEST)), dtype=np.float64)


def with_shift(probability: Floats, shift: Floats | float) -> Floats:
    """Add ``shift`` to the log-odds of ``probability``: ``1 / (1 + exp(-(log_odds(p) + shift)))``.

    One shift for all rows keeps their order.

    Args:
        probability: (n,) in [0, 1]; clipped as in :func:`log_odds`.
        shift: In log-odds, one for all rows or (n,).

    Returns:
        (n,) probabilities in (0, 1).

    Adding log 4 multiplies the odds by 4, here 1/4 and 1:

    >>> with_shift(np.array([0.2, 0.5]), np.log(4)).round(3).tolist()
    [0.5, 0.8]
    """
    return np.asarray(expit(log_odds(probability) + shift), dtype=np.float64)


def intercept_shift(probability: Floats, rate: float) -> float:
    """Shift in log-odds that makes the mean of ``probability`` equal ``rate``.

    Rates of 0 and 1 would need an infinite shift. They count as half a row away, ``0.5 / n`` and
    ``1 - 0.5 / n``: "no outcome" among few rows is weaker evidence than among many. A fixed bound alone would
    give ten rows without an outcome the same shift as ten thousand.

    With that, bounds are needed for the solver only. The wide ones, ±12, win over ±8: at ±8 the mean of
    predictions near 0.0001 could not be moved to 0.5. ±12 binds only where predictions near 0 or 1 are wrong
    almost everywhere; the mean then misses ``rate``.

    Args:
        probability: (n,) in [0, 1], n > 0; clipped as in :func:`log_odds`.
        rate: In [0, 1].

    Returns:
        Log-odds in [-12, 12].

    Raises:
        ValueError: when ``probability`` is empty.

    The log-odds of 0.5 minus those of 0.2 are log 4:

    >>> round(intercept_shift(np.array([0.2, 0.2]), 0.5), 4)
    1.3863
    """
    if probability.size == 0:
        raise ValueError("an intercept shift needs at least one row")
    half = 0.5 / probability.size
    target = min(max(rate, half), 1 - half)
    base = log_odds(probability)

    def excess(shift: float) -> float:
        return float(expit(base + shift).mean()) - target

    if excess(-LARGEST_SHIFT) >= 0:
        return -LARGEST_SHIFT
    if excess(LARGEST_SHIFT) <= 0:
        return LARGEST_SHIFT
    return float(brentq(excess, -LARGEST_SHIFT, LARGEST_SHIFT, xtol=SHIFT_TOLERANCE))


def log_losses(outcome: Floats, probability: Floats) -> Floats:
    """Logarithmic score of each row: ``-log(p)`` where the outcome is 1, ``-log(1 - p)`` where it is 0.

    Args:
        outcome: (n,) of 0.0/1.0.
        probability: (n,) in [0, 1]; clipped to ``[SMALLEST, 1 - SMALLEST]``.

    Returns:
        (n,) in nats, in [0, 13.8]; 0 is perfect.

    Source: Good 1952, Rational decisions.

    >>> log_losses(np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.5, 0.0])).round(4).tolist()
    [0.6931, 0.6931, 13.8155]
    """
    clipped = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return np.asarray(-np.log(np.where(outcome > 0, clipped, 1 - clipped)), dtype=np.float64)


def log_loss(outcome: Floats, probability: Floats, weights: Floats | None = None) -> float:
    """Weighted mean of :func:`log_losses`, in nats; 0 is perfect.

    Args:
        outcome: (n,) of 0.0/1.0, n > 0.
        probability: (n,) in [0, 1].
        weights: (n,) >= 0, not all 0; ``None`` weighs every row 1.

    ``(-log 0.8 - log 0.9) / 2``:

    >>> round(log_loss(np.array([1.0, 0.0]), np.array([0.8, 0.1])), 4)
    0.1643
    """
    return float(np.average(log_losses(outcome, probability), weights=weights))


def brier(outcome: Floats, probability: Floats, weights: Floats | None = None) -> float:
    """Brier score: weighted mean of ``(p - outcome)²``, in [0, 1]; 0 is perfect.

    Args:
        outcome: (n,) of 0.0/1.0, n > 0.
        probability: (n,) in [0, 1].
        weights: (n,) >= 0, not all 0; ``None`` weighs every row 1.

    Source: Brier 1950, Verification of forecasts expressed in terms of probability.

    ``(0.2² + 0.1²) / 2``:

    >>> round(brier(np.array([1.0, 0.0]), np.array([0.8, 0.1])), 4)
    0.025
    """
    return float(np.average((probability - outcome) ** 2, weights=weights))


def auc(outcome: Floats, probability: Floats, weights: Floats | None = None) -> float:
    """Area under the ROC curve: probability that a random positive ranks above a random negative.

    Ties count half.

    Args:
        outcome: (n,) of 0.0/1.0.
        probability: (n,) any score that rises with the chance of the outcome.
        weights: (n,) >= 0; ``None`` weighs every row 1.

    Returns:
        In [0, 1], 0.5 for a random order; ``nan`` when all outcomes are the same.

    Source: Hanley & McNeil 1982.

    Three of the four pairs are in the right order:

    >>> auc(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.5, 0.2]))
    0.75
    """
    return Ranking.of(outcome, probability).metrics(weights)[0]


def average_precision(outcome: Floats, probability: Floats, weights: Floats | None = None) -> float:
    """Mean of the precision at each positive, best score first; a random order reaches the base rate.

    Args:
        outcome: (n,) of 0.0/1.0.
        probability: (n,) any score that rises with the chance of the outcome.
        weights: (n,) >= 0; ``None`` weighs every row 1.

    Returns:
        In [0, 1]; ``nan`` without a positive.

    Source: definition as in scikit-learn's ``average_precision_score``, without interpolation.

    Precision 1/1 at the first positive and 2/3 at the second, mean 5/6:

    >>> round(average_precision(np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.5, 0.2])), 4)
    0.8333
    """
    return Ranking.of(outcome, probability).metrics(weights)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Rows sorted once by probability, so that each further set of weights needs no sorting.

    Everything is read at the positives, which are few: one running sum over all rows is the whole cost.

    Attributes:
        order: (n,) rows, best first.
        positives: (k,) positions in ``order`` of the rows with the outcome.
        above, through: (k,) rows ranked strictly above, and at least as high as, each positive.
        positives_above, positives_through: (k,) the same, counting positives only.
    """

    order: Ints
    positives: Ints
    above: Ints
    through: Ints
    positives_above: Ints
    positives_through: Ints

    @classmethod
    def of(cls, outcome: Floats, probability: Floats) -> Self:
        """Sort ``probability`` (n,) with its ``outcome`` (n,) of 0.0/1.0.

        >>> ranking = Ranking.of(np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.2, 0.9]))
        >>> ranking.order.tolist(), ranking.above.tolist(), ranking.through.tolist()
        ([2, 0, 1], [0, 1], [1, 3])
        """
        order = np.argsort(-probability, kind="stable")
        falling = -probability[order]
        positives = np.flatnonzero(outcome[order] > 0)
        of_positives = falling[positives]
        return cls(
            order=order,
            positives=positives,
            above=np.searchsorted(falling, of_positives, side="left"),
            through=np.searchsorted(falling, of_positives, side="right"),
            positives_above=np.searchsorted(of_positives, of_positives, side="left"),
            positives_through=np.searchsorted(of_positives, of_positives, side="right"),
        )

    def metrics(self, weights: Floats | None = None) -> tuple[float, float]:
        """AUC and average precision for ``weights`` (n,) >= 0 in the original order of the rows.

        The tie of a positive and a negative counts half: 1.5 of 2 pairs; precision 1/1 and 2/3.

        >>> ranking = Ranking.of(np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.2, 0.9]))
        >>> [round(value, 4) for value in ranking.metrics()]
        [0.75, 0.8333]
        """
        return self.metrics_sorted(np.ones(self.order.size) if weights is None else weights[self.order])

    def metrics_sorted(self, weights: npt.NDArray[np.floating]) -> tuple[float, float]:
        """AUC and average precision for ``weights`` (n,) >= 0 in the order of ``order``.

        ``nan`` for both without a positive, for the AUC without a negative.

        A negative of weight 3, ranked second, is above one of two positives: 1.5 of 3 pairs right by weight.

        >>> ranking = Ranking.of(np.array([1.0, 0.0, 1.0]), np.array([0.9, 0.8, 0.5]))
        >>> ranking.metrics_sorted(np.array([1.0, 3.0, 1.0]))
        (0.5, 0.7)
        """
        rows, found = _running(weights), _running(weights[self.positives])
        all_found, negatives = float(found[-1]), float(rows[-1] - found[-1])
        if all_found <= 0:
            return float("nan"), float("nan")
        own = weights[self.positives].astype(np.float64)
        rows_through, found_through = rows[self.through], found[self.positives_through]
        precision = np.divide(found_through, rows_through, out=np.zeros_like(own), where=rows_through > 0)
        if negatives <= 0:
            return float("nan"), float(own @ precision) / all_found
        # A tie counts half: the mean of the negatives strictly above and those at least as high.
        negatives_above = rows[self.above] - found[self.positives_above]
        wrongly_above = (negatives_above + rows_through - found_through) / 2
        return 1 - float(own @ wrongly_above) / (all_found * negatives), float(own @ precision) / all_found


def _running(weights: npt.NDArray[np.floating]) -> Floats:
    """Sums of the first 0, 1, … n weights, as (n + 1,)."""
    sums = np.zeros(weights.size + 1)
    np.cumsum(weights, out=sums[1:])
    return sums
