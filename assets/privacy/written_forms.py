"""Forms in which exports and this product write a text: escapes, normal forms and encodings."""

import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from xml.sax.saxutils import escape, quoteattr

from assets.ingest.parsing.spelling import respell

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "cp1252")
# A shorter text, or one of digits only, is in files by chance.
SHORTEST_ID = 6


def is_distinctive(identifier: str) -> bool:
    """Whether ``identifier`` is in no file by chance, so that its bytes can be searched for."""
    return len(unicodedata.normalize("NFC", identifier)) >= SHORTEST_ID and not identifier.isdecimal()


def texts_of(value: str) -> frozenset[str]:
    """Every text that stands for ``value`` in JSON, CSV or XML, nested once, composed or decomposed.

    JSON is written with or without ASCII escapes and with or without an escaped slash; a rejected row is the
    JSON of a row, whose cell may be JSON itself. Most ids have one form.
    """
    normal = {value, unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value)}
    once = normal | _json_texts(normal)
    twice = once | _json_texts(once)
    marked_up = {escape(each) for each in normal} | {
        quoteattr(each, {"'": "&apos;"})[1:-1] for each in normal
    }
    return frozenset(twice | {each.replace('"', '""') for each in twice} | marked_up)


def bytes_of(value: str, *, encodings: Collection[str] = ENCODINGS) -> frozenset[bytes]:
    """The bytes of each of ``texts_of`` in each encoding that can write it."""
    return frozenset(
        data for text in texts_of(value) for encoding in encodings if (data := _encoded(text, encoding))
    )


def with_declared(declared: Collection[str]) -> tuple[str, ...]:
    """The encodings of every search, and those that sources declare; each without a byte-order mark.

    Args:
        declared: Names of encodings as Python knows them.

    >>> with_declared(["cp850", "utf-32", "utf-8"])[len(ENCODINGS) :]
    ('cp850', 'utf-32-le', 'utf-32-be')
    """
    ordered = [
        f"{each}{order}"
        for each in declared
        for order in (("-le", "-be") if each in ("utf-16", "utf-32") else ("",))
    ]
    return tuple(dict.fromkeys((*ENCODINGS, *ordered)))


def respelled(data: bytes, *, encodings: Collection[str]) -> Iterator[bytes]:
    """UTF-8 of ``data`` with every id spelled as loading spells it, read by each encoding.

    Bytes that mean nothing in an encoding are left out; ASCII has no other spelling. A tab ends a cell and
    stays.

    Args:
        data: Bytes of a file.
        encodings: Encodings that it may have.
    """
    if data.isascii():
        return
    for encoding in encodings:
        text = data.decode(encoding, "ignore")
        spelled = respell(text)
        if spelled != text:
            yield spelled.encode("utf-8", "ignore")


def _json_texts(texts: Collection[str]) -> set[str]:
    plain = {json.dumps(each, ensure_ascii=is_ascii)[1:-1] for each in texts for is_ascii in (True, False)}
    upper = {re.sub(r"(?<=\\u)[0-9a-f]{4}", lambda digits: str(digits[0]).upper(), each) for each in plain}
    return plain | upper | {each.replace("/", r"\/") for each in plain | upper}


def _encoded(text: str, encoding: str) -> bytes | None:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return None
