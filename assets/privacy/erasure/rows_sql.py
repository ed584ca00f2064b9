"""Somebody's rows taken out of every table of the warehouse, and the proof of it, in one transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime

import duckdb

from assets.ingest.config.contracts import PERSONS
from assets.ingest.parsing.sql import literal, quoted
from assets.keys import ERASURES, LOAD_LOG, REJECTS, raw

EVENTS = raw("events")
VAULT = "vault"


def visitors_of(connection: duckdb.DuckDBPyConnection, customer_ids: Collection[str]) -> list[str]:
    """The devices that nobody but ``customer_ids`` ever signed in on."""
    if not _exists(connection, EVENTS.schema, EVENTS.name):
        return []
    rows = connection.execute(
        f"select visitor_id from {EVENTS.sql} where customer_id is not null group by 1 "
        "having bool_and(list_contains($ids, customer_id)) order by 1",
        {"ids": list(customer_ids)},
    ).fetchall()
    return [str(visitor) for (visitor,) in rows]


def others_named_alike(connection: duckdb.DuckDBPyConnection, customer_ids: Collection[str]) -> set[str]:
    """Those of ``customer_ids`` that are part of somebody else's id: bytes cannot tell them apart."""
    if not _exists(connection, "raw", "order_lines"):
        return set()
    rows = connection.execute(
        "with asked as (select unnest($ids) as id) select distinct id from asked inner join "
        f"(select distinct customer_id from {raw('order_lines').sql}) as others "
        "on contains(customer_id, id) and customer_id <> id",
        {"ids": list(customer_ids)},
    ).fetchall()
    return {str(each) for (each,) in rows}


def erase_rows(
    connection: duckdb.DuckDBPyConnection,
    tokens: Mapping[str, str],
    *,
    visitors: Collection[str],
    requested_at: datetime,
) -> int:
    """Delete every row of the customers in ``tokens`` and of their ``visitors``; returns how many.

    Args:
        connection: In a transaction of its own; what is deleted and what is logged stand or fall together.
        tokens: For each customer's id what stands for it in the log.
        visitors: Devices whose rows go too, signed in or not.
        requested_at: When it was asked for, naive UTC.
    """
    _make_log(connection)
    _list_the_gone(connection, tokens, visitors)
    removed = 0
    for schema, table, kind in _tables(connection):
        name, matches = f"{quoted(schema)}.{quoted(table)}", f"gone.kind = {literal(kind)}"
        counted = connection.execute(
            f"insert into {ERASURES.sql} select token, $requested_at, null, $table, count(*) "
            f"from {name} as landed inner join gone on landed.{quoted(kind)} = gone.id and {matches} "
            "group by token",
            {"requested_at": requested_at, "table": f"{schema}.{table}"},
        )
        if counted.fetchall() == [(0,)]:
            continue
        deleted = connection.execute(
            f"delete from {name} where {quoted(kind)} in (select id from gone where {matches})"
        ).fetchone()
        removed += int(deleted[0]) if deleted else 0
        if schema == "raw":
            # What was counted at landing is no more: the table is landed anew.
            connection.execute(f"delete from {LOAD_LOG.sql} where table_name = $table", {"table": table})
    _erase_rejects(connection, [*tokens, *visitors])
    connection.execute("drop table gone")
    return removed


def _make_log(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"create schema if not exists {quoted(ERASURES.schema)}")
    connection.execute(
        f"create table if not exists {ERASURES.sql} (erasure_id varchar, requested_at timestamp, "
        "finished_at timestamp, table_name varchar, rows_removed bigint)"
    )


def log_values(
    connection: duckdb.DuckDBPyConnection, values: Mapping[str, int], *, requested_at: datetime
) -> None:
    """Log how many values the vault keeps of each token, unless a call before this one has done so."""
    connection.executemany(
        f"insert into {ERASURES.sql} select $token, $requested_at, null, {literal(VAULT)}, $values "
        f"where not exists (select 1 from {ERASURES.sql} where erasure_id = $token "
        f"and requested_at = $requested_at and table_name = {literal(VAULT)})",
        [{"token": each, "requested_at": requested_at, "values": kept} for each, kept in values.items()],
    )


def finish(connection: duckdb.DuckDBPyConnection, tokens: Collection[str], *, finished_at: datetime) -> None:
    """Log that everything of ``tokens`` is done."""
    connection.execute(
        f"update {ERASURES.sql} set finished_at = $finished_at "
        "where finished_at is null and list_contains($tokens, erasure_id)",
        {"finished_at": finished_at, "tokens": list(tokens)},
    )


def _list_the_gone(
    connection: duckdb.DuckDBPyConnection, tokens: Mapping[str, str], visitors: Collection[str]
) -> None:
    # A visitor of several customers who go together is put down to the first of them.
    connection.execute("create temp table gone (kind varchar, id varchar, token varchar)")
    rows = [("customer_id", each, token) for each, token in tokens.items()]
    owner = next(iter(tokens.values()), None)
    connection.executemany(
        "insert into gone values (?, ?, ?)", rows + [("visitor_id", each, owner) for each in visitors]
    )


def _tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Every table that says whom its rows are about, and the column that says it; views follow."""
    rows = connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "inner join duckdb_tables() using (database_name, schema_name, table_name) "
        "where database_name = current_database() and not duckdb_tables.temporary "
        "and list_contains($persons, column_name) order by 1, 2, 3",
        {"persons": list(PERSONS)},
    ).fetchall()
    return [(str(schema), str(table), str(kind)) for schema, table, kind in rows]


def _erase_rejects(connection: duckdb.DuckDBPyConnection, ids: Collection[str]) -> None:
    """Rejects keep what was delivered as text, and may quote an id in their reason."""
    if not _exists(connection, REJECTS.schema, REJECTS.name) or not ids:
        return
    word = "'(^|[^0-9A-Za-z])' || regexp_escape(id) || '([^0-9A-Za-z]|$)'"
    connection.execute(
        f"delete from {REJECTS.sql} as rejects where exists (select 1 from (select unnest($ids) as id) "
        f"where regexp_matches(coalesce(rejects.raw_text, '') || ' ' || rejects.reason, {word}))",
        {"ids": list(ids)},
    )


def _exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    found = connection.execute(
        "select count(*) from duckdb_tables() where schema_name = ? and table_name = ? "
        "and database_name = current_database()",
        [schema, table],
    ).fetchone()
    return bool(found and found[0])
