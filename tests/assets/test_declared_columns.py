"""What a business declares about its columns, and what the warehouse knows of them, reaches the gate."""

from datetime import date
from pathlib import Path

import pandas as pd

from assets.keys import METRICS, SCHEDULED_COLUMNS
from assets.lifecycle.realised import REALISED
from assets.lifecycle.store.schemas import METRIC_TYPES, typed
from tests.assets.world import CAPABILITY, FIRST, PROBLEM, WEEKS, World
from tests.unit.supervised.world import shop


def create(folder: Path) -> World:
    world, rows = World(folder=folder), shop(customers=30, weeks=WEEKS)
    # One column has values where its table states no knowledge date: it is 0 there in the others.
    nobody_knows = rows["customer_id"] == "c00007"
    others = ["days_since_order", "orders_365d", "average_order_amount_365d"]
    rows.loc[nobody_knows, others] = 0.0
    rows.loc[nobody_knows, "country"] = None
    rows.loc[nobody_knows, "newest_known_at"] = pd.NaT
    world.write(rows)
    return world


def test_scheduled_columns_are_part_of_the_data_and_of_the_version(tmp_path: Path) -> None:
    world = create(tmp_path)
    before = world.run(FIRST)
    assert before.data.scheduled == ()
    declared = pd.DataFrame({"column_name": ["noise", "renewal_of_another_question"]})
    world.warehouse.replace(SCHEDULED_COLUMNS, declared)
    after = world.run(FIRST)
    assert after.data.scheduled == ("noise",)
    assert after.version != before.version
    assert CAPABILITY._declared(after.data).scheduled == ("noise",)  # noqa: SLF001 - what the gate reads


def test_a_column_with_values_in_rows_without_a_knowledge_date_is_undated(tmp_path: Path) -> None:
    assert create(tmp_path).run(FIRST).data.undated == {"noise"}


def test_the_auc_of_published_scores_is_read_by_date(tmp_path: Path) -> None:
    world = create(tmp_path)
    known = {**dict.fromkeys(METRIC_TYPES), "model_name": PROBLEM.name, "split": REALISED, "metric": "auc"}
    rows = [
        {**known, "as_of_date": day, "slice_name": name, "slice_value": name,
         "value": value, "ci_lo": 0.6, "ci_hi": 0.8}
        for day, name, value in (
            (date(2025, 3, 3), "all", 0.7),
            (date(2025, 3, 3), "country", 0.9),
            # Not known on the date of the run.
            (date(2026, 3, 2), "all", 0.75),
        )
    ]  # fmt: skip
    world.warehouse.append(METRICS, typed(rows, METRIC_TYPES))
    found = world.run(FIRST).data.realised_auc
    assert {day: each.value for day, each in found.items()} == {date(2025, 3, 3): 0.7}
