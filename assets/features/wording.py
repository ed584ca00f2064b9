"""Words of each feature: what a value says about a customer, as a sentence for a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

Unit = Literal["", "days", "%"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How to say a value of one feature.

    Attributes:
        says: The value in words; ``{}`` is the number.
        one: Words for exactly 1; as ``says`` by default.
        zero: Words for exactly 0; as ``says`` by default.
        missing: Words when the customer has no value.
        unit: Unit of the number: ``%`` for a share in [0, 1], shown in percent.

    >>> visits = Wording(says="{} visits in 30 days", one="1 visit in 30 days")
    >>> visits.sentence(12.0, typical=2.0), visits.sentence(1.0, typical=2.0)
    ('12 visits in 30 days; typical: 2', '1 visit in 30 days; typical: 2')
    >>> Wording(says="{} of orders at weekends", unit="%").sentence(0.5, typical=None)
    '50 % of orders at weekends'
    """

    says: str
    one: str = ""
    zero: str = ""
    missing: str = "nothing known"
    unit: Unit = ""

    def sentence(self, value: float | str | None, *, typical: float | str | None) -> str:
        """The sentence about ``value``, with the value of a typical customer where there is one."""
        text = self._value(value)
        return text if typical is None else f"{text}; typical: {self._number(typical)}"

    def _value(self, value: float | str | None) -> str:
        if value is None or (isinstance(value, float) and np.isnan(value)):
            return self.missing
        words = {0.0: self.zero, 1.0: self.one}.get(value, "") if isinstance(value, float) else ""
        return words or self.says.format(self._number(value))

    def _number(self, value: float | str) -> str:
        if isinstance(value, str):
            return value
        shown = 100 * value if self.unit == "%" else value
        text = f"{shown:,.0f}" if abs(shown) >= 100 or float(shown).is_integer() else f"{shown:,.1f}"
        if self.unit == "days":
            return f"{text} day" if text == "1" else f"{text} days"
        return f"{text} %" if self.unit == "%" else text


def _count(noun: str, nouns: str, window: str) -> Wording:
    return Wording(
        says=f"{{}} {nouns} {window}",
        one=f"1 {noun} {window}",
        zero=f"no {noun} {window}",
        missing=f"no {noun} known",
    )


def _spent(window: str) -> Wording:
    return Wording(says=f"spent {{}} {window}", zero=f"spent nothing {window}", missing="no spend known")


# One entry per feature, in the order of the feature groups. Amounts are in shop currency.
WORDING: Mapping[str, Wording] = {
    "days_since_order": Wording(says="last order {} ago", missing="no order known", unit="days"),
    "days_since_order_per_gap": Wording(
        says="last order {} times the usual time between orders ago", missing="too few orders for a rhythm"
    ),
    "gap_last_days": Wording(
        says="{} between the last two orders", missing="no second order yet", unit="days"
    ),
    "orders_365d": _count("order", "orders", "in 365 days"),
    "orders_30d": _count("order", "orders", "in 30 days"),
    "orders_90d": _count("order", "orders", "in 90 days"),
    "orders_180d": _count("order", "orders", "in 180 days"),
    "orders_lifetime": _count("order", "orders", "so far"),
    "active_weeks_365d": Wording(
        says="bought in {} weeks of the last year", one="bought in 1 week of the last year"
    ),
    "gap_mean_days": Wording(says="orders every {}", missing="no second order yet", unit="days"),
    "gap_sd_days": Wording(
        says="time between orders varies by {}", missing="too few orders for a rhythm", unit="days"
    ),
    "net_amount_365d": _spent("in 365 days"),
    "net_amount_30d": _spent("in 30 days"),
    "net_amount_90d": _spent("in 90 days"),
    "net_amount_180d": _spent("in 180 days"),
    "net_amount_lifetime": _spent("so far"),
    "average_order_amount_365d": Wording(
        says="spends {} per order", missing="no order in 365 days", zero="spends nothing per order"
    ),
    "units_365d": _count("unit bought", "units bought", "in 365 days"),
    "service_amount_365d": Wording(
        says="paid {} for services in 365 days", zero="paid for no service in 365 days"
    ),
    "tenure_days": Wording(says="customer for {}", unit="days"),
    "products_365d": _count("product", "different products", "in 365 days"),
    "products_90d": _count("product", "different products", "in 90 days"),
    "return_rate_365d": Wording(
        says="sent back {} of what was bought in 365 days",
        zero="sent nothing back in 365 days",
        missing="no order in 365 days",
        unit="%",
    ),
    "returns_365d": _count("return", "returns", "in 365 days"),
    "orders_same_season_last_year": _count("order", "orders", "at this time last year"),
    "weekend_share_365d": Wording(
        says="{} of orders at weekends",
        zero="no order at a weekend",
        missing="no order in 365 days",
        unit="%",
    ),
    "country": Wording(says="buys in {}", missing="country unknown"),
    "sessions_30d": _count("visit", "visits", "in 30 days"),
    "sessions_7d": _count("visit", "visits", "in 7 days"),
    "sessions_90d": _count("visit", "visits", "in 90 days"),
    "visit_days_30d": _count("day with a visit", "days with a visit", "in 30 days"),
    "days_since_visit": Wording(says="last visit {} ago", missing="no visit known", unit="days"),
    "visits_trend": Wording(
        says="visits {} times as often as over 90 days", missing="too few visits for a trend"
    ),
    "product_views_30d": _count("product view", "product views", "in 30 days"),
    "product_views_7d": _count("product view", "product views", "in 7 days"),
    "searches_30d": _count("search", "searches", "in 30 days"),
    "carts_30d": _count("cart", "carts", "in 30 days"),
    "abandoned_carts_30d": _count("abandoned cart", "abandoned carts", "in 30 days"),
    "mobile_share_90d": Wording(
        says="{} of visits on a phone", zero="no visit on a phone", missing="no visit known", unit="%"
    ),
    "clicks_90d": _count("click in messages", "clicks in messages", "in 90 days"),
    "opens_90d": _count("message opened", "messages opened", "in 90 days"),
    "sends_90d": _count("message received", "messages received", "in 90 days"),
    "open_rate_180d": Wording(
        says="opened {} of the messages in 180 days",
        zero="opened no message in 180 days",
        missing="no message received in 180 days",
        unit="%",
    ),
    "click_rate_180d": Wording(
        says="clicked in {} of the messages in 180 days",
        zero="clicked in no message in 180 days",
        missing="no message received in 180 days",
        unit="%",
    ),
    "days_since_click": Wording(says="last click in a message {} ago", missing="no click known", unit="days"),
    "is_unsubscribed": Wording(
        says="{}", one="has unsubscribed", zero="has not unsubscribed", missing="no subscription known"
    ),
    "rating_mean_365d": Wording(says="gives {} stars on average", missing="no rating in 365 days"),
    "rating_last": Wording(
        says="{} stars in the last rating", one="1 star in the last rating", missing="no rating"
    ),
    "reviews_365d": _count("review", "reviews", "in 365 days"),
    "days_since_review": Wording(says="last review {} ago", missing="no review known", unit="days"),
}


def wording_of(column: str) -> Wording:
    """The words of a feature; of one without its own, its name and value."""
    return WORDING.get(column, Wording(says=f"{column} is {{}}", missing=f"{column} is unknown"))
