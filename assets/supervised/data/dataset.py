"""Point-in-time training data: sampled feature rows, matured outcomes, daily orders of the business."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import special

from assets.features.matrix import AS_OF, OUTCOME, Columns, Matrix, build_matrix, sample_modulus
from assets.keys import METRICS, PREDICTION_TOTALS, SCHEDULED_COLUMNS, Key
from assets.lifecycle.cohort import INELIGIBLE
from assets.metrics.arrays import Flags, Floats
from assets.metrics.bootstrap import Interval
from assets.ports import Warehouse
from assets.prior_shift.covariates import PeriodHistory
from assets.prior_shift.trading_days import DailyOrders
from assets.supervised.problem import PredictionProblem

DAILY_ORDERS = Key("point_in_time", "pit_day__orders")
STATED_SD = "prior_shift_sd"


@dataclass(frozen=True)
class TrainingData:
    """Everything a model may learn from on ``as_of``; eligible entities only.

    Attributes:
        sample: Sampled rows of all as-of dates up to ``as_of``, also of those without an outcome yet.
        outcome: (n,) 0/1 of the same rows; ``nan`` where the window had not ended by ``as_of``.
        cohort_size: Eligible entities on each as-of date, oldest first.
        daily: Orders of the business per day.
        label_is_absence_of_order: Whether an outcome of 1 means that nothing was ordered.
        scheduled: Feature columns that the business declares as known beforehand.
        undated: Feature columns with values in rows whose table states no knowledge date.
        realised_auc: AUC of published scores by as-of date.
    """

    as_of: date
    sample: Matrix
    outcome: Floats
    cohort_size: Mapping[date, int]
    daily: DailyOrders
    label_is_absence_of_order: bool = False
    scheduled: tuple[str, ...] = ()
    undated: frozenset[str] = frozenset()
    realised_auc: Mapping[date, Interval] = field(default_factory=dict)

    @cached_property
    def labelled(self) -> Matrix:
        """The rows whose outcome is known."""
        known = np.isfinite(self.outcome)
        rows = self.sample.of(known)
        return Matrix(
            features=rows.features, outcome=self.outcome[known], entities=rows.entities, as_of=rows.as_of
        )

    def known_on(self, day: date, *, horizon_days: int) -> Matrix:
        """The rows whose outcome was known on an earlier ``day``."""
        matured = self.labelled.as_of + np.timedelta64(horizon_days, "D")
        return self.labelled.of(matured <= np.datetime64(day, "D"))

    @property
    def matured_days(self) -> list[date]:
        """As-of dates with known outcomes, oldest first."""
        return sorted({day for day in np.unique(self.labelled.as_of).tolist()})


def columns_of(problem: PredictionProblem) -> Columns:
    """Columns that a problem reads from its feature tables."""
    return Columns(entity_id=problem.entity_id, numeric=problem.numeric, categorical=problem.categorical)


def load_training_data(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date) -> TrainingData:
    """Read the training data known on ``as_of``, sampled down to the problem's ``max_training_rows``.

    The sample is drawn by a hash of entity and date: the same rows come back in every run, and every
    date keeps the same share of its entities.

    Args:
        problem: The prediction problem.
        warehouse: Holds features, labels and daily orders.
        as_of: The date; nothing that became known later is read.
    """
    sizes = warehouse.read(
        f"select as_of_date, count(*) as entities from {cohort_sql(problem)} "
        f"where as_of_date <= $as_of and {INELIGIBLE} is null group by 1 order by 1",
        {"as_of": as_of},
    )
    modulus = sample_modulus(int(sizes["entities"].sum()), at_most=problem.max_training_rows)
    rows = warehouse.read(_sample_sql(problem), _bounds(problem, as_of) | {"modulus": modulus})
    days = pd.to_datetime(sizes["as_of_date"]).dt.date
    return TrainingData(
        as_of=as_of,
        sample=build_matrix(rows, None, columns=columns_of(problem)),
        outcome=rows[OUTCOME].to_numpy(dtype=np.float64, na_value=np.nan),
        cohort_size=dict(zip(days, sizes["entities"].astype(int), strict=True)),
        daily=daily_orders(warehouse, as_of),
        label_is_absence_of_order=problem.label_is_absence_of_order,
        scheduled=_scheduled(problem, warehouse),
        undated=_undated(problem, warehouse, as_of=as_of),
        realised_auc=_realised_auc(problem, warehouse, as_of=as_of),
    )


def _scheduled(problem: PredictionProblem, warehouse: Warehouse) -> tuple[str, ...]:
    """The columns of ``problem`` that the business declares as scheduled."""
    if not warehouse.exists(SCHEDULED_COLUMNS):
        return ()
    names = warehouse.read(f"select column_name from {SCHEDULED_COLUMNS.sql} order by 1")["column_name"]
    return tuple(name for name in names.astype(str) if name in problem.columns)


def _undated(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date) -> frozenset[str]:
    """Columns with a value other than 0 in a row of a feature table without ``newest_known_at``."""
    found: set[str] = set()
    for table in problem.features:
        columns = warehouse.read(f"from {table.sql} limit 0").columns
        own = [name for name in problem.columns if name in columns]
        counts = ", ".join(f"count({_value(problem, name)}) as {name}" for name in own)
        rows = warehouse.read(
            f"select {counts} from {table.sql} where newest_known_at is null and {AS_OF} <= $as_of",
            {"as_of": as_of},
        )
        found |= {name for name in own if rows[name].iloc[0] > 0}
    return frozenset(found)


def _value(problem: PredictionProblem, column: str) -> str:
    """SQL of a column's value, null where it says nothing: 0 is a count of no facts."""
    return f"nullif(cast({column} as double), 0)" if column in problem.numeric else column


