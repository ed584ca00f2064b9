"""Totals by group: out of tolerance, or within chance, period and size."""

import numpy as np
import pandas as pd
import pytest

from assets.lifetime_value.group_totals import group_totals, groups_out_of_tolerance
from assets.lifetime_value.spec import AmountCriteria
from assets.metrics.bootstrap import ClusterBootstrap

CRITERIA = AmountCriteria()


def groups(observed: np.ndarray, predicted: np.ndarray, *, period_sd: float = 0.0) -> pd.DataFrame:
    resamples = ClusterBootstrap.by_customer(
        np.arange(observed.size), replicates=200, rng=np.random.default_rng(0)
    )
    quarters = np.array(["2023-Q1", "2023-Q2"], dtype=object)[np.arange(observed.size) % 2]
    return group_totals(observed, predicted, resamples, quarters=quarters, period_sd=period_sd)


@pytest.fixture
def expected() -> np.ndarray:
    return np.random.default_rng(1).gamma(2.0, 50.0, 4_000)


@pytest.fixture
def spent(expected: np.ndarray) -> np.ndarray:
    """Amounts with the expected means."""
    return np.random.default_rng(2).gamma(1.0, expected)


def test_means_of_tenths_and_cohorts_are_given_lowest_first(expected: np.ndarray, spent: np.ndarray) -> None:
    found = groups(spent, expected)
    tenths = found.loc[found["slice_name"] == "all"].sort_values("bin")
    assert tenths["bin"].tolist() == list(range(1, 11))
    assert tenths["mean_predicted"].is_monotonic_increasing
    assert (tenths["n"] * tenths["mean_observed"]).sum() == pytest.approx(spent.sum())
    cohorts = found.loc[found["slice_name"] == "first_purchase_quarter", "slice_value"]
    assert cohorts.tolist() == ["2023-Q1", "2023-Q2"]
    (whole,) = found.loc[found["slice_name"] == "total"].to_dict("records")
    assert (whole["n"], whole["mean_observed"]) == (4_000, pytest.approx(spent.mean()))


def test_honest_totals_agree(expected: np.ndarray, spent: np.ndarray) -> None:
    assert not list(groups_out_of_tolerance(groups(spent, expected), criteria=CRITERIA))


def test_half_of_the_observed_total_is_a_defect_in_every_group(
    expected: np.ndarray, spent: np.ndarray
) -> None:
    found = list(groups_out_of_tolerance(groups(spent, expected / 2), criteria=CRITERIA))
    assert len(found) >= 8
    assert "customers since 2023-Q1: predicted" in " ".join(found)


@pytest.mark.parametrize("ratio", [0.69, 1 / 0.69])
def test_the_whole_is_refused_at_a_ratio_of_069_whatever_windows_usually_miss(
    expected: np.ndarray, spent: np.ndarray, ratio: float
) -> None:
    # ln 0.69 is -0.37; a window of any deviation excuses 0.25, the tolerance is 0.1.
    predicted = ratio * expected * spent.sum() / expected.sum()
    found = list(groups_out_of_tolerance(groups(spent, predicted, period_sd=0.9), criteria=CRITERIA))
    assert any(text.startswith("all customers: predicted") and f"{ratio:.0%} of" in text for text in found)


@pytest.mark.parametrize(
    ("ratio", "agrees"), [(0.8, True), (1 / 0.8, True), (0.72, False), (1 / 0.72, False)]
)
def test_a_period_excuses_both_directions_alike(
    expected: np.ndarray, spent: np.ndarray, ratio: float, *, agrees: bool
) -> None:
    # |ln 0.8| = 0.22 and |ln 0.72| = 0.33 against 0.1 + 1.96 * 0.1.
    found = list(groups_out_of_tolerance(groups(spent, ratio * expected, period_sd=0.1), criteria=CRITERIA))
    assert (not any("all customers" in text for text in found)) is agrees


def test_a_gap_in_a_group_that_hardly_buys_is_not_material(expected: np.ndarray, spent: np.ndarray) -> None:
    lowest = expected <= np.quantile(expected, 0.1)
    # Three times too much of 2 % of the whole is 4 % of it; a third of that is below 2 %.
    wrong = np.where(lowest, 1.5 * expected, expected)
    assert not list(groups_out_of_tolerance(groups(spent, wrong), criteria=CRITERIA))


def test_a_small_cohort_is_reported_and_not_tested(expected: np.ndarray, spent: np.ndarray) -> None:
    found = groups(spent, expected)
    cohort = found["slice_name"] == "first_purchase_quarter"
    wrong = found.assign(mean_predicted=np.where(cohort, 9 * found["mean_observed"], found["mean_predicted"]))
    assert len(list(groups_out_of_tolerance(wrong, criteria=CRITERIA))) == 2
    assert not list(
        groups_out_of_tolerance(wrong.assign(n=np.where(cohort, 99, wrong["n"])), criteria=CRITERIA)
    )


def test_a_tolerance_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="not be negative"):
        AmountCriteria(group_tolerance=-0.1)
