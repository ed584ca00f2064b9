"""Alerts of failed runs and checks: a file, and as the business wishes a webhook and an e-mail."""

import json
import smtplib
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import dagster as dg

from assets.defs import PARTITION_TAG
from assets.ingest.config.alerts import AlertTargets, Smtp
from assets.ingest.config.business import BusinessConfig
from orchestration.settings import Settings

TIMEOUT_SECONDS = 10
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Log = Callable[[str], object]
Line = Mapping[str, object]


class Undeliverable(Exception):
    """The configured target cannot take an alert; the message names the variable and no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """Where the alerts of one business go.

    Attributes:
        file: Lines of JSON, oldest first; its folder is created when missing.
        business: Its name, which the message of every target has.
        targets: Further targets.
        secret: Returns the environment variable of a name; ``None`` when it is not set.
    """

    file: Path
    business: str
    targets: AlertTargets
    secret: Callable[[str], str | None] = lambda _name: None

    def send(self, line: Line, *, log: Log) -> None:
        """Append ``line`` to the file and send it to every target.

        Args:
            line: What happened, as JSON values.
            log: Receives why a target did not take it; that fails nothing.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
        if self.targets.webhook_from:
            self._try("webhook", lambda: self._post(str(self.targets.webhook_from), line), log=log)
        if self.targets.smtp:
            self._try("SMTP server", lambda: self._mail(self.targets.smtp, line), log=log)

    def _try(self, name: str, deliver: Callable[[], None], *, log: Log) -> None:
        try:
            deliver()
        except (Undeliverable, OSError, smtplib.SMTPException) as error:
            log(f"the {name} did not take the alert: {error}; it is in {self.file}")
        except (HTTPException, ValueError) as error:
            # Its text may hold the address, which is a secret.
            log(f"the {name} did not take the alert: {type(error).__name__}; it is in {self.file}")

    def _post(self, variable: str, line: Line) -> None:
        address = self._required(variable)
        parts = urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise Undeliverable(f"the address in {variable} must begin with https://")
        # Slack, Mattermost, Teams and others show `text`.
        text = f"{self._subject(line)}: {line['reason']}"
        body = json.dumps({"text": text, "business": self.business, **line})
        request = Request(address, body.encode(), {"Content-Type": "application/json"})  # noqa: S310 - checked
        with urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310 - checked above
            pass

    def _mail(self, smtp: Smtp | None, line: Line) -> None:
        if smtp is None:
            return
        message = EmailMessage()
        message["Subject"], message["From"] = self._subject(line), smtp.sender
        message["To"] = ", ".join(smtp.recipients)
        message.set_content("\n".join(f"{name}: {value}" for name, value in line.items()) + "\n")
        context = ssl.create_default_context()
        if smtp.encryption == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                smtp.host, smtp.port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(smtp.host, smtp.port, timeout=TIMEOUT_SECONDS)
        with server:
            if smtp.encryption == "starttls":
                server.starttls(context=context)
            if smtp.username and smtp.password_from:
                server.login(smtp.username, self._required(smtp.password_from))
            server.send_message(message)

    def _required(self, variable: str) -> str:
        value = self.secret(variable)
        if value is None:
            raise Undeliverable(f"the environment variable {variable} is not set")
        return value

    def _subject(self, line: Line) -> str:
        what = "failed" if line["kind"] == "run_failed" else "has failed checks"
        return f"{self.business}: {line['job']} {what}"


def alerts_of(settings: Settings, business: BusinessConfig) -> Alerts:
    """Where the alerts of ``business`` go."""
    return Alerts(
        file=settings.alerts_file, business=business.name, targets=business.alerts, secret=settings.secret
    )


def failed_run_line(run: dg.DagsterRun, failures: Iterable[dg.DagsterEvent], *, otherwise: str) -> Line:
    """The alert of a failed run.

    Args:
        run: The run that failed.
        failures: Events of its failed steps.
        otherwise: The reason if no step failed, such as a killed run.
    """
    steps = {event.step_key: cause(event) for event in failures}
    reason = "; ".join(steps.values()) or " ".join(otherwise.split())
    return _line("run_failed", run, steps=[str(step) for step in steps], reason=reason)


def failed_checks_line(run: dg.DagsterRun, evaluations: Iterable[dg.AssetCheckEvaluation]) -> Line | None:
    """The alert of a run that ended well with failed checks; ``None`` when none failed."""
    failed = [each for each in evaluations if not each.passed]
    if not failed:
        return None
    reason = "; ".join(
        f"{each.check_name} on {each.asset_key.to_user_string()}: {each.description or 'no reason was given'}"
        for each in failed
    )
    return _line("checks_failed", run, steps=[], reason=reason)


def alert_of(result: dg.ExecuteInProcessResult, alerts: Alerts, *, log: Log) -> None:
    """Send the alert of a run of this process, which no sensor observes.

    Args:
        result: The run that ended.
        alerts: Where alerts go.
        log: Receives why a target did not take it.
    """
    if not result.success:
        failures, reason = result.get_step_failure_events(), cause(result.get_run_failure_event())
        alerts.send(failed_run_line(result.dagster_run, failures, otherwise=reason), log=log)
    elif line := failed_checks_line(result.dagster_run, result.get_asset_check_evaluations()):
        alerts.send(line, log=log)


def cause(event: dg.DagsterEvent) -> str:
    """Return the innermost error of a failed step or run, in one line."""
    error = event.step_failure_data.error if event.is_step_failure else event.job_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return " ".join(error.message.split()) if error else event.message or ""


def run_failed_sensor(alerts: Alerts, *, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Send an alert of each failed run."""

    @dg.run_failure_sensor(
        name="run_failed_sensor",
        default_status=status,
        description=f"Sends failed runs, with steps and reason, to reports/{alerts.file.name} and beyond.",
    )
    def _failed(context: dg.RunFailureSensorContext) -> None:
        failures, reason = context.get_step_failure_events(), cause(context.failure_event)
        line = failed_run_line(context.dagster_run, failures, otherwise=reason)
        alerts.send(line, log=context.log.warning)

    return _failed


def checks_failed_sensor(alerts: Alerts, *, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Send an alert of each run that ended well with failed checks."""

    @dg.run_status_sensor(
        name="checks_failed_sensor",
        run_status=dg.DagsterRunStatus.SUCCESS,
        default_status=status,
        description=f"Sends failed checks of runs that ended well to reports/{alerts.file.name} and beyond.",
    )
    def _checked(context: dg.RunStatusSensorContext) -> None:
        logged = context.instance.all_logs(
            context.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
        )
        events = [entry.dagster_event for entry in logged if entry.dagster_event]
        line = failed_checks_line(
            context.dagster_run, [event.asset_check_evaluation_data for event in events]
        )
        if line is not None:
            alerts.send(line, log=context.log.warning)

    return _checked


def _line(kind: str, run: dg.DagsterRun, *, steps: list[str], reason: str) -> Line:
    return {
        "noticed_at": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "kind": kind,
        "job": run.job_name,
        "run_id": run.run_id,
        "partition": run.tags.get(PARTITION_TAG),
        "steps": steps,
        "reason": reason,
    }
