"""Trading-day calendar: expected days of trade in a window, from the orders known on the as-of date only."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from assets.metrics.arrays import Flags, Floats

Days = npt.NDArray[np.datetime64]

DAYS_PER_WEEK = 7
DAYS_PER_YEAR = 365
WEEKS_ALIGNED_YEAR = 364  # 52 whole weeks: last year's day with the same weekday
_RARELY_OPEN_SHARE = 0.2
_NO_SEASON_DAYS = 300  # a shop that opens for two months a year is closed for as long
_ORDERS_THAT_PROVE_A_CLOSURE = 5.0  # exp(-5) < 1 %: an open day without orders would be improbable
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyOrders:
    """Orders per local calendar day, in any order; days without orders may be left out.

    Attributes:
        day: (N,) ``datetime64[D]``.
        orders: (N,) counts >= 0, of every customer.
        repeat_orders: (N,) counts >= 0, of customers whose first purchase was on an earlier day.
    """

    day: Days
    orders: Floats
    repeat_orders: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingCalendar:
    """Days of trade, past and expected, estimated from the orders before one as-of date.

    Attributes:
        first: The first day with orders; index 0 of the arrays.
        orders: (N,) orders per day, up to the day before the as-of date.
        repeat_orders: (N,) likewise.
        weight: (7,) orders of an open Monday .. Sunday, in units of the average calendar day.
        is_closed: (N,) no order on a day whose weekday is never that quiet.
        shows_closures: (N,) the weekday is busy enough for "no order" to mean "closed", and it lies in no
            closure of nearly a year, which is no season and says nothing of the next year.
    """

    first: np.datetime64
    orders: Floats
    repeat_orders: Floats
    weight: Floats
    is_closed: Flags
    shows_closures: Flags

    def position(self, day: date) -> int:
        """Index of ``day``: negative before the first order, ``>= N`` in the future.

        >>> orders = DailyOrders(
        ...     day=np.array(["2024-01-01"], dtype="datetime64[D]"),
        ...     orders=np.array([5.0]),
        ...     repeat_orders=np.array([4.0]),
        ... )
        >>> order_days(orders).known_before(date(2024, 1, 8)).position(date(2024, 1, 10))
        9
        """
        return int((np.datetime64(day, "D") - self.first).astype(int))

    def trading_days(self, start: int, stop: int) -> float:
        """Expected days of trade in positions ``[start, stop)``, an average calendar day counting 1.

        Six of seven days with 7 orders, Sunday closed: a Monday counts 7/6 of the average day, a Sunday 0.

        >>> days = np.datetime64("2024-01-01") + np.arange(28)
        >>> counts = np.tile([7.0] * 6 + [0.0], 4)
        >>> orders = DailyOrders(day=days, orders=counts, repeat_orders=counts)
        >>> calendar = order_days(orders).known_before(date(2024, 1, 29))
        >>> [round(calendar.trading_days(28, stop), 4) for stop in (29, 35)], calendar.trading_days(34, 35)
        ([1.1667, 7.0], 0.0)
        """
        positions = np.arange(start, stop)
        weekday = (int(self.first.astype(int)) + _EPOCH_WEEKDAY + positions) % DAYS_PER_WEEK
        return float(np.sum(self.weight[weekday] * (1 - self._closed_share(positions))))

    def _closed_share(self, positions: npt.NDArray[np.int_]) -> Floats:
        """Closed share of each day, in [0, 1]: known for past days, expected for future days.

        Some closures keep their date (25 December), some their weekday (a May bank holiday). Averaging last
        year's day of the same date and the one of the same weekday counts either kind once, without a list
        of public holidays. Movable feasts (Easter) land where last year had them.
        """
        size = self.orders.size
        closed = np.zeros(positions.size)
        past = (positions >= 0) & (positions < size)
        closed[past] = self.is_closed[positions[past]]
        votes, ballots = np.zeros(positions.size), np.zeros(positions.size)
        for lag in (DAYS_PER_YEAR, WEEKS_ALIGNED_YEAR):
            then = positions - lag
            usable = (positions >= size) & (then >= 0) & (then < size)
            usable[usable] = self.shows_closures[then[usable]]
            ballots[usable] += 1
            votes[usable] += self.is_closed[then[usable]]
        return np.where(ballots > 0, votes / np.maximum(ballots, 1), closed)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDays:
    """``DailyOrders`` with one entry per day.

    Attributes:
        first: The first day with orders; index 0 of the arrays.
        orders: (N,) orders per day, 0 without any.
        repeat_orders: (N,) likewise.
    """

    first: np.datetime64
    orders: Floats
    repeat_orders: Floats

    def known_before(self, as_of: date) -> TradingCalendar | None:
        """Calendar from the orders before ``as_of``; ``None`` when there is none.

        >>> orders = DailyOrders(
        ...     day=np.array(["2024-01-01"], dtype="datetime64[D]"),
        ...     orders=np.array([5.0]),
        ...     repeat_orders=np.array([4.0]),
        ... )
        >>> order_days(orders).known_before(date(2024, 1, 4)).orders.tolist()
        [5.0, 0.0, 0.0]
        >>> order_days(orders).known_before(date(2024, 1, 1)) is None
        True
        """
        size = int((np.datetime64(as_of, "D") - self.first).astype(int))
        if size <= 0:
            return None
        orders, repeat_orders = _filled(self.orders, size), _filled(self.repeat_orders, size)
        weekday = (int(self.first.astype(int)) + _EPOCH_WEEKDAY + np.arange(size)) % DAYS_PER_WEEK
        busy = _orders_when_open(orders, weekday)
        is_busy = busy[weekday] >= _ORDERS_THAT_PROVE_A_CLOSURE
        is_closed = is_busy & (orders == 0)
        return TradingCalendar(
            first=self.first,
            orders=orders,
            repeat_orders=repeat_orders,
            weight=busy / busy.mean(),
            is_closed=is_closed,
            shows_closures=is_busy & ~_in_long_runs(is_closed),
        )


def order_days(daily: DailyOrders) -> OrderDays | None:
    """One entry per day, oldest first, from the first day with orders; ``None`` without an order.

    >>> found = order_days(
    ...     DailyOrders(
    ...         day=np.array(["2024-01-04", "2024-01-02"], dtype="datetime64[D]"),
    ...         orders=np.array([3.0, 5.0]),
    ...         repeat_orders=np.array([1.0, 2.0]),
    ...     )
    ... )
    >>> str(found.first), found.orders.tolist()
    ('2024-01-02', [5.0, 0.0, 3.0])
    """
    has_orders = daily.orders > 0
    if not has_orders.any():
        return None
    days = daily.day[has_orders].astype("datetime64[D]")
    position = (days - days.min()).astype(np.int64)
    return OrderDays(
        first=days.min(),
        orders=np.bincount(position, weights=daily.orders[has_orders]).astype(np.float64),
        repeat_orders=np.bincount(position, weights=daily.repeat_orders[has_orders]).astype(np.float64),
    )


def _filled(counts: Floats, size: int) -> Floats:
    """(size,) the first ``counts``; past days after the last order had none."""
    return np.pad(counts[:size], (0, max(0, size - counts.size)))


def _in_long_runs(closed: Flags) -> Flags:
    """(n,) which of the ``closed`` days lie in a closure of nearly a year or longer."""
    edges = np.flatnonzero(np.diff(closed, prepend=False, append=False))
    found = np.zeros(closed.size, dtype=np.bool_)
    for start, stop in edges.reshape(-1, 2).tolist():
        found[start:stop] = stop - start >= _NO_SEASON_DAYS
    return found


def _orders_when_open(orders: Floats, weekday: npt.NDArray[np.int_]) -> Floats:
    """(7,) mean orders per weekday: over its open days when a quiet day proves a closure, else over all days.

    A weekday without data (in the first week of a business) gets the average of the others.
    """
    total = np.bincount(weekday, weights=orders, minlength=DAYS_PER_WEEK)
    days = np.bincount(weekday, minlength=DAYS_PER_WEEK)
    open_days = np.bincount(weekday, weights=orders > 0, minlength=DAYS_PER_WEEK)
    when_open = total / np.maximum(open_days, 1)
    is_reliable = (when_open >= _ORDERS_THAT_PROVE_A_CLOSURE) & (open_days >= _RARELY_OPEN_SHARE * days)
    busy = np.where(is_reliable, when_open, total / np.maximum(days, 1))
    return np.where(days > 0, busy, busy[days > 0].mean())
