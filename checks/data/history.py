"""Checks of the whole order history: closures, lost months, lasting breaks, and ids that were exchanged."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy import special

from assets.keys import raw
from assets.metrics.arrays import Floats
from assets.ports import Warehouse
from checks.verdict import Invariant, Verdict, invariant

ORDER_LINES = raw("order_lines")
# Shops close for two weeks at Christmas; a sparse shop is silent for longer now and then.
LONGEST_CLOSURE, TIMES_USUAL_GAP, FEWEST_DAYS = 21, 5, 50
# A break is a window of weeks that differs from the weeks around it, or before it in growth since last year.
WINDOW, AROUND, YEAR = 5, 8, 52
# At least so many of the weeks must be known.
FEWEST = 0.7
# The smallest factor of a break in counts, of a low between two levels, and of the odds that a buyer is new.
BREAK, LOW, ODDS = np.log(1.6), np.log(2.0), np.log(2.5)
# The smallest rise of the share of buyers that the ids of other people or new ids explain.
RISE = 0.05
# Standard errors of the difference between two medians; a median's is 1.25 times that of a mean.
STANDARD_ERRORS, OF_MEDIAN = 5.0, 1.2533
# The share of new customers among the buyers falls steeply while a shop is young, and nobody has been silent
# for half a year.
YOUNG_WEEKS = 26
LONG_SILENCE = 180
COUNTS: Mapping[str, str] = MappingProxyType(
    {"orders": "orders", "buyers": "customers who ordered", "amount": "amounts ordered"}
)

# Amount of an order line, as staging has it: decimals add up to the same in any order, doubles do not.
LINE_AMOUNT = "cast(quantity * unit_price - coalesce(discount_amount, 0) as decimal(38, 6))"
# Orders as known on an as-of date: returns and services are none.
ORDERS = f"""
    with orders as (
        select order_id, min(customer_id) as customer_id, min(ordered_at) as ordered_at,
            sum({LINE_AMOUNT}) as amount
        from {ORDER_LINES.sql}
        where ordered_at < $as_of and known_at < $as_of and not is_return and not is_service
        group by 1
    )
