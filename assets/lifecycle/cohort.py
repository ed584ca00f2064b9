"""Who may be profiled on a morning, who may be contacted, and who is held out: shared by all rooms."""

from collections.abc import Sequence
from datetime import date

import pandas as pd

from assets.keys import Key
from assets.lifecycle.exclusion import Exclusion
from assets.lifecycle.store.schemas import FLAG, Types
from assets.ports import Warehouse

ELIGIBILITY = Key("point_in_time", "pit_customer__eligibility")
# What every published row of a customer says of them as of its morning.
CONSENT_COLUMNS: Types = {"is_holdout": FLAG, "consent_ads": FLAG, "consent_profiling": FLAG}
NO_CONSENT = Exclusion(table=ELIGIBILITY, passthrough_columns=tuple(CONSENT_COLUMNS.items()))


def permissions_on(warehouse: Warehouse, *, as_of: date) -> pd.DataFrame:
    """Every customer of the morning: ``customer_id``, ``ineligible_reason`` and the marks, by customer."""
    return warehouse.read(
        f"select customer_id, ineligible_reason, {', '.join(CONSENT_COLUMNS)} from {ELIGIBILITY.sql} "
        "where as_of_date = $as_of order by customer_id",
        {"as_of": as_of},
    )


def add_ineligible_rows(
    said: pd.DataFrame, permissions: pd.DataFrame, *, per: str, shared: Sequence[str]
) -> pd.DataFrame:
    """``said`` with everyone's marks, and rows for those who may not be profiled, of whom nothing is said.

    Args:
        said: One row per customer who may be profiled and value of ``per``.
        permissions: As :func:`permissions_on` reads them.
        per: Column of which every customer has each value, such as a horizon.
        shared: Columns that say the same of everybody, and of the refused too.
    """
    refused = permissions.loc[permissions["ineligible_reason"].notna(), ["customer_id", "ineligible_reason"]]
    alike = said.drop_duplicates(per)[[per, *shared]]
    others = refused.merge(alike, how="cross").assign(is_eligible=False)
    # A concatenation with nobody would still take the types of nobody.
    rows = pd.concat([said, others], ignore_index=True) if len(others) else said
    marks = permissions[["customer_id", *CONSENT_COLUMNS]]
    return rows.drop(columns=list(CONSENT_COLUMNS)).merge(marks, on="customer_id", how="left")


def with_profiling_consent(rows: str) -> str:
    """``rows``, SQL of a table by customer and as-of day, without those who may not be profiled."""
    return (
        f"(select rows.* from {rows} as rows semi join (select customer_id, as_of_date "
        f"from {ELIGIBILITY.sql} where ineligible_reason is null) as allowed using (customer_id, as_of_date))"
    )
