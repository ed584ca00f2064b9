"""Contents of files piece by piece, raw and unpacked, in bounded memory whatever a file holds."""

import bz2
import json
import lzma
import os
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from assets.connections import open_duckdb
from assets.ingest.parsing.sql import literal, quoted

CHUNK = 1 << 24
# An archive that unpacks to more is searched so far only.
UNPACKED_BYTES = 1 << 35
# What is packed inside of something packed is written to a file beside it, up to so many bytes and so deep.
INNER_BYTES = 1 << 30
DEEPEST = 4
ROWS_AT_A_TIME = 1_000
MAGIC_BYTES = 16
ZIP = b"PK\x03\x04"
PACKINGS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
PARQUET, _SQLITE, DUCKDB = b"PAR1", b"SQLite format 3", b"DUCK"
_STREAMS: Mapping[bytes, Callable[[Path], IO[bytes]]] = {b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_PACKED = (ZIP, PARQUET, _SQLITE, *PACKINGS, *_STREAMS)
# What the libraries raise for a damaged, cut, encrypted or unknown content.
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    struct.error,
    lzma.LZMAError,
    zlib.error,
    zipfile.BadZipFile,
    pa.ArrowException,
    duckdb.Error,
    sqlite3.Error,
)
PLAIN_TYPES = ("VARCHAR", "BLOB", "JSON")
TEXTS = (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view())

Read = Callable[[int], bytes]


class NotUnpacked(Exception):
    """A file, or a part of it, could not be unpacked; the message says why."""


def raw_pieces(file: Path, *, overlap: int) -> Iterator[bytes]:
    """Yield the bytes of ``file`` as it lies.

    Read and not mapped into memory: a file that its owner truncates meanwhile ends early instead of killing
    this process.

    Args:
        file: The file.
        overlap: A piece repeats so many bytes of the one before it, or NUL where there is none, so that a
            text of half that length stands in one of them with as much on both sides.

    Raises:
        OSError: If it cannot be opened or read.
    """
    with file.open("rb", buffering=0) as stream:
        yield from _chunks(lambda size: stream.read(size) or b"", overlap)


def unpacked_pieces(file: Path, *, overlap: int) -> Iterator[bytes]:
    """Yield the contents of a packed file by its format; nothing for any other file.

    gzip, zstd, bzip2, xz and zip are unpacked, and what is packed inside of them too; the texts of Parquet,
    DuckDB and SQLite are read by their libraries, because they may be compressed.

    Args:
        file: The file.
        overlap: As in :func:`raw_pieces`.

    Raises:
        NotUnpacked: If it is damaged, encrypted, too large or packed more than ``DEEPEST`` times; the pieces
            before have been yielded.
        duckdb.IOException: If another process has the database open.
    """
    try:
        yield from _bounded(_by_format(file, overlap, depth=1))
    except FileNotFoundError:
        raise
    except DAMAGE as damage:
        if is_locked(damage):
            raise
        raise NotUnpacked(_first_line(damage)) from damage


def is_locked(error: Exception) -> bool:
    """Whether another process has a database open, so that a later attempt may read it."""
    return isinstance(error, duckdb.IOException) and "lock" in str(error)


def _bounded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpacked = 0
    for piece in pieces:
        unpacked += len(piece)
        if unpacked > UNPACKED_BYTES:
            raise NotUnpacked(f"it unpacks to more than {UNPACKED_BYTES:,} bytes, searched so far")
        yield piece


def _by_format(file: Path, overlap: int, *, depth: int) -> Iterator[bytes]:
    with file.open("rb") as stream:
        first = stream.read(MAGIC_BYTES)
    packing = next((name for magic, name in PACKINGS.items() if first.startswith(magic)), None)
    opening = next((opens for magic, opens in _STREAMS.items() if first.startswith(magic)), None)
    if first.startswith(PARQUET):
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(batch_size=ROWS_AT_A_TIME):
                yield from (_alone(texts, overlap) for texts in _texts(batch))
    elif first[8:12] == DUCKDB:
        yield from (_alone(texts, overlap) for texts in _of_duckdb(file))
    elif first.startswith(_SQLITE):
        yield from (_alone(texts, overlap) for texts in _of_sqlite(file))
    elif first.startswith(ZIP):
        yield from _of_zip(file, overlap, depth=depth)
    elif packing:
        with pa.input_stream(str(file), compression=packing) as packed:
            yield from _inside(packed.read, overlap, beside=file.parent, depth=depth)
    elif opening:
        with opening(file) as packed:
            yield from _inside(packed.read, overlap, beside=file.parent, depth=depth)


