"""Rows of customers in both schemes, without a warehouse."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.lifecycle.store.schemas import FLAG, NUMBER, TEXT, Types, typed
from assets.segments.clustering import UNSTABLE, SegmentationModel, assign
from assets.segments.spec import BEHAVIOUR, RFM

QUINTILES = ("recency_quintile", "frequency_quintile", "monetary_quintile")
# The rule of the SQL model; the registry does not hold it, and a changed rule is a new name.
RFM_RULE = "rfm-fifths-1"

NO_SEGMENT = dict.fromkeys(
    ("segment_id", "segment_key", "segment_name", "distance", "runner_up_segment_id", "margin", "rfm_cell")
)
SCORED_TYPES: Types = {
    "customer_id": TEXT,
    "scheme": TEXT,
    "model_version": TEXT,
    "is_eligible": FLAG,
    "ineligible_reason": TEXT,
    "status": TEXT,
    **{name: NUMBER if name in ("distance", "margin") else TEXT for name in NO_SEGMENT},
    "previous_segment_key": TEXT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RfmRule:
    """The baseline: segments by the RFM rule alone; ``reason`` is why there are none by behaviour."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerBatch:
    """Customers to score: features and RFM quintiles, each with ``previous_segment_key`` of its scheme."""

    behaviour: pd.DataFrame
    rfm: pd.DataFrame


ServingModel = SegmentationModel | RfmRule


def score_rows(model: ServingModel, batch: CustomerBatch) -> pd.DataFrame:
    """One row per customer and scheme; ``model_version`` is missing in rows of the serving version.

    Args:
        model: A segmentation, or the baseline.
        batch: One customer or many.
    """
    # Typed one by one: a column that one scheme leaves empty has the other's type only then.
    rfm = _typed(batch.rfm, _rfm_columns(batch.rfm), scheme=RFM)
    behaviour = _typed(batch.behaviour, _behaviour_columns(model, batch.behaviour), scheme=BEHAVIOUR)
    return pd.concat([rfm, behaviour], ignore_index=True)


def _rfm_columns(rows: pd.DataFrame) -> dict[str, object]:
    recency, frequency, monetary = QUINTILES
    quintiles = rows[list(QUINTILES)].astype("Int64").astype("string")
    segment = rows["rfm_segment"].astype("string")
    return {
        **NO_SEGMENT,
        "segment_id": segment,
        "segment_key": segment,
        "segment_name": segment.str.replace("_", " "),
        "rfm_cell": quintiles[recency] + "-" + quintiles[frequency] + "-" + quintiles[monetary],
        "ineligible_reason": rows["ineligible_reason"].astype("string"),
        "model_version": RFM_RULE,
    }


def _behaviour_columns(model: ServingModel, rows: pd.DataFrame) -> dict[str, object]:
    """Segments of ``rows``; none, and the reason, by the baseline."""
    if isinstance(model, RfmRule) or rows.empty:
        reason = model.reason if isinstance(model, RfmRule) else None
        return {**NO_SEGMENT, "ineligible_reason": reason, "model_version": None}
    assigned, keys = assign(model, rows), model.segment_keys
    ids = np.array([str(number) for number in range(model.k)], dtype=object)
    return {
        "segment_id": ids[assigned.segment],
        "segment_key": np.array(keys.keys, dtype=object)[assigned.segment],
        "segment_name": np.array(keys.names, dtype=object)[assigned.segment],
        "distance": assigned.distance,
        "runner_up_segment_id": ids[assigned.runner_up],
        "margin": assigned.margin,
        "rfm_cell": None,
        "ineligible_reason": None,
        "model_version": None,
    }


def _typed(rows: pd.DataFrame, columns: Mapping[str, object], *, scheme: str) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "previous_segment_key": rows["previous_segment_key"],
            **columns,
        },
        index=rows.index,
    )
    is_withheld = frame["ineligible_reason"].isin((UNSTABLE,))
    known = frame.assign(
        scheme=scheme,
        is_eligible=frame["ineligible_reason"].isna(),
        status=np.where(is_withheld, "withheld_by_gate", "ok"),
    )
    return typed(known, SCORED_TYPES)
