"""Checks across capabilities: what the tables of one as-of date predict for the same customers and window."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import pandas as pd

from assets.churn.capability import ALREADY_CHURNED, CHURN
from assets.keys import PREDICTION_TOTALS
from assets.lifetime_value.capability import LIFETIME_VALUE
from assets.ports import Warehouse
from assets.propensity.capability import PURCHASE_PROPENSITY
from checks.verdict import Invariant, Verdict, invariant

DAYS, LONGER = PURCHASE_PROPENSITY.problem.horizon_days, CHURN.problem.horizon_days
# Fewer matured dates, or dates with fewer buyers, show no range to hold the next one against.
FEWEST_DATES, FEWEST_BUYERS = 8, 30
# How far beyond the range of the matured dates the next one may lie, and what no season explains.
USUAL_EXCESS, LARGEST_EXCESS = 1.05, 2.0
# Numbers that were computed in another order differ in the last digits.
ROUNDING = 1e-6
# Column of a total, column of the buyers among the same customers, and the total in words.
TOTALS = (
    ("orders", "buyers", f"orders in {DAYS} days (lifetime_value)"),
    ("spend", "buyers", f"spend in {DAYS} days (lifetime_value)"),
    ("orderers", "asked_buyers", f"customers with an order in {LONGER} days (churn)"),
)
PREDICTED = f"""
    select
        buyers.probability as buyers, predicted_orders as orders,
        predicted_value as spend, prob_alive, expected_next_order_date as next_order_on,
        1 - leavers.probability as orderers,
        case when leavers.probability is not null then buyers.probability end as asked_buyers
    from {PURCHASE_PROPENSITY.spec.scores.sql} as buyers
    inner join {LIFETIME_VALUE.spec.scores.sql} as spenders using (customer_id, as_of_date)
    left join {CHURN.spec.scores.sql} as leavers using (customer_id, as_of_date)
    where as_of_date = $as_of and spenders.horizon_days = {DAYS}
        and buyers.probability is not null and predicted_orders is not null
"""
# A fallback has one rate for many customers: there is no probability of a customer to agree with.
BY_MODEL = f"{PREDICTED} and buyers.status = 'ok'"
OBSERVED = f"""
    select
        sum(bought.outcome) as buyers, sum(outcome_orders) as orders, sum(outcome_amount) as spend,
        sum(1 - left_.outcome) filter (where not is_already_churned) as orderers,
        sum(bought.outcome) filter (where not is_already_churned) as asked_buyers
    from {LIFETIME_VALUE.problem.labels[DAYS].sql} as bought
    inner join {CHURN.problem.label.sql} as left_ using (customer_id, as_of_date)
    inner join {ALREADY_CHURNED.table.sql} using (customer_id, as_of_date)
    where as_of_date <= $matured
    group by as_of_date
