"""``make rollback`` from the command to the published rows."""

import shutil

import duckdb
import pytest

from tests.journey.conftest import copied
from tests.journey.world import LATEST, Place, RunResult

REASON = "complaints about the new one"
EARLIER = "20231225-earlier"


@pytest.fixture(scope="module")
def two_served(first_run: tuple[Place, RunResult], tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place whose tables say that another version served a week before the current one."""
    place = copied(first_run, tmp_path_factory.mktemp("rollback") / "var")
    plant_another_version(place)
    return place


def plant_another_version(place: Place) -> None:
    """Register the fallback under a second version: the candidate of the tiny shop is refused."""
    champion, registry = "ml.purchase_propensity__champion", "ml.model_registry"
    with duckdb.connect(str(place.warehouse)) as connection:
        (serves,) = connection.execute(f"select model_version from {champion}").fetchone() or ()
        connection.execute(f"update {champion} set is_fallback = false")
        for table, others in (
            (champion, "as_of_date - 7 as as_of_date"),
            (registry, "'retired' as stage"),
        ):
            connection.execute(
                f"insert into {table} select * replace ({others}, $earlier as model_version) from {table} "
                "where model_version = $serves",
                {"earlier": EARLIER, "serves": serves},
            )
    models = place.folder / "models" / "purchase_propensity"
    shutil.copytree(models / serves, models / EARLIER)


def roll_back(place: Place, reason: str) -> RunResult:
    process = place.start("-m", "orchestration.cli.rollback", REASON=reason)
    output, _ = process.communicate(timeout=900)
    return RunResult(code=process.returncode, output=output)


def test_the_earlier_version_is_logged_scored_and_published(two_served: Place) -> None:
    serves = two_served.published(f"select distinct model_version from {LATEST}")["model_version"].item()
    rolled = roll_back(two_served, REASON)
    assert rolled.code == 0, rolled.output
    assert f"{EARLIER} serves from 2024-01-01 on" in rolled.output
    assert "Traceback" not in rolled.output
    log = two_served.published("select * from published.retrain_log order by decided_at")
    newest = log.iloc[-1]
    assert (newest["decision"], newest["trigger"], newest["reasons"]) == ("rollback", "by hand", REASON)
    assert (newest["champion"], newest["challenger"]) == (serves, EARLIER)
    rows = two_served.published(f"select * from {LATEST}")
    assert set(rows["model_version"]) == {EARLIER}
    assert len(rows) == 333
    stages = two_served.published(
        "select model_version, stage from published.model_registry "
        "where model_name = 'purchase_propensity' and stage <> 'refused'"
    )
    assert dict(zip(stages["model_version"], stages["stage"], strict=True)) == {
        serves: "retired",
        EARLIER: "champion",
    }


def test_a_rollback_without_a_reason_is_refused(first_run: tuple[Place, RunResult]) -> None:
    refused = roll_back(first_run[0], "")
    assert (refused.code, refused.output) == (2, 'give a reason for the log: make rollback REASON="…"\n')
