"""Version of the warehouse's layout: code refuses to write into a warehouse that other code has laid out.

Increase ``LAYOUT_VERSION`` when a table that persists between runs, one of its columns, or a class in a model
file is renamed: old tables would remain with personal data, and the champion's model file could not be read.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import duckdb

from assets.activation.tables import AUDIENCE_EXPORTS
from assets.keys import ERASURES, Key

LAYOUT_VERSION = 2
LAYOUT = Key("main", "warehouse_layout")
# Survive a rebuild: proof of erasures and of what was sent. No export holds it, and no row names a customer.
RECORDS = (ERASURES, AUDIENCE_EXPORTS)
# Under what names a warehouse without a version (before 2026-11-30) holds them, and new names of its columns.
EARLIER_RECORDS: Mapping[Key, tuple[Key, Mapping[str, str]]] = MappingProxyType(
    {
        Key("ml", "audience_sends"): (
            AUDIENCE_EXPORTS,
            MappingProxyType(
                {
                    "asked": "audience_candidates",
                    "capped": "over_cap",
                    "without_contact": "without_identifier",
                }
            ),
        )
    }
)


class LayoutOutdated(Exception):
    """The warehouse has the layout of another version of the code."""


def require_layout(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Write the version into an empty warehouse, or compare the version of an existing one.

    Args:
        connection: Open connection to ``file``, in autocommit mode.
        file: The warehouse, named in the refusal.

    Raises:
        LayoutOutdated: If the warehouse has tables and another version, or none; nothing is written.
    """
    found = _version(connection)
    if found is None and not existing_tables(connection):
        write_layout(connection)
    elif found != LAYOUT_VERSION:
        raise LayoutOutdated(
            f"{file} was built by other code (layout {found or 'unknown'}, needed {LAYOUT_VERSION}): "
            "launch `make rebuild`, which deletes warehouse, models and published tables and keeps exports, "
            "vault, erasure requests and pull cursors; the next `make run` then builds them again"
        )


def existing_tables(connection: duckdb.DuckDBPyConnection) -> set[Key]:
    """Return the tables and views of the warehouse."""
    sql = (
        "select table_schema, table_name from information_schema.tables "
        "where table_catalog = current_catalog()"
    )
    return {Key(schema, name) for schema, name in connection.execute(sql).fetchall()}


def write_layout(connection: duckdb.DuckDBPyConnection) -> None:
    """Write ``LAYOUT_VERSION`` into a new warehouse."""
    connection.execute(f"create or replace table {LAYOUT.sql} as select {LAYOUT_VERSION} as version")


def _version(connection: duckdb.DuckDBPyConnection) -> int | None:
    # This runs at each opening of the file: one look-up, instead of a list of all tables first.
    try:
        row = connection.execute(f"select max(version) from {LAYOUT.sql}").fetchone()
    except duckdb.CatalogException:
        return None
    return None if row is None or row[0] is None else int(row[0])
