"""Assets of publishing: retention, the ledger of check results and the published files."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pandas as pd
from dagster import DagsterInstance
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord

from assets.defs import PARTITION_TAG
from assets.keys import CHECKS, Key
from assets.lifecycle.defs import shown
from assets.ports import ModelStore, Warehouse
from assets.publishing.ledger import CheckResult, ledger_rows
from assets.publishing.pages.write import INDEX, Site, page_writer
from assets.publishing.retention import RETENTION_LOG, Retention, delete_old
from assets.publishing.snapshot import PARQUET, REPORTS, SNAPSHOT_FILE, Readers, write_snapshot

# Results read per check, so that a failed run is also listed after the next successful one.
RESULTS_PER_CHECK = 10
SNAPSHOT = Key("consumers", "snapshot")


def ledger_asset(
    after: Iterable[Key],
    expected: Sequence[dg.AssetCheckKey],
    *,
    partitions: dg.PartitionsDefinition[str],
) -> dg.AssetsDefinition:
    """Asset ``ml.checks``: the result of every expected check.

    Args:
        after: Assets to materialise before.
        expected: Every check that the code defines.
        partitions: The as-of dates.
    """

    @dg.asset(
        key=dg.AssetKey(CHECKS),
        deps=[dg.AssetKey(key) for key in after],
        # One table, but the job `publish` can be launched for an as-of date only with a partitioned asset.
        partitions_def=partitions,
        group_name="publishing",
        description="One row per run and expected check: passed, failed or not run, and the reason.",
        pool="warehouse",
    )
    def _ledger(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata=_record_checks(context, warehouse, expected))

    return _ledger


def snapshot_asset(
    tables: tuple[Key, ...],
    expected: Sequence[dg.AssetCheckKey],
    *,
    published: Path,
    readers: Readers,
    site: Site,
) -> dg.AssetsDefinition:
    """Asset of the published files, replaced in one step once every published table passed its checks.

    Args:
        tables: Published tables to copy.
        expected: Every check that the code defines.
        published: Folder of the DuckDB file and the Parquet copies.
        readers: Accounts that may read them.
        site: What the pages show.
    """

    @dg.asset(
        key=dg.AssetKey(SNAPSHOT),
        deps=[dg.AssetKey(key) for key in tables],
        group_name="publishing",
        description="DuckDB file and Parquet copies for SQL consumers, and pages; replaced together.",
        pool="warehouse",
    )
    def _snapshot(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        # Recorded again, to include the checks of the published tables themselves.
        _record_checks(context, warehouse, expected)
        written = warehouse.when_free(
            lambda: write_snapshot(
                warehouse.path,
                tables,
                published=published,
                readers=readers,
                write_pages=page_writer(site, warehouse=warehouse.path),
            )
        )
        return dg.MaterializeResult(
            metadata=shown(
                {
                    "file": dg.MetadataValue.path(str(published / SNAPSHOT_FILE)),
                    "page": dg.MetadataValue.path(str(published / REPORTS / INDEX)),
                    "parquet": dg.MetadataValue.path(str(published / PARQUET)),
                    "tables": pd.DataFrame({"table": list(written), "rows": list(written.values())}),
                    "dagster/row_count": sum(written.values()),
                }
            )
        )

    return _snapshot


def retention_asset(
    after: Iterable[Key], kept: Retention, *, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Asset ``ml.retention_log``: deletes what is no longer kept, before the tables are published.

    Args:
        after: Assets to materialise before.
        kept: What the business keeps.
        partitions: The as-of dates.
    """

    @dg.asset(
        key=dg.AssetKey(RETENTION_LOG),
        deps=[dg.AssetKey(key) for key in after],
        partitions_def=partitions,
        group_name="publishing",
        description="What was deleted because the business no longer keeps it: one row per run and place.",
        pool="warehouse",
    )
    def _retention(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        models: dg.ResourceParam[ModelStore],
    ) -> dg.MaterializeResult[None]:
        now = datetime.now(tz=UTC).replace(tzinfo=None)
        gone = delete_old(warehouse, models, kept=kept, run_id=context.run.run_id, now=now)
        for row in gone.to_dict("records"):
            older = f", older than {row['before_date']}" if pd.notna(row["before_date"]) else ""
            context.log.warning(f"no longer kept: deleted {row['deleted']:,} of {row['place']}{older}")
        return dg.MaterializeResult(metadata=shown({"dagster/row_count": len(gone), "deleted": gone}))

    return _retention


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
        for record in instance.event_log_storage.get_asset_check_execution_history(key, RESULTS_PER_CHECK):
            if record.run_id not in as_of:
                run = instance.get_run_by_id(record.run_id)
                as_of[record.run_id] = run.tags.get(PARTITION_TAG) if run else None
            # A check that was planned and did not run has a record without an evaluation.
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
