"""The checks of a prediction problem bound to its assets."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import pandas as pd

from assets.keys import CALIBRATION_BINS, METRICS
from assets.lifecycle.realised import WINDOW
from assets.lifecycle.store import control_tables
from assets.monitoring.drift.step import page_of
from assets.ports import Warehouse
from assets.supervised.data.dataset import known_rows, realised_rates
from assets.supervised.problem import PredictionProblem
from checks.binding import check_of, of_day
from checks.data.completeness import everyone_is_scored_once, rows_keep_their_contract
from checks.models.contracts import scores_contract, training_contract
from checks.models.performance import (
    candidate_is_worth_promoting,
    champion_is_calibrated,
    customers_are_like_those_it_learned_from,
    mean_is_near_what_happens,
    members_cannot_be_told,
    published_probabilities_came_true,
    totals_lie_in_their_intervals,
)
from checks.models.plots import with_reliability, with_totals
from checks.models.queries import cohort_of, levels_of, scores_of, withheld_of
from checks.verdict import Verdict


def problem_checks(
    problem: PredictionProblem, *, reports: Path | None = None
) -> list[dg.AssetChecksDefinition]:
    """The checks of one supervised problem, from its training rows to its scores.

    Args:
        problem: The problem.
        reports: Where the pages for a browser lie, if there are any to point at.
    """
    return [*_looked_back_checks(problem, reports), *_model_checks(problem), *_score_checks(problem)]


def _looked_back_checks(problem: PredictionProblem, reports: Path | None) -> list[dg.AssetChecksDefinition]:
    def came_true(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_on(warehouse, problem.realised, as_of).iloc[0]
        version = str(row["model_version"])
        bins = control_tables.judged_rows(warehouse, CALIBRATION_BINS, version, split=WINDOW)
        bins = bins.loc[pd.to_datetime(bins["as_of_date"]).dt.date == as_of]
        title = f"{problem.name} {version}, as published"
        return with_reliability(published_probabilities_came_true(row), bins, title=title)

    def alike(warehouse: Warehouse, as_of: date) -> Verdict:
        verdict = customers_are_like_those_it_learned_from(
            control_tables.row_on(warehouse, problem.drifted, as_of).iloc[0]
        )
        page = page_of(reports, problem, as_of=as_of) if reports else None
        return replace(verdict, pages={"page": page}) if page and page.is_file() else verdict

    # Not blocking: what failed here is not scored with, and the run goes on to say so to consumers.
    return [
        check_of(
            problem.realised,
            "published_probabilities_came_true",
            of_day(came_true),
            why=published_probabilities_came_true,
            is_blocking=False,
        ),
        check_of(
            problem.drifted,
            "customers_are_like_those_it_learned_from",
            of_day(alike),
            why=customers_are_like_those_it_learned_from,
            is_blocking=False,
        ),
    ]


def _model_checks(problem: PredictionProblem) -> list[dg.AssetChecksDefinition]:
    def judged(verdict: Verdict, warehouse: Warehouse, version: str) -> Verdict:
        bins = control_tables.judged_rows(warehouse, CALIBRATION_BINS, version)
        return with_reliability(verdict, bins, title=f"{problem.name} {version}, newest matured days")

    def training_rows(warehouse: Warehouse, as_of: date) -> Verdict:
        rows = known_rows(problem, warehouse, as_of=as_of)
        return rows_keep_their_contract(
            rows.everyone.features.assign(outcome=rows.outcome), training_contract(problem)
        )

    def worth(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_on(warehouse, problem.evaluation, as_of).iloc[0]
        verdict = candidate_is_worth_promoting(
            is_promotable=bool(row["is_promotable"]), reasons=[str(row["reasons"])]
        )
        return judged(verdict, warehouse, str(row["model_version"]))

    def unrevealing(warehouse: Warehouse, as_of: date) -> Verdict:
        version = str(control_tables.row_on(warehouse, problem.evaluation, as_of).iloc[0]["model_version"])
        learned = control_tables.judged_rows(warehouse, METRICS, version, split="train")
        return members_cannot_be_told(learned, gates=problem.gates)

    def calibrated(warehouse: Warehouse, as_of: date) -> Verdict:
        serves = control_tables.serving_on(problem, warehouse, as_of=as_of)
        version = serves.model_version if serves else ""
        metrics = control_tables.judged_rows(warehouse, METRICS, version)
        return judged(champion_is_calibrated(metrics, gates=problem.gates), warehouse, version)

    return [
        check_of(
            problem.features[0],
            f"training_rows_of_{problem.name}_keep_their_contract",
            of_day(training_rows),
            why=training_contract,
        ),
        check_of(
            problem.evaluation,
            "candidate_is_worth_promoting",
            of_day(worth),
            why=candidate_is_worth_promoting,
            is_blocking=False,
        ),
        check_of(
            problem.evaluation,
            "members_cannot_be_told",
            of_day(unrevealing),
            why=members_cannot_be_told,
            is_blocking=False,
        ),
        check_of(problem.champion, "champion_is_calibrated", of_day(calibrated), why=champion_is_calibrated),
    ]


def _score_checks(problem: PredictionProblem) -> list[dg.AssetChecksDefinition]:
    def contract(warehouse: Warehouse, as_of: date) -> Verdict:
        return rows_keep_their_contract(scores_of(problem, warehouse, as_of), scores_contract(problem))

    def cohort(warehouse: Warehouse, as_of: date) -> Verdict:
        withheld = withheld_of(problem, warehouse, as_of)
        if withheld is not None:
            return Verdict(passed=True, reason=f"withheld by the gate: {withheld}", evidence={"n": 0.0})
        return everyone_is_scored_once(**cohort_of(problem, warehouse, as_of))

    title = f"{problem.target} within {problem.horizon_days} days"

    def near(warehouse: Warehouse, as_of: date) -> Verdict:
        levels = levels_of(problem, warehouse)
        verdict = mean_is_near_what_happens(
            scores_of(problem, warehouse, as_of)["probability"].dropna().to_numpy(dtype=float),
            realised_rates(problem, warehouse, as_of=as_of),
            level_sd=float(levels["level_sd"].iloc[-1]) if len(levels) else 0.0,
        )
        return with_totals(verdict, levels, title=title)

    def totals(warehouse: Warehouse, _as_of: date) -> Verdict:
        levels = levels_of(problem, warehouse)
        return with_totals(totals_lie_in_their_intervals(levels), levels, title=title)

    return [
        check_of(problem.scores, "scores_keep_their_contract", of_day(contract), why=scores_contract),
        check_of(problem.scores, "everyone_is_scored_once", of_day(cohort), why=everyone_is_scored_once),
        check_of(problem.scores, "mean_is_near_what_happens", of_day(near), why=mean_is_near_what_happens),
        check_of(
            problem.scores,
            "totals_lie_in_their_intervals",
            of_day(totals),
            why=totals_lie_in_their_intervals,
            is_blocking=False,
        ),
    ]
