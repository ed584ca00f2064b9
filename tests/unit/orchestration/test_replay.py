"""A morning of a replay: what is run, what is left out while nobody can score, and what is said."""

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
from orchestration.cli.replay import History
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
    """The assets that the runs made, in their order."""
    return []


@pytest.fixture
def history(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """A business of four assets whose every morning wants a model."""
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
    monkeypatch.setattr(replay, "date_line", lambda _rows: "the morning in a line")
    return History(
        definitions=dg.Definitions(
            assets=[looked, scores, champion, snapshot],
            jobs=[
                dg.define_asset_job(REPLAY, [looked, scores], executor_def=dg.in_process_executor),
                dg.define_asset_job(
                    RETRAIN, [champion, scores, snapshot], executor_def=dg.in_process_executor
                ),
                dg.define_asset_job(PUBLISH, [snapshot], executor_def=dg.in_process_executor),
            ],
            loggers={"narrator": console_logger},
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


def test_while_nobody_serves_a_morning_looks_back_and_then_retrains(
    history: History, made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    history.live(DAY)
    assert made[0] == PROBLEM.realised.name
    assert sorted(made[1:]) == sorted([PROBLEM.champion.name, PROBLEM.scores.name])
    said = capsys.readouterr()
    assert "STOPPED" not in said.err
    assert f"{DAY}: retraining {PROBLEM.name}, because {NOBODY_SERVES}: nothing" in said.err
    assert said.err.splitlines()[-1].startswith("the morning in a line (")
    assert control_tables.champion_as_of(PROBLEM, history.warehouse, as_of=DAY) is not None


def test_once_somebody_serves_the_morning_is_scored_too(history: History, made: Made) -> None:
    history.live(DAY)
    made.clear()
    history.run(REPLAY, DAY)
    assert sorted(made) == sorted([PROBLEM.realised.name, PROBLEM.scores.name])
    made.clear()
    history.live(DAY)
    assert sorted(made[:2]) == sorted([PROBLEM.realised.name, PROBLEM.scores.name])


def test_before_any_outcome_is_known_nothing_is_trained(history: History, made: Made) -> None:
    # An outcome takes 30 days to be known, and nobody traded before this morning.
    history.live(FIRST_DAY)
    assert made == [PROBLEM.realised.name]
