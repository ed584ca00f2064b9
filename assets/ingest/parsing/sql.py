"""SQL fragments shared by the readers."""

from glob import escape
from pathlib import Path

# These names hold a space, which an export's own column names hardly do.
LINE = "landing line"
ROW = "landing row"
FILE = "landing file"
OWN_NAMES = frozenset({LINE, ROW, FILE})
LONGEST_LINE = 16_777_216

KEEP_ERRORS = (
    "store_rejects = true, rejects_limit = 0, rejects_table = 'csv_errors', rejects_scan = 'csv_scans'"
)
# A delimiter that text does not contain makes each line one column.
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
    """``path`` as an SQL string, glob characters escaped: DuckDB expands ``*``, ``?`` and ``[``."""
    return literal(escape(str(path)))


def json_value(document: str, key: str) -> str:
    """SQL of the value of ``key`` in the JSON column ``document``, as text."""
    pointer = "/" + key.replace("~", "~0").replace("/", "~1")
    return f"json_extract_string({document}, {literal(pointer)})"


def text_columns(names: list[str]) -> str:
    """Options of ``read_csv`` that read every column as text, without inference."""
    columns = ", ".join(f"{literal(name)}: 'varchar'" for name in names)
    return f"auto_detect = false, columns = {{{columns}}}"
