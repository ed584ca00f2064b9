"""Whom a question is not asked about, and why."""

from dataclasses import dataclass

from assets.keys import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Whom a problem is not asked about: rows of ``table`` whose ``ineligible_reason`` is not null.

    They are in no training, judgement or total, and are published with the reason and without a probability.

    Attributes:
        table: ``<entity>_id, as_of_date, ineligible_reason`` and ``carried``; who has no row is eligible.
        carried: Columns of ``table`` that are published beside everyone's score, as name and pandas dtype.
    """

    table: Key
    carried: tuple[tuple[str, str], ...] = ()
