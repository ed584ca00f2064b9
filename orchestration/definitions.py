"""The composition root: one business, its resources, and every asset, check and job."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd
from dagster_dbt import DbtProject

from assets.calendar import as_of_on_or_before
from assets.defs import as_of_partitions
from assets.ingest.clock import known_today
from assets.ingest.contracts import CONTRACTS
from assets.ingest.defs import landing_assets, pulled_assets
from assets.ingest.simulation import Simulation
from assets.ingest.sources import Business
from assets.keys import CHECKS, USABILITY_REPORT, Key, raw
from assets.lifecycle import journal
from assets.lifecycle.defs import journals_asset, supervised_assets
from assets.lifecycle.problem import PredictionProblem
from assets.monitoring.defs import usability_asset
from assets.ports import Warehouse
from assets.propensity.problem import PURCHASE_PROPENSITY
from assets.publishing.defs import ledger_asset, snapshot_asset
from assets.sample_shop.defs import sample_shop_asset
from assets.sample_shop.planted import Planted
from assets.sample_shop.shop import Shop
from assets.transform.defs import BusinessClock, transform_assets
from checks.defs import landing_checks, problem_checks
from orchestration.jobs import predict_and_publish
from orchestration.narrator import narrator
from orchestration.parse import DBT_PROJECT_DIR, dbt_project
from orchestration.resources.dbt import InstalledDbt
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings

PROBLEMS: tuple[PredictionProblem, ...] = (PURCHASE_PROPENSITY,)


@dg.definitions
def definitions() -> dg.Definitions:
    """What Dagster loads: the business that the environment names."""
    return definitions_for(Settings())


def definitions_for(settings: Settings) -> dg.Definitions:
    """Every asset, check, job and resource of one business."""
    business = settings.load_business()
    partitions = as_of_partitions(business.first_as_of_day, business.last_day)
    project = dbt_project(settings)
    made = _made(business, project, partitions, settings=settings)
    checks = [*landing_checks(), *(check for problem in PROBLEMS for check in problem_checks(problem))]
    expected = sorted(key for each in (*made, *checks) for key in each.check_keys)
    return dg.Definitions(
        assets=[
            *made,
            ledger_asset((*journal.JOURNALS, USABILITY_REPORT), expected),
            snapshot_asset(
                published_tables(), expected, file=settings.snapshot_file, parquet=settings.parquet_dir
            ),
        ],
        asset_checks=checks,
        jobs=[predict_and_publish(partitions)],
        loggers={"narrator": narrator},
        executor=dg.in_process_executor,
        resources={
            "warehouse": DuckDBWarehouse(database=str(settings.warehouse_file)),
            "models": FolderModelStore(root=str(settings.folder / "models")),
            "dbt": InstalledDbt(project_dir=str(project.project_dir), profiles_dir=str(DBT_PROJECT_DIR)),
        },
    )


def _made(
    business: Business,
    project: DbtProject,
    partitions: dg.PartitionsDefinition[str],
    *,
    settings: Settings,
) -> list[dg.AssetsDefinition]:
    """Everything that is made before it can be published, upstream first."""
    return [
        *_simulated(business, settings),
        *pulled_assets(business, secret=settings.secret, state_dir=settings.pulls_dir),
        *landing_assets(business),
        *transform_assets(project, partitions, clock=_clock(business), tell=settings.tell_dbt),
        usability_asset(),
        *(asset for problem in PROBLEMS for asset in supervised_assets(problem, partitions)),
        journals_asset(PROBLEMS),
    ]


def published_tables() -> tuple[Key, ...]:
    """Everything the snapshot holds: each problem's history and newest rows, and the control tables."""
    scored = [
        Key("published", f"{problem.name}{suffix}") for problem in PROBLEMS for suffix in ("", "_latest")
    ]
    control = [Key("published", key.name) for key in (*journal.JOURNALS, USABILITY_REPORT, CHECKS)]
    return (*scored, *control)


def newest_as_of_day(business: Business) -> date:
    """The newest as-of day of ``business``: a Monday not after its today."""
    return as_of_on_or_before(today_of(business))


def today_of(business: Business) -> date:
    """Today in the business's time zone; the day after its last day when its data set has ended."""
    if business.last_day is not None:
        return business.last_day + timedelta(days=1)
    return _wall_today(business)


def _wall_today(business: Business) -> date:
    return datetime.now(tz=ZoneInfo(business.time_zone)).date()


def _clock(business: Business) -> BusinessClock:
    def today(warehouse: Warehouse) -> date:
        newest = warehouse.read(f"select max(known_at) as newest from {raw('order_lines').sql}")[
            "newest"
        ].iloc[0]
        return known_today(
            business,
            None if pd.isna(newest) else newest.to_pydatetime(),
            wall_today=lambda: _wall_today(business),
        )

    return BusinessClock(
        time_zone=business.time_zone,
        first_as_of_day=business.first_as_of_day,
        today=today,
        known_at={
            raw(contract.table): contract.known_at
            for contract in CONTRACTS.values()
            if contract.known_at is not None
        },
    )


def _simulated(business: Business, settings: Settings) -> list[dg.AssetsDefinition]:
    if business.simulation is None:
        return []
    shop = shop_of(business.simulation)
    return [sample_shop_asset(shop, landing=settings.landing_dir, truth=settings.folder / "truth")]


def shop_of(simulation: Simulation) -> Shop:
    """The shop that a business's YAML declares."""
    return Shop(
        customers=simulation.customers,
        first_day=simulation.first_day,
        last_day=simulation.last_day,
        seed=simulation.seed,
        planted=Planted(**simulation.planted.model_dump()),
    )
