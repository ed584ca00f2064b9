"""Evaluate a candidate beside baseline and champion on the same rows, overall and per slice."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from assets.features.matrix import AS_OF
from assets.lifecycle.capability import MetricKey
from assets.lifecycle.store.schemas import BIN_TYPES, METRIC_TYPES, typed
from assets.metrics.arrays import Flags, Floats, Ints, Texts
from assets.metrics.bootstrap import (
    NORMAL_QUANTILE,
    RANK_REPLICATES,
    ClusterBootstrap,
    Interval,
    Replicates,
    classification_metrics,
    interval,
    paired_differences,
    percentile_intervals,
)
from assets.metrics.calibration import (
    UNDEFINED,
    calibration_bins,
    calibration_in_the_large,
    calibration_slope,
    expected_calibration_error,
    recalibrated,
)
from assets.metrics.classification import log_losses

ALL = "all"
TOP_LIFT = "top_tenth_lift"
PRIOR_SHIFT_SE = "prior_shift_se"
TOP_SHARE = 0.1
BASELINE = "baseline"
CHAMPION = "champion"
# Compared in slices, too; the other baselines are compared over all rows alone.
IN_SLICES = ("", f"{BASELINE}_", f"{CHAMPION}_")
# With fewer rows of either outcome a slope means nothing.
FEWEST_POSITIVES = 10
# A slice moves with its own season, too, beside the shift that all share. Over 14 months of Online Retail the
# standard deviation of that was 0 to 0.24 log-odds, by slice; the largest is that of customers abroad.
SLICE_PERIOD_SD = 0.25
# The calibration slope moves with the season as well. Over 17 months of Online Retail its logarithm has an sd
# of 0.146, of which 0.05 are sampling error; neighbouring months correlate by 0.6, those two apart by
# 0.1, so that only every third window is independent.
SLOPE_PERIOD_SD = 0.14
SLOPE_WINDOWS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSample:
    """Rows with matured outcomes and the predictions of each model.

    Attributes:
        outcome: (n,) of 0/1.
        candidate: (n,) calibrated probability of the evaluated model.
        competitors: ``baseline`` (the rate by recency), rankers that are not the candidate and, when there
            is one, ``champion``: (n,) each.
        entities: (n,) ids.
        as_of: (n,) as-of dates.
        slices: Slice name to (n,) of values.
        windows: As many independent outcome windows the as-of dates are worth.
        shift_sd: (n,) standard deviation of the prior shift as stated on each row's date, in log-odds;
            ``None`` when the probabilities hold no forecast of it.
    """

    outcome: Floats
    candidate: Floats
    competitors: Mapping[str, Floats]
    entities: Texts
    as_of: npt.NDArray[np.datetime64]
    slices: Mapping[str, Texts]
    windows: float = 1.0
    shift_sd: Floats | None = None


def independent_windows(as_of: npt.NDArray[np.datetime64], *, horizon_days: int) -> float:
    """Number of outcome windows that lie side by side in those of the as-of dates ``as_of`` (n,).

    Windows of 30 days from 1 and from 31 January are two:

    >>> independent_windows(np.array(["2024-01-01", "2024-01-31"], dtype="datetime64[D]"), horizon_days=30)
    2.0
    """
    span = int((as_of.max() - as_of.min()).astype("timedelta64[D]").astype(np.int64)) if as_of.size else 0
    return 1 + span / horizon_days


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMetrics:
    """Rows of ``ml.metrics`` and ``ml.calibration_bins``."""

    metrics: pd.DataFrame
    bins: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """One slice of the evaluated rows; figures that need all rows are computed before."""

    outcome: Floats
    predicted: Mapping[str, Floats]
    recalibrated: Mapping[str, Floats]
    day_rate: Floats
    is_top: Flags
    resamples: ClusterBootstrap
    windows: float

    @classmethod
    def all_of(cls, sample: EvaluationSample, resamples: ClusterBootstrap) -> Self:
        day: Ints = pd.factorize(sample.as_of)[0].astype(np.int64)
        predicted = {"": sample.candidate, **{f"{name}_": each for name, each in sample.competitors.items()}}
        rates = np.bincount(day, sample.outcome) / np.bincount(day)
        return cls(
            outcome=sample.outcome,
            predicted=predicted,
            recalibrated={name: recalibrated(sample.outcome, each, day) for name, each in predicted.items()},
            day_rate=rates[day],
            is_top=_top_tenth(sample.candidate, day),
            resamples=resamples,
            windows=sample.windows,
        )

    def of(self, rows: Flags) -> "_Rows":
        return replace(
            self,
            outcome=self.outcome[rows],
            predicted={name: each[rows] for name, each in self.predicted.items() if name in IN_SLICES},
            recalibrated={name: each[rows] for name, each in self.recalibrated.items()},
            day_rate=self.day_rate[rows],
            is_top=self.is_top[rows],
            # No decision rests on these intervals of a slice: few replicates, to save time.
            resamples=replace(self.resamples.of(rows), weights=self.resamples.weights[:RANK_REPLICATES]),
        )


def evaluate(
    sample: EvaluationSample, key: MetricKey, *, replicates: int, rng: np.random.Generator
) -> RecordedMetrics:
    """Every measure with its 95 % interval, overall and per slice, beside the competitors'.

    ``recalibrated_log_loss`` is the log loss after each as-of date's mean probability was moved to that
    date's rate, for every model alike. The period effect that the cohort shares is forecast by
    ``prior_shift``, for any ranker; without this step, luck with the rate of one month would decide
    between two rankings. Metrics named ``baseline_…``, ``bg_nbd_…`` or ``champion_…`` are the competitors'
    own; ``…_difference`` is candidate minus baseline, ``champion_…_difference`` candidate minus champion.

    Args:
        sample: The rows; not empty.
        key: Version, split and date of the metric rows.
        replicates: Bootstrap draws by customer.
        rng: Source of the draws.
    """
    resamples = ClusterBootstrap.by_customer(sample.entities, replicates=replicates, rng=rng)
    whole = _Rows.all_of(sample, resamples)
    metrics: list[dict[str, object]] = []
    bins: list[dict[str, object]] = []
    for name, value, chosen in _parts(sample):
        part = whole if name == ALL else whole.of(chosen)
        shared = {**asdict(key), "slice_name": name, "slice_value": value}
        counts = {"n": part.outcome.size, "n_positive": int(part.outcome.sum())}
        # The top tenth of a date is chosen among all its rows: inside another slice it says nothing.
        measures = _measures(part) | ({TOP_LIFT: _lift(part)} if name in (ALL, AS_OF) else {})
        if name == ALL and sample.shift_sd is not None:
            measures |= {PRIOR_SHIFT_SE: _prior_shift_se(sample.shift_sd, windows=sample.windows)}
        metrics += [
            {**shared, **counts, "metric": metric, "value": of.value, "ci_lo": of.lo, "ci_hi": of.hi}
            for metric, of in measures.items()
        ]
        found = calibration_bins(part.outcome, part.predicted[""], part.resamples.codes)
        bins += [{**shared, **asdict(each)} for each in found]
    return RecordedMetrics(metrics=typed(metrics, METRIC_TYPES), bins=typed(bins, BIN_TYPES))


def _parts(sample: EvaluationSample) -> Iterator[tuple[str, str, Flags]]:
    yield ALL, ALL, np.ones(sample.outcome.size, dtype=np.bool_)
    for name, values in sample.slices.items():
        for value in sorted(set(values.tolist())):
            yield name, value, values == value


def _measures(part: _Rows) -> dict[str, Interval]:
    replicates = {name: _accuracy(part, name) for name in part.predicted}
    found = percentile_intervals(replicates[""])
    for name in part.predicted:
        if name:
            found |= {f"{name}{metric}": of for metric, of in percentile_intervals(replicates[name]).items()}
            prefix = "" if name == f"{BASELINE}_" else name
            differences = percentile_intervals(paired_differences(replicates[""], replicates[name]))
            found |= {f"{prefix}{metric}_difference": of for metric, of in differences.items()}
    return found | {"log_loss_skill": _skill(part, replicates[""])} | _calibration(part) | _extent(part)


def _accuracy(part: _Rows, name: str) -> Replicates:
    losses = log_losses(part.outcome, part.recalibrated[name])
    replicates = np.r_[losses.mean(), part.resamples.means(losses[:, None])[:, 0]]
    return {
        **classification_metrics(part.outcome, part.predicted[name], part.resamples),
        "recalibrated_log_loss": replicates,
    }


def _skill(part: _Rows, candidate: Replicates) -> Interval:
    """Share of the uncertainty left by each date's rate that the ranking removes; 0 is none, 1 is all."""
    constant = log_losses(part.outcome, part.day_rate)
    uninformed = np.r_[constant.mean(), part.resamples.means(constant[:, None])[:, 0]]
    with np.errstate(divide="ignore", invalid="ignore"):
        skill = 1 - candidate["recalibrated_log_loss"] / uninformed
    return interval(float(skill[0]), skill[1:])


