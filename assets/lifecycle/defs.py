"""The four assets of every supervised problem."""

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pandas as pd

from assets.keys import CALIBRATION_BINS, LEVELS, METRICS, RETRAIN_LOG
from assets.lifecycle import journal
from assets.lifecycle.causes import TRIGGER_TAG, WINDOWS_TAG
from assets.lifecycle.champion import CARD_FILE, champion
from assets.lifecycle.morning import SCHEDULED, Morning
from assets.lifecycle.plot import as_markdown, level_plot, reliability_plot
from assets.lifecycle.problem import PredictionProblem
from assets.lifecycle.propose import candidate, evaluation
from assets.lifecycle.rows import DAILY_ORDERS
from assets.lifecycle.serve import scores
from assets.ports import ModelStore, Warehouse

SHOWN_DECISIONS = 10
SHOWN_DECIMALS = 4
METRICS_SHOWN = ["metric", "value", "ci_lo", "ci_hi", "n", "n_positive"]


def supervised_assets(
    problem: PredictionProblem, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """Candidate, evaluation, champion and scores of ``problem``, one of each per as-of morning."""
    return [
        _candidate_asset(problem, partitions),
        _evaluation_asset(problem, partitions),
        _champion_asset(problem, partitions),
        _scores_asset(problem, partitions),
    ]


def _candidate_asset(
    problem: PredictionProblem, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(problem.candidate),
        deps=[dg.AssetKey(key) for key in (*problem.sources, problem.label, DAILY_ORDERS)],
        partitions_def=partitions,
        group_name=problem.name,
        description=(
            f"{problem.question} A model of the morning's older days, held back from the newest ones so "
            "that it can be judged on them; or the words in which it was refused."
        ),
        pool="warehouse",
    )
    def _candidate(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        models: dg.ResourceParam[ModelStore],
    ) -> dg.MaterializeResult[None]:
        row = candidate(morning_of(problem, context, warehouse, models)).iloc[0]
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": 1,
                "version": str(row["model_version"]),
                "rows": int(row["n_rows"]),
                "positives": int(row["n_positive"]),
                "customers": int(row["n_customers"]),
                "refusal": "" if pd.isna(row["refusal"]) else str(row["refusal"]),
            }
        )

    return _candidate


def _evaluation_asset(
    problem: PredictionProblem, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(problem.evaluation),
        deps=[dg.AssetKey(problem.candidate)],
        partitions_def=partitions,
        group_name=problem.name,
        description=(
            "The candidate on the newest matured days beside the naive rival and the champion, overall and "
            "per slice, with intervals by customer; and whether it may be promoted."
        ),
        pool="warehouse",
    )
    def _evaluation(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        models: dg.ResourceParam[ModelStore],
    ) -> dg.MaterializeResult[None]:
        row = evaluation(morning_of(problem, context, warehouse, models)).iloc[0]
        version = str(row["model_version"])
        whole = journal.judged_rows(warehouse, METRICS, version).query("slice_name == 'all'")[METRICS_SHOWN]
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": 1,
                "is_promotable": bool(row["is_promotable"]),
                "grade": str(row["quality_grade"]),
                "reasons": str(row["reasons"]),
                **_reliability(problem, warehouse, version),
                **_table("metrics", whole),
            }
        )

    return _evaluation


def _champion_asset(
    problem: PredictionProblem, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(problem.champion),
        deps=[dg.AssetKey(problem.evaluation)],
        partitions_def=partitions,
        group_name=problem.name,
        description=(
            "The version that scores from this morning on: the candidate if it was promoted, refitted on "
            "everything known; else the champion before it; else the naive rival as fallback."
        ),
        pool="warehouse",
    )
    def _champion(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        models: dg.ResourceParam[ModelStore],
    ) -> dg.MaterializeResult[None]:
        serving = champion(morning_of(problem, context, warehouse, models))
        decisions = warehouse.read(
            f"select decided_at, decision, challenger, champion, reasons from {RETRAIN_LOG.sql} "
            f"where model_name = $name order by decided_at desc limit {SHOWN_DECISIONS}",
            {"name": problem.name},
        )
        if serving is None:
            return dg.MaterializeResult(
                metadata={"dagster/row_count": 0, "withheld": True, **_table("decisions", decisions)}
            )
        card = models.folder(problem.name, serving.model_version) / CARD_FILE
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": 1,
                "version": serving.model_version,
                "serves_since": str(serving.as_of_date),
                "grade": serving.quality_grade,
                "is_fallback": serving.is_fallback,
                **_table("decisions", decisions),
                **_card(card),
            }
        )

    return _champion


