"""Fragments of SQL that every reader of files uses."""

from collections.abc import Iterable
from glob import escape
from pathlib import Path

# A space cannot stand in an export's own column without being asked for, so these never collide.
LINE = "landing line"
ROW = "landing row"
FILE = "landing file"
LONGEST_LINE = 16_777_216

KEEP_ERRORS = (
    "store_rejects = true, rejects_limit = 0, rejects_table = 'csv_errors', rejects_scan = 'csv_scans'"
)
# A separator that text does not contain makes one column of each line.
WHOLE_LINES = (
    f"auto_detect = false, columns = {{'text': 'varchar'}}, header = false, delim = '\x01', quote = '', "
    f"escape = '', strict_mode = false, max_line_size = {LONGEST_LINE}"
)


def quoted(name: str) -> str:
    """``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """``text`` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def listed(names: list[str]) -> str:
    """``names`` as the first columns of a select list."""
    return "".join(f"{quoted(name)}, " for name in names)


def path_literal(path: Path) -> str:
    """``path`` as an SQL string that names this file only: DuckDB takes ``*``, ``?`` and ``[`` for a glob."""
    return literal(escape(str(path)))


def path_list(paths: Iterable[Path]) -> str:
    """An SQL list of ``paths``."""
    return f"[{', '.join(map(path_literal, paths))}]"


def text_columns(names: list[str]) -> str:
    """The options of ``read_csv`` that make every column text and guess nothing."""
    columns = ", ".join(f"{literal(name)}: 'varchar'" for name in names)
    return f"auto_detect = false, columns = {{{columns}}}"
