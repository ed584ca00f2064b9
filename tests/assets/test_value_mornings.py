"""Lifetime value morning by morning: promoted, refused, fallen back, and judged by what came."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from assets.keys import CALIBRATION_BINS, METRICS, MODEL_REGISTRY, RETRAIN_LOG
from assets.lifetime_value.propose import evaluation
from tests.assets.value_world import BUYING, FIRST_DAY, PROBLEM, ValueWorld, create

LAST = FIRST_DAY + timedelta(weeks=29)
EARLIER = LAST - timedelta(weeks=14)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> ValueWorld:
    """A shop that scored fourteen weeks ago and scores today."""
    world = create(tmp_path_factory.mktemp("value"))
    world.run_date(EARLIER)
    world.run_date(LAST)
    return world


def test_the_model_that_customers_follow_is_promoted_with_its_parameters(lived: ValueWorld) -> None:
    decisions = lived.table(RETRAIN_LOG)
    assert decisions["decision"].tolist() == ["promote", "promote"]
    assert decisions["metric"].tolist() == ["deviance_difference"] * 2
    assert (decisions["ci_hi"] < 0).all()
    (row,) = lived.table(MODEL_REGISTRY).query("stage == 'champion'").to_dict("records")
    params = json.loads(row["params"])
    assert set(params) >= {"r", "alpha", "a", "b", "p", "q", "v", "recipe"}
    # A morning's parameters are estimates of the shop's: within a fifth for the order rate.
    assert params["r"] / params["alpha"] == pytest.approx(BUYING.r / BUYING.alpha, rel=0.2)
    assert (row["train_from"].date(), row["test_from"].date()) == (LAST, LAST - timedelta(weeks=13))


def test_the_rival_that_needs_more_mornings_is_refused_in_words(lived: ValueWorld) -> None:
    reasons = lived.table(PROBLEM.evaluation)["reasons"]
    assert reasons.str.contains("machine-learned amounts: .* matured as-of days").all()


def test_everyone_has_three_horizons_each_worth_more_than_the_one_before(lived: ValueWorld) -> None:
    rows = lived.table(PROBLEM.scores)
    rows = rows.loc[pd.to_datetime(rows["as_of_date"]).dt.date == LAST]
    by_horizon = rows.pivot_table(index="customer_id", columns="horizon_days", values="predicted_value")
    assert list(by_horizon) == [30, 90, 365]
    assert (by_horizon[90] > by_horizon[30]).all()
    assert (rows["status"] == "ok").all()
    most = rows.loc[rows["is_high_value"]].groupby("horizon_days").size()
    assert (most == -(-len(by_horizon) // 5)).all()


def test_what_was_published_is_judged_once_its_window_has_ended(lived: ValueWorld) -> None:
    row = lived.table(PROBLEM.realised).iloc[-1]
    assert row["scored_on"].date() == EARLIER
    assert pd.isna(row["faults"])
    scored = lived.table(PROBLEM.scores).query("horizon_days == 90")
    then = scored.loc[pd.to_datetime(scored["as_of_date"]).dt.date == EARLIER, "predicted_value"]
    assert row["predicted_total"] == pytest.approx(then.sum())
    outcome = lived.table(PROBLEM.labels[90])
    spent = outcome.loc[pd.to_datetime(outcome["as_of_date"]).dt.date == EARLIER, "outcome_amount"]
    assert row["realised_total"] == pytest.approx(spent.sum())
    judged = lived.table(METRICS).query("split == 'realised'")
    assert set(judged["slice_value"]) == {"30", "90"}


def test_a_repeated_morning_changes_nothing(lived: ValueWorld, tmp_path: Path) -> None:
    copy = ValueWorld(folder=shutil.copytree(lived.folder, tmp_path / "copy"))
    keys = (METRICS, CALIBRATION_BINS, RETRAIN_LOG, MODEL_REGISTRY, PROBLEM.scores, PROBLEM.champion)
    before = [copy.table(key) for key in keys]
    copy.run_date(LAST)
    for key, rows in zip(keys, before, strict=True):
        pd.testing.assert_frame_equal(copy.table(key), rows)


def test_a_season_that_no_window_has_shown_is_a_fault_and_nobody_is_promoted(tmp_path: Path) -> None:
    # Everybody spends four times as much in the judged window: tolerance and two usual windows allow 50 %.
    world = create(tmp_path, season=4.0)
    serves = world.run_date(LAST)
    assert serves.is_fallback
    decision = world.table(RETRAIN_LOG).iloc[0]
    assert decision["decision"] == "fallback"
    assert "were to spend" in decision["reasons"]
    rows = world.table(PROBLEM.scores)
    assert set(rows["status"]) == {"fallback_model"}
    assert (rows["predicted_value"] == rows["baseline_value"]).all()
    assert rows["predicted_value_lo"].isna().all()
    assert set(world.table(MODEL_REGISTRY)["stage"]) == {"refused", "champion"}


def test_too_few_customers_are_refused_with_their_number_and_the_formula_serves(tmp_path: Path) -> None:
    world = create(tmp_path, customers=120, weeks=16)
    last = FIRST_DAY + timedelta(weeks=15)
    assert world.run_date(last).is_fallback
    (reasons,) = world.table(RETRAIN_LOG)["reasons"]
    assert "customers, 500 needed" in reasons


def test_before_a_window_has_ended_nothing_is_judged(tmp_path: Path) -> None:
    world = create(tmp_path, customers=700, weeks=3)
    row = evaluation(world.run(FIRST_DAY)).iloc[0]
    assert not row["is_promotable"]
    assert row["reasons"].startswith("no window has ended")


def test_a_champion_stays_when_a_later_candidate_is_refused(lived: ValueWorld, tmp_path: Path) -> None:
    copy = ValueWorld(folder=shutil.copytree(lived.folder, tmp_path / "copy"))
    before = copy.table(PROBLEM.champion)["model_version"].iloc[-1]
    # Everybody is found to have spent four times as much; another seed makes another version.
    with copy.warehouse.connect() as connection:
        connection.execute(f"update {PROBLEM.labels[90].sql} set outcome_amount = 4 * outcome_amount")
    serves = copy.run_date(LAST, replace(PROBLEM, seed=PROBLEM.seed + 1))
    assert serves.model_version == before
    assert copy.table(RETRAIN_LOG)["decision"].tolist().count("refuse") == 1
    (row,) = copy.table(PROBLEM.realised).query("as_of_date == @LAST").to_dict("records")
    assert "were to spend" in row["faults"]
