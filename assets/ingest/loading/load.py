"""Load delivered files: every row ends in its raw table or, with a reason, in the rejects."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from assets.ingest.config.business import BusinessConfig, BusinessInvalid
from assets.ingest.config.contract import ORIGIN, Contract
from assets.ingest.config.contracts import CONTRACTS, PERSONS
from assets.ingest.loading.mapping import all_expressions
from assets.ingest.loading.order_numbers import ORDER_READING_COLUMNS, record_readings, shares_numbers
from assets.ingest.loading.plausibility import GUEST_COLUMNS, moves_bounds, record_guests
from assets.ingest.loading.pseudonyms import refuse_mixture
from assets.ingest.loading.reasons import REMEDY
from assets.ingest.loading.scratch import (
    AGAIN_BELOW,
    AGAIN_LATER,
    ERASED,
    Mappings,
    load_into_scratch,
    scratch_database,
)
from assets.ingest.parsing.files import SourceFile, fingerprints, resolved_files
from assets.ingest.parsing.sql import literal
from assets.keys import GUEST_ROWS, LOAD_LOG, ORDER_READINGS, REJECTS, SCHEDULED_COLUMNS, Key, raw
from assets.ports import Vault

_REJECT_COLUMNS = (
    "table_name varchar, source varchar, source_file varchar, source_line bigint, "
    "raw_text varchar, reason varchar, customer_id varchar, visitor_id varchar"
)
_LOAD_LOG_COLUMNS = (
    "source varchar, table_name varchar, source_file varchar, file_fingerprint varchar, "
    "rows_in bigint, rows_loaded bigint, rows_rejected bigint, rows_left_out bigint, "
    "quarantine_reason varchar"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRecord:
    """Load record of one file; ``file_fingerprint`` hashes its bytes, its mapping and the loading code.

    ``rows_left_out`` counts the rows that the source's ``where`` leaves out. An unreadable
    file counts as one rejected row, the file itself; ``quarantine_reason`` then holds the reason, and is
    ``None`` for every other file.
    """

    source: str
    table_name: str
    source_file: str
    file_fingerprint: str
    rows_in: int
    rows_loaded: int
    rows_rejected: int
    rows_left_out: int
    quarantine_reason: str | None = None


_LOAD_LOG_NAMES = ", ".join(LoadRecord.__slots__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectReason:
    """One kind of reason why ``rows`` of ``source`` were rejected, with values masked.

    ``remedy`` is empty where the reason proposes no mapping. ``is_replaced``: a newer delivery holds the row,
    or the person was erased, so that nothing is missing.
    """

    source: str
    reason: str
    remedy: str
    is_replaced: bool
    rows: int


def _kind() -> str:
    """SQL of the kind of a reason: its values masked, its remedy left out.

    Reasons quote every value. The pattern is greedy: an apostrophe inside a value masks too much rather than
    too little. A remedy holds quotes too, so it is cut together with all that follows it.
    """
    remedies, kept = literal(f"'.*'( is not [a-z ]+){REMEDY}.*"), r"'...\1'"
    quotes, numbers = "chr(39) || '.*' || chr(39)", r"'\S*[0-9]\S*'"
    shortened = f"regexp_replace(reason, {remedies}, {kept}, 's')"
    return f"regexp_replace(regexp_replace({shortened}, {quotes}, '...', 's'), {numbers}, '...', 'g')"


_KIND = _kind()
# What follows the last value that is quoted: it names columns and functions, and no value of a row.
_ADVISED = literal(f"'.*' is not [a-z ]+{REMEDY}(.*)")
_ADVICE = f"regexp_extract(reason, {_ADVISED}, 1, 's')"
_IS_REPLACED = f"reason = {literal(ERASED)}" + "".join(
    f" or contains(reason, {literal(words)})" for words in (AGAIN_LATER, AGAIN_BELOW)
)


def load_sources(
    connection: duckdb.DuckDBPyConnection, business: BusinessConfig, vault: Vault | None = None
) -> list[LoadRecord]:
    """Load every source of ``business`` into its raw table, in the caller's transaction.

    A table whose files and mappings have not changed is left as it is. New files after the loaded ones are
    appended if they deliver no key again. Otherwise the table is rebuilt from all its files, because a later
    delivery may replace orders of an earlier one. The result is the same either way.

    Args:
        connection: The warehouse.
        business: Whose sources are loaded.
        vault: Makes tokens and holds the suppression list; ``None`` without a vault.

    Returns:
        One record per file, including files that were loaded before.

    Raises:
        BusinessInvalid: when a glob matches no file, a mapping is not allowed, no file of a source can be
            read, or the raw tables hold ids and the business now asks for tokens.
    """
    refuse_mixture(connection, business)
    with scratch_database(connection) as (scratch, _):
        mappings = all_expressions(scratch, business.sources)
    prepare_logs(connection)
    connection.execute(
        f"create or replace table {SCHEDULED_COLUMNS.sql} as select unnest($names::varchar[]) as column_name",
        {"names": list(business.scheduled)},
    )
    return [
        record
        for contract in CONTRACTS.values()
        for record in _load_table(connection, business, contract=contract, mappings=mappings, vault=vault)
    ]


def prepare_logs(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the rejects, the load log, the guest rows and the order readings where they are missing.

    Rejects of older code name nobody, so that neither an erasure nor an access request would find a person
    in them, and its load log counts no rows that were left out: both are dropped, whereupon the next
    run loads every file again. It does that anyway, because the code of loading is part of each fingerprint;
    a new layout version would cost models and history as well.
    """
    connection.execute('create schema if not exists "raw"')
    logs = {REJECTS: {*PERSONS}, LOAD_LOG: {*LoadRecord.__slots__}}
    found = {log: _column_names(connection, log) for log in logs}
    if any(found[log] and not columns <= found[log] for log, columns in logs.items()):
        connection.execute(f"drop table if exists {REJECTS.sql}; drop table if exists {LOAD_LOG.sql}")
    connection.execute(f"create table if not exists {REJECTS.sql} ({_REJECT_COLUMNS})")
    connection.execute(f"create table if not exists {LOAD_LOG.sql} ({_LOAD_LOG_COLUMNS})")
    connection.execute(f"create table if not exists {GUEST_ROWS.sql} ({GUEST_COLUMNS})")
    connection.execute(f"create table if not exists {ORDER_READINGS.sql} ({ORDER_READING_COLUMNS})")


