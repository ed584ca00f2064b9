"""Eligibility, consent and holdout of the people in score rows."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from assets.keys import Key
from assets.lifecycle.spec import Spec
from assets.lifecycle.store.schemas import CONSENT_COLUMNS
from assets.ports import Warehouse

INELIGIBLE = "ineligible_reason"
# First word of the reason of rows that only their slice withholds; the slice follows it.
WITHHELD_SLICE = "withheld_slice"
# Columns that the rows of one as-of date and value of the key columns have in common.
SHARED = frozenset({"as_of_date", "model_version", "status", "quality_grade"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Exclusion criteria: rows of ``table`` whose ``ineligible_reason`` is not null are ineligible.

    They are in no training row, evaluation or total, and are published with the reason and no score.

    Attributes:
        table: Entity id, ``as_of_date``, ``ineligible_reason`` and ``passthrough_columns``; an entity
            without a row is eligible.
        passthrough_columns: Columns of ``table`` published beside every score, as name and pandas dtype.
    """

    table: Key
    passthrough_columns: tuple[tuple[str, str], ...] = ()


def load_cohort(spec: Spec, warehouse: Warehouse, *, as_of: date) -> pd.DataFrame:
    """Everyone in the cohort of ``as_of``: subject, ``ineligible_reason``, consent and holdout.

    Args:
        spec: The capability.
        warehouse: Holds the cohort table.
        as_of: The date.
    """
    columns = ", ".join((str(spec.subject), INELIGIBLE, *CONSENT_COLUMNS))
    table = spec.cohort.sql if spec.cohort else ""
    return warehouse.read(
        f"select {columns} from {table} where as_of_date = $as_of order by {spec.subject}", {"as_of": as_of}
    )


def add_ineligible_rows(spec: Spec, scored: pd.DataFrame, cohort: pd.DataFrame) -> pd.DataFrame:
    """Add consent and holdout columns, and rows for people who may not be scored, with the reason only.

    Args:
        spec: The capability.
        scored: Rows of scored people, one per value of the key columns (n, k).
        cohort: As :func:`load_cohort` reads it.

    Returns:
        One row per person of ``cohort`` and value of the key columns.
    """
    subject, keys = str(spec.subject), list(spec.tables[0].key_columns)
    others = ineligible_rows(spec, cohort.loc[~cohort[subject].isin(scored[subject])])
    # Of a row that has a score: one whose slice is withheld has a status of its own.
    first = scored.sort_values("is_eligible", ascending=False, kind="stable")
    shared = first[[*keys, *(name for name in scored.columns if name in SHARED)]]
    others = (
        others.merge(shared.drop_duplicates(keys), on=keys)
        if keys
        else others.merge(shared.head(1), how="cross")
    )
    # A concatenation with an empty frame would still take its types.
    rows = pd.concat([scored, others], ignore_index=True) if len(others) else scored
    own = [name for name in CONSENT_COLUMNS if name in rows.columns]
    return rows.drop(columns=own).merge(cohort[[subject, *CONSENT_COLUMNS]], on=subject, how="left")


def ineligible_rows(spec: Spec, cohort: pd.DataFrame) -> pd.DataFrame:
    """Rows of the people of ``cohort`` who may not be scored: the row key and the reason only.

    Args:
        spec: The capability; ``rows_per_person`` of its first table are its rows of each of them.
        cohort: As :func:`load_cohort` reads it.
    """
    refused = cohort.loc[cohort[INELIGIBLE].notna(), [str(spec.subject), INELIGIBLE]]
    values = pd.DataFrame([dict(each) for each in spec.tables[0].rows_per_person])
    return refused.merge(values, how="cross").assign(is_eligible=False)


def with_consent(rows: str, spec: Spec) -> str:
    """SQL of table ``rows``, by subject and ``as_of_date``, restricted to people who may be scored.

    Raises:
        ValueError: The capability declares no cohort table.
    """
    if spec.cohort is None:
        raise ValueError(f"{spec.name} declares no cohort table")
    return (
        f"(select rows.* from {rows} as rows semi join (select {spec.subject}, as_of_date "
        f"from {spec.cohort.sql} where {INELIGIBLE} is null) as allowed using ({spec.subject}, as_of_date))"
    )
