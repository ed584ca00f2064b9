"""One window of the past: what each rival would have said on its first morning, and what then happened."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from assets.calendar import latest_matured_as_of
from assets.features.matrix import LeakDetected
from assets.lifetime_value.dataset import (
    Cohort,
    cohort_on,
    first_morning,
    load_amount_training_data,
    observed_spend,
)
from assets.lifetime_value.models.baseline import SpendRate
from assets.lifetime_value.models.candidates import RECIPES, AmountModelName, CustomerValue
from assets.lifetime_value.models.gamma_gamma import AmountsTooSpread
from assets.lifetime_value.models.prospects import ValuePrediction
from assets.lifetime_value.models.purchase_history import NothingToTellApart
from assets.lifetime_value.models.two_part import TwoPartAmounts
from assets.lifetime_value.problem import ValueProblem
from assets.metrics.arrays import Floats
from assets.ports import Warehouse
from assets.supervised.data.split import TooLittleHistory
from assets.supervised.fitting.train import InsufficientData

BASELINE = "naive"
# Why a recipe cannot be fitted, each in words.
REFUSALS = (InsufficientData, NothingToTellApart, AmountsTooSpread, TooLittleHistory, LeakDetected)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestWindow:
    """The ``days`` days that began with the cohort's morning, once they had ended.

    Attributes:
        said: By rival, ``naive`` always among them.
        spent: (n, 2) realised amount and days with an order.
        refusals: Why the others are not there.
        horizons_days: What the columns of ``said`` are.
    """

    cohort: Cohort
    days: int
    said: Mapping[str, ValuePrediction]
    spent: Floats
    refusals: Mapping[str, str]
    horizons_days: tuple[int, ...]

    @property
    def amount(self) -> Floats:
        """(n,) realised amounts."""
        return self.spent[:, 0]

    def value(self, rival: str) -> Floats:
        """(n,) mean amounts that ``rival`` expected."""
        return self.said[rival].value[:, self.column]

    @property
    def column(self) -> int:
        """Which column of ``said`` is about this window."""
        return self.horizons_days.index(self.days)


def fit_candidate_models(
    problem: ValueProblem, warehouse: Warehouse, cohort: Cohort, *, recipe: AmountModelName
) -> CustomerValue:
    """``recipe`` as the cohort's morning could fit it.

    Raises:
        InsufficientData, NothingToTellApart, AmountsTooSpread, TooLittleHistory, LeakDetected: in words.
    """
    model = CustomerValue(
        recipe=recipe,
        horizons_days=problem.horizons_days,
        learned_days=problem.judged_days,
        level=problem.level,
    ).fit(cohort.known.features)
    if recipe == "bg_nbd":
        return model
    learned = load_amount_training_data(problem, warehouse, as_of=cohort.as_of)
    told = tuple(name for name in problem.numeric if learned.known.features[name].notna().any())
    amounts = TwoPartAmounts(
        numeric=told, categorical=problem.categorical, level=problem.level, seed=problem.seed
    )
    return model.learn(learned, amounts=amounts)


def windows(
    problem: ValueProblem, warehouse: Warehouse, *, origin: date, days: Sequence[int]
) -> Iterator[BacktestWindow]:
    """The windows of ``days`` that began on ``origin``, by the same rivals; none when nobody was known."""
    cohort = cohort_on(problem, warehouse, as_of=origin)
    if len(cohort) == 0:
        return
    said: dict[str, ValuePrediction] = {}
    refusals: dict[str, str] = {}
    for recipe in RECIPES:
        try:
            model = fit_candidate_models(problem, warehouse, cohort, recipe=recipe)
        except REFUSALS as refusal:
            refusals[recipe] = f"{RECIPES[recipe]}: {refusal}"
        else:
            said[recipe] = model.prospects(cohort.known.features)
    said[BASELINE] = SpendRate(horizons_days=problem.horizons_days).prospects(cohort.known.features)
    for each in days:
        yield BacktestWindow(
            cohort=cohort,
            days=each,
            said=said,
            spent=observed_spend(problem, warehouse, cohort, days=each),
            refusals=refusals,
            horizons_days=problem.horizons_days,
        )


def origins(problem: ValueProblem, warehouse: Warehouse, *, as_of: date) -> list[date]:
    """First mornings of the judged horizon's matured windows, newest first; they do not overlap."""
    first = first_morning(problem, warehouse)
    found: list[date] = []
    day = latest_matured_as_of(as_of, horizon_days=problem.judged_days)
    while first is not None and day >= first and len(found) <= problem.criteria.most_windows:
        found.append(day)
        day = latest_matured_as_of(day, horizon_days=problem.judged_days)
    return found


def period_sd(problem: ValueProblem, warehouse: Warehouse, *, before: Sequence[date]) -> float:
    """How far a whole window misses, as a standard deviation of ln(realised / predicted).

    Season, closures and trend move all customers together, and no number of customers averages that out.
    So BG/NBD is fitted on each morning of ``before`` and its total held against what came. Few windows
    speak, so the usual deviation is counted as ``usual_windows`` more of them. Windows that look back on
    the judged one are left out: what a model is judged by must not come from itself.
    """
    misses = [miss for day in before if (miss := _missed(problem, warehouse, day)) is not None]
    criteria = problem.criteria
    known = criteria.usual_windows * criteria.usual_period_sd**2 + sum(miss**2 for miss in misses)
    return float(np.sqrt(known / (criteria.usual_windows + len(misses))))


def _missed(problem: ValueProblem, warehouse: Warehouse, day: date) -> float | None:
    cohort = cohort_on(problem, warehouse, as_of=day)
    try:
        model = CustomerValue(horizons_days=(problem.judged_days,)).fit(cohort.known.features)
    except REFUSALS:
        return None
    realised = float(observed_spend(problem, warehouse, cohort, days=problem.judged_days)[:, 0].sum())
    predicted = float(model.value_.expected_revenue(cohort.known.features).sum())
    return float(np.log(realised / predicted)) if min(realised, predicted) > 0 else None
