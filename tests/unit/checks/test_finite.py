"""No infinite number and no NaN is published, in a number or in a sentence."""

from pathlib import Path

import pytest

from assets.keys import Key
from checks.data.finite import finite_verdict
from orchestration.resources.warehouse import DuckDBWarehouse

TABLE, OTHER = Key("published", "churn"), Key("published", "never_made")
SOUND = (
    "1.5::double as p, null::double as q, 3 as n, 'inf' as customer_id, 'infinite nanny of 3.1' as reasons"
)


def verdict_on(folder: Path, columns: str) -> tuple[bool, str]:
    warehouse = DuckDBWarehouse(database=str(folder / "warehouse.duckdb"))
    with warehouse.connect() as connection:
        connection.execute(f"create schema published; create table published.churn as select {columns}")
    found = finite_verdict([TABLE, OTHER], warehouse)
    return found.passed, found.reason


def test_numbers_nulls_ids_and_words_pass(tmp_path: Path) -> None:
    assert verdict_on(tmp_path, SOUND) == (True, "every number of 3 columns is finite")


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        ("'nan'::double as p", "churn.p (1 rows)"),
        ("'-inf'::double as p", "churn.p (1 rows)"),
        ("'inf'::float as p", "churn.p (1 rows)"),
        ("'were to spend nan and spent 3' as reasons", "churn.reasons (1 rows)"),
        ("'differs by nan [nan, nan]' as reason", "churn.reason (1 rows)"),
        ("'allow 2 to inf' as details", "churn.details (1 rows)"),
    ],
)
def test_what_is_no_number_is_named_by_table_and_column(tmp_path: Path, wrong: str, column: str) -> None:
    name = wrong.rsplit(" ", 1)[1]
    kept = ", ".join(part for part in SOUND.split(", ") if not part.endswith(f" as {name}"))
    assert verdict_on(tmp_path, f"{kept}, {wrong}") == (False, f"infinite or not a number: {column}")
