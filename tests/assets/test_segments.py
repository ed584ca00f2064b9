"""Segments on a real warehouse file through the lifecycle: promoted, kept, replayed, rolled back, refused."""

import shutil
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assets.features.customers import ELIGIBILITY
from assets.features.matrix import LeakDetected
from assets.keys import METRICS, MODEL_REGISTRY, RETRAIN_LOG, Key
from assets.lifecycle.capability import NoVersionServes
from assets.lifecycle.promotion import CARD_FILE, promote, roll_back
from assets.lifecycle.run_context import RunContext
from assets.lifecycle.scoring import score
from assets.lifecycle.store.artifacts import ModelIntegrityError
from assets.lifecycle.training import evaluate
from assets.segments.capability import CustomerFeatures, SegmentsCapability
from assets.segments.profiles import profile_plot
from assets.segments.score_rows import RfmRule, ServingModel
from assets.segments.spec import BEHAVIOUR
from checks.capabilities.segments import invariants
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from tests.assets.permitted import permitted
from tests.unit.segments.world import SMALL, alike, customers, shapeless

FIRST = date(2024, 3, 4)
WEEK = timedelta(weeks=1)
NEXT = FIRST + WEEK
CAPABILITY = SegmentsCapability(SMALL)
SPEC = CAPABILITY.spec
TABLES = (SPEC.evaluation, SPEC.champion, SPEC.scores, SMALL.profiles, MODEL_REGISTRY, METRICS, RETRAIN_LOG)
Run = RunContext[CustomerFeatures, ServingModel]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One business's warehouse and models below ``folder``."""

    folder: Path

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(database=str(self.folder / "warehouse.duckdb"))

    def deliver(
        self, as_of: date, rows: pd.DataFrame, *, known_before: timedelta = timedelta(hours=1)
    ) -> None:
        as_of_at = pd.Timestamp(as_of)
        features = rows.drop(columns="kind").assign(
            as_of_date=as_of, as_of_at=as_of_at, newest_known_at=as_of_at - known_before
        )
        self.warehouse.replace_partition(ELIGIBILITY, permitted(features), column="as_of_date", value=as_of)
        self.warehouse.replace_partition(SMALL.features, features, column="as_of_date", value=as_of)
        no_reason = pd.Series(pd.NA, index=features.index, dtype="string")
        rfm = features[["customer_id", "as_of_date"]].assign(
            recency_quintile=np.int32(5), frequency_quintile=np.int32(3), monetary_quintile=np.int32(1),
            rfm_segment="promising", ineligible_reason=no_reason,
        )  # fmt: skip
        self.warehouse.replace_partition(SMALL.rfm, rfm, column="as_of_date", value=as_of)

    def run(self, as_of: date) -> Run:
        return RunContext(
            capability=CAPABILITY, warehouse=self.warehouse, models=FolderModelStore(root=str(self.folder)),
            as_of=as_of, run_id="run", now=datetime.combine(as_of, time(5)),
        )  # fmt: skip

    def live(self, as_of: date) -> "pd.Series[Any]":
        """Evaluate, promote and score ``as_of``; returns the newest row of the retrain log."""
        with self.warehouse.kept_open():
            evaluate(self.run(as_of))
            promote(self.run(as_of))
            score(self.run(as_of))
        log = self.table(RETRAIN_LOG)
        return log.loc[pd.to_datetime(log["as_of_date"]).dt.date == as_of].iloc[-1]

    def table(self, key: Key) -> pd.DataFrame:
        return self.warehouse.read(f"select * from {key.sql} order by all")

    def segments(self, as_of: date, scheme: str = "behaviour") -> pd.DataFrame:
        rows = self.table(SPEC.scores)
        mine = (pd.to_datetime(rows["as_of_date"]).dt.date == as_of) & (rows["scheme"] == scheme)
        return rows.loc[mine].set_index("customer_id")

    def serving(self, as_of: date) -> str:
        serving = self.run(as_of).champion()
        assert serving is not None
        return serving.model_version

    def failed(self, as_of: date) -> list[str]:
        return [each.name for each in invariants(CAPABILITY) if not each.check(self.warehouse, as_of).passed]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path)


def two_kinds(*, seed: int = 1) -> pd.DataFrame:
    return customers(900, seed=seed).query("kind != 2").reset_index(drop=True)


