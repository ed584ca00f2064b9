"""Rolling-origin backtest, one table per capability: ``make backtest BUSINESS=… FROM=… TO=…``."""

import sys
import time
from collections.abc import Iterable, Iterator
from datetime import date

import numpy as np
import pandas as pd

from assets.calendar import first_of_months, latest_matured_as_of
from assets.features.matrix import LeakDetected
from assets.lifecycle.capability import InsufficientData
from assets.lifetime_value.backtest import BASELINE, Backtest, BacktestWindow, resamples_of, run_backtest
from assets.lifetime_value.capability import LIFETIME_VALUE, serving_amount_model
from assets.lifetime_value.group_totals import TENTHS, group_totals
from assets.metrics.amounts import amount_accuracy, coverage
from assets.metrics.bootstrap import percentile_intervals
from assets.supervised.backtest_history import BacktestRow, backtest_date
from assets.supervised.capability import SupervisedCapability
from assets.supervised.fitting.rankers import BG_NBD, LOGISTIC, RANKERS
from orchestration.capabilities import CAPABILITIES
from orchestration.cli.session import Session, command, peak_memory
from orchestration.definitions import newest_as_of_day, today_of
from orchestration.settings import Dates, Settings

RUN_ID = "backtest"
HEADER = (
    "| as-of date | customers | observed | Σ probability | 95 % interval | error | ranker | AUC "
    "| AUC by recency | BG/NBD | logistic | difference to recency [95 %] | slope | gate |\n"
    "|---|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|---|"
)
VALUE_HEADER = (
    "| window from | days | model | predicted | observed | WAPE | deviance | Gini | coverage of 80 % "
    "intervals | period sd | gate |\n|---|--:|---|--:|--:|--:|--:|--:|--:|--:|---|"
)
MONTHS_BETWEEN_WINDOWS = 3


@command
def main() -> int:
    """Print one table per capability; returns the exit code."""
    options, started = Dates(), time.monotonic()
    session = Session.open(Settings())
    session.require_warehouse()
    first = max(options.first, session.business.first_as_of_day)
    for each in CAPABILITIES:
        if isinstance(each, SupervisedCapability):
            _print_backtest(session, each, first=first, last=options.last)
    _print_value_backtest(session, first=first, last=options.last)
    sys.stdout.write(f"took {time.monotonic() - started:,.0f} s, {peak_memory()}\n")
    return 0


def _print_backtest(session: Session, capability: SupervisedCapability, *, first: date, last: date) -> None:
    horizon_days = capability.problem.horizon_days
    newest = latest_matured_as_of(today_of(session.business), horizon_days=horizon_days)
    rows = list(_rows(session, capability, first_of_months(first, min(last, newest))))
    sys.stdout.write(f"\n{closing(rows)}\n\n" if rows else "\n")


def _rows(session: Session, capability: SupervisedCapability, days: Iterable[date]) -> Iterator[BacktestRow]:
    sys.stdout.write(f"{capability.spec.question}\n\n{HEADER}\n")
    for day in days:
        try:
            row = backtest_date(capability, session.run_context(capability, as_of=day, run_id=RUN_ID))
        except (InsufficientData, LeakDetected) as refusal:
            sys.stdout.write(f"| {day} | refused: {refusal} |\n")
            continue
        sys.stdout.write(f"{line(row)}\n")
        sys.stdout.flush()
        yield row


def line(row: BacktestRow) -> str:
    """Format one as-of date as a row of the Markdown table."""
    others = " | ".join(
        f"{row.ranker_auc[name]:.3f}" if name in row.ranker_auc else "" for name in (BG_NBD, LOGISTIC)
    )
    return (
        f"| {row.as_of} | {row.cohort_size:,} | {row.observed:,} | {row.total.value:,.0f} "
        f"| {row.total.lo:,.0f} to {row.total.hi:,.0f} | {row.miss:+.0%} | {row.ranker} | {row.auc:.3f} "
        f"| {row.baseline_auc:.3f} | {others} | {row.auc_difference.value:+.3f} "
        f"[{row.auc_difference.lo:+.3f}, {row.auc_difference.hi:+.3f}] | {row.slope:.2f} "
        f"| {row.decision} |"
    )


def closing(rows: list[BacktestRow]) -> str:
    """Summarise the whole table in one sentence."""
    errors = np.abs([each.miss for each in rows])
    widths = [(each.total.hi - each.total.lo) / each.total.value for each in rows]
    inside = sum(each.is_inside for each in rows)
    return (
        f"mean AUC {np.mean([each.auc for each in rows]):.4f} "
        f"({_other_means(rows)}); "
        f"error of the total: median {np.median(errors):.1%}, largest {errors.max():.0%}; "
        f"{inside} of {len(rows)} totals inside their 95 % interval, "
        f"whose median width is {np.median(widths):.0%} of the total (largest {max(widths):.0%})"
    )


