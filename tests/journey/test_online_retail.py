"""Two years of a real shop, from its two files to published probabilities."""

import pandas as pd
import pytest

from orchestration.settings import PROJECT, Settings
from tests.journey.world import LATEST, Place, RunResult

FOLDER = (PROJECT / Settings().data_dir).resolve() / "online_retail"
FILES = [FOLDER / f"online_retail_{years}.parquet" for years in ("2009_2010", "2010_2011")]
MISSING = [str(file) for file in FILES if not file.is_file()]

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} not there; set DATA_DIR"),
]


@pytest.fixture(scope="module")
def run_shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, RunResult]:
    place = Place(var_dir=tmp_path_factory.mktemp("retail"), business="config/online_retail.yaml", size="")
    return place, place.run()


@pytest.fixture(scope="module")
def shop(run_shop: tuple[Place, RunResult]) -> Place:
    place, result = run_shop
    assert result.code == 0, result.output
    return place


def test_the_summary_states_rows_grade_and_baseline(run_shop: tuple[Place, RunResult]) -> None:
    _, result = run_shop
    assert result.code == 0, result.output
    assert "as-of date 2011-12-05" in result.output
    assert (
        "orders_2009_2010 -> raw.order_lines: 525,461 rows in, 502,938 loaded, 22,523 rejected"
        in result.output
    )
    assert "orders_2010_2011 -> raw.order_lines: 541,909 rows in, 541,909 loaded, 0 rejected" in result.output
    assert "baseline (rate by recency)" in result.output


def test_the_model_is_fit_for_use_and_beats_the_rate_by_recency(shop: Place) -> None:
    champion = shop.published(
        "select * from published.model_registry where stage = 'champion'"
        " and model_name = 'purchase_propensity'"
    )
    assert len(champion) == 1
    assert champion["quality_grade"].iloc[0] in {"Excellent", "Good", "Fair"}
    assert champion["calibration_method"].iloc[0] in {"sigmoid", "isotonic"}
    figures = shop.published(
        "select metric, value, ci_lo, ci_hi from published.metrics"
        " where split = 'test' and slice_name = 'all' and model_name = 'purchase_propensity'"
    ).set_index("metric")
    assert figures.loc["auc", "ci_lo"] > figures.loc["baseline_auc", "value"]
    assert figures.loc["recalibrated_log_loss_difference", "ci_hi"] < 0
    # The plain boosted model reaches 0.775 on average over rolling origins; a leak would come near 1.
    assert 0.74 < figures.loc["auc", "value"] < 0.9


def test_everyone_who_bought_has_a_probability_and_they_add_up_to_a_month_of_buyers(shop: Place) -> None:
    rows = shop.published(f"select * from {LATEST}")
    # 5,942 customers in the two files; those who never bought before 5 December 2011 are left out.
    assert 5_700 < len(rows) <= 5_942
    assert rows["customer_id"].is_unique
    level = shop.published("select * from published.prediction_totals order by as_of_date").iloc[-1]
    total = float(rows["probability"].sum())
    assert total == pytest.approx(level["expected_positives"])
    assert level["expected_positives_lo"] < total < level["expected_positives_hi"]
    # 30 days hold between some 700 buyers (January) and some 1,700 (November) in these two years.
    assert 600 < total < 1_800
    assert set(rows["status"]) == {"ok"}


def test_the_reasons_name_what_a_marketer_knows(shop: Place) -> None:
    rows = shop.published(f"select reason_1_code, reason_1_direction, probability from {LATEST}")
    assert rows["reason_1_code"].notna().mean() > 0.95
    assert not pd.isna(rows["probability"]).any()
