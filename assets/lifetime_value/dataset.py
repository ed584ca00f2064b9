"""Customers known on an as-of date, training rows of earlier ones, and observed spend."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from assets.calendar import latest_matured_as_of
from assets.features.matrix import AS_OF, Matrix, build_matrix, sample_modulus
from assets.keys import METRICS
from assets.lifecycle.capability import NothingToScore
from assets.lifecycle.cohort import with_consent
from assets.lifetime_value.spec import CUSTOMER, ValueProblem
from assets.metrics.arrays import Floats, Texts
from assets.ports import Warehouse

# Windows that the boosting learns from: a year of them, overlapping by two thirds.
TRAINING_DATES, TRAINING_SPACING = 12, timedelta(weeks=4)
RELATIVE = ("relative_amount", "relative_orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Everyone who had bought before the as-of date and may be profiled.

    Attributes:
        as_of: The as-of date.
        known: One row per customer: purchase history, amounts and features.
        first_purchase_on: (n,) ``datetime64[D]``.
        currency: (n,) codes as text.
        chance: (n,) published probability of an order in the shortest horizon, ``nan`` where there is none;
            ``None`` where it was not read.
    """

    as_of: date
    known: Matrix
    first_purchase_on: npt.NDArray[np.datetime64]
    currency: Texts
    chance: Floats | None = None

    def __len__(self) -> int:
        return len(self.known)

    @property
    def quarters(self) -> Texts:
        """(n,) quarter of the first purchase, such as ``2011-Q3``."""
        days = pd.DatetimeIndex(self.first_purchase_on)
        texts = days.year.astype(str) + "-Q" + days.quarter.astype(str)
        return np.asarray(texts, dtype=object)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRows:
    """Sampled rows of older as-of dates; ``outcome`` (n, 2) is amount and orders over their window's mean."""

    known: Matrix
    outcome: Floats


# Not slotted: the cohort is read once and kept.
@dataclass(frozen=True, kw_only=True)
class ValueData:
    """Everything known on ``as_of``, read from the warehouse when it is asked for.

    A backtest reads the cohorts, outcomes and training rows of an earlier window of each horizon; a run whose
    version is there already needs none of them.

    Attributes:
        problem: The declaration.
        warehouse: Where tables lie.
        as_of: The as-of date; nothing later is read.
    """

    problem: ValueProblem
    warehouse: Warehouse
    as_of: date

    @cached_property
    def cohort(self) -> Cohort:
        """Everyone known on the as-of date."""
        return load_cohort(self.problem, self.warehouse, as_of=self.as_of)

    @cached_property
    def first_day(self) -> date | None:
        """The oldest as-of date with purchase histories; ``None`` when there is none."""
        rows = self.warehouse.read(f"select min({AS_OF}) as day from {self.problem.histories.sql}")
        day = rows["day"].iloc[0]
        return None if pd.isna(day) else pd.Timestamp(day).date()

    def origin(self, days: int) -> date | None:
        """First date of the newest matured window of ``days``; ``None`` when histories do not reach back."""
        day = latest_matured_as_of(self.as_of, horizon_days=days)
        return day if self.has(day) else None

    def has(self, day: date) -> bool:
        """Whether purchase histories reach back to ``day``."""
        return self.first_day is not None and day >= self.first_day


def load_cohort(problem: ValueProblem, warehouse: Warehouse, *, as_of: date) -> Cohort:
    """Everyone known on ``as_of`` who may be profiled; nobody when that date was not built.

    Args:
        problem: The declaration.
        warehouse: Where tables lie.
        as_of: The as-of date.
    """
    rows = warehouse.read(
        f"select * from {_joined(problem)} where {AS_OF} = $as_of order by {CUSTOMER}", {"as_of": as_of}
    )
    return Cohort(
        as_of=as_of,
        known=build_matrix(rows, None, columns=problem.columns),
        first_purchase_on=pd.to_datetime(rows["first_purchase_on"]).to_numpy().astype("datetime64[D]"),
        currency=rows["currency"].fillna("").astype(str).to_numpy(dtype=object),
    )


def load_cohort_to_score(problem: ValueProblem, warehouse: Warehouse, *, as_of: date) -> Cohort:
    """The cohort of ``as_of``, which has somebody in it.

    Args:
        problem: The declaration.
        warehouse: Where tables lie.
        as_of: The as-of date.

    Raises:
        NothingToScore: It is empty.
    """
    found = load_cohort(problem, warehouse, as_of=as_of)
    if len(found) == 0:
        raise NothingToScore(f"no customer who may be profiled had bought before {as_of}")
    return found


def published_chance(problem: ValueProblem, warehouse: Warehouse, cohort: Cohort) -> Floats | None:
    """Probability of an order in the shortest horizon of each customer of ``cohort``, (n,), as published.

    Those of a fallback are left out: it has one rate for many customers whom lifetime value ranks.

    Args:
        problem: The declaration.
        warehouse: Where tables lie.
        cohort: Customers of an as-of date.

    Returns:
        ``nan`` for customers without a probability; ``None`` when nothing is published for that date.
    """
    if not warehouse.exists(problem.chances):
        return None
    rows = warehouse.read(
        f"select {CUSTOMER}, probability from {problem.chances.sql} "
        f"where {AS_OF} = $as_of and status = 'ok' and probability is not null",
        {"as_of": cohort.as_of},
    ).set_index(CUSTOMER)
    if rows.empty:
        return None
    return rows["probability"].reindex(list(cohort.known.entities)).to_numpy(dtype=np.float64)


