"""Two-part model of the amount within a horizon: chance of a purchase times its amount, from features."""

from typing import Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from assets.lifetime_value.models.likelihood import refuse_insufficient_data
from assets.metrics.arrays import Flags, Floats, Ints
from assets.supervised.fitting.calibrate import calibrated
from assets.supervised.fitting.task import Binary, Boosting

# Large orders vary more: ratios of amounts to expectations are kept apart by size of the expectation.
SIZE_BANDS = 3
RATIO_CHANCES = np.linspace(0.0, 1.0, 101)

Loss = Literal["gamma", "squared_log"]


class TwoPartAmounts(BaseEstimator):  # type: ignore[misc]
    """P(any purchase) times the amount if any, both by gradient boosting, rescaled on a later fold.

    Fit on older as-of dates, then :meth:`calibrate` on newer ones: a sigmoid calibrates the chances there,
    a factor makes the total right, and the spread of amounts around their expectation gives the
    intervals. One estimator is for one horizon. An amount of 0 or less (everything sent back) counts
    as no purchase, but lowers the total that the factor aims at. Wrong when the newer fold's mean is not
    that of the days to come.

    Args:
        numeric: Feature columns that are numbers; missing values are allowed.
        categorical: Feature columns that are categories.
        loss: ``gamma`` deviance of amounts, or squared error of their logarithms, which single huge
            orders do not pull.
        interval_coverage: Probability that an interval should hold.
        max_iter: Trees of either part.
        min_samples_leaf: Fewest rows in a leaf: of all for the chance, of a quarter so many for buyers.
        least_buyers: Floor of rows with a purchase, in either fold.
        seed: Of the boosting.

    Attributes:
        chance_: Fitted pipeline to ``predict_proba``.
        amount_: Fitted pipeline to an amount, or its logarithm.
        calibrated_: ``chance_`` behind its sigmoid, of the later fold.
        factor_: Realised total over predicted total on the later fold.
        cuts_: (bands - 1,) amounts between the bands of expected amounts.
        ratios_: (bands, 101) quantiles of amount over expected amount among buyers.
    """

    def __init__(  # noqa: PLR0913 - scikit-learn's way: every setting is an argument of its own
        self,
        *,
        numeric: tuple[str, ...],
        categorical: tuple[str, ...] = (),
        loss: Loss = "gamma",
        interval_coverage: float = 0.8,
        max_iter: int = 250,
        min_samples_leaf: int = 200,
        least_buyers: int = 100,
        seed: int = 0,
    ) -> None:
        self.numeric = numeric
        self.categorical = categorical
        self.loss = loss
        self.interval_coverage = interval_coverage
        self.max_iter = max_iter
        self.min_samples_leaf = min_samples_leaf
        self.least_buyers = least_buyers
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:  # noqa: N803 - scikit-learn's names
        """Fit both parts on features ``X`` (n, k) and amounts ``y`` (n,) within the horizon.

        Raises:
            ValueError: when an amount is missing or infinite, or the loss is unknown.
            InsufficientData: when too few rows have a purchase, or none is without one.
        """
        if self.loss not in ("gamma", "squared_log"):
            raise ValueError(f"loss is {self.loss!r}; it must be gamma or squared_log")
        bought = self._bought(y, fold="training")
        self.chance_ = self._pipeline().fit(X, bought.astype(np.int64))
        spent = y[bought] if self.loss == "gamma" else np.log(y[bought])
        amounts = self._pipeline().set_params(boosting=self._regressor())
        self.amount_ = amounts.fit(X.loc[bought], spent)
        return self

    def calibrate(self, X: pd.DataFrame, y: Floats) -> Self:  # noqa: N803 - scikit-learn's names
        """Fit factor and spread on ``X`` (n, k) and ``y`` (n,) of later days, which :meth:`fit` has not seen.

        Raises:
            ValueError: when an amount is missing or infinite.
            InsufficientData: when too few rows have a purchase, or none is without one.
        """
        bought = self._bought(y, fold="calibration")
        outcome = bought.astype(np.float64)
        self.calibrated_ = calibrated(self.chance_, X, outcome=outcome, method="sigmoid")
        amount = self._amount(X)
        self.factor_ = max(float(y.sum() / (self._chance(X) @ amount)), 0.0)
        self.cuts_ = np.quantile(amount[bought], np.arange(1, SIZE_BANDS) / SIZE_BANDS)
        band, ratio = self._bands(amount[bought]), y[bought] / amount[bought]
        self.ratios_ = np.array(
            [
                np.quantile(ratio[band == each] if (band == each).any() else ratio, RATIO_CHANCES)
                for each in range(SIZE_BANDS)
            ]
        )
        return self

    def expected_revenue(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        """Mean amount within the horizon, (n,), in shop currency, at least 0."""
        check_is_fitted(self, "factor_")
        return np.asarray(self.factor_ * self._chance(X) * self._amount(X), dtype=np.float64)

    def revenue_interval(self, X: pd.DataFrame) -> tuple[Floats, Floats]:  # noqa: N803 - scikit-learn's name
        """Lower and upper ends, (n,) each, that hold ``interval_coverage``; from 0 when many buy nothing."""
        check_is_fitted(self, "factor_")
        chance, amount, tail = self._chance(X), self._amount(X), (1 - self.interval_coverage) / 2
        nothing = 1 - chance
        starts_at_zero = nothing >= tail
        lo = amount * self._ratio(amount, np.maximum(tail - nothing, 0) / chance)
        above = np.where(starts_at_zero, 2 * tail, tail)
        hi = amount * self._ratio(amount, np.maximum(1 - above / chance, 0))
        return np.where(starts_at_zero, 0.0, lo), np.where(chance > above, hi, 0.0)

    def chance_above(self, X: pd.DataFrame, revenue: Floats) -> Floats:  # noqa: N803 - scikit-learn's name
        """Chance that each row's amount exceeds ``revenue`` (n,), at least 0; (n,)."""
        check_is_fitted(self, "factor_")
        amount = self._amount(X)
        band, ratio = self._bands(amount), revenue / amount
        beyond = np.ones(ratio.size)
        for each in range(SIZE_BANDS):
            rows = (band == each) & (revenue > 0)
            beyond[rows] = 1 - np.interp(ratio[rows], self.ratios_[each], RATIO_CHANCES)
        return np.asarray(self._chance(X) * beyond, dtype=np.float64)

    def _bought(self, y: Floats, *, fold: str) -> Flags:
        if not np.isfinite(y).all():
            raise ValueError(f"{int((~np.isfinite(y)).sum())} of {y.size} amounts are missing or infinite")
        bought = y > 0
        buyers = int(bought.sum())
        refuse_insufficient_data(
            [
                (buyers, self.least_buyers, f"rows with a purchase in {fold}"),
                (y.size - buyers, 1, f"rows without a purchase in {fold}"),
            ]
        )
        return bought

    def _pipeline(self) -> Pipeline:
        boosting = Boosting(max_iter=self.max_iter, min_samples_leaf=self.min_samples_leaf)
        return Binary(boosting=boosting).estimator(
            numeric=self.numeric, categorical=self.categorical, seed=self.seed
        )

    def _regressor(self) -> HistGradientBoostingRegressor:
        shared = self._pipeline().named_steps["boosting"].get_params()
        del shared["class_weight"]
        leaf = max(self.min_samples_leaf // 4, 1)
        loss = "gamma" if self.loss == "gamma" else "squared_error"
        regressor = HistGradientBoostingRegressor(quantile=None)
        return regressor.set_params(**shared | {"loss": loss, "min_samples_leaf": leaf})

    def _chance(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        return np.asarray(self.calibrated_.predict_proba(X)[:, 1], dtype=np.float64)

    def _amount(self, X: pd.DataFrame) -> Floats:  # noqa: N803 - scikit-learn's name
        predicted = np.asarray(self.amount_.predict(X), dtype=np.float64)
        return predicted if self.loss == "gamma" else np.exp(predicted)

    def _bands(self, amount: Floats) -> Ints:
        return np.searchsorted(self.cuts_, amount, side="right").astype(np.int64)

    def _ratio(self, amount: Floats, chance: Floats) -> Floats:
        """Quantile of the ratio at ``chance`` (n,) in the band of ``amount`` (n,)."""
        band, found = self._bands(amount), np.zeros(amount.size)
        for each in range(SIZE_BANDS):
            rows = band == each
            found[rows] = np.interp(chance[rows], RATIO_CHANCES, self.ratios_[each])
        return found
