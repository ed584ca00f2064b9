"""Feature ablation: groups that the outcome depends on help, and noise is not shown to."""

from datetime import date

import numpy as np
import pytest

from assets.features.groups import FeatureGroup
from assets.features.matrix import UNKNOWN
from assets.metrics.bootstrap import Interval
from assets.prior_shift.trading_days import DailyOrders
from assets.supervised.data.dataset import TrainingData
from assets.supervised.evaluation.ablation import Ablation, ablate, without
from tests.unit.supervised.conftest import Trained
from tests.unit.supervised.world import PROBLEM, matrix


@pytest.fixture(scope="module")
def groups(trained: Trained) -> dict[str, Ablation]:
    known = matrix(trained.rows)
    data = TrainingData(
        as_of=date(2025, 12, 29),
        sample=known,
        outcome=known.outcome,
        cohort_size={},
        daily=DailyOrders(
            day=np.zeros(0, dtype="datetime64[D]"), orders=np.zeros(0), repeat_orders=np.zeros(0)
        ),
    )
    return {each.group.name: each for each in ablate(PROBLEM, data)}


def test_the_groups_that_decide_the_outcome_help_and_noise_does_not(
    groups: dict[str, Ablation],
) -> None:
    # Purchases of this shop depend on frequency most, on recency less, and on nothing else.
    assert list(groups)[:2] == ["frequency", "recency"]
    assert {name for name, each in groups.items() if each.verdict == "helps"} == {"frequency", "recency"}
    assert groups["frequency"].auc.lo > 0


def test_an_ablated_group_has_no_value_and_the_rest_stays(trained: Trained) -> None:
    found = without(trained.test, ("noise", "country"))
    assert found.features["noise"].isna().all()
    assert set(found.features["country"]) == {UNKNOWN}
    kept = ["days_since_order", "orders_365d", "average_order_amount_365d"]
    assert found.features[kept].equals(trained.test.features[kept])


@pytest.mark.parametrize(
    ("lo", "hi", "verdict"), [(-0.02, -0.001, "helps"), (-0.02, 0.001, "not shown"), (0.001, 0.02, "harms")]
)
def test_the_whole_interval_decides(lo: float, hi: float, verdict: str) -> None:
    change = Interval(value=(lo + hi) / 2, lo=lo, hi=hi)
    group = FeatureGroup(name="visits", columns=("sessions_30d",), description="how often here")
    assert Ablation(group=group, log_loss=change, auc=change).verdict == verdict
