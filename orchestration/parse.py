"""The dbt project's manifest, parsed when the SQL is newer: ``python -m orchestration.parse``."""

import sys
from pathlib import Path

from dagster_dbt import DbtProject

from orchestration.settings import PROJECT, Settings

DBT_PROJECT_DIR = PROJECT / "dbt_project"
PARSED_SUFFIXES = frozenset({".sql", ".yml", ".csv", ".md"})


def dbt_project(settings: Settings) -> DbtProject:
    """The dbt project with a manifest that is not older than its sources."""
    settings.tell_dbt()
    project = DbtProject(
        project_dir=DBT_PROJECT_DIR, profiles_dir=DBT_PROJECT_DIR, target_path=settings.dbt_target_dir
    )
    if not _is_current(project.manifest_path):
        project.preparer.prepare(project)
    return project


def _is_current(manifest: Path) -> bool:
    if not manifest.is_file():
        return False
    sources = (file for file in DBT_PROJECT_DIR.rglob("*") if file.suffix in PARSED_SUFFIXES)
    return max(file.stat().st_mtime for file in sources) < manifest.stat().st_mtime


if __name__ == "__main__":
    sys.stdout.write(f"{dbt_project(Settings()).manifest_path}\n")
