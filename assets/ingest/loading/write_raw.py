"""What arrived goes into the warehouse: good rows to their raw table, the others to the rejects."""

from collections.abc import Sequence

import duckdb

from assets.ingest.config.contract import ORIGIN, Contract
from assets.ingest.config.contracts import PERSONS
from assets.ingest.parsing.files import SourceFile
from assets.ingest.parsing.sql import literal
from assets.keys import LANDINGS, REJECTS, raw
from assets.ports import Vault

ERASED = "it is about somebody who was erased"


def delivers_again(connection: duckdb.DuckDBPyConnection, contract: Contract, *, room: str) -> bool:
    """Whether something that arrived in database ``room`` is in the raw table already."""
    same = " and ".join(f"landed.{name} is not distinct from arriving.{name}" for name in contract.key)
    found = connection.execute(
        f"select count(*) from {room}.arriving semi join {raw(contract.table).sql} as landed on {same} "
        "where arriving.reason is null"
    ).fetchone()
    return bool(found and found[0])


def store(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    *,
    room: str,
    files: Sequence[SourceFile],
    prints: Sequence[str],
) -> None:
    """Append what arrived in database ``room`` to the raw table, the rejects and the landings.

    Everything is in order of delivery; ``files`` and their fingerprints ``prints`` likewise.
    """
    names = ", ".join(column.name for column in contract.columns)
    # Rows lie in order already; to sort them, as after a join that loses the order, costs as much as to read.
    connection.execute(
        f"insert into {raw(contract.table).sql} select {names}, ($sources)[file_number + 1], "
        f"($files)[file_number + 1], source_line from {room}.arriving where reason is null",
        {"sources": [file.source.name for file in files], "files": [file.name for file in files]},
    )
    connection.execute(
        f"insert into {REJECTS.sql} select {literal(contract.table)}, source, source_file, source_line, "
        f"raw_text, reason from {room}.refused inner join {room}.delivered using (file_number) "
        "order by file_number, source_line"
    )
    _record(connection, contract, room=room, prints=prints)


def make_empty(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Make the raw table without rows, and forget its rejects and landings."""
    columns = [*((column.name, column.type) for column in contract.columns), *ORIGIN]
    declared = ", ".join(f"{name} {sql_type}" for name, sql_type in columns)
    connection.execute(f"create or replace table {raw(contract.table).sql} ({declared})")
    for record in (REJECTS, LANDINGS):
        connection.execute(f"delete from {record.sql} where table_name = ?", [contract.table])


def _record(
    connection: duckdb.DuckDBPyConnection, contract: Contract, *, room: str, prints: Sequence[str]
) -> None:
    """One landing per file: what was read, against what lies in the raw table and in the rejects."""
    table = literal(contract.table)
    connection.execute(
        f"insert into {LANDINGS.sql} by name with loaded as ("
        f"select source, source_file, count(*) as rows_loaded from {raw(contract.table).sql} group by 1, 2), "
        "rejected as (select source, source_file, count(*) as rows_rejected "
        f"from {REJECTS.sql} where table_name = {table} group by 1, 2) "
        f"select source, {table} as table_name, source_file, ($prints)[file_number + 1] as file_fingerprint, "
        "rows_in, coalesce(rows_loaded, 0) as rows_loaded, coalesce(rows_rejected, 0) as rows_rejected, "
        f"quarantine_reason from {room}.delivered left join loaded using (source, source_file) "
        "left join rejected using (source, source_file) order by file_number",
        {"prints": list(prints)},
    )


def refuse_erased(room: duckdb.DuckDBPyConnection, contract: Contract, vault: Vault) -> None:
    """Refuse the rows in ``arriving`` of people whom ``vault`` knows as erased, whatever else is wrong.

    Once anybody was erased, a line that could not be split is kept without its text: nobody can say whether
    it is about them.
    """
    if not vault.has_erased():
        return
    room.execute("update refused set raw_text = null")
    for kind in (column.name for column in contract.columns if column.name in PERSONS):
        found = room.execute(f"select distinct {kind} from arriving where {kind} is not null").fetchall()
        gone = vault.erased(kind, [str(each) for (each,) in found])
        if gone:
            sql = f"update arriving set reason = $reason where list_contains($gone, {kind})"
            room.execute(sql, {"reason": ERASED, "gone": sorted(gone)})
