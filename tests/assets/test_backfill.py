"""Past as-of dates replayed in any order change nothing."""

from datetime import timedelta

import pandas as pd
import pytest

from assets.keys import DRIFT
from assets.lifecycle.realised import monitor
from assets.lifecycle.scoring import score
from assets.monitoring.drift.step import drift
from tests.assets.world import FIRST, SPEC, World
from tests.unit.supervised.world import shop

# A date takes two seconds; three in another order stand for twelve.
DATES = [FIRST + timedelta(weeks=week) for week in range(1, 4)]


def backfill(world: World, numbers: list[int]) -> dict[str, pd.DataFrame]:
    """Every table after the steps of the job replay on each date."""
    for number in numbers:
        run = world.run(DATES[number])
        monitor(run)
        drift(run, page=world.folder / "page.html")
        score(run)
    return world.tables() | {DRIFT.name: world.table(DRIFT)}


def test_a_backfill_is_the_same_however_often_it_is_launched(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ten seconds a page, and no table reads it.
    monkeypatch.setattr("assets.monitoring.drift.step._draw_page", lambda *_given, **_named: None)
    # Fewer customers than in training, because many dates are run.
    world.write(shop(customers=200, weeks=32))
    once = backfill(world, [0, 1, 2])
    monitored = pd.to_datetime(once[SPEC.realised.name]["as_of_date"]).dt.date
    assert set(monitored) == {FIRST, *DATES}
    again = backfill(world, [2, 0, 1])
    for name, rows in again.items():
        pd.testing.assert_frame_equal(rows, once[name], obj=name)
