"""The columns and types of the tables that activation writes, in their published order."""

from assets.keys import Key
from assets.lifecycle.store.schemas import COUNT, DATE, FLAG, INSTANT, NUMBER, SMALL, TEXT, Types

AUDIENCES = Key("ml", "audiences")
AUDIENCE_SENDS = Key("ml", "audience_sends")
EXPERIMENT_LIFT = Key("ml", "experiment_lift")

AUDIENCE_TYPES: Types = {
    "audience": TEXT,
    "as_of_date": DATE,
    "customer_id": TEXT,
    "rank": COUNT,
    "value": NUMBER,
    "fate": TEXT,
}
SEND_TYPES: Types = {
    "audience": TEXT,
    "as_of_date": DATE,
    "destination": TEXT,
    "sent_at": INSTANT,
    "dry_run": FLAG,
    "asked": COUNT,
    "no_consent": COUNT,
    "held_out": COUNT,
    "capped": COUNT,
    "without_contact": COUNT,
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
    "contacted_orderers": COUNT,
    "held_out_orderers": COUNT,
    "contacted_rate": NUMBER,
    "held_out_rate": NUMBER,
    "difference": NUMBER,
    "ci_lo": NUMBER,
    "ci_hi": NUMBER,
    "relative_lift": NUMBER,
    "p_value": NUMBER,
}
