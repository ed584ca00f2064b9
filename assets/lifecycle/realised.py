"""Realised performance: published scores compared with matured outcomes."""

import json
from datetime import date, timedelta

import pandas as pd

from assets.features.matrix import AS_OF
from assets.keys import CALIBRATION_BINS, METRICS
from assets.lifecycle.capability import Data, MetricKey, Model, Performance
from assets.lifecycle.run_context import RunContext
from assets.lifecycle.spec import Outcome
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.schemas import REALISED_TYPES, typed

REALISED = "realised"
WINDOW = "realised_window"
# Orders that arrive late still change an outcome; a date that matured earlier is left as it was evaluated.
EVALUATED_AGAIN = timedelta(weeks=4)


def monitor(run: RunContext[Data, Model]) -> pd.DataFrame:
    """Evaluate every published date whose outcome window has ended, and the version that serves.

    The rows are read back from the published scores, so that every change of a score after the model
    computed it is evaluated too.

    Returns:
        The one row of ``ml.<capability>__realised`` of the date; ``defects`` is missing when the published
        scores agree with their outcomes, or when too few have matured.
    """
    run.prepare()
    for day in sorted({day for outcome in run.spec.outcomes for day in _due(run, outcome)}):
        for version, rows in _published(run, first=day, last=day).groupby("model_version"):
            _write(run, run.capability.realised(rows, key=_key(run, str(version), REALISED, day)))
    run.capability.record_outcomes(run.warehouse, as_of=run.as_of)
    row = typed([_serving_version_row(run)], REALISED_TYPES)
    run.warehouse.replace_partition(run.spec.realised, row, column=AS_OF, value=run.as_of)
    return row


def withhold_reason(run: RunContext[Data, Model], version: str) -> str | None:
    """Defects of the published scores of ``version``, for which it must not score on the run's date."""
    if not run.spec.outcomes:
        return None
    rows = run.warehouse.read(
        f"select defects from {run.spec.realised.sql} "
        f"where {AS_OF} = $as_of and model_version = $version and defects is not null",
        {"as_of": run.as_of, "version": version},
    )
    return None if rows.empty else str(rows["defects"].iloc[0])


def _due(run: RunContext[Data, Model], outcome: Outcome) -> list[date]:
    """Scored dates to evaluate: their outcome has matured and is not evaluated yet, or only just matured."""
    matured = run.as_of - timedelta(days=outcome.matures_days)
    rows = run.warehouse.read(
        f"""
        select distinct {AS_OF} from {run.spec.scores.sql}
        where {AS_OF} <= $matured and status = 'ok' and (
            {AS_OF} > $again
            or {AS_OF} not in (
                select {AS_OF} from {METRICS.sql}
                where split = $split and model_name = $name and slice_name = $slice_name
                    and slice_value = $slice_value and {AS_OF} is not null
            )
        )
        """,
        {
            "matured": matured,
            "again": matured - EVALUATED_AGAIN,
            "split": REALISED,
            "name": run.spec.name,
            "slice_name": outcome.slice_name,
            "slice_value": outcome.slice_value,
        },
    )
    return [pd.Timestamp(day).date() for day in rows[AS_OF]]


def _serving_version_row(run: RunContext[Data, Model]) -> dict[str, object]:
    """Compare the newest published scores of the version that served until now with outcomes."""
    # A version promoted on this very date has published nothing yet.
    serving = run.champion(as_of=run.as_of - timedelta(days=1))
    known: dict[str, object] = {
        AS_OF: run.as_of,
        "model_name": run.spec.name,
        "model_version": serving.model_version if serving else None,
        "n_days": 0,
        "n": 0,
        **dict.fromkeys(("figures", "too_few", "defects")),
    }
    rows = _serving_rows(run, serving)
    if rows.empty:
        return known
    version = str(rows["model_version"].iloc[0])
    split, newest = (WINDOW, run.as_of) if run.spec.realised_window else (REALISED, rows[AS_OF].iloc[-1])
    found = run.capability.realised(rows, key=_key(run, version, split, newest))
    n = len(rows) if found.n is None else found.n
    known |= {"model_version": version, "n_days": rows[AS_OF].nunique(), "n": n}
    if found.too_few:
        return known | {"too_few": found.too_few}
    if split == WINDOW:
        _write(run, found)
    figures = json.dumps(dict(found.figures), sort_keys=True)
    return known | {"figures": figures, "defects": "; ".join(found.defects) or None}


def _serving_rows(run: RunContext[Data, Model], serving: ChampionVersion | None) -> pd.DataFrame:
    """Matured published rows that ``serving`` is evaluated on.

    A capability that is fitted in every run may change its version each week: there the newest rows count,
    of whichever version.
    """
    rows = _window(run)
    if rows.empty or run.spec.retrain == "every_run":
        return rows
    version = serving.model_version if serving and not serving.is_fallback else None
    return rows.loc[rows["model_version"] == version].reset_index(drop=True)


def _window(run: RunContext[Data, Model]) -> pd.DataFrame:
    """Published rows of the window that the serving version is evaluated on: first outcome matured."""
    last = run.as_of - timedelta(days=run.spec.outcomes[0].matures_days)
    if run.spec.realised_window is not None:
        return _published(run, first=last - run.spec.realised_window, last=last)
    newest = run.warehouse.read(
        f"select max({AS_OF}) as day from {run.spec.scores.sql} where {AS_OF} <= $last and status = 'ok'",
        {"last": last},
    )["day"].iloc[0]
    if pd.isna(newest):
        return pd.DataFrame()
    day = pd.Timestamp(newest).date()
    return _published(run, first=day, last=day)


def _published(run: RunContext[Data, Model], *, first: date, last: date) -> pd.DataFrame:
    rows = run.capability.published(run.warehouse, first=first, last=last, as_of=run.as_of)
    return rows if len(rows) else pd.DataFrame(columns=["model_version", AS_OF])


def _key(run: RunContext[Data, Model], version: str, split: str, day: date) -> MetricKey:
    return MetricKey(model_name=run.spec.name, model_version=version, split=split, as_of_date=day)


def _write(run: RunContext[Data, Model], found: Performance) -> None:
    control_tables.replace_metrics(run.warehouse, METRICS, found.metrics)
    control_tables.replace_metrics(run.warehouse, CALIBRATION_BINS, found.bins)
