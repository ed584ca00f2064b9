"""What every room's weekly assets share, and the four assets of every supervised problem."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from math import isnan
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
import pandas as pd

from assets.keys import CALIBRATION_BINS, LEVELS, METRICS, RETRAIN_LOG, Key
from assets.lifecycle.promotion import CARD_FILE, champion
from assets.lifecycle.report.plots import as_markdown, level_plot, reliability_plot
from assets.lifecycle.retrain_triggers import TRIGGER_TAG, WINDOWS_TAG
from assets.lifecycle.run_context import SCHEDULED, Morning, Named, Occasion
from assets.lifecycle.scoring import scores
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.training import candidate, evaluation
from assets.ports import ModelStore, Warehouse
from assets.supervised.data.dataset import DAILY_ORDERS
from assets.supervised.problem import PredictionProblem

SHOWN_DECISIONS = 10
SHOWN_DECIMALS = 4
METRICS_SHOWN = ["metric", "value", "ci_lo", "ci_hi", "n", "n_positive"]

HELD_BACK = (
    "A model of the morning's older days, held back from the newest ones so that it can be judged on them; "
    "or the words in which it was refused."
)
JUDGED = (
    "The candidate on the newest matured days beside the naive rival and the champion, overall and per "
    "slice, with intervals by customer; and whether it may be promoted."
)
SERVES = (
    "The version that scores from this morning on: the candidate if it was promoted, refitted on everything "
    "known; else the champion before it; else the naive rival as fallback."
)

# What a step tells the UI, by name; what is ``None`` is left out.
Told = Mapping[str, Any]
Lived = TypeVar("Lived", bound=Occasion[Any])


def weekly_asset(  # noqa: PLR0913 - what an asset is made of
    problem: Named,
    partitions: dg.PartitionsDefinition[str],
    *,
    key: Key,
    deps: Iterable[Key],
    description: str,
    occasion: Callable[..., Lived],
    step: Callable[[Lived], Told],
) -> dg.AssetsDefinition:
    """One step of a question, per as-of morning: ``step`` makes table ``key`` and tells what it made.

    ``occasion`` is the class of the morning that the step is given.
    """

    @dg.asset(
        key=dg.AssetKey(key),
        deps=[dg.AssetKey(each) for each in deps],
        partitions_def=partitions,
        group_name=problem.name,
        description=description,
        pool="warehouse",
    )
    def _made(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        models: dg.ResourceParam[ModelStore],
    ) -> dg.MaterializeResult[None]:
        with warehouse.kept_open():
            told = step(occasion(problem=problem, warehouse=warehouse, models=models, **_stands_on(context)))
        return dg.MaterializeResult(metadata={name: each for name, each in told.items() if each is not None})

    return _made


def _stands_on(context: dg.AssetExecutionContext) -> dict[str, Any]:
    """The morning that a run stands on, and why it trains."""
    windows = context.run.tags.get(WINDOWS_TAG)
    return {
        "as_of": date.fromisoformat(context.partition_key),
        "run_id": context.run.run_id,
        "now": datetime.now(tz=UTC).replace(tzinfo=None),
        "trigger": context.run.tags.get(TRIGGER_TAG, SCHEDULED),
        "windows_violated": int(windows) if windows else None,
    }


def told_row(rows: pd.DataFrame) -> Told:
    """The one row that a step made, cell by cell."""
    return {
        "dagster/row_count": 1,
        **{str(name): str(value) for name, value in rows.iloc[0].dropna().items()},
    }


def told_table(rows: pd.DataFrame) -> dg.MetadataValue | None:
    """A table for the UI; ``None`` when it has no row."""
    records = [
        dg.TableRecord({str(key): _cell(value) for key, value in row.items()})
        for row in rows.to_dict("records")
    ]
    return dg.MetadataValue.table(records) if records else None


def told_serving(serving: ChampionVersion, *, card: Path) -> Told:
    """The version that serves a morning, and its card when it has one."""
    return {
        "dagster/row_count": 1,
        "version": serving.model_version,
        "serves_since": str(serving.as_of_date),
        "grade": serving.quality_grade,
        "is_fallback": serving.is_fallback,
        "model_card": dg.MetadataValue.md(card.read_text(encoding="utf-8")) if card.is_file() else None,
    }


def _cell(value: object) -> str | int | float | bool | None:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float):
        return None if isnan(value) else round(value, SHOWN_DECIMALS)
    return value if isinstance(value, str | int | bool) else str(value)


def supervised_assets(
    problem: PredictionProblem, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """Candidate, evaluation, champion and scores of ``problem``, one of each per as-of morning."""
    step = partial(weekly_asset, problem, partitions, occasion=Morning)
    rows_of_what = (
        f"One row per {problem.entity} and as-of date: the calibrated probability of a {problem.target} "
        f"within {problem.horizon_days} days, its level, rank and reasons."
    )
    known = (*problem.sources, problem.label, DAILY_ORDERS)
    served = (problem.champion, problem.realised, *problem.sources)
    return [
        step(
            key=problem.candidate, deps=known, description=f"{problem.question} {HELD_BACK}", step=_candidate
        ),
        step(key=problem.evaluation, deps=(problem.candidate,), description=JUDGED, step=_evaluation),
        step(key=problem.champion, deps=(problem.evaluation,), description=SERVES, step=_champion),
        step(key=problem.scores, deps=served, description=rows_of_what, step=_scores),
    ]


def _candidate(morning: Morning) -> Told:
    row = candidate(morning).iloc[0]
    return {
        "dagster/row_count": 1,
        "version": str(row["model_version"]),
        "rows": int(row["n_rows"]),
        "positives": int(row["n_positive"]),
        "customers": int(row["n_customers"]),
        "refusal": "" if pd.isna(row["refusal"]) else str(row["refusal"]),
    }


def _evaluation(morning: Morning) -> Told:
    row = evaluation(morning).iloc[0]
    version = str(row["model_version"])
    whole = control_tables.rows_of_version(morning.warehouse, METRICS, version).query("slice_name == 'all'")
    return {
        "dagster/row_count": 1,
        "is_promotable": bool(row["is_promotable"]),
        "grade": str(row["quality_grade"]),
        "reasons": str(row["reasons"]),
        "reliability": _reliability(morning, version),
        "metrics": told_table(whole[METRICS_SHOWN]),
    }


def _champion(morning: Morning) -> Told:
    serving = champion(morning)
    decisions = morning.warehouse.read(
        f"select decided_at, decision, challenger, champion, reasons from {RETRAIN_LOG.sql} "
        f"where model_name = $name order by decided_at desc limit {SHOWN_DECISIONS}",
        {"name": morning.problem.name},
    )
    if serving is None:
        return {"dagster/row_count": 0, "withheld": True, "decisions": told_table(decisions)}
    card = morning.folder(serving.model_version) / CARD_FILE
    return {**told_serving(serving, card=card), "decisions": told_table(decisions)}


def _scores(morning: Morning) -> Told:
    level, problem = scores(morning), morning.problem
    if level is None:
        return {"dagster/row_count": 0, "withheld": True}
    levels = morning.warehouse.read(
        f"select * from {LEVELS.sql} where model_name = $name order by as_of_date", {"name": problem.name}
    )
    png = level_plot(levels, title=f"{problem.target} within {problem.horizon_days} days")
    return {
        "dagster/row_count": _scored(morning),
        "asked": int(level["customers"].iloc[0]),
        **{name: float(level[name].iloc[0]) for name in ("sum_probability", "total_lo", "total_hi")},
        "totals": dg.MetadataValue.md(as_markdown(png, text="totals")),
    }


def _scored(morning: Morning) -> int:
    """Rows of the morning, those of customers who are not asked about included."""
    sql = f"select count(*) as n from {morning.problem.scores.sql} where as_of_date = $as_of"
    return int(morning.warehouse.read(sql, {"as_of": morning.as_of})["n"].iloc[0])


def _reliability(morning: Morning, version: str) -> dg.MetadataValue | None:
    bins = control_tables.rows_of_version(morning.warehouse, CALIBRATION_BINS, version).query(
        "slice_name == 'all'"
    )
    if bins.empty:
        return None
    png = reliability_plot(bins, title=f"{morning.problem.name} {version}, newest matured days")
    return dg.MetadataValue.md(as_markdown(png, text="reliability"))
