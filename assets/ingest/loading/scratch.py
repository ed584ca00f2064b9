"""Parse and type files in a scratch database, so that a bad file cannot abort the warehouse transaction."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import count, groupby

import duckdb

from assets.ingest.config.business import BusinessConfig, Expression, SourceConfig
from assets.ingest.config.contract import Contract
from assets.ingest.config.contracts import PERSONS
from assets.ingest.loading.mapping_functions import create_functions
from assets.ingest.loading.order_numbers import assign_orders, count_readings
from assets.ingest.loading.plausibility import correct_rows, reject_implausible
from assets.ingest.loading.pseudonyms import id_column, reject_unclear_ids, with_tokens
from assets.ingest.loading.typed_rows import typed_rows
from assets.ingest.parsing.batches import batch_small_files
from assets.ingest.parsing.files import UNCLEAR, OrderedFile, SourceFile, Unreadable
from assets.ingest.parsing.readers import ParsedFiles, create_parquet_view, read, schema_groups
from assets.ingest.parsing.sql import FILE, LINE, literal, quoted
from assets.ingest.shaping.shape import reject_undecided, shaped
from assets.ports import Vault

# Errors of the machine or of our code, which are no reason to quarantine a file.
ENGINE_FAILURES = (
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.InterruptException,
    duckdb.OutOfMemoryException,
    duckdb.TransactionException,
)

ERASED = "it is about a customer who was erased"
# In the reasons of rows that another delivery, or another line, has replaced.
AGAIN_LATER, AGAIN_BELOW = " was delivered again by ", " is given again on line "

Mappings = Mapping[str, Mapping[str, Expression]]

# Names are not reused: a transaction that has read a database keeps it under its name, even when replaced.
_NUMBERS = count()


@contextmanager
def scratch_database(
    connection: duckdb.DuckDBPyConnection,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Open an empty in-memory database; yields a connection to it, and the name by which to read it.

    In DuckDB an error aborts its transaction. Files are read on a separate connection, so that the caller's
    transaction survives an unreadable file. The caller sees the tables that exist at its first read.
    """
    name = f"scratch_{next(_NUMBERS)}"
    scratch = connection.cursor()
    try:
        found = scratch.execute("select current_database()").fetchone()
        scratch.execute(f"attach ':memory:' as {name}")
        scratch.execute(f"use {name}")
        create_functions(scratch)
        try:
            yield scratch, name
        finally:
            scratch.execute(f"use {quoted(str(found[0]) if found else 'memory')}")
            scratch.execute(f"detach {name}")
    finally:
        scratch.close()


def load_into_scratch(
    scratch: duckdb.DuckDBPyConnection,
    business: BusinessConfig,
    *,
    files: Sequence[SourceFile],
    mappings: Mappings,
    vault: Vault | None = None,
) -> None:
    """Parse and type ``files``, all of one raw table, into the scratch database.

    Table ``delivered`` has one row per file (file_number, source, source_file, rows_in, rows_left_out,
    quarantine_reason);
    ``incoming`` every parsed row, typed, in delivery order, with a reason if it is rejected; ``rejected``
    the rows for the rejects table (file_number, source_line, raw_text, reason, customer_id, visitor_id).

    Args:
        scratch: The scratch database.
        business: Whose files they are.
        files: The files, in delivery order.
        mappings: Expressions of each source, by its name.
        vault: Makes tokens and holds the suppression list; ``None`` without a vault.
    """
    contract = files[0].source.contract
    _make_tables(scratch, contract)
    ids = {file.source.name: id_column(business, file.source, mappings[file.source.name]) for file in files}
    numbered = [
        OrderedFile(number, replace(file, id_column=ids[file.source.name]))
        for number, file in enumerate(files)
    ]
    groups = [
        group
        for _, delivered in groupby(numbered, key=lambda each: each.file.source.name)
        for group in batch_small_files(schema_groups(scratch, tuple(delivered)))
    ]
    load = partial(_load_group, scratch, business, mappings=mappings, vault=vault)
    parsed_groups = [parsed for group in groups for parsed in load(group)]
    if [each.number for group in groups for each in group] != list(range(len(files))):
        scratch.execute("create or replace table incoming as from incoming order by file_number, source_line")
    correct_rows(scratch, contract, business, vault)
    reject_unclear_ids(scratch, contract)
    if vault is not None:
        _reject_erased(scratch, contract, vault)
    reject_implausible(scratch, contract, business)
    assign_orders(scratch, contract, business)
    _reject_redelivered(scratch, contract, [file.source for file in files])
    for parsed in parsed_groups:
        _copy_rejected_rows(scratch, parsed, contract)


