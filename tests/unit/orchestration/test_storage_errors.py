"""A damaged, full or read-only disk under Dagster is one sentence with file and remedy, not a traceback."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.cli.run import failed, published_run
from orchestration.cli.session import command
from tests.unprivileged import folder_of_nobody, unprivileged


@dg.op
def nothing() -> None:
    pass


@dg.job
def short() -> None:
    nothing()


def run_once() -> int:
    with dg.DagsterInstance.get() as instance:
        return int(not short.execute_in_process(instance=instance).success)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Dagster's folder after one run."""
    with folder_of_nobody() as folder:
        monkeypatch.setenv("DAGSTER_HOME", str(folder))
        (folder / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
        assert command(run_once)() == 0
        yield folder


def overwrite_middle(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 4 : 3 * len(data) // 4] = os.urandom(3 * len(data) // 4 - len(data) // 4)
    file.write_bytes(data)


def refusal(capsys: pytest.CaptureFixture[str], main: Callable[[], int] = run_once) -> str:
    capsys.readouterr()
    assert command(main)() == 2
    (line,) = [each for each in capsys.readouterr().err.splitlines() if not each.startswith("20")]
    return line


def test_a_damaged_history_is_named_and_its_deletion_helps(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "history" / "runs.db"
    overwrite_middle(file)
    line = refusal(capsys)
    assert line.startswith(f"{file}: ")
    assert f"Delete {home}: it holds the history of runs" in line
    for each in sorted(home.rglob("*"), reverse=True):
        each.unlink() if each.is_file() else each.rmdir()
    assert command(run_once)() == 0


def test_a_read_only_home_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with unprivileged(home):
        for each in (*home.rglob("*"), home):
            each.chmod(0o500 if each.is_dir() else 0o400)
        line = refusal(capsys)
    assert line.startswith(f"{home}: ")
    assert "let this account write there, or set VAR_DIR to another folder" in line


def test_a_full_disk_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path)
    mounted = subprocess.run(["/bin/mount", *options], check=False, capture_output=True)  # noqa: S603
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
        (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
        assert command(run_once)() == 0
        fill(tmp_path / "filler")
        assert "free some space" in refusal(capsys)
    finally:
        subprocess.run(["/bin/umount", "-l", tmp_path], check=True)  # noqa: S603


def fill(file: Path) -> None:
    """Write into ``file`` until its disk is full."""
    with file.open("wb", buffering=0) as stream, suppress(OSError):
        while stream.write(bytes(1 << 10)):
            pass


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EPERM])
def test_errors_of_the_disk_elsewhere_are_named(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> int:
        raise OSError(number, os.strerror(number), "/there/landing/a.csv")

    assert refusal(capsys, main).startswith(f"/there/landing/a.csv: {os.strerror(number)}: ")


def test_another_error_of_the_system_is_not_hidden() -> None:
    def main() -> int:
        raise IsADirectoryError(errno.EISDIR, "it is a folder", "/there")

    with pytest.raises(IsADirectoryError):
        command(main)()


def publish(file: Path, *runs: str) -> None:
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema published")
        rows = ", ".join(f"('{run}', {place})" for place, run in enumerate(runs))
        connection.execute(
            f"create or replace table published.checks as from (values {rows}) as t(run_id, checked_at)"
        )


def test_the_closing_words_say_what_is_served_now(tmp_path: Path) -> None:
    file = tmp_path / "marketing.duckdb"
    assert published_run(file) is None
    publish(file, "r1", "r2")
    assert published_run(file) == "r2"
    file.write_bytes(b"damaged" * 999)
    assert published_run(file) is None
    assert "nothing is published" in failed(None, before=None)
    assert "published by run r1 are still served, unchanged" in failed("r1", before="r1")
    for before in ("r1", None):
        assert "it failed after publishing: its own tables, of run r2, are served now" in failed(
            "r2", before=before
        )