def test_the_first_segmentation_is_promoted_and_a_repeated_run_changes_nothing(world: World) -> None:
    world.deliver(FIRST, customers())
    decision = world.live(FIRST)
    assert decision["decision"] == "promote"
    assert "the first segmentation, promoted without comparison" in str(decision["reasons"])
    before = {key.name: world.table(key) for key in TABLES}
    world.live(FIRST)
    for key in TABLES:
        pd.testing.assert_frame_equal(world.table(key), before[key.name])
    assert len(world.table(SPEC.scores)) == 2 * 600
    assert list(world.table(MODEL_REGISTRY)["stage"]) == ["champion"]
    metrics = world.table(METRICS)
    assert set(metrics["metric"]) == {"stability_ari", "silhouette", "smallest_share"}
    assert set(metrics.loc[metrics["split"] == "train", "slice_name"]) == {"segments"}


def test_every_check_is_green(world: World) -> None:
    for day, seed in ((FIRST, 1), (NEXT, 2)):
        world.deliver(day, customers(seed=seed))
        world.live(day)
        assert world.failed(day) == []


@pytest.mark.parametrize("false", ["margin = 2", "segment_key = null", "scheme = 'postcode'"])
def test_a_row_outside_the_contract_of_segments_is_stopped(world: World, false: str) -> None:
    world.deliver(FIRST, customers())
    world.live(FIRST)
    with world.warehouse.connect() as connection:
        connection.execute(
            f"update {SPEC.scores.sql} set {false} where scheme = '{BEHAVIOUR}' and customer_id = "
            f"(select min(customer_id) from {SPEC.scores.sql} where is_eligible)"
        )
    assert "scores_match_contract" in world.failed(FIRST)


def test_the_champion_stays_while_the_candidate_is_not_surely_better(world: World) -> None:
    world.deliver(FIRST, customers(seed=1))
    world.deliver(NEXT, customers(seed=2))
    world.live(FIRST)
    decision = world.live(NEXT)
    assert decision["decision"] == "refuse"
    assert "does not beat the champion: silhouette differs by" in str(decision["reasons"])
    assert decision["metric"] == "champion_silhouette_difference"
    assert world.serving(NEXT) == world.serving(FIRST) == decision["champion"]
    assert world.segments(FIRST)["stability_ari"].isna().all()
    assert world.segments(NEXT)["stability_ari"].min() > 0.9
    assert sorted(world.table(MODEL_REGISTRY)["stage"]) == ["champion", "refused"]


def test_a_surely_better_segmentation_is_promoted(world: World) -> None:
    world.deliver(FIRST, two_kinds())
    world.deliver(NEXT, customers(900, seed=2))
    world.live(FIRST)
    decision = world.live(NEXT)
    assert decision["decision"] == "promote"
    assert decision["ci_lo"] > SMALL.rules.separation_gain
    assert "beats the champion" in str(decision["reasons"])
    assert world.segments(NEXT)["segment_key"].nunique() == 3


def test_a_column_that_is_gone_makes_the_new_segmentation_serve_under_the_old_keys(world: World) -> None:
    world.deliver(FIRST, customers())
    world.deliver(NEXT, customers().assign(average_order_amount=np.nan))
    world.live(FIRST)
    decision = world.live(NEXT)
    assert decision["decision"] == "promote"
    assert "average_order_amount, which no customer has now" in str(decision["reasons"])
    assert sorted(world.table(MODEL_REGISTRY)["stage"]) == ["champion", "retired"]
    assert set(world.segments(NEXT)["segment_key"]) == set(world.segments(FIRST)["segment_key"])
    assert (world.segments(NEXT)["segment_key"] == world.segments(FIRST)["segment_key"]).mean() > 0.95


def test_replaying_a_past_date_leaves_the_champion_of_the_newest_one(world: World) -> None:
    world.deliver(NEXT, customers(seed=2))
    world.deliver(FIRST, customers(seed=1))
    assert world.live(NEXT)["decision"] == world.live(FIRST)["decision"] == "promote"
    stages = world.table(MODEL_REGISTRY).set_index("model_version")["stage"]
    assert stages.to_dict() == {world.serving(NEXT): "champion", world.serving(FIRST): "retired"}


def test_a_key_has_one_name_although_past_dates_are_replayed_after_newer_ones(world: World) -> None:
    world.deliver(NEXT, customers(seed=2))
    # The same kinds of customers under other numbers and names: most are new, and nobody has lapsed.
    other = customers(seed=1).assign(days_since_order=customers(seed=3)["tenure_days"])
    world.deliver(FIRST, other)
    world.live(NEXT)
    for day in (FIRST, NEXT):
        world.live(day)
        assert world.failed(day) == []
    older, newer = (set(world.segments(day)["segment_key"]) for day in (FIRST, NEXT))
    assert not older & newer


