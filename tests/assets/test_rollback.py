"""One step back to the version that served before, logged, and refused in words when there is none."""

from datetime import timedelta

import pytest

from assets.lifecycle.register import MODEL_FILE, ModelFileRefused
from assets.lifecycle.rollback import NothingToRollBackTo, roll_back
from assets.lifecycle.serve import scores
from tests.assets.world import FIRST, LATER, PROBLEM, World


@pytest.fixture
def two_served(world: World) -> World:
    """An earlier morning lived later: its version served until the newest champion took over."""
    world.live(FIRST - timedelta(weeks=2))
    return world


def versions(world: World) -> dict[str, str]:
    rows = world.table(PROBLEM.champion)
    return {
        str(day): version
        for day, version in zip(rows["as_of_date"].dt.date, rows["model_version"], strict=True)
    }


def test_the_version_before_serves_again_and_scores(two_served: World) -> None:
    before, newest = versions(two_served)[str(FIRST - timedelta(weeks=2))], versions(two_served)[str(FIRST)]
    serves = roll_back(two_served.morning(LATER), reason="complaints about the new one")
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
    scores(two_served.morning(LATER))
    assert set(two_served.scored(LATER)["model_version"]) == {before}
    # What was served before the rollback stays as it was said.
    assert set(two_served.scored(FIRST)["model_version"]) == {newest}


def test_with_one_version_there_is_nothing_to_roll_back_to(world: World) -> None:
    before = world.tables()
    with pytest.raises(NothingToRollBackTo, match="no version of purchase_propensity served before"):
        roll_back(world.morning(LATER), reason="x")
    assert world.tables().keys() == before.keys()
    assert len(world.table(PROBLEM.champion)) == 1


def test_a_tampered_earlier_version_is_not_rolled_back_to(two_served: World) -> None:
    before = versions(two_served)[str(FIRST - timedelta(weeks=2))]
    file = two_served.models.folder(PROBLEM.name, before) / MODEL_FILE
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(ModelFileRefused):
        roll_back(two_served.morning(LATER), reason="x")
    assert str(LATER) not in versions(two_served)
