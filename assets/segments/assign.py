"""Everybody's segment on one morning, by both schemes, in the published columns."""

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from assets.keys import id_type
from assets.lifecycle.cohort import CONSENT_COLUMNS, add_ineligible_rows, permissions_on
from assets.lifecycle.store.schemas import typed
from assets.segments.model import BEHAVIOUR, RFM
from assets.segments.morning import Morning, Serving
from assets.segments.serving import place
from assets.segments.tables import ASSIGNMENT_TYPES

FIFTHS = ("recency_quintile", "frequency_quintile", "monetary_quintile")
# The rule of the SQL model; no registry has it, and a changed rule is a new name.
RFM_RULE = "rfm-fifths-1"
NO_MODEL = "no_grouping_yet"
WITHHELD = ("no_stable_segments",)
# What the rows of one scheme and morning have in common.
SHARED = ("id_type", "as_of_date", "scored_at", "run_id", "model_name", "model_version", "status")
SEGMENT_COLUMNS = ("segment_id", "segment_key", "segment_name", "runner_up_segment_id", "rfm_cell")


def assignments(morning: Morning) -> pd.DataFrame:
    """Write and return everybody's segments of the morning, one row per customer and scheme."""
    morning.prepare()
    # Typed one by one: a column that one scheme leaves empty has the other's type only then.
    schemes = [typed(rows, ASSIGNMENT_TYPES) for rows in (_rfm(morning), _behaviour(morning))]
    permissions = permissions_on(morning.warehouse, as_of=morning.as_of)
    everyone = add_ineligible_rows(pd.concat(schemes), permissions, per="scheme", shared=SHARED)
    found = typed(everyone, ASSIGNMENT_TYPES)
    morning.warehouse.replace_partition(
        morning.problem.assignments, found, column="as_of_date", value=morning.as_of
    )
    return found


def agreement(now: pd.DataFrame, before: pd.DataFrame) -> float | None:
    """Adjusted Rand index of two mornings over the customers who had a segment on both.

    Args:
        now: ``customer_id`` and ``segment_key``; no key means no segment.
        before: The same of an earlier morning.

    Returns:
        1 when everybody is still with the same people, 0 when as good as shuffled; ``None`` without
        anybody on both mornings.
    """
    both = now.dropna(subset=["segment_key"]).merge(
        before.dropna(subset=["segment_key"]), on="customer_id", suffixes=("_now", "_before")
    )
    if both.empty:
        return None
    codes = [pd.factorize(both[f"segment_key_{when}"])[0] for when in ("now", "before")]
    return float(adjusted_rand_score(*codes))


def _rfm(morning: Morning) -> pd.DataFrame:
    rows = morning.on_day(morning.problem.rfm)
    recency, frequency, monetary = FIFTHS
    fifths = rows[list(FIFTHS)].astype("Int64").astype("string")
    segment = rows["rfm_segment"].astype("string")
    told = {
        "segment_id": segment,
        "segment_key": segment,
        "segment_name": segment.str.replace("_", " "),
        "rfm_cell": fifths[recency] + "-" + fifths[frequency] + "-" + fifths[monetary],
        "ineligible_reason": rows["ineligible_reason"].astype("string"),
        "distance": np.nan,
        "margin": np.nan,
        "runner_up_segment_id": None,
    }
    return _finished(morning, rows, told, scheme=RFM, version=RFM_RULE)


def _behaviour(morning: Morning) -> pd.DataFrame:
    serves, rows = morning.serves, morning.rows
    if serves is None or rows.empty or any(name not in rows for name in serves.grouping.columns):
        told = dict.fromkeys((*SEGMENT_COLUMNS, "distance", "margin"))
        told["ineligible_reason"] = _why_nobody(morning)
        return _finished(morning, rows, told, scheme=BEHAVIOUR, version=None)
    return _finished(morning, rows, _placed(serves, rows), scheme=BEHAVIOUR, version=serves.version)


def _placed(serves: Serving, rows: pd.DataFrame) -> dict[str, object]:
    placed, identity = place(serves.grouping, rows), serves.grouping.identity
    numbers = np.array([str(number) for number in range(len(identity.keys))], dtype=object)
    return {
        "segment_id": numbers[placed.group],
        "segment_key": np.array(identity.keys, dtype=object)[placed.group],
        "segment_name": np.array(identity.names, dtype=object)[placed.group],
        "distance": placed.distance,
        "runner_up_segment_id": numbers[placed.runner_up],
        "margin": placed.margin,
        "rfm_cell": None,
        "ineligible_reason": None,
    }


def _finished(
    morning: Morning, rows: pd.DataFrame, told: dict[str, object], *, scheme: str, version: str | None
) -> pd.DataFrame:
    frame = pd.DataFrame({"customer_id": rows["customer_id"].astype("string"), **told}, index=rows.index)
    is_eligible = frame["ineligible_reason"].isna()
    withheld = frame["ineligible_reason"].isin(WITHHELD)
    counted = frame["segment_key"].map(frame["segment_key"].value_counts())
    before = _newest_before(morning, scheme=scheme)
    return frame.assign(
        id_type=id_type("customer_id", rows["customer_id"]),
        as_of_date=pd.Timestamp(morning.as_of),
        scored_at=morning.now,
        run_id=morning.run_id,
        model_name=morning.problem.name,
        model_version=version,
        scheme=scheme,
        is_eligible=is_eligible,
        status=np.where(withheld, "withheld_by_gate", "ok"),
        quality_grade=None,
        **dict.fromkeys(CONSENT_COLUMNS),
        stability_ari=agreement(frame[["customer_id", "segment_key"]], before),
        size=counted,
    )


def _newest_before(morning: Morning, *, scheme: str) -> pd.DataFrame:
    table = morning.problem.assignments.sql
    return morning.warehouse.read(
        f"select customer_id, segment_key from {table} where scheme = $scheme and as_of_date = "
        f"(select max(as_of_date) from {table} where scheme = $scheme and as_of_date < $as_of)",
        {"scheme": scheme, "as_of": morning.as_of},
    )


def _why_nobody(morning: Morning) -> str:
    told = morning.warehouse.read(
        f"select ineligible_reason from {morning.problem.model.sql} "
        "where as_of_date <= $as_of order by as_of_date desc limit 1",
        {"as_of": morning.as_of},
    )
    return NO_MODEL if told.empty else str(told["ineligible_reason"].iloc[0])
