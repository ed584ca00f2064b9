"""Reviews come out of a web service once, whatever it answers on the way."""

import fcntl
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.ingest.config.business import BusinessInvalid
from assets.ingest.defs import pulled_assets
from assets.ingest.pulling import rest
from assets.ingest.pulling.cursor import SourceUnreachable
from tests.sources.servers import TOKEN, Service, Shop

COLUMNS = {"review_id": "id", "written_at": "updated_at", "text": "text", "rating": "stars"}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "FIRST_WAIT_SECONDS", 0.01)


def review(
    number: int, *, at: str = "10:00:00", text: str = "naïve ☕", stars: float = 4
) -> dict[str, object]:
    """A review that was last changed at the time of day ``at`` on 1 March 2024."""
    return {"id": f"r{number}", "updated_at": f"2024-03-01T{at}Z", "text": text, "stars": stars}


def shop_of(service: Service, folder: Path, **changes: object) -> Shop:
    rest = {
        "url": service.url,
        "path": "reviews",
        "records": "data.items",
        "cursor": "updated_at",
        "cursor_param": "since",
        "paging": "next_link",
        "token_from": "REVIEWS_TOKEN",
        "overlap": 0,
        **changes,
    }
    source = {"name": "reviews_api", "table": "reviews", "rest": rest, "columns": COLUMNS}
    return Shop(folder=folder, source=source, secrets={"REVIEWS_TOKEN": TOKEN})


@pytest.fixture
def shop(service: Service, tmp_path: Path) -> Iterator[Shop]:
    """Eight reviews, a minute apart, on three pages; afterwards the token is nowhere."""
    service.records = [review(number, at=f"10:0{number}:00") for number in range(8)]
    made = shop_of(service, tmp_path)
    yield made
    assert not made.holds(TOKEN)


def landed(shop: Shop, columns: str = "review_id") -> list[tuple[object, ...]]:
    return shop.load_sources(columns, table="reviews")


def refusal(shop: Shop) -> str:
    with pytest.raises(BusinessInvalid) as refused:
        shop.pull()
    message = str(refused.value)
    assert message.startswith("own_shop.yaml: source reviews_api: ")
    assert "\n" not in message
    assert TOKEN not in message
    return message


@pytest.mark.parametrize("paging", ["next_link", "page_number", "offset"])
def test_every_record_arrives_once_however_the_pages_are_asked_for(
    service: Service, shop: Shop, paging: str
) -> None:
    asking = shop_of(service, shop.folder, paging=paging)
    pulled = asking.pull()
    assert (pulled.files, pulled.rows) == (("000001.jsonl",), 8)
    assert landed(asking) == [(f"r{number}",) for number in range(8)]
    assert set(service.tokens) == {f"Bearer {TOKEN}"}


def test_a_service_that_is_busy_and_then_stumbles_is_asked_again(service: Service, shop: Shop) -> None:
    # The second request is answered with a retry after one second, the fourth fails.
    service.faults = {1: 429, 3: 500}
    began = time.monotonic()
    assert shop.pull().rows == 8
    assert time.monotonic() - began >= 1
    assert len(service.asked) == 5
    assert landed(shop) == [(f"r{number}",) for number in range(8)]


def test_the_next_pull_asks_for_what_is_newer_and_delivers_what_changed(service: Service, shop: Shop) -> None:
    shop.pull()
    assert shop.pull().files == ()
    assert service.asked[-1] == {"since": "2024-03-01T10:07:00Z"}
    # r7 again at its old moment, r3 with another text, and a new one that shares the newest moment.
    service.records[3] = review(3, at="10:08:00", text="worse after a week", stars=1.5)
    service.records.append(review(8, at="10:07:00"))
    assert shop.pull().rows == 2
    assert landed(shop, "review_id, rating")[3] == ("r3", 1.5)
    assert landed(shop, "count(*)") == [(9,)]


def test_pulls_start_again_a_little_earlier(service: Service, shop: Shop) -> None:
    careful = shop_of(service, shop.folder, overlap=90)
    careful.pull()
    # Was written before 10:07:00, and came to the pages after that one was read.
    service.records.append(review(8, at="10:05:30"))
    assert careful.pull().rows == 1
    assert service.asked[-1] == {"since": "2024-03-01T10:05:30Z"}


def test_a_record_that_shifted_between_two_pages_is_its_newest(service: Service, shop: Shop) -> None:
    service.records = [review(1, text="first"), review(2), review(3), review(1, text="second")]
    assert shop.pull().rows == 3
    assert landed(shop, "review_id, text")[0] == ("r1", "second")


