"""One spelling of every text and id: blanks, invisible characters and forms of Unicode."""

import re
import unicodedata

from assets.ingest.parsing.sql import literal

# Every blank of Unicode but those that end a line, which a title may hold.
_BLANKS = "\t \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# Hyphens, joints and marks of direction that do not print.
_INVISIBLE = "\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_ENDS = f"[\n\r\x0b\x0c\x85{_BLANKS}{_INVISIBLE}]+"
_AROUND = f"^{_ENDS}|{_ENDS}$"
# pandas and databases write a column of whole numbers with a gap as 123.0, and it means 123.
_WHOLE = r"^(-?[0-9]{1,15})[.]0+$"
# Cleaning every value takes several times as long as testing it first.
_IS_ODD = literal("^ | $|[^ -~]")
_IS_ODD_ID = literal("^ | $|[^ -~]|[.]0+$")


def is_id(column: str) -> bool:
    """Whether ``column`` of a raw table identifies something, so that its values are compared."""
    return column.endswith("_id")


def clean_text(given: str) -> str:
    """SQL of a text without blanks around it, in Unicode's composed form (NFC); blank text becomes null.

    Args:
        given: SQL of the text.
    """
    cleaned = f"nullif(nfc_normalize(regexp_replace({given}, {literal(_AROUND)}, '', 'g')), '')"
    return _where_odd(given, _IS_ODD, cleaned)


def clean_id(given: str) -> str:
    """SQL of an id, as :func:`normalised_id` spells it; a blank one becomes null.

    Args:
        given: SQL of the id as text.
    """
    visible = f"regexp_replace({given}, {literal(f'[{_INVISIBLE}]')}, '', 'g')"
    plain = f"regexp_replace({visible}, {literal(f'[{_BLANKS}]')}, ' ', 'g')"
    trimmed = f"nfc_normalize(regexp_replace({plain}, {literal(_AROUND)}, '', 'g'))"
    cleaned = f"nullif(regexp_replace({trimmed}, {literal(_WHOLE)}, '\\1'), '')"
    return _where_odd(given, _IS_ODD_ID, cleaned)


def _where_odd(given: str, is_odd: str, cleaned: str) -> str:
    is_odd = f"regexp_matches({given}, {is_odd})"
    return f"case when {given} = '' then null when {is_odd} then {cleaned} else {given} end"


def normalised_id(text: str) -> str:
    r"""Spell an id as the raw tables do, so that it compares however a file or a person writes it.

    Blanks around it and characters that do not print are removed, other blanks inside are plain ones, letters
    are composed (NFC), and a whole number has no decimals.

    >>> normalised_id(" C\u00a01\u200e "), normalised_id("123.0"), normalised_id("Zoe\u0308")
    ('C 1', '123', 'Zoë')
    """
    plain = re.sub(f"[{_BLANKS}]", " ", re.sub(f"[{_INVISIBLE}]", "", text))
    return re.sub(_WHOLE, r"\1", unicodedata.normalize("NFC", re.sub(_AROUND, "", plain)))


def respell(text: str) -> str:
    r"""Spell every id inside ``text``, such as the lines of a file, as :func:`normalised_id` does.

    Tabs and ends of lines stay, because they end a cell.

    >>> respell("a,C\u00a01\u200b00\tb,Zoe\u0308\n")
    'a,C 100\tb,Zoë\n'
    """
    visible = re.sub(f"[{_INVISIBLE}]", "", text)
    return unicodedata.normalize("NFC", re.sub(f"[{_BLANKS[1:]}]", " ", visible))