"""

Days = npt.NDArray[np.datetime64]


class IdShare(NamedTuple):
    """A kind of buyers of a week: its column, the weeks compared, and what a rise of its share means."""

    column: str
    window: int
    text: str
    meaning: str


ID_SHARES = (
    IdShare(
        column="new_ids",
        # New ids come at once: customers order again under the new one, and are new only once.
        window=3,
        text="are new",
        meaning="ids may have been exchanged, so that one customer is two",
    ),
    IdShare(
        column="back_ids",
        window=WINDOW,
        text=f"had been silent for more than {LONG_SILENCE} days",
        meaning="ids may have been given to other people, so that two customers are one",
    ),
)


def history_invariants() -> list[Invariant]:
    """Checks of the whole order history, besides those of its newest weeks."""
    gap = invariant(
        ORDER_LINES,
        order_history_has_no_gap,
        lambda warehouse, as_of: order_history_has_no_gap(_days(warehouse, as_of)),
        next_step=(
            "Deliver the missing export of the named days; if the shop was closed, plan with wider margins "
            "until the outcome windows that begin after it have ended."
        ),
        is_blocking=False,
    )
    no_break = invariant(
        ORDER_LINES,
        order_history_has_no_break,
        lambda warehouse, as_of: order_history_has_no_break(_weeks(warehouse, as_of)),
        next_step=(
            "Compare the named weeks with the shop's own books: deliver again what the export lost, or map "
            "new ids back to the old ones; plan with wider margins after what really happened."
        ),
        is_blocking=False,
    )
    return [gap, no_break]


def order_history_has_no_gap(days: Days) -> Verdict:
    """Between the first order and the last there is no silence that no closure explains.

    Args:
        days: (n,) days with an order, ascending.
    """
    silent = np.diff(days).astype(int) - 1
    allowed = LONGEST_CLOSURE
    if silent.size:
        allowed = max(allowed, int(TIMES_USUAL_GAP * np.quantile(silent, 0.95)))
    found = np.flatnonzero(silent > allowed) if days.size >= FEWEST_DAYS else np.empty(0, dtype=int)
    named = "; ".join(
        f"no order from {days[at] + 1} to {days[at + 1] - 1}, {silent[at]} days" for at in found
    )
    return Verdict(
        passed=not found.size,
        reason=f"{named}: forecasts take the weeks for a season, and customers for gone"
        if named
        else f"no silence of more than {allowed} days in {days.size:,} days with orders",
        value=float(silent.max(initial=0)),
        threshold=float(allowed),
        evidence={"n": float(days.size)},
    )


def order_history_has_no_break(weeks: pd.DataFrame) -> Verdict:
    """No weeks differ lastingly from those around them in orders, buyers, amount or share of new customers.

    Args:
        weeks: (n,) full weeks without a gap, oldest first, with week (its Monday), orders, buyers, amount,
            new_ids (customers who had never ordered before) and back_ids (customers whose last order was more
            than 180 days ago).
    """
    named = list(_breaks(weeks))
    return Verdict(
        passed=not named,
        reason="; ".join(named)
        or f"no lasting break in {len(weeks)} weeks of orders, buyers, amounts and new customers",
        value=float(len(named)),
        threshold=0.0,
        evidence={"n": float(len(weeks))},
    )


def _breaks(weeks: pd.DataFrame) -> Iterator[str]:
    """Each break in words, with its first week and its size."""
    mondays = pd.to_datetime(weeks["week"]).dt.date.tolist()
    logs = {column: _log(weeks[column].to_numpy(dtype=np.float64)) for column in COUNTS}
    for at, change in list(_lows(logs["orders"])):
        size = f"orders are {np.expm1(change):+.0%} in {WINDOW} weeks"
        yield f"from about {mondays[at]} on {size}, against the {AROUND} weeks before and after"
        for values in logs.values():
            values[at : at + WINDOW] = np.nan
    for column, values in logs.items():
        for at, change in _changes(values[YEAR:] - values[:-YEAR], WINDOW, smallest=BREAK):
            size = f"{COUNTS[column]} are {np.expm1(change):+.0%} in {WINDOW} weeks"
            since = f"against the {AROUND} weeks before, each compared with last year"
            yield f"from about {mondays[at + YEAR]} on {size}, {since}"
    for each in ID_SHARES:
        yield from _of_ids(weeks, mondays, each)


def _of_ids(weeks: pd.DataFrame, mondays: Sequence[date], share: IdShare) -> Iterator[str]:
    """Weeks from which on many more of the buyers are of a kind."""
    kind, buyers = (weeks[column].to_numpy(dtype=np.float64) for column in (share.column, "buyers"))
    odds = np.where(buyers > 0, np.log((kind + 0.5) / (buyers - kind + 0.5)), np.nan)[YOUNG_WEEKS:]
    for at, _ in _changes(odds, share.window, smallest=ODDS):
        parts = (odds[at : at + share.window], odds[at - AROUND : at])
        now, before = (special.expit(np.nanmedian(part)) for part in parts)
        if now - before >= RISE:
            yield (
                f"from about {mondays[at + YOUNG_WEEKS]} on {now:.0%} of the customers who order "
                f"{share.text}, {before:.0%} before: {share.meaning}"
            )


def _log(counts: Floats) -> Floats:
    """Logarithms; an empty week, which is a closure or lost, is unknown."""
    return np.log(counts, out=np.full(counts.size, np.nan), where=counts > 0)


def _lows(values: Floats) -> Iterator[tuple[int, float]]:
    """Position and size of each window that lies below the weeks on both sides of it."""
    windows, sides = _medians(values, WINDOW), _medians(values, AROUND)
    if windows.size <= 2 * AROUND:
        return
    lower = np.minimum(sides[: -AROUND - WINDOW], sides[AROUND + WINDOW :])
    change = windows[AROUND : AROUND + lower.size] - lower
    yield from _largest(np.minimum(change, 0.0), LOW, _spread(values), window=WINDOW)


def _changes(values: Floats, window: int, *, smallest: float) -> Iterator[tuple[int, float]]:
    """Position and size of each change between the medians of a window and of the weeks before it."""
    windows, sides = _medians(values, window), _medians(values, AROUND)
    if windows.size > AROUND:
        change = windows[AROUND:] - sides[: windows.size - AROUND]
        yield from _largest(change, smallest, _spread(values), window=window)


def _largest(change: Floats, smallest: float, spread: float, *, window: int) -> Iterator[tuple[int, float]]:
    """The largest change of each neighbourhood: those around it overlap with it."""
    error = OF_MEDIAN * spread * float(np.sqrt(1 / window + 1 / AROUND))
    size = np.abs(np.nan_to_num(change))
    size[size <= max(smallest, STANDARD_ERRORS * error)] = 0.0
    while size.any():
        at = int(np.argmax(size))
        yield at + AROUND, float(change[at])
        size[max(at - AROUND - window, 0) : at + AROUND + window] = 0.0


def _spread(values: Floats) -> float:
    """Robust standard deviation of a week about the level of the weeks around it."""
    level = pd.Series(values).rolling(AROUND, center=True, min_periods=AROUND // 2).median().to_numpy()
    about = np.abs(values - level)
    return 1.4826 * float(np.nanmedian(about)) if np.isfinite(about).any() else 0.0


def _medians(values: Floats, length: int) -> Floats:
    """Median of each window of ``length`` weeks; NaN where too few of them are known."""
    if values.size < length:
        return np.empty(0)
    windows = sliding_window_view(values, length)
    is_known = np.isfinite(windows).mean(axis=1) >= FEWEST
    found = np.full(len(windows), np.nan)
    found[is_known] = np.nanmedian(windows[is_known], axis=1)
    return found


def _days(warehouse: Warehouse, as_of: date) -> Days:
    sql = f"{ORDERS} select distinct cast(ordered_at as date) as day from orders order by 1"
    return warehouse.read(sql, {"as_of": as_of})["day"].to_numpy().astype("datetime64[D]")


def _weeks(warehouse: Warehouse, as_of: date) -> pd.DataFrame:
    """Counts of each full week; the first week of a history is incomplete."""
    found = warehouse.read(
        f"""
        {ORDERS},
        dated as (
            select *, date_trunc('week', ordered_at) as week,
                date_trunc('week', min(ordered_at) over (partition by customer_id)) as first_week,
                date_diff('day', lag(ordered_at) over by_customer, ordered_at) > $silence as is_back
            from orders
            window by_customer as (partition by customer_id order by ordered_at)
        )
        select week, count(*) as orders, count(distinct customer_id) as buyers, sum(amount) as amount,
            count(distinct customer_id) filter (where week = first_week) as new_ids,
            count(distinct customer_id) filter (where is_back) as back_ids
        from dated group by 1 order by 1
        """,
        {"as_of": as_of, "silence": LONG_SILENCE},
    )
    found = found.set_index(pd.to_datetime(found["week"])).drop(columns="week")
    if found.empty:
        return found.reset_index()
    return found.asfreq("7D", fill_value=0).iloc[1:].reset_index()
