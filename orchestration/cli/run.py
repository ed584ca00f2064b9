"""The main job for one business, told at the terminal: ``make run``."""

import resource
import sys
import time

import dagster as dg

from assets.ingest.config.business import BusinessInvalid
from orchestration.cli.summary import facts_of, summary
from orchestration.definitions import definitions_for, newest_as_of_day
from orchestration.jobs import PREDICT_AND_PUBLISH
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.sensors import alert_of
from orchestration.settings import Settings

KIB_PER_MIB = 1024


def main() -> int:
    """Run everything for the newest as-of day; returns the process's exit code."""
    started = time.monotonic()
    settings = Settings()
    try:
        business = settings.load_business()
        definitions = definitions_for(settings)
    except BusinessInvalid as invalid:
        sys.stderr.write(f"{invalid}\n")
        return 2
    as_of = newest_as_of_day(business)
    sys.stderr.write(f"{business.title}, as of the morning of {as_of}\n")
    result = definitions.resolve_job_def(PREDICT_AND_PUBLISH).execute_in_process(
        instance=dg.DagsterInstance.get(),
        partition_key=as_of.isoformat(),
        run_config={"loggers": {"console": {}}},
        raise_on_error=False,
    )
    if not result.success:
        alert_of(result, settings.alerts_file)
        sys.stderr.write(_failed(settings))
        return 1
    warehouse = DuckDBWarehouse(database=str(settings.warehouse_file))
    told = summary(facts_of(warehouse, settings.snapshot_file), as_of=as_of, snapshot=settings.snapshot_file)
    sys.stdout.write(f"{told}\n\n   took {time.monotonic() - started:,.0f} s, {_peak()}\n\n")
    return 0


def _failed(settings: Settings) -> str:
    served = (
        "what was published before is still served"
        if settings.snapshot_file.exists()
        else "nothing was published"
    )
    return f"\nThe run failed: {served}. The reason stands above; `make ui` shows every step and check.\n"


def _peak() -> str:
    return f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB:,.0f} MiB"


if __name__ == "__main__":
    sys.exit(main())
