"""Small CSV files that are read together: a query costs as much for one line as for a thousand files."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb

from assets.ingest.config.source.encoding import codec_of
from assets.ingest.parsing.encodings import is_code_page, is_utf_8
from assets.ingest.parsing.file_format import compression_of, format_of
from assets.ingest.parsing.files import OrderedFile, SourceFile, Unreadable
from assets.ingest.parsing.sql import FILE, LINE, quoted
from assets.ingest.parsing.text import Text, is_separator_line, spill_folder, start_of

LARGEST = 1 << 18
FILES_AT_ONCE = 500


class _PlainFile(NamedTuple):
    """A CSV file in which each line that is not empty is one record."""

    header: str
    lines: list[str]


def batch_small_files(groups: Sequence[tuple[OrderedFile, ...]]) -> list[tuple[OrderedFile, ...]]:
    """Join groups of one small CSV file each, where the files have the same header.

    Args:
        groups: Files of one source that are read in one query.
    """
    joined: list[tuple[OrderedFile, ...]] = []
    by_header: dict[str, list[OrderedFile]] = {}
    for group in groups:
        plain = _plain_file(group[0].file) if len(group) == 1 else None
        if plain is None:
            joined.append(group)
        else:
            by_header.setdefault(plain.header, []).append(group[0])
    joined += [
        tuple(files[start : start + FILES_AT_ONCE])
        for files in by_header.values()
        for start in range(0, len(files), FILES_AT_ONCE)
    ]
    return sorted(joined, key=lambda group: group[0].number)


@contextmanager
def opened_together(
    connection: duckdb.DuckDBPyConnection, files: Sequence[OrderedFile]
) -> Iterator[tuple[Text, list[list[str]]]]:
    """Open a batch of small files as one text with one header.

    Args:
        connection: The scratch database.
        files: The files, all with one header.

    Yields:
        The text, and the lines of each file below its header.

    Raises:
        Unreadable: when a file is no longer as it was when the batch was made.
    """
    plain = [_plain_file(each.file) for each in files]
    found = [each for each in plain if each is not None]
    if len(found) < len(plain) or len({each.header for each in found}) > 1:
        raise Unreadable("it changed while it was read")
    with tempfile.TemporaryFile(dir=spill_folder(connection)) as copy:
        for line in (found[0].header, *(line for each in found for line in each.lines)):
            copy.write(f"{line}\n".encode())
        copy.flush()
        yield Text(files[0].file, Path(f"/dev/fd/{copy.fileno()}"), "none"), [each.lines for each in found]


def place_in_files(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    files: Sequence[OrderedFile],
    lines: Sequence[Sequence[str]],
) -> None:
    """Give each row of table ``rows`` its file and its line in that file.

    Args:
        connection: The scratch database; ``rows`` and ``broken`` hold the records of the joined text.
        rows: Name of the table.
        files: The files, in the order of the text.
        lines: The lines of each file.

    Raises:
        Unreadable: when the records are not one per line, so that their files are not known.
    """
    records = sum(line != "" for each in lines for line in each)
    found = connection.execute(
        f"select (select count(*) from {rows}), (select count(*) from broken)"
    ).fetchone()
    if found != (records, 0) or not records:
        raise Unreadable("a line is broken")
    # The header is line 1 of the text and of each file.
    first = 2
    starts: list[tuple[int, int]] = []
    for each, own in zip(files, lines, strict=True):
        # A file without lines begins nowhere.
        starts += [(first, each.number)] if own else []
        first += len(own)
    values = ", ".join(f"({start}, {number})" for start, number in starts)
    line = quoted(LINE)
    connection.execute(
        f"create or replace table {rows} as select placed.* exclude ({line}, start, number), "
        f"{line} - start + 2 as {line}, number::integer as {quoted(FILE)} "
        f"from (from {rows} asof join (values {values}) as starts(start, number) on {line} >= start) "
        f"as placed order by placed.{line}"
    )


def _plain_file(file: SourceFile) -> _PlainFile | None:
    """Read a small file; ``None`` if it has to be read alone, for its size, its form or an error."""
    source = file.source
    try:
        if (
            format_of(file) != "csv"
            or source.skip_rows
            or source.footer
            or file.path.stat().st_size > LARGEST
        ):
            return None
        content = start_of(file.path, compression_of(file), LARGEST + 1)
        text = content.decode(codec_of(source.encoding)).removeprefix("\ufeff")
    except (Unreadable, OSError, UnicodeDecodeError):
        # Read alone, it fails again with a reason of its own.
        return None
    if text.count("\r") == text.count("\n"):
        text = text.replace("\r\n", "\n")
    header, *lines = text.removesuffix("\n").split("\n")
    is_plain = "\r" not in text and all(line.count('"') % 2 == 0 for line in (header, *lines))
    if len(content) > LARGEST or not is_plain or not header.strip() or is_separator_line(header):
        return None
    is_misread = is_code_page(codec_of(source.encoding)) and not content.isascii() and is_utf_8(content)
    return None if is_misread else _PlainFile(header, lines)
