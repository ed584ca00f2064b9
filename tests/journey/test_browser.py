"""The Dagster UI as a person sees it: the job, an asset with its numbers, and its checks."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.journey.conftest import copied
from tests.journey.world import PROJECT, Place, Told

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
]
SCORES = "/assets/ml/purchase_propensity__scores"
LONGEST_START_SECONDS = 120
# A page asks the webserver, which asks a code server: slow on a busy machine.
PATIENCE_MS = 45_000


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own server
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def ui(first_run: tuple[Place, Told], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of ``make ui`` on a place that had one run; everything started is ended again."""
    folder = tmp_path_factory.mktemp("ui")
    place, port = copied(first_run, folder / "var"), free_port()
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "--host", "127.0.0.1"]
    with (folder / "ui.log").open("w") as log:
        server = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--port", str(port), "--workspace", "workspace.yaml"],
            cwd=PROJECT, env=dict(place.environment), stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + LONGEST_START_SECONDS
            while not answers(f"{address}/server_info") and server.poll() is None:
                assert time.monotonic() < deadline, (folder / "ui.log").read_text()
                time.sleep(0.5)
            assert server.poll() is None, (folder / "ui.log").read_text()
            yield address
        finally:
            end(server)


def end(server: subprocess.Popen[bytes]) -> None:
    """Ask the webserver, the daemon and the code server, one process group, to end; then insist."""
    for insistence, seconds in ((signal.SIGINT, 20), (signal.SIGKILL, 10)):
        if server.poll() is None:
            os.killpg(server.pid, insistence)
            try:
                server.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                continue


@pytest.fixture(scope="module")
def page(ui: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        tab = browser.new_page(base_url=ui, viewport={"width": 1500, "height": 1100})
        tab.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield tab
        browser.close()


def shown(page: Page, path: str, *texts: str) -> None:
    page.goto(path)
    for text in texts:
        # A name too long for its place is in the page twice: cut short, and whole but hidden.
        expect(page.get_by_text(text).filter(visible=True).first).to_be_visible()


def test_the_job_is_drawn_from_exports_to_snapshot(page: Page, tmp_path: Path) -> None:
    shown(page, "/locations/marketing_predictions/jobs/predict_and_publish", "predict_and_publish")
    page.screenshot(path=tmp_path / "job.png")
    shown(page, "/asset-groups", "sample_shop", "lifecycle")
    page.screenshot(path=tmp_path / "assets.png")


def test_an_asset_page_says_what_the_table_is_and_how_many_rows_it_got(page: Page, tmp_path: Path) -> None:
    shown(
        page,
        f"{SCORES}?view=overview",
        "One row per customer and as-of date: the calibrated probability of a purchase within 30 days",
        "333",
    )
    page.screenshot(path=tmp_path / "scores.png")
    shown(
        page,
        "/assets/features/feat_customer__orders?view=overview",
        "What a customer's orders said on the morning",
    )
    page.screenshot(path=tmp_path / "features.png")


def test_the_checks_of_an_asset_are_listed_with_what_they_found(page: Page, tmp_path: Path) -> None:
    shown(
        page,
        f"{SCORES}?view=checks&checkDetail=mean_is_near_what_happens",
        "everyone_is_scored_once",
        "mean_is_near_what_happens",
        "scores_keep_their_contract",
        "totals_lie_in_their_intervals",
        "The mean published probability lies among the rates that matured days have shown.",
        "of 333 customers; matured days allow",
    )
    page.screenshot(path=tmp_path / "checks.png")
    shown(
        page,
        "/assets/ml/purchase_propensity__evaluation?view=checks&checkDetail=candidate_is_worth_promoting",
        "customers in training, 500 needed",
    )
    page.screenshot(path=tmp_path / "refused.png")


def test_the_run_that_was_told_at_the_terminal_is_in_the_list_of_runs(page: Page, tmp_path: Path) -> None:
    shown(page, "/runs", "predict_and_publish", "Success")
    page.screenshot(path=tmp_path / "runs.png")
