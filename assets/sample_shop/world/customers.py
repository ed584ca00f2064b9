"""The customers and their true state: order rate, lifetime, and response to messages."""

import numpy as np
import pandas as pd

from assets.sample_shop.world.advertising import AD_CHANNELS, SIGN_UPS_BEFORE_DAYS, contributions_of, spend_of
from assets.sample_shop.world.products import CATEGORIES
from assets.sample_shop.world.segments import SEGMENTS, by_segment
from assets.sample_shop.world.shop import DAYS_PER_YEAR, Floats, Ints, Shop, trade_by_day

COUNTRIES = ("United Kingdom", "Germany", "France", "Ireland", "Netherlands", "Spain")
COUNTRY_SHARES = (0.84, 0.05, 0.04, 0.03, 0.02, 0.02)
DRIFTED_COUNTRY_SHARES = (0.40, 0.25, 0.15, 0.05, 0.05, 0.10)
UNPAID_CHANNELS, UNPAID_SHARES = ("friend", "newsletter", "direct", "search"), (0.30, 0.25, 0.30, 0.15)
MISREPORTED_SHARE = 0.15
SIGN_UP_CHRISTMAS, SIGN_UP_JANUARY = 0.6, 0.2
BASE_VISITS, VISITS_PER_ORDER = 0.004, 2.2
YOUNG_BORN_FROM, YOUNG_FACTOR = 1980, 1.6
FIRST_NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gita", "Hugo", "Ines", "Jon", "Kim", "Lena")
LAST_NAMES = ("Archer", "Baker", "Cole", "Dyer", "Evans", "Fisher", "Grant", "Hughes", "Irwin", "Jones")


def customers_of(shop: Shop) -> pd.DataFrame:
    """Simulate all customers in order of sign-up, some of them before the first day of the exports.

    Returns:
        One row per customer: customer_id, segment (index into ``SEGMENTS``), rate (orders per ordinary
        day when interest is average), hazard (risk per day of stopping), signed_up_day and lifetime
        (days; day 0 is the shop's first), signed_up_second (of that day), favourite (index into
        ``CATEGORIES``), country, acquisition_channel, birth_year, first_name, last_name, postcode,
        visit_rate (visits per ordinary day when interest is average), persuadability (expected extra
        orders in the seven days from a treated message; below 0: minus the probability that an order of
        those days is not placed). E-mail and phone are derived by ``contacts_of``.
    """
    day, cause = sign_ups_of(shop)
    segment = _mixed(
        shop, day, stream="segment", before=by_segment("share"), after=by_segment("drifted_share")
    )
    shape, yearly = by_segment("shape")[segment], by_segment("orders_per_year")[segment]
    hazard = 1.0 / (by_segment("years")[segment] * DAYS_PER_YEAR)
    rate = shop.rng("customers.rate").gamma(shape) / shape * yearly / DAYS_PER_YEAR
    taste = shop.rng("customers.visits").lognormal(-0.125, 0.5, size=shop.customers)
    count = shop.customers
    state = pd.DataFrame(
        {
            "customer_id": [f"C{100_000 + number}" for number in range(count)],
            "segment": segment,
            "rate": rate,
            "hazard": hazard,
            "signed_up_day": day,
            "signed_up_second": shop.rng("customers.second").integers(8 * 3600, size=count),
            "lifetime": shop.rng("customers.lifetime").exponential(size=count) / hazard,
            "favourite": shop.rng("customers.favourite").integers(len(CATEGORIES), size=count),
            "visit_rate": (BASE_VISITS + VISITS_PER_ORDER * rate) * taste,
            "acquisition_channel": _reported(shop, cause),
        }
    )
    return _with_persuadability(shop, pd.concat([state, _attributes(shop, day)], axis="columns"))


def sign_ups_of(shop: Shop) -> tuple[Ints, Ints]:
    """Draw day and cause (index into ``AD_CHANNELS``; -1: unpaid) of each sign-up, both (customers,).

    The intensity of a day is a seasonal base plus the contribution of advertising; the base covers the
    remaining customers of the shop. There is no advertising before the first day.
    """
    caused = contributions_of(shop, spend_of(shop))
    every = pd.date_range(end=shop.last_day, periods=SIGN_UPS_BEFORE_DAYS + shop.day_count)
    season = trade_by_day(every, christmas=SIGN_UP_CHRISTMAS, january=SIGN_UP_JANUARY)
    base = season * (shop.customers - caused.sum()) / season.sum()
    intensity = base + np.pad(caused.sum(axis=0), (SIGN_UPS_BEFORE_DAYS, 0))
    rng = shop.rng("customers.sign_ups")
    day = np.sort(rng.choice(len(every), size=shop.customers, p=intensity / intensity.sum()))
    day = day - SIGN_UPS_BEFORE_DAYS
    paid = np.pad(np.cumsum(caused, axis=0), ((0, 0), (SIGN_UPS_BEFORE_DAYS, 0)))
    luck = rng.random(shop.customers) * intensity[day + SIGN_UPS_BEFORE_DAYS]
    above = (luck >= paid[:, day + SIGN_UPS_BEFORE_DAYS]).sum(axis=0)
    return day, np.where(above == len(AD_CHANNELS), -1, above)


