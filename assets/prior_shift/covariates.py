"""Covariates of the prior shift on each as-of date: recent orders, trading days ahead and the season."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from assets.metrics.arrays import Flags, Floats
from assets.prior_shift.trading_days import (
    DAYS_PER_WEEK,
    WEEKS_ALIGNED_YEAR,
    DailyOrders,
    Days,
    TradingCalendar,
    order_days,
)

SEASONAL_SD = 0.2  # spread of true log ratios between neighbouring windows; shrinks ratios of few orders
_LOOKBACK_WEEKS = (4, 13)
_YEARS_BACK = (1, 2, 3)
_FEWEST_TRADING_DAYS = 5.0
_LOWEST_TRADING_SHARE = 0.05
_LEAST_OPEN_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodHistory:
    """The cohort on every as-of date, oldest first.

    Attributes:
        as_of_date: (D,) ``datetime64[D]``, ascending, the scoring date among them.
        customers: (D,) counts > 0.
        expected: (D,) mean calibrated probability in (0, 1), before any shift, all from the same model.
        shift: (D,) ``intercept_shift`` to the realised rate, in log-odds; NaN where the outcome is not known.
    """

    as_of_date: Days
    customers: Floats
    expected: Floats
    shift: Floats

    def up_to(self, as_of: date, *, horizon_days: int) -> "PeriodHistory":
        """The part known on ``as_of``: no later date, and no outcome of a window that had not ended.

        Raises:
            ValueError: when ``as_of`` is not an as-of date of the history.

        The window of 7 days from 1 January has ended on the 8th, that of the 8th has not:

        >>> history = PeriodHistory(
        ...     as_of_date=np.array(["2024-01-01", "2024-01-08", "2024-01-15"], dtype="datetime64[D]"),
        ...     customers=np.full(3, 100.0),
        ...     expected=np.full(3, 0.2),
        ...     shift=np.array([0.1, 0.2, 0.3]),
        ... )
        >>> history.up_to(date(2024, 1, 8), horizon_days=7).shift.tolist()
        [0.1, nan]
        """
        cutoff = np.datetime64(as_of, "D")
        days = self.as_of_date.astype("datetime64[D]")
        if cutoff not in days:
            raise ValueError(f"{as_of} is not an as-of date of the history")
        known = days <= cutoff
        has_matured = days[known] + np.timedelta64(horizon_days, "D") <= cutoff
        return PeriodHistory(
            as_of_date=days[known],
            customers=self.customers[known],
            expected=self.expected[known],
            shift=np.where(has_matured, self.shift[known], np.nan),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodCovariates:
    """Covariates of one as-of date, from the orders known by then.

    Attributes:
        recent: Log of repeat orders per trading day in the look-back window.
        recent_orders: Repeat orders in the look-back window.
        trading: Log of the expected trading days in the outcome window, per calendar day.
        season: Log ratio of orders per trading day, outcome window to look-back window, 52 weeks earlier: the
            mean of up to three years, each shrunk towards 0 when orders are few; NaN when no year is known.
        has_full_lookback: Whether the look-back window is completely within the known orders.
        year_seen: Share of a year within the known orders, in [0, 1].
    """

    recent: float
    recent_orders: float
    trading: float
    season: float
    has_full_lookback: bool
    year_seen: float


UNKNOWN = PeriodCovariates(
    recent=0.0, recent_orders=0.0, trading=0.0, season=float("nan"), has_full_lookback=False, year_seen=0.0
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftCovariates:
    """Covariates of the prior shift on D as-of dates.

    Attributes:
        recent: (D,) log of repeat orders per trading day and expected buyer, shrunk when orders are few.
        trading: (D,) as in :class:`PeriodCovariates`.
        season: (D,) as in :class:`PeriodCovariates`; 0 when no year is known.
        reversion: (D,) part of ``recent`` that will not last, when no year is known: of its distance from its
            mean so far, the share of a year seen. A shop that has seen most of a year, and no season twice,
            is as likely at the end of a season as in it.
        has_season: (D,) whether a year is known.
        has_full_lookback: (D,) as in :class:`PeriodCovariates`.
        kappa: (D,) change in log-odds for one unit of log intensity.
    """

    recent: Floats
    trading: Floats
    season: Floats
    reversion: Floats
    has_season: Flags
    has_full_lookback: Flags
    kappa: Floats

    @property
    def total(self) -> Floats:
        """Part of the shift that was known beforehand, up to a constant: (D,) log-odds."""
        return self.kappa * (self.recent + self.trading + self.season)

    @property
    def forecast(self) -> Floats:
        """:attr:`total` without what is expected to revert: (D,) log-odds.

        >>> one = np.ones(1)
        >>> ShiftCovariates(
        ...     recent=3 * one, trading=0 * one, season=one, reversion=0.5 * one, has_season=one > 0,
        ...     has_full_lookback=one > 0, kappa=2 * one,
        ... ).forecast.tolist()
        [7.0]
        """
        return self.total - self.kappa * self.reversion

    def components(self, usual: float) -> dict[str, float]:
        """Parts of the latest date's shift, in log-odds; ``recent`` is relative to its mean over all dates.

        >>> found = ShiftCovariates(
        ...     recent=np.array([1.0, 3.0]),
        ...     trading=np.array([0.0, 0.5]),
        ...     season=np.array([0.0, 0.25]),
        ...     reversion=np.zeros(2),
        ...     has_season=np.array([False, True]),
        ...     has_full_lookback=np.array([True, True]),
        ...     kappa=np.array([2.0, 2.0]),
        ... )
        >>> found.total.tolist(), found.components(-7.0)
        ([2.0, 7.5], {'usual': -3.0, 'recent': 2.0, 'trading_days': 1.0, 'season': 0.5})
        """
        kappa, mean = float(self.kappa[-1]), float(self.recent.mean())
        return {
            "usual": usual + kappa * mean,
            "recent": kappa * (float(self.recent[-1] - self.reversion[-1]) - mean),
            "trading_days": kappa * float(self.trading[-1]),
            "season": kappa * float(self.season[-1]),
        }


def shift_covariates(history: PeriodHistory, daily: DailyOrders, *, horizon_days: int) -> ShiftCovariates:
    """Covariates of each as-of date of ``history``, from the orders before that date only.

    The look-back window has the length of the horizon in whole weeks, at least 4 and at most 13.

    Args:
        history: D as-of dates.
        daily: Orders per day; of each date's covariates, only the days before it are used.
        horizon_days: Length of the outcome window.

    20 orders on each of 70 days, every one a repeat order, and 40 expected buyers: the trading days are those
    of the calendar, and 560.5 orders in 28 days are 0.5004 per day and buyer.

    >>> days = np.datetime64("2024-01-01") + np.arange(70)
    >>> found = shift_covariates(
    ...     PeriodHistory(
    ...         as_of_date=days[[35, 42]], customers=np.full(2, 200.0), expected=np.full(2, 0.2),
    ...         shift=np.full(2, np.nan),
    ...     ),
    ...     DailyOrders(day=days, orders=np.full(70, 20.0), repeat_orders=np.full(70, 20.0)),
    ...     horizon_days=28,
    ... )
    >>> np.exp(found.recent).round(4).tolist(), np.exp(found.trading).round(4).tolist()
    ([0.5004, 0.5004], [1.0, 1.0])
    """
    lookback = _lookback_days(horizon_days)
    days: list[date] = history.as_of_date.tolist()
    trade = order_days(daily)
    calendars = [trade.known_before(day) if trade else None for day in days]
    per_date = [
        period_covariates(calendar, day, lookback_days=lookback, horizon_days=horizon_days)
        if calendar
        else UNKNOWN
        for calendar, day in zip(calendars, days, strict=True)
    ]
    buyers = _recent_expected_buyers(history.as_of_date, history.customers * history.expected, lookback)
    recent = np.array([each.recent for each in per_date]) - np.log(buyers)
    season = np.array([each.season for each in per_date])
    shrunk = _shrunk_to_mean(recent, orders=np.array([each.recent_orders for each in per_date]))
    return ShiftCovariates(
        recent=shrunk,
        trading=np.array([each.trading for each in per_date]),
        season=np.nan_to_num(season),
        reversion=_reversion(shrunk, per_date),
        has_season=np.isfinite(season),
        has_full_lookback=np.array([each.has_full_lookback for each in per_date]),
        kappa=-np.log1p(-history.expected) / history.expected,
    )


def open_dates(days: Days, daily: DailyOrders, *, horizon_days: int) -> Flags:
    """(D,) whether a date's look-back and outcome window were open for at least half of their days.

    Args:
        days: (D,) as-of dates, the scoring date last. What is known on that date decides for all of them: the
            closures of past days, and those that last year lets expect.
        daily: Orders per day; days from the last date on are ignored.
        horizon_days: Length of the outcome window.

    Open for 70 days, closed for 35 and open again: weeks with 28 days before or after that are mostly closed.

    >>> day = np.datetime64("2024-01-01") + np.arange(210)
    >>> orders = np.where((np.arange(210) >= 70) & (np.arange(210) < 105), 0.0, 20.0)
    >>> found = open_dates(
    ...     day[28::7], DailyOrders(day=day, orders=orders, repeat_orders=orders), horizon_days=28
    ... )
    >>> (np.flatnonzero(~found) + 4).tolist()
    [9, 10, 11, 12, 13, 14, 15, 16]
    """
    trade = order_days(daily)
    calendar = trade.known_before(days[-1].item()) if trade and days.size else None
    if calendar is None:
        return np.ones(days.size, dtype=np.bool_)
    lookback = _lookback_days(horizon_days)
    positions = [calendar.position(day) for day in days.tolist()]
    shares = [
        min(
            calendar.trading_days(at - lookback, at) / lookback,
            calendar.trading_days(at, at + horizon_days) / horizon_days,
        )
        for at in positions
    ]
    return np.asarray(shares) >= _LEAST_OPEN_SHARE


def _lookback_days(horizon_days: int) -> int:
    """The length of the horizon in whole weeks, at least 4 and at most 13, so that weekdays count alike."""
    fewest, most = _LOOKBACK_WEEKS
    return DAYS_PER_WEEK * min(max(round(horizon_days / DAYS_PER_WEEK), fewest), most)


def _recent_expected_buyers(days: Days, buyers: Floats, lookback_days: int) -> Floats:
    """(D,) mean of ``buyers`` over the as-of dates of the look-back window; a date's own without any."""
    age = (days[:, None] - days[None, :]).astype(np.int64)
    is_recent = (age > 0) & (age <= lookback_days)
    count = is_recent.sum(axis=1)
    return np.where(count > 0, is_recent @ buyers / np.maximum(count, 1), buyers)


