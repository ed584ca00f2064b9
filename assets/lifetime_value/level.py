"""Level of the shop by horizon: orders and amounts of the coming window against the model's expectation."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from assets.features.matrix import AS_OF, sample_modulus
from assets.lifecycle.cohort import with_consent
from assets.lifetime_value.models.candidates import CustomerValue, HorizonLevel, neutral_levels
from assets.lifetime_value.models.clv import LifetimeValue
from assets.lifetime_value.spec import CUSTOMER, ValueProblem
from assets.metrics.arrays import Floats
from assets.ports import Warehouse
from assets.prior_shift.level import LevelForecast, TotalHistory, forecast_level
from assets.prior_shift.trading_days import DAYS_PER_YEAR
from assets.purchase_process.purchase_history import AMOUNT, FREQUENCY, HISTORY
from assets.supervised.data.dataset import daily_orders

# Dates between which the level is measured: weekly ones overlap so much that they add little.
SPACING = timedelta(weeks=4)
# A year of residuals for the level, and a year before it for their errors.
MOST_DATES = 27
# The mean of that many windows is trusted as much as no difference at all.
PRIOR_WINDOWS = 1.0
# The clock that gives the level's total is found in so many steps; each halves the error at least.
STEPS = 4


def shop_levels(
    problem: ValueProblem, warehouse: Warehouse, model: CustomerValue, *, as_of: date
) -> tuple[HorizonLevel, ...]:
    """The level of every horizon as it is known on ``as_of``; neutral while no year is known.

    Args:
        problem: The declaration.
        warehouse: Where tables lie.
        model: Fitted on what was known on ``as_of`` or before.
        as_of: The as-of date; neither later orders nor windows that end later are read.
    """
    value, daily = model.value_, daily_orders(warehouse, as_of)
    known = _known_customers(problem, warehouse, as_of)
    if known.empty or known[AS_OF].iloc[-1] != pd.Timestamp(as_of):
        return neutral_levels(problem.horizons_days)
    today = known.loc[known[AS_OF] == pd.Timestamp(as_of), list(HISTORY)]
    expected = value.purchases_.expected_purchases(known[list(HISTORY)], problem.horizons_days)
    amount = value.amounts_.expected_amount(known[[FREQUENCY, AMOUNT]])
    found = list[HorizonLevel]()
    for column, horizon in enumerate(problem.horizons_days):
        sums = _sums(known, expected[:, column], amount, horizon=horizon)
        level = forecast_level(_history(sums), daily, as_of=as_of, horizon_days=horizon)
        days = _effective_days(value, today, level, horizon=horizon)
        found.append(
            HorizonLevel(
                horizon_days=horizon,
                # A longer window holds the shorter one's orders.
                effective_days=max([days, *(each.effective_days for each in found)]),
                sd=level.sd,
                has_season=level.has_season,
                log_amount=found[0].log_amount if found else _log_amount(sums, level, horizon=horizon),
            )
        )
    return tuple(found)


def _known_customers(problem: ValueProblem, warehouse: Warehouse, as_of: date) -> pd.DataFrame:
    """Histories on ``as_of`` and every four weeks before it, with the outcomes that are known by then."""
    # Literal dates are pushed down into every scan, a list that is bound is not.
    dates = ", ".join(f"date '{as_of - each * SPACING}'" for each in range(MOST_DATES))
    source = with_consent(f"(from {problem.histories.sql} where {AS_OF} in ({dates}))", problem.spec)
    counted = warehouse.read(f"select count(*) as rows from {source} as histories")
    modulus = sample_modulus(int(counted["rows"].iloc[0]), at_most=problem.max_level_rows)
    sampled = f"md5_number_lower(histories.{CUSTOMER}) % {modulus} = 0" if modulus > 1 else "true"
    joined = " ".join(
        f"left join (from {key.sql} where {AS_OF} in ({dates})) as of_{horizon}d "
        f"on histories.{CUSTOMER} = of_{horizon}d.{CUSTOMER} and histories.{AS_OF} = of_{horizon}d.{AS_OF} "
        f"and histories.{AS_OF} <= $as_of::date - {horizon}"
        for horizon, key in problem.labels.items()
    )
    outcomes = ", ".join(
        f"of_{days}d.outcome_orders as orders_{days}d, of_{days}d.outcome_amount as amount_{days}d"
        for days in problem.labels
    )
    return warehouse.read(
        f"select histories.{AS_OF}, {', '.join((*HISTORY, AMOUNT))}, {outcomes} "
        f"from {source} as histories {joined} where {sampled} order by histories.{AS_OF}",
        {"as_of": as_of},
    )


def _sums(known: pd.DataFrame, orders: Floats, amount: Floats, *, horizon: int) -> pd.DataFrame:
    """Expected and observed orders and amounts by date, oldest first; missing where not observed yet."""
    rows = pd.DataFrame(
        {
            AS_OF: known[AS_OF],
            "expected_orders": orders,
            "expected_amount": orders * amount,
            "orders": known[f"orders_{horizon}d"],
            "amount": known[f"amount_{horizon}d"],
        }
    )
    return rows.groupby(AS_OF).sum(min_count=1).sort_index()


def _history(sums: pd.DataFrame) -> TotalHistory:
    return TotalHistory(
        as_of_date=sums.index.to_numpy().astype("datetime64[D]"),
        expected=sums["expected_orders"].to_numpy(dtype=np.float64),
        observed=sums["orders"].to_numpy(dtype=np.float64, na_value=np.nan),
    )


def _effective_days(
    value: LifetimeValue, today: pd.DataFrame, level: LevelForecast, *, horizon: int
) -> float:
    """Days of the model's clock in which it expects its own total of ``horizon`` days times the level."""
    if level.log_level == 0.0:
        return float(horizon)
    total = float(value.purchases_.expected_purchases(today, [horizon]).sum()) * np.exp(level.log_level)
    days = horizon * float(np.exp(level.log_level))
    for _ in range(STEPS):
        days *= total / float(value.purchases_.expected_purchases(today, [days]).sum())
    return days


def _log_amount(sums: pd.DataFrame, level: LevelForecast, *, horizon: int) -> float:
    """Mean log ratio of observed to expected amount per order, shrunk towards 0 when windows are few."""
    if not level.has_season:
        return 0.0
    newest = sums.index[-1] - pd.Timedelta(days=horizon + DAYS_PER_YEAR)
    year = sums.loc[sums.index > newest]
    per_order = year["amount"] / year["orders"] / (year["expected_amount"] / year["expected_orders"])
    known = per_order.to_numpy(dtype=np.float64, na_value=np.nan)
    logs = np.log(known[known > 0])
    windows = logs.size * min(1.0, SPACING / timedelta(days=horizon))
    return float(logs.mean()) * windows / (windows + PRIOR_WINDOWS) if logs.size else 0.0
