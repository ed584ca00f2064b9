"""Detection of a file's format and compression from its bytes, and a guard against decompression bombs."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import pyarrow as pa

from assets.ingest.config.business import Format
from assets.ingest.config.source.encoding import UTF_8, codec_of
from assets.ingest.parsing.files import SourceFile, Unreadable

Compression = Literal["none", "gzip", "zstd"]

CHUNK = 1 << 20
# Exports compress 3 to 20 times, repetitive logs 100 times. A file is refused only beyond both limits, so
# that neither a tiny file of blanks nor a large ordinary export is; unpacking stops at the larger limit.
UNPACKED_RATIO = 200
UNPACKED_BYTES = 1 << 30

_COMPRESSION_MAGIC: Mapping[bytes, Compression] = MappingProxyType(
    {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
)
_PARQUET = b"PAR1"
_PACKED = (".gz", ".zst")
_FORMATS: Mapping[Format, tuple[str, ...]] = MappingProxyType(
    {
        "csv": (".csv", ".tsv", ".txt"),
        "parquet": (".parquet",),
        "json": (".json",),
        "jsonl": (".jsonl", ".ndjson"),
        "excel": (".xlsx", ".xlsm", ".xls", ".ods"),
    }
)
_UNSUPPORTED = MappingProxyType(
    {
        b"PARE": "it is an encrypted Parquet file: export it without encryption",
        b"PK\x03\x04": "it is a zip archive: unpack it; if it is an Excel workbook, end its name in .xlsx, "
        "or set format: excel in this source",
        b"\xd0\xcf\x11\xe0": "it is an old Excel workbook: end its name in .xls, or set format: excel",
        b"%PDF": "it is a PDF: export the table as CSV",
        b"BZh": "it is packed by bzip2: pack it by gzip or zstd, or not at all",
        b"\xfd7zXZ": "it is packed by xz: pack it by gzip or zstd, or not at all",
    }
)
_BYTE_ORDER_MARKS = MappingProxyType(
    {b"\xef\xbb\xbf": UTF_8, b"\xff\xfe\0\0": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
)
_MARKUP = ("<!doctype html", "<html", "<?xml")


def format_of(file: SourceFile) -> Format:
    """Format of ``file``: as declared, else by its suffix, ``.gz`` and ``.zst`` removed first.

    Raises:
        Unreadable: when no format is declared and the suffix is unknown.
    """
    name = Path(file.path.stem) if file.path.suffix in _PACKED else file.path
    by_suffix = (kind for kind, suffixes in _FORMATS.items() if name.suffix.lower() in suffixes)
    found = file.source.format or next(by_suffix, None)
    if found is None:
        raise Unreadable(
            f"{file.path} has no known suffix; set format to csv, parquet, json, jsonl or excel in this "
            "source"
        )
    return found


def compression_of(file: SourceFile) -> Compression:
    """Compression of ``file``, by its first bytes; a compressed file is unpacked once to verify it.

    DuckDB goes by the suffix, does not compare checksums, and reads the first part of a truncated zstd file
    as if it were complete.

    Raises:
        Unreadable: when it is a link out of its folder, is not text where text is expected, is truncated or
            damaged, or unpacks beyond the limits.
    """
    if not file.path.resolve().is_relative_to(file.folder.resolve()):
        raise Unreadable(f"it is a link out of {file.folder}: deliver the file itself")
    first = _start(file.path)
    packed = (name for magic, name in _COMPRESSION_MAGIC.items() if first.startswith(magic))
    compression: Compression = next(packed, "none")
    if compression != "none":
        first = _unpacked_start(file.path, compression)
    if format_of(file) == "excel":
        if compression != "none":
            raise Unreadable(f"it is packed by {compression}: deliver the workbook itself")
    else:
        _refuse_other_format(file, first)
    return compression


def _refuse_other_format(file: SourceFile, first: bytes) -> None:
    """Refuse a file that begins as another format than its own."""
    is_parquet = first.startswith(_PARQUET)
    for magic, words in _UNSUPPORTED.items():
        if first.startswith(magic):
            raise Unreadable(words)
    if format_of(file) != "parquet":
        if is_parquet:
            raise Unreadable(
                "it is a Parquet file: end its name in .parquet, or set format: parquet in this source"
            )
        _refuse_non_text(first, encoding=file.source.encoding)
    elif not is_parquet:
        raise Unreadable("it is not Parquet: it does not begin as Parquet does")


def _start(path: Path) -> bytes:
    if path.is_dir():
        raise Unreadable("it is a folder that this account may not list: chmod u+rx it, or move it")
    try:
        with path.open("rb") as stream:
            return stream.read(CHUNK)
    except OSError as refused:
        raise Unreadable(
            f"it cannot be opened ({refused.strerror}): let this account read it, or deliver again"
        ) from refused


def _unpacked_start(path: Path, compression: Compression) -> bytes:
    size = path.stat().st_size
    limit = max(UNPACKED_BYTES, UNPACKED_RATIO * size)
    try:
        with pa.input_stream(str(path), compression=compression) as stream:
            first = bytes(stream.read(CHUNK))
            unpacked = len(first)
            while chunk := stream.read(CHUNK):
                unpacked += len(chunk)
                if unpacked > limit:
                    raise Unreadable(
                        f"its {size:,} bytes unpack to more than {limit:,}: no export packs so well; "
                        "deliver it unpacked if it is one"
                    )
    except OSError as damaged:
        raise Unreadable(
            f"it is cut or damaged: unpacking it by {compression} ends in {str(damaged)!r}; deliver it again"
        ) from damaged
    return first


def _refuse_non_text(first: bytes, *, encoding: str) -> None:
    if first and not first.strip(b"\0"):
        raise Unreadable("it holds nothing but NUL bytes: disk or transfer failed; deliver it again")
    codec = codec_of(encoding)
    marked = next((name for magic, name in _BYTE_ORDER_MARKS.items() if first.startswith(magic)), None)
    if marked is not None and not codec.startswith(marked):
        raise Unreadable(
            f"it begins with the byte order mark of {marked}, and the source has encoding: "
            f"{encoding}; set encoding: {marked}, or make a source of its own for it"
        )
    is_wide = codec.startswith(("utf-16", "utf-32"))
    if not is_wide and first[:4096].count(0) * 3 > len(first[:4096]):
        raise Unreadable("every other byte is NUL, as in UTF-16: save it as UTF-8, or set encoding: utf-16")
    if first[:4096].decode(codec, "ignore").lstrip("\ufeff \t\r\n").lower().startswith(_MARKUP):
        raise Unreadable(
            "it is HTML or XML, perhaps the message of a failed download: download the export again, as CSV, "
            "JSON or Parquet"
        )
