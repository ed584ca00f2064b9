"""Verdicts of checks, and the declaration of a capability's own checks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from assets.keys import Key
from assets.ports import Warehouse
from checks.remediation import next_step_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Result of one check.

    Args:
        passed: Whether the sentence that names the check is true.
        reason: One line for the person on call: the value, the bound and n.
        value: The number that was compared with a bound, where there is one.
        threshold: The bound that ``value`` was compared with.
        evidence: Further numbers, the unit in the name; always holds ``n``.
        plots: PNG images, by name.
        pages: HTML files, by name.
    """

    passed: bool
    reason: str
    value: float | None = None
    threshold: float | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)
    plots: Mapping[str, bytes] = field(default_factory=dict)
    pages: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """A check of one table of a capability, as it is bound to the table's asset.

    Attributes:
        table: The checked table.
        name: The sentence that is true when the check passes, in snake case.
        description: What it proves, in one line.
        check: Reads what it needs for an as-of date and judges it.
        next_step: One sentence for the person on call, shown when the check fails.
        is_blocking: Whether a failure stops everything downstream.
    """

    table: Key
    name: str
    description: str
    check: Callable[[Warehouse, date], Verdict]
    next_step: str
    is_blocking: bool = True


def invariant(
    table: Key,
    rule: Callable[..., Verdict],
    check: Callable[[Warehouse, date], Verdict],
    *,
    next_step: str | None = None,
    is_blocking: bool = True,
) -> Invariant:
    """The check of a pure ``rule``, under its name and description.

    Args:
        table: The checked table.
        rule: The pure function.
        check: Calls it with what it reads for an as-of date.
        next_step: One sentence for the person on call; ``None`` takes that of ``checks/remediation.py``.
        is_blocking: Whether a failure stops everything downstream.
    """
    return Invariant(
        table=table,
        name=rule.__name__,
        description=description_of(rule),
        check=check,
        next_step=next_step or next_step_of(rule.__name__),
        is_blocking=is_blocking,
    )


def description_of(check: Callable[..., object]) -> str:
    """The first line of the docstring of ``check``."""
    return (check.__doc__ or "").strip().splitlines()[0]
