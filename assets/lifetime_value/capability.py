"""What will each customer spend in the coming 30, 90 and 365 days?"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd

from assets.lifecycle.capability import (
    Capability,
    Champion,
    Evaluation,
    Fit,
    InsufficientData,
    MetricKey,
    Performance,
    ScoreTable,
    TrainingRecord,
)
from assets.lifecycle.gate import Decision
from assets.lifecycle.report.grade import Grade
from assets.lifecycle.store.fingerprints import data_hash
from assets.lifetime_value import report
from assets.lifetime_value.backtest import fit_candidate_model, longer_windows, run_backtest
from assets.lifetime_value.dataset import Cohort, ValueData, load_cohort_to_score, published_with_outcomes
from assets.lifetime_value.models.baseline import SpendRate
from assets.lifetime_value.models.candidates import AMOUNT_MODELS, CustomerValue
from assets.lifetime_value.performance import (
    keyed_bins,
    keyed_metrics,
    metric_rows,
    realised_performance,
)
from assets.lifetime_value.score_rows import Model, add_high_value, score_rows
from assets.lifetime_value.spec import PROBLEM, ValueProblem, grade
from assets.ports import Warehouse

AMOUNT_MODEL = "amount_model"


class LifetimeValueCapability(Capability[ValueData, Model, Cohort, None]):
    """Spend, orders and the next order of each customer, for every horizon of a :class:`ValueProblem`."""

    def __init__(self, problem: ValueProblem) -> None:
        self.problem = problem
        self.spec = problem.spec

    def load(self, warehouse: Warehouse, *, as_of: date) -> ValueData:
        return ValueData(problem=self.problem, warehouse=warehouse, as_of=as_of)

    def data_hash(self, data: ValueData) -> str:
        return data_hash(data.cohort.known)

    def baseline(self, data: ValueData) -> Fit[Model]:
        model = SpendRate(horizons_days=self.problem.horizons_days)
        record = replace(self.record(data, params=model.get_params()), calibration_method="none")
        return Fit(model=model, record=record)

    def backtest(
        self, data: ValueData, *, champion: Champion[Model] | None, version: str
    ) -> Evaluation[Model]:
        found = run_backtest(data, serving=champion.params[AMOUNT_MODEL] if champion else None)
        choice = found.choice
        if choice is None:
            raise InsufficientData(found.refusal)
        key = MetricKey(model_name=self.spec.name, model_version=version, split="test")
        evaluated = [*found.windows, *longer_windows(data)]
        rows = metric_rows(self.problem, evaluated, choice=choice, period_sd=found.period_sd)
        name = choice.best.amount_model
        return Evaluation(
            metrics=keyed_metrics(rows, key),
            bins=keyed_bins(choice.best.groups, key),
            defects=choice.best.defects,
            champion_unfit=choice.champion_unfit,
            notes=(f"amounts by {AMOUNT_MODELS[name]}", *found.windows[0].refusals.values()),
            params={AMOUNT_MODEL: name},
        )

    def fit(
        self, data: ValueData, *, params: Mapping[str, Any], champion: Champion[Model] | None
    ) -> Fit[Model]:
        del champion
        model = fit_candidate_model(data, data.cohort, amount_model=params[AMOUNT_MODEL])
        record = replace(self.record(data, params=params), params=fitted_params(model))
        return Fit(model=model, record=record)

    def record(self, data: ValueData, *, params: Mapping[str, Any]) -> TrainingRecord:
        columns, repeats = self.problem.columns, data.cohort.known.features["frequency"] > 0
        folds = {"train": (data.as_of, data.as_of)}
        if data.origins:
            folds["test"] = (data.origins[0], data.origins[0])
        is_bg_nbd = params.get(AMOUNT_MODEL) == "bg_nbd"
        return TrainingRecord(
            n_rows=len(data.cohort),
            n_positive=int(repeats.sum()),
            features=columns.numeric + columns.categorical,
            folds=folds,
            horizon_days=self.problem.evaluated_days,
            calibration_method="maximum likelihood" if is_bg_nbd else "level factor",
            params=params,
        )

    def grade(self, metrics: pd.DataFrame, decision: Decision) -> Grade:
        return grade(metrics, decision)

    def rows_to_score(self, warehouse: Warehouse, *, as_of: date) -> Iterator[Cohort]:
        yield load_cohort_to_score(self.problem, warehouse, as_of=as_of)

    def score(self, model: Model, batch: Cohort, state: None) -> pd.DataFrame:
        del state
        return score_rows(self.problem, model, batch)

    def complete(self, scored: pd.DataFrame, *, data: ValueData, state: None, key: MetricKey) -> ScoreTable:
        del data, state, key
        return ScoreTable(rows=add_high_value(self.problem, scored))

    def published(self, warehouse: Warehouse, *, first: date, last: date, as_of: date) -> pd.DataFrame:
        return published_with_outcomes(self.problem, warehouse, first=first, last=last, as_of=as_of)

    def realised(self, published: pd.DataFrame, *, key: MetricKey) -> Performance:
        return realised_performance(self.problem, published, key=key)

    def card_sections(
        self, registry: Mapping[str, Any], metrics: pd.DataFrame, bins: pd.DataFrame
    ) -> Mapping[str, str]:
        return report.card_sections(self.problem, registry, metrics, bins)

    def describe_scores(self, warehouse: Warehouse, rows: pd.DataFrame) -> Mapping[str, Any]:
        del warehouse
        return report.score_summary(self.problem, rows)


def fitted_params(model: CustomerValue) -> dict[str, Any]:
    """The fitted parameters by their letters; days and shop currency."""
    buying, spending = model.value_.purchases_.buying, model.value_.amounts_.spending
    found: dict[str, Any] = {AMOUNT_MODEL: model.amount_model, **buying._asdict(), **spending._asdict()}
    found["log_likelihood"] = model.value_.purchases_.log_likelihood_
    if model.amounts_ is not None:
        found["level_factor"] = model.amounts_.factor_
    return found


LIFETIME_VALUE = LifetimeValueCapability(PROBLEM)
