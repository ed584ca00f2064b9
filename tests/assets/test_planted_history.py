"""Faults of the history: lost months, closures, breaks that last, and ids that were exchanged."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from assets.keys import raw
from checks.binding import bind
from checks.data.history import history_invariants
from orchestration.resources.warehouse import DuckDBWarehouse
from tests.assets.faults import FAULTS
from tests.assets.judged import failed, is_detected

ORDER_LINES = raw("order_lines")
AS_OF = date(2024, 7, 1)
FIRST = pd.Timestamp(2023, 1, 2)


def shop(*, seed: int = 5) -> pd.DataFrame:
    """Eighteen months of 14 orders a day, twice as many before Christmas; a fifth by new customers."""
    rng = np.random.default_rng(seed)
    days = pd.date_range(FIRST, "2024-06-30")
    season = np.where((days.month == 12) & (days.day < 24), 2.0, np.where(days.month == 1, 0.8, 1.0))
    dates = days.repeat(rng.poisson(14 * season)) + pd.Timedelta(hours=12)
    is_new = rng.random(len(dates)) < 0.2
    newest = np.cumsum(is_new).astype(np.int64)
    # Others come back at random; who came lately comes more often.
    back: npt.NDArray[np.int64] = newest - np.minimum(rng.geometric(1 / 300, len(dates)), newest)
    customer = np.where(is_new, newest, np.maximum(back, 0))
    return pd.DataFrame(
        {
            "order_id": [f"o{number}" for number in range(len(dates))],
            "customer_id": [f"c{number}" for number in customer],
            "ordered_at": dates,
            "known_at": dates,
            "quantity": 1.0,
            "unit_price": rng.gamma(4.0, 10.0, len(dates)),
            "discount_amount": 0.0,
            "is_return": False,
            "is_service": False,
        }
    )


def without(lines: pd.DataFrame, first: str, last: str, *, share: float = 1.0) -> pd.DataFrame:
    is_hit = lines["ordered_at"].between(first, f"{last} 23:59:59")
    return lines[~(is_hit & (np.random.default_rng(1).random(len(lines)) < share))]


def exchanged(lines: pd.DataFrame) -> pd.DataFrame:
    ids = sorted(set(lines["customer_id"]))
    chosen = set(np.random.default_rng(2).choice(ids, len(ids) // 2, replace=False).tolist())
    is_renamed = (lines["ordered_at"] >= "2024-05-06") & lines["customer_id"].isin(chosen)
    return lines.assign(customer_id=lines["customer_id"].mask(is_renamed, "x" + lines["customer_id"]))


def reused(lines: pd.DataFrame) -> pd.DataFrame:
    """Most of this year's new customers get the id of somebody who has not ordered since May of last year."""
    first, last = (lines.groupby("customer_id")["ordered_at"].agg(of) for of in ("min", "max"))
    silent, new = (list(each.index) for each in (last[last < "2023-06-01"], first[first >= "2024-01-01"]))
    given = dict(zip(new, silent, strict=False))
    return lines.assign(customer_id=lines["customer_id"].replace(given))


INJECTED: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "a month is missing in the history": lambda lines: without(lines, "2023-11-01", "2023-11-30"),
    "the shop was closed for three months and is open again": lambda lines: without(
        lines, "2024-03-01", "2024-06-02"
    ),
    "orders fall by 60 % for five weeks": lambda lines: without(lines, "2024-05-27", "2024-06-30", share=0.6),
    "orders fell by 60 % for five weeks a year ago": lambda lines: without(
        lines, "2023-06-05", "2023-07-09", share=0.6
    ),
    "half of the customers got new ids eight weeks ago": exchanged,
    "ids of customers who were silent for long are given to others": reused,
}


def failures(folder: Path, lines: pd.DataFrame) -> dict[str, str]:
    warehouse = DuckDBWarehouse(database=str(folder / "warehouse.duckdb"))
    warehouse.replace(ORDER_LINES, lines)
    return failed(map(bind, history_invariants()), warehouse, as_of=AS_OF, of=[ORDER_LINES])


@pytest.mark.parametrize("name", INJECTED)
def test_a_fault_of_the_history_is_named(tmp_path: Path, name: str) -> None:
    found = failures(tmp_path, INJECTED[name](shop()))
    assert is_detected(FAULTS[name], found, as_of_dates=0)
    assert len(found) == 1


@pytest.mark.parametrize("seed", range(6))
def test_a_season_and_chance_are_no_break(tmp_path: Path, seed: int) -> None:
    assert failures(tmp_path, shop(seed=seed)) == {}


def test_the_weeks_and_the_size_of_a_break_are_named(tmp_path: Path) -> None:
    found = failures(tmp_path, INJECTED["orders fell by 60 % for five weeks a year ago"](shop()))
    assert found["order_history_has_no_break"] == (
        "from about 2023-05-29 on orders are -59% in 5 weeks, against the 8 weeks before and after"
    )


def test_a_history_without_an_order_has_no_break(tmp_path: Path) -> None:
    assert failures(tmp_path, shop().head(0)) == {}


def test_a_sparse_shop_is_silent_now_and_then(tmp_path: Path) -> None:
    # One day in nine has orders: a silence of a month is none.
    lines = shop()
    days = lines["ordered_at"].dt.normalize()
    kept = set(pd.unique(days)[::9])
    assert failures(tmp_path, without(lines[days.isin(kept)], "2023-10-25", "2023-11-20")) == {}
