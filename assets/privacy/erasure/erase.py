"""Erase people from tables, files, snapshot and vault, and log it without their names."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pandas as pd

from assets.connections import open_duckdb
from assets.ingest.loading.pseudonyms import DELIVERED_IDS, names_of, refuse_mixture
from assets.ingest.parsing.sql import literal, quoted
from assets.keys import PREFIX
from assets.ports import PersonalValue, Vault
from assets.privacy.erasure.proof import prove
from assets.privacy.erasure.rows_sql import erase_rows, longer_ids, mark_finished, visitors_of
from assets.privacy.erasure.scope import ErasureScope
from assets.privacy.redaction.redact_exports import redact_exports
from assets.privacy.written_forms import is_distinctive

# Source name in the vault of unfinished erasures; a configured source cannot have a blank in its name.
PENDING = "erasure requests"
REQUESTED_AT, REQUESTED_ID = "requested_at", "requested_id"
MANY_VALUES = 1_000_000


class ErasureIncomplete(Exception):
    """A value of an erased person was still found; the message names the files and never the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """Result of an erasure: people, removed rows and values, and the extent of the final scan.

    ``remarks`` is a clause about files that could not be searched in full; empty if there are none.
    """

    asked: int = 0
    known: int = 0
    people: int
    rows_removed: int
    values_forgotten: int
    files_searched: int
    bytes_searched: int
    remarks: str = ""


def erase(scope: ErasureScope, customer_ids: Collection[str]) -> Erased:
    """Erase customers, and those whose erasure an earlier, killed call left unfinished.

    Every step is idempotent, and a request stays in the vault, encrypted, until the last step is done, so
    that the next call completes a killed one. From the first step on, loading rejects the erased ids.

    Args:
        scope: Where data of the customers may be.
        customer_ids: Ids as delivered or as published.

    Raises:
        BusinessInvalid: when exports are missing, or tables have ids although tokens are configured.
        VaultKeyRefused: when the key is missing: without it the suppression list cannot be written.
        ErasureIncomplete: when the final scan found a value; the next call tries again.
    """
    requests = _record_requests(scope, customer_ids)
    if not requests:
        return Erased(people=0, rows_removed=0, values_forgotten=0, files_searched=0, bytes_searched=0)
    vault, people = scope.vault, [each.customer_id for each in requests]
    vault_values = _load_vault_values(vault, people)
    with scope.warehouse.connect() as connection:
        refuse_mixture(connection, scope.business)
        ids = {"customer_id": people, "visitor_id": visitors_of(connection, people)}
        inside = longer_ids(connection, [each for some in ids.values() for each in some])
    requested_at = min(each.requested_at for each in requests)
    removed = _remove(scope, ids, requested_at=requested_at, vault_values=vault_values)
    forgotten = vault.forget(people)
    found = prove(scope, ids, addresses=_searched_values(vault_values), inside=inside)
    if found.remains:
        raise ErasureIncomplete(_describe_remains(found.remains, found.remarks))
    _finish(scope, requests)
    return Erased(
        people=len(people),
        rows_removed=removed,
        values_forgotten=sum(forgotten.values()),
        files_searched=found.files,
        bytes_searched=found.bytes_read,
        remarks=found.remarks,
    )


def _finish(scope: ErasureScope, requests: Sequence["_Request"]) -> None:
    tokens = scope.vault.tokens("customer_id", [each.customer_id for each in requests])
    with scope.warehouse.connect() as connection:
        mark_finished(connection, tokens.values(), finished_at=scope.now())
    scope.vault.forget([each.name for each in requests])


def _remove(
    scope: ErasureScope,
    ids: Mapping[str, Collection[str]],
    *,
    requested_at: datetime,
    vault_values: Mapping[str, Collection[PersonalValue]],
) -> int:
    """Remove people from files, tables and snapshot; return the number of rows."""
    vault, warehouse = scope.vault, scope.warehouse
    behind = _ids_behind_tokens(vault_values)
    vault.mark_erased({**ids, "customer_id": [*ids["customer_id"], *behind]})
    redact_exports(scope.business, vault)
    tokens = vault.tokens("customer_id", ids["customer_id"])
    with warehouse.connect() as connection:
        counts = {each: len(values) for each, values in vault_values.items()}
        removed = erase_rows(
            connection, tokens, visitors=ids["visitor_id"], vault_values=counts, requested_at=requested_at
        )
    warehouse.when_free(lambda: compact_database(warehouse.path))
    scope.publish_again()
    return removed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """An unfinished erasure: its name in the vault, the customer's id in the tables, and when it was made."""

    name: str
    customer_id: str
    requested_at: datetime


