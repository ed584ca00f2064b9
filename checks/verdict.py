"""What every check says: whether it passed, why, and on what evidence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from assets.keys import Key
from assets.ports import Warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A judgement in words and numbers.

    Args:
        passed: Whether the sentence that names the check is true.
        reason: One line for the person on call: the value, the bound, n, and what to do when red.
        value: The one number judged, where there is one.
        threshold: The bound ``value`` was held against.
        evidence: Further numbers, the unit in the name; always holds ``n``.
        plots: PNGs to look at, by name.
        pages: Files for a browser, by name.
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
    """A check that only one capability has.

    Attributes:
        table: Table that the check is about.
        name: A sentence that is true when green.
        check: Computes the verdict for an as-of date.
        description: What the check proves.
        next_step: What to do when it fails.
        is_blocking: Whether a failure stops publishing.
    """

    table: Key
    name: str
    check: Callable[[Warehouse, date], Verdict]
    description: str
    next_step: str
    is_blocking: bool = True
