"""Look up recorded metrics, so that grade, decision and card state only recorded values."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from assets.metrics.bootstrap import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One row of ``ml.metrics``."""

    slice_name: str
    slice_value: str
    interval: Interval
    n: int
    n_positive: int

    @property
    def cases(self) -> int:
        """Rows with the rarer outcome, be it yes or no: the evaluation of the slice rests on them."""
        return min(self.n_positive, self.n - self.n_positive)

    @property
    def where(self) -> str:
        """Name and value of the slice, as text."""
        return "overall" if self.slice_name == "all" else f"{self.slice_name} = {self.slice_value}"


def recorded(metrics: pd.DataFrame, metric: str) -> Iterator[Recorded]:
    """The rows of ``metric`` in ``metrics`` (n, k), overall first, then by slice.

    Sorted here, because a table read back has no order.
    """
    rows = metrics.loc[metrics["metric"] == metric]
    whole = rows["slice_name"] == "all"
    slices = rows.loc[~whole].sort_values(["slice_name", "slice_value"])
    for row in pd.concat([rows.loc[whole], slices]).itertuples():
        yield Recorded(
            slice_name=str(row.slice_name),
            slice_value=str(row.slice_value),
            interval=Interval(
                value=float(str(row.value)), lo=float(str(row.ci_lo)), hi=float(str(row.ci_hi))
            ),
            n=int(str(row.n)),
            n_positive=0 if pd.isna(row.n_positive) else int(str(row.n_positive)),
        )


def overall(metrics: pd.DataFrame, metric: str) -> Interval:
    """The value of ``metric`` in ``metrics`` (n, k) over all rows.

    Raises:
        KeyError: It was not recorded.
    """
    for row in recorded(metrics, metric):
        if row.slice_name == "all":
            return row.interval
    raise KeyError(f"metric {metric!r} was not recorded for all rows")


def has(metrics: pd.DataFrame, metric: str) -> bool:
    """Whether ``metric`` was recorded in ``metrics`` (n, k) at all."""
    return bool((metrics["metric"] == metric).any())
