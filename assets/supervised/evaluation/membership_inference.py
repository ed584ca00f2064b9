"""Membership inference: whether a probability reveals that its customer was in the training data."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from assets.features.matrix import Matrix
from assets.lifecycle.capability import MetricKey
from assets.lifecycle.store.schemas import METRIC_TYPES, typed
from assets.metrics.bootstrap import Interval
from assets.metrics.classification import log_losses
from assets.metrics.membership import MEMBERSHIP_AUC, attacker_auc, random_half
from assets.supervised.evaluation.evaluation import ALL
from assets.supervised.fitting.blend import LogOddsBlend
from assets.supervised.fitting.rankers import fit_members
from assets.supervised.problem import PredictionProblem


def membership_auc(problem: PredictionProblem, rows: Matrix, *, weights: Mapping[str, float]) -> Interval:
    """AUC of an attacker who knows outcomes and predicted probabilities, by :func:`attacker_auc`.

    The ranker of the problem is fitted on a random half of the customers; both halves have the same days. The
    version that serves is fitted on twice the customers and reveals less.

    Args:
        problem: The prediction problem.
        rows: Rows with a known outcome; several per customer.
        weights: Of the members of the ranker.

    Returns:
        Area under the attacker's curve with its 95 % interval over customers.
    """
    rng = np.random.default_rng(problem.seed)
    codes, customers = pd.factorize(rows.entities)
    is_member = random_half(len(customers), rng=rng)
    members = fit_members(problem, rows.of(is_member[codes]), names=weights)
    predicted = LogOddsBlend(members, weights).predict_proba(rows.features)[:, 1]
    return attacker_auc(log_losses(rows.outcome, predicted), codes, is_member, rng=rng)


def membership_rows(
    problem: PredictionProblem, rows: Matrix, *, weights: Mapping[str, float], version: str
) -> pd.DataFrame:
    """The row of ``ml.metrics`` for :func:`membership_auc`, in the training fold.

    Args:
        problem: The prediction problem.
        rows: Rows (n, k) with a known outcome; several per customer.
        weights: Of the members of the ranker.
        version: The candidate's version.
    """
    found = membership_auc(problem, rows, weights=weights)
    row = {
        **asdict(MetricKey(model_name=problem.name, model_version=version, split="train")),
        "slice_name": ALL,
        "slice_value": ALL,
        "metric": MEMBERSHIP_AUC,
        "value": found.value,
        "ci_lo": found.lo,
        "ci_hi": found.hi,
        "n": len(rows),
        "n_positive": int(rows.positives),
    }
    return typed([row], METRIC_TYPES)
