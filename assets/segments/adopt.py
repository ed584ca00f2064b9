"""Whether a new grouping replaces the one that serves: consumers pay for every change of segments."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.lifecycle.gate import Outcome
from assets.segments.grouping import KResult, separation_gain
from assets.segments.model import Rules, SegmentationSpec
from assets.segments.preparing import coordinates
from assets.segments.serving import SegmentationModel, place


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A morning's new grouping, or why there is none.

    Attributes:
        grouping: ``None`` when nothing could be grouped.
        table: Every number of groups that was tried.
        best: The row of ``table`` that was chosen.
        refusal: Why there is no grouping, in words; empty when there is one.
        code: The same in one word, for the rows of customers; empty when there is one.
    """

    grouping: SegmentationModel | None
    table: tuple[KResult, ...] = ()
    best: KResult | None = None
    refusal: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """The decision and its reasons; the silhouette difference with its interval where it was judged."""

    outcome: Outcome
    reasons: str
    difference: tuple[float, float, float] | None = None


def adopt(
    proposal: Proposal,
    serving: SegmentationModel | None,
    *,
    sample: pd.DataFrame,
    segmentation: SegmentationSpec,
) -> Adoption:
    """Promote the first sound grouping; later ones only when the serving one no longer fits or is beaten.

    Args:
        proposal: This morning's grouping.
        serving: The grouping that serves, if one does.
        sample: Customers of this morning, with the feature columns.
        segmentation: The rules.
    """
    if proposal.grouping is None or proposal.best is None:
        stays = "the serving grouping stays" if serving else "nobody has a segment"
        return Adoption(outcome="refuse" if serving else "fallback", reasons=f"{proposal.refusal}; {stays}")
    if serving is None:
        return Adoption(outcome="promote", reasons=f"the first grouping: {_told(proposal.best)}")
    outlived = _outlived(proposal.grouping, serving, sample=sample, rules=segmentation.rules)
    if outlived:
        return Adoption(outcome="promote", reasons=f"{outlived}; the new one: {_told(proposal.best)}")
    return _compared(proposal.grouping, serving, sample=sample, segmentation=segmentation)


def _outlived(
    new: SegmentationModel, serving: SegmentationModel, *, sample: pd.DataFrame, rules: Rules
) -> str:
    """Why the serving grouping can no longer serve; empty when it can."""
    gone = [name for name in serving.columns if name not in sample or sample[name].isna().all()]
    if gone:
        return f"the serving grouping needs {', '.join(gone)}, which nobody has any more"
    came = sorted(set(new.columns) - set(serving.columns))
    if came:
        return f"customers can now be told apart by {', '.join(came)} too"
    shares = np.bincount(place(serving, sample).group, minlength=serving.k) / len(sample)
    if shares.min() < rules.smallest_share:
        name = serving.identity.names[int(shares.argmin())]
        return f"of the serving segments {name!r} has only {shares.min():.1%} of the customers left"
    return ""


def _compared(
    new: SegmentationModel,
    serving: SegmentationModel,
    *,
    sample: pd.DataFrame,
    segmentation: SegmentationSpec,
) -> Adoption:
    few = sample.iloc[: segmentation.silhouette_rows]
    gain = separation_gain(
        coordinates(few, new.axes),
        place(new, few).group,
        place(serving, few).group,
    )
    told = f"silhouette {gain[0]:+.3f} [{gain[1]:+.3f}, {gain[2]:+.3f}] against the serving grouping"
    least = segmentation.rules.separation_gain
    if gain[1] > least:
        return Adoption(outcome="promote", reasons=f"separates better: {told}", difference=gain)
    return Adoption(
        outcome="refuse",
        reasons=f"the serving grouping stays: {told}, a change needs surely more than {least:+.2f}",
        difference=gain,
    )


def _told(best: KResult) -> str:
    return (
        f"{best.k} segments, refits on halves of {best.n:,} customers agree by {best.stability:.2f} "
        f"(adjusted Rand index), silhouette {best.silhouette:.2f}, smallest {best.smallest_share:.1%}"
    )
