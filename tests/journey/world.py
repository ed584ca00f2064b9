"""Runs of the project in another process, with the Makefile's environment and a folder of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd
import pytest

PROJECT = Path(__file__).parents[2]
LATEST = "published.purchase_propensity_latest"
# One job for one as-of date: the arguments are its name and the date.
JOB = """
import sys
from orchestration.definitions import definitions_for
from orchestration.resources.home import dagster_instance
from orchestration.settings import Settings

result = definitions_for(Settings()).resolve_job_def(sys.argv[1]).execute_in_process(
    instance=dagster_instance(Settings()), partition_key=sys.argv[2], raise_on_error=False,
    run_config={"loggers": {"console": {}}},
)
sys.exit(0 if result.success else 1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one business runs: ``project`` holds the code, ``var_dir`` everything generated."""

    var_dir: Path
    business: str = "config/sample_shop.yaml"
    size: str = "tiny"
    project: Path = PROJECT

    @property
    def folder(self) -> Path:
        return self.var_dir / Path(self.business).stem

    @property
    def snapshot(self) -> Path:
        return self.folder / "published" / "marketing.duckdb"

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def home(self) -> Path:
        return self.folder / "dagster"

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables that the Makefile exports, and Dagster's home for its own programs."""
        home = self.home
        home.mkdir(parents=True, exist_ok=True)
        (home / "dagster.yaml").write_text((PROJECT / "orchestration" / "dagster.yaml").read_text())
        return os.environ | {
            "BUSINESS": self.business,
            "SIZE": self.size,
            "VAR_DIR": str(self.var_dir),
            # Tests wait for lines that a quiet terminal leaves out.
            "QUIET": "no",
            "DAGSTER_HOME": str(home),
            "PYTHONPATH": str(self.project),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "DO_NOT_TRACK": "1",
            "OMP_WAIT_POLICY": "passive",
        }

    def start(self, *arguments: str, **values: str) -> subprocess.Popen[str]:
        """Start the main job, or Python with ``arguments``; ``values`` are environment variables."""
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, *(arguments or ("-m", "orchestration.cli.run"))],
            cwd=self.project, env=dict(self.environment) | values, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self) -> "RunResult":
        """Run the main job to its end."""
        process = self.start()
        output, _ = process.communicate()
        return RunResult(code=process.returncode, output=output)

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Dagster's instance of this place."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAGSTER_HOME", self.environment["DAGSTER_HOME"])
            with dg.DagsterInstance.get() as instance:
                yield instance

    def published(self, sql: str) -> pd.DataFrame:
        return read(self.snapshot, sql)

    def kept(self, sql: str) -> pd.DataFrame:
        """Read the warehouse; no other process may be writing it."""
        return read(self.warehouse, sql)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Exit code of a run and its output."""

    code: int
    output: str


def read(file: Path, sql: str) -> pd.DataFrame:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).df()
