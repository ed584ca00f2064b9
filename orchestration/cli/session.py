"""Parts shared by the commands: resources of a business, its run lock, and refusals as one line on stderr."""

import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, ParamSpec, Self

import dagster as dg
import duckdb
from pydantic import ValidationError

from assets.activation.delivery import NothingToDeliver
from assets.ingest.config.business import BusinessConfig, BusinessInvalid
from assets.ingest.config.validation_words import refused_value
from assets.lifecycle.capability import Capability, Data, Model
from assets.lifecycle.promotion import NothingToRollBackTo
from assets.lifecycle.run_context import RunContext
from assets.lifecycle.store.artifacts import ModelIntegrityError
from assets.privacy.encryption import DecryptionFailed
from assets.privacy.erasure.erase import ErasureIncomplete
from assets.privacy.known_ids import UnknownCustomers
from assets.privacy.vault_key import VaultKeyRefused
from orchestration.alerts import alert_of, alerts_of
from orchestration.continuation import CapabilityFailure, assets_left, capability_failures
from orchestration.jobs import Stages
from orchestration.policies import LONGEST_RUN
from orchestration.resources.code_location import COMMAND_TAGS, recording_instance
from orchestration.resources.home import FolderTaken, require_own_folder
from orchestration.resources.layout import LAYOUT, RECORDS, LayoutOutdated, existing_tables
from orchestration.resources.locks import ResourceLocked, run_lock
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings, dagster_home
from orchestration.storage_errors import STORAGE_ERRORS, storage_refusal

KIB_PER_MIB = 1024
OWNER_ONLY = 0o077

Arguments = ParamSpec("Arguments")


class UsageError(Exception):
    """The command was called without an argument that it needs; the message gives an example."""


class NothingBuilt(Exception):
    """The command needs tables that no run has built yet."""


USAGE_ERRORS = (BusinessInvalid, FolderTaken, UsageError)
REFUSALS = (
    DecryptionFailed,
    ErasureIncomplete,
    LayoutOutdated,
    ModelIntegrityError,
    NothingBuilt,
    NothingToDeliver,
    NothingToRollBackTo,
    ResourceLocked,
    UnknownCustomers,
    VaultKeyRefused,
)


def command(main: Callable[Arguments, int], *, refused: int = 1) -> Callable[Arguments, int]:
    """Wrap ``main`` so that a known refusal becomes one line on stderr and an exit code.

    Args:
        main: Returns the exit code of the process.
        refused: Exit code of a refusal; a usage error and a damaged, full or read-only disk are always 2.
    """

    @wraps(main)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> int:
        # What a command and its children create is readable for this account alone.
        os.umask(OWNER_ONLY)
        try:
            return main(*args, **kwargs)
        except ValidationError as error:
            sys.stderr.write(f"{_refused_values(error)}\n")
            return 2
        except (*USAGE_ERRORS, *REFUSALS) as refusal:
            sys.stderr.write(f"{refusal}\n")
            return 2 if isinstance(refusal, USAGE_ERRORS) else refused
        except STORAGE_ERRORS as error:
            words = storage_refusal(error, dagster_home())
            if words is None:
                raise
            sys.stderr.write(f"{words}\n")
            return 2

    return wrapped


