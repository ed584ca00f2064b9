"""What customers looked like while the champion learned: kept beside the model, so that drift can be seen."""

from datetime import timedelta
from pathlib import Path

import numpy as np

from assets.features.matrix import Matrix
from assets.metrics.arrays import Floats
from assets.metrics.drift.reference import DriftReference, reference_of
from assets.metrics.drift.sample import DriftSample
from assets.supervised.data.dataset import TrainingData
from assets.supervised.evaluation.slices import slice_values
from assets.supervised.fitting.train import Fitted
from assets.supervised.problem import PredictionProblem

REFERENCE_FILE = "reference.json"
# A year of seasons, and not more: a shop's first months, which no later week resembles, widen every band.
WINDOW = timedelta(weeks=53)


def keep_reference(problem: PredictionProblem, fitted: Fitted, *, rows: TrainingData, folder: Path) -> None:
    """Write the year before ``rows.as_of`` as ``reference.json`` into the version's folder.

    The score is taken of the rows whose outcome was not known yet: those the model was not fitted on.
    """
    recent = rows.everyone.as_of > np.datetime64(rows.as_of - WINDOW, "D")
    window, unseen = rows.everyone.of(recent), np.isnan(rows.outcome[recent])
    score = np.full(len(window), np.nan)
    score[unseen] = fitted.probability(window.features.loc[unseen])
    kept = reference_of(observed(problem, window, score=score))
    (folder / REFERENCE_FILE).write_text(kept.to_json(), encoding="utf-8")


def reference_kept(folder: Path) -> DriftReference | None:
    """The reference in a version's folder; a fallback has none."""
    file = folder / REFERENCE_FILE
    return DriftReference.from_json(file.read_text(encoding="utf-8")) if file.is_file() else None


def observed(problem: PredictionProblem, rows: Matrix, *, score: Floats) -> DriftSample:
    """``rows`` as drift is looked for in them, slice by slice; ``score`` (n,) is without the day's level."""
    return DriftSample(
        features=rows.features,
        score=score,
        customers=rows.entities,
        as_of=rows.as_of,
        slices=slice_values(rows.features, problem.slices),
    )
