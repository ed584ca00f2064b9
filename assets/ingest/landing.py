"""Landing: every delivered row ends in a raw table or, with a reason, in the rejects."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import duckdb

from assets.ingest.contract import ORIGIN, Contract
from assets.ingest.contracts import CONTRACTS
from assets.ingest.files import SourceFile, fingerprint, resolved_files
from assets.ingest.reading import Arrival, discard, read
from assets.ingest.reading_sql import LINE, literal, quoted
from assets.ingest.sources import Business, BusinessInvalid
from assets.ingest.typing_sql import typed_rows
from assets.keys import LANDINGS, REJECTS, raw

_REJECT_COLUMNS = (
    "table_name varchar, source varchar, source_file varchar, source_line bigint, "
    "raw_text varchar, reason varchar"
)
_LANDING_COLUMNS = (
    "source varchar, table_name varchar, source_file varchar, file_fingerprint varchar, "
    "rows_in bigint, rows_loaded bigint, rows_rejected bigint"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What became of one file; ``file_fingerprint`` is SHA-256 of its bytes and its mapping."""

    source: str
    table_name: str
    source_file: str
    file_fingerprint: str
    rows_in: int
    rows_loaded: int
    rows_rejected: int


def land(connection: duckdb.DuckDBPyConnection, business: Business) -> list[Landing]:
    """Land every source of ``business`` in the caller's transaction.

    A table whose files and mappings are those of last time is left alone; otherwise it is built anew
    from all its files, because a later delivery may replace orders of an earlier one.

    Returns:
        One landing per file, those left alone included.

    Raises:
        BusinessInvalid: when files are missing, unreadable or lack a mapped column.
    """
    connection.execute('create schema if not exists "raw"')
    connection.execute(f"create table if not exists {REJECTS.sql} ({_REJECT_COLUMNS})")
    connection.execute(f"create table if not exists {LANDINGS.sql} ({_LANDING_COLUMNS})")
    return [landing for table in CONTRACTS for landing in _land_table(connection, business, table=table)]


def recorded_landings(connection: duckdb.DuckDBPyConnection) -> list[Landing]:
    """What ``raw.landings`` holds, in the order of landing."""
    names = ", ".join(Landing.__slots__)
    rows = connection.execute(f"select {names} from {LANDINGS.sql} order by rowid").fetchall()
    return [Landing(**dict(zip(Landing.__slots__, row, strict=True))) for row in rows]


def reconciliation_gaps(landings: Sequence[Landing]) -> list[str]:
    """One sentence per file whose rows are not all accounted for; empty when all is well."""
    return [
        f"{landing.source_file} ({landing.source}): {landing.rows_in} rows in, "
        f"but {landing.rows_loaded} loaded and {landing.rows_rejected} rejected: "
        f"{landing.rows_in - landing.rows_loaded - landing.rows_rejected:+d} unaccounted for"
        for landing in landings
        if landing.rows_in != landing.rows_loaded + landing.rows_rejected
    ]


