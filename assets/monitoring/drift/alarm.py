"""When drift is an alarm: surely beyond what matters, in most of the last mornings, among many columns."""

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

VIOLATED_WINDOWS = 2
JUDGED_WINDOWS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftThresholds:
    """What counts as drift that matters.

    Attributes:
        psi: Stability index that matters, on top of sampling noise and of the band of the training window.
            0.2 is the customary bound for "act" in credit scoring (Siddiqi 2006 has 0.25, Yurdakul 2018
            discusses both); it is a shift of 0.45 standard deviations of a normal feature.
        watched_psi: The index, above noise and band, that deserves a look: the customary 0.1.
        wasserstein: Distance that matters, in standard deviations: the shift that has an index of 0.2,
            sqrt(0.2). It sees what sixteen bins cannot: a rare amount that is suddenly in pence.
        changed_category: Share of customers in another category that matters: one in ten. The index of two
            swapped categories, of 40 % and 20 %, is 0.28; of 30 % and 20 % it is 0.08.
        false_discoveries: Share of the alarms of one morning that may be chance alone.
        fewest_customers: Independent customers, then or now, below which a slice is told but not judged.
    """

    psi: float = 0.2
    watched_psi: float = 0.1
    wasserstein: float = 0.45
    changed_category: float = 0.1
    false_discoveries: float = 0.05
    fewest_customers: int = FEWEST_CUSTOMERS

    def __post_init__(self) -> None:
        if not 0 < self.watched_psi <= self.psi:
            raise ValueError(f"watched_psi {self.watched_psi} must lie in (0, psi {self.psi}]")
        if min(self.wasserstein, self.changed_category) <= 0:
            raise ValueError(f"distances {self.wasserstein}, {self.changed_category} must be above 0")
        if not 0 < self.false_discoveries < 1:
            raise ValueError(f"false_discoveries {self.false_discoveries} is not in (0, 1)")


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftVerdict:
    """One effect of the newest morning and what was made of it.

    Attributes:
        p_value: Chance of an effect this large if the true one were just at the bound; 1 when not judged.
        is_violated: Whether this morning lies surely beyond the bound.
        windows_violated, windows_judged: Of the last m mornings, this one included.
    """

    effect: FeatureDrift
    verdict: Verdict
    p_value: float
    is_violated: bool
    windows_violated: int
    windows_judged: int


def judge_drift(
    history: Sequence[Sequence[FeatureDrift]],
    *,
    bounds: DriftThresholds | None = None,
    n: int = VIOLATED_WINDOWS,
    m: int = JUDGED_WINDOWS,
) -> tuple[DriftVerdict, ...]:
    """The verdict on each effect of the newest morning.

    An effect violates the bound on a morning when index or Wasserstein distance lie beyond bound plus band by
    more than sampling error: shifts in unlike directions add up in squares, and the index is a squared
    distance. Forty columns in ten slices are four hundred tries each morning, so the p-values of one morning
    are judged together by Benjamini and Hochberg 1995, which holds for columns that move together
    (Benjamini and Yekutieli 2001) and keeps its power when a broken export moves a third of them; a bound on
    the share of columns would let a single lost column pass. ``drifted`` then takes n of the last m mornings:
    a campaign or a late export of one morning is not worth a refit.

    Args:
        history: Effects of the mornings so far against the same reference, oldest first; at least one.
            Only the last ``m`` are read.
        bounds: What matters; the defaults when ``None``.
        n: Violated mornings that make an alarm.
        m: Mornings looked at.

    Raises:
        ValueError: when the history is empty, or not ``1 <= n <= m``.
    """
    if not history:
        raise ValueError("judging drift needs the effects of at least one morning")
    if not 1 <= n <= m:
        raise ValueError(f"{n} of {m} mornings cannot be an alarm")
    limits = bounds or DriftThresholds()
    past = [_violations(effects, limits) for effects in history[-m:]]
    p_values_found = p_values(history[-1], limits)
    return tuple(
        _verdict(effect, float(chance), past=past, bounds=limits, needed=n)
        for effect, chance in zip(history[-1], p_values_found, strict=True)
    )


def _verdict(
    effect: FeatureDrift,
    chance: float,
    *,
    past: Sequence[Mapping[EffectKey, bool]],
    bounds: DriftThresholds,
    needed: int,
) -> DriftVerdict:
    seen = [window[key_of(effect)] for window in past if key_of(effect) in window]
    is_violated = past[-1].get(key_of(effect), False)
    is_watched = is_violated or (
        _is_judged(effect, bounds) and effect.psi - effect.psi_noise - effect.psi_band > bounds.watched_psi
    )
    verdict: Verdict = "watch" if is_watched else "stable"
    return DriftVerdict(
        effect=effect,
        verdict="drifted" if sum(seen) >= needed else verdict,
        p_value=chance,
        is_violated=is_violated,
        windows_violated=sum(seen),
        windows_judged=len(seen),
    )


def key_of(effect: FeatureDrift) -> EffectKey:
    """What makes an effect the same one on another morning."""
    return effect.slice_name, effect.slice_value, effect.feature


def _is_judged(effect: FeatureDrift, bounds: DriftThresholds) -> bool:
    fewest = min(effect.customers, effect.reference_customers)
    return bool(fewest >= bounds.fewest_customers and np.isfinite(effect.psi))


def _violations(effects: Sequence[FeatureDrift], bounds: DriftThresholds) -> Mapping[EffectKey, bool]:
    """Which judged effects of one morning violate the bound."""
    judged = [effect for effect in effects if _is_judged(effect, bounds)]
    if not judged:
        return {}
    corrected = stats.false_discovery_control(p_values(judged, bounds), method="bh")
    violated: Flags = corrected <= bounds.false_discoveries
    return {key_of(effect): bool(is_) for effect, is_ in zip(judged, violated, strict=True)}


def p_values(effects: Sequence[FeatureDrift], bounds: DriftThresholds) -> Floats:
    """Chance of each effect, as (e,), if the true one were just at bound plus band; 1 when not judged.

    Twice the smaller one of index and Wasserstein distance: two tries per feature (Bonferroni).
    """
    is_judged = np.array([_is_judged(effect, bounds) for effect in effects], dtype=np.bool_)
    scale = np.array([sampling_scale(e.customers, e.reference_customers) for e in effects])
    by_psi = psi_p_value(
        _all("psi", effects),
        bounds.psi + _all("psi_band", effects),
        bins=_all("bins", effects),
        scale=scale,
    )
    is_category = np.array([effect.kind == "categorical" for effect in effects], dtype=np.bool_)
    by_distance = wasserstein_p_value(
        _all("wasserstein", effects),
        np.where(is_category, bounds.changed_category, bounds.wasserstein)
        + _all("wasserstein_band", effects),
        scale=_all("wasserstein_noise", effects) ** 2,
    )
    return np.where(is_judged, np.minimum(2 * np.fmin(by_psi, by_distance), 1.0), 1.0)


def _all(name: str, effects: Sequence[FeatureDrift]) -> Floats:
    return np.array([getattr(effect, name) for effect in effects], dtype=np.float64)
