"""Reading of one sheet of an Excel or OpenDocument workbook into columns of text."""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from assets.ingest.parsing.csv import LONGEST_FOOTER, deduplicate_names
from assets.ingest.parsing.file_format import UNPACKED_BYTES
from assets.ingest.parsing.files import WITHHELD, SourceFile, Unreadable, without_personal
from assets.ingest.parsing.sql import LINE, quoted

# A cell as python-calamine reads it; an empty one is "".
_Cell = int | float | str | bool | date | time | timedelta
# Excel keeps 15 digits: a longer number is rounded, and its decimals show that to the rules of ids.
_LARGEST_WHOLE = 1e15


def read_workbook(connection: duckdb.DuckDBPyConnection, file: SourceFile, rows: str) -> list[str]:
    """Create table ``rows`` of the sheet's rows, numbered as Excel shows them; blank ones are skipped.

    A number, a date or a yes-or-no is written as text, as in CSV: its cell says what it is, so 1.234 is no
    number in thousands and a date needs no format.

    Args:
        connection: The scratch database; rows below the data go to its table ``broken``.
        file: The file.
        rows: Name of the table.

    Returns:
        The names of the kept columns.

    Raises:
        Unreadable: when it is no workbook, the sheet is not there or not named, or it has no header.
    """
    lines = list(_lines(_sheet(file), file))
    if not lines:
        raise Unreadable("no header line; is the sheet empty?")
    (_, header), *body = lines
    names = deduplicate_names([_text(cell) or "" for cell in header])
    kept = without_personal(file, names)
    body = _above_footer(connection, file, body)
    columns = {
        name: pa.array([_text(cells[place]) for _, cells in body], pa.string())
        for place, name in enumerate(names)
        if name in kept
    }
    table = pa.table({**columns, LINE: pa.array([number for number, _ in body], pa.int64())})
    connection.register("sheet", table)
    connection.execute(f"create or replace table {rows} as from sheet order by {quoted(LINE)}")
    connection.unregister("sheet")
    return kept


def _sheet(file: SourceFile) -> list[list[_Cell]]:
    _refuse_bomb(file.path)
    try:
        with CalamineWorkbook.from_path(str(file.path)) as workbook:
            sheets, wanted = workbook.sheet_names, file.source.sheet
            if wanted is None and len(sheets) > 1:
                raise Unreadable(
                    f"it has {len(sheets)} sheets ({', '.join(sheets)}): set sheet in this source"
                )
            if wanted is not None and wanted not in sheets:
                raise Unreadable(f"it has no sheet {wanted!r}; it has {', '.join(sheets)}")
            sheet = workbook.get_sheet_by_name(wanted or sheets[0])
            return sheet.to_python(skip_empty_area=False)
    except (CalamineError, OSError) as damaged:
        raise Unreadable(
            f"it cannot be read as a workbook ({damaged}): save it again without a password, or as CSV UTF-8"
        ) from damaged


def _refuse_bomb(path: Path) -> None:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(member.file_size for member in packed.infolist())
        if unpacked > UNPACKED_BYTES:
            raise Unreadable(
                f"it unpacks to {unpacked:,} bytes, more than {UNPACKED_BYTES:,}: save the sheet as CSV UTF-8"
            )


def _lines(cells: Iterable[Sequence[_Cell]], file: SourceFile) -> Iterator[tuple[int, Sequence[_Cell]]]:
    """Number and cells of each row from the header on that is not blank."""
    for number, row in enumerate(cells, start=1):
        if number > file.source.skip_rows and any(_text(cell) for cell in row):
            yield number, row


def _above_footer(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, body: list[tuple[int, Sequence[_Cell]]]
) -> list[tuple[int, Sequence[_Cell]]]:
    """The rows above the one that begins with ``footer``; the others go to ``broken``."""
    footer = file.source.footer
    first = max(0, len(body) - LONGEST_FOOTER)
    begins = (
        place
        for place, (_, cells) in enumerate(body[first:], start=first)
        if footer is not None and next(filter(None, map(_text, cells)), "").startswith(footer)
    )
    end = next(begins, len(body))
    for number, cells in body[end:]:
        text = " ".join(filter(None, map(_text, cells))) if file.shows_text else WITHHELD
        reason = f"it is below the data: footer is {footer!r}"
        connection.execute("insert into broken values (?, ?, ?)", [number, text, reason])
    return body[:end]


def _text(cell: _Cell) -> str | None:
    """The cell as a CSV file has it; ``None`` if it is empty.

    >>> _text(12.0), _text(2.5), _text(True), _text(date(2023, 3, 1)), _text(1e15), _text(" ")
    ('12', '2.5', 'true', '2023-03-01', '1000000000000000.0', None)
    """
    match cell:
        case bool():
            return str(cell).lower()
        case float() if cell.is_integer() and abs(cell) < _LARGEST_WHOLE:
            return str(int(cell))
        case float() if cell.is_integer():
            return f"{cell:.1f}"
        case _:
            return str(cell).strip() or None
