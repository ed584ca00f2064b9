"""Runs of commands record where the UI finds their job; its code location is named after the business."""

from pathlib import Path

import dagster as dg
import pytest
import yaml

from orchestration.resources.code_location import (
    COMMAND_TAGS,
    MODULE,
    REPOSITORY,
    recording_instance,
    write_workspace,
)
from orchestration.resources.home import prepare_home
from orchestration.settings import PROJECT, Settings


@dg.op
def one() -> int:
    return 1


@dg.job
def predict_of_test() -> None:
    one()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return Settings(business=Path("config/online_retail.yaml"), var_dir=tmp_path)


def test_a_run_of_a_command_is_listed_under_its_job(settings: Settings) -> None:
    instance = recording_instance(settings)
    result = predict_of_test.execute_in_process(instance=instance, tags=COMMAND_TAGS)
    # What the pages of a job and the list of jobs filter by.
    label = f"{REPOSITORY}@online_retail"
    wanted = dg.RunsFilter(job_name="predict_of_test", tags={".dagster/repository": label})
    (run,) = instance.get_runs(wanted)
    assert run.run_id == result.run_id
    # What the timeline and the overview look for.
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.job_name == "predict_of_test"
    assert run.remote_job_origin.location_name == "online_retail"
    # The daemon does not repeat what a person has stopped.
    assert run.tags["dagster/max_retries"] == "0"
    instance.dispose()


def test_the_workspace_of_the_ui_is_named_after_the_business(settings: Settings) -> None:
    prepare_home(settings)
    file = write_workspace(settings)
    assert file.parent == settings.dagster_dir
    (location,) = yaml.safe_load(file.read_text(encoding="utf-8"))["load_from"]
    assert location["python_module"] == {
        "module_name": MODULE,
        "working_directory": str(PROJECT),
        "location_name": "online_retail",
    }
