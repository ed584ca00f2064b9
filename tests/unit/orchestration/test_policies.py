"""Owners and freshness policies of the assets."""

import dagster as dg
import pytest

from orchestration import policies


def asset(group: str) -> dg.AssetsDefinition:
    @dg.asset(name="thing", group_name=group)
    def _thing() -> None: ...

    return _thing


def spec(group: str, *, is_live: bool) -> dg.AssetSpec:
    (ruled,) = policies.governed(asset(group), is_live=is_live).specs
    return ruled


@pytest.mark.parametrize(
    ("group", "owners"),
    [
        ("marts", policies.DATA_OWNERS),
        ("features", policies.DATA_OWNERS),
        ("purchase_propensity", policies.MODEL_OWNERS),
        ("published", policies.MODEL_OWNERS),
    ],
)
@pytest.mark.parametrize("is_live", [True, False])
def test_data_belong_to_one_team_and_models_to_the_other(
    group: str, owners: tuple[str, ...], is_live: bool
) -> None:
    assert tuple(spec(group, is_live=is_live).owners) == owners


def test_a_live_business_is_stale_after_a_week_and_a_data_set_that_ended_never_is() -> None:
    assert spec("marts", is_live=False).freshness_policy is None
    assert spec("marts", is_live=True).freshness_policy == dg.FreshnessPolicy.time_window(
        fail_window=policies.STALE_AFTER, warn_window=policies.WARN_AFTER
    )
    # As-of dates are a week apart: an earlier warning would come every week.
    assert policies.WARN_AFTER.days >= 7


def test_lock_timeouts_are_shorter_than_the_longest_run() -> None:
    assert policies.SENSOR_LOCK_TIMEOUT < policies.WAREHOUSE_LOCK_TIMEOUT < policies.LONGEST_RUN
    assert float(policies.RUN_TAGS["dagster/max_runtime"]) == policies.LONGEST_RUN.total_seconds()
    assert policies.RUN_TAGS["dagster/max_retries"] == "1"
