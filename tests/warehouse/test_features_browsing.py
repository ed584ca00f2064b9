"""Ann's visits, worked out by hand (the facts are in shop_facts)."""

from typing import Any, Protocol

import pandas as pd
import pytest


class World(Protocol):
    """A built warehouse, see conftest."""

    def read(self, sql: str) -> pd.DataFrame: ...


def features(shop: World, customer: str, day: str) -> dict[str, Any]:
    rows = shop.read(
        "select * from features.feat_customer__browsing"
        f" where customer_id = '{customer}' and as_of_date = '{day}'"
    )
    return dict(rows.iloc[0]) if len(rows) else {}


def test_nobody_has_visits_before_the_first_known_visit_of_a_customer(shop: World) -> None:
    # Bob's of 20 March; ordered had all three of them before the 18th.
    assert features(shop, "ann", "2024-03-18") == {}
    assert features(shop, "ann", "2024-03-25")["sessions_90d"] == 0
    assert features(shop, "bob", "2024-03-25")["sessions_90d"] == 1


def test_visits_of_a_device_that_was_nobodys_yet_are_not_known(shop: World) -> None:
    # Three sessions on Ann's phone lie before 1 April; she logs in on 2 April.
    ann = features(shop, "ann", "2024-04-01")

    assert (ann["sessions_30d"], ann["carts_30d"], ann["visit_days_30d"]) == (0, 0, 0)
    assert pd.isna([ann["days_since_visit"], ann["visits_trend"], ann["newest_known_at"]]).all()


def test_an_identified_visitor_brings_the_earlier_visits_along(shop: World) -> None:
    ann = features(shop, "ann", "2024-04-08")

    expected = {
        "sessions_7d": 2,  # phone on 2 April, laptop on 7 April
        "sessions_30d": 5,  # and on the phone 25 March, 28 March 21:00 and, 35 minutes later, 21:45
        "sessions_90d": 5,
        "product_views_7d": 0,
        "product_views_30d": 2,
        "searches_30d": 1,
        "visit_days_30d": 4,  # 25 and 28 March, 2 and 7 April
        "carts_30d": 2,
        "abandoned_carts_30d": 2,  # the laptop's was paid for five minutes after this midnight
        "days_since_visit": 1,
        "visits_trend": 3,  # 5 / (5 / 3)
        "mobile_share_90d": 0.8,  # 4 of 5
    }
    assert {name: ann[name] for name in expected} == pytest.approx(expected)
    assert ann["newest_known_at"] == pd.Timestamp("2024-04-07 23:50")


def test_a_cart_paid_for_after_midnight_is_not_abandoned_a_week_later(shop: World) -> None:
    ann = features(shop, "ann", "2024-04-15")

    assert (ann["carts_30d"], ann["abandoned_carts_30d"], ann["days_since_visit"]) == (2, 1, 7)


def test_visits_without_a_customer_stay_in_the_mart(shop: World) -> None:
    events = shop.read(
        "select (select count(*) from marts.fct_event) as kept, (select count(*) from raw.events) as landed,"
        " (select count(*) from marts.fct_event where customer_id is null) as anonymous,"
        " (select cast(sum(events) as bigint) from marts.fct_session) as in_sessions"
    ).iloc[0]

    assert events["kept"] == events["landed"] == events["in_sessions"]
    assert events["anonymous"] > 0
