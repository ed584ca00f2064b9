"""Subject access request: all data about one person, for ``make export-subject``."""

from collections.abc import Collection, Mapping
from pathlib import Path

import duckdb

from assets.connections import open_duckdb
from assets.ingest.parsing.sql import quoted
from assets.ports import Vault, Warehouse
from assets.privacy.erasure.erase import MANY_VALUES
from assets.privacy.erasure.rows_sql import person_columns, visitors_of

Rows = list[dict[str, object]]


def subject(
    customer_id: str, *, warehouse: Warehouse, vault: Vault, snapshot: Path
) -> dict[str, dict[str, Rows]]:
    """Collect the delivered, vault and published data about ``customer_id``.

    Args:
        customer_id: The id, as it is in the warehouse.
        warehouse: Source of the raw tables.
        vault: Source of the personal values.
        snapshot: The published file; may be missing.

    Returns:
        ``delivered`` (rejected rows included) and ``published`` by table, ``vault`` by source; tables
        without a row are left out.
        Features, labels and models are derived from the delivered rows.
    """
    with warehouse.connect() as connection:
        visitors = visitors_of(connection, [customer_id])
        delivered = _rows_about(connection, "raw", {"customer_id": [customer_id], "visitor_id": visitors})
    kept: dict[str, Rows] = {}
    for value in vault.values([customer_id], at_most=MANY_VALUES):
        kept.setdefault(value.source, []).append({value.column: value.value})
    published: dict[str, Rows] = {}
    if snapshot.exists():
        with open_duckdb(snapshot, is_read_only=True, reads_files=False) as connection:
            published = _rows_about(connection, "published", {"customer_id": [customer_id]})
    return {"delivered": delivered, "vault": kept, "published": published}


def _rows_about(
    connection: duckdb.DuckDBPyConnection, schema: str, ids: Mapping[str, Collection[str]]
) -> dict[str, Rows]:
    """Rows of each table of ``schema`` with one of ``ids``, keyed by column, in that column."""
    conditions: dict[str, list[str]] = {}
    for of_schema, table, column in person_columns(connection):
        if of_schema == schema and column in ids:
            conditions.setdefault(table, []).append(f"list_contains(${column}::varchar[], {quoted(column)})")
    about: dict[str, Rows] = {}
    for table, named in conditions.items():
        sql = f"select * from {quoted(schema)}.{quoted(table)} where {' or '.join(named)}"
        asked = {column: [*ids[column]] for column in ids if f"${column}:" in sql}
        found = connection.execute(sql, asked)
        names = [str(column[0]) for column in found.description or []]
        if rows := found.fetchall():
            about[table] = [dict(zip(names, row, strict=True)) for row in rows]
    return about
