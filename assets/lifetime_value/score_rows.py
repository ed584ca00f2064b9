"""Everyone's outlook on one as-of morning, for every horizon, in the published columns."""

import numpy as np
import pandas as pd

from assets.features.matrix import AS_OF
from assets.keys import id_type
from assets.lifecycle.cohort import CONSENT_COLUMNS, add_ineligible_rows
from assets.lifecycle.store.schemas import typed
from assets.lifetime_value.dataset import CUSTOMER, Cohort
from assets.lifetime_value.models.baseline import SpendRate
from assets.lifetime_value.models.candidates import CustomerValue
from assets.lifetime_value.models.prospects import ValuePrediction
from assets.lifetime_value.problem import ValueProblem
from assets.lifetime_value.tables import VALUE_TYPES
from assets.metrics.arrays import Floats
from assets.supervised.scoring.score_rows import ScoreProvenance, ranks

# Nine of ten active customers like them would have ordered by now.
OVERDUE_BELOW = 0.1
# The distribution of a next order has no mean for who bought once; what lies further ahead is no date.
FURTHEST_DAYS = 3650

# What the rows of one morning have in common.
SHARED = (
    *("id_type", AS_OF, "scored_at", "run_id", "model_name", "model_version", "target", "status"),
    *("quality_grade", "value_basis", "high_value_rule"),
)

Model = CustomerValue | SpendRate


def score(problem: ValueProblem, model: Model, cohort: Cohort, *, run: ScoreProvenance) -> pd.DataFrame:
    """One row per customer and horizon, in the columns of ``published.lifetime_value``; the marks are empty.

    Args:
        problem: What was asked.
        model: The recipe that serves, or the naive formula as fallback.
        cohort: Everybody known on the morning.
        run: Where the rows come from.
    """
    rows = cohort.known.features
    prospects = model.prospects(rows)
    naive = SpendRate(horizons_days=problem.horizons_days).expected_revenue(rows)
    shared = _identity(problem, cohort, run=run) | _history(cohort) | _next_order(cohort, prospects)
    parts = [
        pd.DataFrame(shared | _horizon(problem, cohort, prospects, column=column))
        .assign(horizon_days=days, baseline_value=naive[:, column])
        .assign(total_value=lambda part: part["historic_value"] + part["predicted_value"])
        for column, days in enumerate(problem.horizons_days)
    ]
    found = pd.concat(parts, ignore_index=True).sort_values([CUSTOMER, "horizon_days"], kind="stable")
    return typed(found.reset_index(drop=True), VALUE_TYPES)


def with_everyone(scored: pd.DataFrame, permissions: pd.DataFrame) -> pd.DataFrame:
    """``scored`` with everyone's marks, and rows without an outlook for those who may not be profiled."""
    rows = add_ineligible_rows(scored, permissions, per="horizon_days", shared=SHARED)
    rows = rows.sort_values([CUSTOMER, "horizon_days"], kind="stable", ignore_index=True)
    return typed(rows, VALUE_TYPES)


def _identity(problem: ValueProblem, cohort: Cohort, *, run: ScoreProvenance) -> dict[str, object]:
    return {
        CUSTOMER: cohort.known.entities,
        "id_type": id_type(CUSTOMER, cohort.known.entities),
        AS_OF: cohort.as_of,
        "scored_at": run.scored_at,
        "run_id": run.run_id,
        "model_name": problem.name,
        "model_version": run.model_version,
        "target": problem.target,
        "is_eligible": True,
        "ineligible_reason": None,
        "status": run.status,
        "quality_grade": run.quality_grade,
        **dict.fromkeys(CONSENT_COLUMNS),
        "currency": cohort.currency,
        "value_basis": problem.value_basis,
        "high_value_rule": problem.high_value_rule,
    }


def _history(cohort: Cohort) -> dict[str, object]:
    rows = cohort.known.features
    repeats, orders = rows["frequency"].to_numpy(), rows["frequency"].to_numpy() + 1
    value = rows["net_amount_lifetime"].to_numpy()
    gaps = np.divide(
        rows["recency_days"].to_numpy(), repeats, out=np.full(len(rows), np.nan), where=repeats > 0
    )
    return {
        "historic_value": value,
        "historic_orders": orders,
        "avg_days_between_orders": gaps,
        "avg_order_value": value / orders,
    }


def _next_order(cohort: Cohort, prospects: ValuePrediction) -> dict[str, object]:
    soon, expected, late = (_dates(cohort, days) for days in prospects.next_order_days.T)
    silence = pd.array(prospects.silence < OVERDUE_BELOW, dtype="boolean")
    silence[np.isnan(prospects.silence)] = pd.NA
    return {
        "prob_alive": prospects.alive,
        "prob_churn": 1 - prospects.alive,
        "next_order_p10_date": soon,
        "expected_next_order_date": expected,
        "next_order_p90_date": late,
        "is_overdue": silence,
    }


def _dates(cohort: Cohort, days: Floats) -> pd.DatetimeIndex:
    """The as-of day plus ``days`` (n,), whole days; missing when further than ten years ahead."""
    near = np.where(days <= FURTHEST_DAYS, days, np.nan)
    return pd.DatetimeIndex(pd.Timestamp(cohort.as_of) + pd.to_timedelta(np.floor(near), unit="D"))


def _horizon(
    problem: ValueProblem, cohort: Cohort, prospects: ValuePrediction, *, column: int
) -> dict[str, object]:
    value = prospects.value[:, column]
    most = int(np.ceil(problem.high_value_share * value.size))
    return {
        "predicted_value": value,
        "predicted_value_lo": prospects.value_lo[:, column],
        "predicted_value_hi": prospects.value_hi[:, column],
        "predicted_orders": prospects.orders[:, column],
        "is_high_value": ranks(value, cohort.known.entities) <= most,
    }
