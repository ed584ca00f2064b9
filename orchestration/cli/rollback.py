"""Roll back to the previous champion, score and publish again: ``make rollback REASON="…"``."""

import sys

from assets.lifecycle.promotion import roll_back
from orchestration.capabilities import CAPABILITIES
from orchestration.cli.session import Session, UsageError, command
from orchestration.definitions import definitions_for, newest_as_of_day
from orchestration.jobs import RESCORE
from orchestration.settings import Options, Settings

# Run id in the retrain log and in the run lock.
RUN_ID = "rollback"


class RollbackOptions(Options):
    """The capability and the reason, which is written into the retrain log."""

    reason: str = ""
    capability: str = CAPABILITIES[0].spec.name


@command
def main() -> int:
    """Roll back the named capability; returns the exit code.

    Raises:
        UsageError: If the reason is empty or no capability has the name; ``command`` prints it.
    """
    options, settings = RollbackOptions(), Settings()
    if not options.reason.strip():
        raise UsageError('give a reason for the log: make rollback REASON="…"')
    capabilities = {each.spec.name: each for each in CAPABILITIES}
    if options.capability not in capabilities:
        raise UsageError(f"{options.capability!r} is no capability: choose of {', '.join(capabilities)}")
    session = Session.open(settings)
    session.require_warehouse()
    as_of = newest_as_of_day(session.business)
    definitions = definitions_for(settings)
    run = session.run_context(capabilities[options.capability], as_of=as_of, run_id=RUN_ID)
    # The lock ends before the job starts, because the job takes it again.
    with session.locked(RUN_ID):
        champion = roll_back(run, reason=options.reason)
    sys.stderr.write(
        f"{options.capability}: {champion.model_version} serves from {as_of} on; scoring and publishing\n"
    )
    if session.run_job(definitions, RESCORE, as_of=as_of).success:
        return 0
    sys.stderr.write("The previous scores are still published: fix the cause, then launch the job rescore\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
