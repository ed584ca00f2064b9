"""Schedules and sensors, the alert of a failed run, and the job that erases customers."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg

from assets.defs import PARTITION_TAG
from assets.lifecycle.retrain_triggers import TRIGGER_TAG, WINDOWS_TAG, RetrainTrigger
from assets.ports import Vault, Warehouse
from assets.privacy.erasure.erase import Erased, ErasureIncomplete
from assets.privacy.vault_key import VaultKeyRefused
from orchestration import policies
from orchestration.jobs import REFRESH, RETRAIN, SCORE
from orchestration.resources.locks import ResourceLocked

# Enough of a file to tell it from another of the same length, however large it is.
FINGERPRINTED_BYTES = 65_536

ERASE_SUBJECTS = "erase_subjects"

Erase = Callable[[Warehouse, Vault], Erased | None]


def schedules(*, time_zone: str, newest: Callable[[date], date]) -> list[dg.ScheduleDefinition]:
    """A daily refresh and a weekly score, each for the newest as-of day, in the business's time zone.

    Args:
        time_zone: Where the business's clocks hang.
        newest: The newest as-of day of the business on a given day of its calendar.
    """

    def asked(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        scheduled = context.scheduled_execution_time
        as_of = newest(scheduled.date()).isoformat()
        return dg.RunRequest(run_key=f"{scheduled:%Y-%m-%d %H:%M}", partition_key=as_of)

    return [
        dg.ScheduleDefinition(
            name=f"{job}_schedule",
            job_name=job,
            cron_schedule=cron,
            execution_timezone=time_zone,
            execution_fn=asked,
            default_status=(
                dg.DefaultScheduleStatus.RUNNING
                if f"{job}_schedule" in policies.ON_BY_DEFAULT
                else dg.DefaultScheduleStatus.STOPPED
            ),
            description=f"{text} ({time_zone}).",
        )
        for job, cron, text in (
            (REFRESH, policies.REFRESH_AT, "Every day at five"),
            (SCORE, policies.SCORE_AT, "Every Monday at six"),
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportsCursor:
    """What the sensor remembers between two looks, whoever restarts in between.

    Attributes:
        seen: Fingerprint of the files at the last look.
        asked: Fingerprint for which a refresh was asked last.
        times: How often one was asked; files may return to what they were, and that is a change too.
    """

    seen: str = ""
    asked: str = ""
    times: int = 0

    @classmethod
    def remembered(cls, cursor: str | None) -> "ExportsCursor":
        """From Dagster's cursor; of nothing at the very first look."""
        return cls(**json.loads(cursor)) if cursor else cls()

    @property
    def cursor(self) -> str:
        """As Dagster keeps it."""
        return json.dumps(asdict(self))


