"""The corpus of ugly files: real-world deliveries and the required outcome of each."""

import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.warehouse.workbooks import Cell, workbook

HEADER = "id,Customer ID,when,sku,qty,price"
COLUMNS = {
    "order_id": "id",
    "customer_id": '"Customer ID"',
    "ordered_at": '"when"',
    "product_id": "sku",
    "quantity": "qty",
    "unit_price": "price",
}
ORDERS = {"name": "orders", "table": "order_lines", "files": "{landing_dir}/orders*", "columns": COLUMNS}

SHEET: list[list[Cell]] = [[*HEADER.split(",")], [2.0, "C1", date(2023, 1, 10), "s", 1.0, 2.5]]
Row = tuple[str, str | None, datetime, str, float, float]
Content = bytes | Callable[[Path], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ugly:
    """One ugly file beside a good one, and its outcome.

    ``loaded`` are rows of order_lines; ``rejected`` are line and words of the reason; ``quarantined`` are
    words of the reason why nothing of it could be read. ``is_alone``: the good file would not fit ``source``.
    """

    what: str
    file: str
    content: Content
    loaded: tuple[Row, ...] = ()
    rejected: tuple[tuple[int, str], ...] = ()
    quarantined: str | None = None
    source: Mapping[str, object] = field(default_factory=dict)
    is_alone: bool = False
    time_zone: str = "UTC"

    def write(self, folder: Path) -> Path:
        """Put the file into ``folder``."""
        path = folder / self.file
        path.parent.mkdir(exist_ok=True)
        if isinstance(self.content, bytes):
            path.write_bytes(self.content)
        else:
            self.content(path)
        return path

    @property
    def outcome(self) -> str:
        """The outcome in words."""
        if self.quarantined is not None:
            return f"file quarantined: {self.quarantined}"
        reasons = dict.fromkeys(reason for _, reason in self.rejected)
        parts = [f"{len(self.loaded)} loaded"] if self.loaded or not self.rejected else []
        if self.rejected:
            parts.append(f"{len(self.rejected)} rejected: {'; '.join(reasons)}")
        return ", ".join(parts)


def cells(
    order: str = "1",
    customer: str = "C1",
    when: str = "2023-01-10",
    sku: str = "s",
    qty: str = "1",
    price: str = "2.5",
) -> str:
    return ",".join((order, customer, when, sku, qty, price))


def row(
    order: str = "1",
    customer: str | None = "C1",
    at: str = "2023-01-10 00:00",
    sku: str = "s",
    quantity: float = 1.0,
    price: float = 2.5,
) -> Row:
    return (order, customer, datetime.fromisoformat(at), sku, quantity, price)


def text(*lines: str, header: str = HEADER, end: str = "\n") -> bytes:
    return "".join(f"{line}{end}" for line in (header, *lines)).encode()


def document(**changes: object) -> dict[str, object]:
    return {
        "id": "1", "Customer ID": "C1", "when": "2023-01-10", "sku": "s", "qty": 1, "price": 2.5, **changes,
    }  # fmt: skip


def parquet(without: str | None = None, /, **changes: object) -> bytes:
    """One order; ``changes`` are columns."""
    columns: dict[str, object] = {name: [value] for name, value in document().items()}
    columns["when"] = pa.array([datetime.fromisoformat("2023-01-10")], pa.timestamp("us"))
    stream = io.BytesIO()
    table = pa.table({**columns, **changes})
    pq.write_table(table.drop_columns([without]) if without else table, stream)
    return stream.getvalue()


def bomb(path: Path) -> None:
    """1.2 MB that unpack to 1.06 GiB: one packed run of zeros, seventeen times."""
    path.write_bytes(gzip.compress(text()) + gzip.compress(bytes(64 << 20)) * 17)


def link_out(path: Path) -> None:
    outside = path.parent.parent / "elsewhere.csv"
    outside.write_bytes(text(cells("secret")))
    path.symlink_to(outside)


def zipped() -> bytes:
    return b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256))


def damaged(packed: bytes) -> bytes:
    """``packed`` with another checksum."""
    return packed[:-8] + b"\0\0\0\0" + packed[-4:]


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


GOOD = text(cells())
MANY = text(*(cells(str(number)) for number in range(3000)))


