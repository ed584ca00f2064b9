"""Whom a business never contacts: the ``holdout`` key of its YAML."""

from pydantic import Field

from assets.ingest.config.pull import Declaration


class Holdout(Declaration):
    """Customers of no audience, so that effects can be measured: ``share`` of all, drawn by ``salt``.

    Another salt draws other customers and ends every comparison with those before.
    """

    share: float = Field(default=0.05, ge=0, le=0.5)
    # It becomes part of an SQL text and of an environment variable.
    salt: str = Field(default="holdout--2026-01", pattern=r"^[A-Za-z0-9_.-]{8,64}$")
