"""Customers without consent to profiling are in no training or evaluation; their rows state the reason."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from assets.keys import Key
from assets.lifecycle.cohort import ELIGIBILITY, NO_CONSENT
from assets.segments.assign import assignments
from assets.supervised.data.dataset import (
    load_eligible_matrix,
    load_features,
    load_training_data,
    published_rows,
)
from assets.supervised.fitting.train import fit_naive
from assets.supervised.scoring.score_rows import PriorShift, ScoreProvenance, score
from checks.privacy.defs import CUSTOMERS, consent_verdict
from tests.assets.permitted import permitted
from tests.assets.test_segments import FIRST as FIRST_GROUPED
from tests.assets.test_segments import World as SegmentWorld
from tests.assets.value_world import FIRST_DAY as FIRST_VALUED
from tests.assets.value_world import PROBLEM as VALUE
from tests.assets.value_world import ValueWorld
from tests.assets.value_world import create as create_valued
from tests.assets.world import FIRST, PROBLEM, World
from tests.unit.lifecycle.world import matrix, shop
from tests.unit.segments.world import SMALL, customers

WITH_CONSENT = replace(PROBLEM, everyone=ELIGIBILITY, exclusions=(NO_CONSENT,))
REFUSED = {"c00007", "c00011"}
ANSWERS = Key("marts", "fct_consent")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return shop(customers=60, weeks=32)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, rows: pd.DataFrame) -> World:
    """A world in which two customers denied consent before the first as-of date and have no features."""
    world = World(folder=tmp_path_factory.mktemp("consent"))
    world.write(rows.loc[~rows["customer_id"].isin(REFUSED)])
    everyone = permitted(rows, refused=REFUSED).assign(as_of_date=rows["as_of_date"].dt.date)
    world.warehouse.replace(ELIGIBILITY, everyone)
    return world


def test_customers_without_consent_have_no_features_and_are_not_trained_on(world: World) -> None:
    there = load_features(WITH_CONSENT, world.warehouse, as_of=FIRST)
    assert len(there) == 60
    refused = there.loc[there["customer_id"].isin(REFUSED)]
    assert set(refused["ineligible_reason"]) == {"no_consent"}
    assert refused[list(PROBLEM.columns)].isna().all(axis=None)  # type: ignore[misc]
    assert not REFUSED & set(load_eligible_matrix(WITH_CONSENT, world.warehouse, as_of=FIRST).entities)
    learned = load_training_data(WITH_CONSENT, world.warehouse, as_of=FIRST)
    assert not REFUSED & set(learned.everyone.entities)
    assert set(learned.customers.values()) == {58}


def test_a_withdrawal_removes_earlier_dates_from_training_and_evaluation(
    tmp_path: Path, rows: pd.DataFrame
) -> None:
    world = World(folder=tmp_path)
    world.write(rows)
    world.warehouse.replace(ELIGIBILITY, permitted(rows).assign(as_of_date=rows["as_of_date"].dt.date))
    scores = rows.loc[rows["as_of_date"].dt.date == FIRST - timedelta(weeks=10), ["customer_id"]].assign(
        as_of_date=FIRST - timedelta(weeks=10),
        model_version="v1",
        probability=0.2,
        status="ok",
        is_eligible=True,
    )
    world.warehouse.replace(PROBLEM.scores, scores)
    window = {"first": date(2000, 1, 3), "last": FIRST}
    assert set(published_rows(WITH_CONSENT, world.warehouse, **window)["customer_id"]) > REFUSED
    # The eligibility table applies a withdrawal to every earlier as-of date.
    withdrawn = permitted(rows, refused=REFUSED).assign(as_of_date=rows["as_of_date"].dt.date)
    world.warehouse.replace(ELIGIBILITY, withdrawn)
    assert not REFUSED & set(published_rows(WITH_CONSENT, world.warehouse, **window)["customer_id"])
    assert not REFUSED & set(load_training_data(WITH_CONSENT, world.warehouse, as_of=FIRST).everyone.entities)


def test_a_row_without_consent_has_only_the_reason_and_consent_columns(
    world: World, rows: pd.DataFrame
) -> None:
    features = load_features(WITH_CONSENT, world.warehouse, as_of=FIRST)
    run = ScoreProvenance(
        run_id="run", scored_at=pd.Timestamp(FIRST), model_version="v1", quality_grade="Good"
    )
    naive = fit_naive(WITH_CONSENT, matrix(rows))
    found = score(WITH_CONSENT, naive, features=features, level=PriorShift(), run=run).set_index(
        "customer_id"
    )
    refused = found.loc[sorted(REFUSED)]
    assert set(refused["ineligible_reason"]) == {"no_consent"}
    assert not refused["is_eligible"].any()
    assert not refused["consent_profiling"].any()
    assert refused["is_holdout"].notna().all()
    assert refused.loc[:, "probability":"reason_3_importance"].isna().all(axis=None)  # type: ignore[misc]


def test_no_value_is_predicted_without_consent(tmp_path: Path) -> None:
    world = create_valued(tmp_path, customers=600, weeks=16)
    _refuse(world)
    as_of = FIRST_VALUED + timedelta(weeks=15)
    world.live(as_of)
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


def test_no_segment_is_assigned_without_consent(tmp_path: Path) -> None:
    world, features = SegmentWorld(folder=tmp_path), customers()
    world.deliver(FIRST_GROUPED, features)
    keys = features.assign(as_of_date=FIRST_GROUPED, as_of_at=pd.Timestamp(FIRST_GROUPED))
    world.warehouse.replace(ELIGIBILITY, permitted(keys, refused={"c00001"}))
    world.live(FIRST_GROUPED)
    assignments(world.morning(FIRST_GROUPED))
    found = world.table(SMALL.assignments)
    refused = found.loc[found["customer_id"] == "c00001"]
    assert sorted(refused["scheme"]) == ["behaviour", "rfm"]
    assert set(refused["ineligible_reason"]) == {"no_consent"}
    assert refused[["segment_key", "size", "rfm_cell"]].isna().all(axis=None)  # type: ignore[misc]
    assert len(found) == 2 * len(features)
    assert "c00001" not in set(world.morning(FIRST_GROUPED).rows["customer_id"])


@pytest.mark.parametrize(
    ("answers", "without"),
    [
        ("('c00001', true, '2024-01-01')", 1),
        ("('c00001', true, '2024-01-01'), ('c00002', true, '2024-01-01')", 0),
        # Withdrawn a second before the as-of date's midnight, and at midnight: counts from the next date on.
        ("('c00001', true, '2024-01-01'), ('c00002', true, '2024-01-01'), ('c00002', false, '{before}')", 1),
        (
            "('c00001', true, '2024-01-01'), ('c00002', true, '2024-01-01'), ('c00002', false, '{midnight}')",
            0,
        ),
    ],
)
def test_the_check_reads_the_consent_answers(tmp_path: Path, answers: str, without: int) -> None:
    world, as_of = World(folder=tmp_path), pd.Timestamp("2024-05-06")
    keys = pd.DataFrame({"customer_id": ["c00001", "c00002"], "as_of_date": as_of.date(), "as_of_at": as_of})
    world.warehouse.replace(CUSTOMERS, permitted(keys))
    world.warehouse.replace(PROBLEM.scores, keys.assign(is_eligible=True))
    values = answers.format(before=as_of - pd.Timedelta(seconds=1), midnight=as_of)
    with world.warehouse.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            f"create table {ANSWERS.sql} as select customer_id, 'profiling' as purpose, is_granted, "
            f"day::timestamp as valid_from from (values {values}) as answers (customer_id, is_granted, day)"
        )
    verdict = consent_verdict(PROBLEM.scores, world.warehouse, as_of.date(), is_recorded=True)
    assert (verdict.value, verdict.passed) == (without, without == 0)
    assert consent_verdict(PROBLEM.scores, world.warehouse, as_of.date(), is_recorded=False).passed
