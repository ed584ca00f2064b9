"""A stateless capability of few lines gets assets, checks, rollback, triggers, a card and a grade."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from assets.keys import MODEL_REGISTRY, RETRAIN_LOG, Key
from assets.lifecycle.capability import (
    Capability,
    Champion,
    Evaluation,
    Fit,
    MetricKey,
    Outcome,
    Performance,
    Spec,
    TableSpec,
    TrainingRecord,
)
from assets.lifecycle.defs import realised_asset, scores_asset, trained_assets
from assets.lifecycle.gate import Comparison, Decision
from assets.lifecycle.promotion import CARD_FILE, NothingToRollBackTo, promote, roll_back
from assets.lifecycle.realised import monitor
from assets.lifecycle.report.grade import DO_NOT_USE, FALLBACK, GRADES, Grade
from assets.lifecycle.retrain_triggers import NO_CHAMPION, pending_trigger
from assets.lifecycle.run_context import RunContext
from assets.lifecycle.scoring import score
from assets.lifecycle.store.schemas import BIN_TYPES, METRIC_TYPES, typed
from assets.lifecycle.training import evaluate
from assets.ports import Warehouse
from checks.models.defs import capability_checks
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from tests.assets.judged import failed

ORDERS = Key("marts", "weekly_orders")
COHORT = Key("intermediate", "toy__cohort")
DATES = [date(2025, 1, 6) + timedelta(weeks=week) for week in range(12)]
SPEC = Spec(
    name="weekly_order_rate",
    question="How many orders does a customer place next week?",
    owner="marketing",
    subject="customer_id",
    cohort=COHORT,
    tables=(TableSpec(key=Key("ml", "weekly_order_rate__scores"), columns={"expected_orders": "float64"}),),
    trained_from=(ORDERS,),
    scored_from=(COHORT,),
    outcomes=(Outcome(table=ORDERS, matures_days=7),),
    compared=Comparison(metric="error", label="mean absolute error"),
    fallback_grade=FALLBACK,
    code=(),
    spec_hash="0" * 64,
    seed=1,
    retrain="every_run",
)


class WeeklyOrderRate(Capability[pd.DataFrame, float, pd.DataFrame, None]):
    """Expected orders of a customer in the next week: the mean of all weeks known."""

    def __init__(self, spec: Spec = SPEC) -> None:
        self.spec = spec

    def load(self, warehouse: Warehouse, *, as_of: date) -> pd.DataFrame:
        return warehouse.read(f"from {ORDERS.sql} where as_of_date + 7 <= $as_of order by all", {"as_of": as_of})

    def data_hash(self, data: pd.DataFrame) -> str:
        return hashlib.sha256(data.to_csv().encode()).hexdigest()

    def baseline(self, data: pd.DataFrame) -> Fit[float] | None:
        return Fit(model=0.0, record=self.record(data, params={})) if len(data) else None

    def backtest(
        self, data: pd.DataFrame, *, champion: Champion[float] | None, version: str
    ) -> Evaluation[float]:
        error = abs(data["orders"] - data["orders"].mean()).mean() - data["orders"].mean()
        key = MetricKey(model_name=self.spec.name, model_version=version, split="test")
        return Evaluation(metrics=_metric(key, "error_difference", error), bins=typed([], BIN_TYPES))

    def fit(
        self, data: pd.DataFrame, *, params: Mapping[str, Any], champion: Champion[float] | None
    ) -> Fit[float]:
        return Fit(model=float(data["orders"].mean()), record=self.record(data, params=params))

    def rows_to_score(self, warehouse: Warehouse, *, as_of: date) -> Iterator[pd.DataFrame]:
        yield warehouse.read(
            f"select customer_id from {COHORT.sql} where as_of_date = $as_of and ineligible_reason is null",
            {"as_of": as_of},
        )

    def score(self, model: float, batch: pd.DataFrame, state: None) -> pd.DataFrame:
        return batch.assign(expected_orders=model)

    def record(self, data: pd.DataFrame, *, params: Mapping[str, Any]) -> TrainingRecord:
        return TrainingRecord(n_rows=len(data), params=params)

    def grade(self, metrics: pd.DataFrame, decision: Decision) -> Grade:
        return GRADES[1] if decision.promote else DO_NOT_USE

    def published(self, warehouse: Warehouse, *, first: date, last: date, as_of: date) -> pd.DataFrame:
        return warehouse.read(
            f"select * from {self.spec.scores.sql} join {ORDERS.sql} using (customer_id, as_of_date) "
            "where as_of_date between $first and $last and status = 'ok' order by customer_id",
            {"first": first, "last": last},
        )

    def realised(self, published: pd.DataFrame, *, key: MetricKey) -> Performance:
        error = abs(published["expected_orders"].mean() - published["orders"].mean())
        defects = (f"expected orders are off by {error:.1f}",) if error > 1 else ()
        metrics = _metric(key, "error", error)
        return Performance(
            metrics=metrics, bins=typed([], BIN_TYPES), figures={"error": error}, defects=defects
        )
