"""Replay report: predictions, matured outcomes and decisions by as-of date, as table, plot and page."""

import base64
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from assets.features.matrix import AS_OF
from assets.lifecycle.realised import REALISED
from assets.lifecycle.report.model_card import markdown_table
from assets.lifecycle.report.plots import draw_totals, png
from assets.ports import Warehouse
from assets.supervised.problem import PredictionProblem

UNKNOWN = "-"
TEMPLATE = Path(__file__).with_name("report.html.j2")
SIZE_INCHES = (11, 6.4)
CHANCE = 0.5
BAND_DAYS = 3.0
HEADINGS = {
    AS_OF: "as-of date",
    "n_scored": "customers",
    "expected_positives": "Σ probability",
    "interval": "95 % interval",
    "observed_positives": "observed",
    "miss": "miss",
    "auc": "AUC",
    "slope": "slope",
    "status": "status",
    "quality_grade": "grade",
    "drifted": "drifted",
    "decisions": "decisions",
}

SQL = """
with days as (select unnest($days) as as_of_date),
totals as (select * from ml.prediction_totals where model_name = $name),
scored as (
    -- A row whose slice is withheld has a status and a grade of its own.
    select
        as_of_date,
        min_by(status, not is_eligible) as status,
        min_by(quality_grade, not is_eligible) as quality_grade
    from {scores} group by 1
),
measured as (
    select
        as_of_date,
        any_value(value) filter (where metric = 'auc') as auc,
        any_value(value) filter (where metric = 'calibration_slope') as slope
    from ml.metrics
    where model_name = $name and split = $split and slice_name = 'all' group by 1
),
drifted as (
    select as_of_date, string_agg(feature, ', ' order by psi desc, feature) as drifted
    from ml.drift
    where model_name = $name and slice_name = 'all' and verdict = 'drifted' group by 1
),
decided as (
    select
        as_of_date,
        string_agg(decision || ' (' || trigger || ')', '; ' order by decided_at) as decisions
    from ml.retrain_log where model_name = $name group by 1
)
select
    days.as_of_date, n_scored, expected_positives, expected_positives_lo, expected_positives_hi,
    observed_positives, auc, slope,
    coalesce(scored.status, 'withheld') as status, quality_grade, drifted, decisions
from days
left join totals using (as_of_date)
left join scored using (as_of_date)
left join measured using (as_of_date)
left join drifted using (as_of_date)
left join decided using (as_of_date)
order by 1
"""


def replayed(problem: PredictionProblem, warehouse: Warehouse, days: Sequence[date]) -> pd.DataFrame:
    """One row per as-of date, oldest first, from the tables.

    Args:
        problem: The supervised problem.
        warehouse: Holds its tables.
        days: The as-of dates.

    Returns:
        as_of_date, n_scored, expected_positives, expected_positives_lo, expected_positives_hi,
        observed_positives, auc and slope (of the published rows, missing until their window has ended),
        status (``withheld`` where nothing was scored), quality_grade, drifted (names of features) and
        decisions.
    """
    return warehouse.read(
        SQL.format(scores=problem.scores.sql),
        {"days": list(days), "name": problem.name, "split": REALISED},
    )


def formatted(rows: pd.DataFrame) -> list[dict[str, str]]:
    """Cells of the table, by the names of ``HEADINGS``; a dash where a value is not known.

    Args:
        rows: Of :func:`replayed`.
    """
    return [dict(_cells(row)) for row in rows.to_dict("records")]


def _cells(row: "dict[object, object]") -> Iterator[tuple[str, str]]:
    total, observed = _number(row["expected_positives"]), _number(row["observed_positives"])
    yield AS_OF, f"{pd.Timestamp(str(row[AS_OF])):%Y-%m-%d}"
    yield "n_scored", _format(_number(row["n_scored"]), ",.0f")
    yield "expected_positives", _format(total, ",.0f")
    lo, hi = (
        _format(_number(row[name]), ",.0f") for name in ("expected_positives_lo", "expected_positives_hi")
    )
    yield "interval", f"{lo} to {hi}" if np.isfinite(total) else UNKNOWN
    yield "observed_positives", _format(observed, ",.0f")
    yield "miss", _format(total / observed - 1 if observed else np.nan, "+.0%")
    yield "auc", _format(_number(row["auc"]), ".3f")
    yield "slope", _format(_number(row["slope"]), ".2f")
    for name in ("status", "quality_grade", "drifted", "decisions"):
        yield name, UNKNOWN if pd.isna(row[name]) else str(row[name])  # type: ignore[call-overload]


