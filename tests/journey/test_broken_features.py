"""A broken feature table stops the run: no new scores, and the previous snapshot stays published."""

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import pytest

from tests.journey.conftest import copied
from tests.journey.world import PROJECT, Place, RunResult

FEATURE_MODEL = Path("dbt_project/models/features/feat_customer__orders.sql")
SCORES = "ml.purchase_propensity__scores"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Result of a run with duplicated features after a run without them."""

    place: Place
    result: RunResult
    scores_before: str
    snapshot_before: str


def fingerprint(place: Place) -> str:
    return hashlib.sha256(place.snapshot.read_bytes()).hexdigest()


def scores(place: Place) -> str:
    return place.kept(f"select * from {SCORES} order by all").to_csv()


def project_with_doubled_features(folder: Path) -> Path:
    """Copy the project; its feature SQL returns every row twice."""
    for part in ("assets", "checks", "orchestration", "config", "dbt_project"):
        shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / FEATURE_MODEL
    # The model ends in its joins: one more join returns each row twice.
    file.write_text(file.read_text(encoding="utf-8") + "cross join (select unnest([1, 2])) as twice\n")
    return folder


@pytest.fixture(scope="module")
def broken(first_run: tuple[Place, RunResult], tmp_path_factory: pytest.TempPathFactory) -> Broken:
    folder = tmp_path_factory.mktemp("broken")
    place = copied(first_run, folder / "var")
    before = scores(place), fingerprint(place)
    place = replace(place, project=project_with_doubled_features(folder / "project"))
    return Broken(place=place, result=place.run(), scores_before=before[0], snapshot_before=before[1])


def test_the_run_fails_and_names_the_check(broken: Broken) -> None:
    assert broken.result.code == 1, broken.result.output
    assert (
        "check keys_are_unique on features/feat_customer__orders FAILED (stops the run)"
        in broken.result.output
    )
    assert "are still served, unchanged" in broken.result.output


def test_no_step_after_the_features_was_started(broken: Broken) -> None:
    for step in ("candidate", "evaluation", "champion", "scores"):
        assert f"running ml__purchase_propensity__{step}" not in broken.result.output
    for step in ("published", "consumers__snapshot"):
        assert f"running {step} " not in broken.result.output


def test_the_scores_are_those_of_the_previous_run(broken: Broken) -> None:
    assert scores(broken.place) == broken.scores_before


def test_the_previous_snapshot_is_unchanged(broken: Broken) -> None:
    assert fingerprint(broken.place) == broken.snapshot_before


def test_dagster_shows_the_run_as_failed(broken: Broken) -> None:
    with broken.place.instance() as instance:
        newest, older = instance.get_runs(limit=2)
        assert newest.status == dg.DagsterRunStatus.FAILURE
        assert older.status == dg.DagsterRunStatus.SUCCESS
