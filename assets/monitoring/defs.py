"""The usability report as an asset."""

import dagster as dg

from assets.ingest.contracts import CONTRACTS
from assets.keys import USABILITY_REPORT, raw
from assets.monitoring.usability import profiles, usability_rows
from assets.ports import Warehouse


def usability_asset() -> dg.AssetsDefinition:
    """``ml.usability_report``, made as soon as the exports have landed."""

    @dg.asset(
        key=dg.AssetKey(USABILITY_REPORT),
        deps=[dg.AssetKey(raw(table)) for table in CONTRACTS],
        group_name="monitoring",
        description="What the landed data can carry, and which columns are missing or unusable.",
        pool="warehouse",
    )
    def _usability(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[None]:
        rows = usability_rows(profiles(warehouse))
        warehouse.replace(USABILITY_REPORT, rows)
        records = [
            dg.TableRecord({str(name): None if value is None else str(value) for name, value in row.items()})
            for row in rows.astype(object).where(rows.notna(), "").to_dict("records")
        ]
        return dg.MaterializeResult(
            metadata={"dagster/row_count": len(rows), "report": dg.MetadataValue.table(records)}
        )

    return _usability
