"""Schedules, sensor intervals, timeouts, retries, freshness limits and owners."""

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg

# In the business's time zone: exports arrive before five, and published tables are read from six on.
REFRESH_AT = "0 5 * * *"
SCORE_AT = "0 6 * * 1"

EXPORTS_CHECK_EVERY = timedelta(minutes=1)
TRIGGERS_CHECK_EVERY = timedelta(minutes=5)
ERASURES_CHECK_EVERY = timedelta(minutes=1)

# The others are switched on in the UI, once; Dagster stores that.
ON_BY_DEFAULT = frozenset({"run_failed_sensor", "checks_failed_sensor", "capability_failed_sensor"})

# A run of the largest sample shop takes minutes; a run of two hours hangs.
LONGEST_RUN = timedelta(hours=2)
RUN_TAGS: Mapping[str, str] = {
    "dagster/max_runtime": str(int(LONGEST_RUN.total_seconds())),
    "dagster/max_retries": "1",
}

# A query or a dbt step holds the file for seconds; after ten minutes it is a forgotten SQL client.
# dbt waits as long (`retries` in dbt_project/profiles.yml).
WAREHOUSE_LOCK_TIMEOUT = timedelta(minutes=10)
# Dagster stops a sensor's tick after a minute; the next tick tries again.
SENSOR_LOCK_TIMEOUT = timedelta(seconds=20)

# As-of dates are a week apart; one more day leaves time to react.
STALE_AFTER = timedelta(days=8)
WARN_AFTER = timedelta(days=7, hours=6)

DATA_OWNERS = ("team:data-engineering",)
MODEL_OWNERS = ("team:marketing-analytics",)
DATA_GROUPS = frozenset(
    {"sample_shop", "ingest", "staging", "intermediate", "marts", "point_in_time", "features", "labels"}
)


def status_of(name: str) -> dg.DefaultSensorStatus:
    """Return the status of a sensor or schedule in a new Dagster instance."""
    return dg.DefaultSensorStatus.RUNNING if name in ON_BY_DEFAULT else dg.DefaultSensorStatus.STOPPED


def governed(asset: dg.AssetsDefinition, *, is_live: bool) -> dg.AssetsDefinition:
    """Return ``asset`` with its owners and, for a live business, its freshness policy.

    A data set that has ended is never stale, because no newer data will arrive.
    """
    freshness = dg.FreshnessPolicy.time_window(fail_window=STALE_AFTER, warn_window=WARN_AFTER)

    def with_policies(spec: dg.AssetSpec) -> dg.AssetSpec:
        owners = DATA_OWNERS if spec.group_name in DATA_GROUPS else MODEL_OWNERS
        if is_live:
            return spec.replace_attributes(owners=owners, freshness_policy=freshness)
        return spec.replace_attributes(owners=owners)

    return asset.map_asset_specs(with_policies)
