"""The columns and types of the tables this room writes, in their published order."""

from assets.lifecycle.store.schemas import COUNT, DATE, FLAG, INSTANT, NUMBER, TEXT, Types

MODEL_TYPES: Types = {
    "as_of_date": DATE,
    "model_name": TEXT,
    "model_version": TEXT,
    "model_sha256": TEXT,
    "challenger": TEXT,
    "decision": TEXT,
    "segments": COUNT,
    "customers": COUNT,
    "reasons": TEXT,
    "ineligible_reason": TEXT,
}
_SEGMENT: Types = {"segment_id": TEXT, "segment_key": TEXT, "segment_name": TEXT}
ASSIGNMENT_TYPES: Types = {
    "customer_id": TEXT,
    "id_type": TEXT,
    "as_of_date": DATE,
    "scored_at": INSTANT,
    "run_id": TEXT,
    "model_name": TEXT,
    "model_version": TEXT,
    "scheme": TEXT,
    "is_eligible": FLAG,
    "ineligible_reason": TEXT,
    "status": TEXT,
    "quality_grade": TEXT,
    "is_holdout": FLAG,
    "consent_ads": FLAG,
    "consent_profiling": FLAG,
    **_SEGMENT,
    "distance": NUMBER,
    "runner_up_segment_id": TEXT,
    "margin": NUMBER,
    "stability_ari": NUMBER,
    "size": COUNT,
    "rfm_cell": TEXT,
}
PROFILE_TYPES: Types = {
    "as_of_date": DATE,
    "model_name": TEXT,
    "model_version": TEXT,
    "scheme": TEXT,
    **_SEGMENT,
    "size": COUNT,
    "share": NUMBER,
    "feature": TEXT,
    "mean": NUMBER,
    "mean_all": NUMBER,
    "index_vs_all": NUMBER,
    "n": COUNT,
}
