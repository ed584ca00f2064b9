"""Lifetime value fitted and predicted, against the library ``lifetimes`` on the same customers.

The library is archived and not a dependency: where it cannot be imported, our means and intervals are
compared with our means alone. To compare, put it on the path for this one command:
``pip install --no-deps --target DIR lifetimes==0.11.3 autograd dill``, then
``PYTHONPATH=DIR python -m benchmarks.lifetime_value``.
"""

import importlib
import importlib.util
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median

import numpy as np

from assets.lifetime_value.models import gamma_gamma
from assets.lifetime_value.models.clv import LifetimeValue
from assets.lifetime_value.models.gamma_gamma import GammaGammaParams, Spent
from assets.lifetime_value.models.predictive import Forecaster
from assets.metrics.arrays import Floats
from assets.purchase_process import bg_nbd
from assets.purchase_process.bg_nbd import HORIZONS_DAYS, BgNbdParams
from assets.purchase_process.purchase_history import PurchaseHistory
from benchmarks.ratio import Figure, table
from benchmarks.simulated_buyers import simulated

OURS, PEER = "ours", "lifetimes"
# Customers, and how many pairs of runs.
SIZES = {2_357: 5, 100_000: 3, 1_000_000: 1}
DEFAULT_SIZE = 100_000
TRUTH = Forecaster(
    buying=BgNbdParams(r=0.8, alpha=40.0, a=0.8, b=2.5), spending=GammaGammaParams(p=6.0, q=4.0, v=15.0)
)
OLDEST_DAYS = 730
SEED = 0
KIB_PER_MIB = 2**10


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run in a process of its own.

    Attributes:
        fit: Seconds.
        means: Seconds for the means of three horizons.
        intervals: Seconds for the same with intervals; ``nan`` where there are none.
        mib: Most memory the process held, interpreter, libraries and the customers' rows included.
        held_before: Memory that it held before the first fit.
        orders: Log-likelihood of BG/NBD, by our formula.
        amounts: Log-likelihood of Gamma-Gamma, by our formula.
    """

    fit: float
    means: float
    intervals: float
    mib: float
    held_before: float
    orders: float
    amounts: float


def measure(size: int = DEFAULT_SIZE) -> Figure:
    """Measure with ``size`` customers."""
    is_compared = importlib.util.find_spec(PEER) is not None
    turns = range(SIZES.get(size, 1))
    pairs = [
        (_run_in_process(OURS, size), _run_in_process(PEER if is_compared else OURS, size)) for _ in turns
    ]
    ours, theirs = [mine for mine, _ in pairs], [other for _, other in pairs]
    return _against_peer(size, ours, theirs) if is_compared else _against_means(size, ours, theirs)


def _against_peer(size: int, ours: list[Run], theirs: list[Run]) -> Figure:
    return Figure(
        name=f"lifetime value of {size:,} customers, fit and means, against {PEER}",
        ours=tuple(each.fit + each.means for each in ours),
        limits=tuple(each.fit + each.means for each in theirs),
        meaning=_format_times(ours),
        alarming="Alarming above 1: equal histories are no longer merged.",
        notes=f"{_times('Theirs:', theirs)} At most {max(each.mib for each in theirs):,.0f} MiB. "
        f"Log-likelihoods, ours minus theirs: orders {ours[0].orders - theirs[0].orders:+.6f}, "
        f"amounts {ours[0].amounts - theirs[0].amounts:+.6f}.",
    )


def _against_means(size: int, ours: list[Run], theirs: list[Run]) -> Figure:
    return Figure(
        name=f"lifetime value of {size:,} customers with intervals against means alone",
        ours=tuple(each.fit + each.intervals for each in ours),
        limits=tuple(each.fit + each.means for each in theirs),
        meaning=_format_times(ours),
        alarming=f"Alarming above 12. {PEER} is not installed, so no other library is compared.",
    )


def _format_times(ours: list[Run]) -> str:
    peak, before = max(each.mib for each in ours), ours[0].held_before
    return f"{_times('Ours:', ours)} At most {peak:,.0f} MiB, {before:,.0f} of it before the first fit."


def _times(label: str, runs: list[Run]) -> str:
    fit, means, intervals = (
        median(getattr(each, name) for each in runs) for name in ("fit", "means", "intervals")
    )
    with_intervals = "" if np.isnan(intervals) else f", {intervals:.2f} s with intervals"
    return f"{label} fit {fit:.2f} s, {len(HORIZONS_DAYS)} horizons {means:.2f} s{with_intervals}."


def _run_in_process(library: str, size: int) -> Run:
    """A run in a fresh process, so that its peak memory excludes other runs."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run, library, size).result()


def _run(library: str, size: int) -> Run:
    rng = np.random.default_rng(SEED)
    ages = rng.integers(1, OLDEST_DAYS + 1, size).astype(np.float64)
    rows = simulated(TRUTH, ages, horizon_days=HORIZONS_DAYS[-1], rng=rng).past
    held_before = _held_mib()
    return (_peer if library == PEER else _ours)(rows, held_before)


def _ours(rows: Floats, held_before: float) -> Run:
    model = LifetimeValue()
    fit = _seconds(lambda: model.fit(rows))
    means = _seconds(lambda: (model.expected_revenue(rows), model.purchases_.probability_alive(rows[:, :3])))
    times = (fit, means, _seconds(lambda: model.forecast(rows)), held_before)
    return _run_result(rows, times, buying=model.forecaster.buying, spending=model.forecaster.spending)


def _peer(rows: Floats, held_before: float) -> Run:
    library = importlib.import_module(PEER)
    orders, amounts = library.BetaGeoFitter(), library.GammaGammaFitter()
    x, recency, age, amount = np.ascontiguousarray(rows.T)
    again = x > 0

    def fit() -> None:
        orders.fit(x, recency, age)
        amounts.fit(x[again], amount[again])

    def means() -> None:
        for days in HORIZONS_DAYS:
            orders.conditional_expected_number_of_purchases_up_to_time(days, x, recency, age)
        orders.conditional_probability_alive(x, recency, age)
        amounts.conditional_expected_average_profit(x, np.where(again, amount, 0.0))

    times = (_seconds(fit), _seconds(means), float("nan"), held_before)
    buying = BgNbdParams(*(float(orders.params_[name]) for name in bg_nbd.NAMES))
    spending = GammaGammaParams(*(float(amounts.params_[name]) for name in gamma_gamma.NAMES))
    return _run_result(rows, times, buying=buying, spending=spending)


def _run_result(
    rows: Floats, times: tuple[float, float, float, float], *, buying: BgNbdParams, spending: GammaGammaParams
) -> Run:
    fit, means, intervals, held_before = times
    mib, again = _held_mib(), rows[:, 0] > 0
    return Run(
        fit=fit,
        means=means,
        intervals=intervals,
        mib=mib,
        held_before=held_before,
        orders=bg_nbd.log_likelihood(np.log(buying), PurchaseHistory.of(rows[:, :3]))[0],
        amounts=gamma_gamma.log_likelihood(np.log(spending), Spent.of(*rows[again][:, [0, 3]].T))[0],
    )


def _held_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB


def _seconds(timed: Callable[[], object]) -> float:
    started = time.perf_counter()
    timed()
    return time.perf_counter() - started


if __name__ == "__main__":
    sizes = [int(size) for size in sys.argv[1:]] or list(SIZES)
    sys.stdout.write(table([measure(size) for size in sizes]))
