"""A warehouse of an earlier commit is refused before anything is written, and a rebuild keeps its records."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.cli import audience, rebuild, replay, rollback, run
from orchestration.cli.evaluation import ablation, backtest
from orchestration.cli.privacy import erase, export_subject
from orchestration.resources.layout import LayoutOutdated
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings

# Not a run of that commit: its history is not there in every checkout, and it would need its own libraries.
LAYOUT = Path(__file__).parent / "layouts" / "b1aed60.ddl"
SENT_AT = datetime(2026, 11, 20, 9, tzinfo=UTC).replace(tzinfo=None)
COMMANDS: dict[str, tuple[Callable[[], int], dict[str, str]]] = {
    "run": (run.main, {}),
    "replay": (replay.main, {}),
    "backtest": (backtest.main, {}),
    "ablation": (ablation.main, {}),
    "rollback": (rollback.main, {"REASON": "complaints"}),
    "audience": (audience.main, {}),
    "erase": (erase.main, {"CUSTOMER": "c00001"}),
    "export-subject": (export_subject.main, {"CUSTOMER": "c00001"}),
}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A business as that commit left it: warehouse, published file, models, the shared Dagster home."""
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.setenv("VAULT_KEY", "01" * 32)
    monkeypatch.delenv("BUSINESS", raising=False)
    settings = Settings()
    for name in (
        "published/marketing.duckdb",
        "models/churn/2024-12-30-abc/model.skops",
        "landing/orders.csv",
    ):
        (settings.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.folder / name).write_text(name)
    with duckdb.connect(str(settings.warehouse_file)) as connection:
        connection.execute(LAYOUT.read_text())
        connection.execute(
            "insert into ml.erasure_log values ('token', $at, $at, 'raw.order_lines', 4)", {"at": SENT_AT}
        )
        connection.execute(
            "insert into ml.audience_sends by name select 'best' as audience, 'google' as destination, "
            "$at as sent_at, false as dry_run, 9 as asked, 2 as capped, 1 as without_contact, 6 as written",
            {"at": SENT_AT},
        )
        connection.execute("insert into marts.dim_customer (customer_id) values ('c00001')")
    (tmp_path / "dagster").mkdir()
    return settings


def contents(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_refuses_it_in_one_sentence_and_writes_nothing(
    settings: Settings, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command, given = COMMANDS[name]
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    before = contents(settings.generated_dir)
    assert command() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{settings.warehouse_file} was built by other code (layout unknown, needed ")
    assert "launch `make rebuild`" in line
    assert contents(settings.generated_dir) == before


def test_a_step_refuses_it_too(settings: Settings) -> None:
    before = contents(settings.generated_dir)
    warehouse = DuckDBWarehouse(database=str(settings.warehouse_file))
    with pytest.raises(LayoutOutdated):
        warehouse.read("select 1")
    assert contents(settings.generated_dir) == before


def test_a_rebuild_keeps_the_records_under_their_present_names(settings: Settings) -> None:
    assert rebuild.main() == 0
    warehouse = DuckDBWarehouse(database=str(settings.warehouse_file))
    (erased,) = warehouse.read("from ml.erasure_log").to_dict("records")
    assert (erased["erasure_id"], erased["rows_removed"]) == ("token", 4)
    (sent,) = warehouse.read("from ml.audience_exports").to_dict("records")
    assert [sent[name] for name in ("audience_candidates", "over_cap", "without_identifier", "written")] == [
        9, 2, 1, 6,
    ]  # fmt: skip
    assert sent["sent_at"] == SENT_AT
    tables = warehouse.read(
        "select count(*) as n from information_schema.tables where table_schema <> 'main'"
    )
    assert tables["n"].tolist() == [2]
    assert (settings.landing_dir / "orders.csv").exists()
