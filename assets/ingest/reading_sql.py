"""Fragments of SQL that every reader of files uses."""

# A space cannot stand in an export's own column without being asked for, so these never collide.
LINE = "landing line"
ROW = "landing row"
LONGEST_LINE = 16_777_216

KEEP_ERRORS = (
    "store_rejects = true, rejects_limit = 0, rejects_table = 'csv_errors', rejects_scan = 'csv_scans'"
)
# A separator that text does not contain makes one column of each line.
WHOLE_LINES = (
    f"header = false, delim = '\x01', quote = '', escape = '', strict_mode = false, "
    f"max_line_size = {LONGEST_LINE}"
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


def text_columns(names: list[str]) -> str:
    """The options of ``read_csv`` that make every column text and guess nothing."""
    columns = ", ".join(f"{literal(name)}: 'varchar'" for name in names)
    return f"auto_detect = false, columns = {{{columns}}}"
