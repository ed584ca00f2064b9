"""How good today's predictions probably are, before any outcome is known: from the probabilities alone.

Confidence-based performance estimation (CBPE): if a probability means what it says, then so do the expected
outcome of its row, and every measure that is made of probabilities and outcomes. No label is needed.

Assumes that the probabilities are calibrated *on today's customers*. It therefore sees a change of who the
customers are (more of them hard to tell apart: lower AUC), and is blind to a change of how they behave: when
buyers stop buying, the model goes on saying 0.4 and the estimate goes on believing it. Read it beside the
last realised figures, never in their place.

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
class _Measure:
    """A measure at the expected outcomes, and (n,) how much it moves when one row's outcome goes 0 to 1."""

    value: float
    influence: Floats
    lowest: float
    highest: float


def estimated_accuracy(
    probability: Floats, *, customers: npt.NDArray[np.generic] | None = None, period_sd: float = 0.0
) -> Mapping[str, Interval]:
    """What the outcomes will probably show, with 95 % intervals of the *realised* figures.

    Args:
        probability: (n,) calibrated, in [0, 1], n > 0.
        customers: (n,) ids when a customer has several rows, whose outcomes then count as one and the same:
            too wide rather than too narrow. ``None`` when each row is its own customer.
        period_sd: Standard deviation, in log-odds, of the shift that season and closures give everybody at
            once; 0 leaves it out, and then the interval of ``positives`` is far too narrow in real months.

    Returns:
        ``auc`` (``nan`` when no pair of a buyer and a non-buyer is possible), ``log_loss`` (nats), ``brier``
        and ``positives`` (expected number of rows with the outcome).

    Raises:
        ValueError: when there are no rows, or a probability lies outside [0, 1].
    """
    if probability.size == 0:
        raise ValueError("an estimate needs at least one row")
    if not (probability.min() >= 0 and probability.max() <= 1):
        raise ValueError(
            f"probabilities reach from {probability.min()} to {probability.max()}, not in [0, 1]"
        )
    chance = np.asarray(probability, dtype=np.float64)
    codes = None if customers is None else pd.factorize(customers)[0]
    measures = {
        "auc": _auc(chance),
        "log_loss": _log_loss(chance),
        "brier": _brier(chance),
        "positives": _positives(chance),
    }
    return {
        name: _interval(each, chance, codes=codes, period_sd=period_sd) for name, each in measures.items()
    }


def _interval(
    measure: _Measure, chance: Floats, *, codes: npt.NDArray[np.intp] | None, period_sd: float
) -> Interval:
    """Normal interval: independent outcomes between customers, and one shift that all share.

    A shift of d log-odds moves each probability by p (1 - p) d.
    """
    variance = chance * (1 - chance)
    by_row = np.sqrt(variance) * measure.influence
    by_customer = by_row if codes is None else np.bincount(codes, by_row)
    shared = period_sd * float(variance @ measure.influence)
    reach = NORMAL_QUANTILE * float(np.sqrt(by_customer @ by_customer + shared**2))
    return Interval(
        value=measure.value,
        lo=max(measure.value - reach, measure.lowest),
        hi=min(measure.value + reach, measure.highest),
    )


def _positives(chance: Floats) -> _Measure:
    return _Measure(
        value=float(chance.sum()), influence=np.ones(chance.size), lowest=0.0, highest=float(chance.size)
    )


def _brier(chance: Floats) -> _Measure:
    return _Measure(
        value=float((chance * (1 - chance)).mean()),
        influence=(1 - 2 * chance) / chance.size,
        lowest=0.0,
        highest=1.0,
    )


def _log_loss(chance: Floats) -> _Measure:
    # Held off 0 and 1 as the realised log loss is.
    held = np.clip(chance, SMALLEST, 1 - SMALLEST)
    entropy = -special.xlogy(chance, held) - special.xlog1py(1 - chance, -held)
    return _Measure(
        value=float(entropy.mean()), influence=-log_odds(chance) / chance.size, lowest=0.0, highest=np.inf
    )


def _auc(chance: Floats) -> _Measure:
    """Expected pairs in the right order over expected pairs of a buyer and a non-buyer.

    ``sum over i != j of p_i (1 - p_j) [p_i > p_j, ties half] / sum over i != j of p_i (1 - p_j)``: the ratio
    of the expectations, which differs from the expectation of the ratio by the order of 1 / buyers.
    """
    ordered, stayed = float(chance.sum()), float((1 - chance).sum())
    pairs = ordered * stayed - float(chance @ (1 - chance))
    if pairs <= 0:
        nothing = float("nan")
        return _Measure(value=nothing, influence=np.full(chance.size, nothing), lowest=0.0, highest=1.0)
    stayed_below, bought_above = _below_and_above(chance)
    value = float(chance @ stayed_below) / pairs
    gained_pairs = (stayed - (1 - chance)) - (ordered - chance)
    influence = (stayed_below - bought_above - value * gained_pairs) / pairs
    return _Measure(value=value, influence=influence, lowest=0.0, highest=1.0)


def _below_and_above(chance: Floats) -> tuple[Floats, Floats]:
    """Expected non-buyers ranked below each row, and buyers above it; ties count half, itself not at all."""
    order = np.argsort(chance)
    rising = chance[order]
    is_first = np.concatenate([[True], rising[1:] != rising[:-1]])
    starts = np.flatnonzero(is_first)
    tied = np.diff(starts, append=rising.size)
    values = rising[starts]
    stayed, ordered = tied * (1 - values), tied * values
    below = np.cumsum(stayed) - stayed / 2
    above = ordered.sum() - np.cumsum(ordered) + ordered / 2
    group = np.cumsum(is_first) - 1
    stayed_below, bought_above = np.empty(chance.size), np.empty(chance.size)
    stayed_below[order] = below[group] - (1 - rising) / 2
    bought_above[order] = above[group] - rising / 2
    return stayed_below, bought_above
