"""What all supervised questions about customers have in common."""

from functools import partial

from assets.features import customers
from assets.supervised.fitting.purchase_chance import HistoryColumns
from assets.supervised.fitting.task import Binary
from assets.supervised.problem import PredictionProblem

CustomerProblem = partial(
    PredictionProblem,
    entity="customer",
    task=Binary(),
    features=customers.TABLES,
    numeric=customers.NUMERIC,
    categorical=customers.CATEGORICAL,
    recency=customers.RECENCY,
    history=HistoryColumns(recency=customers.RECENCY, tenure=customers.TENURE, orders=customers.ORDERS),
    linear=customers.LINEAR,
    slices=customers.SLICES,
    reason_groups=customers.FEATURE_GROUPS,
    consent_purpose="profiling",
    owner="marketing-analytics",
    amount="average_order_amount_365d",
    cohort=customers.ELIGIBILITY,
    improved_by=customers.OPTIONAL_DATA,
)
