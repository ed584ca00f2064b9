"""The checks of a prediction problem bound to its assets: Dagster carries the verdicts."""

from collections.abc import Callable
from datetime import date

import dagster as dg
import pandas as pd

from assets.keys import LEVELS, METRICS, RETRAIN_LOG, Key
from assets.lifecycle import journal
from assets.lifecycle.problem import PredictionProblem
from assets.lifecycle.rows import INELIGIBLE, cohort_sql, known_rows, realised_rates
from assets.ports import Warehouse
from checks.contracts import scores_contract, training_contract
from checks.shape import everyone_is_scored_once, rows_keep_their_contract
from checks.trust import (
    candidate_is_worth_promoting,
    champion_is_calibrated,
    customers_are_like_those_it_learned_from,
    mean_is_near_what_happens,
    published_probabilities_came_true,
    totals_lie_in_their_intervals,
)
from checks.verdict import Verdict

PARTITION = "dagster/partition"

Judge = Callable[[dg.AssetCheckExecutionContext, Warehouse], Verdict]


def problem_checks(problem: PredictionProblem) -> list[dg.AssetChecksDefinition]:
    """The checks of one supervised problem, from its training rows to its scores."""
    return [*_looked_back_checks(problem), *_model_checks(problem), *_score_checks(problem)]


def _looked_back_checks(problem: PredictionProblem) -> list[dg.AssetChecksDefinition]:
    def came_true(warehouse: Warehouse, as_of: date) -> Verdict:
        return published_probabilities_came_true(journal.row_on(warehouse, problem.realised, as_of).iloc[0])

    def alike(warehouse: Warehouse, as_of: date) -> Verdict:
        row = journal.row_on(warehouse, problem.drifted, as_of).iloc[0]
        return customers_are_like_those_it_learned_from(row)

    # Not blocking: what failed here is not scored with, and the run goes on to say so to consumers.
    return [
        check_of(
            problem.realised,
            "published_probabilities_came_true",
            _of_day(came_true),
            why=published_probabilities_came_true,
            is_blocking=False,
        ),
        check_of(
            problem.drifted,
            "customers_are_like_those_it_learned_from",
            _of_day(alike),
            why=customers_are_like_those_it_learned_from,
            is_blocking=False,
        ),
    ]


def _model_checks(problem: PredictionProblem) -> list[dg.AssetChecksDefinition]:
    def training_rows(warehouse: Warehouse, as_of: date) -> Verdict:
        rows = known_rows(problem, warehouse, as_of=as_of)
        return rows_keep_their_contract(
            rows.everyone.features.assign(outcome=rows.outcome), training_contract(problem)
        )

    def worth(warehouse: Warehouse, as_of: date) -> Verdict:
        row = journal.row_on(warehouse, problem.evaluation, as_of).iloc[0]
        return candidate_is_worth_promoting(
            is_promotable=bool(row["is_promotable"]), reasons=[str(row["reasons"])]
        )

    def calibrated(warehouse: Warehouse, as_of: date) -> Verdict:
        serves = journal.serving_on(problem, warehouse, as_of=as_of)
        version = serves.model_version if serves else ""
        return champion_is_calibrated(journal.judged_rows(warehouse, METRICS, version), gates=problem.gates)

    return [
        check_of(
            problem.features[0],
            f"training_rows_of_{problem.name}_keep_their_contract",
            _of_day(training_rows),
            why=training_contract,
        ),
        check_of(
            problem.evaluation,
            "candidate_is_worth_promoting",
            _of_day(worth),
            why=candidate_is_worth_promoting,
            is_blocking=False,
        ),
        check_of(problem.champion, "champion_is_calibrated", _of_day(calibrated), why=champion_is_calibrated),
    ]


