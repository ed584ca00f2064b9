"""Slices of customers and groups of correlated features."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericSlice:
    """Customers divided by ``column`` at ``cuts``.

    Attributes:
        name: Name of the slice in published metrics.
        column: A numeric feature.
        cuts: Rising upper bounds; band ``i`` includes ``cuts[i]``, the last band has no bound.
        labels: Name of each band, one more than ``cuts``.

    Raises:
        ValueError: when the number of labels does not match, or the cuts do not rise.
    """

    name: str
    column: str
    cuts: tuple[float, ...]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.cuts) + 1:
            raise ValueError(f"slice {self.name!r} has {len(self.labels)} labels for {len(self.cuts)} cuts")
        if list(self.cuts) != sorted(set(self.cuts)):
            raise ValueError(f"slice {self.name!r}: cuts {self.cuts} must rise")


@dataclass(frozen=True, slots=True, kw_only=True)
class CategorySlice:
    """Customers divided by ``column``: its ``keep`` most frequent values, and ``other`` for the rest.

    Raises:
        ValueError: when ``keep`` is below 1.
    """

    name: str
    column: str
    keep: int = 1

    def __post_init__(self) -> None:
        if self.keep < 1:
            raise ValueError(f"slice {self.name!r} keeps {self.keep} values; at least 1")


Slice = NumericSlice | CategorySlice


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureGroup:
    """Correlated features. Reason codes occlude the group as a whole and report ``columns[0]``.

    Attributes:
        name: Short name, for the model card.
        columns: Features of the group, at least one.
        description: The question that the group answers about a customer.

    Raises:
        ValueError: when the group has no column.
    """

    name: str
    columns: tuple[str, ...]
    description: str

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError(f"feature group {self.name!r} has no column")
