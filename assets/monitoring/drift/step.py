"""Drift step: compare the cohort of an as-of date with the champion's training window."""

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
_TEXTS = ("slice_name", "slice_value", "feature", "kind")


def drift(context: Morning, *, page: Path) -> pd.DataFrame:
    """Compare the eligible cohort with the champion's drift reference, and store the verdicts.

    Args:
        context: Run context; the champion is that of the day before the as-of date.
        page: Path of the HTML page; written only when there is a reference to compare with.

    Returns:
        The row of ``ml.<problem>__drift`` for the as-of date; ``compared`` is 0 without a champion or with
        the fallback, and ``drifted`` names the features that have drifted over all rows, missing without any.
    """
    problem = context.problem
    control_tables.prepare(context.warehouse, problem)
    champion = control_tables.champion_as_of(
        problem, context.warehouse, as_of=context.as_of - timedelta(days=1)
    )
    reference = reference_kept(context.folder(champion.model_version)) if champion else None
    today = load_eligible_matrix(problem, context.warehouse, as_of=context.as_of)
    if champion is None or reference is None or len(today) == 0:
        rows = pd.DataFrame()
    else:
        rows = _drift_rows(context, champion, today=today, reference=reference)
        _draw_page(context, champion, today=today, page=page)
    _replace_rows(context, rows)
    row = typed([_summary_row(context, champion, rows=rows, n=len(today))], DRIFTED_TYPES)
    return control_tables.replace_row(context.warehouse, problem.drifted, row, as_of=context.as_of)


def _summary_row(
    context: Morning, champion: ChampionVersion | None, *, rows: pd.DataFrame, n: int
) -> dict[str, object]:
    whole = rows.loc[rows["slice_name"] == ALL] if len(rows) else rows
    drifted: list[str] = whole.loc[whole["verdict"] == DRIFTED, "feature"].tolist() if len(whole) else []
    return {
        "as_of_date": context.as_of,
        "model_name": context.problem.name,
        "model_version": champion.model_version if champion else None,
        "n": n,
        "compared": len(whole),
        "drifted": ", ".join(drifted) or None,
    }


def page_of(reports: Path, problem: PredictionProblem, *, as_of: date) -> Path:
    """Path of the drift page of one as-of date.

    Args:
        reports: Folder of reports.
        problem: The supervised problem.
        as_of: The as-of date.
    """
    return reports / "drift" / f"{problem.name}_{as_of}.html"


def _drift_rows(
    context: Morning, champion: ChampionVersion, *, today: Matrix, reference: DriftReference
) -> pd.DataFrame:
    fitted = load_version(context.folder(champion.model_version), sha256=champion.model_sha256)
    found = effects_of(observed(context.problem, today, score=fitted.probability(today.features)), reference)
    history = history_of(_earlier(context, champion))[-(JUDGED_WINDOWS - 1) :]
    return drift_rows(
        judge_drift([*history, found]),
        model_name=context.problem.name,
        model_version=champion.model_version,
        as_of=context.as_of,
    )


def _earlier(context: Morning, champion: ChampionVersion) -> pd.DataFrame:
    return context.warehouse.read(
        f"select * from {DRIFT.sql} where model_name = $name and model_version = $version "
        f"and {AS_OF} < $as_of order by {AS_OF}",
        {"name": context.problem.name, "version": champion.model_version, "as_of": context.as_of},
    )


def _replace_rows(context: Morning, rows: pd.DataFrame) -> None:
    with context.warehouse.connect() as connection:
        connection.execute(
            f"delete from {DRIFT.sql} where model_name = $name and {AS_OF} = $as_of",
            {"name": context.problem.name, "as_of": context.as_of},
        )
    if len(rows):
        context.warehouse.append(DRIFT, rows)


def _draw_page(context: Morning, champion: ChampionVersion, *, today: Matrix, page: Path) -> None:
    known = load_training_data(context.problem, context.warehouse, as_of=champion.as_of_date).everyone
    window = known.of(known.as_of > np.datetime64(champion.as_of_date - WINDOW, "D"))
    page.parent.mkdir(parents=True, exist_ok=True)
    html_report(window.features, today.features, file=page, seed=context.problem.seed)


def drift_rows(
    verdicts: Sequence[DriftVerdict], *, model_name: str, model_version: str, as_of: date
) -> pd.DataFrame:
    """Rows of one as-of date, with the types of :data:`DRIFT_TYPES`.

    Args:
        verdicts: Verdicts of the date.
        model_name: Name of the problem.
        model_version: Version of the champion.
        as_of: The as-of date.
    """
    keys = {"model_name": model_name, "model_version": model_version, "as_of_date": as_of}
    rows = [
        keys
        | {field.name: getattr(each.effect, field.name) for field in fields(FeatureDrift)}
        | {name: getattr(each, name) for name in _VERDICT}
        for each in verdicts
    ]
    return pd.DataFrame(rows, columns=list(DRIFT_TYPES)).astype(dict(DRIFT_TYPES))


def history_of(rows: pd.DataFrame) -> list[tuple[FeatureDrift, ...]]:
    """Effects of each as-of date in ``rows``, oldest first: the input of :func:`judge_drift`.

    Args:
        rows: Rows of one model version, from :func:`drift_rows` or from the warehouse.
    """
    return [
        tuple(_effect(row) for row in of_date.to_dict("records"))
        for _, of_date in rows.groupby("as_of_date", sort=True)
    ]


def _effect(row: Mapping[Any, Any]) -> FeatureDrift:
    """One effect; a missing number is ``nan``, for every way in which a database represents it."""
    values = {
        field.name: float("nan") if pd.isna(row[field.name]) else row[field.name]
        for field in fields(FeatureDrift)
    }
    typed: dict[str, Any] = (
        {name: int(values[name]) for name in _COUNTS}
        | {name: str(values[name]) for name in _TEXTS}
        | {name: float(value) for name, value in values.items() if name not in (*_COUNTS, *_TEXTS)}
    )
    return FeatureDrift(**typed)
