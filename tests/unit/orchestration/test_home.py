"""Each business has a folder and a Dagster home of its own; names that would share one are refused."""

import multiprocessing
import os
from multiprocessing.synchronize import Barrier
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.workspace.load import location_origins_from_yaml_paths

from orchestration.cli import query
from orchestration.resources.code_location import write_workspace
from orchestration.resources.home import (
    FolderTaken,
    dagster_instance,
    prepare_home,
    require_own_folder,
    searched_folders,
)
from orchestration.settings import HOME_VARIABLE, PROJECT, Settings

SOURCE = PROJECT / "orchestration" / "dagster.yaml"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore Dagster's variable after the test."""
    monkeypatch.setenv(HOME_VARIABLE, "/nowhere")


def settings_of(folder: Path, name: str = "shop.yaml") -> Settings:
    """Settings of a business whose YAML is ``name`` below ``folder``."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("title: A shop\n", encoding="utf-8")
    return Settings(business=file, var_dir=folder / "var")


def test_the_configuration_is_copied_when_it_is_missing_or_different(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    copy = settings.folder / "dagster" / "dagster.yaml"
    prepare_home(settings)
    assert copy.read_bytes() == SOURCE.read_bytes()
    assert os.environ[HOME_VARIABLE] == str(settings.folder / "dagster")
    # As after an update whose module names have changed, with a copy that is newer than the source.
    copy.write_text("run_launcher: {module: orchestration.turns, class: WatchfulLauncher}\n")
    prepare_home(settings)
    assert copy.read_bytes() == SOURCE.read_bytes()


@pytest.mark.parametrize("name", ["shop", "Zoë's shop: 2", "- yes"])
def test_the_ui_names_the_business_in_its_code_location(tmp_path: Path, name: str) -> None:
    settings = settings_of(tmp_path, f"{name}.yaml")
    prepare_home(settings)
    (origin,) = location_origins_from_yaml_paths([str(write_workspace(settings))])
    assert origin.location_name == name
    assert origin.loadable_target_origin.working_directory == str(PROJECT)
    assert origin.loadable_target_origin.module_name == "orchestration.definitions"


def opened_at_once(settings: Settings, barrier: Barrier) -> None:
    """Open the instance when the other process does."""
    barrier.wait(timeout=120)
    with dagster_instance(settings) as instance:
        assert instance.get_runs() == []


def test_two_processes_that_open_a_new_home_at_once_leave_it_readable(tmp_path: Path) -> None:
    spawned, settings = multiprocessing.get_context("spawn"), settings_of(tmp_path)
    barrier = spawned.Barrier(2)
    processes = [spawned.Process(target=opened_at_once, args=(settings, barrier)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0, 0]
    with dagster_instance(settings) as instance:
        assert instance.get_runs() == []


def test_runs_of_one_business_are_unknown_to_another(tmp_path: Path) -> None:
    homes = [settings_of(tmp_path, name) for name in ("one.yaml", "other.yaml")]

    @dg.asset
    def orders() -> None:
        """Nothing."""

    for number, settings in enumerate(homes, 1):
        with dagster_instance(settings) as instance:
            for _ in range(number):
                dg.materialize([orders], instance=instance)
    for number, settings in enumerate(homes, 1):
        with dagster_instance(settings) as instance:
            assert len(instance.get_runs()) == number
            assert len(instance.fetch_materializations(dg.AssetKey("orders"), limit=9).records) == number


def test_a_file_of_the_same_name_elsewhere_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    prepare_home(settings_of(tmp_path))
    second = settings_of(tmp_path, "elsewhere/shop.yaml").model_copy(update={"var_dir": tmp_path / "var"})
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for refused in (prepare_home, require_own_folder):
        with pytest.raises(FolderTaken, match=r"belongs to .*/shop.yaml, and .*/elsewhere/shop.yaml has the"):
            refused(second)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_name_that_differs_in_case_or_in_the_form_of_a_letter_is_refused(tmp_path: Path) -> None:
    prepare_home(settings_of(tmp_path, "B\u00fcro.yaml"))
    for name in ("b\u00fcro.yaml", "Bu\u0308ro.yaml"):
        with pytest.raises(FolderTaken, match=r"would have the folder .*ro on some file systems"):
            prepare_home(settings_of(tmp_path, name))
    prepare_home(settings_of(tmp_path, "Buero.yaml"))


def test_a_moved_file_keeps_its_folder(tmp_path: Path) -> None:
    first = settings_of(tmp_path)
    prepare_home(first)
    moved = Settings(business=tmp_path / "moved.d" / "shop.yaml", var_dir=first.var_dir)
    moved.business_file.parent.mkdir()
    first.business_file.rename(moved.business_file)
    prepare_home(moved)
    # From now on the folder is that of the new path.
    with pytest.raises(FolderTaken):
        prepare_home(settings_of(tmp_path))


def test_a_query_does_not_read_the_tables_of_another_business(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_home(settings_of(tmp_path))
    second = settings_of(tmp_path, "elsewhere/shop.yaml")
    monkeypatch.setenv("BUSINESS", str(second.business_file))
    monkeypatch.setenv("VAR_DIR", str(second.var_dir))
    assert query.main() == 2
    assert "belongs to" in capsys.readouterr().err


def test_the_home_that_businesses_shared_before_is_searched_while_it_exists(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert searched_folders(settings) == [settings.folder]
    (settings.generated_dir / "dagster").mkdir(parents=True)
    assert searched_folders(settings) == [settings.folder, settings.generated_dir / "dagster"]
