"""Recorded events agree with visitors, orders and interest."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from assets.sample_shop.browsing.events import events_of, visitors_of
from assets.sample_shop.browsing.sessions import SimulatedDays
from assets.sample_shop.browsing.visits import visits_of
from assets.sample_shop.world.products import CATEGORIES
from assets.sample_shop.world.shop import Shop

COUNT, OLD = 2_000, 1_500
SHOP = Shop(customers=COUNT, first_day=date(2023, 1, 2), last_day=date(2023, 3, 26), seed=1)
DAYS = range(SHOP.day_count)
FIRST_MIDNIGHT = pd.Timestamp(SHOP.first_day)
VISITS_PER_DAY = 0.03


def customers() -> pd.DataFrame:
    """1,500 customers from before the first day, every fifth of them stopped, and 500 later sign-ups."""
    rng = np.random.default_rng(1)
    number = np.arange(COUNT)
    return pd.DataFrame(
        {
            "customer_id": [f"C{one:04d}" for one in number],
            "signed_up_day": np.r_[
                np.full(OLD, -200), np.sort(rng.integers(SHOP.day_count, size=COUNT - OLD))
            ],
            "signed_up_second": 7 * 3600,
            "lifetime": np.where((number < OLD) & (number % 5 == 0), 50.0, 1e5),
            "favourite": number % len(CATEGORIES),
            "country": np.where(number % 4 == 0, "France", "Ireland"),
            "acquisition_channel": np.where(number % 2 == 0, "social", "direct"),
            "visit_rate": VISITS_PER_DAY,
        }
    )


def products() -> pd.DataFrame:
    """Five products per category, one of which is launched on day 40."""
    number = np.arange(5 * len(CATEGORIES))
    return pd.DataFrame(
        {
            "product_id": [f"P{one}" for one in number],
            "category": np.array(CATEGORIES)[number % len(CATEGORIES)],
            "popularity": 1.0 / len(number),
            "launched_day": np.where(number < len(CATEGORIES), 40, -100),
        }
    )


def orders() -> pd.DataFrame:
    """900 orders of old customers, 100 first orders; every tenth a guest's, one just after midnight."""
    rng = np.random.default_rng(2)
    number = np.arange(1_000)
    customer = np.r_[rng.integers(OLD, size=900), np.arange(OLD, OLD + 100)]
    signed_up = customers()["signed_up_day"].to_numpy()[customer]
    day = np.where(customer < OLD, rng.integers(SHOP.day_count, size=len(number)), signed_up)
    second = np.where(number == 0, 30, rng.integers(8 * 3600, 21 * 3600, size=len(number)))
    return pd.DataFrame(
        {
            "order_id": (500_000 + number).astype(str),
            "customer": np.where(number % 10 == 0, -1, customer),
            "day": day,
            "ordered_at": FIRST_MIDNIGHT + pd.to_timedelta(day * 86_400 + second, unit="s"),
            "channel": np.array(["web", "app", "phone", "web"])[number % 4],
        }
    )


@pytest.fixture(scope="module")
def world() -> SimulatedDays:
    rng = np.random.default_rng(3)
    placed, catalogue = orders(), products()
    order = np.repeat(np.arange(len(placed)), 3)
    # One product of each line is on sale all the time.
    product = rng.integers(len(CATEGORIES), len(catalogue), size=len(order))
    day = rng.integers(70, size=400)
    clicked = np.where(np.arange(400) % 2 == 0, rng.integers(60, 5 * 86_400, size=400), np.nan)
    return SimulatedDays(
        customers=customers(),
        # Interest is constant, so that two weeks of visits belong to one state.
        interest=np.repeat(np.arange(COUNT)[:, None] % 4 == 0, SHOP.weeks, axis=1),
        orders=placed,
        lines=pd.DataFrame({"order": order, "product": product}),
        products=catalogue,
        sends=pd.DataFrame(
            {
                "campaign_id": "M1001",
                "customer": rng.integers(OLD, size=400),
                "day": day,
                "second": 9 * 3600,
                "clicked_second": clicked,
            }
        ),
    )


@pytest.fixture(scope="module")
def visitors() -> pd.DataFrame:
    return visitors_of(SHOP, customers(), np.random.default_rng(4))


@pytest.fixture(scope="module")
def events(world: SimulatedDays, visitors: pd.DataFrame) -> pd.DataFrame:
    """Events with the device on which they occurred."""
    events = events_of(SHOP, visitors, DAYS, world=world, rng=np.random.default_rng(5))
    devices = visitors[["visitor_id", "customer", "first_day", "identified_day"]]
    return events.merge(devices, on="visitor_id", validate="many_to_one")


