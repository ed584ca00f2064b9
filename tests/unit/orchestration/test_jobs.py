"""Assets of a job that concerns one of several capabilities."""

from datetime import date

import dagster as dg
import pytest

from assets.churn.capability import CHURN
from assets.defs import as_of_partitions
from assets.keys import RETRAIN_LOG
from assets.lifecycle.defs import scores_asset, trained_assets
from assets.lifetime_value.capability import LIFETIME_VALUE
from assets.monitoring.defs import control_tables_asset
from assets.propensity.capability import PURCHASE_PROPENSITY
from orchestration.jobs import Stages

CAPABILITIES = (PURCHASE_PROPENSITY, CHURN)


@pytest.fixture
def stages() -> Stages:
    days = as_of_partitions(date(2025, 1, 6), None, time_zone="UTC")

    @dg.asset(key=["published", "churn"], group_name="published")
    def published() -> None: ...

    return Stages(
        landed=[], featured=[], monitored=[], published=[published],
        refitted_every_run=trained_assets(LIFETIME_VALUE, days),
        trained=[asset for each in CAPABILITIES for asset in trained_assets(each, days)],
        scored=[
            *(scores_asset(each, days) for each in (*CAPABILITIES, LIFETIME_VALUE)),
            control_tables_asset(each.spec.scores for each in CAPABILITIES),
        ],
    )  # fmt: skip


def test_retraining_one_capability_keeps_the_models_of_the_others(stages: Stages) -> None:
    of_purchase, of_churn = (set(stages.assets_to_retrain(each.spec.name)) for each in CAPABILITIES)
    for capability, own, other in (
        (CHURN, of_churn, of_purchase),
        (PURCHASE_PROPENSITY, of_purchase, of_churn),
    ):
        spec = capability.spec
        steps = [spec.evaluation, spec.champion, spec.scores]
        if capability is PURCHASE_PROPENSITY:
            # Lifetime value agrees with its probabilities, so that it is scored again, by the same model.
            steps.append(LIFETIME_VALUE.spec.scores)
        assert own - other == {dg.AssetKey(step) for step in steps}
    # Both retrainings publish, and both materialise the shared control tables.
    assert {dg.AssetKey(["published", "churn"]), dg.AssetKey(RETRAIN_LOG)} <= of_churn & of_purchase
