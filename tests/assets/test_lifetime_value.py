"""Lifetime value by as-of date: promoted, refused, fallen back, withheld, rolled back and evaluated."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.keys import CALIBRATION_BINS, METRICS, MODEL_REGISTRY, RETRAIN_LOG
from assets.lifecycle.promotion import CARD_FILE, roll_back
from assets.lifecycle.scoring import score
from assets.lifecycle.training import evaluate
from assets.lifetime_value.capability import LifetimeValueCapability
from checks.capabilities.lifetime_value import invariants
from tests.assets.value_world import BUYING, FIRST_DAY, PROBLEM, SPEC, ValueWorld, create

LAST = FIRST_DAY + timedelta(weeks=29)
EARLIER = LAST - timedelta(weeks=14)


@pytest.fixture(scope="module")
def scored_twice(tmp_path_factory: pytest.TempPathFactory) -> ValueWorld:
    """A shop that scored fourteen weeks ago and on the newest date."""
    world = create(tmp_path_factory.mktemp("value"))
    world.run_date(EARLIER)
    world.run_date(LAST)
    return world


@pytest.fixture
def copy(scored_twice: ValueWorld, tmp_path: Path) -> ValueWorld:
    """The same shop, to be changed."""
    return ValueWorld(folder=shutil.copytree(scored_twice.folder, tmp_path / "copy"))


@pytest.fixture
def scored_once(scored_twice: ValueWorld, tmp_path: Path) -> ValueWorld:
    """The same shop as it was before the newest date was run."""
    world = ValueWorld(folder=shutil.copytree(scored_twice.folder, tmp_path / "once"))
    tables = (SPEC.evaluation, SPEC.champion, SPEC.scores, SPEC.realised, RETRAIN_LOG)
    with world.warehouse.connect() as connection:
        for key in tables:
            connection.execute(f"delete from {key.sql} where as_of_date = $last", {"last": LAST})
        connection.execute(f"delete from {METRICS.sql} where split = 'realised'")
        connection.execute(f"delete from {CALIBRATION_BINS.sql} where split = 'realised'")
    return world


def spend_fourfold(world: ValueWorld, *, horizons: Sequence[int] = PROBLEM.horizons_days) -> None:
    """Multiply the newest windows' observed amounts by four: what was known before had no sign of it."""
    with world.warehouse.connect() as connection:
        for days in horizons:
            connection.execute(
                f"update {PROBLEM.labels[days].sql} set outcome_amount = 4 * outcome_amount "
                "where as_of_date >= $since",
                {"since": EARLIER},
            )


def failed_checks(world: ValueWorld) -> set[str]:
    """Names of the capability's own checks that fail on the newest date."""
    found = invariants(LifetimeValueCapability(PROBLEM))
    return {each.name for each in found if not each.check(world.warehouse, LAST).passed}


def rows_on_last(world: ValueWorld) -> pd.DataFrame:
    rows = world.table(SPEC.scores)
    return rows.loc[pd.to_datetime(rows["as_of_date"]).dt.date == LAST]


def test_the_model_that_the_customers_follow_is_promoted_with_its_parameters(
    scored_twice: ValueWorld,
) -> None:
    decisions = scored_twice.table(RETRAIN_LOG)
    assert decisions["decision"].tolist() == ["promote", "promote"]
    assert decisions["metric"].tolist() == ["deviance_difference"] * 2
    assert (decisions["ci_hi"] < 0).all()
    (row,) = scored_twice.table(MODEL_REGISTRY).query("stage == 'champion'").to_dict("records")
    params = json.loads(row["params"])
    assert set(params) >= {"r", "alpha", "a", "b", "p", "q", "v"}
    assert params["amount_model"] == "bg_nbd"
    # The parameters of one date are estimates of the shop's: within a fifth for the order rate.
    assert params["r"] / params["alpha"] == pytest.approx(BUYING.r / BUYING.alpha, rel=0.2)
    assert (row["train_from"].date(), row["test_from"].date()) == (LAST, LAST - timedelta(weeks=13))
    assert row["calibration_method"] == "level of the shop"


