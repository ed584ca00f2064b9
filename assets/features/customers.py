"""Features, feature groups and slices of customers, shared by all supervised capabilities."""

from assets.features.groups import CategorySlice, FeatureGroup, NumericSlice
from assets.keys import Key

# Everyone known by an as-of date with eligibility, consent and holdout.
ELIGIBILITY = Key("point_in_time", "pit_customer__eligibility")
# The table of orders defines the cohort; the others have values where their exports were delivered.
TABLES = (
    Key("features", "feat_customer__orders"),
    Key("features", "feat_customer__browsing"),
    Key("features", "feat_customer__campaigns"),
    Key("features", "feat_customer__reviews"),
)

# Landed data besides orders that they are computed from.
OPTIONAL_DATA = ("events", "sends", "reviews", "customers.country")

# No calendar features (month, week of the year): one or two years are too few for a tree to learn the
# effect of a month, and the prior shift models it for all customers. Revisit with four years of history.
FEATURE_GROUPS = (
    FeatureGroup(
        name="recency",
        columns=("days_since_order", "days_since_order_per_gap", "gap_last_days"),
        description="how long ago the last order was",
    ),
    FeatureGroup(
        name="frequency",
        columns=(
            "orders_365d",
            "orders_30d",
            "orders_90d",
            "orders_180d",
            "orders_lifetime",
            "active_weeks_365d",
        ),
        description="how often they order",
    ),
    FeatureGroup(
        name="purchase_intervals",
        columns=("gap_mean_days", "gap_sd_days"),
        description="how regular the time between their orders is",
    ),
    FeatureGroup(
        name="spend",
        columns=(
            "net_amount_365d",
            "net_amount_30d",
            "net_amount_90d",
            "net_amount_180d",
            "net_amount_lifetime",
            "average_order_amount_365d",
            "units_365d",
            "service_amount_365d",
        ),
        description="how much they spend",
    ),
    FeatureGroup(name="tenure", columns=("tenure_days",), description="how long they have been a customer"),
    FeatureGroup(
        name="variety",
        columns=("products_365d", "products_90d"),
        description="how many different products they buy",
    ),
    FeatureGroup(
        name="returns",
        columns=("return_rate_365d", "returns_365d"),
        description="how much they send back",
    ),
    FeatureGroup(
        name="season",
        columns=("orders_same_season_last_year",),
        description="whether they ordered at this time last year",
    ),
    FeatureGroup(
        name="weekends", columns=("weekend_share_365d",), description="whether they buy at weekends"
    ),
    FeatureGroup(name="place", columns=("country",), description="where they buy"),
    FeatureGroup(
        name="visits",
        columns=(
            "sessions_30d",
            "sessions_7d",
            "sessions_90d",
            "visit_days_30d",
            "days_since_visit",
            "visits_trend",
        ),
        description="how often and how recently they visit",
    ),
    FeatureGroup(
        name="interest",
        columns=("product_views_30d", "product_views_7d", "searches_30d", "carts_30d", "abandoned_carts_30d"),
        description="what they look at and put into the cart",
    ),
    FeatureGroup(name="device", columns=("mobile_share_90d",), description="on which device they visit"),
    FeatureGroup(
        name="messages",
        columns=(
            "clicks_90d",
            "opens_90d",
            "sends_90d",
            "open_rate_180d",
            "click_rate_180d",
            "days_since_click",
            "is_unsubscribed",
        ),
        description="how they answer messages",
    ),
    FeatureGroup(
        name="reviews",
        columns=("rating_mean_365d", "rating_last", "reviews_365d", "days_since_review"),
        description="what they write in reviews",
    ),
)

CATEGORICAL = ("country",)
NUMERIC = tuple(column for group in FEATURE_GROUPS for column in group.columns if column not in CATEGORICAL)
RECENCY, TENURE, ORDERS = "days_since_order", "tenure_days", "orders_lifetime"
# Of a customer's own orders: what a spreadsheet of orders gives, for a baseline that is linear in it.
LINEAR = (
    "days_since_order",
    "days_since_order_per_gap",
    "gap_last_days",
    "gap_mean_days",
    "gap_sd_days",
    "tenure_days",
    "orders_30d",
    "orders_90d",
    "orders_180d",
    "orders_365d",
    "orders_lifetime",
    "active_weeks_365d",
    "orders_same_season_last_year",
    "net_amount_30d",
    "net_amount_90d",
    "net_amount_180d",
    "net_amount_365d",
    "net_amount_lifetime",
    "average_order_amount_365d",
)

SLICES = (
    NumericSlice(
        name="recency",
        column="days_since_order",
        cuts=(30, 90, 180, 365),
        labels=("0-30 days", "31-90 days", "91-180 days", "181-365 days", "over 365 days"),
    ),
    NumericSlice(
        name="tenure", column="tenure_days", cuts=(90,), labels=("new (up to 90 days)", "returning")
    ),
    CategorySlice(name="country", column="country", keep=1),
)
