"""What sets each segment apart: the mean of each feature in it against the mean of everybody."""

import numpy as np
import pandas as pd

from assets.lifecycle.store.schemas import typed
from assets.segments.morning import Morning
from assets.segments.tables import PROFILE_TYPES

SEGMENT = ["scheme", "segment_key"]
TOLD = ["model_name", "model_version", "segment_id", "segment_name", "size"]
INDEX_OF_ALL = 100.0


def profiles(morning: Morning) -> pd.DataFrame:
    """Write and return the morning's profiles, one row per scheme, segment and feature."""
    found = profile_rows(morning.on_day(morning.problem.assignments), morning.rows, morning=morning)
    morning.warehouse.replace_partition(
        morning.problem.profiles, found, column="as_of_date", value=morning.as_of
    )
    return found


def profile_rows(assigned: pd.DataFrame, features: pd.DataFrame, *, morning: Morning) -> pd.DataFrame:
    """Means per scheme, segment and feature.

    Args:
        assigned: One row per customer and scheme, with the columns of ``ml.segments__assignments``.
        features: One row per customer with the features; a column that nobody has is left out.
        morning: Whose features, and which day.

    Returns:
        The columns of ``segment_profiles``. ``index_vs_all`` is 100 for a segment like everybody, and
        missing where the mean of everybody is not above 0.
    """
    columns = [name for name in morning.problem.columns if features[name].notna().any()]
    numbers = features[columns].astype("float64").assign(customer_id=features["customer_id"])
    members = assigned.dropna(subset=["segment_key"]).merge(numbers, on="customer_id", how="inner")
    groups, everybody = members.groupby(SEGMENT), members.groupby("scheme")[columns].mean()
    means, counts = groups[columns].mean(), groups[columns].count()
    identity = groups[TOLD].first().assign(share=groups.size() / members.groupby("scheme").size())
    rows = [
        {
            "as_of_date": morning.as_of,
            **dict(zip(SEGMENT, place, strict=True)),
            **{str(name): value for name, value in identity.loc[place].items()},
            "feature": name,
            "n": int(counts.loc[place, name]),
            **_compared(float(means.loc[place, name]), float(everybody.loc[place[0], name])),
        }
        for place in means.index
        for name in columns
    ]
    return typed(rows, PROFILE_TYPES)


def _compared(mean: float, mean_all: float) -> dict[str, float]:
    index = INDEX_OF_ALL * mean / mean_all if mean_all > 0 else np.nan
    return {"mean": mean, "mean_all": mean_all, "index_vs_all": index}