def test_a_rollback_serves_the_version_before_and_pauses_promotion(world: World) -> None:
    world.deliver(FIRST, two_kinds())
    for week in range(1, 4):
        world.deliver(FIRST + week * WEEK, customers(900, seed=2))
    world.live(FIRST)
    world.live(NEXT)
    first = world.serving(FIRST)
    assert world.serving(NEXT) != first
    roll_back(world.run(NEXT), reason="campaigns are planned on two segments")
    assert world.serving(NEXT) == first
    decision = world.live(FIRST + 2 * WEEK)
    assert decision["decision"] == "refuse"
    assert f"promotion is paused until {NEXT + 2 * WEEK}" in str(decision["reasons"])
    assert set(world.segments(FIRST + 2 * WEEK)["model_version"]) == {first}
    decision = world.live(FIRST + 3 * WEEK)
    assert decision["decision"] == "promote"
    # Segments of the version that was rolled back are other segments: their keys are not used again.
    before, rolled_back, newest = (
        set(world.segments(FIRST + weeks * WEEK)["segment_key"]) for weeks in (0, 1, 3)
    )
    assert newest & rolled_back <= before
    assert "segment_key_has_one_name" not in world.failed(FIRST + 3 * WEEK)


def test_a_version_has_a_card_and_a_grade_on_its_rows(world: World) -> None:
    world.deliver(FIRST, customers())
    world.live(FIRST)
    version = world.serving(FIRST)
    row = world.table(MODEL_REGISTRY).iloc[0]
    metrics = world.table(METRICS).query("split == 'test'").set_index("metric")["value"]
    # Three kinds far apart: halves agree fully, and clusters in seven features lie less far apart.
    assert metrics["stability_ari"] > 0.95
    assert 0.5 < metrics["silhouette"] < 0.7
    assert row["quality_grade"] == "Good"
    assert row["card_uri"] == f"{version}/{CARD_FILE}"
    card = (world.folder / SPEC.name / version / CARD_FILE).read_text()
    assert "Grade **Good**: Segments are distinct and stable" in card
    assert "| stability_ari |" in card
    assert set(world.segments(FIRST)["quality_grade"]) == {"Good"}
    assert set(world.segments(FIRST)["model_version"]) == {version}
    assert world.segments(FIRST, "rfm")["quality_grade"].isna().all()
    assert set(world.segments(FIRST, "rfm")["model_version"]) == {"rfm-fifths-1"}


@pytest.mark.parametrize(
    ("rows", "reason", "status"),
    [
        (customers(1), "too_few_customers", "ok"),
        (alike(), "customers_do_not_differ", "ok"),
        (shapeless(), "no_stable_segments", "withheld_by_gate"),
    ],
)
def test_the_rfm_rule_serves_where_there_are_no_segments_by_behaviour(
    world: World, rows: pd.DataFrame, reason: str, status: str
) -> None:
    world.deliver(FIRST, rows)
    assert world.live(FIRST)["decision"] == "fallback"
    found = world.segments(FIRST)
    assert len(found) == len(rows)
    assert not found["is_eligible"].any()
    assert set(found["ineligible_reason"]) == {reason}
    assert set(found["status"]) == {status}
    assert found["segment_key"].isna().all()
    assert set(world.segments(FIRST, "rfm")["segment_key"]) == {"promising"}
    assert set(world.segments(FIRST, "rfm")["status"]) == {"ok"}
    assert list(world.table(RETRAIN_LOG)["decision"]) == ["fallback"]
    assert world.failed(FIRST) == []
    serving = world.run(FIRST).champion()
    assert serving is not None
    assert serving.is_fallback
    model = world.run(FIRST).load_model(serving.model_version, sha256=serving.model_sha256)
    assert model == RfmRule(reason=reason)


def test_a_segmentation_replaces_the_fallback(world: World) -> None:
    world.deliver(FIRST, alike())
    world.deliver(NEXT, customers())
    world.live(FIRST)
    assert world.live(NEXT)["decision"] == "promote"
    assert world.segments(NEXT)["segment_key"].notna().all()
    assert sorted(world.table(MODEL_REGISTRY)["stage"]) == ["champion", "retired"]


