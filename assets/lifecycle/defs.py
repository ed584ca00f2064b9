"""The weekly assets of every capability: evaluation, champion, scores, realised performance."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from math import isnan
from typing import Any

import dagster as dg
import pandas as pd

from assets.keys import CALIBRATION_BINS, METRICS, RETRAIN_LOG, Key
from assets.lifecycle.capability import Capability
from assets.lifecycle.promotion import CARD_FILE, promote
from assets.lifecycle.realised import monitor
from assets.lifecycle.report.plots import as_markdown
from assets.lifecycle.retrain_triggers import TRIGGER_TAG, WINDOWS_TAG
from assets.lifecycle.run_context import SCHEDULED, RunContext
from assets.lifecycle.scoring import score
from assets.lifecycle.store import control_tables
from assets.lifecycle.training import evaluate
from assets.ports import ModelStore, Warehouse

SHOWN_DECISIONS = 10
SHOWN_DECIMALS = 4
METRICS_SHOWN = ["metric", "value", "ci_lo", "ci_hi", "n"]

EVALUATED = (
    "Metrics of a candidate on dates that it has not seen, beside the baseline's and the champion's, with "
    "intervals; whether it may be promoted, and why."
)
SERVES = (
    "The version that scores from this as-of date on: the candidate if it was promoted, fitted on everything "
    "known; else the champion before it; else the baseline as fallback."
)
REALISED = (
    "Published scores compared with outcomes, once their windows have ended. New scores of "
    "the version that served are withheld while its published scores do not match."
)

AnyCapability = Capability[Any, Any, Any, Any]
AnyRun = RunContext[Any, Any]
# UI metadata of a step, by name: numbers, texts, frames, PNGs; ``None`` is left out.
Metadata = Mapping[str, Any]


def weekly_asset(
    capability: AnyCapability,
    partitions: dg.PartitionsDefinition[str],
    *,
    keys: Mapping[Key, str],
    deps: Iterable[Key],
    step: Callable[[AnyRun], Metadata],
) -> dg.AssetsDefinition:
    """One step of a capability per as-of date.

    Args:
        capability: The capability.
        partitions: The as-of dates.
        keys: Tables that ``step`` writes, with their descriptions; metadata go to the first.
        deps: Tables that it reads.
        step: Writes the tables and returns metadata.
    """
    first, *others = keys
    reads = [dg.AssetKey(each) for each in deps]

    @dg.multi_asset(
        name="__".join((first.schema, first.name)),
        specs=[
            dg.AssetSpec(dg.AssetKey(key), deps=reads, description=text, group_name=capability.spec.name)
            for key, text in keys.items()
        ],
        partitions_def=partitions,
        pool="warehouse",
    )
    def _step(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        models: dg.ResourceParam[ModelStore],
    ) -> Iterable[dg.MaterializeResult[None]]:
        with warehouse.kept_open():
            found = step(
                RunContext(capability=capability, warehouse=warehouse, models=models, **_run_of(context))
            )
        yield dg.MaterializeResult(asset_key=dg.AssetKey(first), metadata=shown(found))
        for key in others:
            yield dg.MaterializeResult(asset_key=dg.AssetKey(key))

    return _step


def trained_assets(
    capability: AnyCapability, partitions: dg.PartitionsDefinition[str], *, has_canary: bool = False
) -> list[dg.AssetsDefinition]:
    """Evaluation and champion of a capability.

    Args:
        capability: The capability.
        partitions: The as-of dates.
        has_canary: Whether a promoted version scores beside the champion first.
    """
    spec = capability.spec
    return [
        weekly_asset(
            capability, partitions,
            keys={spec.evaluation: f"{spec.question} {spec.descriptions.get('evaluation', EVALUATED)}"},
            deps=spec.trained_from, step=_evaluation,
        ),
        weekly_asset(
            capability, partitions,
            keys={spec.champion: spec.descriptions.get("champion", SERVES)},
            deps=(spec.evaluation,), step=lambda run: _champion(replace(run, has_canary=has_canary)),
        ),
    ]  # fmt: skip


def scores_asset(capability: AnyCapability, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Scores and side tables of a capability."""
    spec = capability.spec
    own = [table.key for table in spec.tables]
    monitored = (spec.realised,) if spec.outcomes else ()
    return weekly_asset(
        capability, partitions,
        keys={key: spec.descriptions.get(key.name, f"Rows of {key.name}, by as-of date.") for key in own},
        deps=(spec.champion, *monitored, *spec.scored_from, *spec.scored_after), step=_scores,
    )  # fmt: skip


