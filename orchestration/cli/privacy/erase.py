"""Erase customers: ``make erase CUSTOMER=…``; interrupted erasures are completed as well."""

import sys
import time
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from assets.ingest.config.business import BusinessConfig
from assets.ports import Vault, Warehouse
from assets.privacy.erasure.erase import PENDING, Erased, ErasureScope, erase
from assets.publishing.snapshot import write_snapshot
from orchestration.capabilities import published_tables
from orchestration.cli.session import Session, UsageError, command
from orchestration.resources.vault_keys import vault_of
from orchestration.settings import Settings, SubjectOptions

RUN_ID = "erase"
# First line of the file of erasure requests.
HEADER = "customer_id"


@command
def main() -> int:
    """Erase the named customers and those in the file of requests; returns the exit code.

    Raises:
        UsageError: If nobody is named or requested; ``command`` prints it.
    """
    named = SubjectOptions().ids
    started, session = time.monotonic(), Session.open(Settings())
    session.require_warehouse()
    settings, vault = session.settings, vault_of(session.settings, session.business)
    with session.locked(RUN_ID):
        done = erase_requested(settings, session.business, session.warehouse, vault, named=named)
    if done is None:
        raise UsageError(
            "name the customer: make erase CUSTOMER=…, or write ids below the line customer_id into "
            f"{settings.erasure_requests_file}"
        )
    sys.stdout.write(f"{report(done)}, {time.monotonic() - started:,.0f} s\n")
    return 0


def report(done: Erased) -> str:
    """Describe a completed erasure."""
    return (
        f"{done.people:,} erased: {done.rows_removed:,} rows of tables, {done.values_forgotten:,} values "
        f"of the vault; nothing found in {done.files_searched:,} files, {done.bytes_searched:,} bytes"
    )


def erase_requested(
    settings: Settings,
    business: BusinessConfig,
    warehouse: Warehouse,
    vault: Vault,
    *,
    named: Collection[str] = (),
) -> Erased | None:
    """Erase ``named``, the customers in the file of requests, and those of interrupted erasures.

    Args:
        settings: Paths of the business.
        business: Its configuration.
        warehouse: Its tables.
        vault: Its personal values and its suppression list.
        named: Ids of customers, as delivered or as published.

    Returns:
        The counts; ``None`` if there is nobody to erase.
    """
    requests = settings.erasure_requests_file
    requested = read_requests(requests)
    if not named and not requested and not vault.customers_of(PENDING):
        return None
    done = erase(erasure_scope(settings, business, warehouse, vault), [*named, *requested])
    remove_requests(requests, requested)
    return done


def erasure_scope(
    settings: Settings, business: BusinessConfig, warehouse: Warehouse, vault: Vault
) -> ErasureScope:
    """Return every place that may hold data of a person, for one business.

    Args:
        settings: Paths of the business.
        business: Its configuration.
        warehouse: Its tables.
        vault: Its personal values.
    """
    requests, keys = settings.erasure_requests_file, settings.simulated_key_file.parent

    def publish_again() -> None:
        if settings.snapshot_file.exists():
            tables = [key for key in published_tables() if warehouse.exists(key)]
            warehouse.when_free(
                lambda: write_snapshot(
                    warehouse.path,
                    tables,
                    file=settings.snapshot_file,
                    parquet=settings.parquet_dir,
                    readers=business.published_readers,
                )
            )

    return ErasureScope(
        business=business,
        warehouse=warehouse,
        vault=vault,
        folders=[settings.folder, Path(dg.DagsterInstance.get().root_directory)],
        beside=[settings.vault_file, settings.truth_dir, requests, keys],
        publish_again=publish_again,
        now=lambda: datetime.now(tz=UTC).replace(tzinfo=None),
    )


def read_requests(file: Path) -> list[str]:
    """Read the ids in a file of requests, one per line below ``customer_id``; none if it is missing."""
    if not file.exists():
        return []
    lines = (line.strip().strip('"') for line in file.read_text(encoding="utf-8-sig").splitlines())
    return [line for line in lines if line and line != HEADER]


def remove_requests(file: Path, done: Collection[str]) -> None:
    """Remove ``done`` from a file of requests, and delete the file when no request is left."""
    left = [each for each in read_requests(file) if each not in set(done)]
    if left:
        file.write_text("\n".join([HEADER, *left, ""]), encoding="utf-8")
    else:
        file.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