def observed_spend(problem: ValueProblem, warehouse: Warehouse, cohort: Cohort, *, days: int) -> Floats:
    """Amount and days with an order of each customer of ``cohort`` within ``days``: (n, 2).

    Args:
        problem: The declaration.
        warehouse: Where tables lie.
        cohort: Customers of an as-of date.
        days: One of the horizons.

    Raises:
        KeyError: That window has not ended, so that it has no labels.
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


def load_training_data(problem: ValueProblem, warehouse: Warehouse, *, as_of: date) -> TrainingRows:
    """Rows whose outcome was known on ``as_of``, sampled down to ``max_training_rows``.

    Of the dates every four weeks in the newest year that has ended. Outcomes are divided by the mean of their
    date: level and season are not learned. The sample is drawn by a hash of customer and date, so that it is
    the same in every run.

    Args:
        problem: The declaration.
        warehouse: Where tables lie.
        as_of: The as-of date.
    """
    newest = latest_matured_as_of(as_of, horizon_days=problem.evaluated_days)
    bounds = {"days": [newest - each * TRAINING_SPACING for each in range(TRAINING_DATES)]}
    label, among = problem.labels[problem.evaluated_days].sql, f"{AS_OF} in (select unnest($days::date[]))"
    counted = warehouse.read(f"select count(*) as rows from {label} where {among}", bounds)
    modulus = sample_modulus(int(counted["rows"].iloc[0]), at_most=problem.max_training_rows)
    rows = warehouse.read(
        f"""
        with labels as (
            select {CUSTOMER}, {AS_OF},
                outcome_amount / nullif(avg(outcome_amount) over by_date, 0) as relative_amount,
                outcome_orders / nullif(avg(outcome_orders) over by_date, 0) as relative_orders
            from {label} where {among}
            window by_date as (partition by {AS_OF})
        )
        select known.*, coalesce(relative_amount, 0) as relative_amount,
            coalesce(relative_orders, 0) as relative_orders
        from {_joined(problem)} as known
        inner join labels using ({CUSTOMER}, {AS_OF})
        where md5_number_lower({CUSTOMER} || cast({AS_OF} as varchar)) % $modulus = 0
        order by {AS_OF}, {CUSTOMER}
        """,
        bounds | {"modulus": modulus},
    )
    outcome = np.column_stack([rows.pop(name).to_numpy(dtype=np.float64) for name in RELATIVE])
    return TrainingRows(known=build_matrix(rows, None, columns=problem.columns), outcome=outcome)


def published_with_outcomes(
    problem: ValueProblem, warehouse: Warehouse, *, first: date, last: date, as_of: date
) -> pd.DataFrame:
    """Published predictions of the dates in ``[first, last]`` with observed spend, where it is known.

    Args:
        problem: The declaration.
        warehouse: Where tables lie.
        first: Oldest scored date.
        last: Newest scored date.
        as_of: Windows that have not ended on it are left out.

    Returns:
        One row per customer, date and matured horizon, without those of a fallback: a formula whose
        totals nobody relies on. ``cohort`` is the quarter of the first purchase, ``period_sd`` that of
        the version's backtest, missing when there was none.
    """
    bounds = {"name": problem.name, "first": first, "last": last}
    parts = [
        warehouse.read(
            _published_sql(problem, days=days),
            {**bounds, "matured": as_of - timedelta(days=days), "days": days},
        )
        for days in problem.horizons_days
    ]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _published_sql(problem: ValueProblem, *, days: int) -> str:
    spec = problem.spec
    return f"""
        select {CUSTOMER}, {AS_OF}, model_version, horizon_days,
            predicted_value, predicted_value_lo, predicted_value_hi, outcome_amount,
            year(first_purchase_on) || '-Q' || quarter(first_purchase_on) as cohort,
            tested.value as period_sd
        from {with_consent(spec.scores.sql, spec)} as scores
        inner join {problem.labels[days].sql} as labels using ({CUSTOMER}, {AS_OF})
        inner join {problem.histories.sql} as histories using ({CUSTOMER}, {AS_OF})
        left join (
            select model_version, value from {METRICS.sql}
            where model_name = $name and split = 'test' and metric = 'period_sd' and slice_name = 'all'
        ) as tested using (model_version)
        where {AS_OF} between $first and least($last, $matured) and horizon_days = $days
            and status = 'ok' and is_eligible
        order by {AS_OF}, {CUSTOMER}
    """


def _joined(problem: ValueProblem) -> str:
    """SQL of histories and features of customers who may be profiled, with the later ``newest_known_at``."""
    keys = f"{CUSTOMER}, {AS_OF}"
    shared = "as_of_at, newest_known_at, net_amount_lifetime"
    return f"""(
        select histories.* exclude (newest_known_at),
            greatest(histories.newest_known_at, features.newest_known_at) as newest_known_at,
            features.* exclude ({keys}, {shared})
        from {with_consent(problem.histories.sql, problem.spec)} as histories
        inner join {problem.features.sql} as features using ({keys})
    )"""
