"""The number of segments comes from the data, and so does the refusal of any."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from assets.segments.clustering import (
    ALIKE,
    TOO_FEW,
    UNSTABLE,
    KResult,
    NoSegments,
    adjusted_rand,
    assign,
    compare_silhouettes,
    fit_segments,
    select_k,
    select_segments,
    silhouette_difference,
    unfit_reason,
)
from assets.segments.scaling import coordinates, fit_scalers
from tests.unit.segments.world import SMALL, alike, customers, segmented, shapeless


def result(k: int, *, stability: float, silhouette: float, smallest_share: float = 0.1) -> KResult:
    return KResult(
        k=k, stability=stability, stability_sd=0.01, silhouette=silhouette,
        smallest_share=smallest_share, draws=5, n=1_000,
    )  # fmt: skip


def test_three_kinds_of_customers_are_found() -> None:
    rows = customers()
    assert select_segments(rows, SMALL).best.k == 3
    assert adjusted_rand_score(rows["kind"], assign(segmented(rows), rows).segment) > 0.95


def test_the_same_customers_give_the_same_segments() -> None:
    one, other = (segmented(customers()) for _ in range(2))
    np.testing.assert_array_equal(one.kmeans.cluster_centers_, other.kmeans.cluster_centers_)
    assert select_segments(customers(), SMALL) == select_segments(customers(), SMALL)


def test_stability_admits_and_silhouette_selects() -> None:
    results = [
        result(2, stability=0.99, silhouette=0.25),
        result(3, stability=0.95, silhouette=0.30),
        result(4, stability=0.60, silhouette=0.50),
        result(5, stability=0.90, silhouette=0.45, smallest_share=0.01),
    ]
    best = select_k(results, SMALL)
    assert best is not None
    assert best.k == 3


def test_of_equal_silhouettes_the_larger_number_is_selected() -> None:
    results = [result(k, stability=0.9, silhouette=0.300 - 0.001 * k) for k in (2, 3, 4)]
    best = select_k(results, SMALL)
    assert best is not None
    assert best.k == 4


@pytest.mark.parametrize(
    ("rows", "code", "reason"),
    [
        (customers(1), TOO_FEW, "1 customers; at least 200"),
        (customers(199), TOO_FEW, "199 customers; at least 200"),
        (alike(), ALIKE, "customers do not differ in any clustering feature"),
        (shapeless(), UNSTABLE, "no number of segments is stable"),
    ],
)
def test_customers_without_segments_are_refused_with_a_reason(
    rows: pd.DataFrame, code: str, reason: str
) -> None:
    with pytest.raises(NoSegments, match=reason) as refusal:
        select_segments(rows, SMALL)
    assert refusal.value.code == code


def test_a_better_clustering_gains_and_a_shuffled_one_loses() -> None:
    rows = customers()
    points = coordinates(rows, fit_scalers(rows, SMALL.clustering_features))
    true = rows["kind"].to_numpy()
    shuffled = np.random.default_rng(2).permutation(true)
    gain = silhouette_difference(points, true, shuffled)
    assert gain.lo > 0.2
    assert silhouette_difference(points, shuffled, true).value == pytest.approx(-gain.value)
    same = silhouette_difference(points, true, true)
    assert (same.value, same.lo, same.hi) == (0.0, 0.0, 0.0)


def test_a_champion_with_too_few_segments_is_surely_beaten() -> None:
    rows = customers()
    champion = fit_segments(rows, SMALL, k=2, champion=None, keys_used=0)
    assert compare_silhouettes(segmented(rows), champion, rows).lo > SMALL.rules.separation_gain
    assert compare_silhouettes(champion, segmented(rows), rows).hi < 0


def test_the_champion_is_unfit_when_a_column_is_gone_or_new_or_a_segment_is_empty() -> None:
    rows = customers()
    champion = segmented(rows)

    def reason(now: pd.DataFrame) -> str:
        return unfit_reason(champion, segmented(now), sample=now, segmentation=SMALL)

    assert reason(customers(seed=2)) == ""
    assert "needs average_order_amount" in reason(rows.assign(average_order_amount=np.nan))
    rng = np.random.default_rng(1)
    assert "customers now differ in open_rate_180d too" in reason(
        rows.assign(open_rate_180d=rng.uniform(size=len(rows)))
    )
    without = customers(1_800).query("kind != 0").reset_index(drop=True)
    assert "has only 0.0% of the customers left" in reason(without)


def test_agreement_counts_customers_with_a_segment_on_both_dates() -> None:
    now = pd.Series(["a", "a", "b", None, "b"], dtype="string")
    assert adjusted_rand(now, pd.Series(["x", "x", "y", "y", None], dtype="string")) == 1.0
    assert adjusted_rand(now, pd.Series([None] * 5, dtype="string")) is None


def test_the_margin_is_zero_on_the_border_and_one_in_the_centre() -> None:
    rows = customers()
    assigned = assign(segmented(rows), rows)
    assert ((assigned.margin >= 0) & (assigned.margin <= 1)).all()
    assert (assigned.segment != assigned.runner_up).all()
    assert (assigned.margin[assigned.distance < 0.3] > 0.5).all()
