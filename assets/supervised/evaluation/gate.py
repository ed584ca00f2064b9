"""Defects of calibrated probabilities, and the grade of a supervised version, from recorded metrics."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd

from assets.lifecycle.gate import Decision
from assets.lifecycle.report.grade import DO_NOT_USE, GRADES, Grade
from assets.lifecycle.retrain_triggers import OLDEST_CHAMPION
from assets.lifecycle.store.metric_lookup import has, overall
from assets.metrics.bootstrap import NORMAL_QUANTILE, Interval
from assets.supervised.evaluation.evaluation import PRIOR_SHIFT_SE
from assets.supervised.evaluation.withheld_slices import mostly_off
from assets.supervised.problem import PromotionCriteria

CONSTANT_WITHIN = 1e-6
# What eight weeks of age cost in log loss on three dates of Online Retail was 0.001 to 0.005.
COST_OF_AGE = 0.002
LEVEL_ERRORS = 2.0


def degenerate(metrics: pd.DataFrame) -> Iterator[str]:
    """Detect degenerate scores: constant, inverted, or the probability of the predicted class.

    Args:
        metrics: Rows (n, k) of ``ml.metrics`` of one version and split.
    """
    lowest, highest = (overall(metrics, f"{end}_predicted").value for end in ("lowest", "highest"))
    rate, auc = overall(metrics, "mean_observed").value, overall(metrics, "auc")
    if highest - lowest < CONSTANT_WITHIN:
        yield f"constant scores: everyone has {highest:.4f}"
    elif lowest >= 0.5 > rate:
        yield (
            f"every score is at least 0.5 while the rate is {rate:.1%}: this is the probability of the "
            "predicted class, not of the outcome"
        )
    elif highest <= 0.5 < rate:
        yield (
            f"every score is at most 0.5 while the rate is {rate:.1%}: this is the probability of the "
            "class that was not predicted"
        )
    elif auc.hi < 0.5:
        yield f"ranks positives below negatives, AUC {auc}: the label is probably swapped"


def miscalibrated(metrics: pd.DataFrame, *, criteria: PromotionCriteria) -> Iterator[str]:
    """Detect calibration off by more than the tolerance and by more than sampling error.

    The mean is evaluated over the whole fold; slope and slices after each date's common shift was taken
    out, because a period effect that the whole cohort shares is no error of the ranking. A slice that is off
    is a defect of its own rows (:func:`slices_off`), and of the version only with most of its rows.

    Args:
        metrics: Rows (n, k) of ``ml.metrics`` of one version and split.
        criteria: Tolerances, each on top of sampling error.
    """
    shift = overall(metrics, "calibration_shift")
    slope = overall(metrics, "calibration_slope")
    if not np.isfinite([shift.lo, slope.lo]).all():
        yield "calibration cannot be evaluated: too few of either outcome, or constant scores"
    allowed = largest_level_gap(metrics, criteria=criteria)
    if abs(shift.value) > allowed:
        mean, rate = (overall(metrics, name).value for name in ("mean_predicted", "mean_observed"))
        yield (
            f"mean score {mean:.3f} is far from the rate {rate:.3f}: a shift of {shift} log-odds, more than "
            f"the {allowed:.2f} that sampling, the forecast of the level and tolerance allow"
        )
    if _outside(slope, *criteria.slope_range):
        kind = "overconfident" if slope.value < 1 else "timid"
        yield (
            f"calibration slope {slope} is outside {criteria.slope_range} by more than sampling error and "
            f"season: scores are {kind}"
        )
    yield from mostly_off(metrics, criteria=criteria)


def largest_level_gap(metrics: pd.DataFrame, *, criteria: PromotionCriteria) -> float:
    """Largest gap of mean and rate that is no defect, in log-odds; ``nan`` when it cannot be evaluated.

    Two standard errors, of sampling and of the forecast of the level over the evaluated windows together, and
    the tolerance; never more than the highest gap and sampling error. Metrics of an earlier version that do
    not state the error of the level have the latter alone.

    Args:
        metrics: Rows (n, k) of ``ml.metrics`` of one version and split.
        criteria: Tolerances.
    """
    shift = overall(metrics, "calibration_shift")
    half = shift.value - shift.lo if shift.value > 0 else shift.hi - shift.value
    highest = criteria.highest_level_gap + half
    if not has(metrics, PRIOR_SHIFT_SE):
        return highest
    error = np.hypot(half / NORMAL_QUANTILE, overall(metrics, PRIOR_SHIFT_SE).value)
    return float(min(criteria.level_tolerance + LEVEL_ERRORS * error, highest))


def _outside(of: Interval, lowest: float, highest: float) -> bool:
    return of.lo > highest or of.hi < lowest


def outdated(difference: Interval, *, since: date, as_of: date) -> str:
    """Reason why a candidate need not surely beat an old champion; empty when it must.

    Two fits of one pipeline, some weeks apart, rarely differ surely on the same rows, so that a champion
    which had to be beaten would serve for a year. On 14 dates of Online Retail such champions had a mean AUC
    of 0.780, models fitted on each date 0.784.

    Args:
        difference: Candidate minus champion in log loss after recalibration.
        since: First as-of date that the champion served.
        as_of: As-of date of the candidate.
    """
    if as_of - since < OLDEST_CHAMPION or not difference.lo <= COST_OF_AGE:
        return ""
    return (
        f"the champion has served since {since}, and the newer candidate is not surely worse by more than "
        f"{COST_OF_AGE}, the cost of age: log loss after recalibration differs by {difference}"
    )


def grade(metrics: pd.DataFrame, decision: Decision) -> Grade:
    """The best grade whose bounds the test fold reaches.

    Do-not-use when the scores have defects or the baseline is not surely beaten; losing to the champion
    does not matter here.

    Args:
        metrics: Rows of ``ml.metrics`` of the version's test fold.
        decision: Decision of the promotion gate.
    """
    if decision.defects or decision.against_baseline is None or not decision.against_baseline.hi < 0:
        return DO_NOT_USE
    auc, skill = overall(metrics, "auc").value, overall(metrics, "log_loss_skill").value
    for each in GRADES:
        if auc >= each.auc and skill >= each.skill:
            return each
    return DO_NOT_USE