def test_a_third_of_the_devices_belong_to_nobody_who_signs_up(visitors: pd.DataFrame) -> None:
    # One stranger for two known devices, rounded.
    assert (visitors["customer"] < 0).mean() == pytest.approx(1 / 3, abs=1e-3)
    assert visitors["visitor_id"].is_unique


def test_some_customers_have_a_second_device_later(visitors: pd.DataFrame) -> None:
    known = visitors[visitors["customer"] >= 0]
    first, second = known[~known.duplicated("customer")], known[known.duplicated("customer")]
    assert len(first) == COUNT
    signed_up = customers()["signed_up_day"].to_numpy()
    assert (first["identified_day"].to_numpy() == signed_up[first["customer"]]).all()
    assert (first["first_day"] <= first["identified_day"]).all()
    assert (second["first_day"].to_numpy() > signed_up[second["customer"]]).all()
    # A quarter takes one up, after 120 days on average: of those who signed up 200 days before the first day
    # 1 - exp(-283 / 120) = 90.5 % by the last: 22.6 %, standard error sqrt(0.226 * 0.774 / 1,500) = 1.1 %.
    old = (second["customer"] < OLD).sum() / OLD
    assert abs(old - 0.226) < 4 * 0.011


def test_events_lie_in_the_days_asked_for_in_order(events: pd.DataFrame) -> None:
    assert events["occurred_at"].is_monotonic_increasing
    day = (events["occurred_at"].dt.normalize() - FIRST_MIDNIGHT).dt.days
    assert (day == events["day"]).all()
    assert day.between(0, DAYS.stop - 1).all()
    assert (events["occurred_at"] == events["occurred_at"].dt.floor("s")).all()


def test_a_month_at_a_time_is_a_part_of_the_whole(world: SimulatedDays, visitors: pd.DataFrame) -> None:
    days = range(31, 59)
    placed = world.orders[world.orders["day"].between(31, 58)]
    lines = world.lines[world.lines["order"].isin(placed.index)]
    february = replace(
        world,
        orders=placed.reset_index(drop=True),
        lines=lines.assign(order=np.searchsorted(placed.index, lines["order"])),
    )
    events = events_of(SHOP, visitors, days, world=february, rng=np.random.default_rng(6))
    assert events["day"].between(31, 58).all()
    assert (events["event_type"] == "purchase").sum() == (placed["channel"] != "phone").sum()


def test_nothing_happens_on_a_device_before_its_first_day(events: pd.DataFrame) -> None:
    assert (events["day"] >= events["first_day"]).all()


def test_events_name_the_customer_from_identification_on_and_never_before(events: pd.DataFrame) -> None:
    known = (events["customer"] >= 0) & (events["day"] >= events["identified_day"])
    ids = customers()["customer_id"].to_numpy()
    assert (events.loc[known, "customer_id"].to_numpy() == ids[events.loc[known, "customer"]]).all()
    assert events.loc[~known, "customer_id"].isna().all()
    # Some are seen before they are known.
    assert ((events["customer"] >= 0) & ~known).sum() > 200


def test_a_device_keeps_its_kind_and_country(events: pd.DataFrame) -> None:
    assert events.groupby("visitor_id")[["device", "country"]].nunique().max(axis=None) == 1
    of_customers = events[events["customer"] >= 0]
    home = customers()["country"].to_numpy()[of_customers["customer"]]
    assert (of_customers["country"] == home).all()


def test_purchases_are_the_orders_that_were_not_placed_by_phone(
    events: pd.DataFrame, world: SimulatedDays
) -> None:
    bought = events.loc[events["event_type"] == "purchase", ["occurred_at", "customer_id"]]
    online = world.orders[world.orders["channel"] != "phone"]
    ids = np.array([*world.customers["customer_id"], None], dtype=object)
    placed = pd.DataFrame({"occurred_at": online["ordered_at"], "customer_id": ids[online["customer"]]})
    columns = ["occurred_at", "customer_id"]
    left, right = (rows.fillna("guest").sort_values(columns) for rows in (bought, placed))
    assert left.astype(str).to_numpy().tolist() == right.astype(str).to_numpy().tolist()
    assert bought["customer_id"].isna().sum() == (online["customer"] < 0).sum() > 0


