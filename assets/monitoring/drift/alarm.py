"""Drift alarm: significantly beyond the threshold on most of the last dates, corrected for many tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from assets.metrics.arrays import Flags, Floats
from assets.metrics.drift.divergence import psi_p_value, sampling_scale, wasserstein_p_value
from assets.metrics.drift.effects import FeatureDrift
from assets.metrics.drift.reference import FEWEST_CUSTOMERS

Verdict = Literal["stable", "watch", "drifted"]
EffectKey = tuple[str, str, str]

# An alarm is two violated dates of the last three: a campaign or a late export of one date does not justify
# a refit.
VIOLATED_WINDOWS = 2
JUDGED_WINDOWS = 3
# Relevant stability index, in addition to sampling noise and to the band of the training window: the
# customary bound for "act" in credit scoring (Siddiqi 2006 has 0.25, Yurdakul 2018 discusses both); it is a
# shift of 0.45 standard deviations of a normal feature. From 0.1 above noise and band a feature is watched.
RELEVANT_PSI, WATCHED_PSI = 0.2, 0.1
# Relevant distance, in standard deviations: the shift that has an index of 0.2, sqrt(0.2). It detects changes
# that sixteen bins do not: a rare amount that is suddenly in pence.
RELEVANT_WASSERSTEIN = 0.45
# Relevant share of customers in another category: one in ten. The index of two swapped categories, of 40 %
# and 20 %, is 0.28; of 30 % and 20 % it is 0.08.
CHANGED_CATEGORY = 0.1
# Accepted share of false alarms among those of one as-of date.
FALSE_DISCOVERIES = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftVerdict:
    """Drift of one feature and slice on the latest as-of date, with its verdict.

    Attributes:
        p_value: Probability of an effect this large if the true one were just at the threshold; 1 when not
            tested.
        is_violated: Whether this date is significantly beyond the threshold.
        windows_violated, windows_judged: Of the last m as-of dates, this one included.
    """

    effect: FeatureDrift
    verdict: Verdict
    p_value: float
    is_violated: bool
    windows_violated: int
    windows_judged: int


def judge_drift(history: Sequence[Sequence[FeatureDrift]]) -> tuple[DriftVerdict, ...]:
    """Verdict on each effect of the latest as-of date.

    An effect violates its threshold on a date when index or Wasserstein distance exceed threshold plus band
    by more than sampling error: shifts in unlike directions add up in squares, and the index is a squared
    distance. Forty columns in ten slices are four hundred tests per date, so the p-values of one date are
    corrected by Benjamini and Hochberg 1995, which holds for columns that move together (Benjamini and
    Yekutieli 2001) and keeps its power when a broken export moves a third of them; a threshold on the share
    of columns would miss a single lost column.

    Args:
        history: Effects of the as-of dates so far against the same reference, oldest first; at least one.
    """
    past = [_violations(effects) for effects in history[-JUDGED_WINDOWS:]]
    return tuple(
        _verdict(effect, float(p_value), past=past)
        for effect, p_value in zip(history[-1], _p_values(history[-1]), strict=True)
    )


def _verdict(
    effect: FeatureDrift, p_value: float, *, past: Sequence[Mapping[EffectKey, bool]]
) -> DriftVerdict:
    seen = [window[_key_of(effect)] for window in past if _key_of(effect) in window]
    is_violated = past[-1].get(_key_of(effect), False)
    is_watched = is_violated or (
        _is_tested(effect) and effect.psi - effect.psi_noise - effect.psi_band > WATCHED_PSI
    )
    verdict: Verdict = "watch" if is_watched else "stable"
    return DriftVerdict(
        effect=effect,
        verdict="drifted" if sum(seen) >= VIOLATED_WINDOWS else verdict,
        p_value=p_value,
        is_violated=is_violated,
        windows_violated=sum(seen),
        windows_judged=len(seen),
    )


def _key_of(effect: FeatureDrift) -> EffectKey:
    """Identity of an effect across as-of dates: slice, value and feature."""
    return effect.slice_name, effect.slice_value, effect.feature


def _is_tested(effect: FeatureDrift) -> bool:
    fewest = min(effect.customers, effect.reference_customers)
    return bool(fewest >= FEWEST_CUSTOMERS and np.isfinite(effect.psi))


def _violations(effects: Sequence[FeatureDrift]) -> Mapping[EffectKey, bool]:
    """Whether each tested effect of one as-of date violates its threshold."""
    tested = [effect for effect in effects if _is_tested(effect)]
    if not tested:
        return {}
    corrected = stats.false_discovery_control(_p_values(tested), method="bh")
    violated: Flags = corrected <= FALSE_DISCOVERIES
    return {_key_of(effect): bool(is_) for effect, is_ in zip(tested, violated, strict=True)}


def _p_values(effects: Sequence[FeatureDrift]) -> Floats:
    """P-value of each effect, as (e,), if the true one were just at threshold plus band; 1 when not tested.

    Twice the smaller p-value of index and Wasserstein distance: two tests per feature (Bonferroni).
    """
    is_tested = np.array([_is_tested(effect) for effect in effects], dtype=np.bool_)
    scale = np.array([sampling_scale(e.customers, e.reference_customers) for e in effects])
    by_psi = psi_p_value(
        _all("psi", effects),
        RELEVANT_PSI + _all("psi_band", effects),
        bins=_all("bins", effects),
        scale=scale,
    )
    is_category = np.array([effect.kind == "categorical" for effect in effects], dtype=np.bool_)
    by_distance = wasserstein_p_value(
        _all("wasserstein", effects),
        np.where(is_category, CHANGED_CATEGORY, RELEVANT_WASSERSTEIN) + _all("wasserstein_band", effects),
        scale=_all("wasserstein_noise", effects) ** 2,
    )
    return np.where(is_tested, np.minimum(2 * np.fmin(by_psi, by_distance), 1.0), 1.0)


def _all(name: str, effects: Sequence[FeatureDrift]) -> Floats:
    return np.array([getattr(effect, name) for effect in effects], dtype=np.float64)
