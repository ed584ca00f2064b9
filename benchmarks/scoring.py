"""Scoring a cohort with reason codes, ranks and prior shift, against ``predict_proba`` on the same rows."""

import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from statistics import median

import pandas as pd

from assets.features.matrix import Columns, Matrix, build_matrix
from assets.propensity.problem import PURCHASE_PROPENSITY as PROBLEM
from assets.supervised.fitting.train import Fitted, fit_candidate
from assets.supervised.scoring.score_rows import PriorShift, ScoreProvenance, score
from benchmarks.ratio import Figure, interleaved, table
from benchmarks.shop import FEATURES, LABELS, POINT_IN_TIME, BuiltShop, built_shop, make

# Three Mondays: the outcome of the first two is known on the third.
TRAINED_ON, CALIBRATED_ON, SCORED_ON = date(2024, 10, 14), date(2024, 11, 18), date(2024, 12, 30)
RUN = ScoreProvenance(
    run_id="benchmark",
    scored_at=datetime.fromisoformat("2024-12-30T06:00"),
    model_version="benchmark",
    quality_grade="Good",
)
LEVEL = PriorShift(shift=-0.2, sd=0.1)
BYTES_PER_MIB = 2**20


def measure() -> Figure:
    """Measure on the cohort of the default sample shop."""
    with tempfile.TemporaryDirectory() as folder:
        features, labels = _rows(built_shop(Path(folder)))
    fitted = fit_candidate(
        PROBLEM,
        _matrix(features, labels, day=TRAINED_ON),
        calibration=_matrix(features, labels, day=CALIBRATED_ON),
    )
    cohort = features.loc[features["as_of_date"] == pd.Timestamp(SCORED_ON)].reset_index(drop=True)
    # Consent and holdout columns are in another table; here they are empty.
    return _figure(fitted, cohort.assign(**dict.fromkeys(PROBLEM.passthrough_columns)))


def _figure(fitted: Fitted, cohort: pd.DataFrame) -> Figure:
    matrix = build_matrix(cohort, None, columns=_columns())

    def scored() -> pd.DataFrame:
        return score(PROBLEM, fitted, features=cohort, level=LEVEL, run=RUN)

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


def _rows(shop: BuiltShop) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Feature rows of the as-of dates ``[TRAINED_ON, SCORED_ON]``, and the outcomes known by then."""
    statements = shop.compiled(
        f"+{FEATURES},{POINT_IN_TIME}", FEATURES, LABELS, first=TRAINED_ON, last=SCORED_ON, today=SCORED_ON
    )
    with shop.connect() as connection:
        make(connection, statements)
        features = connection.table(f"features.{FEATURES}").order("as_of_date, customer_id").df()
        return features, connection.table(f"labels.{LABELS}").df()


def _matrix(features: pd.DataFrame, labels: pd.DataFrame, *, day: date) -> Matrix:
    today = features.loc[features["as_of_date"] == pd.Timestamp(day)].reset_index(drop=True)
    outcomes = labels.loc[labels["as_of_date"] == pd.Timestamp(day), ["customer_id", "as_of_date", "outcome"]]
    return build_matrix(today, outcomes, columns=_columns())


def _columns() -> Columns:
    return Columns(entity_id=PROBLEM.entity_id, numeric=PROBLEM.numeric, categorical=PROBLEM.categorical)


def _peak_mib(run: Callable[[], object]) -> float:
    """Peak memory that ``run`` allocates, numpy's included; untimed, because tracing slows it down."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1] / BYTES_PER_MIB
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    sys.stdout.write(table([measure()]))
