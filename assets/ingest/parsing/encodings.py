"""Text of any encoding as UTF-8, in bounded memory; and which encoding a file looks like."""

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from assets.ingest.config.source.encoding import UTF_8, codec_of
from assets.ingest.parsing.files import Unreadable

CHUNK = 1 << 20
# A byte that UTF-8 never holds: DuckDB then rejects the row, and no other one, as it does for UTF-8.
_UNDECODABLE = "\udcff"
_LINE_END = re.compile("\r\n|\r|\n")
# The usual code pages of Windows and DOS; of two that fit alike the first is named.
_CANDIDATES = ("cp1252", "cp850", "cp1251")
_NAMES = {"cp1252": "windows-1252", "cp1251": "windows-1251", UTF_8: UTF_8}
_SIGNS = frozenset("€£§°–—‘’“”„…«»®©²³¹½¼¾¿¡ºª´·×\N{NO-BREAK SPACE}")  # noqa: RUF001
# A sign between two letters is none: so read, a letter of another code page would be a quote.
_OUTSIDE_WORDS = re.compile(r"[^\W\d_]’(?=[^\W\d_])|(?<![^\W\d_])[^\x00-\x7f]|[^\x00-\x7f](?![^\W\d_])")  # noqa: RUF001
# Western words are mostly of ASCII letters; those in another script hardly have one.
_ANOTHER_SCRIPT = 0.8
_FITS = 0.9

codecs.register_error("landing", lambda error: (_UNDECODABLE, error.end))  # type: ignore[attr-defined]


def transcode(source: BinaryIO, target: BinaryIO, *, encoding: str, lines_to_skip: int = 0) -> list[str]:
    """Write the text of ``source`` to ``target`` as UTF-8, without its first lines.

    Args:
        source: Bytes in ``encoding``; read in chunks.
        target: The copy. A byte that cannot be decoded becomes one that UTF-8 never holds.
        encoding: A name that Python knows.
        lines_to_skip: Lines that are left out.

    Returns:
        The lines left out, without their ends.

    Raises:
        Unreadable: when the text is UTF-8, and would be other letters in ``encoding``.
    """
    codec = codec_of(encoding)
    is_utf_8 = _Utf8Test() if is_code_page(codec) else None
    skipped: list[str] = []
    rest = ""
    for text in _decoded(source, codec, is_utf_8):
        rest += text
        while len(skipped) < lines_to_skip:
            end = _LINE_END.search(rest)
            # A carriage return at the end of a chunk may be the first half of a line end.
            if end is None or (end[0] == "\r" and end.end() == len(rest)):
                break
            skipped.append(rest[: end.start()])
            rest = rest[end.end() :]
        if len(skipped) == lines_to_skip:
            target.write(rest.encode(UTF_8, "surrogateescape"))
            rest = ""
    if is_utf_8 is not None and is_utf_8.has_passed:
        raise Unreadable(
            f"it is UTF-8, and the source has encoding: {encoding}; set encoding: utf-8, or make a source of "
            "its own for it"
        )
    return skipped


class _Utf8Test:
    """Whether bytes are UTF-8 and not only ASCII: no text in a code page is, but for a letter or two."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder(UTF_8)()
        self._is_utf_8, self._has_letters = True, False

    def feed(self, chunk: bytes, *, is_last: bool) -> None:
        try:
            self._has_letters |= self._is_utf_8 and not self._decoder.decode(chunk, is_last).isascii()
        except UnicodeDecodeError:
            self._is_utf_8 = False

    @property
    def has_passed(self) -> bool:
        return self._is_utf_8 and self._has_letters


def _decoded(source: BinaryIO, codec: str, test: _Utf8Test | None) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(codec)("landing")
    for chunk in chain(iter(lambda: source.read(CHUNK), b""), (b"",)):
        if test is not None:
            test.feed(chunk, is_last=not chunk)
        yield decoder.decode(chunk, not chunk)


def is_code_page(codec: str) -> bool:
    """Whether each byte is one character, and ASCII stays as it is."""
    ascii_bytes, other = bytes(range(32, 127)), bytes(range(128, 256))
    is_ascii = ascii_bytes.decode(codec, "replace") == ascii_bytes.decode("ascii")
    return is_ascii and len(other.decode(codec, "replace")) == len(other)


def advice(sample: bytes, *, encoding: str) -> str:
    """What to do about text that is not in ``encoding``.

    Args:
        sample: The first bytes of the file.
        encoding: The encoding that the source gives.
    """
    found = looks_like(sample, declared=encoding)
    if found is None:
        return "set encoding to that of the file, such as windows-1252, or save it as UTF-8"
    return f"it looks like {found}: set encoding: {found} in this source, or save it as UTF-8"


def looks_like(sample: bytes, *, declared: str) -> str | None:
    """Name the encoding of ``sample``, other than ``declared``; ``None`` when no usual one fits.

    >>> looks_like("Müller, 5 €".encode("cp1252"), declared="utf-8")
    'windows-1252'
    >>> looks_like("Größe".encode("cp850"), declared="utf-8")
    'cp850'
    >>> looks_like("Привет, мир".encode("cp1251"), declared="utf-8")
    'windows-1251'
    """
    if is_utf_8(sample):
        return UTF_8 if codec_of(declared) != UTF_8 and not sample.isascii() else None
    scores = {codec: _score(sample, codec) for codec in _CANDIDATES if codec != codec_of(declared)}
    best = max(scores, key=lambda codec: scores[codec])
    return _NAMES.get(best, best) if scores[best] >= _FITS else None


def is_utf_8(sample: bytes) -> bool:
    """Whether ``sample``, the beginning of a file, is UTF-8."""
    try:
        # The end of the sample may cut a letter.
        codecs.getincrementaldecoder(UTF_8)().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _score(sample: bytes, codec: str) -> float:
    """Share of the characters beyond ASCII in ``sample`` that a text in ``codec`` would have, 0 to 1."""
    text = sample.decode(codec, "replace")
    found = [letter for letter in text if not letter.isascii()]
    words = [word for word in re.findall(r"\w+", text) if not word.isascii()]
    own = sum(not letter.isascii() for word in words for letter in word)
    is_other = bool(words) and own > _ANOTHER_SCRIPT * sum(map(len, words))
    if not found or is_other != (codec == "cp1251"):
        return 0.0
    signs = [sign for sign in _OUTSIDE_WORDS.findall(text) if sign[-1] in _SIGNS]
    return (sum(letter.isalpha() for letter in found) + len(signs)) / len(found)


def first_lines(content: bytes, *, count: int) -> list[bytes]:
    """The first lines of UTF-8 ``content``, without their ends."""
    return re.split(rb"\r\n|\r|\n", content, maxsplit=count)[:count]
