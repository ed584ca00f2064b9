"""Scan of every file, compressed contents included, for the bytes of known personal values."""

import mmap
import sqlite3
import zipfile
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assets.connections import open_duckdb
from assets.ingest.loading.pseudonyms import DELIVERED_IDS
from assets.ingest.parsing.sql import literal, quoted
from assets.ports import Vault

ANCHOR_BYTES = 4
# Upper bound on searched values; a sample of this size detects a leak as surely as all values would.
MOST_VALUES = 10_000
# Shorter values, such as first names, are ordinary words.
SHORTEST = 8
CHUNK = 1 << 24
MAGIC_BYTES = 16
PACKINGS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
ROWS_AT_A_TIME = 1_000
PLAIN_TYPES = ("VARCHAR", "BLOB", "JSON")
TEXTS = (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view())

Readable = bytes | memoryview | mmap.mmap


class SearchTerms:
    """Values to search for, all in one pass over the bytes.

    Each value is found by an anchor, four of its bytes that many values share ("@exa"). There are few
    anchors, so that a search for ten thousand values costs about as much as for one.
    """

    def __init__(self, values: Iterable[str]) -> None:
        """Choose an anchor for each of ``values``.

        Raises:
            ValueError: when a value is shorter than an anchor, because bytes contain it by chance.
        """
        self._values = {value.encode() for value in values}
        short = [value for value in self._values if len(value) < ANCHOR_BYTES]
        if short:
            raise ValueError(f"{len(short)} of the values are shorter than {ANCHOR_BYTES} bytes")
        shared = Counter(part for value in self._values for part in _parts(value))
        self._shapes: dict[bytes, set[tuple[int, int]]] = defaultdict(set)
        for value in self._values:
            anchor = max(_parts(value), key=lambda part: (shared[part], part))
            self._shapes[anchor].add((value.find(anchor), len(value)))
        self.longest = max(map(len, self._values), default=0)

    def __len__(self) -> int:
        return len(self._values)

    def found_in(self, data: Readable) -> set[bytes]:
        """Return the values that ``data`` contains."""
        whole = bytes(data) if isinstance(data, memoryview) else data
        return {
            value
            for anchor, shapes in self._shapes.items()
            for place in _places(whole, anchor)
            for before, length in shapes
            if place >= before and (value := whole[place - before : place - before + length]) in self._values
        }


def _parts(value: bytes) -> Iterator[bytes]:
    return (value[start : start + ANCHOR_BYTES] for start in range(len(value) - ANCHOR_BYTES + 1))


def _places(data: bytes | mmap.mmap, anchor: bytes) -> Iterator[int]:
    place = data.find(anchor)
    while place >= 0:
        yield place
        place = data.find(anchor, place + 1)


def searchable_values(vault: Vault) -> set[str]:
    """Up to ``MOST_VALUES`` values of ``vault``, without those that files contain by chance."""
    return {
        each.value
        for each in vault.values(at_most=MOST_VALUES)
        if len(each.value) >= SHORTEST and not (each.source == DELIVERED_IDS and each.value.isdecimal())
    }


def distinctive_values(vault: Vault) -> set[str]:
    """Searchable values with an @ or a digit, such as addresses and telephone numbers, but no plain words."""
    return {value for value in searchable_values(vault) if "@" in value or any(map(str.isdigit, value))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """Files, bytes (unpacked ones included) and values searched; ``hits``: values found per file."""

    files: int
    bytes_read: int
    values: int
    hits: Mapping[Path, int]


def scan(folders: Iterable[Path], values: Collection[str], *, beside: Collection[Path] = ()) -> Scanned:
    """Search every file below ``folders`` for ``values``, except those in ``beside``.

    Each file is read as raw bytes, and again by its format: gzip, zip and zstd are unpacked; the texts of
    Parquet, DuckDB and SQLite are read by their libraries, because a database may compress them. Deleted
    rows that a database has not overwritten are found in the raw bytes only.

    Args:
        folders: Folders to search, write-ahead logs and temporary files included.
        values: Values of at least four bytes each.
        beside: Files and folders to leave out.
    """
    terms, hits, files, bytes_read = SearchTerms(values), {}, 0, 0
    for file in sorted({file for folder in folders for file in folder.rglob("*") if file.is_file()}):
        if any(file.is_relative_to(each) for each in beside):
            continue
        found: set[bytes] = set()
        # SQLite may delete its rollback file between listing and reading.
        with suppress(FileNotFoundError):
            for piece in pieces_of(file, overlap=terms.longest):
                bytes_read += len(piece)
                found |= terms.found_in(piece)
            files += 1
        if found:
            hits[file] = len(found)
    return Scanned(files=files, bytes_read=bytes_read, values=len(terms), hits=hits)


def pieces_of(file: Path, *, overlap: int) -> Iterator[Readable]:
    """Yield the raw bytes of ``file``, then its unpacked contents.

    A piece repeats the last ``overlap`` bytes of the one before, so that no value is cut in two.
    """
    if not file.stat().st_size:
        return
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        first = whole[:MAGIC_BYTES]
        yield whole
    if first.startswith(b"PAR1"):
        with pq.ParquetFile(file) as parquet:
            yield from (texts for batch in parquet.iter_batches() for texts in _texts(batch))
    elif first[8:12] == b"DUCK":
        yield from _of_duckdb(file)
    elif first.startswith(b"SQLite format 3"):
        yield from _of_sqlite(file)
    elif first.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(file) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif packing := next((name for magic, name in PACKINGS.items() if first.startswith(magic)), None):
        with pa.input_stream(str(file), compression=packing) as packed:
            yield from _chunks(packed, overlap)


def _chunks(stream: pa.NativeFile, overlap: int) -> Iterator[bytes]:
    kept = b""
    while chunk := stream.read(CHUNK):
        yield kept + chunk
        kept = (kept + chunk)[-overlap:] if overlap else b""


def _texts(batch: pa.RecordBatch) -> Iterator[memoryview]:
    """Yield the concatenated texts of each column; a match across two texts is a false one."""
    for column in batch.columns:
        values = column.dictionary if pa.types.is_dictionary(column.type) else column
        if pa.types.is_nested(values.type):
            yield memoryview(str(values.to_pylist()).encode())
        elif values.type in TEXTS:
            _, _, texts = values.cast(pa.large_binary()).buffers()
            yield memoryview(texts or b"")


def _of_duckdb(file: Path) -> Iterator[memoryview]:
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
                texts = connection.sql(f"select distinct {quoted(column)}::varchar as text from {named}")
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
