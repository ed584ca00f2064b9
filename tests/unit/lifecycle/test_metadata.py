"""Tables that a step shows in the UI."""

import dagster as dg
import numpy as np
import pandas as pd

from assets.lifecycle.defs import shown


def test_a_cell_without_a_value_is_empty_and_numbers_are_short() -> None:
    rows = pd.DataFrame(
        {
            "amount": [1 / 3, np.nan],
            "rows": [7, 8],
            "day": [pd.Timestamp("2024-01-01"), pd.NaT],
            "reason": ["late", None],
        }
    )
    found = shown({"rows": rows})["rows"]
    assert isinstance(found, dg.TableMetadataValue)
    assert [dict(record.data) for record in found.records] == [
        {"amount": 0.3333, "rows": 7, "day": "2024-01-01 00:00:00", "reason": "late"},
        {"amount": None, "rows": 8, "day": None, "reason": None},
    ]


def test_a_table_without_a_row_and_a_missing_value_are_left_out() -> None:
    assert shown({"rows": pd.DataFrame({"amount": []}), "grade": None, "n": 3}) == {"n": 3}


def test_a_plot_is_an_image_inside_the_page() -> None:
    found = shown({"totals": b"png"})["totals"]
    assert str(found.value).startswith("![totals](data:image/png;base64,")
