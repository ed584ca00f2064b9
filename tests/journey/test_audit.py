"""``make audit`` against a service of advisories on this machine, and against none."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.journey.world import PROJECT

HOLE = "OSV-1"


class Advisories(ThreadingHTTPServer):
    """Knows one hole, in every version of ``package``; ``asked`` holds every package it was asked about."""

    def __init__(self, package: str) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.package = package
        self.asked: set[str] = set()


class _Answer(BaseHTTPRequestHandler):
    server: Advisories

    def do_POST(self) -> None:
        """Which holes each package of a batch has."""
        batch = json.loads(self.rfile.read(int(self.headers["content-length"])))
        names = [query["package"]["name"] for query in batch["queries"]]
        self.server.asked.update(names)
        known = {"vulns": [{"id": HOLE, "modified": "2026-01-01T00:00:00Z"}]}
        self._say({"results": [known if name == self.server.package else {} for name in names]})

    def do_GET(self) -> None:
        """What the hole is."""
        self._say({"id": HOLE, "modified": "2026-01-01T00:00:00Z", "summary": "runs what it reads"})

    def _say(self, what: object) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


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
def test_every_locked_package_is_asked_about_and_a_hole_fails(package: str, code: int) -> None:
    with advisories(package) as service:
        told = audited(service.server_port)
    assert told.returncode == code, told.stderr
    assert {"duckdb", "dagster", "dbt-core", "scikit-learn"} <= service.asked
    assert (HOLE in told.stdout) == (package == "duckdb")
    assert "NOT AUDITED" not in told.stdout


def test_without_an_answer_it_says_so_and_ends_well() -> None:
    with advisories("duckdb") as service:
        nobody = service.server_port
    told = audited(nobody)
    assert told.returncode == 0, told.stderr
    assert "NOT AUDITED" in told.stdout
