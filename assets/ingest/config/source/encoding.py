"""Names of text encodings, as Python knows them."""

import codecs
import difflib
from encodings.aliases import aliases

# Windows and the web call this latin-1 too: it has letters, quotes and the euro sign where ISO 8859-1 has
# control characters, which no export holds. Source: encoding.spec.whatwg.org, labels of windows-1252.
_LATIN_1, _WINDOWS_1252 = "iso8859-1", "cp1252"
UTF_8 = "utf-8"


def codec_of(encoding: str) -> str:
    """Python's name of ``encoding``.

    Raises:
        ValueError: when there is no such encoding of text; names the nearest one.

    >>> codec_of("Windows-1252"), codec_of("latin-1"), codec_of("utf-8-sig")
    ('cp1252', 'cp1252', 'utf-8')
    """
    try:
        name = codecs.lookup(encoding).name
        "a".encode(encoding)
    except (LookupError, UnicodeError, ValueError) as unknown:
        near = difflib.get_close_matches(encoding.lower().replace("-", "_"), aliases, n=1)
        meant = f": did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"{encoding!r} is no encoding of text; write one such as utf-8, windows-1252, utf-16, cp850, "
            f"gb18030 or shift_jis{meant}"
        ) from unknown
    if name == "utf-8-sig":
        return UTF_8
    return _WINDOWS_1252 if name == _LATIN_1 else name
