"""Somebody is erased from tables, files, snapshot and vault; what is left is a proof without their name."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from assets.ingest.config.business import BusinessConfig
from assets.ingest.loading.pseudonyms import DELIVERED_IDS, names_of, refuse_mixture
from assets.ports import PersonalValue, Vault, Warehouse
from assets.privacy.erasure.compact import compact_database
from assets.privacy.erasure.rows_sql import erase_rows, finish, log_values, others_named_alike, visitors_of
from assets.privacy.pii_scan import scan
from assets.privacy.redaction.redact_exports import redact_exports

# What the vault calls those whose erasure has begun and not ended; no source can have a blank in its name.
PENDING = "erasure requests"
REQUESTED_AT = "requested_at"
# A shorter id, or one of digits only, is in any file by chance.
TELLING_LENGTH = 6
MANY_VALUES = 1_000_000


class ErasureIncomplete(Exception):
    """Something of an erased person was still found; the words name the files and never the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureScope:
    """Everywhere that something of a person may lie.

    Attributes:
        folders: Searched at the end, every file of them.
        beside: Left out of that: the vault, which is searched by itself, and a simulation's own truth.
        publish_again: Makes the snapshot and its Parquet copies anew from the warehouse.
        now: The instant, naive UTC.
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
    """What was done: people, rows of tables, files that were searched afterwards and their bytes."""

    people: int
    rows_removed: int
    values_forgotten: int
    files_searched: int
    bytes_searched: int


def erase(premises: ErasureScope, customer_ids: Collection[str]) -> Erased:
    """Erase ``customer_ids``, as delivered or as published, and whoever an earlier, killed call had begun.

    Every step may be done twice, and who is being erased stays in the vault until the last one is done: a
    kill at any point is mended by the next call. The first step already keeps landing from bringing anybody
    back.

    Raises:
        BusinessInvalid: when the exports are not there, or tables have ids where tokens are asked for.
        VaultKeyRefused: when the key is missing: without it nobody could be kept from coming back.
        ErasureIncomplete: when something was found afterwards; the next call tries again.
    """
    vault = premises.vault
    people = _begin(premises, names_of(premises.business, vault, customer_ids))
    if not people:
        return Erased(people=0, rows_removed=0, values_forgotten=0, files_searched=0, bytes_searched=0)
    requested_at, held = _held(vault, people)
    removed, searchable_values = _removed(premises, people, requested_at=requested_at, held=held)
    forgotten = vault.forget(people, beside=PENDING)
    found = scan(premises.folders, searchable_values | _telling(held), beside=premises.beside)
    if found.hits:
        raise ErasureIncomplete(_left(found.hits))
    tokens = vault.tokens("customer_id", people)
    with premises.warehouse.connect() as connection:
        finish(connection, tokens.values(), finished_at=premises.now())
    vault.forget(people)
    return Erased(
        people=len(people),
        rows_removed=removed,
        values_forgotten=sum(forgotten.values()),
        files_searched=found.files,
        bytes_searched=found.bytes_read,
    )


def _removed(
    premises: ErasureScope,
    people: Collection[str],
    *,
    requested_at: datetime,
    held: Mapping[str, Collection[PersonalValue]],
) -> tuple[int, set[str]]:
    """Take ``people`` out of files, tables and snapshot; how many rows went, and the ids to search for."""
    vault, warehouse = premises.vault, premises.warehouse
    with warehouse.connect() as connection:
        refuse_mixture(connection, premises.business)
        alike = others_named_alike(connection, people)
        visitors = visitors_of(connection, people)
    vault.mark_erased({"customer_id": [*people, *_ids(held)], "visitor_id": visitors})
    redact_exports(premises.business, vault)
    tokens = vault.tokens("customer_id", people)
    with warehouse.connect() as connection:
        removed = erase_rows(connection, tokens, visitors=visitors, requested_at=requested_at)
        log_values(connection, {tokens[each]: len(held[each]) for each in people}, requested_at=requested_at)
    warehouse.when_free(lambda: compact_database(warehouse.path))
    premises.publish_again()
    return removed, {each for each in (*people, *visitors) if _is_telling(each)} - alike


def _begin(premises: ErasureScope, customer_ids: Collection[str]) -> list[str]:
    """Note whom to erase before anything is done; returns everybody whose erasure is not ended."""
    begun = premises.vault.customers_of(PENDING)
    asked = [each for each in dict.fromkeys(customer_ids) if each.strip() and each not in begun]
    if asked:
        rows = pd.DataFrame({"customer_id": asked, REQUESTED_AT: premises.now().isoformat()})
        premises.vault.keep(PENDING, rows)
    return [*begun, *asked]


def _held(vault: Vault, people: Collection[str]) -> tuple[datetime, dict[str, list[PersonalValue]]]:
    """Since when the first of ``people`` waits, and what the vault keeps of each."""
    held: dict[str, list[PersonalValue]] = {each: [] for each in people}
    waiting = []
    for value in vault.values(people, at_most=MANY_VALUES):
        if value.source == PENDING:
            waiting.append(datetime.fromisoformat(value.value))
        else:
            held[value.customer_id].append(value)
    return min(waiting), held


def _ids(held: Mapping[str, Collection[PersonalValue]]) -> list[str]:
    """The ids behind tokens: who goes by a token is refused under the id as well."""
    return [each.value for values in held.values() for each in values if each.source == DELIVERED_IDS]


def _telling(held: Mapping[str, Collection[PersonalValue]]) -> set[str]:
    """What the vault keeps of people that would give them away: addresses, and ids behind tokens."""
    addresses = {each.value for values in held.values() for each in values if "@" in each.value}
    return addresses | {each for each in _ids(held) if _is_telling(each)}


def _is_telling(identifier: str) -> bool:
    return len(identifier) >= TELLING_LENGTH and not identifier.isdecimal()


def _left(hits: Collection[Path]) -> str:
    return (
        f"something of the erased is left in {len(hits)} files: {', '.join(map(str, sorted(hits)))}. Remove "
        "or mend them and call it again: it goes on where it stopped, and landing refuses the erased already"
    )
