"""E-mail addresses and telephone numbers in the form that Google Customer Match and Meta require."""

import hashlib
import re
from typing import Literal

Destination = Literal["google", "meta"]
DESTINATIONS: tuple[Destination, ...] = ("google", "meta")

# At these domains dots and a +suffix in the local part do not change the recipient.
SAME_PERSON = ("gmail.com", "googlemail.com")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# E.164: a country code, which never begins with 0, and at most 15 digits in all.
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# A spreadsheet reads a cell that begins with one of these as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def normalise_email(destination: Destination, text: str | None) -> str | None:
    """Normalise an address for hashing: trimmed, lower case; for Google without dots and suffix at Gmail.

    Returns:
        ``None`` if ``text`` is not an address.

    Source: developers.google.com/google-ads/api (customer match: normalise and hash); Meta's customer list
    guide, which keeps dots and suffix.
    """
    address = (text or "").strip().lower()
    if not EMAIL.fullmatch(address):
        return None
    local, _, domain = address.partition("@")
    if destination == "google" and domain in SAME_PERSON:
        local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}" if local else None


def normalise_phone(destination: Destination, text: str | None) -> str | None:
    """Normalise a number for hashing, with country code: E.164 for Google, digits only for Meta.

    Only numbers that begin with ``+`` or ``00`` state their country.

    Returns:
        ``None`` if ``text`` is not an international number.
    """
    written = re.sub(r"\(0\)|[^0-9+]", "", (text or "").strip())
    number = re.sub("^00", "+", written)
    if not E164.fullmatch(number):
        return None
    return number if destination == "google" else number.removeprefix("+")


def sha256_hex(normalised: str | None) -> str:
    """SHA-256 as 64 lower-case hexadecimal digits; an empty text for ``None``."""
    return hashlib.sha256(normalised.encode()).hexdigest() if normalised else ""


def escape_formula(cell: str) -> str:
    """Prefix an apostrophe to a cell that a spreadsheet would run as a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
