"""The sample shop writes the same believable exports every time, and its stated truth is what happens."""

import gzip
import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.sample_shop.customers import customers_of
from assets.sample_shop.exports import BAD_LINES, simulate
from assets.sample_shop.orders import lines_of, orders_of
from assets.sample_shop.shop import POSTAGE, SIZES, Shop, catalogue, is_open, trade_by_day
from assets.sample_shop.truth import purchase_probabilities

TINY = SIZES["tiny"]
SHOP = Shop(customers=3_000, first_day=date(2023, 1, 2), last_day=date(2023, 12, 31), seed=1)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    simulate(TINY, landing=folder / "landing", truth=folder / "truth")
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def delivered(folder: Path) -> pd.DataFrame:
    files = sorted(folder.glob("landing/orders_*.csv.gz"))
    return pd.concat([pd.read_csv(file, dtype=str) for file in files], ignore_index=True)


def test_the_same_shop_writes_the_same_bytes(exports: Path, tmp_path: Path) -> None:
    simulate(TINY, landing=tmp_path / "landing", truth=tmp_path / "truth")
    assert digests(tmp_path / "landing") == digests(exports / "landing")
    simulate(replace(TINY, seed=2), landing=tmp_path / "landing", truth=tmp_path / "truth")
    assert digests(tmp_path / "landing") != digests(exports / "landing")


def test_a_smaller_shop_leaves_no_files_of_a_larger_one(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "orders_2031-01.csv.gz").write_bytes(gzip.compress(b"old"))
    simulate(TINY, landing=landing, truth=tmp_path / "truth")
    assert not (landing / "orders_2031-01.csv.gz").exists()
    assert len(list(landing.glob("orders_*"))) == 12


def test_the_truth_stays_out_of_the_exports(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="outside"):
        simulate(TINY, landing=tmp_path, truth=tmp_path / "truth")


def test_exports_hold_guests_postage_returns_and_a_few_bad_lines(exports: Path) -> None:
    lines = delivered(exports)
    assert lines["Customer ID"].isna().any()
    assert (lines["SKU"] == POSTAGE).any()
    returned = lines["Order Number"].str.startswith("R")
    assert (returned == (lines["Qty"].astype(int) < 0)).all()
    assert (lines["Price"] == "on request").sum() == BAD_LINES / 2
    assert lines["Order Date"].isna().sum() == BAD_LINES / 2
    # Nobody returns what was not ordered.
    assert set(lines.loc[returned, "Order Number"].str[1:]) <= set(lines["Order Number"])


def test_an_order_lies_in_one_file(exports: Path) -> None:
    lines = delivered(exports).dropna(subset="Order Date")
    assert lines.groupby("Order Number")["Order Date"].nunique().max() == 1


def test_nobody_orders_while_the_shop_is_closed_or_before_signing_up() -> None:
    rng = np.random.default_rng(3)
    customers = customers_of(SHOP, rng)
    orders = orders_of(SHOP, customers, rng)
    assert is_open(SHOP.days)[orders["day"]].all()
    known = orders[orders["customer"] >= 0]
    assert (known["day"].to_numpy() >= customers["signed_up_day"].to_numpy()[known["customer"]]).all()


def test_christmas_is_busy_and_january_quiet() -> None:
    days = pd.date_range("2023-01-01", "2023-12-31")
    trade = pd.Series(trade_by_day(days, christmas=1.0, january=0.4), index=days)
    # 4 December 2023 is a Monday: (1 + 1.0) * 1.25. 9 January is a Monday too: (1 - 0.4) * 1.25.
    assert trade["2023-12-04"] == pytest.approx(2.5)
    assert trade["2023-01-09"] == pytest.approx(0.75)
    assert (trade[["2023-12-25", "2023-04-09"]] == 0).all()


def test_the_true_probability_of_a_customer_who_cannot_stop_is_poisson() -> None:
    # Monday 6 to Saturday 11 March 2023 are 1.25 + 1.15 + 1.10 + 1.05 + 1.00 + 0.65 = 6.2 ordinary days, with
    # no season that far from Christmas; at 0.1 orders a day P = 1 - exp(-0.62) = 0.4621.
    shop = Shop(customers=1, first_day=date(2023, 3, 6), last_day=date(2023, 3, 11))
    customer = pd.DataFrame(
        {
            "customer_id": ["C1", "C2"],
            "segment": [0, 0],
            "rate": [0.1, 0.1],
            # The second stops at the end of each day with probability 1/2.
            "hazard": [0.0, np.log(2.0)],
            "signed_up_day": [-1, -1],
            "lifetime": [1e6, 1e6],
        }
    )
    truth = purchase_probabilities(shop, customer, horizon_days=6)
    assert truth["as_of_date"].tolist() == [date(2023, 3, 6)] * 2
    assert truth["probability"][0] == pytest.approx(0.4621, abs=5e-5)
    # With two days only: no order is exp(-0.125) * (0.5 * exp(-0.115) + 0.5) = 0.8346, so P = 0.1654.
    two_days = purchase_probabilities(replace(shop, last_day=date(2023, 3, 7)), customer, horizon_days=2)
    assert two_days["probability"][1] == pytest.approx(0.1654, abs=5e-5)


def test_the_dead_never_buy() -> None:
    customers = customers_of(SHOP, np.random.default_rng(1))
    truth = purchase_probabilities(SHOP, customers)
    assert (truth.loc[~truth["is_alive"], "probability"] == 0).all()
    assert (truth.loc[truth["is_alive"], "probability"] > 0).all()


def test_what_happens_agrees_with_the_stated_probabilities() -> None:
    rng = np.random.default_rng(5)
    customers = customers_of(SHOP, rng)
    orders = orders_of(SHOP, customers, rng)
    truth = purchase_probabilities(SHOP, customers)
    morning = date(2023, 6, 5)
    asked = truth[truth["as_of_date"] == morning].set_index("customer_id")["probability"]
    day = (morning - SHOP.first_day).days
    window = orders[(orders["customer"] >= 0) & orders["day"].between(day, day + 29)]
    buyers = set(customers["customer_id"].to_numpy()[window["customer"]])
    bought = asked.index.isin(list(buyers))
    # One morning's customers are independent, so the sum has variance sum p (1 - p); four sigma.
    sigma = float(np.sqrt((asked * (1 - asked)).sum()))
    assert abs(bought.sum() - asked.sum()) < 4 * sigma
    likely = asked > asked.median()
    sigma_likely = float(np.sqrt((asked[likely] * (1 - asked[likely])).sum()))
    assert abs(bought[likely].sum() - asked[likely].sum()) < 4 * sigma_likely


def test_an_order_has_postage_only_below_the_limit() -> None:
    rng = np.random.default_rng(6)
    customers, products = customers_of(TINY, rng), catalogue(rng)
    orders = orders_of(TINY, customers, rng)
    lines = lines_of(orders, products, favourites=customers["favourite"].to_numpy(), rng=rng)
    bought = lines[lines["quantity"] > 0]
    is_postage = bought["product_id"] == POSTAGE
    goods = (
        (bought["quantity"] * bought["unit_price"]).where(~is_postage, 0).groupby(bought["order_id"]).sum()
    )
    charged = is_postage.groupby(bought["order_id"]).sum()
    assert ((goods < 40) == (charged == 1)).all()
