"""Visits to the shop's site: time, device and traffic source."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.sample_shop.browsing.sessions import NOTHING, SimulatedDays
from assets.sample_shop.messages.consents import DAY_SECONDS
from assets.sample_shop.world.shop import DAYS_PER_WEEK, WEEKDAYS, Floats, Ints, Shop

# Relative to average interest; mean 1 when a quarter of the customers is interested.
VISIT_FACTORS: Floats = np.array([0.4, 2.8])
# Customers who have stopped still visit occasionally.
STRAY_FACTOR = 0.05
PROSPECT_VISITS_PER_DAY, PROSPECT_DAYS = 0.03, 45
# Mean number of steps: without and with interest, as a prospect, after a click, with an order.
STEPS: Floats = np.array([2.2, 4.6])
PROSPECT_STEPS, CLICK_STEPS, ORDER_STEPS = 2.0, 2.0, 1.0
AWAKE_FROM_SECOND, AWAKE_SECONDS = 7 * 3600, 55_000
ONLINE_CHANNELS = ("web", "app")
SECOND_DEVICE_VISITS = 0.4

# utm_source and utm_medium of each origin: returning visits first, then the acquisition channels.
ORIGINS: Mapping[str, tuple[str | None, str | None]] = {
    "direct": (None, None),
    "organic": ("search", "organic"),
    "campaign": ("shop", "email"),
    "search": ("search", "cpc"),
    "social": ("social", "paid_social"),
    "display": ("display", "display"),
    "affiliate": ("affiliate", "affiliate"),
    "friend": ("friend", "referral"),
    "newsletter": ("newsletter", "email"),
}
DIRECT, ORGANIC, CAMPAIGN = range(3)
ORGANIC_SHARE = 0.35
# The other prospects come directly or through organic search, as customers do.
PROSPECT_CHANNEL_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Devices:
    """Rows of the visitors, and the first day of use of each.

    Attributes:
        main: Each customer's main device, shape (customers,).
        second: Each customer's second device; -1 for none, shape (customers,).
        strangers: _Devices of people who never sign up, earliest first, shape (strangers,).
        first_day: First day on which each device is seen, shape (visitors,).
        identified_day: First day on which its owner is known, shape (visitors,).
    """

    main: Ints
    second: Ints
    strangers: Ints
    first_day: Ints
    identified_day: Ints

    def used_by(self, customer: Ints, day: Ints, *, usable_from: Ints, rng: np.random.Generator) -> Ints:
        """Draw the device of each visit of a customer: mostly the main one."""
        second = self.second[customer]
        is_second = (second != NOTHING) & (day >= usable_from[second])
        is_second &= rng.random(len(customer)) < SECOND_DEVICE_VISITS
        return np.where(is_second, second, self.main[customer])

    def of_guests(self, day: Ints, *, rng: np.random.Generator) -> Ints:
        """Draw a stranger's device for each visit of ``day`` (visits,), most likely a recent one."""
        seen = np.searchsorted(self.first_day[self.strangers], day, side="right")
        return self.strangers[seen - np.minimum(seen, rng.geometric(0.1, size=len(day)))]


def visits_of(
    shop: Shop, visitors: pd.DataFrame, days: range, *, world: SimulatedDays, rng: np.random.Generator
) -> pd.DataFrame:
    """Simulate all visits in ``days``, unordered.

    Customers return (Poisson, by interest and weekday), follow a message's link, order, and sign up;
    prospects browse. Visits on the day of sign-up have the acquisition channel as origin, those after a
    click the campaign; the others come directly or through organic search.

    Args:
        shop: The shop.
        visitors: As ``visitors_of`` returns them.
        days: Day numbers.
        world: State of the simulation in these days.
        rng: Random generator.

    Returns:
        visitor (row of ``visitors``), day, second (since the shop's first midnight: start of the visit, or
        time of its order), order (row of ``world.orders``; -1 without), steps (mean number), liked
        (favourite category; -1 for strangers), origin (index into
        ``ORIGINS``), campaign_id (None unless it follows a message).
    """
    devices = _devices(visitors, customers=len(world.customers))
    visits = pd.concat(
        [
            _returning(devices, days, world=world, rng=rng),
            _signing_up(devices, days, world=world),
            _clicking(devices, days, world=world, rng=rng),
            _ordering(shop, devices, world=world, rng=rng),
            _prospecting(visitors, days, world=world, rng=rng),
        ],
        ignore_index=True,
    )
    customer = visitors["customer"].to_numpy()[visits["visitor"]]
    liked = np.append(world.customers["favourite"].to_numpy(), NOTHING)[customer]
    return visits.assign(liked=liked)


