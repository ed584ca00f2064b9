"""Assets of ingest: pulled exports, raw tables, rejects and the load log."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg

from assets.defs import PARTITION_TAG
from assets.ingest.config.business import BusinessConfig, BusinessInvalid, SourceConfig
from assets.ingest.config.contracts import CONTRACTS
from assets.ingest.loading.load import LoadRecord, load_sources, reject_kinds
from assets.ingest.pulling.cursor import SourceUnreachable
from assets.keys import LOAD_LOG, REDACTED_EXPORTS, REJECTS, Key, raw
from assets.ports import Vault, Warehouse

EXPORTS = Key("exports", "sample_shop")
MAX_RETRIES = 3
SECONDS_BETWEEN_RETRIES = 60
# An event of Dagster holds so many; the load log has them all.
FILES_LISTED = 1_000
# Metadata that the terminal shows as it is.
DELIVERY = "delivery"


def pulled_assets(
    business: BusinessConfig, *, secret: Callable[[str], str | None], state_dir: Path
) -> list[dg.AssetsDefinition]:
    """Exports pulled from databases and web services, one asset per source.

    Args:
        business: Whose sources are pulled.
        secret: Returns the value of an environment variable; called when a pull runs, not before.
        state_dir: Folder of cursors and of unfinished loads.
    """
    return [
        _pulled_asset(business, source, secret=secret, state_dir=state_dir)
        for source in business.sources
        if source.pull
    ]


def _pulled_asset(
    business: BusinessConfig, source: SourceConfig, *, secret: Callable[[str], str | None], state_dir: Path
) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(_exports(source)),
        group_name="ingest",
        kinds={"dlt"},
        description=f"Rows of {source.name} new or changed since the last pull, for raw {source.table}.",
    )
    def _pulled() -> dg.MaterializeResult[None]:
        # Importing dlt takes a second, which every process that loads the definitions would pay.
        from assets.ingest.pulling.pull import pull  # noqa: PLC0415

        try:
            pulled = pull(business, source, secret=secret, state_dir=state_dir)
        except SourceUnreachable as unreachable:
            raise dg.RetryRequested(MAX_RETRIES, seconds_to_wait=SECONDS_BETWEEN_RETRIES) from unreachable
        except BusinessInvalid as refused:
            raise dg.Failure(str(refused), allow_retries=False) from None
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": pulled.rows,
                "files": len(pulled.files),
                "exports": dg.MetadataValue.path(str(pulled.folder)),
            }
        )

    return _pulled


def _exports(source: SourceConfig) -> Key:
    return Key("exports", source.name)


def delivering(business: BusinessConfig) -> list[Key]:
    """Keys of the assets that produce exports: simulated and pulled ones."""
    simulated = [EXPORTS] if business.simulation else []
    return [*simulated, *(_exports(source) for source in business.sources if source.pull)]


def landing_assets(
    business: BusinessConfig, *, describe: Callable[[Warehouse, str | None], str]
) -> list[dg.AssetsDefinition]:
    """The raw tables of ``business``, its rejects and its load log.

    Args:
        business: Whose exports are loaded.
        describe: Returns the lines about what was delivered, which the terminal shows; gets the run's as-of
            date, ``None`` without one.
    """

    @dg.multi_asset(
        name="landed",
        specs=_specs(),
        group_name="ingest",
        pool="warehouse",
    )
    def _landed(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        vault: dg.ResourceParam[Vault],
    ) -> Iterator[dg.MaterializeResult[None]]:
        with warehouse.connect() as connection:
            records = load_sources(connection, business, vault)
            kinds = reject_kinds(connection)
        for table in CONTRACTS:
            yield _table_result(table, [record for record in records if record.table_name == table])
        rejects = [dg.TableRecord({"table": table, "kind": kind, "rows": n}) for table, kind, n in kinds]
        yield _listing(REJECTS, "kinds", rejects, row_count=sum(count for _, _, count in kinds))
        files = [_file_record(record) for record in records[:FILES_LISTED]]
        log = _listing(LOAD_LOG, "files", files, row_count=len(records))
        yield log._replace(
            metadata={
                **(log.metadata or {}),
                DELIVERY: describe(warehouse, context.run.tags.get(PARTITION_TAG)),
            }
        )

    return [_landed]


def _specs() -> list[dg.AssetSpec]:
    deps = [dg.AssetKey(REDACTED_EXPORTS)]
    descriptions = {
        **{
            raw(table): f"As delivered, typed: {contract.grain}. Times are UTC."
            for table, contract in CONTRACTS.items()
        },
        REJECTS: "Rejected rows, with file, line, raw text, reason, and the person's ids if there are any.",
        LOAD_LOG: "One row per delivered file: its fingerprint, rows in, loaded, rejected and left out.",
    }
    return [
        dg.AssetSpec(dg.AssetKey(key), deps=deps, description=text, kinds={"duckdb"})
        for key, text in descriptions.items()
    ]


def _file_record(record: LoadRecord) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "source": record.source,
            "file": record.source_file,
            "in": record.rows_in,
            "loaded": record.rows_loaded,
            "rejected": record.rows_rejected,
            "left_out": record.rows_left_out,
        }
    )


def _table_result(table: str, records: list[LoadRecord]) -> dg.MaterializeResult[None]:
    loaded = sum(record.rows_loaded for record in records)
    return dg.MaterializeResult(
        asset_key=dg.AssetKey(raw(table)),
        metadata={
            "dagster/row_count": loaded,
            "rows_in": sum(record.rows_in for record in records),
            "rows_rejected": sum(record.rows_rejected for record in records),
            "rows_left_out": sum(record.rows_left_out for record in records),
            "files": len(records),
        },
    )


def _listing(
    key: Key, name: str, records: list[dg.TableRecord], *, row_count: int
) -> dg.MaterializeResult[None]:
    """Row count of ``key``, and ``records`` as table ``name``: Dagster refuses a table without rows."""
    listed = {name: dg.MetadataValue.table(records)} if records else {}
    return dg.MaterializeResult(
        asset_key=dg.AssetKey(key), metadata={"dagster/row_count": row_count, **listed}
    )
