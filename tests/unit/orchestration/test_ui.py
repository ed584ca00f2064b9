"""The UI takes orders from its own pages and from programs, and from no other page."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from orchestration.ui.webserver import GuardedWebserver

OWN = "http://127.0.0.1:3000"
QUERY = "{ __typename }"
FOREIGN_HOSTS = [
    "evil.example", "evil.example:3000", "127.0.0.1.evil.example", "x@127.0.0.1", "", "192.168.0.7:3000",
]  # fmt: skip
FOREIGN_ORIGINS = [
    "https://evil.example", "null", "http://127.0.0.1:8080", "http://localhost:3000", "",
    "https://127.0.0.1:3000",
]  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A browser or program that talks to the real webserver, which has no code location."""
    with (
        dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("home"))) as instance,
        WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as context,
        TestClient(GuardedWebserver(context).create_asgi_app(), base_url=OWN) as client,
    ):
        yield client


@pytest.mark.parametrize("headers", [{}, {"origin": OWN}])
@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost", "[::1]:3000"])
def test_its_own_pages_and_programs_are_answered(
    client: TestClient, headers: dict[str, str], host: str
) -> None:
    headers = {name: value.replace("127.0.0.1:3000", host) for name, value in headers.items()} | {
        "host": host
    }
    answer = client.post("/graphql", json={"query": QUERY}, headers=headers)
    assert answer.json() == {"data": {"__typename": "Query"}}
    with client.websocket_connect("/graphql", headers=headers) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json() == {"type": "connection_ack"}


@pytest.mark.parametrize(
    "headers",
    [*({"host": host} for host in FOREIGN_HOSTS), *({"origin": origin} for origin in FOREIGN_ORIGINS)],
    ids=str,
)
def test_a_foreign_host_or_origin_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    answers = [
        client.post("/graphql", json={"query": QUERY}, headers=headers),
        client.post(
            "/graphql",
            params={"query": QUERY},
            content="x",
            headers={**headers, "content-type": "text/plain"},
        ),
        client.post("/report_asset_materialization/a", headers=headers),
        client.get("/server_info", headers=headers),
        client.get("/", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/graphql", headers=headers):
        pytest.fail("the handshake was accepted")


@pytest.mark.parametrize("accept", ["*/*", "text/html", "image/avif,image/webp"])
@pytest.mark.parametrize("query", [QUERY, "mutation { setNuxSeen }"])
def test_a_get_asks_and_changes_nothing(client: TestClient, query: str, accept: str) -> None:
    answer = client.get("/graphql", params={"query": query}, headers={"accept": accept})
    assert (answer.status_code, answer.text) == (405, "refused: send GraphQL by POST")
    assert client.post("/graphql", json={"query": "mutation { setNuxSeen }"}).json()["data"]


def test_no_page_of_it_is_shown_in_a_frame(client: TestClient) -> None:
    assert client.get("/runs").headers["x-frame-options"] == "DENY"
