"""A capability made of the declaration of a supervised prediction problem."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

from assets.cores import cores
from assets.features.matrix import AS_OF, OUTCOME
from assets.keys import COHORT_CUTOFFS, METRICS, PREDICTION_TOTALS, Key
from assets.lifecycle.capability import (
    Capability,
    Champion,
    Evaluation,
    Fit,
    MetricKey,
    ModelVintage,
    NothingToScore,
    Performance,
    ScoreTable,
    TrainingRecord,
)
from assets.lifecycle.gate import Decision
from assets.lifecycle.report.grade import Grade
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.fingerprints import data_hash
from assets.lifecycle.store.metric_lookup import overall
from assets.lifecycle.store.schemas import (
    COHORT_CUTOFF_TYPES,
    PREDICTION_TOTAL_TYPES,
    typed,
)
from assets.metrics.arrays import Floats
from assets.metrics.drift.reference import DriftReference
from assets.metrics.drift.sample import DriftSample
from assets.ports import Warehouse
from assets.supervised.data import drift_reference
from assets.supervised.data.dataset import (
    STATED_SD,
    TrainingData,
    load_eligible_matrix,
    load_features,
    load_training_data,
    published_rows,
)
from assets.supervised.data.side_tables import (
    estimated_rows,
    fill_observed,
    totals_row,
    write_prediction_totals,
)
from assets.supervised.data.split import split_by_time
from assets.supervised.evaluation.auc_jump import auc_jump, findings, strongest_column
from assets.supervised.evaluation.cutoffs import cohort_cutoffs, write_cohort_cutoffs
from assets.supervised.evaluation.evaluation import (
    FEWEST_POSITIVES,
    EvaluationSample,
    evaluate,
    independent_windows,
)
from assets.supervised.evaluation.gate import degenerate, grade, miscalibrated, outdated
from assets.supervised.evaluation.membership_inference import membership_rows
from assets.supervised.evaluation.published import forecast_shift, period_history
from assets.supervised.evaluation.slices import slice_values
from assets.supervised.evaluation.walk_forward import (
    evaluate_candidate,
    fit_calibrated,
    fit_walk_forward,
)
from assets.supervised.evaluation.withheld_slices import SliceOff, mark_withheld, slices_off, withheld_slices
from assets.supervised.fitting.fitted_store import from_artifact, to_artifact
from assets.supervised.fitting.rankers import usable_features
from assets.supervised.fitting.train import Fitted, fit_baseline
from assets.supervised.problem import PredictionProblem
from assets.supervised.report import card_sections, describe_evaluation, describe_scores
from assets.supervised.scoring.score_rows import (
    PriorShift,
    ServingState,
    add_ranks,
    build_score_rows,
)
from assets.supervised.spec import COMPARED, spec_of

FIGURES = ("auc", "mean_predicted", "mean_observed", "calibration_shift", "calibration_slope")
# What an evaluation selects, recorded with the version.
SELECTED = ("ranker", "weights")


class SupervisedCapability(Capability[TrainingData, Fitted, pd.DataFrame, ServingState]):
    """Capability of a :class:`PredictionProblem`; supervised capabilities differ in the declaration alone."""

    def __init__(self, problem: PredictionProblem) -> None:
        self.problem = problem
        self.spec = spec_of(problem)

    def load(self, warehouse: Warehouse, *, as_of: date) -> TrainingData:
        return load_training_data(self.problem, warehouse, as_of=as_of)

    def data_hash(self, data: TrainingData) -> str:
        found = data_hash(data.labelled)
        # What the business declares decides what may be promoted, like the data.
        return sha256(f"{found} {data.scheduled}".encode()).hexdigest() if data.scheduled else found

    def baseline(self, data: TrainingData) -> Fit[Fitted] | None:
        known = data.labelled
        if len(known) == 0:
            return None
        fitted = fit_baseline(self.problem, known)
        record = TrainingRecord(
            n_rows=len(known),
            n_positive=known.positives,
            features=(self.problem.recency,),
            horizon_days=self.problem.horizon_days,
            calibration_method=fitted.method,
            params=asdict(self.problem.task),
        )
        return Fit(model=fitted, record=record)

    def backtest(
        self, data: TrainingData, *, champion: Champion[Fitted] | None, version: str
    ) -> Evaluation[Fitted]:
        problem = self._declared(data)
        models = fit_walk_forward(problem, data)
        # The champion as it would have predicted: its vintages up to the date it was promoted, then itself.
        vintages = (
            (*champion.vintages, ModelVintage(first=champion.since, model=champion.model)) if champion else ()
        )
        found = evaluate_candidate(problem, models, data=data, champion=vintages, version=version)
        metrics, candidate = found.recorded.metrics, models.models[found.choice.ranker]
        newest, ranker = candidate[-1].model, found.choice.ranker
        with cores() as pool:
            weights = newest.ranker.weights
            rows = pool.submit(membership_rows, problem, data.labelled, weights=weights, version=version)
            explained = pool.submit(self._explained, metrics, candidate, ranker=ranker, data=data)
        leaks, warnings = explained.result()
        return Evaluation(
            metrics=pd.concat([metrics, rows.result()], ignore_index=True),
            bins=found.recorded.bins,
            defects=(*leaks, *self._defects(metrics)),
            champion_unfit=self._outdated(metrics, champion, as_of=data.as_of) if champion else "",
            notes=(found.choice.reason, *warnings, *self._slices_to_withhold(metrics)),
            params={"calibration_method": newest.method, "ranker": ranker, "weights": weights},
            vintages=candidate,
            cutoffs=found.cutoffs,
        )

    def fit(
        self, data: TrainingData, *, params: Mapping[str, Any], champion: Champion[Fitted] | None
    ) -> Fit[Fitted]:
        del champion
        name = params["ranker"]
        fitted = fit_calibrated(self._declared(data), data.labelled, names=(name,))[name]
        return Fit(model=fitted, record=self.record(data, params=params))

    def record(self, data: TrainingData, *, params: Mapping[str, Any]) -> TrainingRecord:
        known = data.labelled
        folds = {}
        if "calibration_method" in params:
            split = split_by_time(data.matured_days, horizon_days=self.problem.horizon_days)
            names = ("train", "calibration", "test")
            folds = {name: (fold.first, fold.last) for name in names for fold in (getattr(split, name),)}
        return TrainingRecord(
            n_rows=len(known),
            n_positive=known.positives,
            features=usable_features(self.problem, known.features),
            folds=folds,
            horizon_days=self.problem.horizon_days,
            calibration_method=params.get("calibration_method"),
            params={
                **asdict(self.problem.task),
                **{name: params[name] for name in SELECTED if name in params},
            },
        )

    def grade(self, metrics: pd.DataFrame, decision: Decision) -> Grade:
        return grade(metrics.loc[metrics["split"] == "test"], decision)

    def rows_to_score(self, warehouse: Warehouse, *, as_of: date) -> Iterator[pd.DataFrame]:
        features = load_features(self.problem, warehouse, as_of=as_of)
        if features.empty:
            raise NothingToScore(f"the cohort of {as_of} is empty: there is nobody to score")
        yield mark_withheld(features, self.problem.slices, off=self.withheld_slices(warehouse, as_of=as_of))

    def withheld_slices(self, warehouse: Warehouse, *, as_of: date) -> list[SliceOff]:
        """Slices whose rows are withheld on a date; none while a fallback serves.

        Args:
            warehouse: Holds the metrics and the champion.
            as_of: The date.
        """
        serving = control_tables.champion_as_of(self.spec.champion, warehouse, as_of=as_of)
        if serving is None or serving.is_fallback:
            return []
        return withheld_slices(
            warehouse, version=serving.model_version, as_of=as_of, criteria=self.problem.criteria
        )

    def serving_state(self, model: Fitted, data: TrainingData) -> ServingState:
        horizon_days = self.problem.horizon_days
        history = period_history(model, data, horizon_days=horizon_days)
        forecast = forecast_shift(history, data, day=data.as_of, horizon_days=horizon_days)
        return ServingState(forecast=forecast, best_f1=model.best_f1)

    def score(self, model: Fitted, batch: pd.DataFrame, state: ServingState) -> pd.DataFrame:
        of = state.forecast
        shift = PriorShift(shift=of.shift, sd=of.sd, degrees_of_freedom=of.degrees_of_freedom)
        return build_score_rows(self.problem, model, features=batch, shift=shift)

    def complete(
        self, scored: pd.DataFrame, *, data: TrainingData, state: ServingState, key: MetricKey
    ) -> ScoreTable:
        del data
        eligible = scored.loc[scored["is_eligible"]]
        if eligible.empty:
            return ScoreTable(rows=scored, side_tables=self.side_tables_of_nobody())
        raw, probability = (
            eligible[name].to_numpy(np.float64) for name in ("probability_raw", "probability")
        )
        entities = eligible[self.problem.entity_id].to_numpy(dtype=object)
        side = {
            PREDICTION_TOTALS: totals_row(key, raw, state.forecast),
            COHORT_CUTOFFS: cohort_cutoffs(key, probability, entities, threshold=state.best_f1),
        }
        # The baseline's ranking is not estimated: it has one rate for many customers.
        if not key.model_version.endswith("-fallback"):
            side[METRICS] = estimated_rows(key, probability, entities, period_sd=state.forecast.sd)
        return ScoreTable(rows=add_ranks(self.problem, scored), side_tables=side)

    def side_tables_of_nobody(self) -> Mapping[Key, pd.DataFrame]:
        return {
            PREDICTION_TOTALS: typed([], PREDICTION_TOTAL_TYPES),
            COHORT_CUTOFFS: typed([], COHORT_CUTOFF_TYPES),
        }

    def write_side_table(self, warehouse: Warehouse, key: Key, rows: pd.DataFrame, *, as_of: date) -> None:
        if key == COHORT_CUTOFFS:
            write_cohort_cutoffs(self.problem.name, warehouse, rows, as_of=as_of)
        else:
            write_prediction_totals(self.problem, warehouse, rows, as_of=as_of)

    def published(self, warehouse: Warehouse, *, first: date, last: date, as_of: date) -> pd.DataFrame:
        newest = as_of - timedelta(days=self.problem.horizon_days)
        return published_rows(self.problem, warehouse, first=first, last=min(last, newest))

    def realised(self, published: pd.DataFrame, *, key: MetricKey) -> Performance:
        outcome = published[OUTCOME].to_numpy(dtype=np.float64)
        as_of = pd.to_datetime(published[AS_OF]).to_numpy().astype("datetime64[D]")
        sample = EvaluationSample(
            outcome=outcome,
            candidate=published["probability"].to_numpy(dtype=np.float64),
            competitors={},
            entities=published[self.problem.entity_id].astype(str).to_numpy(dtype=object),
            as_of=as_of,
            slices=slice_values(published, self.problem.slices),
            windows=independent_windows(as_of, horizon_days=self.problem.horizon_days),
            shift_sd=_stated_sd(published),
        )
        rng = np.random.default_rng(self.problem.seed)
        found = evaluate(sample, key, replicates=self.problem.criteria.replicates, rng=rng)
        if min(outcome.sum(), outcome.size - outcome.sum()) < FEWEST_POSITIVES:
            few = f"too few of either outcome in {outcome.size:,}"
            return Performance(metrics=found.metrics, bins=found.bins, too_few=few)
        return Performance(
            metrics=found.metrics,
            bins=found.bins,
            figures={name: overall(found.metrics, name).value for name in FIGURES},
            defects=self._defects(found.metrics),
        )

    def record_outcomes(self, warehouse: Warehouse, *, as_of: date) -> None:
        fill_observed(self.problem, warehouse, as_of=as_of)

    def drift_reference(self, model: Fitted, data: TrainingData) -> DriftReference:
        return drift_reference.drift_reference(self.problem, model, data=data)

    def drift_sample(self, model: Fitted, warehouse: Warehouse, *, as_of: date) -> DriftSample | None:
        rows = load_eligible_matrix(self.problem, warehouse, as_of=as_of)
        if len(rows) == 0:
            return None
        return drift_reference.drift_sample(self.problem, rows, score=model.probability(rows.features))

    def drift_window(self, warehouse: Warehouse, *, as_of: date) -> pd.DataFrame:
        sample = self.load(warehouse, as_of=as_of).sample
        return sample.of(sample.as_of > np.datetime64(as_of - drift_reference.WINDOW, "D")).features

    def to_artifact(self, model: Fitted) -> tuple[object, Mapping[str, Any]]:
        return to_artifact(model)

    def from_artifact(self, stored: Any, facts: Mapping[str, Any]) -> Fitted:  # noqa: ANN401 - a fitted model
        return from_artifact(stored, facts)

    def card_sections(
        self, registry: Mapping[str, Any], metrics: pd.DataFrame, bins: pd.DataFrame
    ) -> Mapping[str, str]:
        return card_sections(self.problem, registry, metrics=metrics, bins=bins)

    def describe_scores(self, warehouse: Warehouse, rows: pd.DataFrame) -> Mapping[str, Any]:
        return describe_scores(self.problem, warehouse, rows)

    def describe_evaluation(self, metrics: pd.DataFrame, bins: pd.DataFrame) -> Mapping[str, Any]:
        return describe_evaluation(self.problem, metrics, bins)

    def _declared(self, data: TrainingData) -> PredictionProblem:
        """The problem with what the business declares about its columns."""
        return replace(self.problem, scheduled=data.scheduled)

    def _explained(
        self,
        metrics: pd.DataFrame,
        models: Sequence[ModelVintage[Fitted]],
        *,
        ranker: str,
        data: TrainingData,
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Defects and warnings of an AUC that is too good, with the column that carries it."""
        problem = self._declared(data)
        jump = auc_jump(metrics, data.realised_auc, problem=problem)
        if not jump:
            return (), ()
        carrier = strongest_column(problem, jump, models, ranker=ranker, data=data)
        return findings(problem, jump, carrier, undated=data.undated)

    def _slices_to_withhold(self, metrics: pd.DataFrame) -> Iterator[str]:
        for each in slices_off(metrics, criteria=self.problem.criteria):
            yield f"rows of {each.where} will be withheld: {each.reason}"

    def _defects(self, metrics: pd.DataFrame) -> tuple[str, ...]:
        return (*degenerate(metrics), *miscalibrated(metrics, criteria=self.problem.criteria))

    def _outdated(self, metrics: pd.DataFrame, champion: Champion[Fitted], *, as_of: date) -> str:
        difference = overall(metrics, COMPARED.champion_difference)
        return outdated(difference, since=champion.since, as_of=as_of)


def _stated_sd(published: pd.DataFrame) -> Floats | None:
    """(n,) published standard deviation of the prior shift of each row; ``None`` where one is unknown."""
    stated = published[STATED_SD].to_numpy(dtype=np.float64, na_value=np.nan)
    return stated if np.isfinite(stated).all() else None
