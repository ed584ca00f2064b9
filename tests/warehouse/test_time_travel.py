"""Later facts change no earlier feature; the comparison fails when the guard is removed."""

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


Read = Callable[[World, str, datetime], pd.DataFrame]

# Mondays up to 29 April with rows: orders from 4 March on, the others from the first fact of their kind,
# which is of 19 or 20 March.
AS_OF_DATES = {
    "feat_customer__orders": 9,
    "feat_customer__purchase_history": 9,
    "feat_customer__browsing": 6,
    "feat_customer__campaigns": 6,
    "feat_customer__reviews": 6,
}
each_table = pytest.mark.parametrize("table", AS_OF_DATES)


@each_table
def test_facts_known_later_change_no_earlier_feature(
    worlds: tuple[World, World], features_until: Read, table: str
) -> None:
    earlier, later = (features_until(world, table, CUT) for world in worlds)

    assert earlier["as_of_date"].nunique() == AS_OF_DATES[table]
    assert len(earlier) > 150
    pd.testing.assert_frame_equal(earlier, later)


def test_a_country_named_by_a_later_order_is_missing_before_it(worlds: tuple[World, World]) -> None:
    countries = (
        worlds[1]
        .read(
            "select as_of_date, country from features.feat_customer__orders where customer_id = 'dan'"
            " order by as_of_date"
        )
        .set_index("as_of_date")["country"]
    )

    # Dan orders on 10 April without a country and on 3 May from France.
    assert countries[: pd.Timestamp("2024-04-29")].isna().to_list() == [True, True, True]
    assert set(countries[pd.Timestamp("2024-05-06") :]) == {"FR"}


def test_a_quote_is_known_with_its_order(worlds: tuple[World, World]) -> None:
    sql = (
        "select as_of_date, service_amount_365d, days_since_order from features.feat_customer__orders"
        " where customer_id = 'dan' order by 1"
    )
    earlier, later = (world.read(sql).set_index("as_of_date") for world in worlds)

    # Dan's order of 3 May was quoted for 1 on 20 April.
    assert set(earlier["service_amount_365d"]) == {0}
    assert later["service_amount_365d"][: pd.Timestamp("2024-04-29")].to_list() == [0, 0, 0]
    assert set(later["service_amount_365d"][pd.Timestamp("2024-05-06") :]) == {1}
    assert later["days_since_order"][pd.Timestamp("2024-05-06")] == 3


def test_the_later_facts_were_worth_ignoring(worlds: tuple[World, World]) -> None:
    # Sales that had happened before the last compared as-of date and became known after it, a late
    # cancellation and a late part of an order among them: without these the comparison proves little.
    learned_late = worlds[1].read(
        "select count(*) as orders, count(voided_known_at) as voids, count(*) filter (where not is_purchase"
        " and not is_return) as parts from intermediate.int_order__net_of_voids"
        f" where occurred_at < '{CUT}' and coalesce(voided_known_at, known_at) >= '{CUT}'"
    )
    assert (learned_late.loc[0] >= [10, 1, 1]).all()


def test_the_later_visits_and_answers_were_worth_ignoring(worlds: tuple[World, World]) -> None:
    # Visits whose customer was known later, visits reported late; messages opened, clicked, left later.
    visits = worlds[1].read(
        "select count(*) filter (where known_at < customer_known_at) as named_late,"
        " count(*) filter (where occurred_at < known_at) as reported_late"
        f" from marts.fct_event where occurred_at < '{CUT}' and customer_known_at >= '{CUT}'"
    )
    answers = worlds[1].read(
        f"select count(*) filter (where opened_at >= '{CUT}') as opened,"
        f" count(*) filter (where clicked_at >= '{CUT}') as clicked,"
        f" count(*) filter (where unsubscribed_at >= '{CUT}') as unsubscribed"
        f" from marts.fct_send where sent_at < '{CUT}'"
    )
    assert (visits.loc[0] >= [5, 10]).all()
    assert (answers.loc[0] >= [5, 5, 2]).all()


@each_table
def test_the_comparison_fails_without_the_guard(
    unguarded_worlds: tuple[World, World], features_until: Read, table: str
) -> None:
    earlier, later = (features_until(world, table, CUT) for world in unguarded_worlds)

    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(earlier, later)


@each_table
def test_building_only_the_new_days_gives_what_a_full_rebuild_gives(
    caught_up: World, worlds: tuple[World, World], features_until: Read, table: str
) -> None:
    pd.testing.assert_frame_equal(
        features_until(caught_up, table, FOREVER), features_until(worlds[1], table, FOREVER)
    )


def test_labels_of_earlier_days_take_in_what_was_learned_later(
    caught_up: World, worlds: tuple[World, World]
) -> None:
    sql = "select * from labels.lbl_customer__purchase_30d order by all"
    pd.testing.assert_frame_equal(caught_up.read(sql), worlds[1].read(sql))
