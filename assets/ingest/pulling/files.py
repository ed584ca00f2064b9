"""Write the new and changed rows of a pull to the landing folder, as one file and atomically."""

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

from assets.connections import open_duckdb
from assets.ingest.config.business import BusinessInvalid, SourceConfig
from assets.ingest.parsing.sql import WHOLE_LINES, json_value, literal, quoted

DOCUMENT = "document"
_FILE, _ROW, _TEXT = '"landing file"', '"landing row"', '"landing text"'
_ID, _KEY = '"landing id"', '"landing key"'
# JSON text holds no line break and no \x01, so each line is one unquoted column.
_UNQUOTED = "delim '\x01', quote '', escape ''"


def deliveries(folder: Path) -> list[Path]:
    """The files written by pulls to ``folder``, oldest first."""
    return sorted(file for file in folder.glob("[0-9]*") if file.suffix in (".parquet", ".jsonl"))


def deliver(loaded: Path, source: SourceConfig, folder: Path, *, spill: Path) -> Path | None:
    """Write the rows of ``loaded`` that are new or changed as the next file of ``folder``.

    Loading takes an order as a whole from the newest file that holds it. So if one line of an order is new,
    its other lines are copied from the earlier files; and an order without a new line, pulled again because
    of the overlap, is left out. That also makes a repeated pull idempotent.

    Args:
        loaded: Parquet with the table's columns, or with one JSON text per row in ``document``.
        source: its mapping defines the key of an order.
        folder: the landing folder of ``source``.
        spill: folder for data that does not fit into memory.

    Returns:
        The file, renamed into place when complete; ``None`` when nothing is new.

    Raises:
        BusinessInvalid: when the mapping or the primary key does not fit the rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    earlier = deliveries(folder)
    # Numbered rather than dated: a clock may be set back, and the file that sorts last wins.
    number = int(earlier[-1].stem) + 1 if earlier else 1
    suffix = "parquet" if source.database else "jsonl"
    with open_duckdb(spill=spill) as connection:
        columns = _compare(connection, source, loaded=loaded, earlier=earlier)
        return _write(connection, columns, folder / f"{number:06d}.{suffix}")


def _compare(
    connection: duckdb.DuckDBPyConnection, source: SourceConfig, *, loaded: Path, earlier: Sequence[Path]
) -> list[str]:
    """Create ``loaded_rows`` and ``changed_keys`` (keys with a new row) of ``loaded``; its columns."""
    described = connection.execute(f"describe from read_parquet({literal(str(loaded))})").fetchall()
    columns = [str(column[0]) for column in described] if source.database else [_TEXT.strip('"')]
    connection.execute(
        f"create temp view pulled as {_parquet(loaded, earlier, columns)}"
        if source.database
        else f"create temp view pulled as {_json(connection, loaded, earlier)}"
    )
    pull = source.pull
    key = [source.columns.get(name, "null") for name in source.contract.key]
    own_key = [quoted(name) for name in pull.primary_key] if pull and pull.primary_key else key
    try:
        _find_changes(connection, loaded, own_key=own_key, key=key)
    except duckdb.Error as refused:
        reason = str(refused).strip().split("\n")[0]
        raise BusinessInvalid(f"primary_key or columns do not fit what was pulled: {reason}") from None
    if source.database:
        _refuse_shared_keys(connection, pull.primary_key if pull else ())
    return columns


def _parquet(loaded: Path, earlier: Sequence[Path], columns: Sequence[str]) -> str:
    files = ", ".join(literal(str(file)) for file in (*earlier, loaded))
    text = ", ".join(f"{quoted(name)} := {quoted(name)}" for name in columns)
    return (
        f"select * exclude (file_row_number), file_row_number as {_ROW}, "
        f"to_json(struct_pack({text}))::varchar as {_TEXT} from read_parquet([{files}], "
        f"union_by_name = true, file_row_number = true, filename = {literal(_FILE.strip(chr(34)))})"
    )


def _json(connection: duckdb.DuckDBPyConnection, loaded: Path, earlier: Sequence[Path]) -> str:
    """SQL of the records with one text column per key, as the JSON reader makes them."""
    files = ", ".join(literal(str(file)) for file in earlier)
    before = (
        f"select text, {_FILE} from read_csv([{files}], {WHOLE_LINES}, "
        f"filename = {literal(_FILE.strip(chr(34)))}) union all "
    )
    lines = (
        f"select text as {_TEXT}, {_FILE}, row_number() over () as {_ROW} from ({before if earlier else ''}"
        f"select {DOCUMENT} as text, {literal(str(loaded))} as {_FILE} "
        f"from read_parquet({literal(str(loaded))})) as lines"
    )
    found = connection.execute(f"select distinct unnest(json_keys({_TEXT})) as key from ({lines}) order by 1")
    keys = {str(key).lower(): str(key) for (key,) in found.fetchall()}
    spread = "".join(f", {json_value(_TEXT, key)} as {quoted(key)}" for key in keys.values())
    return f"select {_TEXT}, {_FILE}, {_ROW}{spread} from ({lines}) as lines"


def _find_changes(
    connection: duckdb.DuckDBPyConnection, loaded: Path, *, own_key: Sequence[str], key: Sequence[str]
) -> None:
    named = f"select *, {_json_key(own_key)} as {_ID}, {_json_key(key)} as {_KEY} from pulled"
    of_load = f"{_FILE} = {literal(str(loaded))}"
    connection.execute(f"create temp table loaded_rows as select * from ({named}) where {of_load}")
    # Pages that shift while they are read repeat records: the last one is the newest.
    connection.execute(
        f"create temp table latest_rows as from loaded_rows qualify row_number() over "
        f"(partition by {_ID} order by {_ROW} desc) = 1"
    )
    connection.execute(
        f"create temp table earlier_rows as select * from ({named}) where not {of_load} "
        f"and {_KEY} in (select {_KEY} from latest_rows) "
        f"qualify {_FILE} = max({_FILE}) over (partition by {_KEY})"
    )
    same = f"earlier_rows.{_ID} = latest_rows.{_ID} and earlier_rows.{_TEXT} = latest_rows.{_TEXT}"
    connection.execute(
        f"create temp table changed_keys as select distinct {_KEY} from latest_rows "
        f"where not exists (select 1 from earlier_rows where {same})"
    )


def _json_key(expressions: Sequence[str]) -> str:
    """SQL of one text, never null, that is equal if all ``expressions`` are."""
    return f"to_json([{', '.join(f'try(({sql}))::varchar' for sql in expressions)}])::varchar"


def _refuse_shared_keys(connection: duckdb.DuckDBPyConnection, primary_key: Sequence[str]) -> None:
    """Refuse a primary key with several rows: they would overwrite one another."""
    found = connection.execute(
        "select (select count(*) from loaded_rows), (select count(*) from latest_rows)"
    ).fetchone()
    if found and found[0] != found[1]:
        named = f"primary_key {', '.join(primary_key)} does not" if primary_key else "the mapped key does not"
        raise BusinessInvalid(
            f"{named} identify a row: {found[0]:,} rows have {found[1]:,} different values; "
            "set primary_key to columns that do"
        )


def _write(connection: duckdb.DuckDBPyConnection, columns: Sequence[str], file: Path) -> Path | None:
    listed = ", ".join(quoted(name) for name in columns)
    parts = (("earlier_rows", f"and {_ID} not in (select {_ID} from latest_rows)"), ("latest_rows", ""))
    rows = " union all ".join(
        f"select {listed}, {place} as place, {_ROW} from {table} "
        f"where {_KEY} in (select {_KEY} from changed_keys) {but}"
        for place, (table, but) in enumerate(parts)
    )
    connection.execute(
        f"create temp table output_rows as select {listed} from ({rows}) order by place, {_ROW}"
    )
    counted = connection.execute("select count(*) from output_rows").fetchone()
    if not counted or not counted[0]:
        return None
    partial = file.with_name(f"{file.name}.partial")
    is_parquet = file.suffix == ".parquet"
    how = "format parquet, compression zstd" if is_parquet else f"format csv, header false, {_UNQUOTED}"
    connection.execute(f"copy output_rows to {literal(str(partial))} ({how})")
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.replace(file)
    return file
