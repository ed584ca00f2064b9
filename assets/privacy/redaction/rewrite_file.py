"""Rewrite a delivered file without personal values, ids or rows of erased people, otherwise unchanged."""

import csv
import io
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assets.ingest.config.business import BusinessInvalid, Format
from assets.ingest.config.source.encoding import codec_of
from assets.ingest.parsing.csv import deduplicate_names, header_of
from assets.ingest.parsing.file_format import compression_of, format_of
from assets.ingest.parsing.files import NOBODY
from assets.ingest.parsing.readers import ParsedFiles
from assets.ingest.parsing.sql import LINE, listed, quoted
from assets.ingest.parsing.text import is_separator_line, opened

# Replaces a line that cannot be split into columns, because any part of it may be personal.
WITHHELD_LINE = "withheld"

Row = Sequence[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Change of a file: the values of ``emptied`` columns, lower case, and the rows on ``dropped`` lines.

    The rows in the scratch database already hold tokens in ``id_column`` (lower case, if any), which are
    written to the file.
    """

    emptied: frozenset[str]
    dropped: frozenset[int] = frozenset()
    id_column: str | None = None

    def __bool__(self) -> bool:
        return bool(self.emptied or self.dropped or self.id_column)


def rewrite(scratch: duckdb.DuckDBPyConnection, arrival: ParsedFiles, change: Change) -> None:
    """Apply ``change`` to the one file of ``arrival`` and replace the file in one step.

    Columns, order, format, encoding and compression stay, and so do all rows that are not dropped. A line
    that cannot be split into columns is replaced by one word, which cannot be split either. The same file
    gives the same bytes.

    Args:
        scratch: The database that ``arrival`` was read into, with its ``broken`` table.
        arrival: One file, read with all its columns.
        change: Columns, rows and ids to redact.

    Raises:
        BusinessInvalid: when the file is a workbook, which can only be read.
    """
    file = arrival.files[0].file
    kind, compression = format_of(file), compression_of(file)
    if kind == "excel":
        raise BusinessInvalid(
            f"{file.path}: personal values and rows of erased customers cannot be removed from a workbook in "
            "the landing folder: deliver it as CSV, or keep it in {data_dir}"
        )
    unfinished = file.path.with_name(f".{file.path.name}.unfinished")
    try:
        if kind == "parquet":
            _write_parquet(file.path, unfinished, change, tokens=_tokens(scratch, arrival, change))
        else:
            rows = _redacted_rows(scratch, arrival, change)
            text = _as_csv(scratch, arrival, rows) if kind == "csv" else _as_json(arrival, rows, kind)
            packing = None if compression == "none" else compression
            with pa.output_stream(str(unfinished), compression=packing) as stream:
                stream.write(text.encode(codec_of(file.source.encoding)))
        unfinished.chmod(file.path.stat().st_mode)
        unfinished.replace(file.path)
    finally:
        unfinished.unlink(missing_ok=True)


def _tokens(scratch: duckdb.DuckDBPyConnection, arrival: ParsedFiles, change: Change) -> list[str]:
    """Tokens of the id column, line by line; empty if the file has no id column to rewrite."""
    if change.id_column is None:
        return []
    name = quoted(change.id_column)
    rows = scratch.execute(f"select {name} from {arrival.rows} order by {quoted(LINE)}").fetchall()
    return [token or NOBODY for (token,) in rows]


def _write_parquet(old: Path, new: Path, change: Change, *, tokens: Sequence[str]) -> None:
    # Not by DuckDB: files of one source are read together only as long as their schemas are equal.
    with pq.ParquetFile(old) as parquet:
        table = parquet.read()
    names = deduplicate_names(table.schema.names)
    for position, (name, field) in enumerate(zip(names, table.schema, strict=True)):
        if name.lower() in change.emptied:
            empty = pa.nulls(len(table), field.type)
            table = table.set_column(position, field.with_nullable(True), empty)
        elif name.lower() == change.id_column:
            table = table.set_column(
                position, pa.field(field.name, pa.string()), pa.array(tokens, pa.string())
            )
    if change.dropped:
        line = pa.array(range(1, len(table) + 1))
        table = table.filter(pc.invert(pc.is_in(line, pa.array(sorted(change.dropped)))))
    pq.write_table(table, new, compression="zstd")


def _redacted_rows(
    scratch: duckdb.DuckDBPyConnection, arrival: ParsedFiles, change: Change
) -> list[Row | None]:
    """Remaining rows in order, with columns emptied; ``None`` for a line that could not be split."""
    columns = listed(list(arrival.columns))
    rows = scratch.execute(f"select {columns} {quoted(LINE)} from {arrival.rows}").fetchall()
    broken = scratch.execute("select source_line from broken").fetchall()
    names = [name.lower() for name in arrival.columns]
    kept: list[tuple[int, Row | None]] = [
        (line, [_redacted_value(name, value, change) for name, value in zip(names, values, strict=True)])
        for *values, line in rows
        if line not in change.dropped
    ]
    kept += [(line, None) for (line,) in broken]
    return [row for _, row in sorted(kept, key=lambda each: each[0])]


def _redacted_value(name: str, value: str | None, change: Change) -> str | None:
    if name in change.emptied:
        return None
    return NOBODY if name == change.id_column and value is None else value


def _as_csv(scratch: duckdb.DuckDBPyConnection, arrival: ParsedFiles, lines: Collection[Row | None]) -> str:
    file = arrival.files[0].file
    with opened(scratch, file, compression_of(file)) as delivered:
        delimiter, _ = header_of(delivered)
    text = io.StringIO(newline="")
    # Lines above the header may be personal as well; Excel's line sep= says how to read the rest.
    for line in delivered.skipped:
        text.write(f"{line if is_separator_line(line) else WITHHELD_LINE}\n")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(arrival.columns)
    writer.writerows([WITHHELD_LINE] if line is None else line for line in lines)
    return text.getvalue()


def _as_json(arrival: ParsedFiles, lines: Collection[Row | None], kind: Format) -> str:
    documents = [
        WITHHELD_LINE
        if line is None
        else json.dumps(dict(zip(arrival.columns, line, strict=True)), ensure_ascii=False)
        for line in lines
    ]
    return f"[{', '.join(documents)}]\n" if kind == "json" else "".join(f"{each}\n" for each in documents)
