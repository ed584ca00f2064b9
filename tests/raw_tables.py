"""Empty raw tables for tests that read what was landed."""

from assets.ingest.config.contract import ORIGIN
from assets.ingest.config.contracts import CONTRACTS
from assets.keys import raw
from assets.ports import Warehouse


def create_raw_tables(warehouse: Warehouse) -> None:
    """Create every raw table with the columns of its contract, without rows."""
    with warehouse.connect() as connection:
        connection.execute("create schema raw")
        for table, contract in CONTRACTS.items():
            columns = [*((column.name, column.type) for column in contract.columns), *ORIGIN]
            declared = ", ".join(f'"{name}" {kind}' for name, kind in columns)
            connection.execute(f"create table {raw(table).sql} ({declared})")
