"""Data contracts of all raw tables that a business may deliver; only order lines are required."""

from collections.abc import Mapping
from types import MappingProxyType

from assets.ingest.config.contract import (
    Column,
    Contract,
    Rule,
    not_before,
    not_negative,
    optional,
    required,
)

ORDER_LINES = Contract(
    table="order_lines",
    grain="one line of one order; the same line twice in one file means it was entered twice",
    noun="order",
    key=("order_id",),
    is_unique=False,
    happened_at="ordered_at",
    columns=(
        *required("order_id"),
        Column(name="customer_id", type="varchar", is_required=True),
        *required("ordered_at", of="timestamp"),
        *required("product_id"),
        *optional("product_title"),
        *required("quantity", "unit_price", of="double"),
        *optional("currency", default="$currency"),
        *optional("country", "channel"),
        *optional("discount_amount", of="double", default="0"),
        *optional("is_return", of="boolean", default="quantity < 0"),
        *optional("is_service", of="boolean", default="false"),
        *optional("known_at", of="timestamp", default="ordered_at"),
    ),
    rules=(
        not_before("known_at", "ordered_at"),
        Rule(
            broken_when="is_return and not is_service and quantity > 0 and unit_price > 0",
            reason="'quantity ' || quantity || ' of a return is above 0, so that it would add to the sales: "
            "map -quantity where the line is a return'",
        ),
    ),
    measures=(
        ("largest_quantity", "quantity"),
        ("largest_amount", "quantity * unit_price - discount_amount"),
    ),
    # A corrected line has another amount; what comes back later has another moment or sign.
    line=("product_id", "ordered_at", "sign(quantity)"),
)

CUSTOMERS = Contract(
    table="customers",
    grain="one row per customer",
    noun="customer",
    key=("customer_id",),
    is_unique=True,
    columns=(
        *required("customer_id"),
        *optional("signed_up_at", of="timestamp"),
        *optional("country", "postcode"),
        *optional("birth_year", of="integer"),
        *optional("acquisition_channel"),
    ),
)

PRODUCTS = Contract(
    table="products",
    grain="one row per product",
    noun="product",
    key=("product_id",),
    is_unique=True,
    columns=(
        *required("product_id"),
        *optional("title", "description", "category"),
        *optional("unit_cost", of="double"),
        *optional("launched_at", of="timestamp"),
        *optional("in_stock", of="boolean"),
    ),
)

EVENTS = Contract(
    table="events",
    grain="one event of a visitor; the events of one visitor at one moment are delivered together",
    noun="visitor at a moment",
    key=("visitor_id", "occurred_at"),
    is_unique=False,
    happened_at="occurred_at",
    columns=(
        *required("visitor_id"),
        *required("occurred_at", of="timestamp"),
        *required("event_type"),
        *optional("customer_id", "product_id"),
        *optional("utm_source", "utm_medium", "campaign_id", "device", "country"),
        *optional("known_at", of="timestamp", default="occurred_at"),
    ),
    rules=(not_before("known_at", "occurred_at"),),
)

CAMPAIGNS = Contract(
    table="campaigns",
    grain="one row per campaign",
    noun="campaign",
    key=("campaign_id",),
    is_unique=True,
    columns=(
        *required("campaign_id"),
        *optional("title", "channel"),
        *optional("started_at", "ended_at", of="timestamp"),
    ),
    rules=(not_before("ended_at", "started_at"),),
)

SENDS = Contract(
    table="sends",
    grain="one message of one campaign to one customer, or one customer assigned to its control group",
    noun="send",
    key=("campaign_id", "customer_id", "sent_at"),
    is_unique=True,
    happened_at="sent_at",
    columns=(
        *required("campaign_id", "customer_id"),
        *required("sent_at", of="timestamp"),
        *optional("channel", "variant"),
        *optional("arm", default="'treated'"),
        *optional("opened_at", "clicked_at", "unsubscribed_at", of="timestamp"),
    ),
    rules=(
        Rule(
            broken_when="arm not in ('treated', 'control')",
            reason="'arm ''' || arm || ''' is not treated or control'",
        ),
        not_before("opened_at", "sent_at"),
        not_before("clicked_at", "sent_at"),
        not_before("unsubscribed_at", "sent_at"),
    ),
)

AD_SPEND = Contract(
    table="ad_spend",
    grain="one day of one campaign on one advertising channel, or a part of it, such as one device or ad",
    noun="day of spend",
    key=("date", "channel", "campaign_id"),
    is_unique=False,
    happened_at="date",
    columns=(
        *required("date", of="date"),
        *required("channel"),
        *optional("campaign_id"),
        *optional("impressions", "clicks", "cost_amount", of="double"),
    ),
    rules=(not_negative("impressions"), not_negative("clicks"), not_negative("cost_amount")),
)

REVIEWS = Contract(
    table="reviews",
    grain="one review",
    noun="review",
    key=("review_id",),
    is_unique=True,
    happened_at="written_at",
    columns=(
        *required("review_id"),
        *required("written_at", of="timestamp"),
        *optional("text"),
        *optional("product_id", "customer_id"),
        *optional("rating", of="double"),
        *optional("label"),
    ),
    rules=(
        Rule(
            broken_when="text is null and rating is null",
            reason="'a review without text and rating says nothing'",
        ),
    ),
)

CONSENTS = Contract(
    table="consents",
    grain="one answer of one customer to one purpose",
    noun="consent",
    # With the answer: of two answers of one moment both are loaded, and in fct_consent the withdrawal stands.
    key=("customer_id", "purpose", "recorded_at", "is_granted"),
    is_unique=True,
    happened_at="recorded_at",
    columns=(
        *required("customer_id", "purpose"),
        *required("is_granted", of="boolean"),
        *required("recorded_at", of="timestamp"),
    ),
)

LEADS = Contract(
    table="leads",
    grain="one lead",
    noun="lead",
    key=("lead_id",),
    is_unique=True,
    happened_at="created_at",
    columns=(
        *required("lead_id"),
        *required("created_at", of="timestamp"),
        *optional("origin", "attributes"),
        *optional("won_at", of="timestamp"),
        *optional("won_amount", of="double"),
    ),
    rules=(not_before("won_at", "created_at"),),
)

_ALL = (ORDER_LINES, CUSTOMERS, PRODUCTS, EVENTS, CAMPAIGNS, SENDS, AD_SPEND, REVIEWS, CONSENTS, LEADS)
CONTRACTS: Mapping[str, Contract] = MappingProxyType({contract.table: contract for contract in _ALL})
# Columns of raw tables that name a person: a visitor is one device of a person.
PERSONS = ("customer_id", "visitor_id")