def _bytes_and_packing() -> Iterator[Ugly]:
    yield Ugly(
        what="latin-1 bytes in a UTF-8 source", file="orders_b.csv",
        content=text(cells("2")) + cells("3", "Zoé").encode("latin-1") + b"\n",
        loaded=(row("2"),),
        rejected=((3, "not text in utf-8; it looks like windows-1252: set encoding: windows-1252"),),
    )  # fmt: skip
    yield Ugly(
        what="UTF-8 with a byte order mark", file="orders_b.csv",
        content=b"\xef\xbb\xbf" + text(cells("2", "Zoé")), loaded=(row("2", "Zoé"),),
    )  # fmt: skip
    yield Ugly(
        what="a NUL byte inside a value", file="orders_b.csv", content=text(cells("2", "C\0"), cells("3")),
        loaded=(row("3"),), rejected=((2, "customer_id holds a NUL byte"),),
    )  # fmt: skip
    yield Ugly(
        what="nothing but NUL bytes", file="orders_b.csv", content=bytes(5000),
        quarantined="nothing but NUL bytes",
    )  # fmt: skip
    yield Ugly(
        what="gzip cut off", file="orders_b.csv.gz", content=gzip.compress(MANY)[:-40],
        quarantined="cut or damaged",
    )  # fmt: skip
    yield Ugly(
        what="gzip with a wrong checksum", file="orders_b.csv.gz", content=damaged(gzip.compress(GOOD)),
        quarantined="cut or damaged",
    )  # fmt: skip
    yield Ugly(
        what="zstd cut off", file="orders_b.csv.zst", content=zstd(MANY)[:-40], quarantined="cut or damaged",
    )  # fmt: skip
    yield Ugly(
        what="gzip that is called .csv", file="orders_b.csv", content=gzip.compress(text(cells("2"))),
        loaded=(row("2"),),
    )  # fmt: skip
    yield Ugly(
        what="plain text that is called .gz", file="orders_b.csv.gz", content=text(cells("2")),
        loaded=(row("2"),),
    )  # fmt: skip
    yield Ugly(
        what="two gzip files glued together", file="orders_b.csv.gz",
        content=gzip.compress(text(cells("2"))) + gzip.compress(f"{cells('3')}\n".encode()),
        loaded=(row("2"), row("3")),
    )  # fmt: skip
    yield Ugly(
        what="a zip bomb: 1.2 MB that unpack to more than 1 GiB", file="orders_b.csv.gz", content=bomb,
        quarantined="unpack to more than 1,073,741,824",
    )  # fmt: skip
    yield Ugly(
        what="an Excel workbook that is called .csv", file="orders_b.csv", content=zipped(),
        quarantined="it is a zip archive: unpack it; if it is an Excel workbook, end its name in .xlsx",
    )  # fmt: skip
    yield Ugly(
        what="an Excel workbook cut off", file="orders_b.xlsx", content=zipped(),
        quarantined="it cannot be read as a workbook",
    )  # fmt: skip
    yield Ugly(
        what="an Excel workbook",
        file="orders_b.xlsx",
        content=workbook({"Orders": SHEET}),
        loaded=(row("2"),),
    )
    yield Ugly(
        what="an Excel workbook of several sheets", file="orders_b.xlsx",
        content=workbook({"Orders": SHEET, "Notes": SHEET}),
        quarantined="it has 2 sheets (Orders, Notes): set sheet in this source",
    )  # fmt: skip
    yield Ugly(
        what="a suffix that says nothing", file="orders_b.dat", content=GOOD,
        quarantined="has no known suffix",
    )  # fmt: skip
    yield Ugly(
        what="a link out of the landing folder", file="orders_b.csv", content=link_out,
        quarantined="it is a link out of",
    )  # fmt: skip
    yield Ugly(
        what="a name full of wildcards and quotes", file="orders_b[1]*?'\".csv", content=text(cells("2")),
        loaded=(row("2"),),
    )  # fmt: skip


def _encodings() -> Iterator[Ugly]:
    yield Ugly(
        what="UTF-16 in a UTF-8 source", file="orders_b.csv",
        content=b"\xff\xfe" + GOOD.decode().encode("utf-16-le"),
        quarantined="begins with the byte order mark of utf-16",
    )  # fmt: skip
    yield Ugly(
        what="UTF-16 without its mark", file="orders_b.csv", content=GOOD.decode().encode("utf-16-le"),
        quarantined="every other byte is NUL, as in UTF-16",
    )  # fmt: skip
    yield Ugly(
        what="UTF-16 in a source that says so", file="orders_b.csv", is_alone=True,
        content=b"\xff\xfe" + text(cells("2", "Zoé")).decode().encode("utf-16-le"),
        source={"encoding": "utf-16"}, loaded=(row("2", "Zoé"),),
    )  # fmt: skip
    yield Ugly(
        what="big-endian UTF-16 in a UTF-8 source", file="orders_b.csv",
        content=b"\xfe\xff" + GOOD.decode().encode("utf-16-be"),
        quarantined="begins with the byte order mark of utf-16, and the source has encoding: utf-8; set",
    )  # fmt: skip
    yield Ugly(
        what="big-endian UTF-16 in a source that says UTF-16", file="orders_b.csv", is_alone=True,
        content=b"\xfe\xff" + text(cells("2", "Zoé")).decode().encode("utf-16-be"),
        source={"encoding": "utf-16"}, loaded=(row("2", "Zoé"),),
    )  # fmt: skip
    for encoding, name in (
        ("windows-1252", "Zoé 5 €"), ("latin-1", "Zoé 5 €"), ("cp850", "Müller"), ("windows-1251", "Зоя"),
        ("gb18030", "佐伊"), ("shift_jis", "ゾーイ"), ("utf-16-le", "Zoé"),
    ):  # fmt: skip
        codec = "cp1252" if encoding == "latin-1" else encoding
        yield Ugly(
            what=f"{encoding} in a source that says so", file="orders_b.csv", is_alone=True,
            content=text(cells("2", name), cells("3")).decode().encode(codec), source={"encoding": encoding},
            loaded=(row("2", name), row("3")),
        )  # fmt: skip
    yield Ugly(
        what="windows-1252, packed, as JSON lines", file="orders_b.jsonl.gz",
        content=gzip.compress(json.dumps(document(id="2", sku="5 €"), ensure_ascii=False).encode("cp1252")),
        source={"encoding": "windows-1252"}, loaded=(row("2", sku="5 €"),),
    )  # fmt: skip
    yield Ugly(
        what="a header in windows-1252 in a UTF-8 source", file="orders_b.csv",
        content=text(f"{cells('2')},x", header=f"{HEADER},Größe (€)").decode().encode("cp1252"),
        quarantined="its header is not text in utf-8; it looks like windows-1252: set encoding: windows-1252",
    )  # fmt: skip
    yield Ugly(
        what="UTF-8 in a source that says windows-1252", file="orders_b.csv",
        content=text(cells("2", "Zoé")), source={"encoding": "windows-1252"},
        quarantined="it is UTF-8, and the source has encoding: windows-1252; set encoding: utf-8",
    )  # fmt: skip
    yield Ugly(
        what="a byte that windows-1252 has not", file="orders_b.csv",
        content=text(cells("2", "Zoé"), cells("3")).decode().encode("cp1252")
        + b"4,C\x81,2023-01-10,s,1,2.5\n",
        source={"encoding": "windows-1252"}, loaded=(row("2", "Zoé"), row("3")),
        rejected=((4, "not text in windows-1252; "),),
    )  # fmt: skip


