"""Incremental pull of a REST API, page by page, from the last cursor onwards."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import dlt
from dlt.common import jsonpath
from dlt.extract import DltResource
from dlt.sources.helpers import requests
from requests import PreparedRequest, RequestException, Response

from assets.ingest.config.business import BusinessInvalid
from assets.ingest.config.source.pull import Rest
from assets.ingest.pulling.cursor import Cursor, SourceUnreachable, format_cursor, later_cursor, minus_overlap
from assets.ingest.pulling.files import DOCUMENT

ATTEMPTS = 5
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
_RETRY_LATER_STATUS = (408, 425, 429)


class _Page(NamedTuple):
    """URL and parameters of one request."""

    url: str
    parameters: Mapping[str, str | int]


def service_records(rest: Rest, *, token: str | None) -> DltResource:
    """The records since the last cursor less the overlap, each as JSON text in ``document``.

    As text, because dlt would give a typed column the type in the first record.
    """

    @dlt.resource(
        name="records",
        write_disposition="append",
        columns={DOCUMENT: {"data_type": "text", "nullable": False}},
    )
    def records() -> Iterator[list[dict[str, str]]]:
        # dlt commits the state together with the records.
        state = dlt.current.resource_state()
        newest: Cursor | None = state.get(rest.cursor)
        for page in _pages(rest, since=newest, token=token):
            for record in page:
                newest = later_cursor(newest, record.get(rest.cursor), name=rest.cursor)
            yield [{DOCUMENT: json.dumps(record)} for record in page]
        state[rest.cursor] = newest

    return records()


def _pages(rest: Rest, *, since: Cursor | None, token: str | None) -> Iterator[list[dict[str, object]]]:
    """Yield pages of records until a page has no successor."""
    fetch = _requester(rest, token)
    page: _Page | None = _first_page(rest, since)
    before: bytes | None = None
    visited: set[str] = set()
    while page is not None:
        response = fetch(page)
        found = _records(rest, response)
        if found and response.content == before:
            raise BusinessInvalid(f"{page.url} returns the same page again: check paging")
        before = response.content
        yield found
        page = _next_page(rest, response, page, count=len(found))
        if page and rest.paging == "next_link":
            if page.url in visited:
                raise BusinessInvalid(f"{rest.url}: the pages go round in a circle: check next_link")
            visited.add(page.url)


def _first_page(rest: Rest, since: Cursor | None) -> _Page:
    parameters: dict[str, str | int] = {}
    if since is not None and rest.cursor_param:
        parameters[rest.cursor_param] = format_cursor(minus_overlap(since, rest.overlap))
    if rest.page_size:
        parameters[rest.limit_param] = rest.page_size
    if rest.paging == "page_number":
        parameters[rest.page_param] = rest.first_page
    if rest.paging == "offset":
        parameters[rest.offset_param] = 0
    return _Page(f"{rest.url}/{rest.path.lstrip('/')}".rstrip("/"), parameters)


def _next_page(rest: Rest, response: Response, page: _Page, *, count: int) -> _Page | None:
    match rest.paging:
        case "page_number" if count:
            return _counted(page, rest.page_param, 1)
        case "offset" if count:
            # By the number received: a service may return fewer records than requested.
            return _counted(page, rest.offset_param, count)
        case "next_link":
            return _linked(rest, response)
    return None


def _counted(page: _Page, parameter: str, step: int) -> _Page:
    return _Page(page.url, {**page.parameters, parameter: int(page.parameters[parameter]) + step})


def _linked(rest: Rest, response: Response) -> _Page | None:
    header = response.links.get("next", {}).get("url")
    found = [header] if header else jsonpath.find_values(rest.next_link, response.json())
    if not found or not found[0]:
        return None
    url = urljoin(response.url, str(found[0]))
    if urlsplit(url)[:2] != urlsplit(rest.url)[:2]:
        # The token would be sent to that server.
        raise BusinessInvalid(f"{rest.url}: the next page is on another server, {urlsplit(url).netloc}")
    return _Page(url, {})


def _requester(rest: Rest, token: str | None) -> Callable[[_Page], Response]:
    client = requests.Client(
        raise_for_status=False,
        request_max_attempts=ATTEMPTS,
        request_backoff_factor=FIRST_WAIT_SECONDS,
        request_max_retry_delay=LONGEST_WAIT_SECONDS,
    )

    def add_token(request: PreparedRequest) -> PreparedRequest:
        if token:
            request.headers[rest.header] = f"Bearer {token}" if rest.header == "Authorization" else token
        return request

    def fetch(page: _Page) -> Response:
        address = page.url.partition("?")[0]
        try:
            # A redirect could send the token to another server.
            response = client.get(page.url, params=page.parameters, auth=add_token, allow_redirects=False)
        except RequestException as failed:
            raise SourceUnreachable(f"{address} does not answer: {type(failed).__name__}") from None
        _refuse_failure(response, address)
        return response

    return fetch


def _refuse_failure(response: Response, address: str) -> None:
    status = response.status_code
    if status >= 500 or status in _RETRY_LATER_STATUS:
        raise SourceUnreachable(f"{address} answers {status}, {ATTEMPTS} times")
    if response.is_redirect:
        to = urlsplit(urljoin(response.url, response.headers["location"]))
        raise BusinessInvalid(f"{address} has moved to {to.scheme}://{to.netloc}{to.path}: write that as url")
    if status in (401, 403):
        raise BusinessInvalid(
            f"{address} answers {status}: the token is missing, wrong or not allowed to read"
        )
    if status != 200:
        raise BusinessInvalid(f"{address} answers {status}: check url, path and parameters")


def _records(rest: Rest, response: Response) -> list[dict[str, object]]:
    try:
        body = response.json()
    except ValueError:
        raise BusinessInvalid(f"{rest.url}: the answer is not JSON") from None
    found = jsonpath.find_values(rest.records, body)
    if not found:
        has = f"it has {', '.join(body)}" if isinstance(body, dict) else "it is a list: write $"
        raise BusinessInvalid(f"{rest.url}: the answer has no {rest.records}; {has}")
    records = found[0] if isinstance(found[0], list) else found
    if not all(isinstance(record, dict) for record in records):
        raise BusinessInvalid(f"{rest.url}: {rest.records} holds something other than records with keys")
    return list(records)
