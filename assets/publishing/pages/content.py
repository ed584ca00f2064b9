"""Parts of a page, and numbers that carry the SQL query they come from."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
from markupsafe import Markup

UNKNOWN = "-"
Form = Callable[[float], str]


def count(value: float) -> str:
    """A whole number with thousands separated.

    >>> count(15909.4)
    '15,909'
    """
    return f"{value:,.0f}"


def percent(value: float) -> str:
    """A share in [0, 1] as a percentage with one decimal.

    >>> percent(0.0342)
    '3.4 %'
    """
    return f"{100 * value:,.1f} %"


def decimal(value: float) -> str:
    """A metric with three decimals.

    >>> decimal(0.77264)
    '0.773'
    """
    return f"{value:,.3f}"


def short(value: float) -> str:
    """A ratio or an average with two decimals.

    >>> short(2.959)
    '2.96'
    """
    return f"{value:,.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number: its value as read, the text that is shown, and the query that gives it."""

    value: float | None
    text: str
    sql: str

    def __html__(self) -> str:
        return Markup('<data value="{}" title="{}">{}</data>').format(
            "" if self.value is None else repr(self.value), self.sql, self.text
        )

    def __bool__(self) -> bool:
        return self.value is not None

    @property
    def size(self) -> float:
        """The value, 0 where there is none, for the length of a bar."""
        return self.value or 0.0


Cell = Number | Markup | str


def sentence(words: str, *parts: object) -> Markup:
    """``words`` with ``{}`` filled by numbers and texts, which are escaped.

    >>> str(sentence("of {}", "<b>"))
    'of &lt;b&gt;'
    """
    return Markup(words).format(*parts)  # noqa: S704 - words are literals of the code; parts are escaped


def with_interval(value: Number, low: Number, high: Number) -> Markup:
    """A value with its interval in small type below it; a dash alone where there is no value.

    Args:
        value: The value.
        low: Lower end of its interval.
        high: Upper end of its interval.
    """
    if not value:
        return sentence("{}", value)
    return sentence('{}<span class="range">{} to {}</span>', value, low, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One figure in large type, with what it is above and what bounds it below."""

    label: str
    value: Cell
    detail: Cell = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Headings and rows; columns that hold a number are aligned to the right."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str = "Nothing yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of a page."""

    title: str
    lines: Sequence[Cell] = ()
    cards: Sequence[Card] = ()
    chart: Markup | None = None
    table: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: ``file`` is its name, ``name`` its word in the navigation, ``lead`` one sentence."""

    file: str
    name: str
    title: str
    lead: Cell = ""
    sections: Sequence[Section] = field(default_factory=tuple)


class Published:
    """Reader of the published tables, and of the warehouse beside them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, sql: str) -> list[Mapping[str, object]]:
        """The rows of ``sql``, by column."""
        found = self._connection.execute(sql)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def texts(self, sql: str) -> list[str]:
        """The values of the only column of ``sql``, as text, without nulls."""
        return [str(row[0]) for row in self._connection.execute(sql).fetchall() if row[0] is not None]

    def number(self, sql: str, form: Form = count) -> Number:
        """The only value of ``sql``; no row, null and what is not finite are shown as a dash."""
        row = self._connection.execute(sql).fetchone()
        value = None if row is None or row[0] is None else float(row[0])
        if value is not None and not math.isfinite(value):
            value = None
        return Number(value=value, text=UNKNOWN if value is None else form(value), sql=sql)

    def exists(self, schema: str, table: str) -> bool:
        """Whether a table or view exists, in any attached database."""
        sql = "select 1 from information_schema.tables where table_schema = ? and table_name = ?"
        return self._connection.execute(sql, [schema, table]).fetchone() is not None


def words(name: str) -> str:
    """A name of the code as words.

    >>> words("purchase_propensity")
    'Purchase propensity'
    """
    return name.replace("_", " ").capitalize()


def badge(text: str) -> Markup:
    """A short text in a frame whose colour follows its first word."""
    kind = text.partition(" ")[0].lower()
    return sentence('<span class="badge {}">{}</span>', kind, text)
