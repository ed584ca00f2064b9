"""Declaration of one supervised prediction problem."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from assets.features.groups import FeatureGroup, Slice
from assets.keys import Key
from assets.lifecycle.cohort import Exclusion
from assets.lifecycle.store.schemas import CONSENT_COLUMNS
from assets.supervised.fitting.purchase_chance import HistoryColumns
from assets.supervised.fitting.task import Binary


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumData:
    """Minimum training data; positives hold for either outcome.

    Below ``customers`` or ``positives`` only the logistic regression of a problem with ``linear`` columns is
    fitted: strong shrinkage makes a few parameters of few customers. Below its own minimum nothing is.
    """

    customers: int = 500
    positives: int = 100
    linear_customers: int = 150
    linear_positives: int = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionCriteria:
    """Criteria that a candidate must meet on the newest rows; every tolerance comes on top of sampling error.

    Attributes:
        level_tolerance: Gap of mean and rate over the test fold, in log-odds, beyond two standard errors of
            sampling and of the prior shift's own forecast together: 0.1 is a total about 10 % off.
        highest_level_gap: The same, however uncertain the forecast was: a first season's standard deviation
            would excuse anything. Confusing the classes costs 2 and more.
        slope_range: Calibration slope, on top of its own season as well; 0.85 overstates a log-odds of 2
            as 2.35.
        slice_tolerance: Gap of one slice beyond the overall shift, in log-odds: 0.3 predicts 13 % where
            10 % is true.
        smallest_slice_cases: Rows with the slice's rarer outcome, below which it is reported but not
            evaluated.
        highest_auc: At or above this the future is probably known to the features.
        highest_membership_auc: Above this, probabilities reveal who was in the training data.
        replicates: Bootstrap draws. With 200 an end of an interval is off by 0.18 standard errors by chance,
            and the verdict near the border depends on the seed; with 2,000 by 0.06.
    """

    level_tolerance: float = 0.1
    highest_level_gap: float = 1.05
    slope_range: tuple[float, float] = (0.85, 1.18)
    slice_tolerance: float = 0.3
    smallest_slice_cases: int = 100
    highest_auc: float = 0.98
    highest_membership_auc: float = 0.6
    replicates: int = 2_000

    def __post_init__(self) -> None:
        if not 0 < self.slope_range[0] < 1 < self.slope_range[1]:
            raise ValueError(f"slope_range {self.slope_range} must lie around 1")
        if not 0.5 < self.highest_auc <= 1:
            raise ValueError(f"highest_auc {self.highest_auc} is not in (0.5, 1]")
        if not 0.5 <= self.highest_membership_auc <= 1:
            raise ValueError(f"highest_membership_auc {self.highest_membership_auc} is not in [0.5, 1]")
        tolerances = (self.level_tolerance, self.highest_level_gap, self.slice_tolerance)
        if min(tolerances) < 0:
            raise ValueError(f"tolerances {tolerances} must not be negative")
        if self.replicates < 20:
            raise ValueError(f"{self.replicates} replicates give no 95 % interval; at least 20")


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionProblem:
    """One supervised prediction problem: every choice that decides its model.

    Attributes:
        name: Prefix of its tables, Dagster group, a lower-case identifier.
        question: The question in a marketer's words, question mark included.
        entity: Subject of a row; ``<entity>_id`` is the id column.
        target: The predicted event.
        features: Tables with ``<entity>_id, as_of_date, as_of_at, newest_known_at`` and features.
        label: Table with ``<entity>_id, as_of_date, outcome``.
        numeric: Feature columns read as numbers.
        categorical: Feature columns read as categories.
        recency: Feature column, in days, that the baseline bands by.
        history: Feature columns of the order history that BG/NBD reads; ``None``: it is not fitted.
        linear: Feature columns of the baseline that is a logistic regression; empty: it is not fitted.
        reason_groups: Feature groups, for the reason codes on each row.
        amount: Money column that ``expected_value`` multiplies by, or ``None``.
        cohort: Table with ``<entity>_id, as_of_date, as_of_at`` of everyone, with or without features; the
            first feature table by default.
        exclusions: Exclusion criteria. If several apply, the first table's reason is reported.
        label_is_absence_of_order: Whether an outcome of 1 means that nothing was ordered. The prior shift
            follows orders.
        top_rank_label: A marketer's word for the customers with the highest probability.
        improved_by: Raw tables or ``table.column`` that improve it and are not required.
        scheduled: Feature columns that follow from dates known beforehand, such as renewals: a ranking may
            be as good by them as it is. A business declares them.
    """

    name: str
    question: str
    entity: str
    target: str
    horizon_days: int
    task: Binary
    features: tuple[Key, ...]
    label: Key
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    recency: str
    slices: tuple[Slice, ...]
    reason_groups: tuple[FeatureGroup, ...]
    consent_purpose: str
    owner: str
    criteria: PromotionCriteria = field(default_factory=PromotionCriteria)
    minimum_data: MinimumData = field(default_factory=MinimumData)
    amount: str | None = None
    history: HistoryColumns | None = None
    linear: tuple[str, ...] = ()
    cohort: Key | None = None
    exclusions: tuple[Exclusion, ...] = ()
    label_is_absence_of_order: bool = False
    top_rank_label: str = "best"
    improved_by: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()
    seed: int = 20_111
    max_training_rows: int = 100_000

    def __post_init__(self) -> None:
        _ = self.scores.sql
        if not self.question.endswith("?"):
            raise ValueError(f"question {self.question!r} does not end in a question mark")
        if self.horizon_days < 1:
            raise ValueError(f"horizon_days is {self.horizon_days}; at least 1")
        if not self.features:
            raise ValueError(f"{self.name} names no feature table")
        if self.max_training_rows < self.minimum_data.customers:
            raise ValueError(
                f"max_training_rows is {self.max_training_rows}; at least {self.minimum_data.customers}"
            )
        passthrough_columns = [name for each in self.exclusions for name, _ in each.passthrough_columns]
        _refuse_repeated([*self.columns, *passthrough_columns], "feature or pass-through column")
        self._refuse_unknown("recency", [self.recency])
        self._refuse_unknown("linear", self.linear)
        if self.history is not None:
            self._refuse_unknown("history", list(asdict(self.history).values()))
        for group in self.reason_groups:
            self._refuse_unknown(f"reason group {group.name!r}", group.columns)
        _refuse_repeated(
            [column for group in self.reason_groups for column in group.columns], "reason column"
        )

    def _refuse_unknown(self, where: str, columns: Sequence[str]) -> None:
        unknown = sorted(set(columns) - set(self.columns))
        if unknown:
            raise ValueError(f"{where} uses {unknown}, which {self.name} does not list as features")

    @property
    def columns(self) -> tuple[str, ...]:
        """Every feature column, numbers first."""
        return self.numeric + self.categorical

    @property
    def passthrough_columns(self) -> dict[str, str]:
        """Columns of the exclusion tables published beside every score, with their pandas dtypes."""
        found = {name: dtype for each in self.exclusions for name, dtype in each.passthrough_columns}
        return {name: dtype for name, dtype in found.items() if name not in CONSENT_COLUMNS}

    @property
    def sources(self) -> tuple[Key, ...]:
        """The tables of cohort, features and exclusion criteria, each once."""
        first = self.cohort or self.features[0]
        return tuple(dict.fromkeys((first, *self.features, *(each.table for each in self.exclusions))))

    @property
    def least_customers(self) -> int:
        """Customers below which no model is fitted."""
        least = self.minimum_data
        return min(least.customers, least.linear_customers) if self.linear else least.customers

    @property
    def entity_id(self) -> str:
        """The id column of the entity."""
        return f"{self.entity}_id"

    @property
    def scores(self) -> Key:
        """Scores by as-of date."""
        return Key("ml", f"{self.name}__scores")

    @property
    def spec_hash(self) -> str:
        """Sha-256 hex of the whole declaration: a changed declaration is a changed model."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def consent_exclusion(table: Key) -> Exclusion:
    """Exclude people without consent, by ``table``, and publish its consent columns."""
    return Exclusion(table=table, passthrough_columns=tuple(CONSENT_COLUMNS.items()))


def _refuse_repeated(names: Sequence[str], what: str) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{what} listed twice: {repeated}")