def test_guests_order_on_devices_of_strangers(events: pd.DataFrame) -> None:
    bought = events[events["event_type"] == "purchase"]
    assert (bought.loc[bought["customer_id"].isna(), "customer"] == -1).all()


def test_before_a_purchase_come_the_cart_and_the_checkout(events: pd.DataFrame, world: SimulatedDays) -> None:
    online = world.orders[(world.orders["channel"] != "phone") & (world.orders.index > 0)]
    carts = events[events["event_type"] == "add_to_cart"].set_index("product_id")
    checkouts = events[events["event_type"] == "checkout"]
    lines = world.lines.groupby("order")["product"]
    for order in online.index[:15]:
        end = online.loc[order, "ordered_at"]
        start = end - pd.Timedelta(minutes=20)
        buyers = events.loc[
            (events["event_type"] == "purchase") & (events["occurred_at"] == end), "visitor_id"
        ]
        assert (checkouts["occurred_at"].between(start, end) & checkouts["visitor_id"].isin(buyers)).any()
        for product in lines.get_group(order):
            filled = carts.loc[[f"P{product}"]]
            assert (filled["occurred_at"].between(start, end) & filled["visitor_id"].isin(buyers)).any()


def test_some_fill_a_cart_and_leave(events: pd.DataFrame) -> None:
    counts = events["event_type"].value_counts()
    in_orders = 3 * counts["purchase"]
    # 8 % of the other product views; those before orders are 90 % of the ordered products, and some more.
    left_behind = counts["add_to_cart"] - in_orders
    assert left_behind > 100
    assert counts["checkout"] > counts["purchase"]


def test_products_are_seen_after_their_launch_only(events: pd.DataFrame, world: SimulatedDays) -> None:
    launched = world.products.set_index("product_id")["launched_day"]
    seen = events[events["product_id"].notna()]
    assert (seen["day"] >= seen["product_id"].map(launched)).all()
    new = seen["product_id"].map(launched) == 40
    assert new.sum() > 50
    assert (seen["event_type"].isin(["product_view", "add_to_cart"])).all()


def test_the_favourite_category_is_looked_at_most(events: pd.DataFrame, world: SimulatedDays) -> None:
    category = world.products.set_index("product_id")["category"]
    seen = events[(events["event_type"] == "product_view") & (events["customer"] >= 0)]
    favourite = np.array(CATEGORIES)[world.customers["favourite"].to_numpy()[seen["customer"]]]
    # 60 % of the views and an eighth of the others, 65 %, less what is ordered here whatever the taste.
    assert (seen["product_id"].map(category) == favourite).mean() > 0.4


def test_the_visits_of_the_day_of_sign_up_come_by_the_acquisition_channel(
    events: pd.DataFrame, world: SimulatedDays
) -> None:
    signed_up = world.customers["signed_up_day"].to_numpy()
    at_sign_up = events[(events["customer"] >= OLD) & (events["day"] == events["identified_day"])]
    at_sign_up = at_sign_up[signed_up[at_sign_up["customer"]] == at_sign_up["day"]]
    at_sign_up = at_sign_up[at_sign_up["campaign_id"].isna()]
    assert at_sign_up["customer"].nunique() == COUNT - OLD
    even = at_sign_up["customer"] % 2 == 0
    assert (at_sign_up.loc[even, "utm_source"] == "social").all()
    assert at_sign_up.loc[~even, "utm_source"].isna().all()


def test_clicks_in_messages_begin_visits_that_carry_the_campaign(
    events: pd.DataFrame, world: SimulatedDays
) -> None:
    clicked = world.sends[world.sends["clicked_second"].notna()]
    at = FIRST_MIDNIGHT + pd.to_timedelta(
        clicked["day"] * 86_400 + clicked["second"] + clicked["clicked_second"], unit="s"
    )
    from_campaign = events[events["campaign_id"].notna()]
    assert set(at) <= set(from_campaign["occurred_at"])
    assert set(from_campaign["campaign_id"]) == {"M1001"}
    assert set(from_campaign["utm_medium"]) == {"email"}
    others = events[events["campaign_id"].isna()]
    # Nobody here was acquired by the newsletter.
    assert set(others["utm_medium"].dropna()) == {"organic", "paid_social"}


@pytest.fixture(scope="module")
def quiet(world: SimulatedDays) -> SimulatedDays:
    return replace(world, orders=world.orders[:0], lines=world.lines[:0], sends=world.sends[:0])


