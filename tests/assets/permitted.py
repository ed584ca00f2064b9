"""Consent and holdout of customers, for worlds that begin with features."""

from collections.abc import Collection

import pandas as pd


def permitted(rows: pd.DataFrame, *, refused: Collection[str] = ()) -> pd.DataFrame:
    """The cohort of ``rows`` by as-of date: customers in ``refused`` gave no consent, the others all."""
    is_refused = rows["customer_id"].isin(refused)
    reason = pd.Series(pd.NA, index=rows.index, dtype="string").mask(is_refused, "no_consent")
    return rows[["customer_id", "as_of_date", "as_of_at"]].assign(
        is_holdout=False, consent_ads=True, consent_profiling=~is_refused, ineligible_reason=reason
    )
