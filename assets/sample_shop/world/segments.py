"""Customer segments of the simulation: order rate, lifetime, seasonality and response to messages."""

import numpy as np
import pandas as pd

from assets.sample_shop.world.shop import Floats, Shop, trade_by_day

# One row per segment. Order rates are gamma with ``shape`` and ``orders_per_year`` as mean; lifetimes are
# exponential with mean ``years`` (Fader, Hardie, Lee 2005, "Counting your customers the easy way"); the
# seasons are ours. ``share`` and ``drifted_share`` are shares of sign-ups, before and after a covariate
# drift; ``persuadable`` and ``sleeping`` those of customers who order more, or less, after a message.
# ``drifted_orders`` is the factor of a label drift on the order rate: it keeps the total of orders about
# constant and changes only which customers order.
SEGMENTS = pd.DataFrame(
    {
        "share": [0.25, 0.40, 0.22, 0.05, 0.08],
        "orders_per_year": [5.5, 1.6, 0.9, 13.0, 0.6],
        "shape": [2.5, 1.5, 2.0, 3.0, 1.0],
        "years": [4.0, 3.5, 5.0, 5.0, 0.8],
        "christmas": [0.8, 1.0, 6.0, 0.3, 0.5],
        "january": [0.35, 0.4, 0.6, 0.3, 0.3],
        "persuadable": [0.10, 0.20, 0.12, 0.02, 0.05],
        "sleeping": [0.12, 0.02, 0.02, 0.20, 0.01],
        "drifted_share": [0.08, 0.30, 0.15, 0.02, 0.45],
        "drifted_orders": [0.35, 2.5, 1.0, 1.0, 1.0],
    },
    index=["regular", "occasional", "gift_giver", "trade", "one_off"],
)


def by_segment(attribute: str) -> Floats:
    """One attribute of every segment, shape (segments,)."""
    return SEGMENTS[attribute].to_numpy(dtype=np.float64)


def trade_by_segment(shop: Shop) -> Floats:
    """Relative order rate on each day, shape (segments, days), a label drift included."""
    seasons = zip(SEGMENTS["christmas"], SEGMENTS["january"], strict=True)
    trade = np.stack([trade_by_day(shop.days, christmas=peak, january=dip) for peak, dip in seasons])
    drifted = shop.day_number(shop.injected_faults.label_drift_from)
    trade[:, drifted:] *= by_segment("drifted_orders")[:, None]
    return trade
