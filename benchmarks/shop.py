"""The sample shop in a separate folder, built up to its marts, with compiled feature SQL."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Literal

import duckdb

from assets.connections import open_duckdb
from assets.ingest.config.business import BusinessConfig
from assets.ingest.loading.load import load_sources
from assets.sample_shop.exports.simulate import simulate
from assets.sample_shop.world.shop import Shop
from orchestration.definitions import shop_of
from orchestration.resources.dbt_manifest import DBT_PROJECT_DIR, dbt_of, dbt_project
from orchestration.resources.layout import write_layout
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings

POINT_IN_TIME = "path:models/point_in_time"
MARTS = ("path:models/staging", "path:models/intermediate", "path:models/marts")
FEATURES = "feat_customer__orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One compiled dbt model: its table and its query."""

    table: str
    query: str

    @property
    def sql(self) -> str:
        """Statement that creates or replaces the table."""
        return f"create or replace table {self.table} as {self.query}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltShop:
    """The sample shop, landed, with staging and marts built by dbt."""

    settings: Settings

    @property
    def warehouse(self) -> DuckDBWarehouse:
        """The same file, as the pipeline reads it."""
        return DuckDBWarehouse(database=str(self.settings.warehouse_file))

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Connection with the pipeline's configuration."""
        return open_duckdb(self.settings.warehouse_file)

    def compiled(self, *selected: str, first: date, last: date, today: date) -> list[Statement]:
        """The ``selected`` models as dbt runs them for the as-of dates ``[first, last]``, in order.

        Args:
            selected: dbt selectors.
            first: First as-of date.
            last: Last as-of date.
            today: Latest as-of date of the business.
        """
        dates = {"as_of_from": str(first), "as_of_to": str(last), "today": str(today)}
        self.settings.export_dbt_environment(dates)
        _dbt(self.settings, "compile", *selected)
        file = self.settings.dbt_target_dir / "compile" / "manifest.json"
        manifest = json.loads(file.read_text(encoding="utf-8"))
        nodes = {
            key: node
            for key, node in manifest["nodes"].items()
            if node["resource_type"] == "model" and node.get("compiled_code")
        }
        needs = {key: set(node["depends_on"]["nodes"]) & set(nodes) for key, node in nodes.items()}
        return [
            Statement(table=nodes[key]["relation_name"], query=nodes[key]["compiled_code"])
            for key in TopologicalSorter(needs).static_order()
        ]


def built_shop(folder: Path, *, size: Literal["tiny", "default"] = "default") -> BuiltShop:
    """Simulate, land and build the sample shop below ``folder``: takes seconds, once per script."""
    settings = Settings(business=Path("config/sample_shop.yaml"), var_dir=folder, size=size)
    business = settings.load_business()
    simulate(_simulated(business), landing=settings.landing_dir, truth=settings.folder / "truth")
    shop = BuiltShop(settings=settings)
    with shop.connect() as connection:
        write_layout(connection)
        load_sources(connection, business)
    dbt_project(settings)
    settings.export_dbt_environment({"time_zone": business.time_zone})
    _dbt(settings, "run", *MARTS)
    with shop.connect() as connection:
        for schema in ("point_in_time", "features", "labels"):
            connection.execute(f'create schema if not exists "{schema}"')
    return shop


def make(connection: duckdb.DuckDBPyConnection, statements: Sequence[Statement]) -> None:
    """Run ``statements`` one after the other."""
    for statement in statements:
        connection.execute(statement.sql)


def _simulated(business: BusinessConfig) -> Shop:
    """Declaration of the simulated shop.

    Raises:
        ValueError: when the business has exports of its own.
    """
    declared = business.simulation
    if declared is None:
        raise ValueError(f"{business.name} is not simulated; benchmarks run on the sample shop")
    return shop_of(declared)


def _dbt(settings: Settings, command: str, *selected: str) -> None:
    """Run one dbt command on ``selected`` in this process; its files lie in the folder of that name.

    Raises:
        RuntimeError: when dbt fails.
    """
    ended = dbt_of(settings).run(
        [command, "--log-level", "none", "--select", *selected], project_dir=DBT_PROJECT_DIR, step=command
    )
    if not ended.is_successful:
        raise RuntimeError(f"dbt {command} failed: " + "\n\n".join(ended.errors))
