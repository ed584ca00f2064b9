"""Monitoring assets: data readiness, drift, and the control tables."""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg

from assets.ingest.config.contracts import CONTRACTS
from assets.keys import USABILITY_REPORT, Key, raw
from assets.lifecycle.defs import AnyCapability, AnyRun, Metadata, row_metadata, shown, weekly_asset
from assets.lifecycle.spec import Spec
from assets.lifecycle.store import control_tables
from assets.monitoring.drift.step import drift, page_of
from assets.monitoring.readiness.profile import profiles
from assets.monitoring.readiness.report import usability_rows
from assets.monitoring.readiness.requirements import data_uses
from assets.ports import Warehouse


def usability_asset(partitions: dg.PartitionsDefinition[str], specs: Iterable[Spec]) -> dg.AssetsDefinition:
    """``ml.usability_report``, made as soon as the exports are loaded, for the as-of date of the run.

    ``specs`` are the registered capabilities.
    """
    uses = data_uses(specs)

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
        # Staleness is measured from the as-of date.
        rows = usability_rows(
            profiles(warehouse, uses), uses, today=date.fromisoformat(context.partition_key)
        )
        warehouse.replace(USABILITY_REPORT, rows)
        return dg.MaterializeResult(metadata=shown({"dagster/row_count": len(rows), "report": rows}))

    return _usability


def drift_asset(
    capability: AnyCapability, partitions: dg.PartitionsDefinition[str], *, reports: Path
) -> dg.AssetsDefinition:
    """Drift of a capability that is retrained on a trigger.

    Args:
        capability: The capability.
        partitions: The as-of dates.
        reports: Where pages for a browser lie.
    """

    def _drift(run: AnyRun) -> Metadata:
        page = page_of(reports, capability.spec.name, as_of=run.as_of)
        found = row_metadata(drift(run, page=page))
        return {**found, "page": dg.MetadataValue.path(str(page)) if page.is_file() else None}

    return weekly_asset(
        capability, partitions,
        keys={
            capability.spec.drifted: (
                "Every feature and the score of the cohort against the year the champion was trained on: "
                "effect sizes beyond chance and season. Its page shows each column."
            )
        },
        deps=capability.spec.scored_from, step=_drift,
    )  # fmt: skip


def control_tables_asset(scores: Iterable[Key]) -> dg.AssetsDefinition:
    """The control tables, which all capabilities write to, counted once all ``scores`` are there."""
    waits_for = [dg.AssetKey(key) for key in scores]

    @dg.multi_asset(
        name="control_tables",
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
