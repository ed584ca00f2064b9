"""What a business declares changes what features mean: another salt or recorded consent builds them anew."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from assets.keys import LOAD_LOG
from assets.transform.build_state import BusinessCalendar, next_window, write_build_state
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


@pytest.mark.parametrize(
    ("changed", "is_anew"),
    [({}, False), ({"holdout_salt": "another-salt"}, True), ({"records_consent": "yes"}, True)],
)
def test_another_declaration_builds_every_day_anew(
    tmp_path: Path, changed: dict[str, str], is_anew: bool
) -> None:
    warehouse = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    files = pd.DataFrame(
        {name: pd.Series(dtype="string") for name in ("source", "source_file", "file_fingerprint")}
    )
    warehouse.replace(LOAD_LOG, files)
    window = next_window(MORNING, clock(), warehouse=warehouse, project_dir=tmp_path)
    write_build_state(window, clock(), warehouse=warehouse, project_dir=tmp_path)
    again = next_window(MORNING, clock(**changed), warehouse=warehouse, project_dir=tmp_path)
    assert again.is_full_refresh == is_anew