"""
TOTALS_DIFFER = (
    "Compare both tables with the shop's orders of the same weeks, and plan by the one whose "
    "backtest is nearer."
)
TOTALS_IMPOSSIBLE = (
    "Nothing was published: find which of both tables is off by its own totals and backtest, and make "
    "rollback of it."
)
ROWS_DIFFER = (
    "Launch rescore for the as-of date: lifetime_value was scored before the newest probabilities of "
    "purchase_propensity and must read them. Until then use one of the contradicting columns, not both."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerBuyer:
    """A predicted total per predicted buyer, and the range of the observed ones.

    Attributes:
        name: The total in words.
        predicted: The total over the buyers, both as published.
        lowest: Lowest of the matured dates.
        highest: Highest of the matured dates.
        dates: Number of matured dates.
    """

    name: str
    predicted: float
    lowest: float
    highest: float
    dates: int

    @property
    def excess(self) -> float:
        """Factor by which the predicted ratio lies beyond the range; 1 inside it."""
        return max(self.predicted / self.highest, self.lowest / max(self.predicted, 1e-9), 1.0)


def agreement_invariants() -> list[Invariant]:
    """Checks that compare the score tables, once all capabilities have scored."""
    table, agree, possible = PREDICTION_TOTALS, totals_of_tables_agree, totals_of_tables_are_possible
    return [
        invariant(table, agree, partial(_on_totals, agree), next_step=TOTALS_DIFFER, is_blocking=False),
        invariant(table, possible, partial(_on_totals, possible), next_step=TOTALS_IMPOSSIBLE),
        invariant(table, rows_of_a_customer_agree, _on_rows, next_step=ROWS_DIFFER, is_blocking=False),
    ]


def per_buyer(predicted: pd.DataFrame, observed: pd.DataFrame) -> list[PerBuyer]:
    """The ratios that can be compared.

    Args:
        predicted: (n,) rows of customers, with a column per total and of the buyers' probabilities.
        observed: (d,) rows of matured dates, with the same columns.
    """
    found = []
    for total, buyers, name in TOTALS:
        known = observed.loc[(observed[buyers] >= FEWEST_BUYERS) & (observed[total] > 0)]
        expected = float(predicted[buyers].sum())
        if len(known) >= FEWEST_DATES and expected > 0:
            ratios = known[total].astype(float) / known[buyers].astype(float)
            found.append(
                PerBuyer(
                    name=name,
                    predicted=float(predicted[total].sum()) / expected,
                    lowest=float(ratios.min()),
                    highest=float(ratios.max()),
                    dates=len(known),
                )
            )
    return found


def totals_of_tables_agree(ratios: Sequence[PerBuyer], n: int) -> Verdict:
    """Orders, spend and orderers per expected buyer lie in the range that matured dates have shown.

    Args:
        ratios: The ratios of one as-of date.
        n: Customers that both tables have scored.
    """
    return _within(ratios, USUAL_EXCESS, n=n)


def totals_of_tables_are_possible(ratios: Sequence[PerBuyer], n: int) -> Verdict:
    """Orders, spend and orderers per expected buyer lie within twice the range of the matured dates.

    Args:
        ratios: The ratios of one as-of date.
        n: Customers that both tables have scored.
    """
    return _within(ratios, LARGEST_EXCESS, n=n)


def rows_of_a_customer_agree(rows: pd.DataFrame, *, as_of: date) -> Verdict:
    """A customer's expected orders, chance of an order, P(alive) and next order do not exclude each other.

    Args:
        rows: (n,) customers as ``BY_MODEL`` reads them.
        as_of: The as-of date.
    """
    chance, alive = rows["buyers"].astype(float), rows["prob_alive"].astype(float)
    # The next order is due given that the customer is still one, which is not in doubt where it is unknown.
    even = 0.5 * alive.fillna(1.0)
    next_order = pd.to_datetime(rows["next_order_on"])
    is_soon = next_order < pd.Timestamp(as_of + timedelta(days=DAYS))
    contradictions = {
        "expect fewer orders than the probability of one": rows["orders"] < chance - ROUNDING,
        "order with a higher probability than they are customers still": chance > alive + ROUNDING,
        f"are to order within {DAYS} days and by the probability are not": is_soon
        & (chance < even - ROUNDING),
        f"are to order after {DAYS} days and by the probability before": ~is_soon
        & (chance > even + ROUNDING),
    }
    counts = {what: int(each.sum()) for what, each in contradictions.items()}
    worst = max(counts.values())
    named = "; ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    return Verdict(
        passed=worst == 0,
        reason=f"of {len(rows):,} customers with a probability by a model "
        f"{named or 'none has rows that contradict each other'}",
        value=worst,
        threshold=0.0,
        evidence={"n": float(len(rows))},
    )


def _within(ratios: Sequence[PerBuyer], factor: float, *, n: int) -> Verdict:
    worst = max((each.excess for each in ratios), default=1.0)
    shown = [each for each in ratios if each.excess > factor] or ratios
    named = "; ".join(
        f"{each.name} per expected buyer are {each.predicted:,.2f}, and were {each.lowest:,.2f} to "
        f"{each.highest:,.2f} on {each.dates} matured dates"
        for each in shown
    )
    return Verdict(
        passed=worst <= factor,
        reason=named
        or f"nothing to compare yet: {FEWEST_DATES} matured dates of {FEWEST_BUYERS} buyers and "
        "predicted orders are needed",
        value=worst,
        threshold=factor,
        evidence={"n": float(n)},
    )


def _on_totals(
    rule: Callable[[Sequence[PerBuyer], int], Verdict], warehouse: Warehouse, as_of: date
) -> Verdict:
    predicted = warehouse.read(PREDICTED, {"as_of": as_of})
    observed = warehouse.read(OBSERVED, {"matured": as_of - timedelta(days=LONGER)})
    return rule(per_buyer(predicted, observed), len(predicted))


def _on_rows(warehouse: Warehouse, as_of: date) -> Verdict:
    return rows_of_a_customer_agree(warehouse.read(BY_MODEL, {"as_of": as_of}), as_of=as_of)
