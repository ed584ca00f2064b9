"""Mornings of the grouping on a real warehouse file: adopted once, kept, repeated, refused in words."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.features.matrix import LeakDetected
from assets.keys import METRICS, MODEL_REGISTRY, RETRAIN_LOG, Key
from assets.lifecycle.cohort import ELIGIBILITY
from assets.lifecycle.store.artifacts import ModelIntegrityError
from assets.segments.assign import assignments
from assets.segments.morning import Morning
from assets.segments.plot import profile_plot
from assets.segments.profiles import profiles
from assets.segments.propose import grouping
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from tests.assets.permitted import permitted
from tests.unit.segments.world import SMALL, customers

FIRST = date(2024, 3, 4)
NEXT = FIRST + timedelta(weeks=1)
TABLES = (SMALL.model, SMALL.assignments, SMALL.profiles, MODEL_REGISTRY, METRICS, RETRAIN_LOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One business's warehouse and groupings below ``folder``."""

    folder: Path

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(database=str(self.folder / "warehouse.duckdb"))

    def deliver(
        self, as_of: date, rows: pd.DataFrame, *, known_before: timedelta = timedelta(hours=1)
    ) -> None:
        morning = pd.Timestamp(as_of)
        told = rows.drop(columns="kind").assign(
            as_of_date=as_of, as_of_at=morning, newest_known_at=morning - known_before
        )
        self.warehouse.replace_partition(ELIGIBILITY, permitted(told), column="as_of_date", value=as_of)
        self.warehouse.replace_partition(SMALL.features, told, column="as_of_date", value=as_of)
        fifths = told[["customer_id", "as_of_date"]].assign(
            recency_quintile=np.int32(5), frequency_quintile=np.int32(3), monetary_quintile=np.int32(1),
            rfm_segment="promising", ineligible_reason=pd.Series(pd.NA, index=told.index, dtype="string"),
        )  # fmt: skip
        self.warehouse.replace_partition(SMALL.rfm, fifths, column="as_of_date", value=as_of)

    def morning(self, as_of: date) -> Morning:
        return Morning(
            problem=SMALL, warehouse=self.warehouse, models=FolderModelStore(root=str(self.folder)),
            as_of=as_of, run_id="run", now=datetime.combine(as_of, time(5)),
        )  # fmt: skip

    def live(self, as_of: date) -> "pd.Series[object]":
        with self.warehouse.kept_open():
            row = grouping(self.morning(as_of)).iloc[0]
            assignments(self.morning(as_of))
            profiles(self.morning(as_of))
        return row

    def table(self, key: Key) -> pd.DataFrame:
        return self.warehouse.read(f"select * from {key.sql} order by all")

    def segments(self, as_of: date, scheme: str = "behaviour") -> pd.DataFrame:
        rows = self.table(SMALL.assignments)
        mine = (pd.to_datetime(rows["as_of_date"]).dt.date == as_of) & (rows["scheme"] == scheme)
        return rows.loc[mine].set_index("customer_id")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path)


def test_the_first_morning_adopts_and_a_repeated_one_changes_nothing(world: World) -> None:
    world.deliver(FIRST, customers())
    assert world.live(FIRST)["decision"] == "promote"
    before = {key.name: world.table(key) for key in TABLES}
    world.live(FIRST)
    for key in TABLES:
        pd.testing.assert_frame_equal(world.table(key), before[key.name])
    assert len(world.table(SMALL.assignments)) == 2 * 600
    assert list(world.table(MODEL_REGISTRY)["stage"]) == ["champion"]
    assert set(world.table(METRICS)["metric"]) == {"stability_ari", "silhouette", "smallest_share"}


def test_the_next_morning_keeps_the_grouping_and_says_how_many_stayed_together(world: World) -> None:
    world.deliver(FIRST, customers(seed=1))
    world.deliver(NEXT, customers(seed=2))
    first = world.live(FIRST)
    row = world.live(NEXT)
    assert (row["decision"], row["model_version"]) == ("refuse", first["model_version"])
    assert "the serving grouping stays" in str(row["reasons"])
    assert world.segments(FIRST)["stability_ari"].isna().all()
    assert world.segments(NEXT)["stability_ari"].min() > 0.9
    assert sorted(world.table(MODEL_REGISTRY)["stage"]) == ["champion", "refused"]