def exports_landed_sensor(
    files: Callable[[], Iterable[Path]], *, newest: Callable[[], date]
) -> dg.SensorDefinition:
    """Refreshes once for each change among the delivered files, when two looks in a row saw the same."""

    @dg.sensor(
        name="exports_landed_sensor",
        default_status=policies.status_of("exports_landed_sensor"),
        job_name=REFRESH,
        minimum_interval_seconds=int(policies.EXPORTS_CHECK_EVERY.total_seconds()),
        description="Launches refresh when a delivered file is new, changed or gone, and no longer moving.",
    )
    def _landed(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before, found = ExportsCursor.remembered(context.cursor), sorted(files())
        now = replace(before, seen=quick_fingerprint(found))
        if not found:
            return dg.SensorResult(skip_reason="no export has been delivered yet", cursor=now.cursor)
        if now.seen == now.asked:
            return dg.SensorResult(skip_reason=f"nothing new among {len(found)} files", cursor=now.cursor)
        if now.seen != before.seen:
            # Half a file would land as a broken one.
            return dg.SensorResult(skip_reason="files are still arriving", cursor=now.cursor)
        asked = replace(now, asked=now.seen, times=now.times + 1)
        request = dg.RunRequest(run_key=asked.cursor, partition_key=newest().isoformat())
        return dg.SensorResult(run_requests=[request], cursor=asked.cursor)

    return _landed


def quick_fingerprint(files: Iterable[Path]) -> str:
    """A fingerprint of ``files`` that reads only the beginning of each.

    Not the time of change: the sample shop writes the same bytes again, and that is nothing new.
    """
    digest = hashlib.sha256()
    for file in files:
        # Gone since it was listed: the next look sees that.
        with suppress(FileNotFoundError), file.open("rb") as stream:
            digest.update(f"{file}\0{file.stat().st_size}\0".encode() + stream.read(FINGERPRINTED_BYTES))
    return digest.hexdigest()


def retrain_triggered_sensor(
    triggers: Callable[[], Iterable[RetrainTrigger]],
    *,
    assets_to_retrain: Callable[[str], Sequence[dg.AssetKey]],
) -> dg.SensorDefinition:
    """Launch ``retrain`` once for each trigger: its key is the run key, which Dagster remembers.

    Args:
        triggers: The pending retrain triggers.
        assets_to_retrain: Assets of the job by the name of the capability; other models are left alone.
    """

    @dg.sensor(
        name="retrain_triggered_sensor",
        default_status=policies.status_of("retrain_triggered_sensor"),
        job_name=RETRAIN,
        minimum_interval_seconds=int(policies.TRIGGERS_CHECK_EVERY.total_seconds()),
        description=(
            "Launches retrain when no champion serves, published scores do not match outcomes, training data "
            "was erased, features have drifted or the champion is old; at most one attempt in two weeks."
        ),
    )
    def _triggered() -> Iterator[dg.RunRequest | dg.SkipReason]:
        try:
            found = list(triggers())
        except ResourceLocked as held:
            yield dg.SkipReason(f"{held}; the next tick looks again")
            return
        if not found:
            yield dg.SkipReason("no trigger to retrain")
        for trigger in found:
            yield retrain_request(trigger, assets_to_retrain(trigger.capability))

    return _triggered


def retrain_request(trigger: RetrainTrigger, assets: Sequence[dg.AssetKey]) -> dg.RunRequest:
    """The run that materializes ``assets`` for ``trigger``."""
    return dg.RunRequest(
        run_key=trigger.key,
        partition_key=trigger.as_of.isoformat(),
        asset_selection=assets,
        tags=tags_of(trigger),
    )


def tags_of(trigger: RetrainTrigger) -> dict[str, str]:
    """Tags of the run for ``trigger``."""
    return {TRIGGER_TAG: trigger.trigger, WINDOWS_TAG: str(trigger.windows_violated)}


def run_failed_sensor(alerts: Path) -> dg.SensorDefinition:
    """Writes each failed run as one JSON line into ``alerts``, for whatever pages people."""

    @dg.run_failure_sensor(
        name="run_failed_sensor",
        default_status=policies.status_of("run_failed_sensor"),
        description=f"Appends each failed run, its steps and the reason to reports/{alerts.name}.",
    )
    def _failed(context: dg.RunFailureSensorContext) -> None:
        words = context.failure_event.message or ""
        alert(alerts, context.dagster_run, context.get_step_failure_events(), otherwise=words)

    return _failed


def alert(file: Path, run: dg.DagsterRun, failures: Iterable[dg.DagsterEvent], *, otherwise: str) -> None:
    """Append one line about ``run`` to ``file``, whose folder need not be there.

    Args:
        file: Lines of JSON, oldest first.
        run: The run that failed.
        failures: What became of its failed steps.
        otherwise: The reason when no step failed: the run was killed, for one.
    """
    steps = {event.step_key: innermost_error(event) for event in failures}
    line = {
        "noticed_at": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "job": run.job_name,
        "run_id": run.run_id,
        "partition": run.tags.get(PARTITION_TAG),
        "steps": list(steps),
        "reason": "; ".join(steps.values()) or " ".join(otherwise.split()),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


def alert_of(result: dg.ExecuteInProcessResult, file: Path) -> None:
    """Append the line of a failed run that a terminal made: no sensor hears of those."""
    words = result.get_run_failure_event().message or ""
    alert(file, result.dagster_run, result.get_step_failure_events(), otherwise=words)


def innermost_error(event: dg.DagsterEvent) -> str:
    """The innermost error of a failed step, in one line: what a person can act on."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return " ".join(error.message.split()) if error else event.message or ""


def erase_job(erase: Erase) -> dg.JobDefinition:
    """The job; whom to erase is read from the file and is in no configuration and no log."""

    @dg.op(name="erased_subjects", pool="warehouse")
    def _erased(
        context: dg.OpExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        vault: dg.ResourceParam[Vault],
    ) -> None:
        try:
            done = erase(warehouse, vault)
        except (ErasureIncomplete, VaultKeyRefused) as refused:
            raise dg.Failure(str(refused), allow_retries=False) from None
        if done is None:
            context.log.info("nobody asked to be erased")
            return
        context.log.info(
            f"{done.people} people, {done.rows_removed} rows, {done.values_forgotten} values of the vault"
        )

    @dg.job(
        name=ERASE_SUBJECTS,
        executor_def=dg.in_process_executor,
        tags=dict(policies.RUN_TAGS),
        description="Erase whoever stands in the file of requests, and whoever was begun before.",
    )
    def _job() -> None:
        _erased()

    return _job


def erasure_requested_sensor(requests: Path) -> dg.SensorDefinition:
    """Launches the job once for each state of the file ``requests``."""

    @dg.sensor(
        name="erasure_requested_sensor",
        job_name=ERASE_SUBJECTS,
        minimum_interval_seconds=int(policies.ERASURES_CHECK_EVERY.total_seconds()),
        default_status=policies.status_of("erasure_requested_sensor"),
        description=f"Launches {ERASE_SUBJECTS} when {requests.name} has requests, and when it changed.",
    )
    def _requested() -> dg.RunRequest | dg.SkipReason:
        if not requests.exists():
            return dg.SkipReason("nobody asked to be erased")
        # A request that failed is tried again when the file is written again; the key names nobody.
        asked = f"{requests.stat().st_mtime_ns}".encode() + requests.read_bytes()
        return dg.RunRequest(run_key=hashlib.sha256(asked).hexdigest())

    return _requested
