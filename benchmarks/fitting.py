"""Fitting gradient boosting on weighted rows, against gradient boosting that computes its own bins."""

import sys

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from assets.supervised.fitting.task import Binary
from benchmarks.ratio import Figure, interleaved, table

ROWS, COLUMNS = 100_000, 40
NUMERIC = tuple(f"x{number}" for number in range(COLUMNS))
SEED = 0


def measure() -> Figure:
    """Measure on simulated rows: half of the columns are counts, one value in ten is missing."""
    rng = np.random.default_rng(SEED)
    values = rng.normal(size=(ROWS, COLUMNS))
    values[:, ::2] = np.round(20 * np.abs(values[:, ::2]))
    outcome = (rng.random(ROWS) < 1 / (1 + np.exp(2 - values[:, 1]))).astype(int)
    weights = np.where(outcome == 1, rng.uniform(0.7, 1.3, ROWS), 1.0)
    rows = pd.DataFrame(values, columns=list(NUMERIC)).mask(rng.random(values.shape) < 0.1)
    ours = Binary().estimator(numeric=NUMERIC, categorical=(), seed=SEED)
    plain = Pipeline([step for step in ours.steps if step[0] != "quantiles"])
    seconds, limits = interleaved(
        lambda: ours.fit(rows, outcome, quantiles__sample_weight=weights, boosting__sample_weight=weights),
        lambda: plain.fit(rows, outcome, boosting__sample_weight=weights),
    )
    apart = np.abs(ours.predict_proba(rows) - plain.predict_proba(rows)).max()
    return Figure(
        name="fit on weighted rows against bins computed by the boosting",
        ours=tuple(seconds),
        limits=tuple(limits),
        meaning=f"{ROWS:,} rows, {COLUMNS} columns; probabilities differ by {apart:.1g} at most.",
        alarming="Expect about 0.5; when scikit-learn sorts once itself it is 1, and the bins may go.",
    )


if __name__ == "__main__":
    sys.stdout.write(table([measure()]))
