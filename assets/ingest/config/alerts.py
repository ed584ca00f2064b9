"""Configuration of the targets of alerts, besides the file that every business has."""

from typing import Literal

from pydantic import Field, model_validator

from assets.ingest.config.source.pull import ENVIRONMENT_VARIABLE, Declaration, Texts


class Smtp(Declaration):
    """Mail server; ``password_from`` names the environment variable that holds the user's password."""

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    encryption: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password_from: str | None = Field(default=None, pattern=ENVIRONMENT_VARIABLE)
    sender: str = Field(pattern=r"^[^\s@]+@[^\s@]+$")
    recipients: Texts = Field(min_length=1)

    @model_validator(mode="after")
    def _password_has_its_user(self) -> "Smtp":
        if (self.username is None) != (self.password_from is None):
            raise ValueError("username and password_from belong together: give both or neither")
        if self.username and self.encryption == "none":
            raise ValueError("a password is not sent without encryption: use starttls or tls")
        return self


class AlertTargets(Declaration):
    """``webhook_from`` names the environment variable that holds the address of a webhook."""

    webhook_from: str | None = Field(default=None, pattern=ENVIRONMENT_VARIABLE)
    smtp: Smtp | None = None
