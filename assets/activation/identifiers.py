"""E-mail addresses and telephone numbers in the form that Google Customer Match and Meta require."""

import hashlib
import re
import unicodedata
from typing import Literal

import phonenumbers

Destination = Literal["google", "meta"]
DESTINATIONS: tuple[Destination, ...] = ("google", "meta")

# At these domains dots and a +suffix in the local part do not change the recipient.
SAME_PERSON = ("gmail.com", "googlemail.com")
EMAIL = re.compile(r'[^@\s<>,;:"]+@([^@\s<>,;:".]+\.)+[^@\s<>,;:".]+')
# "Anna <anna@example.org>", and the address in a link.
_IN_BRACKETS = re.compile(r"[^<>]*<([^<>]*)>")
_IN_LINK = re.compile(r"mailto:([^?]*)(\?.*)?")
# Digits behind one of these belong to a private exchange; a text with anything else holds more than a number.
_EXTENSION = re.compile(r"\s*(;\s*ext=|#|\(?\b(extension|extn?|durchwahl|x)|(?<=\d)x)[.: ]*\d{1,7}\)?$")
_DASHES = re.compile("[\N{HYPHEN}-\N{HORIZONTAL BAR}\N{MINUS SIGN}]")
_NUMBER = re.compile(r"\+?[0-9 ()./-]+")
# A spreadsheet reads a cell that begins with one of these as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def normalise_email(destination: Destination, text: str | None) -> str | None:
    """Normalise an address for hashing: trimmed, lower case; for Google also without blanks.

    At Gmail, Google drops dots and a suffix too. An address in angle brackets or in a link is taken out of
    it; characters that do not print are dropped.

    Returns:
        ``None`` if ``text`` is not one address.

    Source: developers.google.com/data-manager/api/devguides/concepts/formatting; Meta's customer list guide,
    which keeps dots and suffix.
    """
    address = _printed(text).lower()
    for wrapping in (_IN_BRACKETS, _IN_LINK):
        found = wrapping.fullmatch(address)
        address = found[1].strip() if found else address
    if destination == "google":
        address = re.sub(r"\s", "", address)
    if not EMAIL.fullmatch(address):
        return None
    local, _, domain = address.partition("@")
    if destination == "google" and domain in SAME_PERSON:
        local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}" if local else None


def normalise_phone(destination: Destination, text: str | None, country: str | None = None) -> str | None:
    """Normalise a number for hashing, with country code: E.164 for Google, digits only for Meta.

    An extension is cut off: it is no part of the number, and its digits would make it somebody else's.

    Args:
        destination: Google or Meta.
        text: The number as delivered.
        country: Two letters (ISO 3166) of the customer's country, in which a number without ``+`` or ``00``
            is national; ``None`` or another form gives such a number no country.

    Returns:
        ``None`` if ``text`` is not one number that somebody can have.

    Source: Google's libphonenumber, which knows the numbering plan of every country.
    """
    written = _DASHES.sub("-", re.sub(r"\s", " ", _printed(text).lower().removeprefix("tel:"))).strip()
    number = re.sub("^00", "+", _EXTENSION.sub("", written))
    region = (country or "").strip().upper()
    if not _NUMBER.fullmatch(number):
        return None
    if not number.startswith("+") and region not in phonenumbers.SUPPORTED_REGIONS:
        return None
    try:
        parsed = phonenumbers.parse(number, region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return e164 if destination == "google" else e164.removeprefix("+")


def _printed(text: str | None) -> str:
    """``text`` in composed form, without characters that do not print and without blanks around it."""
    composed = unicodedata.normalize("NFC", text or "")
    return "".join(letter for letter in composed if unicodedata.category(letter) != "Cf").strip()


def sha256_hex(normalised: str | None) -> str:
    """SHA-256 as 64 lower-case hexadecimal digits; an empty text for ``None``."""
    return hashlib.sha256(normalised.encode()).hexdigest() if normalised else ""


def escape_formula(cell: str) -> str:
    """Prefix an apostrophe to a cell that a spreadsheet would run as a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
