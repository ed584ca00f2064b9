"""Data requirements of each capability, and the optional data that improves it.

The minimum amounts are those that providers of the same capability document: Microsoft Customer Insights
(500 customers for churn, 1,000 for recommendations), Klaviyo (500 customers with orders, 180 days), Segment
(history of three target windows, 100 customers with the outcome), Amazon Personalize (1,000 interactions),
Salesforce Einstein (1,000 leads, 120 of them won). Where none is documented, the reason is beside the number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NOT_BUILT = "not built yet, so no table is published for it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """At least ``least`` rows whose ``column`` is ``value``; ``why`` is the consequence of fewer."""

    column: str
    value: str
    least: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Requirements on one raw table.

    Attributes:
        table: Raw table.
        columns: Columns that must each have values.
        any_of: Columns of which one must have values.
        rows: Minimum rows.
        customers: Minimum different customers.
        days: Minimum days from the oldest row to the newest.
        filled: Minimum rows with a value, by column.
        different: Minimum different values, by column.
        groups: Minimum rows with certain values.
        is_recent: Whether old rows alone are of no use.
    """

    table: str
    columns: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    rows: int = 1
    customers: int = 0
    days: int = 0
    filled: Mapping[str, int] = field(default_factory=dict)
    different: Mapping[str, int] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    is_recent: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """Data requirements of one capability.

    Attributes:
        name: The published table where there is one.
        needs: Requirements, all of which must be met.
        uses: Tables or ``table.column`` that improve it.
        becomes: Current use in the pipeline. It has no default, because the readiness report prints it: with
            one, an entry that omits it would state that nothing is built.
    """

    name: str
    needs: tuple[Need, ...]
    uses: tuple[str, ...] = ()
    becomes: str


def _orders(*, customers: int = 0, days: int = 0, rows: int = 1) -> Need:
    columns = ("customer_id", "ordered_at", "product_id", "quantity", "unit_price")
    return Need(table="order_lines", columns=columns, customers=customers, days=days, rows=rows)


_CONTROL = Group(
    column="arm",
    value="control",
    least=1_000,  # of 1,000, a buying rate of 5 % is known to 1.4 points
    why="without a control group it is not known who would have bought anyway",
)
_TREATED = Group(
    column="arm", value="treated", least=1_000, why="without a treated group there is no effect to estimate"
)
_SENDS = ("campaign_id", "customer_id", "sent_at")
_SPEND = ("date", "channel", "cost_amount")
_LEAD_WORDS = ("origin", "attributes")

_ALL = (
    Capability(
        name="purchase_propensity",
        needs=(_orders(customers=500, days=90),),
        uses=("events", "sends", "reviews", "customers.country"),
        becomes="published as purchase_propensity",
    ),
    Capability(
        name="churn",
        needs=(_orders(customers=500, days=180),),
        uses=("events", "sends", "reviews", "customers.country"),
        becomes="published as churn",
    ),
    Capability(
        name="lifetime_value",
        needs=(_orders(customers=500, days=180),),
        uses=("customers.country",),
        becomes="published as lifetime_value",
    ),
    # Five segments of twenty customers: results of smaller ones are chance.
    Capability(
        name="segments",
        needs=(_orders(customers=100, days=90),),
        uses=("events", "products.category"),
        becomes="published as segments",
    ),
    Capability(
        name="recommendations",
        needs=(_orders(customers=1_000, rows=1_000),),
        uses=("products.title", "products.category", "products.in_stock", "events.product_id"),
        becomes=NOT_BUILT,
    ),
    Capability(
        name="sentiment",
        needs=(
            Need(table="reviews", columns=("text",), any_of=("label", "rating"), rows=100, is_recent=False),
        ),
        uses=("reviews.label", "reviews.rating", "reviews.product_id"),
        becomes=NOT_BUILT,
    ),
    Capability(
        name="uplift",
        needs=(Need(table="sends", columns=_SENDS, groups=(_TREATED, _CONTROL)), _orders(customers=500)),
        uses=("sends.variant", "campaigns.channel", "events"),
        becomes=NOT_BUILT,
    ),
    Capability(
        name="content_choice",
        needs=(
            Need(
                table="sends",
                columns=(*_SENDS, "variant"),
                any_of=("clicked_at", "opened_at"),
                rows=1_000,
                different={"variant": 2},
            ),
        ),
        uses=("sends.clicked_at", "campaigns.title", "events"),
        becomes=NOT_BUILT,
    ),
    Capability(
        name="campaign_results",
        needs=(
            Need(table="campaigns", columns=("campaign_id",)),
            Need(table="sends", columns=_SENDS),
            _orders(),
        ),
        uses=("sends.arm", "sends.opened_at", "sends.clicked_at", "campaigns.title", "ad_spend.cost_amount"),
        becomes=NOT_BUILT,
    ),
    Capability(
        name="attribution",
        needs=(
            # Visits without a customer cannot be joined to an order.
            Need(
                table="events",
                columns=("visitor_id", "occurred_at", "customer_id"),
                any_of=("utm_source", "utm_medium", "campaign_id"),
                days=30,
            ),
            _orders(),
        ),
        uses=("ad_spend.cost_amount", "sends.clicked_at", "campaigns.channel"),
        becomes=NOT_BUILT,
    ),
    # A year, because in less spend and season are confounded.
    Capability(
        name="media_mix",
        needs=(Need(table="ad_spend", columns=_SPEND, days=365), _orders(days=365)),
        uses=("ad_spend.impressions", "ad_spend.clicks"),
        becomes=NOT_BUILT,
    ),
    Capability(
        name="sales_forecast",
        needs=(Need(table="order_lines", columns=("ordered_at", "quantity", "unit_price"), days=365),),
        uses=("products.category", "order_lines.country", "ad_spend"),
        becomes=NOT_BUILT,
    ),
    Capability(
        name="lead_scoring",
        needs=(
            Need(
                table="leads",
                columns=("lead_id", "created_at"),
                any_of=_LEAD_WORDS,
                rows=1_000,
                filled={"won_at": 120},
            ),
        ),
        uses=("leads.attributes", "leads.origin", "leads.won_amount"),
        becomes=NOT_BUILT,
    ),
    Capability(
        name="browsing_features",
        needs=(Need(table="events", columns=("visitor_id", "occurred_at", "event_type", "customer_id")),),
        uses=("events.product_id", "events.device", "events.utm_source"),
        becomes="features of purchase_propensity and churn",
    ),
    Capability(
        name="campaign_features",
        needs=(Need(table="sends", columns=_SENDS),),
        uses=("sends.opened_at", "sends.clicked_at", "sends.unsubscribed_at"),
        becomes="features of purchase_propensity and churn",
    ),
    Capability(
        name="review_features",
        needs=(
            Need(
                table="reviews",
                columns=("customer_id", "written_at"),
                any_of=("rating", "text"),
                is_recent=False,
            ),
        ),
        uses=("reviews.rating", "reviews.text"),
        becomes="features of purchase_propensity and churn",
    ),
    Capability(
        name="consent",
        needs=(
            Need(
                table="consents",
                columns=("customer_id", "purpose", "is_granted", "recorded_at"),
                is_recent=False,
            ),
        ),
        becomes="decides who is scored and who may be contacted",
    ),
)
CAPABILITIES: Mapping[str, Capability] = MappingProxyType({each.name: each for each in _ALL})