def _titles_and_totals() -> Iterator[Ugly]:
    yield Ugly(
        what="Excel's line sep= above the header", file="orders_b.csv",
        content=b"sep=;\r\n" + text(cells("2"), "3", end="\r\n").replace(b",", b";"),
        loaded=(row("2"),), rejected=((4, "too few columns"),),
    )  # fmt: skip
    yield Ugly(
        what="Excel's line sep= in UTF-16", file="orders_b.csv", is_alone=True, source={"encoding": "utf-16"},
        content=("sep=|\n" + text(cells("2")).decode().replace(",", "|")).encode("utf-16"),
        loaded=(row("2"),),
    )  # fmt: skip
    yield Ugly(
        what="a title above the header", file="orders_b.csv",
        content=b'Orders, by day\n"January, 2023"\n' + text(cells("2")),
        quarantined="line 3 looks like the header: set skip_rows: 2 in this source",
    )  # fmt: skip
    yield Ugly(
        what="a title above the header, and a total below, as the source says", file="orders_b.csv",
        is_alone=True, source={"skip_rows": 3, "footer": "Total"},
        content=b'Orders "by day\n\n"January, 2023"\n'
        + text(cells("2"), "3", cells("4"), "Total,,,,2,5", "n"),
        loaded=(row("2"), row("4")),
        rejected=(
            (6, "too few columns"), (8, "it is below the data: footer is 'Total'"),
            (9, "it is below the data: footer is 'Total'"),
        ),
    )  # fmt: skip
    yield Ugly(
        what="a total that the source does not name", file="orders_b.csv",
        content=text(cells("2"), "9,,Total,,1,2.5"), loaded=(row("2"),),
        rejected=((3, "ordered_at 'Total' is not a date and time: if the line is a total, set footer"),),
    )  # fmt: skip
    yield Ugly(
        what="an order that begins as the footer does, far above the end", file="orders_b.csv", is_alone=True,
        source={"footer": "T"}, content=text(cells("T1"), *(cells(str(number)) for number in range(30))),
        loaded=(row("T1"), *(row(str(number)) for number in range(30))),
    )  # fmt: skip
    yield Ugly(
        what="no header", file="orders_b.csv", content=text(cells("3"), header=cells("2")),
        quarantined="its first line holds values and no names such as Customer ID, id, price, qty, sku, "
        "when: is there no header line? Add one",
    )  # fmt: skip
    yield Ugly(
        what="a web page in place of the file", file="orders_b.csv",
        content=b"\n<!DOCTYPE html>\n<title>Log in</title>\n",
        quarantined="it is HTML or XML, perhaps the message of a failed download",
    )  # fmt: skip
    yield Ugly(
        what="a Cyrillic letter in the name of a column", file="orders_b.csv",
        content=text(cells("2"), header=HEADER.replace("price", "pri\N{CYRILLIC SMALL LETTER ES}e")),
        quarantined="It has CYRILLIC SMALL LETTER ES (U+0441): rename it in the export",
    )  # fmt: skip


