"""Published columns of a cohort: one row per customer and horizon."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from assets.lifetime_value.agreement import agree_with_chance
from assets.lifetime_value.dataset import Cohort
from assets.lifetime_value.models.baseline import RepeatSpend
from assets.lifetime_value.models.candidates import CustomerValue, HorizonLevel, ValuePrediction
from assets.lifetime_value.spec import CUSTOMER, HORIZON, ValueProblem
from assets.metrics.arrays import Floats
from assets.metrics.ranking import ranks

# Nine of ten active customers like them would have ordered by now.
OVERDUE_BELOW = 0.1
# The distribution of a next order has no mean for customers who bought once; further ahead is no date.
FURTHEST_DAYS = 3650

Model = CustomerValue | RepeatSpend


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingState:
    """What all customers of a date share: levels of the shop, none with a fallback, and the baseline."""

    levels: tuple[HorizonLevel, ...] = ()
    baseline: RepeatSpend


def score_rows(problem: ValueProblem, model: Model, cohort: Cohort, state: ServingState) -> pd.DataFrame:
    """One row per customer and horizon, in the columns of ``ml.lifetime_value__scores``.

    Args:
        problem: The declaration.
        model: The candidate that serves, or the baseline as fallback.
        cohort: One customer or many.
        state: What all customers share.
    """
    rows = cohort.known.features
    predicted = _predicted(model, cohort, state.levels)
    baseline = state.baseline.predict(rows)
    verdicts = (model.verdicts or {}) if isinstance(model, CustomerValue) else {}
    shared = _identity(problem, cohort) | _history(cohort) | _next_order(cohort, predicted)
    parts, least = list[pd.DataFrame](), np.zeros(len(rows))
    for column, days in enumerate(problem.horizons_days):
        own = _horizon(predicted, column=column) | {"horizon_days": days}
        part = pd.DataFrame(shared | own | {"baseline_value": baseline.value[:, column]})
        fallback = _horizon(baseline, column=column)
        part = _with_verdict(part, verdicts.get(str(days)), fallback=fallback, least=least)
        least = np.fmax(least, part["predicted_value"].to_numpy(dtype=np.float64))
        parts.append(part.assign(total_value=part["historic_value"] + part["predicted_value"]))
    return pd.concat(parts, ignore_index=True)


def _predicted(model: Model, cohort: Cohort, levels: Sequence[HorizonLevel]) -> ValuePrediction:
    rows = cohort.known.features
    if not isinstance(model, CustomerValue):
        return model.predict(rows)
    predicted = model.predict(rows, levels)
    if cohort.chance is None:
        return predicted
    return agree_with_chance(model, rows, predicted, chance=cohort.chance, levels=levels)


def _with_verdict(
    part: pd.DataFrame, verdict: Mapping[str, str] | None, *, fallback: Mapping[str, Floats], least: Floats
) -> pd.DataFrame:
    """``part`` with status and grade of its horizon: withheld, or the baseline where nothing was evaluated.

    Args:
        part: Rows of one horizon (n, k).
        verdict: Of the serving version on this horizon; ``None`` for a fallback.
        fallback: Columns that the baseline gives.
        least: (n,) amounts of the shorter horizons: the baseline predicts no less for the longer one.
    """
    if verdict is None:
        return part
    part = part.assign(status=verdict["status"], quality_grade=verdict["quality_grade"])
    if verdict["status"] == "ok":
        return part
    if verdict["status"] != "fallback_model":
        return part.assign(**dict.fromkeys(fallback, np.nan))
    value = np.fmax(fallback["predicted_value"], least)
    # The interval holds the amount also where a shorter horizon raises it.
    high = np.maximum(fallback["predicted_value_hi"], value)
    return part.assign(**dict(fallback) | {"predicted_value": value, "predicted_value_hi": high})


def add_high_value(problem: ValueProblem, scored: pd.DataFrame) -> pd.DataFrame:
    """``scored`` by customer and horizon, with the best share of each horizon's customers marked.

    Args:
        problem: The declaration.
        scored: Rows of :func:`score_rows` of the whole cohort (n, k).
    """
    rows = scored.assign(is_high_value=pd.array([False] * len(scored), dtype="boolean"))
    is_withheld = rows["predicted_value"].isna()
    rows.loc[is_withheld, "is_high_value"] = pd.NA
    for _, part in rows.loc[~is_withheld].groupby(HORIZON):
        most = int(np.ceil(problem.high_value_share * len(part)))
        place = ranks(
            part["predicted_value"].to_numpy(dtype=np.float64), part[CUSTOMER].to_numpy(dtype=object)
        )
        rows.loc[part.index, "is_high_value"] = place <= most
    return rows.sort_values([CUSTOMER, HORIZON], kind="stable", ignore_index=True)


def _identity(problem: ValueProblem, cohort: Cohort) -> dict[str, object]:
    return {
        CUSTOMER: cohort.known.entities,
        "target": problem.target,
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


def _next_order(cohort: Cohort, predicted: ValuePrediction) -> dict[str, object]:
    soon, expected, late = (_dates(cohort, days) for days in predicted.next_order_days.T)
    overdue = pd.array(predicted.silence < OVERDUE_BELOW, dtype="boolean")
    overdue[np.isnan(predicted.silence)] = pd.NA
    return {
        "prob_alive": predicted.alive,
        "prob_churn": 1 - predicted.alive,
        "next_order_p10_date": soon,
        "expected_next_order_date": expected,
        "next_order_p90_date": late,
        "is_overdue": overdue,
    }


def _dates(cohort: Cohort, days: Floats) -> pd.DatetimeIndex:
    """The as-of date plus ``days`` (n,), whole days; missing when further than ten years ahead."""
    near = np.where(days <= FURTHEST_DAYS, days, np.nan)
    return pd.DatetimeIndex(pd.Timestamp(cohort.as_of) + pd.to_timedelta(np.floor(near), unit="D"))


def _horizon(predicted: ValuePrediction, *, column: int) -> dict[str, Floats]:
    return {
        "predicted_value": predicted.value[:, column],
        "predicted_value_lo": predicted.value_lo[:, column],
        "predicted_value_hi": predicted.value_hi[:, column],
        "predicted_orders": predicted.orders[:, column],
    }
