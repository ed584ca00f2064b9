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
from assets.supervised.data.dataset import load_training_data, realised_rates
from assets.supervised.problem import PredictionProblem
from checks.binding import check_of, of_day
from checks.data.completeness import cohort_is_scored_once, rows_match_contract
from checks.models.contracts import scores_contract, training_contract
from checks.models.performance import (
    candidate_passes_the_gate,
    champion_is_calibrated,
    features_have_not_drifted,
    mean_probability_is_within_historical_range,
    membership_inference_auc_is_low,
    observed_totals_are_inside_intervals,
    realised_calibration_is_within_tolerance,
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
        row = control_tables.row_for_date(warehouse, problem.realised, as_of).iloc[0]
        version = str(row["model_version"])
        bins = control_tables.rows_of_version(warehouse, CALIBRATION_BINS, version, split=WINDOW)
        bins = bins.loc[pd.to_datetime(bins["as_of_date"]).dt.date == as_of]
        title = f"{problem.name} {version}, as published"
        return with_reliability(realised_calibration_is_within_tolerance(row), bins, title=title)

    def alike(warehouse: Warehouse, as_of: date) -> Verdict:
        verdict = features_have_not_drifted(
            control_tables.row_for_date(warehouse, problem.drifted, as_of).iloc[0]
        )
        page = page_of(reports, problem, as_of=as_of) if reports else None
        return replace(verdict, pages={"page": page}) if page and page.is_file() else verdict

    # Not blocking: what failed here is not scored with, and the run goes on to say so to consumers.
    return [
        check_of(
            problem.realised,
            "realised_calibration_is_within_tolerance",
            of_day(came_true),
            why=realised_calibration_is_within_tolerance,
            is_blocking=False,
        ),
        check_of(
            problem.drifted,
            "features_have_not_drifted",
            of_day(alike),
            why=features_have_not_drifted,
            is_blocking=False,
        ),
    ]


def _model_checks(problem: PredictionProblem) -> list[dg.AssetChecksDefinition]:
    def judged(verdict: Verdict, warehouse: Warehouse, version: str) -> Verdict:
        bins = control_tables.rows_of_version(warehouse, CALIBRATION_BINS, version)
        return with_reliability(verdict, bins, title=f"{problem.name} {version}, newest matured days")

    def training_rows(warehouse: Warehouse, as_of: date) -> Verdict:
        rows = load_training_data(problem, warehouse, as_of=as_of)
        return rows_match_contract(
            rows.everyone.features.assign(outcome=rows.outcome), training_contract(problem)
        )

    def worth(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_for_date(warehouse, problem.evaluation, as_of).iloc[0]
        verdict = candidate_passes_the_gate(
            is_promotable=bool(row["is_promotable"]), reasons=[str(row["reasons"])]
        )
        return judged(verdict, warehouse, str(row["model_version"]))

    def unrevealing(warehouse: Warehouse, as_of: date) -> Verdict:
        version = str(
            control_tables.row_for_date(warehouse, problem.evaluation, as_of).iloc[0]["model_version"]
        )
        learned = control_tables.rows_of_version(warehouse, METRICS, version, split="train")
        return membership_inference_auc_is_low(learned, criteria=problem.criteria)

    def calibrated(warehouse: Warehouse, as_of: date) -> Verdict:
        serves = control_tables.champion_as_of(problem, warehouse, as_of=as_of)
        version = serves.model_version if serves else ""
        metrics = control_tables.rows_of_version(warehouse, METRICS, version)
        return judged(champion_is_calibrated(metrics, criteria=problem.criteria), warehouse, version)

    return [
        check_of(
            problem.features[0],
            f"training_rows_of_{problem.name}_match_contract",
            of_day(training_rows),
            why=training_contract,
        ),
        check_of(
            problem.evaluation,
            "candidate_passes_the_gate",
            of_day(worth),
            why=candidate_passes_the_gate,
            is_blocking=False,
        ),
        check_of(
            problem.evaluation,
            "membership_inference_auc_is_low",
            of_day(unrevealing),
            why=membership_inference_auc_is_low,
            is_blocking=False,
        ),
        check_of(problem.champion, "champion_is_calibrated", of_day(calibrated), why=champion_is_calibrated),
    ]


def _score_checks(problem: PredictionProblem) -> list[dg.AssetChecksDefinition]:
    def contract(warehouse: Warehouse, as_of: date) -> Verdict:
        return rows_match_contract(scores_of(problem, warehouse, as_of), scores_contract(problem))

    def cohort(warehouse: Warehouse, as_of: date) -> Verdict:
        withheld = withheld_of(problem, warehouse, as_of)
        if withheld is not None:
            return Verdict(passed=True, reason=f"withheld by the gate: {withheld}", evidence={"n": 0.0})
        return cohort_is_scored_once(**cohort_of(problem, warehouse, as_of))

    title = f"{problem.target} within {problem.horizon_days} days"

    def near(warehouse: Warehouse, as_of: date) -> Verdict:
        levels = levels_of(problem, warehouse)
        verdict = mean_probability_is_within_historical_range(
            scores_of(problem, warehouse, as_of)["probability"].dropna().to_numpy(dtype=float),
            realised_rates(problem, warehouse, as_of=as_of),
            level_sd=float(levels["level_sd"].iloc[-1]) if len(levels) else 0.0,
        )
        return with_totals(verdict, levels, title=title)

    def totals(warehouse: Warehouse, _as_of: date) -> Verdict:
        levels = levels_of(problem, warehouse)
        return with_totals(observed_totals_are_inside_intervals(levels), levels, title=title)

    return [
        check_of(problem.scores, "scores_match_contract", of_day(contract), why=scores_contract),
        check_of(problem.scores, "cohort_is_scored_once", of_day(cohort), why=cohort_is_scored_once),
        check_of(
            problem.scores,
            "mean_probability_is_within_historical_range",
            of_day(near),
            why=mean_probability_is_within_historical_range,
        ),
        check_of(
            problem.scores,
            "observed_totals_are_inside_intervals",
            of_day(totals),
            why=observed_totals_are_inside_intervals,
            is_blocking=False,
        ),
    ]
