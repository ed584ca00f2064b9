"""Protocol of a capability; the lifecycle does everything else alike for all capabilities."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import pandas as pd

from assets.keys import Key
from assets.lifecycle.gate import Decision
from assets.lifecycle.report.grade import Grade
from assets.lifecycle.spec import Spec
from assets.lifecycle.store.schemas import typed
from assets.metrics.drift.reference import DriftReference
from assets.metrics.drift.sample import DriftSample
from assets.ports import Warehouse

Data = TypeVar("Data")
Model = TypeVar("Model")
Batch = TypeVar("Batch")
State = TypeVar("State")

NOTHING: Mapping[str, Any] = MappingProxyType({})


class InsufficientData(Exception):
    """There is too little data to fit or to evaluate a model; the message is the reason that is logged."""


class NothingToScore(Exception):
    """No entity can be scored on an as-of date."""


class NoVersionServes(Exception):
    """No version can score an as-of date; the message has the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """Data and parameters of a version, for registry and card.

    Attributes:
        n_rows: Training rows.
        n_positive: Rows with the outcome; ``None`` when there is no binary outcome.
        features: Columns that the model reads.
        folds: First and last as-of date of ``train``, ``calibration`` and ``test``, where there are such.
        horizon_days: Length of the outcome window; ``None`` without one.
        calibration_method: How scores are calibrated; ``None`` when they are not.
        params: Parameters of the model.
    """

    n_rows: int
    n_positive: int | None = None
    features: tuple[str, ...] = ()
    folds: Mapping[str, tuple[date, date]] = field(default_factory=dict)
    horizon_days: int | None = None
    calibration_method: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVintage(Generic[Model]):
    """A model that knows nothing of the as-of dates from ``first`` on, and is evaluated on them."""

    first: date
    model: Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion(Generic[Model]):
    """The version that serves: since when, its model, its walk-forward vintages and what was selected."""

    since: date
    version: str
    model: Model
    vintages: tuple[ModelVintage[Model], ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Generic[Model]):
    """Evaluation of a candidate on dates that it has not seen.

    Attributes:
        metrics: Rows of ``ml.metrics``, baseline's and champion's among them: the differences that
            ``Spec.compared`` names decide.
        bins: Rows of ``ml.calibration_bins``; may be empty.
        defects: Reasons why its scores are wrong, not merely no better.
        champion_unfit: Why the champion can no longer serve; empty when it can.
        notes: Further reasons to log with the decision.
        params: What was selected; :meth:`Capability.fit` gets it.
        vintages: Walk-forward models, kept with the version for later comparisons.
        cutoffs: Rows of ``ml.cutoffs``; ``None`` when nothing is selected by a probability.
    """

    metrics: pd.DataFrame
    bins: pd.DataFrame
    defects: tuple[str, ...] = ()
    champion_unfit: str = ""
    notes: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    vintages: tuple[ModelVintage[Model], ...] = ()
    cutoffs: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit(Generic[Model]):
    """A fitted model and what the registry records of it."""

    model: Model
    record: TrainingRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Published scores against matured outcomes.

    Attributes:
        metrics: Rows of ``ml.metrics``.
        bins: Rows of ``ml.calibration_bins``.
        figures: The numbers that a check states, such as predicted and observed rate.
        defects: Reasons to withhold further scores of the version.
        too_few: Why nothing can be concluded from so few outcomes; empty when something can.
        n: Rows that ``figures`` are about; ``None`` when they are about all that were compared.
    """

    metrics: pd.DataFrame
    bins: pd.DataFrame
    figures: Mapping[str, float] = field(default_factory=dict)
    defects: tuple[str, ...] = ()
    too_few: str = ""
    n: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """Rows of the first table, in its own columns, and rows of side tables by key.

    Rows may carry ``model_version``, ``status`` or ``quality_grade`` of their own; where they do not, the
    lifecycle fills in those of the serving version. Rows with another ``model_version`` get no grade.
    """

    rows: pd.DataFrame
    side_tables: Mapping[Key, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricKey:
    """Which version, split and as-of date metric rows are about.

    ``split`` is train, test, realised, realised_window or estimated; ``as_of_date`` is for one date.
    """

    model_name: str
    model_version: str
    split: str
    as_of_date: date | None = None


class Capability(ABC, Generic[Data, Model, Batch, State]):
    """One question answered end to end; every step without a method here belongs to the lifecycle."""

    spec: Spec

    @abstractmethod
    def load(self, warehouse: Warehouse, *, as_of: date) -> Data:
        """Training data as known on ``as_of``."""

    @abstractmethod
    def data_hash(self, data: Data) -> str:
        """Sha-256 hex of the training data of a version."""

    @abstractmethod
    def baseline(self, data: Data) -> Fit[Model] | None:
        """The rule that serves without a champion; ``None`` when ``data`` does not suffice even for it."""

    @abstractmethod
    def backtest(self, data: Data, *, champion: Champion[Model] | None, version: str) -> Evaluation[Model]:
        """Evaluate a candidate beside the baseline and the champion.

        Args:
            data: Training data.
            champion: The serving version; ``None`` while none or a fallback serves.
            version: Name of the candidate's version, for the metric rows.

        Raises:
            InsufficientData: The data do not suffice.
            LeakDetected: A feature gives the outcome away.
        """

    @abstractmethod
    def fit(self, data: Data, *, params: Mapping[str, Any], champion: Champion[Model] | None) -> Fit[Model]:
        """Fit the candidate that :meth:`backtest` selected on everything known.

        Args:
            data: Training data.
            params: ``Evaluation.params`` of the candidate.
            champion: The serving version; ``None`` while none or a fallback serves.

        Raises:
            InsufficientData: The data do not suffice.
        """

    @abstractmethod
    def rows_to_score(self, warehouse: Warehouse, *, as_of: date) -> Iterator[Batch]:
        """Rows to score on ``as_of``, in batches.

        Raises:
            NothingToScore: There is nobody to score.
        """

    @abstractmethod
    def score(self, model: Model, batch: Batch, state: State) -> pd.DataFrame:
        """Score rows of ``batch``: one row or many, without a warehouse.

        Args:
            model: The model of the serving version.
            batch: From :meth:`rows_to_score`.
            state: From :meth:`serving_state`.
        """

    def serving_state(self, model: Model, data: Data) -> State:
        """State that the whole cohort shares, such as the prior shift."""
        del model, data
        return None  # type: ignore[return-value]

    def complete(self, scored: pd.DataFrame, *, data: Data, state: State, key: MetricKey) -> ScoreTable:
        """Add columns and tables that need the whole cohort: ranks, totals, side tables.

        Args:
            scored: Rows (n, k) of :meth:`score`, all batches together.
            data: Training data.
            state: From :meth:`serving_state`.
            key: Version and date, for metric rows.
        """
        del data, state, key
        return ScoreTable(rows=scored)

    def record(self, data: Data, *, params: Mapping[str, Any]) -> TrainingRecord:
        """Registry facts of a candidate that was not fitted to serve."""
        del data
        return TrainingRecord(n_rows=0, params=params)

    def grade(self, metrics: pd.DataFrame, decision: Decision) -> Grade:
        """The quality grade of a version.

        Args:
            metrics: Rows of ``ml.metrics`` of the version, of every split.
            decision: Decision of the promotion gate.
        """
        del metrics, decision
        return self.spec.fallback_grade

    def published(self, warehouse: Warehouse, *, first: date, last: date, as_of: date) -> pd.DataFrame:
        """Published rows of the dates in ``[first, last]`` with outcomes matured by ``as_of``.

        Args:
            warehouse: Holds scores and outcomes.
            first: First as-of date.
            last: Last as-of date.
            as_of: As-of date of the run.
        """
        del warehouse, first, last, as_of
        return pd.DataFrame()

    def realised(self, published: pd.DataFrame, *, key: MetricKey) -> Performance:
        """Compare published rows with their outcomes.

        Args:
            published: Rows (n, k) of :meth:`published`, of one version.
            key: Version, split and date of the metric rows.

        Raises:
            NotImplementedError: The capability declares outcomes and does not evaluate them.
        """
        raise NotImplementedError(f"{self.spec.name} declares outcomes and does not evaluate them: {key}")

    def record_outcomes(self, warehouse: Warehouse, *, as_of: date) -> None:
        """Fill matured outcomes into side tables."""

    def write_side_table(self, warehouse: Warehouse, key: Key, rows: pd.DataFrame, *, as_of: date) -> None:
        """Write one side table of :meth:`complete`.

        Args:
            warehouse: Holds the table.
            key: The table.
            rows: Its rows (n, k) of the date.
            as_of: As-of date of the run.
        """
        warehouse.replace_partition(key, rows, column="as_of_date", value=as_of)

    def side_tables_of_nobody(self) -> Mapping[Key, pd.DataFrame]:
        """Side tables (0, k) of a date on which nobody may be scored: they replace rows of an earlier run."""
        return {table.key: typed([], table.columns) for table in self.spec.tables[1:]}

    def drift_reference(self, model: Model, data: Data) -> DriftReference | None:
        """The training window as drift is measured against it; ``None`` when drift does not apply."""
        del model, data
        return None

    def drift_sample(self, model: Model, warehouse: Warehouse, *, as_of: date) -> DriftSample | None:
        """The cohort as drift is measured in it; ``None`` when drift does not apply.

        Args:
            model: The model of the serving version.
            warehouse: Holds the features.
            as_of: Date of the cohort.
        """
        del model, warehouse, as_of
        return None

    def drift_window(self, warehouse: Warehouse, *, as_of: date) -> pd.DataFrame:
        """Features of the training window of a champion promoted on ``as_of``, for the drift page."""
        del warehouse, as_of
        return pd.DataFrame()

    def to_artifact(self, model: Model) -> tuple[object, Mapping[str, Any]]:
        """The object that skops writes, and facts as JSON, from which a model can be restored."""
        return model, NOTHING

    def from_artifact(self, stored: Any, facts: Mapping[str, Any]) -> Model:  # noqa: ANN401 - a fitted model
        """The model that :meth:`to_artifact` took apart."""
        del facts
        restored: Model = stored
        return restored

    def card_sections(
        self, registry: Mapping[str, Any], metrics: pd.DataFrame, bins: pd.DataFrame
    ) -> Mapping[str, str]:
        """Sections of the model card in Markdown, by their titles.

        Args:
            registry: The version's row of ``ml.model_registry``.
            metrics: Rows of ``ml.metrics`` of the test fold; may be empty.
            bins: Its rows of ``ml.calibration_bins``; may be empty.
        """
        del registry, metrics, bins
        return NOTHING

    def describe_scores(self, warehouse: Warehouse, rows: pd.DataFrame) -> Mapping[str, Any]:
        """UI metadata of a scored date: numbers, texts, frames and PNGs by name.

        Args:
            warehouse: The warehouse.
            rows: The date's rows of the score table.
        """
        del warehouse, rows
        return NOTHING

    def describe_evaluation(self, metrics: pd.DataFrame, bins: pd.DataFrame) -> Mapping[str, Any]:
        """UI metadata of an evaluation, as in :meth:`describe_scores`.

        Args:
            metrics: Rows of ``ml.metrics`` of the version, of splits train and test.
            bins: Its rows of ``ml.calibration_bins``.
        """
        del metrics, bins
        return NOTHING
