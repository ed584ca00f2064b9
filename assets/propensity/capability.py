"""Which customers will place an order in the next 30 days?"""

from assets.features.customers import ELIGIBILITY
from assets.keys import Key
from assets.supervised.capability import SupervisedCapability
from assets.supervised.customers import CustomerProblem
from assets.supervised.problem import consent_exclusion

PURCHASE_PROPENSITY = SupervisedCapability(
    CustomerProblem(
        name="purchase_propensity",
        question="Which customers will place an order in the next 30 days?",
        target="purchase",
        horizon_days=30,
        label=Key("labels", "lbl_customer__purchase_30d"),
        exclusions=(consent_exclusion(ELIGIBILITY),),
    )
)
