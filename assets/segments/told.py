"""The segments of a morning in words."""

from collections.abc import Iterator

import pandas as pd

from assets.segments.model import BEHAVIOUR, RFM

BY = {BEHAVIOUR: "by behaviour", RFM: "by recency, frequency and value"}


def segments_told(segments: pd.DataFrame) -> Iterator[str]:
    """One line per scheme: its segments with their shares, or why nobody has one.

    Args:
        segments: ``scheme``, ``segment_name``, ``ineligible_reason``, ``customers`` and ``stability``, the
            largest segment of each scheme first.
    """
    for scheme, words in BY.items():
        mine = segments.loc[segments["scheme"] == scheme]
        if mine.empty:
            continue
        shares = mine["customers"] / mine["customers"].sum()
        named = mine["segment_name"].fillna("nobody: " + mine["ineligible_reason"].astype("string"))
        told = "; ".join(f"{name} {share:.0%}" for name, share in zip(named, shares, strict=True))
        stability = mine["stability"].max()
        since = "" if pd.isna(stability) else f" (agreement with the morning before {stability:.2f})"
        yield f"   {words}: {told}{since}"
