"""The checks of lifetime value bound to its assets."""

from collections.abc import Callable
from datetime import date

import dagster as dg
import numpy as np
import pandas as pd

from assets.keys import CALIBRATION_BINS, METRICS
from assets.lifecycle.cohort import ELIGIBILITY
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.metric_lookup import has, overall
from assets.lifetime_value.problem import ValueProblem
from assets.ports import Warehouse
from checks.binding import Judge, as_of_run, check_of
from checks.capabilities.lifetime_value import (
    amounts_lie_in_their_intervals,
    backtest_totals_are_within_tolerance,
    cohort_has_every_horizon,
    interval_coverage_is_nominal,
    realised_totals_are_within_tolerance,
    value_is_monotone_in_horizon,
    value_scores_contract,
)
from checks.data.completeness import rows_match_contract
from checks.models.performance import candidate_passes_the_gate
from checks.verdict import Verdict


def value_checks(problem: ValueProblem) -> list[dg.AssetChecksDefinition]:
    """The checks of lifetime value, from its back-test to its scores."""
    return [*_model_checks(problem), *_score_checks(problem)]


def _model_checks(problem: ValueProblem) -> list[dg.AssetChecksDefinition]:
    def came_true(warehouse: Warehouse, as_of: date) -> Verdict:
        return realised_totals_are_within_tolerance(
            control_tables.row_for_date(warehouse, problem.realised, as_of).iloc[0]
        )

    def worth(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_for_date(warehouse, problem.evaluation, as_of).iloc[0]
        return candidate_passes_the_gate(
            is_promotable=bool(row["is_promotable"]), reasons=[str(row["reasons"])]
        )

    def cover(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_for_date(warehouse, problem.evaluation, as_of).iloc[0]
        metrics = control_tables.rows_of_version(warehouse, METRICS, str(row["model_version"]))
        held = overall(metrics, "coverage") if has(metrics, "coverage") else None
        return interval_coverage_is_nominal(held, level=problem.level, n=int(row["n"]))

    def agree(warehouse: Warehouse, as_of: date) -> Verdict:
        serves = control_tables.champion_as_of(problem, warehouse, as_of=as_of)
        version = serves.model_version if serves else ""
        groups = control_tables.rows_of_version(warehouse, CALIBRATION_BINS, version)
        return backtest_totals_are_within_tolerance(groups, criteria=problem.criteria)

    # Not blocking: a refused recipe leaves who serves, and a season is no reason to stop publishing.
    return [
        check_of(
            problem.realised,
            "realised_totals_are_within_tolerance",
            _of_day(came_true),
            why=realised_totals_are_within_tolerance,
            is_blocking=False,
        ),
        check_of(
            problem.evaluation,
            "candidate_passes_the_gate",
            _of_day(worth),
            why=candidate_passes_the_gate,
            is_blocking=False,
        ),
        check_of(
            problem.evaluation,
            "interval_coverage_is_nominal",
            _of_day(cover),
            why=interval_coverage_is_nominal,
            is_blocking=False,
        ),
        check_of(
            problem.champion,
            "backtest_totals_are_within_tolerance",
            _of_day(agree),
            why=backtest_totals_are_within_tolerance,
        ),
    ]


def _score_checks(problem: ValueProblem) -> list[dg.AssetChecksDefinition]:
    def contract(rows: pd.DataFrame) -> Verdict:
        return rows_match_contract(rows, value_scores_contract(problem))

    def amounts(rows: pd.DataFrame) -> Verdict:
        return amounts_lie_in_their_intervals(rows.loc[rows["is_eligible"]])

    def grow(rows: pd.DataFrame) -> Verdict:
        values = rows.loc[rows["is_eligible"]].pivot_table(
            index="customer_id", columns="horizon_days", values="predicted_value", aggfunc="first"
        )
        return value_is_monotone_in_horizon(values.to_numpy(dtype=np.float64))

    def cohort(warehouse: Warehouse, as_of: date) -> Verdict:
        return cohort_has_every_horizon(_counted(problem, warehouse, as_of), horizons=problem.horizons_days)

    return [
        check_of(
            problem.scores,
            "scores_match_contract",
            _of_scores(problem, contract),
            why=value_scores_contract,
        ),
        check_of(
            problem.scores,
            "cohort_has_every_horizon",
            _of_day(cohort),
            why=cohort_has_every_horizon,
        ),
        check_of(
            problem.scores,
            "amounts_lie_in_their_intervals",
            _of_scores(problem, amounts),
            why=amounts_lie_in_their_intervals,
        ),
        check_of(
            problem.scores,
            "value_is_monotone_in_horizon",
            _of_scores(problem, grow),
            why=value_is_monotone_in_horizon,
        ),
    ]


def _of_day(judge: Callable[[Warehouse, date], Verdict]) -> Judge:
    return lambda context, warehouse: judge(warehouse, as_of_run(context))


def _of_scores(problem: ValueProblem, judge: Callable[[pd.DataFrame], Verdict]) -> Judge:
    """A judge of the morning's scores."""
    sql = f"select * from {problem.scores.sql} where as_of_date = $as_of"
    return lambda context, warehouse: judge(warehouse.read(sql, {"as_of": as_of_run(context)}))


def _counted(problem: ValueProblem, warehouse: Warehouse, as_of: date) -> pd.DataFrame:
    return warehouse.read(
        f"""
        with cohort as (
            select customer_id from {ELIGIBILITY.sql} where as_of_date = $as_of
        )
        select
            horizon_days,
            (select count(*) from cohort) as cohort,
            count(distinct scores.customer_id) filter (where cohort.customer_id is not null) as scored,
            count(*) filter (where cohort.customer_id is null) as strangers
        from {problem.scores.sql} as scores
        left join cohort on scores.customer_id = cohort.customer_id
        where as_of_date = $as_of
        group by 1
        order by 1
        """,
        {"as_of": as_of},
    )
