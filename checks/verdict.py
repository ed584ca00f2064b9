"""What every check says: whether it passed, why, and on what evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


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
