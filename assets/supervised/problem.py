"""What is asked: one frozen declaration per supervised question."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from assets.features.groups import FeatureGroup, Slice
from assets.keys import Key
from assets.lifecycle.exclusion import Exclusion
from assets.supervised.fitting.task import Binary


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumData:
    """The least training data a model may be fitted on; ``positives`` is asked of either outcome."""

    customers: int = 500
    positives: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionCriteria:
    """What a candidate must reach on the newest rows; every tolerance comes on top of sampling error.

    Attributes:
        level_tolerance: How far mean and rate may lie apart over the test fold, in log-odds. Season and
            closures move everybody together: on Online Retail a plain model misses the buyers of the
            worst month (January 2011) by 147 %, which is 1.05 log-odds. Whoever ranks rightly may be off by
            that much, because the level is forecast separately; confusing the classes costs 2 and more.
        slope_range: Calibration slope; 0.75 overstates a log-odds of 2 as 2.7.
        slice_tolerance: Gap of one slice beyond the overall shift, in log-odds: 0.3 says 13 % where 10 %
            is true.
        smallest_slice_cases: Rows with the slice's rarer outcome, be it yes or no, below which it is
            reported but not judged.
        highest_auc: At or above this the future is probably known to the features.
        highest_membership_auc: Above this, probabilities give away whom the model learned from.
        replicates: Bootstrap draws.
    """

    level_tolerance: float = 1.05
    slope_range: tuple[float, float] = (0.75, 1.33)
    slice_tolerance: float = 0.3
    smallest_slice_cases: int = 100
    highest_auc: float = 0.98
    highest_membership_auc: float = 0.6
    replicates: int = 200

    def __post_init__(self) -> None:
        if not 0 < self.slope_range[0] < 1 < self.slope_range[1]:
            raise ValueError(f"slope_range {self.slope_range} must lie around 1")
        if not 0.5 < self.highest_auc <= 1:
            raise ValueError(f"highest_auc {self.highest_auc} is not in (0.5, 1]")
        if not 0.5 <= self.highest_membership_auc <= 1:
            raise ValueError(f"highest_membership_auc {self.highest_membership_auc} is not in [0.5, 1]")
        if min(self.level_tolerance, self.slice_tolerance) < 0:
            raise ValueError(
                f"tolerances {self.level_tolerance}, {self.slice_tolerance} must not be negative"
            )
        if self.replicates < 20:
            raise ValueError(f"{self.replicates} replicates give no 95 % interval; at least 20")


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionProblem:
    """One supervised question and everything that decides its answer.

    Attributes:
        name: Room and asset prefix, a lower-case identifier.
        question: The question in a marketer's words, question mark included.
        entity: Whom it is asked about; ``<entity>_id`` is the id column.
        target: The predicted event.
        features: Tables with ``<entity>_id, as_of_date, as_of_at, newest_known_at`` and features.
        label: Table with ``<entity>_id, as_of_date, outcome``.
        numeric: Feature columns read as numbers.
        categorical: Feature columns read as categories.
        recency: Feature column, in days, that the naive rival bands by.
        reason_groups: Themes of features, for the reasons on each row.
        amount: Money column that ``expected_value`` multiplies by, or ``None``.
        everyone: Table with ``<entity>_id, as_of_date, as_of_at`` of those too who have no features;
            the first feature table by default.
        exclusions: Whom it is not asked about; of several reasons the first table's is told.
        is_absence: Whether an outcome of 1 means that nothing was ordered. The level follows orders.
        ranked_first: What a marketer calls those with the highest probability.
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
    everyone: Key | None = None
    exclusions: tuple[Exclusion, ...] = ()
    label_is_absence_of_order: bool = False
    top_rank_label: str = "best"
    seed: int = 20_111
    max_training_rows: int = 100_000

    def __post_init__(self) -> None:
        _ = self.candidate.sql
        if not self.question.endswith("?"):
            raise ValueError(f"question {self.question!r} does not end in a question mark")
        if self.horizon_days < 1:
            raise ValueError(f"horizon_days is {self.horizon_days}; at least 1")
        if not self.features:
            raise ValueError(f"{self.name} names no feature table")
        if self.max_training_rows < self.minimum_data.customers:
            raise ValueError(
                f"max_training_rows {self.max_training_rows} < floor {self.minimum_data.customers}"
            )
        passthrough_columns = [name for each in self.exclusions for name, _ in each.passthrough_columns]
        _refuse_repeated([*self.columns, *passthrough_columns], "feature or carried column")
        self._refuse_unknown("recency", [self.recency])
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
        """Columns published beside everyone's score, with their pandas dtypes."""
        return {name: dtype for each in self.exclusions for name, dtype in each.passthrough_columns}

    @property
    def sources(self) -> tuple[Key, ...]:
        """The tables that say who there is, what is known of them and who is asked about, each once."""
        first = self.everyone or self.features[0]
        return tuple(dict.fromkeys((first, *self.features, *(each.table for each in self.exclusions))))

    @property
    def entity_id(self) -> str:
        """The id column of the entity."""
        return f"{self.entity}_id"

    @property
    def candidate(self) -> Key:
        """The newest fitted version, not yet judged."""
        return Key("ml", f"{self.name}__candidate")

    @property
    def evaluation(self) -> Key:
        """The judgement of the candidate."""
        return Key("ml", f"{self.name}__evaluation")

    @property
    def champion(self) -> Key:
        """The version that scores."""
        return Key("ml", f"{self.name}__champion")

    @property
    def scores(self) -> Key:
        """Scores by as-of day."""
        return Key("ml", f"{self.name}__scores")

    @property
    def realised(self) -> Key:
        """What became of the serving version's published scores, by the morning that looked back."""
        return Key("ml", f"{self.name}__realised")

    @property
    def drifted(self) -> Key:
        """Which features of a morning's customers have drifted; how far each, stands in ``ml.drift``."""
        return Key("ml", f"{self.name}__drift")

    @property
    def spec_hash(self) -> str:
        """Sha-256 hex of the whole declaration: a changed declaration is a changed model."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def _refuse_repeated(names: Sequence[str], what: str) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{what} listed twice: {repeated}")
