"""A feature day is rebuilt when, and only when, it could have moved."""

from datetime import date

from assets.transform.build_window import BuiltFeatures, FeatureWindow, feature_window

FIRST = date(2010, 1, 4)
BUILT = BuiltFeatures(first=FIRST, last=date(2011, 11, 28), code_hash="same")


def window(
    asked: date, built: BuiltFeatures | None = BUILT, code_hash: str = "same", changed: date | None = None
) -> FeatureWindow:
    return feature_window(asked, FIRST, built=built, code_hash=code_hash, changed_from=changed)


def test_the_first_run_builds_all_of_history() -> None:
    assert window(date(2011, 12, 5), built=None) == FeatureWindow(
        first=FIRST, last=date(2011, 12, 5), is_full_refresh=True
    )


def test_the_next_week_builds_one_day() -> None:
    assert window(date(2011, 12, 5)) == FeatureWindow(
        first=date(2011, 12, 5), last=date(2011, 12, 5), is_full_refresh=False
    )


def test_a_missed_week_is_caught_up() -> None:
    assert window(date(2011, 12, 12)).first == date(2011, 12, 5)


def test_requesting_a_built_date_again_rebuilds_that_date_alone() -> None:
    assert window(date(2010, 6, 7)) == FeatureWindow(
        first=date(2010, 6, 7), last=date(2010, 6, 7), is_full_refresh=False
    )


def test_late_facts_rebuild_every_as_of_date_that_could_have_known_them() -> None:
    # Known on Wednesday 2 November 2011: the 7th is the first as-of date after it.
    assert window(date(2011, 12, 5), changed=date(2011, 11, 2)) == FeatureWindow(
        first=date(2011, 11, 7), last=date(2011, 12, 5), is_full_refresh=False
    )
    assert window(date(2011, 11, 14), changed=date(2011, 11, 2)).last == BUILT.last


def test_changed_sql_rebuilds_everything() -> None:
    assert window(date(2010, 6, 7), code_hash="other") == FeatureWindow(
        first=FIRST, last=BUILT.last, is_full_refresh=True
    )


def test_facts_known_on_an_as_of_date_rebuild_that_date() -> None:
    # Known on Monday 7 November 2011 at the earliest at its midnight: the 7th used facts before it, but
    # the day is rebuilt all the same, because a date alone does not say that the fact came after.
    assert window(date(2011, 12, 5), changed=date(2011, 11, 7)).first == date(2011, 11, 7)


def test_an_unknown_change_rebuilds_from_the_beginning_of_history_only() -> None:
    assert window(date(2011, 12, 5), changed=date.min) == FeatureWindow(
        first=FIRST, last=date(2011, 12, 5), is_full_refresh=False
    )


def test_a_history_that_now_begins_earlier_is_built_whole() -> None:
    late_start = BuiltFeatures(first=date(2010, 3, 1), last=BUILT.last, code_hash="same")
    assert window(date(2011, 12, 5), built=late_start) == FeatureWindow(
        first=FIRST, last=date(2011, 12, 5), is_full_refresh=True
    )


def test_requesting_the_newest_date_again_rebuilds_it() -> None:
    assert window(BUILT.last) == FeatureWindow(first=BUILT.last, last=BUILT.last, is_full_refresh=False)
