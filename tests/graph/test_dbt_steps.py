"""dbt in the process of the run: the project is parsed once, and the steps reuse the manifest."""

from pathlib import Path

import duckdb
import pytest

from orchestration.resources import dbt as dbt_in_process
from orchestration.resources.dbt import PARSED, InProcessDbt

PROJECT = """
name: small
version: "1.0.0"
config-version: 2
profile: small
"""
PROFILES = """
small:
  target: duckdb
  outputs:
    duckdb: {type: duckdb, path: "{{ env_var('WAREHOUSE') }}", threads: 1}
"""
BUILD = ("build", "--no-write-json")


class Small:
    """A project of one model, its warehouses, and the dbt that builds it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._patch = folder, monkeypatch
        self.project = folder / "project"
        (self.project / "models").mkdir(parents=True)
        (self.project / "dbt_project.yml").write_text(PROJECT)
        (self.project / "profiles.yml").write_text(PROFILES)
        self.write_model(1)
        self.dbt = InProcessDbt(profiles_dir=str(self.project), target_dir=str(folder / "dbt"))

    def write_model(self, number: int) -> None:
        (self.project / "models" / "numbers.sql").write_text(f"select {number} as number\n")

    def at(self, place: str) -> Path:
        """Move the warehouse to ``place``."""
        warehouse = self.folder / place / "shop.duckdb"
        warehouse.parent.mkdir(exist_ok=True)
        self._patch.setenv("WAREHOUSE", str(warehouse))
        return warehouse

    def parse(self) -> None:
        ended = self.dbt.parse(project_dir=self.project)
        assert ended.is_successful, ended.errors

    def build(self) -> None:
        ended = self.dbt.run(BUILD, project_dir=self.project, step="step")
        assert ended.is_successful, ended.errors

    @property
    def has_parsed_again(self) -> bool:
        """Whether the last step parsed the project: it then writes a manifest of its own."""
        return (self.folder / "dbt" / "step" / PARSED).exists()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    made = Small(tmp_path, monkeypatch)
    made.at("here")
    made.parse()
    return made


def number_in(warehouse: Path) -> int:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return int(connection.execute("select number from numbers").fetchall()[0][0])


def test_a_step_reuses_the_manifest_wherever_the_warehouse_is(small: Small) -> None:
    for place in ("here", "elsewhere"):
        warehouse = small.at(place)
        small.build()
        assert number_in(warehouse) == 1
        assert not small.has_parsed_again


def test_changed_sql_is_used_from_the_next_parse_on(small: Small) -> None:
    warehouse = small.at("elsewhere")
    small.write_model(2)
    small.build()
    assert number_in(warehouse) == 1
    small.parse()
    small.build()
    assert number_in(warehouse) == 2


def test_a_manifest_of_another_dbt_version_is_parsed_again(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt_in_process, "installed", "0.0.1")
    small.build()
    assert small.has_parsed_again


def test_a_step_before_any_parse_parses_the_project(small: Small) -> None:
    (small.folder / "dbt" / PARSED).unlink()
    small.build()
    assert small.has_parsed_again
