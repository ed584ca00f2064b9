"""The gate that can say no: decide from recorded metrics whether a candidate may score."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Literal

import numpy as np
import pandas as pd

from assets.lifecycle.store.metric_lookup import has, overall, recorded
from assets.lifecycle.store.schemas import RETRAIN_TYPES, typed
from assets.metrics.bootstrap import Interval
from assets.supervised.problem import PromotionCriteria

COMPARED_BY = "levelled_log_loss"
DIFFERENCE = f"{COMPARED_BY}_difference"
CHAMPION_DIFFERENCE = f"champion_{DIFFERENCE}"
CONSTANT_WITHIN = 1e-6

Outcome = Literal["promote", "refuse", "fallback", "withhold", "rollback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a candidate becomes the champion, and why.

    Attributes:
        promote: The decision.
        reasons: Sentences; never empty.
        against_naive: Candidate minus naive rival in levelled log loss, ``None`` when not judged.
        against_champion: Candidate minus champion, ``None`` when there is no champion.
        faults: The part of ``reasons`` that says the scores are wrong, not merely no better.
    """

    promote: bool
    reasons: tuple[str, ...]
    against_naive: Interval | None
    against_champion: Interval | None
    faults: tuple[str, ...] = ()

    def outcome(self, *, has_champion: bool) -> Outcome:
        """``promote``, ``refuse`` (the champion stays) or ``fallback`` (there is none)."""
        if self.promote:
            return "promote"
        return "refuse" if has_champion else "fallback"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionAttempt:
    """One decision: for which morning, when, in which run, why, and between whom; ``None`` is nobody.

    ``windows_violated`` counts the mornings on which the trigger was seen, where it was.
    """

    model_name: str
    as_of_date: date
    decided_at: datetime
    run_id: str
    trigger: str
    windows_violated: int | None
    champion: str | None
    challenger: str | None


def decide(metrics: pd.DataFrame, *, criteria: PromotionCriteria) -> Decision:
    """Promote only what is sound, calibrated and better than every rival on the newest rows.

    Args:
        metrics: Rows of ``ml.metrics`` of one candidate on the test fold. A champion was compared when
            ``champion_levelled_log_loss_difference`` is among them.
        criteria: Tolerances.

    Raises:
        KeyError: when a metric the decision needs was not recorded.
    """
    faults = (*degenerate(metrics, criteria=criteria), *miscalibrated(metrics, criteria=criteria))
    against_naive = overall(metrics, DIFFERENCE)
    against_champion = overall(metrics, CHAMPION_DIFFERENCE) if has(metrics, CHAMPION_DIFFERENCE) else None
    lost = tuple(_lost(against_naive, "naive rival")) + tuple(_lost(against_champion, "champion"))
    if faults or lost:
        reasons = faults + lost
    else:
        reasons = tuple(_won(against_naive, "naive rival")) + tuple(_won(against_champion, "champion"))
    return Decision(
        promote=not (faults or lost),
        reasons=reasons,
        against_naive=against_naive,
        against_champion=against_champion,
        faults=faults,
    )


def refused(reason: str) -> Decision:
    """The decision when nothing could be fitted: a refusal's own words."""
    return Decision(promote=False, reasons=(reason,), against_naive=None, against_champion=None)


def degenerate(metrics: pd.DataFrame, *, criteria: PromotionCriteria) -> Iterator[str]:
    """Ways in which scores are not probabilities of the outcome at all."""
    lowest, highest = (overall(metrics, f"{end}_predicted").value for end in ("lowest", "highest"))
    rate, auc = overall(metrics, "actual_rate").value, overall(metrics, "auc")
    if highest - lowest < CONSTANT_WITHIN:
        yield f"constant scores: everyone has {highest:.4f}"
    elif lowest >= 0.5 > rate:
        yield (
            f"every score is at least 0.5 while it happens to {rate:.1%}: this is the probability of the "
            "predicted class, not of the outcome"
        )
    elif highest <= 0.5 < rate:
        yield (
            f"every score is at most 0.5 while it happens to {rate:.1%}: this is the probability of the "
            "class that was not predicted"
        )
    elif auc.hi < 0.5:
        yield f"ranks those it happens to below the others, AUC {auc}: the label is probably swapped"
    if auc.value >= criteria.highest_auc:
        yield f"AUC {auc} is at or above {criteria.highest_auc}: a feature probably leaks the outcome"


