"""One trial: the recipe as earlier mornings would have made it, judged beside its rivals."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from assets.features.matrix import AS_OF, Matrix
from assets.metrics.arrays import Floats
from assets.supervised.data.dataset import TrainingData
from assets.supervised.data.split import Fold, Split, calibration_split, split_by_time
from assets.supervised.evaluation.evaluation import (
    BASELINE,
    CHAMPION,
    Evaluation,
    EvaluationSample,
    MetricKey,
    evaluate,
)
from assets.supervised.evaluation.periods import published_probability
from assets.supervised.evaluation.slices import slice_values
from assets.supervised.fitting.train import Fitted, fit_candidate, fit_naive, refit
from assets.supervised.problem import PredictionProblem

HASH_LENGTH = 8
# Production retrains at least as often; every further refit costs its seconds in each run.
REFIT_EVERY = timedelta(weeks=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVintage:
    """A model that knows nothing of the mornings from ``first`` on, and is judged on them."""

    first: date
    fitted: Fitted


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForwardModels:
    """The candidate's stand-ins: its recipe as the mornings of the test fold would have made it.

    The model that will serve has seen the newest days and cannot be judged on them. A single stand-in
    frozen before the test fold could, but would be judged for its age: on Online Retail one frozen for
    five months misjudged customers not seen for a year by 0.9 log-odds, one refitted meanwhile by 0.4.

    Attributes:
        models: Oldest first; each answers for the test days from its ``first`` up to the next one's.
        split: The three folds; the first model is trained and calibrated on the first two.
    """

    models: tuple[ModelVintage, ...]
    split: Split


def fit_calibrated(problem: PredictionProblem, known: Matrix) -> Fitted:
    """Train on the older days, calibrate on the newer, then refit the ranker on all of ``known``.

    Raises:
        TooLittleHistory: when the days do not suffice for two folds.
        InsufficientData: when customers or buyers do not suffice.
        LeakDetected: when a feature gives the outcome away.
    """
    days = np.unique(known.as_of).tolist()
    train, calibration = calibration_split(days, horizon_days=problem.horizon_days)
    fitted = fit_candidate(
        problem, known.of(train.rows(known.as_of)), calibration=known.of(calibration.rows(known.as_of))
    )
    return refit(problem, fitted, known=known)


def fit_walk_forward(problem: PredictionProblem, rows: TrainingData) -> WalkForwardModels:
    """Walk the recipe through the test fold, refitting every eight weeks on what was known by then.

    Raises:
        TooLittleHistory, InsufficientData, LeakDetected: as in :func:`fit_calibrated`.
    """
    split = split_by_time(rows.matured_days, horizon_days=problem.horizon_days)
    models = tuple(
        ModelVintage(
            first=day, fitted=fit_calibrated(problem, rows.known_on(day, horizon_days=problem.horizon_days))
        )
        for day in refit_days(split.test)
    )
    return WalkForwardModels(models=models, split=split)


def refit_days(test: Fold) -> list[date]:
    """The first test day, and each later one that lies at least ``REFIT_EVERY`` after the one before."""
    found: list[date] = []
    for day in test.days:
        if not found or day - found[-1] >= REFIT_EVERY:
            found.append(day)
    return found


def evaluate_candidate(
    problem: PredictionProblem,
    twin: WalkForwardModels,
    *,
    rows: TrainingData,
    champion: Sequence[ModelVintage],
    version: str,
) -> Evaluation:
    """Judge the twin on the test days as its probabilities would have been published.

    Args:
        problem: What was asked.
        twin: The candidate.
        rows: What the judging morning knows.
        champion: The champion's own twin, followed by the champion itself from its first morning on;
            empty when there is none. None of them has seen the days it answers for.
        version: The candidate's version, for the rows of facts.
    """
    known = rows.labelled
    test = known.of(twin.split.test.rows(known.as_of))
    rivals = {BASELINE: _naive(problem, twin, rows=rows, test=test)}
    if champion:
        rivals[CHAMPION] = predict_walk_forward(champion, test, rows=rows, horizon_days=problem.horizon_days)
    judged = EvaluationSample(
        outcome=test.outcome,
        candidate=predict_walk_forward(twin.models, test, rows=rows, horizon_days=problem.horizon_days),
        rivals=rivals,
        customers=test.entities,
        as_of=test.as_of,
        slices={**slice_values(test.features, problem.slices), AS_OF: test.as_of.astype(str).astype(object)},
    )
    return evaluate(
        judged,
        MetricKey(model_name=problem.name, model_version=version, split="test"),
        replicates=problem.criteria.replicates,
        rng=np.random.default_rng(problem.seed),
    )


def predict_walk_forward(
    models: Sequence[ModelVintage], judged: Matrix, *, rows: TrainingData, horizon_days: int
) -> Floats:
    """The probability of each row of ``judged`` (n,) as published by the model that answers for its day.

    Days before the first model are answered by that one. It may have seen them, which flatters a
    champion and never a candidate: it happens only when the history was lengthened backwards.
    """
    firsts = np.asarray([model.first for model in models], dtype="datetime64[D]")
    answering = np.maximum(np.searchsorted(firsts, judged.as_of, side="right") - 1, 0)
    probability = np.empty(len(judged))
    for position in np.unique(answering):
        here = answering == position
        probability[here] = published_probability(
            models[position].fitted, judged.of(here), rows=rows, horizon_days=horizon_days
        )
    return probability


def _naive(
    problem: PredictionProblem, twin: WalkForwardModels, *, rows: TrainingData, test: Matrix
) -> Floats:
    """The naive rival's rates, counted anew whenever the twin is refitted: the rival ages no faster."""
    rate = np.empty(len(test))
    for model in twin.models:
        here = test.as_of >= np.datetime64(model.first, "D")
        known = rows.known_on(model.first, horizon_days=problem.horizon_days)
        rate[here] = fit_naive(problem, known).probability(test.of(here).features)
    return rate


def fallback(problem: PredictionProblem, rows: TrainingData) -> Fitted:
    """The naive rival on everything known: what scores while no model has passed the gate."""
    return fit_naive(problem, rows.labelled)


def version_name(as_of: date, *hashes: str) -> str:
    """``<morning>-<hash>``: the same morning, data, code and declaration give the same version."""
    digest = hashlib.sha256("".join(hashes).encode()).hexdigest()[:HASH_LENGTH]
    return f"{as_of.isoformat()}-{digest}"
