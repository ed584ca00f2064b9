"""Who did not allow profiling is in nothing that is learned or judged; their rows say why and no more."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from assets.segments.assign import assignments

from assets.keys import Key
from assets.lifecycle.cohort import ELIGIBILITY, NO_CONSENT
from assets.supervised.data.dataset import (
    load_eligible_matrix,
    load_features,
    load_training_data,
    published_rows,
)
from assets.supervised.fitting.train import fit_naive
from assets.supervised.scoring.score_rows import PriorShift, ScoreProvenance, score
from checks.privacy.defs import CUSTOMERS, judged
from tests.assets.permitted import permitted
from tests.assets.test_segments import FIRST as FIRST_GROUPED
from tests.assets.test_segments import World as SegmentWorld
from tests.assets.value_world import FIRST_DAY as FIRST_VALUED
from tests.assets.value_world import PROBLEM as VALUE
from tests.assets.value_world import ValueWorld
from tests.assets.value_world import create as create_valued
from tests.assets.world import FIRST, PROBLEM, World
from tests.unit.segments.world import SMALL, customers
from tests.unit.supervised.world import matrix, shop

ASKED = replace(PROBLEM, everyone=ELIGIBILITY, exclusions=(NO_CONSENT,))
REFUSED = {"c00007", "c00011"}
ANSWERS = Key("marts", "fct_consent")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return shop(customers=60, weeks=32)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, rows: pd.DataFrame) -> World:
    """Two customers have said no by the first morning lived, of whom no features were made."""
    world = World(folder=tmp_path_factory.mktemp("consent"))
    world.write(rows.loc[~rows["customer_id"].isin(REFUSED)])
    everyone = permitted(rows, refused=REFUSED).assign(as_of_date=rows["as_of_date"].dt.date)
    world.warehouse.replace(ELIGIBILITY, everyone)
    return world


def test_who_said_no_is_there_without_features_and_in_nothing_that_is_learned(world: World) -> None:
    there = load_features(ASKED, world.warehouse, as_of=FIRST)
    assert len(there) == 60
    refused = there.loc[there["customer_id"].isin(REFUSED)]
    assert set(refused["ineligible_reason"]) == {"no_consent"}
    assert refused[list(PROBLEM.columns)].isna().all(axis=None)  # type: ignore[misc]
    assert not REFUSED & set(load_eligible_matrix(ASKED, world.warehouse, as_of=FIRST).entities)
    learned = load_training_data(ASKED, world.warehouse, as_of=FIRST)
    assert not REFUSED & set(learned.everyone.entities)
    assert set(learned.customers.values()) == {58}


def test_a_withdrawal_takes_earlier_mornings_out_of_training_and_judgement(
    tmp_path: Path, rows: pd.DataFrame
) -> None:
    world = World(folder=tmp_path)
    world.write(rows)
    world.warehouse.replace(ELIGIBILITY, permitted(rows).assign(as_of_date=rows["as_of_date"].dt.date))
    said = rows.loc[rows["as_of_date"].dt.date == FIRST - timedelta(weeks=10), ["customer_id"]].assign(
        as_of_date=FIRST - timedelta(weeks=10),
        model_version="v1",
        probability=0.2,
        status="ok",
        is_eligible=True,
    )
    world.warehouse.replace(PROBLEM.scores, said)
    window = {"first": date(2000, 1, 3), "last": FIRST}
    assert set(published_rows(ASKED, world.warehouse, **window)["customer_id"]) > REFUSED
    # The view that rooms read says no for every morning once the newest one says it.
    withdrawn = permitted(rows, refused=REFUSED).assign(as_of_date=rows["as_of_date"].dt.date)
    world.warehouse.replace(ELIGIBILITY, withdrawn)
    assert not REFUSED & set(published_rows(ASKED, world.warehouse, **window)["customer_id"])
    assert not REFUSED & set(load_training_data(ASKED, world.warehouse, as_of=FIRST).everyone.entities)


def test_the_published_row_has_the_reason_the_marks_and_nothing_else(
    world: World, rows: pd.DataFrame
) -> None:
    features = load_features(ASKED, world.warehouse, as_of=FIRST)
    run = ScoreProvenance(
        run_id="run", scored_at=pd.Timestamp(FIRST), model_version="v1", quality_grade="Good"
    )
    naive = fit_naive(ASKED, matrix(rows))
    found = score(ASKED, naive, features=features, level=PriorShift(), run=run).set_index("customer_id")
    refused = found.loc[sorted(REFUSED)]
    assert set(refused["ineligible_reason"]) == {"no_consent"}
    assert not refused["is_eligible"].any()
    assert not refused["consent_profiling"].any()
    assert refused["is_holdout"].notna().all()
    assert refused.loc[:, "probability":"reason_3_importance"].isna().all(axis=None)  # type: ignore[misc]


def test_nobody_has_an_outlook_without_consent(tmp_path: Path) -> None:
    world = create_valued(tmp_path, customers=600, weeks=16)
    _refuse(world)
    morning = FIRST_VALUED + timedelta(weeks=15)
    world.run_date(morning)
    found = world.table(VALUE.scores)
    refused = found.loc[found["customer_id"] == "c00001"]
    assert len(refused) == 3
    assert set(refused["ineligible_reason"]) == {"no_consent"}
    assert refused[["predicted_value", "historic_value", "baseline_value"]].isna().all(axis=None)  # type: ignore[misc]
    others = found.loc[found["customer_id"] != "c00001"]
    assert others["is_eligible"].all()
    assert others["predicted_value"].notna().all()
    assert found["is_holdout"].notna().all()


def _refuse(world: ValueWorld) -> None:
    known = world.table(VALUE.histories)
    mine = known["customer_id"] == "c00001"
    world.warehouse.replace(VALUE.histories, known.loc[~mine])
    world.warehouse.replace(ELIGIBILITY, permitted(known, refused={"c00001"}))


def test_nobody_is_in_a_segment_without_consent(tmp_path: Path) -> None:
    world, told = SegmentWorld(folder=tmp_path), customers()
    world.deliver(FIRST_GROUPED, told)
    keys = told.assign(as_of_date=FIRST_GROUPED, as_of_at=pd.Timestamp(FIRST_GROUPED))
    world.warehouse.replace(ELIGIBILITY, permitted(keys, refused={"c00001"}))
    world.run_date(FIRST_GROUPED)
    assignments(world.run(FIRST_GROUPED))
    found = world.table(SMALL.assignments)
    refused = found.loc[found["customer_id"] == "c00001"]
    assert sorted(refused["scheme"]) == ["behaviour", "rfm"]
    assert set(refused["ineligible_reason"]) == {"no_consent"}
    assert refused[["segment_key", "size", "rfm_cell"]].isna().all(axis=None)  # type: ignore[misc]
    assert len(found) == 2 * len(told)
    assert "c00001" not in set(world.run(FIRST_GROUPED).rows["customer_id"])


@pytest.mark.parametrize(
    ("answers", "without"),
    [
        ("('c00001', true, '2024-01-01')", 1),
        ("('c00001', true, '2024-01-01'), ('c00002', true, '2024-01-01')", 0),
        # Withdrawn a second before the morning, and at the morning itself: from the next one on.
        ("('c00001', true, '2024-01-01'), ('c00002', true, '2024-01-01'), ('c00002', false, '{before}')", 1),
        ("('c00001', true, '2024-01-01'), ('c00002', true, '2024-01-01'), ('c00002', false, '{morning}')", 0),
    ],
)
def test_the_check_reads_the_answers_themselves(tmp_path: Path, answers: str, without: int) -> None:
    world, morning = World(folder=tmp_path), pd.Timestamp("2024-05-06")
    keys = pd.DataFrame(
        {"customer_id": ["c00001", "c00002"], "as_of_date": morning.date(), "as_of_at": morning}
    )
    world.warehouse.replace(CUSTOMERS, permitted(keys))
    world.warehouse.replace(PROBLEM.scores, keys.assign(is_eligible=True))
    values = answers.format(before=morning - pd.Timedelta(seconds=1), morning=morning)
    with world.warehouse.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            f"create table {ANSWERS.sql} as select customer_id, 'profiling' as purpose, is_granted, "
            f"day::timestamp as valid_from from (values {values}) as told (customer_id, is_granted, day)"
        )
    verdict = judged(PROBLEM.scores, world.warehouse, morning.date(), is_recorded=True)
    assert (verdict.value, verdict.passed) == (without, without == 0)
    assert judged(PROBLEM.scores, world.warehouse, morning.date(), is_recorded=False).passed
