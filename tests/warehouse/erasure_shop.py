"""A small business with a person in every place that an erasure covers."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from assets.ingest.config.business import BusinessConfig, business_from
from assets.ingest.loading.load import load_sources
from assets.privacy.erasure.scope import ErasureScope
from assets.privacy.redaction.redact_exports import redact_exports
from assets.privacy.vault_key import Keyring, VaultKey
from orchestration.resources.vault import SqliteVault
from orchestration.resources.warehouse import DuckDBWarehouse

ANN, BOB = "C100001", "C100002"
ADDRESS = "ann.archer@example.org"
PEOPLE = f"id,email,country\n{ANN},{ADDRESS},DE\n{BOB},bob.baker@example.org,FR\n"
ORDERS = (
    "order,customer,at,sku,pieces,price\n"
    f"O1,{ANN},2024-01-01 10:00,tea,1,2.5\nO1,{ANN},2024-01-01 10:00,cup,1,9\n"
    f"O2,{BOB},2024-01-02 10:00,tea,1,2.5\nO3,{ANN},2024-01-03 10:00,tea,many,2.5\n"
)
# Ann's own device before and after she signed in, and one that Bob uses as well.
EVENTS = pd.DataFrame(
    [
        ("V-OWN-DEVICE", None, "2024-01-01 09:00", "page_view"),
        ("V-OWN-DEVICE", ANN, "2024-01-01 09:01", "page_view"),
        ("V-FAMILY", ANN, "2024-01-01 09:02", "page_view"),
        ("V-FAMILY", BOB, "2024-01-01 09:03", "page_view"),
        ("V-FAMILY", None, "2024-01-01 09:04", "page_view"),
    ],
    columns=["visitor", "customer", "at", "type"],
)
REQUESTED_AT = datetime(2024, 2, 1, 12)  # noqa: DTZ001 - naive UTC, as everywhere in the warehouse


class Shop:
    """A small business with data in every place that an erasure covers."""

    def __init__(
        self, folder: Path, *, files: Path | None = None, orders: str = ORDERS, people: str = PEOPLE
    ) -> None:
        self.folder, self.landing = folder, files or folder / "landing"
        self.orders, self.people = orders, people
        self.landing.mkdir(parents=True)
        self.business = declared(self.landing, ours=folder / "landing")
        self.vault = SqliteVault(folder / "vault.sqlite", lambda: Keyring(current=VaultKey(b"\1" * 32)))
        self.warehouse = DuckDBWarehouse(database=str(folder / "warehouse.duckdb"))
        self.published = 0
        self.deliver()
        self.load_sources()
        with self.warehouse.connect() as connection:
            connection.execute("create schema ml; create schema published")
            connection.execute(
                "create table ml.scores as select distinct customer_id, 0.5 as probability, "
                "'x' as model_version from raw.customers"
            )
            connection.execute("create view published.scores as from ml.scores")

    def deliver(self) -> None:
        (self.landing / "people.csv").write_text(self.people, encoding="utf-8")
        (self.landing / "orders.csv").write_text(self.orders, encoding="utf-8")
        EVENTS.to_parquet(self.landing / "events.parquet")

    def load_sources(self) -> None:
        redact_exports(self.business, self.vault)
        with self.warehouse.connect() as connection:
            load_sources(connection, self.business, self.vault)

    def publish(self) -> None:
        self.published += 1

    @property
    def scope(self) -> ErasureScope:
        clock = iter(REQUESTED_AT + timedelta(minutes=passed) for passed in range(100))
        return ErasureScope(
            business=self.business,
            warehouse=self.warehouse,
            vault=self.vault,
            folders=[self.folder],
            beside=[],
            publish_again=self.publish,
            now=lambda: next(clock),
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse.path), read_only=True) as connection:
            return connection.execute(sql).fetchall()


def declared(files: Path, *, ours: Path) -> BusinessConfig:
    events = {"visitor_id": "visitor", "customer_id": "customer", "occurred_at": '"at"', "event_type": "type"}
    lines = {"order_id": '"order"', "customer_id": "customer", "ordered_at": '"at"', "product_id": "sku"}
    document = {
        "title": "Shop",
        "clock": "wall",
        "currency": "EUR",
        "time_zone": "UTC",
        "first_as_of_day": "2023-01-02",
        "vault": True,
        "sources": [
            {"name": "orders", "table": "order_lines", "files": "{data_dir}/orders.csv",
             "columns": {**lines, "quantity": "pieces", "unit_price": "price"}},
            {"name": "people", "table": "customers", "files": "{data_dir}/people.csv", "pii": ["email"],
             "columns": {"customer_id": "id", "country": "country"}},
            {"name": "visits", "table": "events", "files": "{data_dir}/events.parquet", "columns": events},
        ],
    }  # fmt: skip
    return business_from(document, file=Path("shop.yaml"), data_dir=files, landing_dir=ours)
