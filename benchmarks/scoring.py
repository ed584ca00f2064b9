"""Scoring a cohort with reason codes, ranks and prior shift, against ``predict_proba`` on the same rows."""

import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from statistics import median

import pandas as pd

from assets.features.matrix import Matrix, build_matrix
from assets.propensity.capability import PURCHASE_PROPENSITY
from assets.supervised.data.dataset import columns_of, is_eligible, load_features
from assets.supervised.fitting.train import Fitted, fit_candidate
from assets.supervised.scoring.score_rows import PriorShift, add_ranks, build_score_rows
from benchmarks.ratio import Figure, interleaved, table
from benchmarks.shop import POINT_IN_TIME, BuiltShop, built_shop, make

# Three Mondays: the outcome of the first two is known on the third.
TRAINED_ON, CALIBRATED_ON, SCORED_ON = date(2024, 10, 14), date(2024, 11, 18), date(2024, 12, 30)
PROBLEM = PURCHASE_PROPENSITY.problem
SHIFT = PriorShift(shift=-0.2, sd=0.1)
BYTES_PER_MIB = 2**20


def measure() -> Figure:
    """The figure, on everyone in the default sample shop."""
    with tempfile.TemporaryDirectory() as folder:
        days = (TRAINED_ON, CALIBRATED_ON, SCORED_ON)
        features, labels = eligible_rows(built_shop(Path(folder)), days)
    fitted = fit_candidate(
        PROBLEM,
        _matrix(features, labels, day=TRAINED_ON),
        calibration=_matrix(features, labels, day=CALIBRATED_ON),
    )
    cohort = features.loc[features["as_of_date"] == pd.Timestamp(SCORED_ON)].reset_index(drop=True)
    return _figure(fitted, cohort)


def _figure(fitted: Fitted, cohort: pd.DataFrame) -> Figure:
    matrix = build_matrix(cohort, None, columns=columns_of(PROBLEM))

    def scored() -> pd.DataFrame:
        return add_ranks(PROBLEM, build_score_rows(PROBLEM, fitted, features=cohort, shift=SHIFT))

    ours, limits = interleaved(scored, lambda: fitted.model.predict_proba(matrix.features))
    rows, model_calls = len(cohort), len(PROBLEM.reason_groups) + 2
    return Figure(
        name="score with reasons against predict_proba alone",
        ours=tuple(ours),
        limits=tuple(limits),
        meaning=(
            f"{rows:,} rows: {rows / median(ours):,.0f} rows/s with reasons, {rows / median(limits):,.0f} "
            f"rows/s without. Scoring calls the model {model_calls} times: once for the probability, once "
            "for the reasons and once per occluded feature group."
        ),
        alarming=(
            f"Expect about {model_calls}; alarming above {2 * model_calls}: time goes into frames, not the "
            "model."
        ),
        notes=f"Arrays and objects take {_peak_mib(scored):,.0f} MiB at their peak, on top of the rows.",
    )


def eligible_rows(shop: BuiltShop, days: Sequence[date]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every feature of the eligible on ``days``, ascending, and the outcomes known on the last one."""
    names = [table.name for table in PROBLEM.sources]
    selected = (*names, *(f"+{name},{POINT_IN_TIME}" for name in names), PROBLEM.label.name)
    statements = shop.compiled(*selected, first=days[0], last=days[-1], today=days[-1])
    with shop.connect() as connection:
        make(connection, statements)
    features = pd.concat([load_features(PROBLEM, shop.warehouse, as_of=day) for day in days])
    return features.loc[is_eligible(features)], shop.warehouse.read(f"from {PROBLEM.label.sql}")


def _matrix(features: pd.DataFrame, labels: pd.DataFrame, *, day: date) -> Matrix:
    today = features.loc[features["as_of_date"] == pd.Timestamp(day)].reset_index(drop=True)
    outcomes = labels.loc[labels["as_of_date"] == pd.Timestamp(day), ["customer_id", "as_of_date", "outcome"]]
    return build_matrix(today, outcomes, columns=columns_of(PROBLEM))


def _peak_mib(run: Callable[[], object]) -> float:
    """The most memory that ``run`` allocates at any one time, numpy's included; untimed, for it slows."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1] / BYTES_PER_MIB
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    sys.stdout.write(table([measure()]))