def _devices(visitors: pd.DataFrame, *, customers: int) -> _Devices:
    customer, first_day = visitors["customer"].to_numpy(), visitors["first_day"].to_numpy()
    is_known = visitors["customer"] != NOTHING
    is_second = visitors["customer"].duplicated() & is_known
    main, second = np.full(customers, NOTHING), np.full(customers, NOTHING)
    for rows, mask in ((main, is_known & ~is_second), (second, is_second)):
        rows[customer[mask]] = np.flatnonzero(mask)
    strangers = np.flatnonzero(~is_known)
    return _Devices(
        main=main,
        second=second,
        strangers=strangers[np.argsort(first_day[strangers], kind="stable")],
        first_day=first_day,
        identified_day=visitors["identified_day"].to_numpy(),
    )


def _returning(
    devices: _Devices, days: range, *, world: SimulatedDays, rng: np.random.Generator
) -> pd.DataFrame:
    """Visits of returning customers, from the day after sign-up on."""
    parts = []
    for today in days:
        reached = _visits_by_customer(today, world).cumsum()
        # Equivalent to a Poisson draw for each customer, but faster.
        luck = np.sort(rng.random(rng.poisson(reached[-1]))) * reached[-1]
        parts.append(np.searchsorted(reached, luck, side="right"))
    customer = np.concatenate(parts)
    day = np.repeat(np.asarray(days, dtype=np.int64), [len(part) for part in parts])
    is_interested = world.interest[customer, day // DAYS_PER_WEEK].astype(np.int64)
    return _visits(
        devices.used_by(customer, day, usable_from=devices.first_day, rng=rng),
        _awake_second(day, rng),
        steps=STEPS[is_interested],
        origin=np.where(rng.random(len(customer)) < ORGANIC_SHARE, ORGANIC, DIRECT),
    )


def _visits_by_customer(day: int, world: SimulatedDays) -> Floats:
    """Expected visits of each customer on ``day``, shape (customers,)."""
    signed_up = world.customers["signed_up_day"].to_numpy()
    is_alive = day <= signed_up + 1 + np.floor(world.customers["lifetime"].to_numpy())
    factor = np.where(world.interest[:, day // DAYS_PER_WEEK], VISIT_FACTORS[1], VISIT_FACTORS[0])
    factor = np.where(is_alive, factor, STRAY_FACTOR) * (signed_up < day)
    # The shop's first day is a Monday.
    expected: Floats = world.customers["visit_rate"].to_numpy() * factor * WEEKDAYS[day % DAYS_PER_WEEK]
    return expected


def _signing_up(devices: _Devices, days: range, *, world: SimulatedDays) -> pd.DataFrame:
    """The visit of each sign-up, on the main device."""
    signed_up = world.customers["signed_up_day"].to_numpy()
    new = np.flatnonzero((signed_up >= days.start) & (signed_up < days.stop))
    second = signed_up[new] * DAY_SECONDS + world.customers["signed_up_second"].to_numpy()[new]
    return _visits(devices.main[new], second, steps=PROSPECT_STEPS, origin=_acquired_by(new, world.customers))


def _clicking(
    devices: _Devices, days: range, *, world: SimulatedDays, rng: np.random.Generator
) -> pd.DataFrame:
    """Visits that begin with a click in a message."""
    clicked = world.sends[world.sends["clicked_second"].notna()]
    sent: Ints = clicked["day"].to_numpy(dtype=np.int64) * DAY_SECONDS + clicked["second"].to_numpy()
    second = sent + clicked["clicked_second"].to_numpy(dtype=np.int64)
    here = (second >= days.start * DAY_SECONDS) & (second < days.stop * DAY_SECONDS)
    customer, second = clicked["customer"].to_numpy()[here], second[here]
    visitor = devices.used_by(customer, second // DAY_SECONDS, usable_from=devices.first_day, rng=rng)
    visits = _visits(visitor, second, steps=CLICK_STEPS, origin=CAMPAIGN)
    return visits.assign(campaign_id=clicked["campaign_id"].to_numpy()[here])


def _ordering(
    shop: Shop, devices: _Devices, *, world: SimulatedDays, rng: np.random.Generator
) -> pd.DataFrame:
    """One visit for each order not placed by phone, on a device that is identified by then."""
    order = np.flatnonzero(world.orders["channel"].isin(ONLINE_CHANNELS))
    orders = world.orders.iloc[order]
    customer, day = orders["customer"].to_numpy(), orders["day"].to_numpy()
    is_guest = customer == NOTHING
    known = devices.used_by(customer, day, usable_from=devices.identified_day, rng=rng)
    origin = np.where(rng.random(len(order)) < ORGANIC_SHARE, ORGANIC, DIRECT)
    is_new = ~is_guest & (world.customers["signed_up_day"].to_numpy()[customer] == day)
    origin[is_new] = _acquired_by(customer[is_new], world.customers)
    since_start = orders["ordered_at"].to_numpy() - np.datetime64(shop.first_day, "s")
    visits = _visits(
        np.where(is_guest, devices.of_guests(day, rng=rng), known),
        since_start.astype("timedelta64[s]").astype(np.int64),
        steps=ORDER_STEPS,
        origin=origin,
    )
    return visits.assign(order=order)


def _prospecting(
    visitors: pd.DataFrame, days: range, *, world: SimulatedDays, rng: np.random.Generator
) -> pd.DataFrame:
    """Visits on devices that are not identified yet: one on the first day, perhaps more later."""
    first = visitors["first_day"].to_numpy()
    unknown_until = np.minimum(visitors["identified_day"].to_numpy(), first + PROSPECT_DAYS)
    debut = np.flatnonzero((first >= days.start) & (first < days.stop) & (first < unknown_until))
    start, stop = np.maximum(first + 1, days.start), np.minimum(unknown_until, days.stop)
    around = np.flatnonzero(stop > start)
    count = rng.poisson(PROSPECT_VISITS_PER_DAY * (stop - start)[around])
    again = np.repeat(around, count)
    visitor = np.concatenate([debut, again])
    day = np.concatenate([first[debut], rng.integers(start[again], stop[again])])
    # Strangers come through the same channels as other customers.
    owner = visitors["customer"].to_numpy()[visitor]
    owner = np.where(owner == NOTHING, rng.integers(len(world.customers), size=len(owner)), owner)
    luck = rng.random(len(visitor))
    origin = np.where(luck < ORGANIC_SHARE * (1.0 - PROSPECT_CHANNEL_SHARE), ORGANIC, DIRECT)
    origin = np.where(luck >= 1.0 - PROSPECT_CHANNEL_SHARE, _acquired_by(owner, world.customers), origin)
    return _visits(visitor, _awake_second(day, rng), steps=PROSPECT_STEPS, origin=origin)


def _visits(visitor: Ints, second: Ints, *, steps: Floats | float, origin: Ints | int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "visitor": visitor,
            "day": second // DAY_SECONDS,
            "second": second,
            "order": np.full(len(visitor), NOTHING),
            "steps": np.broadcast_to(steps, len(visitor)),
            "origin": np.broadcast_to(origin, len(visitor)),
            "campaign_id": np.full(len(visitor), None, dtype=object),
        }
    )


def _acquired_by(customer: Ints, customers: pd.DataFrame) -> Ints:
    """Index into ``ORIGINS`` of the acquisition channel of each customer, shape of ``customer``."""
    number = {name: place for place, name in enumerate(ORIGINS)}
    channels = customers["acquisition_channel"].iloc[customer]
    return np.asarray(channels.map(number).to_numpy(dtype=np.int64), dtype=np.int64)


def _awake_second(day: Ints, rng: np.random.Generator) -> Ints:
    """A second of each day since the shop's first midnight, most likely in the afternoon."""
    awake = np.floor(AWAKE_SECONDS * rng.beta(2.2, 1.8, size=len(day))).astype(np.int64)
    return day * DAY_SECONDS + AWAKE_FROM_SECOND + awake
