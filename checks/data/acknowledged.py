"""Checks of what is usual that a person has explained in the YAML: they pass until a date and say why."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from assets.ingest.config.acknowledgement import Acknowledgement
from assets.keys import Key
from checks.verdict import Invariant, Verdict


def acknowledged(
    verdict: Verdict, check: str, *, table: str, as_of: date, given: Iterable[Acknowledgement]
) -> Verdict:
    """Return ``verdict``, passed with the person's reason before its own where it is acknowledged.

    Args:
        verdict: What the check found.
        check: Its name.
        table: The raw table.
        as_of: The as-of date.
        given: The acknowledgements of the business.
    """
    for each in given:
        if not verdict.passed and each.check == check and each.table in (None, table) and as_of <= each.until:
            reason = f"acknowledged until {each.until} ({each.reason}): {verdict.reason}"
            return replace(verdict, passed=True, reason=reason)
    return verdict


def with_acknowledgements(invariant: Invariant, given: Iterable[Acknowledgement]) -> Invariant:
    """``invariant`` of a raw table, with its acknowledgements in ``given``."""
    kept, key = tuple(given), Key(*invariant.table)
    return replace(
        invariant,
        check=lambda warehouse, as_of: acknowledged(
            invariant.check(warehouse, as_of), invariant.name, table=key.name, as_of=as_of, given=kept
        ),
    )
