"""Nobody who was erased comes back with an export."""

import duckdb

from assets.ingest.config.contract import Contract
from assets.ports import Vault

# Columns of raw tables that say whom a row is about: a visitor is one device of somebody.
PERSONS = ("customer_id", "visitor_id")
ERASED = "it is about somebody who was erased"


def refuse_erased(room: duckdb.DuckDBPyConnection, contract: Contract, vault: Vault) -> None:
    """Refuse the rows in ``arriving`` of people whom ``vault`` knows as erased, whatever else is wrong.

    Once anybody was erased, a line that could not be split is kept without its text: nobody can say whether
    it is about them.
    """
    if not vault.has_erased():
        return
    room.execute("update refused set raw_text = null")
    for kind in (column.name for column in contract.columns if column.name in PERSONS):
        found = room.execute(f"select distinct {kind} from arriving where {kind} is not null").fetchall()
        gone = vault.erased(kind, [str(each) for (each,) in found])
        if gone:
            sql = f"update arriving set reason = $reason where list_contains($gone, {kind})"
            room.execute(sql, {"reason": ERASED, "gone": sorted(gone)})
