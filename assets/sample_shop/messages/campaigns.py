"""E-mail campaigns, their recipients, and the recipients' reactions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from assets.sample_shop.messages.consents import ADVERTISING, DAY_SECONDS, answers_to
from assets.sample_shop.world.shop import DAYS_PER_WEEK, Bools, Floats, Ints, Shop, is_open

CHANNEL = "email"
TUESDAY, DAYS_BETWEEN, DAYS_OPEN = 1, 14, 6
THEMES = ("the kitchen", "the garden", "letters", "playing", "light", "the bedroom", "quiet evenings")
# Title, month and day of the seasonal campaigns, each of two weeks.
SEASONAL = (
    ("Valentine's gifts", 2, 5),
    ("A table for Easter", 3, 14),
    ("Summer sale", 6, 27),
    ("Back to school", 8, 23),
    ("Black Friday week", 11, 20),
    ("Gifts under the tree", 12, 6),
)
SEASONAL_DAYS_OPEN = 13
REACH, SEASONAL_REACH = 0.30, 0.60

CONTROL_SHARE = 0.20
OPEN_RATES: Mapping[str, float] = {"A": 0.28, "B": 0.36}
CLICK_RATE = 0.16
# Share of openers: only an opened message shows the link to unsubscribe.
UNSUBSCRIBE_RATE = 0.012
# Factor on the open rate of customers who have stopped.
LOST_INTEREST = 0.35
SENT_FROM_SECOND, SENDING_SECONDS = 9 * 3600, 3600
LAST_SENT_SECOND = SENT_FROM_SECOND + SENDING_SECONDS
# Half of the openers open within two hours, few after days.
MEDIAN_WAIT_SECONDS, WAIT_SPREAD, LONGEST_WAIT_SECONDS = 7200.0, 1.2, 5 * DAY_SECONDS
READING_SECONDS = 120
REACTIONS = ("opened_second", "clicked_second", "unsubscribed_second")
TREATED, CONTROL = "treated", "control"
NOBODY: Ints = np.empty(0, dtype=np.int64)


class _Campaign(NamedTuple):
    """A message sent on ``day`` to a share ``reach`` of the reachable customers, valid for ``days_open``."""

    day: int
    title: str
    days_open: int
    reach: float
    campaign_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Habits:
    """Factors on the open and click rates of each customer, both of shape (customers,), in [0, 2]."""

    opens: Floats
    clicks: Floats


def campaigns_of(shop: Shop) -> pd.DataFrame:
    """Return the shop's e-mail campaigns, oldest first: one every second Tuesday, and the seasonal ones.

    Returns:
        campaign_id, title, channel, started_day and ended_day (0 is the shop's first day; both lie
        inside the shop's days).
    """
    plan = pd.DataFrame(_plan(shop), columns=_Campaign._fields).astype(
        {"day": np.int64, "days_open": np.int64}
    )
    ended = np.minimum(plan["day"] + plan["days_open"], shop.day_count - 1)
    columns = ["campaign_id", "title", "channel", "started_day", "ended_day"]
    return plan.rename(columns={"day": "started_day"}).assign(channel=CHANNEL, ended_day=ended)[columns]


def _plan(shop: Shop) -> list[_Campaign]:
    days = shop.days
    tuesdays = np.arange((TUESDAY - shop.first_day.weekday()) % DAYS_PER_WEEK, shop.day_count, DAYS_BETWEEN)
    regular = [
        _Campaign(int(day), f"Ideas for {THEMES[number % len(THEMES)]}", DAYS_OPEN, REACH)
        for number, day in enumerate(tuesdays[is_open(days[tuesdays])])
    ]
    seasonal = [
        _Campaign(int(day), title, SEASONAL_DAYS_OPEN, SEASONAL_REACH)
        for title, month, day_of_month in SEASONAL
        for day in np.flatnonzero((days.month == month) & (days.day == day_of_month))
    ]
    campaigns = sorted(regular + seasonal)
    return [each._replace(campaign_id=f"M{number}") for number, each in enumerate(campaigns, start=1001)]


def sends_of(shop: Shop, customers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Simulate recipients and reactions of each campaign, oldest first.

    A random share of the customers who have signed up, allow advertising and have not unsubscribed is
    chosen; a random fifth of the chosen is the control arm and gets no message. The subject line (variant)
    is random too. A recipient opens with the variant's rate times an individual factor (mean 1, at most
    2), and clicks with ``CLICK_RATE`` times another one.

    Args:
        shop: The shop.
        customers: As ``customers_of`` returns them.
        rng: Random generator.

    Returns:
        campaign_id, customer (row of ``customers``), day, second (of day), channel, variant (A, B), arm
        (treated, control); opened_second, clicked_second, unsubscribed_second: whole seconds after
        sending, nan when it did not happen or only after the shop's last day.
    """
    count = len(customers)
    # Twice a beta with mean 1/2: the mean rate stays as stated, and no rate exceeds 1.
    habits = _Habits(opens=2.0 * rng.beta(2.0, 2.0, count), clicks=2.0 * rng.beta(1.5, 1.5, count))
    allowed = answers_to(ADVERTISING, shop, customers)
    signed_up = customers["signed_up_day"].to_numpy()
    left_at: Floats = np.full(count, np.inf)
    sent = [_messages(NOBODY, customers, habits=habits, day=0, rng=rng).assign(campaign_id="")]
    for campaign in _plan(shop):
        day = campaign.day
        reachable = np.flatnonzero(
            (signed_up < day)
            & allowed.granted_throughout(day)
            & (left_at > day * DAY_SECONDS + LAST_SENT_SECOND)
        )
        chosen = reachable[rng.random(len(reachable)) < campaign.reach]
        messages = _messages(chosen, customers, habits=habits, day=day, rng=rng)
        left = messages[messages["unsubscribed_second"].notna()]
        left_at[left["customer"]] = left["day"] * DAY_SECONDS + left["second"] + left["unsubscribed_second"]
        sent.append(messages.assign(campaign_id=campaign.campaign_id))
    return _known_by_the_end(pd.concat(sent, ignore_index=True), shop)


def _messages(
    chosen: Ints, customers: pd.DataFrame, *, habits: _Habits, day: int, rng: np.random.Generator
) -> pd.DataFrame:
    """One row per chosen customer with the reactions to the message; none in the control arm."""
    count = len(chosen)
    variant = rng.integers(2, size=count)
    is_treated = rng.random(count) >= CONTROL_SHARE
    opens = np.array(list(OPEN_RATES.values()))[variant] * habits.opens[chosen]
    opens *= np.where(_has_stopped(customers.iloc[chosen], day), LOST_INTEREST, 1.0)
    opened = is_treated & (rng.random(count) < opens)
    clicked = opened & (rng.random(count) < CLICK_RATE * habits.clicks[chosen])
    left = opened & (rng.random(count) < UNSUBSCRIBE_RATE)
    wait = np.exp(np.log(MEDIAN_WAIT_SECONDS) + WAIT_SPREAD * rng.standard_normal(count))
    opened_second = 1.0 + np.floor(np.minimum(wait, LONGEST_WAIT_SECONDS))
    after = opened_second + 1.0 + rng.integers(READING_SECONDS, size=(2, count))
    return pd.DataFrame(
        {
            "customer": chosen.astype(np.int32),
            "day": day,
            "second": SENT_FROM_SECOND + np.sort(rng.integers(SENDING_SECONDS, size=count)),
            "channel": CHANNEL,
            "variant": np.array(list(OPEN_RATES), dtype=object)[variant],
            "arm": np.where(is_treated, TREATED, CONTROL).astype(object),
            "opened_second": np.where(opened, opened_second, np.nan),
            "clicked_second": np.where(clicked, after[0], np.nan),
            "unsubscribed_second": np.where(left, after[1], np.nan),
        }
    )


def _has_stopped(customers: pd.DataFrame, day: int) -> Bools:
    end: Floats = customers["signed_up_day"].to_numpy() + 1 + np.floor(customers["lifetime"].to_numpy())
    return np.asarray(end < day, dtype=np.bool_)


def _known_by_the_end(sends: pd.DataFrame, shop: Shop) -> pd.DataFrame:
    """Remove reactions after the shop's last day from ``sends``."""
    left_over = shop.day_count * DAY_SECONDS - sends["day"] * DAY_SECONDS - sends["second"]
    reactions = {name: sends[name].where(sends[name] < left_over) for name in REACTIONS}
    return sends.assign(**reactions)[["campaign_id", *sends.columns.drop("campaign_id")]]