def _realised_auc(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date) -> dict[date, Interval]:
    """AUC of the published scores of each date whose outcomes are known."""
    if not warehouse.exists(METRICS):
        return {}
    rows = warehouse.read(
        f"select {AS_OF}, value, ci_lo, ci_hi from {METRICS.sql} where model_name = $name "
        f"and split = 'realised' and slice_name = 'all' and metric = 'auc' and {AS_OF} <= $as_of",
        {"name": problem.name, "as_of": as_of},
    )
    return {
        pd.Timestamp(row[AS_OF]).date(): Interval(value=row["value"], lo=row["ci_lo"], hi=row["ci_hi"])
        for row in rows.to_dict("records")
    }


def load_features(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date) -> pd.DataFrame:
    """Feature rows of the cohort of one as-of date; ineligible entities have an ``ineligible_reason``.

    Args:
        problem: The prediction problem.
        warehouse: Holds the features.
        as_of: The date.
    """
    return warehouse.read(
        f"select * from {_joined(problem)} where {AS_OF} = $as_of order by {problem.entity_id}",
        {"as_of": as_of},
    )


def is_eligible(features: pd.DataFrame) -> Flags:
    """(n,) whether each row is eligible; without a column of reasons, all are."""
    if INELIGIBLE not in features.columns:
        return np.ones(len(features), dtype=np.bool_)
    return features[INELIGIBLE].isna().to_numpy(dtype=np.bool_)


def load_eligible_matrix(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date) -> Matrix:
    """Feature matrix of the eligible entities of one as-of date.

    Args:
        problem: The prediction problem.
        warehouse: Holds the features.
        as_of: The date.
    """
    features = load_features(problem, warehouse, as_of=as_of)
    return build_matrix(features, None, columns=columns_of(problem)).of(is_eligible(features))


def cohort_sql(problem: PredictionProblem) -> str:
    """SQL of the cohort by as-of date: id, ``as_of_date``, ``ineligible_reason`` (null when eligible)."""
    keys = f"{problem.entity_id}, {AS_OF}"
    others = dict.fromkeys(each.table for each in problem.exclusions)
    return f"(select {keys}, {_reason(problem)} as {INELIGIBLE} from {_from(problem, others)})"