def date_line(rows: pd.DataFrame) -> str:
    """One as-of date as replayed, in one line; its outcomes are not known yet.

    Args:
        rows: Of :func:`replayed`, one row.
    """
    (row,) = formatted(rows)
    predicted = (
        f"{row['expected_positives']} of {row['n_scored']} customers ({row['interval']})"
        if row["expected_positives"] != UNKNOWN
        else "no customer is scored"
    )
    return (
        f"{row[AS_OF]}: {predicted}, {row['status']}; decided: {row['decisions']}; drifted: {row['drifted']}"
    )


def closing(rows: pd.DataFrame) -> str:
    """Summary of the whole replay in one sentence.

    Args:
        rows: Of :func:`replayed`.
    """
    matured = rows.dropna(subset=["observed_positives", "expected_positives"])
    if matured.empty:
        return "No scored as-of date has matured yet."
    misses = (matured["expected_positives"] / matured["observed_positives"].replace(0, np.nan) - 1).abs()
    inside = matured["observed_positives"].between(
        matured["expected_positives_lo"], matured["expected_positives_hi"]
    )
    retrained = rows["decisions"].fillna("").str.count("promote").sum()
    return (
        f"{len(rows)} as-of dates, {len(matured)} matured: mean AUC {matured['auc'].mean():.3f}, "
        f"miss median {misses.median():.1%}, worst {misses.max():.0%}; {int(inside.sum())} of "
        f"{len(matured)} totals in their 95 % interval; promotions: {int(retrained)}, "
        f"dates withheld: {int((rows['status'] == 'withheld').sum())}, "
        f"with drift: {int(rows['drifted'].notna().sum())}."
    )


def markdown(rows: pd.DataFrame) -> str:
    """The table in Markdown.

    Args:
        rows: Of :func:`replayed`.
    """
    return markdown_table(
        list(HEADINGS.values()), [[row[name] for name in HEADINGS] for row in formatted(rows)]
    )


def page(problem: PredictionProblem, rows: pd.DataFrame) -> str:
    """HTML page of the replay, with plot and table, that needs no network.

    Args:
        problem: The supervised problem.
        rows: Of :func:`replayed`.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        problem=problem,
        closing=closing(rows),
        headings=list(HEADINGS.values()),
        rows=[[row[name] for name in HEADINGS] for row in formatted(rows)],
        plot=base64.b64encode(replay_plot(rows)).decode(),
    )


def _number(value: object) -> float:
    return float("nan") if pd.isna(value) else float(str(value))  # type: ignore[call-overload]


def _format(value: float, form: str) -> str:
    return format(value, form) if np.isfinite(value) else UNKNOWN


def replay_plot(rows: pd.DataFrame) -> bytes:
    """Plot of totals above and AUC below, over the same as-of dates.

    Args:
        rows: Of :func:`replayed`, oldest first; a date without scores leaves a gap.

    Returns:
        A PNG. Dotted lines are promotions, grey bands dates whose scores were withheld, triangles drift.
    """
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    totals, ranks = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    draw_totals(totals, rows)
    totals.set_ylabel("customers with the outcome")
    totals.yaxis.set_major_formatter("{x:,.0f}")
    _ranks(ranks, rows)
    for axes in (totals, ranks):
        _decisions(axes, rows)
        axes.grid(axis="y", color="0.92")
        axes.spines[["top", "right"]].set_visible(False)
    totals.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, frameon=False)
    return png(figure)


def _ranks(axes: Axes, rows: pd.DataFrame) -> None:
    axes.plot(pd.to_datetime(rows[AS_OF]), rows["auc"].to_numpy(float), "o-", color="tab:blue")
    axes.axhline(CHANCE, color="0.6", linewidth=1)
    axes.set_ylabel("AUC (0.5 is chance)")
    axes.set_ylim(min(CHANCE, rows["auc"].min()) - 0.02 if rows["auc"].notna().any() else 0.48, 1)
    axes.tick_params(axis="x", rotation=30)


def _decisions(axes: Axes, rows: pd.DataFrame) -> None:
    days = pd.Series(date2num(pd.to_datetime(rows[AS_OF])))
    promoted = rows["decisions"].fillna("").str.contains("promote").to_numpy(bool)
    for place, day in enumerate(days[promoted]):
        axes.axvline(float(day), color="0.4", linestyle=":", label="promotion" if place == 0 else None)
    for place, day in enumerate(days[(rows["status"] == "withheld").to_numpy(bool)]):
        span = float(day) - BAND_DAYS, float(day) + BAND_DAYS
        axes.axvspan(*span, color="0.85", label="withheld" if place == 0 else None)
    drifted = days[rows["drifted"].notna().to_numpy(bool)]
    if len(drifted):
        foot = np.full(len(drifted), axes.get_ylim()[0])
        axes.plot(drifted, foot, "^", color="tab:orange", clip_on=False, label="drift")
