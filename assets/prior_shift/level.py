"""Forecast of the level: the factor by which a window's orders depart from a stationary model's expectation.

A model of order rates expects the same number of orders in every month. Season, trading days and trend move
all customers together, so the factor is forecast once per as-of date and horizon, from orders per day:

    recent_d  = log(repeat orders per trading day in the look-back window / orders per day that was expected)
    season_d  = log(orders per trading day, next H days / look-back window), as it was 52 weeks earlier
    level_d   = usual_d + recent_d + season_d + log(trading days in [d, d + H) / H) + error_d

``recent`` and ``season`` are means over look-back windows of 4, 8 and 13 weeks: a short one follows the shop,
a long one is less noisy, and the mean of forecasts errs less than either (Clemen 1989, Combining forecasts).
After a break the long ones hold what is no more, so each counts by Tukey's biweight of its distance from the
shortest one (Huber and Ronchetti 2009, Robust Statistics, 4.8), and not at all beyond ``REACH``.
Where data begin inside last year's look-back window, both are taken over the part that is known: December's
orders must not be compared with a season that starts in January. ``usual`` is the mean residual of the
matured dates of the last year.

Without a known year nothing is applied: the growth or the peak of the last weeks is no season. Nor is it to a
window of a year or more, which holds every season once: there ``season`` is the growth of the shop, which is
that of new customers. Wrong when the coming season has nothing to do with the last, or the shop grew fast a
year ago.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from assets.metrics.arrays import Flags, Floats
from assets.prior_shift.covariates import SEASONAL_SD
from assets.prior_shift.forecast import PRIOR_PERIODS, PRIOR_SD
from assets.prior_shift.trading_days import (
    DAYS_PER_YEAR,
    WEEKS_ALIGNED_YEAR,
    DailyOrders,
    Days,
    TradingCalendar,
    order_days,
)

LOOKBACK_DAYS = (28, 56, 91)
# Log distance from the shortest look-back window at which a longer one no longer counts: a factor of 1.8. On
# Online Retail's dates, where nothing broke, it changes no error by more than 0.001.
REACH = 0.6
# What the first year of shops with a strong season shows.
SD_WITHOUT_SEASON = 0.6
YEARS_BACK = (1, 2, 3)
# The part of last year's look-back window that must be known: days, and as a share of the horizon.
FEWEST_DAYS = 5
LEAST_LOOKBACK_SHARE = 0.05
LEAST_TRADING_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalHistory:
    """Expected and observed orders within one horizon, on every as-of date, oldest first.

    Attributes:
        as_of_date: (D,) ``datetime64[D]``, ascending, the scoring date last.
        expected: (D,) totals > 0 of one stationary model.
        observed: (D,) totals; NaN where the window has not ended.
    """

    as_of_date: Days
    expected: Floats
    observed: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelForecast:
    """Log of the factor on the expected orders of one window, as a Student t.

    Attributes:
        log_level: 0 while no year is known, and for a window of a year or more.
        sd: Standard deviation of its error, > 0.
        n_periods: Matured as-of dates used.
        has_season: Whether the same weeks of an earlier year were known.
    """

    log_level: float
    sd: float
    n_periods: int
    has_season: bool


UNKNOWN = LevelForecast(log_level=0.0, sd=SD_WITHOUT_SEASON, n_periods=0, has_season=False)


def forecast_level(
    history: TotalHistory, daily: DailyOrders, *, as_of: date, horizon_days: int
) -> LevelForecast:
    """Level of the window ``[as_of, as_of + horizon_days)``, from the facts known on ``as_of``.

    Args:
        history: As-of dates up to ``as_of``; outcomes that had not matured by then are ignored.
        daily: Orders per day; days from ``as_of`` on are ignored.
        as_of: The scoring date; the last of ``history``.
        horizon_days: H > 0.

    Raises:
        ValueError: ``as_of`` is not the last date of the history.

    A shop that sells twice as much in the second half of each year, by a model that expects the mean:

    >>> days = np.datetime64("2022-01-03") + np.arange(910)
    >>> orders = np.where(np.arange(910) % 364 < 182, 20.0, 40.0)
    >>> on = np.arange(91, 680, 28)
    >>> observed = np.array([orders[day:day + 28].sum() if day + 28 <= 679 else np.nan for day in on])
    >>> history = TotalHistory(as_of_date=days[0] + on, expected=np.full(on.size, 840.0), observed=observed)
    >>> daily = DailyOrders(day=days, orders=orders, repeat_orders=orders)
    >>> found = forecast_level(history, daily, as_of=(days[0] + on[-1]).item(), horizon_days=28)
    >>> (days[0] + on[-1]).item().isoformat(), round(float(np.exp(found.log_level)), 1), found.has_season
    ('2023-11-13', 1.3, True)
    """
    days = history.as_of_date.astype("datetime64[D]")
    if not days.size or days[-1] != np.datetime64(as_of, "D"):
        raise ValueError(f"{as_of} is not the last as-of date of the history")
    trade = order_days(daily)
    calendars = [trade.known_before(day) if trade else None for day in days.tolist()]
    known = _known_beforehand(history, calendars, horizon_days=horizon_days)
    has_matured = days + np.timedelta64(horizon_days, "D") <= days[-1]
    with np.errstate(divide="ignore"):
        shift = np.log(history.observed) - np.log(history.expected)
    if horizon_days >= DAYS_PER_YEAR:
        return _without_season(shift[has_matured & np.isfinite(shift)], days, horizon_days=horizon_days)
    residual = np.where(has_matured & known.has_full_lookback, shift - known.log_level, np.nan)
    residual[~np.isfinite(residual)] = np.nan
    usual = _usual(residual, days, horizon_days=horizon_days)
    if not known.has_season[-1] or not np.isfinite(usual[-1]):
        return UNKNOWN
    errors = (residual - usual)[known.has_season]
    return LevelForecast(
        log_level=float(usual[-1] + known.log_level[-1]),
        sd=_sd(errors[np.isfinite(errors)], days, horizon_days=horizon_days),
        n_periods=int(np.isfinite(residual).sum()),
        has_season=True,
    )


def _without_season(errors: Floats, days: Days, *, horizon_days: int) -> LevelForecast:
    """Of a window that holds every season once: no level, and the deviation of those that have ended."""
    if not errors.size:
        return UNKNOWN
    sd = _sd(errors, days, horizon_days=horizon_days)
    return LevelForecast(log_level=0.0, sd=sd, n_periods=errors.size, has_season=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """(D,) the part of each date's level that was known beforehand, up to a constant, and its sources."""

    log_level: Floats
    has_season: Flags
    has_full_lookback: Flags