def test_the_reason_of_a_promotion_states_the_ratio_of_each_horizon(scored_twice: ValueWorld) -> None:
    reasons = scored_twice.table(SPEC.evaluation)["reasons"]
    for days in (30, 90):
        assert reasons.str.contains(f"{days} days: from .* of the observed total was predicted").all()
    assert reasons.str.contains("365 days: no window has ended for the model: the baseline serves").all()


def score_beside(world: ValueWorld, status: str) -> pd.DataFrame:
    """The newest date scored again beside probabilities of an order: rows by customer and horizon."""
    before = rows_on_last(world)
    ids = sorted(before["customer_id"].unique())
    chances = pd.DataFrame({"customer_id": ids, "as_of_date": pd.Timestamp(LAST), "status": status})
    # Nobody is said to be sure; of every tenth customer nothing is said.
    share = np.random.default_rng(5).beta(0.5, 3.0, len(ids))
    chances["probability"] = np.where(np.arange(len(ids)) % 10 == 0, np.nan, share)
    world.warehouse.replace(PROBLEM.chances, chances)
    score(world.context(LAST))
    both = rows_on_last(world).merge(chances[["customer_id", "probability"]], on="customer_id")
    return both.merge(before, on=["customer_id", "horizon_days"], suffixes=("", "_before"))


def test_scores_agree_with_the_probabilities_published_for_the_date(copy: ValueWorld) -> None:
    rows = score_beside(copy, "ok")
    known = rows.loc[rows["probability"].notna() & (rows["horizon_days"] == 30)]
    assert (known["predicted_orders_before"] < known["probability"]).sum() > 100
    assert (known["predicted_orders"] >= known["probability"]).all()
    assert (known["prob_alive"].fillna(1.0) >= known["probability"]).all()
    ends = pd.Timestamp(LAST + timedelta(days=30))
    is_soon = pd.to_datetime(known["expected_next_order_date"]) < ends
    assert (is_soon == (known["probability"] > 0.5 * known["prob_alive"].fillna(1.0))).all()
    # The level's total, unless the buyers alone are more; then one order of each.
    total = max(known["predicted_orders_before"].sum(), known["probability"].sum())
    assert known["predicted_orders"].sum() == pytest.approx(total)
    unknown = rows.loc[rows["probability"].isna()]
    assert unknown["predicted_value"].tolist() == pytest.approx(unknown["predicted_value_before"].tolist())
    assert not failed_checks(copy)


def test_the_rates_of_a_fallback_replace_no_prediction(copy: ValueWorld) -> None:
    rows = score_beside(copy, "fallback_model")
    assert rows["predicted_orders"].equals(rows["predicted_orders_before"])
    assert rows["prob_alive"].equals(rows["prob_alive_before"])