def _other_means(rows: list[BacktestRow]) -> str:
    """Mean AUC of the rate by recency, and of the rankers that could be fitted on every date."""
    found = {"recency": np.mean([each.baseline_auc for each in rows])} | {
        name: np.mean([each.ranker_auc[name] for each in rows])
        for name in RANKERS
        if all(name in each.ranker_auc for each in rows)
    }
    return ", ".join(f"{name} {value:.4f}" for name, value in found.items())


def _print_value_backtest(session: Session, *, first: date, last: date) -> None:
    """Print the table of lifetime value and the totals by decile of its newest window."""
    newest = min(last, newest_as_of_day(session.business))
    days = first_of_months(first, newest)[::-MONTHS_BETWEEN_WINDOWS]
    sys.stdout.write(f"{LIFETIME_VALUE.spec.question}\n\n{VALUE_HEADER}\n")
    found: Backtest | None = None
    for day in reversed(days):
        context = session.run_context(LIFETIME_VALUE, as_of=day, run_id=RUN_ID)
        tested = run_backtest(context.data, serving=serving_amount_model(context.champion()))
        if tested.choice:
            found = tested
            sys.stdout.write("\n".join(value_rows(found)) + "\n")
            sys.stdout.flush()
    if found is not None:
        sys.stdout.write(f"\nBy decile, 10 the highest, from {found.windows[found.lead].cohort.as_of}:\n\n")
        sys.stdout.write(value_by_decile(found).to_string() + "\n\n")


def value_rows(found: Backtest) -> Iterator[str]:
    """Format the models of each horizon's window as rows of the Markdown table."""
    for days, window in found.windows.items():
        yield from _window_rows(found, window, days=days)


def _window_rows(found: Backtest, window: BacktestWindow, *, days: int) -> Iterator[str]:
    resamples = resamples_of(LIFETIME_VALUE.problem, window.cohort.known.entities)
    start = f"| {window.cohort.as_of} | {days}"
    for model, predicted in window.predictions.items():
        metrics = percentile_intervals(amount_accuracy(window.amount, window.value(model), resamples))
        lo, hi = (each[:, window.column] for each in (predicted.value_lo, predicted.value_hi))
        covered = "" if model == BASELINE else f"{coverage(window.amount, lo, hi, resamples).value:.0%}"
        totals = f"{window.value(model).sum():,.0f} | {window.amount.sum():,.0f}"
        yield (
            f"{start} | {model} | {totals} | {metrics['wape'].value:.3f} "
            f"| {metrics['deviance'].value:.3f} | {metrics['gini'].value:.3f} | {covered} "
            f"| {window.level.sd:.2f} | {_value_decision(found, model, days=days)} |"
        )
    for refusal in window.refusals.values():
        yield f"{start} | refused: {refusal} |"


def _value_decision(found: Backtest, model: str, *, days: int) -> str:
    best = found.result(days)
    if best is None or best.amount_model != model:
        return ""
    if best.is_sound:
        return "promote"
    reasons = best.defects or (f"deviance differs from the baseline's by {best.against_baseline}",)
    return f"withhold: {'; '.join(reasons)}"


def value_by_decile(found: Backtest) -> pd.DataFrame:
    """Return predicted and observed totals of one window, shape (10, 3 x models).

    One block of columns for the best model, by its own deciles, and one for the baseline.
    """
    best = found.choice.best.amount_model if found.choice else BASELINE
    window = found.windows[found.lead]
    return pd.concat({name: _by_decile(window, name) for name in dict.fromkeys((best, BASELINE))}, axis=1)


def _by_decile(window: BacktestWindow, model: str) -> pd.DataFrame:
    groups = group_totals(
        window.amount,
        window.value(model),
        resamples_of(LIFETIME_VALUE.problem, window.cohort.known.entities),
        quarters=window.cohort.quarters,
        period_sd=0.0,
    )
    rows = groups.loc[groups["slice_name"] == TENTHS].set_index("bin").sort_index(ascending=False)
    return pd.DataFrame(
        {
            "n": rows["n"],
            "predicted": (rows["n"] * rows["mean_predicted"]).round(),
            "observed": (rows["n"] * rows["mean_observed"]).round(),
        }
    )


if __name__ == "__main__":
    sys.exit(main())
