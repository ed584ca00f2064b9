"""Exports of the sample shop are reproducible, consistent and plausible."""

import gzip
import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from assets.sample_shop.exports.simulate import simulate
from assets.sample_shop.exports.tables import BAD_LINES
from assets.sample_shop.world.baskets import articles_of, with_postage
from assets.sample_shop.world.customers import customers_of
from assets.sample_shop.world.history import months_of_orders, population_of
from assets.sample_shop.world.products import AFFINITY_GROUPS, POSTAGE, PRODUCTS, catalogue
from assets.sample_shop.world.shop import SIZES, Shop, is_open, trade_by_day

TINY = SIZES["tiny"]
QUARTER = Shop(customers=150, first_day=date(2023, 1, 2), last_day=date(2023, 3, 26), seed=3)
SHOP = Shop(customers=3_000, first_day=date(2023, 1, 2), last_day=date(2023, 12, 31), seed=1)
HEADERS = {
    "orders_2023-02.csv.gz": "Order Number,Customer ID,Order Date,SKU,Qty,Price,Channel,Country,Exported At",
    "customers.csv": "customer_id,first_name,last_name,email,phone,country,postcode,birth_year,signed_up,"
    "acquisition_channel",
    "products.csv": "product_id,title,description,category,unit_price,unit_cost,launched,in_stock",
    "campaigns.csv": "campaign_id,title,channel,started_at,ended_at",
    "sends_2023-02.csv.gz": "campaign_id,customer_id,sent_at,channel,variant,arm,opened_at,clicked_at,"
    "unsubscribed_at",
    "ad_spend.csv": "date,channel,campaign_id,impressions,clicks,cost_amount",
    "consents.csv": "customer_id,purpose,is_granted,recorded_at",
    "leads.csv": "lead_id,created_at,origin,attributes,won_at,won_amount",
}
TRUTHS = {
    "purchase_probabilities": ["customer_id", "as_of_date", "is_alive", "probability"],
    "expected_purchases": ["customer_id", "as_of_date", "horizon_days", "orders", "amount"],
    "channel_contributions": ["date", "channel", "sign_ups", "amount"],
    "review_sentiments": ["review_id", "sentiment"],
    "product_affinities": ["product_id", "affinity_group"],
    "lead_probabilities": ["lead_id", "probability"],
}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    simulate(TINY, landing=folder / "landing", truth=folder / "truth")
    return folder


def digests(folder: Path) -> dict[str, str]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def delivered(folder: Path) -> pd.DataFrame:
    files = sorted(folder.glob("landing/orders_*.csv.gz"))
    return pd.concat([pd.read_csv(file, dtype=str) for file in files], ignore_index=True)


def test_the_same_shop_writes_the_same_bytes(tmp_path: Path) -> None:
    for name, shop in (("once", QUARTER), ("again", QUARTER), ("other", replace(QUARTER, seed=4))):
        simulate(shop, landing=tmp_path / name / "landing", truth=tmp_path / name / "truth")
    assert digests(tmp_path / "once") == digests(tmp_path / "again")
    once, other = digests(tmp_path / "once"), digests(tmp_path / "other")
    # Another seed makes another shop, down to each file; only the calendar of campaigns is the same.
    alike = {name for name in once.keys() & other.keys() if once[name] == other[name]}
    assert alike == {"landing/campaigns.csv"}


