"""What one morning knew about a problem: sampled feature rows, matured outcomes, the shop's daily orders."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pandas as pd

from assets.features.matrix import AS_OF, OUTCOME, Columns, Matrix, build_matrix, sample_modulus
from assets.keys import Key
from assets.metrics.arrays import Flags, Floats
from assets.ports import Warehouse
from assets.prior_shift.trading_days import DailyOrders
from assets.supervised.problem import PredictionProblem

DAILY_ORDERS = Key("point_in_time", "pit_day__orders")
INELIGIBLE = "ineligible_reason"


@dataclass(frozen=True)
class TrainingData:
    """Everything a model may learn from on the morning of ``as_of``: only of those asked about.

    Attributes:
        everyone: Sampled rows of all as-of days up to ``as_of``, also of those without an outcome yet.
        outcome: (n,) 0/1 of the same rows; ``nan`` where the window had not ended by ``as_of``.
        customers: Size of the whole cohort on each as-of day, oldest first.
        daily: The shop's orders per day.
        is_absence: Whether an outcome of 1 means that nothing was ordered.
    """

    as_of: date
    everyone: Matrix
    outcome: Floats
    customers: Mapping[date, int]
    daily: DailyOrders
    label_is_absence_of_order: bool = False

    @cached_property
    def labelled(self) -> Matrix:
        """The rows whose outcome is known."""
        known = np.isfinite(self.outcome)
        rows = self.everyone.of(known)
        return Matrix(
            features=rows.features, outcome=self.outcome[known], entities=rows.entities, as_of=rows.as_of
        )

    def known_on(self, morning: date, *, horizon_days: int) -> Matrix:
        """The rows whose outcome an earlier ``morning`` knew."""
        matured = self.labelled.as_of + np.timedelta64(horizon_days, "D")
        return self.labelled.of(matured <= np.datetime64(morning, "D"))

    @property
    def matured_days(self) -> list[date]:
        """As-of days with known outcomes, oldest first."""
        return sorted({day for day in np.unique(self.labelled.as_of).tolist()})


def columns_of(problem: PredictionProblem) -> Columns:
    """Which columns of its feature tables a problem reads."""
    return Columns(entity_id=problem.entity_id, numeric=problem.numeric, categorical=problem.categorical)


def load_training_data(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date) -> TrainingData:
    """Read what the morning of ``as_of`` knew, sampled down to the problem's ``max_training_rows``.

    The sample is drawn by a hash of customer and day: the same rows come back in every run, and every
    day keeps the same share of its customers.
    """
    sizes = warehouse.read(
        f"select as_of_date, count(*) as customers from {cohort_sql(problem)} "
        f"where as_of_date <= $as_of and {INELIGIBLE} is null group by 1 order by 1",
        {"as_of": as_of},
    )
    modulus = sample_modulus(int(sizes["customers"].sum()), at_most=problem.max_training_rows)
    rows = warehouse.read(_sample_sql(problem), _bounds(problem, as_of) | {"modulus": modulus})
    days = pd.to_datetime(sizes["as_of_date"]).dt.date
    return TrainingData(
        as_of=as_of,
        everyone=build_matrix(rows, None, columns=columns_of(problem)),
        outcome=rows[OUTCOME].to_numpy(dtype=np.float64, na_value=np.nan),
        customers=dict(zip(days, sizes["customers"].astype(int), strict=True)),
        daily=_daily_orders(warehouse, as_of),
        label_is_absence_of_order=problem.label_is_absence_of_order,
    )


def load_features(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date) -> pd.DataFrame:
    """The feature rows of everyone on one as-of day; who is not asked about has an ``ineligible_reason``."""
    return warehouse.read(
        f"select * from {_joined(problem)} where {AS_OF} = $as_of order by {problem.entity_id}",
        {"as_of": as_of},
    )


def is_eligible(features: pd.DataFrame) -> Flags:
    """(n,) who is asked about; without a column of reasons, everyone."""
    if INELIGIBLE not in features.columns:
        return np.ones(len(features), dtype=np.bool_)
    return features[INELIGIBLE].isna().to_numpy(dtype=np.bool_)


def load_eligible_matrix(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date) -> Matrix:
    """Those asked about on one as-of day, ready to score."""
    features = load_features(problem, warehouse, as_of=as_of)
    return build_matrix(features, None, columns=columns_of(problem)).of(is_eligible(features))


def cohort_sql(problem: PredictionProblem) -> str:
    """Everyone on every as-of day: the id, ``as_of_date`` and why not asked about, null for the eligible."""
    keys = f"{problem.entity_id}, {AS_OF}"
    others = dict.fromkeys(each.table for each in problem.exclusions)
    return f"(select {keys}, {_reason(problem)} as {INELIGIBLE} from {_from(problem, others)})"


def realised_rates(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date) -> Floats:
    """The share of the eligible with the outcome, per as-of day that had matured by ``as_of``, as (d,)."""
    rows = warehouse.read(
        f"""
        select avg({OUTCOME}) as rate
        from {problem.label.sql}
        inner join {cohort_sql(problem)} as cohort using ({problem.entity_id}, {AS_OF})
        where {AS_OF} + {problem.horizon_days} <= $as_of and {INELIGIBLE} is null
        group by {AS_OF}
        """,
        {"as_of": as_of},
    )
    return rows["rate"].to_numpy(dtype=np.float64)


def published_rows(
    problem: PredictionProblem, warehouse: Warehouse, *, first: date, last: date
) -> pd.DataFrame:
    """What was published for the as-of days in ``[first, last]``, with what then happened.

    Only a model's own rows: a fallback promises nothing that could be held against it. Read through the
    same sample of customers on every day when there are too many of them.

    Returns:
        The id, as_of_date, model_version, probability, outcome and the columns that the slices are cut by.
    """
    keys = f"{problem.entity_id}, {AS_OF}"
    cut_by = ", ".join(f"features.{name}" for name in dict.fromkeys(each.column for each in problem.slices))
    sql = f"""
        select {keys}, scores.model_version, scores.probability, labels.{OUTCOME}, {cut_by}
        from {problem.scores.sql} as scores
        inner join {problem.label.sql} as labels using ({keys})
        inner join {_joined(problem)} as features using ({keys})
        where {AS_OF} between $first and $last and scores.status = 'ok' and scores.is_eligible
            and features.{INELIGIBLE} is null
            and md5_number_lower({problem.entity_id}) % $modulus = 0
        order by {AS_OF}, {problem.entity_id}
    """
    counted = warehouse.read(
        f"select count(*) as rows from {problem.scores.sql} "
        f"where {AS_OF} between $first and $last and is_eligible",
        {"first": first, "last": last},
    )
    modulus = sample_modulus(int(counted["rows"].iloc[0]), at_most=problem.max_training_rows)
    return warehouse.read(sql, {"first": first, "last": last, "modulus": modulus})


def _bounds(problem: PredictionProblem, as_of: date) -> dict[str, object]:
    return {"as_of": as_of, "matured": as_of - timedelta(days=problem.horizon_days)}


def _sample_sql(problem: PredictionProblem) -> str:
    keys = f"{problem.entity_id}, {AS_OF}"
    return f"""
        select features.*, labels.{OUTCOME}
        from (select * from {_joined(problem)}) as features
        left join (
            select {keys}, {OUTCOME} from {problem.label.sql} where {AS_OF} <= $matured
        ) as labels using ({keys})
        where {AS_OF} <= $as_of and {INELIGIBLE} is null
            and md5_number_lower({problem.entity_id} || cast({AS_OF} as varchar)) % $modulus = 0
        order by {AS_OF}, {problem.entity_id}
    """


def _joined(problem: PredictionProblem) -> str:
    """Everyone, with what the feature tables have, and why some are not asked about."""
    keys = f"{problem.entity_id}, {AS_OF}"
    known = [f"{table.name}.newest_known_at" for table in problem.features]
    # greatest() passes over the NULL of a table that has no fact about this customer.
    selected = [
        keys,
        f"{problem.sources[0].name}.as_of_at",
        f"greatest({', '.join(known)}) as newest_known_at",
        f"{_reason(problem)} as {INELIGIBLE}",
        *problem.passthrough_columns,
        *(f"{table.name}.* exclude ({keys}, as_of_at, newest_known_at)" for table in problem.features),
    ]
    return f"(select {', '.join(selected)} from {_from(problem, problem.sources)})"


def _from(problem: PredictionProblem, tables: Iterable[Key]) -> str:
    """Everyone, beside whom ``tables`` stand."""
    first, keys = problem.sources[0], f"{problem.entity_id}, {AS_OF}"
    joins = [f"left join {table.sql} as {table.name} using ({keys})" for table in tables if table != first]
    return f"{first.sql} as {first.name} {' '.join(joins)}"


def _reason(problem: PredictionProblem) -> str:
    reasons = [f"{each.table.name}.{INELIGIBLE}" for each in problem.exclusions]
    return f"coalesce({', '.join(reasons)})" if reasons else "cast(null as varchar)"


def _daily_orders(warehouse: Warehouse, as_of: date) -> DailyOrders:
    rows = warehouse.read(
        f"select occurred_on, orders, repeat_orders from {DAILY_ORDERS.sql} where {AS_OF} = $as_of",
        {"as_of": as_of},
    )
    return DailyOrders(
        day=pd.to_datetime(rows["occurred_on"]).to_numpy().astype("datetime64[D]"),
        orders=rows["orders"].to_numpy(dtype=np.float64),
        repeat_orders=rows["repeat_orders"].to_numpy(dtype=np.float64),
    )