def _lift(part: _Rows) -> Interval:
    """Rate of the tenth with the highest probabilities over the rate of all rows; 1 is a random choice."""
    products = np.column_stack([part.outcome * part.is_top, part.is_top, part.outcome])
    observed, drawn = products.mean(axis=0), part.resamples.means(products)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = observed[0] / (observed[1] * observed[2])
        return interval(float(value), drawn[:, 0] / (drawn[:, 1] * drawn[:, 2]))


def _top_tenth(probability: Floats, day: Ints) -> Flags:
    """(n,) whether a row is in the tenth with the highest ``probability`` of its date, ties included."""
    lowest = pd.Series(probability).groupby(day).quantile(1 - TOP_SHARE)
    return np.asarray(probability >= lowest.to_numpy()[day], dtype=np.bool_)


def _calibration(part: _Rows) -> dict[str, Interval]:
    outcome, codes, predicted = part.outcome, part.resamples.codes, part.predicted[""]
    error = expected_calibration_error(calibration_bins(outcome, predicted, codes))
    found = {"expected_calibration_error": Interval(value=error, lo=float("nan"), hi=float("nan"))}
    if min(outcome.sum(), outcome.size - outcome.sum()) < FEWEST_POSITIVES:
        return found | dict.fromkeys(("calibration_shift", "relative_shift", "calibration_slope"), UNDEFINED)
    moved = part.recalibrated[""]
    return found | {
        "calibration_shift": calibration_in_the_large(outcome, predicted, codes),
        "relative_shift": _widened(
            calibration_in_the_large(outcome, moved, codes), SLICE_PERIOD_SD / np.sqrt(part.windows)
        ),
        "calibration_slope": with_periods(calibration_slope(outcome, moved, codes), windows=part.windows),
    }


