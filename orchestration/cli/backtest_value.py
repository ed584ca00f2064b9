"""The rivals for lifetime value on windows of the past: second half of ``make backtest``."""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pandas as pd

from assets.calendar import first_of_months
from assets.lifetime_value.backtest import BASELINE, BacktestWindow
from assets.lifetime_value.group_totals import WHOLE, group_totals
from assets.lifetime_value.judge import resamples_of
from assets.lifetime_value.problem import LIFETIME_VALUE
from assets.lifetime_value.propose import BackTest, ValueMorning, back_test
from assets.metrics.amounts import amount_accuracy, coverage
from assets.metrics.bootstrap import percentile_intervals
from orchestration.definitions import newest_as_of_day
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings

HEADER = (
    "| window from | rival | predicted | realised | WAPE | deviance | Gini | 80 % intervals held | period sd "
    "| verdict |\n|---|---|--:|--:|--:|--:|--:|--:|--:|---|"
)
MONTHS_BETWEEN = 3


def lines(found: BackTest) -> Iterator[str]:
    """One row per rival of one window, in Markdown."""
    window = found.looked_back[0]
    resamples = resamples_of(LIFETIME_VALUE, window)
    for rival, said in window.said.items():
        told = percentile_intervals(amount_accuracy(window.amount, window.value(rival), resamples))
        lo, hi = (each[:, window.column] for each in (said.value_lo, said.value_hi))
        held = "" if rival == BASELINE else f"{coverage(window.amount, lo, hi, resamples).value:.0%}"
        totals = f"{window.value(rival).sum():,.0f} | {window.amount.sum():,.0f}"
        yield (
            f"| {window.cohort.as_of} | {rival} | {totals} "
            f"| {told['wape'].value:.3f} | {told['deviance'].value:.3f} | {told['gini'].value:.3f} | {held} "
            f"| {found.period_sd:.2f} | {_verdict(found, rival)} |"
        )
    for refusal in window.refusals.values():
        yield f"| {window.cohort.as_of} | refused: {refusal} |"


def _verdict(found: BackTest, rival: str) -> str:
    if found.best is None or found.best.recipe != rival:
        return ""
    return "promote" if found.decision.promote else f"refuse: {'; '.join(found.decision.reasons)}"


def tenths(found: BackTest) -> pd.DataFrame:
    """Predicted and realised totals of one window by tenth of the best recipe, and the naive rival's own."""
    window = found.looked_back[0]
    rival = found.best.recipe if found.best else BASELINE
    both = {name: _tenths(window, name) for name in dict.fromkeys((rival, BASELINE))}
    return pd.concat(both, axis=1)


def _tenths(window: BacktestWindow, rival: str) -> pd.DataFrame:
    groups = group_totals(
        window.amount,
        window.value(rival),
        resamples_of(LIFETIME_VALUE, window),
        quarters=window.cohort.quarters,
        period_sd=0.0,
    )
    rows = groups.loc[groups["slice_name"] == WHOLE].set_index("bin").sort_index(ascending=False)
    return pd.DataFrame(
        {
            "n": rows["n"],
            "predicted": (rows["n"] * rows["mean_predicted"]).round(),
            "realised": (rows["n"] * rows["actual_rate"]).round(),
        }
    )


def main(arguments: list[str]) -> int:
    """Print the table of rivals and the tenths of the newest window; returns the process's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date.min)
    parser.add_argument("--to", dest="last", type=date.fromisoformat, default=date.max)
    asked = parser.parse_args(arguments)
    settings = Settings()
    business = settings.load_business()
    first = max(asked.first, business.first_as_of_day)
    days = first_of_months(first, min(asked.last, newest_as_of_day(business)))[::-MONTHS_BETWEEN]
    sys.stdout.write(f"\n{LIFETIME_VALUE.question}\n\n{HEADER}\n")
    newest: BackTest | None = None
    for day in reversed(days):
        found = back_test(_morning(settings, day))
        if not found.looked_back:
            continue
        newest = found
        sys.stdout.write("\n".join(lines(found)) + "\n")
        sys.stdout.flush()
    if newest is not None:
        sys.stdout.write(f"\nBy tenth, 10 the highest, from {newest.looked_back[0].cohort.as_of}:\n\n")
        sys.stdout.write(tenths(newest).to_string() + "\n")
    return 0


def _morning(settings: Settings, day: date) -> ValueMorning:
    return ValueMorning(
        problem=LIFETIME_VALUE,
        warehouse=DuckDBWarehouse(database=str(settings.warehouse_file)),
        models=FolderModelStore(root=str(settings.folder / "models")),
        as_of=day,
        run_id="backtest",
        now=datetime.now(tz=UTC).replace(tzinfo=None),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
