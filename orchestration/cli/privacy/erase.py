"""Erase customers: ``make erase CUSTOMER=…``; interrupted erasures are completed as well."""

import csv
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from assets.ingest.config.business import BusinessConfig
from assets.ports import Vault, Warehouse
from assets.privacy.erasure.erase import PENDING, Erased, erase
from assets.privacy.erasure.scope import ErasureScope
from assets.privacy.known_ids import UnknownCustomers, known_ids
from assets.publishing.pages.write import page_writer
from assets.publishing.snapshot import write_snapshot
from orchestration.capabilities import published_tables
from orchestration.cli.session import Session, UsageError, command
from orchestration.resources.home import searched_folders
from orchestration.resources.vault_keys import vault_of
from orchestration.settings import Settings, SubjectOptions
from orchestration.site import site_of

RUN_ID = "erase"
# First line of the file of erasure requests.
HEADER = "customer_id"


class EraseOptions(SubjectOptions):
    """Whom to erase, and whether ids that nothing knows are recorded as well."""

    force: Literal["yes", "no"] = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Ids that a person gave, as delivered or as published, and whether unknown ones are recorded."""

    ids: tuple[str, ...] = ()
    is_forced: bool = False


NOBODY = Named()


@command
def main() -> int:
    """Erase the named customers and those in the file of requests; returns the exit code.

    Raises:
        UsageError: If nobody is named or requested; ``command`` prints it.
    """
    options, started = EraseOptions(), time.monotonic()
    named, session = Named(ids=options.ids, is_forced=options.force == "yes"), Session.open(Settings())
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
        f"{done.known:,} of {done.asked:,} asked were known; "
        f"{done.people:,} erased: {done.rows_removed:,} rows of tables, {done.values_forgotten:,} values "
        f"of the vault; nothing found in {done.files_searched:,} files, "
        f"{done.bytes_searched:,} bytes{done.remarks}"
    )


def erase_requested(
    settings: Settings, business: BusinessConfig, warehouse: Warehouse, vault: Vault, *, named: Named = NOBODY
) -> Erased | None:
    """Erase ``named``, the customers in the file of requests, and those of interrupted erasures.

    Args:
        settings: Paths of the business.
        business: Its configuration.
        warehouse: Its tables.
        vault: Its personal values and its suppression list.
        named: Whom a person named.

    Returns:
        The counts; ``None`` if there is nobody to erase.

    Raises:
        UnknownCustomers: If nothing knows some of the ids; the known ones have been erased.
    """
    file = settings.erasure_requests_file
    asked = {each: f"line {number} of {file}" for each, number in read_requests(file).items()}
    asked |= {each: f"line {number} of CUSTOMER" for number, each in enumerate(named.ids, 1)}
    if not asked and not vault.customers_of(PENDING):
        return None
    known = known_ids(asked, business=business, warehouse=warehouse, vault=vault)
    accepted = [each for each in asked if named.is_forced or each in known]
    done = erase(_scope(settings, business, warehouse, vault), accepted)
    done = replace(done, asked=len(asked), known=len(known))
    remove_requests(file, accepted)
    refused = [place for each, place in asked.items() if each not in accepted]
    if refused:
        raise UnknownCustomers(
            f"{report(done)}. Refused, because no table, no file and not the vault knows the ids: "
            f"{', '.join(refused)}. Correct them, or record them with make erase FORCE=yes"
        )
    return done


def _scope(settings: Settings, business: BusinessConfig, warehouse: Warehouse, vault: Vault) -> ErasureScope:
    def publish_again() -> None:
        if settings.snapshot_file.exists():
            tables = [key for key in published_tables() if warehouse.exists(key)]
            warehouse.when_free(
                lambda: write_snapshot(
                    warehouse.path,
                    tables,
                    published=settings.published_dir,
                    readers=business.published_readers,
                    # The run before holds the erased.
                    kept_runs=1,
                    write_pages=page_writer(site_of(settings, business), warehouse=warehouse.path),
                )
            )

    return ErasureScope(
        business=business,
        warehouse=warehouse,
        vault=vault,
        folders=searched_folders(settings),
        beside=[
            settings.truth_dir,
            settings.erasure_requests_file,
            settings.simulated_key_file.parent,
        ],
        publish_again=publish_again,
        now=lambda: datetime.now(tz=UTC).replace(tzinfo=None),
    )


def read_requests(file: Path) -> dict[str, int]:
    """Read a file of requests, one id per line below ``customer_id``: each id with the number of its line."""
    lines = file.read_bytes().split(b"\n") if file.exists() else []
    return {each: number for number, line in enumerate(lines, 1) if (each := _id_in(line))}


def remove_requests(file: Path, done: Collection[str]) -> None:
    """Remove ``done`` from a file of requests, and delete the file when no request is left."""
    lines = file.read_bytes().split(b"\n") if file.exists() else []
    left = [line for line in lines if _id_in(line) not in done]
    if not any(map(_id_in, left)):
        file.unlink(missing_ok=True)
    elif left != lines:
        file.write_bytes(b"\n".join(left))


def _id_in(line: bytes) -> str:
    """Return the id in a line, which may be quoted as in CSV; empty for the header and a blank line."""
    text = line.decode("utf-8-sig", "replace").strip()
    if text.startswith('"') and text.endswith('"'):
        # Anything else that is not one cell is an id as it stands.
        with suppress(csv.Error, ValueError):
            (text,) = next(csv.reader([text], strict=True))
    return "" if text.lower() == HEADER else text


if __name__ == "__main__":
    sys.exit(main())
