"""Which customers behave alike, and what sets each group apart from all others?"""

import hashlib
import json
from dataclasses import asdict, dataclass

from assets.features.customers import ELIGIBILITY
from assets.features.requirements import required_orders
from assets.keys import Key
from assets.lifecycle.gate import Comparison
from assets.lifecycle.report.grade import Grade
from assets.lifecycle.spec import Spec, TableSpec
from assets.lifecycle.store.schemas import COUNT, DATE, NUMBER, TEXT, Types, of_type

RFM = "rfm"
BEHAVIOUR = "behaviour"
QUESTION = "Which customers behave alike, and what sets each group apart from all others?"

_SEGMENT: Types = of_type(TEXT, "segment_id", "segment_key", "segment_name")
SCORE_COLUMNS: Types = {
    **_SEGMENT,
    "distance": NUMBER,
    "runner_up_segment_id": TEXT,
    "margin": NUMBER,
    "stability_ari": NUMBER,
    "size": COUNT,
    "rfm_cell": TEXT,
}
PROFILE_TYPES: Types = {
    "as_of_date": DATE,
    **of_type(TEXT, "model_name", "model_version", "scheme"),
    **_SEGMENT,
    "size": COUNT,
    "share": NUMBER,
    "feature": TEXT,
    **of_type(NUMBER, "mean", "mean_all", "index_vs_all"),
    "n": COUNT,
}

FALLBACK = Grade(
    name="Poor",
    meaning="No segmentation by behaviour: use the segments by recency, frequency and monetary value.",
)
# Best first: the least stability (adjusted Rand index of fits on two halves) and the least silhouette.
GRADE_BOUNDS = {"Excellent": (0.95, 0.70), "Good": (0.90, 0.50), "Fair": (0.80, 0.25), "Poor": (-1.0, -1.0)}
GRADE_MEANINGS = {
    "Excellent": "Segments are well separated, and other customers of the shop give the same ones.",
    "Good": "Segments are distinct and stable: build audiences and budgets on them.",
    "Fair": "Segments are stable and overlap: use their profiles, and `margin` for single customers.",
    "Poor": "Segments are hardly separated: use them to describe customers, not to select them.",
    "Do-not-use": "No segmentation was evaluated.",
}


