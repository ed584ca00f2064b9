"""Profiles of the segments: the mean of each feature in a segment against the mean of all customers."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from assets.lifecycle.report.plots import png
from assets.lifecycle.store.schemas import typed
from assets.segments.spec import PROFILE_TYPES

SEGMENT = ["scheme", "segment_key"]
IDENTITY = ["model_name", "model_version", "segment_id", "segment_name", "size"]
INDEX_OF_ALL = 100.0
# Twice and half the mean of all customers are equally far from it.
FARTHEST = 2.0


def profile_rows(
    assigned: pd.DataFrame, features: pd.DataFrame, *, columns: Sequence[str], as_of: date
) -> pd.DataFrame:
    """Means per scheme, segment and feature.

    Args:
        assigned: One row per customer and scheme: ``customer_id``, ``scheme``, ``segment_key``,
            ``segment_id``, ``segment_name``, ``model_name``, ``model_version`` and ``size``.
        features: One row per customer with the features.
        columns: The features; one that no customer has is left out.
        as_of: The as-of date of both.

    Returns:
        The columns of ``segment_profiles``. ``index_vs_all`` is 100 for a segment with the mean of all
        customers, and missing where that mean is not above 0.
    """
    known = [name for name in columns if features[name].notna().any()]
    numbers = features[known].astype("float64").assign(customer_id=features["customer_id"])
    members = assigned.dropna(subset=["segment_key"]).merge(numbers, on="customer_id", how="inner")
    groups, of_all = members.groupby(SEGMENT), members.groupby("scheme")[known].mean()
    means, counts = groups[known].mean(), groups[known].count()
    identity = groups[IDENTITY].first().assign(share=groups.size() / members.groupby("scheme").size())
    rows = [
        {
            "as_of_date": as_of,
            **dict(zip(SEGMENT, segment, strict=True)),
            **{str(name): value for name, value in identity.loc[segment].items()},
            "feature": name,
            "n": int(counts.loc[segment, name]),
            **_compare(float(means.loc[segment, name]), float(of_all.loc[segment[0], name])),
        }
        for segment in means.index
        for name in known
    ]
    return typed(rows, PROFILE_TYPES)


def profile_plot(profiles: pd.DataFrame, *, title: str) -> bytes:
    """A heat map of one scheme's profiles: segments down, features across, colour by the index.

    Args:
        profiles: Rows of ``ml.segments__profiles`` of one as-of date and scheme; may be empty.
        title: Above the plot.

    Returns:
        A PNG. Each cell shows the index (100 is the mean of all customers); red is above, blue below.
    """
    index = profiles.pivot_table(index="segment_name", columns="feature", values="index_vs_all", sort=False)
    figure = Figure(figsize=(1.2 * len(index.columns) + 3.5, 0.5 * len(index) + 2.2), layout="constrained")
    axes = figure.subplots()
    values = index.to_numpy(dtype=np.float64)
    shown = np.log2(np.clip(values / 100, 2**-FARTHEST, 2**FARTHEST))
    axes.imshow(shown, cmap="RdBu_r", vmin=-FARTHEST, vmax=FARTHEST, aspect="auto")
    axes.set_xticks(range(len(index.columns)), index.columns, rotation=30, ha="right")
    shares = profiles.groupby("segment_name")["share"].first()
    axes.set_yticks(range(len(index)), [f"{name} ({shares[name]:.0%})" for name in index.index])
    for row, column in zip(*np.nonzero(np.isfinite(values)), strict=True):
        axes.text(column, row, f"{values[row, column]:.0f}", ha="center", va="center", fontsize=8)
    axes.set_title(title)
    return png(figure)


def _compare(mean: float, mean_all: float) -> dict[str, float]:
    index = INDEX_OF_ALL * mean / mean_all if mean_all > 0 else np.nan
    return {"mean": mean, "mean_all": mean_all, "index_vs_all": index}
