"""Later facts move no earlier feature; and the comparison notices when the guard is gone."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import pandas as pd
import pytest

CUT = datetime.fromisoformat("2024-04-29")
FOREVER = datetime.fromisoformat("2100-01-01")


class World(Protocol):
    """A built warehouse, see conftest."""

    def read(self, sql: str) -> pd.DataFrame: ...


Read = Callable[[World, datetime], pd.DataFrame]


def test_facts_learned_later_move_no_earlier_feature(
    worlds: tuple[World, World], features_until: Read
) -> None:
    earlier, later = (features_until(world, CUT) for world in worlds)

    assert earlier["as_of_date"].nunique() == 9  # Mondays from 4 March to 29 April
    assert len(earlier) > 200
    pd.testing.assert_frame_equal(earlier, later)


def test_the_later_facts_were_worth_ignoring(worlds: tuple[World, World]) -> None:
    # Sales that had happened before the last compared morning and were learned after it, a late
    # cancellation and a late part of an order among them: without these the comparison proves little.
    learned_late = worlds[1].read(
        "select count(*) as orders, count(voided_known_at) as voids, count(*) filter (where not is_purchase"
        f" and not is_return) as parts from intermediate.int_order__settled where occurred_at < '{CUT}' and"
        f" coalesce(voided_known_at, known_at) >= '{CUT}'"
    )
    assert (learned_late.loc[0] >= [10, 1, 1]).all()


def test_without_the_guard_the_same_comparison_goes_red(
    unguarded_worlds: tuple[World, World], features_until: Read
) -> None:
    earlier, later = (features_until(world, CUT) for world in unguarded_worlds)

    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(earlier, later)


def test_building_only_the_new_days_gives_what_a_full_rebuild_gives(
    caught_up: World, worlds: tuple[World, World], features_until: Read
) -> None:
    pd.testing.assert_frame_equal(features_until(caught_up, FOREVER), features_until(worlds[1], FOREVER))


def test_labels_of_earlier_days_take_in_what_was_learned_later(
    caught_up: World, worlds: tuple[World, World]
) -> None:
    sql = "select * from labels.lbl_customer__purchase_30d order by all"
    pd.testing.assert_frame_equal(caught_up.read(sql), worlds[1].read(sql))
