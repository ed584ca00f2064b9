"""What the journals keep of a morning's grouping: the version, what was tried, and the decision."""

import json
from collections.abc import Iterator
from dataclasses import asdict

import pandas as pd

from assets.lifecycle.gate import decision_row_without_comparison
from assets.lifecycle.store.artifacts import library_versions
from assets.lifecycle.store.schemas import METRIC_TYPES, REGISTRY_TYPES, RETRAIN_TYPES, typed
from assets.metrics.bootstrap import NORMAL_QUANTILE
from assets.segments.adopt import Adoption, Proposal
from assets.segments.grouping import KResult
from assets.segments.morning import Morning, Serving
from assets.segments.tables import MODEL_TYPES

COMPARED_BY = "silhouette_difference"


def decision_row(morning: Morning, adoption: Adoption) -> pd.DataFrame:
    """The morning's row of ``ml.retrain_log``."""
    champion = morning.serves.version if morning.serves else None
    attempt = morning.attempt(champion=champion, challenger=morning.version)
    row = decision_row_without_comparison(attempt, adoption.outcome, reasons=adoption.reasons)
    if adoption.difference is None:
        return row
    value, lowest, highest = adoption.difference
    return typed(row.assign(metric=COMPARED_BY, difference=value, ci_lo=lowest, ci_hi=highest), RETRAIN_TYPES)


def model_row(
    morning: Morning, proposal: Proposal, *, adoption: Adoption, sha256: str | None
) -> pd.DataFrame:
    """The morning's row of ``ml.segments__model``: what serves from now on, or why nothing does."""
    serves = morning.serves
    if adoption.outcome == "promote" and proposal.grouping is not None and sha256 is not None:
        serves = Serving(version=morning.version, sha256=sha256, grouping=proposal.grouping)
    row = {
        "as_of_date": morning.as_of,
        "model_name": morning.problem.name,
        "model_version": serves.version if serves else None,
        "model_sha256": serves.sha256 if serves else None,
        "challenger": morning.version,
        "decision": adoption.outcome,
        "segments": serves.grouping.k if serves else 0,
        "customers": len(morning.rows),
        "reasons": adoption.reasons,
        "ineligible_reason": None if serves else proposal.code,
    }
    return typed([row], MODEL_TYPES)


def metric_rows(morning: Morning, proposal: Proposal) -> pd.DataFrame:
    """What every tried number of groups reached, as rows of ``ml.metrics``: slice ``segments``."""
    shared = {
        "model_name": morning.problem.name,
        "model_version": morning.version,
        "split": "train",
        "as_of_date": morning.as_of,
        "slice_name": "segments",
    }
    rows = [
        {**shared, "slice_value": str(each.k), "n": each.n, "n_positive": None, **figure}
        for each in proposal.table
        for figure in _figures(each)
    ]
    return typed(rows, METRIC_TYPES)


def _figures(one: KResult) -> Iterator[dict[str, object]]:
    reach = NORMAL_QUANTILE * one.stability_sd / one.draws**0.5
    yield {
        "metric": "stability_ari",
        "value": one.stability,
        "ci_lo": one.stability - reach,
        "ci_hi": one.stability + reach,
    }
    for metric, value in (("silhouette", one.silhouette), ("smallest_share", one.smallest_share)):
        yield {"metric": metric, "value": value, "ci_lo": None, "ci_hi": None}


def registry_row(morning: Morning, proposal: Proposal, *, sha256: str | None) -> pd.DataFrame:
    """The version's row of ``ml.model_registry``; a refused version has no file and no hash of one."""
    segmentation = morning.problem
    grouping = proposal.grouping
    empty = dict.fromkeys(REGISTRY_TYPES)
    row = {
        **empty,
        "model_name": segmentation.name,
        "model_version": morning.version,
        "stage": "refused" if sha256 is None else "champion",
        "trained_at": morning.now,
        "train_from": morning.as_of,
        "train_to": morning.as_of,
        "n_rows": len(morning.sample),
        "features": json.dumps(grouping.columns if grouping else ()),
        "params": json.dumps({"k": grouping.k if grouping else 0, **asdict(segmentation.rules)}),
        "seed": segmentation.seed,
        "code_hash": morning.code_hash,
        "spec_hash": segmentation.spec_hash,
        "data_hash": morning.data_hash,
        "model_sha256": sha256,
        "libraries": json.dumps(library_versions()),
        "promoted_by": None if sha256 is None else f"gate, run {morning.run_id}",
        "supersedes": morning.serves.version if sha256 and morning.serves else None,
    }
    return typed([row], REGISTRY_TYPES)
