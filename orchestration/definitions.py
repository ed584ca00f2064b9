"""The composition root: one business, its resources, and every asset, check and job."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd
from dagster_dbt import DbtProject

from assets.activation.tables import AUDIENCE_EXPORTS
from assets.calendar import as_of_on_or_before
from assets.defs import as_of_partitions
from assets.ingest.config.business import BusinessConfig, BusinessInvalid
from assets.ingest.config.clock import known_today
from assets.ingest.config.contracts import CONTRACTS
from assets.ingest.config.simulation import Simulation
from assets.ingest.defs import delivering, landing_assets, pulled_assets
from assets.ingest.parsing.files import resolved_files
from assets.keys import USABILITY_REPORT, raw
from assets.lifecycle.retrain_triggers import RetrainTrigger
from assets.lifecycle.store import control_tables
from assets.monitoring.readiness.delivery import delivery_lines, delivery_of
from assets.ports import Warehouse
from assets.privacy.defs import redacted_asset
from assets.publishing.defs import ledger_asset, retention_asset, snapshot_asset
from assets.publishing.retention import Retention
from assets.sample_shop.defs import sample_shop_asset
from assets.sample_shop.world.shop import InjectedFaults, Shop
from assets.transform.build_state import BusinessCalendar
from assets.transform.defs import transform_assets
from checks.privacy.defs import vault_scan_check
from orchestration.alerts import alerts_of, checks_failed_sensor, run_failed_sensor
from orchestration.capabilities import (
    CAPABILITIES,
    all_checks,
    model_assets,
    monitored_assets,
    pending_triggers,
    published_tables,
    readiness_asset,
)
from orchestration.cli.console_log import console_logger
from orchestration.cli.privacy.erase import erase_requested
from orchestration.continuation import capability_failed_sensor
from orchestration.jobs import Stages, jobs_of
from orchestration.policies import SENSOR_LOCK_TIMEOUT, governed, status_of
from orchestration.resources.dbt_manifest import dbt_of, dbt_project
from orchestration.resources.home import searched_folders
from orchestration.resources.models import FolderModelStore
from orchestration.resources.vault_keys import vault_of
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.sensors import (
    erase_job,
    erasure_requested_sensor,
    exports_landed_sensor,
    retrain_triggered_sensor,
    schedules,
)
from orchestration.settings import Settings


@dg.definitions
def definitions() -> dg.Definitions:
    """Definitions that Dagster loads: those of the business that the environment names."""
    return definitions_for(Settings())


def definitions_for(settings: Settings) -> dg.Definitions:
    """Every asset, check, job, schedule, sensor and resource of one business."""
    return defined(settings)[0]


def defined(settings: Settings) -> tuple[dg.Definitions, Stages]:
    """The definitions of one business, and its assets by stage."""
    business = settings.load_business()
    partitions = as_of_partitions(business.first_as_of_day, business.last_day, time_zone=business.time_zone)
    project = dbt_project(settings)
    stages = _stages(business, project, partitions, settings=settings)
    jobs = jobs_of(stages, partitions)
    erase = erase_job(lambda warehouse, vault: erase_requested(settings, business, warehouse, vault))
    definitions = dg.Definitions(
        assets=[governed(asset, is_live=business.clock == "wall") for asset in stages.everything],
        asset_checks=_checks(business, settings),
        jobs=[*jobs.values(), erase],
        schedules=schedules(
            time_zone=business.time_zone, newest=lambda day: as_of_on_or_before(min(day, today_of(business)))
        ),
        sensors=[*_sensors(business, settings, stages), capability_failed_sensor(stages, jobs)],
        loggers={"console": console_logger},
        executor=dg.in_process_executor,
        resources={
            "warehouse": DuckDBWarehouse(database=str(settings.warehouse_file)),
            "vault": vault_of(settings, business),
            "models": FolderModelStore(root=str(settings.models_dir)),
            "dbt": dbt_of(settings),
        },
    )
    return definitions, stages


def _stages(
    business: BusinessConfig,
    project: DbtProject,
    partitions: dg.PartitionsDefinition[str],
    *,
    settings: Settings,
) -> Stages:
    staged, featured, published, activated = transform_assets(
        project, partitions, calendar=_clock(business), export_environment=settings.export_dbt_environment
    )
    landed = [*_delivered_assets(business, settings), staged, readiness_asset(partitions)]
    monitored = monitored_assets(partitions, reports=settings.reports_dir)
    trained, refitted_every_run, scored = model_assets(partitions, audiences=business.audiences)
    made = [*landed, featured, published, activated, *monitored, *trained, *refitted_every_run, *scored]
    expected = sorted(key for each in (*made, *_checks(business, settings)) for key in each.check_keys)
    return Stages(
        landed=landed,
        featured=[featured],
        monitored=monitored,
        trained=trained,
        refitted_every_run=refitted_every_run,
        scored=scored,
        published=_published(
            [published, activated], expected, settings=settings, partitions=partitions, business=business
        ),
    )


def _delivered_assets(business: BusinessConfig, settings: Settings) -> list[dg.AssetsDefinition]:
    return [
        *_simulated(business, settings),
        *pulled_assets(business, secret=settings.secret, state_dir=settings.pulls_dir),
        redacted_asset(business, after=delivering(business)),
        *landing_assets(business, describe=partial(_delivered_block, business)),
    ]


def _delivered_block(business: BusinessConfig, warehouse: Warehouse, as_of_day: str | None) -> str:
    specs = [each.spec for each in CAPABILITIES]
    as_of = date.fromisoformat(as_of_day) if as_of_day else newest_as_of_day(business)
    return "\n".join(delivery_lines(delivery_of(warehouse, business, specs, as_of=as_of), business))


def _checks(business: BusinessConfig, settings: Settings) -> list[dg.AssetChecksDefinition]:
    checks = all_checks(settings.reports_dir, business)
    if not business.vault:
        return checks
    return [*checks, vault_scan_check(vault_of(settings, business), searched_folders(settings))]


def _published(
    published: Sequence[dg.AssetsDefinition],
    expected: list[dg.AssetCheckKey],
    *,
    settings: Settings,
    partitions: dg.PartitionsDefinition[str],
    business: BusinessConfig,
) -> list[dg.AssetsDefinition]:
    """What is no longer kept, published tables, the check ledger and the snapshot."""
    tables, specs = published_tables(), tuple(each.spec for each in CAPABILITIES)
    kept = Retention(
        as_of_dates=business.keep_as_of_dates,
        models=business.keep_models,
        specs=specs,
        folders=(settings.reports_dir, settings.audiences_dir),
        also_kept=(AUDIENCE_EXPORTS,),
    )
    scored = [table.key for spec in specs for table in spec.tables]
    return [
        retention_asset(scored, kept, partitions=partitions),
        *published,
        ledger_asset((*control_tables.CONTROL_TABLES, USABILITY_REPORT), expected, partitions=partitions),
        snapshot_asset(
            tables, expected, published=settings.published_dir, readers=business.published_readers
        ),
    ]


def _sensors(business: BusinessConfig, settings: Settings, stages: Stages) -> list[dg.SensorDefinition]:
    warehouse = DuckDBWarehouse(
        database=str(settings.warehouse_file), lock_timeout_seconds=SENSOR_LOCK_TIMEOUT.total_seconds()
    )

    def triggers() -> Iterator[RetrainTrigger]:
        if settings.warehouse_file.exists():
            yield from pending_triggers(warehouse, as_of=newest_as_of_day(business))

    return [
        exports_landed_sensor(lambda: _delivered(business), newest=lambda: newest_as_of_day(business)),
        retrain_triggered_sensor(triggers, assets_to_retrain=stages.assets_to_retrain),
        *(
            sensor(alerts_of(settings, business), status=status_of(sensor.__name__))
            for sensor in (run_failed_sensor, checks_failed_sensor)
        ),
        erasure_requested_sensor(settings.erasure_requests_file),
    ]


def _delivered(business: BusinessConfig) -> set[Path]:
    """The files of every source that has delivered any."""
    found: set[Path] = set()
    for source in business.sources:
        # A source without files fails a run with its reason; the sensor only waits for them.
        with suppress(BusinessInvalid):
            found |= {file.path for file in resolved_files(business, source)}
    return found


def newest_as_of_day(business: BusinessConfig) -> date:
    """The newest as-of date of ``business``: a Monday not after its today."""
    return as_of_on_or_before(today_of(business))


def first_kept_as_of_day(business: BusinessConfig) -> date:
    """The oldest as-of date that ``business`` keeps."""
    kept = newest_as_of_day(business) - timedelta(weeks=business.keep_as_of_dates - 1)
    return max(business.first_as_of_day, kept)


def today_of(business: BusinessConfig) -> date:
    """Today in the business's time zone; the day after its last day when its data set has ended."""
    if business.last_day is not None:
        return business.last_day + timedelta(days=1)
    return wall_today(business)


