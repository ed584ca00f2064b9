"""Run one SQL query on the published snapshot and print its rows: ``make query SQL="…"``."""

import sys

import duckdb

from orchestration.settings import Settings


def main(arguments: list[str]) -> int:
    """Print the rows of the query; returns the exit code."""
    settings = Settings()
    if not settings.snapshot_file.exists():
        sys.stderr.write(f"{settings.snapshot_file} does not exist yet: launch `make run` first\n")
        return 1
    if len(arguments) != 1 or not arguments[0].strip():
        sys.stderr.write(
            'give a query, for example: make query SQL="from published.purchase_propensity_latest"\n'
        )
        return 2
    with duckdb.connect(str(settings.snapshot_file), read_only=True) as connection:
        try:
            connection.sql(arguments[0]).show(max_width=160, max_rows=40)
        except duckdb.Error as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