def contacts_of(customers: pd.DataFrame) -> pd.DataFrame:
    """E-mail and phone of ``customers`` (n, columns); derived in blocks at the export to bound the memory."""
    number = customers["customer_id"].str[1:]
    names = customers["first_name"].str.lower() + "." + customers["last_name"].str.lower()
    return pd.DataFrame(
        {"email": names + number + "@example.com", "phone": "+44 7700 " + number.str.zfill(7)}
    )


def _mixed(shop: Shop, day: Ints, *, stream: str, before: Floats, after: Floats) -> Ints:
    """Draw an index per sign-up from the shares ``before`` or ``after`` a covariate drift."""
    luck = shop.rng(f"customers.{stream}").random(len(day))
    drifted = day >= shop.day_number(shop.injected_faults.covariate_drift_from)
    return np.where(drifted, _at(luck, after), _at(luck, before))


def _at(luck: Floats, shares: Floats) -> Ints:
    """Index of the share in which each draw falls, shape of ``luck``."""
    return np.searchsorted(np.cumsum(shares)[:-1] / np.sum(shares), luck, side="right")


def _reported(shop: Shop, cause: Ints) -> pd.Series:
    """Acquisition channel of each customer as the shop records it.

    Of sign-ups caused by a paid channel, 15 % are recorded as ``search`` or ``direct`` (customers who saw
    the ad and came later by name); unpaid ``search`` is recorded like paid.
    """
    rng = shop.rng("customers.reported")
    paid = np.array([channel.name for channel in AD_CHANNELS], dtype=object)[cause]
    unpaid = np.array(UNPAID_CHANNELS, dtype=object)[_at(rng.random(len(cause)), np.array(UNPAID_SHARES))]
    luck = rng.random(len(cause))
    paid = np.where(luck < MISREPORTED_SHARE, "direct", paid)
    paid = np.where(luck < MISREPORTED_SHARE / 2, "search", paid)
    return pd.Series(np.where(cause >= 0, paid, unpaid))


def _attributes(shop: Shop, day: Ints) -> pd.DataFrame:
    rng, count = shop.rng("customers.attributes"), len(day)
    before, after = np.array(COUNTRY_SHARES), np.array(DRIFTED_COUNTRY_SHARES)
    country = _mixed(shop, day, stream="country", before=before, after=after)
    # Taken from short arrays of objects: customers share the strings.
    first, last = (np.array(names, dtype=object) for names in (FIRST_NAMES, LAST_NAMES))
    return pd.DataFrame(
        {
            "country": np.array(COUNTRIES, dtype=object)[country],
            "birth_year": rng.integers(1945, 2004, size=count),
            "first_name": first[rng.integers(len(first), size=count)],
            "last_name": last[rng.integers(len(last), size=count)],
            "postcode": pd.Series(rng.integers(10_000, 100_000, size=count)).astype(str),
        }
    )


def _with_persuadability(shop: Shop, customers: pd.DataFrame) -> pd.DataFrame:
    """Add persuadability: mostly 0, otherwise dependent on segment and birth year and so learnable."""
    rng, count = shop.rng("customers.persuadability"), len(customers)
    segment = customers["segment"].to_numpy()
    young = customers["birth_year"].to_numpy() >= YOUNG_BORN_FROM
    persuadable = by_segment("persuadable")[segment] * np.where(young, YOUNG_FACTOR, 0.5)
    sleeping = by_segment("sleeping")[segment] * np.where(young, 0.5, 1.5)
    luck, size = rng.random(count), rng.random(count)
    extra = np.where(luck < persuadable, 0.10 + 0.20 * size, 0.0)
    return customers.assign(persuadability=np.where(luck > 1.0 - sleeping, -0.3 - 0.4 * size, extra))


def true_state(customers: pd.DataFrame) -> pd.DataFrame:
    """True parameters of ``customers`` (n, columns), with the segment by name."""
    names = SEGMENTS.index.to_numpy(dtype=object)
    state = customers[["customer_id", "rate", "hazard", "signed_up_day", "lifetime", "persuadability"]]
    return state.assign(segment=names[customers["segment"].to_numpy()])