def _score_checks(problem: PredictionProblem) -> list[dg.AssetChecksDefinition]:
    def contract(warehouse: Warehouse, as_of: date) -> Verdict:
        return rows_keep_their_contract(_scores(problem, warehouse, as_of), scores_contract(problem))

    def cohort(warehouse: Warehouse, as_of: date) -> Verdict:
        withheld = _withheld(problem, warehouse, as_of)
        if withheld is not None:
            return Verdict(passed=True, reason=f"withheld by the gate: {withheld}", evidence={"n": 0.0})
        return everyone_is_scored_once(**_cohort(problem, warehouse, as_of))

    def near(warehouse: Warehouse, as_of: date) -> Verdict:
        return mean_is_near_what_happens(
            _scores(problem, warehouse, as_of)["probability"].dropna().to_numpy(dtype=float),
            realised_rates(problem, warehouse, as_of=as_of),
            level_sd=float(_levels(problem, warehouse)["level_sd"].iloc[-1]),
        )

    def totals(warehouse: Warehouse, _as_of: date) -> Verdict:
        return totals_lie_in_their_intervals(_levels(problem, warehouse))

    return [
        check_of(problem.scores, "scores_keep_their_contract", _of_day(contract), why=scores_contract),
        check_of(problem.scores, "everyone_is_scored_once", _of_day(cohort), why=everyone_is_scored_once),
        check_of(problem.scores, "mean_is_near_what_happens", _of_day(near), why=mean_is_near_what_happens),
        check_of(
            problem.scores,
            "totals_lie_in_their_intervals",
            _of_day(totals),
            why=totals_lie_in_their_intervals,
            is_blocking=False,
        ),
    ]


def check_of(
    key: Key, name: str, judge: Judge, *, why: Callable[..., object], is_blocking: bool = True
) -> dg.AssetChecksDefinition:
    """A check of ``key``; the first line of ``why``'s docstring is what the UI says it proves."""

    @dg.asset_check(
        asset=dg.AssetKey(key),
        name=name,
        blocking=is_blocking,
        description=(why.__doc__ or "").strip().splitlines()[0],
    )
    def _bound(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.AssetCheckResult:
        verdict = judge(context, warehouse)
        numbers = {"value": verdict.value, "threshold": verdict.threshold, **verdict.evidence}
        return dg.AssetCheckResult(
            passed=verdict.passed,
            severity=dg.AssetCheckSeverity.ERROR if is_blocking else dg.AssetCheckSeverity.WARN,
            description=verdict.reason,
            metadata={name: float(number) for name, number in numbers.items() if number is not None},
        )

    return _bound


def _of_day(judge: Callable[[Warehouse, date], Verdict]) -> Judge:
    """A judge of one as-of day: that of the run."""
    return lambda context, warehouse: judge(warehouse, as_of_run(context))


def as_of_run(context: dg.AssetCheckExecutionContext) -> date:
    """The as-of day that a run stands on."""
    tag = context.run.tags.get(PARTITION)
    if tag is None:
        raise dg.Failure(
            "checks are run for one as-of day: launch them with a partition", allow_retries=False
        )
    return date.fromisoformat(tag)


def _scores(problem: PredictionProblem, warehouse: Warehouse, as_of: date) -> pd.DataFrame:
    return warehouse.read(f"select * from {problem.scores.sql} where as_of_date = $as_of", {"as_of": as_of})


def _withheld(problem: PredictionProblem, warehouse: Warehouse, as_of: date) -> str | None:
    """Why the morning's scores were withheld; ``None`` when some were made."""
    rows = warehouse.read(
        f"select reasons from {RETRAIN_LOG.sql} "
        "where model_name = $name and as_of_date = $as_of and decision = 'withhold'",
        {"name": problem.name, "as_of": as_of},
    )
    scored = len(_scores(problem, warehouse, as_of)) > 0
    return None if scored or rows.empty else str(rows["reasons"].iloc[0])


def _levels(problem: PredictionProblem, warehouse: Warehouse) -> pd.DataFrame:
    return warehouse.read(
        f"select * from {LEVELS.sql} where model_name = $name order by as_of_date", {"name": problem.name}
    )


def _cohort(problem: PredictionProblem, warehouse: Warehouse, as_of: date) -> dict[str, int]:
    # With the reason, so that whoever stands on the wrong side of the question counts as missing.
    who = f"select {problem.entity_id}, {INELIGIBLE} from {{}} where as_of_date = $as_of"
    cohort, scored = (who.format(source) for source in (cohort_sql(problem), problem.scores.sql))
    counted = warehouse.read(
        f"""
        select
            (select count(*) from ({cohort})) as cohort,
            (select count(*) from ({cohort} intersect {scored})) as scored,
            (select count(*) from (({scored}) except ({cohort}))) as strangers
        """,
        {"as_of": as_of},
    ).iloc[0]
    return {name: int(counted[name]) for name in ("cohort", "scored", "strangers")}