def test_each_customer_has_three_horizons_each_worth_more_than_the_one_before(
    scored_twice: ValueWorld,
) -> None:
    rows = rows_on_last(scored_twice)
    by_horizon = rows.pivot_table(index="customer_id", columns="horizon_days", values="predicted_value")
    assert list(by_horizon) == [30, 90, 365]
    assert (by_horizon[90] > by_horizon[30]).all()
    # No window of 365 days has ended: there the baseline serves, with no less than for 90 days.
    statuses = rows.groupby("horizon_days")["status"].unique().explode()
    assert statuses.to_dict() == {30: "ok", 90: "ok", 365: "fallback_model"}
    assert (by_horizon[365] >= by_horizon[90]).all()
    assert (rows["target"] == PROBLEM.target).all()
    most = rows.loc[rows["is_high_value"]].groupby("horizon_days").size()
    assert (most == -(-len(by_horizon) // 5)).all()


def test_published_amounts_are_evaluated_once_their_window_has_ended(scored_twice: ValueWorld) -> None:
    row = scored_twice.table(SPEC.realised).iloc[-1]
    assert pd.isna(row["defects"])
    figures = json.loads(row["figures"])
    scored = scored_twice.table(SPEC.scores).query("horizon_days == 90")
    then = scored.loc[pd.to_datetime(scored["as_of_date"]).dt.date == EARLIER]
    assert figures["predicted_total"] == pytest.approx(then["predicted_value"].sum())
    assert (row["model_version"], row["n"], row["n_days"]) == (then["model_version"].iloc[0], len(then), 1)
    outcome = scored_twice.table(PROBLEM.labels[90])
    spent = outcome.loc[pd.to_datetime(outcome["as_of_date"]).dt.date == EARLIER, "outcome_amount"]
    assert figures["observed_total"] == pytest.approx(spent.sum())
    realised = scored_twice.table(METRICS).query("split == 'realised'")
    # 30 days were withheld then: the shop's growth of the year before looked like a season.
    assert set(realised["slice_value"]) == {"90"}


def test_a_repeated_run_changes_nothing(copy: ValueWorld) -> None:
    keys = (METRICS, CALIBRATION_BINS, RETRAIN_LOG, MODEL_REGISTRY, SPEC.scores, SPEC.champion)
    before = [copy.table(key) for key in keys]
    copy.run_date(LAST)
    for key, rows in zip(keys, before, strict=True):
        pd.testing.assert_frame_equal(copy.table(key), rows)


def test_replaying_a_past_date_leaves_the_champion_of_the_registry(copy: ValueWorld) -> None:
    newest = copy.table(SPEC.champion)["model_version"].iloc[-1]
    copy.run_date(EARLIER + timedelta(weeks=1))
    stages = copy.table(MODEL_REGISTRY).set_index("model_version")["stage"]
    assert stages[stages == "champion"].index.tolist() == [newest]
    assert len(stages) == 3


def test_every_promoted_version_has_a_card_and_a_grade(scored_twice: ValueWorld) -> None:
    registry = scored_twice.table(MODEL_REGISTRY)
    assert set(registry["quality_grade"]) <= {"Excellent", "Good", "Fair", "Poor"}
    for version, uri in zip(registry["model_version"], registry["card_uri"], strict=True):
        folder = scored_twice.context(LAST).folder(version)
        assert uri == f"{version}/{CARD_FILE}"
        card = (folder / CARD_FILE).read_text(encoding="utf-8")
        assert "| measure | this version | baseline |" in card
        assert "| tenth 10 |" in card
        assert "## Limits" in card


def test_a_season_that_no_window_has_shown_is_a_defect_and_the_baseline_serves(tmp_path: Path) -> None:
    # All customers spend four times as much in the newest window: tolerance and two usual windows allow 50 %.
    world = create(tmp_path, season=4.0)
    serving = world.run_date(LAST)
    assert serving is not None
    assert serving.is_fallback
    decision = world.table(RETRAIN_LOG).iloc[0]
    assert decision["decision"] == "fallback"
    assert "chance and tolerance allow" in decision["reasons"]
    rows = world.table(SPEC.scores)
    assert set(rows["status"]) == {"fallback_model"}
    assert (rows["predicted_value"] == rows["baseline_value"]).all()
    assert rows["predicted_value"].between(rows["predicted_value_lo"], rows["predicted_value_hi"]).all()
    assert rows["predicted_orders"].isna().all()
    registry = world.table(MODEL_REGISTRY).set_index("stage")
    assert set(registry.index) == {"refused", "champion"}
    assert registry.loc["refused", "quality_grade"] == "Do-not-use"
    assert registry.loc["champion", "calibration_method"] == "none"
    assert json.loads(registry["params"]["refused"])["amount_model"] == "bg_nbd"
    assert "gone_after_days" in json.loads(registry["params"]["champion"])


def test_too_few_customers_are_refused_with_their_number_and_the_baseline_serves(tmp_path: Path) -> None:
    world = create(tmp_path, customers=120, weeks=16)
    serving = world.run_date(FIRST_DAY + timedelta(weeks=15))
    assert serving is not None
    assert serving.is_fallback
    (reasons,) = world.table(RETRAIN_LOG)["reasons"]
    assert "customers, 500 needed" in reasons


def test_before_a_window_has_ended_nothing_is_evaluated(tmp_path: Path) -> None:
    world = create(tmp_path, customers=700, weeks=3)
    row = evaluate(world.context(FIRST_DAY)).iloc[0]
    assert not row["is_promotable"]
    assert row["refusal"].startswith("no window has ended")


def test_after_a_withdrawal_by_everybody_the_rows_hold_the_reason_and_nothing_else(copy: ValueWorld) -> None:
    copy.run_date(LAST)
    assert rows_on_last(copy)["predicted_value"].notna().any()
    with copy.warehouse.connect() as connection:
        connection.execute(f"update {PROBLEM.cohort.sql} set ineligible_reason = 'no_consent'")
    copy.run_date(LAST)
    rows = rows_on_last(copy)
    assert set(rows["ineligible_reason"]) == {"no_consent"}
    assert rows.groupby("customer_id")["horizon_days"].agg(tuple).unique().tolist() == [(30, 90, 365)]
    assert rows["value_basis"].notna().all()
    assert rows[["predicted_value", "historic_value", "prob_alive", "is_high_value"]].isna().all(axis=None)
    assert failed_checks(copy) == set()


def test_a_date_without_customers_has_no_row(copy: ValueWorld) -> None:
    found = score(copy.context(LAST + timedelta(weeks=1)))
    assert found is not None
    assert found.empty


def test_a_champion_stays_when_a_later_candidate_is_refused(copy: ValueWorld) -> None:
    before = copy.table(SPEC.champion)["model_version"].iloc[-1]
    # Another seed makes another version.
    spend_fourfold(copy)
    serving = copy.run_date(LAST, replace(PROBLEM, seed=PROBLEM.seed + 1))
    assert serving is not None
    assert serving.model_version == before
    assert copy.table(RETRAIN_LOG)["decision"].tolist().count("refuse") == 1
    (row,) = copy.table(SPEC.realised).query("as_of_date == @LAST").to_dict("records")
    assert "chance and tolerance allow" in row["defects"]


def test_scores_are_withheld_while_published_ones_of_the_version_have_defects(
    scored_once: ValueWorld,
) -> None:
    spend_fourfold(scored_once)
    serving = scored_once.run_date(LAST)
    assert serving is not None
    # The candidate is refused for the same reason, so that the version of the earlier date would score.
    assert serving.as_of_date == EARLIER
    assert rows_on_last(scored_once).empty
    (withheld,) = scored_once.table(RETRAIN_LOG).query("decision == 'withhold'").to_dict("records")
    assert "chance and tolerance allow" in withheld["reasons"]
    assert not scored_once.table(SPEC.scores).empty
    # Withheld scores are no missing scores, and the best customers spend more than their upper ends.
    assert failed_checks(scored_once) == {
        "realised_totals_are_within_tolerance",
        "interval_coverage_is_nominal",
    }


def test_a_horizon_that_fails_is_withheld_and_the_others_are_published(scored_once: ValueWorld) -> None:
    spend_fourfold(scored_once, horizons=[90])
    scored_once.run_date(LAST)
    rows = rows_on_last(scored_once)
    by_horizon = rows.groupby("horizon_days")
    statuses = by_horizon["status"].unique().explode()
    assert statuses.to_dict() == {30: "ok", 90: "withheld_by_gate", 365: "fallback_model"}
    known = by_horizon[["predicted_value", "total_value", "is_high_value", "baseline_value"]].count()
    assert known.loc[90].tolist() == [0, 0, 0, 1_500]
    assert (known.loc[[30, 365]] == 1_500).all(axis=None)
    grades = by_horizon["quality_grade"].unique().explode()
    assert (grades[90], grades[365]) == ("Do-not-use", "Poor")
    decided = scored_once.table(RETRAIN_LOG).query("as_of_date == @LAST").to_dict("records")
    assert [each["decision"] for each in decided] == ["promote"]
    reasons = decided[0]["reasons"]
    assert "90 days: from 2024-02-19" in reasons
    assert "all customers: predicted" in reasons
    # The totals that were published before are off as well, and so are the intervals: the checks say so.
    assert failed_checks(scored_once) == {
        "realised_totals_are_within_tolerance",
        "interval_coverage_is_nominal",
    }


def test_of_customers_with_one_order_it_is_unknown_whether_they_are_still_customers(
    scored_twice: ValueWorld,
) -> None:
    rows = rows_on_last(scored_twice)
    once = rows["historic_orders"] == 1
    assert rows.loc[once, ["prob_alive", "prob_churn"]].isna().all(axis=None)
    assert rows.loc[~once, ["prob_alive", "prob_churn"]].notna().all(axis=None)


def test_a_rollback_serves_the_version_before_and_pauses_promotion(copy: ValueWorld) -> None:
    first, bad = copy.table(SPEC.champion)["model_version"]
    assert roll_back(copy.context(LAST), reason="too high by eye").model_version == first
    serving = copy.run_date(LAST)
    assert serving is not None
    assert serving.model_version == first
    assert rows_on_last(copy)["model_version"].unique().tolist() == [first]
    # Another version of the same date is not promoted either, and its reason names the rollback.
    other = copy.run_date(LAST, replace(PROBLEM, seed=PROBLEM.seed + 1))
    assert other is not None
    assert other.model_version == first
    reasons = copy.table(RETRAIN_LOG).query("decision == 'refuse'")["reasons"]
    assert reasons.str.contains(f"{bad} was rolled back").sum() == 1
    assert reasons.str.contains("promotion is paused until").sum() == 1


def test_customers_without_consent_have_a_row_with_the_reason_only(copy: ValueWorld) -> None:
    refused = rows_on_last(copy)["customer_id"].iloc[0]
    with copy.warehouse.connect() as connection:
        connection.execute(
            f"update {PROBLEM.cohort.sql} set ineligible_reason = 'no_consent' where customer_id = $id",
            {"id": refused},
        )
    copy.run_date(LAST)
    rows = rows_on_last(copy)
    theirs = rows.loc[rows["customer_id"] == refused]
    assert theirs["horizon_days"].tolist() == [30, 90, 365]
    assert set(theirs["ineligible_reason"]) == {"no_consent"}
    assert theirs["predicted_value"].isna().all()
    shared = ["target", "value_basis", "high_value_rule", "model_version", "status", "id_type"]
    # A status by horizon, as everybody's.
    assert (theirs[shared].to_numpy() == rows[shared].tail(3).to_numpy()).all()


def test_all_checks_pass_on_sound_tables(scored_twice: ValueWorld) -> None:
    assert failed_checks(scored_twice) == set()


@pytest.mark.parametrize(
    ("damage", "failed"),
    [
        (
            "update {scores} set predicted_value = -1 where horizon_days = 90",
            {"amounts_lie_in_their_intervals", "value_is_monotone_in_horizon"},
        ),
        (
            "delete from {scores} where horizon_days = 365 and customer_id = "
            "(select min(customer_id) from {scores})",
            {"cohort_has_every_horizon"},
        ),
        ("update {scores} set prob_alive = 2", {"scores_match_contract"}),
        (
            "update ml.calibration_bins set mean_predicted = 9 * mean_predicted",
            {"backtest_totals_are_within_tolerance"},
        ),
        (
            "update ml.metrics set value = 0.5, ci_hi = 0.6 where metric = 'coverage'",
            {"interval_coverage_is_nominal"},
        ),
        ("update {realised} set defects = 'off'", {"realised_totals_are_within_tolerance"}),
    ],
)
def test_a_check_fails_on_the_table_that_is_wrong(copy: ValueWorld, damage: str, failed: set[str]) -> None:
    with copy.warehouse.connect() as connection:
        connection.execute(damage.format(scores=SPEC.scores.sql, realised=SPEC.realised.sql))
    assert failed_checks(copy) == failed
