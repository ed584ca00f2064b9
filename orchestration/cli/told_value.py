"""What customers will spend, in the closing words of a run."""

from collections.abc import Hashable, Mapping
from typing import Any

import duckdb
import pandas as pd

from assets.lifetime_value.grade import FALLBACK
from assets.lifetime_value.problem import LIFETIME_VALUE

Row = Mapping[Hashable, Any]

COMPARED = {"deviance": "deviance (lower)", "wape": "WAPE (lower)", "gini": "Gini (higher)"}
TOTALS = """
    select horizon_days, count(*) as customers, sum(predicted_value) as predicted,
        sum(baseline_value) as baseline, sum(predicted_orders) as orders, any_value(currency) as currency,
        any_value(status) as status, max(as_of_date) as as_of_date
    from published.lifetime_value
    where as_of_date = (select max(as_of_date) from published.lifetime_value) and is_eligible
    group by 1 order by 1
"""


def newest_totals(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """One row per horizon of the newest published morning."""
    return connection.execute(TOTALS).df()


def value_lines(totals: pd.DataFrame, metrics: pd.DataFrame) -> list[str]:
    """How the version that serves did in its back-test, and what it expects.

    Args:
        totals: Rows of :func:`newest_totals`.
        metrics: Rows of ``published.metrics`` of the version that serves; empty for a fallback.
    """
    if totals.empty:
        return ["   nothing was published"]
    known = {str(row["metric"]): row for row in metrics.to_dict("records") if row["slice_name"] == "all"}
    compared = [
        f"   {words} {_interval(known[name])}; naive formula {_interval(known[f'naive_{name}'])}"
        for name, words in COMPARED.items()
        if name in known
    ]
    return [*(compared or [f"   {FALLBACK.meaning}"]), *map(_total, totals.to_dict("records"))]


def is_value(version: Row) -> bool:
    """Whether a registry row is of lifetime value."""
    return str(version["model_name"]) == LIFETIME_VALUE.name


def _total(row: Row) -> str:
    expected = row["orders"]
    orders: str = "" if pd.isna(expected) else f", {expected:,.0f} days with an order"
    return (
        f"   next {row['horizon_days']} days, from {row['as_of_date']:%Y-%m-%d}: {row['predicted']:,.0f} "
        f"{row['currency']} by {row['customers']:,} customers{orders}; naive formula {row['baseline']:,.0f}"
    )


def _interval(row: Row) -> str:
    return f"{row['value']:.3f} [{row['ci_lo']:.3f}, {row['ci_hi']:.3f}]"
