"""Membership inference: whether predictions reveal that a customer was in the training data."""

import numpy as np

from assets.metrics.arrays import Flags, Floats, Ints
from assets.metrics.bootstrap import ClusterBootstrap, Interval, classification_metrics, interval

MEMBERSHIP_AUC = "membership_auc"
REPLICATES = 200


def random_half(customers: int, *, rng: np.random.Generator) -> Flags:
    """Draw half of ``customers``: (customers,) flags.

    >>> int(random_half(5, rng=np.random.default_rng(0)).sum())
    2
    """
    return rng.permutation(customers) < customers // 2


def attacker_auc(loss: Floats, codes: Ints, is_member: Flags, *, rng: np.random.Generator) -> Interval:
    """AUC of an attacker who takes customers with a small loss for training customers.

    0.5 is guessing, 1 is certain. Members and others must have rows of the same dates: a season must not
    separate them.

    Args:
        loss: (n,) loss >= 0 of each row's prediction by a model fitted on the members.
        codes: (n,) customer of each row, from 0 to m - 1.
        is_member: (m,) whether the customer was in the training data.
        rng: Draws the resamples of customers.

    Returns:
        Area under the attacker's curve with its 95 % interval over customers.

    Source: Yeom, Giacomelli, Fredrikson & Jha 2018 (attack by loss threshold).

    Of the four pairs of a member and another, one member's mean loss of 0.2 is above another's 0.15:

    >>> loss, codes = np.array([0.1, 0.3, 0.1, 0.15, 0.9]), np.array([0, 0, 1, 2, 3])
    >>> attacker_auc(loss, codes, np.array([True, True, False, False]), rng=np.random.default_rng(0)).value
    0.75
    """
    mean = np.bincount(codes, loss) / np.bincount(codes)
    resamples = ClusterBootstrap.by_customer(np.arange(is_member.size), replicates=REPLICATES, rng=rng)
    drawn = classification_metrics(is_member.astype(np.float64), np.exp(-mean), resamples)["auc"]
    return interval(float(drawn[0]), drawn[1:])
