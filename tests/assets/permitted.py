"""Consent of customers, for tests that start from features."""

from collections.abc import Collection

import pandas as pd


def permitted(rows: pd.DataFrame, *, refused: Collection[str] = ()) -> pd.DataFrame:
    """Eligibility of the rows: customers in ``refused`` deny profiling, the others allow everything."""
    is_refused = rows["customer_id"].isin(refused)
    reason = pd.Series(pd.NA, index=rows.index, dtype="string").mask(is_refused, "no_consent")
    return rows[["customer_id", "as_of_date", "as_of_at"]].assign(
        is_holdout=False, consent_ads=True, consent_profiling=~is_refused, ineligible_reason=reason
    )
