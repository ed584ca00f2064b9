"""The rolling-origin table of one business: ``make backtest BUSINESS=… FROM=… TO=…``."""

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np

from assets.calendar import as_of_days, newest_matured
from assets.features.matrix import LeakDetected
from assets.lifecycle.backtest import Looked, look_back
from assets.lifecycle.morning import Morning
from assets.lifecycle.split import TooLittleHistory
from assets.lifecycle.train import BelowFloor
from orchestration.definitions import PROBLEMS, newest_as_of_day
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings

HEADER = (
    "| as-of day | customers | buyers | Σ probability | 95 % interval | miss | AUC | naive AUC "
    "| difference [95 %] | slope | gate |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|"
)
KIB_PER_MIB = 1024


def monthly(first: date, last: date) -> Iterator[date]:
    """The first as-of day of each month in ``[first, last]``."""
    months = set()
    for day in as_of_days(first, last):
        if (day.year, day.month) not in months:
            months.add((day.year, day.month))
            yield day


def line(looked: Looked) -> str:
    """One row of the table, in Markdown."""
    return (
        f"| {looked.as_of} | {looked.customers:,} | {looked.buyers:,} | {looked.total.value:,.0f} "
        f"| {looked.total.lo:,.0f} to {looked.total.hi:,.0f} | {looked.miss:+.0%} | {looked.auc:.3f} "
        f"| {looked.naive_auc:.3f} | {looked.auc_difference.value:+.3f} "
        f"[{looked.auc_difference.lo:+.3f}, {looked.auc_difference.hi:+.3f}] | {looked.slope:.2f} "
        f"| {looked.decision} |"
    )


def closing(looked: list[Looked]) -> str:
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
    """Print the table; returns the process's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True)
    parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True)
    asked = parser.parse_args(arguments)
    settings, started = Settings(), time.monotonic()
    business = settings.load_business()
    warehouse = DuckDBWarehouse(database=str(settings.warehouse_file))
    if not settings.warehouse_file.exists():
        sys.stderr.write(f"{settings.warehouse_file} is not there yet: `make run` builds the features first\n")
        return 1
    models = FolderModelStore(root=str(settings.folder / "models"))
    for problem in PROBLEMS:
        last = min(asked.last, newest_matured(newest_as_of_day(business), horizon_days=problem.horizon_days))
        sys.stdout.write(f"{problem.question}\n\n{HEADER}\n")
        looked = []
        for day in monthly(asked.first, last):
            now = datetime.now(tz=UTC).replace(tzinfo=None)
            morning = Morning(
                problem=problem, warehouse=warehouse, models=models, as_of=day, run_id="backtest", now=now
            )
            try:
                looked.append(look_back(morning))
            except (TooLittleHistory, BelowFloor, LeakDetected) as refusal:
                sys.stdout.write(f"| {day} | refused: {refusal} |\n")
                continue
            sys.stdout.write(f"{line(looked[-1])}\n")
            sys.stdout.flush()
        if looked:
            sys.stdout.write(f"\n{closing(looked)}\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB
    sys.stdout.write(f"took {time.monotonic() - started:,.0f} s, peak memory {peak:,.0f} MiB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
