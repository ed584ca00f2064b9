"""Files on their way in: read and typed beside the warehouse, where one that fails harms nothing."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count, groupby

import duckdb

from assets.ingest.config.business import BusinessConfig, Expression
from assets.ingest.config.contract import Contract
from assets.ingest.loading.pseudonyms import id_column, refuse_unclear, with_tokens
from assets.ingest.loading.typed_rows import typed_rows
from assets.ingest.loading.write_raw import ERASED, refuse_erased
from assets.ingest.parsing.files import SourceFile, Unreadable
from assets.ingest.parsing.readers import OrderedFile, ParsedFiles, narrowed, read, schema_groups
from assets.ingest.parsing.sql import FILE, LINE, literal, quoted
from assets.ports import Vault

# What is the machine's fault or ours, and says nothing about a file.
OURS = (
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.InterruptException,
    duckdb.OutOfMemoryException,
    duckdb.TransactionException,
)

Mappings = Mapping[str, Mapping[str, Expression]]


# A transaction that has looked into a database finds it again under its name, even when it was replaced.
_NUMBERS = count()


@contextmanager
def anteroom(
    connection: duckdb.DuckDBPyConnection,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A connection to an empty database in memory, and its name, by which ``connection`` can read it.

    In DuckDB an error ends the transaction it happens in. Files are read on a connection of their own, so
    that the caller's transaction survives a file that cannot be read. The caller sees the tables that are
    there when it first looks.
    """
    name = f"anteroom_{next(_NUMBERS)}"
    room = connection.cursor()
    try:
        found = room.execute("select current_database()").fetchone()
        room.execute(f"attach ':memory:' as {name}")
        room.execute(f"use {name}")
        try:
            yield room, name
        finally:
            room.execute(f"use {quoted(str(found[0]) if found else 'memory')}")
            room.execute(f"detach {name}")
    finally:
        room.close()


def arrive(
    room: duckdb.DuckDBPyConnection,
    business: BusinessConfig,
    *,
    files: Sequence[SourceFile],
    mappings: Mappings,
    vault: Vault | None = None,
) -> None:
    """Fill ``room`` with what ``files``, all of one table, hold; ``vault`` knows who was erased.

    Table ``delivered`` has one row per file (file_number, source, source_file, rows_in, quarantine_reason);
    ``arriving`` every row that could be read, typed, in order, with a reason if it is refused; ``refused``
    what goes to the rejects (file_number, source_line, raw_text, reason).
    """
    contract = files[0].source.contract
    _make_tables(room, contract)
    numbered = _numbered(business, files, mappings)
    groups = [
        group
        for _, delivered in groupby(numbered, key=lambda each: each.file.source.name)
        for group in schema_groups(room, tuple(delivered))
    ]
    arrivals = [
        arrival
        for group in groups
        for arrival in _arrive_together(
            room, business, files=group, mapping=mappings[group[0].file.source.name], vault=vault
        )
    ]
    if [each.number for group in groups for each in group] != list(range(len(files))):
        room.execute("create or replace table arriving as from arriving order by file_number, source_line")
    refuse_unclear(room, contract)
    if vault is not None:
        refuse_erased(room, contract, vault)
    _refuse_redelivered(room, contract)
    for arrival in arrivals:
        _keep_refused(room, arrival)


def _numbered(business: BusinessConfig, files: Sequence[SourceFile], mappings: Mappings) -> list[OrderedFile]:
    ids = {file.source.name: id_column(business, file.source, mappings[file.source.name]) for file in files}
    return [
        OrderedFile(number, replace(file, id_column=ids[file.source.name]))
        for number, file in enumerate(files)
    ]


