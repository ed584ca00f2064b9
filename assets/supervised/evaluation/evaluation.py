"""Judge a candidate beside its rivals on the same rows, overall and per slice."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from assets.lifecycle.store.schemas import BIN_TYPES, METRIC_TYPES, typed
from assets.metrics.arrays import Flags, Floats, Ints, Texts
from assets.metrics.bootstrap import (
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
    shift_per_day,
)
from assets.metrics.classification import log_losses, with_shift

ALL = "all"
BASELINE = "naive"
CHAMPION = "champion"
# Fewer rows of either outcome give a slope no meaning.
FEWEST_POSITIVES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSample:
    """Rows with matured outcomes and what each model said about them.

    Attributes:
        outcome: (n,) of 0/1.
        candidate: (n,) calibrated probability of the model under judgement.
        rivals: ``naive`` and, when there is one, ``champion``: (n,) each.
        customers: (n,) ids.
        as_of: (n,) as-of days.
        slices: Slice name to (n,) of values.
    """

    outcome: Floats
    candidate: Floats
    rivals: Mapping[str, Floats]
    customers: Texts
    as_of: npt.NDArray[np.datetime64]
    slices: Mapping[str, Texts]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricKey:
    """Whose rows of facts these are.

    ``split`` is train, calibration, test or realised; ``as_of_date`` is for facts about one day.
    """

    model_name: str
    model_version: str
    split: str
    as_of_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Rows for ``ml.metrics`` and ``ml.calibration_bins``."""

    metrics: pd.DataFrame
    bins: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """One slice of the judged rows, with everything that needs all rows computed before."""

    outcome: Floats
    said: Mapping[str, Floats]
    levelled: Mapping[str, Floats]
    day_rate: Floats
    resamples: ClusterBootstrap

    @classmethod
    def all_of(cls, judged: EvaluationSample, resamples: ClusterBootstrap) -> Self:
        day: Ints = pd.factorize(judged.as_of)[0].astype(np.int64)
        said = {"": judged.candidate, **{f"{name}_": rival for name, rival in judged.rivals.items()}}
        levelled = {
            name: with_shift(probability, shift_per_day(judged.outcome, probability, day))
            for name, probability in said.items()
        }
        rates = np.bincount(day, judged.outcome) / np.bincount(day)
        return cls(
            outcome=judged.outcome, said=said, levelled=levelled, day_rate=rates[day], resamples=resamples
        )

    def of(self, rows: Flags) -> "_Rows":
        return replace(
            self,
            outcome=self.outcome[rows],
            said={name: each[rows] for name, each in self.said.items()},
            levelled={name: each[rows] for name, each in self.levelled.items()},
            day_rate=self.day_rate[rows],
            resamples=self.resamples.of(rows),
        )


def evaluate(
    judged: EvaluationSample, subject: MetricKey, *, replicates: int, rng: np.random.Generator
) -> Evaluation:
    """Every measure with its 95 % interval, overall and per slice, beside the rivals'.

    ``levelled_log_loss`` is the log loss after each as-of day's mean probability was moved to that
    day's rate, for every model alike. The period effect that everybody shares is forecast by the level
    model, which serves any ranker; without this step, luck with the level of one month would decide
    between two rankings. Metrics named ``naive_…`` and ``champion_…`` are the rivals' own;
    ``…_difference`` is candidate minus naive, ``champion_…_difference`` candidate minus champion.

    Args:
        judged: The rows; not empty.
        subject: Whose facts these are.
        replicates: Bootstrap draws by customer.
        rng: Source of the draws.
    """
    resamples = ClusterBootstrap.by_customer(judged.customers, replicates=replicates, rng=rng)
    whole = _Rows.all_of(judged, resamples)
    metrics: list[dict[str, object]] = []
    bins: list[dict[str, object]] = []
    for name, value, chosen in _parts(judged):
        part = whole if name == ALL else whole.of(chosen)
        shared = {**asdict(subject), "slice_name": name, "slice_value": value}
        counts = {"n": part.outcome.size, "n_positive": int(part.outcome.sum())}
        metrics += [
            {**shared, **counts, "metric": metric, "value": of.value, "ci_lo": of.lo, "ci_hi": of.hi}
            for metric, of in _measures(part).items()
        ]
        found = calibration_bins(part.outcome, part.said[""], part.resamples.codes)
        bins += [{**shared, **asdict(each)} for each in found]
    return Evaluation(metrics=typed(metrics, METRIC_TYPES), bins=typed(bins, BIN_TYPES))


def _parts(judged: EvaluationSample) -> Iterator[tuple[str, str, Flags]]:
    yield ALL, ALL, np.ones(judged.outcome.size, dtype=np.bool_)
    for name, values in judged.slices.items():
        for value in sorted(set(values.tolist())):
            yield name, value, values == value


def _measures(part: _Rows) -> dict[str, Interval]:
    replicates = {name: _accuracy(part, name) for name in part.said}
    found = percentile_intervals(replicates[""])
    for name in part.said:
        if name:
            found |= {f"{name}{metric}": of for metric, of in percentile_intervals(replicates[name]).items()}
            prefix = "" if name == f"{BASELINE}_" else name
            differences = percentile_intervals(paired_differences(replicates[""], replicates[name]))
            found |= {f"{prefix}{metric}_difference": of for metric, of in differences.items()}
    return found | {"log_loss_skill": _skill(part, replicates[""])} | _calibration(part) | _extent(part)


def _accuracy(part: _Rows, name: str) -> Replicates:
    levelled = log_losses(part.outcome, part.levelled[name])
    replicates = np.r_[levelled.mean(), part.resamples.means(levelled[:, None])[:, 0]]
    return {
        **classification_metrics(part.outcome, part.said[name], part.resamples),
        "levelled_log_loss": replicates,
    }


def _skill(part: _Rows, ours: Replicates) -> Interval:
    """Share of the uncertainty left by each day's rate that the ranking removes; 0 is none, 1 is all."""
    constant = log_losses(part.outcome, part.day_rate)
    blind = np.r_[constant.mean(), part.resamples.means(constant[:, None])[:, 0]]
    with np.errstate(divide="ignore", invalid="ignore"):
        skill = 1 - ours["levelled_log_loss"] / blind
    return interval(float(skill[0]), skill[1:])


def _calibration(part: _Rows) -> dict[str, Interval]:
    outcome, codes, said = part.outcome, part.resamples.codes, part.said[""]
    error = expected_calibration_error(calibration_bins(outcome, said, codes))
    enough = min(outcome.sum(), outcome.size - outcome.sum()) >= FEWEST_POSITIVES
    return {
        "expected_calibration_error": Interval(value=error, lo=float("nan"), hi=float("nan")),
        "calibration_shift": calibration_in_the_large(outcome, said, codes) if enough else UNDEFINED,
        "relative_shift": calibration_in_the_large(outcome, part.levelled[""], codes)
        if enough
        else UNDEFINED,
        "calibration_slope": calibration_slope(outcome, part.levelled[""], codes) if enough else UNDEFINED,
    }


def _extent(part: _Rows) -> dict[str, Interval]:
    means = part.resamples.means(np.column_stack([part.outcome, part.said[""]]))
    said = part.said[""]
    lowest, highest = float(said.min()), float(said.max())
    return {
        "actual_rate": interval(float(part.outcome.mean()), means[:, 0]),
        "mean_predicted": interval(float(said.mean()), means[:, 1]),
        "lowest_predicted": Interval(value=lowest, lo=lowest, hi=lowest),
        "highest_predicted": Interval(value=highest, lo=highest, hi=highest),
    }
