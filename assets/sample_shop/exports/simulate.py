"""Simulation of the shop's export files, and of files with the true parameters."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pandas as pd

from assets.sample_shop.expectation import amounts_by_day, expected_purchases
from assets.sample_shop.exports.files import Files
from assets.sample_shop.exports.tables import (
    campaign_export,
    customer_exports,
    order_exports,
    product_export,
    send_exports,
)
from assets.sample_shop.messages.blocks import all_consents_of
from assets.sample_shop.messages.campaigns import campaigns_of
from assets.sample_shop.reviews.reviews import reviews_of
from assets.sample_shop.truth import purchase_probabilities
from assets.sample_shop.world.advertising import (
    ad_spend_of,
    channel_contributions,
    contributions_of,
    spend_of,
)
from assets.sample_shop.world.customers import true_state
from assets.sample_shop.world.history import (
    MonthOfOrders,
    Population,
    events_by_day,
    months_of_orders,
    population_of,
)
from assets.sample_shop.world.leads import leads_of
from assets.sample_shop.world.shop import Shop

OF_AN_EARLIER_SIMULATION = ("orders_*.csv.gz", "sends_*.csv.gz", "events/*.parquet", "reviews.jsonl")


def simulate(shop: Shop, *, landing: Path, truth: Path) -> Mapping[str, int]:
    """Simulate ``shop`` and write its exports; the same shop gives the same bytes. Returns rows by table.

    Args:
        shop: Size, days, seed and injected faults.
        landing: Folder for the exports: by month ``orders_<month>.csv.gz`` and ``sends_<month>.csv.gz``,
            by day ``events/<day>.parquet``, and ``customers.csv``, ``products.csv``, ``campaigns.csv``,
            ``ad_spend.csv``, ``consents.csv``, ``leads.csv`` and ``reviews.jsonl``; files of an earlier
            simulation are removed.
        truth: Folder for Parquet files that the pipeline never reads.

    Raises:
        ValueError: when ``truth`` lies inside ``landing``.
    """
    if truth.is_relative_to(landing):
        raise ValueError(f"the truth must be outside the exports, not in {truth}")
    for pattern in OF_AN_EARLIER_SIMULATION:
        for old in landing.glob(pattern):
            old.unlink()
    population, rows = population_of(shop), Counter[str]()
    (landing / "events").mkdir(parents=True, exist_ok=True)
    with Files(landing) as exports, Files(truth) as truths:
        rows.update(_write_lists(shop, population, exports=exports, truths=truths))
        ordered, amount = _write_months(shop, population, rows, exports=exports, truths=truths)
        contributions = contributions_of(shop, spend_of(shop))
        effects = channel_contributions(shop, contributions, first_order_amount=amount)
        truths.write("channel_contributions.parquet", effects)
        truths.write("purchase_probabilities.parquet", purchase_probabilities(shop, population.demand))
        expected = expected_purchases(shop, population.demand, products=population.products, ordered=ordered)
        truths.write("expected_purchases.parquet", expected)
    return rows


def _write_lists(shop: Shop, population: Population, *, exports: Files, truths: Files) -> dict[str, int]:
    """Write the files that cover the whole period; return rows by table."""
    customers, products = population.demand.customers, population.products
    leads, lead_probabilities = leads_of(shop, shop.rng("leads"))
    truths.write("customers.parquet", true_state(customers))
    truths.write("product_affinities.parquet", products[["product_id", "affinity_group"]])
    truths.write("lead_probabilities.parquet", lead_probabilities)
    return {
        "customers": exports.write("customers.csv", customer_exports(shop, customers)),
        "products": exports.write("products.csv", product_export(shop, products)),
        "campaigns": exports.write("campaigns.csv", campaign_export(shop, campaigns_of(shop))),
        "ad_spend": exports.write("ad_spend.csv", ad_spend_of(shop, spend_of(shop))),
        "consents": exports.write("consents.csv", all_consents_of(shop, customers)),
        "leads": exports.write("leads.csv", leads),
    }


def _write_months(
    shop: Shop, population: Population, rows: Counter[str], *, exports: Files, truths: Files
) -> tuple[pd.DataFrame, float]:
    """Write the files by month and day, and count ``rows`` by table.

    Returns:
        Amounts of articles by customer and day, and the mean amount of a first order.
    """
    sentiments, ordered, first_orders, first_amount = [], [], 0, 0.0
    for booked in months_of_orders(shop, population):
        ids = population.demand.customers["customer_id"]
        files = order_exports(shop, booked.lines, ids, month=booked.month)
        files |= send_exports(shop, population.sends, ids, month=booked.month)
        for name, export in files.items():
            rows["sends" if name.startswith("sends") else "order_lines"] += exports.write(name, export)
        reviews, sentiment = _reviews(shop, population, booked)
        rows["reviews"] += exports.append("reviews.jsonl", reviews)
        sentiments.append(sentiment)
        ordered.append(amounts_by_day(booked))
        for day, events in events_by_day(shop, population, booked):
            name = f"events/{shop.first_day + timedelta(days=day)}.parquet"
            rows["events"] += exports.write(name, events)
        of_first = booked.articles[booked.orders["is_first"].to_numpy()[booked.articles["order"]]]
        first_orders += int(booked.orders["is_first"].sum())
        first_amount += float((of_first["quantity"] * of_first["unit_price"]).sum())
    truths.write("review_sentiments.parquet", pd.concat(sentiments, ignore_index=True))
    return pd.concat(ordered, ignore_index=True), first_amount / max(first_orders, 1)


def _reviews(shop: Shop, population: Population, booked: MonthOfOrders) -> tuple[pd.DataFrame, pd.DataFrame]:
    return reviews_of(
        pd.concat([booked.articles, booked.returned], ignore_index=True),
        population.products,
        population.demand.customers,
        last=pd.Timestamp(shop.last_day) + pd.Timedelta(days=1, seconds=-1),
        rng=shop.rng("reviews", booked.month.number),
    )
