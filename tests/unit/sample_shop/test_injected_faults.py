"""Each injected fault acts from its first day on, and changes nothing before."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.sample_shop.exports.simulate import simulate
from assets.sample_shop.world.customers import customers_of
from assets.sample_shop.world.segments import trade_by_segment
from assets.sample_shop.world.shop import InjectedFaults, Shop

SHOP = Shop(customers=200, first_day=date(2023, 1, 30), last_day=date(2023, 4, 2), seed=9)
FROM = date(2023, 3, 8)
Folder = Callable[[InjectedFaults], Path]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Folders of the shop's exports by injected faults, each simulated once."""
    folders: dict[InjectedFaults, Path] = {}

    def of(faults: InjectedFaults) -> Path:
        if faults not in folders:
            folder = tmp_path_factory.mktemp("faulty")
            simulate(
                replace(SHOP, injected_faults=faults), landing=folder / "landing", truth=folder / "truth"
            )
            folders[faults] = folder
        return folders[faults]

    return of


@pytest.fixture(scope="module")
def usual(simulated: Folder) -> Path:
    return simulated(InjectedFaults())


def changed(usual: Path, faults: Path) -> set[str]:
    """The names of the files that differ or that only one of them has."""
    names = {
        str(file.relative_to(folder))
        for folder in (usual, faults)
        for file in folder.rglob("*")
        if file.is_file()
    }
    return {
        name
        for name in names
        if not (usual / name).exists()
        or not (faults / name).exists()
        or (usual / name).read_bytes() != (faults / name).read_bytes()
    }


def lines(folder: Path, pattern: str = "orders_*.csv.gz") -> pd.DataFrame:
    files = sorted((folder / "landing").glob(pattern))
    return pd.concat([pd.read_csv(file, dtype=str) for file in files], ignore_index=True)


def events(folder: Path, day: date) -> pd.DataFrame:
    return pd.read_parquet(folder / "landing" / "events" / f"{day}.parquet")


def test_broken_tracking_takes_seven_days_of_events_and_nothing_else(simulated: Folder, usual: Path) -> None:
    faults = simulated(InjectedFaults(broken_tracking_from=FROM))
    lost = {f"landing/events/2023-03-{day:02d}.parquet" for day in range(8, 15)}
    assert changed(usual, faults) == lost
    assert not any((faults / name).exists() for name in lost)


def test_prices_are_a_hundred_times_as_large_from_the_day_on(simulated: Folder, usual: Path) -> None:
    faults = simulated(InjectedFaults(price_unit_change_from=FROM))
    assert changed(usual, faults) == {"landing/orders_2023-03.csv.gz", "landing/orders_2023-04.csv.gz"}
    before, after = (
        lines(folder).assign(price=lambda it: pd.to_numeric(it["Price"], errors="coerce"))
        for folder in (usual, faults)
    )
    factor = (after["price"] / before["price"])[before["Order Date"].notna()].dropna()
    since = (before["Order Date"] >= "2023-03-08")[factor.index]
    assert factor[since].to_numpy() == pytest.approx(100.0)
    assert factor[~since].to_numpy() == pytest.approx(1.0)
    assert since.any()


def test_a_week_of_orders_comes_ten_days_late_in_a_file_of_its_own(simulated: Folder, usual: Path) -> None:
    faults = simulated(InjectedFaults(late_batch_from=FROM))
    assert changed(usual, faults) == {
        "landing/orders_2023-03.csv.gz",
        "landing/orders_2023-03_late.csv.gz",
    }
    late = lines(faults, "orders_*_late.csv.gz")
    on_time = lines(faults, "orders_2023-03.csv.gz")
    # 8 to 14 March; ten days after their end is 25 March.
    assert late["Order Date"].between("2023-03-08", "2023-03-15").all()
    assert (late["Exported At"].str[:10] == "2023-03-25").all()
    assert not on_time["Order Date"].between("2023-03-08", "2023-03-15").any()
    assert on_time["Exported At"].isna().all()
    # No line is lost or added, except for an invalid line next to its original.
    numbers = set(lines(usual, "orders_2023-03.csv.gz")["Order Number"])
    assert set(on_time["Order Number"]) | set(late["Order Number"]) == numbers


