"""The columns and types of the tables the lifecycle writes, in their published order."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

TEXT = "string"
DATE = pd.ArrowDtype(pa.date32())
INSTANT = "datetime64[us]"
NUMBER = "float64"
COUNT = "Int64"
SMALL = "Int32"
FLAG = "boolean"

# A pandas dtype is stated for every column: an all-missing column of type object reaches DuckDB as an
# integer column, and the first text in it would then fail.
Types = Mapping[str, Any]


def of_type(dtype: Any, *names: str) -> dict[str, Any]:  # noqa: ANN401 - a pandas dtype or its name
    """Neighbouring columns of one type."""
    return dict.fromkeys(names, dtype)


_NAMED: Types = {"model_name": TEXT, "model_version": TEXT}
_SLICE: Types = {"slice_name": TEXT, "slice_value": TEXT}

METRIC_TYPES: Types = {
    **_NAMED,
    "split": TEXT,
    "as_of_date": DATE,
    **_SLICE,
    "metric": TEXT,
    **of_type(NUMBER, "value", "ci_lo", "ci_hi"),
    "n": COUNT,
    "n_positive": COUNT,
}
BIN_TYPES: Types = {
    **_NAMED,
    "split": TEXT,
    "as_of_date": DATE,
    **_SLICE,
    "bin": SMALL,
    "n": COUNT,
    **of_type(NUMBER, "mean_predicted", "mean_observed", "ci_lo", "ci_hi"),
}
CUTOFF_METRICS = ("precision", "recall", "f1", "specificity", "lift", "gain")
CUTOFF_COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
CUTOFF_TYPES: Types = {
    **_NAMED,
    "cut": TEXT,
    "n": COUNT,
    "n_positive": COUNT,
    **{
        f"{prefix}{name}": dtype
        for prefix in ("", "baseline_")
        for name, dtype in {
            **of_type(COUNT, *CUTOFF_COUNTS),
            **of_type(NUMBER, *(f"{name}{end}" for name in CUTOFF_METRICS for end in ("", "_lo", "_hi"))),
        }.items()
    },
}
COHORT_CUTOFF_TYPES: Types = {
    **_NAMED,
    "as_of_date": DATE,
    "cut": TEXT,
    **of_type(NUMBER, "share", "threshold"),
    **of_type(COUNT, "n_scored", "n_selected"),
    **of_type(NUMBER, "expected_positives", "expected_hits", "expected_misses"),
}
REGISTRY_TYPES: Types = {
    **_NAMED,
    "stage": TEXT,
    "trained_at": INSTANT,
    **{f"{fold}_{end}": DATE for fold in ("train", "calibration", "test") for end in ("from", "to")},
    "label_horizon_days": SMALL,
    **of_type(COUNT, "n_rows", "n_positive", "n_negative"),
    "features": TEXT,
    "params": TEXT,
    "seed": COUNT,
    **of_type(TEXT, "code_hash", "spec_hash", "data_hash", "model_sha256", "libraries"),
    **of_type(TEXT, "calibration_method", "quality_grade", "promoted_by", "supersedes", "card_uri"),
}
RETRAIN_TYPES: Types = {
    "model_name": TEXT,
    "as_of_date": DATE,
    "decided_at": INSTANT,
    "run_id": TEXT,
    "trigger": TEXT,
    "windows_violated": SMALL,
    **of_type(TEXT, "decision", "champion", "challenger", "metric"),
    **of_type(NUMBER, "difference", "ci_lo", "ci_hi"),
    "reasons": TEXT,
}
EVALUATION_TYPES: Types = {
    "as_of_date": DATE,
    **_NAMED,
    "trained_at": INSTANT,
    "n_rows": COUNT,
    "n_positive": COUNT,
    **of_type(TEXT, "data_hash", "code_hash", "vintage_hashes", "calibration_method", "params"),
    **of_type(TEXT, "refusal", "champion"),
    "is_promotable": FLAG,
    **of_type(TEXT, "quality_grade", "defects", "reasons"),
}
CHAMPION_TYPES: Types = {
    "as_of_date": DATE,
    **_NAMED,
    "quality_grade": TEXT,
    "is_fallback": FLAG,
    **of_type(TEXT, "model_sha256", "vintage_hashes", "params"),
}
CANARY_TYPES: Types = {
    **CHAMPION_TYPES,
    "champion": TEXT,
    "n": COUNT,
    "agrees": FLAG,
    **of_type(TEXT, "figures", "reasons"),
}
REALISED_TYPES: Types = {
    "as_of_date": DATE,
    **_NAMED,
    "n_days": COUNT,
    "n": COUNT,
    **of_type(TEXT, "figures", "too_few", "defects"),
}
DRIFTED_TYPES: Types = {
    "as_of_date": DATE,
    **_NAMED,
    "n": COUNT,
    "compared": COUNT,
    "drifted": TEXT,
}
PREDICTION_TOTAL_TYPES: Types = {
    **_NAMED,
    "as_of_date": DATE,
    "n_scored": COUNT,
    **of_type(NUMBER, "expected_positives", "expected_positives_lo", "expected_positives_hi"),
    **of_type(NUMBER, "prior_shift_log_odds", "prior_shift_sd"),
    "n_periods": COUNT,
    "season_known": FLAG,
    "backtest_z_rms": NUMBER,
    "backtest_windows": NUMBER,
    "observed_positives": NUMBER,
}
ERASURE_TYPES: Types = {
    "erasure_id": TEXT,
    "requested_at": INSTANT,
    "finished_at": INSTANT,
    "table_name": TEXT,
    "rows_removed": COUNT,
    "proved_by": TEXT,
}
# Columns for people, in order; then those that the next as-of date needs to evaluate this one again.
DRIFT_TYPES: Types = {
    **_NAMED,
    "as_of_date": DATE,
    **_SLICE,
    "feature": TEXT,
    "kind": TEXT,
    "n": COUNT,
    "n_reference": COUNT,
    **of_type(NUMBER, "psi", "psi_noise", "js", "wasserstein", "missing_delta", "unseen_share"),
    "verdict": TEXT,
    "windows_violated": COUNT,
    "windows_judged": COUNT,
    "p_value": NUMBER,
    "is_violated": FLAG,
    "customers": NUMBER,
    "reference_customers": NUMBER,
    "bins": COUNT,
    **of_type(NUMBER, "psi_band", "js_noise", "wasserstein_noise", "wasserstein_band"),
}
# Columns of every score table, around those of its row key: provenance and subject.
PROVENANCE_TYPES: Types = {
    "id_type": TEXT,
    "as_of_date": DATE,
    "scored_at": INSTANT,
    "run_id": TEXT,
    **_NAMED,
}
STATUS_TYPES: Types = {
    "is_eligible": FLAG,
    **of_type(TEXT, "ineligible_reason", "status", "quality_grade"),
}
STATUSES = ("ok", "fallback_model", "stale", "withheld_by_gate")
# Consent and holdout of the person as of the scored date.
CONSENT_COLUMNS: Types = {"is_holdout": FLAG, "consent_ads": FLAG, "consent_profiling": FLAG}


def typed(rows: Sequence[Mapping[str, object]] | pd.DataFrame, types: Types) -> pd.DataFrame:
    """``rows`` (n, k) with exactly the columns of ``types``, in their order and types.

    Raises:
        KeyError: A column is missing from every row.
    """
    frame = pd.DataFrame(rows) if len(rows) else pd.DataFrame(columns=list(types))
    missing = [name for name in types if name not in frame.columns]
    if missing:
        raise KeyError(f"the rows lack {missing}")
    return pd.DataFrame({name: _column(frame[name], dtype) for name, dtype in types.items()})


def _column(values: pd.Series, dtype: Any) -> pd.Series:  # noqa: ANN401 - a pandas dtype or its name
    if dtype is DATE:
        return pd.Series(pd.to_datetime(values).dt.date.astype(DATE))
    if dtype == INSTANT:
        return pd.Series(pd.to_datetime(values).astype("datetime64[us]"))
    return pd.Series(values.astype(dtype))
