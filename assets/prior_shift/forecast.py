"""Forecast of the prior shift: the change in log-odds that moves the whole cohort in one outcome window.

A model without calendar features ranks customers; season, closures and trend move *all* of them together, and
no number of customers averages that out. So the prior shift is forecast separately, as one shift in log-odds
per as-of date, with a standard deviation estimated from the errors of the same forecast on earlier dates.

For an as-of date d and a horizon of H days, from the orders known on d:

    recent_d   = log(repeat orders per trading day in the look-back window, per buyer the model expected then)
    trading_d  = log(expected trading days in [d, d + H), per calendar day)
    season_d   = log(orders per trading day, next H days / look-back window), as it was 52 weeks earlier
    shift_d    = usual_d + kappa_d * (recent_d + trading_d + season_d) + error_d

``kappa = -log(1 - p) / p`` converts a change of log intensity to one of log-odds, since P(at least one order)
= 1 - exp(-intensity). Only ``usual`` is fitted, the mean residual on the matured dates of the last year: with
one or two years of history each further coefficient cost more than it gave. ``recent`` needs no matured
label, so the forecast follows the shop up to the day before, not up to a horizon ago. As-of dates with less
than one look-back window of orders are ignored unless there are no others, and while the shop is open those
whose look-back or outcome window was closed for most of its days.

While no year is known, ``season`` is 0 and ``recent`` may be the height of a season: the share of a year seen
of its distance from its mean is taken off, and the standard deviation is at least ``FIRST_SEASON_SD``.

Source: the seasonal random walk (Hyndman and Athanasopoulos 2021, Forecasting: Principles and Practice, 5.2)
on a series corrected for trading days (Harvey 1989, Forecasting, Structural Time Series Models, 6.2), with
noisy ratios and the variance shrunk towards a prior (Gelman et al. 2013, Bayesian Data Analysis, 2.5, 2.6).
Wrong when the coming season has nothing to do with the last, or a movable feast enters or leaves the window.
"""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from scipy import stats

from assets.metrics.arrays import Floats
from assets.metrics.classification import with_shift
from assets.prior_shift.covariates import PeriodHistory, open_dates, shift_covariates
from assets.prior_shift.trading_days import DAYS_PER_WEEK, DAYS_PER_YEAR, DailyOrders, Days

# Before any error of the same forecast is known. On four simulated shops and on Online Retail the errors are
# then 0.78 to 1.24 of the stated standard deviations (root mean square).
PRIOR_SD = 0.22
# The same while no year is known, and never less: no season has turned yet, so earlier errors say nothing of
# it. In 20 simulated first Januaries the forecast was 0.75 too high.
FIRST_SEASON_SD = 0.6
PRIOR_PERIODS = 4.0  # the prior weighs as much as four observed windows


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorShiftForecast:
    """Prior shift of one as-of date, as a Student t: ``shift`` +- t(degrees_of_freedom) * ``sd``.

    Attributes:
        shift: Log-odds to add to every calibrated probability.
        sd: Scale of its error in log-odds, > 0.
        degrees_of_freedom: Of the t distribution, >= ``PRIOR_PERIODS``.
        n_periods: Matured as-of dates used (weekly windows overlap, so they count for less).
        has_season: Whether the same weeks of an earlier year were known.
        components: Parts of ``shift`` for the model card, in log-odds: usual, recent, trading_days, season.
            Empty while no window has matured.
        backtest_z_rms: Root mean square of the same forecast's errors on earlier dates, in units of the
            standard deviation that was stated on each; NaN without any. A date counts when it knew a season
            as this one does.
        backtest_windows: As many independent windows those dates are worth.
    """

    shift: float
    sd: float
    degrees_of_freedom: float
    n_periods: int
    has_season: bool
    components: dict[str, float]
    backtest_z_rms: float = float("nan")
    backtest_windows: float = 0.0

    @property
    def reversed(self) -> "PriorShiftForecast":
        """Prior shift of the opposite outcome: the same, with the sign changed.

        >>> forecast = PriorShiftForecast(
        ...     shift=0.5, sd=0.1, degrees_of_freedom=4.0, n_periods=1, has_season=False,
        ...     components={"usual": 0.5},
        ... )
        >>> forecast.reversed.shift, forecast.reversed.components
        (-0.5, {'usual': -0.5})
        """
        opposite = {name: -part for name, part in self.components.items()}
        return replace(self, shift=-self.shift, components=opposite)


