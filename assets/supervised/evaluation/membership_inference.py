"""Whether a probability gives away that its customer was among those the model learned from."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from assets.features.matrix import Matrix
from assets.lifecycle.store.schemas import METRIC_TYPES, typed
from assets.metrics.bootstrap import ClusterBootstrap, Interval, classification_metrics, interval
from assets.metrics.classification import log_losses
from assets.supervised.evaluation.evaluation import ALL, MetricKey
from assets.supervised.fitting.train import fit_ranker
from assets.supervised.problem import PredictionProblem

MEMBERSHIP_AUC = "membership_auc"
REPLICATES = 200


def membership_auc(problem: PredictionProblem, rows: Matrix) -> Interval:
    """How well an attacker tells the learned-from from others: 0.5 is not at all, 1 is always.

    The problem's recipe is fitted on a random half of the customers. The attacker knows each customer's
    outcomes and the probabilities said, and takes for learned-from whoever was predicted too well. Both
    halves have the same days, so a season tells nothing. The version that serves learns from twice the
    customers and gives away less.

    Args:
        problem: What was asked.
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
    said = ranker.predict_proba(rows.features)[:, 1]
    loss = np.bincount(codes, log_losses(rows.outcome, said)) / np.bincount(codes)
    resamples = ClusterBootstrap.by_customer(np.arange(len(customers)), replicates=REPLICATES, rng=rng)
    # Its geometric mean: what the model gave to that which happened.
    replicates = classification_metrics(is_member.astype(np.float64), np.exp(-loss), resamples)["auc"]
    return interval(float(replicates[0]), replicates[1:])


def membership_rows(problem: PredictionProblem, rows: Matrix, *, version: str) -> pd.DataFrame:
    """The one row about it for ``ml.metrics``, under the training fold of ``version``."""
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
