"""Ineligible customers change no number of the others: with or without them the shop is the same."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special

from assets.keys import (
    CALIBRATION_BINS,
    COHORT_CUTOFFS,
    CUTOFFS,
    DRIFT,
    METRICS,
    PREDICTION_TOTALS,
    RETRAIN_LOG,
    Key,
)
from assets.lifecycle.cohort import Exclusion
from assets.lifecycle.realised import REALISED
from assets.monitoring.drift import step
from assets.monitoring.drift.step import drift
from assets.supervised.data.dataset import rate_history
from assets.supervised.problem import MinimumData, PromotionCriteria
from tests.assets.judged import failed
from tests.assets.test_realised import MONITORED, SCORED
from tests.assets.world import PROBLEM, SPEC, WEEKS, WHEN, World, checks_of
from tests.unit.supervised.world import shop

COHORT = Key("point_in_time", "pit_customer__gone")
CONSENT = Key("point_in_time", "pit_customer__consent")
# Four dates are run here, so the shop is small and so is its minimum of data.
WITH_EXCLUSIONS = replace(
    PROBLEM,
    minimum_data=MinimumData(customers=200, positives=50),
    criteria=PromotionCriteria(replicates=20),
    exclusions=(
        Exclusion(table=COHORT, passthrough_columns=(("days_silent", "Int64"),)),
        Exclusion(table=CONSENT),
    ),
)
CUSTOMERS, ELIGIBLE = 500, 360


def number(rows: pd.DataFrame) -> "pd.Series[int]":
    return rows["customer_id"].str[1:].astype(int)


def with_extremes(rows: pd.DataFrame) -> pd.DataFrame:
    """The customers from 360 on have extreme features and outcomes."""
    strange = number(rows) >= ELIGIBLE
    return rows.assign(
        days_since_order=rows["days_since_order"].where(~strange, 5_000),
        orders_365d=rows["orders_365d"].where(~strange, 900),
        outcome=rows["outcome"].where(~strange, 1),
    )


def settled(folder: Path, rows: pd.DataFrame) -> World:
    """A shop that published on one date, and monitored it when its window had ended.

    From 360 on customers have churned, from 460 on they refused consent too; others have no row of reasons.
    """
    world = World(folder=folder)
    world.write(rows)
    keys = rows[["customer_id"]].assign(as_of_date=rows["as_of_date"].dt.date)
    gone = np.where(number(rows) >= ELIGIBLE, "already_churned", None)
    known = keys.assign(ineligible_reason=pd.Series(gone, dtype="string"), days_silent=number(rows))
    world.warehouse.replace(COHORT, known.loc[(number(rows) % 2 == 0) | (number(rows) >= ELIGIBLE)])
    refused = keys.loc[number(rows) >= ELIGIBLE + 100].assign(ineligible_reason="no_consent")
    world.warehouse.replace(CONSENT, refused.astype({"ineligible_reason": "string"}))
    for as_of in (SCORED, MONITORED):
        drift_without_page(world, as_of)
        world.run_date(as_of, WITH_EXCLUSIONS)
    return world


def drift_without_page(world: World, as_of: date) -> None:
    """The page takes ten seconds to draw."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, "html_report", lambda *_sides, **_named: None)
        drift(world.run(as_of, WITH_EXCLUSIONS), page=world.folder / "drift.html")


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, World]:
    """The shop with ineligible customers, and the shop without them."""
    folder, rows = tmp_path_factory.mktemp("eligible"), shop(customers=CUSTOMERS, weeks=WEEKS)
    return (
        settled(folder / "everyone", with_extremes(rows)),
        settled(folder / "eligible", rows.loc[number(rows) < ELIGIBLE].reset_index(drop=True)),
    )


