"""The assets of the grouping: which one serves, who is in which segment, and what sets each apart."""

from datetime import UTC, date, datetime

import dagster as dg
import pandas as pd

from assets.keys import METRICS
from assets.lifecycle import journal
from assets.lifecycle.causes import TRIGGER_TAG, WINDOWS_TAG
from assets.lifecycle.consent import PERMISSIONS
from assets.lifecycle.morning import SCHEDULED
from assets.lifecycle.plot import as_markdown
from assets.ports import ModelStore, Warehouse
from assets.segments.assign import assignments
from assets.segments.model import BEHAVIOUR, RFM, Segmentation
from assets.segments.morning import Morning
from assets.segments.plot import profile_plot
from assets.segments.profiling import profiles
from assets.segments.propose import grouping


def grouping_asset(
    segmentation: Segmentation, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Which grouping serves from a morning on, and why."""

    @dg.asset(
        key=dg.AssetKey(segmentation.model),
        deps=[dg.AssetKey(segmentation.features), dg.AssetKey(PERMISSIONS)],
        partitions_def=partitions,
        group_name=segmentation.name,
        description=(
            "A new grouping of the morning's customers, into as many segments as come back on halves "
            "of them; adopted when none serves, or when the serving one no longer fits or is surely beaten."
        ),
        pool="warehouse",
    )
    def _grouping(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        models: dg.ResourceParam[ModelStore],
    ) -> dg.MaterializeResult[None]:
        row = grouping(morning_of(segmentation, context, warehouse, models)).iloc[0]
        told = {str(name): str(value) for name, value in row.dropna().items()}
        figures = journal.judged_rows(warehouse, METRICS, str(row["challenger"]), split="train")
        return dg.MaterializeResult(metadata={"dagster/row_count": 1, **told, **_tried(figures)})

    return _grouping


def segment_assets(
    segmentation: Segmentation, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """Who is in which segment on a morning, and the profiles of the segments."""
    return [_assignments_asset(segmentation, partitions), _profiles_asset(segmentation, partitions)]


def _assignments_asset(
    segmentation: Segmentation, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    sources = (segmentation.features, segmentation.rfm, PERMISSIONS)

    @dg.asset(
        key=dg.AssetKey(segmentation.assignments),
        deps=[dg.AssetKey(key) for key in (segmentation.model, *sources)],
        partitions_def=partitions,
        group_name=segmentation.name,
        description="One row per customer, scheme (rfm, behaviour) and as-of date: the segment, how surely.",
        pool="warehouse",
    )
    def _assignments(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        models: dg.ResourceParam[ModelStore],
    ) -> dg.MaterializeResult[None]:
        rows = assignments(morning_of(segmentation, context, warehouse, models))
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(rows),
                **{
                    f"segments_{scheme}": int(rows.loc[rows["scheme"] == scheme, "segment_key"].nunique())
                    for scheme in (RFM, BEHAVIOUR)
                },
            }
        )

    return _assignments


def _profiles_asset(
    segmentation: Segmentation, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(segmentation.profiles),
        deps=[dg.AssetKey(key) for key in (segmentation.assignments, segmentation.features)],
        partitions_def=partitions,
        group_name=segmentation.name,
        description="One row per as-of date, scheme, segment and feature: its mean against everybody's.",
        pool="warehouse",
    )
    def _profiles(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        models: dg.ResourceParam[ModelStore],
    ) -> dg.MaterializeResult[None]:
        rows = profiles(morning_of(segmentation, context, warehouse, models))
        return dg.MaterializeResult(
            metadata={"dagster/row_count": len(rows), **_heat_map(rows, BEHAVIOUR), **_heat_map(rows, RFM)}
        )

    return _profiles


def morning_of(
    segmentation: Segmentation,
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    models: ModelStore,
) -> Morning:
    """The morning that a run stands on, and why it groups anew."""
    return Morning(
        segmentation=segmentation,
        warehouse=warehouse,
        models=models,
        as_of=date.fromisoformat(context.partition_key),
        run_id=context.run.run_id,
        now=datetime.now(tz=UTC).replace(tzinfo=None),
        trigger=context.run.tags.get(TRIGGER_TAG, SCHEDULED),
        windows_violated=int(windows) if (windows := context.run.tags.get(WINDOWS_TAG)) else None,
    )


def _tried(figures: pd.DataFrame) -> dict[str, dg.MetadataValue]:
    """Every number of segments that was tried, and how it did."""
    if figures.empty:
        return {}
    table = figures.pivot_table(index="slice_value", columns="metric", values="value", sort=False)
    records = [
        dg.TableRecord({"segments": str(number), **{str(name): float(value) for name, value in row.items()}})
        for number, row in table.iterrows()
    ]
    return {"tried": dg.MetadataValue.table(records)}


def _heat_map(rows: pd.DataFrame, scheme: str) -> dict[str, dg.MetadataValue]:
    mine = rows.loc[rows["scheme"] == scheme]
    if mine.empty:
        return {}
    png = profile_plot(mine, title=f"segments by {scheme}: 100 is everybody's mean")
    return {f"profiles_{scheme}": dg.MetadataValue.md(as_markdown(png, text=f"profiles {scheme}"))}