def _shrunk_to_mean(log_rate: Floats, *, orders: Floats) -> Floats:
    """(D,) each log rate, shrunk towards the mean of those up to it: the fewer orders, the more."""
    reliability = SEASONAL_SD**2 / (SEASONAL_SD**2 + 1 / (orders + 0.5))
    mean = _mean_so_far(log_rate, of=np.ones(log_rate.size, dtype=np.bool_))
    return np.asarray(mean + reliability * (log_rate - mean), dtype=np.float64)


def _reversion(recent: Floats, per_date: Sequence[PeriodCovariates]) -> Floats:
    """(D,) as in :class:`ShiftCovariates`; 0 on dates with less than one look-back window."""
    is_full = np.array([each.has_full_lookback for each in per_date])
    year_seen = np.array([0.0 if np.isfinite(each.season) else each.year_seen for each in per_date])
    return np.where(is_full, year_seen * (recent - _mean_so_far(recent, of=is_full)), 0.0)


def _mean_so_far(values: Floats, *, of: Flags) -> Floats:
    """(D,) mean of the ``values`` up to each date where ``of`` is true; 0 before the first."""
    return np.asarray(np.cumsum(np.where(of, values, 0.0)) / np.maximum(np.cumsum(of), 1), dtype=np.float64)


def period_covariates(
    calendar: TradingCalendar, as_of: date, *, lookback_days: int, horizon_days: int
) -> PeriodCovariates:
    """Covariates of one as-of date.

    Args:
        calendar: Of the orders known before ``as_of``.
        as_of: The as-of date.
        lookback_days: Length of the look-back window: whole weeks, so that every weekday counts alike.
        horizon_days: Length of the outcome window.

    Seven days with 10 orders each, 8 of them repeat orders: 56.5 in 7 trading days.

    >>> days = np.datetime64("2024-01-01") + np.arange(7)
    >>> orders = DailyOrders(day=days, orders=np.full(7, 10.0), repeat_orders=np.full(7, 8.0))
    >>> calendar = order_days(orders).known_before(date(2024, 1, 8))
    >>> found = period_covariates(calendar, date(2024, 1, 8), lookback_days=28, horizon_days=7)
    >>> round(float(np.exp(found.recent)), 4), found.recent_orders, found.trading, found.has_full_lookback
    (8.0714, 56.0, 0.0, False)
    """
    now = calendar.position(as_of)
    start = max(0, now - lookback_days)
    orders = float(calendar.repeat_orders[start:now].sum())
    return PeriodCovariates(
        recent=float(np.log((orders + 0.5) / _trading_days_at_least(calendar, start, now))),
        recent_orders=orders,
        trading=float(np.log(_trading_days_at_least(calendar, now, now + horizon_days) / horizon_days)),
        season=_season(calendar, now, lookback_days=lookback_days, horizon_days=horizon_days),
        has_full_lookback=now >= lookback_days,
        year_seen=min(1.0, now / WEEKS_ALIGNED_YEAR),
    )


