"""Accuracy of probabilities, with row weights so that a bootstrap is only another set of weights."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, logit

from assets.metrics.arrays import Floats, Ints

# A probability of exactly 0 or 1 would cost infinitely much when it is wrong.
SMALLEST = 1e-6
# e^12 is 163,000: enough to bring a prediction of 0.000001 to 0.14.
LARGEST_SHIFT = 12.0
SHIFT_TOLERANCE = 1e-13


def log_odds(probability: Floats) -> Floats:
    """``log(p / (1 - p))`` of probabilities in [0, 1], held within ±13.8."""
    return np.asarray(logit(np.clip(probability, SMALLEST, 1 - SMALLEST)), dtype=np.float64)


def with_shift(probability: Floats, shift: Floats | float) -> Floats:
    """Add ``shift`` to the log-odds of ``probability``; one shift for all keeps their order.

    Args:
        probability: (n,) in [0, 1]; held within ``SMALLEST`` of either end, as in :func:`log_odds`.
        shift: In log-odds, one for all or (n,).

    Returns:
        (n,) probabilities in (0, 1).
    """
    return np.asarray(expit(log_odds(probability) + shift), dtype=np.float64)


def intercept_shift(probability: Floats, rate: float) -> float:
    """The shift in log-odds that makes the mean of ``probability`` equal ``rate``.

    Rates of 0 and 1 would need an infinite shift. They are taken as half a row away, ``0.5 / n`` and
    ``1 - 0.5 / n``: among few rows "nobody" says less than among many. A fixed bound alone would give ten
    rows without an outcome the same shift as ten thousand.

    With that, bounds are needed for the solver only. The wide ones, ±12, win over ±8: at ±8 the mean of
    predictions near 0.0001 could not be moved to 0.5. ±12 binds only where predictions near 0 or 1 are wrong
    almost everywhere; the mean then misses ``rate``.

    Args:
        probability: (n,) in [0, 1], n > 0; held within ``SMALLEST`` of either end, as in :func:`with_shift`.
        rate: In [0, 1].

    Returns:
        Log-odds in [-12, 12].

    Raises:
        ValueError: when ``probability`` is empty.

    >>> round(intercept_shift(np.array([0.2, 0.2]), 0.5), 4)
    1.3863
    """
    if probability.size == 0:
        raise ValueError("an intercept shift needs at least one row")
    half = 0.5 / probability.size
    wanted = min(max(rate, half), 1 - half)
    base = log_odds(probability)

    def excess(shift: float) -> float:
        return float(expit(base + shift).mean()) - wanted

    if excess(-LARGEST_SHIFT) >= 0:
        return -LARGEST_SHIFT
    if excess(LARGEST_SHIFT) <= 0:
        return LARGEST_SHIFT
    return float(brentq(excess, -LARGEST_SHIFT, LARGEST_SHIFT, xtol=SHIFT_TOLERANCE))


def log_losses(outcome: Floats, probability: Floats) -> Floats:
    """Minus the log of the probability given to what happened, one per row, in nats.

    >>> log_losses(np.array([1.0, 0.0]), np.array([0.5, 0.5])).round(4).tolist()
    [0.6931, 0.6931]
    """
    held = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return np.asarray(-np.log(np.where(outcome > 0, held, 1 - held)), dtype=np.float64)


def log_loss(outcome: Floats, probability: Floats, weights: Floats | None = None) -> float:
    """Mean of :func:`log_losses`; 0 is perfect."""
    return float(np.average(log_losses(outcome, probability), weights=weights))


def brier(outcome: Floats, probability: Floats, weights: Floats | None = None) -> float:
    """Mean squared distance of ``probability`` to the outcome, in [0, 1]; 0 is perfect."""
    return float(np.average((probability - outcome) ** 2, weights=weights))


def auc(outcome: Floats, probability: Floats, weights: Floats | None = None) -> float:
    """Chance that a random buyer is ranked above a random non-buyer, ties counting half.

    Returns:
        A number in [0, 1], or ``nan`` when there are only buyers or only non-buyers.
    """
    return Ranking.of(outcome, probability).metrics(weights)[0]


def average_precision(outcome: Floats, probability: Floats, weights: Floats | None = None) -> float:
    """Mean precision over the recall steps, best first; the base rate is what a blind rank reaches."""
    return Ranking.of(outcome, probability).metrics(weights)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Rows sorted once by probability, so that many sets of weights are judged without sorting again.

    Everything is read off at the buyers, who are few: one running sum over all rows is the whole cost.

    Attributes:
        order: (n,) rows, best first.
        buyers: (k,) positions in ``order`` of the rows with the outcome.
        above, through: (k,) rows ranked strictly above, and at least as high as, each buyer.
        buyers_above, buyers_through: (k,) the same, counting buyers only.
    """

    order: Ints
    positives: Ints
    above: Ints
    through: Ints
    positives_above: Ints
    positives_through: Ints

    @classmethod
    def of(cls, outcome: Floats, probability: Floats) -> Self:
        """Sort ``probability`` (n,) with its ``outcome`` (n,) of 0/1."""
        order = np.argsort(-probability, kind="stable")
        falling = -probability[order]
        positives = np.flatnonzero(outcome[order] > 0)
        theirs = falling[positives]
        return cls(
            order=order,
            positives=positives,
            above=np.searchsorted(falling, theirs, side="left"),
            through=np.searchsorted(falling, theirs, side="right"),
            positives_above=np.searchsorted(theirs, theirs, side="left"),
            positives_through=np.searchsorted(theirs, theirs, side="right"),
        )

    def metrics(self, weights: Floats | None = None) -> tuple[float, float]:
        """AUC and average precision for ``weights`` (n,) in the original order of the rows."""
        return self.metrics_sorted(np.ones(self.order.size) if weights is None else weights[self.order])

    def metrics_sorted(self, weights: npt.NDArray[np.floating]) -> tuple[float, float]:
        """AUC and average precision for ``weights`` (n,) in the order of ``order``; else ``nan``."""
        rows, found = _running(weights), _running(weights[self.positives])
        all_found, others = float(found[-1]), float(rows[-1] - found[-1])
        if all_found <= 0:
            return float("nan"), float("nan")
        own = weights[self.positives].astype(np.float64)
        contacted, bought = rows[self.through], found[self.positives_through]
        precision = np.divide(bought, contacted, out=np.zeros_like(own), where=contacted > 0)
        if others <= 0:
            return float("nan"), float(own @ precision) / all_found
        # A tie counts half: the mean of the others strictly above and those at least as high.
        wrongly_above = (rows[self.above] - found[self.positives_above] + contacted - bought) / 2
        return 1 - float(own @ wrongly_above) / (all_found * others), float(own @ precision) / all_found


def _running(weights: npt.NDArray[np.floating]) -> Floats:
    """Sum of the first 0, 1, … n weights, as (n + 1,)."""
    sums = np.zeros(weights.size + 1)
    np.cumsum(weights, out=sums[1:])
    return sums
