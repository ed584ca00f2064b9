"""Damaged, full or read-only disk under Dagster: the file and the remedy in one sentence."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.exc import DatabaseError

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM)
STORAGE_ERRORS = (DatabaseError, OSError)


def storage_refusal(error: DatabaseError | OSError, home: Path) -> str | None:
    """Say what is wrong with the storage, and what to do.

    Args:
        error: What a command raised.
        home: Dagster's folder.

    Returns:
        One sentence; ``None`` if the error is not about storage.
    """
    if isinstance(error, OSError):
        return _of_disk(error)
    reason = str(error.orig)
    if "full" in reason or "disk I/O" in reason:
        return f"{home}: {reason}: free some space on its disk and run the command again"
    if "readonly" in reason or "unable to open" in reason:
        return f"{home}: {reason}: let this account write there, or set VAR_DIR to another folder"
    if "locked" in reason:
        return f"{home}: {reason}: another process has it open; end that one and run the command again"
    damaged = [file for file in sorted(home.rglob("*.db")) if _is_damaged(file)]
    return (
        f"{', '.join(map(str, damaged)) or home}: {reason}. Delete {home}: it holds the history of runs and "
        "which sensors are turned on, and the next command creates it again"
    )


def _of_disk(error: OSError) -> str | None:
    where = error.filename or "the disk"
    if error.errno in FULL:
        return f"{where}: {os.strerror(error.errno)}: free some space and run the command again"
    if error.errno == errno.EROFS:
        return f"{where}: {error.strerror}: set VAR_DIR to a folder that can be written"
    if error.errno in FORBIDDEN:
        return (
            f"{where}: {error.strerror}: let this account read it and write there, or set VAR_DIR to another "
            "folder"
        )
    return None


def _is_damaged(file: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("pragma quick_check").fetchall()
            return found != [("ok",)]
    except sqlite3.Error:
        return True
