"""Two businesses in one ``VAR_DIR``: neither knows runs, checks or schedules of the other."""

from pathlib import Path

import pytest

from tests.journey.small_shop import deliver_orders, shop
from tests.journey.world import Place


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Place]:
    """Two businesses, each of which has run once."""
    folder: Path = tmp_path_factory.mktemp("businesses") / "exports"
    deliver_orders(folder)
    (folder / "answers_1.csv").write_text(
        "customer,purpose,status,answered_on\nC000,profiling,yes,2024-01-01\n"
    )
    both = shop(folder, "north"), shop(folder, "south")
    for place in both:
        result = place.run()
        assert result.code == 0, result.output
    return both


def test_published_checks_are_those_of_the_business_alone(places: tuple[Place, Place]) -> None:
    runs = []
    for place in places:
        rows = place.published("select distinct run_id, as_of_date from published.checks")
        with place.instance() as instance:
            assert [run.run_id for run in instance.get_runs()] == rows["run_id"].tolist()
        runs += rows["run_id"].tolist()
    assert len(set(runs)) == len(runs) == 2


def test_each_business_has_everything_in_its_own_folder(places: tuple[Place, Place]) -> None:
    (var_dir,) = {place.var_dir for place in places}
    assert {child.name for child in var_dir.iterdir()} == {"north", "south"}
    for place in places:
        assert len([*(place.home / "history" / "runs").glob("????????-*.db")]) == 1


def test_a_second_file_of_the_same_name_is_refused_and_changes_nothing(
    places: tuple[Place, Place], tmp_path: Path
) -> None:
    north, _ = places
    other = tmp_path / "north.yaml"
    other.write_text(Path(north.business).read_text())
    # The harness writes Dagster's configuration whenever it starts a process.
    files = [path for path in north.folder.rglob("*") if path.name != "dagster.yaml"]
    before = {path: path.stat().st_mtime_ns for path in files}
    result = Place(var_dir=north.var_dir, business=str(other), size="").run()
    assert result.code == 2
    assert f"belongs to {north.business}, and {other} has the same name" in result.output
    after = [path for path in north.folder.rglob("*") if path.name != "dagster.yaml"]
    assert {path: path.stat().st_mtime_ns for path in after} == before
