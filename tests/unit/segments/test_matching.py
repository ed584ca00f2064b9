"""Keys and names outlive refits."""

import numpy as np

from assets.segments.matching import SegmentKeys, identify, matched, overlaps
from assets.segments.model import ClusteringFeature
from assets.segments.propose import propose
from assets.segments.serving import place
from tests.unit.segments.world import SMALL, customers

TRAITS = (
    ClusteringFeature(column="a", high="high a", low="low a"),
    ClusteringFeature(column="b", high="high b", low="low b"),
)


def test_overlap_is_shared_customers_among_all_of_both() -> None:
    # Group 0 is old group 1 whole; group 1 shares two of its three with old group 0, which has two.
    found = overlaps(np.array([0, 0, 1, 1, 1]), np.array([1, 1, 0, 0, 2]), shape=(2, 3))
    np.testing.assert_allclose(found, [[0, 1, 0], [2 / 3, 0, 1 / 3]])


def test_the_best_pairs_together_win_over_the_best_single_pair() -> None:
    # Greedily 0-0 first (0.9) leaves 1-1 with 0; together 0-1 and 1-0 overlap more.
    assert dict(matched(np.array([[0.9, 0.8], [0.7, 0.0]]), at_least=0.3)) == {0: 1, 1: 0}


def test_too_little_overlap_is_another_segment() -> None:
    assert dict(matched(np.array([[0.9, 0.0], [0.0, 0.29]]), at_least=0.3)) == {0: 0}


def test_new_segments_get_new_keys_and_no_key_comes_twice() -> None:
    before = SegmentKeys(keys=("b01", "b04"), names=("one", "four"), keys_used=4)
    centres = np.array([[2.0, 0.0], [0.0, -2.0], [0.1, 0.1]])
    found = identify(centres, TRAITS, before=before, same={1: 0})
    assert found.keys == ("b05", "b01", "b06")
    assert found.names == ("high a", "one", "average")
    assert found.keys_used == 6


def test_names_say_what_sets_apart_and_are_unique() -> None:
    centres = np.array([[2.0, 1.0], [2.0, 1.5], [2.0, 1.0], [-0.6, 0.0]])
    found = identify(centres, TRAITS, before=None, same={})
    assert found.names[0] == "high a, high b"
    assert found.names[3] == "low a"
    assert len(set(found.names)) == 4


def test_a_refit_on_other_customers_keeps_keys_and_names() -> None:
    first = propose(customers(seed=1), None, segmentation=SMALL).grouping
    assert first is not None
    rows = customers(900, seed=2)
    second = propose(rows, first, segmentation=SMALL).grouping
    assert second is not None
    assert dict(zip(first.identity.keys, first.identity.names, strict=True)) == dict(
        zip(second.identity.keys, second.identity.names, strict=True)
    )
    keys = [np.array(each.identity.keys)[place(each, rows).group] for each in (first, second)]
    assert (keys[0] == keys[1]).mean() > 0.95


def test_the_margin_is_nothing_on_the_border_and_all_in_the_centre() -> None:
    rows = customers()
    grouping = propose(rows, None, segmentation=SMALL).grouping
    assert grouping is not None
    placed = place(grouping, rows)
    assert ((placed.margin >= 0) & (placed.margin <= 1)).all()
    assert (placed.group != placed.runner_up).all()
    assert (placed.margin[placed.distance < 0.3] > 0.5).all()
