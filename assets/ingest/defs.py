"""The landed tables as assets."""

from collections.abc import Iterator

import dagster as dg

from assets.ingest.contracts import CONTRACTS
from assets.ingest.landing import Landing, land, reject_kinds
from assets.ingest.sources import Business
from assets.keys import LANDINGS, REJECTS, raw
from assets.ports import Warehouse

EXPORTS = dg.AssetKey(["exports", "sample_shop"])


def landing_assets(business: Business) -> list[dg.AssetsDefinition]:
    """The raw tables of ``business``, its rejects and the record of what was landed."""

    @dg.multi_asset(
        name="landed",
        specs=_specs(business),
        group_name="ingest",
        pool="warehouse",
    )
    def _landed(warehouse: dg.ResourceParam[Warehouse]) -> Iterator[dg.MaterializeResult[None]]:
        with warehouse.connect() as connection:
            landings = land(connection, business)
            kinds = reject_kinds(connection)
        for table in CONTRACTS:
            yield _table_result(table, [landing for landing in landings if landing.table_name == table])
        yield dg.MaterializeResult(asset_key=dg.AssetKey(REJECTS), metadata=_rejects_metadata(kinds))
        yield dg.MaterializeResult(asset_key=dg.AssetKey(LANDINGS), metadata=_landings_metadata(landings))

    return [_landed]


def _specs(business: Business) -> list[dg.AssetSpec]:
    deps = [EXPORTS] if business.simulation else []
    described = {
        **{
            raw(table): f"As delivered and typed: {contract.grain}. Times are UTC."
            for table, contract in CONTRACTS.items()
        },
        REJECTS: "Rows that were refused, with file, line, raw text and the reason in words.",
        LANDINGS: "One row per delivered file: its fingerprint, rows in, loaded and rejected.",
    }
    return [
        dg.AssetSpec(dg.AssetKey(key), deps=deps, description=text, kinds={"duckdb"})
        for key, text in described.items()
    ]


def _table_result(table: str, landings: list[Landing]) -> dg.MaterializeResult[None]:
    loaded = sum(landing.rows_loaded for landing in landings)
    return dg.MaterializeResult(
        asset_key=dg.AssetKey(raw(table)),
        metadata={
            "dagster/row_count": loaded,
            "rows_in": sum(landing.rows_in for landing in landings),
            "rows_rejected": sum(landing.rows_rejected for landing in landings),
            "files": len(landings),
        },
    )


def _rejects_metadata(kinds: list[tuple[str, str, int]]) -> dict[str, dg.MetadataValue]:
    records = [dg.TableRecord({"table": table, "kind": kind, "rows": rows}) for table, kind, rows in kinds]
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(sum(rows for _, _, rows in kinds))
    }
    return {**metadata, "kinds": dg.MetadataValue.table(records)} if records else metadata


def _landings_metadata(landings: list[Landing]) -> dict[str, dg.MetadataValue]:
    records = [
        dg.TableRecord(
            {
                "source": landing.source,
                "file": landing.source_file,
                "in": landing.rows_in,
                "loaded": landing.rows_loaded,
                "rejected": landing.rows_rejected,
            }
        )
        for landing in landings
    ]
    metadata: dict[str, dg.MetadataValue] = {"dagster/row_count": dg.MetadataValue.int(len(landings))}
    return {**metadata, "files": dg.MetadataValue.table(records)} if records else metadata
