"""How many more customers order because they are contacted? Contacted against randomly held-out customers."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
from scipy import stats

from assets.activation.tables import AUDIENCE_EXPORTS, AUDIENCES, LIFT_TYPES
from assets.lifecycle.store.schemas import typed
from assets.metrics.arrays import Flags, Floats, Texts
from assets.metrics.bootstrap import NORMAL_QUANTILE
from assets.ports import Warehouse

# A week, because messages act soon and later orders only add noise.
WINDOW_DAYS = 7
# With fewer orderers or non-orderers in an arm the standard error is too uncertain for an interval.
MINIMUM_PER_OUTCOME = 10
ALL = "all"
RUN_COLUMNS = ("as_of_date", "window_days")

# Campaigns with a control arm, and audiences whose export was not a dry run: whether each customer was
# contacted and ordered within the window. Only rounds whose window has ended are read.
SQL = f"""
    with chosen as (
        select 'messages' as experiment, campaign_id as name, customer_id, sent_on as first_day,
            is_treated as is_contacted
        from marts.fct_send
        qualify count(*) filter (where arm = 'control') over (partition by campaign_id) > 0
        union all
        select 'audience', audience || ' ' || as_of_date, customer_id, exports.sent_at::date,
            suppress_reason is null
        from {AUDIENCES.sql}
        inner join (
            select audience, as_of_date, min(sent_at) as sent_at
            from {AUDIENCE_EXPORTS.sql} where not dry_run group by 1, 2
        ) as exports using (audience, as_of_date)
        where suppress_reason is null or (
            suppress_reason = 'held_out' and rank < (
                select max(members.rank) from {AUDIENCES.sql} as members
                where members.suppress_reason is null and members.audience = audiences.audience
                    and members.as_of_date = audiences.as_of_date
            )
        )
    ),
    orders as (
        select customer_id, occurred_on
        from intermediate.int_order__net_of_voids
        where is_purchase and voided_known_at is null and not is_reversal
    )
    select experiment, name, chosen.customer_id, is_contacted, count(orders.occurred_on) > 0 as has_ordered
    from chosen
    left join orders
        on chosen.customer_id = orders.customer_id
        and orders.occurred_on >= first_day and orders.occurred_on < first_day + {WINDOW_DAYS}
    where first_day + {WINDOW_DAYS} <= $as_of
    group by 1, 2, 3, 4, first_day
    order by 1, 2, 3
"""


def measure_lift(warehouse: Warehouse, *, as_of: date) -> pd.DataFrame:
    """Measure every experiment on one as-of date: each of its rounds, and all rounds together."""
    rows = warehouse.read(SQL, {"as_of": as_of})
    return typed(lift_table(rows).assign(as_of_date=pd.Timestamp(as_of), window_days=WINDOW_DAYS), LIFT_TYPES)


def lift_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Compute rates of both arms and their difference per ``experiment`` and ``name``, and for ``all`` names.

    Args:
        rows: One per experiment, name and customer, with ``is_contacted`` and ``has_ordered``.
    """
    lifts = [
        {"experiment": experiment, "name": name, **lift_of(part)}
        for experiment, of_experiment in rows.groupby("experiment")
        for name, part in [*of_experiment.groupby("name"), (ALL, of_experiment)]
    ]
    return pd.DataFrame(lifts, columns=[name for name in LIFT_TYPES if name not in RUN_COLUMNS])


def lift_of(rows: pd.DataFrame) -> Mapping[str, object]:
    """Compute the difference in order rate between the arms with its 95 % interval.

    A customer in several rounds counts once per round, and the standard error is clustered by customer.
    Each round draws its own arms, so other messages reach both arms alike.

    Args:
        rows: (n,) contacts with ``customer_id``, ``is_contacted`` and ``has_ordered``.

    Returns:
        Counts, conversions and rates in [0, 1] of both arms, the difference with its interval, the relative
        lift and the p-value; undefined numbers are ``nan``.

    Source: Liang & Zeger 1986, cluster-robust (sandwich) variance; with one row per customer it is the usual
    variance of a difference of two proportions. Assumes that contacting one customer affects no other.
    """
    contacted = rows["is_contacted"].to_numpy(dtype=np.bool_)
    ordered = rows["has_ordered"].to_numpy(dtype=np.float64)
    arms = {"treated": contacted, "control": ~contacted}
    rates = {arm: float(ordered[mine].mean()) if mine.any() else np.nan for arm, mine in arms.items()}
    difference = rates["treated"] - rates["control"]
    error = _error(rows["customer_id"].to_numpy(dtype=object), contacted, ordered)
    margin = NORMAL_QUANTILE * error
    return {
        "contacted": int(contacted.sum()),
        "held_out": int((~contacted).sum()),
        **{f"{arm}_conversions": int(ordered[mine].sum()) for arm, mine in arms.items()},
        **{f"{arm}_rate": rate for arm, rate in rates.items()},
        "difference": difference,
        "ci_lo": difference - margin,
        "ci_hi": difference + margin,
        "relative_lift": difference / rates["control"] if rates["control"] > 0 else np.nan,
        "p_value": float(2 * stats.norm.sf(abs(difference) / error)) if error > 0 else np.nan,
    }


def _error(customers: Texts, contacted: Flags, ordered: Floats) -> float:
    """Standard error of the difference; ``nan`` with fewer than ten of either outcome in an arm."""
    influence = np.zeros(ordered.size)
    for sign, mine in ((1.0, contacted), (-1.0, ~contacted)):
        orderers = ordered[mine].sum()
        if min(orderers, mine.sum() - orderers) < MINIMUM_PER_OUTCOME:
            return float("nan")
        influence[mine] = sign * (ordered[mine] - ordered[mine].mean()) / mine.sum()
    codes, _ = pd.factorize(customers)
    return float(np.sqrt((np.bincount(codes, influence) ** 2).sum()))