def total_interval(
    probability: Floats, forecast: PriorShiftForecast, *, coverage: float = 0.95
) -> tuple[float, float]:
    """Prediction interval of the number of positives: error of the prior shift and sampling error together.

    The two deviations add in squares on either side, which keeps the interval as skewed as the shift makes
    it. Given the shift, customers are assumed to be independent.

    Args:
        probability: (n,) calibrated, in [0, 1], before the shift.
        forecast: Prior shift of the same as-of date.
        coverage: Nominal coverage, in (0, 1).

    Returns:
        Lower and upper number of customers, within [0, n].

    Source: Zou and Donner 2008, doi 10.1002/sim.3095.

    Without an error of the shift, 100 customers at 0.5 are binomial: 50 +- 1.96 * 5.

    >>> certain = PriorShiftForecast(
    ...     shift=0.0, sd=0.0, degrees_of_freedom=4.0, n_periods=0, has_season=False, components={}
    ... )
    >>> [round(bound, 1) for bound in total_interval(np.full(100, 0.5), certain)]
    [40.2, 59.8]
    """
    tail = (1 + coverage) / 2
    step = float(stats.t.ppf(tail, forecast.degrees_of_freedom)) * forecast.sd
    middle = with_shift(probability, forecast.shift)
    sampling = float(stats.norm.ppf(tail)) * float(np.sqrt(np.sum(middle * (1 - middle))))
    total = float(middle.sum())
    fall = total - float(with_shift(probability, forecast.shift - step).sum())
    rise = float(with_shift(probability, forecast.shift + step).sum()) - total
    return (
        max(0.0, total - float(np.hypot(fall, sampling))),
        min(float(probability.size), total + float(np.hypot(rise, sampling))),
    )


def forecast_prior_shift(
    history: PeriodHistory, daily: DailyOrders, *, as_of: date, horizon_days: int
) -> PriorShiftForecast:
    """Prior shift of the window ``[as_of, as_of + horizon_days)``, from the facts known on ``as_of``.

    Args:
        history: As-of dates; later ones than ``as_of``, and outcomes not matured by then, are ignored.
        daily: Orders per day; days from ``as_of`` on are ignored.
        as_of: The scoring date; must be one of ``history.as_of_date``.
        horizon_days: H > 0, the same for every shift in ``history``.

    Returns:
        Shift 0 with the prior standard deviation while no window has matured.

    Raises:
        ValueError: when ``as_of`` is not in ``history``.

    A steady shop whose every window was 0.3 above the model's expectation:

    >>> days = np.datetime64("2024-01-01") + np.arange(280)
    >>> found = forecast_prior_shift(
    ...     PeriodHistory(
    ...         as_of_date=days[::7], customers=np.full(40, 200.0), expected=np.full(40, 0.2),
    ...         shift=np.full(40, 0.3),
    ...     ),
    ...     DailyOrders(day=days, orders=np.full(280, 20.0), repeat_orders=np.full(280, 16.0)),
    ...     as_of=date(2024, 9, 30),
    ...     horizon_days=28,
    ... )
    >>> round(found.shift, 1), found.n_periods, found.has_season
    (0.3, 36, False)
    """
    known = history.up_to(as_of, horizon_days=horizon_days)
    covariates = shift_covariates(known, daily, horizon_days=horizon_days)
    residuals = known.shift - covariates.total
    # Weeks in which the shop was closed say nothing of weeks in which it is open.
    was_open = open_dates(known.as_of_date, daily, horizon_days=horizon_days)
    comparable = covariates.has_full_lookback & (was_open | ~was_open[-1])
    comparable_residuals = np.where(comparable, residuals, np.nan)
    usual = _usual(comparable_residuals, known.as_of_date, horizon_days=horizon_days)
    errors = np.where(comparable, known.shift - covariates.forecast, np.nan) - usual
    if not np.isfinite(usual[-1]):
        usual = _usual(residuals, known.as_of_date, horizon_days=horizon_days)
    if not np.isfinite(usual[-1]):
        return _prior_only()
    found = PriorShiftForecast(
        shift=float(usual[-1] + covariates.forecast[-1]),
        sd=PRIOR_SD if covariates.has_season[-1] else FIRST_SEASON_SD,
        degrees_of_freedom=PRIOR_PERIODS,
        n_periods=int(np.isfinite(residuals).sum()),
        has_season=bool(covariates.has_season[-1]),
        components=covariates.components(float(usual[-1])),
    )
    # Forecasts with a known season have smaller errors than those without: only their own kind estimates it.
    alike = np.where(covariates.has_season == found.has_season, errors, np.nan)
    return _after_errors(found, alike, known.as_of_date, horizon_days=horizon_days)


