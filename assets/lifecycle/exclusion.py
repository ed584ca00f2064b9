"""Whom a question is not asked about, and why."""

from dataclasses import dataclass

from assets.keys import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Exclusion criteria: rows of ``table`` whose ``ineligible_reason`` is not null are ineligible.

    They are in no training row, evaluation or total, and are published with the reason and no probability.

    Attributes:
        table: ``<entity>_id, as_of_date, ineligible_reason`` and ``passthrough_columns``; an entity without
            a row is eligible.
        passthrough_columns: Columns of ``table`` published beside every score, as name and pandas dtype.
    """

    table: Key
    passthrough_columns: tuple[tuple[str, str], ...] = ()
