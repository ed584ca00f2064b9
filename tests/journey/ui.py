"""``make ui`` and a headless Chromium that operates it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.journey.world import PROJECT, Place

EVIL = "evil.example"
CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
    # As a server of names would say whose owner attacks this machine.
    f"--host-resolver-rules=MAP {EVIL} 127.0.0.1",
]
LOCATION = "/locations/sample_shop"
LONGEST_START_SECONDS = 300
# A page queries the webserver, which queries a code server: slow on a busy machine.
PAGE_TIMEOUT_MS = 45_000
# The run of a job on the tiny shop takes most of a minute, and waits for the daemon before.
LONGEST_RUN_MS = 600_000


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


@contextmanager
def dagster_ui(place: Place, log_file: Path) -> Iterator[str]:
    """Start the UI on ``place`` and yield its address; all processes end with the block."""
    port = free_port()
    with log_file.open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "orchestration.ui"],
            cwd=PROJECT, env=dict(place.environment) | {"PORT": str(port)}, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        try:
            address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + LONGEST_START_SECONDS
            while not answers(f"{address}/server_info") and server.poll() is None:
                assert time.monotonic() < deadline, log_file.read_text()
                time.sleep(0.5)
            assert server.poll() is None, log_file.read_text()
            yield address
        finally:
            end(server)


def end(server: subprocess.Popen[bytes]) -> None:
    """Kill the process group of webserver, daemon and code server; terminating them takes long."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@contextmanager
def tab_of(address: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        tab = browser.new_page(base_url=address, viewport={"width": 1500, "height": 1100})
        tab.set_default_timeout(PAGE_TIMEOUT_MS)
        expect.set_options(timeout=PAGE_TIMEOUT_MS)
        yield tab
        browser.close()


def seen(page: Page, text: str | re.Pattern[str]) -> Locator:
    """First visible occurrence of ``text``: a long name occurs twice, once hidden."""
    return page.get_by_text(text).filter(visible=True).first


def shown(page: Page, path: str, *texts: str) -> None:
    """Open ``path`` and wait until it shows each of ``texts``."""
    page.goto(path)
    for text in texts:
        expect(seen(page, text)).to_be_visible()


def launch(page: Page, job: str) -> None:
    """Click a run of ``job`` for the newest as-of date."""
    page.goto(f"{LOCATION}/jobs/{job}")
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_role("button", name="Latest").click()
    page.get_by_role("button", name="Launch 1 run").click()
    expect(seen(page, "Launch runs to materialize")).not_to_be_visible()