def _lines_and_headers() -> Iterator[Ugly]:
    yield Ugly(
        what="too few and too many columns", file="orders_b.csv",
        content=text("2,C1", cells("3"), f"{cells('4')},x,y"),
        loaded=(row("3"),), rejected=((2, "too few columns"), (4, "too many columns")),
    )  # fmt: skip
    yield Ugly(
        what="a value of 10 MB", file="orders_b.csv", content=text(cells("2", sku="x" * 10_000_000)),
        loaded=(row("2", sku="x" * 10_000_000),),
    )  # fmt: skip
    yield Ugly(
        what="a line of 20 MB", file="orders_b.csv",
        content=text(cells("2", sku="x" * 20_000_000), cells("3")),
        loaded=(row("3"),), rejected=((2, "longer than 16,777,216 bytes"),),
    )  # fmt: skip
    yield Ugly(
        what="a mapped name twice in the header", file="orders_b.csv",
        content=text(f"{cells('2')},9", header=f"{HEADER},price"),
        quarantined="the file has no column price; it has id, Customer ID, when, sku, qty, price_6, price_7.",
    )  # fmt: skip
    yield Ugly(
        what="an unmapped name twice in the header", file="orders_b.csv",
        content=text(f"{cells('2')},x,y", header=f"{HEADER},note,note"), loaded=(row("2"),),
    )  # fmt: skip
    yield Ugly(
        what="the header again in the middle", file="orders_b.csv",
        content=text(cells("2"), HEADER, cells("3")),
        loaded=(row("2"), row("3")), rejected=((3, "ordered_at 'when' is not a date and time"),),
    )  # fmt: skip
    yield Ugly(what="no byte at all", file="orders_b.csv", content=b"", quarantined="is the file empty?")
    yield Ugly(what="a header and no rows", file="orders_b.csv", content=text())
    yield Ugly(
        what="blank lines, and lines of blanks", file="orders_b.csv", content=text("", "   ", cells("2"), ""),
        loaded=(row("2"),), rejected=((3, "too few columns"),),
    )  # fmt: skip
    yield Ugly(
        what="a line break inside quotes", file="orders_b.csv",
        content=text(cells("2", sku='"a\nb"'), cells("3")), loaded=(row("2", sku="a\nb"), row("3")),
    )  # fmt: skip
    yield Ugly(
        what="a line break without quotes", file="orders_b.csv",
        content=text(cells("2", sku="a\nb"), cells("3")), loaded=(row("3"),),
        rejected=((2, "too few columns"), (3, "too few columns")),
    )  # fmt: skip
    yield Ugly(
        what="a quote that is never closed", file="orders_b.csv",
        content=text(cells("2"), cells("3", '"C1'), cells("4")), loaded=(row("2"),),
        rejected=((3, "a quote stands in a wrong place or is not closed"),),
    )  # fmt: skip
    yield Ugly(
        what="a header whose quote is never closed", file="orders_b.csv",
        content=text(f"{cells('2')},x", header=f'{HEADER},"note'), quarantined="its header cannot be read",
    )  # fmt: skip
    yield Ugly(
        what="a header with a line break inside a name", file="orders_b.csv",
        content=text(f"{cells('2')},x", header=f'{HEADER},"note\n(of the shop)"'), loaded=(row("2"),),
    )  # fmt: skip
    yield Ugly(
        what="lines that end in CRLF", file="orders_b.csv", content=text(cells("2"), cells("3"), end="\r\n"),
        loaded=(row("2"), row("3")),
    )  # fmt: skip
    yield Ugly(
        what="lines that end in CR", file="orders_b.csv", content=text(cells("2"), cells("3"), end="\r"),
        loaded=(row("2"), row("3")),
    )  # fmt: skip
    yield Ugly(
        what="some lines end in LF, some in CRLF", file="orders_b.csv",
        content=text(cells("2")) + f"{cells('3')}\r\n".encode(), quarantined="its line ends are mixed",
    )  # fmt: skip
    yield Ugly(
        what="tabs in a .csv", file="orders_b.csv", content=text(cells("2")).replace(b",", b"\t"),
        loaded=(row("2"),),
    )  # fmt: skip
    yield Ugly(
        what="another delimiter than the source says", file="orders_b.csv", is_alone=False,
        content=text(cells("2")).replace(b",", b";"), source={"delimiter": ","},
        quarantined="the file has no column id; it has id;Customer ID;when;sku;qty;price",
    )  # fmt: skip
    yield Ugly(
        what="SQL for a column name", file="orders_b.csv",
        content=text(f"{cells('2')},x", header=f'{HEADER},"""; drop table raw.rejects; --"'),
        loaded=(row("2"),),
    )  # fmt: skip


def _numbers() -> Iterator[Ugly]:
    yield Ugly(
        what="decimal commas", file="orders_b.csv",
        content=text(cells("2").replace("2.5", "2,5").replace(",", ";")).replace(b"2;5", b"12,50")
        .replace(HEADER.encode(), HEADER.replace(",", ";").encode()),
        rejected=((2, "unit_price '12,50' is not a number: map decimal_comma(price) if the comma is the "
                   "decimal sign, replace(price, ',', '') if it groups thousands"),),
    )  # fmt: skip
    yield Ugly(
        what="decimal commas, mapped as the reason advises", file="orders_b.csv", is_alone=True,
        content=b"id;Customer ID;when;sku;qty;price\n2;C1;2023-01-10;s;1;12,50\n",
        source={"columns": {**COLUMNS, "unit_price": "decimal_comma(price)"}},
        loaded=(row("2", price=12.5),),
    )  # fmt: skip
    yield Ugly(
        what="separators of thousands", file="orders_b.csv",
        content=text(cells("2", price='"1,234.50"'), cells("3", price='"1.234,50"')),
        rejected=(
            (2, "unit_price '1,234.50' is not a number: map replace(price, ',', '')"),
            (3, "unit_price '1.234,50' is not a number: map decimal_comma(price)"),
        ),
    )  # fmt: skip
    comma = {"columns": {**COLUMNS, "unit_price": "-decimal_comma(price)"}}
    yield Ugly(
        what="thousands in a column with a decimal comma", file="orders_b.csv", is_alone=True, source=comma,
        content=text(
            cells("1", price='"1,20"'), cells("2", price='"1.234,56"'), cells("3", price="1.234"),
            cells("4", price='"-1\N{NARROW NO-BREAK SPACE}234,5"'), cells("5", price="12.50"),
            cells("6", price=""),
        ),
        loaded=(row("1", price=-1.2), row("2", price=-1234.56), row("4", price=1234.5)),
        rejected=(
            (4, "unit_price '1.234' is not a clear number, because others in the file have a decimal dot"),
            (6, "unit_price '12.50' is not a number with a decimal comma: map price if the dot is the"),
            (7, "unit_price is missing"),
        ),
    )  # fmt: skip
    yield Ugly(
        what="1.234 in a column with decimal commas only", file="orders_b.csv", is_alone=True, source=comma,
        content=text(cells("1", price='"1,20"'), cells("2", price="1.234"), cells("3", price="12")),
        loaded=(row("1", price=-1.2), row("2", price=-1234.0), row("3", price=-12.0)),
    )  # fmt: skip
    yield Ugly(
        what="1.000 pieces, and no number that shows what the dot is", file="orders_b.csv",
        content=text(cells("2", qty="1.000"), cells("3", qty="2")), loaded=(row("3", quantity=2.0),),
        rejected=((2, "quantity '1.000' is not a clear number: map decimal_comma(qty) if the dot groups "
                   "thousands, cast(qty as double) if it is the decimal sign"),),
    )  # fmt: skip
    yield Ugly(
        what="1.000 pieces beside 0.500", file="orders_b.csv",
        content=text(cells("2", qty="1.000"), cells("3", qty="0.500")),
        loaded=(row("2"), row("3", quantity=0.5)),
    )  # fmt: skip
    yield Ugly(
        what="1.234 made of a comma by the mapping", file="orders_b.csv", is_alone=True,
        source={"columns": {**COLUMNS, "unit_price": "replace(price, ',', '.')"}},
        content=text(cells("1", price='"1,5"'), cells("2", price="1.234")), loaded=(row("1", price=1.5),),
        rejected=((3, "unit_price '1.234' is not a clear number: map decimal_comma(\"price\")"),),
    )  # fmt: skip
    yield Ugly(
        what="prices with a currency", file="orders_b.csv",
        content=text(*(cells(str(n), price=price) for n, price in enumerate(("$12.50", "EUR 3", "(12.50)")))),
        rejected=(
            (2, "'$12.50' is not a number: map regexp_replace(price, '[^0-9.,+-]', '', 'g') to drop"),
            (3, "'EUR 3' is not a number: map regexp_replace"), (4, "'(12.50)' is not a number"),
        ),
    )  # fmt: skip


