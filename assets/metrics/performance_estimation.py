"""Performance estimates without labels, from the predicted probabilities alone.

Confidence-based performance estimation (CBPE): if the probabilities are calibrated, they are the expected
outcomes of their rows, and every metric of probabilities and outcomes has an expectation. No label is needed.

Assumes that the probabilities are calibrated *on the customers of this as-of date*. The estimate therefore
detects covariate drift (more customers that are difficult to rank: lower AUC), and not concept drift: when
buyers stop buying, the model still predicts 0.4 and the estimate takes 0.4 as true. Read it beside the last
realised performance, never in its place.

Source: NannyML, https://nannyml.readthedocs.io/en/stable/how_it_works/performance_estimation.html; the
intervals are ours (delta method on independent Bernoulli outcomes).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from assets.metrics.arrays import Floats
from assets.metrics.bootstrap import NORMAL_QUANTILE, Interval
from assets.metrics.classification import SMALLEST, log_odds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metric:
    """A metric at the expected outcomes, with its range.

    Attributes:
        influence: (n,) change of the metric when the outcome of one row goes from 0 to 1.
    """

    value: float
    influence: Floats
    lowest: float
    highest: float


def estimated_accuracy(
    probability: Floats, *, customers: npt.NDArray[np.generic] | None = None, period_sd: float = 0.0
) -> Mapping[str, Interval]:
    """Expected metrics of calibrated probabilities, with 95 % intervals of the *realised* metrics.

    Args:
        probability: (n,) calibrated, in [0, 1], n > 0.
        customers: (n,) ids when a customer has several rows, whose outcomes then count as one and the same:
            too wide rather than too narrow. ``None`` when each row is its own customer.
        period_sd: Standard deviation, in log-odds, of the prior shift that season and closures give all
            customers at once; 0 leaves it out, and then the interval of ``positives`` is far too narrow in
            real months.

    Returns:
        ``auc`` (``nan`` when no pair of a positive and a negative is possible), ``log_loss`` (nats),
        ``brier`` and ``positives`` (expected number of rows with the outcome).

    Raises:
        ValueError: when there are no rows, or a probability lies outside [0, 1].

    AUC: the pair is right with 0.8 * 0.7 and wrong with 0.3 * 0.2, so 0.56 / 0.62. Brier score: the mean of
    0.8 * 0.2 and 0.3 * 0.7.

    >>> found = estimated_accuracy(np.array([0.8, 0.3]))
    >>> {name: round(found[name].value, 4) for name in ("auc", "brier", "positives")}
    {'auc': 0.9032, 'brier': 0.185, 'positives': 1.1}
    """
    if probability.size == 0:
        raise ValueError("an estimate needs at least one row")
    if not (probability.min() >= 0 and probability.max() <= 1):
        raise ValueError(
            f"probabilities reach from {probability.min()} to {probability.max()}, not in [0, 1]"
        )
    chance = np.asarray(probability, dtype=np.float64)
    codes = None if customers is None else pd.factorize(customers)[0]
    metrics = {
        "auc": _auc(chance),
        "log_loss": _log_loss(chance),
        "brier": _brier(chance),
        "positives": _positives(chance),
    }
    return {name: _interval(each, chance, codes=codes, period_sd=period_sd) for name, each in metrics.items()}


def _interval(
    metric: _Metric, chance: Floats, *, codes: npt.NDArray[np.intp] | None, period_sd: float
) -> Interval:
    """Normal interval: independent outcomes between customers, and one shift that all rows share.

    A shift of d log-odds moves each probability by p (1 - p) d.
    """
    variance = chance * (1 - chance)
    by_row = np.sqrt(variance) * metric.influence
    by_customer = by_row if codes is None else np.bincount(codes, by_row)
    shared = period_sd * float(variance @ metric.influence)
    reach = NORMAL_QUANTILE * float(np.sqrt(by_customer @ by_customer + shared**2))
    return Interval(
        value=metric.value,
        lo=max(metric.value - reach, metric.lowest),
        hi=min(metric.value + reach, metric.highest),
    )


def _positives(chance: Floats) -> _Metric:
    return _Metric(
        value=float(chance.sum()), influence=np.ones(chance.size), lowest=0.0, highest=float(chance.size)
    )


def _brier(chance: Floats) -> _Metric:
    return _Metric(
        value=float((chance * (1 - chance)).mean()),
        influence=(1 - 2 * chance) / chance.size,
        lowest=0.0,
        highest=1.0,
    )


def _log_loss(chance: Floats) -> _Metric:
    # Clipped as for the realised log loss.
    clipped = np.clip(chance, SMALLEST, 1 - SMALLEST)
    entropy = -special.xlogy(chance, clipped) - special.xlog1py(1 - chance, -clipped)
    return _Metric(
        value=float(entropy.mean()), influence=-log_odds(chance) / chance.size, lowest=0.0, highest=np.inf
    )


def _auc(chance: Floats) -> _Metric:
    """Expected pairs in the right order over expected pairs of a positive and a negative.

    ``sum over i != j of p_i (1 - p_j) [p_i > p_j, ties half] / sum over i != j of p_i (1 - p_j)``: the ratio
    of the expectations, which differs from the expectation of the ratio by the order of 1 / positives.
    """
    positives, negatives = float(chance.sum()), float((1 - chance).sum())
    pairs = positives * negatives - float(chance @ (1 - chance))
    if pairs <= 0:
        nothing = float("nan")
        return _Metric(value=nothing, influence=np.full(chance.size, nothing), lowest=0.0, highest=1.0)
    negatives_below, positives_above = _below_and_above(chance)
    value = float(chance @ negatives_below) / pairs
    gained_pairs = (negatives - (1 - chance)) - (positives - chance)
    influence = (negatives_below - positives_above - value * gained_pairs) / pairs
    return _Metric(value=value, influence=influence, lowest=0.0, highest=1.0)


def _below_and_above(chance: Floats) -> tuple[Floats, Floats]:
    """Expected negatives below and positives above each row, (n,) each; ties count half, the row itself 0."""
    order = np.argsort(chance)
    rising = chance[order]
    is_first = np.concatenate([[True], rising[1:] != rising[:-1]])
    starts = np.flatnonzero(is_first)
    tied = np.diff(starts, append=rising.size)
    values = rising[starts]
    negatives, positives = tied * (1 - values), tied * values
    below = np.cumsum(negatives) - negatives / 2
    above = positives.sum() - np.cumsum(positives) + positives / 2
    group = np.cumsum(is_first) - 1
    negatives_below, positives_above = np.empty(chance.size), np.empty(chance.size)
    negatives_below[order] = below[group] - (1 - rising) / 2
    positives_above[order] = above[group] - rising / 2
    return negatives_below, positives_above
