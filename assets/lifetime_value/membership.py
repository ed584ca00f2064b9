"""Membership inference: whether learned orders reveal that a customer was in the training data."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.base import clone

from assets.lifecycle.capability import InsufficientData
from assets.lifetime_value.dataset import TrainingRows
from assets.lifetime_value.models.learned_shape import LearnedShape
from assets.lifetime_value.performance import MetricRow, interval_rows
from assets.metrics.amounts import poisson_deviances
from assets.metrics.arrays import Floats
from assets.metrics.membership import MEMBERSHIP_AUC, attacker_auc, random_half


def membership_rows(shape: LearnedShape, training: TrainingRows) -> Iterator[MetricRow]:
    """The row of ``ml.metrics`` of an attack on the learned shape; none when half the customers are too few.

    The shape is fitted on a random half of the customers. The attacker knows everybody's order days and takes
    those with a small deviance for training customers. BG/NBD and Gamma-Gamma learn seven numbers from all
    customers and are not attacked.

    Args:
        shape: Its settings.
        training: Rows that the shape is learned from; several per customer.
    """
    rng = np.random.default_rng(shape.seed)
    codes, customers = pd.factorize(training.known.entities, sort=True)
    is_member = random_half(len(customers), rng=rng)
    trained = is_member[codes]
    try:
        fitted = clone(shape).fit(training.known.features.loc[trained], training.outcome[trained])
    except InsufficientData:
        return
    orders: Floats = training.outcome[:, 1]
    loss = poisson_deviances(orders, fitted.relative_orders(training.known.features))
    found = attacker_auc(loss, codes, is_member, rng=rng)
    yield from interval_rows({MEMBERSHIP_AUC: found}, orders, slice_name="all", slice_value="all")
