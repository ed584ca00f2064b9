"""Columns and types of the tables that activation writes, in their published order."""

from assets.keys import Key
from assets.lifecycle.store.schemas import COUNT, DATE, FLAG, INSTANT, NUMBER, SMALL, TEXT, Types, of_type

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
    **of_type(
        COUNT, "audience_candidates", "no_consent", "held_out", "over_cap", "without_identifier", "written"
    ),
    "file_name": TEXT,
    "file_sha256": TEXT,
}
LIFT_TYPES: Types = {
    "as_of_date": DATE,
    "experiment": TEXT,
    "name": TEXT,
    "window_days": SMALL,
    **of_type(COUNT, "contacted", "held_out", "treated_conversions", "control_conversions"),
    **of_type(
        NUMBER, "treated_rate", "control_rate", "difference", "ci_lo", "ci_hi", "relative_lift", "p_value"
    ),
}
