"""The checks bound to their assets: Dagster carries the verdicts, and the blocking ones stop the run."""

from collections.abc import Callable, Iterator
from datetime import date

import dagster as dg
import numpy as np
import pandas as pd

from assets.ingest.contract import Contract
from assets.ingest.contracts import CONTRACTS
from assets.ingest.landing import Landing, quarantined_files, recorded_landings
from assets.keys import LEVELS, METRICS, Key, raw
from assets.lifecycle import journal
from assets.lifecycle.problem import PredictionProblem
from assets.lifecycle.rows import known_rows
from assets.monitoring.arrivals import daily_arrivals
from assets.ports import Warehouse
from checks.arrivals import row_counts_are_usual, rows_arrive_on_time
from checks.contracts import scores_contract, training_contract
from checks.shape import (
    every_file_is_readable,
    every_row_is_accounted_for,
    everyone_is_scored_once,
    rows_keep_their_contract,
)
from checks.trust import (
    candidate_is_worth_promoting,
    champion_is_calibrated,
    mean_is_near_what_happens,
    totals_lie_in_their_intervals,
)
from checks.verdict import Verdict

PARTITION = "dagster/partition"

Judge = Callable[[dg.AssetCheckExecutionContext, Warehouse], Verdict]


# Without the newest orders the features would say that customers have stopped buying.
INDISPENSABLE = "order_lines"


def landing_checks() -> list[dg.AssetChecksDefinition]:
    """Nothing is lost between the exports and each raw table, and the exports came: readers wait for it."""
    return [check for contract in CONTRACTS.values() for check in _landing_checks(contract)]


def _landing_checks(contract: Contract) -> Iterator[dg.AssetChecksDefinition]:
    key, is_blocking = raw(contract.table), contract.table == INDISPENSABLE
    reconciled, readable = (_landed(contract, judge) for judge in (_reconciled, _readable))
    yield _check(key, "every_row_is_accounted_for", reconciled, why=every_row_is_accounted_for)
    yield _check(key, "every_file_is_readable", readable, why=every_file_is_readable, is_blocking=is_blocking)
    if contract.happened_at is None:
        return
    late, amounts = (_arrived(contract, judge) for judge in (rows_arrive_on_time, row_counts_are_usual))
    yield _check(key, "rows_arrive_on_time", late, why=rows_arrive_on_time, is_blocking=is_blocking)
    yield _check(key, "row_counts_are_usual", amounts, why=row_counts_are_usual, is_blocking=False)


def _landed(contract: Contract, judge: Callable[[list[Landing]], Verdict]) -> Judge:
    def judged(_context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> Verdict:
        with warehouse.connect() as connection:
            landings = recorded_landings(connection)
        return judge([landing for landing in landings if landing.table_name == contract.table])

    return judged


def _reconciled(landings: list[Landing]) -> Verdict:
    return every_row_is_accounted_for(pd.DataFrame(landings, columns=Landing.__slots__))


def _readable(landings: list[Landing]) -> Verdict:
    return every_file_is_readable(quarantined_files(landings), files=len(landings))


def _arrived(contract: Contract, judge: Callable[..., Verdict]) -> Judge:
    def judged(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> Verdict:
        # Exports may be landed without a morning; whatever is published afterwards has one.
        if not context.run.tags.get(PARTITION):
            return Verdict(passed=True, reason="this run stands on no morning: nothing can be late for it")
        as_of = _as_of(context)
        return judge(daily_arrivals(warehouse, contract, as_of=as_of), as_of=as_of)

    return judged


def problem_checks(problem: PredictionProblem) -> list[dg.AssetChecksDefinition]:
    """The checks of one supervised problem, from its training rows to its scores."""

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

    def contract(warehouse: Warehouse, as_of: date) -> Verdict:
        return rows_keep_their_contract(_scores(problem, warehouse, as_of), scores_contract(problem))

    def cohort(warehouse: Warehouse, as_of: date) -> Verdict:
        return everyone_is_scored_once(**_cohort(problem, warehouse, as_of))

    def near(warehouse: Warehouse, as_of: date) -> Verdict:
        return mean_is_near_what_happens(
            _scores(problem, warehouse, as_of)["probability"].to_numpy(dtype=float),
            _rates(problem, warehouse, as_of),
            level_sd=float(_levels(problem, warehouse)["level_sd"].iloc[-1]),
        )

    def totals(warehouse: Warehouse, _as_of: date) -> Verdict:
        return totals_lie_in_their_intervals(_levels(problem, warehouse))

    return [
        _check(
            problem.features[0],
            f"training_rows_of_{problem.name}_keep_their_contract",
            _of_day(training_rows),
            why=training_contract,
        ),
        _check(
            problem.evaluation,
            "candidate_is_worth_promoting",
            _of_day(worth),
            why=candidate_is_worth_promoting,
            is_blocking=False,
        ),
        _check(problem.champion, "champion_is_calibrated", _of_day(calibrated), why=champion_is_calibrated),
        _check(problem.scores, "scores_keep_their_contract", _of_day(contract), why=scores_contract),
        _check(problem.scores, "everyone_is_scored_once", _of_day(cohort), why=everyone_is_scored_once),
        _check(
            problem.scores,
            "mean_is_near_what_happens",
            _of_day(near),
            why=mean_is_near_what_happens,
        ),
        _check(
            problem.scores,
            "totals_lie_in_their_intervals",
            _of_day(totals),
            why=totals_lie_in_their_intervals,
            is_blocking=False,
        ),
    ]


def _check(
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
    return lambda context, warehouse: judge(warehouse, _as_of(context))


def _as_of(context: dg.AssetCheckExecutionContext) -> date:
    tag = context.run.tags.get(PARTITION)
    if tag is None:
        raise dg.Failure(
            "checks are run for one as-of day: launch them with a partition", allow_retries=False
        )
    return date.fromisoformat(tag)


def _scores(problem: PredictionProblem, warehouse: Warehouse, as_of: date) -> pd.DataFrame:
    return warehouse.read(f"select * from {problem.scores.sql} where as_of_date = $as_of", {"as_of": as_of})


def _levels(problem: PredictionProblem, warehouse: Warehouse) -> pd.DataFrame:
    return warehouse.read(
        f"select * from {LEVELS.sql} where model_name = $name order by as_of_date", {"name": problem.name}
    )


def _rates(problem: PredictionProblem, warehouse: Warehouse, as_of: date) -> np.ndarray:
    rows = warehouse.read(
        f"select avg(outcome) as rate from {problem.label.sql} "
        f"where as_of_date + {problem.horizon_days} <= $as_of group by as_of_date",
        {"as_of": as_of},
    )
    return rows["rate"].to_numpy(dtype=np.float64)


def _cohort(problem: PredictionProblem, warehouse: Warehouse, as_of: date) -> dict[str, int]:
    ids = f"select {problem.entity_id} from {{}} where as_of_date = $as_of"
    cohort, scored = (ids.format(key.sql) for key in (problem.features[0], problem.scores))
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
