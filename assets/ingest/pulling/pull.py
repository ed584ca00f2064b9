"""Incremental pull of a database or web service into the landing folder."""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dlt
import pyarrow.parquet as pq
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.common.runtime.run_context import active
from dlt.common.runtime.telemetry import stop_telemetry
from dlt.common.schema import TTableSchema
from dlt.extract import DltResource
from dlt.pipeline.exceptions import PipelineStepFailed
from sqlalchemy.exc import SQLAlchemyError

from assets.ingest.config.business import BusinessConfig, BusinessInvalid, SourceConfig
from assets.ingest.config.source.pull import Rest
from assets.ingest.pulling.cursor import SourceUnreachable
from assets.ingest.pulling.database import database_error, engine_for, password_in, table_rows
from assets.ingest.pulling.files import deliver, deliveries
from assets.ingest.pulling.rest import service_records

# By default dlt keeps every load twice and retries a failed write five times; neither helps on one disk.
_DLT_SETTINGS: Mapping[str, bool | int] = {
    "load.delete_completed_jobs": True,
    "load.raise_on_max_retries": 1,
    "load.workers": 1,
    "restore_from_destination": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PullResult:
    """Files that one pull wrote to ``folder``, and the number of rows in them."""

    folder: Path
    files: tuple[str, ...]
    rows: int


def pull(
    business: BusinessConfig, source: SourceConfig, *, secret: Callable[[str], str | None], state_dir: Path
) -> PullResult:
    """Write new and changed rows of ``source`` since its last pull to ``<landing_dir>/<source name>``.

    A crashed pull leaves the last cursor as it was, and the next pull completes or repeats its rows. If the
    folder holds no files, the pull starts from the beginning.

    Args:
        business: gives the landing folder.
        source: one with ``database`` or ``rest``.
        secret: returns the value of an environment variable, ``None`` when it is not set.
        state_dir: folder of cursors and of unfinished loads.

    Raises:
        BusinessInvalid: when the configuration or the source needs correction, naming the source.
        SourceUnreachable: when a retry may succeed.
    """
    folder = business.landing_dir / source.name
    named = f"{business.name}.yaml: source {source.name}"
    value = _secret_value(source, secret, named=named)
    state_dir.mkdir(parents=True, exist_ok=True)
    with _pull_lock(state_dir / f"{source.name}.lock", named=named):
        before = set(deliveries(folder))
        try:
            _load(source, value, folder=folder, state_dir=state_dir)
        except (PipelineStepFailed, SQLAlchemyError, BusinessInvalid, SourceUnreachable) as failed:
            # Raised without its causes, which may hold the URL with the password.
            raise _domain_error(failed, value, named=named) from None
        new = tuple(file for file in deliveries(folder) if file not in before)
    return PullResult(folder=folder, files=tuple(file.name for file in new), rows=sum(map(_rows, new)))


def _secret_value(source: SourceConfig, secret: Callable[[str], str | None], *, named: str) -> str | None:
    if source.pull is None or source.pull.secret is None:
        return None
    value = secret(source.pull.secret)
    if not value:
        raise BusinessInvalid(f"{named}: environment variable {source.pull.secret} is not set; set it")
    return value


@contextmanager
def _pull_lock(lock: Path, *, named: str) -> Iterator[None]:
    """Lock against concurrent pulls of a source; the lock of a crashed process is released."""
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SourceUnreachable(f"{named}: another pull of it is running") from None
        yield


def _load(source: SourceConfig, value: str | None, *, folder: Path, state_dir: Path) -> None:
    _configure_dlt()
    name = _pipeline_name(source)
    if not deliveries(folder):
        shutil.rmtree(state_dir / name, ignore_errors=True)
    for partial in folder.glob("*.partial"):
        partial.unlink()

    @dlt.destination(batch_size=0, loader_file_format="parquet", name="landing")
    def landing(file: object, _table: TTableSchema, /) -> None:
        deliver(Path(str(file)), source, folder, spill=state_dir / "spill")

    pipeline = dlt.pipeline(name, destination=landing(), dataset_name="landing", pipelines_dir=str(state_dir))
    if pipeline.has_pending_data:
        # The first call only completes the load of a crashed pull; new rows need a second call.
        pipeline.run()
    pipeline.run(_resource(source, value))


def _configure_dlt() -> None:
    """Switch off dlt's telemetry and log; errors are raised."""
    # Setting it in dlt.config is too late: dlt has read its defaults by then, and would send telemetry.
    context = active()
    stop_telemetry()
    context.initialize_runtime(RuntimeConfiguration(dlthub_telemetry=False, log_level="CRITICAL"))
    for name, setting in _DLT_SETTINGS.items():
        dlt.config[name] = setting


def _pipeline_name(source: SourceConfig) -> str:
    """Name with a hash of table or URL: another table or URL starts with no cursor."""
    kept = {"table", "schema_name", "url", "path", "cursor"}
    pulled = json.dumps(source.pull.model_dump(include=kept) if source.pull else {}, sort_keys=True)
    return f"{source.name}_{hashlib.sha256(pulled.encode()).hexdigest()[:8]}"


def _resource(source: SourceConfig, value: str | None) -> DltResource:
    if isinstance(source.pull, Rest):
        return service_records(source.pull, token=value)
    if source.pull is None or value is None:
        raise ValueError(f"source {source.name} is delivered as files; there is nothing to pull")
    return table_rows(engine_for(value, variable=source.pull.url_from), source.pull)


def _domain_error(failed: BaseException, value: str | None, *, named: str) -> Exception:
    """Convert ``failed`` to one line that names the source and the innermost known cause."""
    for cause in _causes(failed):
        if isinstance(cause, SQLAlchemyError):
            cause = database_error(cause, password=password_in(value or ""))
        if isinstance(cause, BusinessInvalid | SourceUnreachable):
            return type(cause)(f"{named}: {cause}")
    *_, deepest = _causes(failed)
    words = " ".join(f"{type(deepest).__name__}: {deepest}".split())
    for hidden in filter(None, (value, password_in(value or ""))):
        words = words.replace(hidden, "***")
    return BusinessInvalid(f"{named}: cannot be pulled: {words}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        # dlt keeps the exception of a load in an attribute, not in the chain.
        error = getattr(error, "client_exception", None) or error.__cause__ or error.__context__


def _rows(file: Path) -> int:
    if file.suffix == ".parquet":
        return int(pq.read_metadata(file).num_rows)
    with file.open("rb") as lines:
        return sum(1 for _ in lines)