# A model file holds the addresses its objects had in memory: its hash is new each time it is written.
OF_FILES = ["model_sha256", "vintage_hashes"]
TABLES = (
    *(SPEC.evaluation, SPEC.champion, SPEC.realised),
    *(METRICS, CALIBRATION_BINS, COHORT_CUTOFFS, CUTOFFS, PREDICTION_TOTALS, RETRAIN_LOG, DRIFT),
)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_training_evaluation_drift_and_totals_are_of_eligible_customers_alone(
    worlds: tuple[World, World], table: Key
) -> None:
    everyone, eligible = (
        world.table(table).drop(columns=[*WHEN, *OF_FILES], errors="ignore") for world in worlds
    )
    assert len(everyone)
    pd.testing.assert_frame_equal(everyone, eligible)


def test_the_scores_of_eligible_customers_do_not_depend_on_the_others(worlds: tuple[World, World]) -> None:
    everyone, eligible = (world.table(PROBLEM.scores).drop(columns=WHEN, errors="ignore") for world in worlds)
    assert len(everyone) == 2 * CUSTOMERS
    scored = everyone.loc[everyone["is_eligible"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(scored, eligible, check_dtype=False)


def test_ineligible_customers_are_published_with_the_first_reason_alone(worlds: tuple[World, World]) -> None:
    rows = worlds[0].table(PROBLEM.scores)
    others = rows.loc[~rows["is_eligible"]]
    assert (number(others) >= ELIGIBLE).all()
    assert len(others) == 2 * (CUSTOMERS - ELIGIBLE)
    # From 460 on they refused consent too: the reason of the first table is published.
    assert set(others["ineligible_reason"]) == {"already_churned"}
    assert others.loc[:, "probability":"reason_3_importance"].isna().all(axis=None)  # type: ignore[misc]
    assert (others["days_silent"] == number(others)).all()


def test_observed_positives_are_counted_among_eligible_customers(worlds: tuple[World, World]) -> None:
    totals = worlds[0].table(PREDICTION_TOTALS)
    (realised,) = totals.loc[totals["as_of_date"].dt.date == SCORED, "observed_positives"]
    truth = shop(customers=CUSTOMERS, weeks=WEEKS)
    eligible = truth.loc[(truth["as_of_date"].dt.date == SCORED) & (number(truth) < ELIGIBLE)]
    assert realised == eligible["outcome"].sum()
    metrics = worlds[0].table(METRICS)
    evaluated = metrics.loc[(metrics["split"] == REALISED) & (metrics["metric"] == "mean_observed")]
    assert evaluated.loc[evaluated["slice_name"] == "all", "n"].unique().tolist() == [ELIGIBLE]
    history = rate_history(WITH_EXCLUSIONS, worlds[0].warehouse, as_of=MONITORED)
    assert history is not None
    rates = special.expit(special.logit(history.expected) + history.shift)
    assert np.nanmax(rates) < 0.5, "all ineligible customers have the outcome"


def check_failures(world: World) -> dict[str, str]:
    of = (WITH_EXCLUSIONS.features[0], SPEC.champion, SPEC.scores)
    return failed(checks_of(WITH_EXCLUSIONS), world.warehouse, as_of=MONITORED, of=of)


def test_every_check_is_green_with_ineligible_rows(worlds: tuple[World, World]) -> None:
    assert check_failures(worlds[0]) == {}


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ("probability = 0.5 where not is_eligible", "scores_match_contract"),
        ("probability = null where is_eligible", "scores_match_contract"),
        ("is_eligible = true, ineligible_reason = null where not is_eligible", "scores_match_contract"),
        ("ineligible_reason = 'no_consent' where not is_eligible", "cohort_is_scored_once"),
    ],
)
def test_a_row_on_the_wrong_side_of_eligibility_stops_the_run(
    worlds: tuple[World, World], change: str, check: str
) -> None:
    scores = worlds[0].table(PROBLEM.scores)
    try:
        with worlds[0].warehouse.connect() as connection:
            connection.execute(f"update {PROBLEM.scores.sql} set {change}")
        assert check in check_failures(worlds[0])
    finally:
        worlds[0].warehouse.replace(PROBLEM.scores, scores)
