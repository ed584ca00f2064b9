"""Freshness and volume checks: each source has recent rows, and its usual number of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from assets.calendar import DAYS_PER_WEEK
from assets.metrics.arrays import Floats
from checks.data.volume import RECENT_WEEKS, YEAR_WEEKS, Usual, usual_count, usual_empty_days
from checks.verdict import Verdict

# The longest of many gaps is exceeded by chance; by three more standard deviations one time in twenty even
# where rows come at random (exponential gaps: e**-3), and hardly ever where they come daily.
GRACE_DEVIATIONS = 3.0
# With fewer than MANY_SILENCES gaps the second longest is too small a bound, and the longest is used.
FEWEST_DAYS, MANY_SILENCES = 8, 50
YEAR = np.timedelta64(DAYS_PER_WEEK * YEAR_WEEKS, "D")
# Closures recur at about the same date; Easter moves by up to four weeks.
SEASON = np.timedelta64(28, "D")
# Two years of weeks to compare with, each preceded by a year and the weeks of its level.
MEMORY_WEEKS = 164

Days = npt.NDArray[np.datetime64]

SILENT = "Deliver the missing exports, or remove the source from the YAML if it has ended"
UNUSUAL = "Too few: look for missing files or broken tracking. Too many: look for bots or a repeated delivery"
NOTHING = Verdict(passed=True, reason="nothing is delivered for this table", evidence={"n": 0.0})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """Finding for one source: a sentence, and ``value`` that was compared with ``threshold``."""

    is_usual: bool
    text: str
    value: float | None = None
    threshold: float | None = None
    n: int = 0


def sources_are_fresh(daily: pd.DataFrame, *, as_of: date) -> Verdict:
    """Each source's newest row is no older than its usual longest gap plus tolerance.

    Args:
        daily: (n,) rows of source, day and rows; days without rows are left out, all are before ``as_of``.
        as_of: The as-of date, a Monday.
    """
    if daily.empty:
        return NOTHING
    found = [
        _freshness(str(source), rows, as_of=np.datetime64(as_of, "D"))
        for source, rows in daily.groupby("source")
    ]
    return _verdict(found, remedy=SILENT)


def row_volume_is_normal(daily: pd.DataFrame, *, as_of: date) -> Verdict:
    """Each source's newest week, and its busiest day, have a number of rows that is usual for the source.

    Args:
        daily: (n,) rows of source, day and rows_in_time; days without rows are left out, all are before
            ``as_of``.
        as_of: The as-of date, a Monday; the week before it is checked.
    """
    if daily.empty:
        return NOTHING
    found = [
        finding
        for source, rows in daily.groupby("source")
        for finding in _volume(str(source), _weeks(rows, as_of=as_of), as_of=as_of)
    ]
    return _verdict(found, remedy=UNUSUAL)


def _freshness(source: str, rows: pd.DataFrame, *, as_of: np.datetime64) -> _Finding:
    days = np.unique(rows["day"].to_numpy().astype("datetime64[D]"))
    silent = int((as_of - days[-1]).astype(int)) - 1
    newest = f"{source}: newest row {days[-1]}, {_days(silent)} of silence"
    if days.size < FEWEST_DAYS:
        return _Finding(
            is_usual=True,
            text=f"{newest}; cannot be compared yet: {days.size} of {FEWEST_DAYS} days with rows",
        )
    usual, spread, longest = _usual_silence(days, as_of=as_of)
    allowed = usual + GRACE_DEVIATIONS * max(1.0, spread)
    return _Finding(
        is_usual=silent <= allowed,
        text=f"{newest}, {allowed:.0f} allowed: {longest}",
        value=float(silent),
        threshold=allowed,
        n=int(days.size),
    )


def _usual_silence(days: Days, *, as_of: np.datetime64) -> tuple[int, float, str]:
    """Usual longest gap in days, standard deviation of the gaps up to it, and a sentence about them.

    The second longest gap of the year, because one outage is not usual (with few gaps the longest); or the
    longest silence that had ended or was under way around this date last year, because a season and a
    Christmas closure recur: as long as it had lasted four weeks after this date.
    """
    starts, ends, gaps = days[:-1], days[1:], np.diff(days).astype(int) - 1
    of_year, of_season = ends > as_of - YEAR, ends >= as_of - YEAR - SEASON
    by_then = np.minimum(gaps, (as_of - YEAR + SEASON - starts).astype(int) - 1)[of_season]
    order = np.argsort(-gaps[of_year], kind="stable")[:2]
    longest = list(zip(gaps[of_year][order].tolist(), ends[of_year][order], strict=True))
    named = " and ".join(f"{_days(gap)} before {end}" for gap, end in longest if gap)
    words = f"its longest silences in a year were {named}" if named else "it was never silent in a year"
    usual = longest[-1 if of_year.sum() >= MANY_SILENCES else 0][0] if longest else 0
    spread = float(np.minimum(gaps[of_year], usual).std()) if of_year.any() else 0.0
    season = int(by_then.max()) if of_season.any() else 0
    if season > usual:
        return season, spread, f"{words}, and {_days(season)} around this date last year"
    return usual, spread, words


def _weeks(rows: pd.DataFrame, *, as_of: date) -> Floats:
    """Rows known in time per full week, oldest first, and day, shape (weeks, 7).

    The first week of a source is left out, because it is incomplete.
    """
    ago = (pd.Timestamp(as_of) - rows["day"]).dt.days.to_numpy() - 1
    weeks = min((int(ago.max()) + 1) // DAYS_PER_WEEK, MEMORY_WEEKS)
    counts = np.zeros(weeks * DAYS_PER_WEEK)
    recent = ago < counts.size
    counts[counts.size - 1 - ago[recent]] = rows["rows_in_time"].to_numpy()[recent]
    return counts.reshape(weeks, DAYS_PER_WEEK)


def _volume(source: str, weeks: Floats, *, as_of: date) -> Iterator[_Finding]:
    earlier = weeks[:-1]
    if len(earlier) < RECENT_WEEKS:
        yield _not_comparable(
            source, f"{max(len(earlier), 0)} full weeks before the newest, {RECENT_WEEKS} needed"
        )
    elif np.median(earlier[-RECENT_WEEKS:].sum(axis=1)) == 0:
        yield _not_comparable(
            source, f"most of its last {RECENT_WEEKS} weeks had no rows: its deliveries are irregular"
        )
    elif weeks[-1].sum() == 0:
        # One cause should raise one alarm.
        yield _not_comparable(source, "a week without rows is left to sources_are_fresh")
    else:
        yield from _compare_week(source, weeks, as_of=as_of)


def _not_comparable(source: str, why: str) -> _Finding:
    return _Finding(is_usual=True, text=f"{source} cannot be compared yet: {why}")


def _compare_week(source: str, weeks: Floats, *, as_of: date) -> Iterator[_Finding]:
    """Compare the week, its busiest day (only upwards: holidays make quiet days) and its empty days."""
    earlier, newest = weeks[:-1], weeks[-1]
    week = f"the week to {as_of - timedelta(days=1)}"
    busiest = as_of - timedelta(days=DAYS_PER_WEEK - int(newest.argmax()))
    yield _compared(f"{source}: {week}", newest.sum(), usual_count(earlier.sum(axis=1)), n=len(earlier))
    top = usual_count(earlier.max(axis=1))
    if newest.max() > top.most:
        yield _compared(f"{source}: its busiest day {busiest}", newest.max(), top, n=len(earlier))
    empty = int((newest == 0).sum())
    allowed = usual_empty_days((earlier == 0).sum(axis=1).astype(np.float64))
    if empty > allowed:
        yield _Finding(
            is_usual=False,
            text=f"{source}: {empty} days without rows in {week}, {_days(allowed)} allowed by earlier weeks",
            value=float(empty),
            threshold=float(allowed),
            n=len(earlier),
        )


def _compared(what: str, count: float, usual: Usual, *, n: int) -> _Finding:
    is_usual = usual.least <= count <= usual.most
    size = "" if is_usual else "too few, " if count < usual.least else "too many, "
    return _Finding(
        is_usual=is_usual,
        text=f"{what} has {count:,.0f} rows, {size}{usual.least:,.0f} to {usual.most:,.0f} are usual "
        f"after {n} earlier weeks",
        value=float(count),
        threshold=usual.least if count < usual.least else usual.most,
        n=n,
    )


def _days(count: float) -> str:
    return "1 day" if count == 1 else f"{count:.0f} days"


def _verdict(found: list[_Finding], *, remedy: str) -> Verdict:
    """Combine the findings of all sources; the numbers are those of the first unusual one."""
    unusual = [finding for finding in found if not finding.is_usual]
    shown = (unusual or found)[0]
    return Verdict(
        passed=not unusual,
        reason="; ".join(finding.text for finding in unusual or found) + (f". {remedy}." if unusual else ""),
        value=shown.value,
        threshold=shown.threshold,
        evidence={"n": float(shown.n), "sources": float(len(found))},
    )
