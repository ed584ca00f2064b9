"""The level: how much the whole cohort will buy in the coming window, apart from who is likelier than whom.

A ranker without calendar features says *who*; season, closures and trend move *everybody* together, and no
number of customers averages that out. So the level is forecast on its own, as one shift in log-odds per as-of
day, with a standard deviation learned from how wrong the same forecast would have been before.

For an as-of day d and a horizon of H days, with what was known that morning:

    recent_d   = log(repeat orders per trading day in the last weeks, per buyer the model expected then)
    trading_d  = log(expected trading days in [d, d + H), per calendar day)
    season_d   = log(orders per trading day, next H days / last weeks), as it was 52 weeks earlier
    shift_d    = usual_d + kappa_d * (recent_d + trading_d + season_d) + error_d

``kappa = -log(1 - p) / p`` turns a change of log intensity into one of log-odds, since P(at least one order)
= 1 - exp(-intensity). Nothing is fitted but ``usual``, the mean of what the rest leaves over on the matured
days of the last year: with one or two years of history each further coefficient cost more than it gave.
``recent`` needs no matured label, so the level follows the shop up to yesterday, not up to a horizon ago.
Mornings with less than the last weeks of orders behind them teach nothing while there are others.

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
from assets.prior_shift.covariates import PeriodHistory, shift_covariates
from assets.prior_shift.trading_days import DAYS_PER_WEEK, DAYS_PER_YEAR, DailyOrders, Days

PRIOR_SD = 0.25  # with nothing known, one window in three is off by more than a quarter
PRIOR_PERIODS = 4.0  # the prior weighs as much as four windows seen


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorShiftForecast:
    """The shift in log-odds for one as-of day, as a Student t: ``shift`` +- t(degrees_of_freedom) * ``sd``.

    Attributes:
        shift: Log-odds to add to every calibrated probability.
        sd: Scale of its error, > 0.
        degrees_of_freedom: Of the t distribution, >= ``PRIOR_PERIODS``.
        n_periods: Matured as-of days behind it (weekly windows overlap, so they count for less).
        has_season: Whether last year's same weeks were known.
        components: Parts of ``shift`` for the model card, in log-odds: usual, recent, trading_days, season.
            Empty while nothing is known.
    """

    shift: float
    sd: float
    degrees_of_freedom: float
    n_periods: int
    has_season: bool
    components: dict[str, float]

    @property
    def reversed(self) -> "PriorShiftForecast":
        """The level of the opposite outcome: the same, with the sign changed."""
        opposite = {name: -part for name, part in self.components.items()}
        return replace(self, shift=-self.shift, components=opposite)


def total_interval(
    probability: Floats, forecast: PriorShiftForecast, *, coverage: float = 0.95
) -> tuple[float, float]:
    """Where the number of buyers among ``probability`` will lie, level and luck together.

    The two deviations add in squares on either side, which keeps the interval as skewed as the level makes
    it (Zou and Donner 2008, doi 10.1002/sim.3095). Given the level, customers are taken as independent.

    Args:
        probability: (n,) calibrated, before the shift.
        forecast: The level of the same as-of day.
        coverage: In (0, 1).

    Returns:
        Lower and upper number of customers, within [0, n].
    """
    tail = (1 + coverage) / 2
    step = float(stats.t.ppf(tail, forecast.degrees_of_freedom)) * forecast.sd
    middle = with_shift(probability, forecast.shift)
    luck = float(stats.norm.ppf(tail)) * float(np.sqrt(np.sum(middle * (1 - middle))))
    total = float(middle.sum())
    fall = total - float(with_shift(probability, forecast.shift - step).sum())
    rise = float(with_shift(probability, forecast.shift + step).sum()) - total
    return (
        max(0.0, total - float(np.hypot(fall, luck))),
        min(float(probability.size), total + float(np.hypot(rise, luck))),
    )


def forecast_prior_shift(
    history: PeriodHistory, daily: DailyOrders, *, as_of: date, horizon_days: int
) -> PriorShiftForecast:
    """The level of the window ``[as_of, as_of + horizon_days)``, from what was known that morning.

    Args:
        history: As-of days; those after ``as_of``, and outcomes not matured by then, are not looked at.
        daily: Orders per day; days from ``as_of`` on are not looked at.
        as_of: The scoring day; must be one of ``history.as_of_date``.
        horizon_days: H > 0, the same for every shift in ``history``.

    Returns:
        Shift 0 with the prior standard deviation while no window has matured.

    Raises:
        ValueError: when ``as_of`` is not in ``history``.
    """
    seen = history.up_to(as_of, horizon_days=horizon_days)
    covariates = shift_covariates(seen, daily, horizon_days=horizon_days)
    residuals = seen.shift - covariates.total
    settled = np.where(covariates.is_settled, residuals, np.nan)
    usual = _usual(settled, seen.as_of_date, horizon_days=horizon_days)
    errors = settled - usual
    if not np.isfinite(usual[-1]):
        usual = _usual(residuals, seen.as_of_date, horizon_days=horizon_days)
    if not np.isfinite(usual[-1]):
        return _prior_only()
    variance, degrees = _shrunk(errors, PRIOR_SD**2, weight=_weight(seen.as_of_date, horizon_days))
    if covariates.has_season[-1]:
        # Mornings that knew last year are better placed than those before: judged by their own kind.
        errors = errors[covariates.has_season]
        variance, degrees = _shrunk(errors, variance, weight=_weight(seen.as_of_date, horizon_days))
    return PriorShiftForecast(
        shift=float(usual[-1] + covariates.total[-1]),
        sd=float(np.sqrt(variance)),
        degrees_of_freedom=degrees,
        n_periods=int(np.isfinite(residuals).sum()),
        has_season=bool(covariates.has_season[-1]),
        components=covariates.components(float(usual[-1])),
    )


def _prior_only() -> PriorShiftForecast:
    return PriorShiftForecast(
        shift=0.0, sd=PRIOR_SD, degrees_of_freedom=PRIOR_PERIODS, n_periods=0, has_season=False, components={}
    )


def _usual(residuals: Floats, days: Days, *, horizon_days: int) -> Floats:
    """(D,) mean of ``residuals`` that each morning had seen mature in the year before it; NaN for none.

    One year, so that every season counts once.
    """
    age_of_outcome = (days[:, None] - days[None, :]).astype(np.int64) - horizon_days
    is_used = (age_of_outcome >= 0) & (age_of_outcome < DAYS_PER_YEAR) & np.isfinite(residuals)
    count = is_used.sum(axis=1)
    total = is_used @ np.where(np.isfinite(residuals), residuals, 0.0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _weight(days: Days, horizon_days: int) -> float:
    """How much of an independent window one as-of day adds: overlapping windows share days and errors."""
    spacing = float(np.median(np.diff(days).astype(np.int64))) if days.size > 1 else float(DAYS_PER_WEEK)
    return min(1.0, spacing / horizon_days)


def _shrunk(errors: Floats, variance: float, *, weight: float) -> tuple[float, float]:
    """Variance and degrees of freedom after ``errors`` of forecasts made with what their morning knew.

    ``variance`` counts as ``PRIOR_PERIODS`` errors: the scaled inverse chi-squared posterior (Gelman et al.
    2013, 2.6). NaN stands for a morning that is not counted.
    """
    squares = errors[np.isfinite(errors)] ** 2
    degrees = PRIOR_PERIODS + weight * squares.size
    return (PRIOR_PERIODS * variance + weight * float(squares.sum())) / degrees, degrees
