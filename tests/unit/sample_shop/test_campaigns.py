"""Messages reach a random share of the permitted customers, and reactions have the stated rates."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from assets.sample_shop.messages.campaigns import campaigns_of, sends_of
from assets.sample_shop.messages.consents import consents_of
from assets.sample_shop.world.shop import Shop

COUNT = 6_000
SHOP = Shop(customers=COUNT, first_day=date(2023, 1, 2), last_day=date(2023, 12, 31), seed=5)
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": [f"C{number:05d}" for number in range(COUNT)],
        "signed_up_day": np.sort(np.random.default_rng(1).integers(-365, SHOP.day_count, size=COUNT)),
        "signed_up_second": 5 * 3600,
        # Every fifth stopped before the first day.
        "lifetime": np.where(np.arange(COUNT) % 5 == 0, 0.0, 1e5),
    }
)
REACTIONS = ["opened_second", "clicked_second", "unsubscribed_second"]


@pytest.fixture(scope="module")
def sends() -> pd.DataFrame:
    sends = sends_of(SHOP, CUSTOMERS, np.random.default_rng(2))
    return sends.assign(at=sends["day"] * 86_400 + sends["second"])


def to_living_customers(sends: pd.DataFrame) -> pd.DataFrame:
    treated = sends[sends["arm"] == "treated"]
    return treated[CUSTOMERS["lifetime"].to_numpy()[treated["customer"]] > 0]


def standard_error(rate: float, customers: pd.Series, *, variance: float) -> float:
    """Standard error of the mean of events with ``rate`` times a customer factor (mean 1, ``variance``)."""
    share = customers.value_counts(normalize=True)
    return float(np.sqrt(rate**2 * variance * (share**2).sum() + rate * (1 - rate) / len(customers)))


def test_there_is_a_campaign_every_other_week_and_for_the_seasons() -> None:
    # 3 January 2023 is a Tuesday; of the 26 second Tuesdays from it on none is a holiday; six seasons.
    campaigns = campaigns_of(SHOP)
    assert len(campaigns) == 32
    assert campaigns["campaign_id"].is_unique
    assert campaigns["started_day"].is_monotonic_increasing
    assert (campaigns["ended_day"] >= campaigns["started_day"]).all()
    assert campaigns["ended_day"].max() < SHOP.day_count
    black_friday = campaigns.loc[campaigns["title"] == "Black Friday week", "started_day"].item()
    assert SHOP.days[black_friday] == pd.Timestamp(2023, 11, 20)


def test_a_shop_of_one_day_sends_nothing() -> None:
    monday = Shop(customers=COUNT, first_day=SHOP.first_day, last_day=SHOP.first_day)
    assert campaigns_of(monday).empty
    assert sends_of(monday, CUSTOMERS, np.random.default_rng(2)).empty


def test_each_send_belongs_to_a_campaign_of_its_day(sends: pd.DataFrame) -> None:
    started = campaigns_of(SHOP).set_index("campaign_id")["started_day"]
    assert (sends["campaign_id"].map(started) == sends["day"]).all()
    assert not sends.duplicated(["campaign_id", "customer"]).any()


def test_nobody_is_written_to_before_sign_up(sends: pd.DataFrame) -> None:
    assert (CUSTOMERS["signed_up_day"].to_numpy()[sends["customer"]] < sends["day"]).all()


def test_nobody_is_written_to_without_consent(sends: pd.DataFrame) -> None:
    consents = consents_of(SHOP, CUSTOMERS, np.random.default_rng(9))
    asked = consents[consents["purpose"] == "advertising"]
    written = pd.DataFrame(
        {
            "customer_id": CUSTOMERS["customer_id"].to_numpy()[sends["customer"]],
            "sent_at": pd.Timestamp(SHOP.first_day) + pd.to_timedelta(sends["at"], unit="s"),
        }
    )
    last_answer = pd.merge_asof(
        written.sort_values("sent_at"), asked, left_on="sent_at", right_on="recorded_at", by="customer_id"
    )
    assert last_answer["is_granted"].notna().all()
    assert last_answer["is_granted"].astype(bool).all()


def test_nobody_is_written_to_after_unsubscribing(sends: pd.DataFrame) -> None:
    left_at = (sends["at"] + sends["unsubscribed_second"]).groupby(sends["customer"]).min()
    assert left_at.notna().sum() > 30
    assert not (sends["at"] > sends["customer"].map(left_at)).any()


def test_the_control_arm_gets_nothing_to_open(sends: pd.DataFrame) -> None:
    control = sends[sends["arm"] == "control"]
    assert control[REACTIONS].isna().all(axis=None)
    # A fifth: standard error sqrt(0.2 * 0.8 / n).
    error = np.sqrt(0.2 * 0.8 / len(sends))
    assert abs(len(control) / len(sends) - 0.2) < 4 * error


def test_a_click_follows_an_opening(sends: pd.DataFrame) -> None:
    for later in ("clicked_second", "unsubscribed_second"):
        done = sends[sends[later].notna()]
        assert len(done) > 30
        assert (done[later] > done["opened_second"]).all()
    assert sends["opened_second"].min() > 0


def test_reactions_after_the_last_day_are_left_out() -> None:
    # The one campaign of 3 January goes out between 9 and 10 o'clock; half of the openers take two hours.
    shop = replace(SHOP, last_day=date(2023, 1, 3))
    sends = sends_of(shop, CUSTOMERS, np.random.default_rng(2))
    reacted_at = sends[REACTIONS].to_numpy() + sends[["second"]].to_numpy()
    assert np.isfinite(reacted_at[:, 0]).sum() > 50
    assert np.nanmax(reacted_at) < 86_400
    # Some open in the last hours of the day.
    assert np.nanmax(reacted_at) > 20 * 3600


@pytest.mark.parametrize(("variant", "expected"), [("A", 0.28), ("B", 0.36)])
def test_subject_lines_have_their_stated_open_rates(
    sends: pd.DataFrame, variant: str, expected: float
) -> None:
    # Habits are twice a beta(2, 2): mean 1, variance 4 * 0.05 = 0.2. The last week's messages, of which some
    # are opened too late, are left out.
    seen = to_living_customers(sends)
    seen = seen[(seen["variant"] == variant) & (seen["day"] < SHOP.day_count - 7)]
    error = standard_error(expected, seen["customer"], variance=0.2)
    assert error < 0.007
    assert abs(seen["opened_second"].notna().mean() - expected) < 4 * error


def test_one_in_six_openers_clicks_and_one_in_eighty_leaves(sends: pd.DataFrame) -> None:
    opened = to_living_customers(sends)
    opened = opened[opened["opened_second"].notna() & (opened["day"] < SHOP.day_count - 7)]
    # Habits of clicking are twice a beta(1.5, 1.5): variance 4 * 0.0625 = 0.25; leaving is all the same.
    clicking = standard_error(0.16, opened["customer"], variance=0.25)
    leaving = standard_error(0.012, opened["customer"], variance=0.0)
    assert clicking < 0.008
    assert abs(opened["clicked_second"].notna().mean() - 0.16) < 4 * clicking
    assert abs(opened["unsubscribed_second"].notna().mean() - 0.012) < 4 * leaving


def test_open_rates_differ_between_customers(sends: pd.DataFrame) -> None:
    # Two halves of the messages of the same customers: equal factors would leave no correlation.
    treated = to_living_customers(sends)
    odd = treated["campaign_id"].str[-1].astype(int) % 2 == 1
    opened = treated["opened_second"].notna()
    halves = [opened[half].groupby(treated["customer"]).mean() for half in (odd, ~odd)]
    assert halves[0].corr(halves[1]) > 0.1


def test_those_who_have_stopped_open_less(sends: pd.DataFrame) -> None:
    treated = sends[(sends["arm"] == "treated") & (sends["day"] < SHOP.day_count - 7)]
    stopped = CUSTOMERS["lifetime"].to_numpy()[treated["customer"]] == 0
    # 0.35 of the mean rate, 0.32, is 0.112.
    error = standard_error(0.112, treated["customer"][stopped], variance=0.2)
    assert error < 0.006
    assert abs(treated["opened_second"].notna()[stopped].mean() - 0.112) < 4 * error


def test_equal_seeds_give_equal_messages(sends: pd.DataFrame) -> None:
    again = sends_of(SHOP, CUSTOMERS, np.random.default_rng(2))
    pd.testing.assert_frame_equal(again, sends.drop(columns="at"))
    other = sends_of(SHOP, CUSTOMERS, np.random.default_rng(3))
    assert len(other) != len(again) or not (other["customer"] == again["customer"]).all()
