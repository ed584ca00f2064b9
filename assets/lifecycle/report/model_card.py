"""The model card of a version, from recorded facts alone."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined

from assets.lifecycle.capability import Capability
from assets.lifecycle.gate import Decision

MARKUP = re.compile(r"([\\|`]|(?<=\])\()")
TEMPLATE = Path(__file__).with_name("model_card.md.j2")


def model_card(
    capability: Capability[Any, Any, Any, Any],
    registry: pd.DataFrame,
    *,
    decision: Decision,
    metrics: pd.DataFrame,
    bins: pd.DataFrame,
) -> str:
    """The card as Markdown: the shared parts around the capability's own sections.

    Args:
        capability: The capability.
        registry: The version's one row of ``ml.model_registry``.
        decision: Decision of the promotion gate.
        metrics: Rows of ``ml.metrics`` of the version's test fold; may be empty.
        bins: Its rows of ``ml.calibration_bins``; may be empty.
    """
    # Markdown, not HTML: escaped quotes would be seen. StrictUndefined: a card with a hole is an error.
    environment = Environment(autoescape=False, undefined=StrictUndefined)  # noqa: S701
    environment.filters["as_text"] = as_text
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    facts = {str(name): None if pd.isna(value) else value for name, value in registry.iloc[0].items()}
    return template.render(
        spec=capability.spec,
        registry=facts,
        decision=decision,
        meaning=capability.spec.grade_meanings[str(facts["quality_grade"])],
        sections=capability.card_sections(facts, metrics, bins),
    )


def as_text(value: object) -> str:
    """Write ``value``, which may be delivered, as one line of text: no HTML, link, image, code or cell."""
    escaped = MARKUP.sub(r"\\\1", str(value).replace("&", "&amp;").replace("<", "&lt;"))
    return " ".join(escaped.split())


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown; a cell is text, without markup.

    Args:
        header: Names of the columns.
        rows: Cells, one sequence per row.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(as_text(cell) for cell in line)} |" for line in lines)