def _after_errors(
    forecast: PriorShiftForecast, errors: Floats, days: Days, *, horizon_days: int
) -> PriorShiftForecast:
    """``forecast``, whose ``sd`` is the prior one, after the (D,) ``errors`` of earlier dates."""
    variance, degrees = _variances(errors, days, prior_sd=forecast.sd, horizon_days=horizon_days)
    sd = np.maximum(np.sqrt(variance), 0.0 if forecast.has_season else FIRST_SEASON_SD)
    z = (errors / sd)[np.isfinite(errors)]
    return replace(
        forecast,
        sd=float(sd[-1]),
        degrees_of_freedom=float(degrees[-1]),
        backtest_z_rms=float(np.sqrt(np.mean(z**2))) if z.size else float("nan"),
        backtest_windows=_weight(days, horizon_days) * z.size,
    )


def _prior_only() -> PriorShiftForecast:
    return PriorShiftForecast(
        shift=0.0,
        sd=FIRST_SEASON_SD,
        degrees_of_freedom=PRIOR_PERIODS,
        n_periods=0,
        has_season=False,
        components={},
    )


def _usual(residuals: Floats, days: Days, *, horizon_days: int) -> Floats:
    """(D,) mean of the ``residuals`` that had matured in the year before each date; NaN for none.

    One year, so that every season counts once.
    """
    age_of_outcome = (days[:, None] - days[None, :]).astype(np.int64) - horizon_days
    is_used = (age_of_outcome >= 0) & (age_of_outcome < DAYS_PER_YEAR) & np.isfinite(residuals)
    count = is_used.sum(axis=1)
    total = is_used @ np.where(np.isfinite(residuals), residuals, 0.0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _weight(days: Days, horizon_days: int) -> float:
    """Share of an independent window that one as-of date adds: overlapping windows share days and errors."""
    spacing = float(np.median(np.diff(days).astype(np.int64))) if days.size > 1 else float(DAYS_PER_WEEK)
    return min(1.0, spacing / horizon_days)


def _variances(errors: Floats, days: Days, *, prior_sd: float, horizon_days: int) -> tuple[Floats, Floats]:
    """(D,) variance and degrees of freedom on each date, after the ``errors`` that had matured by then.

    The prior variance counts as ``PRIOR_PERIODS`` errors: the scaled inverse chi-squared posterior (Gelman et
    al. 2013, 2.6). NaN is a date that does not count.
    """
    has_matured = (days[:, None] - days[None, :]).astype(np.int64) >= horizon_days
    weight = _weight(days, horizon_days)
    counts = np.asarray(has_matured @ np.isfinite(errors).astype(np.float64), dtype=np.float64)
    squares = np.asarray(has_matured @ np.nan_to_num(errors) ** 2, dtype=np.float64)
    degrees = PRIOR_PERIODS + weight * counts
    return (PRIOR_PERIODS * prior_sd**2 + weight * squares) / degrees, degrees
