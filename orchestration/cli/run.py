"""Run the main job for the newest as-of date of one business: ``make run``."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from assets.connections import open_duckdb
from assets.monitoring.readiness.delivery import refuse_useless
from checks.data.completeness import few_rows_are_rejected
from orchestration.capabilities import CAPABILITIES
from orchestration.cli.check_data import as_of_line
from orchestration.cli.session import Session, command, peak_memory
from orchestration.cli.summary import facts_of, summary
from orchestration.definitions import defined
from orchestration.jobs import PREDICT_AND_PUBLISH
from orchestration.preview import served_date
from orchestration.settings import Options, Settings
from orchestration.terminal import new_log, quiet, quiet_terminal


class RunOptions(Options):
    """``quiet``: show one line per stage, and write the rest to a log file."""

    quiet: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """Exit code of a run, and its summary or, when nothing was published, its closing words."""

    code: int
    text: str
    is_published: bool


@command
def main() -> int:
    """Run the main job and print its summary; returns the exit code."""
    started = time.monotonic()
    options, settings = RunOptions(), Settings()
    session = Session.open(settings)
    session.require_layout()
    refuse_useless(session.business, [each.spec for each in CAPABILITIES], file=settings.business_file)
    if not options.quiet:
        end = _run(session, say=_say)
    else:
        log = new_log(settings.logs_dir)
        _say(f"{session.business.title}: the details go to {log}")
        with quiet(log) as screen:
            end = _run(session, say=screen.line)
    if end.is_published:
        took = f"   took {time.monotonic() - started:,.0f} s, {peak_memory()}"
        sys.stdout.write(f"{end.text}\n\n{took}\n\n")
    else:
        sys.stderr.write(end.text)
    return end.code


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _run(session: Session, *, say: Callable[[str], None]) -> _End:
    settings, business = session.settings, session.business
    (definitions, stages), before = defined(settings), published_run(settings.snapshot_file)
    served = served_date(settings, business)
    say(f"{business.title}, {as_of_line(served)}")
    if (screen := quiet_terminal()) is not None:
        screen.expect(stages.names_by_step)
    outcome = session.run_job(definitions, PREDICT_AND_PUBLISH, as_of=served.as_of, stages=stages)
    if not outcome.is_complete:
        text = failed(published_run(settings.snapshot_file), before=before)
        code = 2 if few_rows_are_rejected.__name__ in outcome.blocked_by else 1
        return _End(code=code, text=text, is_published=False)
    facts = facts_of(session.warehouse, settings.snapshot_file)
    text = summary(
        facts,
        as_of=served.as_of,
        snapshot=settings.snapshot_file,
        page=settings.first_page,
        failed=outcome.failed,
    )
    return _End(code=1 if outcome.failed else 0, text=text, is_published=True)


def published_run(snapshot: Path) -> str | None:
    """Run that published ``snapshot``; ``None`` if there is none, or it cannot be read."""
    if not snapshot.exists():
        return None
    try:
        with open_duckdb(snapshot, is_read_only=True, reads_files=False) as connection:
            row = connection.execute("select max_by(run_id, checked_at) from published.checks").fetchone()
    except duckdb.Error:
        return None
    return None if row is None or row[0] is None else str(row[0])


def failed(now: str | None, *, before: str | None) -> str:
    """Closing words of a failed run.

    Args:
        now: Run whose tables are served after the failure.
        before: Run whose tables were served before this one started.
    """
    if now is None:
        consequence = "nothing is published"
    elif now == before:
        consequence = f"the tables published by run {now} are still served, unchanged"
    else:
        consequence = f"it failed after publishing: its own tables, of run {now}, are served now"
    return f"\nThe run failed: {consequence}. The reason is above; `make ui` shows every step and check.\n"


if __name__ == "__main__":
    sys.exit(main())