def with_periods(sampled: Interval, *, windows: float) -> Interval:
    """The calibration slope with an interval of sampling error and of the slope's own season together.

    Args:
        sampled: The slope with the interval of sampling error.
        windows: As many independent outcome windows the as-of dates are worth.

    Returns:
        The same slope; the interval is one of its logarithm. As it was for a slope that is not positive.

    A single window leaves a slope of 1 without any sampling error at 0.76 to 1.32:

    >>> str(with_periods(Interval(value=1.0, lo=1.0, hi=1.0), windows=1.0))
    '1.0000 [0.7600, 1.3157]'
    """
    # False for nan as well.
    if not sampled.value > 0:
        return sampled
    period_se = SLOPE_PERIOD_SD / np.sqrt(1 + (windows - 1) / SLOPE_WINDOWS)
    half = np.hypot((sampled.hi - sampled.value) / sampled.value, NORMAL_QUANTILE * period_se)
    reach = float(np.exp(half))
    return Interval(value=sampled.value, lo=sampled.value / reach, hi=sampled.value * reach)


def _prior_shift_se(shift_sd: Floats, *, windows: float) -> Interval:
    """Standard error of the mean prior shift over the evaluated dates, as it was stated on them."""
    error = float(np.sqrt(np.mean(shift_sd**2) / windows))
    return Interval(value=error, lo=error, hi=error)


def _widened(sampled: Interval, period_se: float) -> Interval:
    """The interval of sampling error and of a standard error of whole periods together."""
    half = float(np.hypot(sampled.hi - sampled.value, NORMAL_QUANTILE * period_se))
    return Interval(value=sampled.value, lo=sampled.value - half, hi=sampled.value + half)


def _extent(part: _Rows) -> dict[str, Interval]:
    means = part.resamples.means(np.column_stack([part.outcome, part.predicted[""]]))
    predicted = part.predicted[""]
    lowest, highest = float(predicted.min()), float(predicted.max())
    return {
        "mean_observed": interval(float(part.outcome.mean()), means[:, 0]),
        "mean_predicted": interval(float(predicted.mean()), means[:, 1]),
        "lowest_predicted": Interval(value=lowest, lo=lowest, hi=lowest),
        "highest_predicted": Interval(value=highest, lo=highest, hi=highest),
    }
