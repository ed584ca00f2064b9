"""Queries of the checks of a capability."""

from datetime import date

import pandas as pd

from assets.lifecycle.cohort import INELIGIBLE
from assets.lifecycle.spec import Spec
from assets.lifecycle.store import control_tables
from assets.ports import Warehouse


def load_scores(spec: Spec, warehouse: Warehouse, as_of: date) -> pd.DataFrame:
    """The score rows of one as-of date.

    Args:
        spec: The capability.
        warehouse: The warehouse.
        as_of: The date.
    """
    return warehouse.read(f"select * from {spec.scores.sql} where as_of_date = $as_of", {"as_of": as_of})


def withheld_reason(spec: Spec, warehouse: Warehouse, as_of: date) -> str | None:
    """The reason for which the scores of a date were withheld; ``None`` when some were written.

    Args:
        spec: The capability.
        warehouse: The warehouse.
        as_of: The date.
    """
    if len(load_scores(spec, warehouse, as_of)):
        return None
    return control_tables.withheld_reason(spec.name, warehouse, as_of=as_of)


def cohort_counts(
    spec: Spec, warehouse: Warehouse, as_of: date, *, cohort: str | None = None
) -> dict[str, int]:
    """Entities of the cohort, of those with a score row in every key, and scored ones outside the cohort.

    The reason is compared too, so that a row on the wrong side of eligibility counts as missing.

    Args:
        spec: The capability.
        warehouse: The warehouse.
        as_of: The date.
        cohort: SQL of the cohort with ``ineligible_reason``; by default the capability's cohort table.
    """
    source = cohort or (spec.cohort.sql if spec.cohort else "")
    keys = ", ".join((str(spec.subject), INELIGIBLE))
    rows_of = f"select {keys} from {{}} where as_of_date = $as_of"
    cohort_rows, scored = (rows_of.format(each) for each in (source, spec.scores.sql))
    counted = warehouse.read(
        f"""
        select
            (select count(*) from ({cohort_rows})) as cohort,
            (select count(*) from ({cohort_rows} intersect {scored})) as scored,
            (select count(*) from (({scored}) except ({cohort_rows}))) as strangers
        """,
        {"as_of": as_of},
    ).iloc[0]
    return {name: int(counted[name]) for name in ("cohort", "scored", "strangers")}