def realised_asset(
    capability: AnyCapability, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Realised performance of a capability with outcomes."""
    spec = capability.spec
    reads = dict.fromkeys((*spec.scored_from, *(outcome.table for outcome in spec.outcomes)))
    return weekly_asset(
        capability, partitions,
        keys={spec.realised: spec.descriptions.get("realised", REALISED)},
        deps=reads, step=lambda run: row_metadata(monitor(run)),
    )  # fmt: skip


def row_metadata(rows: pd.DataFrame) -> Metadata:
    """UI metadata of the row that a step wrote, cell by cell.

    Args:
        rows: The row (1, k).
    """
    cells = {str(name): str(value) for name, value in rows.iloc[0].dropna().items()}
    return {"dagster/row_count": 1, **cells}


def _evaluation(run: AnyRun) -> Metadata:
    row = evaluate(run)
    version = str(row["model_version"].iloc[0])
    metrics, bins = (
        control_tables.rows_of_version(run.warehouse, key, version) for key in (METRICS, CALIBRATION_BINS)
    )
    fitted = control_tables.rows_of_version(run.warehouse, METRICS, version, split="train")
    whole = metrics.loc[metrics["slice_name"] == "all", METRICS_SHOWN]
    return {
        **row_metadata(row),
        "metrics": whole,
        **run.capability.describe_evaluation(pd.concat([fitted, metrics], ignore_index=True), bins),
    }


def _champion(run: AnyRun) -> Metadata:
    serving = promote(run)
    decisions = run.warehouse.read(
        f"select decided_at, decision, challenger, champion, reasons from {RETRAIN_LOG.sql} "
        f"where model_name = $name order by decided_at desc limit {SHOWN_DECISIONS}",
        {"name": run.spec.name},
    )
    if serving is None:
        return {"dagster/row_count": 0, "withheld": True, "decisions": decisions}
    card = run.folder(serving.model_version) / CARD_FILE
    text = card.read_text(encoding="utf-8") if card.is_file() else None
    return {
        "dagster/row_count": 1,
        "version": serving.model_version,
        "serves_since": str(serving.as_of_date),
        "grade": serving.quality_grade,
        "is_fallback": serving.is_fallback,
        "model_card": dg.MetadataValue.md(text) if text else None,
        "decisions": decisions,
    }


def _scores(run: AnyRun) -> Metadata:
    rows = score(run)
    if rows is None:
        return {"dagster/row_count": 0, "withheld": True}
    if not rows["is_eligible"].any():
        return {"dagster/row_count": len(rows), "n_scored": 0}
    return {"dagster/row_count": len(rows), **run.capability.describe_scores(run.warehouse, rows)}


def _run_of(context: dg.AssetExecutionContext) -> dict[str, Any]:
    """The as-of date of a Dagster run, and why it trains."""
    windows = context.run.tags.get(WINDOWS_TAG)
    return {
        "as_of": date.fromisoformat(context.partition_key),
        "run_id": context.run.run_id,
        "now": datetime.now(tz=UTC).replace(tzinfo=None),
        "trigger": context.run.tags.get(TRIGGER_TAG, SCHEDULED),
        "windows_violated": int(windows) if windows else None,
    }


def shown(found: Metadata) -> dict[str, Any]:
    """Metadata as Dagster takes it: frames as tables, PNGs as images, without missing values."""
    values = {name: _value(name, value) for name, value in found.items()}
    return {name: value for name, value in values.items() if value is not None}


def _value(name: str, value: object) -> Any:  # noqa: ANN401 - whatever Dagster takes as metadata
    if isinstance(value, bytes):
        return dg.MetadataValue.md(as_markdown(value, text=name))
    if isinstance(value, pd.DataFrame):
        records = [
            dg.TableRecord({str(key): _cell(cell) for key, cell in row.items()})
            for row in value.to_dict("records")
        ]
        return dg.MetadataValue.table(records) if records else None
    return value


def _cell(value: object) -> str | int | float | bool | None:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float):
        return None if isnan(value) else round(value, SHOWN_DECIMALS)
    return value if isinstance(value, str | int | bool) else str(value)
