"""The rivals for one question: what will a customer order and spend, by which recipe?"""

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from assets.lifetime_value.dataset import AmountTrainingData
from assets.lifetime_value.models.bg_nbd import HORIZONS_DAYS
from assets.lifetime_value.models.clv import COLUMNS, LEVEL, LifetimeValue
from assets.lifetime_value.models.predictive import SMALLEST
from assets.lifetime_value.models.prospects import NEXT_ORDER_CHANCES, ValuePrediction
from assets.lifetime_value.models.purchase_history import HISTORY
from assets.lifetime_value.models.two_part import TwoPartAmounts
from assets.metrics.arrays import Floats
from assets.supervised.data.split import calibration_split

AmountModelName = Literal["bg_nbd", "two_part"]
RECIPES: dict[AmountModelName, str] = {
    "bg_nbd": "BG/NBD and Gamma-Gamma",
    "two_part": "machine-learned amounts",
}


class CustomerValue(BaseEstimator):  # type: ignore[misc]
    """Orders by BG/NBD; amounts by Gamma-Gamma, or learned from features for one horizon.

    The learned amounts answer for ``learned_days``. To the other horizons they are carried over by what
    BG/NBD expects there against ``learned_days``: so the longer horizon is never worth less, and 365 days
    need no second year of outcomes. Wrong where a season lies in one horizon and not in the other.

    Args:
        recipe: Where the amounts come from.
        horizons_days: Horizons of one pass.
        learned_days: The horizon that amounts are learned for.
        level: Probability that an interval should hold.

    Attributes:
        value_: The fitted :class:`LifetimeValue`.
        amounts_: The fitted :class:`TwoPartAmounts`, ``None`` with the recipe ``bg_nbd``.
    """

    def __init__(
        self,
        *,
        recipe: AmountModelName = "bg_nbd",
        horizons_days: Sequence[int] = HORIZONS_DAYS,
        learned_days: int = 90,
        level: float = LEVEL,
    ) -> None:
        self.recipe = recipe
        self.horizons_days = horizons_days
        self.learned_days = learned_days
        self.level = level

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Fit orders and Gamma-Gamma amounts on today's customers ``X`` (n, k).

        Raises:
            InsufficientData: when there are too few customers or repeat buyers.
            NothingToTellApart: when customers do not differ.
            AmountsTooSpread: when the mean order would be infinite.
        """
        self.value_ = LifetimeValue(horizons_days=self.horizons_days, level=self.level).fit(X[list(COLUMNS)])
        self.amounts_: TwoPartAmounts | None = None
        return self

    def learn(self, learned: AmountTrainingData, *, amounts: TwoPartAmounts) -> Self:
        """Fit ``amounts`` on the older mornings of ``learned`` and level it on the newest ones.

        Raises:
            TooLittleHistory: when mornings are too few for both.
            InsufficientData: when purchases are too few.
        """
        train, calibration = calibration_split(learned.days, horizon_days=self.learned_days)
        older, newer = (fold.rows(learned.known.as_of) for fold in (train, calibration))
        rows = learned.known.features
        amounts.fit(rows.loc[older], learned.amount[older])
        self.amounts_ = amounts.calibrate(rows.loc[newer], learned.amount[newer])
        return self

    def prospects(self, X: pd.DataFrame) -> ValuePrediction:  # noqa: N803 - scikit-learn's name
        """Means and intervals of customers ``X`` (n, k), for every horizon in one pass.

        An interval that ends below the mean (nine of ten order nothing, the tenth much) is widened to it,
        so it holds at least ``level``.
        """
        outlook = self.value_.outlook(X[list(COLUMNS)])
        value, lo, hi = outlook.expected_revenue, outlook.revenue_lo, outlook.revenue_hi
        if self.amounts_ is not None:
            value, lo, hi = self._learned(X, self.amounts_, ends=(value, lo, hi))
        buying, rows = self.value_.purchases_, X[list(HISTORY)]
        return ValuePrediction(
            value=value,
            value_lo=np.minimum(lo, value),
            value_hi=np.maximum(hi, value),
            orders=outlook.expected_purchases,
            alive=outlook.probability_alive,
            next_order_days=buying.next_order_days(rows, NEXT_ORDER_CHANCES),
            silence=buying.silence_probability(rows),
        )

    def _learned(
        self,
        X: pd.DataFrame,  # noqa: N803 - scikit-learn's name
        amounts: TwoPartAmounts,
        *,
        ends: tuple[Floats, Floats, Floats],
    ) -> tuple[Floats, Floats, Floats]:
        """The learned amounts and their interval, carried over to every horizon by BG/NBD's ``ends``."""
        here = list(self.horizons_days).index(self.learned_days)
        base = ends[0][:, [here]]
        # Who is as good as gone has no shape over time: as much per day in every horizon.
        per_day = np.tile(np.asarray(self.horizons_days) / self.learned_days, (len(base), 1))
        shapes = [np.divide(each, base, out=per_day.copy(), where=base > SMALLEST) for each in ends]
        value, lo, hi = (shape * amounts.expected_revenue(X)[:, None] for shape in shapes)
        lo[:, here], hi[:, here] = amounts.revenue_interval(X)
        return value, lo, hi
