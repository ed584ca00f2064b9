"""What a step tells the UI."""

import dagster as dg
import numpy as np
import pandas as pd

from assets.lifecycle.defs import told_table


def test_a_cell_without_a_value_is_empty_and_numbers_are_short() -> None:
    rows = pd.DataFrame(
        {
            "amount": [1 / 3, np.nan],
            "rows": [7, 8],
            "day": [pd.Timestamp("2024-01-01"), pd.NaT],
            "reason": ["late", None],
        }
    )
    told = told_table(rows)
    assert isinstance(told, dg.TableMetadataValue)
    assert [dict(record.data) for record in told.records] == [
        {"amount": 0.3333, "rows": 7, "day": "2024-01-01 00:00:00", "reason": "late"},
        {"amount": None, "rows": 8, "day": None, "reason": None},
    ]


def test_a_table_without_a_row_is_left_out() -> None:
    assert told_table(pd.DataFrame({"amount": []})) is None
