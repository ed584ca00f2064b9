"""``make setup`` copies Dagster's configuration to its home again when it differs."""

import subprocess
from pathlib import Path

from orchestration.settings import PROJECT

SOURCE = PROJECT / "orchestration" / "dagster.yaml"


def setup(var_dir: Path) -> str:
    """Run ``make setup`` without installing packages; returns what it prints."""
    ended = subprocess.run(  # noqa: S603 - our own Makefile
        ["make", "--old-file=.venv/.ready", "setup", f"VAR_DIR={var_dir}"],  # noqa: S607
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ended.stderr


def test_the_configuration_is_copied_when_it_is_missing_or_different(tmp_path: Path) -> None:
    copy = tmp_path / "dagster" / "dagster.yaml"
    assert "copied orchestration/dagster.yaml" in setup(tmp_path)
    assert copy.read_bytes() == SOURCE.read_bytes()
    assert setup(tmp_path) == ""
    # As after an update whose module names have changed, with a copy that is newer than the source.
    copy.write_text("run_launcher: {module: orchestration.turns, class: WatchfulLauncher}\n")
    assert "copied orchestration/dagster.yaml" in setup(tmp_path)
    assert copy.read_bytes() == SOURCE.read_bytes()
