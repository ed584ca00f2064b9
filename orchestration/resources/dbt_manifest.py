"""Manifest of the dbt project, parsed again when a source file is newer."""

import sys
from pathlib import Path

from dagster_dbt import DbtProject

from orchestration.resources.dbt import InProcessDbt
from orchestration.settings import PROJECT, Settings

DBT_PROJECT_DIR = PROJECT / "dbt_project"
PARSED_SUFFIXES = frozenset({".sql", ".yml", ".csv", ".md"})


def dbt_project(settings: Settings) -> DbtProject:
    """Return the dbt project with a manifest that is not older than its sources.

    Raises:
        RuntimeError: If dbt cannot parse the project.
    """
    settings.export_dbt_environment()
    project = DbtProject(
        project_dir=DBT_PROJECT_DIR, profiles_dir=DBT_PROJECT_DIR, target_path=settings.dbt_target_dir
    )
    if not _is_current(project.manifest_path):
        ended = dbt_of(settings).parse(project_dir=DBT_PROJECT_DIR)
        if not ended.is_successful:
            raise RuntimeError("dbt parse failed: " + "\n\n".join(ended.errors))
    return project


def dbt_of(settings: Settings) -> InProcessDbt:
    """Return the dbt command for one business."""
    return InProcessDbt(profiles_dir=str(DBT_PROJECT_DIR), target_dir=str(settings.dbt_target_dir))


def _is_current(manifest: Path) -> bool:
    if not manifest.is_file():
        return False
    sources = (file for file in DBT_PROJECT_DIR.rglob("*") if file.suffix in PARSED_SUFFIXES)
    return max(file.stat().st_mtime for file in sources) < manifest.stat().st_mtime


if __name__ == "__main__":
    sys.stdout.write(f"{dbt_project(Settings()).manifest_path}\n")
