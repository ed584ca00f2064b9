"""Whoever wrote their id into the file of requests is erased by a job that a sensor launches."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from assets.ports import Vault, Warehouse
from assets.privacy.erasure.erase import Erased, ErasureIncomplete
from assets.privacy.vault_key import VaultKeyRefused
from orchestration import policies

ERASE_SUBJECTS = "erase_subjects"

Erase = Callable[[Warehouse, Vault], Erased | None]


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
        minimum_interval_seconds=int(policies.LOOK_FOR_ERASURES_EVERY.total_seconds()),
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
