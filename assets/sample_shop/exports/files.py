"""Writer of export files from data frames."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from assets.connections import open_duckdb

DUCKDB_OPTIONS: Mapping[str, str] = {
    ".csv": "format csv",
    ".gz": "format csv, compression gzip",
    ".jsonl": "format json",
}


class Files:
    """Write files below one folder.

    DuckDB writes text, because pandas takes ten times as long for CSV; Arrow writes Parquet, because for
    a small file such as one day of events DuckDB's start-up takes three times as long.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._connection = open_duckdb(spill=folder / ".spill")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def write(self, name: str, frames: pd.DataFrame | pa.Table | Iterable[pd.DataFrame]) -> int:
        """Write ``frames``, one after the other, to the file ``name``; its suffix decides the format.

        Args:
            name: Path below the folder.
            frames: At least one frame; all have the columns of the first. They are consumed one by one, so
                that a generator never has to hold them all.

        Returns:
            The number of rows written.
        """
        parts = iter([frames] if isinstance(frames, pd.DataFrame | pa.Table) else frames)
        first = _table(next(parts), None)
        tables = chain([first], (_table(part, first.schema) for part in parts))
        file = self.folder / name
        if file.suffix == ".parquet":
            return _write_parquet(tables, file, first.schema)
        return self._write_text(tables, file, first.schema)

    def append(self, name: str, frame: pd.DataFrame) -> int:
        """Append ``frame`` (n, columns) to the text file ``name`` without a header (JSON lines)."""
        rows = self.write(f"part.{name}", frame)
        part = self.folder / f"part.{name}"
        with (self.folder / name).open("ab") as whole:
            whole.write(part.read_bytes())
        part.unlink()
        return rows

    def _write_text(self, tables: Iterator[pa.Table], file: Path, schema: pa.Schema) -> int:
        batches = (batch for table in tables for batch in table.to_batches())
        self._connection.register("export", pa.RecordBatchReader.from_batches(schema, batches))
        quoted = str(file).replace("'", "''")
        copied = self._connection.execute(
            f"copy (from export) to '{quoted}' ({DUCKDB_OPTIONS[file.suffix]})"
        ).fetchone()
        self._connection.unregister("export")
        return int(copied[0]) if copied else 0


def _table(rows: pd.DataFrame | pa.Table, schema: pa.Schema | None) -> pa.Table:
    if isinstance(rows, pa.Table):
        return rows
    table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
    return table.replace_schema_metadata()


def _write_parquet(tables: Iterator[pa.Table], file: Path, schema: pa.Schema) -> int:
    rows = 0
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
            rows += table.num_rows
    return rows
