"""Train a candidate and evaluate it beside the baseline and the champion."""

import json
from dataclasses import replace
from typing import Any

import pandas as pd

from assets.features.matrix import LeakDetected
from assets.keys import CALIBRATION_BINS, CUTOFFS, METRICS
from assets.lifecycle.capability import Data, Evaluation, InsufficientData, Model
from assets.lifecycle.gate import Decision, decide, refused
from assets.lifecycle.report.grade import DO_NOT_USE, Grade
from assets.lifecycle.run_context import RunContext
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.schemas import EVALUATION_TYPES, typed


def evaluate(run: RunContext[Data, Model]) -> pd.DataFrame:
    """Fit and evaluate the candidate of the run's as-of date, and record every metric.

    Returns:
        The one row of ``ml.<capability>__evaluation`` of the date; a refusal before evaluation has its
        reason in ``refusal``. A version that is there already is not fitted again, unless files are lost.
    """
    run.prepare()
    kept = run.warehouse.read(f"from {run.spec.evaluation.sql} where model_version = $v", {"v": run.version})
    if len(kept) and not run.lost_vintage(run.version, next(iter(kept["vintage_hashes"].dropna()), None)):
        return kept
    champion = run.load_champion()
    evaluation: Evaluation[Model] | None = None
    try:
        evaluation = run.capability.backtest(run.data, champion=champion, version=run.version)
        decision = _decision(run, evaluation)
        grade = run.capability.grade(evaluation.metrics, decision)
        decision = unless_useless(decision, grade)
    except (InsufficientData, LeakDetected) as refusal:
        decision, grade = refused(str(refusal)), DO_NOT_USE
    row: dict[str, object] = {
        **_made_of(run, evaluation),
        "champion": champion.version if champion else None,
        "refusal": None if evaluation else decision.reasons[0],
        "is_promotable": decision.promote,
        "quality_grade": grade.name,
        "defects": "; ".join(decision.defects) or None,
        "reasons": "; ".join(decision.reasons),
    }
    rows = typed([row], EVALUATION_TYPES)
    run.warehouse.replace_partition(run.spec.evaluation, rows, column="as_of_date", value=run.as_of)
    return rows


def decision_of(run: RunContext[Data, Model], row: pd.Series) -> Decision:
    """The recorded decision on a candidate.

    Args:
        run: The run.
        row: The candidate's row of ``ml.<capability>__evaluation``.
    """
    metrics = control_tables.rows_of_version(run.warehouse, METRICS, str(row["model_version"]))
    baseline, champion = run.spec.compared.differences(metrics)
    return Decision(
        promote=bool(row["is_promotable"]),
        reasons=(str(row["reasons"]),),
        against_baseline=baseline,
        against_champion=champion,
        defects=() if pd.isna(row["defects"]) else (str(row["defects"]),),
    )


def unless_useless(decision: Decision, grade: Grade) -> Decision:
    """``decision``, or a refusal when the candidate's grade says that nobody should use it.

    Args:
        decision: Decision of the promotion gate.
        grade: The candidate's grade.
    """
    if not decision.promote or grade.name != DO_NOT_USE.name:
        return decision
    reason = f"grade {grade.name}: {grade.meaning}"
    return replace(decision, promote=False, reasons=(reason, *decision.reasons))


def _decision(run: RunContext[Data, Model], evaluation: Evaluation[Model]) -> Decision:
    for _, rows in evaluation.metrics.groupby("split"):
        control_tables.replace_metrics(run.warehouse, METRICS, rows)
    control_tables.replace_metrics(run.warehouse, CALIBRATION_BINS, evaluation.bins)
    if evaluation.cutoffs is not None:
        run.warehouse.replace_partition(
            CUTOFFS, evaluation.cutoffs, column=control_tables.VERSION, value=run.version
        )
    return decide(
        evaluation.metrics,
        run.spec.compared,
        defects=evaluation.defects,
        champion_unfit=evaluation.champion_unfit,
        notes=evaluation.notes,
    )


def _made_of(run: RunContext[Data, Model], evaluation: Evaluation[Model] | None) -> dict[str, Any]:
    params = evaluation.params if evaluation else {}
    record = run.capability.record(run.data, params=params)
    return {
        "as_of_date": run.as_of,
        "model_name": run.spec.name,
        "model_version": run.version,
        "trained_at": run.now,
        "n_rows": record.n_rows,
        "n_positive": record.n_positive,
        "data_hash": run.data_hash,
        "code_hash": run.code_hash,
        "vintage_hashes": run.save_vintages(run.version, evaluation.vintages) if evaluation else None,
        "calibration_method": record.calibration_method if evaluation else None,
        "params": json.dumps(dict(params), sort_keys=True),
    }
