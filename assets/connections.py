"""The only function that opens DuckDB."""

from pathlib import Path

import duckdb


def open_duckdb(
    database: Path | None = None,
    *,
    spill: Path | None = None,
    is_read_only: bool = False,
    reads_files: bool = True,
) -> duckdb.DuckDBPyConnection:
    """Open a connection that installs and loads no extension and whose times are UTC.

    Args:
        database: The file; in memory by default.
        spill: Folder for what an in-memory database cannot hold; without it there is no such file. A
            database file has a folder beside it.
        is_read_only: Whether the file cannot be changed.
        reads_files: Whether SQL may read, write and attach files.

    Raises:
        duckdb.IOException: If another process has the file open.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        # A replacement scan would read a Python variable where a table is missing.
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "enable_external_access": reads_files,
    }
    if database is None:
        # DuckDB's own default is a folder in the working directory.
        config["temp_directory"] = str(spill or "")
    connection = duckdb.connect(str(database or ":memory:"), read_only=is_read_only, config=config)
    # The extension of time zones is built in, but it knows no setting before it is loaded.
    connection.execute("load icu")
    connection.execute("set global TimeZone = 'UTC'")
    return connection
