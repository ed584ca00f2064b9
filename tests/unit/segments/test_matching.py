"""Keys and names stay the same across refits."""

import numpy as np

from assets.segments.clustering import assign
from assets.segments.matching import SegmentKeys, assign_keys, highest_key, match_clusters, overlaps
from assets.segments.spec import ClusteringFeature
from tests.unit.segments.world import customers, segmented

FEATURES = (
    ClusteringFeature(column="a", high="high a", low="low a"),
    ClusteringFeature(column="b", high="high b", low="low b"),
)
BEFORE = SegmentKeys(keys=("b01", "b04"), names=("one", "four"), keys_used=4)
CENTRES = np.array([[2.0, 0.0], [0.0, -2.0], [0.1, 0.1]])


def test_overlap_is_shared_customers_among_all_of_both() -> None:
    # Cluster 0 is all of old cluster 1; cluster 1 shares two of its three with old cluster 0, which has two.
    found = overlaps(np.array([0, 0, 1, 1, 1]), np.array([1, 1, 0, 0, 2]), shape=(2, 3))
    np.testing.assert_allclose(found, np.array([[0, 1, 0], [2 / 3, 0, 1 / 3]]))


def test_the_best_pairs_together_win_over_the_best_single_pair() -> None:
    # Greedily 0-0 first (0.9) leaves 1-1 with 0; together 0-1 and 1-0 overlap more.
    assert match_clusters(np.array([[0.9, 0.8], [0.7, 0.0]]), at_least=0.3) == {0: 1, 1: 0}


def test_too_little_overlap_is_another_segment() -> None:
    assert match_clusters(np.array([[0.9, 0.0], [0.0, 0.29]]), at_least=0.3) == {0: 0}


def test_new_segments_get_new_keys_and_no_key_comes_twice() -> None:
    found = assign_keys(CENTRES, FEATURES, before=BEFORE, same={1: 0})
    assert found.keys == ("b05", "b01", "b06")
    assert found.names == ("high a", "one", "average")
    assert found.keys_used == 6


def test_new_keys_follow_the_highest_published_one() -> None:
    assert assign_keys(CENTRES, FEATURES, before=BEFORE, same={1: 0}, keys_used=9).keys == (
        "b10",
        "b01",
        "b11",
    )
    assert assign_keys(CENTRES, FEATURES, before=None, same={}, keys_used=2).keys == ("b03", "b04", "b05")


def test_the_highest_key_is_a_number() -> None:
    assert highest_key(["b02", "b100", "b11"]) == 100
    assert highest_key([]) == 0


def test_names_are_the_most_distinct_features_and_are_unique() -> None:
    centres = np.array([[2.0, 1.0], [2.0, 1.5], [2.0, 1.0], [-0.6, 0.0]])
    found = assign_keys(centres, FEATURES, before=None, same={})
    assert found.names[0] == "high a, high b"
    assert found.names[3] == "low a"
    assert len(set(found.names)) == 4


def test_a_refit_on_other_customers_keeps_keys_and_names() -> None:
    first = segmented(customers(seed=1))
    rows = customers(900, seed=2)
    second = segmented(rows, champion=first)
    names = [dict(zip(m.segment_keys.keys, m.segment_keys.names, strict=True)) for m in (first, second)]
    assert names[0] == names[1]
    keys = [np.array(m.segment_keys.keys)[assign(m, rows).segment] for m in (first, second)]
    assert (keys[0] == keys[1]).mean() > 0.95