def test_bots_make_one_day_fifty_times_as_busy(simulated: Folder, usual: Path) -> None:
    faults = simulated(InjectedFaults(bot_burst_from=FROM))
    assert changed(usual, faults) == {"landing/events/2023-03-08.parquet"}
    before, after = events(usual, FROM), events(faults, FROM)
    assert len(after) == 50 * len(before)
    bots = after[~after["visitor_id"].isin(before["visitor_id"])]
    assert len(bots) == 49 * len(before)
    assert bots["visitor_id"].nunique() <= 5
    assert set(after["occurred_at"].dt.date) == {FROM}


def test_poisoned_labels_add_orders_without_changing_the_truth(simulated: Folder, usual: Path) -> None:
    faults = simulated(InjectedFaults(poisoned_labels_from=FROM))
    # Thirty days reach into April, of which the shop has two.
    possible = {"landing/orders_2023-03.csv.gz", "landing/orders_2023-04.csv.gz"}
    assert {"landing/orders_2023-03.csv.gz"} <= changed(usual, faults) <= possible
    before, after = lines(usual), lines(faults)
    # A bad line may stand beside one of them.
    added = after[~after["Order Number"].isin(before["Order Number"])].drop_duplicates("Order Number")
    known = (customers_of(SHOP)["signed_up_day"] < SHOP.day_number(FROM)).sum()
    # One in twenty, binomial: within four sigma; those of the last days fall after the shop's last day.
    assert 0 < len(added) < 0.05 * known + 4 * np.sqrt(0.05 * 0.95 * known)
    assert added["Order Date"].between("2023-03-08", "2023-04-07").all()
    assert added["Customer ID"].is_unique
    assert (added["Price"].astype(float) < 3).all()
    kept = after[after["Order Number"].isin(before["Order Number"])].dropna(subset="Order Date")
    ordered = before.dropna(subset="Order Date")
    assert set(ordered["Order Number"]) == set(kept["Order Number"])


def test_a_label_drift_changes_orders_and_the_truth_but_not_the_people(
    simulated: Folder, usual: Path
) -> None:
    faults = simulated(InjectedFaults(label_drift_from=FROM))
    moved = changed(usual, faults)
    assert not {name for name in moved if "2023-01" in name or "2023-02" in name}
    assert {"landing/orders_2023-03.csv.gz", "truth/purchase_probabilities.parquet"} <= moved
    assert not moved & {"landing/customers.csv", "truth/customers.parquet", "landing/sends_2023-03.csv.gz"}
    drifted = replace(SHOP, injected_faults=InjectedFaults(label_drift_from=FROM))
    before, after = trade_by_segment(SHOP), trade_by_segment(drifted)
    day = SHOP.day_number(FROM)
    assert (after[:, :day] == before[:, :day]).all()
    # Regular customers keep 0.35 of their rate, occasional ones order 2.5 times as often, others stay.
    assert after[:, day:] == pytest.approx(np.array([0.35, 2.5, 1.0, 1.0, 1.0])[:, None] * before[:, day:])


def test_a_covariate_drift_changes_who_signs_up_and_nobody_before(simulated: Folder, usual: Path) -> None:
    faults = simulated(InjectedFaults(covariate_drift_from=FROM))
    moved = changed(usual, faults)
    assert not {name for name in moved if "s_2023-01" in name or "s_2023-02" in name}
    assert "landing/customers.csv" in moved
    large = replace(SHOP, customers=20_000)
    before, after = (
        customers_of(replace(large, injected_faults=faults))
        for faults in (InjectedFaults(), InjectedFaults(covariate_drift_from=FROM))
    )
    new = before["signed_up_day"] >= SHOP.day_number(FROM)
    pd.testing.assert_frame_equal(before[~new], after[~new])
    # One-off customers are 8 % of sign-ups before and 45 % after; the United Kingdom falls from 84 % to 40 %.
    for customers, one_off, british in ((before, 0.08, 0.84), (after, 0.45, 0.40)):
        assert (customers.loc[new, "segment"] == 4).mean() == pytest.approx(one_off, abs=0.06)
        assert (customers.loc[new, "country"] == "United Kingdom").mean() == pytest.approx(british, abs=0.06)
    # How a segment behaves stays: the same hazard, rates with the same mean.
    for segment in range(5):
        of_segment = [them[new & (them["segment"] == segment)] for them in (before, after)]
        assert of_segment[0]["hazard"].iloc[0] == of_segment[1]["hazard"].iloc[0]


def test_a_fault_before_the_first_day_is_refused() -> None:
    with pytest.raises(ValueError, match="label_drift_from 2022-12-31 is before"):
        replace(SHOP, injected_faults=InjectedFaults(label_drift_from=date(2022, 12, 31)))
