"""Write loaded rows into the warehouse: good rows to their raw table, the others to the rejects."""

from collections.abc import Sequence

import duckdb

from assets.ingest.config.contract import ORIGIN, Contract
from assets.ingest.config.contracts import PERSONS
from assets.ingest.parsing.files import SourceFile
from assets.ingest.parsing.sql import literal
from assets.keys import LOAD_LOG, REJECTS, raw
from assets.ports import Vault

ERASED = "it is about somebody who was erased"


def has_redelivery(connection: duckdb.DuckDBPyConnection, contract: Contract, *, scratch: str) -> bool:
    """Whether something in database ``scratch`` is in the raw table already."""
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
    """Append the rows of database ``scratch`` to the raw table, the rejects and the load log.

    Everything is in order of delivery; ``files`` and ``fingerprints`` likewise.
    """
    names = ", ".join(column.name for column in contract.columns)
    # Rows lie in order already; to sort them, as after a join that loses the order, costs as much as to read.
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
    _append_load_records(connection, contract, scratch=scratch, fingerprints=fingerprints)


def recreate_empty(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Make the raw table without rows, and delete its rejects and load records."""
    columns = [*((column.name, column.type) for column in contract.columns), *ORIGIN]
    declared = ", ".join(f"{name} {sql_type}" for name, sql_type in columns)
    connection.execute(f"create or replace table {raw(contract.table).sql} ({declared})")
    for log in (REJECTS, LOAD_LOG):
        connection.execute(f"delete from {log.sql} where table_name = ?", [contract.table])


def _append_load_records(
    connection: duckdb.DuckDBPyConnection, contract: Contract, *, scratch: str, fingerprints: Sequence[str]
) -> None:
    """One record per file: what was read, against what lies in the raw table and in the rejects."""
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
    """Refuse the rows in ``incoming`` of people whom ``vault`` knows as erased, whatever else is wrong.

    Once anybody was erased, a line that could not be split is kept without its text: nobody can say whether
    it is about them.
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
