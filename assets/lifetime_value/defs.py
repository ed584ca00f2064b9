"""The four assets of lifetime value, one of each per as-of morning."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pandas as pd

from assets.keys import METRICS
from assets.lifecycle import journal
from assets.lifecycle.causes import TRIGGER_TAG, WINDOWS_TAG
from assets.lifecycle.consent import PERMISSIONS
from assets.lifecycle.morning import SCHEDULED
from assets.lifetime_value.problem import ValueProblem
from assets.lifetime_value.promote import CARD_FILE, champion
from assets.lifetime_value.propose import ValueMorning, evaluation
from assets.lifetime_value.realise import realised
from assets.lifetime_value.serve import scores
from assets.ports import ModelStore, Warehouse

Told = dict[str, Any]
Step = Callable[[ValueMorning], Told]


def value_realised_asset(
    problem: ValueProblem, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """What became of published amounts, per morning."""
    return _asset(
        problem,
        partitions,
        key=dg.AssetKey(problem.realised),
        deps=(problem.histories, PERMISSIONS, *problem.labels.values()),
        description="Published amounts against what was then spent, once their windows have ended.",
        step=_realised,
    )


def value_trained_assets(
    problem: ValueProblem, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """The back-test and the version that serves, per morning."""
    return [
        _asset(
            problem,
            partitions,
            key=dg.AssetKey(problem.evaluation),
            deps=(problem.histories, problem.features, PERMISSIONS, *problem.labels.values()),
            description=(
                f"{problem.question} BG/NBD with Gamma-Gamma, machine-learned amounts and the naive formula, "
                "each made from what an earlier morning knew and judged by the days that followed."
            ),
            step=_evaluation,
        ),
        _asset(
            problem,
            partitions,
            key=dg.AssetKey(problem.champion),
            deps=(problem.evaluation,),
            description=(
                "The version that scores from this morning on: the best recipe of the back-test if it may "
                "be promoted, fitted on everything known; else the one before it; else the naive formula."
            ),
            step=_champion,
        ),
    ]


def value_scores_asset(
    problem: ValueProblem, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Everyone's outlook, per morning."""
    return _asset(
        problem,
        partitions,
        key=dg.AssetKey(problem.scores),
        deps=(problem.champion, problem.realised, problem.histories, problem.features, PERMISSIONS),
        description=(
            "One row per customer, horizon and as-of date: what they will spend and order, with interval, "
            "whether they are a customer still, and when the next order is due."
        ),
        step=_scores,
    )


def _asset(  # noqa: PLR0913 - what an asset is made of
    problem: ValueProblem,
    partitions: dg.PartitionsDefinition[str],
    *,
    key: dg.AssetKey,
    deps: tuple[tuple[str, str], ...],
    description: str,
    step: Step,
) -> dg.AssetsDefinition:
    @dg.asset(
        key=key,
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
        told = step(value_morning(problem, context, warehouse, models))
        return dg.MaterializeResult(metadata={name: each for name, each in told.items() if each is not None})

    return _made


def value_morning(
    problem: ValueProblem, context: dg.AssetExecutionContext, warehouse: Warehouse, models: ModelStore
) -> ValueMorning:
    """The morning that a run stands on, and why it trains."""
    windows = context.run.tags.get(WINDOWS_TAG)
    return ValueMorning(
        problem=problem,
        warehouse=warehouse,
        models=models,
        as_of=date.fromisoformat(context.partition_key),
        run_id=context.run.run_id,
        now=datetime.now(tz=UTC).replace(tzinfo=None),
        trigger=context.run.tags.get(TRIGGER_TAG, SCHEDULED),
        windows_violated=int(windows) if windows else None,
    )


def _realised(morning: ValueMorning) -> Told:
    return _row(realised(morning))


def _evaluation(morning: ValueMorning) -> Told:
    told = _row(evaluation(morning))
    rows = journal.judged_rows(morning.warehouse, METRICS, morning.version).query("slice_name == 'all'")
    return told if rows.empty else told | {"metrics": _table(rows[["metric", "value", "ci_lo", "ci_hi"]])}


def _champion(morning: ValueMorning) -> Told:
    serving = champion(morning)
    file = morning.folder(serving.model_version) / CARD_FILE
    return {
        "dagster/row_count": 1,
        "version": serving.model_version,
        "serves_since": str(serving.as_of_date),
        "grade": serving.quality_grade,
        "is_fallback": serving.is_fallback,
        "model_card": dg.MetadataValue.md(file.read_text(encoding="utf-8")) if file.is_file() else None,
    }


def _scores(morning: ValueMorning) -> Told:
    rows = scores(morning)
    totals = rows.groupby("horizon_days")[["predicted_value", "predicted_orders", "baseline_value"]].sum()
    return {
        "dagster/row_count": len(rows),
        "totals": _table(totals.reset_index()),
        "high_value_customers": int(rows["is_high_value"].sum() // len(morning.problem.horizons_days)),
    }


def _row(row: pd.DataFrame) -> Told:
    return {"dagster/row_count": 1, **{str(name): str(value) for name, value in row.iloc[0].dropna().items()}}


def _table(rows: pd.DataFrame) -> dg.MetadataValue:
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {str(name): value if isinstance(value, str) else float(value) for name, value in row.items()}
            )
            for row in rows.to_dict("records")
        ]
    )
