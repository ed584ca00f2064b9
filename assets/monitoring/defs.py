"""The usability report as an asset."""

from datetime import date

import dagster as dg

from assets.ingest.contracts import CONTRACTS
from assets.keys import USABILITY_REPORT, raw
from assets.monitoring.profile import profiles
from assets.monitoring.usability import newest_day, usability_rows
from assets.ports import Warehouse


def usability_asset() -> dg.AssetsDefinition:
    """``ml.usability_report``, made as soon as the exports have landed."""

    @dg.asset(
        key=dg.AssetKey(USABILITY_REPORT),
        deps=[dg.AssetKey(raw(table)) for table in CONTRACTS],
        group_name="monitoring",
        description="Which capabilities the landed data can carry, and what exactly is missing or unusable.",
        pool="warehouse",
    )
    def _usability(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        found = profiles(warehouse)
        # Not partitioned, but part of a run that is: its morning says what is stale.
        morning = context.run.tags.get("dagster/partition")
        rows = usability_rows(found, today=date.fromisoformat(morning) if morning else newest_day(found))
        warehouse.replace(USABILITY_REPORT, rows)
        records = [
            dg.TableRecord({str(name): None if value is None else str(value) for name, value in row.items()})
            for row in rows.astype(object).where(rows.notna(), "").to_dict("records")
        ]
        return dg.MaterializeResult(
            metadata={"dagster/row_count": len(rows), "report": dg.MetadataValue.table(records)}
        )

    return _usability
