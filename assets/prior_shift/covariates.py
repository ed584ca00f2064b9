"""What each as-of day knew about its window: recent trade, trading days ahead, and last year's turn."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodHistory:
    """The cohort on every as-of day, oldest first.

    Attributes:
        as_of_date: (D,) ``datetime64[D]``, ascending, the scoring day among them.
        customers: (D,) counts > 0.
        expected: (D,) mean calibrated probability in (0, 1), before any shift, all from the same model.
        shift: (D,) ``intercept_shift`` to the realised rate; NaN where the outcome is not known.
    """

    as_of_date: Days
    customers: Floats
    expected: Floats
    shift: Floats

    def up_to(self, as_of: date, *, horizon_days: int) -> "PeriodHistory":
        """What the morning of ``as_of`` knew: no later day, no outcome of a window that had not ended.

        Raises:
            ValueError: when ``as_of`` is not an as-of day of the history.
        """
        cutoff = np.datetime64(as_of, "D")
        days = self.as_of_date.astype("datetime64[D]")
        if cutoff not in days:
            raise ValueError(f"{as_of} is not an as-of day of the history")
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
    """What one morning knows about the trade of its window.

    Attributes:
        recent: Log of repeat orders per trading day in the last weeks.
        recent_orders: How many repeat orders that is.
        trading: Log of the expected trading days in the window, per calendar day.
        season: Log ratio of orders per trading day, window to last weeks, 52 weeks earlier: the mean of up to
            three years, each shrunk towards 0 when orders are few; NaN when no year is known.
        is_settled: Whether the last weeks lie wholly within the known orders.
    """

    recent: float
    recent_orders: float
    trading: float
    season: float
    is_settled: bool


UNKNOWN = PeriodCovariates(recent=0.0, recent_orders=0.0, trading=0.0, season=float("nan"), is_settled=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftCovariates:
    """(D,) arrays, one entry per as-of day: its ``PeriodCovariates``, recent trade now per expected buyer.

    ``kappa`` is the change in log-odds that one unit of log intensity makes.
    """

    recent: Floats
    trading: Floats
    season: Floats
    has_season: Flags
    is_settled: Flags
    kappa: Floats

    @property
    def total(self) -> Floats:
        """(D,) the part of the shift that was known beforehand, up to a constant."""
        return self.kappa * (self.recent + self.trading + self.season)

    def components(self, usual: float) -> dict[str, float]:
        """The newest morning's shift in parts; ``recent`` is told relative to its own mean."""
        kappa, mean = float(self.kappa[-1]), float(self.recent.mean())
        return {
            "usual": usual + kappa * mean,
            "recent": kappa * (float(self.recent[-1]) - mean),
            "trading_days": kappa * float(self.trading[-1]),
            "season": kappa * float(self.season[-1]),
        }


def shift_covariates(history: PeriodHistory, daily: DailyOrders, *, horizon_days: int) -> ShiftCovariates:
    """What each as-of day of ``history`` knew that morning, later days never looked at."""
    fewest, most = _LOOKBACK_WEEKS
    lookback = DAYS_PER_WEEK * min(max(round(horizon_days / DAYS_PER_WEEK), fewest), most)
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
    return ShiftCovariates(
        recent=_shrunk_to_mean(recent, orders=np.array([each.recent_orders for each in per_date])),
        trading=np.array([each.trading for each in per_date]),
        season=np.nan_to_num(season),
        has_season=np.isfinite(season),
        is_settled=np.array([each.is_settled for each in per_date]),
        kappa=-np.log1p(-history.expected) / history.expected,
    )


def _recent_expected_buyers(days: Days, buyers: Floats, lookback_days: int) -> Floats:
    """(D,) mean of ``buyers`` over the as-of days of the last weeks; a day's own where there is none."""
    age = (days[:, None] - days[None, :]).astype(np.int64)
    lately = (age > 0) & (age <= lookback_days)
    count = lately.sum(axis=1)
    return np.where(count > 0, lately @ buyers / np.maximum(count, 1), buyers)


def _shrunk_to_mean(log_rate: Floats, *, orders: Floats) -> Floats:
    """(D,) each log rate, shrunk towards the mean of those up to it the more, the fewer orders it has."""
    reliability = SEASONAL_SD**2 / (SEASONAL_SD**2 + 1 / (orders + 0.5))
    mean_so_far = np.cumsum(log_rate) / np.arange(1, log_rate.size + 1)
    return np.asarray(mean_so_far + reliability * (log_rate - mean_so_far), dtype=np.float64)


def period_covariates(
    calendar: TradingCalendar, as_of: date, *, lookback_days: int, horizon_days: int
) -> PeriodCovariates:
    """The outlook of ``as_of``.

    Args:
        calendar: Of the orders known before ``as_of``.
        as_of: The as-of day.
        lookback_days: Length of "the last weeks": whole weeks, so that every weekday counts alike.
        horizon_days: Length of the window.
    """
    now = calendar.position(as_of)
    start = max(0, now - lookback_days)
    orders = float(calendar.repeat_orders[start:now].sum())
    return PeriodCovariates(
        recent=float(np.log((orders + 0.5) / _trading_days_at_least(calendar, start, now))),
        recent_orders=orders,
        trading=float(np.log(_trading_days_at_least(calendar, now, now + horizon_days) / horizon_days)),
        season=_season(calendar, now, lookback_days=lookback_days, horizon_days=horizon_days),
        is_settled=now >= lookback_days,
    )


def _trading_days_at_least(calendar: TradingCalendar, start: int, stop: int) -> float:
    """Trading days, never quite none: a shop that was shut is no reason for an infinite rate."""
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
