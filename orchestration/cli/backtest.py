"""The rolling-origin table of one business: ``make backtest BUSINESS=… FROM=… TO=…``."""

import argparse
import resource
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

import numpy as np

from assets.calendar import first_of_months, latest_matured_as_of
from assets.features.matrix import LeakDetected
from assets.lifecycle.run_context import Morning
from assets.supervised.data.split import TooLittleHistory
from assets.supervised.evaluation.history_report import BacktestRow, look_back
from assets.supervised.fitting.train import InsufficientData
from assets.supervised.problem import PredictionProblem
from orchestration.capabilities import PROBLEMS
from orchestration.definitions import today_of
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings

HEADER = (
    "| as-of day | customers | happened | Σ probability | 95 % interval | miss | AUC | naive AUC "
    "| difference [95 %] | slope | gate |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|"
)
KIB_PER_MIB = 1024


def line(looked: BacktestRow) -> str:
    """One row of the table, in Markdown."""
    return (
        f"| {looked.as_of} | {looked.customers:,} | {looked.happened:,} | {looked.total.value:,.0f} "
        f"| {looked.total.lo:,.0f} to {looked.total.hi:,.0f} | {looked.miss:+.0%} | {looked.auc:.3f} "
        f"| {looked.naive_auc:.3f} | {looked.auc_difference.value:+.3f} "
        f"[{looked.auc_difference.lo:+.3f}, {looked.auc_difference.hi:+.3f}] | {looked.slope:.2f} "
        f"| {looked.decision} |"
    )


def closing(looked: list[BacktestRow]) -> str:
    """The figures of the whole table."""
    misses = np.abs([each.miss for each in looked])
    widths = [(each.total.hi - each.total.lo) / each.total.value for each in looked]
    inside = sum(each.is_inside for each in looked)
    return (
        f"mean AUC {np.mean([each.auc for each in looked]):.4f} "
        f"(naive {np.mean([each.naive_auc for each in looked]):.4f}); "
        f"miss median {np.median(misses):.1%}, worst {misses.max():.0%}; "
        f"{inside} of {len(looked)} totals inside their 95 % interval, "
        f"which spans {np.median(widths):.0%} of the total in the median (widest {max(widths):.0%})"
    )


def main(arguments: list[str]) -> int:
    """Print a table per problem; returns the process's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date.min)
    parser.add_argument("--to", dest="last", type=date.fromisoformat, default=date.max)
    asked = parser.parse_args(arguments)
    settings, started = Settings(), time.monotonic()
    if not settings.warehouse_file.exists():
        sys.stderr.write(
            f"{settings.warehouse_file} is not there yet: `make run` builds the features first\n"
        )
        return 1
    business = settings.load_business()
    first = max(asked.first, business.first_as_of_day)
    for problem in PROBLEMS:
        newest = latest_matured_as_of(today_of(business), horizon_days=problem.horizon_days)
        looked = list(
            _looked_back(problem, first_of_months(first, min(asked.last, newest)), settings=settings)
        )
        if looked:
            sys.stdout.write(f"\n{closing(looked)}\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB
    sys.stdout.write(f"took {time.monotonic() - started:,.0f} s, peak memory {peak:,.0f} MiB\n")
    return 0


def _looked_back(
    problem: PredictionProblem, days: Iterable[date], *, settings: Settings
) -> Iterator[BacktestRow]:
    sys.stdout.write(f"{problem.question}\n\n{HEADER}\n")
    for day in days:
        morning = Morning(
            problem=problem,
            warehouse=DuckDBWarehouse(database=str(settings.warehouse_file)),
            models=FolderModelStore(root=str(settings.folder / "models")),
            as_of=day,
            run_id="backtest",
            now=datetime.now(tz=UTC).replace(tzinfo=None),
        )
        try:
            looked = look_back(morning)
        except (TooLittleHistory, InsufficientData, LeakDetected) as refusal:
            sys.stdout.write(f"| {day} | refused: {refusal} |\n")
            continue
        sys.stdout.write(f"{line(looked)}\n")
        sys.stdout.flush()
        yield looked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
