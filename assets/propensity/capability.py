"""Which customers will place an order in the next 30 days?"""

from assets.features import customers
from assets.keys import Key
from assets.supervised.capability import SupervisedCapability
from assets.supervised.fitting.task import Binary
from assets.supervised.problem import PredictionProblem, consent_exclusion

PURCHASE_PROPENSITY = SupervisedCapability(
    PredictionProblem(
        name="purchase_propensity",
        question="Which customers will place an order in the next 30 days?",
        entity="customer",
        target="purchase",
        horizon_days=30,
        task=Binary(),
        features=customers.TABLES,
        label=Key("labels", "lbl_customer__purchase_30d"),
        numeric=customers.NUMERIC,
        categorical=customers.CATEGORICAL,
        recency=customers.RECENCY,
        slices=customers.SLICES,
        reason_groups=customers.FEATURE_GROUPS,
        consent_purpose="profiling",
        owner="marketing-analytics",
        amount="average_order_amount_365d",
        cohort=customers.ELIGIBILITY,
        improved_by=customers.OPTIONAL_DATA,
        exclusions=(consent_exclusion(customers.ELIGIBILITY),),
    )
)