def _trading_days_at_least(calendar: TradingCalendar, start: int, stop: int) -> float:
    """Trading days, at least 5 % of the calendar days: a closed shop must not give an infinite rate."""
    return max(calendar.trading_days(start, stop), _LOWEST_TRADING_SHARE * (stop - start))


def _season(calendar: TradingCalendar, now: int, *, lookback_days: int, horizon_days: int) -> float:
    changes = []
    for years in _YEARS_BACK:
        then = now - years * WEEKS_ALIGNED_YEAR
        start, stop = max(0, then - lookback_days), then + horizon_days
        is_known = start < then and stop <= now
        if is_known and calendar.trading_days(start, then) >= _FEWEST_TRADING_DAYS:
            changes.append(_log_season_ratio(calendar, start, then, stop=stop))
    return float(np.mean(changes)) if changes else float("nan")


def _log_season_ratio(calendar: TradingCalendar, start: int, then: int, *, stop: int) -> float:
    """Log ratio of orders per trading day, ``[then, stop)`` to ``[start, then)``, shrunk for sampling noise.

    The log of a count n has a variance of about 1/n; the shrinkage is Gelman et al. 2013, 2.5.
    """
    before = float(calendar.orders[start:then].sum()) + 0.5
    after = float(calendar.orders[then:stop].sum()) + 0.5
    reliability = SEASONAL_SD**2 / (SEASONAL_SD**2 + 1 / before + 1 / after)
    rates = (
        after / _trading_days_at_least(calendar, then, stop),
        before / _trading_days_at_least(calendar, start, then),
    )
    return reliability * float(np.log(rates[0] / rates[1]))
