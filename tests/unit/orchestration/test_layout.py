"""Another layout of the warehouse is refused before anything is written; a rebuild deletes derived data."""

import json
import shutil
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd
import pytest

from assets.ingest.config.alerts import AlertTargets
from assets.keys import ERASURES, Key
from orchestration.alerts import Alerts, alert_of
from orchestration.cli import rebuild, run
from orchestration.cli.console_log import console_logger
from orchestration.cli.session import NothingBuilt, Session
from orchestration.resources.layout import LAYOUT, LAYOUT_VERSION, LayoutOutdated
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings

TABLE = Key("ml", "scores")
ROWS = pd.DataFrame({"a": [1, 2]})
# Files and folders of a business, relative to its folder.
DERIVED = ("models/churn/v1/model.skops", "published/parquet/churn/churn.parquet", "dbt/manifest.json")
KEPT = (
    "landing/orders.csv",
    "vault.sqlite",
    "erasure_requests.csv",
    "dlt/orders.json",
    "audiences/best.csv",
    "reports/alerts.jsonl",
    "truth/orders.parquet",
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("BUSINESS", raising=False)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    return Settings()


@pytest.fixture
def warehouse(settings: Settings) -> DuckDBWarehouse:
    return DuckDBWarehouse(database=str(settings.warehouse_file))


def other_layout(warehouse: DuckDBWarehouse, version: int | None) -> bytes:
    """Give the warehouse a table and another version, or none; returns its bytes."""
    warehouse.replace(TABLE, ROWS)
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"update {LAYOUT.sql} set version = {version or 0}")
        if version is None:
            connection.execute(f"drop table {LAYOUT.sql}")
    return warehouse.path.read_bytes()


def test_a_new_warehouse_carries_the_version(warehouse: DuckDBWarehouse) -> None:
    warehouse.replace(TABLE, ROWS)
    assert warehouse.read(f"select version from {LAYOUT.sql}")["version"].tolist() == [LAYOUT_VERSION]
    warehouse.check_layout()


@pytest.mark.parametrize("version", [None, LAYOUT_VERSION - 1, LAYOUT_VERSION + 1])
def test_another_layout_is_refused_and_nothing_is_written(
    warehouse: DuckDBWarehouse, version: int | None
) -> None:
    before = other_layout(warehouse, version)
    for attempt in (warehouse.check_layout, lambda: warehouse.replace(TABLE, ROWS)):
        with pytest.raises(LayoutOutdated, match="launch `make rebuild`"):
            attempt()
    assert warehouse.path.read_bytes() == before


def test_a_run_on_another_layout_fails_before_its_first_step(
    warehouse: DuckDBWarehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    started = []

    @dg.op
    def writes_files() -> None:
        started.append("writes_files")

    @dg.op(required_resource_keys={"warehouse"})
    def uses_the_warehouse() -> None:
        started.append("uses_the_warehouse")

    @dg.job(resource_defs={"warehouse": warehouse}, logger_defs={"console": console_logger})
    def both() -> None:
        writes_files()
        uses_the_warehouse()

    other_layout(warehouse, None)
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        result = both.execute_in_process(
            instance=instance, raise_on_error=False, run_config={"loggers": {"console": {}}}
        )
    assert not result.success
    assert started == []
    alerts = Alerts(file=tmp_path / "alerts.jsonl", business="sample_shop", targets=AlertTargets())
    alert_of(result, alerts, log=print)
    (line,) = alerts.file.read_text().splitlines()
    assert f"LayoutOutdated: {warehouse.path} was built by other code" in json.loads(line)["reason"]
    assert f"LayoutOutdated: {warehouse.path} was built" in capsys.readouterr().err


def test_make_run_refuses_in_one_sentence(
    warehouse: DuckDBWarehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    other_layout(warehouse, None)
    before = sorted(warehouse.path.parent.iterdir())
    assert run.main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{warehouse.path} was built by other code")
    assert sorted(warehouse.path.parent.iterdir()) == before


def test_a_rebuild_deletes_what_is_derived_and_nothing_else(
    settings: Settings, warehouse: DuckDBWarehouse
) -> None:
    for name in (*DERIVED, *KEPT):
        (settings.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.folder / name).write_text(name)
    shutil.copytree(settings.folder, settings.folder.parent / "other_shop")
    warehouse.replace(ERASURES, pd.DataFrame({"erasure_id": ["token"], "rows_removed": [3]}))
    other_layout(warehouse, None)
    assert rebuild.main() == 0
    left = {str(file.relative_to(settings.folder)) for file in settings.folder.rglob("*") if file.is_file()}
    assert left == {*KEPT, "warehouse.duckdb", "warehouse.lock"}
    assert len([file for file in (settings.folder.parent / "other_shop").rglob("*") if file.is_file()]) == 10
    assert not warehouse.exists(TABLE)
    assert warehouse.read(f"select * from {ERASURES.sql}")["rows_removed"].tolist() == [3]
    with pytest.raises(NothingBuilt, match="has no tables yet"):
        Session.open(settings).require_warehouse()


def test_a_rebuild_before_the_first_run_deletes_nothing(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rebuild.main() == 0
    assert capsys.readouterr().out == f"{settings.folder} has nothing to delete\n"
