"""Replay past as-of dates as production would have run them: ``make replay FROM=… TO=…``."""

import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import dagster as dg

from assets.calendar import as_of_days, first_of_months, latest_matured_as_of
from assets.lifecycle.retrain_triggers import pending_trigger
from assets.lifecycle.spec import Spec
from assets.lifecycle.store import control_tables
from assets.monitoring.replay.report import closing, date_line, markdown, page, replayed
from assets.ports import Warehouse
from assets.supervised.capability import SupervisedCapability
from orchestration.capabilities import CAPABILITIES
from orchestration.cli.session import Session, UsageError, command
from orchestration.definitions import defined, newest_as_of_day
from orchestration.jobs import PUBLISH, REFRESH, REPLAY, RETRAIN, Stages
from orchestration.resources.code_location import COMMAND_TAGS, recording_instance
from orchestration.sensors import tags_of
from orchestration.settings import Dates, Settings

# The report compares totals of probabilities with outcomes: supervised capabilities have both.
PROBLEMS = tuple(each.problem for each in CAPABILITIES if isinstance(each, SupervisedCapability))


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Runs the jobs of past as-of dates of one business in this process."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    warehouse: Warehouse
    stages: Stages
    first_day: date

    def run_job(
        self,
        job: str,
        as_of: date,
        *,
        tags: Mapping[str, str] = MappingProxyType({}),
        only: Iterable[dg.AssetKey] | None = None,
    ) -> bool:
        """Run one job for one as-of date.

        Args:
            job: Name of the job.
            as_of: The as-of date.
            tags: Tags of the run.
            only: Assets of the job to run; all by default.

        Returns:
            Whether the run succeeded.
        """
        definition, started = self.definitions.resolve_job_def(job), time.monotonic()
        # dbt prints hundreds of lines per run; failures are printed by the console logger.
        with redirect_stdout(StringIO()):
            result = definition.execute_in_process(
                instance=self.instance,
                partition_key=as_of.isoformat(),
                tags={**COMMAND_TAGS, **tags},
                run_config={"loggers": {"console": {"config": {"is_brief": True}}}},
                raise_on_error=False,
                asset_selection=None if only is None else sorted(only),
            )
        if not result.success:
            sys.stderr.write(f"{as_of}: {job} FAILED after {time.monotonic() - started:.0f} s\n")
        return result.success

    def run_date(self, as_of: date) -> None:
        """Score one date with its champion, monitor, and retrain if a trigger is pending."""
        started = time.monotonic()
        # A capability that is fitted in every run gets its champion in the job itself.
        without_champion = {
            dg.AssetKey(table.key)
            for each in CAPABILITIES
            if each.spec.retrain == "on_trigger"
            and control_tables.champion_as_of(each.spec.champion, self.warehouse, as_of=as_of) is None
            for table in each.spec.tables
        }
        self.run_job(REPLAY, as_of, only=self._assets_of(REPLAY) - without_champion)
        for each in CAPABILITIES:
            trigger = pending_trigger(each.spec, self.warehouse, as_of=as_of)
            if trigger is not None and self._has_labels(each.spec, as_of):
                name = each.spec.name
                sys.stderr.write(f"{as_of}: retraining {name}: {trigger.trigger}: {trigger.reasons}\n")
                # Published once, at the end: snapshots of past dates have no reader.
                retrained = set(self.stages.assets_to_retrain(name)) - self._assets_of(PUBLISH)
                self.run_job(RETRAIN, as_of, tags=tags_of(trigger), only=retrained)
        for problem in PROBLEMS:
            line = date_line(replayed(problem, self.warehouse, [as_of]))
            sys.stderr.write(f"{line} ({problem.name}, {time.monotonic() - started:.0f} s)\n")

    def _assets_of(self, job: str) -> set[dg.AssetKey]:
        return set(self.definitions.resolve_job_def(job).asset_layer.selected_asset_keys)

    def _has_labels(self, spec: Spec, as_of: date) -> bool:
        """Return whether an outcome of any earlier as-of date has matured by then."""
        days = spec.outcomes[0].matures_days if spec.outcomes else 0
        return latest_matured_as_of(as_of, horizon_days=days) >= self.first_day


class ReplayOptions(Dates):
    """As-of dates to replay."""

    every: Literal["week", "month"] = "month"


@command
def main() -> int:
    """Replay, publish and write the report; returns the exit code.

    Raises:
        UsageError: If there is no as-of date in the range; ``command`` prints it.
    """
    options, session = ReplayOptions(), Session.open(Settings())
    session.require_layout()
    business = session.business
    definitions, stages = defined(session.settings)
    replay = Replay(
        definitions=definitions,
        instance=recording_instance(session.settings),
        warehouse=session.warehouse,
        stages=stages,
        first_day=business.first_as_of_day,
    )
    first, last = max(options.first, business.first_as_of_day), min(options.last, newest_as_of_day(business))
    days = first_of_months(first, last) if options.every == "month" else as_of_days(first, last)
    if not days:
        raise UsageError(f"no as-of date from {first} to {last}")
    started = time.monotonic()
    if not replay.run_job(REFRESH, days[0]):
        return 1
    for day in days:
        replay.run_date(day)
    published = replay.run_job(PUBLISH, days[-1])
    _report(days, session.warehouse, folder=session.settings.reports_dir, seconds=time.monotonic() - started)
    return 0 if published else 1


def _report(days: list[date], warehouse: Warehouse, *, folder: Path, seconds: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for problem in PROBLEMS:
        rows = replayed(problem, warehouse, days)
        file = folder / f"replay_{problem.name}.html"
        file.write_text(page(problem, rows), encoding="utf-8")
        sys.stdout.write(f"{problem.question}\n\n{markdown(rows)}\n\n{closing(rows)}\n{file}\n")
    sys.stdout.write(f"took {seconds:,.0f} s, {seconds / len(days):,.0f} s per as-of date\n")


if __name__ == "__main__":
    sys.exit(main())
