"""Order histories as the lifetime value models read them: checked, and equal ones merged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from assets.lifecycle.capability import InsufficientData
from assets.metrics.arrays import Flags, Floats, Ints

FREQUENCY, RECENCY, AGE, AMOUNT = "frequency", "recency_days", "age_days", "average_order_amount"
HISTORY = (FREQUENCY, RECENCY, AGE)

Rows = pd.DataFrame | npt.NDArray[np.generic]


class NoHeterogeneity(InsufficientData):
    """All customers are equal, so that how customers differ cannot be estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distinct:
    """Distinct rows among n: position of the first occurrence (k,), and index of each row among them (n,)."""

    first: Ints
    place: Ints

    @classmethod
    def of(cls, *columns: Floats) -> Self:
        """Of rows with ``columns`` (n,) each, by hashing: several times faster than sorting."""
        code = np.zeros(columns[0].size, dtype=np.int64)
        for column in columns:
            codes, values = pd.factorize(column)
            code = code * max(len(values), 1) + codes
        place, found = pd.factorize(code)
        first = np.zeros(len(found), dtype=np.int64)
        first[place[::-1]] = np.arange(len(place))[::-1]
        return cls(first=first, place=place.astype(np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseHistory:
    """Distinct histories of (x, t_x, T), the sufficient statistics of BG/NBD.

    Attributes:
        frequency: (u,) repeat orders x: days with an order after the first one, 0, 1, 2, …
        recency: (u,) days from the first to the last order, t_x; 0 when there is no repeat order.
        age: (u,) days from the first order to the as-of date, T; at least ``recency``.
        weight: (u,) customers with the history.
        place: (n,) index of each customer's history: ``per_history[place]`` is per customer.
        counts: The different x among the histories.
        pairs: The different (x, T) among the histories.
    """

    frequency: Floats
    recency: Floats
    age: Floats
    weight: Floats
    place: Ints
    counts: Distinct
    pairs: Distinct

    @classmethod
    def of(cls, X: Rows, *, merge: bool = True) -> Self:  # noqa: N803 - scikit-learn's name
        """The histories of ``X`` (n, 3): frequency, recency in days, age in days.

        Args:
            X: One row per customer.
            merge: Whether equal rows become one history; otherwise each customer has one.

        Raises:
            KeyError: when a frame lacks a column.
            ValueError: when a row is not a possible history; names the first one.
        """
        columns = numbers(X, HISTORY)
        refuse_impossible(columns)
        every = np.arange(len(columns))
        rows = Distinct.of(*columns.T) if merge else Distinct(first=every, place=every)
        frequency, recency, age = np.ascontiguousarray(columns[rows.first].T)
        return cls(
            frequency=frequency,
            recency=recency,
            age=age,
            weight=np.bincount(rows.place, minlength=rows.first.size).astype(np.float64),
            place=rows.place,
            counts=Distinct.of(frequency),
            pairs=Distinct.of(frequency, age),
        )

    @property
    def customers(self) -> int:
        """How many customers there are."""
        return int(self.weight.sum())

    @property
    def repeaters(self) -> int:
        """How many customers ordered again."""
        return int(self.weight[self.frequency > 0].sum())

    def in_units_of(self, days: float) -> "PurchaseHistory":
        """The same histories with time counted in units of ``days``."""
        return replace(self, recency=self.recency / days, age=self.age / days)


def numbers(X: Rows, names: Sequence[str]) -> Floats:  # noqa: N803 - scikit-learn's name
    """The columns ``names`` of a frame, or an array (n, k) whose columns are those, as (n, k) floats.

    Raises:
        KeyError: when a frame lacks a column.
        ValueError: when an array has another number of columns.
    """
    if isinstance(X, pd.DataFrame):
        missing = [name for name in names if name not in X.columns]
        if missing:
            raise KeyError(f"the customers' rows lack {missing}")
        return X[list(names)].to_numpy(dtype=np.float64, na_value=np.nan)
    found = np.asarray(X, dtype=np.float64)
    if found.ndim != 2 or found.shape[1] != len(names):
        raise ValueError(f"rows of shape {found.shape}, needed (n, {len(names)}): {', '.join(names)}")
    return found


def refuse_impossible(columns: Floats) -> None:
    """Refuse ``columns`` (n, 3) of which a row cannot be a history.

    Raises:
        ValueError: There is such a row; the first one is named.
    """
    frequency, recency, age = columns.T
    defects: dict[str, Flags] = {
        "a number is missing or infinite": ~np.isfinite(columns.sum(axis=1)),
        "a number is negative": columns.min(axis=1) < 0,
        "the frequency is not a whole number of orders": frequency != np.floor(frequency),
        "the last order lies after the as-of date (recency above age)": recency > age,
        "there is a recency without a repeat order": (frequency == 0) & (recency > 0),
        "there is a repeat order without a recency": (frequency > 0) & (recency == 0),
    }
    for what, wrong in defects.items():
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"{what}: {int(wrong.sum())} of {len(columns)} rows, the first is row {first} with frequency "
                f"{frequency[first]:g}, recency {recency[first]:g} d, age {age[first]:g} d"
            )
