"""Drift of a million rows by sixty columns, overall and by slice, and against Evidently's default preset."""

import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from assets.metrics.arrays import Texts
from assets.metrics.drift.effects import effects_of
from assets.metrics.drift.reference import DriftReference, reference_of
from assets.metrics.drift.sample import DriftSample
from assets.metrics.performance_estimation import estimated_accuracy
from assets.monitoring.drift.alarm import judge_drift
from assets.monitoring.drift.page import html_report
from benchmarks.ratio import Figure, interleaved, table

ROWS, COLUMNS = 1_000_000, 60
EVIDENTLY_ROWS, EVIDENTLY_COLUMNS = 100_000, 30
PAIRS = 3
BYTES_PER_MIB = 2**20
AS_OF = np.datetime64("2024-12-30")
BANDS: Texts = np.array(["0-30 days", "31-90 days", "91-180 days", "over 180 days"], dtype=object)
COUNTRIES: Texts = np.array(["UK", "DE", "FR", "US"], dtype=object)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Cost of one call: seconds, and the peak MiB of its arrays, in addition to the rows."""

    seconds: float
    mib: float

    def __str__(self) -> str:
        """Format for the table."""
        return f"{self.seconds:.1f} s, {self.mib:,.0f} MiB"


def measure() -> Figure:
    """Measure both on the same 100,000 rows by 30 columns; ours at full size in the notes."""
    reference, today = (_rows(EVIDENTLY_ROWS, EVIDENTLY_COLUMNS, seed=seed) for seed in (1, 2))
    stored = reference_of(reference)
    ours, theirs = interleaved(
        _verdicts(today, stored),
        lambda: _evidently(reference.features, today.features),
        pairs=PAIRS,
    )
    return Figure(
        name="drift against Evidently's default preset",
        ours=tuple(ours),
        limits=tuple(theirs),
        meaning=(
            f"{EVIDENTLY_ROWS:,} rows by {EVIDENTLY_COLUMNS} columns, effects to verdicts. Ours compares "
            f"{len(BANDS) + len(COUNTRIES)} slices as well as the whole, Evidently's the whole; it draws no "
            "page here."
        ),
        alarming="Alarming above 0.5, or when a million rows by sixty columns need over 20 s or 1 GiB.",
        notes=f"{ROWS:,} rows by {COLUMNS} columns: {_format_costs(full_size())}.",
    )


def full_size() -> Mapping[str, Cost]:
    """Cost of each part of ours on a million rows by sixty columns, in nine slices."""
    costs: dict[str, Cost] = {}
    for dtype in ("float32", "float64"):
        today = _rows(ROWS, COLUMNS, seed=2, dtype=dtype)
        stored = reference_of(_rows(ROWS // 10, COLUMNS, seed=1, dtype=dtype))
        costs[f"effects and verdicts of {dtype}"] = _cost(_verdicts(today, stored))
    costs["reference"] = _cost(lambda: reference_of(today))
    score = np.random.default_rng(3).beta(0.5, 4, ROWS)
    costs["estimate without labels"] = _cost(lambda: estimated_accuracy(score))
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "drift.html"
        costs["Evidently's page of 20,000 rows"] = _cost(
            lambda: html_report(today.features, today.features, file=page)
        )
    return costs


def _verdicts(today: DriftSample, stored: DriftReference) -> Callable[[], object]:
    return lambda: judge_drift([effects_of(today, stored)])


def _format_costs(costs: Mapping[str, Cost]) -> str:
    return "; ".join(f"{name} {cost}" for name, cost in costs.items())


def _cost(run: Callable[[], object]) -> Cost:
    """Time one call, then repeat it under a memory trace, which slows it down."""
    started = time.perf_counter()
    run()
    seconds = time.perf_counter() - started
    tracemalloc.start()
    try:
        run()
        return Cost(seconds=seconds, mib=tracemalloc.get_traced_memory()[1] / BYTES_PER_MIB)
    finally:
        tracemalloc.stop()


def _rows(rows: int, columns: int, *, seed: int, dtype: str = "float64") -> DriftSample:
    """Log-normal amounts, half of them with missing values, counts with many zeros, and one category."""
    rng = np.random.default_rng(seed)
    numbers = {}
    for place in range(columns - 1):
        made = rng.poisson(0.5, rows) if place % 3 == 0 else rng.lognormal(3, 1, rows)
        numbers[f"feature_{place}"] = made.astype(dtype)
        if place % 3 == 1:
            numbers[f"feature_{place}"][rng.random(rows) < 0.3] = np.nan
    country = COUNTRIES[rng.choice(4, rows, p=[0.5, 0.3, 0.15, 0.05])]
    return DriftSample(
        features=pd.DataFrame(numbers).assign(country=pd.Categorical(country)),
        score=rng.beta(0.5, 4, rows),
        customers=np.arange(rows),
        as_of=np.full(rows, AS_OF),
        slices={"recency": BANDS[rng.integers(0, 4, rows)], "country": country},
    )


def _evidently(reference: pd.DataFrame, today: pd.DataFrame) -> object:
    """Evidently's default preset, as in the first example of its documentation."""
    from evidently import DataDefinition, Dataset, Report  # type: ignore[import-untyped]  # noqa: PLC0415
    from evidently.presets import DataDriftPreset  # type: ignore[import-untyped]  # noqa: PLC0415

    categories = ["country"]
    numbers = [str(name) for name in today.columns if name not in categories]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories)
    now, then = (Dataset.from_pandas(rows, data_definition=definition) for rows in (today, reference))
    return Report([DataDriftPreset()]).run(now, then).dict()


if __name__ == "__main__":
    sys.stdout.write(table([measure()]))
