"""The checks of lifetime value bound to its assets."""

from collections.abc import Callable
from datetime import date

import dagster as dg
import numpy as np
import pandas as pd

from assets.keys import CALIBRATION_BINS, METRICS
from assets.lifecycle.cohort import PERMISSIONS
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.metric_lookup import has, overall
from assets.lifetime_value.problem import ValueProblem
from assets.ports import Warehouse
from checks.binding import Judge, as_of_run, check_of
from checks.capabilities.lifetime_value import (
    amounts_lie_in_their_intervals,
    everyone_has_every_horizon,
    intervals_cover_as_promised,
    longer_horizons_are_worth_more,
    outlooks_contract,
    predicted_totals_agree,
    published_totals_came_true,
)
from checks.data.completeness import rows_keep_their_contract
from checks.models.performance import candidate_is_worth_promoting
from checks.verdict import Verdict


def value_checks(problem: ValueProblem) -> list[dg.AssetChecksDefinition]:
    """The checks of lifetime value, from its back-test to its scores."""
    return [*_model_checks(problem), *_score_checks(problem)]


def _model_checks(problem: ValueProblem) -> list[dg.AssetChecksDefinition]:
    def came_true(warehouse: Warehouse, as_of: date) -> Verdict:
        return published_totals_came_true(control_tables.row_on(warehouse, problem.realised, as_of).iloc[0])

    def worth(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_on(warehouse, problem.evaluation, as_of).iloc[0]
        return candidate_is_worth_promoting(
            is_promotable=bool(row["is_promotable"]), reasons=[str(row["reasons"])]
        )

    def cover(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_on(warehouse, problem.evaluation, as_of).iloc[0]
        metrics = control_tables.judged_rows(warehouse, METRICS, str(row["model_version"]))
        held = overall(metrics, "coverage") if has(metrics, "coverage") else None
        return intervals_cover_as_promised(held, level=problem.level, n=int(row["n"]))

    def agree(warehouse: Warehouse, as_of: date) -> Verdict:
        serves = control_tables.serving_on(problem, warehouse, as_of=as_of)
        version = serves.model_version if serves else ""
        groups = control_tables.judged_rows(warehouse, CALIBRATION_BINS, version)
        return predicted_totals_agree(groups, gates=problem.gates)

    # Not blocking: a refused recipe leaves who serves, and a season is no reason to stop publishing.
    return [
        check_of(
            problem.realised,
            "published_totals_came_true",
            _of_day(came_true),
            why=published_totals_came_true,
            is_blocking=False,
        ),
        check_of(
            problem.evaluation,
            "candidate_is_worth_promoting",
            _of_day(worth),
            why=candidate_is_worth_promoting,
            is_blocking=False,
        ),
        check_of(
            problem.evaluation,
            "intervals_cover_as_promised",
            _of_day(cover),
            why=intervals_cover_as_promised,
            is_blocking=False,
        ),
        check_of(problem.champion, "predicted_totals_agree", _of_day(agree), why=predicted_totals_agree),
    ]


def _score_checks(problem: ValueProblem) -> list[dg.AssetChecksDefinition]:
    def contract(rows: pd.DataFrame) -> Verdict:
        return rows_keep_their_contract(rows, outlooks_contract(problem))

    def amounts(rows: pd.DataFrame) -> Verdict:
        return amounts_lie_in_their_intervals(rows.loc[rows["is_eligible"]])

    def grow(rows: pd.DataFrame) -> Verdict:
        values = rows.loc[rows["is_eligible"]].pivot_table(
            index="customer_id", columns="horizon_days", values="predicted_value", aggfunc="first"
        )
        return longer_horizons_are_worth_more(values.to_numpy(dtype=np.float64))

    def cohort(warehouse: Warehouse, as_of: date) -> Verdict:
        return everyone_has_every_horizon(_counted(problem, warehouse, as_of), horizons=problem.horizons_days)

    return [
        check_of(
            problem.scores,
            "outlooks_keep_their_contract",
            _of_scores(problem, contract),
            why=outlooks_contract,
        ),
        check_of(
            problem.scores,
            "everyone_has_every_horizon",
            _of_day(cohort),
            why=everyone_has_every_horizon,
        ),
        check_of(
            problem.scores,
            "amounts_lie_in_their_intervals",
            _of_scores(problem, amounts),
            why=amounts_lie_in_their_intervals,
        ),
        check_of(
            problem.scores,
            "longer_horizons_are_worth_more",
            _of_scores(problem, grow),
            why=longer_horizons_are_worth_more,
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
            select customer_id from {PERMISSIONS.sql} where as_of_date = $as_of
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