def _chunks(read: Read, overlap: int) -> Iterator[bytes]:
    kept = bytes(overlap)
    while chunk := read(CHUNK):
        piece = kept + chunk
        yield piece
        kept = piece[len(piece) - overlap :]
    yield kept + bytes(overlap)


def _alone(texts: bytes, overlap: int) -> bytes:
    return bytes(overlap) + texts + bytes(overlap)


def _inside(read: Read, overlap: int, *, beside: Path, depth: int) -> Iterator[bytes]:
    """Yield the unpacked bytes and, if these are packed again, what they unpack to.

    A zip or a database can only be read as a file, so the bytes are kept in one in folder ``beside``. A file
    that a killed process leaves there is searched like any other.
    """
    first = read(MAGIC_BYTES)
    parts = iter([first])
    if not first.startswith(_PACKED) and first[8:12] != DUCKDB:
        yield from _chunks(lambda size: next(parts, b"") or read(size), overlap)
        return
    with tempfile.NamedTemporaryFile("wb", buffering=0, dir=beside, prefix=".unpacked-") as copy:
        yield from _chunks(lambda size: _kept(next(parts, b"") or read(size), copy), overlap)
        if depth == DEEPEST:
            raise NotUnpacked(f"it is packed more than {DEEPEST} times")
        yield from _by_format(Path(copy.name), overlap, depth=depth + 1)


def _kept(data: bytes, copy: IO[bytes]) -> bytes:
    if os.fstat(copy.fileno()).st_size + len(data) > INNER_BYTES:
        raise NotUnpacked(f"an archive inside of it has more than {INNER_BYTES:,} bytes")
    copy.write(data)
    return data


def _of_zip(file: Path, overlap: int, *, depth: int) -> Iterator[bytes]:
    """Yield every member; one that cannot be unpacked does not hide the others."""
    failed: list[str] = []
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if member.flag_bits & 1:
                failed.append(f"{member.filename!r} is encrypted")
                continue
            try:
                with archive.open(member) as packed:
                    yield from _inside(packed.read, overlap, beside=file.parent, depth=depth)
            except (NotUnpacked, *DAMAGE) as damage:
                failed.append(f"{member.filename!r}: {_first_line(damage)}")
    if failed:
        raise NotUnpacked("; ".join(failed))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


def _texts(batch: pa.RecordBatch) -> Iterator[bytes]:
    """Yield the concatenated texts of each column; a match across two texts is a false one."""
    for column in batch.columns:
        values = column.dictionary if pa.types.is_dictionary(column.type) else column
        if pa.types.is_nested(values.type):
            yield json.dumps(values.to_pylist(), ensure_ascii=False, default=str).encode()
        elif values.type in TEXTS:
            _, _, texts = values.cast(pa.large_binary()).buffers()
            yield bytes(texts or b"")


def _of_duckdb(file: Path) -> Iterator[bytes]:
    with open_duckdb(spill=file.with_name(f".{file.name}.spill")) as connection:
        connection.execute(f"attach {literal(str(file))} as scanned (read_only)")
        tables = connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() "
            "inner join duckdb_tables() using (database_name, schema_name, table_name) "
            "where database_name = 'scanned'"
        ).fetchall()
        for schema, table, column, kind in tables:
            if kind in PLAIN_TYPES or not kind.isalpha():
                named = f"scanned.{quoted(schema)}.{quoted(table)}"
                text = quoted(column) if kind in PLAIN_TYPES else f"to_json({quoted(column)})"
                texts = connection.sql(f"select distinct {text}::varchar as text from {named}")
                yield from (text for batch in texts.to_arrow_reader() for text in _texts(batch))


def _of_sqlite(file: Path) -> Iterator[bytes]:
    # In the raw bytes a text longer than a page is cut into pieces.
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            rows = connection.execute(f"select * from {quoted(table)}")
            while some := rows.fetchmany(ROWS_AT_A_TIME):
                texts = (each for row in some for each in row if isinstance(each, str | bytes))
                yield b"\0".join(each if isinstance(each, bytes) else each.encode() for each in texts)