def _refused_values(error: ValidationError) -> str:
    """Name each refused variable and the reason without its value, which may be a key."""
    reasons = error.errors(include_url=False)
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])).upper()}: {refused_value(each, shows_value=False)}"
        for each in reasons
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """How a job ended.

    Attributes:
        is_complete: Whether all that could run without the ``failed`` capabilities did.
        failed: Capabilities without which the job went on.
        blocked_by: Names of the blocking checks that failed.
    """

    is_complete: bool
    failed: tuple[CapabilityFailure, ...] = ()
    blocked_by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One business and its resources, as a command uses them."""

    settings: Settings
    business: BusinessConfig
    warehouse: DuckDBWarehouse
    models: FolderModelStore

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Read the business of ``settings``; no file is opened or created.

        Raises:
            BusinessInvalid: If its YAML is missing or not valid.
            FolderTaken: If another business has its folder.
        """
        require_own_folder(settings)
        return cls(
            settings=settings,
            business=settings.load_business(),
            warehouse=DuckDBWarehouse(database=str(settings.warehouse_file)),
            models=FolderModelStore(root=str(settings.models_dir)),
        )

    @property
    def now(self) -> datetime:
        """The current instant as naive UTC, as in all tables."""
        return datetime.now(tz=UTC).replace(tzinfo=None)

    @contextmanager
    def locked(self, run_id: str) -> Iterator[None]:
        """Hold the run lock of the business as ``run_id``; a waiting command prints the holder.

        Raises:
            ResourceLocked: If another run holds the lock for longer than a run may take.
        """
        with run_lock(self.warehouse.lock_file, run_id=run_id, timeout=LONGEST_RUN, log=print):
            yield

    def require_warehouse(self) -> None:
        """Refuse a command that needs the tables of an earlier run.

        Raises:
            NothingBuilt: If no run has created tables, or none since `make rebuild`.
            LayoutOutdated: If other code has built the warehouse.
        """
        if not self.warehouse.path.exists():
            raise NothingBuilt(f"{self.warehouse.path} does not exist yet: launch `make run` first")
        with self.warehouse.connect() as connection:
            tables = existing_tables(connection)
        if tables <= {LAYOUT, *RECORDS}:
            raise NothingBuilt(f"{self.warehouse.path} has no tables yet: launch `make run` first")

    def require_layout(self) -> None:
        """Refuse a command before it writes anything, if other code has built the warehouse.

        Raises:
            LayoutOutdated: If other code has built the warehouse.
        """
        # The run checks again: it waits while another process has the file open, and reports a damaged file.
        with suppress(ResourceLocked, duckdb.Error):
            self.warehouse.model_copy(update={"lock_timeout_seconds": 0.0}).check_layout()

    def run_context(
        self, capability: Capability[Data, Model, Any, Any], *, as_of: date, run_id: str
    ) -> RunContext[Data, Model]:
        """Create the run context of a capability.

        Args:
            capability: What runs.
            as_of: The as-of date.
            run_id: Written into the rows of this run.
        """
        return RunContext(
            capability=capability,
            warehouse=self.warehouse,
            models=self.models,
            as_of=as_of,
            run_id=run_id,
            now=self.now,
        )

    def run_job(
        self, definitions: dg.Definitions, job: str, *, as_of: date, stages: Stages | None = None
    ) -> JobOutcome:
        """Run ``job`` in this process; a failure, or failed checks, are sent to the targets of alerts.

        Args:
            definitions: Definitions of the business.
            job: Name of the job.
            as_of: The as-of date.
            stages: With the assets of the business the job goes on without a capability that failed.
        """
        definition, failed = definitions.resolve_job_def(job), list[CapabilityFailure]()
        left = sorted(definition.asset_layer.selected_asset_keys)
        while True:
            result = definition.execute_in_process(
                instance=recording_instance(self.settings),
                partition_key=as_of.isoformat(),
                tags=COMMAND_TAGS,
                run_config={"loggers": {"console": {}}},
                raise_on_error=False,
                asset_selection=left if failed else None,
            )
            alert_of(result, alerts_of(self.settings, self.business), log=_log_line)
            new = capability_failures(result.get_step_failure_events(), stages) if stages else []
            failed += new
            if result.success or not stages or not new:
                return JobOutcome(
                    is_complete=result.success, failed=tuple(failed), blocked_by=_blocked_by(result)
                )
            made = {event.asset_key for event in result.get_asset_materialization_events() if event.asset_key}
            left = assets_left(stages, left, materialized=made, failed=new)
            _log_line(f"going on without {', '.join(sorted({each.capability for each in new}))}")


def _blocked_by(result: dg.ExecuteInProcessResult) -> frozenset[str]:
    checks = result.get_asset_check_evaluations()
    return frozenset(each.check_name for each in checks if not each.passed and each.blocking)


def _log_line(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def peak_memory() -> str:
    """Peak memory of this process, for the last line of a report."""
    return f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB:,.0f} MiB"
