"""Drift of a cohort against the champion's training window."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from assets.features.matrix import AS_OF
from assets.keys import DRIFT
from assets.lifecycle.promotion import REFERENCE_FILE
from assets.lifecycle.run_context import RunContext
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.schemas import DRIFT_TYPES, DRIFTED_TYPES, typed
from assets.metrics.drift.effects import FeatureDrift, effects_of
from assets.metrics.drift.reference import DriftReference
from assets.metrics.drift.sample import ALL, DriftSample
from assets.monitoring.drift.alarm import DriftVerdict, judge_drift
from assets.monitoring.drift.page import html_report

DRIFTED = "drifted"
_VERDICT = ("verdict", "p_value", "is_violated", "windows_violated", "windows_judged")
_COUNTS = ("n", "n_reference", "bins")
_TEXTS = ("slice_name", "slice_value", "feature", "kind")


def drift(run: RunContext[Any, Any], *, page: Path) -> pd.DataFrame:
    """Compare the cohort of the run's as-of date with the training window of the version that served.

    Args:
        run: The run; the version is the one that served until now.
        page: Where the page for a browser goes; written only when there is something to compare.

    Returns:
        The one row of ``ml.<capability>__drift`` of the date; ``compared`` is 0 while no champion serves
        whose files are there,
        and ``drifted`` names the features that have drifted in the whole cohort, missing when none has.
    """
    run.prepare()
    serving = run.champion(as_of=run.as_of - timedelta(days=1))
    rows, n = pd.DataFrame(), 0
    if serving is not None and not run.lost_file(serving):
        model = run.load_model(serving.model_version, sha256=serving.model_sha256)
        sample = run.capability.drift_sample(model, run.warehouse, as_of=run.as_of)
        n = 0 if sample is None else len(sample.features)
        # A fallback has no training window.
        file = run.folder(serving.model_version) / REFERENCE_FILE
        if sample is not None and n and file.is_file():
            reference = DriftReference.from_json(file.read_text(encoding="utf-8"))
            rows = _drift_rows(run, serving, sample=sample, reference=reference)
            _draw_page(run, serving, sample=sample, page=page)
    with run.warehouse.connect() as connection:
        connection.execute(
            f"delete from {DRIFT.sql} where model_name = $name and {AS_OF} = $as_of",
            {"name": run.spec.name, "as_of": run.as_of},
        )
    if len(rows):
        run.warehouse.append(DRIFT, rows)
    row = typed([_summary_row(run, serving, rows=rows, n=n)], DRIFTED_TYPES)
    run.warehouse.replace_partition(run.spec.drifted, row, column=AS_OF, value=run.as_of)
    return row


def page_of(reports: Path, name: str, *, as_of: date) -> Path:
    """Where the page of one capability and as-of date lies.

    Args:
        reports: Folder of the pages for a browser.
        name: The capability.
        as_of: The date.
    """
    return reports / "drift" / f"{name}_{as_of}.html"


def _summary_row(
    run: RunContext[Any, Any], serving: ChampionVersion | None, *, rows: pd.DataFrame, n: int
) -> dict[str, object]:
    whole = rows.loc[rows["slice_name"] == ALL] if len(rows) else rows
    drifted: list[str] = whole.loc[whole["verdict"] == DRIFTED, "feature"].tolist() if len(whole) else []
    return {
        "as_of_date": run.as_of,
        "model_name": run.spec.name,
        "model_version": serving.model_version if serving else None,
        "n": n,
        "compared": len(whole),
        "drifted": ", ".join(drifted) or None,
    }


def _drift_rows(
    run: RunContext[Any, Any],
    serving: ChampionVersion,
    *,
    sample: DriftSample,
    reference: DriftReference,
) -> pd.DataFrame:
    earlier = run.warehouse.read(
        f"select * from {DRIFT.sql} where model_name = $name and model_version = $version "
        f"and {AS_OF} < $as_of order by {AS_OF}",
        {"name": run.spec.name, "version": serving.model_version, "as_of": run.as_of},
    )
    return drift_rows(
        judge_drift([*history_of(earlier), effects_of(sample, reference)]),
        model_name=run.spec.name,
        model_version=serving.model_version,
        as_of=run.as_of,
    )


def _draw_page(
    run: RunContext[Any, Any], serving: ChampionVersion, *, sample: DriftSample, page: Path
) -> None:
    window = run.capability.drift_window(run.warehouse, as_of=serving.as_of_date)
    page.parent.mkdir(parents=True, exist_ok=True)
    html_report(window, sample.features, file=page, seed=run.spec.seed)


def drift_rows(
    judged: Sequence[DriftVerdict], *, model_name: str, model_version: str, as_of: date
) -> pd.DataFrame:
    """The rows of one as-of date, typed as :data:`DRIFT_TYPES` says.

    Args:
        judged: One verdict per feature and slice.
        model_name: The capability.
        model_version: The version that is compared.
        as_of: The date.
    """
    named = {"model_name": model_name, "model_version": model_version, "as_of_date": as_of}
    rows = [
        named
        | {field.name: getattr(each.effect, field.name) for field in fields(FeatureDrift)}
        | {name: getattr(each, name) for name in _VERDICT}
        for each in judged
    ]
    return pd.DataFrame(rows, columns=list(DRIFT_TYPES)).astype(dict(DRIFT_TYPES))


def history_of(rows: pd.DataFrame) -> list[tuple[FeatureDrift, ...]]:
    """The effects of each as-of date in ``rows``, oldest first, as :func:`judge_drift` takes them.

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
        | {name: str(values[name]) for name in _TEXTS}
        | {name: float(value) for name, value in values.items() if name not in (*_COUNTS, *_TEXTS)}
    )
    return FeatureDrift(**typed)
