"""Run one SQL query on the published snapshot and print its rows: ``make query SQL="…"``."""

import sys

import duckdb

from assets.connections import open_duckdb
from orchestration.cli.session import command
from orchestration.resources.home import require_own_folder
from orchestration.settings import Options, Settings


class QueryOptions(Options):
    """The query."""

    sql: str = ""


@command
def main() -> int:
    """Print the rows of the query; returns the exit code."""
    options, settings = QueryOptions(), Settings()
    require_own_folder(settings)
    if not settings.snapshot_file.exists():
        sys.stderr.write(f"{settings.snapshot_file} does not exist yet: launch `make run` first\n")
        return 1
    if not options.sql.strip():
        sys.stderr.write(
            'give a query, for example: make query SQL="from published.purchase_propensity_latest"\n'
        )
        return 2
    with open_duckdb(settings.snapshot_file, is_read_only=True, reads_files=False) as connection:
        try:
            connection.sql(options.sql).show(max_width=160, max_rows=40)
        except duckdb.Error as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