def rate_history(problem: PredictionProblem, warehouse: Warehouse, *, as_of: date) -> PeriodHistory | None:
    """Rate of the outcome among the eligible on each as-of date, for a forecast that needs no model.

    What is expected is the mean rate of the matured dates, on every date.

    Args:
        problem: The prediction problem.
        warehouse: Holds labels and cohort.
        as_of: The date.

    Returns:
        Rates of ordering, also where the outcome is that nothing was ordered; ``None`` before the first
        date has matured.
    """
    rows = warehouse.read(
        f"""
        select
            {AS_OF}, count(*)::double as customers,
            avg({OUTCOME}) filter (where {AS_OF} + {problem.horizon_days} <= $as_of) as rate
        from {cohort_sql(problem)} as cohort
        left join {problem.label.sql} using ({problem.entity_id}, {AS_OF})
        where {AS_OF} <= $as_of and {INELIGIBLE} is null
        group by 1 order by 1
        """,
        {"as_of": as_of},
    )
    customers, rate = (rows[name].to_numpy(dtype=np.float64) for name in ("customers", "rate"))
    if not np.isfinite(rate).any():
        return None
    # Half a customer, so that a date without any outcome has a logarithm.
    known = np.clip(rate, 0.5 / customers, 1 - 0.5 / customers)
    known = 1 - known if problem.label_is_absence_of_order else known
    expected = float(np.nanmean(known))
    return PeriodHistory(
        as_of_date=pd.to_datetime(rows[AS_OF]).to_numpy().astype("datetime64[D]"),
        customers=customers,
        expected=np.full(customers.size, expected),
        shift=np.asarray(special.logit(known) - special.logit(expected), dtype=np.float64),
    )


def published_rows(
    problem: PredictionProblem, warehouse: Warehouse, *, first: date, last: date
) -> pd.DataFrame:
    """Published rows of the as-of dates in ``[first, last]`` with their outcomes.

    Rows of models only: a fallback is not evaluated. When there are too many, the same sample of entities
    is read on every date.

    Args:
        problem: The prediction problem.
        warehouse: Holds scores, labels and features.
        first: First as-of date.
        last: Last as-of date.

    Returns:
        The id, as_of_date, model_version, probability, outcome, the columns that define the slices, and the
        standard deviation of the prior shift that was published with the date's total.
    """
    keys = f"{problem.entity_id}, {AS_OF}"
    cut_by = ", ".join(f"features.{name}" for name in dict.fromkeys(each.column for each in problem.slices))
    sql = f"""
        select {keys}, scores.model_version, scores.probability, labels.{OUTCOME}, {cut_by},
            totals.prior_shift_sd as {STATED_SD}
        from {problem.scores.sql} as scores
        inner join {problem.label.sql} as labels using ({keys})
        inner join {_joined(problem)} as features using ({keys})
        left join (select * from {PREDICTION_TOTALS.sql} where model_name = $name) as totals
            using (model_version, {AS_OF})
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
    bounds = {"first": first, "last": last, "modulus": modulus, "name": problem.name}
    return warehouse.read(sql, bounds)


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
    """SQL of the cohort with its features and the reason of the ineligible."""
    keys = f"{problem.entity_id}, {AS_OF}"
    known = [f"{table.name}.newest_known_at" for table in problem.features]
    # greatest() ignores the NULL of a table that has no fact about an entity.
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
    """SQL of the cohort joined to ``tables``."""
    first, keys = problem.sources[0], f"{problem.entity_id}, {AS_OF}"
    joins = [f"left join {table.sql} as {table.name} using ({keys})" for table in tables if table != first]
    return f"{first.sql} as {first.name} {' '.join(joins)}"


def _reason(problem: PredictionProblem) -> str:
    reasons = [f"{each.table.name}.{INELIGIBLE}" for each in problem.exclusions]
    return f"coalesce({', '.join(reasons)})" if reasons else "cast(null as varchar)"


def daily_orders(warehouse: Warehouse, as_of: date) -> DailyOrders:
    """Orders per day as they were known on ``as_of``."""
    rows = warehouse.read(
        f"select occurred_on, orders, repeat_orders from {DAILY_ORDERS.sql} where {AS_OF} = $as_of",
        {"as_of": as_of},
    )
    return DailyOrders(
        day=pd.to_datetime(rows["occurred_on"]).to_numpy().astype("datetime64[D]"),
        orders=rows["orders"].to_numpy(dtype=np.float64),
        repeat_orders=rows["repeat_orders"].to_numpy(dtype=np.float64),
    )
