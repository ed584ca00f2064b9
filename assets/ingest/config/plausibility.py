"""Keys of a business's YAML about values that cannot be taken as they are: bounds, guests, currencies."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import Field

from assets.ingest.config.source.pull import Declaration

# What systems write where an id is missing; compared without regard to case.
GUEST_IDS = (
    *("null", "(null)", r"\n", "nil", "none", "(none)", "na", "n/a", "#n/a", "nan", "undefined", "(not set)"),
    *("guest", "anonymous", "unknown", "-", "--", "?", "0"),
)


class Bounds(Declaration):
    """Bounds of a plausible row; a row beyond one is rejected. A bound that is not given follows the data.

    ``largest_amount`` and ``largest_quantity`` are of one order line, whatever their sign. ``earliest_day``
    and ``latest_day`` are of every dated table, in UTC.
    """

    largest_amount: float | None = Field(default=None, gt=0)
    largest_quantity: float | None = Field(default=None, gt=0)
    earliest_day: date | None = None
    latest_day: date | None = None


# Value of one unit in the shop's currency, by the first day on which the rate holds.
Rates = Mapping[date, Annotated[float, Field(gt=0, allow_inf_nan=False)]]
ExchangeRates = Mapping[Annotated[str, Field(pattern=r"^[A-Z]{3}$")], Rates]
