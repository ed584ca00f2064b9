"""``make clean`` deletes a folder that this product made, and no other."""

import shutil
from pathlib import Path

import pytest

from orchestration.cli import clean
from orchestration.settings import PROJECT
from tests.unit.orchestration.test_setup import make, setup


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What would be deleted: a mistake must not delete the machine of its author."""
    folders: list[Path] = []
    monkeypatch.setattr(shutil, "rmtree", folders.append)
    return folders


def test_what_setup_made_is_deleted_and_a_neighbour_stays(tmp_path: Path) -> None:
    mine, neighbour = tmp_path / "My Shop", tmp_path / "My"
    neighbour.mkdir()
    setup(mine)
    assert make("clean", mine).returncode == 0
    assert [*tmp_path.iterdir()] == [neighbour]
    assert "does not exist" in make("clean", mine).stdout


def test_a_folder_with_other_files_is_not_deleted(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("three years of work")
    setup(tmp_path)
    refused = make("clean", tmp_path)
    assert refused.returncode == 2
    assert "nothing was deleted" in refused.stderr
    assert thesis.exists()


@pytest.mark.parametrize("folder", [Path("/"), Path.home(), PROJECT, PROJECT.parent], ids=str)
def test_no_mark_makes_these_folders_deletable(
    folder: Path, deleted: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    monkeypatch.setenv("VAR_DIR", str(folder))
    assert clean.main() == 2
    assert "holds more than generated files" in capsys.readouterr().err
    assert deleted == []


def test_a_link_leads_to_the_folder_that_is_looked_at(
    tmp_path: Path, deleted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").symlink_to(Path.home())
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "home"))
    assert clean.main() == 2
    assert deleted == []
