"""Visitors of the shop's site and their recorded events."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from assets.sample_shop.browsing.sessions import EVENT_TYPES, NOTHING, SimulatedDays, steps_of
from assets.sample_shop.browsing.visits import ORIGINS, visits_of
from assets.sample_shop.messages.consents import DAY_SECONDS
from assets.sample_shop.world.customers import COUNTRIES, COUNTRY_SHARES
from assets.sample_shop.world.shop import NEVER, Ints, Shop

DEVICES, DEVICE_SHARES = ("desktop", "mobile", "tablet"), (0.45, 0.45, 0.10)
MEAN_DAYS_BEFORE_SIGN_UP, LONGEST_DAYS_BEFORE_SIGN_UP = 10.0, 45
SECOND_DEVICE_SHARE, MEAN_DAYS_TO_SECOND_DEVICE, MEAN_DAYS_TO_LOG_IN = 0.25, 120.0, 15.0
# Devices whose owner never signs up, per device that is identified at some time: a third of all.
STRANGERS_PER_KNOWN = 0.5
STRANGERS_FROM_DAY = -30


def visitors_of(shop: Shop, customers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Simulate the visitors, one row per device.

    Every customer has a main device, seen for some days before sign-up and identified by it; a quarter
    start to use a second one later and log in on it after a while. A third of all devices belong to
    people who never sign up.

    Args:
        shop: The shop.
        customers: As ``customers_of`` returns them.
        rng: Random generator.

    Returns:
        visitor_id, customer (row of ``customers``; -1 for people who never sign up), device (desktop,
        mobile, tablet), country, first_day (day number; below 0 when seen before the exports begin),
        identified_day (from this day on its events carry the customer; ``NEVER`` for strangers).
    """
    known = pd.concat([_main_devices(customers, rng), _second_devices(shop, customers, rng)])
    strangers = _strangers(shop, max(1, round(STRANGERS_PER_KNOWN * len(known))), rng)
    visitors = pd.concat([known, strangers], ignore_index=True)
    # Shuffled, so that a visitor's number carries no information.
    number = pd.Series(rng.permutation(len(visitors)) + 1).astype(str).str.zfill(8)
    countries = np.array([*customers["country"], None], dtype=object)[visitors["customer"].to_numpy()]
    drawn = np.array(COUNTRIES, dtype=object)[
        rng.choice(len(COUNTRIES), size=len(visitors), p=COUNTRY_SHARES)
    ]
    return pd.DataFrame(
        {
            "visitor_id": "V" + number,
            "customer": visitors["customer"],
            "device": np.array(DEVICES, dtype=object)[visitors["device"].to_numpy()],
            "country": np.where(visitors["customer"] == NOTHING, drawn, countries),
            "first_day": visitors["first_day"],
            "identified_day": visitors["identified_day"],
        }
    )


def _main_devices(customers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    count, signed_up = len(customers), customers["signed_up_day"].to_numpy()
    before = np.floor(rng.exponential(MEAN_DAYS_BEFORE_SIGN_UP, count)).astype(np.int64)
    return pd.DataFrame(
        {
            "customer": np.arange(count),
            "device": rng.choice(len(DEVICES), size=count, p=DEVICE_SHARES),
            "first_day": signed_up - np.minimum(before, LONGEST_DAYS_BEFORE_SIGN_UP),
            "identified_day": signed_up,
        }
    )


def _second_devices(shop: Shop, customers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    owner = np.flatnonzero(rng.random(len(customers)) < SECOND_DEVICE_SHARE)
    later = 1 + np.floor(rng.exponential(MEAN_DAYS_TO_SECOND_DEVICE, len(owner))).astype(np.int64)
    first_day = customers["signed_up_day"].to_numpy()[owner] + later
    wait = np.floor(rng.exponential(MEAN_DAYS_TO_LOG_IN, len(owner))).astype(np.int64)
    devices = pd.DataFrame(
        {
            "customer": owner,
            "device": rng.choice(len(DEVICES), size=len(owner), p=DEVICE_SHARES),
            "first_day": first_day,
            "identified_day": first_day + wait,
        }
    )
    return devices[first_day < shop.day_count]


def _strangers(shop: Shop, count: int, rng: np.random.Generator) -> pd.DataFrame:
    first_day = np.sort(rng.integers(STRANGERS_FROM_DAY, shop.day_count, size=count))
    # Guests order on a stranger's device, from the first day on.
    first_day[0] = STRANGERS_FROM_DAY
    return pd.DataFrame(
        {
            "customer": NOTHING,
            "device": rng.choice(len(DEVICES), size=count, p=DEVICE_SHARES),
            "first_day": first_day,
            "identified_day": NEVER,
        }
    )


def events_of(
    shop: Shop, visitors: pd.DataFrame, days: range, *, world: SimulatedDays, rng: np.random.Generator
) -> pd.DataFrame:
    """Simulate all events that the site records in ``days``, oldest first.

    A visit ends at midnight, so that each event is on a day of ``days``.

    Args:
        shop: The shop.
        visitors: As ``visitors_of`` returns them.
        days: Day numbers; one month at a time bounds the memory.
        world: State of the simulation in these days.
        rng: Random generator.

    Returns:
        visitor_id, customer_id (None until the device is identified), occurred_at (local wall clock, whole
        seconds, in microseconds so that Parquet readers see an ordinary timestamp), event_type,
        product_id (None when the event is about none), utm_source, utm_medium, campaign_id, device,
        country; and day.
    """
    visits = visits_of(shop, visitors, days, world=world, rng=rng)
    steps = steps_of(visits, world=world, rng=rng)
    lasts = steps["second"].to_numpy() // DAY_SECONDS == visits["day"].to_numpy()[steps["visit"]]
    steps = steps[lasts].sort_values("second", kind="stable", ignore_index=True)
    return _recorded(shop, steps, visits, visitors=visitors, world=world)


def _recorded(
    shop: Shop, steps: pd.DataFrame, visits: pd.DataFrame, *, visitors: pd.DataFrame, world: SimulatedDays
) -> pd.DataFrame:
    """Events of ``steps`` in the columns of the export."""
    visit = steps["visit"].to_numpy()
    visitor, day = visits["visitor"].to_numpy()[visit], visits["day"].to_numpy()[visit]
    origin = visits["origin"].to_numpy()[visit]
    is_known = day >= visitors["identified_day"].to_numpy()[visitor]
    customer = np.where(is_known, visitors["customer"].to_numpy()[visitor], NOTHING)
    since_start = steps["second"].to_numpy().astype("timedelta64[s]")
    return pd.DataFrame(
        {
            "visitor_id": visitors["visitor_id"].to_numpy()[visitor],
            "customer_id": _named(world.customers["customer_id"], customer),
            "occurred_at": (np.datetime64(shop.first_day, "s") + since_start).astype("datetime64[us]"),
            "event_type": np.array(EVENT_TYPES, dtype=object)[steps["event_type"]],
            "product_id": _named(world.products["product_id"], steps["product"].to_numpy()),
            "utm_source": np.array([source for source, _ in ORIGINS.values()], dtype=object)[origin],
            "utm_medium": np.array([medium for _, medium in ORIGINS.values()], dtype=object)[origin],
            "campaign_id": visits["campaign_id"].to_numpy()[visit],
            "device": visitors["device"].to_numpy()[visitor],
            "country": visitors["country"].to_numpy()[visitor],
            "day": day,
        }
    )


def _named(names: pd.Series, row: Ints) -> npt.NDArray[np.object_]:
    """The name in each row, None for row -1."""
    return np.array([*names, None], dtype=object)[row]