def _known_beforehand(
    history: TotalHistory, calendars: list[TradingCalendar | None], *, horizon_days: int
) -> _Known:
    days = history.as_of_date.astype("datetime64[D]")
    per_day = history.expected / horizon_days
    recent, rest, orders = np.zeros(days.size), np.zeros(days.size), np.zeros(days.size)
    season, lookback = np.zeros(days.size, dtype=bool), np.zeros(days.size, dtype=bool)
    for each, calendar in enumerate(calendars):
        if calendar is None:
            continue
        now = calendar.orders.size
        years = _years(now, horizon_days)
        lengths = [min(length, now, *years[:1]) for length in LOOKBACK_DAYS]
        expected = np.array([_expected_then(per_day, days, each, length) for length in lengths])
        rates = np.array([_recent(calendar, length) for length in lengths]) - np.log(expected)
        ratios = np.array([_season(calendar, years, length, horizon_days) for length in lengths])
        recent[each], season_ratio = np.average([rates, ratios], axis=1, weights=_biweight(rates + ratios))
        rest[each] = season_ratio + np.log(_trading(calendar, now, horizon_days) / horizon_days)
        orders[each] = calendar.repeat_orders[now - lengths[0] :].sum()
        season[each], lookback[each] = bool(years), now >= LOOKBACK_DAYS[0]
    return _Known(
        log_level=_shrunk_to_mean(recent, orders) + rest, has_season=season, has_full_lookback=lookback
    )


