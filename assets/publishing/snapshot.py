"""Snapshot file for SQL consumers: written under a temporary name, then moved into place in one step."""

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

from assets.keys import Key

# DuckDB 1.2 and every later release open this storage format, so a consumer's older client does too.
STORAGE_VERSION = "v1.2.0"


def write_snapshot(warehouse: Path, tables: Sequence[Key], *, file: Path, parquet: Path) -> dict[str, int]:
    """Copy ``tables`` from the warehouse into ``file`` and ``parquet``; readers see all of it or nothing.

    A reader that has the old file open keeps reading the old file; the next one to open gets the new.

    Args:
        warehouse: The DuckDB file to read; nothing else may be writing it.
        tables: Tables and views to copy.
        file: The snapshot; its folder is created if missing.
        parquet: Folder for one ``<table>/<table>.parquet`` each.

    Returns:
        Rows per table.

    Raises:
        duckdb.CatalogException: when a table of ``tables`` is not in the warehouse.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    # Files of a killed run, with their write-ahead logs; the run lock excludes a concurrent writer.
    for left in file.parent.glob(f".{file.name}.*.unfinished*"):
        left.unlink()
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.unfinished")
    try:
        rows = _copy(warehouse, tables, unfinished)
        _export(unfinished, tables, parquet)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return rows


def _copy(warehouse: Path, tables: Sequence[Key], target: Path) -> dict[str, int]:
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        # Views name their catalog, which is the warehouse's file name, so attach under that name.
        connection.execute(f"attach '{_quoted(warehouse)}' as \"{warehouse.stem}\" (read_only)")
        connection.execute(f"attach '{_quoted(target)}' as snapshot (storage_version '{STORAGE_VERSION}')")
        rows = {}
        for key in tables:
            connection.execute(f'create schema if not exists snapshot."{key.schema}"')
            connection.execute(f'create table snapshot.{key.sql} as from "{warehouse.stem}".{key.sql}')
            counted = connection.execute(f"select count(*) from snapshot.{key.sql}").fetchone()
            rows[key.name] = int(counted[0]) if counted else 0
        connection.execute("detach snapshot")
        return rows


def _export(snapshot: Path, tables: Sequence[Key], parquet: Path) -> None:
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        for key in tables:
            folder = parquet / key.name
            folder.mkdir(parents=True, exist_ok=True)
            unfinished = folder / f".{key.name}.unfinished"
            connection.execute(f"copy (from {key.sql}) to '{_quoted(unfinished)}' (format parquet)")
            unfinished.replace(folder / f"{key.name}.parquet")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
