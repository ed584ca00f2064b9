"""The ledger of checks and the snapshot file, as assets."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster import DagsterInstance
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord

from assets.defs import PARTITION_TAG
from assets.keys import CHECKS, Key
from assets.ports import Warehouse
from assets.publishing.ledger import CheckResult, ledger_rows
from assets.publishing.snapshot import write_snapshot

# Each check brings its newest few results, so that a red run shows up in the next green one.
REMEMBERED_RESULTS = 10
SNAPSHOT = Key("consumers", "snapshot")


def ledger_asset(
    after: Iterable[Key],
    expected: Sequence[dg.AssetCheckKey],
    *,
    partitions: dg.PartitionsDefinition[str],
) -> dg.AssetsDefinition:
    """``ml.checks``: what became of each ``expected`` check, once everything in ``after`` was made."""

    @dg.asset(
        key=dg.AssetKey(CHECKS),
        deps=[dg.AssetKey(key) for key in after],
        # One table, but the job `publish` needs an asset with partitions to be launched for a morning.
        partitions_def=partitions,
        group_name="publishing",
        description="One row per run and check that was expected: passed, failed or not run, and why.",
        pool="warehouse",
    )
    def _ledger(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata=_record_checks(context, warehouse, expected))

    return _ledger


def snapshot_asset(
    tables: tuple[Key, ...], expected: Sequence[dg.AssetCheckKey], *, file: Path, parquet: Path
) -> dg.AssetsDefinition:
    """The file SQL consumers open, swapped in whole once every published table passed its checks."""

    @dg.asset(
        key=dg.AssetKey(SNAPSHOT),
        deps=[dg.AssetKey(key) for key in tables],
        group_name="publishing",
        description="The DuckDB file and Parquet copies that SQL consumers open; replaced atomically.",
        pool="warehouse",
    )
    def _snapshot(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        # Once more, so that the checks of the published tables themselves are in the file.
        _record_checks(context, warehouse, expected)
        written = warehouse.when_free(
            lambda: write_snapshot(warehouse.path, tables, file=file, parquet=parquet)
        )
        return dg.MaterializeResult(
            metadata={
                "file": dg.MetadataValue.path(str(written.file)),
                "parquet": dg.MetadataValue.path(str(written.parquet)),
                "tables": dg.MetadataValue.table(
                    [
                        dg.TableRecord({"table": f"published.{name}", "rows": rows})
                        for name, rows in written.rows.items()
                    ]
                ),
                "dagster/row_count": sum(written.rows.values()),
            }
        )

    return _snapshot


def _record_checks(
    context: dg.AssetExecutionContext, warehouse: Warehouse, expected: Sequence[dg.AssetCheckKey]
) -> dict[str, int]:
    rows = ledger_rows(
        _results(context.instance, expected),
        [(key.asset_key.to_user_string(), key.name) for key in expected],
        run_id=context.run.run_id,
        as_of=context.run.tags.get(PARTITION_TAG),
    )
    warehouse.replace(CHECKS, rows)
    mine = rows.loc[rows["run_id"] == context.run.run_id, "status"].value_counts()
    return {
        "dagster/row_count": len(rows),
        **{f"checks_{status}": int(count) for status, count in mine.items()},
    }


def _results(instance: DagsterInstance, checks: Iterable[dg.AssetCheckKey]) -> Iterator[CheckResult]:
    as_of: dict[str, str | None] = {}
    for key in checks:
        for record in instance.event_log_storage.get_asset_check_execution_history(key, REMEMBERED_RESULTS):
            if record.run_id not in as_of:
                run = instance.get_run_by_id(record.run_id)
                as_of[record.run_id] = run.tags.get(PARTITION_TAG) if run else None
            # A check that was planned and never ran has a record too, without an evaluation.
            if isinstance(record.evaluation, dg.AssetCheckEvaluation):
                yield _result(record, record.evaluation, as_of[record.run_id])


def _result(
    record: AssetCheckExecutionRecord, evaluation: dg.AssetCheckEvaluation, as_of: str | None
) -> CheckResult:
    numbers = {
        name: float(value.value)
        for name, value in evaluation.metadata.items()
        if isinstance(value, dg.FloatMetadataValue | dg.IntMetadataValue) and value.value is not None
    }
    return CheckResult(
        check_name=evaluation.check_name,
        asset=evaluation.asset_key.to_user_string(),
        as_of_date=as_of,
        severity="error" if evaluation.severity == dg.AssetCheckSeverity.ERROR else "warning",
        status="passed" if evaluation.passed else "failed",
        value=numbers.get("value"),
        threshold=numbers.get("threshold"),
        reason=evaluation.description or "",
        run_id=record.run_id,
        checked_at=datetime.fromtimestamp(record.create_timestamp, tz=UTC).replace(tzinfo=None),
    )
