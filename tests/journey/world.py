"""The project as a person runs it: another process, the Makefile's environment, a folder of its own."""

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
# One job for one morning: the arguments are its name and the day.
JOB = """
import sys
import dagster as dg
from orchestration.definitions import definitions_for
from orchestration.settings import Settings

result = definitions_for(Settings()).resolve_job_def(sys.argv[1]).execute_in_process(
    instance=dg.DagsterInstance.get(), partition_key=sys.argv[2], raise_on_error=False,
    run_config={"loggers": {"console": {}}},
)
sys.exit(0 if result.success else 1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one business runs: ``project`` holds the code, ``var_dir`` everything it makes."""

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
    def environment(self) -> Mapping[str, str]:
        """What the Makefile exports."""
        home = self.var_dir / "dagster"
        home.mkdir(parents=True, exist_ok=True)
        (home / "dagster.yaml").write_text((PROJECT / "orchestration" / "dagster.yaml").read_text())
        return os.environ | {
            "BUSINESS": self.business,
            "SIZE": self.size,
            "VAR_DIR": str(self.var_dir),
            "DAGSTER_HOME": str(home),
            "PYTHONPATH": str(self.project),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "DO_NOT_TRACK": "1",
            "OMP_WAIT_POLICY": "passive",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a run of the main job, or Python with ``arguments``; the caller waits for it."""
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, *(arguments or ("-m", "orchestration.cli.run"))],
            cwd=self.project, env=dict(self.environment), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self) -> "Told":
        """One run of the main job from beginning to end."""
        process = self.start()
        said, _ = process.communicate()
        return Told(code=process.returncode, said=said)

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """What Dagster wrote down about this place."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAGSTER_HOME", self.environment["DAGSTER_HOME"])
            with dg.DagsterInstance.get() as instance:
                yield instance

    def published(self, sql: str) -> pd.DataFrame:
        return read(self.snapshot, sql)

    def kept(self, sql: str) -> pd.DataFrame:
        """What the warehouse holds; nobody may be writing it."""
        return read(self.warehouse, sql)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a run ended, and everything it said."""

    code: int
    said: str


def read(file: Path, sql: str) -> pd.DataFrame:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).df()
