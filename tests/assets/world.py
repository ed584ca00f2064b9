"""A real warehouse file with features, labels and daily orders of a shop with a known truth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from assets.keys import (
    CALIBRATION_BINS,
    COHORT_CUTOFFS,
    CUTOFFS,
    METRICS,
    MODEL_REGISTRY,
    PREDICTION_TOTALS,
    RETRAIN_LOG,
    Key,
)
from assets.lifecycle.promotion import promote
from assets.lifecycle.realised import monitor
from assets.lifecycle.run_context import RunContext
from assets.lifecycle.scoring import score
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.training import evaluate
from assets.supervised.capability import SupervisedCapability
from assets.supervised.data.dataset import DAILY_ORDERS, TrainingData
from assets.supervised.fitting.task import Binary, Boosting
from assets.supervised.fitting.train import Fitted
from assets.supervised.problem import PredictionProblem, PromotionCriteria
from checks.models.defs import capability_checks
from checks.models.supervised import supervised_invariants
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from tests.unit.supervised.world import FIRST_DAY, as_of_days, shop
from tests.unit.supervised.world import PROBLEM as LARGER_PROBLEM

WEEKS = 32
CUSTOMERS = 700
# Smaller trees and fewer draws: a date runs many times here.
PROBLEM = replace(
    LARGER_PROBLEM,
    task=Binary(boosting=Boosting(max_iter=30, learning_rate=0.06)),
    criteria=PromotionCriteria(replicates=40),
)
CAPABILITY = SupervisedCapability(PROBLEM)
SPEC = CAPABILITY.spec
# As-of dates by week: 27 days behind it leave 23 matured ones, a week later there is one more.
FIRST, LATER = (FIRST_DAY + timedelta(weeks=week) for week in (27, 28))
TABLES: tuple[Key, ...] = (
    SPEC.evaluation,
    SPEC.champion,
    SPEC.scores,
    SPEC.realised,
    MODEL_REGISTRY,
    METRICS,
    CALIBRATION_BINS,
    COHORT_CUTOFFS,
    CUTOFFS,
    RETRAIN_LOG,
    PREDICTION_TOTALS,
)
# When and in which run a row was written is all that may differ when an as-of date is repeated.
WHEN = ["decided_at", "trained_at", "scored_at", "run_id"]


def checks_of(
    problem: PredictionProblem = PROBLEM, *, reports: Path | None = None
) -> list[dg.AssetChecksDefinition]:
    """Every check of ``problem``, as production binds them."""
    capability = SupervisedCapability(problem)
    return capability_checks(capability, invariants=supervised_invariants(capability, reports=reports))


def at_five(day: date) -> datetime:
    return datetime.combine(day, time(5))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One business's warehouse and models below ``folder``."""

    folder: Path

    @property
    def warehouse(self) -> DuckDBWarehouse:
        return DuckDBWarehouse(database=str(self.folder / "warehouse.duckdb"))

    @property
    def models(self) -> FolderModelStore:
        return FolderModelStore(root=str(self.folder / "models"))

    def run(self, as_of: date, problem: PredictionProblem = PROBLEM) -> RunContext[TrainingData, Fitted]:
        """A run for ``as_of``, as a process of its own would make it."""
        return RunContext(
            capability=SupervisedCapability(problem), warehouse=self.warehouse, models=self.models,
            as_of=as_of, run_id=f"run of {as_of}", now=at_five(as_of),
        )  # fmt: skip

    def run_date(self, as_of: date, problem: PredictionProblem = PROBLEM) -> ChampionVersion:
        """All steps of one as-of date, each from the tables alone, as processes of their own would."""
        with self.warehouse.kept_open():
            monitor(self.run(as_of, problem))
            evaluate(self.run(as_of, problem))
            serving = promote(self.run(as_of, problem))
            assert serving is not None
            score(self.run(as_of, problem))
        return serving

    def table(self, key: Key) -> pd.DataFrame:
        return self.warehouse.read(f"select * from {key.sql} order by all")

    def tables(self) -> dict[str, pd.DataFrame]:
        """Everything the lifecycle wrote, without when it wrote it."""
        return {key.name: self.table(key).drop(columns=WHEN, errors="ignore") for key in TABLES}

    def scored(self, as_of: date) -> pd.DataFrame:
        rows = self.table(PROBLEM.scores)
        return rows.loc[pd.to_datetime(rows["as_of_date"]).dt.date == as_of].reset_index(drop=True)

    def decided(self, as_of: date) -> pd.DataFrame:
        """Every decision about one as-of date, without when and in which run it was made."""
        rows = self.table(RETRAIN_LOG).drop(columns=WHEN, errors="ignore")
        return rows.loc[pd.to_datetime(rows["as_of_date"]).dt.date == as_of].reset_index(drop=True)

    def newest_decision(self) -> "pd.Series[Any]":
        return self.table(RETRAIN_LOG).sort_values("decided_at").iloc[-1]

    def stages(self) -> dict[str, str]:
        """Version to stage, as registered."""
        rows = self.table(MODEL_REGISTRY)
        return dict(zip(rows["model_version"], rows["stage"], strict=True))

    def write(self, rows: pd.DataFrame) -> None:
        """Features and labels of ``rows``, and an even stream of daily orders."""
        features = rows.drop(columns=["outcome", "truth"])
        self.warehouse.replace(PROBLEM.features[0], features.assign(as_of_date=rows["as_of_date"].dt.date))
        labels = rows[["customer_id", "as_of_date", "outcome"]]
        self.warehouse.replace(PROBLEM.label, labels.assign(as_of_date=rows["as_of_date"].dt.date))
        self.warehouse.replace(DAILY_ORDERS, daily_orders(as_of_days(WEEKS)))


def daily_orders(dates: Sequence[date]) -> pd.DataFrame:
    """Known on each as-of date: 60 orders a day, 50 of them repeated, from half a year before the first."""
    start = dates[0] - timedelta(days=182)
    days = [(as_of, start + timedelta(days=day)) for as_of in dates for day in range((as_of - start).days)]
    frame = pd.DataFrame(days, columns=["as_of_date", "occurred_on"])
    return frame.assign(orders=np.int64(60), repeat_orders=np.int64(50))


def create(folder: Path, *, customers: int = CUSTOMERS) -> World:
    world = World(folder=folder)
    world.write(shop(customers=customers, weeks=WEEKS))
    return world
