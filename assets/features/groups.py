"""Slices of customers and groups of correlated features."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericSlice:
    """Customers split by ``column`` at ``cuts``: band ``i`` reaches up to and including ``cuts[i]``."""

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
    """Customers split by ``column``: its ``keep`` most frequent values, and ``other`` for the rest."""

    name: str
    column: str
    keep: int = 1

    def __post_init__(self) -> None:
        if self.keep < 1:
            raise ValueError(f"slice {self.name!r} keeps {self.keep} values; at least 1")


Slice = NumericSlice | CategorySlice


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureGroup:
    """Correlated features. Reason codes occlude the group as a whole and report ``columns[0]``."""

    name: str
    columns: tuple[str, ...]
    description: str

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError(f"reason group {self.name!r} has no column")
