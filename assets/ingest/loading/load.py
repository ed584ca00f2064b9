"""Landing: every delivered row ends in a raw table or, with a reason, in the rejects."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import duckdb

from assets.ingest.config.business import BusinessConfig, BusinessInvalid
from assets.ingest.config.contract import Contract
from assets.ingest.config.contracts import CONTRACTS
from assets.ingest.loading.mapping import all_expressions
from assets.ingest.loading.pseudonyms import refuse_mixture
from assets.ingest.loading.rejection_reasons import REMEDY
from assets.ingest.loading.scratch import Mappings, anteroom, arrive
from assets.ingest.loading.write_raw import delivers_again, make_empty, store
from assets.ingest.parsing.files import SourceFile, fingerprint, resolved_files
from assets.ingest.parsing.sql import literal
from assets.keys import LANDINGS, REJECTS
from assets.ports import Vault

_REJECT_COLUMNS = (
    "table_name varchar, source varchar, source_file varchar, source_line bigint, "
    "raw_text varchar, reason varchar"
)
_LANDING_COLUMNS = (
    "source varchar, table_name varchar, source_file varchar, file_fingerprint varchar, "
    "rows_in bigint, rows_loaded bigint, rows_rejected bigint"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRecord:
    """What became of one file; ``file_fingerprint`` is SHA-256 of its bytes and its mapping.

    A file that could not be read at all counts as one row, itself, which was rejected;
    ``quarantine_reason`` then says what is wrong with it, and is ``None`` for every other file.
    """

    source: str
    table_name: str
    source_file: str
    file_fingerprint: str
    rows_in: int
    rows_loaded: int
    rows_rejected: int
    quarantine_reason: str | None = None


_NAMES = ", ".join(field.name for field in fields(LoadRecord))


def load_sources(
    connection: duckdb.DuckDBPyConnection, business: BusinessConfig, vault: Vault | None = None
) -> list[LoadRecord]:
    """Land every source of ``business`` in the caller's transaction; ``vault`` knows who was erased.

    A table whose files and mappings are those of last time is left alone. Where files came after them that
    deliver nothing again, only those are read. Otherwise the table is built anew from all its files, because
    a later delivery may replace orders of an earlier one: the outcome is the same.

    Returns:
        One landing per file, those left alone included.

    Raises:
        BusinessInvalid: when a glob has no file, a mapping is not allowed, no file of a source fits, or
            tokens come after ids.
    """
    refuse_mixture(connection, business)
    with anteroom(connection) as (room, _):
        mappings = all_expressions(room, business.sources)
    connection.execute('create schema if not exists "raw"')
    connection.execute(f"create table if not exists {REJECTS.sql} ({_REJECT_COLUMNS})")
    connection.execute(f"create table if not exists {LANDINGS.sql} ({_LANDING_COLUMNS})")
    # Warehouses of earlier versions lack it.
    connection.execute(f"alter table {LANDINGS.sql} add column if not exists quarantine_reason varchar")
    return [
        landing
        for contract in CONTRACTS.values()
        for landing in _land_table(connection, business, contract=contract, mappings=mappings, vault=vault)
    ]


def recorded_landings(connection: duckdb.DuckDBPyConnection) -> list[LoadRecord]:
    """What ``raw.landings`` holds, in the order of landing."""
    rows = connection.execute(f"select {_NAMES} from {LANDINGS.sql} order by rowid").fetchall()
    return [LoadRecord(**dict(zip(LoadRecord.__slots__, row, strict=True))) for row in rows]


def reconciliation_gaps(landings: Sequence[LoadRecord]) -> list[str]:
    """One sentence per file whose rows are not all accounted for; empty when all is well."""
    return [
        f"{landing.source_file} ({landing.source}): {landing.rows_in} rows in, "
        f"but {landing.rows_loaded} loaded and {landing.rows_rejected} rejected: "
        f"{landing.rows_in - landing.rows_loaded - landing.rows_rejected:+d} unaccounted for"
        for landing in landings
        if landing.rows_in != landing.rows_loaded + landing.rows_rejected
    ]


def quarantined_files(landings: Sequence[LoadRecord]) -> list[str]:
    """One sentence per file that could not be read, with what to do; empty when all is well."""
    return [
        f"{landing.source_file} ({landing.source}): {landing.quarantine_reason}"
        for landing in landings
        if landing.quarantine_reason is not None
    ]


def reject_kinds(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Raw table, kind of reason and number of rejects, most frequent first; never a raw value."""
    # Reasons quote every value; greedy, so an apostrophe inside a value hides too much, not too little.
    # A remedy has quotes of its own: it goes together with everything after the last mistake that has one.
    remedies, kept = literal(f"'.*'( is not [a-z ]+){REMEDY}.*"), r"'...\1'"
    quotes, numbers = "chr(39) || '.*' || chr(39)", r"'\S*[0-9]\S*'"
    shortened = f"regexp_replace(reason, {remedies}, {kept}, 's')"
    masked = f"regexp_replace(regexp_replace({shortened}, {quotes}, '...', 's'), {numbers}, '...', 'g')"
    rows = connection.execute(
        f"select table_name, {masked} as kind, count(*) from {REJECTS.sql} "
        "group by 1, 2 order by 3 desc, 1, 2"
    ).fetchall()
    return [(str(table), str(kind), int(count)) for table, kind, count in rows]


def _land_table(
    connection: duckdb.DuckDBPyConnection,
    business: BusinessConfig,
    *,
    contract: Contract,
    mappings: Mappings,
    vault: Vault | None,
) -> list[LoadRecord]:
    sources = business.sources_of(contract.table)
    files = [file for source in sources for file in resolved_files(business, source)]
    if not files:
        make_empty(connection, contract)
        return []
    prints = [fingerprint(business, file) for file in files]
    before = _of_table(connection, contract)
    known = [(it.source, it.source_file, it.file_fingerprint) for it in before]
    identity = [(file.source.name, file.name, print_) for file, print_ in zip(files, prints, strict=True)]
    if identity == known:
        return before
    # First what was added to the files of last time, if that is all that happened; then all of them.
    grown = len(known) if identity[: len(known)] == known else 0
    for first in sorted({grown, 0}, reverse=True):
        with anteroom(connection) as (room, name):
            arrive(room, business, files=files[first:], mappings=mappings, vault=vault)
            if first and delivers_again(connection, contract, room=name):
                continue
            if not first:
                make_empty(connection, contract)
            store(connection, contract, room=name, files=files[first:], prints=prints[first:])
            break
    landings = _of_table(connection, contract)
    _refuse_unfit(landings, files)
    return landings


def _of_table(connection: duckdb.DuckDBPyConnection, contract: Contract) -> list[LoadRecord]:
    return [landing for landing in recorded_landings(connection) if landing.table_name == contract.table]


def _refuse_unfit(landings: Sequence[LoadRecord], files: Sequence[SourceFile]) -> None:
    """When no file of a source fits, the mapping or the delivery is wrong as a whole, not a file."""
    for source in dict.fromkeys(landing.source for landing in landings):
        own = [(it, file) for it, file in zip(landings, files, strict=True) if it.source == source]
        if all(landing.quarantine_reason is not None for landing, _ in own):
            landing, file = own[0]
            others = f" (the other {len(own) - 1} of its files fail as well)" if own[1:] else ""
            raise BusinessInvalid(f"{file.path}: source {source}: {landing.quarantine_reason}{others}")
