"""Which customers behave alike, and what sets each group apart from all others?"""

import hashlib
import json
from dataclasses import asdict, dataclass

from assets.keys import Key

RFM = "rfm"
BEHAVIOUR = "behaviour"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteringFeature:
    """One feature that customers are grouped by.

    Attributes:
        column: Column of the feature table.
        high: What a group far above the others is called.
        low: What a group far below the others is called.
        is_heavy_tailed: Amounts and counts are compared by their logarithm, so that 2 orders differ from 1
            as much as 20 from 10.
    """

    column: str
    high: str
    low: str
    is_heavy_tailed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a grouping must reach.

    Attributes:
        customers: Below this nothing is fitted: a segment of the smallest share would be a handful.
        smallest_share: Share of the customers below which a group is no segment.
        stability: Adjusted Rand index that fits on two halves of the customers must reach on all of them.
        separation_gain: Silhouette by which a new grouping must surely beat the serving one.
        overlap: Jaccard index from which a new group is an old segment under its old key.
    """

    customers: int = 200
    smallest_share: float = 0.02
    stability: float = 0.8
    separation_gain: float = 0.02
    overlap: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationSpec:
    """How customers are grouped by behaviour: the features, how many groups are tried, and the rules."""

    name: str
    features: Key
    rfm: Key
    traits: tuple[ClusteringFeature, ...]
    rules: Rules
    most_segments: int = 8
    # Fitting 20,000 of a million customers takes a second; more move no centre by what could be seen.
    fit_rows: int = 20_000
    # Stability fits each number of groups ten times: on fewer customers.
    stability_rows: int = 4_000
    stability_draws: int = 5
    # A silhouette compares everybody with everybody.
    silhouette_rows: int = 2_000
    seed: int = 20_111

    def __post_init__(self) -> None:
        columns = [trait.column for trait in self.traits]
        if len(set(columns)) != len(columns):
            raise ValueError(f"a trait is listed twice among {columns}")
        if self.most_segments < 2:
            raise ValueError(f"most_segments is {self.most_segments}; at least 2")

    @property
    def columns(self) -> tuple[str, ...]:
        """Every feature column."""
        return tuple(trait.column for trait in self.traits)

    @property
    def model(self) -> Key:
        """Which grouping serves from a morning on."""
        return Key("ml", f"{self.name}__model")

    @property
    def assignments(self) -> Key:
        """Who is in which segment, by as-of day."""
        return Key("ml", f"{self.name}__assignments")

    @property
    def profiles(self) -> Key:
        """What sets each segment apart, by as-of day."""
        return Key("ml", f"{self.name}__profiles")

    @property
    def spec_hash(self) -> str:
        """Sha-256 hex of the whole declaration: a changed declaration is a changed model."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


SEGMENTS = SegmentationSpec(
    name="segments",
    features=Key("features", "feat_customer__behaviour"),
    rfm=Key("features", "feat_customer__rfm"),
    # One or two columns per theme: a theme with five columns would decide alone who is alike.
    traits=(
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
