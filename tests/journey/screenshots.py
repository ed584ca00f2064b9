"""The pictures of the docs, from a copy of what ``make run`` left: ``make screenshots``."""

import sys
import tempfile
from pathlib import Path
from shutil import copytree

import duckdb
from playwright.sync_api import Page, ViewportSize, expect

from orchestration.settings import PROJECT, Settings
from tests.journey.ui import CHROMIUM, LOCATION, LONGEST_RUN_MS, dagster_ui, launch, seen, shown, tab_of
from tests.journey.world import Place

PICTURES = PROJECT / "docs" / "pictures"
BROKEN = "probabilities_lie_between_0_and_1"
# The graph and the timeline are drawn after their words stand there.
DRAWN_MS = 3_000
SCREEN: ViewportSize = {"width": 1360, "height": 850}
FIRST_PAGE: ViewportSize = {"width": 1000, "height": 880}


def main() -> int:
    """Take every picture; returns the process's exit code."""
    settings = Settings()
    if not CHROMIUM.exists() or not settings.snapshot_file.exists():
        sys.stderr.write(f"needs {CHROMIUM}, and {settings.snapshot_file}, which `make run` makes\n")
        return 2
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Place(var_dir=Path(folder) / "var", business=str(settings.business_file), size=settings.size)
        copytree(settings.folder.parent, place.var_dir)
        with dagster_ui(place, Path(folder) / "ui.log") as address, tab_of(address) as page:
            of_the_first_page(page, place.folder / "published" / "reports" / "index.html")
            page.set_viewport_size(SCREEN)
            _of_a_good_run(page, place)
            _of_a_broken_score(page, place)
    return 0


def of_the_first_page(page: Page, file: Path) -> None:
    """Take the picture of the README: the first of the pages beside the published tables.

    Args:
        page: A tab.
        file: The first page.
    """
    page.set_viewport_size(FIRST_PAGE)
    page.goto(file.as_uri())
    expect(seen(page, "How far to trust it")).to_be_visible()
    page.screenshot(path=PICTURES / "first_page.png")


def _of_a_good_run(page: Page, place: Place) -> None:
    shown(page, "/asset-groups", "churn", "publishing")
    _taken(page, "assets")
    with place.instance() as instance:
        (newest,) = instance.get_runs(limit=1)
    shown(page, f"/runs/{newest.run_id}", "Success")
    _taken(page, "run")
    shown(page, "/automation", "score_schedule", "retrain_triggered_sensor")
    _taken(page, "automation")


def _of_a_broken_score(page: Page, place: Place) -> None:
    with duckdb.connect(str(place.warehouse)) as connection:
        connection.execute("update ml.purchase_propensity__scores set probability = 1.7")
    launch(page, "publish")
    page.goto(f"{LOCATION}/jobs/publish/runs")
    expect(seen(page, "Failure")).to_be_visible(timeout=LONGEST_RUN_MS)
    shown(page, f"/assets/published/purchase_propensity?view=checks&checkDetail={BROKEN}", "Failed")
    _taken(page, "failed_check")


def _taken(page: Page, name: str) -> None:
    page.wait_for_timeout(DRAWN_MS)
    page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