@pytest.fixture(scope="module")
def main_devices(visitors: pd.DataFrame) -> pd.DataFrame:
    return visitors[~visitors["customer"].duplicated() | (visitors["customer"] < 0)].reset_index(drop=True)


@pytest.fixture(scope="module")
def returning_visits(quiet: SimulatedDays, main_devices: pd.DataFrame) -> pd.Series:
    """Visits of each old customer in the twelve weeks, without orders, messages and second devices."""
    visits = visits_of(SHOP, main_devices, DAYS, world=quiet, rng=np.random.default_rng(7))
    customer = main_devices["customer"].to_numpy()[visits["visitor"]]
    return pd.Series(customer).value_counts().reindex(range(OLD), fill_value=0)


def test_customers_come_as_often_as_stated(returning_visits: pd.Series) -> None:
    number = np.arange(OLD)
    is_alive, keen = number % 5 != 0, number % 4 == 0
    # Twelve weeks are 84 ordinary days of 0.03 visits: 2.52. 900 of the 1,200 living are not interested:
    # 0.4 * 2.52 * 900 = 907.2; 300 are: 2.8 * 2.52 * 300 = 2,116.8; 300 have stopped: 0.05 * 2.52 * 300 =
    # 37.8. Sums of Poisson counts: the standard error is the root.
    for who, expected in (
        (is_alive & ~keen, 907.2),
        (is_alive & keen, 2_116.8),
        (~is_alive, 37.8),
    ):
        assert abs(returning_visits[who].sum() - expected) < 4 * np.sqrt(expected)


def test_the_interested_look_longer(
    quiet: SimulatedDays, main_devices: pd.DataFrame, returning_visits: pd.Series
) -> None:
    # Equal seeds give equal visits. Each opens a page, then takes 4.6 steps on average with interest
    # and 2.2 without (carts aside): errors sqrt(4.6 / 2,117) = 0.05 and sqrt(2.2 / 907) = 0.05.
    events = events_of(SHOP, main_devices, DAYS, world=quiet, rng=np.random.default_rng(7))
    looked = events[events["event_type"].isin(["page_view", "search", "product_view"])]
    number = np.arange(OLD)
    seen = looked["customer_id"].value_counts().reindex(quiet.customers["customer_id"][:OLD], fill_value=0)
    for who, expected in ((number % 4 == 0, 5.6), (number % 4 != 0, 3.2)):
        who = who & (number % 5 != 0)
        assert abs(seen[who].sum() / returning_visits[who].sum() - expected) < 4 * 0.05


def test_mondays_are_busier_than_saturdays(quiet: SimulatedDays, visitors: pd.DataFrame) -> None:
    visits = visits_of(SHOP, visitors, DAYS, world=quiet, rng=np.random.default_rng(8))
    returning = visits[(visits["liked"] >= 0) & (visits["steps"] != 2.0)]
    by_weekday = returning["day"].mod(7).value_counts()
    # 1.25 against 0.65 of about 475 visits a weekday: ratio 1.92, standard error 1.92 * sqrt(1/590 + 1/310)
    # = 0.13.
    assert abs(by_weekday[0] / by_weekday[5] - 1.25 / 0.65) < 4 * 0.13


def test_visits_of_two_weeks_correlate_with_interest(events: pd.DataFrame, world: SimulatedDays) -> None:
    # At 0.03 visits a day the mean of two weeks is 0.17 without and 1.18 with interest; a quarter is
    # interested, so the visits' variance is 0.42 within and 0.25 * 0.75 * 1.01^2 = 0.19 between: correlation
    # sqrt(0.19 / 0.61) = 0.56. Counted in pages, and with visits for orders, clicks and none, it is less.
    looked = events[events["event_type"].isin(["page_view", "search"]) & (events["day"] >= DAYS.stop - 14)]
    counts = looked["customer"].value_counts().reindex(range(OLD), fill_value=0)
    is_alive = np.arange(OLD) % 5 != 0
    interested = world.interest[:OLD, -1]
    assert np.corrcoef(counts[is_alive], interested[is_alive])[0, 1] > 0.35


def test_equal_seeds_give_equal_events(world: SimulatedDays, visitors: pd.DataFrame) -> None:
    first, again, other = (
        events_of(SHOP, visitors, DAYS[:28], world=world, rng=np.random.default_rng(seed))
        for seed in (5, 5, 6)
    )
    assert first.equals(again)
    assert not first.equals(other)
    assert visitors.equals(visitors_of(SHOP, customers(), np.random.default_rng(4)))
