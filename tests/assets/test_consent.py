"""Customers without consent to profiling are in no training or evaluation; their rows hold the reason."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from assets.features.customers import ELIGIBILITY
from assets.keys import Key
from assets.lifecycle.cohort import add_ineligible_rows, load_cohort
from assets.supervised.capability import SupervisedCapability
from assets.supervised.data.dataset import (
    load_eligible_matrix,
    load_features,
    load_training_data,
    published_rows,
)
from assets.supervised.fitting.train import fit_baseline
from assets.supervised.problem import consent_exclusion
from assets.supervised.scoring.score_rows import SCORE_TYPES, PriorShift, add_ranks, build_score_rows
from checks.privacy.defs import CUSTOMERS, consent_verdict
from tests.assets.permitted import permitted
from tests.assets.world import FIRST, PROBLEM, World
from tests.unit.supervised.world import matrix, shop

WITH_CONSENT = replace(PROBLEM, cohort=ELIGIBILITY, exclusions=(consent_exclusion(ELIGIBILITY),))
REFUSED = {"c00007", "c00011"}
ANSWERS = Key("marts", "fct_consent")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return shop(customers=60, weeks=32)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, rows: pd.DataFrame) -> World:
    """Two customers refused consent before the first run: they have no features."""
    world = World(folder=tmp_path_factory.mktemp("consent"))
    world.write(rows.loc[~rows["customer_id"].isin(REFUSED)])
    cohort = permitted(rows, refused=REFUSED).assign(as_of_date=rows["as_of_date"].dt.date)
    world.warehouse.replace(ELIGIBILITY, cohort)
    return world


def test_a_customer_without_consent_is_in_the_cohort_without_features_and_not_in_training(
    world: World,
) -> None:
    there = load_features(WITH_CONSENT, world.warehouse, as_of=FIRST)
    assert len(there) == 60
    refused = there.loc[there["customer_id"].isin(REFUSED)]
    assert set(refused["ineligible_reason"]) == {"no_consent"}
    assert refused[list(PROBLEM.columns)].isna().all(axis=None)
    assert not REFUSED & set(load_eligible_matrix(WITH_CONSENT, world.warehouse, as_of=FIRST).entities)
    learned = load_training_data(WITH_CONSENT, world.warehouse, as_of=FIRST)
    assert not REFUSED & set(learned.sample.entities)
    assert set(learned.cohort_size.values()) == {58}


def test_a_withdrawal_removes_earlier_dates_from_training_and_evaluation(
    tmp_path: Path, rows: pd.DataFrame
) -> None:
    world = World(folder=tmp_path)
    world.write(rows)
    world.warehouse.replace(ELIGIBILITY, permitted(rows).assign(as_of_date=rows["as_of_date"].dt.date))
    scored = rows.loc[rows["as_of_date"].dt.date == FIRST - timedelta(weeks=10), ["customer_id"]].assign(
        as_of_date=FIRST - timedelta(weeks=10),
        model_version="v1",
        probability=0.2,
        status="ok",
        is_eligible=True,
    )
    world.run(FIRST).prepare()
    world.warehouse.replace(PROBLEM.scores, scored)
    window = {"first": date(2000, 1, 3), "last": FIRST}
    assert set(published_rows(WITH_CONSENT, world.warehouse, **window)["customer_id"]) > REFUSED
    # A withdrawal on the newest date holds for every earlier one.
    withdrawn = permitted(rows, refused=REFUSED).assign(as_of_date=rows["as_of_date"].dt.date)
    world.warehouse.replace(ELIGIBILITY, withdrawn)
    assert not REFUSED & set(published_rows(WITH_CONSENT, world.warehouse, **window)["customer_id"])
    assert not REFUSED & set(load_training_data(WITH_CONSENT, world.warehouse, as_of=FIRST).sample.entities)


def test_the_row_without_consent_has_the_reason_and_consent_columns_and_nothing_else(
    world: World, rows: pd.DataFrame
) -> None:
    features = load_features(WITH_CONSENT, world.warehouse, as_of=FIRST)
    baseline = fit_baseline(WITH_CONSENT, matrix(rows))
    scored = build_score_rows(WITH_CONSENT, baseline, features=features, shift=PriorShift())
    spec = SupervisedCapability(WITH_CONSENT).spec
    cohort = load_cohort(spec, world.warehouse, as_of=FIRST)
    found = add_ineligible_rows(spec, add_ranks(WITH_CONSENT, scored), cohort).set_index("customer_id")
    refused = found.loc[sorted(REFUSED)]
    assert set(refused["ineligible_reason"]) == {"no_consent"}
    assert not refused["is_eligible"].any()
    assert not refused["consent_profiling"].any()
    assert refused["is_holdout"].notna().all()
    assert refused[list(SCORE_TYPES)].isna().all(axis=None)


@pytest.mark.parametrize(
    ("answers", "without"),
    [
        ("('c00001', true, '2024-01-01')", 1),
        ("('c00001', true, '2024-01-01'), ('c00002', true, '2024-01-01')", 0),
        # Withdrawn a second before the cutoff, and at the cutoff itself: from the next date on.
        ("('c00001', true, '2024-01-01'), ('c00002', true, '2024-01-01'), ('c00002', false, '{before}')", 1),
        ("('c00001', true, '2024-01-01'), ('c00002', true, '2024-01-01'), ('c00002', false, '{cutoff}')", 0),
    ],
)
def test_the_check_reads_the_consents_themselves(tmp_path: Path, answers: str, without: int) -> None:
    world, cutoff = World(folder=tmp_path), pd.Timestamp("2024-05-06")
    keys = pd.DataFrame(
        {"customer_id": ["c00001", "c00002"], "as_of_date": cutoff.date(), "as_of_at": cutoff}
    )
    world.warehouse.replace(CUSTOMERS, permitted(keys))
    world.warehouse.replace(PROBLEM.scores, keys.assign(is_eligible=True))
    values = answers.format(before=cutoff - pd.Timedelta(seconds=1), cutoff=cutoff)
    with world.warehouse.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            f"create table {ANSWERS.sql} as select customer_id, 'profiling' as purpose, is_granted, "
            f"day::timestamp as valid_from from (values {values}) as answers (customer_id, is_granted, day)"
        )
    verdict = consent_verdict(PROBLEM.scores, world.warehouse, cutoff.date(), is_recorded=True)
    assert (verdict.value, verdict.passed) == (without, without == 0)
    assert consent_verdict(PROBLEM.scores, world.warehouse, cutoff.date(), is_recorded=False).passed
