"""Declared settings are part of the build state: another salt or recorded consent rebuilds all features."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from assets.keys import LOAD_LOG
from assets.transform import build_state
from assets.transform.build_state import BusinessCalendar, next_window, write_build_state
from orchestration.resources.warehouse import DuckDBWarehouse

DECLARED = {
    "time_zone": "UTC",
    "records_consent": "no",
    "holdout_share": "0.05",
    "holdout_salt": "a-salt-of-8",
}
AS_OF = date(2024, 5, 6)


def calendar(**changed: str) -> BusinessCalendar:
    return BusinessCalendar(
        declared={**DECLARED, **changed},
        first_as_of_day=date(2024, 1, 1),
        today=lambda _warehouse: AS_OF,
        known_at={},
    )


def landed(folder: Path) -> DuckDBWarehouse:
    """A warehouse into which no file has been loaded."""
    warehouse = DuckDBWarehouse(database=str(folder / "warehouse.duckdb"))
    files = pd.DataFrame(
        {name: pd.Series(dtype="string") for name in ("source", "source_file", "file_fingerprint")}
    )
    warehouse.replace(LOAD_LOG, files)
    return warehouse


@pytest.mark.parametrize(
    ("changed", "is_full_refresh"),
    [({}, False), ({"holdout_salt": "another-salt"}, True), ({"records_consent": "yes"}, True)],
)
def test_a_changed_setting_rebuilds_all_features(
    tmp_path: Path, changed: dict[str, str], is_full_refresh: bool
) -> None:
    warehouse = landed(tmp_path)
    window = next_window(AS_OF, calendar(), warehouse=warehouse, project_dir=tmp_path)
    write_build_state(window, calendar(), warehouse=warehouse, project_dir=tmp_path)
    again = next_window(AS_OF, calendar(**changed), warehouse=warehouse, project_dir=tmp_path)
    assert again.is_full_refresh == is_full_refresh


@pytest.mark.parametrize(("file", "is_rebuilt"), [("dbt_project.yml", True), ("profiles.yml", False)])
def test_a_changed_variable_of_the_dbt_project_rebuilds_all_features(
    tmp_path: Path, file: str, is_rebuilt: bool
) -> None:
    warehouse = landed(tmp_path)
    (tmp_path / file).write_text("vars: {churn_deviations: 3}")
    window = next_window(AS_OF, calendar(), warehouse=warehouse, project_dir=tmp_path)
    write_build_state(window, calendar(), warehouse=warehouse, project_dir=tmp_path)
    (tmp_path / file).write_text("vars: {churn_deviations: 4}")
    again = next_window(AS_OF, calendar(), warehouse=warehouse, project_dir=tmp_path)
    assert again.is_full_refresh == is_rebuilt


def test_another_version_of_the_database_rebuilds_all_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = landed(tmp_path)
    window = next_window(AS_OF, calendar(), warehouse=warehouse, project_dir=tmp_path)
    write_build_state(window, calendar(), warehouse=warehouse, project_dir=tmp_path)
    monkeypatch.setattr(build_state, "version", lambda name: f"another version of {name}")
    assert next_window(AS_OF, calendar(), warehouse=warehouse, project_dir=tmp_path).is_full_refresh
