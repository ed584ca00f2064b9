"""Each documented command of make, as run by a newcomer: in a clean copy of the project."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journey.world import PROJECT

Command = Callable[..., subprocess.CompletedProcess[str]]
GENERATED = (".git", ".venv", ".uv", "var", "__pycache__", ".*_cache")
CUSTOMER = "select min(customer_id) as id from published.purchase_propensity_latest where is_eligible"
# Commands that other tests run, and what runs them; `check` and `test` are what runs this file.
ELSEWHERE = {
    "setup": "tests/unit/orchestration/test_setup.py",
    "check-data": "tests/unit/orchestration/test_check_data.py",
    "ui": "tests/journey/test_browser.py",
    "audit": "tests/journey/test_audit.py",
    "faults": "tests/journey/test_faults.py",
    "screenshots": "tests/journey/test_browser.py",
    "bench": "tests/warehouse/test_benchmark_shop.py",
    "check": ".ci/run",
    "test": ".ci/run",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project without anything that was generated; packages are those that are installed."""
    clean = tmp_path_factory.mktemp("clean") / "project"
    shutil.copytree(PROJECT, clean, ignore=shutil.ignore_patterns(*GENERATED))
    (clean / ".venv").symlink_to((PROJECT / ".venv").resolve())
    return clean


@pytest.fixture(scope="module")
def make(project: Path) -> Command:
    def run(target: str, *, code: int = 0, **values: str) -> subprocess.CompletedProcess[str]:
        # A make that runs this test hands its own values on.
        environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
        done = subprocess.run(  # noqa: S603 - our own Makefile
            ["make", target, "SIZE=tiny", "VAR_DIR=var", *map("=".join, values.items())],  # noqa: S607
            cwd=project, env=environment, text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def customer(make: Command) -> str:
    run = make("run")
    assert len(run.stderr.splitlines()) < 40, run.stderr
    assert "Warning" not in run.stderr
    return re.findall(r"│ *(\S+) *│", make("query", SQL=CUSTOMER).stdout)[-1]


def test_every_documented_command_is_run_by_a_test() -> None:
    documented = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"^\| `make ([\w-]+)", documented, re.MULTILINE))
    here = set(re.findall(r'make\(\s*"([\w-]+)"', Path(__file__).read_text(encoding="utf-8")))
    assert commands == here | set(ELSEWHERE)
    assert all((PROJECT / each).exists() for each in ELSEWHERE.values())


def test_commands_that_read_a_finished_run(make: Command, customer: str, project: Path) -> None:
    assert "| as-of date | customers |" in make("backtest", FROM="2023-10-02", TO="2023-11-06").stdout
    assert "| feature group | features |" in make("ablation").stdout
    assert (project / "var" / "sample_shop" / "reports" / "ablation.md").is_file()
    assert "dry run" in make("audience").stdout
    assert customer in make("export-subject", CUSTOMER=customer).stdout
    assert "found in 0 files" in make("scan").stdout


def test_commands_that_change_a_finished_run(make: Command, customer: str, project: Path) -> None:
    assert "2023-12-04" in make("replay", FROM="2023-12-04", TO="2023-12-04").stdout
    assert "values encrypted again" in make("rotate-vault-key").stdout
    # Only one version has ever served: the command says so and changes nothing.
    assert "served before" in make("rollback", code=2, REASON="a test").stderr
    assert "1 of 1" in make("erase", CUSTOMER=customer).stdout
    make("rebuild")
    assert not (project / "var" / "sample_shop" / "models").exists()
    make("clean")
    assert not (project / "var").exists()


def test_a_key_for_a_vault_is_created(make: Command, tmp_path: Path) -> None:
    key = tmp_path / "shop.key"
    make("vault-key", VAULT_KEY_FILE=str(key))
    assert len(key.read_text(encoding="ascii").strip()) == 64


def test_commands_that_write_the_project_change_nothing_in_a_clean_copy(make: Command, project: Path) -> None:
    def files() -> dict[str, bytes]:
        return {
            str(file.relative_to(project)): file.read_bytes()
            for folder in ("docs", "assets", "checks", "orchestration", "dbt_project/models")
            for file in sorted((project / folder).rglob("*"))
            if file.is_file() and "__pycache__" not in file.parts
        }

    before = files()
    make("docs")
    make("fix")
    assert files() == before
