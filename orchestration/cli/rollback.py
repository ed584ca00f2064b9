"""Back to the previous champion, scored and published again: ``make rollback REASON="…"``."""

import argparse
import sys
from datetime import UTC, date, datetime

import dagster as dg

from assets.ingest.config.business import BusinessInvalid
from assets.lifecycle.rollback import NothingToRollBackTo, roll_back
from assets.lifecycle.run_context import Morning
from assets.lifecycle.store.artifacts import ModelIntegrityError
from assets.lifecycle.store.control_tables import ChampionVersion
from orchestration.capabilities import PROBLEMS
from orchestration.definitions import definitions_for, newest_as_of_day
from orchestration.jobs import RESCORE
from orchestration.policies import LONGEST_RUN
from orchestration.resources.locks import ResourceLocked, run_lock
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.sensors import alert_of
from orchestration.settings import Settings

# What the log has for a run of Dagster, and the turn for its holder.
RUN_ID = "rollback"


def main(arguments: list[str]) -> int:
    """Roll the named problem back; returns the process's exit code."""
    asked, settings = _parsed(arguments), Settings()
    if not asked.reason.strip():
        sys.stderr.write('say why, for the log: make rollback REASON="…"\n')
        return 2
    if not settings.warehouse_file.exists():
        sys.stderr.write(f"{settings.warehouse_file} is not there yet: nothing has ever served\n")
        return 1
    try:
        as_of = newest_as_of_day(settings.load_business())
        definitions = definitions_for(settings)
        serves = _rolled_back(asked, settings, as_of=as_of)
    except (BusinessInvalid, ResourceLocked, NothingToRollBackTo, ModelIntegrityError) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    sys.stderr.write(
        f"{asked.problem}: {serves.model_version} serves from {as_of} on; scoring and publishing\n"
    )
    return 0 if _published(definitions, settings, as_of=as_of) else 1


def _published(definitions: dg.Definitions, settings: Settings, *, as_of: date) -> bool:
    """Score and publish the morning again; whether that succeeded."""
    result = definitions.resolve_job_def(RESCORE).execute_in_process(
        instance=dg.DagsterInstance.get(),
        partition_key=as_of.isoformat(),
        run_config={"loggers": {"console": {}}},
        raise_on_error=False,
    )
    if not result.success:
        alert_of(result, settings.alerts_file)
        sys.stderr.write("The rows of before are still published: mend the cause, then launch rescore\n")
    return result.success


def _rolled_back(asked: argparse.Namespace, settings: Settings, *, as_of: date) -> ChampionVersion:
    """The version that serves again, installed while no run of this business is at work."""
    warehouse = DuckDBWarehouse(database=str(settings.warehouse_file))
    morning = Morning(
        problem=next(problem for problem in PROBLEMS if problem.name == asked.problem),
        warehouse=warehouse,
        models=FolderModelStore(root=str(settings.folder / "models")),
        as_of=as_of,
        run_id=RUN_ID,
        now=datetime.now(tz=UTC).replace(tzinfo=None),
    )
    with run_lock(warehouse.lock_file, run_id=RUN_ID, timeout=LONGEST_RUN, log=print):
        return roll_back(morning, reason=asked.reason)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem", choices=[problem.name for problem in PROBLEMS], default=PROBLEMS[0].name)
    parser.add_argument("--reason", required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