def _column_names(connection: duckdb.DuckDBPyConnection, table: Key) -> set[str]:
    """Names of the columns of ``table``; none where it does not exist."""
    found = connection.execute(
        "select column_name from duckdb_columns() where database_name = current_database() "
        "and schema_name = $schema and table_name = $name",
        {"schema": table.schema, "name": table.name},
    ).fetchall()
    return {str(name) for (name,) in found}


def read_load_log(connection: duckdb.DuckDBPyConnection) -> list[LoadRecord]:
    """The records in ``raw.load_log``, in the order of loading."""
    rows = connection.execute(f"select {_LOAD_LOG_NAMES} from {LOAD_LOG.sql} order by rowid").fetchall()
    return [LoadRecord(**dict(zip(LoadRecord.__slots__, row, strict=True))) for row in rows]


def quarantined_files(records: Sequence[LoadRecord]) -> list[str]:
    """One sentence per unreadable file, with the reason and the remedy."""
    return [
        f"{record.source_file} ({record.source}): {record.quarantine_reason}"
        for record in records
        if record.quarantine_reason is not None
    ]


def reject_kinds(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Count rejects by raw table and kind of reason, most frequent first; raw values are masked."""
    rows = connection.execute(
        f"select table_name, {_KIND} as kind, count(*) from {REJECTS.sql} group by 1, 2 order by 3 desc, 1, 2"
    ).fetchall()
    return [(str(table), str(kind), int(count)) for table, kind, count in rows]


def reject_reasons(connection: duckdb.DuckDBPyConnection) -> list[RejectReason]:
    """The reasons why rows were rejected, by source, the most frequent first."""
    rows = connection.execute(
        f"select source, {_KIND} as kind, {_ADVICE} as remedy, {_IS_REPLACED} as is_replaced, count(*) as n "
        f"from {REJECTS.sql} group by all order by n desc, source, kind, remedy"
    ).fetchall()
    return [
        RejectReason(source=source, reason=kind, remedy=remedy, is_replaced=is_replaced, rows=count)
        for source, kind, remedy, is_replaced, count in rows
    ]


def _load_table(
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
        _recreate_empty(connection, contract)
        return []
    prints = fingerprints(business, files)
    records = _records_of(connection, contract)
    loaded = [(record.source, record.source_file, record.file_fingerprint) for record in records]
    delivered = [(file.source.name, file.name, print_) for file, print_ in zip(files, prints, strict=True)]
    if delivered == loaded:
        return records
    # Try the appended files alone if nothing else changed; load all files if they redeliver a key.
    unchanged = len(loaded) if delivered[: len(loaded)] == loaded else 0
    for first in sorted({unchanged, 0}, reverse=True):
        with scratch_database(connection) as (scratch, name):
            load_into_scratch(scratch, business, files=files[first:], mappings=mappings, vault=vault)
            if first and _needs_all_files(connection, contract, business, scratch=name):
                continue
            if not first:
                _recreate_empty(connection, contract)
            _append_rows(connection, contract, scratch=name, files=files[first:], fingerprints=prints[first:])
            break
    records = _records_of(connection, contract)
    _refuse_unreadable_source(records, files)
    return records


def _needs_all_files(
    connection: duckdb.DuckDBPyConnection, contract: Contract, business: BusinessConfig, *, scratch: str
) -> bool:
    """Whether the new files alone would give other rows than all files together."""
    return (
        shares_numbers(connection, contract)
        or _has_redelivery(connection, contract, scratch=scratch)
        or moves_bounds(connection, contract, business, scratch=scratch)
    )


def _has_redelivery(connection: duckdb.DuckDBPyConnection, contract: Contract, *, scratch: str) -> bool:
    """Whether a valid row in the scratch database has a key that is in the raw table already."""
    same = " and ".join(f"stored.{name} is not distinct from incoming.{name}" for name in contract.key)
    found = connection.execute(
        f"select 1 from {scratch}.incoming semi join {raw(contract.table).sql} as stored on {same} "
        "where incoming.reason is null limit 1"
    )
    return found.fetchone() is not None


def _append_rows(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    *,
    scratch: str,
    files: Sequence[SourceFile],
    fingerprints: Sequence[str],
) -> None:
    """Append the rows in the scratch database to the raw table, the rejects and the load log."""
    names = ", ".join(column.name for column in contract.columns)
    # The rows are in order already. Sorting them, needed after a join, would take as long as reading them.
    connection.execute(
        f"insert into {raw(contract.table).sql} select {names}, ($sources)[file_number + 1], "
        f"($files)[file_number + 1], source_line from {scratch}.incoming where reason is null",
        {"sources": [file.source.name for file in files], "files": [file.name for file in files]},
    )
    connection.execute(
        f"insert into {REJECTS.sql} by name select {literal(contract.table)} as table_name, source, "
        f"source_file, source_line, raw_text, reason, {', '.join(PERSONS)} "
        f"from {scratch}.rejected inner join {scratch}.delivered using (file_number) "
        "order by file_number, source_line"
    )
    record_guests(connection, contract, scratch=scratch)
    record_readings(connection, contract, scratch=scratch)
    _append_load_records(connection, contract, scratch=scratch, fingerprints=fingerprints)


def _recreate_empty(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Create the raw table empty, and delete its rejects and load records."""
    columns = [*((column.name, column.type) for column in contract.columns), *ORIGIN]
    declared = ", ".join(f"{name} {sql_type}" for name, sql_type in columns)
    connection.execute(f"create or replace table {raw(contract.table).sql} ({declared})")
    for log in (REJECTS, LOAD_LOG, GUEST_ROWS, ORDER_READINGS):
        connection.execute(f"delete from {log.sql} where table_name = ?", [contract.table])


def _append_load_records(
    connection: duckdb.DuckDBPyConnection, contract: Contract, *, scratch: str, fingerprints: Sequence[str]
) -> None:
    """Append one record per file: rows read, in the raw table, in the rejects and left out."""
    table = literal(contract.table)
    connection.execute(
        f"insert into {LOAD_LOG.sql} by name with loaded as ("
        f"select source, source_file, count(*) as rows_loaded from {raw(contract.table).sql} group by 1, 2), "
        "rejected as (select source, source_file, count(*) as rows_rejected "
        f"from {REJECTS.sql} where table_name = {table} group by 1, 2) "
        f"select source, {table} as table_name, source_file, "
        "($fingerprints)[file_number + 1] as file_fingerprint, "
        "rows_in, coalesce(rows_loaded, 0) as rows_loaded, coalesce(rows_rejected, 0) as rows_rejected, "
        f"rows_left_out, quarantine_reason from {scratch}.delivered "
        "left join loaded using (source, source_file) "
        "left join rejected using (source, source_file) order by file_number",
        {"fingerprints": list(fingerprints)},
    )


def _records_of(connection: duckdb.DuckDBPyConnection, contract: Contract) -> list[LoadRecord]:
    return [record for record in read_load_log(connection) if record.table_name == contract.table]


def _refuse_unreadable_source(records: Sequence[LoadRecord], files: Sequence[SourceFile]) -> None:
    """Raise when no file of a source can be read: then the mapping or the whole delivery is wrong."""
    for source in dict.fromkeys(record.source for record in records):
        own = [(record, file) for record, file in zip(records, files, strict=True) if record.source == source]
        if all(record.quarantine_reason is not None for record, _ in own):
            record, file = own[0]
            others = f" (the other {len(own) - 1} of its files fail as well)" if own[1:] else ""
            raise BusinessInvalid(f"{file.path}: source {source}: {record.quarantine_reason}{others}")
