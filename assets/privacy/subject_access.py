"""Subject access request: all data about one person, for ``make export-subject``."""

from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

from assets.connections import open_duckdb
from assets.ingest.config.contracts import PERSONS
from assets.ingest.parsing.sql import quoted
from assets.ports import Vault, Warehouse
from assets.privacy.erasure.rows_sql import visitors_of

MANY_VALUES = 1_000_000
DELIVERED, PUBLISHED = "raw", "published"

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
        ``delivered`` and ``published`` by table, ``vault`` by source; tables without a row are left out.
        Features, labels and models are derived from the delivered rows.
    """
    with warehouse.connect() as connection:
        visitors = visitors_of(connection, [customer_id])
        delivered = _rows_about(connection, DELIVERED, [customer_id, *visitors])
    kept: dict[str, Rows] = {}
    for value in vault.values([customer_id], at_most=MANY_VALUES):
        kept.setdefault(value.source, []).append({value.column: value.value})
    published: dict[str, Rows] = {}
    if snapshot.exists():
        with open_duckdb(snapshot, is_read_only=True, reads_files=False) as connection:
            published = _rows_about(connection, PUBLISHED, [customer_id])
    return {"delivered": delivered, "vault": kept, "published": published}


def _rows_about(connection: duckdb.DuckDBPyConnection, schema: str, ids: Collection[str]) -> dict[str, Rows]:
    tables = connection.execute(
        "select table_name, list(column_name) from duckdb_columns() "
        "inner join duckdb_tables() using (database_name, schema_name, table_name) "
        "where schema_name = $schema and list_contains($persons, column_name) group by 1 order by 1",
        {"schema": schema, "persons": list(PERSONS)},
    ).fetchall()
    found = {str(table): _rows(connection, schema, str(table), columns, ids) for table, columns in tables}
    return {table: rows for table, rows in found.items() if rows}


def _rows(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    columns: Sequence[str],
    ids: Collection[str],
) -> Rows:
    about = " or ".join(f"list_contains($ids, {quoted(column)})" for column in columns)
    found = connection.execute(
        f"select * from {quoted(schema)}.{quoted(table)} where {about}", {"ids": list(ids)}
    )
    names = [str(column[0]) for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
