"""Monitoring assets: data readiness, realised performance, drift and the control tables."""

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
    """``ml.usability_report``: data readiness on the as-of date, as soon as the exports have landed."""

    @dg.asset(
        key=dg.AssetKey(USABILITY_REPORT),
        deps=[dg.AssetKey(raw(table)) for table in CONTRACTS],
        partitions_def=partitions,
        group_name="monitoring",
        description="Capabilities that the landed data supports, and the missing or unusable columns.",
        pool="warehouse",
    )
    def _usability(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        # Stale means relative to the as-of date.
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
    """Assets of realised performance and of drift of ``problem``.

    Args:
        problem: The supervised problem.
        partitions: The as-of dates.
        reports: Folder of the drift pages.
    """

    def _drift(context: Morning) -> Told:
        page = page_of(reports, problem, as_of=context.as_of)
        metadata = told_row(drift(context, page=page))
        return {**metadata, "page": dg.MetadataValue.path(str(page)) if page.is_file() else None}

    return [
        weekly_asset(
            problem, partitions,
            key=problem.realised, deps=(*problem.sources, problem.label),
            description=(
                "Realised performance: published scores compared with matured outcomes. New scores of a "
                "version are withheld while its realised calibration is out of tolerance."
            ),
            occasion=Morning, step=_realised,
        ),
        weekly_asset(
            problem, partitions,
            key=problem.drifted, deps=problem.sources,
            description=(
                "Drift of every feature and of the score against the champion's training window: effect "
                "sizes beyond chance and season. Its page shows each column."
            ),
            occasion=Morning, step=_drift,
        ),
    ]  # fmt: skip


def _realised(context: Morning) -> Told:
    return told_row(realised(context))


def control_tables_asset(scores: Iterable[Key]) -> dg.AssetsDefinition:
    """The control tables that all capabilities write to, counted after all ``scores``."""
    upstream = [dg.AssetKey(key) for key in scores]

    @dg.multi_asset(
        name="control_tables",
        specs=[
            dg.AssetSpec(
                dg.AssetKey(key),
                deps=upstream,
                description=table.description,
                group_name="lifecycle",
            )
            for key, table in control_tables.CONTROL_TABLES.items()
        ],
        pool="warehouse",
    )
    def _control_tables(warehouse: dg.ResourceParam[Warehouse]) -> Iterator[dg.MaterializeResult[None]]:
        for key in control_tables.CONTROL_TABLES:
            rows = int(warehouse.read(f"select count(*) as rows from {key.sql}")["rows"].iloc[0])
            yield dg.MaterializeResult(asset_key=dg.AssetKey(key), metadata={"dagster/row_count": rows})

    return _control_tables