def _times() -> Iterator[Ugly]:
    for unit, count in (
        ("seconds", 1673345400),
        ("milliseconds", 1673345400000),
        ("microseconds", 1673345400000000),
    ):
        yield Ugly(
            what=f"{unit} since 1970, mapped as the reason advises", file="orders_b.csv", is_alone=True,
            time_zone="Europe/Berlin", content=text(cells("2", when=str(count)), cells("3", when="soon")),
            source={"columns": {**COLUMNS, "ordered_at": f'utc_from_{unit}("when")'}},
            loaded=(row("2", at="2023-01-10 10:10"),),
            rejected=((3, f'ordered_at: utc_from_{unit}("when") cannot be worked out on this row'),),
        )  # fmt: skip
        yield Ugly(
            what=f"{unit} since 1970", file="orders_b.csv", content=text(cells("2", when=str(count))),
            rejected=((2, f'is not a date and time: map utc_from_{unit}("when") if it counts {unit}'),),
        )  # fmt: skip
    yield Ugly(
        what="dates in several formats", file="orders_b.csv",
        content=text(
            cells("2", when="2023/01/10"), cells("3", when="10.01.2023"), cells("4", when="01/10/2023"),
            cells("5", when="23-01-10"), cells("6", when="44936"),
        ),
        loaded=(row("2"),),
        rejected=(
            (3, "ordered_at '10.01.2023' is not a date and time: map strptime(\"when\", '%d.%m.%Y')"),
            (4, "ordered_at '01/10/2023' is not a date and time: map strptime"),
            (5, "ordered_at '23-01-10' is not a date and time"),
            (6, "ordered_at '44936' is not a date and time"),
        ),
    )  # fmt: skip
    yield Ugly(
        what="dates that do not exist", file="orders_b.csv",
        content=text(
            cells("2", when="2023-02-31"), cells("3", when="0001-01-01"), cells("4", when="infinity")
        ),
        rejected=(
            (2, "ordered_at '2023-02-31' is not a date and time"),
            (3, "is not a moment since the year 1900"),
            (4, "ordered_at 'infinity' is not a date and time"),
        ),
    )  # fmt: skip
    yield Ugly(
        what="times with an offset", file="orders_b.csv",
        content=text(
            cells("2", when="2023-01-10T10:00:00Z"), cells("3", when="2023-01-10 10:00:00+0530"),
            cells("4", when="2023-01-10 10:00 -02:00"), cells("5", when="2023-01-10 10:00:00.5 UTC"),
        ),
        loaded=(
            row("2", at="2023-01-10 10:00"), row("3", at="2023-01-10 04:30"),
            row("4", at="2023-01-10 12:00"), row("5", at="2023-01-10 10:00:00.5"),
        ),
    )  # fmt: skip
    yield Ugly(
        what="times with words behind them", file="orders_b.csv",
        content=text(cells("2", when="2023-01-10 10:00 PM"), cells("3", when="2023-01-10 10:00 Asia/Tokyo")),
        rejected=((2, "10:00 PM' is not a date and time"), (3, "Asia/Tokyo' is not a date and time")),
    )  # fmt: skip
    # Berlin put its clocks on from 02:00 to 03:00 (01:00 UTC) on 26 March 2023 and back on 29 October.
    yield Ugly(
        what="a local time that the clock skips", file="orders_b.csv",
        content=text(cells("2", when="2023-03-26 02:30")), loaded=(row("2", at="2023-03-26 01:30"),),
        time_zone="Europe/Berlin",
    )  # fmt: skip
    yield Ugly(
        what="a local time that the clock shows twice", file="orders_b.csv",
        content=text(cells("2", when="2023-10-29 02:30")), loaded=(row("2", at="2023-10-29 01:30"),),
        time_zone="Europe/Berlin",
    )  # fmt: skip


def _plausibility() -> Iterator[Ugly]:
    yield Ugly(
        what="integers beyond 64 bits", file="orders_b.csv",
        content=text(cells("92233720368547758089"), cells("2", qty="9223372036854775808")),
        loaded=(row("92233720368547758089"),),
        rejected=((3, "quantity is '9.223372036854776e+18', beyond '1000000000000.00'"),),
    )  # fmt: skip
    yield Ugly(
        what="a test order of 999,999 pieces", file="orders_b.csv",
        content=text(*(cells(str(number)) for number in range(1, 5)), cells("5", qty="999999")),
        loaded=tuple(row(str(number)) for number in range(1, 5)),
        rejected=((6, "quantity is '999999.0', beyond '1000.00', 1,000 times what all rows but one in"),),
    )  # fmt: skip
    yield Ugly(
        what="a price in the wrong unit, 10,000 times the usual", file="orders_b.csv",
        content=text(*(cells(str(number)) for number in range(1, 5)), cells("5", price="25000")),
        loaded=tuple(row(str(number)) for number in range(1, 5)),
        rejected=((6, "discount_amount is '25000.0', beyond '2500.00'"),),
    )  # fmt: skip
    yield Ugly(
        what="an order of 2099, and one of 1970", file="orders_b.csv",
        content=text(
            *(cells(str(number)) for number in range(1, 9)),
            cells("9", when="2099-12-31"), cells("10", when="1970-01-01"),
        ),
        loaded=tuple(row(str(number)) for number in range(1, 9)),
        rejected=(
            (10, "'2099-12-31', more than 366 days after '2023-01-10'"),
            (11, "'1970-01-01', more than 3,660 days before '2023-01-10'"),
        ),
    )  # fmt: skip


