"""The Dagster UI: the job, an asset with its numbers, its checks, and pages that attack it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.journey.conftest import copied
from tests.journey.ui import CHROMIUM, EVIL, dagster_ui, shown, tab_of
from tests.journey.world import Place, RunResult

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
SCORES = "/assets/ml/purchase_propensity__scores"
# Sends MUTATION to ADDRESS in every way that needs no permission, then says whether a socket was opened.
ATTACK = """<!doctype html><title>kittens</title><h1>waiting</h1>
<img src="ADDRESS/graphql?query=MUTATION"><iframe name="frame"></iframe>
<form method="post" target="frame" action="ADDRESS/graphql?query=MUTATION"><input name="a" value="b"></form>
<script>
const sent = [
  fetch("ADDRESS/graphql?query=MUTATION", {method: "POST", mode: "no-cors", body: "x"}),
  fetch("ADDRESS/graphql?query=MUTATION", {mode: "no-cors"}),
  new Promise(done => {
    const socket = new WebSocket("ADDRESS/graphql".replace("http", "ws"), "graphql-ws");
    socket.onopen = () => done("opened"); socket.onerror = () => done("refused");
  }),
];
document.forms[0].submit();
document.querySelector("iframe").onload = () => Promise.allSettled(sent).then(
  all => document.querySelector("h1").textContent = "socket " + all[2].value);
</script>"""


@pytest.fixture(scope="module")
def page(first_run: tuple[Place, RunResult], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser on the UI of a place with one run; all processes end with the module."""
    folder = tmp_path_factory.mktemp("ui")
    place = copied(first_run, folder / "var")
    with dagster_ui(place, folder / "ui.log") as address, tab_of(address) as tab:
        yield tab


def test_the_job_is_drawn_from_exports_to_snapshot(page: Page, tmp_path: Path) -> None:
    shown(page, "/locations/sample_shop/jobs/predict_and_publish", "predict_and_publish", "sample_shop")
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
        f"{SCORES}?view=checks&checkDetail=mean_probability_is_within_forecast_of_rate",
        "cohort_is_scored_once",
        "mean_probability_is_within_forecast_of_rate",
        "scores_match_contract",
        "observed_totals",
        "The mean published probability lies in the 99.9 % interval of a seasonal forecast of the rate.",
        "of 294 customers; the rates of matured dates let expect",
    )
    page.screenshot(path=tmp_path / "checks.png")
    shown(
        page,
        "/assets/ml/purchase_propensity__evaluation?view=checks&checkDetail=candidate_passes_the_gate",
        "too few customers for the blend; the candidate is the logistic regression",
    )
    page.screenshot(path=tmp_path / "refused.png")


def test_the_run_of_the_terminal_is_in_the_list_of_runs(page: Page, tmp_path: Path) -> None:
    shown(page, "/runs", "predict_and_publish", "Success")
    page.screenshot(path=tmp_path / "runs.png")


@contextmanager
def page_of(text: str) -> Iterator[int]:
    """Serve ``text`` on this machine; yields the port."""

    class Served(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Served) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def address_of(page: Page) -> str:
    page.goto("/server_info")
    return page.url.removesuffix("/server_info")


def asked(page: Page, query: str) -> str:
    """What the UI answers to a program."""
    answer = page.request.post(f"{address_of(page)}/graphql", data={"query": query})
    return json.dumps(answer.json()["data"])


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", EVIL])
def test_a_page_of_another_origin_gives_no_orders(page: Page, name: str) -> None:
    runs = "{ runsOrError { ... on Runs { results { runId status } } } }"
    before = asked(page, runs)
    (run, *_) = json.loads(before)["runsOrError"]["results"]
    mutation = f'mutation {{ deletePipelineRun(runId: "{run["runId"]}") {{ __typename }} }}'
    attack = ATTACK.replace("ADDRESS", address_of(page)).replace("MUTATION", quote(mutation, safe=""))
    with page_of(attack) as port:
        page.goto(f"http://{name}:{port}/")
        expect(page.get_by_role("heading")).to_have_text("socket refused")
    assert asked(page, runs) == before


def test_a_page_that_reaches_the_ui_under_another_name_reads_nothing(page: Page) -> None:
    under_another_name = address_of(page).replace("127.0.0.1", EVIL)
    refused = page.goto(f"{under_another_name}/server_info")
    assert refused is not None
    assert (refused.status, refused.text()[:8]) == (403, "refused:")
