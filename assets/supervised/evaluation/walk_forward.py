"""Walk-forward evaluation: the pipeline refitted at earlier origins and evaluated on later dates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import numpy as np
import pandas as pd

from assets.cores import cores
from assets.features.matrix import AS_OF, Matrix
from assets.lifecycle.capability import MetricKey, ModelVintage
from assets.metrics.arrays import Floats
from assets.supervised.data.dataset import TrainingData
from assets.supervised.data.split import Fold, Split, calibration_split, split_by_time
from assets.supervised.evaluation.choice import Choice, choose_ranker
from assets.supervised.evaluation.cutoffs import answering_vintage, cutoff_rows, selected_rows
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
from assets.supervised.fitting.rankers import RANKERS, fit_members
from assets.supervised.fitting.train import (
    Fitted,
    calibrated_rankers,
    fit_baseline,
    members_of,
    refitted,
    trainable,
)
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
    """The ranker that is the candidate, its metrics beside every other's, and what each cut-off brings."""

    choice: Choice
    recorded: RecordedMetrics
    cutoffs: pd.DataFrame


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
    folds = calibration_split(days, horizon_days=problem.horizon_days)
    train, calibration = (known.of(fold.rows(known.as_of)) for fold in folds)
    wanted = trainable(problem, train, calibration=calibration, names=names)
    with cores() as pool:
        older, newest = (
            pool.submit(fit_members, problem, rows, names=members_of(wanted)) for rows in (train, known)
        )
    evaluated = calibrated_rankers(
        problem, older.result(), train=train, calibration=calibration, names=wanted
    )
    return refitted(evaluated, newest.result(), known=known)


def fit_walk_forward(problem: PredictionProblem, data: TrainingData) -> WalkForwardModels:
    """Refit the rankers through the test fold every eight weeks, on the data known by then.

    Raises:
        TooLittleHistory, InsufficientData, LeakDetected: As in :func:`fit_calibrated`.
    """
    split = split_by_time(data.matured_days, horizon_days=problem.horizon_days)
    days = refit_days(split.test)
    # One origin after the other: the two fits of one fill two cores, and more need memory only.
    fitted = {
        day: fit_calibrated(problem, data.known_on(day, horizon_days=problem.horizon_days)) for day in days
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
    rankers = {**models.models, **({CHAMPION: champion} if champion else {})}
    predict = partial(predict_walk_forward, rows=test, data=data, horizon_days=problem.horizon_days)
    with cores() as pool:
        published = dict(zip(rankers, pool.map(predict, rankers.values()), strict=True))
    baselines = _baselines(problem, models, data=data)
    competitors = {name: each.probability for name, each in published.items()}
    competitors[BASELINE] = _rates(baselines, test)
    choice = choose_ranker(test, competitors, problem=problem)
    candidate = competitors.pop(choice.ranker)
    sample = _sample(problem, test, published[choice.ranker], competitors=competitors)
    key = MetricKey(model_name=problem.name, model_version=version, split="test")
    draws = partial(np.random.default_rng, problem.seed)
    recorded = evaluate(sample, key, replicates=problem.criteria.replicates, rng=draws())
    selected = {
        "": selected_rows(test, candidate, models=models.models[choice.ranker]),
        f"{BASELINE}_": selected_rows(test, competitors[BASELINE], models=baselines),
    }
    cutoffs = cutoff_rows(test, selected, key=key, rng=draws())
    return EvaluatedCandidate(choice=choice, recorded=recorded, cutoffs=cutoffs)


def _sample(
    problem: PredictionProblem, test: Matrix, candidate: Published, *, competitors: Mapping[str, Floats]
) -> EvaluationSample:
    return EvaluationSample(
        outcome=test.outcome,
        candidate=candidate.probability,
        competitors=competitors,
        entities=test.entities,
        as_of=test.as_of,
        slices={**slice_values(test.features, problem.slices), AS_OF: test.as_of.astype(str).astype(object)},
        windows=independent_windows(test.as_of, horizon_days=problem.horizon_days),
        shift_sd=candidate.shift_sd,
    )


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
    answering = answering_vintage(models, rows.as_of)
    probability, shift_sd = np.empty(len(rows)), np.empty(len(rows))
    for position in np.unique(answering):
        here = answering == position
        found = published_probability(
            models[position].model, rows.of(here), data=data, horizon_days=horizon_days
        )
        probability[here], shift_sd[here] = found.probability, found.shift_sd
    return Published(probability=probability, shift_sd=shift_sd)


def _baselines(
    problem: PredictionProblem, models: WalkForwardModels, *, data: TrainingData
) -> tuple[ModelVintage[Fitted], ...]:
    """The baseline fitted again at each origin, so that it ages no faster than the candidate."""
    # All rankers are refitted on the same dates.
    firsts = [vintage.first for vintage in next(iter(models.models.values()))]
    known = {day: data.known_on(day, horizon_days=problem.horizon_days) for day in firsts}
    return tuple(ModelVintage(first=day, model=fit_baseline(problem, rows)) for day, rows in known.items())


def _rates(baselines: Sequence[ModelVintage[Fitted]], test: Matrix) -> Floats:
    """The rate of each row of ``test`` (n,) by the baseline that answers for its date."""
    rate = np.empty(len(test))
    for vintage in baselines:
        here = test.as_of >= np.datetime64(vintage.first, "D")
        rate[here] = vintage.model.probability(test.of(here).features)
    return rate
