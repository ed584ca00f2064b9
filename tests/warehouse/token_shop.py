"""A shop with tokens as customer ids: its customers, its files in every format, and their loading."""

import gzip
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb
import pandas as pd

from assets.ingest.config.business import BusinessConfig, business_from
from assets.ingest.loading.load import load_sources
from assets.ingest.loading.pseudonyms import names_of
from assets.privacy.redaction.redact_exports import redact_exports
from assets.privacy.vault_key import Keyring, VaultKey
from orchestration.resources.vault import SqliteVault

ANNA, BOB, CLEO = "anna.archer@example.org", "bob.baker@example.org", "cleo.cole@example.org"
NAMES = [ANNA, BOB, CLEO, "Anna.Archer@Example.org", "dan.dyer@example.org", "eve.ely@example.org"]
TOKEN = re.compile("token_[0-9a-f]{64}")
# Anna's address has two spellings, one quantity of Bob is not a number, and the last order is a guest's.
ORDERS = pd.DataFrame(
    [
        ("O1", " Anna.Archer@Example.org", "2024-01-01 10:00", "1"),
        ("O2", BOB, "2024-01-02 10:00", "1"),
        ("O3", ANNA, "2024-01-03 10:00", "2"),
        ("O4", BOB, "2024-01-03 10:00", "many"),
        ("O5", None, "2024-01-04 10:00", "1"),
    ],
    columns=["no", "Email", "at", "pieces"],
)
PEOPLE = pd.DataFrame(
    {"email": [ANNA, BOB, CLEO], "phone": ["+4930111", None, "+4930333"], "country": ["DE", "DE", "FR"]}
)


def parquet_of(rows: pd.DataFrame, folder: Path) -> bytes:
    rows.to_parquet(folder / "made")
    data = (folder / "made").read_bytes()
    (folder / "made").unlink()
    return data


FORMATS: Mapping[str, Callable[[pd.DataFrame, Path], bytes]] = {
    "csv": lambda rows, _: rows.to_csv(index=False).encode(),
    "csv.gz": lambda rows, _: gzip.compress(rows.to_csv(index=False, sep=";").encode(), mtime=0),
    "jsonl": lambda rows, _: rows.to_json(orient="records", lines=True).encode(),
    "json": lambda rows, _: rows.to_json(orient="records").encode(),
    "parquet": parquet_of,
}


def business(
    folder: Path,
    suffix: str = "csv",
    *,
    place: str = "landing_dir",
    pii: Sequence[str] = ("Email", "phone"),
    **changes: object,
) -> BusinessConfig:
    lines = {
        "order_id": "no", "customer_id": 'lower(trim("Email"))', "ordered_at": '"at"', "product_id": "'tea'",
        "quantity": "pieces", "unit_price": "2.5",
    }  # fmt: skip
    document: dict[str, object] = {
        "title": "Shop",
        "clock": "wall",
        "currency": "EUR",
        "time_zone": "UTC",
        "first_as_of_day": "2023-01-02",
        "vault": True,
        "customer_ids": "tokens",
        "sources": [
            {"name": "orders", "table": "order_lines", "files": f"{{{place}}}/orders*.{suffix}",
             "columns": lines},
            {"name": "people", "table": "customers", "files": f"{{{place}}}/people.{suffix}",
             "pii": [*pii], "columns": {"customer_id": "EMAIL", "country": "country"}},
        ],
    }  # fmt: skip
    folders = {"data_dir": folder / "data", "landing_dir": folder / "landing"}
    for each in folders.values():
        each.mkdir(exist_ok=True)
    return business_from(document | changes, file=Path("shop.yaml"), **folders)


def deliver(folder: Path, suffix: str, *, to: str = "landing") -> None:
    (folder / to / f"orders.{suffix}").write_bytes(FORMATS[suffix](ORDERS, folder))
    (folder / to / f"people.{suffix}").write_bytes(FORMATS[suffix](PEOPLE, folder))


def empty_vault(folder: Path) -> SqliteVault:
    """An empty vault in ``folder``, and its key."""
    return SqliteVault(folder / "vault.sqlite", lambda: Keyring(current=VaultKey(b"\1" * 32)))


def landed(folder: Path, shop: BusinessConfig, vault: SqliteVault) -> Mapping[str, pd.DataFrame]:
    redact_exports(shop, vault)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        load_sources(connection, shop, vault)
        return {
            table: connection.execute(f"select * from raw.{table} order by rowid").df()
            for table in ("order_lines", "customers", "rejects", "load_log")
        }


def token_of(shop: BusinessConfig, vault: SqliteVault, name: str) -> str:
    (token,) = names_of(shop, vault, [name])
    assert TOKEN.fullmatch(token)
    return token
