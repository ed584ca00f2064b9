"""Which lines are one order: its number, whose it is, and the files that deliver parts of it."""

import duckdb

from assets.ingest.config.business import BusinessConfig, OrderScope
from assets.ingest.config.contract import Contract
from assets.ingest.loading.pseudonyms import ID
from assets.ingest.parsing.sql import literal
from assets.keys import ORDER_READINGS

ORDER = "order_id"
ORDER_READING_COLUMNS = "table_name varchar, reading varchar, orders bigint, example varchar, scope varchar"
# What order numbers were read as, in the words of the check that reports it.
SEVERAL, IN_PARTS, REPLACED = "several orders", "one order in parts", "replaced by a later file"
# Of a hash of the customer, source or file: enough to distinguish the orders of one number.
_DIGITS = 8


def assign_orders(scratch: duckdb.DuckDBPyConnection, contract: Contract, business: BusinessConfig) -> None:
    """Give lines in ``incoming`` that share a number and are not one order different ids.

    By default those are lines of different customers; a line without a customer belongs to the only customer
    that its file, or else its source, names for the number, and otherwise stays under the plain number. With
    ``order_scope`` the number alone decides: in the business, a source or a file. The id of an order depends
    on its number and on its customer, source or file, not on the order of delivery.

    Creates table ``order_readings`` (reading, orders, example, scope).

    Args:
        scratch: The scratch database.
        contract: The contract of the raw table.
        business: Gives the scope.
    """
    scope = "varchar" if business.order_scope is None else f"varchar default {literal(business.order_scope)}"
    scratch.execute(
        f"create table order_readings (reading varchar, orders bigint, example varchar, scope {scope})"
    )
    if not _has_orders(contract) or business.order_scope == "business":
        return
    owner = _owner(business.order_scope)
    _list_owners(scratch, owner)
    scratch.execute(
        f"insert into order_readings (reading, orders, example) select {literal(SEVERAL)}, count(*), "
        "min(order_id) from shared_numbers having count(*) > 0"
    )
    named = f"coalesce({ID}, owners.owner)" if owner == ID else "owners.owner"
    scratch.execute(
        f"update incoming set order_id = incoming.order_id || ' of ' || left(md5({named}), {_DIGITS}) "
        "from owners where incoming.order_id = owners.order_id and reason is null "
        f"and incoming.file_number = owners.file_number and {named} is not null"
    )


def _list_owners(scratch: duckdb.DuckDBPyConnection, owner: str) -> None:
    """Create ``shared_numbers``, and ``owners`` with the only owner that a file or source names for each."""
    scratch.execute(
        "create table numbered as select order_id, file_number, source, source_file, customer_id "
        "from incoming inner join delivered using (file_number) where reason is null group by all"
    )
    scratch.execute(
        f"create table shared_numbers as select order_id from numbered where {owner} is not null "
        f"group by 1 having min({owner}) < max({owner})"
    )
    scratch.execute(
        "create table owners as with shared as (from numbered semi join shared_numbers using (order_id)), "
        f"of_files as (select order_id, file_number, source, min({owner}) as owner, max({owner}) as other "
        "from shared group by all), of_sources as (select order_id, source, min(owner) as owner, "
        "max(other) as other from of_files group by all) select of_files.order_id, file_number, "
        "case when of_files.owner = of_files.other then of_files.owner "
        "when of_sources.owner = of_sources.other then of_sources.owner end as owner "
        "from of_files inner join of_sources using (order_id, source)"
    )


def _owner(scope: OrderScope | None) -> str:
    """SQL of what distinguishes orders of one number."""
    return {"source": "source", "file": "source_file"}.get(scope or "", ID)


def _has_orders(contract: Contract) -> bool:
    return contract.key == (ORDER,)


def count_readings(scratch: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Add the orders in several parts, and those that a later file replaces, to ``order_readings``.

    Args:
        scratch: The scratch database, with table ``superseded``.
        contract: The contract of the raw table.
    """
    if not _has_orders(contract):
        return
    scratch.execute(
        f"insert into order_readings (reading, orders, example) select {literal(REPLACED)}, "
        "count(distinct order_id), min(order_id) from superseded having count(*) > 0"
    )
    scratch.execute(
        f"insert into order_readings (reading, orders, example) select {literal(IN_PARTS)}, count(*), "
        "min(order_id) from (select order_id from incoming where reason is null group by 1 "
        "having min(file_number) < max(file_number)) having count(*) > 0"
    )


def shares_numbers(connection: duckdb.DuckDBPyConnection, contract: Contract) -> bool:
    """Whether a loaded number stands for several orders, so that a new file must be compared with all.

    Args:
        connection: The warehouse.
        contract: The contract of the raw table.
    """
    found = connection.execute(
        f"select 1 from {ORDER_READINGS.sql} where table_name = $table and reading = $reading limit 1",
        {"table": contract.table, "reading": SEVERAL},
    )
    return found.fetchone() is not None


def record_readings(connection: duckdb.DuckDBPyConnection, contract: Contract, *, scratch: str) -> None:
    """Append the counts in the scratch database to ``raw.order_readings``.

    Args:
        connection: The warehouse.
        contract: The contract of the raw table.
        scratch: Name of the scratch database.
    """
    connection.execute(
        f"insert into {ORDER_READINGS.sql} select {literal(contract.table)}, reading, orders, example, scope "
        f"from {scratch}.order_readings"
    )
