"""Key ``acknowledged`` of a business's YAML: checks of what is usual that a person has explained."""

from datetime import date

from pydantic import Field, field_validator

from assets.ingest.config.contracts import CONTRACTS
from assets.ingest.config.source.pull import Declaration

# What is usual needs judgement. Keys, as-of dates, consent and counts are true or false for everybody.
OF_WHAT_IS_USUAL = (
    "sources_are_fresh",
    "row_volume_is_normal",
    "order_history_has_no_gap",
    "order_history_has_no_break",
)


class Acknowledgement(Declaration):
    """A check that may fail up to and including as-of date ``until``, for a ``reason`` that is published.

    Without ``table`` it holds for every raw table.
    """

    check: str
    until: date
    reason: str = Field(min_length=5)
    table: str | None = None

    @field_validator("check")
    @classmethod
    def _is_about_what_is_usual(cls, check: str) -> str:
        if check not in OF_WHAT_IS_USUAL:
            raise ValueError(
                f"{check!r} cannot be acknowledged; only checks of what is usual can: "
                f"{', '.join(OF_WHAT_IS_USUAL)}"
            )
        return check

    @field_validator("table")
    @classmethod
    def _is_known_table(cls, table: str | None) -> str | None:
        if table is not None and table not in CONTRACTS:
            raise ValueError(f"table {table!r} is not one of {', '.join(CONTRACTS)}")
        return table
