"""The first two steps of a morning: fit a candidate, and judge it beside its rivals."""

from dataclasses import dataclass

import pandas as pd

from assets import ASSETS
from assets.features.matrix import LeakDetected
from assets.keys import CALIBRATION_BINS, METRICS
from assets.lifecycle.gate import Decision, decide, refused
from assets.lifecycle.report.grade import DO_NOT_USE, Grade, grade
from assets.lifecycle.run_context import Morning
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.artifacts import code_hash, data_hash, load_version
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.metric_lookup import overall
from assets.lifecycle.store.schemas import CANDIDATE_TYPES, EVALUATION_TYPES, typed
from assets.supervised.data.split import Split, TooLittleHistory, split_by_time
from assets.supervised.evaluation.evaluation import Evaluation
from assets.supervised.evaluation.membership_inference import membership_rows
from assets.supervised.evaluation.walk_forward import (
    ModelVintage,
    WalkForwardModels,
    evaluate_candidate,
    fit_walk_forward,
    version_name,
)
from assets.supervised.fitting.train import InsufficientData


def candidate(morning: Morning) -> pd.DataFrame:
    """Fit the morning's twin and keep it; or keep the words in which it was refused.

    Returns:
        The one row of ``ml.<problem>__candidate`` for the morning.
    """
    problem, rows = morning.problem, morning.rows
    control_tables.prepare(morning.warehouse, problem)
    data, code = data_hash(rows.labelled), code_hash(ASSETS)
    version = version_name(morning.as_of, data, code, problem.spec_hash)
    kept = control_tables.row_of(morning.warehouse, problem.candidate, version)
    if kept is not None:
        return kept
    row = {
        "as_of_date": morning.as_of,
        "model_name": problem.name,
        "model_version": version,
        "trained_at": morning.now,
        "n_rows": len(rows.labelled),
        "n_positive": rows.labelled.positives,
        "n_customers": len(set(rows.labelled.entities.tolist())),
        "data_hash": data,
        "code_hash": code,
        **_fitted(morning, version),
    }
    return control_tables.replace_row(
        morning.warehouse, problem.candidate, typed([row], CANDIDATE_TYPES), as_of=morning.as_of
    )


def _fitted(morning: Morning, version: str) -> dict[str, object]:
    try:
        twin = fit_walk_forward(morning.problem, morning.rows)
    except (InsufficientData, TooLittleHistory, LeakDetected) as refusal:
        return {"twin_hashes": None, "calibration_method": None, "refusal": str(refusal)}
    return {
        "twin_hashes": morning.write_vintages(version, twin.models),
        "calibration_method": twin.models[-1].fitted.method,
        "refusal": None,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the tables say about a morning's candidate.

    Attributes:
        proposed: The candidate's one row.
        evaluation: Its recorded figures; ``None`` when it was refused before it could be judged.
        decision: What follows from them.
    """

    proposed: pd.DataFrame
    evaluation: Evaluation | None
    decision: Decision

    @property
    def version(self) -> str:
        """The candidate's version."""
        return str(self.proposed["model_version"].iloc[0])

    @property
    def grade(self) -> Grade:
        """The candidate's grade; a candidate that could not be judged is not to be used."""
        return grade(self.evaluation.metrics, self.decision) if self.evaluation else DO_NOT_USE


def evaluation(morning: Morning) -> pd.DataFrame:
    """Judge the morning's candidate beside the naive rival and the champion, and keep every figure.

    Returns:
        The one row of ``ml.<problem>__evaluation`` for the morning.
    """
    warehouse, problem = morning.warehouse, morning.problem
    proposed = control_tables.row_for_date(warehouse, problem.candidate, morning.as_of)
    version = str(proposed["model_version"].iloc[0])
    kept = control_tables.row_of(warehouse, problem.evaluation, version)
    if kept is not None:
        return kept
    rival = _rival(morning)
    if pd.isna(proposed["refusal"].iloc[0]):
        found = _judged(morning, proposed, rival=rival)
        control_tables.replace_metrics(warehouse, METRICS, found.metrics)
        told = membership_rows(problem, morning.rows.labelled, version=version)
        control_tables.replace_metrics(warehouse, METRICS, told)
        control_tables.replace_metrics(warehouse, CALIBRATION_BINS, found.bins)
    row = _evaluation_row(morning, judgement(morning), rival=rival)
    return control_tables.replace_row(warehouse, problem.evaluation, row, as_of=morning.as_of)


def judgement(morning: Morning) -> Judgement:
    """Read what was recorded about the morning's candidate, and decide by it."""
    proposed = control_tables.row_for_date(morning.warehouse, morning.problem.candidate, morning.as_of)
    refusal = proposed["refusal"].iloc[0]
    if not pd.isna(refusal):
        return Judgement(proposed=proposed, evaluation=None, decision=refused(str(refusal)))
    version = str(proposed["model_version"].iloc[0])
    found = Evaluation(
        metrics=control_tables.rows_of_version(morning.warehouse, METRICS, version),
        bins=control_tables.rows_of_version(morning.warehouse, CALIBRATION_BINS, version),
    )
    decision = decide(found.metrics, criteria=morning.problem.criteria)
    return Judgement(proposed=proposed, evaluation=found, decision=decision)


def split_of(morning: Morning) -> Split:
    """The folds of a candidate of this morning."""
    return split_by_time(morning.rows.matured_days, horizon_days=morning.problem.horizon_days)


def _judged(morning: Morning, proposed: pd.DataFrame, *, rival: ChampionVersion | None) -> Evaluation:
    row = proposed.iloc[0]
    version = str(row["model_version"])
    twin = WalkForwardModels(
        models=morning.load_vintages(version, hashes=str(row["twin_hashes"])), split=split_of(morning)
    )
    return evaluate_candidate(
        morning.problem,
        twin,
        rows=morning.rows,
        champion=_walking(morning, rival) if rival else (),
        version=version,
    )


def _walking(morning: Morning, rival: ChampionVersion) -> tuple[ModelVintage, ...]:
    """The champion as it would have answered: its twin up to the morning it was made, then itself."""
    itself = ModelVintage(
        first=rival.as_of_date,
        fitted=load_version(morning.folder(rival.model_version), sha256=rival.model_sha256),
    )
    return (*morning.load_vintages(rival.model_version, hashes=str(rival.twin_hashes)), itself)


def _rival(morning: Morning) -> ChampionVersion | None:
    serving = control_tables.champion_as_of(morning.problem, morning.warehouse, as_of=morning.as_of)
    return None if serving is None or serving.is_fallback else serving


def _evaluation_row(morning: Morning, judged: Judgement, *, rival: ChampionVersion | None) -> pd.DataFrame:
    metrics = judged.evaluation.metrics if judged.evaluation else None
    row = {
        "as_of_date": morning.as_of,
        "model_name": morning.problem.name,
        "model_version": judged.version,
        "champion": rival.model_version if rival else None,
        "is_promotable": judged.decision.promote,
        "quality_grade": judged.grade.name,
        "auc": overall(metrics, "auc").value if metrics is not None else None,
        "naive_auc": overall(metrics, "naive_auc").value if metrics is not None else None,
        "reasons": "; ".join(judged.decision.reasons),
    }
    return typed([row], EVALUATION_TYPES)
