"""Each check of the segments is green on correct rows and red on the fault it is for."""

from datetime import date, datetime, time

import pandas as pd
import pytest

from assets.lifecycle.run_context import score_types
from assets.lifecycle.store.schemas import typed
from assets.segments.capability import SEGMENTS
from assets.segments.spec import Rules
from checks.capabilities.segments import (
    cohort_has_one_row_per_scheme,
    invariants,
    profiles_add_up,
    segment_key_has_one_name,
    segments_are_large_enough,
    segments_are_stable,
    segments_contract,
)
from checks.data.completeness import rows_match_contract

SCORE_TYPES = score_types(SEGMENTS.spec)


def counted(**changes: int) -> pd.DataFrame:
    rows = [{"scheme": scheme, "rows": 9, "customers": 9, "known": 9} for scheme in ("rfm", "behaviour")]
    rows[1] |= changes
    return pd.DataFrame(rows)


def assigned(**changes: object) -> pd.DataFrame:
    row: dict[str, object] = dict.fromkeys(SCORE_TYPES) | {
        "customer_id": "ann",
        "as_of_date": date(2024, 3, 4),
        "scored_at": datetime.combine(date(2024, 3, 4), time(5)),
        "scheme": "behaviour",
        "is_eligible": True,
        "status": "ok",
        "segment_id": "0",
        "segment_key": "b01",
        "segment_name": "recent",
        "distance": 1.0,
        "margin": 0.5,
        "size": 3,
    }
    return typed([row | changes], SCORE_TYPES)


def profiles() -> pd.DataFrame:
    # (2 x 10 + 1 x 40) / 3 = 20
    shared = {"scheme": "behaviour", "feature": "orders_365d", "mean_all": 20.0}
    return pd.DataFrame(
        [{**shared, "mean": 10.0, "n": 2, "size": 2}, {**shared, "mean": 40.0, "n": 1, "size": 1}]
    )


def test_one_row_per_customer_and_scheme_passes() -> None:
    assert cohort_has_one_row_per_scheme(counted(), customers=9).passed


@pytest.mark.parametrize("changes", [{"rows": 10}, {"rows": 8, "customers": 8, "known": 8}, {"known": 8}])
def test_a_customer_twice_or_missing_or_unknown_is_seen(changes: dict[str, int]) -> None:
    verdict = cohort_has_one_row_per_scheme(counted(**changes), customers=9)
    assert not verdict.passed
    assert verdict.reason.startswith("behaviour: ")


def test_a_scheme_without_rows_is_seen() -> None:
    assert not cohort_has_one_row_per_scheme(counted().iloc[:1], customers=9).passed


def test_correct_rows_match_contract() -> None:
    nobody = dict.fromkeys(("segment_id", "segment_key", "segment_name", "distance", "margin", "size"))
    unplaced = assigned(**nobody, is_eligible=False, ineligible_reason="too_few_customers")
    for rows in (assigned(), unplaced, assigned(scheme="rfm", rfm_cell="5-3-1", distance=None, margin=None)):
        assert rows_match_contract(rows, segments_contract(SEGMENTS)).passed


@pytest.mark.parametrize(
    "changes",
    [
        {"margin": 1.1},
        {"distance": -1.0},
        {"scheme": "guess"},
        {"status": "fine"},
        {"quality_grade": "fine"},
        {"segment_key": None},
        {"is_eligible": False},
        {"ineligible_reason": "too_few_customers"},
        {"rfm_cell": "6-1-1"},
        {"stability_ari": 1.5},
    ],
)
def test_a_row_that_breaks_a_rule_is_seen(changes: dict[str, object]) -> None:
    assert not rows_match_contract(assigned(**changes), segments_contract(SEGMENTS)).passed


def test_a_customer_twice_in_one_scheme_breaks_the_contract() -> None:
    twice = pd.concat([assigned(), assigned()], ignore_index=True)
    assert not rows_match_contract(twice, segments_contract(SEGMENTS)).passed


def test_a_key_with_two_names_is_seen() -> None:
    named = pd.DataFrame(
        [("behaviour", "b01", "recent"), ("behaviour", "b02", "lapsed")],
        columns=["scheme", "segment_key", "segment_name"],
    )
    assert segment_key_has_one_name(named).passed
    renamed = pd.concat([named, named.tail(1).assign(segment_name="gone")])
    verdict = segment_key_has_one_name(renamed)
    assert not verdict.passed
    assert "behaviour b02" in verdict.reason


def test_a_segment_below_the_least_share_is_seen() -> None:
    assert segments_are_large_enough(pd.Series({"a": 98, "b": 2}), rules=Rules()).passed
    assert not segments_are_large_enough(pd.Series({"a": 99, "b": 1}), rules=Rules()).passed
    assert segments_are_large_enough(pd.Series(dtype="int64"), rules=Rules()).passed


def test_segments_that_change_their_customers_are_seen() -> None:
    assert segments_are_stable(pd.Series({"rfm": 0.9, "behaviour": None}), customers=9).passed
    assert segments_are_stable(pd.Series({"rfm": None}, dtype="float64"), customers=9).passed
    verdict = segments_are_stable(pd.Series({"rfm": 0.9, "behaviour": 0.4}), customers=9)
    assert not verdict.passed
    assert "0.40 (behaviour)" in verdict.reason


def test_profiles_that_do_not_add_up_are_seen() -> None:
    customers = pd.Series({"behaviour": 3})
    assert profiles_add_up(profiles(), customers=customers).passed
    assert not profiles_add_up(profiles().assign(mean_all=21.0), customers=customers).passed
    assert not profiles_add_up(profiles().head(1), customers=customers).passed
    assert not profiles_add_up(profiles(), customers=pd.Series({"behaviour": 3, "rfm": 3})).passed
    assert profiles_add_up(profiles().head(0), customers=pd.Series({"behaviour": 0})).passed


def test_every_invariant_has_a_next_step_and_a_description() -> None:
    found = invariants(SEGMENTS)
    assert [each.name for each in found if each.is_blocking] == [
        "scores_match_contract",
        "cohort_is_scored_once",
        "cohort_has_one_row_per_scheme",
        "segment_key_has_one_name",
        "profiles_add_up",
    ]
    assert [each.name for each in found if not each.is_blocking] == [
        "segments_are_large_enough",
        "segments_are_stable",
    ]
    assert all(each.next_step and each.description.endswith(".") for each in found)
    assert {each.table.name for each in found} == {"segments__scores", "segments__profiles"}
