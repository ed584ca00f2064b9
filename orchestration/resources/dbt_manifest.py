"""Manifest of the dbt project, parsed again when a source file or a version differs."""

import hashlib
import sys
from importlib.metadata import version
from pathlib import Path

from dagster_dbt import DbtProject

from orchestration.resources.dbt import InProcessDbt
from orchestration.settings import PROJECT, Settings

DBT_PROJECT_DIR = PROJECT / "dbt_project"
PARSED_SUFFIXES = frozenset({".sql", ".yml", ".csv", ".md"})
PARSERS = ("dbt-core", "dbt-duckdb", "duckdb")
# In the target folder: the hash of what the manifest was parsed from.
PARSED_FROM = "parsed_from.sha256"


def dbt_project(settings: Settings) -> DbtProject:
    """Return the dbt project with a manifest parsed from its present sources by the present versions.

    Raises:
        RuntimeError: If dbt cannot parse the project.
    """
    settings.export_dbt_environment()
    project = DbtProject(
        project_dir=DBT_PROJECT_DIR, profiles_dir=DBT_PROJECT_DIR, target_path=settings.dbt_target_dir
    )
    parsed_from, now = settings.dbt_target_dir / PARSED_FROM, sources_hash(DBT_PROJECT_DIR)
    if not project.manifest_path.is_file() or not parsed_from.is_file() or parsed_from.read_text() != now:
        parsed_from.unlink(missing_ok=True)
        ended = dbt_of(settings).parse(project_dir=DBT_PROJECT_DIR)
        if not ended.is_successful:
            raise RuntimeError("dbt parse failed: " + "\n\n".join(ended.errors))
        parsed_from.write_text(now)
    return project


def dbt_of(settings: Settings) -> InProcessDbt:
    """Return the dbt command for one business."""
    return InProcessDbt(profiles_dir=str(DBT_PROJECT_DIR), target_dir=str(settings.dbt_target_dir))


def sources_hash(project_dir: Path) -> str:
    """Sha-256 hex of the project's files and of the versions that parse them.

    Not their times: a release that was unpacked with the times of its files may be older than the last run.

    Args:
        project_dir: Folder of ``dbt_project.yml``.
    """
    digest = hashlib.sha256("\0".join(f"{name}={version(name)}" for name in PARSERS).encode())
    for file in sorted(file for file in project_dir.rglob("*") if file.suffix in PARSED_SUFFIXES):
        content = hashlib.sha256(file.read_bytes()).digest()
        digest.update(file.relative_to(project_dir).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(f"{dbt_project(Settings()).manifest_path}\n")
