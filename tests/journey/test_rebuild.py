"""A warehouse of another layout is refused; after ``make rebuild`` a run publishes the same numbers."""

from pathlib import Path

import duckdb
import pandas as pd

from orchestration.resources.layout import LAYOUT
from tests.journey.conftest import copied
from tests.journey.world import Place, RunResult

# Versions, run ids and instants differ between any two runs.
NUMBERS = {
    "purchase_propensity": "customer_id, probability, decile, tier, ineligible_reason",
    "churn": "customer_id, probability, is_already_churned, ineligible_reason",
    "lifetime_value": "customer_id, horizon_days, historic_value, predicted_value, ineligible_reason",
    "segments": "customer_id, scheme, segment_name, ineligible_reason",
}


def numbers(place: Place) -> dict[str, pd.DataFrame]:
    return {
        table: place.published(f"select as_of_date, {columns} from published.{table} order by all")
        for table, columns in NUMBERS.items()
    }


def rebuild(place: Place) -> RunResult:
    process = place.start("-m", "orchestration.cli.rebuild")
    output, _ = process.communicate(timeout=300)
    return RunResult(code=process.returncode, output=output)


def test_a_run_is_refused_until_a_rebuild_and_then_publishes_the_same_numbers(
    first_run: tuple[Place, RunResult], tmp_path: Path
) -> None:
    place = copied(first_run, tmp_path / "var")
    before, landed = numbers(place), sorted(file.name for file in (place.folder / "landing").iterdir())
    # As every warehouse from before the layout had a version.
    with duckdb.connect(str(place.warehouse)) as connection:
        connection.execute(f"drop table {LAYOUT.sql}")
    refused = place.run()
    assert refused.code == 1
    assert "launch `make rebuild`" in refused.output
    assert "running " not in refused.output
    rebuilt = rebuild(place)
    assert rebuilt.code == 0, rebuilt.output
    assert not place.snapshot.exists()
    assert sorted(file.name for file in (place.folder / "landing").iterdir()) == landed
    again = place.run()
    assert again.code == 0, again.output
    for table, rows in numbers(place).items():
        assert len(rows) > 300
        pd.testing.assert_frame_equal(rows, before[table], rtol=1e-9)
