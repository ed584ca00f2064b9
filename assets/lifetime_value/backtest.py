"""Candidates and baseline on windows that have ended, by horizon: which model is best, and may it serve."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from assets.features.matrix import LeakDetected
from assets.lifecycle.capability import InsufficientData
from assets.lifetime_value.dataset import Cohort, ValueData, load_cohort, load_training_data, observed_spend
from assets.lifetime_value.group_totals import group_totals, groups_out_of_tolerance
from assets.lifetime_value.level import shop_levels
from assets.lifetime_value.models.baseline import RepeatSpend, most_orders
from assets.lifetime_value.models.candidates import (
    AMOUNT_MODELS,
    AmountModelName,
    CustomerValue,
    HorizonLevel,
    ValuePrediction,
)
from assets.lifetime_value.models.learned_shape import LearnedShape
from assets.lifetime_value.spec import COMPARED, ValueProblem
from assets.metrics.amounts import amount_accuracy
from assets.metrics.arrays import Floats, Texts
from assets.metrics.bootstrap import ClusterBootstrap, Interval, Replicates, interval, paired_differences
from assets.metrics.outsized import largest_plausible, outsized_from
from assets.supervised.data.dataset import daily_orders

BASELINE = "baseline"
# Reasons why a candidate cannot be fitted.
REFUSALS = (InsufficientData, LeakDetected)
NO_WINDOW = "no window has ended since the first as-of date: nothing can be evaluated yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestWindow:
    """The ``days`` days from the cohort's as-of date on, once they have ended.

    Attributes:
        cohort: Customers known on the first day.
        days: Length.
        predictions: By model, ``baseline`` always among them.
        spent: (n, 2) observed amount and days with an order.
        refusals: Why the other models were not fitted, by model.
        horizons_days: Horizons of the columns of ``predictions``.
        level: Level of the shop that the predictions contain.
    """

    cohort: Cohort
    days: int
    predictions: Mapping[str, ValuePrediction]
    spent: Floats
    refusals: Mapping[str, str]
    horizons_days: tuple[int, ...]
    level: HorizonLevel

    @property
    def most(self) -> float:
        """The largest amount that counts in full: more is an outsized share of the total."""
        return largest_plausible(self.spent[:, 0])

    @property
    def amount(self) -> Floats:
        """(n,) observed amounts, at most ``most``: no single customer decides promotion or grade."""
        return np.minimum(self.spent[:, 0], self.most)

    @property
    def capped(self) -> str:
        """The customers that do not count in full, in words; empty without any."""
        outsized = self.spent[:, 0] > self.most
        if not outsized.any():
            return ""
        share = self.spent[outsized, 0].sum() / self.spent[:, 0].sum()
        return (
            f"{outsized.sum()} of {outsized.size:,} customers spent {share:.0%} of all; each counts with "
            f"{self.most:,.0f}, at most {outsized_from(int((self.spent[:, 0] > 0).sum())):.0%} of the total"
        )

    def value(self, model: str) -> Floats:
        """(n,) mean amounts that ``model`` predicts, at most ``most`` like the observed ones."""
        return np.minimum(self.predictions[model].value[:, self.column], self.most)

    @property
    def column(self) -> int:
        """The column of ``predictions`` for this window."""
        return self.horizons_days.index(self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateResult:
    """One amount model on the newest matured window.

    Attributes:
        amount_model: Which one.
        accuracy: See :func:`amount_accuracy`.
        groups: Rows of :func:`group_totals`.
        defects: Groups out of tolerance, in words.
        against_baseline: Its deviance minus the baseline's.
    """

    amount_model: AmountModelName
    accuracy: Replicates
    groups: pd.DataFrame
    defects: tuple[str, ...]
    against_baseline: Interval

    @property
    def is_sound(self) -> bool:
        """Whether it surely beats the baseline and its totals are within tolerance."""
        return not self.defects and COMPARED.is_won(self.against_baseline)

    @property
    def deviance(self) -> float:
        """The metric that amount models are compared by; lower is better."""
        return float(self.accuracy[COMPARED.metric][0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The amount model that is proposed.

    Attributes:
        best: Its result.
        against_champion: Its deviance minus that of the serving amount model; ``None`` when it is that.
        champion_unfit: Why the serving amount model can no longer serve; empty when it can.
    """

    best: CandidateResult
    against_champion: Interval | None = None
    champion_unfit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """The newest matured window of each horizon, and the amount model that is proposed for all of them.

    Attributes:
        windows: By horizon, the evaluated one first; without those of which none has ended.
        results: By horizon, every candidate that could be fitted.
        choice: ``None`` when no candidate could be fitted.
        lead: The horizon that ``choice`` was made on: the first in which a candidate is sound.
    """

    windows: Mapping[int, BacktestWindow]
    results: Mapping[int, Sequence[CandidateResult]]
    choice: Choice | None = None
    lead: int = 0

    @property
    def refusal(self) -> str:
        """Why there is no choice."""
        reasons = dict.fromkeys(text for each in self.windows.values() for text in each.refusals.values())
        return "; ".join(reasons) or NO_WINDOW

    def result(self, days: int) -> CandidateResult | None:
        """The chosen amount model on the window of ``days``; ``None`` when it has no result there."""
        name = self.choice.best.amount_model if self.choice else None
        return next((each for each in self.results.get(days, ()) if each.amount_model == name), None)


