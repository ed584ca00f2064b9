"""The rivals of one window side by side: which is best, and whether it may score."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from assets.lifecycle.gate import Decision
from assets.lifetime_value.backtest import BASELINE, BacktestWindow
from assets.lifetime_value.group_totals import group_totals, groups_out_of_tolerance
from assets.lifetime_value.models.candidates import RECIPES, AmountModelName
from assets.lifetime_value.problem import ValueProblem
from assets.metrics.amounts import amount_accuracy
from assets.metrics.bootstrap import ClusterBootstrap, Interval, Replicates, interval, paired_differences

COMPARED_BY = "deviance"


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateResult:
    """How one recipe did on the judged window.

    Attributes:
        accuracy: See :func:`amount_accuracy`.
        groups: Rows of :func:`group_totals`.
        faults: Groups that disagree, in words.
        against_naive: Its deviance minus the naive rival's.
    """

    recipe: AmountModelName
    accuracy: Replicates
    groups: pd.DataFrame
    faults: tuple[str, ...]
    against_naive: Interval

    @property
    def is_sound(self) -> bool:
        """Whether it surely beats the formula and its totals agree."""
        return not self.faults and self.against_naive.hi < 0

    @property
    def deviance(self) -> float:
        """What recipes are compared by; lower is better."""
        return float(self.accuracy[COMPARED_BY][0])


def resamples_of(problem: ValueProblem, window: BacktestWindow) -> ClusterBootstrap:
    """Bootstrap weights for the window's customers."""
    return ClusterBootstrap.by_customer(
        window.cohort.known.entities,
        replicates=problem.criteria.replicates,
        rng=np.random.default_rng(problem.seed),
    )


def trials(problem: ValueProblem, window: BacktestWindow, *, period_sd: float) -> list[CandidateResult]:
    """Every recipe that could be fitted, on the judged window."""
    resamples = resamples_of(problem, window)
    naive = amount_accuracy(window.amount, window.value(BASELINE), resamples)
    found = []
    for recipe in RECIPES:
        if recipe not in window.said:
            continue
        accuracy = amount_accuracy(window.amount, window.value(recipe), resamples)
        groups = group_totals(
            window.amount,
            window.value(recipe),
            resamples,
            quarters=window.cohort.quarters,
            period_sd=period_sd,
        )
        found.append(
            CandidateResult(
                recipe=recipe,
                accuracy=accuracy,
                groups=groups,
                faults=tuple(groups_out_of_tolerance(groups, criteria=problem.criteria)),
                against_naive=difference(accuracy, naive),
            )
        )
    return found


def difference(ours: Replicates, theirs: Replicates, measure: str = COMPARED_BY) -> Interval:
    """Ours minus theirs, paired by customer."""
    drawn = paired_differences(ours, theirs)[measure]
    return interval(float(drawn[0]), drawn[1:])


def best_of(
    found: Iterable[CandidateResult], *, serving: AmountModelName | None
) -> tuple[CandidateResult, Decision] | None:
    """The recipe to promote, or the best of those that may not be; ``None`` without any.

    A sound recipe goes before one that is not, then the lower deviance. Whoever serves is left only for a
    recipe that surely does better: two that do equally well must not take turns.
    """
    ranked = sorted(found, key=lambda trial: (not trial.is_sound, trial.deviance))
    if not ranked:
        return None
    best, champion = ranked[0], next((trial for trial in ranked if trial.recipe == serving), None)
    against = difference(best.accuracy, champion.accuracy) if champion else None
    if champion is not None and champion.is_sound and against is not None and not against.hi < 0:
        best, against = champion, None
    return best, _decided(best, None if champion is best else against)


def _decided(best: CandidateResult, against_champion: Interval | None) -> Decision:
    lost = () if best.against_naive.hi < 0 else (_told(best, "does not surely beat"),)
    won = (_told(best, "beats"), "predicted totals agree with realised ones by tenth and by cohort")
    return Decision(
        promote=best.is_sound,
        reasons=(*best.faults, *lost) or won,
        against_naive=best.against_naive,
        against_champion=against_champion,
        faults=best.faults,
    )


def _told(best: CandidateResult, verb: str) -> str:
    return f"{RECIPES[best.recipe]} {verb} the naive formula: deviance differs by {best.against_naive}"


def with_refusals(decision: Decision, refusals: Mapping[str, str]) -> Decision:
    """The same decision that also says which rivals could not be fitted, and why."""
    return replace(decision, reasons=(*decision.reasons, *refusals.values()))


def nothing_judged(refusals: Iterator[str]) -> Decision:
    """The decision when no recipe could be judged."""
    reasons = tuple(refusals) or ("no window has ended since the first morning: nothing can be judged yet",)
    return Decision(promote=False, reasons=reasons, against_naive=None, against_champion=None)
