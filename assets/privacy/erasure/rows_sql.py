"""Delete the rows of people from every table of the warehouse, and log it, in one transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime

import duckdb

from assets.ingest.config.contracts import PERSONS
from assets.ingest.loading.load import prepare_logs
from assets.ingest.parsing.sql import literal, quoted
from assets.keys import ERASURES, LOAD_LOG, REJECTS, Key, raw
from assets.privacy.written_forms import is_distinctive, texts_of

EVENTS = raw("events")
VAULT = "vault"
# How it was proved that nothing is left: by a search of all bytes, or by comparing the cells of id columns.
BY_BYTES, BY_CELLS = "bytes", "cells"
# Replaces the reason of somebody else's reject that quotes an erased id.
WITHHELD_REASON = "the reason is withheld: it quoted an id that was erased"
_IS_SPLIT = "case when json_valid(raw_text) then json_type(raw_text) = 'OBJECT' else false end"
_IS_NOBODYS = f"({' and '.join(f'{kind} is null' for kind in PERSONS)})"


def visitors_of(connection: duckdb.DuckDBPyConnection, customer_ids: Collection[str]) -> list[str]:
    """Visitor ids of devices on which only ``customer_ids`` ever signed in."""
    found = person_columns(connection)
    sources = [key for key in (EVENTS, REJECTS) if all((*key, kind) in found for kind in PERSONS)]
    if not sources:
        return []
    events = " union all ".join(f"select {', '.join(PERSONS)} from {key.sql}" for key in sources)
    rows = connection.execute(
        f"select visitor_id from ({events}) where customer_id is not null and visitor_id is not null "
        "group by 1 having bool_and(list_contains($ids, customer_id)) order by 1",
        {"ids": list(customer_ids)},
    ).fetchall()
    return [str(visitor) for (visitor,) in rows]


def longer_ids(connection: duckdb.DuckDBPyConnection, ids: Collection[str]) -> set[str]:
    """Ids of other people that hold one of ``ids``: there a search of bytes must not find it."""
    found: set[str] = set()
    for schema, table, kind in person_columns(connection):
        if schema == EVENTS.schema:
            rows = connection.execute(
                f"select distinct longer from (select distinct {quoted(kind)} as longer from "
                f"{quoted(schema)}.{quoted(table)}) inner join (select unnest($ids::varchar[]) as id) "
                "on contains(nfc_normalize(longer), nfc_normalize(id)) and longer <> id",
                {"ids": list(ids)},
            ).fetchall()
            found |= {str(each) for (each,) in rows}
    return found


def customer_tables(connection: duckdb.DuckDBPyConnection) -> list[Key]:
    """Return every table with a ``customer_id``."""
    return [Key(schema, table) for schema, table, kind in person_columns(connection) if kind == "customer_id"]


def erase_rows(
    connection: duckdb.DuckDBPyConnection,
    tokens: Mapping[str, str],
    *,
    visitors: Collection[str],
    vault_values: Mapping[str, int],
    requested_at: datetime,
) -> int:
    """Delete every row of the customers in ``tokens`` and of their ``visitors``; return the number of rows.

    Args:
        connection: In a transaction, so that deletion and log are committed together.
        tokens: Token of each customer id for the log.
        visitors: Visitor ids whose rows are deleted too, signed in or not.
        vault_values: Number of the vault's values per customer id, which is logged too.
        requested_at: Time of the request, naive UTC.
    """
    prepare_logs(connection)
    _create_log(connection)
    _create_erased_table(connection, tokens, visitors)
    removed = _delete_rows(connection, requested_at)
    _withhold_texts(connection, [*tokens, *visitors])
    connection.execute("drop table erased")
    _log_vault_values(connection, tokens, vault_values, requested_at=requested_at)
    return removed


def _delete_rows(connection: duckdb.DuckDBPyConnection, requested_at: datetime) -> int:
    """Log and delete the rows of everybody in table ``erased``; return the number of rows."""
    removed = 0
    for schema, table, kind in person_columns(connection):
        name, matches = f"{quoted(schema)}.{quoted(table)}", f"erased.kind = {literal(kind)}"
        counted = connection.execute(
            f"insert into {ERASURES.sql} by name select token as erasure_id, $requested_at as requested_at, "
            "$table as table_name, count(*) as rows_removed, max(proved_by) as proved_by "
            f"from {name} as landed inner join erased on landed.{quoted(kind)} = erased.id and {matches} "
            "group by token",
            {"requested_at": requested_at, "table": f"{schema}.{table}"},
        )
        if counted.fetchall() == [(0,)]:
            continue
        theirs = f"from {name} where {quoted(kind)} in (select id from erased where {matches})"
        if schema == "raw":
            # The counts of its load records are no longer true, so the next run loads the table again.
            changed = (
                f"select table_name {theirs}" if (schema, table) == REJECTS else f"select {literal(table)}"
            )
            connection.execute(f"delete from {LOAD_LOG.sql} where table_name in ({changed})")
        deleted = connection.execute(f"delete {theirs}").fetchone()
        removed += int(deleted[0]) if deleted else 0
    return removed


def _create_log(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        f"create schema if not exists {quoted(ERASURES.schema)}; "
        f"create table if not exists {ERASURES.sql} (erasure_id varchar, requested_at timestamp, "
        "finished_at timestamp, table_name varchar, rows_removed bigint, proved_by varchar); "
        f"alter table {ERASURES.sql} add column if not exists proved_by varchar"
    )


def _log_vault_values(
    connection: duckdb.DuckDBPyConnection,
    tokens: Mapping[str, str],
    vault_values: Mapping[str, int],
    *,
    requested_at: datetime,
) -> None:
    """Log the number of the vault's values per token, unless an earlier call has done so."""
    connection.executemany(
        f"insert into {ERASURES.sql} "
        f"select $token, $requested_at, null, {literal(VAULT)}, $values, $proved_by "
        f"where not exists (select 1 from {ERASURES.sql} where erasure_id = $token "
        f"and requested_at = $requested_at and table_name = {literal(VAULT)})",
        [
            {
                "token": token,
                "requested_at": requested_at,
                "values": vault_values[each],
                "proved_by": _proof_of(each),
            }
            for each, token in tokens.items()
        ],
    )


