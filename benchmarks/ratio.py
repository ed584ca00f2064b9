"""Interleaved pairs of timings, and the table of their ratios."""

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

PAIRS = 5
TABLE_WIDTH = 118

Timed = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One cost as a multiple of another; ``ours[i]`` and ``limits[i]`` were taken one after the other.

    Attributes:
        name: The two sides of the comparison.
        ours: Seconds of the project's code.
        limits: Seconds of the reference.
        meaning: Interpretation of the ratio.
        alarming: The ratio that needs attention, and its likely cause.
        notes: Further facts of the same run.
    """

    name: str
    ours: tuple[float, ...]
    limits: tuple[float, ...]
    meaning: str
    alarming: str
    notes: str = ""

    @property
    def ratios(self) -> tuple[float, ...]:
        """The ratio of each pair."""
        return tuple(mine / limit for mine, limit in zip(self.ours, self.limits, strict=True))


def interleaved(ours: Timed, limit: Timed, *, pairs: int = PAIRS) -> tuple[list[float], list[float]]:
    """Seconds of ``ours`` and ``limit``, run in turns, so that other load slows both alike.

    Each runs once before, untimed, to load files into memory and to import.

    Args:
        ours: The project's code.
        limit: The reference.
        pairs: Timed pairs.
    """
    ours(), limit()
    timings = [(_seconds(ours), _seconds(limit)) for _ in range(pairs)]
    return [mine for mine, _ in timings], [other for _, other in timings]


def table(figures: Sequence[Figure]) -> str:
    """The figures as one table, medians with the range of the pairs."""
    cost_table = Table(
        title="Cost against a limit, median (lowest to highest) of interleaved pairs", show_lines=True
    )
    cost_table.add_column("figure", ratio=3)
    for heading in ("ours", "limit", "ratio"):
        cost_table.add_column(heading, justify="right", ratio=2)
    cost_table.add_column("meaning, and alarming ratio", ratio=5)
    for figure in figures:
        cost_table.add_row(
            figure.name,
            _spread(figure.ours, " s"),
            _spread(figure.limits, " s"),
            _spread(figure.ratios, ""),
            " ".join(part for part in (figure.meaning, figure.alarming, figure.notes) if part),
        )
    console = Console(file=io.StringIO(), width=TABLE_WIDTH)
    with console.capture() as captured:
        console.print(cost_table)
    return captured.get()


def _seconds(timed: Timed) -> float:
    started = time.perf_counter()
    timed()
    return time.perf_counter() - started


def _spread(values: Sequence[float], unit: str) -> str:
    return f"{median(values):.2f}{unit}\n({min(values):.2f} to {max(values):.2f})"
