"""Erase people from tables, files, snapshot and vault, and log it without their names."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from assets.connections import open_duckdb
from assets.ingest.config.business import BusinessConfig
from assets.ingest.loading.pseudonyms import DELIVERED_IDS, names_of, refuse_mixture
from assets.ingest.parsing.sql import literal, quoted
from assets.ports import PersonalValue, Vault, Warehouse
from assets.privacy.erasure.rows_sql import erase_rows, ids_inside_other_ids, mark_finished, visitors_of
from assets.privacy.pii_scan import scan
from assets.privacy.redaction.redact_exports import redact_exports
from assets.privacy.written_forms import is_distinctive

# Source name in the vault of unfinished erasures; a configured source cannot have a blank in its name.
PENDING = "erasure requests"
REQUESTED_AT = "requested_at"
MANY_VALUES = 1_000_000


class ErasureIncomplete(Exception):
    """A value of an erased person was still found; the message names the files and never the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureScope:
    """Every place that may hold data of a person.

    ``folders`` are scanned at the end, without the paths in ``beside``: the vault, whose values are
    encrypted, and a simulation's truth. ``publish_again`` rebuilds the snapshot and its Parquet copies from
    the warehouse; ``now`` returns the current time, naive UTC.
    """

    business: BusinessConfig
    warehouse: Warehouse
    vault: Vault
    folders: Sequence[Path]
    beside: Collection[Path]
    publish_again: Callable[[], object]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """Result of an erasure: people, removed rows and values, and the extent of the final scan."""

    asked: int = 0
    known: int = 0
    people: int
    rows_removed: int
    values_forgotten: int
    files_searched: int
    bytes_searched: int


def erase(scope: ErasureScope, customer_ids: Collection[str]) -> Erased:
    """Erase customers, and those whose erasure an earlier, killed call left unfinished.

    Every step is idempotent, and a request stays in the vault until the last step is done, so that the
    next call completes a killed one. From the first step on, loading rejects the erased ids.

    Args:
        scope: Where data of the customers may be.
        customer_ids: Ids as delivered or as published.

    Raises:
        BusinessInvalid: when exports are missing, or tables have ids although tokens are configured.
        VaultKeyRefused: when the key is missing: without it the suppression list cannot be written.
        ErasureIncomplete: when the final scan found a value; the next call tries again.
    """
    vault = scope.vault
    people = _record_requests(scope, names_of(scope.business, vault, customer_ids))
    if not people:
        return Erased(people=0, rows_removed=0, values_forgotten=0, files_searched=0, bytes_searched=0)
    requested_at, vault_values = _load_vault_values(vault, people)
    removed, searched_ids = _remove(scope, people, requested_at=requested_at, vault_values=vault_values)
    forgotten = vault.forget(people, beside=PENDING)
    found = scan(scope.folders, searched_ids | _searched_values(vault_values), beside=scope.beside)
    if found.hits:
        raise ErasureIncomplete(_describe_remains(found.hits))
    tokens = vault.tokens("customer_id", people)
    with scope.warehouse.connect() as connection:
        mark_finished(connection, tokens.values(), finished_at=scope.now())
    vault.forget(people)
    return Erased(
        people=len(people),
        rows_removed=removed,
        values_forgotten=sum(forgotten.values()),
        files_searched=found.files,
        bytes_searched=found.bytes_read,
    )


def _remove(
    scope: ErasureScope,
    people: Collection[str],
    *,
    requested_at: datetime,
    vault_values: Mapping[str, Collection[PersonalValue]],
) -> tuple[int, set[str]]:
    """Remove ``people`` from files, tables and snapshot; return the number of rows and ids to scan for."""
    vault, warehouse = scope.vault, scope.warehouse
    with warehouse.connect() as connection:
        refuse_mixture(connection, scope.business)
        ambiguous = ids_inside_other_ids(connection, people)
        visitors = visitors_of(connection, people)
    vault.mark_erased({"customer_id": [*people, *_ids_behind_tokens(vault_values)], "visitor_id": visitors})
    redact_exports(scope.business, vault)
    tokens = vault.tokens("customer_id", people)
    with warehouse.connect() as connection:
        counts = {each: len(values) for each, values in vault_values.items()}
        removed = erase_rows(
            connection, tokens, visitors=visitors, vault_values=counts, requested_at=requested_at
        )
    warehouse.when_free(lambda: compact_database(warehouse.path))
    scope.publish_again()
    return removed, {each for each in (*people, *visitors) if is_distinctive(each)} - ambiguous


def _record_requests(scope: ErasureScope, customer_ids: Collection[str]) -> list[str]:
    """Store the requests before any step; return all customers whose erasure is unfinished."""
    unfinished = scope.vault.customers_of(PENDING)
    requested = [each for each in dict.fromkeys(customer_ids) if each.strip() and each not in unfinished]
    if requested:
        rows = pd.DataFrame({"customer_id": requested, REQUESTED_AT: scope.now().isoformat()})
        scope.vault.keep(PENDING, rows)
    return [*unfinished, *requested]


def _load_vault_values(
    vault: Vault, people: Collection[str]
) -> tuple[datetime, dict[str, list[PersonalValue]]]:
    """Return the time of the oldest request, and the vault's values of each customer."""
    vault_values: dict[str, list[PersonalValue]] = {each: [] for each in people}
    waiting = []
    for value in vault.values(people, at_most=MANY_VALUES):
        if value.source == PENDING:
            waiting.append(datetime.fromisoformat(value.value))
        else:
            vault_values[value.customer_id].append(value)
    return min(waiting), vault_values


def _ids_behind_tokens(vault_values: Mapping[str, Collection[PersonalValue]]) -> list[str]:
    """Delivered ids behind tokens; the suppression list holds both."""
    return [each.value for values in vault_values.values() for each in values if each.source == DELIVERED_IDS]


def _searched_values(vault_values: Mapping[str, Collection[PersonalValue]]) -> set[str]:
    """Identifying values of the vault to scan for: addresses, and ids behind tokens."""
    addresses = {each.value for values in vault_values.values() for each in values if "@" in each.value}
    return addresses | {each for each in _ids_behind_tokens(vault_values) if is_distinctive(each)}


def _describe_remains(hits: Collection[Path]) -> str:
    return (
        f"values of erased people are left in {len(hits)} files: {', '.join(map(str, sorted(hits)))}. Remove "
        "or correct them and run the erasure again: it continues, and loading already rejects the erased ids"
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
