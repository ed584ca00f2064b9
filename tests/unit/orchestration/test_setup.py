"""``make setup`` makes the folder of everything generated, for its owner alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

from orchestration.settings import PROJECT


def make(
    target: str, var_dir: Path, *values: str, project: Path = PROJECT
) -> subprocess.CompletedProcess[str]:
    """Run ``make target`` without installing packages."""
    return subprocess.run(  # noqa: S603 - our own Makefile
        ["make", "--old-file=.venv/.ready", target, f"VAR_DIR={var_dir}", *values],  # noqa: S607
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip


def setup(var_dir: Path) -> str:
    """Run ``make setup``; returns what it prints."""
    ended = make("setup", var_dir)
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


def test_what_setup_makes_is_for_its_owner_alone(tmp_path: Path) -> None:
    setup(tmp_path / "var")
    made = [tmp_path / "var", *(tmp_path / "var").rglob("*")]
    assert len(made) == 2
    assert [path for path in made if path.stat().st_mode & 0o077] == []


def test_a_path_of_the_project_and_of_its_files_may_have_blanks_and_umlauts(tmp_path: Path) -> None:
    project = tmp_path / "Büro Süd" / "my project"
    for name in ("assets", "checks", "config", "orchestration"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, project / name, ignore=ignored)
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(PROJECT / name, project)
    (project / ".venv").symlink_to(Path(sys.prefix))
    relative = Path("what is generated é")
    assert make("setup", relative, project=project).returncode == 0
    snapshot = project / relative / "sample_shop" / "published" / "marketing.duckdb"
    snapshot.parent.mkdir(parents=True)
    with duckdb.connect(str(snapshot)) as connection:
        connection.execute("create table rows_of_it as select 42 as n")
    found = make("query", relative, "SQL=select n as \"the 'n'\" from rows_of_it", project=project)
    assert "42" in found.stdout, found.stderr
    assert make("clean", relative, project=project).returncode == 0
    assert not (project / relative).exists()
    assert {path.name for path in project.iterdir()} == {
        *("assets", "checks", "config", "orchestration"),
        *("Makefile", "pyproject.toml", "uv.lock", ".venv"),
    }
