"""Whether every row of every landed file is accounted for."""

from collections.abc import Sequence

from assets.ingest.loading.load import LoadRecord


def reconciliation_gaps(records: Sequence[LoadRecord]) -> list[str]:
    """The files whose rows are not all loaded, rejected or left out."""
    return [
        record.source_file
        for record in records
        if record.rows_in != record.rows_loaded + record.rows_rejected + record.rows_left_out
    ]
