"""Published files for SQL consumers: one folder per run, and a link that names the current one.

Below ``published/``, ``marketing.duckdb``, ``parquet`` and ``reports`` are links into ``current``, which is
a link to a folder of ``runs/``: renaming one link replaces all files at once.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import duckdb

from assets.connections import open_duckdb
from assets.keys import Key

Readers = Literal["owner", "group", "everyone"]
# Mode bits that the published files and folders do not get.
WITHHELD: Mapping[Readers, int] = MappingProxyType({"owner": 0o077, "group": 0o027, "everyone": 0o022})
# DuckDB 1.2 and every later release open this storage format, so a consumer's older client does too.
STORAGE_VERSION = "v1.2.0"
SNAPSHOT_FILE, PARQUET, REPORTS, RUNS, CURRENT = "marketing.duckdb", "parquet", "reports", "runs", "current"
# Writes pages about a snapshot, the first argument, into a folder, the second, which does not exist yet.
PageWriter = Callable[[Path, Path], object]
# The run before is kept for readers that have looked up `current` and read on.
KEPT_RUNS = 2


# What is published, for whom, and what stays beside it, are one decision.
def write_snapshot(  # noqa: PLR0913
    warehouse: Path,
    tables: Sequence[Key],
    *,
    published: Path,
    readers: Readers = "owner",
    kept_runs: int = KEPT_RUNS,
    write_pages: PageWriter | None = None,
) -> dict[str, int]:
    """Copy ``tables`` of the warehouse into a new folder of ``published/runs``, and make it the current one.

    A reader that has a file open keeps reading it. A reader of several files that looks up
    ``published/current`` once reads all of them from one run, while that run is among the last ``kept_runs``.

    Args:
        warehouse: The DuckDB file to read; nothing else may be writing it.
        tables: Tables and views to copy.
        published: Folder of the published files; created if missing.
        readers: Accounts that may read the files.
        kept_runs: Folders of runs that stay, the new one included, at least 1.
        write_pages: Writes the pages about them; ``None`` for none.

    Returns:
        Rows per table.

    Raises:
        duckdb.CatalogException: when a table of ``tables`` is not in the warehouse; what is current stays.
    """
    runs = published / RUNS
    runs.mkdir(parents=True, exist_ok=True)
    # Of a killed run; the run lock excludes a concurrent writer.
    for left in runs.glob(".*"):
        shutil.rmtree(left)
    run = runs / f"{datetime.now(tz=UTC):%Y-%m-%dT%H%M%SZ}_{secrets.token_hex(4)}"
    unfinished = run.with_name(f".{run.name}.unfinished")
    try:
        with _readable_for(readers):
            (unfinished / PARQUET).mkdir(parents=True)
            rows = _copy(warehouse, tables, unfinished / SNAPSHOT_FILE)
            _export(unfinished / SNAPSHOT_FILE, tables, unfinished / PARQUET)
            if write_pages is not None:
                write_pages(unfinished / SNAPSHOT_FILE, unfinished / REPORTS)
        unfinished.rename(run)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    _open_folders(published, [runs, run, *(path for path in run.rglob("*") if path.is_dir())], readers)
    before = (published / CURRENT).resolve()
    _link(published / CURRENT, f"{RUNS}/{run.name}")
    for name in (SNAPSHOT_FILE, PARQUET, *([REPORTS] if write_pages else [])):
        _link(published / name, f"{CURRENT}/{name}")
    _remove_runs(runs, kept=[run, before][:kept_runs])
    return rows


def _link(link: Path, target: str) -> None:
    """Point ``link`` to ``target``, relative to its folder, in one step."""
    if link.is_symlink() and str(link.readlink()) == target:
        return
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    # A version without links left a folder there, over which nothing can be renamed.
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    new.replace(link)


def _remove_runs(runs: Path, *, kept: Sequence[Path]) -> None:
    names = {path.name for path in kept}
    for folder in runs.iterdir():
        if folder.name not in names:
            shutil.rmtree(folder, ignore_errors=True)


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
            _copy_comments(connection, warehouse.stem, key)
            counted = connection.execute(f"select count(*) from snapshot.{key.sql}").fetchone()
            rows[key.name] = int(counted[0]) if counted else 0
        connection.execute("detach snapshot")
        return rows


def _copy_comments(connection: duckdb.DuckDBPyConnection, catalog: str, key: Key) -> None:
    """Copy the comments on a table and its columns, which ``create table as`` leaves behind."""
    own = "database_name = $catalog and schema_name = $schema"
    tables = f"select null, comment from duckdb_tables() where {own} and table_name = $name"
    columns = f"select column_name, comment from duckdb_columns() where {own} and table_name = $name"
    named = {"catalog": catalog, "schema": key.schema, "name": key.name}
    for column, comment in connection.execute(f"{tables} union all {columns}", named).fetchall():
        if comment is not None:
            place = f"table snapshot.{key.sql}" if column is None else f'column snapshot.{key.sql}."{column}"'
            # A statement that defines something takes no parameters.
            connection.execute(f"comment on {place} is '{_quoted(comment.strip())}'")


def _export(snapshot: Path, tables: Sequence[Key], parquet: Path) -> None:
    with open_duckdb(snapshot, is_read_only=True) as connection:
        for key in tables:
            folder = parquet / key.name
            folder.mkdir()
            file = _quoted(folder / f"{key.name}.parquet")
            connection.execute(f"copy (from {key.sql}) to '{file}' (format parquet)")


def _quoted(text: Path | str) -> str:
    return str(text).replace("'", "''")
