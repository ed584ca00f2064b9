"""As-of dates one after the other on a real warehouse file: what is promoted, refused, repeated."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.keys import COHORT_CUTOFFS, CUTOFFS, METRICS, MODEL_REGISTRY, PREDICTION_TOTALS, RETRAIN_LOG
from assets.lifecycle.capability import NoVersionServes
from assets.lifecycle.promotion import CARD_FILE, FILES_LOST, promote
from assets.lifecycle.realised import monitor
from assets.lifecycle.run_context import SCHEDULED, VINTAGES
from assets.lifecycle.scoring import score
from assets.lifecycle.store.artifacts import MODEL_FILE, ModelIntegrityError
from assets.lifecycle.training import evaluate
from assets.supervised.evaluation import gate
from tests.assets.world import CUSTOMERS, FIRST, LATER, PROBLEM, WEEKS, World
from tests.unit.supervised.world import FIRST_DAY, as_of_days, shop

SmallWorld = Callable[[int], World]


def test_the_first_date_promotes_and_scores_the_whole_cohort(promoted: World) -> None:
    rows = promoted.scored(FIRST)
    assert sorted(rows["customer_id"]) == [f"c{number:05d}" for number in range(CUSTOMERS)]
    assert set(rows["status"]) == {"ok"}
    decision = promoted.newest_decision()
    assert (decision["decision"], decision["challenger"]) == ("promote", rows["model_version"].iloc[0])
    assert "beats the baseline" in str(decision["reasons"])
    assert promoted.stages() == {rows["model_version"].iloc[0]: "champion"}


def test_the_published_probabilities_recover_the_truth_they_were_drawn_from(promoted: World) -> None:
    truth = shop(customers=CUSTOMERS, weeks=WEEKS)
    today = truth.loc[truth["as_of_date"].dt.date == FIRST]
    both = promoted.scored(FIRST).merge(today, on="customer_id")
    # Noise is all that keeps it from 1: recency alone would reach about 0.5.
    assert both["probability"].corr(both["truth"], method="spearman") > 0.85
    total = promoted.table(PREDICTION_TOTALS).iloc[0]
    assert total["expected_positives_lo"] < both["truth"].sum() < total["expected_positives_hi"]
    assert total["expected_positives"] == pytest.approx(both["probability"].sum())


def test_cut_offs_are_those_of_the_published_probabilities_and_beat_the_baseline(promoted: World) -> None:
    rows = promoted.scored(FIRST)
    cohort = promoted.table(COHORT_CUTOFFS).set_index("cut")
    top = rows.loc[rows["percentile"] <= 10, "probability"]
    assert cohort.loc["top_10_percent", "n_selected"] == len(top)
    assert cohort.loc["top_10_percent", "threshold"] == pytest.approx(top.min())
    assert cohort.loc["top_10_percent", "expected_hits"] == pytest.approx(top.sum())
    best = rows["probability"] >= cohort.loc["best_f1", "threshold"]
    assert cohort.loc["best_f1", "n_selected"] == best.sum() > 0
    measured = promoted.table(CUTOFFS).set_index("cut")
    assert set(measured.index) == set(cohort.index)
    assert set(measured["model_version"]) == set(rows["model_version"])
    assert (measured["precision"] > measured["baseline_precision"]).all()
    assert measured["gain"].loc[["top_1_percent", "top_10_percent", "top_50_percent"]].is_monotonic_increasing


def test_the_registry_names_the_files_on_disk(promoted: World) -> None:
    row = promoted.table(MODEL_REGISTRY).iloc[0]
    folder = promoted.models.folder(PROBLEM.name, row["model_version"])
    assert (folder / MODEL_FILE).is_file()
    assert list((folder / VINTAGES).glob(f"*/{MODEL_FILE}"))
    assert (folder.parent / row["card_uri"]) == folder / CARD_FILE
    assert row["model_version"] in (folder / CARD_FILE).read_text(encoding="utf-8")
    # An as-of date of week 27 knows the outcomes of days at least 30 days behind it: up to week 22.
    assert pd.Timestamp(row["test_to"]).date() == FIRST_DAY + timedelta(weeks=22)


def test_a_repeated_date_changes_nothing(world: World) -> None:
    before = world.tables()
    world.run_date(FIRST)
    for name, rows in world.tables().items():
        pd.testing.assert_frame_equal(rows, before[name], obj=name)


def test_the_same_rows_in_another_order_give_the_same_model_byte_for_byte(
    promoted: World, tmp_path: Path
) -> None:
    other = World(folder=tmp_path)
    other.write(shop(customers=CUSTOMERS, weeks=WEEKS).sample(frac=1, random_state=3))
    other.run_date(FIRST)
    tables = promoted.tables()
    # The hashes of the model and of its vintages are among the columns.
    assert tables[MODEL_REGISTRY.name]["model_sha256"].notna().all()
    for name, rows in other.tables().items():
        pd.testing.assert_frame_equal(rows, tables[name], obj=name, check_exact=True)


def test_a_later_date_without_a_new_signal_refuses_and_the_champion_scores(world: World) -> None:
    first = world.scored(FIRST)
    serves = world.run_date(LATER)
    assert serves.model_version == first["model_version"].iloc[0]
    assert set(world.scored(LATER)["model_version"]) == {serves.model_version}
    decision = world.newest_decision()
    assert (decision["decision"], decision["champion"]) == ("refuse", serves.model_version)
    assert "does not beat the champion" in str(decision["reasons"])
    assert world.stages() == {serves.model_version: "champion", decision["challenger"]: "refused"}
    pd.testing.assert_frame_equal(world.scored(FIRST), first)


def test_an_old_champion_is_replaced_by_a_newer_model_that_is_not_surely_worse(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.scored(FIRST)["model_version"].iloc[0]
    monkeypatch.setattr(gate, "OLDEST_CHAMPION", LATER - FIRST)
    serves = world.run_date(LATER)
    assert serves.model_version != before
    assert world.stages() == {before: "retired", serves.model_version: "champion"}
    decision = world.newest_decision()
    assert decision["ci_lo"] < gate.COST_OF_AGE
    assert f"the champion has served since {FIRST}, and the newer candidate is not surely worse" in str(
        decision["reasons"]
    )


def test_a_repeated_date_with_a_refusal_changes_nothing(world: World) -> None:
    world.run_date(LATER)
    before = world.tables()
    world.run_date(LATER)
    for name, rows in world.tables().items():
        pd.testing.assert_frame_equal(rows, before[name], obj=name)


def test_a_date_decided_again_on_new_data_keeps_both_decisions(world: World) -> None:
    world.run_date(LATER)
    (first,) = world.decided(LATER)["challenger"]
    # Orders that arrived late turn a few matured outcomes: other data, another candidate.
    rows = shop(customers=CUSTOMERS, weeks=WEEKS)
    rows.loc[rows.index[:3], "outcome"] = 1 - rows.loc[rows.index[:3], "outcome"]
    world.write(rows)
    world.run_date(LATER)
    both = world.decided(LATER)
    assert both["challenger"].nunique() == len(both) == 2
    assert first in set(both["challenger"])
    assert set(both["trigger"]) == {SCHEDULED}
    world.run_date(LATER)
    pd.testing.assert_frame_equal(world.decided(LATER), both)


def test_scores_withheld_twice_for_one_date_are_logged_once(world: World) -> None:
    run = world.run(LATER)
    for reasons in ("too high", "too high, by more"):
        run.log_decision("withhold", champion="v1", reasons=reasons)
    (row,) = world.decided(LATER).to_dict("records")
    assert (row["decision"], row["champion"], row["reasons"]) == ("withhold", "v1", "too high, by more")
    assert pd.isna([row[name] for name in ("challenger", "metric", "difference", "ci_lo", "ci_hi")]).all()


def test_a_date_knows_no_outcome_of_a_window_that_has_not_ended(world: World) -> None:
    # The label table holds every week to the end; what came later must not change this date.
    def outcomes_turned(rows: pd.DataFrame) -> pd.DataFrame:
        young = rows["as_of_date"].dt.date > LATER - timedelta(days=PROBLEM.horizon_days)
        return rows.assign(outcome=np.where(young, 1 - rows["outcome"], rows["outcome"]))

    world.run_date(LATER)
    honest = world.table(METRICS)
    world.write(outcomes_turned(shop(customers=CUSTOMERS, weeks=WEEKS)))
    world.run_date(LATER)
    pd.testing.assert_frame_equal(world.table(METRICS), honest)


def test_with_too_little_data_the_fallback_scores_and_the_counts_are_logged(small_world: SmallWorld) -> None:
    world = small_world(120)
    serves = world.run_date(FIRST)
    assert serves.is_fallback
    rows = world.scored(FIRST)
    assert len(rows) == 120
    assert set(rows["status"]) == {"fallback_model"}
    assert set(rows["quality_grade"]) == {"Poor"}
    decision = world.newest_decision()
    assert decision["decision"] == "fallback"
    assert "120 customers in training, 500 needed" in str(decision["reasons"])
    assert world.table(METRICS).empty


def test_a_repeated_date_of_a_fallback_changes_nothing(small_world: SmallWorld) -> None:
    world = small_world(120)
    world.run_date(FIRST)
    before = world.tables()
    world.run_date(FIRST)
    for name, rows in world.tables().items():
        pd.testing.assert_frame_equal(rows, before[name], obj=name)


def test_before_any_outcome_is_known_scores_are_withheld(small_world: SmallWorld) -> None:
    world = small_world(120)
    run = world.run(as_of_days(WEEKS)[2])
    monitor(run)
    evaluate(run)
    # Another capability of the same run may have scores: this one must not stop it.
    assert promote(run) is None
    assert score(run) is None
    decision = world.newest_decision()
    assert decision["decision"] == "withhold"
    assert "no outcome is known yet" in decision["reasons"]
    assert world.table(PROBLEM.scores).empty


def test_a_fallback_gives_way_to_the_first_model_that_passes(small_world: SmallWorld) -> None:
    earlier = FIRST - timedelta(weeks=18)
    fresh = small_world(CUSTOMERS)
    # Nine weeks of history leave no day for three folds and two embargoes.
    stopgap = fresh.run_date(earlier)
    assert stopgap.is_fallback
    assert "matured as-of dates" in str(fresh.newest_decision()["reasons"])
    serves = fresh.run_date(FIRST)
    assert not serves.is_fallback
    assert fresh.stages() == {stopgap.model_version: "retired", serves.model_version: "champion"}
    # A date between the two belongs to the version that served then.
    between = FIRST - timedelta(weeks=2)
    score(fresh.run(between))
    assert set(fresh.scored(between)["model_version"]) == {stopgap.model_version}


def test_a_date_before_the_first_version_cannot_be_scored(world: World) -> None:
    earlier = FIRST - timedelta(weeks=1)
    with pytest.raises(NoVersionServes, match="no version of purchase_propensity serves"):
        score(world.run(earlier))
    assert world.scored(earlier).empty


def test_a_replayed_past_date_leaves_the_champion_of_the_newest(world: World) -> None:
    newest = world.scored(FIRST)["model_version"].iloc[0]
    past = FIRST - timedelta(weeks=2)
    serves = world.run_date(past)
    assert serves.model_version != newest
    assert set(world.scored(past)["model_version"]) == {serves.model_version}
    stages = world.stages()
    assert stages[newest] == "champion"
    assert list(stages.values()).count("champion") == 1


def test_observed_positives_are_filled_in_once_the_window_has_ended(world: World) -> None:
    last = as_of_days(WEEKS)[-1]
    ended = FIRST - timedelta(weeks=2)
    world.run_date(ended)
    world.run_date(LATER)
    # Monitoring is enough: the date's own scores may be withheld.
    monitor(world.run(last))
    totals = world.table(PREDICTION_TOTALS)
    observed = dict(zip(totals["as_of_date"].dt.date, totals["observed_positives"], strict=True))
    rows = shop(customers=CUSTOMERS, weeks=WEEKS)
    # Week 25 + 30 days lies before week 31, and week 28 + 30 days (4 weeks and 2 days) does not.
    outcomes = rows.loc[rows["as_of_date"].dt.date == ended, "outcome"].sum()
    assert observed[ended] == outcomes
    assert np.isnan(observed[LATER])
    # A backfill scores the date again, and knows no outcome on it.
    score(world.run(ended))
    again = world.table(PREDICTION_TOTALS)
    assert again.loc[again["as_of_date"].dt.date == ended, "observed_positives"].item() == outcomes


def test_a_tampered_model_file_is_refused_and_no_customer_is_scored(world: World) -> None:
    version = world.scored(FIRST)["model_version"].iloc[0]
    file = world.models.folder(PROBLEM.name, version) / MODEL_FILE
    file.write_bytes(file.read_bytes() + b" ")
    before = world.scored(FIRST)
    with pytest.raises(ModelIntegrityError, match="registered was"):
        world.run_date(LATER)
    assert world.scored(LATER).empty
    pd.testing.assert_frame_equal(world.scored(FIRST), before)


def lose_models(world: World) -> None:
    shutil.rmtree(world.folder / "models")


def test_with_lost_model_files_the_baseline_scores_and_the_next_training_mends_it(world: World) -> None:
    version = world.scored(FIRST)["model_version"].iloc[0]
    lose_models(world)
    # The weekly run trains nothing.
    monitor(world.run(LATER))
    score(world.run(LATER))
    assert set(world.scored(LATER)["status"]) == {"fallback_model"}
    (decision,) = world.decided(LATER).to_dict("records")
    assert (decision["decision"], decision["trigger"], decision["champion"]) == (
        "fallback",
        FILES_LOST,
        version,
    )
    assert f"{MODEL_FILE} is lost: the baseline serves" in decision["reasons"]
    serves = world.run_date(LATER)
    assert not serves.is_fallback
    assert set(world.scored(LATER)["status"]) == {"ok"}
    assert world.run(LATER).load_champion() is not None


def test_the_same_date_after_lost_model_files_trains_the_same_version_again(world: World) -> None:
    before = world.run(FIRST).champion()
    assert before is not None
    lose_models(world)
    serves = world.run_date(FIRST)
    assert (serves.model_version, serves.model_sha256) == (before.model_version, before.model_sha256)
    assert serves.vintage_hashes == before.vintage_hashes
    assert world.run(FIRST).load_champion() is not None
    assert "is lost; " in str(world.newest_decision()["reasons"])


def test_a_lost_fallback_is_made_again(small_world: SmallWorld) -> None:
    world = small_world(120)
    world.run_date(FIRST)
    lose_models(world)
    assert world.run_date(FIRST).is_fallback
    assert world.run_date(LATER).is_fallback
    assert set(world.scored(LATER)["status"]) == {"fallback_model"}


def test_a_tampered_vintage_of_the_champion_cannot_be_compared(world: World) -> None:
    version = world.scored(FIRST)["model_version"].iloc[0]
    file = min((world.models.folder(PROBLEM.name, version) / VINTAGES).glob(f"*/{MODEL_FILE}"))
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelIntegrityError):
        world.run_date(LATER)
    assert len(world.table(RETRAIN_LOG)) == 1
    with pytest.raises(ModelIntegrityError):
        evaluate(world.run(LATER))
