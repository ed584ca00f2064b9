"""The shop's exports: ordinary files, as a shop system would write them, mistakes included."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from assets.sample_shop.customers import SEGMENTS, customers_of
from assets.sample_shop.orders import lines_of, orders_of
from assets.sample_shop.shop import Shop, catalogue
from assets.sample_shop.truth import purchase_probabilities

BAD_LINES = 12
FIRST_LAUNCH_DAYS = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Exports:
    """What was written: ``landing`` holds the exports, ``truth`` what no shop knows; rows by table."""

    landing: Path
    truth: Path
    rows: Mapping[str, int]


def simulate(shop: Shop, *, landing: Path, truth: Path) -> Exports:
    """Simulate ``shop`` and write its exports; the same shop gives the same bytes.

    Args:
        shop: Size, days and seed.
        landing: Folder for ``orders_<month>.csv.gz``, ``customers.csv`` and ``products.csv``; monthly
            files of an earlier simulation are removed.
        truth: Folder for Parquet files that the pipeline never reads.

    Raises:
        ValueError: when ``truth`` lies inside ``landing``.
    """
    if truth.is_relative_to(landing):
        raise ValueError(f"the truth must lie outside the exports, not in {truth}")
    rng = np.random.default_rng(shop.seed)
    products = catalogue(rng)
    customers = customers_of(shop, rng)
    orders = orders_of(shop, customers, rng)
    lines = lines_of(orders, products, favourites=customers["favourite"].to_numpy(), rng=rng)
    tables = {
        "order_lines": _order_export(lines, customers, rng),
        "customers": _customer_export(shop, customers, rng),
        "products": _product_export(shop, products, rng),
    }
    _write_exports(tables, landing)
    truths = {
        "purchase_probabilities": purchase_probabilities(shop, customers),
        "customers": _true_state(customers),
    }
    _write_truth(truths, truth)
    return Exports(landing=landing, truth=truth, rows={name: len(rows) for name, rows in tables.items()})


def _order_export(lines: pd.DataFrame, customers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Lines as text, with a few that no system should have written: a price in words, no date."""
    ids = np.array([*customers["customer_id"], None], dtype=object)
    export = pd.DataFrame(
        {
            "Order Number": lines["order_id"],
            "Customer ID": ids[lines["customer"].to_numpy()],
            "Order Date": lines["ordered_at"],
            "SKU": lines["product_id"],
            "Qty": lines["quantity"],
            "Price": lines["unit_price"].map("{:.2f}".format),
            "Channel": lines["channel"],
            "Country": lines["country"],
            "month": lines["ordered_at"].dt.to_period("M"),
        }
    )
    # Added beside the good lines, so that what is refused takes no order out of the truth.
    bad = export.iloc[np.sort(rng.choice(len(export), size=BAD_LINES, replace=False))]
    no_price, no_date = bad[::2].assign(Price="on request"), bad[1::2].copy()
    no_date["Order Date"] = pd.NaT
    return pd.concat([export, no_price, no_date]).sort_index(kind="stable")


def _customer_export(shop: Shop, customers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    signed_up = pd.Timestamp(shop.first_day) + pd.to_timedelta(customers["signed_up_day"], unit="D")
    second = rng.integers(8 * 3600, size=len(customers))
    export = customers[
        ["customer_id", "first_name", "last_name", "email", "phone", "country", "postcode", "birth_year"]
    ]
    return export.assign(
        signed_up=signed_up + pd.to_timedelta(second, unit="s"),
        acquisition_channel=customers["acquisition_channel"],
    )


def _product_export(shop: Shop, products: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    ago = pd.to_timedelta(rng.integers(1, FIRST_LAUNCH_DAYS, size=len(products)), unit="D")
    return products[["product_id", "title", "category", "unit_price", "unit_cost"]].assign(
        launched=(pd.Timestamp(shop.first_day) - ago).strftime("%Y-%m-%d"),
        in_stock=rng.random(len(products)) < 0.95,
    )


def _true_state(customers: pd.DataFrame) -> pd.DataFrame:
    names = np.array([segment.name for segment in SEGMENTS])
    state = customers[["customer_id", "rate", "hazard", "signed_up_day", "lifetime"]]
    return state.assign(segment=names[customers["segment"].to_numpy()])


def _write_exports(tables: Mapping[str, pd.DataFrame], landing: Path) -> None:
    landing.mkdir(parents=True, exist_ok=True)
    for old in landing.glob("orders_*.csv.gz"):
        old.unlink()
    months = tables["order_lines"].groupby("month")
    files = {f"orders_{month}.csv.gz": rows.drop(columns="month") for month, rows in months}
    _copy(files, landing, options="format csv, compression gzip")
    _copy({f"{name}.csv": tables[name] for name in ("customers", "products")}, landing, options="format csv")


def _write_truth(tables: Mapping[str, pd.DataFrame], truth: Path) -> None:
    truth.mkdir(parents=True, exist_ok=True)
    _copy({f"{name}.parquet": rows for name, rows in tables.items()}, truth, options="format parquet")


def _copy(files: Mapping[str, pd.DataFrame], folder: Path, *, options: str) -> None:
    """DuckDB writes the files: pandas takes ten times as long for CSV."""
    with duckdb.connect() as connection:
        for name, rows in files.items():
            connection.register("export", pa.Table.from_pandas(rows, preserve_index=False))
            quoted = str(folder / name).replace("'", "''")
            connection.execute(f"copy (from export) to '{quoted}' ({options})")
            connection.unregister("export")