def _ids_and_words() -> Iterator[Ugly]:
    yield Ugly(
        what="words for a customer that is missing", file="orders_b.csv",
        content=text(
            cells("1", "NULL"), cells("2", "n/a"), cells("3", "(not set)"), cells("4", "Guest"),
            cells("5", "0"), cells("6", "Nullmann"),
        ),
        loaded=(*(row(str(number), None) for number in range(1, 6)), row("6", "Nullmann")),
    )  # fmt: skip
    yield Ugly(
        what="ids that a spreadsheet has rounded", file="orders_b.csv",
        content=text(
            cells("1", "1.23457E+15"), cells("1.2E+05"), cells("3", "C1E+5"),
            cells("4", "1234567890123456.0"),
            cells("5", sku="5.1E+10"),
        ),
        loaded=(row("3", "C1E+5"),),
        rejected=(
            (2, "customer_id '1.23457E+15' was rounded by a spreadsheet"),
            (3, "order_id '1.2E+05' was rounded by a spreadsheet: export ids as text"),
            (5, "customer_id '1234567890123456.0' was rounded"), (6, "product_id '5.1E+10' was rounded"),
        ),
    )  # fmt: skip
    yield Ugly(
        what="a second currency without a rate", file="orders_b.csv", is_alone=True,
        source={"columns": {**COLUMNS, "currency": "cur"}},
        content=text(cells("1") + ",EUR", cells("2") + ",eur", cells("3") + ",JPY", header=f"{HEADER},cur"),
        loaded=(row("1"), row("2")),
        rejected=((4, "currency is 'JPY', not EUR: exchange_rates in the YAML has no rate of it"),),
    )  # fmt: skip
    yield Ugly(
        what="NaN and Infinity", file="orders_b.csv",
        content=text(cells("2", qty="NaN"), cells("3", price="Infinity"), cells("4", price="1e400")),
        rejected=(
            (2, "quantity nan is not a finite number"), (3, "unit_price inf is not a finite number"),
            (4, "unit_price inf is not a finite number"),
        ),
    )  # fmt: skip
    yield Ugly(
        what="negative quantities", file="orders_b.csv", content=text(cells("2", qty="-2")),
        loaded=(row("2", quantity=-2.0),),
    )  # fmt: skip
    yield Ugly(
        what="formulas for a spreadsheet, kept as text", file="orders_b.csv",
        content=text(cells("2", "=cmd|'/c calc'!A1", sku="@SUM(1+1)")),
        loaded=(row("2", "=cmd|'/c calc'!A1", sku="@SUM(1+1)"),),
    )  # fmt: skip
    yield Ugly(
        what="words for yes and no", file="orders_b.csv", is_alone=True,
        content=text(
            *(f"{cells(str(number))},{word}" for number, word in enumerate(("yes", "N", "1", "TRUE", "ja"))),
            header=f"{HEADER},fee",
        ),
        source={"columns": {**COLUMNS, "is_service": "fee"}},
        loaded=(row("0"), row("1"), row("2"), row("3")),
        rejected=((6, "is_service 'ja' is not true or false"),),
    )  # fmt: skip
    yield Ugly(
        what="returns with a positive quantity", file="orders_b.csv", is_alone=True,
        content=text(
            cells("1") + ",sale", cells("2") + ",refund", cells("3", qty="-1") + ",refund",
            header=f"{HEADER},kind",
        ),
        source={"columns": {**COLUMNS, "is_return": "kind = 'refund'"}},
        loaded=(row("1"), row("3", quantity=-1.0)),
        rejected=((3, "quantity 1.0 of a return is above 0, so that it would add to the sales: map"),),
    )  # fmt: skip
    yield Ugly(
        what="blanks around ids", file="orders_b.csv",
        content=text(cells(" 2 ", "C1\t", sku="\u00a0s "), cells("3", "  ")),
        loaded=(row("2"), row("3", None)),
    )  # fmt: skip
    yield Ugly(
        what="emoji and right-to-left text", file="orders_b.csv",
        content=text(cells("2", "👩‍👩‍👧", sku="שלום\u200fعليكم")),
        loaded=(row("2", "👩👩👧", sku="שלוםعليكم"),),
    )  # fmt: skip
    yield Ugly(
        what="ids of one customer in many spellings", file="orders_b.csv",
        content=text(*(
            cells(str(number), customer) for number, customer in enumerate((
                "123.0", "123", "\N{IDEOGRAPHIC SPACE}123\N{NARROW NO-BREAK SPACE}", "1\N{SOFT HYPHEN}23",
                "123\N{LEFT-TO-RIGHT MARK}", "12\N{ZERO WIDTH JOINER}3", "\N{WORD JOINER}123.00", "123.5",
            ))
        )),
        loaded=(*(row(str(number), "123") for number in range(7)), row("7", "123.5")),
    )  # fmt: skip
    yield Ugly(
        what="letters and blanks of Unicode in more than one form", file="orders_b.csv",
        content=text(cells("2", "Zoe\N{COMBINING DIAERESIS} B", "2023-01-10", "e\N{COMBINING ACUTE ACCENT}"),
                     cells("3", "Zoë\N{NO-BREAK SPACE}B")),
        loaded=(row("2", "Zoë B", sku="é"), row("3", "Zoë B")),
    )  # fmt: skip
    yield Ugly(
        what="JSON with numbers for ids", file="orders_b.jsonl",
        content=b"".join(
            json.dumps(document(id=number, **{"Customer ID": customer})).encode() + b"\n"
            for number, customer in ((2, 123), (3.0, 123.0), (4, 1e3), (5, "123"))
        ),
        loaded=(row("2", "123"), row("3", "123"), row("4", "1000"), row("5", "123")),
    )  # fmt: skip
    yield Ugly(
        what="a quote inside a value", file="orders_b.csv",
        content=text(cells("2", sku='"7"" plate"'), cells("3", sku='"7" plate')),
        loaded=(row("2", sku='7" plate'),), rejected=((3, "a quote stands in a wrong place"),),
    )  # fmt: skip