def test_a_column_that_is_gone_makes_the_new_grouping_serve_under_the_old_keys(world: World) -> None:
    world.deliver(FIRST, customers())
    world.deliver(NEXT, customers().assign(average_order_amount=np.nan))
    world.live(FIRST)
    row = world.live(NEXT)
    assert row["decision"] == "promote"
    assert "average_order_amount, which nobody has any more" in str(row["reasons"])
    assert sorted(world.table(MODEL_REGISTRY)["stage"]) == ["champion", "retired"]
    assert set(world.segments(NEXT)["segment_key"]) == set(world.segments(FIRST)["segment_key"])
    assert (world.segments(NEXT)["segment_key"] == world.segments(FIRST)["segment_key"]).mean() > 0.95


def test_replaying_a_past_date_leaves_the_champion_of_the_newest_one(world: World) -> None:
    world.deliver(NEXT, customers(seed=2))
    world.deliver(FIRST, customers(seed=1))
    newest = world.live(NEXT)
    replayed = world.live(FIRST)
    assert replayed["decision"] == newest["decision"] == "promote"
    stages = world.table(MODEL_REGISTRY).set_index("model_version")["stage"]
    assert stages.to_dict() == {newest["model_version"]: "champion", replayed["model_version"]: "retired"}


@pytest.mark.parametrize(("count", "reason"), [(1, "too_few_customers"), (300, "customers_do_not_differ")])
def test_nobody_has_a_segment_where_there_is_none(world: World, count: int, reason: str) -> None:
    alike = customers(count)
    alike.iloc[:, 1:] = alike.iloc[0, 1:].to_numpy()
    world.deliver(FIRST, alike)
    assert world.live(FIRST)["decision"] == "fallback"
    rows = world.segments(FIRST)
    assert len(rows) == count
    assert not rows["is_eligible"].any()
    assert set(rows["ineligible_reason"]) == {reason}
    assert rows["segment_key"].isna().all()
    assert list(world.table(RETRAIN_LOG)["decision"]) == ["fallback"]


def test_a_morning_that_was_never_grouped_says_so(world: World) -> None:
    world.deliver(FIRST, customers())
    assignments(world.morning(FIRST))
    assert set(world.segments(FIRST)["ineligible_reason"]) == {"no_grouping_yet"}


def test_a_fact_not_yet_known_is_refused(world: World) -> None:
    world.deliver(FIRST, customers(), known_before=-timedelta(hours=1))
    with pytest.raises(LeakDetected):
        world.live(FIRST)


def test_a_model_file_that_was_changed_is_refused(world: World) -> None:
    world.deliver(FIRST, customers())
    version = world.live(FIRST)["model_version"]
    facts = world.folder / SMALL.name / str(version) / "facts.json"
    facts.write_text(facts.read_text().replace("b01", "b09"))
    with pytest.raises(ModelIntegrityError):
        assignments(world.morning(FIRST))


def test_profiles_compare_a_segment_with_everybody(world: World) -> None:
    rows = customers()
    world.deliver(FIRST, rows)
    world.live(FIRST)
    found = world.table(SMALL.profiles)
    mine = found.loc[(found["scheme"] == "behaviour") & (found["feature"] == "orders_365d")]
    everybody = rows["orders_365d"].mean()
    # One kind of three orders twenty times a year, the others once.
    often = rows.loc[rows["kind"] == 1, "orders_365d"].mean()
    assert mine["mean_all"].to_numpy() == pytest.approx(everybody)
    assert mine["index_vs_all"].max() == pytest.approx(100 * often / everybody, rel=0.02)
    assert mine["share"].sum() == pytest.approx(1)
    assert "sessions_90d" not in set(found["feature"])
    assert profile_plot(found.loc[found["scheme"] == "behaviour"], title="t").startswith(b"\x89PNG")