def miscalibrated(metrics: pd.DataFrame, *, criteria: PromotionCriteria) -> Iterator[str]:
    """Calibration off by more than the tolerance and by more than sampling error.

    The level is judged over the whole fold; slope and slices are judged after each day's common shift
    was taken out, because a period effect that everybody shares is no fault of the ranking.
    """
    level = overall(metrics, "calibration_shift")
    slope = overall(metrics, "calibration_slope")
    if not np.isfinite([level.lo, slope.lo]).all():
        yield "calibration cannot be judged: too few of either outcome on the newest rows, or constant scores"
    if _outside(level, -criteria.level_tolerance, criteria.level_tolerance):
        said, rate = (overall(metrics, name).value for name in ("mean_predicted", "actual_rate"))
        yield (
            f"mean score {said:.3f} is far from the rate {rate:.3f}: a shift of {level} log-odds, more than "
            f"{criteria.level_tolerance} and sampling error"
        )
    if _outside(slope, *criteria.slope_range):
        kind = "overconfident" if slope.value < 1 else "timid"
        yield f"calibration slope {slope} is outside {criteria.slope_range}: scores are {kind}"
    for row in recorded(metrics, "relative_shift"):
        is_judged = row.slice_name != "all" and row.cases >= criteria.smallest_slice_cases
        if is_judged and _outside(row.interval, -criteria.slice_tolerance, criteria.slice_tolerance):
            yield (
                f"{row.where} is off by {row.interval} log-odds beyond the overall shift, more than "
                f"{criteria.slice_tolerance} and sampling error (n {row.n}, outcomes {row.n_positive})"
            )


def retrain_row(
    attempt: PromotionAttempt, decision: Decision, *, compared_by: str = COMPARED_BY
) -> pd.DataFrame:
    """The row of ``ml.retrain_log``; the difference is against the champion, or else the naive rival."""
    difference = f"{compared_by}_difference"
    against = decision.against_champion or decision.against_naive
    row = {
        **asdict(attempt),
        "decision": decision.outcome(has_champion=attempt.champion is not None),
        "metric": f"champion_{difference}" if decision.against_champion else difference,
        "difference": against.value if against else None,
        "ci_lo": against.lo if against else None,
        "ci_hi": against.hi if against else None,
        "reasons": "; ".join(decision.reasons),
    }
    return typed([row], RETRAIN_TYPES)


def decision_row_without_comparison(
    attempt: PromotionAttempt, outcome: Outcome, *, reasons: str
) -> pd.DataFrame:
    """The row of ``ml.retrain_log`` for a decision in which no two versions were compared."""
    compared = dict.fromkeys(("metric", "difference", "ci_lo", "ci_hi"))
    return typed([{**asdict(attempt), **compared, "decision": outcome, "reasons": reasons}], RETRAIN_TYPES)


def _outside(of: Interval, lowest: float, highest: float) -> bool:
    return of.lo > highest or of.hi < lowest


def _lost(difference: Interval | None, rival: str) -> Iterator[str]:
    # Not "hi >= 0": a difference that could not be computed is no proof either.
    if difference is not None and not difference.hi < 0:
        yield f"does not beat the {rival}: log loss differs by {difference}, not surely below 0"


def _won(difference: Interval | None, rival: str) -> Iterator[str]:
    if difference is not None:
        yield f"beats the {rival}: log loss differs by {difference}"
