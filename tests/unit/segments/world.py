"""Customers in as many clusters as a test asks for, and a declaration small enough for a test."""

from dataclasses import replace

import numpy as np
import pandas as pd

from assets.segments.clustering import SegmentationModel, fit_segments, select_segments
from assets.segments.spec import SEGMENTATION, Rules

SMALL = replace(SEGMENTATION, most_segments=5, stability_draws=3, stability_rows=1_000, silhouette_rows=500)
RULES = Rules()
# Days since the last order, orders and tenure of three kinds of customers, each far from the others.
KINDS = ((300.0, 1.0, 600.0), (10.0, 20.0, 600.0), (10.0, 1.0, 20.0))


def customers(count: int = 600, *, seed: int = 1) -> pd.DataFrame:
    """``count`` customers of three kinds in turn; the true one is in ``kind``."""
    rng = np.random.default_rng(seed)
    kind = np.arange(count) % len(KINDS)
    days, orders, tenure = np.array(KINDS)[kind].T * np.exp(rng.normal(0, 0.2, size=(3, count)))
    return pd.DataFrame(
        {
            "customer_id": [f"c{number:05d}" for number in range(count)],
            "kind": kind,
            "days_since_order": days,
            "orders_365d": orders,
            "tenure_days": tenure,
            "average_order_amount": np.exp(rng.normal(3, 0.1, size=count)),
            "sessions_90d": np.nan,
            "open_rate_180d": np.nan,
            "return_rate_365d": 0.0,
        }
    )


def alike(count: int = 300) -> pd.DataFrame:
    """``count`` customers with equal features."""
    rows = customers(count)
    rows.iloc[:, 1:] = rows.iloc[0, 1:].to_numpy()
    return rows


def shapeless(count: int = 900) -> pd.DataFrame:
    """``count`` customers in one cloud: two halves never agree on where to cut it."""
    rows = customers(count)
    rng = np.random.default_rng(3)
    for name in SMALL.columns:
        rows[name] = np.exp(rng.normal(3, 0.5, size=len(rows)))
    return rows


def segmented(
    rows: pd.DataFrame, *, champion: SegmentationModel | None = None, keys_used: int = 0
) -> SegmentationModel:
    """The segmentation of ``rows`` with the selected number of segments."""
    best = select_segments(rows, SMALL).best
    return fit_segments(rows, SMALL, k=best.k, champion=champion, keys_used=keys_used)