def _shapes() -> Iterator[Ugly]:
    yield Ugly(
        what="a condition where that is blank on a row", file="orders_b.csv", is_alone=True,
        content=text(f"{cells('2')},paid", f"{cells('3')},void", f"{cells('4')},", header=f"{HEADER},state"),
        source={"where": "state <> 'void'"}, loaded=(row("2"),),
        rejected=((4, "where is state <> 'void', which gives neither true nor false on this row: say"),),
    )  # fmt: skip
    yield Ugly(
        what="order columns on the first line of an order only", file="orders_b.csv", is_alone=True,
        content=text(cells("2"), cells("2", customer="", when="", sku="t"), cells("2", customer="", sku="u")),
        source={"fill_down": ["Customer ID", "when"]},
        loaded=(row("2"), row("2", sku="t"), row("2", sku="u")),
    )  # fmt: skip


def _schemas() -> Iterator[Ugly]:
    yield Ugly(
        what="a column gained overnight", file="orders_b.csv",
        content=text(f"x,{cells('2')}", header=f"new,{HEADER}"), loaded=(row("2"),),
    )  # fmt: skip
    yield Ugly(
        what="a column lost overnight", file="orders_b.csv",
        content=text("2,C1,2023-01-10,s,1", header="id,Customer ID,when,sku,qty"),
        quarantined="column unit_price is mapped to price: the file has no column price; "
        "it has id, Customer ID, when, sku, qty.",
    )  # fmt: skip
    yield Ugly(
        what="a column renamed overnight", file="orders_b.csv",
        content=text(cells("2"), header=HEADER.replace("price", "Prices")),
        quarantined="the file has no column price; it has id, Customer ID, when, sku, qty, Prices. "
        "Did you mean 'Prices'?",
    )  # fmt: skip
    yield Ugly(
        what="a column retyped overnight", file="orders_b.csv",
        content=text(cells("2", qty="one"), cells("3")), loaded=(row("3"),),
        rejected=((2, "quantity 'one' is not a number"),),
    )  # fmt: skip
    yield Ugly(
        what="Parquet whose ids became doubles for a day", file="orders_b.parquet",
        content=parquet(id=[2.0], **{"Customer ID": pa.array([12345.0])}), loaded=(row("2", "12345"),),
    )  # fmt: skip
    yield Ugly(
        what="Parquet whose ids are too long for doubles", file="orders_b.parquet",
        content=parquet(**{"Customer ID": pa.array([1.2345678901234567e18])}),
        rejected=((1, "is a number too long to be exact: export it as text"),),
    )  # fmt: skip
    yield Ugly(
        what="Parquet with not-a-number for a missing id", file="orders_b.parquet",
        content=parquet(id=["2"], **{"Customer ID": pa.array([float("nan")])}), loaded=(row("2", None),),
    )  # fmt: skip
    yield Ugly(
        what="Parquet whose times became integers for a day", file="orders_b.parquet",
        content=parquet(when=[1673308800]),
        rejected=((1, "ordered_at '1673308800' is not a date and time: map utc_from_seconds(\"when\")"),),
    )  # fmt: skip
    yield Ugly(
        what="Parquet with yes or no for a quantity", file="orders_b.parquet",
        content=parquet(id=["2"], qty=[True]),
        rejected=((1, "quantity 'true' is not a number: map cast(qty as integer) if true stands for 1"),),
    )  # fmt: skip
    yield Ugly(
        what="Parquet with two columns that differ in case", file="orders_b.parquet",
        content=parquet(PRICE=[9.0]),
        quarantined="the file has no column price; it has id, Customer ID, when, sku, qty, price_6, PRICE_7.",
    )  # fmt: skip
    yield Ugly(
        what="Parquet in a folder price=…, a column of the file too", file="price=9/orders_b.parquet",
        source={"files": "{landing_dir}/**/orders*"}, content=parquet(id=["2"]), loaded=(row("2"),),
    )  # fmt: skip
    yield Ugly(
        what="Parquet in a folder sku=…, no column of the file", file="sku=t/orders_b.parquet",
        source={"files": "{landing_dir}/**/orders*"}, content=parquet("sku", id=["2"]),
        loaded=(row("2", sku="t"),),
    )  # fmt: skip
    yield Ugly(
        what="Parquet whose footer is encrypted", file="orders_b.parquet",
        content=b"PARE" + parquet()[4:-4] + b"PARE", quarantined="encrypted Parquet file: export it without",
    )  # fmt: skip
    yield Ugly(
        what="a column called as the reader's own", file="orders_b.parquet",
        content=parquet(id=["2"], **{"Landing File": ["x"]}), loaded=(row("2"),),
    )  # fmt: skip
    yield Ugly(
        what="text that is called .parquet", file="orders_b.parquet", content=GOOD, quarantined="not Parquet",
    )  # fmt: skip
    yield Ugly(
        what="Parquet cut off", file="orders_b.parquet", content=parquet()[:-20],
        quarantined="cannot be read",
    )  # fmt: skip
    yield Ugly(
        what="Parquet that is called .csv", file="orders_b.csv", content=parquet(),
        quarantined="it is a Parquet file",
    )  # fmt: skip
    yield Ugly(
        what="JSON lines, one of them broken", file="orders_b.jsonl",
        content=f"{json.dumps(document(id='2'))}\n{{\"id\": \n[1]\n{json.dumps(document(id='3'))}\n".encode(),
        loaded=(row("2"), row("3")), rejected=((2, "not a JSON object"), (3, "not a JSON object")),
    )  # fmt: skip
    yield Ugly(
        what="nested JSON", file="orders_b.jsonl", is_alone=True,
        content=json.dumps(document(id="2", buyer={"id": "C9"})).encode(),
        source={"columns": {**COLUMNS, "customer_id": "json_extract_string(buyer, '$.id')"}},
        loaded=(row("2", "C9"),),
    )  # fmt: skip
    yield Ugly(
        what="orders with their lines inside, one without a line", file="orders_b.json", is_alone=True,
        content=json.dumps(
            [document(id="2", lines=[{"sku": "a"}, {"sku": "b"}]), document(id="3", lines=[])]
        ).encode(),
        source={"unnest": "lines", "columns": {**COLUMNS, "product_id": "lines.sku"}},
        loaded=(row("2", sku="a"), row("2", sku="b")),
        rejected=((3, "product_id is missing: lines.sku gives nothing"),),
    )  # fmt: skip
    yield Ugly(
        what="JSON behind a byte order mark", file="orders_b.json",
        content=b"\xef\xbb\xbf" + json.dumps([document(id="2"), document(id="3")]).encode(),
        loaded=(row("2"), row("3")),
    )  # fmt: skip
    yield Ugly(
        what="JSON cut off", file="orders_b.json",
        content=json.dumps([document(), document()])[:-20].encode(),
        quarantined="Malformed JSON",
    )  # fmt: skip
    yield Ugly(
        what="JSON with a key in two spellings", file="orders_b.jsonl",
        content=json.dumps(document(ID="2")).encode(), quarantined="the file has no column id",
    )  # fmt: skip
    yield Ugly(what="JSON lines without a line", file="orders_b.jsonl", content=b"")