def wall_today(business: BusinessConfig) -> date:
    """The machine's date in the business's time zone."""
    return datetime.now(tz=ZoneInfo(business.time_zone)).date()


def _clock(business: BusinessConfig) -> BusinessCalendar:
    def today(warehouse: Warehouse) -> date:
        newest = warehouse.read(f"select max(known_at) as newest from {raw('order_lines').sql}")[
            "newest"
        ].iloc[0]
        return known_today(
            business,
            None if pd.isna(newest) else newest.to_pydatetime(),
            wall_today=lambda: wall_today(business),
        )

    return BusinessCalendar(
        declared={
            "time_zone": business.time_zone,
            "currency": business.currency,
            "records_consent": "yes" if business.records_consent else "no",
            "holdout_share": str(business.holdout.share),
            "holdout_salt": business.holdout.salt,
        },
        first_as_of_day=first_kept_as_of_day(business),
        today=today,
        known_at={
            raw(contract.table): contract.known_at
            for contract in CONTRACTS.values()
            if contract.known_at is not None
        },
    )


def _simulated(business: BusinessConfig, settings: Settings) -> list[dg.AssetsDefinition]:
    if business.simulation is None:
        return []
    shop = shop_of(business.simulation)
    return [sample_shop_asset(shop, landing=settings.landing_dir, truth=settings.truth_dir)]


def shop_of(simulation: Simulation) -> Shop:
    """The shop that a business's YAML declares."""
    return Shop(
        customers=simulation.customers,
        first_day=simulation.first_day,
        last_day=simulation.last_day,
        seed=simulation.seed,
        injected_faults=InjectedFaults(**simulation.injected_faults.model_dump()),
    )
