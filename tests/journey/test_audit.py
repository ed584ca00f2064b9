"""``make audit`` against a local advisory service, and without one."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.journey.world import PROJECT

VULNERABILITY = "OSV-1"


class Advisories(ThreadingHTTPServer):
    """Knows one vulnerability, in every version of ``package``; ``asked`` collects the requested packages."""

    def __init__(self, package: str) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.package = package
        self.asked: set[str] = set()


class _Answer(BaseHTTPRequestHandler):
    server: Advisories

    def do_POST(self) -> None:
        """Vulnerabilities of each package of a batch."""
        batch = json.loads(self.rfile.read(int(self.headers["content-length"])))
        names = [query["package"]["name"] for query in batch["queries"]]
        self.server.asked.update(names)
        known = {"vulns": [{"id": VULNERABILITY, "modified": "2026-01-01T00:00:00Z"}]}
        self._respond({"results": [known if name == self.server.package else {} for name in names]})

    def do_GET(self) -> None:
        """Description of the vulnerability."""
        self._respond(
            {"id": VULNERABILITY, "modified": "2026-01-01T00:00:00Z", "summary": "runs what it reads"}
        )

    def _respond(self, what: object) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def advisories(package: str) -> Iterator[Advisories]:
    with Advisories(package) as service:
        Thread(target=service.serve_forever, daemon=True).start()
        yield service
        service.shutdown()


def audited(port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own Makefile
        ["make", "audit", f"ADVISORIES=http://127.0.0.1:{port}/"],  # noqa: S607 - as a person types it
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("package", "code"), [("duckdb", 2), ("of-nobody", 0)])
def test_every_locked_package_is_checked_and_a_vulnerability_fails(package: str, code: int) -> None:
    with advisories(package) as service:
        result = audited(service.server_port)
    assert result.returncode == code, result.stderr
    assert {"duckdb", "dagster", "dbt-core", "scikit-learn"} <= service.asked
    assert (VULNERABILITY in result.stdout) == (package == "duckdb")
    assert "NOT AUDITED" not in result.stdout


def test_without_an_answer_it_says_so_and_succeeds() -> None:
    with advisories("duckdb") as service:
        nobody = service.server_port
    result = audited(nobody)
    assert result.returncode == 0, result.stderr
    assert "NOT AUDITED" in result.stdout
