"""Which customers will place no order in the next 60 days?"""

from assets.features.customers import ELIGIBILITY
from assets.keys import Key
from assets.lifecycle.cohort import Exclusion
from assets.lifecycle.store.schemas import COUNT, FLAG, NUMBER, TEXT
from assets.supervised.capability import SupervisedCapability
from assets.supervised.customers import CustomerProblem
from assets.supervised.problem import consent_exclusion

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
    CustomerProblem(
        name="churn",
        question="Which customers will place no order in the next 60 days?",
        target="churn",
        horizon_days=60,
        label=Key("labels", "lbl_customer__churn_60d"),
        exclusions=(consent_exclusion(ELIGIBILITY), ALREADY_CHURNED),
        label_is_absence_of_order=True,
        top_rank_label="riskiest",
    )
)