# Descriptions of the tables in the UI.
DESCRIPTIONS = {
    "evaluation": (
        "A new clustering of the date's customers, compared with the champion. The number of segments is "
        "one at which fits on two halves of the customers agree."
    ),
    "champion": (
        "The segmentation that serves from this as-of date on: a new one replaces it only when the champion "
        "no longer fits or is beaten beyond sampling error, because each change of segments affects their "
        "consumers."
    ),
    "segments__scores": "One row per customer, scheme (rfm, behaviour) and as-of date: the segment.",
    "segments__profiles": (
        "One row per as-of date, scheme, segment and feature: mean of the segment, mean of all customers."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteringFeature:
    """One feature that customers are clustered by.

    Attributes:
        column: Column of the feature table.
        high: Name of a segment far above the others.
        low: Name of a segment far below the others.
        is_heavy_tailed: Amounts and counts are compared by their logarithm, so that 2 orders differ from 1
            as much as 20 from 10.
    """

    column: str
    high: str
    low: str
    is_heavy_tailed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Criteria that a segmentation must meet.

    Attributes:
        customers: Below this nothing is fitted: a segment of the smallest share would be a handful.
        smallest_share: Share of the customers below which a cluster is no segment.
        stability: Adjusted Rand index that fits on two halves of the customers must reach on all of them.
        separation_gain: Silhouette by which a new segmentation must surely beat the champion.
        overlap: Jaccard index from which a new cluster is an old segment under its old key.
    """

    customers: int = 200
    smallest_share: float = 0.02
    stability: float = 0.8
    separation_gain: float = 0.02
    overlap: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationSpec:
    """How customers are clustered by behaviour: features, numbers of segments that are tried, rules."""

    name: str
    features: Key
    rfm: Key
    clustering_features: tuple[ClusteringFeature, ...]
    rules: Rules
    most_segments: int = 8
    # Fitting 20,000 of a million customers takes a second; more move no centre by what could be seen.
    fit_rows: int = 20_000
    # Stability fits each number of segments ten times: on fewer customers.
    stability_rows: int = 4_000
    stability_draws: int = 5
    # A silhouette compares each customer with each.
    silhouette_rows: int = 2_000
    seed: int = 20_111

    def __post_init__(self) -> None:
        columns = self.columns
        if len(set(columns)) != len(columns):
            raise ValueError(f"a clustering feature is listed twice among {columns}")
        if self.most_segments < 2:
            raise ValueError(f"most_segments is {self.most_segments}; at least 2")

    @property
    def columns(self) -> tuple[str, ...]:
        """Every feature column."""
        return tuple(feature.column for feature in self.clustering_features)

    @property
    def profiles(self) -> Key:
        """What sets each segment apart, by as-of date."""
        return Key("ml", f"{self.name}__profiles")

    @property
    def spec_hash(self) -> str:
        """Sha-256 hex of the whole declaration: a changed declaration is a changed model."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def lifecycle_spec(self) -> Spec:
        """The declaration as the lifecycle reads it."""
        return Spec(
            name=self.name,
            question=QUESTION,
            owner="marketing-analytics",
            subject="customer_id",
            cohort=ELIGIBILITY,
            consent_purpose="profiling",
            tables=self._tables,
            trained_from=(self.features, ELIGIBILITY),
            scored_from=(self.features, self.rfm, ELIGIBILITY),
            requires=(required_orders(customers=self.rules.customers, days=90),),
            improved_by=("events", "products.category"),
            compared=self._compared,
            fallback_grade=FALLBACK,
            grade_meanings=GRADE_MEANINGS,
            code=("segments", "features", "metrics"),
            spec_hash=self.spec_hash,
            seed=self.seed,
            retrain="every_run",
            descriptions=DESCRIPTIONS,
        )

    @property
    def _compared(self) -> Comparison:
        gain = self.rules.separation_gain
        return Comparison(
            metric="silhouette", label="silhouette", higher_is_better=True, margin=gain, has_baseline=False
        )

    @property
    def _tables(self) -> tuple[TableSpec, ...]:
        scores = TableSpec(
            key=Key("ml", f"{self.name}__scores"),
            key_columns={"scheme": TEXT},
            rows_per_person=tuple({"scheme": scheme} for scheme in (RFM, BEHAVIOUR)),
            columns=SCORE_COLUMNS,
            published=(self.name, f"{self.name}_latest"),
        )
        profiles = TableSpec(key=self.profiles, columns=PROFILE_TYPES, published=("segment_profiles",))
        return scores, profiles


SEGMENTATION = SegmentationSpec(
    name="segments",
    features=Key("features", "feat_customer__behaviour"),
    rfm=Key("features", "feat_customer__rfm"),
    # One or two columns per theme: a theme with five columns would decide alone who is alike.
    clustering_features=(
        ClusteringFeature(column="days_since_order", high="lapsed", low="recent", is_heavy_tailed=True),
        ClusteringFeature(column="orders_365d", high="frequent", low="rare", is_heavy_tailed=True),
        ClusteringFeature(column="tenure_days", high="long-standing", low="newly won", is_heavy_tailed=True),
        ClusteringFeature(
            column="average_order_amount", high="big baskets", low="small baskets", is_heavy_tailed=True
        ),
        ClusteringFeature(column="sessions_90d", high="browsing", low="not browsing", is_heavy_tailed=True),
        ClusteringFeature(column="open_rate_180d", high="opening messages", low="ignoring messages"),
        ClusteringFeature(column="return_rate_365d", high="sending back", low="keeping"),
    ),
    rules=Rules(),
)