CORPUS = (
    *_bytes_and_packing(), *_encodings(), *_lines_and_headers(), *_titles_and_totals(), *_numbers(),
    *_times(), *_plausibility(), *_ids_and_words(), *_shapes(), *_schemas(),
)  # fmt: skip

# What a business's YAML may not say, and words of the refusal.
REFUSED: tuple[tuple[str, Mapping[str, object], str], ...] = (
    ("a glob that climbs", {"files": "{landing_dir}/../../etc/passwd"}, "leaves its folder by '..'"),
    ("an absolute glob that climbs", {"files": "/srv/../etc/passwd"}, "leaves its folder by '..'"),
    ("a glob without a place", {"files": "orders*.csv"}, "has no folder"),
    ("a glob beside the folder", {"files": "{landing_dir}_of_others/*.csv"}, "has no folder"),
    *(
        (what, {"columns": {**COLUMNS, "country": sql}}, words)
        for what, sql, words in (
            ("a second statement", "1); drop table raw.rejects; --", "not one SQL expression"),
            ("a file written", "1); copy (select 1) to '/tmp/x'; --", "not one SQL expression"),
            ("a second column", "1), (2", "more than one expression is not allowed"),
            ("a clause", "1) where (true", "more than one expression is not allowed"),
            ("a table", "1) from raw.load_log where (true", "more than one expression is not allowed"),
            ("a union", "1) union select (2", "more than one expression is not allowed"),
            (
                "another file",
                "(select max(column0) from read_csv('/etc/passwd'))",
                "a subquery is not allowed",
            ),
            (
                "a calculation with columns of text",
                "price / 2",
                'a calculation write cast("price" as double)',
            ),
            ("another table", "exists (from raw.load_log)", "a subquery is not allowed"),
            ("a file by a function", "read_text('/etc/passwd')", "function read_text is not allowed"),
            ("a setting", "current_setting('temp_directory')", "function current_setting is not allowed"),
            ("the environment", "getenv('HOME')", "function getenv is not allowed"),
            ("somebody's macro", "main.peek(id)", "function peek is not allowed"),
            ("chance", "random()", "function random is not allowed"),
            ("the time", "now()", "function now is not allowed"),
            ("the day", "current_date", "the file has no column current_date"),
            ("other rows", "count(*) over ()", "a window over other rows is not allowed"),
            ("all rows", "max(id)", "function max is not allowed"),
            ("all columns", "*", "* is not allowed"),
            ("a parameter", "$1", "a parameter is not allowed"),
            ("the reader's own column", '"landing line"', "the file has no column landing line"),
        )
    ),
)


def table() -> str:
    """The corpus in Markdown: file and outcome."""
    rows = [(ugly.what, ugly.outcome) for ugly in CORPUS]
    rows += [(f"{what}, in the business's YAML", f"refused: {words}") for what, _, words in REFUSED]
    lines = ("| delivered | outcome |", "|---|---|")
    cell = "\n".join(f"| {what} | {outcome.replace('|', chr(92) + '|')} |" for what, outcome in rows)
    return "\n".join((*lines, cell))
