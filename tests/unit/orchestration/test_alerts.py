"""Alerts of failed runs and checks go to a file, a webhook and a mail server."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import ValidationError

from assets.ingest.config.alerts import AlertTargets, Smtp
from orchestration.alerts import (
    Alerts,
    alert_of,
    checks_failed_sensor,
    failed_run_line,
    run_failed_sensor,
)

RUNNING = dg.DefaultSensorStatus.RUNNING
SECRETS = {"HOOK": "", "MAIL_PASSWORD": "s3cret-word"}


class Webhook(HTTPServer):
    """A web server on loopback that keeps what it is sent, and answers with ``status``."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Post)
        self.status, self.received = status, list[dict[str, Any]]()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/s3cret-path"


class Post(BaseHTTPRequestHandler):
    """Keeps the body of a POST."""

    server: Webhook

    def do_POST(self) -> None:
        self.server.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Print nothing."""


class MailServer(socketserver.TCPServer):
    """A mail server on loopback that keeps messages, for clients without a login."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Smtpd)
        self.recipients, self.messages = list[str](), list[str]()


class Smtpd(socketserver.StreamRequestHandler):
    """One conversation."""

    server: MailServer

    def handle(self) -> None:
        self.wfile.write(b"220 loopback\r\n")
        while line := self.rfile.readline().decode().rstrip():
            match line.split(":")[0].upper().split(" ")[0]:
                case "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                    self.server.messages.append("\n".join(lines))
                case "RCPT":
                    self.server.recipients.append(line)
                case "QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
            self.wfile.write(b"250 ok\r\n")


