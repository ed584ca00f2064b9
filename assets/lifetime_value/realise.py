"""What became of published amounts: the table's own rows against what then happened."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from assets.features.matrix import AS_OF
from assets.keys import CALIBRATION_BINS, METRICS
from assets.lifecycle.cohort import with_profiling_consent
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.metric_lookup import has, overall
from assets.lifecycle.store.schemas import BIN_TYPES, METRIC_TYPES, typed
from assets.lifetime_value.dataset import CUSTOMER
from assets.lifetime_value.figures import HORIZON, Figure
from assets.lifetime_value.group_totals import group_totals, groups_out_of_tolerance
from assets.lifetime_value.problem import ValueProblem
from assets.lifetime_value.propose import ValueMorning, prepare
from assets.lifetime_value.tables import REALISED_TYPES
from assets.metrics.amounts import amount_accuracy, coverage
from assets.metrics.bootstrap import ClusterBootstrap, percentile_intervals

REALISED = "realised"
# Orders that arrive late still change an outcome; a day that matured earlier is left as it was judged.
JUDGED_AGAIN = timedelta(weeks=4)


def realised(morning: ValueMorning) -> pd.DataFrame:
    """Judge every published outlook whose window has ended, by morning and horizon.

    Only a model's own rows: a fallback promises nothing that could be held against it.

    Returns:
        The one row of ``ml.lifetime_value__realised``: how the newest matured morning's totals of the
        judged horizon came out; ``faults`` is missing when they came true, or when none has matured.
    """
    prepare(morning)
    problem = morning.problem
    matured = {days: morning.as_of - timedelta(days=days) for days in problem.horizons_days}
    for day in _days_to_judge(morning, matured):
        _judge(morning, day, horizons=[days for days, last in matured.items() if day <= last])
    row = _standing(morning, last=matured[problem.judged_days])
    return control_tables.replace_row(morning.warehouse, problem.realised, row, as_of=morning.as_of)


def _days_to_judge(morning: ValueMorning, matured: Mapping[int, date]) -> list[date]:
    """Scored mornings of which a horizon has ended that is not judged yet, or was judged just now."""
    scored = morning.warehouse.read(
        f"select distinct {AS_OF} as day, horizon_days as days from {morning.problem.scores.sql} "
        "where status = 'ok'"
    )
    judged = morning.warehouse.read(
        f"select distinct {AS_OF} as day, cast(slice_value as integer) as days from {METRICS.sql} "
        "where model_name = $name and split = $split and slice_name = $slice",
        {"name": morning.problem.name, "split": REALISED, "slice": HORIZON},
    )
    known = {(pd.Timestamp(row["day"]).date(), row["days"]) for row in judged.to_dict("records")}
    found = set()
    for row in scored.to_dict("records"):
        day, last = pd.Timestamp(row["day"]).date(), matured[int(row["days"])]
        if day <= last and ((day, row["days"]) not in known or day > last - JUDGED_AGAIN):
            found.add(day)
    return sorted(found)


def _published(problem: ValueProblem, morning: ValueMorning, day: date, *, days: int) -> pd.DataFrame:
    """One morning's outlooks for one horizon, with what was then spent and who belongs to which cohort."""
    return morning.warehouse.read(
        f"""
        select scores.{CUSTOMER}, model_version, predicted_value, predicted_value_lo, predicted_value_hi,
            outcome_amount, year(first_purchase_on) || '-Q' || quarter(first_purchase_on) as cohort
        from {with_profiling_consent(problem.scores.sql)} as scores
        inner join {problem.labels[days].sql} as labels using ({CUSTOMER}, {AS_OF})
        inner join {problem.histories.sql} as histories using ({CUSTOMER}, {AS_OF})
        where {AS_OF} = $day and horizon_days = $days and status = 'ok' and is_eligible
        order by {CUSTOMER}
        """,
        {"day": day, "days": days},
    )


def _judge(morning: ValueMorning, day: date, *, horizons: list[int]) -> None:
    problem, figures, version = morning.problem, [], ""
    for days in horizons:
        rows = _published(problem, morning, day, days=days)
        if rows.empty:
            continue
        version = str(rows["model_version"].iloc[0])
        figures += _figures(problem, rows, days=days)
        if days == problem.judged_days:
            _keep_groups(morning, rows, day=day, version=version)
    if figures:
        named = _named(problem, version, day)
        metrics = typed(pd.DataFrame(figures).assign(**named), METRIC_TYPES)
        control_tables.replace_metrics(morning.warehouse, METRICS, metrics)


