"""Folder of one business: the YAML that owns it, and Dagster's home in it."""

import fcntl
import unicodedata
from pathlib import Path

import dagster as dg

from orchestration.settings import PROJECT, Settings

CONFIGURATION = PROJECT / "orchestration" / "dagster.yaml"
# In a business's folder: the path of its YAML.
OWNER = "business_file"
# In Dagster's home: its databases are there.
CREATED = "databases_created"


class FolderTaken(Exception):
    """The folder of a business is that of another one; the message names both and the remedy."""


def dagster_instance(settings: Settings) -> dg.DagsterInstance:
    """Open the Dagster instance of the business, whose home is created when missing.

    Raises:
        FolderTaken: If another business has the folder.
    """
    prepare_home(settings)
    return dg.DagsterInstance.get()


def prepare_home(settings: Settings) -> None:
    """Create Dagster's home of the business, and name it in the environment, where Dagster looks for it.

    The configuration is copied again when it differs, as after an update.

    Raises:
        FolderTaken: If another business has the folder.
    """
    require_own_folder(settings)
    home = settings.dagster_dir
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    (settings.folder / OWNER).write_text(f"{_owner(settings)}\n", encoding="utf-8")
    copy, configuration = home / CONFIGURATION.name, CONFIGURATION.read_bytes()
    if not copy.is_file() or copy.read_bytes() != configuration:
        copy.write_bytes(configuration)
    settings.export_dagster_home()
    _create_storages(home)


def _create_storages(home: Path) -> None:
    """Let Dagster create its databases, once: two processes that create one at a time leave it unreadable."""
    created = home / CREATED
    with (home / "creating.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not created.exists():
            dg.DagsterInstance.get().dispose()
            created.touch()


def require_own_folder(settings: Settings) -> None:
    """Refuse a business whose folder below ``VAR_DIR`` belongs to another one; nothing is written.

    Two YAML files of one name share a folder, and on some file systems so do names that differ in case or in
    the form of a letter. A moved YAML keeps its folder, because its earlier path does not exist then.

    Raises:
        FolderTaken: If it does.
    """
    mark = settings.folder / OWNER
    recorded = mark.read_text(encoding="utf-8").strip() if mark.is_file() else ""
    earlier = PROJECT / recorded
    if recorded and earlier.is_file() and not earlier.samefile(settings.business_file):
        raise FolderTaken(
            f"{settings.folder} belongs to {earlier}, and {settings.business_file} has the same name: rename "
            "one of the two files, or give it another VAR_DIR"
        )
    for other in settings.generated_dir.glob("*/"):
        if other.name != settings.folder.name and _folded(other.name) == _folded(settings.folder.name):
            raise FolderTaken(
                f"{settings.business_file} would have the folder {other} on some file systems: rename the "
                "file, or give it another VAR_DIR"
            )


def _owner(settings: Settings) -> str:
    """Path of the YAML, from the project's folder where it lies in it: a project may be moved or copied."""
    file = settings.business_file
    return str(file.relative_to(PROJECT) if file.is_relative_to(PROJECT) else file)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def searched_folders(settings: Settings) -> list[Path]:
    """Folders that may hold data of the business's customers.

    Earlier versions kept one Dagster home for all businesses; where it is still there, it is searched too.
    """
    shared = settings.generated_dir / "dagster"
    return [settings.folder, *([shared] if shared.is_dir() else [])]
