"""The number of groups comes from the data, and so does the refusal to name any."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from assets.segments.grouping import KResult, chosen, separation_gain
from assets.segments.preparing import FARTHEST, coordinates, fit_axes
from assets.segments.propose import ALIKE, TOO_FEW, UNSTABLE, propose
from assets.segments.serving import place
from tests.unit.segments.world import SMALL, customers


def figures(k: int, *, stability: float, silhouette: float, smallest_share: float = 0.1) -> KResult:
    return KResult(
        k=k, stability=stability, stability_sd=0.01, silhouette=silhouette,
        smallest_share=smallest_share, draws=5, n=1_000,
    )  # fmt: skip


def test_three_ways_of_being_a_customer_are_found() -> None:
    rows = customers()
    proposal = propose(rows, None, segmentation=SMALL)
    assert proposal.best is not None
    assert proposal.grouping is not None
    assert proposal.best.k == 3
    assert adjusted_rand_score(rows["kind"], place(proposal.grouping, rows).group) > 0.95


def test_the_same_customers_give_the_same_groups() -> None:
    one, other = (propose(customers(), None, segmentation=SMALL) for _ in range(2))
    assert one.grouping is not None
    assert other.grouping is not None
    np.testing.assert_array_equal(
        one.grouping.groups.cluster_centers_, other.grouping.groups.cluster_centers_
    )
    assert one.table == other.table


def test_stability_admits_and_separation_chooses() -> None:
    table = [
        figures(2, stability=0.99, silhouette=0.25),
        figures(3, stability=0.95, silhouette=0.30),
        figures(4, stability=0.60, silhouette=0.50),
        figures(5, stability=0.90, silhouette=0.45, smallest_share=0.01),
    ]
    best = chosen(table, SMALL)
    assert best is not None
    assert best.k == 3


def test_of_equally_far_groups_the_finer_is_taken() -> None:
    table = [figures(k, stability=0.9, silhouette=0.300 - 0.001 * k) for k in (2, 3, 4)]
    best = chosen(table, SMALL)
    assert best is not None
    assert best.k == 4


@pytest.mark.parametrize(("count", "code"), [(1, TOO_FEW), (199, TOO_FEW)])
def test_a_handful_of_customers_is_not_grouped(count: int, code: str) -> None:
    proposal = propose(customers(count), None, segmentation=SMALL)
    assert (proposal.grouping, proposal.code) == (None, code)
    assert f"{count} customers; at least 200" in proposal.refusal


def test_customers_who_do_not_differ_are_not_grouped() -> None:
    alike = customers(300)
    alike.iloc[:, 1:] = alike.iloc[0, 1:].to_numpy()
    assert propose(alike, None, segmentation=SMALL).code == ALIKE


def test_a_shapeless_crowd_is_not_grouped() -> None:
    # Seven directions, none of them special: two halves never agree on where to cut.
    rows = customers(900)
    rng = np.random.default_rng(3)
    for name in SMALL.columns:
        rows[name] = np.exp(rng.normal(3, 0.5, size=len(rows)))
    proposal = propose(rows, None, segmentation=SMALL)
    assert (proposal.grouping, proposal.code) == (None, UNSTABLE)
    assert "no number of groups comes back" in proposal.refusal


def test_what_nobody_has_and_what_all_have_alike_is_left_out() -> None:
    names = [axis.column for axis in fit_axes(customers(), SMALL.traits)]
    assert names == ["days_since_order", "orders_365d", "tenure_days", "average_order_amount"]


def test_nobody_stands_farther_than_three_standard_deviations() -> None:
    rows = customers()
    rows.loc[0, "average_order_amount"] = 1e9
    rows.loc[1, "average_order_amount"] = -1e9
    axes = fit_axes(rows, SMALL.traits)
    assert np.abs(coordinates(rows, axes)).max() == FARTHEST


def test_a_better_grouping_gains_and_a_shuffled_one_loses() -> None:
    rows = customers()
    points = coordinates(rows, fit_axes(rows, SMALL.traits))
    true = rows["kind"].to_numpy()
    shuffled = np.random.default_rng(2).permutation(true)
    mean, lowest, _ = separation_gain(points, true, shuffled)
    assert lowest > 0.2
    assert separation_gain(points, shuffled, true)[0] == pytest.approx(-mean)
    assert separation_gain(points, true, true) == (0.0, 0.0, 0.0)
