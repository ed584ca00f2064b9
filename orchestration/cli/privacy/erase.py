"""Somebody is erased at the terminal: ``make erase CUSTOMER=…``; what was begun and killed is ended too."""

import argparse
import sys
import time
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from assets.ingest.config.business import BusinessConfig, BusinessInvalid
from assets.ports import Vault, Warehouse
from assets.privacy.encryption import DecryptionFailed
from assets.privacy.erasure.erase import PENDING, Erased, ErasureIncomplete, ErasureScope, erase
from assets.privacy.vault_key import VaultKeyRefused
from assets.publishing.snapshot import write_snapshot
from orchestration.capabilities import published_tables
from orchestration.policies import LONGEST_RUN
from orchestration.resources.locks import ResourceLocked, run_lock
from orchestration.resources.vault_keys import vault_of
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings

RUN_ID = "erase"
# The first line of a file of requests.
HEADER = "customer_id"


def main(arguments: list[str]) -> int:
    """Erase the named customers, else those in the file of requests; returns the process's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customer", default="", help="one id, or several with commas between")
    asked = parser.parse_args(arguments).customer
    settings, started = Settings(), time.monotonic()
    named = [each.strip() for each in asked.split(",") if each.strip()]
    if not settings.warehouse_file.exists():
        sys.stderr.write(f"{settings.warehouse_file} is not there: nothing is held about anybody\n")
        return 1
    try:
        business, warehouse = settings.load_business(), DuckDBWarehouse(database=str(settings.warehouse_file))
        erasing = Erasing(settings, business, warehouse, vault_of(settings, business))
        with run_lock(warehouse.lock_file, run_id=RUN_ID, timeout=LONGEST_RUN, log=print):
            done = erasing.all_of(named)
    except (BusinessInvalid, VaultKeyRefused, DecryptionFailed, ErasureIncomplete, ResourceLocked) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    if done is None:
        sys.stderr.write("say who: make erase CUSTOMER=…, or write ids below customer_id into ")
        sys.stderr.write(f"{settings.erasure_requests_file}\n")
        return 2
    sys.stdout.write(f"{told(done)}, {time.monotonic() - started:,.0f} s\n")
    return 0


def told(done: Erased) -> str:
    """What was done, in words."""
    return (
        f"{done.people:,} erased: {done.rows_removed:,} rows of tables, {done.values_forgotten:,} values "
        f"of the vault; nothing found in {done.files_searched:,} files, {done.bytes_searched:,} bytes"
    )


class Erasing:
    """Where one business keeps what it knows of people, and who of them asked to go."""

    def __init__(
        self, settings: Settings, business: BusinessConfig, warehouse: Warehouse, vault: Vault
    ) -> None:
        self._settings = settings
        self._premises = premises_of(settings, business, warehouse, vault)

    def all_of(self, named: Collection[str]) -> Erased | None:
        """Erase ``named``, whoever is in the file of requests, and whoever was begun; ``None``: nobody is."""
        requests = self._settings.erasure_requests_file
        asked = requested(requests)
        if not named and not asked and not self._premises.vault.customers_of(PENDING):
            return None
        done = erase(self._premises, [*named, *asked])
        answer(requests, asked)
        return done


def premises_of(
    settings: Settings, business: BusinessConfig, warehouse: Warehouse, vault: Vault
) -> ErasureScope:
    """Everywhere that something of a person may lie, for one business."""
    requests, keys = settings.erasure_requests_file, settings.simulated_key_file.parent

    def publish_again() -> None:
        if settings.snapshot_file.exists():
            tables = [key for key in published_tables() if warehouse.exists(key)]
            warehouse.when_free(
                lambda: write_snapshot(
                    warehouse.path, tables, file=settings.snapshot_file, parquet=settings.parquet_dir
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


def requested(file: Path) -> list[str]:
    """The ids in a file of requests, one a line below ``customer_id``; none when it is not there."""
    if not file.exists():
        return []
    lines = (line.strip().strip('"') for line in file.read_text(encoding="utf-8-sig").splitlines())
    return [line for line in lines if line and line != HEADER]


def answer(file: Path, done: Collection[str]) -> None:
    """Take ``done`` out of a file of requests, and the file away when nobody is left in it."""
    left = [each for each in requested(file) if each not in set(done)]
    if left:
        file.write_text("\n".join([HEADER, *left, ""]), encoding="utf-8")
    else:
        file.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
