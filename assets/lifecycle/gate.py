"""The promotion gate: decide from recorded metrics whether a candidate may serve."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from assets.lifecycle.store.metric_lookup import has, overall
from assets.metrics.bootstrap import Interval

Outcome = Literal["promote", "refuse", "fallback", "withhold", "rollback", "canary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Comparison of two versions on the same rows.

    Attributes:
        metric: The compared metric; ``<metric>_difference`` in ``ml.metrics`` is candidate minus baseline,
            ``champion_<metric>_difference`` candidate minus champion.
        label: The metric in words.
        higher_is_better: The sign of an improvement.
        margin: By how much a candidate must surely beat the champion, at least 0.
        has_baseline: Whether every candidate is compared with a baseline.
    """

    metric: str
    label: str
    higher_is_better: bool = False
    margin: float = 0.0
    has_baseline: bool = True

    @property
    def difference(self) -> str:
        """The recorded difference against the baseline."""
        return f"{self.metric}_difference"

    @property
    def champion_difference(self) -> str:
        """The recorded difference against the champion."""
        return f"champion_{self.difference}"

    def differences(self, metrics: pd.DataFrame) -> tuple[Interval | None, Interval | None]:
        """Candidate minus baseline and minus champion, as recorded in ``metrics`` (n, k)."""
        baseline, champion = (
            overall(metrics, name) if has(metrics, name) else None
            for name in (self.difference, self.champion_difference)
        )
        return baseline, champion

    def refuse_unrecorded(self, metrics: pd.DataFrame) -> None:
        """Refuse metrics of a candidate without the compared one: nothing would be left to lose against.

        Args:
            metrics: Rows (n, k) of ``ml.metrics`` of the candidate.

        Raises:
            KeyError: The difference to the baseline, or the metric itself without a baseline, is missing.
        """
        needed = self.difference if self.has_baseline else self.metric
        if not has(metrics, needed):
            known = sorted({str(name) for name in metrics["metric"]})
            raise KeyError(f"the compared metric {needed!r} was not recorded; recorded are {known}")

    def bound(self, margin: float) -> str:
        """The side of ``margin`` on which a whole interval is an improvement, as text."""
        return f"above {margin:g}" if self.higher_is_better else f"below {0.0 - margin:g}"

    def is_won(self, difference: Interval, *, margin: float = 0.0) -> bool:
        """Whether the whole interval lies on the better side, by more than ``margin``."""
        # A difference that could not be computed (NaN) is no proof either.
        if self.higher_is_better:
            return bool(difference.lo > margin)
        return bool(difference.hi < -margin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Decision to promote a candidate or not, with its reasons.

    Attributes:
        promote: The decision.
        reasons: Sentences; never empty.
        against_baseline: Candidate minus baseline in the compared metric; ``None`` when not compared.
        against_champion: Candidate minus champion; ``None`` when there is no champion.
        defects: The part of ``reasons`` that states defects: scores that are wrong, not merely no better.
    """

    promote: bool
    reasons: tuple[str, ...]
    against_baseline: Interval | None = None
    against_champion: Interval | None = None
    defects: tuple[str, ...] = ()

    def outcome(self, *, has_champion: bool) -> Outcome:
        """``promote``, ``refuse`` (the champion stays) or ``fallback`` (there is none)."""
        if self.promote:
            return "promote"
        return "refuse" if has_champion else "fallback"


def decide(
    metrics: pd.DataFrame,
    comparison: Comparison,
    *,
    defects: tuple[str, ...] = (),
    champion_unfit: str = "",
    notes: tuple[str, ...] = (),
) -> Decision:
    """Promote only what has no defect and surely beats the baseline and the champion on the same rows.

    Args:
        metrics: Rows of ``ml.metrics`` of one candidate. The baseline, and the champion, were compared
            when ``comparison`` finds its differences among them.
        comparison: The compared metric.
        defects: Reasons why the candidate's scores are wrong.
        champion_unfit: Why the champion can no longer serve; then it need not be beaten.
        notes: Further reasons to log.

    Raises:
        KeyError: The compared metric was not recorded.
    """
    comparison.refuse_unrecorded(metrics)
    baseline, champion = comparison.differences(metrics)
    lost, won = [], []
    challenged = None if champion_unfit else champion
    for competitor, difference in (("baseline", baseline), ("champion", challenged)):
        if difference is None:
            continue
        margin = comparison.margin if competitor == "champion" else 0.0
        text = f"the {competitor}: {comparison.label} differs by {difference}"
        if comparison.is_won(difference, margin=margin):
            won.append(f"beats {text}")
        else:
            lost.append(f"does not beat {text}, and the whole interval must lie {comparison.bound(margin)}")
    reasons = (*defects, *lost) or (*filter(None, [champion_unfit]), *won)
    return Decision(
        promote=not (defects or lost),
        reasons=(*reasons, *notes) or ("not compared: no difference to a baseline or champion was recorded",),
        against_baseline=baseline,
        against_champion=champion,
        defects=defects,
    )


def refused(reason: str) -> Decision:
    """The decision when no candidate could be fitted, with the refusal as its reason."""
    return Decision(promote=False, reasons=(reason,))


def decision_columns(decision: Decision, comparison: Comparison) -> dict[str, object]:
    """Reasons and, with the champion or else the baseline, comparison, as in ``ml.retrain_log``."""
    against = decision.against_champion or decision.against_baseline
    return {
        "metric": comparison.champion_difference if decision.against_champion else comparison.difference,
        "difference": against.value if against else None,
        "ci_lo": against.lo if against else None,
        "ci_hi": against.hi if against else None,
        "reasons": "; ".join(decision.reasons),
    }
