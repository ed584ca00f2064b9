"""Checks of a supervised capability besides the shared ones."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from assets.keys import CALIBRATION_BINS, METRICS, PREDICTION_TOTALS
from assets.lifecycle.cohort import INELIGIBLE, WITHHELD_SLICE
from assets.lifecycle.realised import WINDOW
from assets.lifecycle.store import control_tables
from assets.monitoring.drift.step import page_of
from assets.ports import Warehouse
from assets.prior_shift.forecast import PriorShiftForecast, forecast_prior_shift
from assets.supervised.capability import SupervisedCapability
from assets.supervised.data.dataset import cohort_sql, daily_orders, load_training_data, rate_history
from assets.supervised.problem import PredictionProblem
from checks.data.completeness import rows_match_contract
from checks.models.contracts import probability_contract, training_contract
from checks.models.performance import (
    champion_is_calibrated,
    features_have_not_drifted,
    mean_probability_is_within_forecast_of_rate,
    no_slice_is_withheld,
    observed_totals_are_inside_intervals,
    realised_calibration_is_within_tolerance,
    realised_lift_matches_test_fold,
    stated_uncertainty_matches_backtest,
)
from checks.models.plots import with_reliability, with_totals
from checks.models.queries import load_scores
from checks.models.shared import cohort_check, contract_check, gate_check, membership_check, realised_check
from checks.verdict import Invariant, Verdict, description_of, invariant


def supervised_invariants(
    capability: SupervisedCapability, *, reports: Path | None = None
) -> Iterator[Invariant]:
    """The checks of a supervised capability, from its training rows to its scores.

    Args:
        capability: The capability.
        reports: Where the pages for a browser lie, if there are any to point at.
    """
    yield from _monitoring(capability, reports)
    yield from _models(capability)
    yield from _scores(capability)


def _monitoring(capability: SupervisedCapability, reports: Path | None) -> Iterator[Invariant]:
    spec = capability.spec

    def reliability(verdict: Verdict, warehouse: Warehouse, row: pd.Series) -> Verdict:
        version, as_of = str(row["model_version"]), pd.Timestamp(row["as_of_date"])
        bins = control_tables.rows_of_version(warehouse, CALIBRATION_BINS, version, split=WINDOW)
        bins = bins.loc[pd.to_datetime(bins["as_of_date"]) == as_of]
        return with_reliability(verdict, bins, title=f"{spec.name} {version}, as published")

    def drifted(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_for_date(warehouse, spec.drifted, as_of).iloc[0]
        verdict = features_have_not_drifted(row)
        page = page_of(reports, spec.name, as_of=as_of) if reports else None
        return replace(verdict, pages={"page": page}) if page and page.is_file() else verdict

    def lift(warehouse: Warehouse, as_of: date) -> Verdict:
        row = control_tables.row_for_date(warehouse, spec.realised, as_of).iloc[0]
        version = "" if pd.isna(row["model_version"]) else str(row["model_version"])
        test, realised = (
            control_tables.rows_of_version(warehouse, METRICS, version, split=split)
            for split in ("test", WINDOW)
        )
        newest = realised.loc[pd.to_datetime(realised["as_of_date"]) == pd.Timestamp(as_of)]
        # Published dates are a week apart.
        windows = 1 + 7 * (int(row["n_days"]) - 1) / capability.problem.horizon_days
        return realised_lift_matches_test_fold(test, newest, windows=max(windows, 1.0))

    yield realised_check(spec, rule=realised_calibration_is_within_tolerance, illustrate=reliability)
    yield invariant(
        spec.realised,
        realised_lift_matches_test_fold,
        lift,
        next_step=(
            "Expect the realised lift of the best tenth, not that of the test fold; launch retrain if it "
            "fell, and look for a feature whose source changed."
        ),
        is_blocking=False,
    )
    yield invariant(
        spec.drifted,
        features_have_not_drifted,
        drifted,
        next_step=(
            "Open the page in a browser and find the named columns; repair the source if it is broken, "
            "launch retrain if customers really changed."
        ),
        is_blocking=False,
    )


def _models(capability: SupervisedCapability) -> Iterator[Invariant]:
    problem, spec = capability.problem, capability.spec

    def reliability(verdict: Verdict, warehouse: Warehouse, version: str) -> Verdict:
        bins = control_tables.rows_of_version(warehouse, CALIBRATION_BINS, version)
        return with_reliability(verdict, bins, title=f"{spec.name} {version}, newest matured dates")

    def training_rows(warehouse: Warehouse, as_of: date) -> Verdict:
        data = load_training_data(problem, warehouse, as_of=as_of)
        rows = data.sample.features.assign(outcome=data.outcome)
        return rows_match_contract(rows, training_contract(problem))

    def calibrated(warehouse: Warehouse, as_of: date) -> Verdict:
        serving = control_tables.champion_as_of(spec.champion, warehouse, as_of=as_of)
        version = serving.model_version if serving else ""
        metrics = control_tables.rows_of_version(warehouse, METRICS, version)
        verdict = champion_is_calibrated(metrics, criteria=problem.criteria)
        return reliability(verdict, warehouse, version)

    yield Invariant(
        table=problem.features[0],
        name=f"training_rows_of_{spec.name}_match_contract",
        description=description_of(training_contract),
        check=training_rows,
        next_step=(
            "Look up the named column in its features model: either the meaning of the data has "
            "changed, or the model is wrong; correct it and launch score."
        ),
    )
    yield gate_check(spec, illustrate=reliability)
    yield membership_check(spec, highest_auc=problem.criteria.highest_membership_auc)
    yield invariant(
        spec.champion,
        champion_is_calibrated,
        calibrated,
        next_step=(
            "Return to the previous version with `make rollback`, then launch retrain; nothing new is "
            "published until a calibrated version serves."
        ),
    )


def _scores(capability: SupervisedCapability) -> Iterator[Invariant]:
    problem, spec = capability.problem, capability.spec
    title = f"{problem.target} within {problem.horizon_days} days"

    def mean(warehouse: Warehouse, as_of: date) -> Verdict:
        totals = _totals(capability, warehouse)
        expected, forecast = forecast_rate(problem, warehouse, as_of=as_of)
        verdict = mean_probability_is_within_forecast_of_rate(
            load_scores(spec, warehouse, as_of)["probability"].dropna().to_numpy(dtype=float),
            expected=expected,
            forecast=forecast,
        )
        return with_totals(verdict, totals, title=title)

    def inside(warehouse: Warehouse, _as_of: date) -> Verdict:
        totals = _totals(capability, warehouse)
        return with_totals(observed_totals_are_inside_intervals(totals), totals, title=title)

    def slices(warehouse: Warehouse, as_of: date) -> Verdict:
        reasons = load_scores(spec, warehouse, as_of)[INELIGIBLE].astype("string")
        withheld = int(reasons.str.startswith(WITHHELD_SLICE).sum())
        off = capability.withheld_slices(warehouse, as_of=as_of)
        return no_slice_is_withheld(off, withheld=withheld, n=len(reasons))

    contract = probability_contract(spec, problem)
    yield contract_check(spec, contract, description=description_of(probability_contract))
    yield cohort_check(spec, cohort=cohort_sql(problem))
    yield invariant(
        spec.scores,
        no_slice_is_withheld,
        slices,
        next_step=(
            "Use the other rows, whose probabilities are right; launch retrain, and look for what is "
            "different in the named slice: another sales channel, or a loss of its orders."
        ),
        is_blocking=False,
    )
    yield invariant(
        spec.scores,
        mean_probability_is_within_forecast_of_rate,
        mean,
        next_step=(
            "Nothing was published: look at the totals plot of the scores for what moved; if the newest "
            "exports are wrong, correct them and launch score; otherwise run `make rollback`."
        ),
    )
    yield invariant(
        spec.scores,
        observed_totals_are_inside_intervals,
        inside,
        next_step=(
            "Plan with wider margins than the published intervals, and look for what moved the whole cohort: "
            "a closure, a campaign, a change of prices."
        ),
        is_blocking=False,
    )
    yield Invariant(
        table=spec.scores,
        name="stated_uncertainty_matches_backtest",
        description=description_of(stated_uncertainty_matches_backtest),
        check=lambda warehouse, _: stated_uncertainty_matches_backtest(_totals(capability, warehouse)),
        next_step=(
            "Multiply the distance between a published total and its bounds by the stated ratio; a ratio far "
            "from 1 in a shop with several years of history is a defect of the prior shift."
        ),
        is_blocking=False,
    )


def forecast_rate(
    problem: PredictionProblem, warehouse: Warehouse, *, as_of: date
) -> tuple[float, PriorShiftForecast | None]:
    """Mean rate of the outcome on matured dates, and the forecast of the date's rate over it, in log-odds.

    Args:
        problem: The prediction problem.
        warehouse: Holds cohort, labels and daily orders.
        as_of: The date.
    """
    history = rate_history(problem, warehouse, as_of=as_of)
    if history is None or np.datetime64(as_of, "D") not in history.as_of_date:
        return float("nan"), None
    found = forecast_prior_shift(
        history, daily_orders(warehouse, as_of), as_of=as_of, horizon_days=problem.horizon_days
    )
    rate = float(history.expected[-1])
    return (1 - rate, found.reversed) if problem.label_is_absence_of_order else (rate, found)


def _totals(capability: SupervisedCapability, warehouse: Warehouse) -> pd.DataFrame:
    """The totals of every scored date, oldest first."""
    return warehouse.read(
        f"select * from {PREDICTION_TOTALS.sql} where model_name = $name order by as_of_date",
        {"name": capability.spec.name},
    )
