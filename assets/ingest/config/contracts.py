"""Data contracts of all raw tables that a business may deliver; only order lines are required."""

from collections.abc import Mapping
from types import MappingProxyType

from assets.ingest.config.contract import (
    Column,
    Contract,
    Rule,
    identity,
    is_moment,
    is_number,
    not_before,
    not_negative,
    not_rounded,
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
        identity("order_id"),
        Column(name="customer_id", type="varchar", is_required=True),
        required("ordered_at", "timestamp"),
        identity("product_id"),
        optional("product_title"),
        required("quantity", "double"),
        required("unit_price", "double"),
        optional("currency", default="$currency"),
        optional("country"),
        optional("channel"),
        optional("discount_amount", "double", default="0"),
        optional("is_return", "boolean", default="quantity < 0"),
        optional("is_service", "boolean", default="false"),
        optional("known_at", "timestamp", default="ordered_at"),
    ),
    rules=(
        is_number("quantity"),
        is_number("unit_price"),
        is_number("discount_amount"),
        is_moment("ordered_at"),
        is_moment("known_at"),
        not_before("known_at", "ordered_at"),
        not_rounded("order_id"),
        not_rounded("customer_id"),
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
)

CUSTOMERS = Contract(
    table="customers",
    grain="one row per customer",
    noun="customer",
    key=("customer_id",),
    is_unique=True,
    columns=(
        identity("customer_id"),
        optional("signed_up_at", "timestamp"),
        optional("country"),
        optional("postcode"),
        optional("birth_year", "integer"),
        optional("acquisition_channel"),
    ),
    rules=(is_moment("signed_up_at"),),
)

PRODUCTS = Contract(
    table="products",
    grain="one row per product",
    noun="product",
    key=("product_id",),
    is_unique=True,
    columns=(
        identity("product_id"),
        optional("title"),
        optional("description"),
        optional("category"),
        optional("unit_cost", "double"),
        optional("launched_at", "timestamp"),
        optional("in_stock", "boolean"),
    ),
    rules=(is_number("unit_cost"), is_moment("launched_at")),
)

EVENTS = Contract(
    table="events",
    grain="one event of a visitor; the events of one visitor at one moment are delivered together",
    noun="visitor at a moment",
    key=("visitor_id", "occurred_at"),
    is_unique=False,
    happened_at="occurred_at",
    columns=(
        identity("visitor_id"),
        required("occurred_at", "timestamp"),
        identity("event_type"),
        optional("customer_id"),
        optional("product_id"),
        optional("utm_source"),
        optional("utm_medium"),
        optional("campaign_id"),
        optional("device"),
        optional("country"),
        optional("known_at", "timestamp", default="occurred_at"),
    ),
    rules=(is_moment("occurred_at"), is_moment("known_at"), not_before("known_at", "occurred_at")),
)

CAMPAIGNS = Contract(
    table="campaigns",
    grain="one row per campaign",
    noun="campaign",
    key=("campaign_id",),
    is_unique=True,
    columns=(
        identity("campaign_id"),
        optional("title"),
        optional("channel"),
        optional("started_at", "timestamp"),
        optional("ended_at", "timestamp"),
    ),
    rules=(is_moment("started_at"), is_moment("ended_at"), not_before("ended_at", "started_at")),
)

SENDS = Contract(
    table="sends",
    grain="one message of one campaign to one customer, or one customer assigned to its control group",
    noun="send",
    key=("campaign_id", "customer_id", "sent_at"),
    is_unique=True,
    happened_at="sent_at",
    columns=(
        identity("campaign_id"),
        identity("customer_id"),
        required("sent_at", "timestamp"),
        optional("channel"),
        optional("variant"),
        optional("arm", default="'treated'"),
        optional("opened_at", "timestamp"),
        optional("clicked_at", "timestamp"),
        optional("unsubscribed_at", "timestamp"),
    ),
    rules=(
        Rule(
            broken_when="arm not in ('treated', 'control')",
            reason="'arm ''' || arm || ''' is not treated or control'",
        ),
        is_moment("sent_at"),
        not_before("opened_at", "sent_at"),
        not_before("clicked_at", "sent_at"),
        not_before("unsubscribed_at", "sent_at"),
    ),
)

AD_SPEND = Contract(
    table="ad_spend",
    grain="one day of one campaign on one advertising channel",
    noun="day of spend",
    key=("date", "channel", "campaign_id"),
    is_unique=True,
    happened_at="date",
    columns=(
        required("date", "date"),
        identity("channel"),
        optional("campaign_id"),
        optional("impressions", "double"),
        optional("clicks", "double"),
        optional("cost_amount", "double"),
    ),
    rules=(
        is_moment("date"),
        *(
            rule(column)
            for column in ("impressions", "clicks", "cost_amount")
            for rule in (is_number, not_negative)
        ),
    ),
)

REVIEWS = Contract(
    table="reviews",
    grain="one review",
    noun="review",
    key=("review_id",),
    is_unique=True,
    happened_at="written_at",
    columns=(
        identity("review_id"),
        required("written_at", "timestamp"),
        identity("text"),
        optional("product_id"),
        optional("customer_id"),
        optional("rating", "double"),
        optional("label"),
    ),
    rules=(is_moment("written_at"), is_number("rating")),
)

CONSENTS = Contract(
    table="consents",
    grain="one answer of one customer to one purpose",
    noun="consent",
    key=("customer_id", "purpose", "recorded_at"),
    is_unique=True,
    happened_at="recorded_at",
    columns=(
        identity("customer_id"),
        identity("purpose"),
        required("is_granted", "boolean"),
        required("recorded_at", "timestamp"),
    ),
    rules=(is_moment("recorded_at"),),
)

LEADS = Contract(
    table="leads",
    grain="one lead",
    noun="lead",
    key=("lead_id",),
    is_unique=True,
    happened_at="created_at",
    columns=(
        identity("lead_id"),
        required("created_at", "timestamp"),
        optional("origin"),
        optional("attributes"),
        optional("won_at", "timestamp"),
        optional("won_amount", "double"),
    ),
    rules=(is_moment("created_at"), not_before("won_at", "created_at"), is_number("won_amount")),
)

_ALL = (ORDER_LINES, CUSTOMERS, PRODUCTS, EVENTS, CAMPAIGNS, SENDS, AD_SPEND, REVIEWS, CONSENTS, LEADS)
CONTRACTS: Mapping[str, Contract] = MappingProxyType({contract.table: contract for contract in _ALL})
# Columns of raw tables that name a person: a visitor is one device of a person.
PERSONS = ("customer_id", "visitor_id")
