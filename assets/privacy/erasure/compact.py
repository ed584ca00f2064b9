"""Compaction of a DuckDB file, which removes the bytes of deleted rows."""

from pathlib import Path

import duckdb

from assets.ingest.parsing.sql import literal, quoted

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
}


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
    with duckdb.connect(str(file), config=CONFIG) as connection:
        connection.execute("checkpoint")
    try:
        with duckdb.connect(config=CONFIG) as connection:
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
