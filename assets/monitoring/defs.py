"""What is watched, as assets: the landed data, what became of published scores, drift, and the journals."""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg

from assets.ingest.config.contracts import CONTRACTS
from assets.keys import USABILITY_REPORT, Key, raw
from assets.lifecycle.defs import Told, told_row, weekly_asset
from assets.lifecycle.realised import realised
from assets.lifecycle.run_context import Morning
from assets.lifecycle.store import control_tables
from assets.monitoring.drift.step import drift, page_of
from assets.monitoring.readiness.profile import profiles
from assets.monitoring.readiness.report import usability_rows
from assets.ports import Warehouse
from assets.supervised.problem import PredictionProblem


def usability_asset(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """``ml.usability_report``, made as soon as the exports have landed, as the morning sees them."""

    @dg.asset(
        key=dg.AssetKey(USABILITY_REPORT),
        deps=[dg.AssetKey(raw(table)) for table in CONTRACTS],
        partitions_def=partitions,
        group_name="monitoring",
        description="Which capabilities the landed data can carry, and what exactly is missing or unusable.",
        pool="warehouse",
    )
    def _usability(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        # The morning says what is stale.
        rows = usability_rows(profiles(warehouse), today=date.fromisoformat(context.partition_key))
        warehouse.replace(USABILITY_REPORT, rows)
        records = [
            dg.TableRecord({str(name): None if value is None else str(value) for name, value in row.items()})
            for row in rows.astype(object).where(rows.notna(), "").to_dict("records")
        ]
        return dg.MaterializeResult(
            metadata={"dagster/row_count": len(rows), "report": dg.MetadataValue.table(records)}
        )

    return _usability


def monitored_assets_of(
    problem: PredictionProblem, partitions: dg.PartitionsDefinition[str], *, reports: Path
) -> list[dg.AssetsDefinition]:
    """What became of the scores of ``problem``, and how far its customers have drifted, per morning."""

    def _drift(morning: Morning) -> Told:
        page = page_of(reports, problem, as_of=morning.as_of)
        told = told_row(drift(morning, page=page))
        return {**told, "page": dg.MetadataValue.path(str(page)) if page.is_file() else None}

    return [
        weekly_asset(
            problem, partitions,
            key=problem.realised, deps=(*problem.sources, problem.label),
            description=(
                "Published scores against what happened, once their windows have ended. The version that "
                "served says nothing new while its published probabilities have not come true."
            ),
            occasion=Morning, step=_realised,
        ),
        weekly_asset(
            problem, partitions,
            key=problem.drifted, deps=problem.sources,
            description=(
                "Every feature and the score of the morning's customers against the year the champion "
                "learned from: effect sizes beyond chance and season. Its page shows each column."
            ),
            occasion=Morning, step=_drift,
        ),
    ]  # fmt: skip


def _realised(morning: Morning) -> Told:
    return told_row(realised(morning))


def control_tables_asset(scores: Iterable[Key]) -> dg.AssetsDefinition:
    """The journals every problem writes into, counted once all ``scores`` are there."""
    waits_for = [dg.AssetKey(key) for key in scores]

    @dg.multi_asset(
        name="journals",
        specs=[
            dg.AssetSpec(
                dg.AssetKey(key),
                deps=waits_for,
                description=kept.description,
                group_name="lifecycle",
            )
            for key, kept in control_tables.CONTROL_TABLES.items()
        ],
        pool="warehouse",
    )
    def _control_tables(warehouse: dg.ResourceParam[Warehouse]) -> Iterator[dg.MaterializeResult[None]]:
        for key in control_tables.CONTROL_TABLES:
            rows = int(warehouse.read(f"select count(*) as rows from {key.sql}")["rows"].iloc[0])
            yield dg.MaterializeResult(asset_key=dg.AssetKey(key), metadata={"dagster/row_count": rows})

    return _control_tables
