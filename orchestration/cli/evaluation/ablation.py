"""Feature ablation, one table per supervised capability: ``make ablation BUSINESS=…``."""

import sys
import time
from collections.abc import Iterator

from assets.features.matrix import LeakDetected
from assets.lifecycle.capability import InsufficientData
from assets.metrics.bootstrap import Interval
from assets.supervised.capability import SupervisedCapability
from assets.supervised.evaluation.ablation import Ablation, ablate
from orchestration.capabilities import CAPABILITIES
from orchestration.cli.session import Session, command, peak_memory
from orchestration.definitions import newest_as_of_day
from orchestration.settings import Settings

RUN_ID = "ablation"
REPORT = "ablation.md"
HEADER = (
    "| feature group | features | change of log loss [95 %] | change of AUC [95 %] | verdict |\n"
    "|---|--:|--:|--:|---|"
)


@command
def main() -> int:
    """Print one table per supervised capability and write them to the reports; returns the exit code."""
    started, session = time.monotonic(), Session.open(Settings())
    session.require_warehouse()
    texts = []
    for each in CAPABILITIES:
        if isinstance(each, SupervisedCapability):
            texts.append("\n".join(_lines(session, each)) + "\n")
            sys.stdout.write(f"{texts[-1]}\n")
            sys.stdout.flush()
    report = session.settings.reports_dir / REPORT
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("\n".join(texts), encoding="utf-8")
    sys.stdout.write(f"written to {report}; took {time.monotonic() - started:,.0f} s, {peak_memory()}\n")
    return 0


def _lines(session: Session, capability: SupervisedCapability) -> Iterator[str]:
    as_of = newest_as_of_day(session.business)
    yield f"{capability.spec.question} As of {as_of}\n\n{HEADER}"
    run = session.run_context(capability, as_of=as_of, run_id=RUN_ID)
    try:
        yield from map(line, ablate(capability.problem, run.data))
    except (InsufficientData, LeakDetected) as refusal:
        yield f"| refused: {refusal} |"


def line(row: Ablation) -> str:
    """Format one feature group as a row of the Markdown table."""
    return (
        f"| {row.group.name} | {len(row.group.columns)} | {_signed(row.log_loss)} | {_signed(row.auc)} "
        f"| {row.verdict} |"
    )


def _signed(of: Interval) -> str:
    return f"{of.value:+.4f} [{of.lo:+.4f}, {of.hi:+.4f}]"


if __name__ == "__main__":
    sys.exit(main())