def _named(problem: ValueProblem, version: str, day: date) -> dict[str, Any]:
    named: dict[str, Any] = {"model_name": problem.name, "model_version": version, "split": REALISED}
    return named | {AS_OF: pd.Timestamp(day)}


def _resamples(problem: ValueProblem, rows: pd.DataFrame) -> ClusterBootstrap:
    return ClusterBootstrap.by_customer(
        rows[CUSTOMER].to_numpy(),
        replicates=problem.criteria.replicates,
        rng=np.random.default_rng(problem.seed),
    )


def _figures(problem: ValueProblem, rows: pd.DataFrame, *, days: int) -> list[Figure]:
    spent, said, lo, hi = (
        rows[name].to_numpy(dtype=np.float64)
        for name in ("outcome_amount", "predicted_value", "predicted_value_lo", "predicted_value_hi")
    )
    resamples = _resamples(problem, rows)
    told = percentile_intervals(amount_accuracy(spent, said, resamples))
    told |= {"coverage": coverage(spent, lo, hi, resamples)}
    shared = {"slice_name": HORIZON, "slice_value": str(days), "n": len(rows)}
    return [
        {
            **shared,
            "metric": metric,
            "value": found.value,
            "ci_lo": found.lo,
            "ci_hi": found.hi,
            "n_positive": int((spent > 0).sum()),
        }
        for metric, found in told.items()
    ]


def _keep_groups(morning: ValueMorning, rows: pd.DataFrame, *, day: date, version: str) -> None:
    tested = control_tables.rows_of_version(morning.warehouse, METRICS, version)
    criteria = morning.problem.criteria
    groups = group_totals(
        rows["outcome_amount"].to_numpy(dtype=np.float64),
        rows["predicted_value"].to_numpy(dtype=np.float64),
        _resamples(morning.problem, rows),
        quarters=rows["cohort"].to_numpy(dtype=object),
        period_sd=overall(tested, "period_sd").value
        if has(tested, "period_sd")
        else criteria.usual_period_sd,
    )
    bins = typed(groups.assign(**_named(morning.problem, version, day)), BIN_TYPES)
    control_tables.replace_metrics(morning.warehouse, CALIBRATION_BINS, bins)


def _standing(morning: ValueMorning, *, last: date) -> pd.DataFrame:
    """How the totals of the newest matured morning came out."""
    known: dict[str, object] = {
        AS_OF: morning.as_of,
        "model_name": morning.problem.name,
        "n": 0,
        **dict.fromkeys(
            ("model_version", "scored_on", "predicted_total", "realised_total", "coverage", "faults")
        ),
    }
    groups = _newest_groups(morning, last=last)
    if groups.empty:
        return typed([known], REALISED_TYPES)
    whole = groups.loc[groups["slice_name"] == "all"]
    day, version = groups[AS_OF].iloc[0], str(groups["model_version"].iloc[0])
    known |= {
        "model_version": version,
        "scored_on": day,
        "n": int(whole["n"].sum()),
        "predicted_total": float((whole["n"] * whole["mean_predicted"]).sum()),
        "realised_total": float((whole["n"] * whole["actual_rate"]).sum()),
        "coverage": _coverage(morning, version, day),
        "faults": "; ".join(groups_out_of_tolerance(groups, criteria=morning.problem.criteria)) or None,
    }
    return typed([known], REALISED_TYPES)


def _newest_groups(morning: ValueMorning, *, last: date) -> pd.DataFrame:
    """The groups of the newest scored morning up to ``last`` that was judged."""
    return morning.warehouse.read(
        f"""
        select * from {CALIBRATION_BINS.sql}
        where model_name = $name and split = $split and {AS_OF} <= $last
        qualify {AS_OF} = max({AS_OF}) over ()
        """,
        {"name": morning.problem.name, "split": REALISED, "last": last},
    )


def _coverage(morning: ValueMorning, version: str, day: date) -> float | None:
    rows = morning.warehouse.read(
        f"select value from {METRICS.sql} where model_version = $version and split = $split "
        f"and {AS_OF} = $day and metric = 'coverage' and slice_value = $days",
        {
            "version": version,
            "split": REALISED,
            "day": day,
            "days": str(morning.problem.judged_days),
        },
    )
    return None if rows.empty else float(rows["value"].iloc[0])
