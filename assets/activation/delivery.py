"""Export an audience as one file of hashes per destination, with one row each in the export log."""

import csv
import hashlib
import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd

from assets.activation.audience import CAPPED, HELD_OUT, NAME, NO_CONSENT
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
# Destination of the plain list of ids.
IDS = "ids"
# Names of the two columns at each destination.
HEADERS: Mapping[Destination, tuple[str, str]] = {"google": ("Email", "Phone"), "meta": ("email", "phone")}


class NothingToDeliver(Exception):
    """No customer may be contacted or none has an identifier; the message states the reason."""


def latest_audience(warehouse: Warehouse, name: str) -> pd.DataFrame:
    """Read an audience of the newest known as-of date; an older one would miss newer withdrawals.

    Raises:
        NothingToDeliver: when there is no audience, or no member in it.
    """
    if not warehouse.exists(AUDIENCES):
        raise NothingToDeliver("there is no audience yet: launch predict_and_publish first")
    rows = warehouse.read(
        f"select * from {AUDIENCES.sql} "
        f"where as_of_date = (select max(as_of_date) from {ELIGIBILITY.sql}) and audience = $name "
        "order by rank",
        {"name": name},
    )
    if rows.empty:
        raise NothingToDeliver(
            f"the newest as-of date has nobody in the audience {name}: no customer matches its rule, or the "
            "scores were withheld or are missing; launch score"
        )
    reasons = rows["suppress_reason"]
    if reasons.notna().all():
        counts = ", ".join(f"{count:,} {reason}" for reason, count in reasons.value_counts().items())
        raise NothingToDeliver(
            f"none of the {len(rows):,} candidates of {name} may be contacted ({counts}): {_remedy(rows)}"
        )
    return rows


def _remedy(rows: pd.DataFrame) -> str:
    """What lets somebody be contacted, when nobody may."""
    if (rows["suppress_reason"] == NO_CONSENT).any():
        return (
            "advertising needs the consent of each customer, and no answer is none: add a source with "
            "`table: consents` and answers to the purpose `advertising` to the YAML"
        )
    return "all are in the holdout: lower `holdout: share` in the YAML"


def deliver(  # noqa: PLR0913 - where from, who, where to, when and whether
    warehouse: Warehouse,
    contacts: Contacts | None,
    *,
    folder: Path,
    now: datetime,
    is_dry_run: bool,
    name: str = NAME,
    with_ids: bool = True,
) -> pd.DataFrame:
    """Write one of the newest audiences for every destination below ``folder``, unless it is a dry run.

    Nothing is sent over a network; a person uploads the files. The destination ``ids`` is a list of customer
    ids in order of rank, for a tool that knows the business's own ids, such as one for e-mail.

    Args:
        warehouse: Where the audience is read and the export log is written.
        contacts: Source of e-mail addresses and telephone numbers; without any there are no hashed files.
        folder: Folder of the files; created with mode 0700.
        now: Time of the export, naive UTC.
        is_dry_run: Whether to write only the rows of the export log.
        name: The audience.
        with_ids: Whether to write ids; tokens, which stand for ids, are of no use outside.

    Returns:
        The rows added to ``ml.audience_exports``.

    Raises:
        NothingToDeliver: when no customer may be contacted, or no member has an address or number.
    """
    rows = latest_audience(warehouse, name)
    members = rows.loc[rows["suppress_reason"].isna(), ["customer_id"]]
    known = _with_contacts(warehouse, contacts, members)
    reachable = bool(known[["email", "phone"]].notna().any(axis=None))
    if not (reachable or with_ids):
        raise NothingToDeliver(f"none of the {len(members):,} members has an address or number in the vault")
    as_of = pd.Timestamp(rows["as_of_date"].iloc[0]).date()
    shared = {"audience": name, "as_of_date": as_of, "sent_at": now, "dry_run": is_dry_run, **_counts(rows)}
    files: dict[str, tuple[bytes, int]] = {each: file_for(each, known) for each in DESTINATIONS if reachable}
    if with_ids:
        files[IDS] = id_file(members)
    exports = []
    for destination, (content, written) in files.items():
        file_name = f"{name}_{as_of}_{destination}.csv"
        if not is_dry_run:
            _write(folder, file_name, content)
        exports.append(
            shared | _export_row(destination, file_name, content, members=len(members), written=written)
        )
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


def id_file(members: pd.DataFrame) -> tuple[bytes, int]:
    """Build the CSV file of the ids of ``members`` (n, k), in their order, and its number of rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["customer_id"])
    writer.writerows([escape_formula(str(each))] for each in members["customer_id"])
    return text.getvalue().encode(), len(members)


def _with_contacts(warehouse: Warehouse, contacts: Contacts | None, members: pd.DataFrame) -> pd.DataFrame:
    """``members`` with ``email``, ``phone`` and ``country``, null where unknown."""
    ids = list(members["customer_id"])
    if contacts is None:
        return members.assign(email=None, phone=None, country=None)
    known = members.merge(contacts.read(ids), on="customer_id", how="left")
    return known.merge(_countries(warehouse, ids), on="customer_id", how="left")


def _countries(warehouse: Warehouse, customer_ids: list[str]) -> pd.DataFrame:
    """``customer_id`` and ``country`` of the customers, as delivered."""
    if not warehouse.exists(CUSTOMERS):
        return pd.DataFrame({"customer_id": [], "country": []}, dtype="string")
    return warehouse.read(
        f"select customer_id, country from {CUSTOMERS.sql} where list_contains($ids, customer_id)",
        {"ids": customer_ids},
    )


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    """Candidates of an audience, and those left out by reason."""
    counts = rows["suppress_reason"].value_counts()
    return {
        "audience_candidates": len(rows),
        **{column: int(counts.get(reason, 0)) for column, reason in SUPPRESSED.items()},
    }


def _export_row(
    destination: str, file_name: str, content: bytes, *, members: int, written: int
) -> dict[str, object]:
    return {
        "destination": destination,
        "without_identifier": members - written,
        "written": written,
        "file_name": file_name,
        "file_sha256": hashlib.sha256(content).hexdigest(),
    }


def _write(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / name).write_bytes(content)