def _record_requests(scope: ErasureScope, customer_ids: Collection[str]) -> list[_Request]:
    """Store the requests before any step; return all that are unfinished.

    The vault shows the names of its entries, so a request has a token for its name, and its id is encrypted.
    """
    vault, requests = scope.vault, _unfinished(scope)
    known = {each.customer_id for each in requests}
    names = names_of(scope.business, vault, [each for each in customer_ids if each.strip()])
    now = scope.now()
    requests += [
        _Request(name="", customer_id=each, requested_at=now)
        for each in dict.fromkeys(names)
        if each not in known
    ]
    tokens = vault.tokens("customer_id", [each.customer_id for each in requests])
    named = [replace(each, name=f"{PREFIX}{tokens[each.customer_id]}") for each in requests]
    rows = [(each.name, each.customer_id, each.requested_at.isoformat()) for each in named]
    if rows:
        vault.keep(PENDING, pd.DataFrame(rows, columns=["customer_id", REQUESTED_ID, REQUESTED_AT]))
    return named


def _unfinished(scope: ErasureScope) -> list[_Request]:
    """Requests of earlier calls; one of older code has the customer's id for its name."""
    columns: dict[str, dict[str, str]] = {}
    for value in scope.vault.values(scope.vault.customers_of(PENDING), at_most=MANY_VALUES):
        if value.source == PENDING:
            columns.setdefault(value.customer_id, {})[value.column] = value.value
    requests = {}
    for name, found in columns.items():
        (customer_id,) = names_of(scope.business, scope.vault, [found.get(REQUESTED_ID, name)])
        requested_at = datetime.fromisoformat(found[REQUESTED_AT])
        requests[customer_id] = _Request(name=name, customer_id=customer_id, requested_at=requested_at)
    return [*requests.values()]


def _load_vault_values(vault: Vault, people: Collection[str]) -> dict[str, list[PersonalValue]]:
    """Return the vault's values of each customer."""
    vault_values: dict[str, list[PersonalValue]] = {each: [] for each in people}
    for value in vault.values(people, at_most=MANY_VALUES):
        if value.source != PENDING:
            vault_values[value.customer_id].append(value)
    return vault_values


def _ids_behind_tokens(vault_values: Mapping[str, Collection[PersonalValue]]) -> list[str]:
    """Delivered ids behind tokens; the suppression list holds both."""
    return [each.value for values in vault_values.values() for each in values if each.source == DELIVERED_IDS]


def _searched_values(vault_values: Mapping[str, Collection[PersonalValue]]) -> set[str]:
    """Identifying values of the vault to scan for: addresses, and ids behind tokens."""
    addresses = {each.value for values in vault_values.values() for each in values if "@" in each.value}
    return addresses | {each for each in _ids_behind_tokens(vault_values) if is_distinctive(each)}


def _describe_remains(remains: Collection[Path], remarks: str) -> str:
    return (
        f"values of erased people are left in {len(remains)} files: {', '.join(map(str, remains))}. Remove "
        "or correct them and run the erasure again: it continues, and loading already rejects the erased ids"
        f"{remarks}"
    )


def compact_database(file: Path) -> None:
    """Copy the database ``file`` into a new file and replace it in one step.

    DuckDB keeps deleted rows in their blocks, and frees blocks without overwriting them; only a new file
    is free of them. A kill leaves the old file or the new one.

    Raises:
        duckdb.IOException: when another process has it open.
    """
    compacted = file.with_name(f".{file.name}.compacted")
    _delete_database(compacted)
    with open_duckdb(file) as connection:
        connection.execute("checkpoint")
    try:
        with open_duckdb(spill=file.with_name(f".{file.name}.spill")) as connection:
            # Views name their catalog, which is the file's name.
            connection.execute(f"attach {literal(str(file))} as {quoted(file.stem)} (read_only)")
            connection.execute(f"attach {literal(str(compacted))} as compacted")
            connection.execute(f"copy from database {quoted(file.stem)} to compacted")
            connection.execute("detach compacted")
        compacted.replace(file)
    finally:
        _delete_database(compacted)


def _delete_database(file: Path) -> None:
    for each in (file, file.with_name(f"{file.name}.wal")):
        each.unlink(missing_ok=True)
