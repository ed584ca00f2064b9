"""Which customers will place no order in the next 60 days?"""

from assets.features import customers
from assets.keys import Key
from assets.lifecycle.cohort import Exclusion
from assets.lifecycle.store.schemas import COUNT, FLAG, NUMBER, TEXT
from assets.supervised.capability import SupervisedCapability
from assets.supervised.fitting.task import Binary
from assets.supervised.problem import PredictionProblem, consent_exclusion

# Predicting churn for customers who left a year ago is correct and useless; they are excluded.
ALREADY_CHURNED = Exclusion(
    table=Key("point_in_time", "pit_customer__churn_status"),
    passthrough_columns=(
        ("churn_definition", TEXT),
        ("days_since_last_order", COUNT),
        ("personal_gap_days", NUMBER),
        ("is_already_churned", FLAG),
    ),
)

CHURN = SupervisedCapability(
    PredictionProblem(
        name="churn",
        question="Which customers will place no order in the next 60 days?",
        entity="customer",
        target="churn",
        horizon_days=60,
        task=Binary(),
        features=customers.TABLES,
        label=Key("labels", "lbl_customer__churn_60d"),
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
        exclusions=(consent_exclusion(customers.ELIGIBILITY), ALREADY_CHURNED),
        label_is_absence_of_order=True,
        top_rank_label="riskiest",
    )
)
