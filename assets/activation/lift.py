"""What does it change to contact somebody? The contacted against those held out at random."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
from scipy import stats

from assets.activation.tables import AUDIENCE_SENDS, AUDIENCES, LIFT_TYPES
from assets.lifecycle.store.schemas import typed
from assets.metrics.arrays import Flags, Floats, Texts
from assets.metrics.bootstrap import NORMAL_QUANTILE
from assets.ports import Warehouse

# A week: what a message moves, it moves soon, and later orders only add noise.
WINDOW_DAYS = 7
# With fewer people on either side of an arm the error of a rate is not known well enough for an interval.
FEWEST = 10
ALL = "all"
OF_THE_MORNING = ("as_of_date", "window_days")

# Campaigns with a control arm, and audiences that were really sent: who was contacted, and who ordered from
# the day on. Both arms wait until the window has ended.
SQL = f"""
    with chosen as (
        select 'messages' as experiment, campaign_id as name, customer_id, sent_on as first_day,
            is_treated as is_contacted
        from marts.fct_send
        qualify count(*) filter (where arm = 'control') over (partition by campaign_id) > 0
        union all
        select 'audience', audience || ' ' || as_of_date, customer_id, sends.sent_at::date, fate = 'member'
        from {AUDIENCES.sql}
        inner join (
            select audience, as_of_date, min(sent_at) as sent_at
            from {AUDIENCE_SENDS.sql} where not dry_run group by 1, 2
        ) as sends using (audience, as_of_date)
        where fate = 'member' or (
            fate = 'held_out' and rank < (
                select max(members.rank) from {AUDIENCES.sql} as members
                where members.fate = 'member' and members.audience = audiences.audience
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


def measured(warehouse: Warehouse, *, as_of: date) -> pd.DataFrame:
    """The morning's rows of ``ml.experiment_lift``: per experiment each of its rounds, and all together."""
    rows = warehouse.read(SQL, {"as_of": as_of})
    return typed(lifts(rows).assign(as_of_date=pd.Timestamp(as_of), window_days=WINDOW_DAYS), LIFT_TYPES)


def lifts(rows: pd.DataFrame) -> pd.DataFrame:
    """Rates of both arms and their difference, per ``experiment`` and ``name``, and for ``all`` names.

    Args:
        rows: One per experiment, name and customer, with ``is_contacted`` and ``has_ordered``.
    """
    told = [
        {"experiment": experiment, "name": name, **lift_of(part)}
        for experiment, mine in rows.groupby("experiment")
        for name, part in [*mine.groupby("name"), (ALL, mine)]
    ]
    return pd.DataFrame(
        told, columns=[name for name in LIFT_TYPES if name not in {"as_of_date", "window_days"}]
    )


def lift_of(rows: pd.DataFrame) -> Mapping[str, object]:
    """The difference between the arms with its 95 % interval.

    Customers who are in several rounds count as often as they are, and the error is theirs: the rows of a
    customer stand or fall together. Rounds draw their own arms, so other messages fall on both.

    Source: Liang & Zeger 1986, the sandwich by customer; where customers occur once, the usual error of two
    shares. Assumes that one customer's contact moves nobody else.
    """
    contacted = rows["is_contacted"].to_numpy(dtype=np.bool_)
    ordered = rows["has_ordered"].to_numpy(dtype=np.float64)
    arms = {"contacted": contacted, "held_out": ~contacted}
    rates = {arm: float(ordered[mine].mean()) if mine.any() else np.nan for arm, mine in arms.items()}
    difference = rates["contacted"] - rates["held_out"]
    error = _error(rows["customer_id"].to_numpy(dtype=object), contacted, ordered)
    margin = NORMAL_QUANTILE * error
    return {
        **{arm: int(mine.sum()) for arm, mine in arms.items()},
        **{f"{arm}_orderers": int(ordered[mine].sum()) for arm, mine in arms.items()},
        **{f"{arm}_rate": rate for arm, rate in rates.items()},
        "difference": difference,
        "ci_lo": difference - margin,
        "ci_hi": difference + margin,
        "relative_lift": difference / rates["held_out"] if rates["held_out"] > 0 else np.nan,
        "p_value": float(2 * stats.norm.sf(abs(difference) / error)) if error > 0 else np.nan,
    }


def _error(customers: Texts, contacted: Flags, ordered: Floats) -> float:
    """Standard error of the difference; ``nan`` with fewer than ten of either outcome in an arm."""
    influence = np.zeros(ordered.size)
    for sign, mine in ((1.0, contacted), (-1.0, ~contacted)):
        orderers = ordered[mine].sum()
        if min(orderers, mine.sum() - orderers) < FEWEST:
            return float("nan")
        influence[mine] = sign * (ordered[mine] - ordered[mine].mean()) / mine.sum()
    codes, _ = pd.factorize(customers)
    return float(np.sqrt((np.bincount(codes, influence) ** 2).sum()))
