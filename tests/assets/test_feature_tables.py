"""Features come from several tables; the first alone defines the cohort."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from assets.features.matrix import LeakDetected
from assets.keys import Key
from assets.supervised.data.dataset import load_features, load_training_data
from tests.assets.world import FIRST, PROBLEM, World
from tests.unit.supervised.world import shop

BROWSING = Key("features", "feat_customer__browsing")
PROBLEM_WITH_VISITS = replace(
    PROBLEM, features=(*PROBLEM.features, BROWSING), numeric=(*PROBLEM.numeric, "visits_30d")
)


def visits(rows: pd.DataFrame, *, known_before: timedelta) -> pd.DataFrame:
    """Visits of every other customer, known so long before the cutoff."""
    seen = rows.loc[rows["customer_id"].str[-1].isin(["0", "2", "4", "6", "8"])]
    return pd.DataFrame(
        {
            "customer_id": seen["customer_id"],
            "as_of_date": seen["as_of_date"].dt.date,
            "as_of_at": seen["as_of_at"],
            "newest_known_at": seen["as_of_at"] - known_before,
            "visits_30d": 3,
        }
    )


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(folder=tmp_path_factory.mktemp("feature_tables"))
    rows = shop(customers=60, weeks=32)
    world.write(rows)
    world.warehouse.replace(BROWSING, visits(rows, known_before=timedelta(hours=2)))
    return world


def test_the_cohort_stays_and_a_missing_row_is_a_missing_number(world: World) -> None:
    alone, joined = (
        load_training_data(problem, world.warehouse, as_of=FIRST)
        for problem in (PROBLEM, PROBLEM_WITH_VISITS)
    )
    pd.testing.assert_frame_equal(joined.sample.features.drop(columns="visits_30d"), alone.sample.features)
    even = np.array([int(entity[-1]) % 2 == 0 for entity in joined.sample.entities])
    np.testing.assert_array_equal(joined.sample.features["visits_30d"], np.where(even, 3.0, np.nan))


def test_the_newest_fact_of_all_tables_is_guarded(world: World) -> None:
    rows = load_features(PROBLEM_WITH_VISITS, world.warehouse, as_of=FIRST)
    age = (rows["as_of_at"] - rows["newest_known_at"]).dt.total_seconds() / 3600
    # Orders were known nine hours before, visits two hours before.
    even = rows["customer_id"].str[-1].astype(int) % 2 == 0
    assert set(age[even]) == {2.0}
    assert set(age[~even]) == {9.0}


def test_a_second_table_with_future_facts_is_refused(world: World) -> None:
    world.warehouse.replace(BROWSING, visits(shop(customers=60, weeks=32), known_before=timedelta(hours=-1)))
    with pytest.raises(LeakDetected, match="use facts not yet known"):
        load_training_data(PROBLEM_WITH_VISITS, world.warehouse, as_of=FIRST)
