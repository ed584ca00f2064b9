"""How far a morning's customers have drifted from those the champion learned from."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assets.features.matrix import AS_OF, Matrix
from assets.keys import DRIFT
from assets.lifecycle.run_context import Morning
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.artifacts import load_version
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.schemas import DRIFT_TYPES, DRIFTED_TYPES, typed
from assets.metrics.drift.effects import FeatureDrift, effects_of
from assets.metrics.drift.reference import DriftReference
from assets.metrics.drift.sample import ALL
from assets.monitoring.drift.alarm import JUDGED_WINDOWS, DriftVerdict, judge_drift
from assets.monitoring.drift.page import html_report
from assets.supervised.data.dataset import load_eligible_matrix, load_training_data
from assets.supervised.data.drift_reference import WINDOW, observed, reference_kept
from assets.supervised.problem import PredictionProblem

DRIFTED = "drifted"
_VERDICT = ("verdict", "p_value", "is_violated", "windows_violated", "windows_judged")
_COUNTS = ("n", "n_reference", "bins")
_WORDS = ("slice_name", "slice_value", "feature", "kind")


def drift(context: Morning, *, page: Path) -> pd.DataFrame:
    """Compare everyone asked about this morning with the serving version's reference, and keep the verdicts.

    Args:
        context: The morning; its version is the one that served until now.
        page: Where the page to browse goes; written only when there is something to compare.

    Returns:
        The one row of ``ml.<problem>__drift`` for the morning; ``compared`` is 0 while a fallback or nobody
        serves, and ``drifted`` names the features that everybody has drifted in, missing when none has.
    """
    problem = context.problem
    control_tables.prepare(context.warehouse, problem)
    serves = control_tables.champion_as_of(
        problem, context.warehouse, as_of=context.as_of - timedelta(days=1)
    )
    reference = reference_kept(context.folder(serves.model_version)) if serves else None
    today = load_eligible_matrix(problem, context.warehouse, as_of=context.as_of)
    if serves is None or reference is None or len(today) == 0:
        rows = pd.DataFrame()
    else:
        rows = _drift_rows(context, serves, today=today, reference=reference)
        _draw_page(context, serves, today=today, page=page)
    _replace_rows(context, rows)
    row = typed([_summary_row(context, serves, rows=rows, n=len(today))], DRIFTED_TYPES)
    return control_tables.replace_row(context.warehouse, problem.drifted, row, as_of=context.as_of)


def _summary_row(
    context: Morning, serves: ChampionVersion | None, *, rows: pd.DataFrame, n: int
) -> dict[str, object]:
    whole = rows.loc[rows["slice_name"] == ALL] if len(rows) else rows
    drifted: list[str] = whole.loc[whole["verdict"] == DRIFTED, "feature"].tolist() if len(whole) else []
    return {
        "as_of_date": context.as_of,
        "model_name": context.problem.name,
        "model_version": serves.model_version if serves else None,
        "n": n,
        "compared": len(whole),
        "drifted": ", ".join(drifted) or None,
    }


def page_of(reports: Path, problem: PredictionProblem, *, as_of: date) -> Path:
    """Where the page of one morning lies."""
    return reports / "drift" / f"{problem.name}_{as_of}.html"


def _drift_rows(
    context: Morning, serves: ChampionVersion, *, today: Matrix, reference: DriftReference
) -> pd.DataFrame:
    fitted = load_version(context.folder(serves.model_version), sha256=serves.model_sha256)
    found = effects_of(observed(context.problem, today, score=fitted.probability(today.features)), reference)
    history = history_of(_earlier(context, serves))[-(JUDGED_WINDOWS - 1) :]
    return drift_rows(
        judge_drift([*history, found]),
        model_name=context.problem.name,
        model_version=serves.model_version,
        as_of=context.as_of,
    )


def _earlier(context: Morning, serves: ChampionVersion) -> pd.DataFrame:
    return context.warehouse.read(
        f"select * from {DRIFT.sql} where model_name = $name and model_version = $version "
        f"and {AS_OF} < $as_of order by {AS_OF}",
        {"name": context.problem.name, "version": serves.model_version, "as_of": context.as_of},
    )


def _replace_rows(context: Morning, rows: pd.DataFrame) -> None:
    with context.warehouse.connect() as connection:
        connection.execute(
            f"delete from {DRIFT.sql} where model_name = $name and {AS_OF} = $as_of",
            {"name": context.problem.name, "as_of": context.as_of},
        )
    if len(rows):
        context.warehouse.append(DRIFT, rows)


def _draw_page(context: Morning, serves: ChampionVersion, *, today: Matrix, page: Path) -> None:
    known = load_training_data(context.problem, context.warehouse, as_of=serves.as_of_date).everyone
    window = known.of(known.as_of > np.datetime64(serves.as_of_date - WINDOW, "D"))
    page.parent.mkdir(parents=True, exist_ok=True)
    html_report(window.features, today.features, file=page, seed=context.problem.seed)


def drift_rows(
    judged: Sequence[DriftVerdict], *, model_name: str, model_version: str, as_of: date
) -> pd.DataFrame:
    """The rows of one morning, typed as :data:`DRIFT_TYPES` says."""
    named = {"model_name": model_name, "model_version": model_version, "as_of_date": as_of}
    rows = [
        named
        | {field.name: getattr(each.effect, field.name) for field in fields(FeatureDrift)}
        | {name: getattr(each, name) for name in _VERDICT}
        for each in judged
    ]
    return pd.DataFrame(rows, columns=list(DRIFT_TYPES)).astype(dict(DRIFT_TYPES))


def history_of(rows: pd.DataFrame) -> list[tuple[FeatureDrift, ...]]:
    """The effects of each as-of day in ``rows``, oldest first, as :func:`judge_drift` takes them.

    Args:
        rows: Rows of one model version, as :func:`drift_rows` made them or as a warehouse gives them back.
    """
    return [
        tuple(_effect(row) for row in context.to_dict("records"))
        for _, context in rows.groupby("as_of_date", sort=True)
    ]


def _effect(row: Mapping[Any, Any]) -> FeatureDrift:
    """One effect; a missing number is ``nan`` again, whichever way a database wrote it."""
    values = {
        field.name: float("nan") if pd.isna(row[field.name]) else row[field.name]
        for field in fields(FeatureDrift)
    }
    typed: dict[str, Any] = (
        {name: int(values[name]) for name in _COUNTS}
        | {name: str(values[name]) for name in _WORDS}
        | {name: float(value) for name, value in values.items() if name not in (*_COUNTS, *_WORDS)}
    )
    return FeatureDrift(**typed)
