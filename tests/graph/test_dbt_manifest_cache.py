"""The dbt manifest in ``VAR_DIR`` follows the project's files, whatever their times say."""

import json
import os
import shutil
from pathlib import Path

import pytest

from orchestration.resources import dbt_manifest
from orchestration.resources.dbt_manifest import DBT_PROJECT_DIR, dbt_project, sources_hash
from orchestration.settings import Settings

LINES = Path("models", "staging", "stg_shop__order_lines.sql")
LONG_AGO = 1_700_000_000


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dbt project of which nothing but staging is left, so that it is parsed in seconds."""
    copy = tmp_path / "dbt_project"
    shutil.copytree(DBT_PROJECT_DIR, copy)
    for folder in (copy / "models").iterdir():
        if folder.is_dir() and folder.name != "staging":
            shutil.rmtree(folder)
    monkeypatch.setattr(dbt_manifest, "DBT_PROJECT_DIR", copy)
    monkeypatch.setenv("WAREHOUSE", "")
    return copy


def compiled(settings: Settings) -> str:
    manifest = json.loads(dbt_project(settings).manifest_path.read_text())
    return str(manifest["nodes"]["model.marketing.stg_shop__order_lines"]["raw_code"])


def described(settings: Settings) -> str:
    manifest = json.loads(dbt_project(settings).manifest_path.read_text())
    return str(manifest["nodes"]["model.marketing.stg_shop__order_lines"]["description"])


def test_files_of_a_release_that_are_older_than_the_last_run_are_parsed(
    project: Path, tmp_path: Path
) -> None:
    settings = Settings(var_dir=tmp_path / "var")
    assert "of a release" not in compiled(settings)
    # As tar, rsync -a and cp -a write them: older than the last run, or with the time of the file before.
    sql, properties = project / LINES, project / LINES.with_suffix(".yml")
    before = properties.stat()
    sql.write_text("-- of a release\n" + sql.read_text())
    os.utime(sql, (LONG_AGO, LONG_AGO))
    properties.write_text(properties.read_text().replace("Every landed order line", "Each order line", 1))
    os.utime(properties, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "of a release" in compiled(settings)
    assert described(settings).startswith("Each order line")


def test_unchanged_files_with_new_times_are_not_parsed_again(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(var_dir=tmp_path / "var")
    manifest = dbt_project(settings).manifest_path
    before = manifest.stat().st_mtime_ns
    (project / LINES).touch()
    assert dbt_project(settings).manifest_path.stat().st_mtime_ns == before
    monkeypatch.setattr(dbt_manifest, "version", lambda _name: "of another dbt")
    assert dbt_project(settings).manifest_path.stat().st_mtime_ns > before


def test_each_file_counts_with_its_name(project: Path) -> None:
    before = sources_hash(project)
    (project / LINES).rename(project / LINES.with_name("stg_shop__lines.sql"))
    assert sources_hash(project) != before
