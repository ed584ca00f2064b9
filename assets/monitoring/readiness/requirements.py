"""What the landed data could feed: registered capabilities, features and consent, and what is not built yet.

The minimum amounts, here and in the capabilities' own declarations, are those that providers of the same
capability document: Microsoft Customer Insights (500 customers for churn, 1,000 for recommendations), Klaviyo
(500 customers with orders, 180 days), Segment (history of three target windows, 100 customers with the
outcome), Amazon Personalize (1,000 interactions), Salesforce Einstein (1,000 leads, 120 of them won). Where
none is documented, the reason is beside the number.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from assets.features.requirements import DataRequirement, RowGroup, required_orders
from assets.lifecycle.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUse:
    """One use of the landed data.

    Attributes:
        name: The capability's name, or that of the use.
        requires: Requirements, all of which must be met.
        improved_by: Tables or ``table.column`` that improve it.
        becomes: Current use in the pipeline, for the report; ``None`` when nothing is built on it.
    """

    name: str
    requires: tuple[DataRequirement, ...]
    improved_by: tuple[str, ...] = ()
    becomes: str | None = None


def data_uses(specs: Iterable[Spec]) -> tuple[DataUse, ...]:
    """Every use of the landed data: the registered capabilities in ``specs`` first.

    A registered capability replaces the entry of that name in ``OTHERS``.
    """
    registered = [
        DataUse(
            name=spec.name, requires=spec.requires, improved_by=spec.improved_by, becomes=_published(spec)
        )
        for spec in specs
    ]
    names = {each.name for each in registered}
    return (*registered, *(each for each in OTHERS if each.name not in names))


def _published(spec: Spec) -> str:
    published = spec.tables[0].published
    return (
        f"published as {published[0]}"
        if published
        else f"scored in {spec.scores.schema}.{spec.scores.name}, not published"
    )


_CONTROL = RowGroup(
    column="arm",
    value="control",
    least=1_000,  # of 1,000, a buying rate of 5 % is known to 1.4 points
    why="without a control group it is not known who would have bought anyway",
)
_TREATED = RowGroup(
    column="arm", value="treated", least=1_000, why="without a treated group there is no effect to estimate"
)
_SENDS = ("campaign_id", "customer_id", "sent_at")
_SPEND = ("date", "channel", "cost_amount")
_LEAD_WORDS = ("origin", "attributes")

OTHERS = (
    DataUse(
        name="recommendations",
        requires=(required_orders(customers=1_000, rows=1_000),),
        improved_by=("products.title", "products.category", "products.in_stock", "events.product_id"),
    ),
    DataUse(
        name="sentiment",
        requires=(
            DataRequirement(
                table="reviews", columns=("text",), any_of=("label", "rating"), rows=100, is_recent=False
            ),
        ),
        improved_by=("reviews.label", "reviews.rating", "reviews.product_id"),
    ),
    DataUse(
        name="uplift",
        requires=(
            DataRequirement(table="sends", columns=_SENDS, groups=(_TREATED, _CONTROL)),
            required_orders(customers=500),
        ),
        improved_by=("sends.variant", "campaigns.channel", "events"),
    ),
    DataUse(
        name="content_choice",
        requires=(
            DataRequirement(
                table="sends",
                columns=(*_SENDS, "variant"),
                any_of=("clicked_at", "opened_at"),
                rows=1_000,
                different={"variant": 2},
            ),
        ),
        improved_by=("sends.clicked_at", "campaigns.title", "events"),
    ),
    DataUse(
        name="campaign_results",
        requires=(
            DataRequirement(table="campaigns", columns=("campaign_id",)),
            DataRequirement(table="sends", columns=_SENDS),
            required_orders(),
        ),
        improved_by=(
            "sends.arm",
            "sends.opened_at",
            "sends.clicked_at",
            "campaigns.title",
            "ad_spend.cost_amount",
        ),
        becomes="campaigns with a control arm are measured in experiment_lift",
    ),
    DataUse(
        name="attribution",
        requires=(
            # Visits without a customer cannot be joined to an order.
            DataRequirement(
                table="events",
                columns=("visitor_id", "occurred_at", "customer_id"),
                any_of=("utm_source", "utm_medium", "campaign_id"),
                days=30,
            ),
            required_orders(),
        ),
        improved_by=("ad_spend.cost_amount", "sends.clicked_at", "campaigns.channel"),
    ),
    # A year, because in less spend and season are confounded.
    DataUse(
        name="media_mix",
        requires=(DataRequirement(table="ad_spend", columns=_SPEND, days=365), required_orders(days=365)),
        improved_by=("ad_spend.impressions", "ad_spend.clicks"),
    ),
    DataUse(
        name="sales_forecast",
        requires=(
            DataRequirement(table="order_lines", columns=("ordered_at", "quantity", "unit_price"), days=365),
        ),
        improved_by=("products.category", "order_lines.country", "ad_spend"),
    ),
    DataUse(
        name="lead_scoring",
        requires=(
            DataRequirement(
                table="leads",
                columns=("lead_id", "created_at"),
                any_of=_LEAD_WORDS,
                rows=1_000,
                filled={"won_at": 120},
            ),
        ),
        improved_by=("leads.attributes", "leads.origin", "leads.won_amount"),
    ),
    DataUse(
        name="browsing_features",
        requires=(
            DataRequirement(
                table="events", columns=("visitor_id", "occurred_at", "event_type", "customer_id")
            ),
        ),
        improved_by=("events.product_id", "events.device", "events.utm_source"),
        becomes="features of purchase_propensity and churn",
    ),
    DataUse(
        name="campaign_features",
        requires=(DataRequirement(table="sends", columns=_SENDS),),
        improved_by=("sends.opened_at", "sends.clicked_at", "sends.unsubscribed_at"),
        becomes="features of purchase_propensity and churn",
    ),
    DataUse(
        name="review_features",
        requires=(
            DataRequirement(
                table="reviews",
                columns=("customer_id", "written_at"),
                any_of=("rating", "text"),
                is_recent=False,
            ),
        ),
        improved_by=("reviews.rating", "reviews.text"),
        becomes="features of purchase_propensity and churn",
    ),
    DataUse(
        name="consent",
        requires=(
            DataRequirement(
                table="consents",
                columns=("customer_id", "purpose", "is_granted", "recorded_at"),
                is_recent=False,
            ),
        ),
        becomes="decides who is scored and who may be contacted",
    ),
)
