"""Export an audience as one file of hashes per destination, with one row each in the export log."""

import csv
import hashlib
import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd

from assets.activation.audience import CAPPED, HELD_OUT, NO_CONSENT
from assets.activation.identifiers import (
    DESTINATIONS,
    Destination,
    escape_formula,
    normalise_email,
    normalise_phone,
    sha256_hex,
)
from assets.activation.tables import AUDIENCE_EXPORTS, AUDIENCES, EXPORT_TYPES
from assets.features.customers import ELIGIBILITY
from assets.keys import Key
from assets.lifecycle.store.schemas import typed
from assets.ports import Contacts, Warehouse

# Column of ``ml.audience_exports`` that counts each reason.
SUPPRESSED: Mapping[str, str] = {"no_consent": NO_CONSENT, "held_out": HELD_OUT, "over_cap": CAPPED}
CUSTOMERS = Key("marts", "dim_customer")
# Names of the two columns at each destination.
HEADERS: Mapping[Destination, tuple[str, str]] = {"google": ("Email", "Phone"), "meta": ("email", "phone")}


class NothingToDeliver(Exception):
    """No customer may be contacted or none has an identifier; the message states the reason."""


def latest_audience(warehouse: Warehouse) -> pd.DataFrame:
    """Read the audience of the newest known as-of date; an older one would miss newer withdrawals.

    Raises:
        NothingToDeliver: when there is no audience, or no member in it.
    """
    if not warehouse.exists(AUDIENCES):
        raise NothingToDeliver("there is no audience yet: launch predict_and_publish first")
    rows = warehouse.read(
        f"select * from {AUDIENCES.sql} "
        f"where as_of_date = (select max(as_of_date) from {ELIGIBILITY.sql}) order by rank"
    )
    if rows.empty:
        raise NothingToDeliver(
            "the newest as-of date has no audience: its scores were withheld or are missing; launch score"
        )
    reasons = rows["suppress_reason"]
    if reasons.notna().all():
        counts = ", ".join(f"{count:,} {reason}" for reason, count in reasons.value_counts().items())
        raise NothingToDeliver(
            f"none of the {len(rows):,} best customers may be contacted ({counts}): a business that records "
            "no consent to advertising has no audience"
        )
    return rows


def deliver(
    warehouse: Warehouse, contacts: Contacts, *, folder: Path, now: datetime, is_dry_run: bool
) -> pd.DataFrame:
    """Write the newest audience for every destination below ``folder``, unless it is a dry run.

    Nothing is sent over a network; a person uploads the files.

    Args:
        warehouse: Where the audience is read and the export log is written.
        contacts: Source of e-mail addresses and telephone numbers.
        folder: Folder of the files; created with mode 0700.
        now: Time of the export, naive UTC.
        is_dry_run: Whether to write only the rows of the export log.

    Returns:
        The rows added to ``ml.audience_exports``.

    Raises:
        NothingToDeliver: when no customer may be contacted, or no member has an address or number.
    """
    rows = latest_audience(warehouse)
    members = rows.loc[rows["suppress_reason"].isna(), ["customer_id"]]
    known = members.merge(contacts.read(list(members["customer_id"])), on="customer_id", how="left")
    known = known.merge(_countries(warehouse, list(members["customer_id"])), on="customer_id", how="left")
    if known[["email", "phone"]].isna().all(axis=None):
        raise NothingToDeliver(f"none of the {len(members):,} members has an address or number in the vault")
    as_of, audience = pd.Timestamp(rows["as_of_date"].iloc[0]).date(), str(rows["audience"].iloc[0])
    counts = rows["suppress_reason"].value_counts()
    shared = {
        "audience": audience,
        "as_of_date": as_of,
        "sent_at": now,
        "dry_run": is_dry_run,
        "audience_candidates": len(rows),
        **{column: int(counts.get(reason, 0)) for column, reason in SUPPRESSED.items()},
    }
    target = None if is_dry_run else folder
    exports = [
        shared | _export_row(known, each, name=f"{audience}_{as_of}_{each}.csv", folder=target)
        for each in DESTINATIONS
    ]
    ledger = typed(exports, EXPORT_TYPES)
    warehouse.append(AUDIENCE_EXPORTS, ledger)
    return ledger


def file_for(destination: Destination, known: pd.DataFrame) -> tuple[bytes, int]:
    """Build the CSV file of one destination.

    The file holds hashes only, without ids that the destination could join.

    Args:
        destination: Decides header and normalisation.
        known: One row per member with ``email``, ``phone`` and ``country``, null where unknown.

    Returns:
        The file's bytes and its number of rows. Members without a valid address or number have no row.
    """
    people = (
        [text if isinstance(text, str) else None for text in row]
        for row in known[["email", "phone", "country"]].itertuples(index=False)
    )
    pairs = [
        (
            sha256_hex(normalise_email(destination, email)),
            sha256_hex(normalise_phone(destination, phone, country)),
        )
        for email, phone, country in people
    ]
    # Sorted by hash, so that the order of rows does not reveal the rank.
    cells = sorted(pair for pair in pairs if any(pair))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADERS[destination])
    writer.writerows([escape_formula(cell) for cell in row] for row in cells)
    return text.getvalue().encode(), len(cells)


def _countries(warehouse: Warehouse, customer_ids: list[str]) -> pd.DataFrame:
    """``customer_id`` and ``country`` of the customers, as delivered."""
    if not warehouse.exists(CUSTOMERS):
        return pd.DataFrame({"customer_id": [], "country": []}, dtype="string")
    return warehouse.read(
        f"select customer_id, country from {CUSTOMERS.sql} where list_contains($ids, customer_id)",
        {"ids": customer_ids},
    )


def _export_row(
    known: pd.DataFrame, destination: Destination, *, name: str, folder: Path | None
) -> dict[str, object]:
    content, written = file_for(destination, known)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / name).write_bytes(content)
    return {
        "destination": destination,
        "without_identifier": len(known) - written,
        "written": written,
        "file_name": name,
        "file_sha256": hashlib.sha256(content).hexdigest(),
    }