def test_the_champion_scores_on_while_nothing_can_be_fitted(world: World) -> None:
    world.deliver(FIRST, customers())
    world.deliver(NEXT, customers(100, seed=2))
    world.live(FIRST)
    decision = world.live(NEXT)
    assert (decision["decision"], decision["reasons"]) == ("refuse", "100 customers; at least 200")
    assert set(world.segments(NEXT)["model_version"]) == {world.serving(FIRST)}


def test_nothing_is_scored_before_a_version_serves(world: World) -> None:
    world.deliver(FIRST, customers())
    with pytest.raises(NoVersionServes):
        score(world.run(FIRST))


def test_customers_without_consent_have_no_segment(world: World) -> None:
    rows = customers()
    world.deliver(FIRST, rows)
    keys = rows.assign(as_of_date=FIRST, as_of_at=pd.Timestamp(FIRST))
    world.warehouse.replace(ELIGIBILITY, permitted(keys, refused={"c00001"}))
    world.live(FIRST)
    found = world.table(SPEC.scores)
    refused = found.loc[found["customer_id"] == "c00001"]
    assert sorted(refused["scheme"]) == ["behaviour", "rfm"]
    assert set(refused["ineligible_reason"]) == {"no_consent"}
    assert refused[["segment_key", "size", "rfm_cell"]].isna().to_numpy().all()
    assert len(found) == 2 * len(rows)
    assert "c00001" not in set(CAPABILITY.load(world.warehouse, as_of=FIRST).rows["customer_id"])


def test_a_fact_not_yet_known_is_refused(world: World) -> None:
    world.deliver(FIRST, customers(), known_before=-timedelta(hours=1))
    with pytest.raises(LeakDetected):
        world.live(FIRST)


def test_a_model_file_that_was_changed_is_refused(world: World) -> None:
    world.deliver(FIRST, customers())
    world.live(FIRST)
    facts = world.folder / SPEC.name / world.serving(FIRST) / "facts.json"
    facts.write_text(facts.read_text().replace("b01", "b09"))
    with pytest.raises(ModelIntegrityError):
        score(world.run(FIRST))


def test_with_lost_model_files_the_rfm_rule_serves_and_the_next_run_mends_it(world: World) -> None:
    for day in (FIRST, NEXT):
        world.deliver(day, customers())
    world.live(FIRST)
    shutil.rmtree(world.folder / SPEC.name)
    score(world.run(NEXT))
    assert set(world.segments(NEXT)["ineligible_reason"]) == {"segmentation_not_promoted"}
    assert set(world.segments(NEXT, "rfm")["status"]) == {"ok"}
    assert "is lost: the baseline serves" in str(world.table(RETRAIN_LOG)["reasons"].iloc[-1])
    world.live(NEXT)
    assert world.segments(NEXT)["segment_key"].notna().all()


def test_profiles_compare_a_segment_with_all_customers(world: World) -> None:
    rows = customers()
    world.deliver(FIRST, rows)
    world.live(FIRST)
    found = world.table(SMALL.profiles)
    mine = found.loc[(found["scheme"] == "behaviour") & (found["feature"] == "orders_365d")]
    mean_all = rows["orders_365d"].mean()
    # One kind of three orders twenty times a year, the others once.
    often = rows.loc[rows["kind"] == 1, "orders_365d"].mean()
    assert mine["mean_all"].to_numpy() == pytest.approx(mean_all)
    assert mine["index_vs_all"].max() == pytest.approx(100 * often / mean_all, rel=0.02)
    assert mine["share"].sum() == pytest.approx(1)
    assert set(mine["model_version"]) == {world.serving(FIRST)}
    assert "sessions_90d" not in set(found["feature"])
    assert profile_plot(found.loc[found["scheme"] == "behaviour"], title="t").startswith(b"\x89PNG")


def test_the_steps_show_what_was_tried_and_the_profiles(world: World) -> None:
    world.deliver(FIRST, customers())
    world.live(FIRST)
    rows = world.table(SPEC.scores)
    shown = CAPABILITY.describe_scores(world.warehouse, rows)
    assert (shown["segments_rfm"], shown["segments_behaviour"]) == (1, 3)
    assert shown["profiles_behaviour"].startswith(b"\x89PNG")
    tried = CAPABILITY.describe_evaluation(world.table(METRICS), pd.DataFrame())["tried"]
    assert list(tried["segments"].astype(int).sort_values()) == [2, 3, 4, 5]
