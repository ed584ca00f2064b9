"""A minimal declaration for tests of the lifecycle that need no model."""

from assets.features.requirements import required_orders
from assets.keys import Key
from assets.lifecycle.gate import Comparison
from assets.lifecycle.report.grade import FALLBACK
from assets.lifecycle.spec import Spec, TableSpec

COMPARED = Comparison(metric="error", label="mean absolute error")
SPEC = Spec(
    name="order_rate",
    question="How many orders does a customer place?",
    owner="marketing",
    subject="customer_id",
    tables=(TableSpec(key=Key("ml", "order_rate__scores"), columns={"expected_orders": "float64"}),),
    trained_from=(Key("marts", "orders"),),
    scored_from=(Key("marts", "customers"),),
    requires=(required_orders(customers=2),),
    compared=COMPARED,
    fallback_grade=FALLBACK,
    code=(),
    spec_hash="0" * 64,
    seed=1,
)
