"""Assets of a job that concerns one of several problems."""

from datetime import date

import dagster as dg
import pytest

from assets.churn.problem import CHURN
from assets.defs import as_of_partitions
from assets.keys import RETRAIN_LOG
from assets.lifecycle.defs import supervised_assets
from assets.monitoring.defs import control_tables_asset
from assets.propensity.problem import PURCHASE_PROPENSITY
from orchestration.jobs import Stages

PROBLEMS = (PURCHASE_PROPENSITY, CHURN)


@pytest.fixture
def stages() -> Stages:
    days = as_of_partitions(date(2025, 1, 6), None, time_zone="UTC")
    models = [supervised_assets(problem, days) for problem in PROBLEMS]

    @dg.asset(key=["published", "churn"], group_name="published")
    def published() -> None: ...

    return Stages(
        landed=[], featured=[], monitored=[], published=[published],
        refitted_every_run=[],
        trained=[asset for *trained, _ in models for asset in trained],
        scored=[
            *(scores for *_, scores in models),
            control_tables_asset(problem.scores for problem in PROBLEMS),
        ],
    )  # fmt: skip


def test_retraining_one_problem_keeps_the_models_of_the_others(stages: Stages) -> None:
    of_purchase, of_churn = (set(stages.assets_to_retrain(problem.name)) for problem in PROBLEMS)
    for problem, own, other in ((CHURN, of_churn, of_purchase), (PURCHASE_PROPENSITY, of_purchase, of_churn)):
        steps = (problem.candidate, problem.evaluation, problem.champion, problem.scores)
        assert own - other == {dg.AssetKey(step) for step in steps}
    # Both retrainings publish, and both materialise the shared control tables.
    assert {dg.AssetKey(["published", "churn"]), dg.AssetKey(RETRAIN_LOG)} <= of_churn & of_purchase
