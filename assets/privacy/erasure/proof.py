"""Proof that nothing of erased people is left: a search of all bytes, and for short ids of all id cells."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from assets.connections import open_duckdb
from assets.ingest.config.contracts import PERSONS
from assets.ingest.parsing.files import resolved_files
from assets.ingest.parsing.sql import literal, quoted
from assets.privacy.erasure.rows_sql import person_columns
from assets.privacy.erasure.scope import ErasureScope
from assets.privacy.pii_scan import Delivered, files_below, scan
from assets.privacy.redaction.redact_exports import redact_exports
from assets.privacy.unpacking import DAMAGE, DUCKDB, MAGIC_BYTES, PARQUET, is_locked
from assets.privacy.written_forms import is_distinctive


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Files and bytes searched, the files with ``remains``, and a clause about what could not be proved."""

    files: int
    bytes_read: int
    remains: tuple[Path, ...]
    remarks: str


def prove(
    scope: ErasureScope,
    ids: Mapping[str, Collection[str]],
    *,
    addresses: Collection[str],
    inside: Collection[str],
) -> Proof:
    """Look for erased people in every file of ``scope``.

    Args:
        scope: Where to look; the suppression list of its vault has the ids.
        ids: Erased ids, keyed by column.
        addresses: Other texts that identify the people.
        inside: Longer ids of other people, in which an erased id does not count.
    """
    every = {each for some in ids.values() for each in some}
    terms = {each for each in every if is_distinctive(each)} | {*addresses}
    found = scan(
        scope.folders,
        terms,
        beside=scope.beside,
        inside=inside,
        delivered=Delivered(folder=scope.business.landing_dir, encodings=scope.business.encodings),
    )
    remains, remarks = {*found.hits}, found.remarks
    short = {kind: [each for each in some if not is_distinctive(each)] for kind, some in ids.items()}
    if any(short.values()):
        left, not_compared = _compare_cells(scope, short)
        remains |= left
        if not_compared:
            remarks += f"; NOT compared with ids that are short or a number: {', '.join(not_compared)}"
    return Proof(
        files=found.files, bytes_read=found.bytes_read, remains=tuple(sorted(remains)), remarks=remarks
    )


def _compare_cells(scope: ErasureScope, ids: Mapping[str, Collection[str]]) -> tuple[set[Path], list[str]]:
    """Files with one of ``ids`` in an id column, and the landed files that could not be compared."""
    left = {file for file in files_below(scope.folders, unread={}, beside=scope.beside) if _holds(file, ids)}
    business = scope.business
    # A landed file has its own column names: it is read as loading reads it.
    again = redact_exports(business, scope.vault)
    if again.rows_removed:
        left.add(business.landing_dir)
    read = {file.path for source in business.sources for file in resolved_files(business, source)}
    strange = (str(file) for file in files_below([business.landing_dir], unread={}) if file not in read)
    return left, sorted({*again.unreadable, *strange})


def _holds(file: Path, ids: Mapping[str, Collection[str]]) -> bool:
    try:
        with file.open("rb") as stream:
            first = stream.read(MAGIC_BYTES)
        if first[8:12] == DUCKDB:
            return any(_cells_of_duckdb(file, ids))
        return first.startswith(PARQUET) and any(_cells_of_parquet(file, ids))
    except DAMAGE as damage:
        if is_locked(damage):
            raise
        # The search of bytes names it.
        return False


def _cells_of_duckdb(file: Path, ids: Mapping[str, Collection[str]]) -> Iterator[bool]:
    with open_duckdb() as connection:
        connection.execute(f"attach {literal(str(file))} as searched (read_only)")
        connection.execute("use searched")
        for schema, table, kind in person_columns(connection):
            sql = (
                f"select 1 from {quoted(schema)}.{quoted(table)} "
                f"where list_contains($ids::varchar[], {quoted(kind)}::varchar) limit 1"
            )
            yield bool(connection.execute(sql, {"ids": [*ids.get(kind, ())]}).fetchone())


def _cells_of_parquet(file: Path, ids: Mapping[str, Collection[str]]) -> Iterator[bool]:
    with pq.ParquetFile(file) as parquet:
        names = [name for name in parquet.schema_arrow.names if name in PERSONS]
        for batch in parquet.iter_batches(columns=names) if names else ():
            yield any(not {*ids.get(name, ())}.isdisjoint(batch[name].to_pylist()) for name in names)
