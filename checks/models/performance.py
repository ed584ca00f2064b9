"""Checks of performance: recorded metrics and published scores against outcomes."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import special, stats

from assets.features.matrix import AS_OF
from assets.lifecycle.canary import MOST_LOG_TOTAL
from assets.lifecycle.store.metric_lookup import has, overall, recorded
from assets.metrics.arrays import Floats
from assets.metrics.bootstrap import NORMAL_QUANTILE, Interval
from assets.metrics.membership import MEMBERSHIP_AUC
from assets.prior_shift.forecast import PriorShiftForecast
from assets.supervised.evaluation.evaluation import TOP_LIFT
from assets.supervised.evaluation.gate import largest_level_gap, miscalibrated
from assets.supervised.evaluation.withheld_slices import SliceOff, slices_off
from assets.supervised.problem import PromotionCriteria
from checks.verdict import Verdict

# Half of a 99.9 % interval, in standard deviations. Not Student's t, whose tails with a few windows would
# allow anything: both sides of the comparison are forecasts, and an unusual season moves them together.
RATE_SDS = float(stats.norm.ppf(0.9995))
MISS_RATE = 0.05
# A run of misses this unlikely under honest 95 % intervals is not bad luck.
TOO_UNLIKELY = 0.01
# A top tenth that is better or worse by a fifth changes whom a campaign pays for.
LIFT_RATIO = 1.2
SMALLEST_PERIOD_SD = 0.05
# Errors in units of their stated standard deviation, root mean square.
Z_RMS_RANGE = (0.75, 1.3)


def champion_is_calibrated(metrics: pd.DataFrame, *, criteria: PromotionCriteria) -> Verdict:
    """The serving version's recorded calibration is within the gate's tolerances, but for withheld slices.

    Args:
        metrics: Rows of ``ml.metrics`` of the version that serves; empty for a fallback, which is a
            table of rates and needs no calibration.
        criteria: Tolerances, each on top of sampling error.
    """
    if metrics.empty:
        return Verdict(
            passed=True,
            reason="the fallback serves: rates by recency, nothing to calibrate",
            evidence={"n": 0.0},
        )
    defects = tuple(miscalibrated(metrics, criteria=criteria))
    off = ", ".join(each.where for each in slices_off(metrics, criteria=criteria))
    slices = f"rows of {off} are off and withheld" if off else "every slice within bounds"
    whole = metrics.loc[(metrics["metric"] == "calibration_shift") & (metrics["slice_name"] == "all")].iloc[0]
    return Verdict(
        passed=not defects,
        reason="; ".join(defects) or f"calibrated on {int(whole['n']):,} rows, {slices}",
        value=float(whole["value"]),
        threshold=largest_level_gap(metrics, criteria=criteria),
        evidence={"n": float(whole["n"]), "outcomes": float(whole["n_positive"])},
    )


def no_slice_is_withheld(off: Sequence[SliceOff], *, withheld: int, n: int) -> Verdict:
    """Every slice of the customers has its scores; one whose probabilities are surely off has none.

    Args:
        off: The slices that are withheld.
        withheld: Rows without a score for that reason.
        n: Rows of the date.
    """
    reasons = "; ".join(each.reason for each in off)
    return Verdict(
        passed=not withheld,
        reason=f"{withheld:,} of {n:,} rows have no score, because their slice is withheld: {reasons}"
        if withheld
        else f"no slice of {n:,} rows is withheld",
        value=float(withheld),
        threshold=0.0,
        evidence={"n": float(n), "slices": float(len(off))},
    )


def mean_probability_is_within_forecast_of_rate(
    probability: Floats, *, expected: float, forecast: PriorShiftForecast | None
) -> Verdict:
    """The mean published probability lies in the 99.9 % interval of a seasonal forecast of the rate.

    The forecast is made of the observed rates of matured as-of dates and of daily orders, without a model. It
    catches a table that holds something else than the probability of the outcome, such as that of the
    predicted class, whatever the recorded metrics of the model are.

    Args:
        probability: (n,) published probabilities of one as-of date.
        expected: Mean rate of the matured dates, in (0, 1).
        forecast: Forecast of the date's rate over that mean, in log-odds; ``None`` when nothing has matured.
    """
    if forecast is None or probability.size == 0:
        return Verdict(passed=True, reason="no matured date to compare with yet", evidence={"n": 0.0})
    # The rate of a few customers is as uncertain as their number.
    sampling = 1 / (probability.size * expected * (1 - expected))
    half = RATE_SDS * float(np.sqrt(forecast.sd**2 + sampling))
    middle = float(special.logit(expected)) + forecast.shift
    lowest, highest = (float(special.expit(middle + sign * half)) for sign in (-1, 1))
    mean = float(probability.mean())
    return Verdict(
        passed=lowest <= mean <= highest,
        reason=f"mean probability {mean:.3f} of {probability.size:,} customers; the rates of matured dates "
        f"let expect {special.expit(middle):.3f}, {lowest:.3f} to {highest:.3f} "
        f"(n = {forecast.n_periods} dates)",
        value=mean,
        threshold=highest,
        evidence={"n": float(probability.size), "lowest": lowest, "highest": highest},
    )


def observed_totals_are_inside_intervals(totals: pd.DataFrame) -> Verdict:
    """Realised totals lie in the 95 % intervals that were published before, about as often as they should.

    Args:
        totals: Rows of ``ml.prediction_totals`` of one model with
            ``observed_positives``, ``expected_positives_lo`` and ``expected_positives_hi``.
    """
    matured = totals.dropna(subset=["observed_positives"])
    inside = matured["observed_positives"].between(
        matured["expected_positives_lo"], matured["expected_positives_hi"]
    )
    misses = int((~inside).sum())
    unlikely = float(stats.binom.sf(misses - 1, len(matured), MISS_RATE)) if len(matured) else 1.0
    return Verdict(
        passed=unlikely >= TOO_UNLIKELY,
        reason=f"{misses} of {len(matured)} matured totals lie outside their 95 % interval; "
        f"correct intervals miss that often with probability {unlikely:.3f}",
        value=unlikely,
        threshold=TOO_UNLIKELY,
        evidence={"n": float(len(matured)), "misses": float(misses)},
    )


def stated_uncertainty_matches_backtest(totals: pd.DataFrame) -> Verdict:
    """The stated standard deviation of the prior shift is neither too small nor too large for past errors.

    The errors are those of a backtest, so that the first run is evaluated too. Without a known season the
    standard deviation may be too large: it covers a season that has not turned yet.

    Args:
        totals: Rows of ``ml.prediction_totals`` of one model, oldest first; the newest is evaluated.
    """
    newest = totals.iloc[-1] if len(totals) else pd.Series({"backtest_windows": 0.0})
    windows = float(newest["backtest_windows"])
    if not windows >= 1:
        few = f"the backtest has {windows:.1f} independent windows: not evaluated yet"
        return Verdict(passed=True, reason=few, evidence={"n": windows})
    z_rms = float(newest["backtest_z_rms"])
    lowest, highest = Z_RMS_RANGE if newest["season_known"] else (0.0, Z_RMS_RANGE[1])
    lo, hi = (z_rms * float(np.sqrt(windows / stats.chi2.ppf(tail, windows))) for tail in (0.975, 0.025))
    return Verdict(
        passed=lo <= highest and hi >= lowest,
        reason=f"errors of the total are {z_rms:.2f} [{lo:.2f}, {hi:.2f}] of the stated standard deviation "
        f"in {windows:.1f} independent windows of the backtest; allowed are {lowest} to {highest}",
        value=z_rms,
        threshold=highest,
        evidence={"n": windows, "ci_lo": lo, "ci_hi": hi},
    )


def realised_performance_is_within_tolerance(realised: pd.Series) -> Verdict:
    """Matured published scores of the serving version agree with their outcomes; if not, it scores no more.

    Args:
        realised: The date's row of ``ml.<capability>__realised``.
    """
    n, days = int(realised["n"]), int(realised["n_days"])
    if n == 0 or not pd.isna(realised["too_few"]):
        few = "no published score of this version has matured" if n == 0 else str(realised["too_few"])
        return Verdict(passed=True, reason=f"{few}: not evaluated yet", evidence={"n": float(n)})
    defects = None if pd.isna(realised["defects"]) else str(realised["defects"])
    figures: dict[str, float] = json.loads(str(realised["figures"]))
    shown = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
    return Verdict(
        passed=defects is None,
        reason=f"{defects}; its scores are withheld until a version passes the gate: launch retrain"
        if defects
        else f"{days} dates, {n:,} rows: {shown}",
        evidence={"n": float(n), "dates": float(days), **figures},
    )


def realised_calibration_is_within_tolerance(realised: pd.Series) -> Verdict:
    """Matured published probabilities of the serving version agree with outcomes; if not, it scores no more.

    Args:
        realised: The date's row of ``ml.<capability>__realised``.
    """
    verdict = realised_performance_is_within_tolerance(realised)
    if "mean_predicted" not in verdict.evidence:
        return verdict
    found = verdict.evidence
    return replace(verdict, value=found["mean_predicted"], threshold=found["mean_observed"])


def realised_lift_matches_test_fold(test: pd.DataFrame, realised: pd.DataFrame, *, windows: float) -> Verdict:
    """The top tenth of published customers bought as much more often as the top tenth of the test fold.

    Fails only where the whole 95 % interval of the ratio of both lifts, beyond sampling error and a standard
    deviation between dates as in the test fold, lies outside 1 / 1.2 to 1.2.

    Args:
        test: Rows (n, k) of ``ml.metrics`` of the version's test fold.
        realised: Those of its newest realised window; empty when nothing has matured.
        windows: As many independent outcome windows the realised dates are worth.
    """
    if not has(realised, TOP_LIFT) or not has(test, TOP_LIFT):
        return Verdict(
            passed=True, reason="no published score of this version has matured", evidence={"n": 0.0}
        )
    expected, found = overall(test, TOP_LIFT), overall(realised, TOP_LIFT)
    n = float(next(recorded(realised, TOP_LIFT)).n)
    variance = _log_variance(expected) + _log_variance(found) + _period_variance(test) / windows
    if not np.isfinite(variance):
        return Verdict(passed=True, reason=f"too few outcomes in {n:,.0f} rows", evidence={"n": n})
    ratio, half = np.log(found.value / expected.value), NORMAL_QUANTILE * np.sqrt(variance)
    return Verdict(
        passed=bool(abs(ratio) - half <= np.log(LIFT_RATIO)),
        reason=f"the top tenth bought {found.value:.2f} times as often as everybody, in the test fold "
        f"{expected.value:.2f} times: ratio {np.exp(ratio):.2f} [{np.exp(ratio - half):.2f}, "
        f"{np.exp(ratio + half):.2f}], allowed are {1 / LIFT_RATIO:.2f} to {LIFT_RATIO}",
        value=float(np.exp(ratio)),
        threshold=LIFT_RATIO,
        evidence={"n": n, "ci_lo": float(np.exp(ratio - half)), "ci_hi": float(np.exp(ratio + half))},
    )


def _log_variance(of: Interval) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(((np.log(of.hi) - np.log(of.lo)) / (2 * NORMAL_QUANTILE)) ** 2)


def _period_variance(test: pd.DataFrame) -> float:
    """Variance of the log lift between dates of the test fold beyond sampling, at least 0.05 squared."""
    by_date = [each.interval for each in recorded(test, TOP_LIFT) if each.slice_name == AS_OF]
    usable = [each for each in by_date if each.value > 0 and np.isfinite(_log_variance(each))]
    if len(usable) < 2:
        return SMALLEST_PERIOD_SD**2
    between = np.var(np.log([each.value for each in usable]), ddof=1)
    sampling = float(np.mean([_log_variance(each) for each in usable]))
    return max(SMALLEST_PERIOD_SD**2, float(between) - sampling)


def features_have_not_drifted(drifted: pd.Series) -> Verdict:
    """No feature of the cohort lies beyond what chance and the champion's training window allow.

    Args:
        drifted: The date's row of ``ml.<capability>__drift``.
    """
    n, compared = int(drifted["n"]), int(drifted["compared"])
    if compared == 0:
        return Verdict(
            passed=True, reason="no champion serves: nothing to compare with", evidence={"n": float(n)}
        )
    is_stable = pd.isna(drifted["drifted"])
    names = "" if is_stable else str(drifted["drifted"])
    return Verdict(
        passed=bool(is_stable),
        reason=f"{compared} columns of {n:,} rows are within the range of the training window"
        if is_stable
        else f"drifted on 2 of the last 3 dates, in {n:,} rows: {names}; look at the page, then at the "
        "source that feeds them; retrain when the change is real",
        value=float(len(names.split(", ")) if names else 0),
        threshold=0.0,
        evidence={"n": float(n), "columns": float(compared)},
    )


def membership_inference_auc_is_low(metrics: pd.DataFrame, *, highest_auc: float) -> Verdict:
    """The candidate's predictions do not reveal which entities were in its training data.

    Args:
        metrics: Rows of ``ml.metrics`` of the candidate's training fold; without a row of the attack when
            nothing was learned from single entities.
        highest_auc: The highest area under the attacker's curve.
    """
    found = metrics.loc[metrics["metric"] == MEMBERSHIP_AUC]
    if found.empty:
        reason = "nothing was learned from single entities"
        return Verdict(passed=True, reason=reason, evidence={"n": 0.0})
    auc, lowest, highest = (float(found[name].iloc[0]) for name in ("value", "ci_lo", "ci_hi"))
    return Verdict(
        passed=auc <= highest_auc,
        reason=f"an attacker who knows the outcomes identifies training rows with AUC {auc:.3f} "
        f"[{lowest:.3f}, {highest:.3f}]; 0.5 is guessing, allowed is {highest_auc:.2f}",
        value=auc,
        threshold=highest_auc,
        evidence={"n": float(found["n"].iloc[0]), "ci_lo": lowest, "ci_hi": highest},
    )


def canary_agrees_with_champion(row: pd.Series | None) -> Verdict:
    """A new champion that scored beside the old one for one as-of date agrees with it, or does not serve.

    Args:
        row: The date's row of ``ml.<capability>__canary``; ``None`` when no version scored beside another.
    """
    if row is None:
        return Verdict(passed=True, reason="no version scored beside the champion", evidence={"n": 0.0})
    figures: dict[str, float] = json.loads(str(row["figures"]))
    return Verdict(
        passed=bool(row["agrees"]),
        reason=f"{row['model_version']} beside {row['champion']}: {row['reasons']}",
        value=figures["log_total"],
        threshold=MOST_LOG_TOTAL,
        evidence={name: float(value) for name, value in figures.items()},
    )


def candidate_passes_the_gate(*, is_promotable: bool, reasons: Sequence[str]) -> Verdict:
    """The candidate passes the promotion gate; when it does not, the champion stays, which is no error."""
    return Verdict(passed=is_promotable, reason="; ".join(reasons))
