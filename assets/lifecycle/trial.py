"""One trial: fit a twin on the older days, judge it beside its rivals on the newest, refit it to serve."""

import hashlib
from dataclasses import dataclass
from datetime import date

import numpy as np

from assets.features.matrix import AS_OF
from assets.lifecycle.evaluate import CHAMPION, NAIVE, Evaluation, Judged, Subject, evaluate
from assets.lifecycle.periods import published_probability
from assets.lifecycle.problem import PredictionProblem
from assets.lifecycle.rows import KnownRows
from assets.lifecycle.slices import slice_values
from assets.lifecycle.split import Split, split_by_time
from assets.lifecycle.train import Fitted, fit_candidate, fit_naive, refit

HASH_LENGTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A model that has not seen the newest days, so that it can be judged on them.

    Its serving sibling is the same recipe refitted on everything (``serving``); what is judged is the
    recipe, by the only copy that can be judged honestly.
    """

    fitted: Fitted
    split: Split


def fit_twin(problem: PredictionProblem, rows: KnownRows) -> Twin:
    """Fit on the oldest 60 % of matured days, calibrate on the next 20 %.

    Raises:
        TooLittleHistory: when the days do not suffice for three folds.
        BelowFloor: when customers or buyers do not suffice.
        LeakDetected: when a feature gives the outcome away.
    """
    split = split_by_time(rows.matured_days, horizon_days=problem.horizon_days)
    known = rows.labelled
    fitted = fit_candidate(
        problem,
        known.of(split.train.rows(known.as_of)),
        calibration=known.of(split.calibration.rows(known.as_of)),
    )
    return Twin(fitted=fitted, split=split)


def judge(
    problem: PredictionProblem, twin: Twin, *, rows: KnownRows, champion: Fitted | None, version: str
) -> Evaluation:
    """Judge the twin on the test days as its probabilities would have been published.

    Args:
        problem: What was asked.
        twin: The candidate.
        rows: What the judging morning knows.
        champion: The champion's own twin, which has not seen the test days either.
        version: The candidate's version, for the rows of facts.
    """
    known = rows.labelled
    test = known.of(twin.split.test.rows(known.as_of))
    seen = twin.split.train.rows(known.as_of) | twin.split.calibration.rows(known.as_of)
    rivals = {NAIVE: fit_naive(problem, known.of(seen)).probability(test.features)}
    if champion is not None:
        rivals[CHAMPION] = published_probability(champion, test, rows=rows, horizon_days=problem.horizon_days)
    judged = Judged(
        outcome=test.outcome,
        candidate=published_probability(twin.fitted, test, rows=rows, horizon_days=problem.horizon_days),
        rivals=rivals,
        customers=test.entities,
        as_of=test.as_of,
        slices={**slice_values(test.features, problem.slices), AS_OF: test.as_of.astype(str).astype(object)},
    )
    return evaluate(
        judged,
        Subject(model_name=problem.name, model_version=version, split="test"),
        replicates=problem.gates.replicates,
        rng=np.random.default_rng(problem.seed),
    )


def serving(problem: PredictionProblem, twin: Twin, *, rows: KnownRows) -> Fitted:
    """The judged recipe refitted on every matured day, with the calibration the twin learned unseen."""
    return refit(problem, twin.fitted, known=rows.labelled)


def fallback(problem: PredictionProblem, rows: KnownRows) -> Fitted:
    """The naive rival on everything known: what scores while no model has passed the gate."""
    return fit_naive(problem, rows.labelled)


def version_name(as_of: date, *hashes: str) -> str:
    """``<morning>-<hash>``: the same morning, data, code and declaration give the same version."""
    digest = hashlib.sha256("".join(hashes).encode()).hexdigest()[:HASH_LENGTH]
    return f"{as_of.isoformat()}-{digest}"