def _biweight(level: Floats) -> Floats:
    """(k,) weights of look-back windows by the level of each: 1 of the shortest, 0 beyond ``REACH`` of it."""
    return np.asarray(np.clip(1 - ((level - level[0]) / REACH) ** 2, 0.0, None) ** 2, dtype=np.float64)


def _years(now: int, horizon_days: int) -> list[int]:
    """Positions of the same weeks of earlier years whose window has ended, the newest first."""
    thens = [now - years * WEEKS_ALIGNED_YEAR for years in YEARS_BACK]
    least = max(FEWEST_DAYS, LEAST_LOOKBACK_SHARE * horizon_days)
    return [then for then in thens if then >= least and then + horizon_days <= now]


def _trading(calendar: TradingCalendar, start: int, length: int) -> float:
    """Trading days, at least 5 % of the calendar days: a closed shop must not give an infinite rate."""
    return max(calendar.trading_days(start, start + length), LEAST_TRADING_SHARE * length)


def _recent(calendar: TradingCalendar, length: int) -> float:
    start = calendar.orders.size - length
    orders = float(calendar.repeat_orders[start:].sum()) + 0.5
    return float(np.log(orders / _trading(calendar, start, length)))


def _expected_then(per_day: Floats, days: Days, each: int, length: int) -> float:
    """Mean expectation per day over the as-of dates of the look-back window; the date's own without any."""
    age = (days[each] - days).astype(np.int64)
    inside = per_day[(age > 0) & (age <= length)]
    return float(inside.mean() if inside.size else per_day[each])


def _season(calendar: TradingCalendar, years: list[int], length: int, horizon_days: int) -> float:
    """Mean log ratio over the years that hold the whole look-back window; 0 without one."""
    found = []
    for then in years:
        if then < length:
            continue
        before = float(calendar.orders[then - length : then].sum()) + 0.5
        after = float(calendar.orders[then : then + horizon_days].sum()) + 0.5
        rates = (
            after / _trading(calendar, then, horizon_days),
            before / _trading(calendar, then - length, length),
        )
        reliability = SEASONAL_SD**2 / (SEASONAL_SD**2 + 1 / before + 1 / after)
        found.append(reliability * float(np.log(rates[0] / rates[1])))
    return float(np.mean(found)) if found else 0.0


def _shrunk_to_mean(recent: Floats, orders: Floats) -> Floats:
    """(D,) each log rate, shrunk towards the mean of those up to it: the fewer orders, the more."""
    reliability = SEASONAL_SD**2 / (SEASONAL_SD**2 + 1 / (orders + 0.5))
    mean_so_far = np.cumsum(recent) / np.arange(1, recent.size + 1)
    return np.asarray(mean_so_far + reliability * (recent - mean_so_far), dtype=np.float64)


def _usual(residual: Floats, days: Days, *, horizon_days: int) -> Floats:
    """(D,) mean residual of what had matured in the year before each date, so that seasons count once."""
    age = (days[:, None] - days[None, :]).astype(np.int64) - horizon_days
    used = (age >= 0) & (age < DAYS_PER_YEAR) & np.isfinite(residual)
    count = used.sum(axis=1)
    total = used @ np.nan_to_num(residual)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _sd(errors: Floats, days: Days, *, horizon_days: int) -> float:
    """Of earlier forecasts' errors; the prior counts as ``PRIOR_PERIODS`` windows that do not overlap."""
    spacing = float(np.median(np.diff(days).astype(np.int64))) if days.size > 1 else float(horizon_days)
    weight = min(1.0, spacing / horizon_days)
    total = PRIOR_PERIODS * PRIOR_SD**2 + weight * float((errors**2).sum())
    return float(np.sqrt(total / (PRIOR_PERIODS + weight * errors.size)))
