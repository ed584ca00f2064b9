"""Columns and types of the tables that activation writes, in their published order."""

from assets.keys import Key
from assets.lifecycle.store.schemas import COUNT, DATE, FLAG, INSTANT, NUMBER, SMALL, TEXT, Types

AUDIENCES = Key("ml", "audiences")
AUDIENCE_EXPORTS = Key("ml", "audience_exports")
EXPERIMENT_LIFT = Key("ml", "experiment_lift")

AUDIENCE_TYPES: Types = {
    "audience": TEXT,
    "as_of_date": DATE,
    "customer_id": TEXT,
    "rank": COUNT,
    "value": NUMBER,
    "suppress_reason": TEXT,
}
EXPORT_TYPES: Types = {
    "audience": TEXT,
    "as_of_date": DATE,
    "destination": TEXT,
    "sent_at": INSTANT,
    "dry_run": FLAG,
    "audience_candidates": COUNT,
    "no_consent": COUNT,
    "held_out": COUNT,
    "over_cap": COUNT,
    "without_identifier": COUNT,
    "written": COUNT,
    "file_name": TEXT,
    "file_sha256": TEXT,
}
LIFT_TYPES: Types = {
    "as_of_date": DATE,
    "experiment": TEXT,
    "name": TEXT,
    "window_days": SMALL,
    "contacted": COUNT,
    "held_out": COUNT,
    "treated_conversions": COUNT,
    "control_conversions": COUNT,
    "treated_rate": NUMBER,
    "control_rate": NUMBER,
    "difference": NUMBER,
    "ci_lo": NUMBER,
    "ci_hi": NUMBER,
    "relative_lift": NUMBER,
    "p_value": NUMBER,
}
