"""Compaction of a DuckDB file, which removes the bytes of deleted rows."""

from pathlib import Path

from assets.connections import open_duckdb
from assets.ingest.parsing.sql import literal, quoted


def compact_database(file: Path) -> None:
    """Copy the database ``file`` into a new file and replace it in one step.

    DuckDB keeps deleted rows in their blocks, and frees blocks without overwriting them; only a new file
    is free of them. A kill leaves the old file or the new one.

    Args:
        file: The database; no other process may have it open.

    Raises:
        duckdb.IOException: when another process has it open.
    """
    compacted = file.with_name(f".{file.name}.compacted")
    _remove(compacted)
    with open_duckdb(file) as connection:
        connection.execute("checkpoint")
    try:
        with open_duckdb(spill=file.with_name(f".{file.name}.spill")) as connection:
            # Views name their catalog, which is the file's name.
            connection.execute(f"attach {literal(str(file))} as {quoted(file.stem)} (read_only)")
            connection.execute(f"attach {literal(str(compacted))} as compacted")
            connection.execute(f"copy from database {quoted(file.stem)} to compacted")
            connection.execute("detach compacted")
        compacted.replace(file)
    finally:
        _remove(compacted)


def _remove(file: Path) -> None:
    for each in (file, file.with_name(f"{file.name}.wal")):
        each.unlink(missing_ok=True)
