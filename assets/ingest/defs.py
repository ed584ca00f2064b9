"""The landed tables as assets."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg

from assets.ingest.config.business import BusinessConfig, BusinessInvalid, SourceConfig
from assets.ingest.config.contracts import CONTRACTS
from assets.ingest.loading.load import LoadRecord, load_sources, reject_kinds
from assets.ingest.pulling.cursor import SourceUnreachable
from assets.keys import LANDINGS, REJECTS, SEALED_EXPORTS, Key, raw
from assets.ports import Vault, Warehouse

EXPORTS = Key("exports", "sample_shop")
TRIES_AGAIN = 3
SECONDS_BETWEEN_TRIES = 60


def pulled_assets(
    business: BusinessConfig, *, secret: Callable[[str], str | None], state_dir: Path
) -> list[dg.AssetsDefinition]:
    """The exports that are pulled from databases and web services, one asset per source.

    ``secret`` gives the value of an environment variable; it is asked when a pull runs, not before.
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
        description=f"What is new in {source.name} since its last pull, as files for raw {source.table}.",
    )
    def _pulled() -> dg.MaterializeResult[None]:
        # Importing dlt takes a second, of every process that loads the definitions.
        from assets.ingest.pulling.pull import pull  # noqa: PLC0415

        try:
            pulled = pull(business, source, secret=secret, state_dir=state_dir)
        except SourceUnreachable as passing:
            raise dg.RetryRequested(TRIES_AGAIN, seconds_to_wait=SECONDS_BETWEEN_TRIES) from passing
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
    """The assets that bring the exports of ``business``, as far as we do."""
    simulated = [EXPORTS] if business.simulation else []
    return [*simulated, *(_exports(source) for source in business.sources if source.pull)]


def landing_assets(business: BusinessConfig) -> list[dg.AssetsDefinition]:
    """The raw tables of ``business``, its rejects and the record of what was landed."""

    @dg.multi_asset(
        name="landed",
        specs=_specs(),
        group_name="ingest",
        pool="warehouse",
    )
    def _landed(
        warehouse: dg.ResourceParam[Warehouse], vault: dg.ResourceParam[Vault]
    ) -> Iterator[dg.MaterializeResult[None]]:
        with warehouse.connect() as connection:
            landings = load_sources(connection, business, vault)
            kinds = reject_kinds(connection)
        for table in CONTRACTS:
            yield _table_result(table, [landing for landing in landings if landing.table_name == table])
        yield dg.MaterializeResult(asset_key=dg.AssetKey(REJECTS), metadata=_rejects_metadata(kinds))
        yield dg.MaterializeResult(asset_key=dg.AssetKey(LANDINGS), metadata=_landings_metadata(landings))

    return [_landed]


def _specs() -> list[dg.AssetSpec]:
    deps = [dg.AssetKey(SEALED_EXPORTS)]
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


def _table_result(table: str, landings: list[LoadRecord]) -> dg.MaterializeResult[None]:
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


def _landings_metadata(landings: list[LoadRecord]) -> dict[str, dg.MetadataValue]:
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
