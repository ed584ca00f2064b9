"""Who is gone, and who churned, against plain Python over the purchases: no join and no SQL arithmetic."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from math import sqrt
from statistics import fmean
from typing import Any

import pandas as pd
import pytest

from tests.warehouse.conftest import TODAY

# Customer to the gaps between the days they bought on; whoever bought on one day has none.
Gaps = Mapping[str, Sequence[int]]


@pytest.fixture(scope="module")
def purchases(shop: Any) -> pd.DataFrame:
    rows = shop.read(
        "select * from intermediate.int_order__net_of_voids where is_purchase and customer_id is not null"
    )
    return rows.assign(occurred_on=rows["occurred_on"].dt.date)


def days_known(purchases: pd.DataFrame, morning: pd.Timestamp) -> dict[str, list[date]]:
    voided = purchases["voided_known_at"]
    known = purchases[(purchases["known_at"] < morning) & ~(voided < morning)]
    return {customer: sorted(set(days)) for customer, days in known.groupby("customer_id")["occurred_on"]}


def gone_after(own: Sequence[int], shop: Gaps) -> tuple[float, float] | None:
    """Mean days between orders, and days of silence after which somebody with the gaps ``own`` is gone."""
    typical = [gaps for gaps in shop.values() if gaps]
    if not typical:
        return None
    shop_mean = fmean(fmean(gaps) for gaps in typical)
    shop_square = fmean(fmean(gap**2 for gap in gaps) for gaps in typical)
    mean = fmean([*own, shop_mean, shop_mean, shop_mean])
    square = fmean([*(gap**2 for gap in own), shop_square, shop_square, shop_square])
    return mean, mean + 3 * sqrt(square - mean**2)


def test_who_is_gone_is_told_by_the_own_gaps_and_the_shops(shop: Any, purchases: pd.DataFrame) -> None:
    rows = shop.read(
        "select * from point_in_time.pit_customer__churn_status order by as_of_date, customer_id"
    )
    told = []
    for morning, found in rows.groupby("as_of_date"):
        days = days_known(purchases, pd.Timestamp(morning))
        gaps = {name: [(later - day).days for day, later in pairwise(each)] for name, each in days.items()}
        assert list(found["customer_id"]) == sorted(days)
        for row in found.itertuples():
            expected = gone_after(gaps[row.customer_id], gaps)
            silent = (pd.Timestamp(morning).date() - days[row.customer_id][-1]).days
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
            told.append(row.is_already_churned)
    # Of the four customers written by hand two fall silent in March; most of the others go on.
    assert 0 < sum(told) < len(told)


def test_whoever_ordered_nothing_in_sixty_days_churned(shop: Any, purchases: pd.DataFrame) -> None:
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
    # Nobody who was there that morning is left out.
    counted = shop.read(
        "select count(*) as rows from point_in_time.pit_customer__eligible where as_of_date <= '2024-03-25'"
    )
    assert len(labels) == counted["rows"].iloc[0]
