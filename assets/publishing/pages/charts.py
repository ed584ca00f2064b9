"""Charts as inline SVG, drawn in the colours of the page, so that they follow light, dark and print."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from assets.publishing.pages.content import Number, sentence

WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM = 640, 300, 56, 24, 34
BAR_HEIGHT, BAR_GAP, LABEL_WIDTH = 20, 8, 190
TICKS = 4
TOP_MARGIN = 1.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value to the right and one upwards, with the interval of the second."""

    x: Number
    y: Number
    low: Number
    high: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Cumulative gain of one ranking: the share of the outcomes by the share of the customers."""

    name: str
    points: Sequence[Point]


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
        points: One per bin; predicted to the right, observed upwards.
        is_share: Whether the axes are percentages.
    """
    tops = [max(each.x.size, each.high.size, each.y.size) for each in points]
    top = max(tops, default=0.0) * TOP_MARGIN or 1.0
    dots = [_dot(each, top, says="predicted {}, observed {}") for each in points]
    return _svg(
        HEIGHT + BOTTOM, "Predicted against observed, with 95 % intervals",
        _plane(top, is_share=is_share, right="predicted", up="observed"), *dots,
    )  # fmt: skip


def gain(curves: Sequence[Curve]) -> Markup:
    """Cumulative gain with 95 % intervals; the dashed diagonal is a random choice.

    Args:
        curves: The first in the strong colour, the others in grey; both values of a point in [0, 1].
    """
    drawn = [_curve(each, place) for place, each in enumerate(curves)]
    return _svg(
        HEIGHT + BOTTOM, "Cumulative gain, with 95 % intervals",
        _plane(1.0, is_share=True, right="customers selected", up="outcomes found"), *drawn,
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
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - 20
    return round(LEFT + plot_width * x / top, 1), round(HEIGHT - plot_height * y / top, 1)


def _plane(top: float, *, is_share: bool, right: str, up: str) -> Markup:
    """Grid, names of both axes, and the diagonal."""
    grid = Markup("").join(_tick(top * step / TICKS, top, is_share=is_share) for step in range(TICKS + 1))
    return sentence(
        '{}<line class="ideal" x1="{}" y1="{}" x2="{}" y2="{}"/>'
        '<text x="{}" y="{}" text-anchor="middle">{}</text><text x="{}" y="14">{}</text>',
        grid, *_at(0, 0, top), *_at(top, top, top), WIDTH / 2, HEIGHT + 32, right, LEFT + 6, up,
    )  # fmt: skip


def _curve(curve: Curve, place: int) -> Markup:
    """The line from nobody to everybody, its dots, and its name in the corner that no gain reaches."""
    kind = "other" if place else "first"
    corners = [(0.0, 0.0), *sorted((each.x.size, each.y.size) for each in curve.points), (1.0, 1.0)]
    path = " ".join("{},{}".format(*_at(x, y, 1.0)) for x, y in corners)
    dots = Markup("").join(
        _dot(each, 1.0, says="{} of customers hold {} of outcomes") for each in curve.points
    )
    x, y = _at(0.72, 0.2 - 0.1 * place, 1.0)
    return sentence(
        '<g class="{}"><polyline class="curve" points="{}"/>{}<circle class="dot" cx="{}" cy="{}" r="5"/>'
        '<text class="label" x="{}" y="{}">{}</text></g>',
        kind, path, dots, x, y, x + 12, y + 4, curve.name,
    )  # fmt: skip


def _dot(point: Point, top: float, *, says: str) -> Markup:
    x, y = _at(point.x.size, point.y.size, top)
    low, high = (_at(0, end.size if end else point.y.size, top)[1] for end in (point.low, point.high))
    return sentence(
        '<line class="interval" x1="{}" y1="{}" x2="{}" y2="{}"/><circle class="dot" cx="{}" cy="{}" r="5">'
        "<title>{}</title></circle>",
        x, low, x, high, x, y, sentence(says, point.x.text, point.y.text),
    )  # fmt: skip


def _tick(value: float, top: float, *, is_share: bool) -> Markup:
    text = f"{100 * value:.0f} %" if is_share else f"{value:,.0f}"
    x, y = _at(value, value, top)
    return sentence(
        '<line class="grid" x1="{}" y1="{}" x2="{}" y2="{}"/>'
        '<text class="tick" x="{}" y="{}" text-anchor="end">{}</text>'
        '<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>',
        LEFT, y, WIDTH - RIGHT, y, LEFT - 8, y + 4, text, x, HEIGHT + 16, text,
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
