"""Declaration of lifetime value: horizons, tables, promotion criteria, quality grades and score columns."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field

import pandas as pd

from assets.features.customers import ELIGIBILITY
from assets.features.matrix import Columns
from assets.features.requirements import required_orders
from assets.keys import Key
from assets.lifecycle.gate import Comparison, Decision
from assets.lifecycle.report.grade import DO_NOT_USE, GRADES, Grade
from assets.lifecycle.spec import CanaryScore, Outcome, Spec, TableSpec
from assets.lifecycle.store.metric_lookup import overall
from assets.lifecycle.store.schemas import COUNT, DATE, FLAG, NUMBER, SMALL, TEXT, Types
from assets.lifetime_value.models.clv import INTERVAL_COVERAGE
from assets.purchase_process.bg_nbd import HORIZONS_DAYS
from assets.purchase_process.purchase_history import AMOUNT, HISTORY
from assets.supervised.data.dataset import DAILY_ORDERS

CUSTOMER = "customer_id"
# Slice of ``ml.metrics`` by horizon.
HORIZON = "horizon_days"
COMPARED = Comparison(metric="deviance", label="deviance")
# Read by the baseline and the published columns besides the purchase histories.
SPEND_COLUMNS = ("net_amount_lifetime", "net_amount_365d", "tenure_days", "days_since_order")

# By grade the least normalised Gini coefficient, the least share of the baseline's deviance saved, and the
# most that the predicted total may be off, as the logarithm of predicted over observed.
BOUNDS = {
    "Excellent": (0.75, 0.3, 0.1),
    "Good": (0.6, 0.15, 0.2),
    "Fair": (0.4, 0.05, 0.35),
    "Poor": (0.0, 0.0, float("inf")),
}
FALLBACK = Grade(
    name="Poor",
    auc=0.0,
    skill=float("-inf"),
    meaning=(
        "No model passed the gate: this is how often customers as old buy again, times the amount of an "
        "order. Use it for ranking and do not sum it."
    ),
)

KEY_TYPES: Types = {"target": TEXT, "horizon_days": SMALL}
VALUE_TYPES: Types = {
    "historic_value": NUMBER,
    "predicted_value": NUMBER,
    "predicted_value_lo": NUMBER,
    "predicted_value_hi": NUMBER,
    "total_value": NUMBER,
    "historic_orders": COUNT,
    "predicted_orders": NUMBER,
    "avg_days_between_orders": NUMBER,
    "avg_order_value": NUMBER,
    "prob_alive": NUMBER,
    "prob_churn": NUMBER,
    "expected_next_order_date": DATE,
    "next_order_p10_date": DATE,
    "next_order_p90_date": DATE,
    "is_overdue": FLAG,
    "currency": TEXT,
    "value_basis": TEXT,
    "is_high_value": FLAG,
    "high_value_rule": TEXT,
    "baseline_value": NUMBER,
}
# Everything that a fitted model of either kind is made of, besides the types that skops trusts. A partial
# runs nothing by itself, and the function that it wraps must be listed too.
MODEL_TYPES = (
    "assets.lifetime_value.models.baseline.RepeatSpend",
    "assets.purchase_process.bg_nbd.BgNbd",
    "assets.lifetime_value.models.candidates.CustomerValue",
    "assets.lifetime_value.models.clv.LifetimeValue",
    "assets.lifetime_value.models.gamma_gamma.GammaGamma",
    "assets.lifetime_value.models.learned_shape.LearnedShape",
    "assets.supervised.fitting.quantile_binning.QuantileBinner",
    "functools.partial",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)
DESCRIPTIONS = {
    "evaluation": (
        "BG/NBD with Gamma-Gamma, boosting, their blend and the baseline, each fitted on what was known on "
        "an earlier as-of date, levelled, and compared with the outcomes of the days that followed."
    ),
    "champion": (
        "The version that scores from this as-of date on: the best amount model of the backtest if it may "
        "be promoted, fitted on everything known; else the version before it; else the baseline."
    ),
    "realised": "Published amounts compared with observed spend, once their windows have ended.",
    "lifetime_value__scores": (
        "One row per customer, horizon and as-of date: predicted spend and orders with interval, the "
        "probability of still being a customer, and when the next order is due."
    ),
}
CANARY_SCORE = CanaryScore(column="predicted_value", interval=("predicted_value_lo", "predicted_value_hi"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountCriteria:
    """Tolerances of the promotion gate on the newest matured window of each horizon.

    A total is out of tolerance when the logarithm of predicted over observed is further from 0 than the
    tolerance and the 95 % interval (customers, and what moves them all together) allow.

    Attributes:
        total_tolerance: Of the whole, in log units.
        group_tolerance: Of a tenth or cohort, in log units.
        material_share: As a share of the whole predicted total: smaller gaps of a group are tolerated. Nine
            tenths of a shop's revenue come from three tenths of its customers; a gap of a hundredth of the
            whole in a group that hardly buys changes no decision.
        usual_period_sd: Standard deviation of a published window's log total when no backtest recorded one.
        smallest_group: Customers below which a cohort is reported and not tested.
        highest_membership_auc: Above this, predictions reveal who was in the training data.
        replicates: Bootstrap draws.
    """

    total_tolerance: float = 0.1
    group_tolerance: float = 0.2
    material_share: float = 0.02
    usual_period_sd: float = 0.15
    smallest_group: int = 100
    highest_membership_auc: float = 0.6
    replicates: int = 200

    def __post_init__(self) -> None:
        if min(self.total_tolerance, self.group_tolerance, self.material_share, self.usual_period_sd) < 0:
            raise ValueError("tolerances and the usual deviation must not be negative")
        if self.replicates < 20:
            raise ValueError(f"{self.replicates} replicates give no 95 % interval; at least 20")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueProblem:
    """Everything that decides the predictions of lifetime value.

    Attributes:
        name: Prefix of tables and assets, a lower-case identifier.
        question: The question in a marketer's words, question mark included.
        target: What is predicted.
        horizons_days: Horizons of one pass.
        evaluated_days: The horizon that amount models are compared by; one of ``horizons_days``.
        interval_coverage: Probability that an interval should hold.
        value_basis: Definition of the amounts.
        histories: Table with the purchase history per customer and as-of date; defines the cohort.
        features: Table with the features of the boosting.
        labels: Table with ``outcome_amount`` and ``outcome_orders`` of each horizon.
        cohort: Table with eligibility, consent and holdout of everyone.
        chances: Score table with the probability of an order in the shortest horizon, which predictions agree
            with where it has rows of the as-of date.
        numeric: Feature columns read as numbers.
        categorical: Feature columns read as categories.
        consent_purpose: Purpose that customers must have allowed.
        owner: Team that answers for it.
        criteria: Tolerances of the promotion gate.
        high_value_share: Share of customers called high value.
        seed: Seed of everything random.
        max_training_rows: Rows that the boosting is fitted on at most.
        max_level_rows: Customers and dates that the level of the shop is measured on at most.
    """

    name: str
    question: str
    target: str
    horizons_days: tuple[int, ...]
    evaluated_days: int
    interval_coverage: float
    value_basis: str
    histories: Key
    features: Key
    labels: dict[int, Key]
    cohort: Key
    chances: Key
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    consent_purpose: str
    owner: str
    criteria: AmountCriteria = field(default_factory=AmountCriteria)
    high_value_share: float = 0.2
    seed: int = 20_111
    max_training_rows: int = 40_000
    max_level_rows: int = 400_000

    def __post_init__(self) -> None:
        if self.evaluated_days not in self.horizons_days:
            raise ValueError(f"evaluated by {self.evaluated_days} days, predicted are {self.horizons_days}")
        if set(self.labels) != set(self.horizons_days):
            raise ValueError(f"labels of {sorted(self.labels)} days for horizons {self.horizons_days}")
        if not 0 < self.high_value_share < 1:
            raise ValueError(f"high_value_share is {self.high_value_share}; it must lie between 0 and 1")

    @property
    def columns(self) -> Columns:
        """Columns of a customer's row on an as-of date."""
        numeric = (*HISTORY, AMOUNT, *SPEND_COLUMNS, *self.numeric)
        return Columns(
            entity_id=CUSTOMER, numeric=tuple(dict.fromkeys(numeric)), categorical=self.categorical
        )

    @property
    def high_value_rule(self) -> str:
        """Definition of a high-value customer."""
        return f"best {self.high_value_share:.0%} by predicted_value of the same as_of_date and horizon_days"

    @property
    def spec(self) -> Spec:
        """The declaration as the lifecycle reads it."""
        return Spec(
            name=self.name,
            question=self.question,
            owner=self.owner,
            subject=CUSTOMER,
            cohort=self.cohort,
            consent_purpose=self.consent_purpose,
            tables=(self._table,),
            trained_from=(self.histories, self.features, self.cohort, DAILY_ORDERS, *self.labels.values()),
            scored_from=(self.histories, self.features, self.cohort, DAILY_ORDERS, *self.labels.values()),
            scored_after=(self.chances,),
            requires=(required_orders(customers=500, days=180),),
            improved_by=("customers.country",),
            outcomes=self._outcomes,
            compared=COMPARED,
            fallback_grade=FALLBACK,
            code=("lifetime_value", "purchase_process", "prior_shift", "supervised", "features", "metrics"),
            model_types=MODEL_TYPES,
            spec_hash=hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest(),
            seed=self.seed,
            retrain="every_run",
            canary_score=CANARY_SCORE,
            descriptions=DESCRIPTIONS,
        )

    @property
    def _table(self) -> TableSpec:
        return TableSpec(
            key=Key("ml", f"{self.name}__scores"),
            key_columns=KEY_TYPES,
            columns=VALUE_TYPES,
            rows_per_person=tuple(
                {
                    "target": self.target,
                    HORIZON: days,
                    "value_basis": self.value_basis,
                    "high_value_rule": self.high_value_rule,
                }
                for days in self.horizons_days
            ),
            published=(self.name, f"{self.name}_latest"),
        )

    @property
    def _outcomes(self) -> tuple[Outcome, ...]:
        # The horizon that amount models are compared by comes first: a version is withheld by it.
        days = sorted(self.horizons_days, key=lambda each: (each != self.evaluated_days, each))
        return tuple(
            Outcome(table=self.labels[each], matures_days=each, slice_name=HORIZON, slice_value=str(each))
            for each in days
        )