def _scores_asset(
    problem: PredictionProblem, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(problem.scores),
        deps=[dg.AssetKey(key) for key in (problem.champion, problem.realised, *problem.sources)],
        partitions_def=partitions,
        group_name=problem.name,
        description=(
            f"One row per {problem.entity} and as-of date: the calibrated probability of a {problem.target} "
            f"within {problem.horizon_days} days, its level, rank and reasons."
        ),
        pool="warehouse",
    )
    def _scores(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        models: dg.ResourceParam[ModelStore],
    ) -> dg.MaterializeResult[None]:
        morning = morning_of(problem, context, warehouse, models)
        level = scores(morning)
        if level is None:
            return dg.MaterializeResult(metadata={"dagster/row_count": 0, "withheld": True})
        levels = warehouse.read(
            f"select * from {LEVELS.sql} where model_name = $name order by as_of_date", {"name": problem.name}
        )
        png = level_plot(levels, title=f"{problem.target} within {problem.horizon_days} days")
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": _rows_of(problem, warehouse, morning.as_of),
                "asked": int(level["customers"].iloc[0]),
                **{name: float(level[name].iloc[0]) for name in ("sum_probability", "total_lo", "total_hi")},
                "totals": dg.MetadataValue.md(as_markdown(png, text="totals")),
            }
        )

    return _scores


def _rows_of(problem: PredictionProblem, warehouse: Warehouse, as_of: date) -> int:
    """Rows of the morning, those of customers who are not asked about included."""
    sql = f"select count(*) as n from {problem.scores.sql} where as_of_date = $as_of"
    return int(warehouse.read(sql, {"as_of": as_of})["n"].iloc[0])


def morning_of(
    problem: PredictionProblem, context: dg.AssetExecutionContext, warehouse: Warehouse, models: ModelStore
) -> Morning:
    """The morning that a run stands on, and why it trains."""
    return Morning(
        problem=problem,
        warehouse=warehouse,
        models=models,
        as_of=date.fromisoformat(context.partition_key),
        run_id=context.run.run_id,
        now=datetime.now(tz=UTC).replace(tzinfo=None),
        trigger=context.run.tags.get(TRIGGER_TAG, SCHEDULED),
        windows_violated=int(windows) if (windows := context.run.tags.get(WINDOWS_TAG)) else None,
    )


def _table(name: str, rows: pd.DataFrame) -> dict[str, dg.MetadataValue]:
    records = [
        dg.TableRecord({str(key): _cell(value) for key, value in row.items()})
        for row in rows.to_dict("records")
    ]
    return {name: dg.MetadataValue.table(records)} if records else {}


def _cell(value: object) -> str | int | float | bool | None:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float):
        return round(value, SHOWN_DECIMALS)
    return value if isinstance(value, str | int | bool) else str(value)


def _reliability(
    problem: PredictionProblem, warehouse: Warehouse, version: str
) -> dict[str, dg.MetadataValue]:
    bins = journal.judged_rows(warehouse, CALIBRATION_BINS, version).query("slice_name == 'all'")
    if bins.empty:
        return {}
    png = reliability_plot(bins, title=f"{problem.name} {version}, newest matured days")
    return {"reliability": dg.MetadataValue.md(as_markdown(png, text="reliability"))}


def _card(file: Path) -> dict[str, dg.MetadataValue]:
    return {"model_card": dg.MetadataValue.md(file.read_text(encoding="utf-8"))} if file.is_file() else {}
