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
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.fingerprints import data_hash
from assets.lifecycle.store.schemas import METRIC_TYPES, typed
from assets.lifetime_value import report
from assets.lifetime_value.backtest import (
    fit_baseline,
    fit_candidates,
    levels_of,
    run_backtest,
    unfitted_shape,
)
from assets.lifetime_value.dataset import (
    Cohort,
    ValueData,
    load_cohort_to_score,
    load_training_data,
    published_chance,
    published_with_outcomes,
)
from assets.lifetime_value.membership import membership_rows
from assets.lifetime_value.models.baseline import RepeatSpend
from assets.lifetime_value.models.candidates import (
    AMOUNT_MODELS,
    AmountModelName,
    CustomerValue,
)
from assets.lifetime_value.performance import (
    keyed_bins,
    keyed_metrics,
    metric_rows,
    realised_performance,
    verdicts,
)
from assets.lifetime_value.score_rows import Model, ServingState, add_high_value, score_rows
from assets.lifetime_value.spec import PROBLEM, ValueProblem, grade
from assets.ports import Warehouse

AMOUNT_MODEL, VERDICTS = "amount_model", "horizons"


class LifetimeValueCapability(Capability[ValueData, Model, Cohort, ServingState]):
    """Spend, orders and the next order of each customer, for every horizon of a :class:`ValueProblem`."""

    def __init__(self, problem: ValueProblem) -> None:
        self.problem = problem
        self.spec = problem.spec

    def load(self, warehouse: Warehouse, *, as_of: date) -> ValueData:
        return ValueData(problem=self.problem, warehouse=warehouse, as_of=as_of)

    def data_hash(self, data: ValueData) -> str:
        return data_hash(data.cohort.known)

    def baseline(self, data: ValueData) -> Fit[Model]:
        model = fit_baseline(data, data.cohort)
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
        judged = verdicts(found, horizons_days=self.problem.horizons_days)
        name = choice.best.amount_model
        metrics = keyed_metrics(metric_rows(self.problem, found, choice), key)
        return Evaluation(
            metrics=pd.concat([metrics, self._membership(data, name, replace(key, split="train"))]),
            bins=keyed_bins(choice.best.groups, key),
            defects=choice.best.defects,
            champion_unfit=choice.champion_unfit,
            notes=(
                f"by {AMOUNT_MODELS[name]}",
                *(f"{days} days: {each['reason']}" for days, each in judged.items()),
                *found.windows[found.lead].refusals.values(),
            ),
            params={AMOUNT_MODEL: name, VERDICTS: judged},
        )

    def _membership(self, data: ValueData, name: AmountModelName, key: MetricKey) -> pd.DataFrame:
        if name == "bg_nbd":
            return typed([], METRIC_TYPES)
        training = load_training_data(self.problem, data.warehouse, as_of=data.as_of)
        rows = [*membership_rows(unfitted_shape(self.problem), training)]
        return keyed_metrics(rows, key) if rows else typed([], METRIC_TYPES)

    def fit(
        self, data: ValueData, *, params: Mapping[str, Any], champion: Champion[Model] | None
    ) -> Fit[Model]:
        del champion
        name: AmountModelName = params[AMOUNT_MODEL]
        refusals = dict[str, str]()
        fitted = fit_candidates(
            data,
            data.cohort,
            refusals=refusals,
            verdicts=params[VERDICTS],
            learned=() if name == "bg_nbd" else (name,),
        )
        if name not in fitted:
            raise InsufficientData("; ".join(refusals.values()))
        record = replace(self.record(data, params=params), params=fitted_params(fitted[name]))
        return Fit(model=fitted[name], record=record)

    def record(self, data: ValueData, *, params: Mapping[str, Any]) -> TrainingRecord:
        columns, repeats = self.problem.columns, data.cohort.known.features["frequency"] > 0
        folds = {"train": (data.as_of, data.as_of)}
        tested = data.origin(self.problem.evaluated_days)
        if tested is not None:
            folds["test"] = (tested, tested)
        return TrainingRecord(
            n_rows=len(data.cohort),
            n_positive=int(repeats.sum()),
            features=columns.numeric + columns.categorical,
            folds=folds,
            horizon_days=self.problem.evaluated_days,
            calibration_method="level of the shop",
            params=params,
        )

    def grade(self, metrics: pd.DataFrame, decision: Decision) -> Grade:
        return grade(metrics, decision)

    def rows_to_score(self, warehouse: Warehouse, *, as_of: date) -> Iterator[Cohort]:
        cohort = load_cohort_to_score(self.problem, warehouse, as_of=as_of)
        yield replace(cohort, chance=published_chance(self.problem, warehouse, cohort))

    def serving_state(self, model: Model, data: ValueData) -> ServingState:
        if isinstance(model, RepeatSpend):
            return ServingState(baseline=model)
        return ServingState(
            levels=levels_of(data, model, data.as_of), baseline=fit_baseline(data, data.cohort)
        )

    def score(self, model: Model, batch: Cohort, state: ServingState) -> pd.DataFrame:
        return score_rows(self.problem, model, batch, state)

    def complete(
        self, scored: pd.DataFrame, *, data: ValueData, state: ServingState, key: MetricKey
    ) -> ScoreTable:
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
        return report.score_summary(rows)


def serving_amount_model(champion: ChampionVersion | None) -> AmountModelName | None:
    """The amount model of the version that serves; ``None`` while none or a fallback does."""
    if champion is None or champion.is_fallback:
        return None
    name: AmountModelName = champion.selected[AMOUNT_MODEL]
    return name


def fitted_params(model: CustomerValue) -> dict[str, Any]:
    """The fitted parameters by their letters (days and shop currency), and the verdict on each horizon."""
    buying, spending = model.value_.purchases_.buying, model.value_.amounts_.spending
    found: dict[str, Any] = {AMOUNT_MODEL: model.amount_model, **buying._asdict(), **spending._asdict()}
    found["log_likelihood"] = model.value_.purchases_.log_likelihood_
    return found | {VERDICTS: model.verdicts, "at_bound": list(model.value_.purchases_.at_bound_)}


LIFETIME_VALUE = LifetimeValueCapability(PROBLEM)
