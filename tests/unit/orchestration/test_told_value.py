"""What a run says of lifetime value, from figures we chose."""

import pandas as pd
import pytest

from assets.lifetime_value.grade import FALLBACK
from orchestration.cli.told_value import value_lines


@pytest.fixture
def totals() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "horizon_days": [30, 90],
            "customers": [2, 2],
            "predicted": [1_000.4, 3_000.0],
            "baseline": [900.0, 2_700.0],
            "orders": [10.0, float("nan")],
            "currency": ["EUR", "EUR"],
            "status": ["ok", "ok"],
            "as_of_date": pd.to_datetime(["2024-05-06", "2024-05-06"]),
        }
    )


def figures() -> pd.DataFrame:
    columns = ["slice_name", "metric", "value", "ci_lo", "ci_hi"]
    rows = [
        ("all", "deviance", 1.3, 1.2, 1.4),
        ("all", "naive_deviance", 1.9, 1.8, 2.0),
        ("horizon_days", "wape", 0.7, 0.6, 0.8),
    ]
    return pd.DataFrame(rows, columns=columns)


def test_totals_are_told_beside_the_naive_formula(totals: pd.DataFrame) -> None:
    lines = value_lines(totals, figures())
    assert lines == [
        "   deviance (lower) 1.300 [1.200, 1.400]; naive formula 1.900 [1.800, 2.000]",
        "   next 30 days, from 2024-05-06: 1,000 EUR by 2 customers, 10 days with an order; "
        "naive formula 900",
        "   next 90 days, from 2024-05-06: 3,000 EUR by 2 customers; naive formula 2,700",
    ]


def test_a_fallback_says_that_it_is_one(totals: pd.DataFrame) -> None:
    assert FALLBACK.meaning in value_lines(totals, figures().head(0))[0]


def test_nothing_published_is_said(totals: pd.DataFrame) -> None:
    assert value_lines(totals.head(0), figures()) == ["   nothing was published"]
