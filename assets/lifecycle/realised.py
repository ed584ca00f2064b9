"""What became of the published probabilities: the table's own rows against what then happened."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pandas as pd

from assets.features.matrix import AS_OF, OUTCOME
from assets.keys import CALIBRATION_BINS, METRICS
from assets.lifecycle.gate import degenerate, miscalibrated
from assets.lifecycle.run_context import Morning
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.metric_lookup import overall
from assets.lifecycle.store.schemas import REALISED_TYPES, typed
from assets.supervised.data.dataset import published_rows
from assets.supervised.evaluation.evaluation import (
    FEWEST_POSITIVES,
    Evaluation,
    EvaluationSample,
    MetricKey,
    evaluate,
)
from assets.supervised.evaluation.slices import slice_values

REALISED = "realised"
WINDOW = "realised_window"
# A quarter: enough mornings for one odd month not to decide, and few enough to speak of today's model.
LOOKED_BACK = timedelta(weeks=13)
# Orders that arrive late still change an outcome; a day that matured earlier is left as it was judged.
JUDGED_AGAIN = timedelta(weeks=4)


def realised(morning: Morning) -> pd.DataFrame:
    """Judge every published row whose window has ended, day by day and for the version that serves.

    The rows are read back from the published scores, so that whatever happened to a probability after
    the model said it is judged too.

    Returns:
        The one row of ``ml.<problem>__realised`` for the morning; ``faults`` is missing when the serving
        version's published probabilities came true, or when too few of them have matured.
    """
    control_tables.prepare(morning.warehouse, morning.problem)
    for day in _days_to_judge(morning):
        rows = published_rows(morning.problem, morning.warehouse, first=day, last=day)
        for version, mine in rows.groupby("model_version"):
            _keep(morning, _judged(morning, mine, version=str(version), split=REALISED, as_of=day))
    control_tables.fill_levels(morning.warehouse, morning.problem, today=morning.as_of)
    # Whoever served until now: a version made this very morning has published nothing yet.
    before = morning.as_of - timedelta(days=1)
    serves = control_tables.champion_as_of(morning.problem, morning.warehouse, as_of=before)
    row = _standing(morning, serves)
    return control_tables.replace_row(morning.warehouse, morning.problem.realised, row, as_of=morning.as_of)


def withhold_reason(morning: Morning, serves: ChampionVersion) -> str | None:
    """Why the version that serves must not score this morning: what its published rows came to, in words."""
    rows = morning.warehouse.read(
        f"select faults from {morning.problem.realised.sql} "
        f"where {AS_OF} = $as_of and model_version = $version and faults is not null",
        {"as_of": morning.as_of, "version": serves.model_version},
    )
    return None if rows.empty else str(rows["faults"].iloc[0])


def _matured(morning: Morning) -> date:
    return morning.as_of - timedelta(days=morning.problem.horizon_days)


def _days_to_judge(morning: Morning) -> list[date]:
    rows = morning.warehouse.read(
        f"""
        select distinct {AS_OF} from {morning.problem.scores.sql}
        where {AS_OF} <= $matured and (
            {AS_OF} > $again
            or {AS_OF} not in (
                select {AS_OF} from {METRICS.sql} where split = $split and model_name = $name
            )
        )
        order by 1
        """,
        {
            "matured": _matured(morning),
            "again": _matured(morning) - JUDGED_AGAIN,
            "split": REALISED,
            "name": morning.problem.name,
        },
    )
    return [pd.Timestamp(day).date() for day in rows[AS_OF]]


def _judged(morning: Morning, rows: pd.DataFrame, *, version: str, split: str, as_of: date) -> Evaluation:
    problem = morning.problem
    judged = EvaluationSample(
        outcome=rows[OUTCOME].to_numpy(dtype=np.float64),
        candidate=rows["probability"].to_numpy(dtype=np.float64),
        rivals={},
        customers=rows[problem.entity_id].astype(str).to_numpy(dtype=object),
        as_of=pd.to_datetime(rows[AS_OF]).to_numpy().astype("datetime64[D]"),
        slices=slice_values(rows, problem.slices),
    )
    subject = MetricKey(model_name=problem.name, model_version=version, split=split, as_of_date=as_of)
    rng = np.random.default_rng(problem.seed)
    return evaluate(judged, subject, replicates=problem.criteria.replicates, rng=rng)


def _keep(morning: Morning, found: Evaluation) -> None:
    for key, rows in ((METRICS, found.metrics), (CALIBRATION_BINS, found.bins)):
        control_tables.replace_metrics(morning.warehouse, key, rows)


def _standing(morning: Morning, serves: ChampionVersion | None) -> pd.DataFrame:
    """How the serving version's newest quarter of published rows came out."""
    known = {
        "as_of_date": morning.as_of,
        "model_name": morning.problem.name,
        "model_version": serves.model_version if serves else None,
        "n_days": 0,
        "n": 0,
        "n_positive": 0,
        **dict.fromkeys(("auc", "mean_predicted", "actual_rate", "calibration_shift", "calibration_slope")),
        "faults": None,
    }
    rows = _window(morning, serves) if serves and not serves.is_fallback else pd.DataFrame()
    if serves is None or rows.empty:
        return typed([known], REALISED_TYPES)
    outcome = rows[OUTCOME]
    known |= {"n_days": rows[AS_OF].nunique(), "n": len(rows), "n_positive": int(outcome.sum())}
    if min(outcome.sum(), len(rows) - outcome.sum()) < FEWEST_POSITIVES:
        return typed([known], REALISED_TYPES)
    found = _judged(morning, rows, version=serves.model_version, split=WINDOW, as_of=morning.as_of)
    _keep(morning, found)
    figures = ("auc", "mean_predicted", "actual_rate", "calibration_shift", "calibration_slope")
    known |= {name: overall(found.metrics, name).value for name in figures}
    return typed([known | {"faults": "; ".join(_faults(morning, found)) or None}], REALISED_TYPES)


def _window(morning: Morning, serves: ChampionVersion) -> pd.DataFrame:
    last = _matured(morning)
    rows = published_rows(morning.problem, morning.warehouse, first=last - LOOKED_BACK, last=last)
    return rows.loc[rows["model_version"] == serves.model_version].reset_index(drop=True)


def _faults(morning: Morning, found: Evaluation) -> Iterator[str]:
    yield from degenerate(found.metrics, criteria=morning.problem.criteria)
    yield from miscalibrated(found.metrics, criteria=morning.problem.criteria)
