"""When things run, how stale they may get, who owns them, and how often a fault is tried again."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

import dagster as dg

# In the business's own time zone: exports have arrived by five, and the day's first readers come after six.
REFRESH_AT = "0 5 * * *"
SCORE_AT = "0 6 * * 1"

LOOK_FOR_EXPORTS_EVERY = timedelta(minutes=1)
LOOK_FOR_CAUSES_EVERY = timedelta(minutes=5)
LOOK_FOR_ERASURES_EVERY = timedelta(minutes=1)

# A person turns each of the others on in the UI, once; Dagster remembers it.
ON_FROM_THE_START = frozenset({"run_failed_sensor"})

# A run of the largest sample shop takes minutes; whatever takes two hours hangs.
LONGEST_RUN = timedelta(hours=2)
RUN_TAGS: Mapping[str, str] = MappingProxyType(
    {"dagster/max_runtime": str(int(LONGEST_RUN.total_seconds())), "dagster/max_retries": "1"}
)

# A SQL person's query or dbt's step holds the file for seconds; after ten minutes somebody forgot a window.
# dbt waits as long (`retries` in dbt_project/profiles.yml).
WAREHOUSE_PATIENCE = timedelta(minutes=10)
# Dagster gives a sensor a minute; it looks again anyway.
SENSOR_PATIENCE = timedelta(seconds=20)

# A week between mornings, and a day for a person to notice.
STALE_AFTER = timedelta(days=8)
WARN_AFTER = timedelta(days=7, hours=6)

DATA_OWNERS = ("team:data-engineering",)
MODEL_OWNERS = ("team:marketing-analytics",)
DATA_GROUPS = frozenset(
    {"sample_shop", "ingest", "staging", "intermediate", "marts", "point_in_time", "features", "labels"}
)


def status_of(sensor: str) -> dg.DefaultSensorStatus:
    """Whether a sensor is on before anybody has turned it on."""
    is_on = sensor in ON_FROM_THE_START
    return dg.DefaultSensorStatus.RUNNING if is_on else dg.DefaultSensorStatus.STOPPED


def governed(asset: dg.AssetsDefinition, *, is_live: bool) -> dg.AssetsDefinition:
    """``asset`` with its owners; of a live business also with how stale it may get.

    A data set that has ended is never stale: nothing newer will come.
    """
    freshness = dg.FreshnessPolicy.time_window(fail_window=STALE_AFTER, warn_window=WARN_AFTER)

    def ruled(spec: dg.AssetSpec) -> dg.AssetSpec:
        owners = DATA_OWNERS if spec.group_name in DATA_GROUPS else MODEL_OWNERS
        if is_live:
            return spec.replace_attributes(owners=owners, freshness_policy=freshness)
        return spec.replace_attributes(owners=owners)

    return asset.map_asset_specs(ruled)
