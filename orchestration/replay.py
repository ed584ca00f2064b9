"""Walk as-of days through history as production would have lived them: ``make replay FROM=… TO=…``."""

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Self

import dagster as dg

from assets.calendar import as_of_days, first_of_months
from assets.ingest.sources import BusinessInvalid
from assets.lifecycle.causes import TRIGGER_TAG, WINDOWS_TAG, wanted
from assets.monitoring.replayed import closing, markdown, page, replayed
from assets.ports import Warehouse
from orchestration.definitions import PROBLEMS, defined, newest_as_of_day
from orchestration.jobs import PUBLISH, REFRESH, REPLAY, RETRAIN, Stages
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One business whose past is lived again, job by job, in this process."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    warehouse: Warehouse
    stages: Stages

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The past of the business that ``settings`` name."""
        definitions, stages = defined(settings)
        return cls(
            definitions=definitions,
            instance=dg.DagsterInstance.get(),
            warehouse=DuckDBWarehouse(database=str(settings.warehouse_file)),
            stages=stages,
        )

    def run(
        self,
        job: str,
        day: date,
        *,
        tags: Mapping[str, str] | None = None,
        assets: Sequence[dg.AssetKey] | None = None,
    ) -> bool:
        """Run ``job``, or only its ``assets``, for the morning of ``day``; returns whether it succeeded."""
        started = time.monotonic()
        result = self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=day.isoformat(),
            asset_selection=assets,
            tags=tags,
            run_config={"loggers": {"narrator": {}}},
            raise_on_error=False,
        )
        sys.stderr.write(
            f"{day}: {job} {'done' if result.success else 'STOPPED'} in {time.monotonic() - started:.0f} s\n"
        )
        return result.success

    def live(self, day: date) -> None:
        """One morning: score with that day's champion, look back, and retrain when there is a cause."""
        self.run(REPLAY, day)
        for problem in PROBLEMS:
            cause = wanted(problem, self.warehouse, as_of=day)
            if cause is not None:
                tags = {TRIGGER_TAG: cause.trigger, WINDOWS_TAG: str(cause.windows_violated)}
                sys.stderr.write(
                    f"{day}: retraining {problem.name}, because {cause.trigger}: {cause.reasons}\n"
                )
                self.run(RETRAIN, day, tags=tags, assets=self.stages.answering(problem.name))


def main(arguments: list[str]) -> int:
    """Replay, publish and write the page; returns the process's exit code."""
    asked = _parsed(arguments)
    settings = Settings()
    try:
        business = settings.load_business()
        history = History.of(settings)
    except BusinessInvalid as invalid:
        sys.stderr.write(f"{invalid}\n")
        return 2
    first, last = max(asked.first, business.first_as_of_day), min(asked.last, newest_as_of_day(business))
    days = first_of_months(first, last) if asked.every == "month" else as_of_days(first, last)
    if not days:
        sys.stderr.write(f"no as-of day in {first} to {last}\n")
        return 2
    started = time.monotonic()
    if not history.run(REFRESH, days[0]):
        return 1
    for day in days:
        history.live(day)
    published = history.run(PUBLISH, days[-1])
    _report(days, history.warehouse, folder=settings.reports_dir, seconds=time.monotonic() - started)
    return 0 if published else 1


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date.min)
    parser.add_argument("--to", dest="last", type=date.fromisoformat, default=date.max)
    parser.add_argument("--every", choices=("week", "month"), default="month")
    return parser.parse_args(arguments)


def _report(days: Iterable[date], warehouse: Warehouse, *, folder: Path, seconds: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lived = list(days)
    for problem in PROBLEMS:
        rows = replayed(problem, warehouse, lived)
        file = folder / f"replay_{problem.name}.html"
        file.write_text(page(problem, rows), encoding="utf-8")
        sys.stdout.write(f"{problem.question}\n\n{markdown(rows)}\n\n{closing(rows)}\n{file}\n")
    sys.stdout.write(f"took {seconds:,.0f} s, {seconds / len(lived):,.0f} s per as-of day\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
