"""Write typed rows to the warehouse: valid rows to their raw table, the others to the rejects."""

from collections.abc import Sequence

import duckdb

from assets.ingest.config.contract import ORIGIN, Contract
from assets.ingest.config.contracts import PERSONS
from assets.ingest.loading.plausibility import record_guests
from assets.ingest.parsing.files import SourceFile
from assets.ingest.parsing.sql import literal
from assets.keys import GUEST_ROWS, LOAD_LOG, REJECTS, raw
from assets.ports import Vault

ERASED = "it is about a customer who was erased"


def has_redelivery(connection: duckdb.DuckDBPyConnection, contract: Contract, *, scratch: str) -> bool:
    """Whether a valid row in the scratch database has a key that is in the raw table already.

    Args:
        connection: The warehouse.
        contract: The contract of the raw table.
        scratch: Name of the scratch database.
    """
    same = " and ".join(f"stored.{name} is not distinct from incoming.{name}" for name in contract.key)
    found = connection.execute(
        f"select count(*) from {scratch}.incoming semi join {raw(contract.table).sql} as stored on {same} "
        "where incoming.reason is null"
    ).fetchone()
    return bool(found and found[0])


def append_rows(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    *,
    scratch: str,
    files: Sequence[SourceFile],
    fingerprints: Sequence[str],
) -> None:
    """Append the rows in the scratch database to the raw table, the rejects and the load log.

    Args:
        connection: The warehouse.
        contract: The contract of the raw table.
        scratch: Name of the scratch database.
        files: The files, in delivery order.
        fingerprints: Their fingerprints, in the same order.
    """
    names = ", ".join(column.name for column in contract.columns)
    # The rows are in order already. Sorting them, needed after a join, would take as long as reading them.
    connection.execute(
        f"insert into {raw(contract.table).sql} select {names}, ($sources)[file_number + 1], "
        f"($files)[file_number + 1], source_line from {scratch}.incoming where reason is null",
        {"sources": [file.source.name for file in files], "files": [file.name for file in files]},
    )
    connection.execute(
        f"insert into {REJECTS.sql} select {literal(contract.table)}, source, source_file, source_line, "
        f"raw_text, reason from {scratch}.rejected inner join {scratch}.delivered using (file_number) "
        "order by file_number, source_line"
    )
    record_guests(connection, contract, scratch=scratch)
    _append_load_records(connection, contract, scratch=scratch, fingerprints=fingerprints)


def recreate_empty(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Create the raw table empty, and delete its rejects and load records."""
    columns = [*((column.name, column.type) for column in contract.columns), *ORIGIN]
    declared = ", ".join(f"{name} {sql_type}" for name, sql_type in columns)
    connection.execute(f"create or replace table {raw(contract.table).sql} ({declared})")
    for log in (REJECTS, LOAD_LOG, GUEST_ROWS):
        connection.execute(f"delete from {log.sql} where table_name = ?", [contract.table])


def _append_load_records(
    connection: duckdb.DuckDBPyConnection, contract: Contract, *, scratch: str, fingerprints: Sequence[str]
) -> None:
    """Append one record per file: rows read, rows in the raw table, rows in the rejects."""
    table = literal(contract.table)
    connection.execute(
        f"insert into {LOAD_LOG.sql} by name with loaded as ("
        f"select source, source_file, count(*) as rows_loaded from {raw(contract.table).sql} group by 1, 2), "
        "rejected as (select source, source_file, count(*) as rows_rejected "
        f"from {REJECTS.sql} where table_name = {table} group by 1, 2) "
        f"select source, {table} as table_name, source_file, "
        "($fingerprints)[file_number + 1] as file_fingerprint, "
        "rows_in, coalesce(rows_loaded, 0) as rows_loaded, coalesce(rows_rejected, 0) as rows_rejected, "
        f"quarantine_reason from {scratch}.delivered left join loaded using (source, source_file) "
        "left join rejected using (source, source_file) order by file_number",
        {"fingerprints": list(fingerprints)},
    )


def reject_erased(scratch: duckdb.DuckDBPyConnection, contract: Contract, vault: Vault) -> None:
    """Reject the rows in ``incoming`` of customers on the suppression list, before any other reason.

    Once the list has an entry, malformed lines are kept without their text: they may hold data of an erased
    customer.

    Args:
        scratch: The scratch database.
        contract: The contract of the raw table.
        vault: Holds the suppression list.
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
