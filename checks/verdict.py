"""Verdict: the result of a check, with reason and evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


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
