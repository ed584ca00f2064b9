"""What a business declares changes what features mean: another salt or recorded consent builds them anew."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from assets.keys import LANDINGS
from assets.transform.build_state import BusinessCalendar, next_window, remember
from orchestration.resources.warehouse import DuckDBWarehouse

DECLARED = {
    "time_zone": "UTC",
    "records_consent": "no",
    "holdout_share": "0.05",
    "holdout_salt": "a-salt-of-8",
}
MORNING = date(2024, 5, 6)


def clock(**changed: str) -> BusinessCalendar:
    return BusinessCalendar(
        declared={**DECLARED, **changed},
        first_as_of_day=date(2024, 1, 1),
        today=lambda _warehouse: MORNING,
        known_at={},
    )


def landed(folder: Path) -> DuckDBWarehouse:
    """A warehouse into which no file has been loaded."""
    warehouse = DuckDBWarehouse(database=str(folder / "warehouse.duckdb"))
    files = pd.DataFrame(
        {name: pd.Series(dtype="string") for name in ("source", "source_file", "file_fingerprint")}
    )
    warehouse.replace(LANDINGS, files)
    return warehouse


@pytest.mark.parametrize(
    ("changed", "is_anew"),
    [({}, False), ({"holdout_salt": "another-salt"}, True), ({"records_consent": "yes"}, True)],
)
def test_another_declaration_builds_every_day_anew(
    tmp_path: Path, changed: dict[str, str], is_anew: bool
) -> None:
    warehouse = landed(tmp_path)
    window = next_window(MORNING, clock(), warehouse=warehouse, project_dir=tmp_path)
    remember(window, clock(), warehouse=warehouse, project_dir=tmp_path)
    again = next_window(MORNING, clock(**changed), warehouse=warehouse, project_dir=tmp_path)
    assert again.is_full_refresh == is_anew


@pytest.mark.parametrize(("file", "is_rebuilt"), [("dbt_project.yml", True), ("profiles.yml", False)])
def test_another_variable_of_the_dbt_project_rebuilds_every_day(
    tmp_path: Path, file: str, is_rebuilt: bool
) -> None:
    warehouse = landed(tmp_path)
    (tmp_path / file).write_text("vars: {churn_deviations: 3}")
    window = next_window(MORNING, clock(), warehouse=warehouse, project_dir=tmp_path)
    remember(window, clock(), warehouse=warehouse, project_dir=tmp_path)
    (tmp_path / file).write_text("vars: {churn_deviations: 4}")
    again = next_window(MORNING, clock(), warehouse=warehouse, project_dir=tmp_path)
    assert again.is_full_refresh == is_rebuilt