@contextmanager
def served(server: socketserver.BaseServer) -> Iterator[None]:
    """Answer in a thread during the block."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def alerts_to(folder: Path, targets: AlertTargets, **secrets: str) -> Alerts:
    return Alerts(
        file=folder / "reports" / "alerts.jsonl",
        business="shop",
        targets=targets,
        secret=lambda name: secrets.get(name),
    )


def lines_of(alerts: Alerts) -> list[dict[str, Any]]:
    return [json.loads(line) for line in alerts.file.read_text().splitlines()]


def mail_to(port: int) -> Smtp:
    return Smtp(
        host="127.0.0.1", port=port, encryption="none", sender="shop@example.org",
        recipients=("on-call@example.org", "owner@example.org"),
    )  # fmt: skip


@dg.op
def refuses() -> None:
    raise dg.Failure("3 files are unreadable")


@dg.job
def refresh_of_test() -> None:
    refuses()


@dg.asset(check_specs=[dg.AssetCheckSpec(name, asset="orders") for name in ("they_add_up", "they_are_fresh")])
def orders() -> dg.MaterializeResult:  # type: ignore[type-arg]
    warning = dg.AssetCheckSeverity.WARN
    return dg.MaterializeResult(
        check_results=[
            dg.AssetCheckResult(passed=True, check_name="they_add_up"),
            dg.AssetCheckResult(
                passed=False, check_name="they_are_fresh", severity=warning, description="9 days old"
            ),
        ]
    )


def test_a_failed_run_reaches_file_webhook_and_mail(tmp_path: Path) -> None:
    hook, mail, log = Webhook(), MailServer(), list[str]()
    targets = AlertTargets(webhook_from="HOOK", smtp=mail_to(mail.server_address[1]))
    alerts = alerts_to(tmp_path, targets, HOOK=hook.address)
    with served(hook), served(mail):
        alert_of(refresh_of_test.execute_in_process(raise_on_error=False), alerts, log=log.append)
    (line,), (posted,), (message,) = lines_of(alerts), hook.received, mail.messages
    assert (line["kind"], line["job"], line["steps"]) == ("run_failed", "refresh_of_test", ["refuses"])
    assert "3 files are unreadable" in line["reason"]
    assert posted.items() >= {**line, "business": "shop"}.items()
    assert posted["text"] == f"shop: refresh_of_test failed: {line['reason']}"
    assert "Subject: shop: refresh_of_test failed" in message
    assert "3 files are unreadable" in message
    assert len(mail.recipients) == 2
    assert log == []


def test_a_run_that_ended_well_sends_its_failed_checks_and_no_other(tmp_path: Path) -> None:
    hook = Webhook()
    alerts = alerts_to(tmp_path, AlertTargets(webhook_from="HOOK"), HOOK=hook.address)
    result = dg.materialize([orders])
    with served(hook):
        alert_of(result, alerts, log=print)
    (line,) = lines_of(alerts)
    assert (line["kind"], line["reason"]) == ("checks_failed", "they_are_fresh on orders: 9 days old")
    assert hook.received[0]["text"].startswith(
        "shop: __ephemeral_asset_job__ has failed checks: they_are_fresh"
    )


def test_a_run_without_anything_to_report_sends_nothing(tmp_path: Path) -> None:
    @dg.asset
    def sound() -> None:
        """Nothing."""

    alerts = alerts_to(tmp_path, AlertTargets())
    alert_of(dg.materialize([sound]), alerts, log=print)
    assert not alerts.file.exists()


@pytest.mark.parametrize(
    "given", ["refused", "unset", "not an address", "http to a name", "an answer of 500"]
)
def test_what_is_unreachable_is_logged_without_its_secret_and_fails_nothing(
    tmp_path: Path, given: str
) -> None:
    hook, log = Webhook(status=500), list[str]()
    address = {
        "refused": "http://127.0.0.1:1/hooks/s3cret-path",
        "not an address": "https://[s3cret-path",
        "http to a name": "http://hooks.example.org/s3cret-path",
        "an answer of 500": hook.address,
    }
    targets = AlertTargets(webhook_from="HOOK", smtp=mail_to(1))
    alerts = alerts_to(tmp_path, targets, **({"HOOK": address[given]} if given in address else {}))
    with served(hook):
        alert_of(refresh_of_test.execute_in_process(raise_on_error=False), alerts, log=log.append)
    assert len(lines_of(alerts)) == 1
    assert [text.split(":")[0] for text in log] == [
        "the webhook did not take the alert",
        "the SMTP server did not take the alert",
    ]
    assert "s3cret" not in "".join(log)
    assert str(alerts.file) in log[0]


def test_a_password_comes_from_the_environment_and_goes_nowhere_unencrypted(tmp_path: Path) -> None:
    login = {"username": "shop", "password_from": "MAIL_PASSWORD", "sender": "a@b", "recipients": ["c@d"]}
    with pytest.raises(ValidationError, match="not sent without encryption"):
        Smtp(host="127.0.0.1", encryption="none", **login)
    with pytest.raises(ValidationError, match="belong together"):
        Smtp(host="127.0.0.1", username="shop", sender="a@b", recipients=("c@d",))
    with pytest.raises(ValidationError) as refused:
        Smtp(host="127.0.0.1", **{**login, "password_from": "s3cret-word"})
    assert "s3cret" not in str(refused.value)
    # The server offers no encryption, so the password is not sent.
    mail, log = MailServer(), list[str]()
    smtp = Smtp(host="127.0.0.1", port=mail.server_address[1], **login)
    alerts = alerts_to(tmp_path, AlertTargets(smtp=smtp), MAIL_PASSWORD="s3cret-word")  # noqa: S106 - a test
    with served(mail):
        alert_of(refresh_of_test.execute_in_process(raise_on_error=False), alerts, log=log.append)
    assert mail.messages == []
    assert "STARTTLS" in log[0]


def test_the_sensors_send_what_a_run_of_this_process_sends(tmp_path: Path) -> None:
    alerts = alerts_to(tmp_path, AlertTargets())
    with dg.DagsterInstance.ephemeral() as instance:
        failed = refresh_of_test.execute_in_process(
            instance=instance, raise_on_error=False, tags={"dagster/partition": "2025-03-03"}
        )
        ended_well = dg.materialize([orders], instance=instance)
        for result in (failed, ended_well):
            event = next(each for each in reversed(result.all_events) if not each.is_step_event)
            context = dg.build_run_status_sensor_context(
                sensor_name="of_test", dagster_event=event, dagster_instance=instance,
                dagster_run=result.dagster_run,
            )  # fmt: skip
            if result.success:
                checks_failed_sensor(alerts, status=RUNNING)(context)
            else:
                run_failed_sensor(alerts, status=RUNNING)(context.for_run_failure())
    first, second = lines_of(alerts)
    assert (first["kind"], first["partition"], first["run_id"]) == ("run_failed", "2025-03-03", failed.run_id)
    assert (second["kind"], second["reason"]) == ("checks_failed", "they_are_fresh on orders: 9 days old")


def test_a_run_that_failed_in_no_step_has_a_reason_too() -> None:
    run = dg.DagsterRun(job_name="refresh", run_id="r1")
    line = failed_run_line(run, [], otherwise="the process\nof this run was killed")
    assert (line["steps"], line["reason"]) == ([], "the process of this run was killed")
