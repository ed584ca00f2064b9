"""The Dagster UI: the job, an asset with its numbers, and its checks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.journey.conftest import copied
from tests.journey.ui import CHROMIUM, dagster_ui, shown, tab_of
from tests.journey.world import Place, RunResult

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
SCORES = "/assets/ml/purchase_propensity__scores"


@pytest.fixture(scope="module")
def page(first_run: tuple[Place, RunResult], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser on the UI of a place with one run; all processes end with the module."""
    folder = tmp_path_factory.mktemp("ui")
    place = copied(first_run, folder / "var")
    with dagster_ui(place, folder / "ui.log") as address, tab_of(address) as tab:
        yield tab


def test_the_job_is_drawn_from_exports_to_snapshot(page: Page, tmp_path: Path) -> None:
    shown(page, "/locations/marketing_predictions/jobs/predict_and_publish", "predict_and_publish")
    page.screenshot(path=tmp_path / "job.png")
    shown(page, "/asset-groups", "sample_shop", "lifecycle")
    page.screenshot(path=tmp_path / "assets.png")


def test_an_asset_page_says_what_the_table_is_and_how_many_rows_it_got(page: Page, tmp_path: Path) -> None:
    shown(
        page,
        f"{SCORES}?view=overview",
        "One row per customer and as-of date: calibrated probability of purchase within 30 days",
        "294",
    )
    page.screenshot(path=tmp_path / "scores.png")
    shown(
        page,
        "/assets/features/feat_customer__orders?view=overview",
        "Features of each customer's orders as of as_of_date",
    )
    page.screenshot(path=tmp_path / "features.png")


def test_the_checks_of_an_asset_are_listed_with_what_they_found(page: Page, tmp_path: Path) -> None:
    shown(
        page,
        f"{SCORES}?view=checks&checkDetail=mean_probability_is_within_historical_range",
        "cohort_is_scored_once",
        "mean_probability_is_within_historical_range",
        "scores_match_contract",
        "observed_totals",
        "The mean published probability lies among the observed rates of matured as-of dates.",
        "of 294 customers; matured dates allow",
    )
    page.screenshot(path=tmp_path / "checks.png")
    shown(
        page,
        "/assets/ml/purchase_propensity__evaluation?view=checks&checkDetail=candidate_passes_the_gate",
        "customers in training, 500 needed",
    )
    page.screenshot(path=tmp_path / "refused.png")


def test_the_run_of_the_terminal_is_in_the_list_of_runs(page: Page, tmp_path: Path) -> None:
    shown(page, "/runs", "predict_and_publish", "Success")
    page.screenshot(path=tmp_path / "runs.png")
