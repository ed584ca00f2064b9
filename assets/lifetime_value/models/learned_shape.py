"""Which customers order and spend more than others, learned from earlier windows that were levelled first."""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from assets.metrics.arrays import Floats
from assets.purchase_process.likelihood import refuse_insufficient_data
from assets.supervised.fitting.task import Binary


class LearnedShape(BaseEstimator):  # type: ignore[misc]
    """Order days and amounts of customers relative to those of the mean customer of the same window.

    Outcomes are divided by the mean of their window before the fit, so that no season is learned: this says
    who spends more than others, never how much the shop will sell. Both by gradient boosting with Poisson
    deviance. Wrong when customers differ in the coming window as they did in no window learned from.

    Args:
        numeric: Feature columns that are numbers; missing values are allowed, and a column without any value
            is left out.
        categorical: Feature columns that are categories.
        max_iter: Trees of either fit.
        min_samples_leaf: Fewest rows in a leaf.
        least_buyers: Floor of rows with an order.
        seed: Of the boosting.

    Attributes:
        orders_: Fitted pipeline to relative order days.
        amounts_: Fitted pipeline to relative amounts.

    Source: for means under Poisson deviance, Gourieroux, Monfort & Trognon 1984, Pseudo maximum likelihood.
    """

    def __init__(  # noqa: PLR0913 - scikit-learn's way: every setting is an argument of its own
        self,
        *,
        numeric: tuple[str, ...],
        categorical: tuple[str, ...] = (),
        max_iter: int = 100,
        min_samples_leaf: int = 100,
        least_buyers: int = 100,
        seed: int = 0,
    ) -> None:
        self.numeric = numeric
        self.categorical = categorical
        self.max_iter = max_iter
        self.min_samples_leaf = min_samples_leaf
        self.least_buyers = least_buyers
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:  # noqa: N803 - scikit-learn's names
        """Fit on features ``X`` (n, k) and ``y`` (n, 2): amount and order days over the mean of their window.

        Raises:
            ValueError: An outcome is missing or infinite.
            InsufficientData: Too few rows have an order.
        """
        if not np.isfinite(y).all():
            raise ValueError(f"{int((~np.isfinite(y)).sum())} of {y.size} outcomes are missing or infinite")
        buyers = int((y[:, 1] > 0).sum())
        refuse_insufficient_data([(buyers, self.least_buyers, "rows with an order in ended windows")])
        # An amount below 0 (more came back than was bought) counts as none.
        self.amounts_ = self._pipeline(X).fit(X, np.maximum(y[:, 0], 0.0))
        self.orders_ = self._pipeline(X).fit(X, y[:, 1])
        return self

    def relative_orders(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """Order days of customers ``X`` (n, k) over those of the mean customer, (n,), above 0."""
        check_is_fitted(self, "orders_")
        return np.asarray(self.orders_.predict(X), dtype=np.float64)

    def relative_amounts(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """Amounts of customers ``X`` (n, k) over those of the mean customer, (n,), above 0."""
        check_is_fitted(self, "amounts_")
        return np.asarray(self.amounts_.predict(X), dtype=np.float64)

    def _pipeline(self, rows: pd.DataFrame) -> Pipeline:
        # Without a second order no customer has a gap, and the boosting cannot bin a column without values.
        numeric = tuple(name for name in self.numeric if rows[name].notna().any())
        columns = Binary().estimator(numeric=numeric, categorical=self.categorical, seed=self.seed)
        boosting = HistGradientBoostingRegressor(
            loss="poisson",
            learning_rate=0.06,
            max_iter=self.max_iter,
            max_leaf_nodes=15,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=1.0,
            categorical_features=list(range(len(self.categorical))) or None,
            early_stopping=False,
            random_state=self.seed,
        )
        return columns.set_params(boosting=boosting)
