"""What will each customer spend in the coming days, and how sure is that?"""

import hashlib
import json
from dataclasses import asdict, dataclass, field

from assets.features.matrix import Columns
from assets.keys import Key
from assets.lifetime_value.models.bg_nbd import HORIZONS_DAYS
from assets.lifetime_value.models.clv import LEVEL
from assets.lifetime_value.models.purchase_history import AMOUNT, HISTORY

# What the naive formula and the published columns read besides the histories.
MONEY = ("net_amount_lifetime", "net_amount_365d", "tenure_days", "days_since_order")


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountGates:
    """What the best rival must reach on the newest matured window.

    A group is at fault when its predicted total lies outside the realised total's 95 % interval (which
    customers, and which period: see ``period_sd``) by more than the tolerance.

    Attributes:
        group_tolerance: As a share of the group's predicted total.
        material_share: As a share of everybody's predicted total: the larger of both is the tolerance. Nine
            tenths of a shop's money come from three tenths of its customers; a gap of a hundredth of the
            whole in a group that hardly buys is nobody's decision.
        usual_period_sd: What a window's total misses by, in logarithms, before the shop has shown it.
        usual_windows: How many windows that is worth.
        most_windows: Windows before the judged one that are looked back on.
        smallest_group: Customers below which a cohort is reported, not judged.
        replicates: Bootstrap draws.
    """

    group_tolerance: float = 0.2
    material_share: float = 0.02
    usual_period_sd: float = 0.15
    usual_windows: float = 2.0
    most_windows: int = 4
    smallest_group: int = 100
    replicates: int = 200

    def __post_init__(self) -> None:
        if min(self.group_tolerance, self.material_share, self.usual_period_sd) < 0:
            raise ValueError("tolerances and the usual deviation must not be negative")
        if self.replicates < 20:
            raise ValueError(f"{self.replicates} replicates give no 95 % interval; at least 20")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueProblem:
    """The question of lifetime value and everything that decides its answer.

    Attributes:
        name: Room and asset prefix, a lower-case identifier.
        question: The question in a marketer's words, question mark included.
        target: What is predicted.
        horizons_days: Horizons of one pass.
        judged_days: The horizon that rivals are judged by; one of ``horizons_days``.
        level: Probability that an interval should hold.
        value_basis: What the amounts are, in words.
        histories: Table with the purchase history per customer and as-of day; says who is asked about.
        features: Table with the features of the machine-learned rival.
        labels: Table with ``outcome_amount`` and ``outcome_orders`` of each horizon.
        numeric: Feature columns read as numbers.
        categorical: Feature columns read as categories.
        high_value_share: Share of customers called high value.
        max_training_rows: Rows that the machine-learned rival learns from at most.
    """

    name: str
    question: str
    target: str
    horizons_days: tuple[int, ...]
    judged_days: int
    level: float
    value_basis: str
    histories: Key
    features: Key
    labels: dict[int, Key]
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    consent_purpose: str
    owner: str
    criteria: AmountGates = field(default_factory=AmountGates)
    high_value_share: float = 0.2
    seed: int = 20_111
    max_training_rows: int = 40_000

    def __post_init__(self) -> None:
        _ = self.scores.sql
        if self.judged_days not in self.horizons_days:
            raise ValueError(f"judged by {self.judged_days} days, predicted are {self.horizons_days}")
        if set(self.labels) != set(self.horizons_days):
            raise ValueError(f"labels of {sorted(self.labels)} days for horizons {self.horizons_days}")
        if not 0 < self.high_value_share < 1:
            raise ValueError(f"high_value_share is {self.high_value_share}; it must lie between 0 and 1")

    @property
    def columns(self) -> Columns:
        """What a row of a customer on a morning holds."""
        told = (*HISTORY, AMOUNT, *MONEY, *self.numeric)
        return Columns(
            entity_id="customer_id", numeric=tuple(dict.fromkeys(told)), categorical=self.categorical
        )

    @property
    def high_value_rule(self) -> str:
        """Who is called high value, in words."""
        return f"best {self.high_value_share:.0%} by predicted_value of the same morning and horizon"

    @property
    def evaluation(self) -> Key:
        """The morning's back-test: rivals on the newest matured window."""
        return Key("ml", f"{self.name}__evaluation")

    @property
    def champion(self) -> Key:
        """The version that scores."""
        return Key("ml", f"{self.name}__champion")

    @property
    def scores(self) -> Key:
        """Outlooks by customer, horizon and as-of day."""
        return Key("ml", f"{self.name}__scores")

    @property
    def realised(self) -> Key:
        """What became of published totals, by the morning that looked back."""
        return Key("ml", f"{self.name}__realised")

    @property
    def spec_hash(self) -> str:
        """Sha-256 hex of the whole declaration: a changed declaration is a changed model."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


LIFETIME_VALUE = ValueProblem(
    name="lifetime_value",
    question="What will each customer spend in the coming 30, 90 and 365 days?",
    target="net spend",
    horizons_days=HORIZONS_DAYS,
    judged_days=90,
    level=LEVEL,
    value_basis="products, net of returns",
    histories=Key("features", "feat_customer__purchase_history"),
    features=Key("features", "feat_customer__orders"),
    labels={days: Key("labels", f"lbl_customer__purchase_{days}d") for days in HORIZONS_DAYS},
    numeric=(
        *("days_since_order", "days_since_order_per_gap", "gap_mean_days", "gap_sd_days", "gap_last_days"),
        *("orders_30d", "orders_90d", "orders_180d", "orders_365d", "orders_lifetime"),
        *("net_amount_30d", "net_amount_90d", "net_amount_180d", "net_amount_365d", "net_amount_lifetime"),
        *("average_order_amount_365d", "units_365d", "service_amount_365d", "active_weeks_365d"),
        *("tenure_days", "products_90d", "products_365d", "return_rate_365d", "returns_365d"),
        *("orders_same_season_last_year", "weekend_share_365d"),
    ),
    categorical=("country",),
    consent_purpose="profiling",
    owner="marketing-analytics",
)
