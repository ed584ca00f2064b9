"""Charts as inline SVG, drawn in the colours of the page, so that they follow light, dark and print."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from assets.publishing.pages.content import Number, sentence

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 300, 56, 34
BAR_HEIGHT, BAR_GAP, LABEL_WIDTH = 20, 8, 190
TICKS = 4
TOP_MARGIN = 1.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Predicted and observed value of one bin, with the interval of the observed one."""

    predicted: Number
    observed: Number
    low: Number
    high: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar of two parts: ``part`` in the strong colour out of ``whole``; ``note`` stands behind it."""

    label: str
    part: Number
    whole: Number | None = None
    note: str = ""


def reliability(points: Sequence[Point], *, is_share: bool) -> Markup:
    """Predicted values against observed ones; points on the diagonal are right.

    Args:
        points: One per bin.
        is_share: Whether the axes are percentages.
    """
    tops = [max(each.predicted.size, each.high.size, each.observed.size) for each in points]
    top = max(tops, default=0.0) * TOP_MARGIN or 1.0
    dots = Markup("").join(_dot(each, top) for each in points)
    grid = Markup("").join(_tick(top * step / TICKS, top, is_share=is_share) for step in range(TICKS + 1))
    diagonal = sentence(
        '<line class="ideal" x1="{}" y1="{}" x2="{}" y2="{}"/>', *_at(0, 0, top), *_at(top, top, top)
    )
    return _svg(
        HEIGHT + BOTTOM, "Predicted against observed, with 95 % intervals", grid, diagonal, dots,
        sentence('<text x="{}" y="{}" text-anchor="middle">predicted</text>', WIDTH / 2, HEIGHT + 32),
        sentence('<text x="{}" y="14">observed</text>', LEFT + 6),
    )  # fmt: skip


def bars(rows: Sequence[Bar]) -> Markup:
    """Horizontal bars, the longest over the whole width.

    Args:
        rows: One per bar, from top to bottom.
    """
    longest = max((max((each.whole or each.part).size, each.part.size) for each in rows), default=0.0) or 1.0
    drawn = Markup("").join(_bar(each, place, longest) for place, each in enumerate(rows))
    return _svg(len(rows) * (BAR_HEIGHT + BAR_GAP) + BAR_GAP, "Bars of the table below", drawn)


def _svg(height: float, title: str, *parts: Markup) -> Markup:
    return sentence(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}</svg>',
        WIDTH, round(height), title, title, Markup("").join(parts),
    )  # fmt: skip


def _at(x: float, y: float, top: float) -> tuple[float, float]:
    """Place of a point in the plot, whose both axes go from 0 to ``top``."""
    plot_width, plot_height = WIDTH - LEFT - 16, HEIGHT - 20
    return round(LEFT + plot_width * x / top, 1), round(HEIGHT - plot_height * y / top, 1)


def _dot(point: Point, top: float) -> Markup:
    x, y = _at(point.predicted.size, point.observed.size, top)
    low, high = (_at(0, end.size if end else point.observed.size, top)[1] for end in (point.low, point.high))
    return sentence(
        '<line class="interval" x1="{}" y1="{}" x2="{}" y2="{}"/><circle class="dot" cx="{}" cy="{}" r="5">'
        "<title>predicted {}, observed {}</title></circle>",
        x, low, x, high, x, y, point.predicted.text, point.observed.text,
    )  # fmt: skip


def _tick(value: float, top: float, *, is_share: bool) -> Markup:
    text = f"{100 * value:.0f} %" if is_share else f"{value:,.0f}"
    x, y = _at(value, value, top)
    return sentence(
        '<line class="grid" x1="{}" y1="{}" x2="{}" y2="{}"/>'
        '<text class="tick" x="{}" y="{}" text-anchor="end">{}</text>'
        '<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>',
        LEFT, y, WIDTH - 16, y, LEFT - 8, y + 4, text, x, HEIGHT + 16, text,
    )  # fmt: skip


def _bar(row: Bar, place: int, longest: float) -> Markup:
    y, longest_width = place * (BAR_HEIGHT + BAR_GAP) + BAR_GAP, WIDTH - LABEL_WIDTH - 150
    top = y + 15
    whole, part = (longest_width * (each.size if each else 0) / longest for each in (row.whole, row.part))
    text = f"{row.part.text}{f' of {row.whole.text}' if row.whole else ''}{row.note}"
    return sentence(
        '<text class="label" x="{}" y="{}" text-anchor="end">{}</text>'
        '<rect class="whole" x="{}" y="{}" width="{}" height="{}"/>'
        '<rect class="part" x="{}" y="{}" width="{}" height="{}"/>'
        '<text class="label" x="{}" y="{}">{}</text>',
        LABEL_WIDTH - 10, top, row.label, LABEL_WIDTH, y, round(whole, 1), BAR_HEIGHT,
        LABEL_WIDTH, y, round(part, 1), BAR_HEIGHT, LABEL_WIDTH + round(max(whole, part), 1) + 8, top, text,
    )  # fmt: skip
