"""Dagster's webserver, refusing orders and questions from pages of other origins.

Dagster runs whatever a browser sends to the port, so any web page open on this machine could launch, stop
and delete runs. This module uses names that Dagster does not document;
``tests/unit/orchestration/test_private_names.py`` pins the version that it was checked against.
"""

import re
from typing import Any

from dagster_webserver import app, cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

# Another name that leads here belongs to somebody else (DNS rebinding).
OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")
POLICY_VIOLATION = 1008


class OwnPagesOnly:
    """Middleware that refuses requests and WebSocket handshakes with a foreign ``Host`` or ``Origin``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = None if scope["type"] == "lifespan" else refusal(Headers(scope=scope))
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(POLICY_VIOLATION, reason)(scope, receive, send)
        else:
            await PlainTextResponse(reason, status_code=403)(scope, receive, send)


def refusal(headers: Headers) -> str | None:
    """Return why a request is refused; ``None`` if it comes from a page of the UI or from a program."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not OWN_HOST.fullmatch(hosts[0]):
        return "refused: this UI is served under 127.0.0.1 and localhost only"
    # Browsers send the origin with each POST and each handshake; programs outside a browser do not.
    if any(origin != f"http://{hosts[0]}" for origin in headers.getlist("origin")):
        return "refused: the request comes from a page of another origin"
    return None


class GuardedWebserver(DagsterWebserver[Any, Any]):
    """Dagster's webserver with the middleware, GraphQL by POST only, and no page in a foreign frame."""

    def build_middleware(self) -> list[Middleware]:
        return [Middleware(OwnPagesOnly), *super().build_middleware()]

    def make_security_headers(self) -> dict[str, str]:
        return {**super().make_security_headers(), "X-Frame-Options": "DENY"}

    async def graphql_http_endpoint(self, request: Request) -> Response:
        # An image in any page sends a GET, without an origin.
        if request.method == "GET" and "query" in request.query_params:
            return PlainTextResponse(
                "refused: send GraphQL by POST", status_code=405, headers={"Allow": "POST"}
            )
        response: Response = await super().graphql_http_endpoint(request)
        return response


if __name__ == "__main__":
    app.DagsterWebserver = GuardedWebserver  # type: ignore[attr-defined,misc,unused-ignore]
    cli.main()  # type: ignore[no-untyped-call,unused-ignore]
