"""Estimators and row weights by kind of outcome; so far binary outcomes."""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    SplineTransformer,
    StandardScaler,
)

from assets.metrics.arrays import Floats
from assets.metrics.calibration import shift_per_day
from assets.supervised.fitting.quantile_binning import QuantileBinner

# The boosting bins at most 255 categories; customers of rarer ones are too few to learn from.
MOST_CATEGORIES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosting:
    """Hyper-parameters of the gradient boosting; conservative, because weekly rows repeat customers.

    Chosen on Online Retail's first Mondays of 17 months: scikit-learn's defaults reach AUC 0.7755 there,
    stronger regularisation 0.7823, slower learning with the days' shifts taken out 0.785.
    """

    learning_rate: float = 0.03
    max_iter: int = 250
    max_leaf_nodes: int = 15
    min_samples_leaf: int = 200
    l2_regularization: float = 10.0
    max_features: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Splines:
    """Hyper-parameters of the logistic regression on splines.

    Attributes:
        knots: Knots of each number's cubic spline, at quantiles.
        penalty: Inverse strength of the ridge penalty, ``C`` of scikit-learn. On Online Retail 0.01 to 0.1
            give the same AUC within 0.001.
        smallest_category: Rows below which a category has no effect of its own.
        most_rows: About as many training rows, in whole as-of dates. Neighbouring weeks repeat customers and
            most of their outcome window: every fourth week gives the same AUC within 0.001.
    """

    knots: int = 6
    penalty: float = 0.1
    smallest_category: int = 200
    most_rows: int = 25_000


def signed_log(values: Floats) -> Floats:
    """``sign(x) log(1 + |x|)`` of (n, k) numbers: amounts and counts are skewed, and a return is negative.

    >>> signed_log(np.array([[-1.0, 0.0, 1.0]])).round(3).tolist()
    [[-0.693, 0.0, 0.693]]
    """
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A binary outcome: a probability per entity, compared by log loss."""

    boosting: Boosting = field(default_factory=Boosting)
    splines: Splines = field(default_factory=Splines)

    def estimator(self, *, numeric: tuple[str, ...], categorical: tuple[str, ...], seed: int) -> Pipeline:
        """An unfitted pipeline from a feature frame to ``predict_proba``; preprocessing is inside.

        Missing numbers stay missing (the trees learn a side for them), and so do categories not seen
        in training.

        Args:
            numeric: Columns read as numbers.
            categorical: Columns read as categories.
            seed: Seed of the boosting.
        """
        encoder = OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=float("nan"),
            max_categories=MOST_CATEGORIES,
        )
        columns = ColumnTransformer(
            [("categories", encoder, list(categorical)), ("numbers", "passthrough", list(numeric))]
        )
        return Pipeline(
            [
                ("columns", columns),
                ("quantiles", QuantileBinner(skipped=len(categorical))),
                ("boosting", self._boosting(len(categorical), seed)),
            ]
        )

    def _boosting(self, categories: int, seed: int) -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(
            learning_rate=self.boosting.learning_rate,
            max_iter=self.boosting.max_iter,
            max_leaf_nodes=self.boosting.max_leaf_nodes,
            min_samples_leaf=self.boosting.min_samples_leaf,
            l2_regularization=self.boosting.l2_regularization,
            max_features=self.boosting.max_features,
            categorical_features=list(range(categories)) or None,
            # Its own split would be at random, which sees the same customer on both sides.
            early_stopping=False,
            random_state=seed,
        )

    def spline_estimator(self, *, numeric: tuple[str, ...], categorical: tuple[str, ...]) -> Pipeline:
        """An unfitted logistic regression on splines of the numbers, as :meth:`estimator`.

        A missing number has no spline at all, so that its effect is one of its own.

        Args:
            numeric: Columns read as numbers.
            categorical: Columns read as categories.
        """
        curves = Pipeline(
            [
                ("logs", FunctionTransformer(signed_log)),
                (
                    "splines",
                    SplineTransformer(n_knots=self.splines.knots, knots="quantile", handle_missing="zeros"),
                ),
            ]
        )
        encoder = OneHotEncoder(handle_unknown="ignore", min_frequency=self.splines.smallest_category)
        columns = ColumnTransformer(
            [("categories", encoder, list(categorical)), ("numbers", curves, list(numeric))],
            sparse_threshold=0,
        )
        return Pipeline(
            [("columns", columns), ("logistic", LogisticRegression(C=self.splines.penalty, max_iter=300))]
        )

    def linear_estimator(self, *, numeric: tuple[str, ...]) -> Pipeline:
        """An unfitted logistic regression, linear in the logarithms, with the penalty of the splines.

        A missing number has the median, and an effect of its own beside it.

        Args:
            numeric: Columns read, all of them numbers.
        """
        numbers = Pipeline(
            [
                ("logs", FunctionTransformer(signed_log)),
                ("medians", SimpleImputer(strategy="median", add_indicator=True)),
                ("scale", StandardScaler()),
            ]
        )
        columns = ColumnTransformer([("numbers", numbers, list(numeric))])
        return Pipeline(
            [("columns", columns), ("logistic", LogisticRegression(C=self.splines.penalty, max_iter=300))]
        )

    def pilot_estimator(
        self, *, numeric: tuple[str, ...], categorical: tuple[str, ...], seed: int
    ) -> Pipeline:
        """A quick unfitted estimator, precise enough to estimate each day's common shift.

        Args:
            numeric: Columns read as numbers.
            categorical: Columns read as categories.
            seed: Seed of the boosting.
        """
        quick = replace(self.boosting, learning_rate=0.1, max_iter=60)
        return replace(self, boosting=quick).estimator(numeric=numeric, categorical=categorical, seed=seed)

    def weights(self, outcome: Floats, expected: Floats, *, as_of: npt.NDArray[np.datetime64]) -> Floats:
        """Row weights that take each as-of date's common shift out of the outcomes.

        Without them a season leaks into every column that differs a little between days, such as tenure or
        the longest possible recency. Weighing every day to the same rate instead would take the days'
        different customers for a period effect: on Online Retail it made new customers look 0.5 log-odds
        worse.

        Args:
            outcome: (n,) of 0/1.
            expected: (n,) probabilities by a model without weights, in (0, 1).
            as_of: (n,) as-of dates.

        Returns:
            (n,) positive weights: 1, and for buyers ``exp(-shift)`` of their day.
        """
        shift = shift_per_day(outcome, expected, pd.factorize(as_of)[0].astype(np.int64))
        return np.where(outcome == 1, np.exp(-shift), 1.0)
