"""What one morning knew of its customers, and what earlier ones then turned out to spend."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from assets.features.matrix import AS_OF, Matrix, build_matrix, sample_modulus
from assets.lifecycle.cohort import with_profiling_consent
from assets.lifetime_value.problem import ValueProblem
from assets.metrics.arrays import Floats, Texts
from assets.ports import Warehouse

CUSTOMER = "customer_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Everybody who had bought by the morning of ``as_of``.

    Attributes:
        known: One row per customer: history, money and features.
        first_purchase_on: (n,) ``datetime64[D]``.
        currency: (n,) codes as text.
    """

    as_of: date
    known: Matrix
    first_purchase_on: npt.NDArray[np.datetime64]
    currency: Texts

    def __len__(self) -> int:
        return len(self.known)

    @property
    def quarters(self) -> Texts:
        """(n,) quarter of the first purchase, such as ``2011-Q3``."""
        days = pd.DatetimeIndex(self.first_purchase_on)
        texts = days.year.astype(str) + "-Q" + days.quarter.astype(str)
        return np.asarray(texts, dtype=object)


def cohort_on(problem: ValueProblem, warehouse: Warehouse, *, as_of: date) -> Cohort:
    """Who was known on the morning of ``as_of`` and may be profiled; nobody when it was not built."""
    rows = warehouse.read(
        f"select * from {_joined(problem)} where {AS_OF} = $as_of order by {CUSTOMER}", {"as_of": as_of}
    )
    return Cohort(
        as_of=as_of,
        known=build_matrix(rows, None, columns=problem.columns),
        first_purchase_on=pd.to_datetime(rows["first_purchase_on"]).to_numpy().astype("datetime64[D]"),
        currency=rows["currency"].fillna("").astype(str).to_numpy(dtype=object),
    )


def observed_spend(problem: ValueProblem, warehouse: Warehouse, cohort: Cohort, *, days: int) -> Floats:
    """What each customer of ``cohort`` spent, and on how many days, within ``days``: (n, 2).

    Raises:
        KeyError: when that window has not ended, so that its labels are not there.
    """
    rows = warehouse.read(
        f"select {CUSTOMER}, outcome_amount, outcome_orders from {problem.labels[days].sql} "
        f"where {AS_OF} = $as_of",
        {"as_of": cohort.as_of},
    ).set_index(CUSTOMER)
    missing = len(set(cohort.known.entities) - set(rows.index))
    if missing:
        raise KeyError(
            f"{missing} of {len(cohort)} customers of {cohort.as_of} have no outcome of {days} days"
        )
    return rows.loc[list(cohort.known.entities)].to_numpy(dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountTrainingData:
    """Sampled rows of older mornings with the amount of the judged horizon; ``amount`` is (n,)."""

    known: Matrix
    amount: Floats

    @property
    def days(self) -> list[date]:
        """The as-of days, oldest first."""
        return sorted({day for day in np.unique(self.known.as_of).tolist()})


def load_amount_training_data(
    problem: ValueProblem, warehouse: Warehouse, *, as_of: date
) -> AmountTrainingData:
    """What the morning of ``as_of`` knew of outcomes, sampled down to ``max_training_rows``.

    The sample is drawn by a hash of customer and day, so that it is the same in every run.
    """
    bounds: Mapping[str, object] = {"matured": as_of - timedelta(days=problem.judged_days)}
    label = problem.labels[problem.judged_days].sql
    counted = warehouse.read(f"select count(*) as rows from {label} where {AS_OF} <= $matured", bounds)
    modulus = sample_modulus(int(counted["rows"].iloc[0]), at_most=problem.max_training_rows)
    keys = f"{CUSTOMER}, {AS_OF}"
    rows = warehouse.read(
        f"""
        select known.*, labels.outcome_amount
        from {_joined(problem)} as known
        inner join {label} as labels using ({keys})
        where {AS_OF} <= $matured and md5_number_lower({CUSTOMER} || cast({AS_OF} as varchar)) % $modulus = 0
        order by {AS_OF}, {CUSTOMER}
        """,
        {**bounds, "modulus": modulus},
    )
    amount = rows.pop("outcome_amount").to_numpy(dtype=np.float64)
    return AmountTrainingData(known=build_matrix(rows, None, columns=problem.columns), amount=amount)


def first_morning(problem: ValueProblem, warehouse: Warehouse) -> date | None:
    """The oldest as-of day with histories; ``None`` when there is none."""
    rows = warehouse.read(f"select min({AS_OF}) as day from {problem.histories.sql}")
    day = rows["day"].iloc[0]
    return None if pd.isna(day) else pd.Timestamp(day).date()


def _joined(problem: ValueProblem) -> str:
    """Histories and features of those who may be profiled; the newest moment is that of either."""
    keys = f"{CUSTOMER}, {AS_OF}"
    shared = "as_of_at, newest_known_at, net_amount_lifetime"
    return f"""(
        select histories.* exclude (newest_known_at),
            greatest(histories.newest_known_at, features.newest_known_at) as newest_known_at,
            features.* exclude ({keys}, {shared})
        from {with_profiling_consent(problem.histories.sql)} as histories
        inner join {problem.features.sql} as features using ({keys})
    )"""
