"""Which customers are worth contacting this week, and which of them may be contacted?"""

from datetime import date

import numpy as np
import pandas as pd

from assets.activation.tables import AUDIENCE_TYPES
from assets.features.matrix import AS_OF
from assets.keys import Key
from assets.lifecycle.store.schemas import typed
from assets.metrics.ranking import ranks
from assets.ports import Warehouse

NAME = "likely_and_valuable"
SHARE = 0.1
# A larger file is not reviewed by a person before it is uploaded.
MOST_MEMBERS = 10_000
# The window of the expected amount, which holds the chance of an order already.
VALUE_DAYS = 30
# Reasons why a candidate is not a member; members have none.
NO_CONSENT, HELD_OUT, CAPPED = "no_consent", "held_out", "capped"


def build_audience(warehouse: Warehouse, *, propensity: Key, value: Key, as_of: date) -> pd.DataFrame:
    """Build the rows of ``ml.audiences`` of one as-of date.

    Args:
        warehouse: Where the scores are read.
        propensity: Table with eligibility, consent and holdout columns per customer and as-of date.
        value: Table with ``predicted_value`` per customer, as-of date and horizon.
        as_of: The as-of date.

    Returns:
        The columns of ``AUDIENCE_TYPES``; no rows when either table has none of ``as_of``, or withheld ones.
    """
    scored = warehouse.read(
        f"""
        select customer_id, predicted_value as value, consent_ads, is_holdout
        from {propensity.sql} as propensity
        inner join (
            select customer_id, {AS_OF}, predicted_value
            from {value.sql}
            -- A withheld horizon has no values to rank by.
            where horizon_days = {VALUE_DAYS} and is_eligible and predicted_value is not null
        ) as expected using (customer_id, {AS_OF})
        where {AS_OF} = $as_of and propensity.is_eligible
        order by customer_id
        """,
        {"as_of": as_of},
    )
    rows = select_audience(scored).assign(audience=NAME, as_of_date=pd.Timestamp(as_of))
    return typed(rows, AUDIENCE_TYPES)


def select_audience(scored: pd.DataFrame, *, share: float = SHARE, most: int = MOST_MEMBERS) -> pd.DataFrame:
    """Select the best ``share`` by ``value``, with the reason why a candidate is not a member.

    Args:
        scored: One row per customer with ``customer_id``, ``value``, ``consent_ads`` (null means unknown
            and counts as no consent) and ``is_holdout`` (null counts as held out).
        share: Share of the rows that are candidates, in (0, 1].
        most: Members at most; further candidates are ``capped``.

    Returns:
        ``customer_id, rank, value, suppress_reason``, best first. The reason is null for members;
        ``no_consent`` to advertising takes precedence over ``held_out``, so that every held-out customer
        could have been a member.
    """
    value = scored["value"].to_numpy(dtype=np.float64)
    rank = ranks(value, scored["customer_id"].to_numpy(dtype=object))
    best = scored.assign(rank=rank).nsmallest(int(np.ceil(share * len(scored))), "rank")
    allowed = best["consent_ads"].astype("boolean").fillna(False).to_numpy(dtype=np.bool_)
    held_out = best["is_holdout"].astype("boolean").fillna(True).to_numpy(dtype=np.bool_)
    may_be_contacted = allowed & ~held_out
    is_member = may_be_contacted & (np.cumsum(may_be_contacted) <= most)
    reason = np.select([~allowed, held_out], [NO_CONSENT, HELD_OUT], CAPPED)
    suppress_reason = pd.Series(reason, index=best.index, dtype="string").mask(is_member)
    columns = ["customer_id", "rank", "value", "suppress_reason"]
    return best.assign(suppress_reason=suppress_reason)[columns].reset_index(drop=True)
