"""Snapshot file for SQL consumers: written under a temporary name, then moved into place in one step."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from assets.connections import open_duckdb
from assets.keys import Key

Readers = Literal["owner", "group", "everyone"]
# Mode bits that the published files and folders do not get.
WITHHELD: Mapping[Readers, int] = MappingProxyType({"owner": 0o077, "group": 0o027, "everyone": 0o022})
# DuckDB 1.2 and every later release open this storage format, so a consumer's older client does too.
STORAGE_VERSION = "v1.2.0"


def write_snapshot(
    warehouse: Path, tables: Sequence[Key], *, file: Path, parquet: Path, readers: Readers = "owner"
) -> dict[str, int]:
    """Copy ``tables`` from the warehouse into ``file`` and ``parquet``; readers see all of it or nothing.

    A reader that has the old file open keeps reading the old file; the next one to open gets the new.

    Args:
        warehouse: The DuckDB file to read; nothing else may be writing it.
        tables: Tables and views to copy.
        file: The snapshot; its folder is created if missing.
        parquet: Folder for one ``<table>/<table>.parquet`` each.
        readers: Accounts that may read both.

    Returns:
        Rows per table.

    Raises:
        duckdb.CatalogException: when a table of ``tables`` is not in the warehouse.
    """
    for folder in (file.parent, parquet):
        folder.mkdir(parents=True, exist_ok=True)
    # Files of a killed run, with their write-ahead logs; the run lock excludes a concurrent writer.
    for left in file.parent.glob(f".{file.name}.*.unfinished*"):
        left.unlink()
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.unfinished")
    try:
        with _readable_for(readers):
            rows = _copy(warehouse, tables, unfinished)
            _export(unfinished, tables, parquet)
        _open_folders(file.parent, [parquet, *(parquet / key.name for key in tables)], readers)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return rows


@contextmanager
def _readable_for(readers: Readers) -> Iterator[None]:
    """Create files that ``readers`` may read."""
    before = os.umask(WITHHELD[readers])
    try:
        yield
    finally:
        os.umask(before)


def _open_folders(published: Path, below: Sequence[Path], readers: Readers) -> None:
    """Let ``readers`` list the published folders and pass through those above, which they cannot list.

    Folders of an earlier run, or of an earlier version, may have other modes.
    """
    granted = 0o777 & ~WITHHELD[readers]
    for folder in (published, *below):
        folder.chmod(granted)
    business = published.parent
    business.chmod(0o700 | granted & 0o011)
    if readers != "owner":
        business.parent.chmod(business.parent.stat().st_mode | granted & 0o011)


def _copy(warehouse: Path, tables: Sequence[Key], target: Path) -> dict[str, int]:
    with open_duckdb(spill=target.parent / ".spill") as connection:
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
    with open_duckdb(snapshot, is_read_only=True) as connection:
        for key in tables:
            folder = parquet / key.name
            folder.mkdir(parents=True, exist_ok=True)
            unfinished = folder / f".{key.name}.unfinished"
            connection.execute(f"copy (from {key.sql}) to '{_quoted(unfinished)}' (format parquet)")
            unfinished.replace(folder / f"{key.name}.parquet")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