def test_a_service_that_dies_after_page_three_leaves_the_cursor(service: Service, shop: Shop) -> None:
    service.records += [review(number, at=f"11:0{number - 10}:00") for number in range(10, 14)]
    service.faults = dict.fromkeys(range(3, 100), 503)
    with pytest.raises(SourceUnreachable, match=r"source reviews_api: .*/v1/reviews answers 503, 5 times"):
        shop.pull()
    assert len(service.asked) == 3 + rest.ATTEMPTS
    assert not list((shop.folder / "landing").rglob("*.jsonl"))
    service.faults = {}
    assert shop.pull().rows == 12


def test_a_pull_that_is_killed_between_pages_is_repeated_whole(service: Service, shop: Shop) -> None:
    service.records, rest = service.records[:3], service.records[3:]
    shop.pull()
    service.records += rest
    # Two pages since the last cursor; the second is asked for and never comes.
    service.hangs_at = len(service.asked) + 1
    process = shop.pulling()
    assert service.hanging.wait(60)
    process.kill()
    process.join(10)
    assert process.exitcode == -signal.SIGKILL
    service.released.set()
    asked = len(service.asked)
    assert shop.pull().rows == 5
    assert service.asked[asked] == {"since": "2024-03-01T10:02:00Z"}
    assert landed(shop) == [(f"r{number}",) for number in range(8)]


def test_a_pull_talks_to_its_source_only_and_writes_only_where_it_should(
    service: Service, shop: Shop
) -> None:
    endpoint = service.url.removesuffix("/v1") + "/telemetry"
    process = shop.pulling(RUNTIME__DLTHUB_TELEMETRY_ENDPOINT=endpoint)
    process.join(60)
    assert process.exitcode == 0
    assert service.telemetry_paths == []
    assert {path.name for path in shop.folder.iterdir()} == {"landing", "dlt"}


def test_two_pulls_of_one_source_take_turns(shop: Shop) -> None:
    shop.state_dir.mkdir()
    with (shop.state_dir / "reviews_api.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(SourceUnreachable, match="another pull of it is running"):
            shop.pull()
    assert shop.pull().rows == 8


@pytest.mark.parametrize(
    ("status", "words"), [(401, "the token is missing, wrong"), (404, "check url, path and parameters")]
)
def test_a_permanent_refusal_names_source_and_address_and_is_not_tried_again(
    service: Service, shop: Shop, status: int, words: str
) -> None:
    service.faults = {1: status}
    message = refusal(shop)
    assert f"{service.url}/reviews answers {status}" in message
    assert words in message
    assert len(service.asked) == 2


def test_the_token_is_not_taken_to_another_server(service: Service, shop: Shop) -> None:
    service.next_host = "http://localhost:1"
    assert "the next page is on another server, localhost:1" in refusal(shop)
    service.faults = {len(service.asked): 301}
    assert "has moved to http://localhost:1/v2/reviews: write that as url" in refusal(shop)


def test_a_service_that_ignores_the_paging_is_refused(service: Service, shop: Shop) -> None:
    assert "returns the same page again" in refusal(
        shop_of(service, shop.folder, paging="page_number", page_param="p")
    )


def test_a_wrong_path_to_the_records_is_refused(service: Service, shop: Shop) -> None:
    assert "the answer has no items; it has data" in refusal(shop_of(service, shop.folder, records="items"))


def materialized(shop: Shop) -> dg.ExecuteInProcessResult:
    (asset,) = pulled_assets(shop.business, secret=shop.secrets.get, state_dir=shop.state_dir)
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize([asset], instance=instance, raise_on_error=False)


def test_dagster_shows_how_many_rows_came(shop: Shop) -> None:
    (event,) = materialized(shop).get_asset_materialization_events()
    assert event.asset_key == dg.AssetKey(["exports", "reviews_api"])
    metadata = event.materialization.metadata
    assert (metadata["dagster/row_count"].value, metadata["files"].value) == (8, 1)


def test_dagster_fails_for_good_when_the_token_is_refused(service: Service, shop: Shop) -> None:
    service.faults = {0: 401}
    result = materialized(shop)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "answers 401" in str(failure)
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    assert TOKEN not in "".join(map(str, result.all_events))


def test_dagster_tries_again_when_the_service_is_down(
    service: Service, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.ingest.defs.SECONDS_BETWEEN_RETRIES", 0)
    service.faults = dict.fromkeys(range(rest.ATTEMPTS), 500)
    result = materialized(shop)
    assert len([event for event in result.all_events if event.is_step_up_for_retry]) == 1
    assert result.success


def test_dagster_names_the_variable_that_is_not_set(service: Service, tmp_path: Path) -> None:
    shop = shop_of(service, tmp_path)
    result = materialized(Shop(folder=tmp_path, source=shop.source, secrets={}))
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "source reviews_api: environment variable REVIEWS_TOKEN is not set" in str(failure)
    assert service.asked == []
