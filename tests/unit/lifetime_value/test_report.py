"""The model card of lifetime value is made from whatever the backtest recorded."""

import json

import pandas as pd
import pytest

from assets.lifetime_value.models.candidates import AMOUNT_MODELS
from assets.lifetime_value.report import MEASURES, card_sections, score_summary
from assets.lifetime_value.spec import PROBLEM

REGISTRY = {
    "params": json.dumps(
        {
            "amount_model": "bg_nbd",
            "horizons": {
                "90": {
                    "status": "ok",
                    "quality_grade": "Good",
                    "reason": "from 2024-01-01 0.97 of the observed",
                },
                "365": {"status": "fallback_model", "quality_grade": "Poor", "reason": "no window has ended"},
            },
        }
    )
}


def recorded(prefix: str, *, slice_name: str = "all") -> list[dict[str, object]]:
    names = [f"{prefix}{name}" for name in (*MEASURES, "coverage", "period_sd")]
    shared = {
        "slice_name": slice_name,
        "slice_value": "all",
        "value": 0.5,
        "ci_lo": 0.4,
        "ci_hi": 0.6,
        "n": 9,
    }
    return [{**shared, "metric": name, "n_positive": 5} for name in names]


@pytest.fixture
def bins() -> pd.DataFrame:
    shared = {"n": 100, "mean_predicted": 2.0, "mean_observed": 1.0, "ci_lo": 0.5, "ci_hi": 2.5, "bin": 1}
    return pd.DataFrame(
        [
            {"slice_name": name, "slice_value": value, **shared}
            for name, value in (("total", "all"), ("all", "all"), ("first_purchase_quarter", "2023-Q1"))
        ]
    )


@pytest.mark.parametrize("refused", ["boosting", "blend"])
def test_a_candidate_refused_on_one_window_and_fitted_on_another_does_not_take_down_the_card(
    bins: pd.DataFrame, refused: str
) -> None:
    there = [name for name in AMOUNT_MODELS if name != refused]
    rows = [row for prefix in ("", "baseline_", *(f"{name}_" for name in there)) for row in recorded(prefix)]
    rows += recorded(f"{refused}_", slice_name="horizon_days")
    sections = card_sections(PROBLEM, REGISTRY, pd.DataFrame(rows), bins)
    assert refused not in sections["Performance"]
    assert all(name in sections["Performance"] for name in there)


def test_the_card_has_the_whole_and_the_verdict_on_each_horizon(bins: pd.DataFrame) -> None:
    rows = [*recorded(""), *recorded("baseline_")]
    sections = card_sections(PROBLEM, REGISTRY, pd.DataFrame(rows), bins)
    assert "| 90 | ok | Good | from 2024-01-01 0.97 of the observed |" in sections["Performance"]
    assert "| 365 | fallback_model | Poor | no window has ended |" in sections["Performance"]
    assert "| all | 100 | 2.00 | 1.00 | 0.50 to 2.50 |" in sections["Totals by group"]


def test_a_withheld_horizon_has_no_total_in_the_summary() -> None:
    scored = pd.DataFrame(
        {
            "horizon_days": [30, 30, 90, 90],
            "predicted_value": [1.0, 2.0, None, None],
            "predicted_orders": [1.0, 1.0, None, None],
            "baseline_value": [1.0, 1.0, 3.0, 3.0],
            "is_high_value": pd.array([True, False, None, None], dtype="boolean"),
        }
    )
    found = score_summary(scored)
    assert found["totals"]["predicted_value"].isna().tolist() == [False, True]
    assert found["high_value_customers"] == 1
