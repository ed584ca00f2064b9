"""Candidates and baseline on windows that have ended: which amount model is best, and may it serve."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from assets.calendar import latest_matured_as_of
from assets.features.matrix import LeakDetected
from assets.lifecycle.capability import InsufficientData
from assets.lifetime_value.dataset import (
    Cohort,
    ValueData,
    load_amount_training_data,
    load_cohort,
    observed_spend,
)
from assets.lifetime_value.group_totals import group_totals, groups_out_of_tolerance
from assets.lifetime_value.models.baseline import SpendRate
from assets.lifetime_value.models.candidates import (
    AMOUNT_MODELS,
    AmountModelName,
    CustomerValue,
    ValuePrediction,
)
from assets.lifetime_value.models.two_part import TwoPartAmounts
from assets.lifetime_value.spec import COMPARED, ValueProblem
from assets.metrics.amounts import amount_accuracy
from assets.metrics.arrays import Floats, Texts
from assets.metrics.bootstrap import ClusterBootstrap, Interval, Replicates, interval, paired_differences

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
    """

    cohort: Cohort
    days: int
    predictions: Mapping[str, ValuePrediction]
    spent: Floats
    refusals: Mapping[str, str]
    horizons_days: tuple[int, ...]

    @property
    def amount(self) -> Floats:
        """(n,) observed amounts."""
        return self.spent[:, 0]

    def value(self, model: str) -> Floats:
        """(n,) mean amounts that ``model`` predicts."""
        return self.predictions[model].value[:, self.column]

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
    """The newest matured window first, then those of shorter horizons from the same date.

    Attributes:
        windows: Empty when none has ended.
        choice: ``None`` when no candidate could be fitted.
        period_sd: See :func:`period_sd`; ``nan`` without a window.
    """

    windows: tuple[BacktestWindow, ...] = ()
    choice: Choice | None = None
    period_sd: float = float("nan")

    @property
    def refusal(self) -> str:
        """Why there is no choice."""
        return "; ".join(self.windows[0].refusals.values()) if self.windows else NO_WINDOW


def run_backtest(data: ValueData, *, serving: AmountModelName | None) -> Backtest:
    """Compare the candidates on the newest matured window of the evaluated horizon; nothing is written.

    Args:
        data: Everything known on the as-of date.
        serving: The champion's amount model; ``None`` without a champion.
    """
    problem = data.problem
    # The shorter horizons are evaluated from the same date by the same fits.
    days = sorted((each for each in problem.horizons_days if each <= problem.evaluated_days), reverse=True)
    found = tuple(each for day in data.origins[:1] for each in windows(data, origin=day, days=days))
    if not found:
        return Backtest()
    sd = period_sd(data, before=data.origins[1:])
    choice = best_of(candidate_results(problem, found[0], period_sd=sd), serving=serving)
    return Backtest(windows=found, choice=choice, period_sd=sd)


def longer_windows(data: ValueData) -> Iterator[BacktestWindow]:
    """The newest matured window of each longer horizon, where purchase histories reach back so far."""
    for days in data.problem.horizons_days:
        day = latest_matured_as_of(data.as_of, horizon_days=days)
        if days > data.problem.evaluated_days and data.has(day):
            yield from windows(data, origin=day, days=[days])


def windows(data: ValueData, *, origin: date, days: Sequence[int]) -> Iterator[BacktestWindow]:
    """The windows of ``days`` that began on ``origin``, by the same models; none when nobody was known.

    Args:
        data: Everything known on the as-of date.
        origin: First day of the windows; the models know nothing of it and later.
        days: Lengths of the windows.
    """
    problem, warehouse = data.problem, data.warehouse
    cohort = load_cohort(problem, warehouse, as_of=origin)
    if len(cohort) == 0:
        return
    predictions: dict[str, ValuePrediction] = {}
    refusals: dict[str, str] = {}
    for name, text in AMOUNT_MODELS.items():
        try:
            model = fit_candidate_model(data, cohort, amount_model=name)
        except REFUSALS as refusal:
            refusals[name] = f"{text}: {refusal}"
        else:
            predictions[name] = model.predict(cohort.known.features)
    predictions[BASELINE] = SpendRate(horizons_days=problem.horizons_days).predict(cohort.known.features)
    for each in days:
        yield BacktestWindow(
            cohort=cohort,
            days=each,
            predictions=predictions,
            spent=observed_spend(problem, warehouse, cohort, days=each),
            refusals=refusals,
            horizons_days=problem.horizons_days,
        )


def fit_candidate_model(data: ValueData, cohort: Cohort, *, amount_model: AmountModelName) -> CustomerValue:
    """Fit a candidate on what was known on the cohort's as-of date.

    Args:
        data: Where training rows are read from.
        cohort: Customers known on that date.
        amount_model: How amounts are predicted.

    Raises:
        InsufficientData: The data do not suffice.
        LeakDetected: A feature gives the outcome away.
    """
    problem = data.problem
    model = CustomerValue(
        amount_model=amount_model,
        horizons_days=problem.horizons_days,
        learned_days=problem.evaluated_days,
        interval_coverage=problem.interval_coverage,
    ).fit(cohort.known.features)
    if amount_model == "bg_nbd":
        return model
    training = load_amount_training_data(problem, data.warehouse, as_of=cohort.as_of)
    usable = tuple(name for name in problem.numeric if training.known.features[name].notna().any())
    amounts = TwoPartAmounts(
        numeric=usable,
        categorical=problem.categorical,
        interval_coverage=problem.interval_coverage,
        seed=problem.seed,
    )
    return model.fit_amounts(training, amounts=amounts)


def period_sd(data: ValueData, *, before: Sequence[date]) -> float:
    """Standard deviation of ln(observed / predicted total) of whole windows.

    Season, closures and trend move all customers together, and no number of customers averages that out.
    So BG/NBD is fitted on each date of ``before`` and its total compared with the outcome. There are few
    windows, so the usual deviation counts as ``usual_windows`` more of them. The newest matured window is
    left out: the tolerance of an evaluation must not come from the evaluated window itself.
    """
    misses = [miss for day in before if (miss := _log_miss(data, day)) is not None]
    criteria = data.problem.criteria
    total = criteria.usual_windows * criteria.usual_period_sd**2 + sum(miss**2 for miss in misses)
    return float(np.sqrt(total / (criteria.usual_windows + len(misses))))


def _log_miss(data: ValueData, day: date) -> float | None:
    problem = data.problem
    cohort = load_cohort(problem, data.warehouse, as_of=day)
    try:
        model = CustomerValue(horizons_days=(problem.evaluated_days,)).fit(cohort.known.features)
    except REFUSALS:
        return None
    spent = observed_spend(problem, data.warehouse, cohort, days=problem.evaluated_days)
    observed = float(spent[:, 0].sum())
    predicted = float(model.value_.expected_revenue(cohort.known.features).sum())
    return float(np.log(observed / predicted)) if min(observed, predicted) > 0 else None


def candidate_results(
    problem: ValueProblem, window: BacktestWindow, *, period_sd: float
) -> list[CandidateResult]:
    """Every amount model that could be fitted, on one window.

    Args:
        problem: The declaration.
        window: The newest matured window.
        period_sd: See :func:`period_sd`.
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
            period_sd=period_sd,
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