def _make_tables(scratch: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    columns = ", ".join(f"{column.name} {column.type}" for column in contract.columns)
    scratch.execute(
        f"create table incoming ({columns}, source_line bigint, file_number integer, reason varchar); "
        "create table rejected (file_number integer, source_line bigint, raw_text varchar, reason varchar, "
        f"{' varchar, '.join(PERSONS)} varchar); "
        "create table delivered (file_number integer, source varchar, source_file varchar, "
        "rows_in bigint, rows_left_out bigint, quarantine_reason varchar); "
        "create table left_out (file_number integer, row_count bigint)"
    )


def _load_group(
    scratch: duckdb.DuckDBPyConnection,
    business: BusinessConfig,
    files: tuple[OrderedFile, ...],
    *,
    mappings: Mappings,
    vault: Vault | None,
) -> Iterator[ParsedFiles]:
    """Parse and type ``files`` in one query, in halves if that fails; quarantine what fails alone."""
    try:
        parsed = shaped(scratch, read(scratch, files, mappings[files[0].file.source.name]), business)
        parsed = with_tokens(scratch, parsed, business, vault=vault).parsed
        scratch.execute(f"insert into incoming by name {typed_rows(scratch, parsed, business)}")
        reject_undecided(scratch, parsed)
    except ENGINE_FAILURES:
        raise
    except (Unreadable, duckdb.Error) as failed:
        if len(files) == 1:
            _quarantine(scratch, files[0], failed)
            return
        half = len(files) // 2
        for part in (files[:half], files[half:]):
            yield from _load_group(scratch, business, part, mappings=mappings, vault=vault)
    else:
        _record_row_counts(scratch, parsed)
        yield parsed


def _quarantine(scratch: duckdb.DuckDBPyConnection, each: OrderedFile, failed: Exception) -> None:
    """Record an unreadable file as one rejected row."""
    # The message of a failed cast ends with a quotation of the query.
    is_named = isinstance(failed, Unreadable)
    reason = str(failed) if is_named else f"it cannot be read: {str(failed).strip().splitlines()[0]}"
    scratch.execute("insert into rejected (file_number, reason) values (?, ?)", [each.number, reason])
    scratch.execute(
        "insert into delivered values (?, ?, ?, 1, 0, ?)",
        [each.number, each.file.source.name, each.file.name, reason],
    )


def _record_row_counts(scratch: duckdb.DuckDBPyConnection, parsed: ParsedFiles) -> None:
    """Record the number of rows per file, counted in the parsed table and not in the typed one."""
    names = ", ".join(
        f"({each.number}, {literal(each.file.source.name)}, {literal(each.file.name)})"
        for each in parsed.files
    )
    first = parsed.files[0].number
    scratch.execute(f"insert into rejected by name select {first} as file_number, * from broken")
    scratch.execute(
        "insert into delivered select number, source, source_file, coalesce(rows_in, 0) "
        f"+ case when number = {first} then (select count(*) from broken) else 0 end "
        "+ coalesce(row_count, 0), coalesce(row_count, 0), null "
        f"from (values {names}) as files(number, source, source_file) left join "
        f"(select {quoted(FILE)} as number, count(*) as rows_in from {parsed.rows} group by 1) "
        "using (number) left join left_out on number = file_number"
    )


def _reject_erased(scratch: duckdb.DuckDBPyConnection, contract: Contract, vault: Vault) -> None:
    """Reject the rows in ``incoming`` of customers on the suppression list, before any other reason.

    Once the list has an entry, malformed lines are kept without their text: they may hold data of an erased
    customer.
    """
    if not vault.has_erased():
        return
    scratch.execute("update rejected set raw_text = null")
    for kind in (column.name for column in contract.columns if column.name in PERSONS):
        found = scratch.execute(f"select distinct {kind} from incoming where {kind} is not null").fetchall()
        gone = vault.erased(kind, [str(each) for (each,) in found])
        if gone:
            sql = f"update incoming set reason = $reason where list_contains($gone, {kind})"
            scratch.execute(sql, {"reason": ERASED, "gone": sorted(gone)})


def _reject_redelivered(
    scratch: duckdb.DuckDBPyConnection, contract: Contract, sources: Sequence[SourceConfig]
) -> None:
    """Reject rows whose key a later file, or in a unique table a later line, delivers again.

    Overlapping exports repeat whole orders, so an order is taken from its newest delivery; a file that
    repeats none of its lines adds to it. Equal lines inside one file stay: the second may be a real second
    line of the order.

    Args:
        scratch: The scratch database.
        contract: The contract of the raw table.
        sources: Source of each file; the files of some replace every order that they hold.
    """
    _list_superseded(scratch, contract, whole={each.name for each in sources if each.replaces_whole})
    newer = "superseded inner join delivered on newest = delivered.file_number"
    _reject_repeats(scratch, contract, newer, f"{AGAIN_LATER}' || source_file")
    if contract.is_unique:
        scratch.execute(
            f"create table last_lines as select {', '.join(contract.key)}, file_number, "
            "max(source_line) as newest from incoming where reason is null group by all having count(*) > 1"
        )
        words, older = f"{AGAIN_BELOW}' || newest", "and incoming.source_line < newest"
        _reject_repeats(scratch, contract, "last_lines as superseded", words, older)
    count_readings(scratch, contract)


def _list_superseded(scratch: duckdb.DuckDBPyConnection, contract: Contract, whole: Collection[str]) -> None:
    """Create ``superseded``: each key and file that a later file replaces, and the newest of those."""
    key = ", ".join(contract.key)
    line = "".join(f", {sql} as line_{place}" for place, sql in enumerate(contract.line))
    same_line = "".join(f", line_{place}" for place in range(len(contract.line)))
    same = " and ".join(f"incoming.{name} is not distinct from repeated.{name}" for name in contract.key)
    scratch.execute(
        f"create table repeated as select {key} from incoming where reason is null group by all "
        "having min(file_number) < max(file_number)"
    )
    scratch.execute(
        f"create table superseded as with lines as (select distinct {key}, file_number, source{line} "
        f"from incoming semi join repeated on {same} inner join delivered using (file_number) "
        f"where reason is null), dated as (select {key}, file_number, "
        f"greatest(max(file_number) over (partition by {key}{same_line}), "
        "case when list_contains($whole, source) "
        f"then max(file_number) over (partition by {key}, source) end) as newest "
        f"from lines) select {key}, file_number, max(newest) as newest from dated "
        "where newest > file_number group by all",
        {"whole": [*whole]},
    )


def _reject_repeats(
    scratch: duckdb.DuckDBPyConnection, contract: Contract, newer: str, words: str, older: str = ""
) -> None:
    """Reject the rows of the keys and files in ``superseded``, with the key in the reason."""
    same = " and ".join(f"incoming.{name} is not distinct from superseded.{name}" for name in contract.key)
    shown = ", ".join(f"incoming.{name}" for name in contract.key)
    scratch.execute(
        f"update incoming set reason = '{contract.noun} ''' || concat_ws(' ', {shown}) || '''{words} "
        f"from {newer} where {same} and incoming.file_number = superseded.file_number "
        f"and reason is null {older}"
    )


def _copy_rejected_rows(scratch: duckdb.DuckDBPyConnection, parsed: ParsedFiles, contract: Contract) -> None:
    """Copy the rejected rows as delivered to ``rejected``, without personal columns and erased customers.

    The ids that the mapping gives stand beside the text: whose row it is cannot be seen from the text alone.
    """
    found = scratch.execute("select distinct file_number from incoming where reason is not null").fetchall()
    files = tuple(each for each in parsed.files if (each.number,) in found)
    if not files:
        return
    if parsed.is_view:
        # Only the files with a rejected row are read again.
        parsed = create_parquet_view(scratch, parsed._replace(files=files))
    columns = ", ".join(f"{quoted(name)} := rows.{quoted(name)}" for name in parsed.columns)
    kinds = [column.name for column in contract.columns if column.name in PERSONS]
    shown = f"refused.reason <> {literal(ERASED)}"
    ids = "".join(
        f"case when {shown} then nullif(refused.{kind}, {literal(UNCLEAR)}) end as {kind}, " for kind in kinds
    )
    # Qualified, because an export may have columns of these names.
    scratch.execute(
        f"insert into rejected by name select refused.file_number, refused.source_line, {ids}"
        f"case when {shown} then to_json(struct_pack({columns}))::varchar end as raw_text, refused.reason "
        "from (from incoming where reason is not null) as refused "
        f"inner join {parsed.rows} as rows on refused.source_line = rows.{quoted(LINE)} "
        f"and refused.file_number = rows.{quoted(FILE)}"
    )