def run_backtest(data: ValueData, *, serving: AmountModelName | None) -> Backtest:
    """Compare the candidates on the newest matured window of every horizon; nothing is written.

    Args:
        data: Everything known on the as-of date.
        serving: The champion's amount model; ``None`` without a champion.
    """
    problem = data.problem
    order = sorted(problem.horizons_days, key=lambda days: (days != problem.evaluated_days, days))
    tried = {days: _window(data, days) for days in order}
    windows = {days: window for days, window in tried.items() if window is not None}
    results = {days: candidate_results(problem, window) for days, window in windows.items()}
    choices = {days: best_of(each, serving=serving) for days, each in results.items()}
    made = {days: choice for days, choice in choices.items() if choice is not None}
    sound = [days for days, choice in made.items() if choice.best.is_sound]
    lead = next(iter([*sound, *made]), 0)
    return Backtest(windows=windows, results=results, choice=made.get(lead), lead=lead)


def _window(data: ValueData, days: int) -> BacktestWindow | None:
    """The newest matured window of ``days``; ``None`` when there is none or nobody was known."""
    problem, warehouse, origin = data.problem, data.warehouse, data.origin(days)
    cohort = load_cohort(problem, warehouse, as_of=origin) if origin else None
    if cohort is None or len(cohort) == 0:
        return None
    rows, refusals = cohort.known.features, dict[str, str]()
    models = fit_candidates(data, cohort, refusals=refusals)
    levels = next((levels_of(data, model, cohort.as_of) for model in models.values()), ())
    predictions: dict[str, ValuePrediction] = {
        name: model.predict(rows, levels) for name, model in models.items()
    }
    predictions[BASELINE] = fit_baseline(data, cohort).predict(rows)
    column = problem.horizons_days.index(days)
    return BacktestWindow(
        cohort=cohort,
        days=days,
        predictions=predictions,
        spent=observed_spend(problem, warehouse, cohort, days=days),
        refusals=refusals,
        horizons_days=problem.horizons_days,
        level=levels[column] if levels else HorizonLevel(horizon_days=days, effective_days=days, sd=0.0),
    )


def levels_of(data: ValueData, model: CustomerValue, as_of: date) -> tuple[HorizonLevel, ...]:
    """The level of every horizon as it was known on a date; see :func:`shop_levels`.

    Args:
        data: Reads the tables.
        model: Fitted on what was known on that date or before.
        as_of: The date.
    """
    return shop_levels(data.problem, data.warehouse, model, as_of=as_of)


def fit_baseline(data: ValueData, cohort: Cohort) -> RepeatSpend:
    """Fit the baseline on what was known on the cohort's as-of date.

    Args:
        data: Reads the shop's orders per day.
        cohort: Customers of the date.
    """
    horizons, daily = data.problem.horizons_days, daily_orders(data.warehouse, cohort.as_of)
    most = most_orders(daily.day, daily.orders, horizons_days=horizons)
    return RepeatSpend(horizons_days=horizons).fit(cohort.known.features, most)


