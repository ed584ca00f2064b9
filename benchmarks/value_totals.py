"""Predicted over observed totals of lifetime value on the first Monday of each month of a built warehouse.

``python -m benchmarks.value_totals [FIRST [LAST]]``, with ``BUSINESS`` and ``VAR_DIR`` as for ``make run``;
FIRST and LAST are dates. Each date's models are fitted on what was known on it, and compared with the
outcomes that are known by now; of a simulated shop with what its simulation expects, which is free of chance.
"""

import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from assets.calendar import first_of_months
from assets.lifetime_value.backtest import fit_baseline, fit_candidates, levels_of
from assets.lifetime_value.dataset import Cohort, ValueData, load_cohort, observed_spend
from assets.lifetime_value.models.candidates import ValuePrediction
from assets.lifetime_value.spec import PROBLEM
from assets.metrics.arrays import Floats
from orchestration.cli.session import Session
from orchestration.definitions import newest_as_of_day
from orchestration.settings import Settings

HEADER = "| as-of date | model | days | orders | value | 80 % intervals held |\n|---|---|--:|--:|--:|--:|"
EXPECTED = "expected_purchases.parquet"


def main(arguments: Sequence[str] = ()) -> int:
    """Print the table and the median misses; the exit code is 0 for every result."""
    session = Session.open(Settings())
    session.require_warehouse()
    sys.stdout.write(f"{HEADER}\n")
    logs = dict[tuple[str, int], list[tuple[float, float]]]()
    newest = newest_as_of_day(session.business)
    given = list(map(date.fromisoformat, arguments))
    first, last = (*given, *(session.business.first_as_of_day, newest)[len(given) :])
    with session.warehouse.kept_open():
        for day in first_of_months(first, last):
            for model, days, ratios, held in _rows(session, day):
                logs.setdefault((model, days), []).append(ratios)
                orders, value = (f"{ratio:.2f}" for ratio in np.exp(ratios))
                sys.stdout.write(f"| {day} | {model} | {days} | {orders} | {value} | {held:.0%} |\n")
                sys.stdout.flush()
    for (model, days), found in sorted(logs.items()):
        orders, value = np.exp(np.median(np.abs(found), axis=0)) - 1
        sys.stdout.write(f"{model}, {days} days, {len(found)} dates: median miss {orders:.1%}, {value:.1%}\n")
    return 0


def _rows(session: Session, day: date) -> Iterator[tuple[str, int, tuple[float, float], float]]:
    """Per model and horizon the log ratios of orders and value, and the share of intervals that held."""
    data = ValueData(problem=PROBLEM, warehouse=session.warehouse, as_of=day)
    cohort = load_cohort(PROBLEM, session.warehouse, as_of=day)
    models = fit_candidates(data, cohort, refusals={}) if len(cohort) else {}
    if not models:
        return
    rows, levels = cohort.known.features, levels_of(data, models["bg_nbd"], day)
    predictions: dict[str, ValuePrediction] = {
        name: model.predict(rows, levels) for name, model in models.items()
    }
    predictions["without level"] = models["bg_nbd"].predict(rows)
    predictions["baseline"] = fit_baseline(data, cohort).predict(rows)
    for column, days in enumerate(PROBLEM.horizons_days):
        try:
            spent = observed_spend(PROBLEM, session.warehouse, cohort, days=days)
        except KeyError:
            continue
        expected = expected_spend(session.settings.truth_dir / EXPECTED, cohort, days=days)
        totals = (spent if expected is None else expected).sum(axis=0)
        for name, predicted in predictions.items():
            yield name, days, _ratios(predicted, column, totals), _held(predicted, column, spent)


def expected_spend(file: Path, cohort: Cohort, *, days: int) -> Floats | None:
    """What a simulation expects each customer of ``cohort`` to spend and order, (n, 2); ``None`` without one.

    Args:
        file: Rows of ``expected_purchases``.
        cohort: Customers of an as-of date.
        days: Length of the window.

    Raises:
        KeyError: A customer of the cohort is not among them, or the window is not.
    """
    if not file.is_file():
        return None
    day = pd.Timestamp(cohort.as_of).date()
    rows = pd.read_parquet(file, filters=[("as_of_date", "==", day), ("horizon_days", "==", days)])
    found = rows.set_index("customer_id")[["amount", "orders"]]
    return found.loc[list(cohort.known.entities)].to_numpy(dtype=np.float64)


def _ratios(predicted: ValuePrediction, column: int, totals: Floats) -> tuple[float, float]:
    amount, orders = totals
    return (
        float(np.log(predicted.orders[:, column].sum() / orders)),
        float(np.log(predicted.value[:, column].sum() / amount)),
    )


def _held(predicted: ValuePrediction, column: int, spent: Floats) -> float:
    lo, hi = predicted.value_lo[:, column], predicted.value_hi[:, column]
    return float(np.mean((lo <= spent[:, 0]) & (spent[:, 0] <= hi)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