PROBLEM = ValueProblem(
    name="lifetime_value",
    question="What will each customer spend in the coming 30, 90 and 365 days?",
    target="net spend",
    horizons_days=HORIZONS_DAYS,
    evaluated_days=90,
    interval_coverage=INTERVAL_COVERAGE,
    value_basis="products, net of returns",
    histories=Key("features", "feat_customer__purchase_history"),
    features=Key("features", "feat_customer__orders"),
    labels={days: Key("labels", f"lbl_customer__purchase_{days}d") for days in HORIZONS_DAYS},
    cohort=ELIGIBILITY,
    chances=Key("ml", "purchase_propensity__scores"),
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


def grade(metrics: pd.DataFrame, decision: Decision) -> Grade:
    """The best grade whose bounds are reached on the newest matured window that the decision rests on.

    Do-not-use when totals are out of tolerance or the baseline is not surely beaten.

    Args:
        metrics: Rows of ``ml.metrics`` of the version (n, k).
        decision: What the promotion gate decided.
    """
    baseline = decision.against_baseline
    if decision.defects or baseline is None or not COMPARED.is_won(baseline):
        return DO_NOT_USE
    return grade_of(
        gini=overall(metrics, "gini").value,
        skill=deviance_skill(metrics),
        total_ratio=overall(metrics, "total_ratio").value,
    )


def grade_of(*, gini: float, skill: float, total_ratio: float) -> Grade:
    """The best grade whose bounds a sound model reaches.

    Args:
        gini: Normalised Gini coefficient of the ranking.
        skill: Share of the baseline's deviance saved.
        total_ratio: Predicted over observed total.
    """
    off = abs(math.log(total_ratio)) if total_ratio > 0 else math.inf
    reached = (
        each
        for each in GRADES
        if gini >= BOUNDS[each.name][0] and skill >= BOUNDS[each.name][1] and off <= BOUNDS[each.name][2]
    )
    return next(reached, DO_NOT_USE)


def deviance_skill(metrics: pd.DataFrame) -> float:
    """The share of the baseline's deviance that is saved; 1 is perfect, 0 no better.

    Args:
        metrics: Rows of ``ml.metrics`` of one version (n, k).
    """
    return 1 - overall(metrics, "deviance").value / overall(metrics, "baseline_deviance").value
