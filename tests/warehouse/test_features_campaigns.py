"""Ann's answers to messages and her reviews, worked out by hand (the facts are in shop_facts)."""

from typing import Any, Protocol

import pandas as pd
import pytest


class World(Protocol):
    """A built warehouse, see conftest."""

    def read(self, sql: str) -> pd.DataFrame: ...


def features(shop: World, theme: str, customer: str, day: str) -> dict[str, Any]:
    rows = shop.read(
        f"select * from features.feat_customer__{theme}"
        f" where customer_id = '{customer}' and as_of_date = '{day}'"
    )
    return dict(rows.iloc[0]) if len(rows) else {}


def test_answers_count_from_the_moment_they_happened(shop: World) -> None:
    # Ann's second message, of 5 April, is opened as Monday the 8th begins; on the 9th she unsubscribes.
    monday, week_after = (features(shop, "campaigns", "ann", day) for day in ("2024-04-08", "2024-04-15"))

    expected = {
        "sends_90d": 2, "opens_90d": 1, "clicks_90d": 1, "open_rate_180d": 0.5, "click_rate_180d": 0.5,
        "days_since_click": 18, "is_unsubscribed": 0,  # clicked on 21 March
    }  # fmt: skip
    assert {name: monday[name] for name in expected} == pytest.approx(expected)
    assert monday["newest_known_at"] == pd.Timestamp("2024-04-05 09:00")
    assert (week_after["opens_90d"], week_after["open_rate_180d"]) == (2, 1)
    assert (week_after["is_unsubscribed"], week_after["days_since_click"]) == (1, 25)
    assert week_after["newest_known_at"] == pd.Timestamp("2024-04-09 08:00")


def test_customers_in_the_control_group_have_no_message(shop: World) -> None:
    bob = features(shop, "campaigns", "bob", "2024-04-08")

    assert (bob["sends_90d"], bob["opens_90d"], bob["is_unsubscribed"]) == (0, 0, 0)
    assert pd.isna([bob["open_rate_180d"], bob["days_since_click"], bob["newest_known_at"]]).all()


def test_reviews_count_from_the_moment_they_were_written(shop: World) -> None:
    # Five stars on 19 March, none on the 30th, two as Monday 8 April begins.
    monday, week_after = (features(shop, "reviews", "ann", day) for day in ("2024-04-08", "2024-04-15"))

    names = ["reviews_365d", "rating_mean_365d", "rating_last", "days_since_review"]
    assert [monday[name] for name in names] == [2, 5, 5, 9]
    assert [week_after[name] for name in names] == [3, 3.5, 2, 7]
    assert features(shop, "reviews", "bob", "2024-04-08")["reviews_365d"] == 0


@pytest.mark.parametrize("theme", ["campaigns", "reviews"])
def test_a_business_that_had_not_begun_has_no_rows(shop: World, theme: str) -> None:
    # The first message and the first review of a customer are of 19 March; somebody's of the 1st is nobody's.
    assert features(shop, theme, "ann", "2024-03-18") == {}
    assert features(shop, theme, "ann", "2024-03-25") != {}


def test_what_was_spent_and_granted_stays_what_was_delivered(shop: World) -> None:
    spend = shop.read("select sum(cost_amount) as cost, sum(clicks) as clicks from marts.fct_ad_spend_daily")
    consents = shop.read(
        "select purpose, is_granted from marts.fct_consent where customer_id = 'ann'"
        " and valid_from <= '2024-04-15' and (valid_to is null or valid_to > '2024-04-15')"
    )
    leads = shop.read("select lead_id from marts.fct_lead where is_won")

    assert tuple(spend.loc[0]) == (9.5, 20)
    assert consents.to_dict("records") == [{"purpose": "advertising", "is_granted": False}]
    assert list(leads["lead_id"]) == ["l1"]