def reject_kinds(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Raw table, kind of reason and number of rejects, most frequent first; never a raw value."""
    # Reasons quote every value; greedy, so an apostrophe inside a value hides too much, not too little.
    quotes, numbers = "chr(39) || '.*' || chr(39)", r"'\S*[0-9]\S*'"
    masked = f"regexp_replace(regexp_replace(reason, {quotes}, '...', 's'), {numbers}, '...', 'g')"
    rows = connection.execute(
        f"select table_name, {masked} as kind, count(*) from {REJECTS.sql} "
        "group by 1, 2 order by 3 desc, 1, 2"
    ).fetchall()
    return [(str(table), str(kind), int(count)) for table, kind, count in rows]


def _land_table(connection: duckdb.DuckDBPyConnection, business: Business, *, table: str) -> list[Landing]:
    files = [file for source in business.sources_of(table) for file in resolved_files(business, source)]
    prints = [fingerprint(business, file) for file in files]
    before = [landing for landing in recorded_landings(connection) if landing.table_name == table]
    identity = [(file.source.name, file.name, print_) for file, print_ in zip(files, prints, strict=True)]
    if files and identity == [(it.source, it.source_file, it.file_fingerprint) for it in before]:
        return before
    arrivals = _rebuild(connection, business, contract=CONTRACTS[table], files=files)
    landings = [
        _landing(connection, arrival, file_fingerprint=print_)
        for arrival, print_ in zip(arrivals, prints, strict=True)
    ]
    if landings:
        marks = ", ".join("?" * len(Landing.__slots__))
        connection.executemany(f"insert into {LANDINGS.sql} values ({marks})", list(map(astuple, landings)))
    for arrival in arrivals:
        discard(connection, arrival)
    return landings


def _rebuild(
    connection: duckdb.DuckDBPyConnection,
    business: Business,
    *,
    contract: Contract,
    files: Sequence[SourceFile],
) -> list[Arrival]:
    """Replace the raw table and its rejects by what ``files`` hold; the arrivals are still there after."""
    columns = [*((column.name, column.type) for column in contract.columns), *ORIGIN]
    declared = ", ".join(f"{name} {sql_type}" for name, sql_type in columns)
    names = ", ".join(name for name, _ in columns)
    connection.execute(
        f"create or replace temp table arriving ({declared}, file_number integer, reason varchar)"
    )
    arrivals = [_arrive(connection, business, file=file, number=number) for number, file in enumerate(files)]
    _refuse_redelivered(connection, contract)
    target = raw(contract.table).sql
    connection.execute(f"create or replace table {target} ({declared})")
    connection.execute(
        f"insert into {target} select {names} from arriving where reason is null "
        "order by file_number, source_line"
    )
    for record in (REJECTS, LANDINGS):
        connection.execute(f"delete from {record.sql} where table_name = ?", [contract.table])
    for number, arrival in enumerate(arrivals):
        _reject(connection, arrival, number=number)
    connection.execute("drop table arriving")
    return arrivals


def _arrive(
    connection: duckdb.DuckDBPyConnection, business: Business, *, file: SourceFile, number: int
) -> Arrival:
    arrival = read(connection, file, number=number)
    try:
        connection.execute(
            f"insert into arriving by name select *, {literal(file.source.name)} as source, "
            f"{literal(file.name)} as source_file, {number} as file_number "
            f"from ({typed_rows(connection, arrival, business)})"
        )
    except duckdb.Error as failed:
        reason = str(failed).strip().split("\n")[0]
        raise BusinessInvalid(
            f"{file.path}: source {file.source.name}: the mapped columns cannot be worked out: {reason}"
        ) from failed
    return arrival


def _refuse_redelivered(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Refuse what a later file, or of a unique table a later line, delivers again.

    Overlapping exports repeat whole orders, so an order is taken from its newest delivery. Equal lines
    inside one file stay: nothing in them says that the second is not a second line of the order.
    """
    columns = ", ".join(contract.key)
    key = f"row({columns})"
    called = f"'{contract.noun} ''' || concat_ws(' ', {columns}) || '''"
    connection.execute(
        "create or replace temp table newest as "
        f"select {key} as key, max(file_number) as file_number, "
        "max_by(source_file, file_number) as source_file, "
        "max(source_line) filter (where file_number = newest_number) as source_line "
        f"from (select *, max(file_number) over (partition by {key}) as newest_number "
        "from arriving where reason is null) group by 1 "
        f"having min(file_number) < max(file_number) or ({contract.is_unique} and count(*) > 1)"
    )
    again = f"from newest where {key} = newest.key and arriving.reason is null"
    connection.execute(
        f"update arriving set reason = {called} was delivered again by ' || newest.source_file "
        f"{again} and arriving.file_number < newest.file_number"
    )
    if contract.is_unique:
        connection.execute(
            f"update arriving set reason = {called} is given again on line ' || newest.source_line "
            f"{again} and arriving.source_line < newest.source_line"
        )
    connection.execute("drop table newest")


def _reject(connection: duckdb.DuckDBPyConnection, arrival: Arrival, *, number: int) -> None:
    """Keep the refused rows of one file as they came, personal columns left out."""
    source = arrival.file.source
    origin = ", ".join(literal(text) for text in (source.table, source.name, arrival.file.name))
    columns = ", ".join(f"{quoted(name)} := {quoted(name)}" for name in arrival.columns)
    connection.execute(
        f"insert into {REJECTS.sql} select {origin}, source_line, "
        f"to_json(struct_pack({columns}))::varchar, reason "
        "from (select source_line, reason from arriving "
        f"where file_number = {number} and reason is not null) as refused "
        f"inner join {arrival.rows} on refused.source_line = {arrival.rows}.{quoted(LINE)} "
        "order by source_line"
    )
    connection.execute(
        f"insert into {REJECTS.sql} select {origin}, source_line, raw_text, reason from {arrival.broken} "
        "order by source_line"
    )


def _landing(connection: duckdb.DuckDBPyConnection, arrival: Arrival, *, file_fingerprint: str) -> Landing:
    """Counts of one file: what was read, against what lies in the raw table and in the rejects."""
    file = arrival.file
    origin = [file.source.name, file.name]
    return Landing(
        source=file.source.name,
        table_name=file.source.table,
        source_file=file.name,
        file_fingerprint=file_fingerprint,
        rows_in=_count(connection, arrival.rows) + _count(connection, arrival.broken),
        rows_loaded=_count(connection, raw(file.source.table).sql, origin=origin),
        rows_rejected=_count(connection, REJECTS.sql, origin=origin),
    )


def _count(connection: duckdb.DuckDBPyConnection, table: str, *, origin: Sequence[str] = ()) -> int:
    of_file = " where source = ? and source_file = ?" if origin else ""
    counted = connection.execute(f"select count(*) from {table}{of_file}", list(origin)).fetchone()
    return int(counted[0]) if counted else 0
