"""Code location of a business: its name in the UI, and the origin that the runs of commands record.

The UI lists a run under its job, on the timeline and on the overview only if the run records the job's remote
origin. Dagster records it for runs that the UI launches, and not for those that a command executes in its own
process. These names are private to Dagster; ``tests/unit/orchestration/test_private_names.py`` pins the
version that they were checked against.
"""

from functools import partial
from pathlib import Path

import dagster as dg
import yaml
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from orchestration.resources.home import dagster_instance
from orchestration.settings import PROJECT, Settings

MODULE = "orchestration.definitions"
# Dagster's name of the only repository of a location with definitions.
REPOSITORY = "__repository__"
WORKSPACE = "workspace.yaml"
# A command that was killed is started again by the person who started it, not by the daemon of the UI.
COMMAND_TAGS = {"dagster/max_retries": "0"}


def write_workspace(settings: Settings) -> Path:
    """Write the workspace of the UI into Dagster's home: one location that has the name of the business.

    Returns:
        Path of the file.
    """
    module = {
        "module_name": MODULE,
        "working_directory": str(PROJECT),
        "location_name": location_name(settings),
    }
    file = settings.dagster_dir / WORKSPACE
    file.write_text(yaml.safe_dump({"load_from": [{"python_module": module}]}), encoding="utf-8")
    return file


def location_name(settings: Settings) -> str:
    """The name of the business, that of its YAML file."""
    return settings.business_file.stem


def recording_instance(settings: Settings) -> dg.DagsterInstance:
    """The Dagster instance of the business; its runs in this process record the origin that the UI needs.

    Raises:
        FolderTaken: If another business has the folder.
    """
    instance = dagster_instance(settings)
    create = instance.create_run_for_job

    def create_with_origin(job_def: dg.JobDefinition, **given: object) -> dg.DagsterRun:
        origin = job_origin(settings, job_def.name)
        return partial(create, job_def=job_def, remote_job_origin=origin)(**given)  # type: ignore[arg-type]

    # `execute_in_process` takes no origin, and creates the run through its instance.
    instance.create_run_for_job = create_with_origin  # type: ignore[method-assign,assignment]
    return instance


def job_origin(settings: Settings, job: str) -> RemoteJobOrigin:
    """Where the UI of the business finds ``job``."""
    target = LoadableTargetOrigin(module_name=MODULE, working_directory=str(PROJECT))
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, location_name(settings))
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, REPOSITORY), job)
