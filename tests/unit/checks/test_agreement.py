"""Tables of one as-of date against each other: totals per buyer, and the rows of a customer."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.churn.capability import ALREADY_CHURNED, CHURN
from assets.lifetime_value.capability import LIFETIME_VALUE
from assets.propensity.capability import PURCHASE_PROPENSITY
from checks.capabilities.agreement import (
    PerBuyer,
    agreement_invariants,
    rows_of_a_customer_agree,
    totals_of_tables_agree,
    totals_of_tables_are_possible,
)
from checks.verdict import Verdict
from orchestration.resources.warehouse import DuckDBWarehouse

AS_OF = date(2024, 12, 30)
CUSTOMERS = 200


def orders_per_buyer(predicted: float) -> list[PerBuyer]:
    return [PerBuyer(name="orders", predicted=predicted, lowest=1.29, highest=1.67, dates=88)]


@pytest.mark.parametrize(
    ("predicted", "agrees", "is_possible"),
    [
        (1.36, True, True),
        (1.74, True, True),
        # 3,620 orders of 1,514 buyers, where 1.36 per buyer came.
        (2.39, False, True),
        (3.40, False, False),
        (1.20, False, True),
        (0.60, False, False),
    ],
)
def test_totals_agree_within_what_was_seen_and_are_possible_within_twice_that(
    predicted: float, agrees: bool, is_possible: bool
) -> None:
    ratios = orders_per_buyer(predicted)
    assert totals_of_tables_agree(ratios, CUSTOMERS).passed == agrees
    verdict = totals_of_tables_are_possible(ratios, CUSTOMERS)
    assert verdict.passed == is_possible
    assert (
        f"orders per expected buyer are {predicted:.2f}, and were 1.29 to 1.67 on 88 matured"
        in verdict.reason
    )


def customers(**columns: object) -> pd.DataFrame:
    """Customers who order with probability 0.3, 0.4 orders on average, later than in 30 days."""
    defaults = {
        "buyers": 0.3,
        "orders": 0.4,
        "prob_alive": 0.9,
        "next_order_on": AS_OF + timedelta(days=45),
    }
    return pd.DataFrame({**defaults, **columns}, index=range(CUSTOMERS))


def test_lifetime_value_reads_the_probability_of_its_own_shortest_horizon() -> None:
    assert LIFETIME_VALUE.problem.chances == PURCHASE_PROPENSITY.spec.scores
    assert min(LIFETIME_VALUE.problem.horizons_days) == PURCHASE_PROPENSITY.problem.horizon_days


def test_rows_without_a_contradiction_pass() -> None:
    verdict = rows_of_a_customer_agree(customers(), as_of=AS_OF)
    assert verdict.passed
    assert (
        "of 200 customers with a probability by a model none has rows that contradict each other"
        in verdict.reason
    )


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"orders": 0.29}, "expect fewer orders than the probability of one"),
        ({"prob_alive": 0.29}, "order with a higher probability than they are customers still"),
        ({"next_order_on": AS_OF + timedelta(days=9)}, "are to order within 30 days and by the probability"),
        ({"buyers": 0.46, "orders": 1.0}, "are to order after 30 days and by the probability"),
        ({"buyers": 0.46, "orders": 1.0, "next_order_on": None}, "are to order after 30 days and by the"),
    ],
)
def test_each_contradiction_is_counted(columns: dict[str, object], words: str) -> None:
    one = pd.concat([customers().iloc[1:], customers(**columns).iloc[:1]])
    verdict = rows_of_a_customer_agree(one, as_of=AS_OF)
    assert not verdict.passed
    assert f"of 200 customers with a probability by a model 1 {words}" in verdict.reason


def test_rounding_is_no_contradiction() -> None:
    rows = customers(orders=0.3 - 1e-9, prob_alive=0.3 - 1e-9, next_order_on=AS_OF + timedelta(days=29))
    assert rows_of_a_customer_agree(rows, as_of=AS_OF).passed


def test_an_unknown_probability_of_being_a_customer_contradicts_nothing() -> None:
    assert rows_of_a_customer_agree(customers(prob_alive=np.nan), as_of=AS_OF).passed


def found(warehouse: DuckDBWarehouse) -> dict[str, Verdict]:
    return {each.name: each.check(warehouse, AS_OF) for each in agreement_invariants()}


def write(warehouse: DuckDBWarehouse, *, orders: float, status: str = "ok") -> None:
    """Scores of ``orders`` per customer on the as-of date, a quarter with one, and twenty matured dates.

    On each matured date 50 of 200 buy, 70 orders for 20 each, and 90 of the 180 who had not left order within
    60 days.
    """
    ids = [f"c{number:03d}" for number in range(CUSTOMERS)]
    scored = pd.DataFrame({"customer_id": ids, "as_of_date": AS_OF})
    warehouse.replace(PURCHASE_PROPENSITY.spec.scores, scored.assign(probability=0.25, status=status))
    warehouse.replace(
        LIFETIME_VALUE.spec.scores,
        scored.assign(
            horizon_days=30,
            predicted_orders=orders,
            predicted_value=20 * orders,
            prob_alive=0.9,
            expected_next_order_date=AS_OF + timedelta(days=60),
        ),
    )
    asked = np.arange(CUSTOMERS) < 180
    warehouse.replace(CHURN.spec.scores, scored.assign(probability=np.where(asked, 0.55, np.nan)))
    number = np.arange(CUSTOMERS)
    days = [
        pd.DataFrame(
            {
                "customer_id": ids,
                "as_of_date": AS_OF - timedelta(days=60 + 7 * week),
                "outcome": (number < 50).astype(int),
                "outcome_orders": np.where(number < 20, 2, number < 50),
                "outcome_amount": 20.0 * np.where(number < 20, 2, number < 50),
                "stayed": number < 90,
                "is_already_churned": ~asked,
            }
        )
        for week in range(20)
    ]
    matured = pd.concat(days, ignore_index=True)
    keys = ["customer_id", "as_of_date"]
    outcomes = ["outcome", "outcome_orders", "outcome_amount"]
    warehouse.replace(LIFETIME_VALUE.problem.labels[30], matured[keys + outcomes])
    warehouse.replace(CHURN.problem.label, matured[keys].assign(outcome=1 - matured["stayed"].astype(int)))
    warehouse.replace(ALREADY_CHURNED.table, matured[[*keys, "is_already_churned"]])


def test_the_tables_of_a_date_are_compared_with_matured_dates(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    write(warehouse, orders=0.35)
    verdicts = found(warehouse)
    assert [name for name, verdict in verdicts.items() if not verdict.passed] == []
    # 0.35, 7 and, of those asked, 0.45 of 0.25. On matured dates 70, 1,400 and 90 of 50 buyers.
    ranges = {"orders in 30": "1.40", "spend in 30": "28.00", "customers with an order in 60": "1.80"}
    for part in verdicts["totals_of_tables_agree"].reason.split("; "):
        number = next(ranges.pop(name) for name in list(ranges) if part.startswith(name))
        assert f"per expected buyer are {number}, and were {number} to {number} on 20 matured dates" in part
    assert not ranges


def test_twice_as_many_orders_as_ever_are_not_published(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    write(warehouse, orders=0.8)
    failed = {name: verdict.reason for name, verdict in found(warehouse).items() if not verdict.passed}
    assert set(failed) == {"totals_of_tables_agree", "totals_of_tables_are_possible"}
    assert (
        "orders in 30 days (lifetime_value) per expected buyer are 3.20"
        in failed["totals_of_tables_are_possible"]
    )
    blocking = {each.name for each in agreement_invariants() if each.is_blocking}
    assert blocking == {"totals_of_tables_are_possible"}


def test_a_baseline_without_orders_is_not_compared(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    write(warehouse, orders=float("nan"))
    assert all(verdict.passed for verdict in found(warehouse).values())


def test_the_rate_of_a_fallback_is_not_a_customers_own(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    write(warehouse, orders=0.2)
    assert not found(warehouse)["rows_of_a_customer_agree"].passed
    write(warehouse, orders=0.2, status="fallback_model")
    verdict = found(warehouse)["rows_of_a_customer_agree"]
    assert verdict.passed
    assert "of 0 customers with a probability by a model" in verdict.reason
