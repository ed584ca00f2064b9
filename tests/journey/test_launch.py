"""Launch a job in the browser, follow it, and find the reason of a failed one."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Page, expect

from assets.transform.remediation import NEXT_STEPS
from tests.journey.conftest import copied
from tests.journey.ui import CHROMIUM, LOCATION, LONGEST_RUN_MS, dagster_ui, launch, seen, shown, tab_of
from tests.journey.world import Place, RunResult

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
BROKEN = "probabilities_lie_between_0_and_1"


@pytest.fixture(scope="module")
def place(first_run: tuple[Place, RunResult], tmp_path_factory: pytest.TempPathFactory) -> Place:
    return copied(first_run, tmp_path_factory.mktemp("launch") / "var")


@pytest.fixture(scope="module")
def page(place: Place) -> Iterator[Page]:
    """A browser on the webserver and daemon of that place."""
    with dagster_ui(place, place.var_dir / "ui.log") as address, tab_of(address) as tab:
        yield tab


def test_a_job_launched_in_the_browser_publishes_or_shows_the_failed_check(page: Page, place: Place) -> None:
    before = place.snapshot.stat().st_mtime_ns
    launch(page, "publish")
    page.goto(f"{LOCATION}/jobs/publish/runs")
    expect(seen(page, "Success")).to_be_visible(timeout=LONGEST_RUN_MS)
    assert place.snapshot.stat().st_mtime_ns > before

    published = place.snapshot.read_bytes()
    with duckdb.connect(str(place.warehouse)) as connection:
        connection.execute("update ml.purchase_propensity__scores set probability = 1.7")
    launch(page, "publish")
    page.goto(f"{LOCATION}/jobs/publish/runs")
    expect(seen(page, "Failure")).to_be_visible(timeout=LONGEST_RUN_MS)
    shown(
        page,
        f"/assets/published/purchase_propensity?view=checks&checkDetail={BROKEN}",
        "Failed",
        "blocking",
        NEXT_STEPS[BROKEN],
    )
    assert place.snapshot.read_bytes() == published


def test_a_refused_candidate_shows_the_reason_and_the_next_step(page: Page, tmp_path: Path) -> None:
    shown(
        page,
        "/assets/ml/purchase_propensity__evaluation?view=checks&checkDetail=candidate_passes_the_gate",
        "too few customers for the blend; the candidate is the logistic regression",
        "Nothing, if it only did not beat the champion, which keeps serving",
    )
    page.screenshot(path=tmp_path / "refused.png")
