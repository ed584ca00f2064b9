"""Choice of the candidate among the rankers: the blend must surely beat the best baseline to be it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.features.matrix import Matrix
from assets.metrics.arrays import Floats, Ints
from assets.metrics.bootstrap import ClusterBootstrap, Interval, interval
from assets.metrics.calibration import recalibrated
from assets.metrics.classification import log_losses
from assets.supervised.evaluation.evaluation import BASELINE, CHAMPION
from assets.supervised.fitting.rankers import BG_NBD, BLEND, LOGISTIC
from assets.supervised.problem import PredictionProblem

WORDS = {
    BASELINE: "the rate by recency",
    BG_NBD: "BG/NBD's chance of an order",
    LOGISTIC: "the logistic regression",
    BLEND: "the blend",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The chosen ranker, the reason in a sentence, and blend minus best baseline in the compared loss."""

    ranker: str
    reason: str
    difference: Interval


def choose_ranker(test: Matrix, predicted: Mapping[str, Floats], *, problem: PredictionProblem) -> Choice:
    """The blend where it surely beats the best baseline; else that baseline, the simpler model.

    Where customers do not suffice for the blend, the best of the others is the candidate. When the best
    baseline is the rate by recency, the blend stays the candidate, and the promotion gate compares the two.

    Args:
        test: Rows (n, k) that no ranker has seen.
        predicted: (n,) probabilities of the rate by recency, ``baseline``, and of each ranker, by name; the
            champion's do not count here.
        problem: Holds the number of bootstrap draws and the seed.
    """
    day: Ints = pd.factorize(test.as_of)[0].astype(np.int64)
    losses = {
        name: log_losses(test.outcome, recalibrated(test.outcome, each, day))
        for name, each in predicted.items()
        if name != CHAMPION
    }
    means = {name: float(each.mean()) for name, each in losses.items()}
    lead = BLEND if BLEND in means else min(means.keys() - {BASELINE}, key=means.__getitem__)
    best = min(means.keys() - {lead}, key=means.__getitem__)
    resamples = ClusterBootstrap.by_customer(
        test.entities, replicates=problem.criteria.replicates, rng=np.random.default_rng(problem.seed)
    )
    gap = losses[lead] - losses[best]
    difference = interval(float(gap.mean()), resamples.means(gap[:, None])[:, 0])
    return _choice(lead, best, difference)


def _choice(lead: str, best: str, difference: Interval) -> Choice:
    facts = f"{WORDS[best]}, the best baseline: log loss after recalibration differs by {difference}"
    if lead != BLEND:
        reason = f"too few customers for the blend; the candidate is {WORDS[lead]}; against {facts}"
        return Choice(ranker=lead, reason=reason, difference=difference)
    if difference.hi < 0:
        return Choice(ranker=BLEND, reason=f"the blend surely beats {facts}", difference=difference)
    chosen = BLEND if best == BASELINE else best
    return Choice(
        ranker=chosen,
        reason=f"the blend does not surely beat {facts}; the candidate is {WORDS[chosen]}",
        difference=difference,
    )
