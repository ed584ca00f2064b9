"""Membership inference: whether a probability reveals that its customer was in the training data."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from assets.features.matrix import Matrix
from assets.lifecycle.capability import MetricKey
from assets.lifecycle.store.schemas import METRIC_TYPES, typed
from assets.metrics.bootstrap import ClusterBootstrap, Interval, classification_metrics, interval
from assets.metrics.classification import log_losses
from assets.supervised.evaluation.evaluation import ALL
from assets.supervised.fitting.train import fit_ranker
from assets.supervised.problem import PredictionProblem

MEMBERSHIP_AUC = "membership_auc"
REPLICATES = 200


def membership_auc(problem: PredictionProblem, rows: Matrix) -> Interval:
    """AUC of an attacker who separates training customers from others: 0.5 is guessing, 1 is certain.

    The ranker of the problem is fitted on a random half of the customers. The attacker knows outcomes and
    predicted probabilities of each customer, and takes a customer with a small loss for a training
    customer. Both halves have the same days, so a season reveals nothing. The version that serves is
    fitted on twice the customers and reveals less.

    Args:
        problem: The prediction problem.
        rows: Rows with a known outcome; several per customer.

    Returns:
        Area under the attacker's curve with its 95 % interval over customers.

    Source:
        Yeom, Giacomelli, Fredrikson & Jha 2018 (attack by loss threshold).
    """
    rng = np.random.default_rng(problem.seed)
    codes, customers = pd.factorize(rows.entities)
    is_member = rng.permutation(len(customers)) < len(customers) // 2
    ranker = fit_ranker(problem, rows.of(is_member[codes]))
    predicted = ranker.predict_proba(rows.features)[:, 1]
    loss = np.bincount(codes, log_losses(rows.outcome, predicted)) / np.bincount(codes)
    resamples = ClusterBootstrap.by_customer(np.arange(len(customers)), replicates=REPLICATES, rng=rng)
    # Geometric mean of the probabilities that the model gave to the observed outcomes.
    replicates = classification_metrics(is_member.astype(np.float64), np.exp(-loss), resamples)["auc"]
    return interval(float(replicates[0]), replicates[1:])


def membership_rows(problem: PredictionProblem, rows: Matrix, *, version: str) -> pd.DataFrame:
    """The row of ``ml.metrics`` for :func:`membership_auc`, in the training fold.

    Args:
        problem: The prediction problem.
        rows: Rows (n, k) with a known outcome; several per customer.
        version: The candidate's version.
    """
    found = membership_auc(problem, rows)
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
