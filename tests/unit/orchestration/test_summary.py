"""Summary of a run, from tables with chosen numbers."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from assets.lifecycle.report.grade import FALLBACK, GRADE_MEANINGS
from assets.lifetime_value.spec import FALLBACK as VALUE_FALLBACK
from orchestration.cli.summary import Facts, summary, value_lines

SNAPSHOT = Path("/var/shop/published/marketing.duckdb")
PAGE = Path("var/shop/published/reports/index.html")
NAME = "purchase_propensity"
METRICS = ["model_version", "slice_name", "slice_value", "metric", "value", "ci_lo", "ci_hi", "n"]


def figures(version: str) -> pd.DataFrame:
    rows = [
        (version, "all", "all", "auc", 0.7912, 0.78, 0.8, 4_000),
        (version, "all", "all", "baseline_auc", 0.7149, 0.7, 0.73, 4_000),
        (version, "all", "all", "average_precision", 0.5, 0.45, 0.55, 4_000),
        (version, "all", "all", "baseline_average_precision", 0.4, 0.35, 0.45, 4_000),
        (version, "recency", "0-30 days", "auc", 0.6, 0.5, 0.7, 400),
        # Of two as-of dates the newer one counts. 400 x 0.25 = 100 expected, 400 x 0.2 = 80 observed.
        (version, "as_of_date", "2024-11-25", "mean_predicted", 0.5, 0.4, 0.6, 10),
        (version, "as_of_date", "2024-11-25", "mean_observed", 0.5, 0.4, 0.6, 10),
        (version, "as_of_date", "2024-12-02", "mean_predicted", 0.25, 0.2, 0.3, 400),
        (version, "as_of_date", "2024-12-02", "mean_observed", 0.2, 0.15, 0.25, 400),
    ]
    return pd.DataFrame(rows, columns=METRICS)


def version_row(version: str, *, grade: str, method: str) -> pd.DataFrame:
    row = {
        "model_name": NAME, "model_version": version, "quality_grade": grade, "calibration_method": method,
        "label_horizon_days": 30,
    }  # fmt: skip
    return pd.DataFrame([row])


@pytest.fixture
def promoted() -> Facts:
    return Facts(
        # Two files of one source are one line: 1,000 + 500 rows in.
        landings=pd.DataFrame(
            {
                "source": ["orders", "orders", "products"],
                "table_name": ["order_lines", "order_lines", "products"],
                "rows_in": [1_000, 500, 600],
                "rows_loaded": [990, 500, 600],
                "rows_rejected": [10, 0, 0],
                "rows_left_out": [0, 0, 0],
            }
        ),
        rejects=[("order_lines", "ordered_at is missing", 7), ("order_lines", "unit_price is ...", 3)],
        versions=version_row("2025-01-06-abc", grade="Good", method="isotonic"),
        metrics=figures("2025-01-06-abc"),
        prediction_totals=pd.DataFrame(
            {
                "model_name": NAME,
                "as_of_date": pd.to_datetime(["2024-12-30", "2025-01-06"]),
                "expected_positives": [900.4, 1_234.4],
                "n_scored": [9_000, 10_000],
                "expected_positives_lo": [800.0, 1_100.0],
                "expected_positives_hi": [1_000.0, 1_400.0],
            }
        ),
        decisions=pd.DataFrame(
            {
                "model_name": [NAME, NAME],
                "decision": ["refuse", "promote"],
                "reasons": ["does not beat the champion", "beats the baseline"],
            }
        ),
        # 30 of 40 customers are in one segment by behaviour; no customer has one by rule.
        segments=pd.DataFrame(
            {
                "scheme": ["behaviour", "behaviour", "rfm"],
                "segment_name": ["lapsed", "frequent", None],
                "ineligible_reason": [None, None, "customers_do_not_differ"],
                "customers": [30, 10, 40],
                "stability": [0.912, 0.912, None],
            }
        ),
        tables={"purchase_propensity": 20_000, "purchase_propensity_latest": 10_000},
    )


@pytest.fixture
def fallen_back(promoted: Facts) -> Facts:
    return replace(
        promoted,
        versions=version_row("2024-01-01-fallback", grade="Poor", method="none"),
        metrics=promoted.metrics.head(0),
        decisions=pd.DataFrame(
            {
                "model_name": [NAME],
                "decision": ["fallback"],
                "reasons": ["188 customers in training, 500 needed"],
            }
        ),
    )


def summarised(facts: Facts) -> str:
    return summary(facts, as_of=date(2025, 1, 6), snapshot=SNAPSHOT, page=PAGE)


def test_the_page_to_open_is_named(promoted: Facts) -> None:
    assert f"   open {PAGE}\n" in summarised(promoted)


def test_segments_have_their_shares_or_a_reason_for_having_none(promoted: Facts) -> None:
    text = summarised(promoted)
    assert "by behaviour: lapsed 75%; frequent 25% (agreement with the previous as-of date 0.91)" in text
    assert "by recency, frequency and value: no segment (customers_do_not_differ) 100%" in text


def test_loaded_rows_are_summed_per_source(promoted: Facts) -> None:
    text = summarised(promoted)
    assert "orders -> raw.order_lines: 1,500 rows in, 1,490 loaded, 10 rejected" in text
    assert "rejected in order_lines: ordered_at is missing (7 rows)" in text
    assert "products -> raw.products: 600 rows in, 600 loaded, 0 rejected\n" in text


def test_a_promoted_model_is_compared_with_its_baseline(promoted: Facts) -> None:
    text = summarised(promoted)
    assert f"{NAME} 2025-01-06-abc, grade Good: {GRADE_MEANINGS['Good']}" in text
    assert "AUC 0.791 [0.780, 0.800]; baseline (rate by recency) 0.715 [0.700, 0.730]" in text
    assert "average precision 0.500 [0.450, 0.550]; baseline (rate by recency) 0.400" in text
    assert "latest decision: promote (beats the baseline)" in text


def test_the_newest_test_date_has_expected_and_observed_totals(promoted: Facts) -> None:
    assert "on 2024-12-02: expected 100 of 400 sampled customers, observed 80" in summarised(promoted)


def test_the_expected_total_is_that_of_the_newest_date_with_its_interval(promoted: Facts) -> None:
    assert (
        "expected within 30 days from 2025-01-06: 1,234 of 10,000 customers, 95 % interval 1,100 to 1,400"
        in summarised(promoted)
    )


def test_published_tables_are_listed_with_their_file_and_a_query(promoted: Facts) -> None:
    text = summarised(promoted)
    assert "published.purchase_propensity_latest: 10,000 rows" in text
    assert f"in {SNAPSHOT}" in text
    assert "http://127.0.0.1:3000" in text
    assert 'make query SQL="select' in text


def test_a_fallback_is_named_and_has_no_metrics(fallen_back: Facts) -> None:
    text = summarised(fallen_back)
    assert f"2024-01-01-fallback, grade Poor: {FALLBACK.meaning}" in text
    assert "latest decision: fallback (188 customers in training, 500 needed)" in text
    assert "no as-of date could be evaluated yet" in text
    assert "AUC" not in text


def test_only_the_serving_version_is_summarised(promoted: Facts) -> None:
    # A refused challenger of the same as-of date has metrics too; they are not the champion's.
    challenger = figures("2025-01-06-zzz").assign(value=0.99)
    both = replace(promoted, metrics=pd.concat([promoted.metrics, challenger], ignore_index=True))
    assert summarised(both) == summarised(promoted)


def test_each_problem_has_its_own_total(promoted: Facts) -> None:
    churn: dict[str, Any] = {"model_name": "churn", "model_version": "c1", "label_horizon_days": 60}
    level: dict[str, Any] = {"model_name": "churn", "expected_positives": 7_700.0, "n_scored": 8_000}
    decision = {"model_name": "churn", "decision": "promote", "reasons": "beats the baseline"}
    both = replace(
        promoted,
        versions=pd.concat([promoted.versions, promoted.versions.assign(**churn)], ignore_index=True),
        prediction_totals=pd.concat(
            [promoted.prediction_totals, promoted.prediction_totals.tail(1).assign(**level)],
            ignore_index=True,
        ),
        decisions=pd.concat([promoted.decisions, pd.DataFrame([decision])], ignore_index=True),
    )
    of_purchase, of_churn = summarised(both).partition("3. Expected")[2].split("   churn\n")
    assert "within 30 days from 2025-01-06: 1,234 of 10,000" in of_purchase
    assert "no as-of date could be evaluated yet" in of_churn
    assert "within 60 days from 2025-01-06: 7,700 of 8,000" in of_churn


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
            "quality_grade": ["Good", "Fair"],
            "as_of_date": pd.to_datetime(["2024-05-06", "2024-05-06"]),
        }
    )


def value_figures() -> pd.DataFrame:
    columns = ["slice_name", "metric", "value", "ci_lo", "ci_hi"]
    rows = [
        ("all", "deviance", 1.3, 1.2, 1.4),
        ("all", "baseline_deviance", 1.9, 1.8, 2.0),
        ("horizon_days", "wape", 0.7, 0.6, 0.8),
    ]
    return pd.DataFrame(rows, columns=columns)


def test_value_totals_are_compared_with_the_baseline(totals: pd.DataFrame) -> None:
    lines = value_lines(totals, value_figures())
    assert lines == [
        "   deviance (lower) 1.300 [1.200, 1.400]; baseline 1.900 [1.800, 2.000]",
        "   next 30 days, from 2024-05-06: 1,000 EUR by 2 customers, 10 days with an order; baseline 900",
        "   next 90 days, from 2024-05-06: 3,000 EUR by 2 customers; baseline 2,700",
    ]


def test_the_summary_names_a_withheld_horizon_of_lifetime_value(totals: pd.DataFrame) -> None:
    totals.loc[1, ["predicted", "orders"]] = float("nan")
    assert value_lines(totals, value_figures())[-1] == (
        "   next 90 days, from 2024-05-06: withheld: the backtest of this horizon failed; baseline 2,700"
    )


def test_the_fallback_of_lifetime_value_is_named_and_what_is_poor_has_no_total(totals: pd.DataFrame) -> None:
    poor = totals.assign(status="fallback_model", quality_grade=VALUE_FALLBACK.name)
    meaning, *lines = value_lines(poor, value_figures().head(0))
    assert VALUE_FALLBACK.meaning in meaning
    assert len(lines) == 2
    for line in lines:
        assert "no total, because the grade is Poor" in line
        assert "EUR" not in line


def test_without_published_values_the_summary_says_so(totals: pd.DataFrame) -> None:
    assert value_lines(totals.head(0), value_figures()) == ["   nothing was published"]
