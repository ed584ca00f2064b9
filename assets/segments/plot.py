"""The segments at a glance: which feature stands how far above or below everybody's."""

from io import BytesIO

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

DOTS_PER_INCH = 110
# Twice and half as much as everybody are equally far from it.
FARTHEST = 2.0


def profile_plot(profiles: pd.DataFrame, *, title: str) -> bytes:
    """A heat map of one scheme's profiles: segments down, features across, colour by the index.

    Args:
        profiles: Rows of ``ml.segments__profiles`` of one morning and scheme; may be empty.
        title: Above the plot.

    Returns:
        A PNG. Each cell says the index (100 is everybody's mean); red is above, blue below.
    """
    index = profiles.pivot_table(index="segment_name", columns="feature", values="index_vs_all", sort=False)
    figure = Figure(figsize=(1.2 * len(index.columns) + 3.5, 0.5 * len(index) + 2.2), layout="constrained")
    axes = figure.subplots()
    values = index.to_numpy(dtype=np.float64)
    shown = np.log2(np.clip(values / 100, 2**-FARTHEST, 2**FARTHEST))
    axes.imshow(shown, cmap="RdBu_r", vmin=-FARTHEST, vmax=FARTHEST, aspect="auto")
    axes.set_xticks(range(len(index.columns)), index.columns, rotation=30, ha="right")
    axes.set_yticks(range(len(index)), _labels(profiles, index.index))
    for row, column in zip(*np.nonzero(np.isfinite(values)), strict=True):
        axes.text(column, row, f"{values[row, column]:.0f}", ha="center", va="center", fontsize=8)
    axes.set_title(title)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH)
    return file.getvalue()


def _labels(profiles: pd.DataFrame, names: pd.Index) -> list[str]:
    shares = profiles.groupby("segment_name")["share"].first()
    return [f"{name} ({shares[name]:.0%})" for name in names]