def test_a_smaller_shop_leaves_no_files_of_a_larger_one(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    (landing / "events").mkdir(parents=True)
    old = ["orders_2031-01.csv.gz", "orders_2023-01_late.csv.gz", "sends_2031-01.csv.gz"]
    for name in (*old, "events/2031-01-01.parquet", "reviews.jsonl"):
        (landing / name).write_bytes(gzip.compress(b"old"))
    simulate(QUARTER, landing=landing, truth=tmp_path / "truth")
    assert not [name for name in (*old, "events/2031-01-01.parquet") if (landing / name).exists()]
    assert (landing / "reviews.jsonl").read_text(encoding="utf-8").startswith("{")
    assert len(list(landing.glob("orders_*"))) == 3


def test_the_truth_is_not_among_the_exports(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="outside"):
        simulate(TINY, landing=tmp_path, truth=tmp_path / "truth")


def test_weeks_are_counted_from_a_monday() -> None:
    with pytest.raises(ValueError, match="2023-01-03 is not a Monday"):
        replace(TINY, first_day=date(2023, 1, 3))
    with pytest.raises(ValueError, match="is before"):
        replace(TINY, last_day=date(2022, 12, 31))


def test_every_file_has_its_columns(exports: Path) -> None:
    landing = exports / "landing"
    for name, header in HEADERS.items():
        text = (landing / name).read_bytes()
        text = gzip.decompress(text) if name.endswith(".gz") else text
        assert text.decode().split("\n", maxsplit=1)[0] == header
    reviews = pd.read_json(landing / "reviews.jsonl", lines=True)
    assert {"review_id", "written_at", "text", "product_id", "customer_id", "rating"} <= set(reviews.columns)
    for name, columns in TRUTHS.items():
        assert pq.read_schema(exports / "truth" / f"{name}.parquet").names == columns


def test_a_day_of_events_lies_in_the_file_of_that_day(exports: Path) -> None:
    file = exports / "landing" / "events" / "2023-05-15.parquet"
    events = pd.read_parquet(file)
    assert len(events) > 0
    assert set(events["occurred_at"].dt.date) == {date(2023, 5, 15)}
    types = {file: str(pq.read_schema(file)) for file in file.parent.glob("*.parquet")}
    # A column that is empty on one day must not change its type there.
    assert len(set(types.values())) == 1


def test_the_exports_agree_with_each_other(exports: Path) -> None:
    landing = exports / "landing"
    campaigns = pd.read_csv(landing / "campaigns.csv")
    customers = pd.read_csv(landing / "customers.csv")
    products = pd.read_csv(landing / "products.csv")
    sends = pd.concat([pd.read_csv(file) for file in landing.glob("sends_*")])
    spend = pd.read_csv(landing / "ad_spend.csv")
    lines = delivered(exports)
    assert campaigns["campaign_id"].is_unique
    assert set(sends["campaign_id"]) | set(spend["campaign_id"]) == set(campaigns["campaign_id"])
    assert set(sends["customer_id"]) <= set(customers["customer_id"])
    assert set(lines["Customer ID"].dropna()) <= set(customers["customer_id"])
    assert set(lines["SKU"]) - {POSTAGE} <= set(products["product_id"])
    assert lines["Exported At"].isna().all()
    assert customers["email"].is_unique
    assert products["title"].is_unique


def test_exports_hold_guests_postage_returns_and_a_few_bad_lines(exports: Path) -> None:
    lines = delivered(exports)
    assert lines["Customer ID"].isna().any()
    assert (lines["SKU"] == POSTAGE).any()
    returned = lines["Order Number"].str.startswith("R")
    assert (returned == (lines["Qty"].astype(int) < 0)).all()
    assert (lines["Price"] == "on request").sum() == BAD_LINES / 2
    assert lines["Order Date"].isna().sum() == BAD_LINES / 2
    # Only ordered lines are returned.
    assert set(lines.loc[returned, "Order Number"].str[1:]) <= set(lines["Order Number"])


def test_an_order_lies_in_one_file_and_in_the_right_one(exports: Path) -> None:
    lines = delivered(exports).dropna(subset="Order Date")
    assert lines.groupby("Order Number")["Order Date"].nunique().max() == 1
    # 1,000 orders and their returns on average; a return booked in a later month lies with that month.
    may = pd.read_csv(exports / "landing" / "orders_2023-05.csv.gz").dropna(subset="Order Date")
    assert set(may["Order Date"].str[:7]) == {"2023-05"}


def test_nobody_orders_while_the_shop_is_closed_or_before_signing_up() -> None:
    population = population_of(SHOP)
    signed_up = population.demand.customers["signed_up_day"].to_numpy()
    orders = pd.concat([trade.orders for trade in months_of_orders(SHOP, population)])
    assert is_open(SHOP.days)[orders["day"]].all()
    known = orders[orders["customer"] >= 0]
    assert (known["day"].to_numpy() >= signed_up[known["customer"]]).all()
    assert orders["order_id"].is_unique
    # A customer who signs up in these days places the first order that day.
    first = orders[orders["is_first"]]
    assert sorted(first["customer"]) == list(np.flatnonzero(signed_up >= 0))
    assert (first["day"].to_numpy() == signed_up[first["customer"]]).all()


def test_christmas_is_busy_and_january_quiet() -> None:
    days = pd.date_range("2023-01-01", "2023-12-31")
    trade = pd.Series(trade_by_day(days, christmas=1.0, january=0.4), index=days)
    # 4 December 2023 is a Monday: (1 + 1.0) * 1.25. 9 January is a Monday too: (1 - 0.4) * 1.25.
    assert trade["2023-12-04"] == pytest.approx(2.5)
    assert trade["2023-01-09"] == pytest.approx(0.75)
    assert (trade[["2023-12-25", "2023-04-09"]] == 0).all()


def orders_for_baskets(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(6)
    day = np.sort(rng.integers(SHOP.day_count, size=count))
    return pd.DataFrame(
        {
            "order_id": np.arange(count).astype(str),
            "customer": rng.integers(100, size=count),
            "day": day,
            "ordered_at": SHOP.moments(day, np.full(count, 36_000)),
            "channel": "web",
            "country": "Ireland",
            "theme": rng.integers(AFFINITY_GROUPS, size=count),
        }
    )


def baskets(count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    products = catalogue(SHOP)
    favourites = np.zeros(100, dtype=np.int64)
    articles = articles_of(
        orders_for_baskets(count), products, favourites=favourites, rng=np.random.default_rng(7)
    )
    return articles, products


def test_an_order_has_postage_only_below_the_limit() -> None:
    articles, _ = baskets(2_000)
    goods = (articles["quantity"] * articles["unit_price"]).groupby(articles["order_id"]).sum()
    lines = with_postage(articles)
    charged = (lines["product_id"] == POSTAGE).groupby(lines["order_id"]).sum()
    assert ((goods < 40) == (charged == 1)).all()
    assert charged.max() == 1


def test_nothing_is_sold_before_its_launch_and_new_products_sell_after() -> None:
    articles, products = baskets(5_000)
    launched = products["launched_day"].to_numpy()
    assert (articles["day"].to_numpy() >= launched[articles["product"]]).all()
    # Three of the twenty products of each of thirty groups: 90 of 600.
    new = np.flatnonzero(launched >= 0)
    assert len(new) == 0.15 * PRODUCTS
    assert np.isin(new, articles["product"]).mean() > 0.9


def test_products_of_one_affinity_group_are_bought_together() -> None:
    articles, products = baskets(5_000)
    group = products["affinity_group"].to_numpy()[articles["product"]]
    order = articles["order"].to_numpy()
    together = order[1:] == order[:-1]
    alike = group[1:] == group[:-1]
    # Two lines both come from the theme with chance 1/2 * 1/2; otherwise they agree with the chance that
    # any two lines do, about 1/30.
    by_chance = (np.bincount(group) / len(group)) @ (np.bincount(group) / len(group))
    expected = 0.25 + 0.75 * by_chance
    assert alike[together].mean() == pytest.approx(expected, abs=0.02)
    assert alike[~together].mean() == pytest.approx(by_chance, abs=0.02)


def test_order_rates_are_those_of_the_segments() -> None:
    customers = customers_of(replace(SHOP, customers=50_000))
    yearly = customers.groupby("segment")["rate"].mean() * 365.25
    # Segment 0 orders 5.5 times a year; gamma with shape 2.5 and 12,500 customers: s.e. 5.5 / sqrt(31,250).
    assert yearly[0] == pytest.approx(5.5, abs=4 * 5.5 / np.sqrt(2.5 * 12_500))
    assert customers["signed_up_day"].is_monotonic_increasing
    assert (customers["persuadability"] == 0).mean() > 0.75
    assert customers["persuadability"].max() > 0 > customers["persuadability"].min()
