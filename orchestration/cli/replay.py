"""Walk as-of days through history as production would have lived them: ``make replay FROM=… TO=…``."""

import argparse
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Self

import dagster as dg

from assets.calendar import as_of_days, first_of_months, latest_matured_as_of
from assets.ingest.config.business import BusinessInvalid
from assets.lifecycle.retrain_triggers import pending_trigger
from assets.lifecycle.store import control_tables
from assets.monitoring.replay.report import closing, date_line, markdown, page, replayed
from assets.ports import Warehouse
from assets.supervised.problem import PredictionProblem
from orchestration.capabilities import PROBLEMS
from orchestration.definitions import defined, newest_as_of_day
from orchestration.jobs import PUBLISH, REFRESH, REPLAY, RETRAIN, Stages
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.sensors import tags_of
from orchestration.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One business whose past is lived again, job by job, in this process; it begins on ``first_day``."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    warehouse: Warehouse
    stages: Stages
    first_day: date

    @classmethod
    def of(cls, settings: Settings, *, first_day: date) -> Self:
        """The past of the business that ``settings`` name."""
        definitions, stages = defined(settings)
        return cls(
            definitions=definitions,
            instance=dg.DagsterInstance.get(),
            warehouse=DuckDBWarehouse(database=str(settings.warehouse_file)),
            stages=stages,
            first_day=first_day,
        )

    def run(
        self,
        job: str,
        day: date,
        *,
        tags: Mapping[str, str] = MappingProxyType({}),
        only: Iterable[dg.AssetKey] | None = None,
    ) -> bool:
        """Run ``job`` for the morning of ``day``, or ``only`` some of its assets; whether it succeeded."""
        whole, started = self.definitions.resolve_job_def(job), time.monotonic()
        # dbt tells hundreds of lines a morning; what fails is told by the narrator.
        with redirect_stdout(StringIO()):
            result = whole.execute_in_process(
                instance=self.instance,
                partition_key=day.isoformat(),
                tags=dict(tags),
                run_config={"loggers": {"narrator": {"config": {"is_brief": True}}}},
                raise_on_error=False,
                asset_selection=None if only is None else sorted(only),
            )
        if not result.success:
            sys.stderr.write(f"{day}: {job} STOPPED after {time.monotonic() - started:.0f} s\n")
        return result.success

    def live(self, day: date) -> None:
        """One morning: score with that day's champion, look back, and retrain when there is a cause."""
        started = time.monotonic()
        unserved = {dg.AssetKey(each.scores) for each in PROBLEMS if not self._has_model(each, day)}
        self.run(REPLAY, day, only=self._made_by(REPLAY) - unserved)
        for problem in PROBLEMS:
            cause = pending_trigger(problem, self.warehouse, as_of=day)
            if cause is not None and self._can_learn(problem, day):
                sys.stderr.write(
                    f"{day}: retraining {problem.name}, because {cause.trigger}: {cause.reasons}\n"
                )
                # Published once, at the end: nobody reads the snapshots of mornings long gone.
                asked = set(self.stages.assets_to_retrain(problem.name)) - self._made_by(PUBLISH)
                self.run(RETRAIN, day, tags=tags_of(cause), only=asked)
        for problem in PROBLEMS:
            line = date_line(replayed(problem, self.warehouse, [day]))
            sys.stderr.write(f"{line} ({problem.name}, {time.monotonic() - started:.0f} s)\n")

    def _made_by(self, job: str) -> set[dg.AssetKey]:
        return set(self.definitions.resolve_job_def(job).asset_layer.selected_asset_keys)

    def _has_model(self, problem: PredictionProblem, day: date) -> bool:
        if not self.warehouse.exists(problem.champion):
            return False
        return control_tables.champion_as_of(problem, self.warehouse, as_of=day) is not None

    def _can_learn(self, problem: PredictionProblem, day: date) -> bool:
        """Whether the outcome of any morning before ``day`` is known by then."""
        return latest_matured_as_of(day, horizon_days=problem.horizon_days) >= self.first_day


def main(arguments: list[str]) -> int:
    """Replay, publish and write the page; returns the process's exit code."""
    asked, settings = _parsed(arguments), Settings()
    try:
        business = settings.load_business()
        history = History.of(settings, first_day=business.first_as_of_day)
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
