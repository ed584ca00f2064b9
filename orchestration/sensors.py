"""Schedules and sensors, and the job that erases customers."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import dagster as dg

from assets.lifecycle.retrain_triggers import TRIGGER_TAG, WINDOWS_TAG, RetrainTrigger
from assets.ports import Vault, Warehouse
from assets.privacy.erasure.erase import Erased, ErasureIncomplete
from assets.privacy.known_ids import UnknownCustomers
from assets.privacy.vault_key import VaultKeyRefused
from orchestration import policies
from orchestration.jobs import REFRESH, RETRAIN, SCORE
from orchestration.resources.layout import LayoutOutdated
from orchestration.resources.locks import ResourceLocked

# Enough to distinguish two files of the same length, however large they are.
FINGERPRINTED_BYTES = 65_536

ERASE_SUBJECTS = "erase_subjects"

Erase = Callable[[Warehouse, Vault], Erased | None]


def schedules(*, time_zone: str, newest: Callable[[date], date]) -> list[dg.ScheduleDefinition]:
    """Schedule a daily refresh and a weekly score for the newest as-of date.

    Args:
        time_zone: Time zone of the business, such as ``Europe/Berlin``.
        newest: Returns the newest as-of date of the business on a given day.
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
            default_status=dg.DefaultScheduleStatus(policies.status_of(f"{job}_schedule").value),
            description=f"{text} ({time_zone}).",
        )
        for job, cron, text in (
            (REFRESH, policies.REFRESH_AT, "Every day at five"),
            (SCORE, policies.SCORE_AT, "Every Monday at six"),
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportsCursor:
    """State of the sensor between two ticks; it survives restarts.

    Attributes:
        seen: Fingerprint of the files at the last tick.
        asked: Fingerprint for which a refresh was requested last.
        times: Number of requests, so that files that change back to an earlier state have a new run key.
    """

    seen: str = ""
    asked: str = ""
    times: int = 0

    @classmethod
    def remembered(cls, cursor: str | None) -> "ExportsCursor":
        """Read Dagster's cursor; ``None`` at the first tick."""
        return cls(**json.loads(cursor)) if cursor else cls()

    @property
    def cursor(self) -> str:
        """Cursor as Dagster stores it."""
        return json.dumps(asdict(self))


def exports_landed_sensor(
    files: Callable[[], Iterable[Path]], *, newest: Callable[[], date]
) -> dg.SensorDefinition:
    """Launch refresh once per change of the delivered files, after two equal ticks in a row."""

    @dg.sensor(
        name="exports_landed_sensor",
        default_status=policies.status_of("exports_landed_sensor"),
        job_name=REFRESH,
        minimum_interval_seconds=int(policies.EXPORTS_CHECK_EVERY.total_seconds()),
        description="Launches refresh when delivered files have changed and been stable for one tick.",
    )
    def _landed(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before, found = ExportsCursor.remembered(context.cursor), sorted(files())
        now = replace(before, seen=quick_fingerprint(found))
        if not found:
            return dg.SensorResult(skip_reason="no export has been delivered yet", cursor=now.cursor)
        if now.seen == now.asked:
            return dg.SensorResult(skip_reason=f"no change among {len(found)} files", cursor=now.cursor)
        if now.seen != before.seen:
            # A half-written file would be loaded as a broken one.
            return dg.SensorResult(skip_reason="files are still arriving", cursor=now.cursor)
        asked = replace(now, asked=now.seen, times=now.times + 1)
        request = dg.RunRequest(run_key=asked.cursor, partition_key=newest().isoformat())
        return dg.SensorResult(run_requests=[request], cursor=asked.cursor)

    return _landed


def quick_fingerprint(files: Iterable[Path]) -> str:
    """Fingerprint of ``files`` from their names, sizes and first bytes.

    Not from their modification times: the sample shop writes the same bytes again, which is no change.
    """
    digest = hashlib.sha256()
    for file in files:
        # Deleted since it was listed: the next tick notices.
        with suppress(FileNotFoundError), file.open("rb") as stream:
            digest.update(f"{file}\0{file.stat().st_size}\0".encode() + stream.read(FINGERPRINTED_BYTES))
    return digest.hexdigest()


def retrain_triggered_sensor(
    triggers: Callable[[], Iterable[RetrainTrigger]],
    *,
    assets_to_retrain: Callable[[str], Sequence[dg.AssetKey]],
) -> dg.SensorDefinition:
    """Launch ``retrain`` once per trigger: the run key names the trigger, and Dagster stores run keys.

    Args:
        triggers: Returns the pending triggers.
        assets_to_retrain: Returns the assets to run for the capability of that name.
    """

    @dg.sensor(
        name="retrain_triggered_sensor",
        default_status=policies.status_of("retrain_triggered_sensor"),
        job_name=RETRAIN,
        minimum_interval_seconds=int(policies.TRIGGERS_CHECK_EVERY.total_seconds()),
        description=(
            "Launches retrain when there is no champion, realised calibration is outside its tolerance, a "
            "customer was erased, features drifted or the champion is old; at most once in two weeks."
        ),
    )
    def _wanted() -> Iterator[dg.RunRequest | dg.SkipReason]:
        try:
            found = list(triggers())
        except (ResourceLocked, LayoutOutdated) as held:
            yield dg.SkipReason(f"{held}; the next tick tries again")
            return
        if not found:
            yield dg.SkipReason("no retrain trigger")
        for trigger in found:
            yield dg.RunRequest(
                run_key=trigger.key,
                partition_key=trigger.as_of.isoformat(),
                asset_selection=assets_to_retrain(trigger.capability),
                tags=tags_of(trigger),
            )

    return _wanted


def tags_of(trigger: RetrainTrigger) -> dict[str, str]:
    """Tags of a run that a trigger has launched."""
    return {TRIGGER_TAG: trigger.trigger, WINDOWS_TAG: str(trigger.windows_violated)}


def erase_job(erase: Erase) -> dg.JobDefinition:
    """Create the erasure job; the ids are read from the file and appear in no configuration and no log."""

    @dg.op(name="erased_subjects", pool="warehouse")
    def _erased(
        context: dg.OpExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        vault: dg.ResourceParam[Vault],
    ) -> None:
        try:
            done = erase(warehouse, vault)
        except (ErasureIncomplete, UnknownCustomers, VaultKeyRefused) as refused:
            raise dg.Failure(str(refused), allow_retries=False) from None
        if done is None:
            context.log.info("there is no erasure request")
            return
        context.log.info(
            f"{done.people} people, {done.rows_removed} rows, {done.values_forgotten} values of the vault"
        )

    @dg.job(
        name=ERASE_SUBJECTS,
        executor_def=dg.in_process_executor,
        tags=dict(policies.RUN_TAGS),
        description="Erase the customers in the file of requests and complete interrupted erasures.",
    )
    def _job() -> None:
        _erased()

    return _job


def erasure_requested_sensor(requests: Path) -> dg.SensorDefinition:
    """Launch the erasure job once per state of the file ``requests``."""

    @dg.sensor(
        name="erasure_requested_sensor",
        job_name=ERASE_SUBJECTS,
        minimum_interval_seconds=int(policies.ERASURES_CHECK_EVERY.total_seconds()),
        default_status=policies.status_of("erasure_requested_sensor"),
        description=f"Launches {ERASE_SUBJECTS} when {requests.name} is created or changed.",
    )
    def _requested() -> dg.RunRequest | dg.SkipReason:
        if not requests.exists():
            return dg.SkipReason("there is no erasure request")
        # A failed request is tried again when the file is written again; the key is a hash and names nobody.
        asked = f"{requests.stat().st_mtime_ns}".encode() + requests.read_bytes()
        return dg.RunRequest(run_key=hashlib.sha256(asked).hexdigest())

    return _requested
