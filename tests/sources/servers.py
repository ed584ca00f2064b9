"""A database and a web service for the tests, and the raw rows loaded from them."""

import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import duckdb
import psycopg
import pymysql

from assets.ingest.config.business import BusinessConfig, business_from
from assets.ingest.loading.load import load_sources
from assets.ingest.pulling import files
from assets.ingest.pulling import pull as pull_module
from assets.ingest.pulling.pull import PullResult, pull
from tests.warehouse.reconciliation import reconciliation_gaps

# Importing dlt and its friends takes seconds: one process does it and is forked for every pull that may die.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])
Death = Literal["never", "before its file is written", "after its file was written"]
PASSWORD = "s3cr3t-of-the-shop"  # noqa: S105 - of a database that lives for one test run
TOKEN = "t0ken-of-the-shop"  # noqa: S105 - of a server that lives for one test
UNPRIVILEGED = 65534
SECONDS_TO_START = 60
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "TimeZone": "UTC",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A PostgreSQL server on 127.0.0.1."""

    port: int

    @property
    def url(self) -> str:
        return f"postgresql://shop:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.url) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server that forgets everything; PostgreSQL refuses to be root, so as nobody."""
    folder = Path(tempfile.mkdtemp(prefix="postgres"))
    who = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if os.getuid() == 0 else {}
    password, data = folder / "password", folder / "data"
    password.write_text(PASSWORD)
    if who:
        for path in (folder, password):
            os.chown(path, UNPRIVILEGED, UNPRIVILEGED)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [str(shutil.which(program)), "-D", str(data), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **who)  # noqa: S603

    try:
        run("initdb", "-U", "shop", "-A", "scram-sha-256", f"--pwfile={password}", "--no-sync", "-E", "UTF8",
            "--locale=C")  # fmt: skip
        options = f"-F -h 127.0.0.1 -p {port} -k {folder}"
        run("pg_ctl", "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            yield Postgres(port=port)
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class MySQL:
    """A MariaDB server on 127.0.0.1, which speaks as MySQL does."""

    port: int

    @property
    def url(self) -> str:
        return f"mysql://shop:{PASSWORD}@127.0.0.1:{self.port}/shop"

    def execute(self, *statements: str) -> None:
        with pymysql.connect(
            host="127.0.0.1", port=self.port, user="shop", password=PASSWORD, database="shop", autocommit=True
        ) as connection:
            for statement in statements:
                connection.cursor().execute(statement)


@contextmanager
def running_mysql() -> Iterator[MySQL]:
    """Start a server that forgets everything."""
    folder = Path(tempfile.mkdtemp(prefix="mysql"))
    data, gate = folder / "data", folder / "socket"
    user = ["--user=root"] if os.getuid() == 0 else []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    install = [str(shutil.which("mariadb-install-db")), "--no-defaults", f"--datadir={data}"]
    options = ["--auth-root-authentication-method=normal", "--skip-test-db", *user]
    command = [str(shutil.which("mariadbd")), "--no-defaults", f"--datadir={data}", f"--socket={gate}"]
    command += [f"--port={port}", "--bind-address=127.0.0.1", f"--pid-file={folder / 'pid'}", *user]
    try:
        subprocess.run([*install, *options], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:  # noqa: S603
            try:
                _make_user(gate)
                yield MySQL(port=port)
            finally:
                server.kill()
    finally:
        shutil.rmtree(folder)


def _make_user(gate: Path) -> None:
    """Make database and user as soon as the server answers."""
    end = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            connection = pymysql.connect(unix_socket=str(gate), user="root", autocommit=True)
            break
        except pymysql.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    with connection:
        cursor = connection.cursor()
        cursor.execute("create database shop character set utf8mb4")
        cursor.execute(f"create user shop@'127.0.0.1' identified by '{PASSWORD}'")
        cursor.execute("grant all on shop.* to shop@'127.0.0.1'")


@dataclass(slots=True, kw_only=True)
class Service:
    """A web service with ``records``, three to a page.

    ``faults`` maps the number of a request, the first being 0, to the status it gets instead of an answer;
    ``hangs_at`` is the number of a request that gets none. ``telemetry_paths`` are
    the paths of POST requests.
    """

    port: int
    records: list[dict[str, object]] = field(default_factory=list)
    faults: dict[int, int] = field(default_factory=dict)
    hangs_at: int | None = None
    next_host: str | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    telemetry_paths: list[str] = field(default_factory=list)
    hanging: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    PAGE = 3

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def answer(self, asked: Mapping[str, str]) -> dict[str, object]:
        """One page: by ``page`` (from 1) or ``offset``, of the records that are not older than ``since``."""
        since = asked.get("since", "")
        found = [record for record in self.records if str(record.get("updated_at", "~")) >= since]
        start = (int(asked.get("page", "1")) - 1) * self.PAGE + int(asked.get("offset", "0"))
        page: dict[str, object] = {"data": {"items": found[start : start + self.PAGE]}}
        if start + self.PAGE < len(found):
            host = self.next_host or f"http://127.0.0.1:{self.port}"
            page["next"] = f"{host}/v1/reviews?since={since}&offset={start + self.PAGE}"
        return page


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = len(service.asked)
            service.asked.append(dict(parse_qsl(urlsplit(self.path).query)))
            service.tokens.append(self.headers.get("Authorization"))
            if number == service.hangs_at:
                service.hanging.set()
                service.released.wait(20)
            status = service.faults.get(number, 200)
            body = json.dumps(service.answer(service.asked[number]) if status == 200 else {}).encode()
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "1")
            if status == 301:
                self.send_header("Location", "http://localhost:1/v2/reviews?key=1")
            self.end_headers()
            # A client that was killed while waiting has closed the connection.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(body)

        def do_POST(self) -> None:
            service.telemetry_paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler


@contextmanager
def running_service() -> Iterator[Service]:
    service = Service(port=0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
    service.port = server.server_port
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        yield service
    finally:
        service.released.set()
        server.shutdown()
        serving.join()
        server.server_close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A business with one pulled source, and its folders."""

    folder: Path
    source: Mapping[str, object]
    secrets: Mapping[str, str]

    @property
    def document(self) -> dict[str, object]:
        """The business's YAML."""
        return {
            "title": "Shop",
            "clock": "wall",
            "currency": "EUR",
            "time_zone": "Europe/Berlin",
            "first_as_of_day": "2023-01-02",
            "sources": [self.source],
        }

    @property
    def business(self) -> BusinessConfig:
        landing = self.folder / "landing"
        return business_from(
            self.document, file=Path("own_shop.yaml"), data_dir=self.folder, landing_dir=landing
        )

    @property
    def state_dir(self) -> Path:
        return self.folder / "dlt"

    def pull(self) -> PullResult:
        business = self.business
        return pull(business, business.sources[0], secret=self.secrets.get, state_dir=self.state_dir)

    def load_sources(self, columns: str, table: str = "order_lines") -> list[tuple[object, ...]]:
        """Land everything pulled so far; every row is loaded or rejected."""
        with duckdb.connect(config=SETTINGS) as connection:
            landings = load_sources(connection, self.business)
            assert landings
            assert reconciliation_gaps(landings) == []
            unexplained = connection.execute(
                "select reason from raw.rejects where reason not like '%was delivered again by%'"
            ).fetchall()
            assert unexplained == []
            return connection.execute(f"select {columns} from raw.{table} order by all").fetchall()

    def pulling(self, *, dies: Death = "never", **variables: str) -> ForkServerProcess:
        """A pull in a process of its own with environment ``variables``, started."""
        variables = {**variables, "HOME": str(self.folder / "home")}
        process = _FORKS.Process(target=_pull_and_die, args=(self, dies, variables))
        process.start()
        return process

    def holds(self, secret: str) -> list[Path]:
        """Files of this shop in whose name or bytes ``secret`` stands."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [path for path in files if secret in str(path) or secret.encode() in path.read_bytes()]


def _pull_and_die(shop: Shop, dies: Death, variables: Mapping[str, str]) -> None:
    def deliver(*given: Any, **named: Any) -> None:
        if dies == "after its file was written":
            files.deliver(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    os.environ.update(variables)
    os.chdir(shop.folder)
    if dies != "never":
        setattr(pull_module, "deliver", deliver)  # noqa: B010
    shop.pull()
