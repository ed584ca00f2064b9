"""Churn status and churn labels against plain Python over the purchases, without joins or SQL arithmetic."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from math import sqrt
from statistics import fmean
from typing import Any

import pandas as pd
import pytest

from tests.warehouse.conftest import TODAY

# Customer to the gaps in days between their purchases; empty after purchases on one day only.
Gaps = Mapping[str, Sequence[int]]


@pytest.fixture(scope="module")
def purchases(shop: Any) -> pd.DataFrame:
    rows = shop.read(
        "select * from intermediate.int_order__net_of_voids where is_purchase and customer_id is not null"
    )
    return rows.assign(occurred_on=rows["occurred_on"].dt.date)


def days_known(purchases: pd.DataFrame, as_of_date: pd.Timestamp) -> dict[str, list[date]]:
    voided = purchases["voided_known_at"]
    known = purchases[(purchases["known_at"] < as_of_date) & ~(voided < as_of_date)]
    return {
        str(customer): sorted(set(days)) for customer, days in known.groupby("customer_id")["occurred_on"]
    }


def gone_after(own: Sequence[int], shop: Gaps) -> tuple[float, float] | None:
    """Mean days between orders, and days without an order after which ``own`` means churned."""
    typical = [gaps for gaps in shop.values() if gaps]
    if not typical:
        return None
    shop_mean = fmean(fmean(gaps) for gaps in typical)
    shop_square = fmean(fmean(gap**2 for gap in gaps) for gaps in typical)
    mean = fmean([*own, shop_mean, shop_mean, shop_mean])
    square = fmean([*(gap**2 for gap in own), shop_square, shop_square, shop_square])
    return mean, mean + 3 * sqrt(square - mean**2)


def test_churn_status_follows_from_own_gaps_and_the_shops(shop: Any, purchases: pd.DataFrame) -> None:
    rows = shop.read(
        "select * from point_in_time.pit_customer__churn_status order by as_of_date, customer_id"
    )
    churned = []
    for as_of_date, found in rows.groupby("as_of_date"):
        days = days_known(purchases, pd.Timestamp(as_of_date))
        gaps = {name: [(later - day).days for day, later in pairwise(each)] for name, each in days.items()}
        assert list(found["customer_id"]) == sorted(days)
        for row in found.itertuples():
            expected = gone_after(gaps[row.customer_id], gaps)
            silent = (pd.Timestamp(as_of_date).date() - days[row.customer_id][-1]).days
            assert row.days_since_last_order == silent
            if expected is None:
                assert pd.isna(row.personal_gap_days)
                assert not row.is_already_churned
                continue
            assert row.personal_gap_days == pytest.approx(expected[0], abs=0.051)
            assert row.gone_after_days == pytest.approx(expected[1], abs=0.501)
            assert row.is_already_churned == (silent > row.gone_after_days)
            assert (row.ineligible_reason == "already_churned") == row.is_already_churned
            assert f"gone after {row.gone_after_days} days" in row.churn_definition
            churned.append(row.is_already_churned)
    # Of the four handmade customers two stop buying in March; most of the others continue.
    assert 0 < sum(churned) < len(churned)


def test_customers_without_an_order_in_sixty_days_churned(shop: Any, purchases: pd.DataFrame) -> None:
    labels = shop.read("select * from labels.lbl_customer__churn_60d order by as_of_date, customer_id")
    kept = purchases[purchases["voided_known_at"].isna()]
    ordered = set(zip(kept["customer_id"], kept["occurred_on"], strict=True))
    for row in labels.itertuples():
        first = row.as_of_date.date()
        window = {first + timedelta(days=day) for day in range(60)}
        assert row.outcome == int(not any((row.customer_id, day) in ordered for day in window))
    assert set(labels["outcome"]) == {0, 1}
    # Sixty days before today ends what is known: 25 March is the last Monday with a whole window.
    newest = date.fromisoformat(TODAY) - timedelta(days=60)
    assert labels["as_of_date"].max().date() == newest - timedelta(days=newest.weekday())
    # No customer of that as-of date is left out.
    counted = shop.read(
        "select count(*) as rows from point_in_time.pit_customer__eligible where as_of_date <= '2024-03-25'"
    )
    assert len(labels) == counted["rows"].iloc[0]
