"""Which customer ids occur at all: an erasure or an export of a mistyped id would prove nothing."""

from collections.abc import Collection

import duckdb

from assets.ingest.config.business import BusinessConfig
from assets.ingest.loading.pseudonyms import names_of
from assets.ports import Vault, Warehouse
from assets.privacy.erasure.erase import MANY_VALUES
from assets.privacy.erasure.rows_sql import customer_tables, longer_ids, quoted_in_rejects
from assets.privacy.pii_scan import Delivered, scan
from assets.privacy.written_forms import is_distinctive


class UnknownCustomers(Exception):
    """Ids that occur nowhere were refused; the message names the places where they stand and no person."""


def known_ids(
    ids: Collection[str], *, business: BusinessConfig, warehouse: Warehouse, vault: Vault
) -> set[str]:
    """Return those of ``ids`` that a table, the vault or a file of the landing folder knows.

    The vault also knows the erased. A file that has not been loaded is searched for ids that bytes do not
    contain by chance; as part of another customer's id it does not count.

    Args:
        ids: Customer ids, as delivered or as published.
        business: Decides whether tables hold tokens; its landing folder is searched.
        warehouse: Its tables, rejects included.
        vault: Its personal values and its suppression list.
    """
    names = dict(zip(ids, names_of(business, vault, ids), strict=True))
    asked = {*names, *names.values()}
    known = {value.customer_id for value in vault.values(asked, at_most=MANY_VALUES)}
    known |= vault.erased("customer_id", asked)
    with warehouse.connect() as connection:
        known |= _in_tables(connection, asked)
        longer = longer_ids(connection, asked)
    unknown = [each for each in ids if not known & {each, names[each]}]
    return {*ids} - {*unknown} | _in_files(business, unknown, inside=longer)


def _in_tables(connection: duckdb.DuckDBPyConnection, asked: Collection[str]) -> set[str]:
    found = quoted_in_rejects(connection, asked)
    for table in customer_tables(connection):
        rows = connection.execute(
            f"select distinct customer_id from {table.sql} where list_contains($asked, customer_id)",
            {"asked": [*asked]},
        ).fetchall()
        found |= {str(each) for (each,) in rows}
    return found


def _in_files(business: BusinessConfig, ids: Collection[str], *, inside: Collection[str]) -> set[str]:
    searched = {each for each in ids if is_distinctive(each)}
    # Nearly always nothing is found, by one pass over the files.
    if not searched or not _is_landed(business, searched, inside):
        return set()
    return {each for each in searched if _is_landed(business, [each], inside)}


def _is_landed(business: BusinessConfig, ids: Collection[str], inside: Collection[str]) -> bool:
    delivered = Delivered(folder=business.landing_dir, encodings=business.encodings)
    found = scan([delivered.folder], ids, inside=inside, delivered=delivered)
    return bool(found.hits)
