"""Delete the derived data of one business, so that the next run builds it again: ``make rebuild``."""

import shutil
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from assets.connections import open_duckdb
from assets.ingest.parsing.sql import literal
from assets.keys import Key
from orchestration.cli.session import Session, command
from orchestration.resources.layout import EARLIER_RECORDS, RECORDS, existing_tables, write_layout
from orchestration.settings import Settings

RUN_ID = "rebuild"


@command
def main() -> int:
    """Delete warehouse, models, published tables and dbt's target; returns the exit code."""
    session = Session.open(Settings())
    with session.locked(RUN_ID):
        deleted = session.warehouse.when_free(lambda: rebuild(session.settings))
    if not deleted:
        sys.stdout.write(f"{session.settings.folder} has nothing to delete\n")
        return 0
    sys.stdout.write(
        f"deleted {', '.join(map(str, deleted))}; exports, vault with suppression list, erasure requests, "
        "erasure log and pull cursors are kept: launch `make run`\n"
    )
    return 0


def rebuild(settings: Settings) -> list[Path]:
    """Delete the derived data of one business: warehouse, models, published tables and dbt's target.

    The erasure log and the log of sent audiences move into a new warehouse, because they cannot be computed
    again. That file replaces the old one last: after a kill, the next call starts again with the old one.

    Returns:
        The deleted file and folders.

    Raises:
        duckdb.IOException: If another process has the warehouse open.
    """
    warehouse = settings.warehouse_file
    folders = (settings.models_dir, settings.published_dir, settings.dbt_target_dir)
    deleted = [path for path in (warehouse, *folders) if path.exists()]
    new = _with_records(warehouse) if warehouse.exists() else None
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    if new is not None:
        new.replace(warehouse)
    return deleted


def _with_records(warehouse: Path) -> Path:
    """Create a new warehouse with the records of ``warehouse``; returns its file."""
    new = warehouse.with_name(f".{warehouse.name}.rebuilt")
    new.unlink(missing_ok=True)
    with open_duckdb(new) as connection:
        write_layout(connection)
    # Opened for writing, so that DuckDB applies and removes the log that a killed run left beside the file.
    with open_duckdb(warehouse) as connection:
        existing = existing_tables(connection)
        connection.execute(f"attach {literal(str(new))} as rebuilt")
        for key, (target, renamed) in _records(existing).items():
            connection.execute(f'create schema if not exists rebuilt."{target.schema}"')
            connection.execute(f"create table rebuilt.{target.sql} as from {key.sql}")
            for before, now in renamed.items():
                connection.execute(f'alter table rebuilt.{target.sql} rename "{before}" to "{now}"')
        connection.execute("detach rebuilt")
        connection.execute("checkpoint")
    return new


def _records(existing: Collection[Key]) -> dict[Key, tuple[Key, Mapping[str, str]]]:
    """The existing records, with the table that each is copied to and the new names of columns."""
    known = {**EARLIER_RECORDS, **{key: (key, {}) for key in RECORDS}}
    return {key: target for key, target in known.items() if key in existing}


if __name__ == "__main__":
    sys.exit(main())
