"""Paid advertising: daily spend per channel, and the sign-ups that it causes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.sample_shop.world.shop import DAYS_PER_WEEK, Floats, Shop, is_open


@dataclass(frozen=True, slots=True, kw_only=True)
class AdChannel:
    """One paid channel and its true parameters.

    Attributes:
        name: As in ad_spend.csv and in customers' acquisition_channel.
        ceiling: Sign-ups per day that unlimited spend would cause, as a share of the shop's average.
        decay: Share of the advertising's effect left after a day, in [0, 1): geometric adstock.
        slope: Exponent of the Hill curve; above 1 the curve starts slowly.
        half: Adstock at which half of the ceiling is reached, as a multiple of the average adstock.
        cost_per_click: Shop currency.
        click_rate: Clicks per impression.
    """

    name: str
    ceiling: float
    decay: float
    slope: float
    half: float
    cost_per_click: float
    click_rate: float


AD_CHANNELS = (
    AdChannel(
        name="search", ceiling=0.28, decay=0.25, slope=1.0, half=0.9, cost_per_click=0.60, click_rate=0.040
    ),
    AdChannel(
        name="social", ceiling=0.24, decay=0.55, slope=1.6, half=1.0, cost_per_click=0.40, click_rate=0.012
    ),
    AdChannel(
        name="display", ceiling=0.10, decay=0.80, slope=2.0, half=1.2, cost_per_click=0.25, click_rate=0.002
    ),
    AdChannel(
        name="affiliate", ceiling=0.12, decay=0.40, slope=1.2, half=0.8, cost_per_click=0.50, click_rate=0.020
    ),
)
SIGN_UPS_BEFORE_DAYS = 365
COST_PER_SIGN_UP = 12.0
# Flights: whole weeks off, low, normal or high, independent per channel, so that effects are identifiable.
FLIGHTS, FLIGHT_SHARES = (0.0, 0.5, 1.0, 2.2), (0.15, 0.25, 0.40, 0.20)


def spend_of(shop: Shop) -> Floats:
    """Spend in shop currency, shape (channels, days); 0 in weeks without a flight."""
    rng = shop.rng("advertising.spend")
    shape = (len(AD_CHANNELS), shop.weeks)
    weekly = rng.choice(FLIGHTS, p=FLIGHT_SHARES, size=shape) * rng.lognormal(-0.02, 0.2, size=shape)
    daily = np.repeat(weekly, DAYS_PER_WEEK, axis=1)[:, : shop.day_count]
    mean = np.array([_mean_spend(shop, channel) for channel in AD_CHANNELS])
    spend: Floats = np.round(daily * mean[:, None] * rng.lognormal(-0.005, 0.1, size=daily.shape), 2)
    return spend


def adstock(spend: Floats, *, decay: float) -> Floats:
    """Geometric adstock of daily ``spend`` (days,): a_t = s_t + decay * a_{t-1}, shape (days,).

    >>> adstock(np.array([10.0, 0.0, 4.0]), decay=0.5).tolist()
    [10.0, 5.0, 6.5]
    """
    left, stock = 0.0, np.empty_like(spend)
    for day, spent in enumerate(spend):
        left = spent + decay * left
        stock[day] = left
    return stock


def contributions_of(shop: Shop, spend: Floats) -> Floats:
    """Expected sign-ups per day caused by each channel, shape (channels, days); 0 on closed days.

    For channel c on day t: ceiling_c * unit * a^slope / (a^slope + h^slope), with a the adstock and unit
    the average number of sign-ups per day.

    Source:
        Jin, Wang, Sun, Chan, Koehler 2017, "Bayesian methods for media mix modeling with carryover and
        shape effects": geometric adstock, Hill saturation.
    """
    effects = np.empty_like(spend)
    for row, channel in enumerate(AD_CHANNELS):
        average = _mean_spend(shop, channel) / (1.0 - channel.decay)
        powered = (adstock(spend[row], decay=channel.decay) / (channel.half * average)) ** channel.slope
        effects[row] = channel.ceiling * sign_ups_per_day(shop) * powered / (powered + 1.0)
    return effects * is_open(shop.days)


def sign_ups_per_day(shop: Shop) -> float:
    """Average sign-ups per day, the year before the first day included."""
    return shop.customers / (shop.day_count + SIGN_UPS_BEFORE_DAYS)


def ad_spend_of(shop: Shop, spend: Floats) -> pd.DataFrame:
    """Rows of ad_spend.csv where ``spend`` (channels, days) is not 0."""
    rng = shop.rng("advertising.clicks")
    parts: list[pd.DataFrame] = []
    for channel, row in zip(AD_CHANNELS, spend, strict=True):
        noise = rng.lognormal(-0.005, 0.1, size=(2, len(row)))
        clicks = np.round(row / channel.cost_per_click * noise[0])
        part = pd.DataFrame(
            {
                "date": shop.days.strftime("%Y-%m-%d"),
                "channel": channel.name,
                "campaign_id": _campaign_ids(shop, channel),
                "impressions": np.round(clicks / channel.click_rate * noise[1]).astype(np.int64),
                "clicks": clicks.astype(np.int64),
                "cost_amount": row,
            }
        )
        parts.append(part[row > 0])
    return pd.concat(parts).sort_values(["date", "channel"], ignore_index=True)


def ad_campaigns_of(shop: Shop) -> pd.DataFrame:
    """One campaign per channel and quarter: campaign_id, title, channel, started_day, ended_day."""
    parts: list[pd.DataFrame] = []
    for channel in AD_CHANNELS:
        days = pd.DataFrame({"campaign_id": _campaign_ids(shop, channel), "day": range(shop.day_count)})
        part = days.groupby("campaign_id").agg(started_day=("day", "min"), ended_day=("day", "max"))
        part = part.reset_index()
        title = f"{channel.name} ads " + part["campaign_id"].str.rsplit("-", n=1).str[1]
        parts.append(part.assign(title=title, channel=channel.name))
    return pd.concat(parts, ignore_index=True)


def channel_contributions(shop: Shop, contributions: Floats, *, first_order_amount: float) -> pd.DataFrame:
    """True contributions: date, channel, sign_ups (expected), amount (of their first orders, shop currency).

    Args:
        shop: The shop.
        contributions: (channels, days) as ``contributions_of`` returns them.
        first_order_amount: Mean amount of a first order; the same for every channel.
    """
    channels = [channel.name for channel in AD_CHANNELS]
    sign_ups = contributions.T.ravel()
    return pd.DataFrame(
        {
            "date": np.repeat(shop.days.date, len(channels)),
            "channel": np.tile(channels, shop.day_count),
            "sign_ups": sign_ups,
            "amount": sign_ups * first_order_amount,
        }
    )


def _mean_spend(shop: Shop, channel: AdChannel) -> float:
    """Mean daily spend, at which a sign-up in the middle of the curve costs ``COST_PER_SIGN_UP``."""
    return 0.5 * channel.ceiling * sign_ups_per_day(shop) * COST_PER_SIGN_UP


def _campaign_ids(shop: Shop, channel: AdChannel) -> pd.Index:
    return pd.Index(f"AD-{channel.name}-" + shop.days.to_period("Q").astype(str))
