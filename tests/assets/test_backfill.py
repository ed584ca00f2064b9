"""Past mornings made again, in whatever order the queue takes them, change nothing."""

from datetime import timedelta

import pandas as pd
import pytest

from assets.keys import DRIFT
from assets.lifecycle.realised import realised
from assets.lifecycle.scoring import scores
from assets.monitoring.drift.step import drift
from tests.assets.world import FIRST, PROBLEM, World
from tests.unit.supervised.world import shop

# A morning takes two seconds; what holds for three in another order holds for twelve.
MORNINGS = [FIRST + timedelta(weeks=week) for week in range(1, 4)]


def backfill(world: World, numbers: list[int]) -> dict[str, pd.DataFrame]:
    """What the job replay makes of each morning, and every table afterwards."""
    for number in numbers:
        morning = world.run(MORNINGS[number])
        realised(morning)
        drift(morning, page=world.folder / "page.html")
        scores(morning)
    return world.tables() | {DRIFT.name: world.table(DRIFT)}


def test_a_backfill_is_the_same_however_often_it_is_launched(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ten seconds a page, and no table reads it.
    monkeypatch.setattr("assets.monitoring.drift.step._draw", lambda *_given, **_named: None)
    # Fewer customers than were learned from, because many mornings are lived.
    world.write(shop(customers=200, weeks=32))
    once = backfill(world, [0, 1, 2])
    monitored = pd.to_datetime(once[PROBLEM.realised.name]["as_of_date"]).dt.date
    assert set(monitored) == {FIRST, *MORNINGS}
    again = backfill(world, [2, 0, 1])
    for name, rows in again.items():
        pd.testing.assert_frame_equal(rows, once[name], obj=name)