def mark_finished(
    connection: duckdb.DuckDBPyConnection, tokens: Collection[str], *, finished_at: datetime
) -> None:
    """Mark the log rows of ``tokens`` as finished.

    Args:
        connection: The warehouse.
        tokens: Tokens of the erased customers.
        finished_at: Time of completion, naive UTC.
    """
    connection.execute(
        f"update {ERASURES.sql} set finished_at = $finished_at "
        "where finished_at is null and list_contains($tokens, erasure_id)",
        {"finished_at": finished_at, "tokens": list(tokens)},
    )


def _create_erased_table(
    connection: duckdb.DuckDBPyConnection, tokens: Mapping[str, str], visitors: Collection[str]
) -> None:
    # A visitor shared by several erased customers is logged under the first of them.
    connection.execute(
        "create temp table erased (kind varchar, id varchar, token varchar, proved_by varchar)"
    )
    rows = [("customer_id", each, token, _proof_of(each)) for each, token in tokens.items()]
    owner = next(iter(tokens.values()), None)
    devices = [("visitor_id", each, owner, _proof_of(each)) for each in visitors]
    connection.executemany("insert into erased values (?, ?, ?, ?)", [*rows, *devices])


def _proof_of(identifier: str) -> str:
    return BY_BYTES if is_distinctive(identifier) else BY_CELLS


def person_columns(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Every table with a column that identifies a person, and that column; views need no change."""
    rows = connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "inner join duckdb_tables() using (database_name, schema_name, table_name) "
        "where database_name = current_database() and not duckdb_tables.temporary "
        "and list_contains($persons, column_name) order by 1, 2, 3",
        {"persons": list(PERSONS)},
    ).fetchall()
    return [(str(schema), str(table), str(kind)) for schema, table, kind in rows]


def _withhold_texts(connection: duckdb.DuckDBPyConnection, ids: Collection[str]) -> None:
    """Empty the texts of rejects that hold one of ``ids`` and belong to nobody or to somebody else.

    A line that could not be split may be about anybody, so each of them loses its text, as in loading. A row
    that was split is the person's of its id columns; it may still quote an id that its text has elsewhere.
    """
    connection.execute(
        f"update {REJECTS.sql} set raw_text = null where {_IS_NOBODYS} and not coalesce({_IS_SPLIT}, true)"
    )
    texts = {"texts": [text for each in ids if is_distinctive(each) for text in texts_of(each)]}
    for column, withheld in (("raw_text", "null"), ("reason", literal(WITHHELD_REASON))):
        connection.execute(f"update {REJECTS.sql} set {column} = {withheld} where {_holds(column)}", texts)


def quoted_in_rejects(connection: duckdb.DuckDBPyConnection, ids: Collection[str]) -> set[str]:
    """Those of ``ids`` that the text or the reason of a reject holds, if they are not there by chance."""
    if not _exists(connection, REJECTS.schema, REJECTS.name):
        return set()
    sql = f"select 1 from {REJECTS.sql} where {_holds('raw_text')} or {_holds('reason')} limit 1"
    return {
        each
        for each in ids
        if is_distinctive(each) and connection.execute(sql, {"texts": [*texts_of(each)]}).fetchone()
    }


def _holds(column: str) -> str:
    return f"list_bool_or(list_transform($texts::varchar[], lambda text: contains({column}, text)))"


def _exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    found = connection.execute(
        "select count(*) from duckdb_tables() where schema_name = ? and table_name = ? "
        "and database_name = current_database()",
        [schema, table],
    ).fetchone()
    return bool(found and found[0])
