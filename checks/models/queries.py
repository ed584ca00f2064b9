"""Queries of the checks of a capability."""

from datetime import date

import pandas as pd

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
