"""One as-of date of a replay: assets that run, assets left out without a champion, and the output."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from assets.lifecycle.retrain_triggers import NOBODY_SERVES, RetrainTrigger
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.schemas import CHAMPION_TYPES, typed
from orchestration.cli import replay
from orchestration.cli.console_log import console_logger
from orchestration.cli.replay import Replay
from orchestration.jobs import PUBLISH, REPLAY, RETRAIN, Stages
from orchestration.resources.warehouse import DuckDBWarehouse
from tests.unit.lifecycle.world import PROBLEM

FIRST_DAY = date(2024, 1, 1)
DAY = FIRST_DAY + timedelta(weeks=8)
CAUSE = RetrainTrigger(
    problem=PROBLEM.name, as_of=DAY, trigger=NOBODY_SERVES, version="", windows_violated=1, reasons="nothing"
)
Made = list[str]


@pytest.fixture
def made() -> Made:
    """Names of the materialised assets, in order."""
    return []


@pytest.fixture
def run(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Replay:
    """A business of four assets with a retrain trigger on every as-of date."""
    warehouse = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    days = dg.StaticPartitionsDefinition([str(DAY), str(FIRST_DAY)])

    def asset(key: dg.AssetKey, does: Callable[[], object] = lambda: None) -> dg.AssetsDefinition:
        @dg.asset(key=key, partitions_def=days, group_name=PROBLEM.name)
        def _asset() -> None:
            made.append(key.path[-1])
            does()

        return _asset

    def install() -> None:
        row = {
            **dict.fromkeys(CHAMPION_TYPES),
            "as_of_date": DAY,
            "model_version": "v1",
            "is_fallback": False,
        }
        warehouse.append(PROBLEM.champion, typed([row], CHAMPION_TYPES))

    looked, scores = asset(dg.AssetKey(PROBLEM.realised)), asset(dg.AssetKey(PROBLEM.scores))
    champion = asset(dg.AssetKey(PROBLEM.champion), install)
    snapshot = asset(dg.AssetKey(["consumers", "snapshot"]))
    monkeypatch.setattr(replay, "PROBLEMS", (PROBLEM,))
    monkeypatch.setattr(replay, "pending_trigger", lambda *_given, **_named: CAUSE)
    monkeypatch.setattr(replay, "replayed", lambda *_given: pd.DataFrame())
    monkeypatch.setattr(replay, "date_line", lambda _rows: "one line")
    return Replay(
        definitions=dg.Definitions(
            assets=[looked, scores, champion, snapshot],
            jobs=[
                dg.define_asset_job(REPLAY, [looked, scores], executor_def=dg.in_process_executor),
                dg.define_asset_job(
                    RETRAIN, [champion, scores, snapshot], executor_def=dg.in_process_executor
                ),
                dg.define_asset_job(PUBLISH, [snapshot], executor_def=dg.in_process_executor),
            ],
            loggers={"console": console_logger},
        ),
        instance=dg.DagsterInstance.ephemeral(),
        warehouse=warehouse,
        stages=Stages(
            landed=[],
            featured=[],
            monitored=[looked],
            trained=[champion],
            refitted_every_run=[],
            scored=[scores],
            published=[snapshot],
        ),
        first_day=FIRST_DAY,
    )  # fmt: skip


def test_without_a_champion_a_date_is_monitored_and_then_retrained(
    run: Replay, made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    run.run_date(DAY)
    assert made[0] == PROBLEM.realised.name
    assert sorted(made[1:]) == sorted([PROBLEM.champion.name, PROBLEM.scores.name])
    printed = capsys.readouterr()
    assert "FAILED" not in printed.err
    assert f"{DAY}: retraining {PROBLEM.name}: {NOBODY_SERVES}: nothing" in printed.err
    assert printed.err.splitlines()[-1].startswith("one line (")
    assert control_tables.champion_as_of(PROBLEM, run.warehouse, as_of=DAY) is not None


def test_with_a_champion_the_date_is_scored_too(run: Replay, made: Made) -> None:
    run.run_date(DAY)
    made.clear()
    run.run_job(REPLAY, DAY)
    assert sorted(made) == sorted([PROBLEM.realised.name, PROBLEM.scores.name])
    made.clear()
    run.run_date(DAY)
    assert sorted(made[:2]) == sorted([PROBLEM.realised.name, PROBLEM.scores.name])


def test_before_any_label_has_matured_nothing_is_trained(run: Replay, made: Made) -> None:
    # A label matures after 30 days, and this is the first as-of date.
    run.run_date(FIRST_DAY)
    assert made == [PROBLEM.realised.name]
