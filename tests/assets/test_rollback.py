"""Rollback to the version that served before, logged; refused with a reason when there is none."""

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import dagster as dg
import pytest

from assets.ingest.config.alerts import AlertTargets
from assets.lifecycle.promotion import BY_HAND, NothingToRollBackTo, roll_back
from assets.lifecycle.scoring import score
from assets.lifecycle.store.artifacts import MODEL_FILE, ModelIntegrityError
from orchestration.cli import rollback
from orchestration.cli.console_log import console_logger
from orchestration.jobs import RESCORE
from orchestration.settings import Settings
from tests.assets.world import CAPABILITY, FIRST, LATER, PROBLEM, SPEC, World


@pytest.fixture
def two_served(world: World) -> World:
    """A past date was replayed: its version served until the newest champion took over."""
    world.run_date(FIRST - timedelta(weeks=2))
    return world


def versions(world: World) -> dict[str, str]:
    rows = world.table(SPEC.champion)
    return {
        str(day): version
        for day, version in zip(rows["as_of_date"].dt.date, rows["model_version"], strict=True)
    }


def test_the_version_before_serves_again_and_scores(two_served: World) -> None:
    before, newest = versions(two_served)[str(FIRST - timedelta(weeks=2))], versions(two_served)[str(FIRST)]
    serves = roll_back(two_served.run(LATER), reason="complaints about the new one")
    assert serves.model_version == before
    decision = two_served.newest_decision()
    assert (decision["decision"], decision["champion"], decision["challenger"]) == (
        "rollback",
        newest,
        before,
    )
    assert decision["reasons"] == "complaints about the new one"
    assert two_served.stages()[before] == "champion"
    assert two_served.stages()[newest] == "retired"
    score(two_served.run(LATER))
    assert set(two_served.scored(LATER)["model_version"]) == {before}
    # Rows served before the rollback stay as they were.
    assert set(two_served.scored(FIRST)["model_version"]) == {newest}


def test_with_one_version_there_is_nothing_to_roll_back_to(world: World) -> None:
    before = world.tables()
    with pytest.raises(NothingToRollBackTo, match="no version of purchase_propensity served before"):
        roll_back(world.run(LATER), reason="x")
    assert world.tables().keys() == before.keys()
    assert len(world.table(SPEC.champion)) == 1


def test_a_tampered_earlier_version_is_not_rolled_back_to(two_served: World) -> None:
    before = versions(two_served)[str(FIRST - timedelta(weeks=2))]
    file = two_served.models.folder(PROBLEM.name, before) / MODEL_FILE
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(ModelIntegrityError):
        roll_back(two_served.run(LATER), reason="x")
    assert str(LATER) not in versions(two_served)


@pytest.fixture
def command(two_served: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """The command on a world of two champions; its job is the step that scores."""
    run = two_served.run(LATER)

    @dg.asset(key=dg.AssetKey(PROBLEM.scores), partitions_def=dg.StaticPartitionsDefinition([str(LATER)]))
    def scored() -> None:
        score(run)

    job = dg.define_asset_job(RESCORE, [scored], executor_def=dg.in_process_executor)
    definitions = dg.Definitions(assets=[scored], jobs=[job], loggers={"console": console_logger})
    folder = two_served.folder
    settings = Settings(var_dir=folder.parent, business=folder.parent / f"{folder.name}.yaml")
    business = SimpleNamespace(name=folder.name, alerts=AlertTargets())
    monkeypatch.setattr(Settings, "load_business", lambda _settings: business)
    monkeypatch.setattr(rollback, "CAPABILITIES", (CAPABILITY,))
    monkeypatch.setattr(rollback, "Settings", lambda: settings)
    monkeypatch.setattr(rollback, "definitions_for", lambda _settings: definitions)
    monkeypatch.setattr(rollback, "newest_as_of_day", lambda _business: LATER)
    # One of its own for each caller, as from a file: the command creates the databases first and closes them.
    monkeypatch.setattr(dg.DagsterInstance, "get", dg.DagsterInstance.ephemeral)

    def rolled(reason: str) -> int:
        monkeypatch.setenv("CAPABILITY", PROBLEM.name)
        monkeypatch.setenv("REASON", reason)
        return rollback.main()

    return rolled


def test_the_command_logs_the_reason_and_scores_with_the_version_before(
    two_served: World, command: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    before = versions(two_served)[str(FIRST - timedelta(weeks=2))]
    assert command("complaints") == 0
    assert f"{before} serves from {LATER} on" in capsys.readouterr().err
    assert set(two_served.scored(LATER)["model_version"]) == {before}
    decision = two_served.decided(LATER).query("decision == 'rollback'").iloc[0]
    assert (decision["reasons"], decision["trigger"]) == ("complaints", BY_HAND)
    # The other version served on the date before: a second rollback undoes the first.
    assert command("it was not the model") == 0
    assert set(two_served.scored(LATER)["model_version"]) == {versions(two_served)[str(FIRST)]}


def test_a_rollback_without_a_reason_changes_nothing(
    two_served: World, command: Callable[[str], int]
) -> None:
    before = versions(two_served)
    assert command(" ") == 2
    assert versions(two_served) == before


def test_a_rollback_whose_scoring_fails_prints_it_and_leaves_an_alert(
    two_served: World, command: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    with two_served.warehouse.connect() as connection:
        connection.execute(f"drop table {PROBLEM.features[0].sql}")
    assert command("complaints") == 1
    assert "still published" in capsys.readouterr().err
    (line,) = (two_served.folder / "reports" / "alerts.jsonl").read_text().splitlines()
    assert json.loads(line)["job"] == RESCORE