def _make_tables(room: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    columns = ", ".join(f"{column.name} {column.type}" for column in contract.columns)
    room.execute(
        f"create table arriving ({columns}, source_line bigint, file_number integer, reason varchar)"
    )
    room.execute(
        "create table refused (file_number integer, source_line bigint, raw_text varchar, reason varchar)"
    )
    room.execute(
        "create table delivered (file_number integer, source varchar, source_file varchar, "
        "rows_in bigint, quarantine_reason varchar)"
    )


def _arrive_together(
    room: duckdb.DuckDBPyConnection,
    business: BusinessConfig,
    *,
    files: tuple[OrderedFile, ...],
    mapping: Mapping[str, Expression],
    vault: Vault | None,
) -> list[ParsedFiles]:
    """Read and type ``files`` in one go; when that fails, one by one; a file that fails alone stays out."""
    try:
        arrived = read(room, files, mapping)
        known = with_tokens(room, arrived, business, mapping=mapping, vault=vault)
        query = typed_rows(room, known.arrival, business, mapping=known.mapping)
        room.execute(f"insert into arriving by name {query}")
    except OURS:
        raise
    except (Unreadable, duckdb.Error) as failed:
        if len(files) == 1:
            _quarantine(room, files[0], reason=_in_words(failed))
            return []
        return [
            arrival
            for each in files
            for arrival in _arrive_together(room, business, files=(each,), mapping=mapping, vault=vault)
        ]
    _count_in(room, known.arrival)
    return [known.arrival]


def _in_words(failed: Exception) -> str:
    if isinstance(failed, Unreadable):
        return str(failed)
    # The message of a failed cast ends in a picture of the query.
    return f"it cannot be read: {str(failed).strip().splitlines()[0]}"


def _quarantine(room: duckdb.DuckDBPyConnection, each: OrderedFile, *, reason: str) -> None:
    """Keep a file that cannot be read as one row in, itself, that is refused."""
    room.execute("insert into refused values (?, null, null, ?)", [each.number, reason])
    room.execute(
        "insert into delivered values (?, ?, ?, 1, ?)",
        [each.number, each.file.source.name, each.file.name, reason],
    )


def _count_in(room: duckdb.DuckDBPyConnection, arrival: ParsedFiles) -> None:
    """Note how many rows each file of ``arrival`` had, counted where they were read from."""
    names = ", ".join(
        f"({each.number}, {literal(each.file.source.name)}, {literal(each.file.name)})"
        for each in arrival.files
    )
    first = arrival.files[0].number
    room.execute(f"insert into refused select {first}, source_line, raw_text, reason from broken")
    room.execute(
        "insert into delivered select number, source, source_file, coalesce(rows_in, 0) "
        f"+ case when number = {first} then (select count(*) from broken) else 0 end, null "
        f"from (values {names}) as files(number, source, source_file) left join "
        f"(select {quoted(FILE)} as number, count(*) as rows_in from {arrival.rows} group by 1) "
        "using (number)"
    )


def _refuse_redelivered(room: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Refuse what a later file, or of a unique table a later line, delivers again.

    Overlapping exports repeat whole orders, so an order is taken from its newest delivery. Equal lines
    inside one file stay: nothing in them says that the second is not a second line of the order.
    """
    key = ", ".join(contract.key)
    same = " and ".join(f"arriving.{name} is not distinct from newest.{name}" for name in contract.key)
    shown = ", ".join(f"arriving.{name}" for name in contract.key)
    called = f"'{contract.noun} ''' || concat_ws(' ', {shown}) || '''"
    room.execute(
        f"create table repeated as select {key}, max(file_number) as file_number from arriving "
        "where reason is null group by all "
        f"having min(file_number) < max(file_number) or ({contract.is_unique} and count(*) > 1)"
    )
    room.execute(
        "create table newest as select newest.*, source_file, max(source_line) as source_line "
        "from repeated as newest inner join delivered using (file_number) inner join arriving "
        f"on {same} and arriving.file_number = newest.file_number where reason is null group by all"
    )
    again = f"from newest where {same} and reason is null and arriving.file_number"
    room.execute(
        f"update arriving set reason = {called} was delivered again by ' || newest.source_file "
        f"{again} < newest.file_number"
    )
    if contract.is_unique:
        room.execute(
            f"update arriving set reason = {called} is given again on line ' || newest.source_line "
            f"{again} = newest.file_number and arriving.source_line < newest.source_line"
        )


def _keep_refused(room: duckdb.DuckDBPyConnection, arrival: ParsedFiles) -> None:
    """Keep the refused rows of ``arrival`` as they came, personal columns and erased people left out."""
    own = {each.number for each in arrival.files}
    found = room.execute("select distinct file_number from arriving where reason is not null").fetchall()
    numbers = frozenset(own.intersection(int(number) for (number,) in found))
    if not numbers:
        return
    rows = narrowed(room, arrival, numbers).rows
    columns = ", ".join(f"{quoted(name)} := {quoted(name)}" for name in arrival.columns)
    room.execute(
        "insert into refused select file_number, source_line, "
        f"case when reason <> {literal(ERASED)} then to_json(struct_pack({columns}))::varchar end, reason "
        "from (select file_number, source_line, reason from arriving where reason is not null) "
        f"as refused inner join {rows} on source_line = {quoted(LINE)} and file_number = {quoted(FILE)}"
    )
