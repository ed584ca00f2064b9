"""Back to the previous champion, scored and published again: ``make rollback REASON="…"``."""

import argparse
import sys
from datetime import UTC, datetime

import dagster as dg

from assets.lifecycle.morning import Morning
from assets.lifecycle.register import ModelFileRefused
from assets.lifecycle.rollback import NothingToRollBackTo, roll_back
from orchestration.definitions import PROBLEMS, definitions_for, newest_as_of_day
from orchestration.jobs import RESCORE
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings


def main(arguments: list[str]) -> int:
    """Roll the named problem back; returns the process's exit code."""
    asked = _parsed(arguments)
    settings = Settings()
    as_of = newest_as_of_day(settings.load_business())
    definitions, instance = definitions_for(settings), dg.DagsterInstance.get()
    morning = Morning(
        problem=next(problem for problem in PROBLEMS if problem.name == asked.problem),
        warehouse=DuckDBWarehouse(database=str(settings.warehouse_file)),
        models=FolderModelStore(root=str(settings.folder / "models")),
        as_of=as_of,
        run_id="rollback",
        now=datetime.now(tz=UTC).replace(tzinfo=None),
    )
    try:
        serves = roll_back(morning, reason=asked.reason)
    except (NothingToRollBackTo, ModelFileRefused) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    sys.stderr.write(
        f"{asked.problem}: {serves.model_version} serves from {as_of} on; scoring and publishing\n"
    )
    result = definitions.resolve_job_def(RESCORE).execute_in_process(
        instance=instance, partition_key=as_of.isoformat(), raise_on_error=False
    )
    return 0 if result.success else 1


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem", choices=[problem.name for problem in PROBLEMS], default=PROBLEMS[0].name)
    parser.add_argument("--reason", required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
