"""Walk-forward evaluation: the pipeline refitted at earlier origins and evaluated on later dates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import numpy as np

from assets.features.matrix import AS_OF, Matrix
from assets.lifecycle.capability import MetricKey, ModelVintage
from assets.metrics.arrays import Floats
from assets.supervised.data.dataset import TrainingData
from assets.supervised.data.split import Fold, Split, calibration_split, split_by_time
from assets.supervised.evaluation.choice import Choice, choose_ranker
from assets.supervised.evaluation.evaluation import (
    BASELINE,
    CHAMPION,
    EvaluationSample,
    RecordedMetrics,
    evaluate,
    independent_windows,
)
from assets.supervised.evaluation.published import Published, published_probability
from assets.supervised.evaluation.slices import slice_values
from assets.supervised.fitting.rankers import BLEND, RANKERS
from assets.supervised.fitting.train import Fitted, fit_baseline, fit_rankers, refit
from assets.supervised.problem import PredictionProblem

# Production retrains at least as often; every further refit costs its seconds in each run.
REFIT_EVERY = timedelta(weeks=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForwardModels:
    """The rankers of the problem refitted at each origin of the test fold on data known by then.

    The model that will serve has seen the newest dates and cannot be evaluated on them. A single model
    frozen before the test fold could, but would be evaluated for its age: on Online Retail one frozen for
    five months misjudged customers not seen for a year by 0.9 log-odds, one refitted meanwhile by 0.4.

    Attributes:
        models: By ranker, oldest first; each answers for the test dates from its ``first`` up to the next
            one's. Only rankers that could be fitted at every origin.
        split: The three folds; the first model is trained and calibrated on the first two.
    """

    models: Mapping[str, tuple[ModelVintage[Fitted], ...]]
    split: Split


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedCandidate:
    """The ranker that is the candidate, and its metrics beside those of every other."""

    choice: Choice
    recorded: RecordedMetrics


def fit_calibrated(
    problem: PredictionProblem, known: Matrix, *, names: Iterable[str] = tuple(RANKERS)
) -> dict[str, Fitted]:
    """Train on the older dates, calibrate on the newer, then refit the rankers on all rows.

    Args:
        problem: The prediction problem.
        known: Rows (n, k) with a known outcome.
        names: Rankers to fit.

    Raises:
        TooLittleHistory: The dates do not suffice for two folds.
        InsufficientData: Customers or positives do not suffice.
        LeakDetected: A feature gives the outcome away.
    """
    days = np.unique(known.as_of).tolist()
    train, calibration = calibration_split(days, horizon_days=problem.horizon_days)
    fitted = fit_rankers(
        problem,
        known.of(train.rows(known.as_of)),
        calibration=known.of(calibration.rows(known.as_of)),
        names=names,
    )
    return refit(problem, fitted, known=known)


def fit_walk_forward(problem: PredictionProblem, data: TrainingData) -> WalkForwardModels:
    """Refit the rankers through the test fold every eight weeks, on the data known by then.

    Raises:
        TooLittleHistory, InsufficientData, LeakDetected: As in :func:`fit_calibrated`.
    """
    split = split_by_time(data.matured_days, horizon_days=problem.horizon_days)
    fitted = {
        day: fit_calibrated(problem, data.known_on(day, horizon_days=problem.horizon_days))
        for day in refit_days(split.test)
    }
    models = {
        name: tuple(ModelVintage(first=day, model=found[name]) for day, found in fitted.items())
        for name in RANKERS
        if all(name in found for found in fitted.values())
    }
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
    models: WalkForwardModels,
    *,
    data: TrainingData,
    champion: Sequence[ModelVintage[Fitted]],
    version: str,
) -> EvaluatedCandidate:
    """Evaluate walk-forward models on the test dates, as their probabilities would have been published.

    Args:
        problem: The prediction problem.
        models: The walk-forward models of every ranker.
        data: Training data of the evaluating as-of date.
        champion: The champion's own walk-forward models, followed by the champion itself from its first
            date on; empty when there is none. None of them has seen the dates it predicts.
        version: The candidate's version, for the metric rows.
    """
    test = data.labelled.of(models.split.test.rows(data.labelled.as_of))
    predict = partial(predict_walk_forward, rows=test, data=data, horizon_days=problem.horizon_days)
    published = {name: predict(vintages) for name, vintages in models.models.items()}
    predicted = {BASELINE: _baseline(problem, models, data=data, test=test)} | {
        name: each.probability for name, each in published.items()
    }
    choice = choose_ranker(test, predicted, problem=problem)
    competitors = {name: each for name, each in predicted.items() if name != choice.ranker}
    if champion:
        competitors[CHAMPION] = predict(champion).probability
    sample = EvaluationSample(
        outcome=test.outcome,
        candidate=predicted[choice.ranker],
        competitors=competitors,
        entities=test.entities,
        as_of=test.as_of,
        slices={**slice_values(test.features, problem.slices), AS_OF: test.as_of.astype(str).astype(object)},
        windows=independent_windows(test.as_of, horizon_days=problem.horizon_days),
        shift_sd=published[choice.ranker].shift_sd,
    )
    key = MetricKey(model_name=problem.name, model_version=version, split="test")
    rng = np.random.default_rng(problem.seed)
    recorded = evaluate(sample, key, replicates=problem.criteria.replicates, rng=rng)
    return EvaluatedCandidate(choice=choice, recorded=recorded)


def predict_walk_forward(
    models: Sequence[ModelVintage[Fitted]], rows: Matrix, *, data: TrainingData, horizon_days: int
) -> Published:
    """Each row of ``rows`` (n,) as published by the model that answers for its date.

    Dates before the first model are answered by that one. It may have seen them, which flatters a
    champion and never a candidate: it happens only when the history was lengthened backwards.

    Args:
        models: Oldest first.
        rows: Rows to predict.
        data: Training data of the evaluating as-of date.
        horizon_days: Length of the outcome window.
    """
    firsts = np.asarray([model.first for model in models], dtype="datetime64[D]")
    answering = np.maximum(np.searchsorted(firsts, rows.as_of, side="right") - 1, 0)
    probability, shift_sd = np.empty(len(rows)), np.empty(len(rows))
    for position in np.unique(answering):
        here = answering == position
        found = published_probability(
            models[position].model, rows.of(here), data=data, horizon_days=horizon_days
        )
        probability[here], shift_sd[here] = found.probability, found.shift_sd
    return Published(probability=probability, shift_sd=shift_sd)


def _baseline(
    problem: PredictionProblem, models: WalkForwardModels, *, data: TrainingData, test: Matrix
) -> Floats:
    """The baseline's rates, fitted again at each origin, so that it ages no faster than the candidate."""
    rate = np.empty(len(test))
    for vintage in models.models[BLEND]:
        here = test.as_of >= np.datetime64(vintage.first, "D")
        known = data.known_on(vintage.first, horizon_days=problem.horizon_days)
        rate[here] = fit_baseline(problem, known).probability(test.of(here).features)
    return rate
