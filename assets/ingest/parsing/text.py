"""A delivered text file, opened as UTF-8 that begins with its header."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from assets.ingest.config.source.encoding import UTF_8, codec_of
from assets.ingest.parsing.encodings import CHUNK, advice, first_lines, transcode
from assets.ingest.parsing.file_format import Compression, compression_of, format_of
from assets.ingest.parsing.files import SourceFile
from assets.ingest.parsing.sql import KEEP_ERRORS, LONGEST_LINE, WHOLE_LINES, literal, path_literal

# Excel's hint to itself, above the header.
_SEPARATOR = re.compile(r'^\ufeff?"?sep=(.)"?$', re.IGNORECASE)


class Text(NamedTuple):
    """Text of a file as UTF-8.

    ``path`` and ``compression`` are those of the delivered file, or of a copy: in UTF-8 and without the lines
    above the header, which are ``skipped``.
    """

    file: SourceFile
    path: Path
    compression: Compression
    skipped: tuple[str, ...] = ()

    @property
    def delimiter(self) -> str | None:
        """The delimiter that the source or Excel's line ``sep=`` gives."""
        hint = _SEPARATOR.match(self.skipped[0]) if self.skipped else None
        return self.file.source.delimiter or (hint[1] if hint else None)

    def read_csv(self, options: str) -> str:
        """SQL that reads the text by ``options``."""
        return (
            f"read_csv({path_literal(self.path)}, {options}, encoding = 'utf-8', "
            f"compression = {literal(self.compression)})"
        )

    @property
    def lines(self) -> str:
        """SQL that reads the text as lines, in column ``text``; lines in another encoding are skipped."""
        return self.read_csv(f"{WHOLE_LINES}, ignore_errors = true")

    @property
    def lines_with_errors(self) -> str:
        """As ``lines``; those in another encoding are kept by DuckDB as errors."""
        return self.read_csv(f"{WHOLE_LINES}, {KEEP_ERRORS}")

    def head(self, count: int) -> list[bytes]:
        """The first lines, at most ``count``; a last one beyond the longest line is cut."""
        return first_lines(start_of(self.path, self.compression, LONGEST_LINE), count=count)


@contextmanager
def opened(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, compression: Compression
) -> Iterator[Text]:
    """Open ``file`` as text; a copy is made only where the file is not UTF-8 that begins with its header.

    The copy lies where the database spills, has no name, and is gone when the block ends or the process is
    killed.

    Args:
        connection: The scratch database.
        file: The delivered file.
        compression: Its compression.

    Raises:
        Unreadable: when it is in another encoding than its source says, as a whole.
    """
    encoding, to_skip = file.source.encoding, 0
    if format_of(file) == "csv":
        to_skip = file.source.skip_rows or int(_has_separator_line(file, compression))
    if codec_of(encoding) == UTF_8 and not to_skip:
        yield Text(file, file.path, compression)
        return
    with tempfile.TemporaryFile(dir=spill_folder(connection)) as copy:
        packing = None if compression == "none" else compression
        with pa.input_stream(str(file.path), compression=packing) as source:
            skipped = transcode(source, copy, encoding=encoding, lines_to_skip=to_skip)
        copy.flush()
        yield Text(file, Path(f"/dev/fd/{copy.fileno()}"), "none", tuple(skipped))


def encoding_advice(file: SourceFile) -> str:
    """What to do about a file that is not in the encoding of its source."""
    sample = start_of(file.path, compression_of(file), CHUNK)
    return advice(sample, encoding=file.source.encoding)


def start_of(path: Path, compression: Compression, size: int) -> bytes:
    """Read the beginning of a file, unpacked.

    Args:
        path: The file.
        compression: Its compression.
        size: Bytes at most.
    """
    packing = None if compression == "none" else compression
    with pa.input_stream(str(path), compression=packing) as stream:
        return bytes(stream.read(size))


def _has_separator_line(file: SourceFile, compression: Compression) -> bool:
    start = start_of(file.path, compression, CHUNK)
    line = re.split("\r\n|\r|\n", start.decode(codec_of(file.source.encoding), "replace"), maxsplit=1)[0]
    return is_separator_line(line)


def is_separator_line(line: str) -> bool:
    """Whether ``line`` is Excel's hint at the delimiter.

    >>> is_separator_line("sep=;"), is_separator_line("sep;x")
    (True, False)
    """
    return _SEPARATOR.match(line) is not None


def spill_folder(connection: duckdb.DuckDBPyConnection) -> Path | None:
    """Folder of the database's temporary files, which is made; ``None`` if it has none."""
    found = connection.execute("select current_setting('temp_directory')").fetchone()
    if not found or not found[0]:
        return None
    folder = Path(str(found[0]))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
