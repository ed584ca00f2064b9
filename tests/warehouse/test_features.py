"""Features and labels of three customers, worked out by hand (the order lines are in conftest)."""

from typing import Any, Protocol

import pandas as pd
import pytest


class World(Protocol):
    """A built warehouse, see conftest."""

    def read(self, sql: str) -> pd.DataFrame: ...


def features(shop: World, customer: str, day: str) -> dict[str, Any]:
    rows = shop.read(
        "select * from features.feat_customer__orders"
        f" where customer_id = '{customer}' and as_of_date = '{day}'"
    )
    return dict(rows.iloc[0]) if len(rows) else {}


def test_a_regular_customer(shop: World) -> None:
    # Ann: 2 * 10 on Saturday 2 March; 1 * 10 + 4 * 5 and 3 of postage on Saturday 16 March;
    # 1 * 5 back on the 20th.
    ann = features(shop, "ann", "2024-04-01")

    expected = {
        "days_since_order": 16,  # 16 March to 1 April
        "tenure_days": 30,  # 2 March to 1 April
        "orders_30d": 2,  # the window begins on 2 March
        "orders_90d": 2,
        "orders_lifetime": 2,
        "net_amount_30d": 45,  # 20 + 30 - 5
        "net_amount_lifetime": 45,
        "average_order_amount_365d": 22.5,  # 45 / 2
        "gap_mean_days": 14,
        "gap_last_days": 14,
        "days_since_order_per_gap": 16 / 14,
        "returns_365d": 1,
        "return_rate_365d": 0.1,  # 5 of 50
        "products_90d": 2,  # tea and cup; postage is none
        "products_365d": 2,
        "units_365d": 6,  # 2 + 1 + 4 - 1
        "active_weeks_365d": 2,
        "orders_same_season_last_year": 0,
        "service_amount_365d": 3,
        "weekend_share_365d": 1,
    }
    assert {name: ann[name] for name in expected} == pytest.approx(expected)
    assert (ann["country"], ann["newest_known_at"]) == ("DE", pd.Timestamp("2024-03-20 10:00"))
    # Two purchase days make one gap, and one gap has no spread.
    assert pd.isna(ann["gap_sd_days"])


def test_a_first_time_customer_has_no_rhythm(shop: World) -> None:
    ann = features(shop, "ann", "2024-03-04")

    assert (ann["orders_lifetime"], ann["days_since_order"], ann["net_amount_30d"]) == (1, 2, 20)
    assert pd.isna([ann["gap_mean_days"], ann["gap_last_days"], ann["days_since_order_per_gap"]]).all()


def test_a_voided_order_is_there_until_the_cancellation_is(shop: World) -> None:
    # Bob's 80,995 pots were entered on Sunday evening and cancelled on Monday at 8: that Monday's
    # midnight saw them.
    monday, week_after = features(shop, "bob", "2024-03-25"), features(shop, "bob", "2024-04-01")

    assert (monday["orders_lifetime"], monday["net_amount_30d"]) == (2, 80996 * 30)
    assert (week_after["orders_lifetime"], week_after["net_amount_30d"]) == (1, 30)
    assert (week_after["returns_365d"], week_after["days_since_order"], week_after["units_365d"]) == (
        0,
        28,
        1,
    )


def test_a_customer_exists_from_the_first_as_of_date_that_knew_an_order(shop: World) -> None:
    # Cat ordered on 8 March; the shop heard of it on the 17th.
    assert features(shop, "cat", "2024-03-11") == {}
    cat = features(shop, "cat", "2024-03-18")
    assert (cat["days_since_order"], cat["country"]) == (10, "FR")


def test_outcomes_count_what_stayed_bought_in_thirty_days(shop: World) -> None:
    labels = shop.read(
        "select customer_id || ' ' || as_of_date as key, outcome, outcome_amount, outcome_known_at"
        " from labels.lbl_customer__purchase_30d"
    ).set_index("key")

    # 4 March to 2 April: Ann's 30 on the 16th, less 5 on the 20th; known when 3 April begins.
    assert list(labels.loc["ann 2024-03-04"]) == [1, 25, pd.Timestamp("2024-04-03")]
    assert list(labels.loc["ann 2024-04-01"])[:2] == [0, 0]
    # 11 March to 9 April: Bob's only order was voided.
    assert list(labels.loc["bob 2024-03-11"])[:2] == [0, 0]


def test_only_days_whose_window_has_ended_have_outcomes(shop: World) -> None:
    # Today is 26 May: 22 April + 30 days = 22 May has passed, 29 April + 30 days = 29 May has not.
    newest = shop.read("select max(as_of_date) as day from labels.lbl_customer__purchase_30d")
    assert newest["day"].iloc[0] == pd.Timestamp("2024-04-22")


def test_sales_without_a_customer_stay_in_the_totals(shop: World) -> None:
    day = shop.read("select * from marts.fct_sales_daily where occurred_on = '2024-03-08'").iloc[0]
    assert (day["order_lines_without_customer"], day["amount_without_customer"]) == (1, 10)

    totals = shop.read(
        "select (select sum(total_amount) from marts.fct_sales_daily) as daily,"
        " (select sum(quantity * unit_price) from raw.order_lines) as landed"
    ).iloc[0]
    assert totals["daily"] == pytest.approx(totals["landed"])


def test_what_is_described_is_what_is_there(shop: World, manifest: Any) -> None:
    columns = shop.read(
        "select table_schema || '.' || table_name as name, column_name from information_schema.columns"
    )
    built = columns.groupby("name")["column_name"].agg(set).to_dict()
    models = [node for node in manifest.nodes.values() if node.resource_type == "model"]

    differences = {
        node.name: built[f"{node.schema}.{node.name}"] ^ set(node.columns)
        for node in models
        if built[f"{node.schema}.{node.name}"] != set(node.columns)
    }
    assert not differences


def test_a_history_counts_days_and_nets_a_return_against_the_purchase_before_it(shop: World) -> None:
    # Ann again: 20 on 2 March; 10 + 20 on 16 March, of which 5 came back on the 20th. Postage is no product.
    rows = shop.read(
        "select * from features.feat_customer__purchase_history"
        " where customer_id = 'ann' and as_of_date = '2024-04-01'"
    )
    ann = dict(rows.iloc[0])

    expected = {
        "frequency": 1,
        "recency_days": 14,
        "age_days": 30,
        "average_order_amount": 25,
        "net_amount_lifetime": 45,
    }
    assert {name: ann[name] for name in expected} == pytest.approx(expected)


def test_a_voided_order_is_no_history(shop: World) -> None:
    # Bob's 80,995 pots of 24 March were known until their cancellation of the 25th, a Monday after midnight.
    rows = shop.read(
        "select as_of_date, frequency from features.feat_customer__purchase_history"
        " where customer_id = 'bob' and as_of_date between '2024-03-18' and '2024-04-01' order by 1"
    )
    assert rows["frequency"].tolist() == [0, 1, 0]
