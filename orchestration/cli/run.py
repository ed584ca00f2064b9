"""Run the main job for the newest as-of date of one business: ``make run``."""

import sys
import time

from orchestration.cli.session import Session, command, peak_memory
from orchestration.cli.summary import facts_of, summary
from orchestration.definitions import definitions_for, newest_as_of_day
from orchestration.jobs import PREDICT_AND_PUBLISH
from orchestration.settings import Settings


@command
def main() -> int:
    """Run the main job and print its summary; returns the exit code."""
    started = time.monotonic()
    settings = Settings()
    session = Session.open(settings)
    session.require_layout()
    definitions = definitions_for(settings)
    as_of = newest_as_of_day(session.business)
    sys.stderr.write(f"{session.business.title}, as-of date {as_of}\n")
    if not session.run_job(definitions, PREDICT_AND_PUBLISH, as_of=as_of):
        sys.stderr.write(_failed(settings))
        return 1
    facts = facts_of(session.warehouse, settings.snapshot_file)
    text = summary(facts, as_of=as_of, snapshot=settings.snapshot_file)
    sys.stdout.write(f"{text}\n\n   took {time.monotonic() - started:,.0f} s, {peak_memory()}\n\n")
    return 0


def _failed(settings: Settings) -> str:
    consequence = (
        "the tables published by the last successful run are unchanged"
        if settings.snapshot_file.exists()
        else "nothing was published"
    )
    return f"\nThe run failed: {consequence}. The reason is above; `make ui` shows every step and check.\n"


if __name__ == "__main__":
    sys.exit(main())