def fit_candidates(
    data: ValueData,
    cohort: Cohort,
    *,
    refusals: dict[str, str],
    verdicts: Mapping[str, Mapping[str, str]] | None = None,
    learned: Sequence[AmountModelName] = ("boosting", "blend"),
) -> dict[AmountModelName, CustomerValue]:
    """Fit the candidates on what was known on the cohort's as-of date; ``bg_nbd`` is always among them.

    Args:
        data: Reads the training rows, as known on that date.
        cohort: Customers of the date.
        refusals: Gets the reasons why a candidate could not be fitted.
        verdicts: Stored with the models, see :class:`CustomerValue`.
        learned: The candidates with a learned shape; without one nothing is learned.
    """
    problem, rows = data.problem, cohort.known.features
    plain = CustomerValue(
        horizons_days=problem.horizons_days,
        learned_days=problem.evaluated_days,
        interval_coverage=problem.interval_coverage,
        verdicts=verdicts,
    )
    try:
        plain.fit(rows)
    except REFUSALS as refusal:
        refusals["bg_nbd"] = f"{AMOUNT_MODELS['bg_nbd']}: {refusal}"
        return {}
    found: dict[AmountModelName, CustomerValue] = {"bg_nbd": plain}
    if not learned:
        return found
    try:
        shape = fit_shape(data, as_of=cohort.as_of)
    except REFUSALS as refusal:
        refusals["boosting"] = f"{AMOUNT_MODELS['boosting']}: {refusal}"
        return found
    return found | {name: plain.with_shape(shape, rows, amount_model=name) for name in learned}


def fit_shape(data: ValueData, *, as_of: date) -> LearnedShape:
    """Fit how customers differ on the windows that had ended on ``as_of``.

    Raises:
        InsufficientData: Too few rows have an order.
    """
    training = load_training_data(data.problem, data.warehouse, as_of=as_of)
    return unfitted_shape(data.problem).fit(training.known.features, training.outcome)


def unfitted_shape(problem: ValueProblem) -> LearnedShape:
    """The learner of a problem, without a fit."""
    return LearnedShape(numeric=problem.columns.numeric, categorical=problem.categorical, seed=problem.seed)


def candidate_results(problem: ValueProblem, window: BacktestWindow) -> list[CandidateResult]:
    """Every amount model that could be fitted, on one window.

    Args:
        problem: The declaration.
        window: A matured window.
    """
    resamples = resamples_of(problem, window.cohort.known.entities)
    baseline = amount_accuracy(window.amount, window.value(BASELINE), resamples)
    found = []
    for name in AMOUNT_MODELS:
        if name not in window.predictions:
            continue
        accuracy = amount_accuracy(window.amount, window.value(name), resamples)
        groups = group_totals(
            window.amount,
            window.value(name),
            resamples,
            quarters=window.cohort.quarters,
            period_sd=window.level.sd,
        )
        found.append(
            CandidateResult(
                amount_model=name,
                accuracy=accuracy,
                groups=groups,
                defects=tuple(groups_out_of_tolerance(groups, criteria=problem.criteria)),
                against_baseline=difference(accuracy, baseline),
            )
        )
    return found


def best_of(results: Iterable[CandidateResult], *, serving: AmountModelName | None) -> Choice | None:
    """The amount model to promote, or the best of those that may not be; ``None`` without any.

    A sound one goes before one that is not, then the lower deviance decides. A sound serving amount model
    is replaced only by one that is surely better: two that are equally good must not alternate.

    Args:
        results: Every candidate on the same window.
        serving: The champion's amount model; ``None`` without a champion.
    """
    ranked = sorted(results, key=lambda each: (not each.is_sound, each.deviance))
    if not ranked:
        return None
    best = ranked[0]
    champion = next((each for each in ranked if each.amount_model == serving), None)
    if champion is None or champion is best:
        return Choice(best=best)
    against = difference(best.accuracy, champion.accuracy)
    if not champion.is_sound:
        text = AMOUNT_MODELS[champion.amount_model]
        return Choice(
            best=best,
            against_champion=against,
            champion_unfit=f"the champion's {text} are out of tolerance or do not beat the baseline",
        )
    if not COMPARED.is_won(against):
        return Choice(best=champion)
    return Choice(best=best, against_champion=against)


def resamples_of(problem: ValueProblem, customers: Texts) -> ClusterBootstrap:
    """Bootstrap weights for ``customers`` (n,), the same in every call."""
    return ClusterBootstrap.by_customer(
        customers, replicates=problem.criteria.replicates, rng=np.random.default_rng(problem.seed)
    )


def difference(ours: Replicates, theirs: Replicates, metric: str = COMPARED.metric) -> Interval:
    """Ours minus theirs, paired by customer.

    Args:
        ours: As :func:`amount_accuracy` gives it.
        theirs: The same of another model on the same rows.
        metric: Which metric.
    """
    drawn = paired_differences(ours, theirs)[metric]
    return interval(float(drawn[0]), drawn[1:])
